//! Customer portals: the codes that were mailed, and who is signed in.

use farley_domain::values::{id::Id, time::Timestamp};

use crate::{
    error::StoreError,
    on,
    reader::Reader,
    sql::rows::{PortalCodeRow, PortalSessionRow},
    work::Work,
};

impl Reader<'_> {
    /// Whose portal has a token: tenant and portal.
    pub fn portal_of_token(&mut self, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
        on!(&mut self.connection, portal::portal_of_token(token))
    }

    pub fn portal_code(&mut self, portal: Id, email: &str) -> Result<Option<PortalCodeRow>, StoreError> {
        on!(&mut self.connection, portal::portal_code(self.tenant.id, portal, email))
    }

    pub fn portal_session(&mut self, id: Id) -> Result<Option<PortalSessionRow>, StoreError> {
        on!(&mut self.connection, portal::portal_session(self.tenant.id, id))
    }
}

impl Work<'_> {
    /// Keeps a code in place of the one before.
    pub fn set_portal_code(&mut self, row: &PortalCodeRow) -> Result<(), StoreError> {
        let now = self.origin.now;
        on!(self.connection(), portal::set_portal_code(row.clone(), now))
    }

    /// Counts an attempt to use a code.
    pub fn count_portal_attempt(&mut self, portal: Id, email: &str) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), portal::count_portal_attempt(tenant, portal, email))
    }

    pub fn remove_portal_code(&mut self, portal: Id, email: &str) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), portal::remove_portal_code(tenant, portal, email))
    }

    pub fn add_portal_session(&mut self, row: &PortalSessionRow) -> Result<(), StoreError> {
        on!(self.connection(), portal::add_portal_session(row.clone()))
    }

    /// Gives a session its next refresh token, and notes what that followed; false if another request was quicker.
    pub fn rotate_portal_session(
        &mut self,
        session: &PortalSessionRow,
        refresh_hash: &[u8],
        salt: &[u8],
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let now = self.origin.now;
        on!(self.connection(), portal::rotate_portal_session(session, refresh_hash, salt, expires_at, now))
    }

    /// Ends a session; whether it had not ended.
    pub fn revoke_portal_session(&mut self, id: Id) -> Result<bool, StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), portal::revoke_portal_session(tenant, id, now))
    }
}
