//! SQLite: a few reader threads, and one writer that commits whatever has queued up as a group: one durable commit for all, then
//! all answers.

use std::{
    fs::{File, TryLockError},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicUsize},
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection};
use farley_domain::values::text;

use super::{
    Lane, interrupt, kept,
    leash::Leash,
    log::{Entrance, Log},
};
use crate::{
    engine::{Connection, migrate},
    error::StoreError,
};

diesel::define_sql_function! {
    /// The domain's folding, so that both engines and the in-memory evaluator compare alike.
    fn fold(text: diesel::sql_types::Nullable<diesel::sql_types::Text>) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

diesel::define_sql_function! {
    /// The same with the umlauts spelt out.
    fn fold_spelt(text: diesel::sql_types::Nullable<diesel::sql_types::Text>) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

/// What the writer asks of a piece of work: to do it (true if it is to be kept), then to answer.
pub enum Step<'a> {
    Do(&'a mut SqliteConnection),
    Answer(Result<(), StoreError>),
}

pub type ReadWork = Box<dyn FnOnce(Result<Connection<'_>, StoreError>) -> bool + Send>;

/// A piece of work for one connection; what it gives says whether the connection is broken.
pub struct ReadTask {
    pub leash: Arc<Leash>,
    pub run: ReadWork,
}

pub type WriteTask = Box<dyn FnMut(Step<'_>) -> bool + Send>;

/// How many pieces of work one commit takes along at most.
const GROUP: usize = 256;
/// How many pieces of work may wait before more are refused.
const QUEUE: usize = 4096;
/// How soon the writer comes back to a log that waits for readers.
const SOON: Duration = Duration::from_millis(2);

pub struct Threads {
    light: Mutex<Option<Sender<ReadTask>>>,
    heavy: Mutex<Option<Sender<ReadTask>>>,
    writer: Mutex<Option<Sender<WriteTask>>>,
    /// The readers, and last the writer.
    threads: Mutex<Vec<JoinHandle<()>>>,
    path: PathBuf,
    /// That this process serves the file.
    claim: Mutex<Option<File>>,
}

impl Threads {
    pub fn start(path: &Path, light: usize, heavy: usize, prepared: &Arc<AtomicUsize>) -> Result<Threads, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| cannot(path, &error))?;
        }
        let mut writing = open(path)?;
        // Where no file can be made, the database itself is locked.
        let lock = File::create(beside(path, ".lock")).or_else(|_| File::open(path)).map_err(|error| cannot(path, &error))?;
        for migration in migrate::sqlite(&mut writing, &lock)? {
            tracing::info!(migration, "migrated");
        }
        if let Err(error) = tell_sizes(&mut writing) {
            // On a full disk what is there can still be read, by what the planner was told before.
            drop(writing.batch_execute("ROLLBACK"));
            tracing::warn!(%error, "the planner of the database could not be told the sizes of its tables");
        }
        let entrance = Arc::new(Entrance::default());
        let (write, to_write) = bounded::<WriteTask>(QUEUE);
        let (to_light, lightly) = bounded::<ReadTask>(QUEUE);
        let (to_heavy, heavily) = bounded::<ReadTask>(QUEUE);
        let (own, entering, log) = (Arc::clone(prepared), Arc::clone(&entrance), Log::of(path));
        let writer = spawn("farley-writer", move || {
            kept::begin(&own);
            write_all(&mut writing, &to_write, log, &entering);
        })?;
        let mut threads = Vec::new();
        for _ in 0..light.max(1) {
            let reading = open_to_read(path)?;
            let (path, tasks, own) = (path.to_owned(), lightly.clone(), Arc::clone(prepared));
            threads.push(spawn("farley-reader", move || serve(&path, Some(reading), &tasks, None, &own))?);
        }
        for _ in 0..heavy.max(1) {
            let (path, tasks, own, entrance) = (path.to_owned(), heavily.clone(), Arc::clone(prepared), Arc::clone(&entrance));
            threads.push(spawn("farley-heavy", move || serve(&path, None, &tasks, Some(&entrance), &own))?);
        }
        threads.push(writer);
        Ok(Threads {
            light: Mutex::new(Some(to_light)),
            heavy: Mutex::new(Some(to_heavy)),
            writer: Mutex::new(Some(write)),
            threads: Mutex::new(threads),
            path: path.to_owned(),
            claim: Mutex::default(),
        })
    }

    /// Serves the file, alone: what one server keeps in mind, another would not know of.
    pub fn claim(&self) -> Result<(), StoreError> {
        let claimed = match File::create(beside(&self.path, ".serving")) {
            Ok(claimed) => claimed,
            Err(error) => {
                // A disk on which nothing can be written can be read from.
                tracing::warn!(%error, "nobody can tell whether another server has the file");
                return Ok(());
            }
        };
        match claimed.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text = format!("{} is served by another Farley, and a file has one server", self.path.display());
                return Err(StoreError::Unavailable(text));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(&self.path, &error)),
        }
        if let Ok(mut claim) = self.claim.lock() {
            *claim = Some(claimed);
        }
        Ok(())
    }

    pub fn read(&self, lane: Lane, task: ReadTask) -> Result<(), StoreError> {
        match lane {
            Lane::Light => send(&self.light, task),
            Lane::Heavy => send(&self.heavy, task),
        }
    }

    pub fn write(&self, task: WriteTask) -> Result<(), StoreError> {
        send(&self.writer, task)
    }

    /// Closes the queues and waits until what was accepted is done. The writer closes its connection last: whoever closes last takes
    /// the log into the file, and a reader may not.
    pub fn stop(&self) {
        drop(self.light.lock().map(|mut queue| queue.take()));
        drop(self.heavy.lock().map(|mut queue| queue.take()));
        let mut threads = self.threads.lock().map(|mut threads| std::mem::take(&mut *threads)).unwrap_or_default();
        let writer = threads.pop();
        for reader in threads {
            drop(reader.join());
        }
        drop(self.writer.lock().map(|mut queue| queue.take()));
        drop(writer.map(JoinHandle::join));
        drop(self.claim.lock().map(|mut claim| claim.take()));
    }
}

