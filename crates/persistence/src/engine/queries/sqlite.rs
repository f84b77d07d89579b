//! The queries compiled for SQLite.

use diesel::{
    Connection as _, QueryResult, connection::CacheSize, deserialize, query_builder::AstPass, result::Error, sqlite::SqliteValue,
};

use crate::sql::statement::Dialect;

pub type Conn = diesel::SqliteConnection;
pub type Db = diesel::sqlite::Sqlite;
const DIALECT: Dialect = Dialect::Sqlite;

/// Lists of texts are a type of PostgreSQL alone.
fn push_texts<'b>(_: &'b [String], _: &mut AstPass<'_, 'b, Db>) -> QueryResult<()> {
    Err(Error::QueryBuilderError("SQLite has no lists of texts".into()))
}

/// The text of a value, where it is.
fn text<'a>(value: &'a mut SqliteValue<'_, '_, '_>) -> deserialize::Result<&'a str> {
    Ok(value.read_text())
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn last_insert_rowid() -> diesel::sql_types::BigInt;
}

/// Inserts rows one by one: a statement of several makes the search index write what it has gathered.
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr) => {
        for row in $rows {
            diesel::insert_into($table).values(row).execute($conn)?;
        }
    };
}

/// Lets go of all prepared statements.
fn forget_prepared(conn: &mut Conn) -> QueryResult<()> {
    conn.set_prepared_statement_cache_size(CacheSize::Disabled);
    conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
    Ok(())
}

#[path = "automation.rs"]
pub mod automation;
#[path = "calendars.rs"]
pub mod calendars;
#[path = "credentials.rs"]
pub mod credentials;
#[path = "events.rs"]
pub mod events;
#[path = "files.rs"]
pub mod files;
#[path = "holdings.rs"]
pub mod holdings;
#[path = "idempotency.rs"]
pub mod idempotency;
#[path = "imports.rs"]
pub mod imports;
#[path = "jobs.rs"]
pub mod jobs;
#[path = "knowledge.rs"]
pub mod knowledge;
#[path = "locks_sqlite.rs"]
pub mod locks;
#[path = "log_sqlite.rs"]
pub mod log;
#[path = "mail.rs"]
pub mod mail;
#[path = "portal.rs"]
pub mod portal;
#[path = "record_locks.rs"]
pub mod record_locks;
#[path = "records.rs"]
pub mod records;
#[path = "run.rs"]
pub mod run;
#[path = "search_terms.rs"]
pub mod search_terms;
#[path = "segments.rs"]
pub mod segments;
#[path = "settings.rs"]
pub mod settings;
#[path = "sla.rs"]
pub mod sla;
#[path = "stream_tickets.rs"]
pub mod stream_tickets;
#[path = "tenants.rs"]
pub mod tenants;
#[path = "webhooks.rs"]
pub mod webhooks;
