//! The database alone: the statements at the heart of the most common requests, prepared and run on a connection of their own
//! with nothing around them. `farley bench` measures what Farley adds to them.

use diesel::{Connection as _, PgConnection, SqliteConnection, connection::SimpleConnection};
use farley_domain::{
    id::Id,
    object::{Object, Shape},
};

use crate::{
    engine::Connection,
    error::StoreError,
    records,
    row::Selected,
    statement::{ColumnType, Dialect, Statement},
};

/// A connection for one thread.
pub struct Bare {
    connection: Own,
    columns: String,
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

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
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
        let layout = records::writing_layout(&Shape { object, custom: [].into() });
        let columns = layout.selected.iter().filter_map(|selected| match selected {
            Selected::Column(column) => Some(column.as_str()),
            Selected::Count(_) => None,
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        Ok(Bare { connection, columns, types: layout.types.clone(), table: object.table })
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
        sql.sql(format!("SELECT {} FROM {} WHERE tenant_id = ", self.columns, self.table)).id(tenant);
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

    /// Makes a table of ids and texts to write into, empty.
    pub fn make_scratch(&mut self) -> Result<(), StoreError> {
        self.drop_scratch()?;
        let id = match self.connection.lend().dialect() {
            Dialect::Sqlite => "BLOB",
            Dialect::Postgres => "uuid",
        };
        self.connection.batch(&format!("CREATE TABLE bench_rows (id {id} NOT NULL PRIMARY KEY, body TEXT NOT NULL)"))
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
