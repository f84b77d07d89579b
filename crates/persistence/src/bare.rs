//! The database alone: the statements at the heart of the most common requests, prepared and run on a connection of their own
//! with nothing around them. `farley bench` measures what Farley adds to them.

use diesel::{Connection as _, PgConnection, SqliteConnection, connection::SimpleConnection};
use farley_domain::{
    model::object::{Object, Schema},
    values::{id::Id, time::Timestamp},
};

use crate::{
    engine::Connection,
    error::StoreError,
    records::statements,
    sql::statement::{Bind, Column, ColumnType, Dialect, Number, Statement, write_sql},
};

/// A connection for one thread.
pub struct Bare {
    connection: Own,
    columns: Vec<Column>,
    types: Vec<ColumnType>,
    table: &'static str,
}

enum Own {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Own {
    fn lend(&mut self) -> Connection<'_> {
        match self {
            Own::Sqlite(conn) => Connection::Sqlite(conn),
            Own::Postgres(conn) => Connection::Postgres(conn),
        }
    }

    fn batch(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match self {
            Own::Sqlite(conn) => conn.batch_execute(sql)?,
            Own::Postgres(conn) => conn.batch_execute(sql)?,
        }
        Ok(())
    }
}

impl Bare {
    /// Connects to a database that has Farley's schema, to read the rows of an object.
    pub fn open(url: &str, object: &'static Object) -> Result<Bare, StoreError> {
        let lost = |error: diesel::ConnectionError| StoreError::Unavailable(error.to_string());
        let connection = match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut conn = SqliteConnection::establish(path.strip_prefix("//").unwrap_or(path)).map_err(lost)?;
                conn.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA cache_size = -8000")?;
                Own::Sqlite(conn)
            }
            None => Own::Postgres(PgConnection::establish(url).map_err(lost)?),
        };
        let layout = statements::writing_layout(&Schema { object, custom: [].into() });
        Ok(Bare { connection, columns: layout.columns(), types: layout.types.clone(), table: object.table })
    }

    /// Tells PostgreSQL's planner how the tables have filled, as its own upkeep does in a minute or so; empties SQLite's
    /// write-ahead log.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        let sql = match self.connection {
            Own::Sqlite(_) => "PRAGMA wal_checkpoint(TRUNCATE)",
            Own::Postgres(_) => "VACUUM ANALYZE",
        };
        self.connection.batch(sql)
    }

    fn select(&mut self, tenant: Id) -> Statement {
        let mut sql = Statement::new(self.connection.lend().dialect());
        write_sql!(sql, "SELECT ", self.columns.as_slice(), " FROM ", self.table, " WHERE tenant_id = ", tenant);
        sql
    }

    /// Reads a row by its key; how many rows there were.
    pub fn get(&mut self, tenant: Id, id: Id) -> Result<usize, StoreError> {
        let mut sql = self.select(tenant);
        sql.sql(" AND id = ").id(id);
        Ok(self.connection.lend().load(&sql, &self.types)?.len())
    }

    /// Reads the newest rows of a status.
    pub fn list(&mut self, tenant: Id, status: &str, limit: i64) -> Result<usize, StoreError> {
        let mut sql = self.select(tenant);
        sql.sql(" AND status = ").text(status).sql(" ORDER BY created_at DESC, id DESC LIMIT ").integer(limit);
        Ok(self.connection.lend().load(&sql, &self.types)?.len())
    }

    /// Reads a board as one would write it by hand: the totals of all stages, then the first rows of each.
    pub fn board(&mut self, tenant: Id, pipeline: Id, stages: &[Id], limit: i64) -> Result<(), StoreError> {
        let dialect = self.connection.lend().dialect();
        let mut totals = Statement::of(
            dialect,
            "SELECT stage_id, amount_currency, COUNT(*), CAST(SUM(amount) AS BIGINT), CAST(SUM(amount * probability) AS BIGINT) \
             FROM opportunities WHERE status = 'open' AND archived_at IS NULL AND tenant_id = ",
        );
        totals.id(tenant).sql(" AND pipeline_id = ").id(pipeline).sql(" GROUP BY 1, 2");
        let types = [ColumnType::Id, ColumnType::Text, ColumnType::Integer, ColumnType::Integer, ColumnType::Integer];
        self.connection.lend().load(&totals, &types)?;
        for stage in stages {
            let mut sql = self.select(tenant);
            sql.sql(" AND status = 'open' AND archived_at IS NULL AND stage_id = ").id(*stage);
            sql.sql(" ORDER BY position, id LIMIT ").integer(limit + 1);
            self.connection.lend().load(&sql, &self.types)?;
        }
        Ok(())
    }

    /// Counts a funnel as one would write it by hand: which stages each opportunity of a year was in, the moves between
    /// stages, and the medians of the times in them. PostgreSQL gives the figures. SQLite sorts for each grouping: the quickest that it can
    /// do is to give each row of the ledger once, and not to count them.
    pub fn funnel(
        &mut self,
        tenant: Id,
        pipeline: Id,
        stages: &[Id],
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let dialect = self.connection.lend().dialect();
        let begin = |sql: &mut Statement| {
            let lasted = match dialect {
                Dialect::Sqlite => "(closed_at - opened_at) / 1000",
                Dialect::Postgres => "CAST(EXTRACT(EPOCH FROM closed_at - opened_at) * 1000 AS BIGINT)",
            };
            write_sql!(sql, "WITH cohort AS (SELECT id, amount, amount_currency, status, stage_id, ", lasted, " AS lasted");
            write_sql!(sql, " FROM opportunities WHERE archived_at IS NULL AND tenant_id = ", tenant);
            sql.sql(" AND pipeline_id = ").id(pipeline).sql(" AND opened_at >= ").bind(Bind::time(from));
            sql.sql(" AND opened_at < ").bind(Bind::time(to)).sql(")");
        };
        let entries = |sql: &mut Statement, join: &'static str| {
            write_sql!(sql, " FROM cohort c ", join, " opportunity_ledger l ON l.record_id = c.id WHERE l.tenant_id = ", tenant);
        };
        let (text, id, integer) = (ColumnType::Text, ColumnType::Id, ColumnType::Integer);
        let mut sql = Statement::new(dialect);
        begin(&mut sql);
        if dialect == Dialect::Sqlite {
            sql.sql(" SELECT c.id, c.amount, c.amount_currency, c.status, c.stage_id, c.lasted, l.stage_id, l.former_step, l.former_seconds");
            entries(&mut sql, "CROSS JOIN");
            let types = [id, integer, text, text, id, integer, id, id, integer];
            return self.connection.lend().read(&sql, &types, &mut |_| Ok(()));
        }
        // Planned for its values, with room, and without a compiler that takes longer than the work: all three made it quicker.
        self.connection.batch("SET plan_cache_mode = force_custom_plan; SET work_mem = '64MB'; SET jit = off")?;
        sql.sql(", e AS (SELECT c.*, BIT_OR(CASE l.stage_id");
        for (place, stage) in stages.iter().enumerate() {
            write_sql!(sql, " WHEN ", *stage, " THEN ", Number(1_i64 << place));
        }
        sql.sql(" ELSE 0::bigint END) AS mask");
        entries(&mut sql, "JOIN");
        sql.sql(
            " GROUP BY c.id, c.amount, c.amount_currency, c.status, c.stage_id, c.lasted) \
             SELECT amount_currency, status, stage_id, mask, COUNT(*), CAST(SUM(amount) AS BIGINT), CAST(SUM(lasted) AS BIGINT) \
             FROM e GROUP BY 1, 2, 3, 4",
        );
        self.connection.lend().load(&sql, &[text, text, id, integer, integer, integer, integer])?;
        let mut moves = Statement::new(dialect);
        begin(&mut moves);
        moves.sql(" SELECT l.former_step, l.stage_id, COUNT(*), CAST(SUM(l.former_seconds) AS BIGINT)");
        entries(&mut moves, "JOIN");
        moves.sql(" AND l.former_step IS NOT NULL GROUP BY 1, 2");
        self.connection.lend().load(&moves, &[id, id, integer, integer])?;
        let mut medians = Statement::new(dialect);
        begin(&mut medians);
        medians.sql(" SELECT l.former_step, percentile_cont(0.5) WITHIN GROUP (ORDER BY l.former_seconds)");
        entries(&mut medians, "JOIN");
        medians.sql(" AND l.former_step IS NOT NULL GROUP BY 1");
        self.connection.lend().load(&medians, &[id, ColumnType::Double])?;
        Ok(())
    }

    /// Makes a table of ids and texts to write into, empty.
    pub fn make_scratch(&mut self) -> Result<(), StoreError> {
        self.drop_scratch()?;
        self.connection.batch(match self.connection {
            Own::Sqlite(_) => "CREATE TABLE bench_rows (id BLOB NOT NULL PRIMARY KEY, body TEXT NOT NULL)",
            Own::Postgres(_) => "CREATE TABLE bench_rows (id uuid NOT NULL PRIMARY KEY, body TEXT NOT NULL)",
        })
    }

    pub fn drop_scratch(&mut self) -> Result<(), StoreError> {
        self.connection.batch("DROP TABLE IF EXISTS bench_rows")
    }

    /// Writes a group of rows in one durable transaction.
    pub fn insert(&mut self, ids: &[Id], body: &str) -> Result<(), StoreError> {
        self.connection.batch("BEGIN")?;
        for id in ids {
            let mut sql = Statement::new(self.connection.lend().dialect());
            sql.sql("INSERT INTO bench_rows (id, body) VALUES (").id(*id).sql(", ").text(body).sql(")");
            self.connection.lend().execute(&sql)?;
        }
        self.connection.batch("COMMIT")
    }
}
