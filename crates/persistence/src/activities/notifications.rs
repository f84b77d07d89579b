//! What users have been notified of: how much of it is unread.

use farley_domain::values::id::Id;

use crate::{error::StoreError, on, reader::Reader, work::Work};

impl Work<'_> {
    /// Marks all notifications of a user as read; how many there were.
    pub fn read_notifications(&mut self, user: Id) -> Result<usize, StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), records::read_notifications(tenant, user, now))
    }
}

impl Reader<'_> {
    /// How many notifications a user has not read.
    pub fn unread_notifications(&mut self, user: Id) -> Result<i64, StoreError> {
        on!(&mut self.connection, records::unread_notifications(self.tenant.id, user))
    }
}
