//! Brings a database to the present schema, guarded against two nodes doing it at once.

use diesel::{
    Connection as _, PgConnection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, migration::MigrationSource,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::StoreError;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Internal(format!("the migrations failed: {error}"))
}

/// Refuses a database that knows migrations which this Farley does not: what else has changed there cannot be told.
fn refuse_newer<DB: diesel::backend::Backend>(
    conn: &mut impl MigrationHarness<DB>,
    known: &EmbeddedMigrations,
) -> Result<(), StoreError>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let applied = conn.applied_migrations().map_err(failed)?;
    let known = known.migrations().map_err(failed)?;
    let newest = applied.iter().filter(|applied| known.iter().all(|known| known.name().version() != **applied)).max();
    match newest {
        None => Ok(()),
        Some(newest) => Err(StoreError::Internal(format!(
            "the database belongs to a newer Farley (its schema is at {newest}); start that one, or go back to a backup"
        ))),
    }
}

/// Runs what is pending; the names of what was run.
pub fn sqlite(conn: &mut SqliteConnection, lock: &std::fs::File) -> Result<Vec<String>, StoreError> {
    lock.lock().map_err(failed)?;
    refuse_newer(conn, &SQLITE)?;
    let run = conn.run_pending_migrations(SQLITE).map_err(failed)?.iter().map(ToString::to_string).collect();
    lock.unlock().map_err(failed)?;
    Ok(run)
}

/// Runs what is pending under a lock of the whole database; the names of what was run.
pub fn postgres(conn: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    // "FARLEY" in letters of a telephone.
    diesel::sql_query("SELECT pg_advisory_lock(327539)").execute(conn)?;
    let run = refuse_newer(conn, &POSTGRES).and_then(|()| {
        conn.run_pending_migrations(POSTGRES).map(|run| run.iter().map(ToString::to_string).collect()).map_err(failed)
    });
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