fn send<T>(queue: &Mutex<Option<Sender<T>>>, task: T) -> Result<(), StoreError> {
    let sender = queue.lock().ok().and_then(|queue| queue.clone());
    let sender = sender.ok_or_else(|| StoreError::Unavailable("the store is closing".to_owned()))?;
    sender.try_send(task).map_err(|_| StoreError::Unavailable("too much work is waiting".to_owned()))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map_err(|error| StoreError::Internal(format!("no thread could be started: {error}")))
}

fn cannot(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{} cannot be opened: {error}", path.display()))
}

/// A file beside the database.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut file = path.as_os_str().to_owned();
    file.push(ending);
    file.into()
}

fn open_to_read(path: &Path) -> Result<SqliteConnection, StoreError> {
    let mut reading = open(path)?;
    reading.batch_execute("PRAGMA query_only = ON")?;
    Ok(reading)
}

/// Reads for whoever comes, each within the entrance if there is one.
fn serve(
    path: &Path,
    mut connection: Option<SqliteConnection>,
    tasks: &Receiver<ReadTask>,
    entrance: Option<&Entrance>,
    prepared: &Arc<AtomicUsize>,
) {
    kept::begin(prepared);
    for task in tasks {
        if task.leash.is_abandoned() {
            continue;
        }
        let reading = match connection.as_mut() {
            Some(reading) => reading,
            None => match open_to_read(path) {
                Ok(opened) => connection.insert(opened),
                Err(error) => {
                    (task.run)(Err(error));
                    continue;
                }
            },
        };
        let _inside = entrance.map(Entrance::enter);
        let Some(_held) = task.leash.take_up(None) else { continue };
        let ended = catch_unwind(AssertUnwindSafe(|| (task.run)(Ok(Connection::Sqlite(reading)))));
        if ended.is_err() {
            tracing::error!("a read panicked");
        }
    }
}

/// Opens a connection as every other has it.
pub fn open(path: &Path) -> Result<SqliteConnection, StoreError> {
    interrupt::watch_connections();
    let name = path.to_str().ok_or_else(|| StoreError::Internal("the path of the database is not UTF-8".to_owned()))?;
    match establish(path, name) {
        // SQLite would make files beside the database, even to read it. Where it cannot, nobody can, so that nothing changes.
        Err(_) if stands_still(path) => {
            let escaped = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            establish(path, &format!("file:{escaped}?immutable=1"))
        }
        opened => opened,
    }
}

/// Whether a database is whole in its file, where nothing can be written.
fn stands_still(path: &Path) -> bool {
    let is_whole = std::fs::metadata(beside(path, "-wal")).map_or(true, |log| log.len() == 0);
    is_whole && path.exists() && std::fs::OpenOptions::new().append(true).create(true).open(beside(path, ".lock")).is_err()
}

fn establish(path: &Path, url: &str) -> Result<SqliteConnection, StoreError> {
    let mut conn = SqliteConnection::establish(url)
        .map_err(|error| StoreError::Unavailable(format!("{} cannot be opened: {error}", path.display())))?;
    conn.batch_execute(
        "PRAGMA page_size = 8192; PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; \
         PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 4000;",
    )?;
    fold_utils::register_impl(&mut conn, |typed: Option<String>| typed.map(|typed| text::fold(&typed)))?;
    fold_spelt_utils::register_impl(&mut conn, |typed: Option<String>| typed.map(|typed| text::fold_spelt(&typed)))?;
    // Opening reads nothing yet.
    conn.batch_execute("SELECT 1 FROM sqlite_schema LIMIT 1")?;
    Ok(conn)
}

