//! What users log in with: passwords, sessions, API keys, and the keys that sign tokens.

use farley_domain::values::{id::Id, time::Timestamp};

use super::Reader;
use crate::{
    error::StoreError,
    on,
    sql::rows::{LoginFailureRow, RotationRow, SessionRow, SigningKeyRow},
};

impl Reader<'_> {
    pub fn password(&mut self, user: Id) -> Result<Option<String>, StoreError> {
        on!(&mut self.connection, credentials::password(self.tenant.id, user))
    }

    pub fn password_changed_at(&mut self, user: Id) -> Result<Option<Timestamp>, StoreError> {
        on!(&mut self.connection, credentials::password_changed_at(self.tenant.id, user))
    }

    pub fn session(&mut self, id: Id) -> Result<Option<SessionRow>, StoreError> {
        on!(&mut self.connection, credentials::session(self.tenant.id, id))
    }

    /// What is noted of a token of a session that was rotated at `since` or later.
    pub fn rotation(&mut self, session: Id, hash: &[u8], since: Timestamp) -> Result<Option<RotationRow>, StoreError> {
        on!(&mut self.connection, credentials::rotation(self.tenant.id, session, hash, since))
    }

    pub fn sessions(&mut self, user: Id, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
        on!(&mut self.connection, credentials::sessions(self.tenant.id, user, now))
    }

    /// Whose API key has this hash: tenant and key.
    pub fn api_key(&mut self, hash: &[u8]) -> Result<Option<(Id, Id)>, StoreError> {
        on!(&mut self.connection, credentials::api_key(hash))
    }

    pub fn password_token(&mut self, hash: &[u8], now: Timestamp) -> Result<Option<(Id, Id)>, StoreError> {
        on!(&mut self.connection, credentials::password_token(hash, now))
    }

    pub fn signing_keys(&mut self) -> Result<Vec<SigningKeyRow>, StoreError> {
        on!(&mut self.connection, credentials::signing_keys())
    }

    pub fn login_failures(&mut self, subject: &str) -> Result<Option<LoginFailureRow>, StoreError> {
        on!(&mut self.connection, credentials::login_failures(subject))
    }
}
