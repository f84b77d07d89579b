//! A whole tenant out of a database and into another, of either engine: all rows of all its tables as they are stored, read in one
//! snapshot and written in one transaction. Whoever keeps them in between knows nothing of tables but their names.
//!
//! A row is one line: a JSON array of the values in the order of the columns, in one form for both engines, that in which SQLite stores
//! them: bytes and ids in hexadecimal digits, times in microseconds since 1970, dates as `2026-03-01`, truths as 0 and 1, JSON as text,
//! fractions as text with all their digits.

mod catalog;
mod reading;
mod writing;

use diesel::{Connection as _, PgConnection, SqliteConnection, connection::SimpleConnection};

pub use catalog::Table;
pub use reading::Outgoing;
pub use writing::{Incoming, Newcomer};

use crate::{
    engine::{Connection, postgres, sqlite},
    error::StoreError,
    sql::{changes, statement::Dialect},
};

diesel::define_sql_function! {
    /// Changes of events as JSON, out of what SQLite keeps; null if they cannot be read.
    fn changes_read(kept: diesel::sql_types::Binary) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

diesel::define_sql_function! {
    /// The other way round.
    fn changes_stored(json: diesel::sql_types::Text) -> diesel::sql_types::Binary;
}

/// A connection of its own.
enum Own {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Own {
    fn open(url: &str) -> Result<Own, StoreError> {
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut conn = sqlite::open(path.strip_prefix("//").unwrap_or(path).as_ref())?;
                changes_read_utils::register_impl(&mut conn, |kept: Vec<u8>| changes::inflate(&kept))?;
                changes_stored_utils::register_impl(&mut conn, |json: String| changes::stored(&json))?;
                Ok(Own::Sqlite(conn))
            }
            None => match PgConnection::establish(&postgres::with_timeouts(url)) {
                Ok(conn) => Ok(Own::Postgres(conn)),
                Err(error) => Err(StoreError::Unavailable(error.to_string())),
            },
        }
    }

    fn lend(&mut self) -> Connection<'_> {
        match self {
            Own::Sqlite(conn) => Connection::Sqlite(conn),
            Own::Postgres(conn) => Connection::Postgres(conn),
        }
    }

    fn dialect(&self) -> Dialect {
        match self {
            Own::Sqlite(_) => Dialect::Sqlite,
            Own::Postgres(_) => Dialect::Postgres,
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

/// Copies a database of SQLite into a new file as it is at this moment, while others go on reading and writing.
pub fn snapshot(url: &str, copy: &str) -> Result<(), StoreError> {
    let mut own = Own::open(url)?;
    let Own::Sqlite(conn) = &mut own else {
        return Err(StoreError::Internal("a database of PostgreSQL is backed up by its own means".to_owned()));
    };
    diesel::RunQueryDsl::execute(diesel::sql_query("VACUUM INTO ?").bind::<diesel::sql_types::Text, _>(copy), conn)?;
    Ok(())
}
