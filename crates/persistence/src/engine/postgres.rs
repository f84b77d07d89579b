//! PostgreSQL: a pool of threads, each with a connection of its own that is made anew when it breaks.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, atomic::AtomicUsize},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, connection::SimpleConnection};

use super::{
    Lane, canceller, kept,
    leash::{self, Leash},
    pulse::{self, Pulse},
    sqlite::ReadTask as Task,
    watch::{self, Watch},
};
use crate::{
    engine::{Connection, migrate},
    error::{Failure, StoreError},
};

/// How many pieces of work may wait before more are refused.
const QUEUE: usize = 4096;

pub struct Pool {
    light: Mutex<Option<Sender<Task>>>,
    heavy: Mutex<Option<Sender<Task>>>,
    canceller: Mutex<Option<Sender<Arc<Leash>>>>,
    watch: Arc<Watch>,
    /// As long as they are there, it is watched and word is passed on.
    watching: Mutex<Option<[Sender<()>; 2]>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Adds time-outs to the URL where it has none: a lost server is to be noticed.
pub fn with_timeouts(url: &str) -> String {
    if url.contains("connect_timeout") {
        return url.to_owned();
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    format!(
        "{url}{separator}connect_timeout=5&tcp_user_timeout=10000&keepalives_idle=10&keepalives_interval=3&keepalives_count=3"
    )
}

impl Pool {
    pub fn start(
        url: &str,
        light: usize,
        heavy: usize,
        (prepared, pulse): (&Arc<AtomicUsize>, &Arc<Pulse>),
    ) -> Result<Pool, StoreError> {
        let mut first = connect(url)?;
        for migration in migrate::postgres(&mut first.conn)? {
            tracing::info!(migration, "migrated");
        }
        let (to_light, lightly) = bounded::<Task>(QUEUE);
        let (to_heavy, heavily) = bounded::<Task>(QUEUE);
        let (to_cancel, orders) = unbounded();
        let mut threads = Vec::new();
        let mut spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            threads.push(thread.map_err(|error| StoreError::Internal(format!("no thread could be started: {error}")))?);
            Ok::<_, StoreError>(())
        };
        let mut first = Some(first);
        for (tasks, count) in [(lightly, light.max(1)), (heavily, heavy.max(1))] {
            for _ in 0..count {
                let (url, tasks, own, connection) = (url.to_owned(), tasks.clone(), Arc::clone(prepared), first.take());
                spawn("farley-postgres", Box::new(move || serve(&url, connection, &tasks, &own)))?;
            }
        }
        let own_url = url.to_owned();
        spawn("farley-canceller", Box::new(move || canceller::serve(&own_url, &orders)))?;
        let (watching, to_end) = unbounded();
        let (own_url, watch) = (url.to_owned(), Arc::<Watch>::default());
        let own = Arc::clone(&watch);
        spawn("farley-watch", Box::new(move || watch::serve(&own_url, &own, &to_end)))?;
        let (passing_on, to_end) = unbounded();
        let (own_url, own) = (url.to_owned(), Arc::clone(pulse));
        spawn("farley-pulse", Box::new(move || pulse::serve(&own_url, &own, &to_end)))?;
        Ok(Pool {
            watch,
            watching: Mutex::new(Some([watching, passing_on])),
            light: Mutex::new(Some(to_light)),
            heavy: Mutex::new(Some(to_heavy)),
            canceller: Mutex::new(Some(to_cancel)),
            threads: Mutex::new(threads),
        })
    }

    /// What is known of the server.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    pub fn run(&self, lane: Lane, task: Task) -> Result<(), StoreError> {
        self.watch.check()?;
        let queue = match lane {
            Lane::Light => &self.light,
            Lane::Heavy => &self.heavy,
        };
        let sender = queue.lock().ok().and_then(|queue| queue.clone());
        let sender = sender.ok_or_else(|| StoreError::Unavailable("the store is closing".to_owned()))?;
        sender.try_send(task).map_err(|_| StoreError::Unavailable("too much work is waiting".to_owned()))
    }

    /// Has the statement ended that nobody waits for any more.
    pub fn cancel(&self, leash: Arc<Leash>) {
        if let Ok(canceller) = self.canceller.lock()
            && let Some(canceller) = canceller.as_ref()
        {
            drop(canceller.send(leash));
        }
    }

