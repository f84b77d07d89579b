//! Who is editing what: advice for others, that keeps nobody out.

use farley_domain::values::{id::Id, time::Timestamp};

use crate::{error::StoreError, on, reader::Reader, sql::rows::RecordLockRow, work::Work};

impl Reader<'_> {
    /// Who holds a record now.
    pub fn record_lock(&mut self, record: Id, now: Timestamp) -> Result<Option<RecordLockRow>, StoreError> {
        on!(&mut self.connection, record_locks::of_record(self.tenant.id, record, now))
    }

    /// How many records a user holds now.
    pub fn record_locks_of(&mut self, user: Id, now: Timestamp) -> Result<i64, StoreError> {
        on!(&mut self.connection, record_locks::held_by(self.tenant.id, user, now))
    }

    /// The records that are held now, or those of one object, after one, in the order of their ids.
    pub fn record_locks(
        &mut self,
        object: Option<&str>,
        after: Id,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<RecordLockRow>, StoreError> {
        on!(&mut self.connection, record_locks::held(self.tenant.id, object, after, now, limit))
    }
}

impl Work<'_> {
    /// Holds a record for a user, or goes on holding it; false if another holds it and it is not taken over.
    pub fn hold_record(&mut self, row: &RecordLockRow, takes_over: bool) -> Result<bool, StoreError> {
        let now = self.origin.now;
        on!(self.connection(), record_locks::hold(row.clone(), takes_over, now))
    }

    /// Lets go of a record; false if the user did not hold it.
    pub fn let_go_of_record(&mut self, record: Id, user: Id) -> Result<bool, StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), record_locks::give_up(tenant, record, user))
    }

    /// Forgets who held something for too long.
    pub fn purge_record_locks(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), record_locks::purge(tenant, now))
    }
}
