//! Who held which record of a pool, from when until when.

use farley_domain::{
    model::object::Object,
    values::{id::Id, time::Timestamp},
};

use crate::{
    error::StoreError,
    on,
    reader::Reader,
    sql::{
        rows::{Holding, NewHolding},
        statement::{Bind, Dialect, Statement, write_sql},
    },
    work::Work,
};

impl Work<'_> {
    /// Takes a named lock for the rest of the work: of two who ask for the same, the second waits.
    pub fn lock(&mut self, name: &str) -> Result<(), StoreError> {
        let name = format!("{name} {}", self.tenant().id);
        on!(self.connection(), locks::wait(&name))
    }

    /// Keeps a record as it is until the end of the work, so that what is decided by it stays true: who would change it waits. Any
    /// number may hold the same record at once. What was read of it before may be out of date.
    pub fn hold(&mut self, object: &Object, id: Id) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Postgres && self.held.insert((object.table, id)) {
            let mut sql = Statement::of(self.dialect(), "SELECT 1 FROM ");
            write_sql!(sql, object.table, " WHERE tenant_id = ", self.tenant().id, " AND id = ", id, " FOR SHARE");
            self.connection().load(&sql, &[])?;
            self.forget_read();
        }
        Ok(())
    }

    /// The next place of a named round, 0 at first; who asks at the same time waits for the end of this work.
    pub fn next_turn(&mut self, name: &str) -> Result<i64, StoreError> {
        self.lock(name)?;
        let tenant = self.tenant().id;
        on!(self.connection(), records::next_number(tenant, name))
    }

    /// Says which place of a named round comes next.
    pub fn set_next_turn(&mut self, name: &str, next: i64) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), records::set_next_number(tenant, name, next))
    }

    /// Notes that somebody holds a record from now on.
    pub fn begin_holding(&mut self, object: &Object, record: Id, pool: Id, user: Id, began: &str) -> Result<(), StoreError> {
        let holding = NewHolding {
            tenant_id: self.tenant().id,
            id: self.new_id(),
            object: object.name,
            record_id: record,
            pool_id: pool,
            user_id: user,
            since: self.origin.now,
            began,
        };
        on!(self.connection(), holdings::begin(holding))
    }

    /// Notes that whoever holds a record holds it no more.
    pub fn end_holding(&mut self, record: Id, ended: &str) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), holdings::end(tenant, record, ended, now))
    }

    /// Says how the present holding of a record began.
    pub fn tell_holding_began(&mut self, record: Id, began: &str) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), holdings::set_began(tenant, record, began))
    }

    /// Says how a holding ended, and why.
    pub fn tell_holding_ended(&mut self, holding: Id, ended: &str, reason: Option<&str>) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), holdings::set_ended(tenant, holding, ended, reason))
    }

    /// Notes that the holder was warned.
    pub fn warned(&mut self, holding: Id) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), holdings::set_warned(tenant, holding, now))
    }
}

impl Reader<'_> {
    /// Whose web form has a token: tenant and form.
    pub fn form_of_token(&mut self, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
        on!(&mut self.connection, records::form_of_token(token))
    }

    /// The holdings of a record, the latest first: at most `limit` from `offset` on.
    pub fn holdings(&mut self, record: Id, limit: i64, offset: i64) -> Result<Vec<Holding>, StoreError> {
        on!(&mut self.connection, holdings::of_record(self.tenant.id, record, limit, offset))
    }

    /// When somebody last ceased to hold a record; none if they never held it.
    pub fn last_held_by(&mut self, record: Id, user: Id) -> Result<Option<Timestamp>, StoreError> {
        on!(&mut self.connection, holdings::last_until(self.tenant.id, record, user))
    }

    /// How many records of a pool somebody has claimed since a time.
    pub fn claims_since(&mut self, pool: Id, user: Id, since: Timestamp) -> Result<i64, StoreError> {
        on!(&mut self.connection, holdings::claims_since(self.tenant.id, pool, user, since))
    }

    /// Holdings of a pool that began before a time, whose records are live, after a place in the order of their beginning.
    pub fn holdings_since(
        &mut self,
        object: &Object,
        pool: Id,
        before: Timestamp,
        after: Option<(Timestamp, Id)>,
        limit: i64,
    ) -> Result<Vec<Holding>, StoreError> {
        let mut condition = Statement::of(self.connection.dialect(), "EXISTS (SELECT 1 FROM ");
        write_sql!(condition, object.table, " t WHERE t.tenant_id = pool_holdings.tenant_id AND t.id = pool_holdings.record_id");
        condition.sql(" AND t.archived_at IS NULL)");
        if let Some((since, id)) = after {
            write_sql!(condition, " AND (since, id) > (", Bind::time(since), ", ", id, ")");
        }
        on!(&mut self.connection, holdings::present(self.tenant.id, pool, before, condition, limit))
    }
}