    /// Closes the queues and waits until what was accepted is done.
    pub fn stop(&self) {
        drop(self.light.lock().map(|mut queue| queue.take()));
        drop(self.heavy.lock().map(|mut queue| queue.take()));
        drop(self.canceller.lock().map(|mut queue| queue.take()));
        drop(self.watching.lock().map(|mut watching| watching.take()));
        let threads = self.threads.lock().map(|mut threads| std::mem::take(&mut *threads)).unwrap_or_default();
        for thread in threads {
            // What waits for a server that hangs may never end.
            while !thread.is_finished() && self.watch.check().is_ok() {
                std::thread::sleep(Duration::from_millis(2));
            }
            if thread.is_finished() {
                drop(thread.join());
            }
        }
    }
}

/// A connection, and the process of the server at its other end.
struct Connected {
    conn: PgConnection,
    process: i32,
    /// How long a statement may take, as the server was last told.
    limit: Option<Duration>,
    used: Instant,
}

impl Connected {
    /// Whether it is as good as new: one that has been idle may have died since.
    fn lives(&mut self) -> bool {
        self.used.elapsed() < IDLE || self.conn.batch_execute("SELECT 1").is_ok()
    }

    /// Tells the server how long statements may take from now on.
    fn limit_to(&mut self, limit: Option<Duration>) -> Result<(), StoreError> {
        if self.limit == limit {
            return Ok(());
        }
        let statement = limit.map_or(0, |limit| limit.as_millis().max(1));
        // Who waits for another's lock has not asked for too much: that ends first, and differently.
        let lock = limit.map_or(LOCK_TIMEOUT, |limit| LOCK_TIMEOUT.min(limit * 4 / 5)).as_millis().max(1);
        self.conn.batch_execute(&format!("SET statement_timeout = {statement}; SET lock_timeout = {lock}"))?;
        self.limit = limit;
        Ok(())
    }
}

/// After how long a connection is tried before it is used: a server does not come back sooner.
const IDLE: Duration = Duration::from_millis(250);

/// How long a statement waits for a lock of another.
const LOCK_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(diesel::QueryableByName)]
struct Process {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    process: i32,
}

fn connect(url: &str) -> Result<Connected, StoreError> {
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
        "SET client_min_messages = warning; SET TIME ZONE 'UTC'; SET statement_timeout = 0; SET lock_timeout = '20s'; \
         SET plan_cache_mode = force_generic_plan; SET idle_in_transaction_session_timeout = '15s'",
    )?;
    // A node that has vanished holds nothing for long either. Not every system of a server can do this.
    drop(conn.batch_execute(
        "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 10000",
    ));
    let own: Process = diesel::sql_query("SELECT pg_backend_pid() AS process").get_result(&mut conn)?;
    Ok(Connected { conn, process: own.process, limit: None, used: Instant::now() })
}

fn serve(url: &str, mut connection: Option<Connected>, tasks: &Receiver<Task>, prepared: &Arc<AtomicUsize>) {
    kept::begin(prepared);
    for task in tasks {
        if task.leash.is_abandoned() {
            continue;
        }
        if connection.as_mut().is_some_and(|connected| !connected.lives()) {
            connection = None;
        }
        let connected = match connection.as_mut() {
            Some(connected) => Ok(connected),
            None => connect(url).map(|made| {
                kept::begin(prepared);
                connection.insert(made)
            }),
        };
        let ready = connected.and_then(|connected| connected.limit_to(task.leash.limit()).map(|()| connected));
        let connected = match ready {
            Ok(connected) => connected,
            Err(error) => {
                connection = None;
                (task.run)(Err(error));
                continue;
            }
        };
        let Some(held) = task.leash.take_up(Some(connected.process)) else { continue };
        let broken = catch_unwind(AssertUnwindSafe(|| (task.run)(Ok(Connection::Postgres(&mut connected.conn)))));
        drop(held);
        connected.used = Instant::now();
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
    leash::before_tidying();
    // A connection that cannot even end its transaction is not used again.
    conn.batch_execute("ROLLBACK").map_err(|error| E::from(StoreError::Unavailable(error.to_string())))?;
    result
}

/// How often work is tried again because a value was taken; it may be given up and taken anew meanwhile.
const TAKEN_ATTEMPTS: u32 = 3;

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
                    Some(StoreError::Taken(_)) => attempt <= TAKEN_ATTEMPTS,
                    Some(
                        StoreError::Unavailable(_)
                        | StoreError::Unwritable(_)
                        | StoreError::Busy
                        | StoreError::TooSlow
                        | StoreError::Abandoned
                        | StoreError::Reference
                        | StoreError::SumTooLarge
                        | StoreError::Internal(_),
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
