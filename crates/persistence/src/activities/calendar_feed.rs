//! The secret addresses under which calendars are read.

use farley_domain::values::id::Id;

use crate::{error::StoreError, on, reader::Reader, work::Work};

impl Work<'_> {
    /// Gives the calendar of a user a new secret address.
    pub fn set_calendar_feed(&mut self, user: Id, hash: &[u8]) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), calendars::set_feed(tenant, user, hash, now))
    }

    /// Takes the address away; false if there was none.
    pub fn revoke_calendar_feed(&mut self, user: Id) -> Result<bool, StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), calendars::revoke_feed(tenant, user))
    }
}

impl Reader<'_> {
    /// Whose calendar has a secret address: tenant and user.
    pub fn calendar_feed(&mut self, hash: &[u8]) -> Result<Option<(Id, Id)>, StoreError> {
        on!(&mut self.connection, calendars::feed(hash))
    }
}
