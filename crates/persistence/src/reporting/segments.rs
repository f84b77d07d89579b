//! Members of segments, and how far segments have come in the event log.

use farley_domain::{model::object::Object, query::predicate::Predicate, values::id::Id};

use crate::{
    error::StoreError,
    on,
    reader::{Reader, TenantKey},
    records::filter::Condition,
    sql::{
        rows::{SegmentCursorRow, SegmentMemberRow},
        statement::{Statement, write_sql},
    },
    work::Work,
};

impl Reader<'_> {
    /// How far the dynamic segments of the tenant have come.
    pub fn segment_cursors(&mut self) -> Result<Vec<SegmentCursorRow>, StoreError> {
        on!(&mut self.connection, segments::cursors(self.tenant.id))
    }

    /// Tenants whose log goes on behind a segment of theirs; so many at most.
    pub fn tenants_behind_segments(&mut self, limit: i64) -> Result<Vec<TenantKey>, StoreError> {
        let found = on!(&mut self.connection, segments::behind(limit))?;
        Ok(found.into_iter().map(|(id, number)| TenantKey { id, number }).collect())
    }

    /// Those of some records that are members of a segment.
    pub fn segment_members_among(&mut self, segment: Id, records: &[Id]) -> Result<Vec<Id>, StoreError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        on!(&mut self.connection, segments::among(self.tenant.id, segment, records))
    }

    /// How many members a segment has.
    pub fn segment_size(&mut self, segment: Id) -> Result<i64, StoreError> {
        on!(&mut self.connection, segments::count(self.tenant.id, segment))
    }
}

impl Work<'_> {
    /// Lets a segment follow the event log from a position on.
    pub fn begin_segment_cursor(&mut self, segment: Id, position: i64, is_filled: bool) -> Result<(), StoreError> {
        let row = SegmentCursorRow { tenant_id: self.tenant().id, segment_id: segment, position, is_filled };
        on!(self.connection(), segments::begin(row))
    }

    pub fn move_segment_cursor(&mut self, segment: Id, position: i64) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), segments::place(tenant, segment, position))
    }

    /// Notes that all the first members of a segment have been found.
    pub fn note_segment_filled(&mut self, segment: Id) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), segments::filled(tenant, segment))
    }

    pub fn forget_segment_cursor(&mut self, segment: Id) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), segments::forget(tenant, segment))
    }

    /// Puts records into a segment, but for those that are in it.
    pub fn add_segment_members(&mut self, segment: Id, object: &'static Object, records: &[Id]) -> Result<(), StoreError> {
        let tenant_id = self.tenant().id;
        let row = |id: &Id| SegmentMemberRow { tenant_id, segment_id: segment, object: object.name, record_id: *id };
        let rows: Vec<SegmentMemberRow> = records.iter().map(row).collect();
        on!(self.connection(), segments::add(rows))
    }

    pub fn remove_segment_members(&mut self, segment: Id, records: &[Id]) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), segments::remove(tenant, segment, records))
    }

    /// Takes all members out of a segment.
    pub fn clear_segment(&mut self, segment: Id) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), segments::clear(tenant, segment))
    }

    /// Puts records of an object that a predicate describes into a segment, at most so many; how many there were. The predicate leaves out
    /// those that are in it.
    pub fn fill_segment(
        &mut self,
        segment: Id,
        object: &'static Object,
        predicate: &Predicate,
        most: i64,
    ) -> Result<usize, StoreError> {
        let place = self.reader().place(object);
        let mut sql = Statement::of(self.dialect(), "INSERT INTO segment_members (tenant_id, segment_id, object, record_id)");
        write_sql!(sql, " SELECT t.tenant_id, ", segment, ", '", object.name, "', t.id FROM ", object.table, " t");
        write_sql!(sql, " WHERE t.tenant_id = ", place.tenant, " AND ", Condition(predicate, &place));
        sql.sql(" LIMIT ").integer(most);
        self.connection().execute(&sql)
    }
}
