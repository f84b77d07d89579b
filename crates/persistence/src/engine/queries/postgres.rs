//! The queries compiled for PostgreSQL.

use diesel::{
    Connection as _, QueryResult,
    connection::{CacheSize, SimpleConnection},
    deserialize,
    pg::PgValue,
    query_builder::AstPass,
    sql_types::{Array, Text},
};

use crate::sql::statement::Dialect;

pub type Conn = diesel::PgConnection;
pub type Db = diesel::pg::Pg;
const DIALECT: Dialect = Dialect::Postgres;

fn push_texts<'b>(texts: &'b Vec<String>, out: &mut AstPass<'_, 'b, Db>) -> QueryResult<()> {
    out.push_bind_param::<Array<Text>, _>(texts)
}

/// The text of a value, where it is: `text` and `json` alike come as they are.
fn text<'a>(value: &'a mut PgValue<'_>) -> deserialize::Result<&'a str> {
    Ok(std::str::from_utf8(value.as_bytes())?)
}

/// Inserts rows with one statement: a round trip costs more than a row.
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr) => {
        diesel::insert_into($table).values($rows).kept().execute($conn)?
    };
}

/// Lets go of all prepared statements; dropping them here leaves them with the server.
fn forget_prepared(conn: &mut Conn) -> QueryResult<()> {
    conn.set_prepared_statement_cache_size(CacheSize::Disabled);
    conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
    conn.batch_execute("DEALLOCATE ALL")
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
#[path = "insertion_postgres.rs"]
pub mod insertion;
#[path = "jobs.rs"]
pub mod jobs;
#[path = "knowledge.rs"]
pub mod knowledge;
#[path = "locks_postgres.rs"]
pub mod locks;
#[path = "log_postgres.rs"]
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
