//! Who held which record of a pool, from when until when.

use farley_domain::{id::Id, object::Object, time::Timestamp};

use crate::{
    error::StoreError,
    reader::Reader,
    sql::{
        row::Cell,
        statement::{Bind, ColumnType, Statement},
    },
    work::Work,
};

/// One time somebody held a record.
#[derive(Clone, Debug)]
pub struct Holding {
    pub id: Id,
    pub record: Id,
    pub pool: Id,
    pub user: Id,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    /// `claimed` or `assigned`.
    pub began: String,
    /// `released`, `recalled`, `reassigned`, `archived`.
    pub ended: Option<String>,
    pub reason: Option<String>,
    pub warned_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "h.id, h.record_id, h.pool_id, h.user_id, h.since, h.until, h.began, h.ended, h.reason, h.warned_at FROM pool_holdings h";
const TYPES: [ColumnType; 10] = [
    ColumnType::Id,
    ColumnType::Id,
    ColumnType::Id,
    ColumnType::Id,
    ColumnType::Time,
    ColumnType::Time,
    ColumnType::Text,
    ColumnType::Text,
    ColumnType::Text,
    ColumnType::Time,
];

impl Holding {
    fn of(cells: &[Cell]) -> Result<Holding, StoreError> {
        let unfit = || StoreError::Internal("a holding cannot be read".to_owned());
        let id = |place: usize| cells.get(place).and_then(Cell::as_id).ok_or_else(unfit);
        let time = |place: usize| match cells.get(place) {
            Some(Cell::Time(time)) => Some(*time),
            _ => None,
        };
        let text = |place: usize| cells.get(place).and_then(Cell::as_text).map(str::to_owned);
        Ok(Holding {
            id: id(0)?,
            record: id(1)?,
            pool: id(2)?,
            user: id(3)?,
            since: time(4).ok_or_else(unfit)?,
            until: time(5),
            began: text(6).unwrap_or_default(),
            ended: text(7),
            reason: text(8),
            warned_at: time(9),
        })
    }
}

impl Work<'_> {
    /// Takes a named lock for the rest of the work: of two who ask for the same, the second waits.
    pub fn lock(&mut self, name: &str) -> Result<(), StoreError> {
        if self.dialect() == crate::sql::statement::Dialect::Postgres {
            let mut sql = Statement::of(self.dialect(), "SELECT pg_advisory_xact_lock(hashtextextended(");
            sql.text(format!("{name} {}", self.tenant().id)).sql(", 0))");
            self.connection().load(&sql, &[])?;
        }
        Ok(())
    }

    /// Keeps a record as it is until the end of the work, so that what is decided by it stays true: who would change it waits. Any
    /// number may hold the same record at once. What was read of it before may be out of date.
    pub fn hold(&mut self, object: &Object, id: Id) -> Result<(), StoreError> {
        if self.dialect() == crate::sql::statement::Dialect::Postgres {
            let mut sql = Statement::of(self.dialect(), "SELECT 1 FROM ");
            sql.sql(format!("{} WHERE tenant_id = ", object.table)).id(self.tenant().id);
            sql.sql(" AND id = ").id(id).sql(" FOR SHARE");
            self.connection().load(&sql, &[])?;
        }
        Ok(())
    }

    /// The next turn of a named round, counted from 1; who asks at the same time waits for the end of this work.
    pub fn turn(&mut self, name: &str) -> Result<i64, StoreError> {
        let tenant = self.tenant().id;
        crate::work::take_numbers(self.connection(), tenant, name, 1)
    }

    /// Notes that somebody holds a record from now on.
    pub fn begin_holding(&mut self, object: &Object, record: Id, pool: Id, user: Id, began: &str) -> Result<(), StoreError> {
        let (id, now) = (self.new_id(), self.origin.now);
        let mut sql = Statement::of(
            self.dialect(),
            "INSERT INTO pool_holdings (tenant_id, id, object, record_id, pool_id, user_id, since, began) VALUES (",
        );
        sql.id(self.tenant().id).sql(", ").id(id).sql(", ").text(object.name).sql(", ").id(record).sql(", ").id(pool);
        sql.sql(", ").id(user).sql(", ").bind(Bind::time(now)).sql(", ").text(began).sql(")");
        self.connection().execute(&sql).map(drop)
    }

    /// Notes that whoever holds a record holds it no more.
    pub fn end_holding(&mut self, record: Id, ended: &str) -> Result<(), StoreError> {
        let now = self.origin.now;
        let mut sql = Statement::of(self.dialect(), "UPDATE pool_holdings SET until = ");
        sql.bind(Bind::time(now)).sql(", ended = ").text(ended);
        sql.sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND record_id = ").id(record).sql(" AND until IS NULL");
        self.connection().execute(&sql).map(drop)
    }