/// Tells the planner that a tenant has many rows and each further column of an index narrows them: untold it takes a tenant for
/// ten rows, and walks all of them in the order of the list rather than sort the few that a filter leaves. The same numbers
/// everywhere, rather than measured ones, so that plans are those that were tested.
fn tell_sizes(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    conn.batch_execute(
        "ANALYZE sqlite_schema; BEGIN IMMEDIATE; DELETE FROM sqlite_stat1; \
         INSERT INTO sqlite_stat1 (tbl, idx, stat) \
             SELECT tbl, idx, '1000000 ' || group_concat(rows, ' ' ORDER BY seqno) FROM ( \
                 SELECT t.name AS tbl, iif(i.origin = 'pk' AND t.wr, t.name, i.name) AS idx, c.seqno, \
                     CASE WHEN i.\"unique\" AND c.seqno = max(c.seqno) OVER (PARTITION BY i.name) THEN 1 \
                         WHEN c.seqno = 0 THEN 100000 WHEN c.seqno = 1 THEN 100 WHEN c.seqno = 2 THEN 3 ELSE 1 END AS rows, \
                     first_value(c.name) OVER (PARTITION BY i.name ORDER BY c.seqno) AS leading \
                 FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_info(i.name) c \
                 WHERE t.schema = 'main' AND t.type = 'table') \
             WHERE leading = 'tenant_id' GROUP BY tbl, idx; \
         COMMIT; ANALYZE sqlite_schema;",
    )?;
    Ok(())
}

fn write_all(conn: &mut SqliteConnection, queue: &Receiver<WriteTask>, mut log: Log, entrance: &Entrance) {
    loop {
        let next =
            if log.is_waiting() { queue.recv_timeout(SOON) } else { queue.recv().map_err(|_| RecvTimeoutError::Disconnected) };
        let first = match next {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => {
                log.look_after(conn, entrance);
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut group = vec![first];
        let outcome = write_group(conn, queue, &mut group);
        for mut task in group {
            let outcome = outcome.as_ref().copied().map_err(copy);
            let answered = catch_unwind(AssertUnwindSafe(|| task(Step::Answer(outcome))));
            if answered.is_err() {
                tracing::error!("an answer panicked");
            }
        }
        log.look_after(conn, entrance);
    }
    entrance.open();
}

fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::Internal(text) => StoreError::Internal(text.clone()),
        StoreError::Unwritable(text) => StoreError::Unwritable(text.clone()),
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// Does a group of work and commits it once. Savepoints cost a good part of a write (the search index flushes its terms at each), so the
/// group first goes without; if a piece of it fails, all is undone and done again with a savepoint each.
fn write_group(conn: &mut SqliteConnection, queue: &Receiver<WriteTask>, group: &mut Vec<WriteTask>) -> Result<(), StoreError> {
    let written = match write_together(conn, queue, group) {
        Ok(true) => Ok(()),
        Ok(false) => write_apart(conn, group),
        Err(error) => Err(error),
    };
    if written.is_err() {
        // The transaction may already be gone, as it is when the disk is full.
        drop(conn.batch_execute("ROLLBACK"));
    }
    written
}

/// Does and commits what queues up; false if a piece of it failed and nothing was kept.
fn write_together(
    conn: &mut SqliteConnection,
    queue: &Receiver<WriteTask>,
    group: &mut Vec<WriteTask>,
) -> Result<bool, StoreError> {
    conn.batch_execute("BEGIN IMMEDIATE")?;
    let mut done = 0;
    loop {
        if let Some(task) = group.get_mut(done) {
            if !do_one(conn, task) {
                conn.batch_execute("ROLLBACK")?;
                // Alone it has failed alone; others are done again without it in their way.
                return Ok(group.len() == 1);
            }
            done += 1;
        } else if done < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        } else {
            conn.batch_execute("COMMIT")?;
            return Ok(true);
        }
    }
}

/// Does a group again, each piece under a savepoint of its own.
fn write_apart(conn: &mut SqliteConnection, group: &mut [WriteTask]) -> Result<(), StoreError> {
    conn.batch_execute("BEGIN IMMEDIATE")?;
    for task in group {
        conn.batch_execute("SAVEPOINT work")?;
        let kept = do_one(conn, task);
        conn.batch_execute(if kept { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" })?;
    }
    Ok(conn.batch_execute("COMMIT")?)
}

/// Whether a piece of work wants to be kept; a panic does not.
fn do_one(conn: &mut SqliteConnection, task: &mut WriteTask) -> bool {
    catch_unwind(AssertUnwindSafe(|| task(Step::Do(conn)))).unwrap_or_else(|_| {
        tracing::error!("a write panicked");
        false
    })
}
