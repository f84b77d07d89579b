//! PostgreSQL: a pool of threads, each with a connection of its own that is made anew when it breaks.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use diesel::{Connection as _, PgConnection, connection::SimpleConnection};

use super::sqlite::ReadTask as Task;
use crate::{
    engine::{Connection, migrate},
    error::{Failure, StoreError},
};

/// How many pieces of work may wait before more are refused.
const QUEUE: usize = 4096;

pub struct Pool {
    queue: Mutex<Option<Sender<Task>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Adds a time-out to the URL where it has none: a lost server is to be noticed.
pub fn with_timeouts(url: &str) -> String {
    if url.contains("connect_timeout") {
        return url.to_owned();
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}connect_timeout=5&tcp_user_timeout=15000")
}

impl Pool {
    pub fn start(url: &str, connections: usize) -> Result<Pool, StoreError> {
        let mut first = connect(url)?;
        for migration in migrate::postgres(&mut first)? {
            tracing::info!(migration, "migrated");
        }
        let (queue, tasks) = bounded::<Task>(QUEUE);
        let mut threads = Vec::new();
        let mut first = Some(first);
        for _ in 0..connections.max(1) {
            let (url, tasks, connection) = (url.to_owned(), tasks.clone(), first.take());
            let thread =
                std::thread::Builder::new().name("farley-postgres".to_owned()).spawn(move || serve(&url, connection, &tasks));
            threads.push(thread.map_err(|error| StoreError::Internal(format!("no thread could be started: {error}")))?);
        }
        Ok(Pool { queue: Mutex::new(Some(queue)), threads: Mutex::new(threads) })
    }

    pub fn run(&self, task: Task) -> Result<(), StoreError> {
        let sender = self.queue.lock().ok().and_then(|queue| queue.clone());
        let sender = sender.ok_or_else(|| StoreError::Unavailable("the store is closing".to_owned()))?;
        sender.try_send(task).map_err(|_| StoreError::Unavailable("too much work is waiting".to_owned()))
    }

    /// Closes the queue and waits until what was accepted is done.
    pub fn stop(&self) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.take();
        }
        let threads = self.threads.lock().map(|mut threads| std::mem::take(&mut *threads)).unwrap_or_default();
        for thread in threads {
            drop(thread.join());
        }
    }
}

fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let explained = |error: diesel::ConnectionError| {
        let text = error.to_string();
        let text = text.trim_end();
        // What libpq says of TLS that it cannot do, and a server of a client that did without.
        let unable = ["SSL support is not compiled in", "sslmode value", ", no encryption"];
        if cfg!(not(feature = "tls")) && unable.iter().any(|said| text.contains(said)) {
            StoreError::Unavailable(format!("{text}: this Farley was built without the feature `tls`"))
        } else {
            StoreError::Unavailable(text.to_owned())
        }
    };
    let mut conn = PgConnection::establish(url).map_err(explained)?;
    // One plan a statement: making one anew for each list took twice as long as reading the list.
    conn.batch_execute(
        "SET client_min_messages = warning; SET TIME ZONE 'UTC'; SET lock_timeout = '20s'; \
         SET plan_cache_mode = force_generic_plan",
    )?;
    Ok(conn)
}

fn serve(url: &str, mut connection: Option<PgConnection>, tasks: &Receiver<Task>) {
    for task in tasks {
        if connection.is_none() {
            match connect(url) {
                Ok(made) => connection = Some(made),
                Err(error) => {
                    task(Err(error));
                    continue;
                }
            }
        }
        let Some(conn) = connection.as_mut() else { continue };
        let broken = catch_unwind(AssertUnwindSafe(|| task(Ok(Connection::Postgres(conn)))));
        match broken {
            Ok(false) => {}
            Ok(true) => connection = None,
            Err(_) => {
                tracing::error!("work panicked");
                connection = None;
            }
        }
    }
}

/// How reports are planned: for their own values, as they go through more of a tenant or less; with room to sort and hash what they go
/// through; and without PostgreSQL's compiler, which took longer than it saved.
const REPORT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan; \
     SET LOCAL work_mem = '64MB'; SET LOCAL jit = off";

/// Reads in a transaction of its own, all from the same state.
pub fn report<T, E: Failure>(conn: &mut PgConnection, read: impl FnOnce(&mut PgConnection) -> Result<T, E>) -> Result<T, E> {
    conn.batch_execute(REPORT).map_err(StoreError::from).map_err(E::from)?;
    let result = read(conn);
    // A connection that cannot even end its transaction is not used again.
    conn.batch_execute("ROLLBACK").map_err(|error| E::from(StoreError::Unavailable(error.to_string())))?;
    result
}

/// Runs work in a transaction; again from the beginning when another transaction got in its way.
pub fn transaction<T, E: Failure>(
    conn: &mut PgConnection,
    attempts: u32,
    work: impl Fn(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    for attempt in 1.. {
        conn.batch_execute("BEGIN").map_err(StoreError::from).map_err(E::from)?;
        let result = work(conn).and_then(|value| {
            conn.batch_execute("COMMIT").map_err(StoreError::from).map_err(E::from)?;
            Ok(value)
        });
        match result {
            Ok(value) => return Ok(value),
            Err(failure) => {
                let again = match failure.store_error() {
                    Some(StoreError::Serialization) => true,
                    // Another was quicker with the same value: tried again, the work finds its record and can name it.
                    Some(StoreError::Taken(_)) => attempt == 1,
                    Some(
                        StoreError::Unavailable(_) | StoreError::Reference | StoreError::SumTooLarge | StoreError::Internal(_),
                    )
                    | None => false,
                };
                // A connection that cannot even roll back is not used again: the caller sees it as broken.
                if let Err(error) = conn.batch_execute("ROLLBACK") {
                    return Err(E::from(StoreError::Unavailable(error.to_string())));
                }
                if !again || attempt >= attempts {
                    return Err(failure);
                }
                std::thread::sleep(Duration::from_millis(u64::from(attempt) * 3));
            }
        }
    }
    Err(E::from(StoreError::Serialization))
}
