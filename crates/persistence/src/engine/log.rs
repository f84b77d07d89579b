//! Keeps SQLite's write-ahead log small. While readings overlap, SQLite never finds the moment in which nobody needs the log and it
//! could begin anew; so when it has grown, heavy readings are held back until those under way have ended, and the log is emptied.

use std::{
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use diesel::{SqliteConnection, connection::SimpleConnection};

use super::sqlite::beside;

/// From which size on the log is emptied, in bytes: more than SQLite leaves of it by itself.
const LARGE: u64 = 96 * 1024 * 1024;
/// How long to wait until trying again what did not succeed.
const REST: Duration = Duration::from_secs(5);

/// Where heavy readings begin.
#[derive(Default)]
pub struct Entrance {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    inside: usize,
    is_closed: bool,
}

/// A heavy reading under way.
pub struct Inside<'a>(&'a Entrance);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state().inside -= 1;
    }
}

impl Entrance {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a heavy reading, once the entrance is open.
    pub fn enter(&self) -> Inside<'_> {
        let mut state = self.opened.wait_while(self.state(), |state| state.is_closed).unwrap_or_else(PoisonError::into_inner);
        state.inside += 1;
        Inside(self)
    }

    fn close(&self) {
        self.state().is_closed = true;
    }

    pub fn open(&self) {
        self.state().is_closed = false;
        self.opened.notify_all();
    }

    fn is_empty(&self) -> bool {
        self.state().inside == 0
    }
}

/// The log, as its writer sees it.
pub struct Log {
    path: PathBuf,
    closed: bool,
    rests_until: Option<Instant>,
}

impl Log {
    pub fn of(database: &Path) -> Log {
        Log { path: beside(database, "-wal"), closed: false, rests_until: None }
    }

    /// Whether the writer should come back soon, though there is nothing to write.
    pub fn is_waiting(&self) -> bool {
        self.closed
    }

    /// Between two transactions: empties the log if it is large and nothing heavy is being read.
    pub fn look_after(&mut self, conn: &mut SqliteConnection, entrance: &Entrance) {
        if !self.closed {
            if self.size() < LARGE || self.rests_until.is_some_and(|until| Instant::now() < until) {
                return;
            }
            entrance.close();
            self.closed = true;
        }
        if !entrance.is_empty() {
            return;
        }
        // What is light ends in a moment.
        let emptied =
            conn.batch_execute("PRAGMA busy_timeout = 1000; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 10000");
        if let Err(error) = emptied {
            tracing::warn!(%error, "the log could not be emptied");
        }
        self.rests_until = (self.size() >= LARGE).then(|| Instant::now() + REST);
        self.closed = false;
        entrance.open();
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |log| log.len())
    }
}
