//! Brings a database to the present schema, guarded against two nodes doing it at once.

use diesel::{Connection as _, PgConnection, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::StoreError;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Internal(format!("the migrations failed: {error}"))
}

/// Runs what is pending; the names of what was run.
pub fn sqlite(conn: &mut SqliteConnection, lock: &std::fs::File) -> Result<Vec<String>, StoreError> {
    lock.lock().map_err(failed)?;
    let run = conn.run_pending_migrations(SQLITE).map_err(failed)?.iter().map(ToString::to_string).collect();
    lock.unlock().map_err(failed)?;
    Ok(run)
}

/// Runs what is pending under a lock of the whole database; the names of what was run.
pub fn postgres(conn: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    // "FARLEY" in letters of a telephone.
    diesel::sql_query("SELECT pg_advisory_lock(327539)").execute(conn)?;
    let run = conn.run_pending_migrations(POSTGRES).map(|run| run.iter().map(ToString::to_string).collect()).map_err(failed);
    conn.batch_execute("SELECT pg_advisory_unlock(327539)")?;
    run
}

/// Runs all down migrations and all up again: for the tests.
pub fn down_and_up(url: &str) -> Result<(), StoreError> {
    if url.starts_with("postgres") {
        let mut conn = PgConnection::establish(url).map_err(failed)?;
        conn.revert_all_migrations(POSTGRES).map_err(failed)?;
        conn.run_pending_migrations(POSTGRES).map_err(failed)?;
    } else {
        let mut conn = SqliteConnection::establish(url).map_err(failed)?;
        conn.revert_all_migrations(SQLITE).map_err(failed)?;
        conn.run_pending_migrations(SQLITE).map_err(failed)?;
    }
    Ok(())
}