    /// Says how the present holding of a record began.
    pub fn tell_holding_began(&mut self, record: Id, began: &str) -> Result<(), StoreError> {
        let mut sql = Statement::of(self.dialect(), "UPDATE pool_holdings SET began = ");
        sql.text(began).sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND record_id = ").id(record);
        sql.sql(" AND until IS NULL");
        self.connection().execute(&sql).map(drop)
    }

    /// Says how a holding ended, and why.
    pub fn tell_holding_ended(&mut self, holding: Id, ended: &str, reason: Option<&str>) -> Result<(), StoreError> {
        let mut sql = Statement::of(self.dialect(), "UPDATE pool_holdings SET ended = ");
        sql.text(ended).sql(", reason = ");
        sql.bind(reason.map_or(Bind::Null(ColumnType::Text), |reason| Bind::Text(reason.to_owned())));
        sql.sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND id = ").id(holding);
        self.connection().execute(&sql).map(drop)
    }

    /// Notes that the holder was warned.
    pub fn warned(&mut self, holding: Id) -> Result<(), StoreError> {
        let now = self.origin.now;
        let mut sql = Statement::of(self.dialect(), "UPDATE pool_holdings SET warned_at = ");
        sql.bind(Bind::time(now)).sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND id = ").id(holding);
        self.connection().execute(&sql).map(drop)
    }
}

impl Reader<'_> {
    /// Whose web form has a token: tenant and form.
    pub fn form_of_token(&mut self, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT tenant_id, id FROM lead_forms WHERE token = ");
        sql.text(token);
        let rows = self.connection.load(&sql, &[ColumnType::Id, ColumnType::Id])?;
        Ok(rows.first().and_then(|cells| Some((cells.first()?.as_id()?, cells.get(1)?.as_id()?))))
    }

    /// The holdings of a record, the latest first: at most `limit` from `offset` on.
    pub fn holdings(&mut self, record: Id, limit: i64, offset: i64) -> Result<Vec<Holding>, StoreError> {
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql(format!("SELECT {COLUMNS} WHERE h.tenant_id = ")).id(self.tenant.id).sql(" AND h.record_id = ").id(record);
        sql.sql(" ORDER BY h.since DESC, h.id DESC LIMIT ").integer(limit).sql(" OFFSET ").integer(offset);
        self.connection.load(&sql, &TYPES)?.iter().map(|cells| Holding::of(cells)).collect()
    }

    /// When somebody last ceased to hold a record; none if they never held it.
    pub fn last_held_by(&mut self, record: Id, user: Id) -> Result<Option<Timestamp>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT h.until FROM pool_holdings h WHERE h.tenant_id = ");
        sql.id(self.tenant.id).sql(" AND h.record_id = ").id(record).sql(" AND h.user_id = ").id(user);
        sql.sql(" AND h.until IS NOT NULL ORDER BY h.until DESC LIMIT 1");
        let rows = self.connection.load(&sql, &[ColumnType::Time])?;
        Ok(rows.first().and_then(|cells| match cells.first() {
            Some(Cell::Time(time)) => Some(*time),
            _ => None,
        }))
    }

    /// How many records of a pool somebody has claimed since a time.
    pub fn claims_since(&mut self, pool: Id, user: Id, since: Timestamp) -> Result<i64, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT COUNT(*) FROM pool_holdings h WHERE h.tenant_id = ");
        sql.id(self.tenant.id).sql(" AND h.user_id = ").id(user).sql(" AND h.pool_id = ").id(pool);
        sql.sql(" AND h.began = 'claimed' AND h.since >= ").bind(Bind::time(since));
        let rows = self.connection.load(&sql, &[ColumnType::Integer])?;
        Ok(rows.first().and_then(|cells| cells.first()).and_then(Cell::as_integer).unwrap_or(0))
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
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql(format!("SELECT {COLUMNS} JOIN {} t ON t.tenant_id = h.tenant_id AND t.id = h.record_id", object.table));
        sql.sql(" WHERE h.tenant_id = ").id(self.tenant.id).sql(" AND h.pool_id = ").id(pool);
        sql.sql(" AND h.until IS NULL AND t.archived_at IS NULL AND h.since <= ").bind(Bind::time(before));
        if let Some((since, id)) = after {
            sql.sql(" AND (h.since, h.id) > (").bind(Bind::time(since)).sql(", ").id(id).sql(")");
        }
        sql.sql(" ORDER BY h.since, h.id LIMIT ").integer(limit);
        self.connection.load(&sql, &TYPES)?.iter().map(|cells| Holding::of(cells)).collect()
    }
}
