//! What users log in with: passwords, sessions, API keys, and the keys that sign tokens.

use farley_domain::values::{id::Id, time::Timestamp};

use super::Work;
use crate::{
    error::StoreError,
    on,
    sql::rows::{LoginFailureRow, RotationRow, SessionRow, SigningKeyRow},
};

impl Work<'_> {
    pub fn set_password(&mut self, user: Id, hash: &str) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), credentials::set_password(tenant, user, hash, now))
    }

    pub fn set_password_token(&mut self, user: Id, hash: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), credentials::set_password_token(tenant, user, hash, expires_at))
    }

    /// Keeps a one-time token for setting a password beside those that the user has.
    pub fn add_password_token(&mut self, user: Id, hash: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), credentials::add_password_token(tenant, user, hash, expires_at, now))
    }

    pub fn void_password_tokens(&mut self, user: Id) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), credentials::void_password_tokens(tenant, user))
    }

    pub fn add_session(&mut self, row: &SessionRow) -> Result<(), StoreError> {
        on!(self.connection(), credentials::add_session(row.clone()))
    }

    pub fn rotate_session(
        &mut self,
        session: &SessionRow,
        refresh_hash: &[u8],
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let now = self.origin.now;
        on!(self.connection(), credentials::rotate_session(session, refresh_hash, expires_at, now))
    }

    /// Notes what a rotated token was followed by, and forgets what was noted of the session before `since`.
    pub fn add_rotation(&mut self, row: &RotationRow, since: Timestamp) -> Result<(), StoreError> {
        on!(self.connection(), credentials::add_rotation(row.clone(), since))
    }

    pub fn revoke_session(&mut self, id: Id) -> Result<bool, StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), credentials::revoke_session(tenant, id, now))
    }

    pub fn revoke_sessions(&mut self, user: Id, but: Option<Id>) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), credentials::revoke_sessions(tenant, user, but, now))
    }

    pub fn add_api_key_hash(&mut self, api_key: Id, hash: &[u8]) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), credentials::add_api_key_hash(tenant, api_key, hash))
    }

    /// Keeps the first characters of a key beside it, to tell it by.
    pub fn set_api_key_prefix(&mut self, api_key: Id, prefix: &str) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), records::set_api_key_prefix(tenant, api_key, prefix))
    }

    pub fn add_signing_key(&mut self, row: &SigningKeyRow) -> Result<(), StoreError> {
        on!(self.connection(), credentials::add_signing_key(row.clone()))
    }

    pub fn retire_signing_keys(&mut self) -> Result<(), StoreError> {
        let now = self.origin.now;
        on!(self.connection(), credentials::retire_signing_keys(now))
    }

    pub fn forget_signing_keys(&mut self, retired_before: Timestamp) -> Result<(), StoreError> {
        on!(self.connection(), credentials::forget_signing_keys(retired_before))
    }

    pub fn set_login_failures(&mut self, row: &LoginFailureRow) -> Result<(), StoreError> {
        on!(self.connection(), credentials::set_login_failures(row))
    }

    pub fn clear_login_failures(&mut self, subject: &str) -> Result<(), StoreError> {
        on!(self.connection(), credentials::clear_login_failures(subject))
    }
}
