//! Watches PostgreSQL over a connection of its own: whether it answers at all, and what holds up the log of events.
//!
//! A server that fails says so; one that hangs says nothing, and its kernel goes on acknowledging what it is sent. So it is asked
//! something trifling all the time, and while that is not answered nobody waits for anything else.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, connection::SimpleConnection as _, sql_types::BigInt};

use crate::error::StoreError;

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(1);
/// After how long without an answer it is taken to hang.
const SILENCE: Duration = Duration::from_secs(4);
/// At which questions the log is looked at.
const LOG_EVERY: u32 = 5;

/// Since when, in milliseconds, the oldest transaction has been open that keeps readers of the log from going on.
const HELD_UP: &str = "SELECT COALESCE(MAX(EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start) * 1000), 0)::bigint AS milliseconds \
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
     WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid::bigint >> 16 = 17985 \
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[derive(diesel::QueryableByName)]
struct HeldUp {
    #[diesel(sql_type = BigInt)]
    milliseconds: i64,
}

/// What is known of the server.
#[derive(Debug, Default)]
pub struct Watch {
    /// The question that has not been answered yet.
    asked: Mutex<Option<Instant>>,
    held_up: AtomicU64,
}

impl Watch {
    /// Refuses to wait for a server that hangs.
    pub fn check(&self) -> Result<(), StoreError> {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match asked {
            Some(asked) if asked.elapsed() >= SILENCE => Err(StoreError::Unavailable("the database does not answer".to_owned())),
            Some(_) | None => Ok(()),
        }
    }

    /// How long readers of the log have been kept from going on.
    pub fn held_up(&self) -> Duration {
        Duration::from_millis(self.held_up.load(Ordering::Relaxed))
    }

    fn ask(&self) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
    }

    /// What hung comes back with an answer, not with a failure.
    fn hear(&self, answered: bool) {
        if answered || self.check().is_ok() {
            *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

/// Asks until the store is closed.
pub fn serve(url: &str, watch: &Watch, end: &Receiver<()>) {
    let mut connection = None;
    for number in 0_u32.. {
        match end.recv_timeout(EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        watch.ask();
        let answered = look(&mut connection, url, watch, number.is_multiple_of(LOG_EVERY));
        if !answered {
            connection = None;
        }
        watch.hear(answered);
    }
}

fn look(connection: &mut Option<PgConnection>, url: &str, watch: &Watch, at_log: bool) -> bool {
    let conn = match connection {
        Some(conn) => conn,
        None => match PgConnection::establish(url) {
            Ok(made) => connection.insert(made),
            Err(_) => return false,
        },
    };
    if !at_log {
        return conn.batch_execute("SELECT 1").is_ok();
    }
    let held_up: Result<HeldUp, _> = diesel::sql_query(HELD_UP).get_result(conn);
    let milliseconds = held_up.as_ref().map_or(0, |held_up| held_up.milliseconds);
    watch.held_up.store(u64::try_from(milliseconds).unwrap_or(0), Ordering::Relaxed);
    held_up.is_ok()
}
