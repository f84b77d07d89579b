//! The store: readers and a writer on SQLite, a pool of connections on PostgreSQL, behind the same few calls.

mod lanes;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farley_domain::values::id::Id;
use tokio::sync::{Notify, oneshot};
use tracing::Instrument as _;

pub use lanes::{Claim, LaneFigures, Lanes, Turn};
use lanes::{Count, Gate, Pace, Proven, Ticket};

use crate::{
    engine::{Connection, Lane, leash::Leash, postgres, pulse::Pulse, sqlite},
    error::{Failure, StoreError},
    reader::{Reader, TenantKey},
    work::{Origin, Work, numbers::Numbers},
};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Connections to PostgreSQL; readers of SQLite.
    pub connections: usize,
    /// As many more for what is heavy.
    pub heavy: usize,
    /// How long a statement may take; without an end, unless set.
    pub statement_limit: Option<Duration>,
    /// Where new ids come from.
    pub new_id: fn() -> Id,
}

/// A database of either engine.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    numbers: Arc<Numbers>,
    queued: Arc<Notify>,
    pulse: Arc<Pulse>,
    new_id: fn() -> Id,
    limit: Option<Duration>,
    traffic: Arc<Traffic>,
}

/// The lanes as they are.
struct Traffic {
    light: Arc<Count>,
    heavy: Arc<Count>,
    gate: Arc<Gate>,
    proven: Proven,
    pace: Pace,
    prepared: Arc<AtomicUsize>,
}

/// Ends a reading when its answer is not waited for any more.
struct Waiting<'a> {
    engine: &'a Engine,
    leash: Option<Arc<Leash>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(leash) = self.leash.take() {
            leash.abandon();
            match self.engine {
                // Its thread looks by itself.
                Engine::Sqlite(_) => {}
                Engine::Postgres(pool) => pool.cancel(leash),
            }
        }
    }
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Threads>),
    Postgres(Arc<postgres::Pool>),
}

/// The target of spans that are sent as traces; of the level TRACE, which costs nothing where nobody listens.
const TRACED: &str = "farley::traced";

/// How often whoever waits for PostgreSQL looks whether it still answers.
const LOOK: Duration = Duration::from_millis(500);

/// How often work is tried when transactions get in each other's way.
const ATTEMPTS: u32 = 8;

impl Store {
    /// Opens the database, creating it where it is a file, and brings it to the present schema.
    pub fn open(settings: &Settings) -> Result<Store, StoreError> {
        let (connections, heavy, prepared) = (settings.connections, settings.heavy, Arc::default());
        let mut pulse = Arc::new(Pulse::default());
        let (engine, numbers) = if let Some(path) = settings.url.strip_prefix("sqlite:") {
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            (Engine::Sqlite(Arc::new(sqlite::Threads::start(&path, connections, heavy, &prepared)?)), Numbers::none())
        } else if settings.url.starts_with("postgres://") || settings.url.starts_with("postgresql://") {
            let url = postgres::with_timeouts(&settings.url);
            pulse = Arc::new(Pulse::among_nodes());
            let pool = postgres::Pool::start(&url, connections, heavy, (&prepared, &pulse))?;
            (Engine::Postgres(Arc::new(pool)), Numbers::of(url))
        } else {
            return Err(StoreError::Internal("DATABASE_URL must begin with sqlite: or postgres://".to_owned()));
        };
        let (limit, heavily) = (settings.statement_limit, Arc::<Count>::default());
        let traffic = Traffic {
            light: Arc::default(),
            gate: Gate::of(heavy, limit, Arc::clone(&heavily)),
            heavy: heavily,
            proven: Proven::default(),
            pace: Pace::default(),
            prepared,
        };
        Ok(Store {
            engine,
            numbers: Arc::new(numbers),
            queued: Arc::default(),
            pulse,
            new_id: settings.new_id,
            limit,
            traffic: Arc::new(traffic),
        })
    }

    /// Serves the database from this process: a file from no other at the same time.
    pub fn claim(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(threads) => threads.claim(),
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// The same store for work that no request waits for: its statements may take as long as they need.
    #[must_use]
    pub fn in_background(&self) -> Store {
        Store { limit: None, ..self.clone() }
    }

    /// How busy the lanes are.
    #[must_use]
    pub fn lanes(&self) -> Lanes {
        let traffic = &self.traffic;
        Lanes {
            light: traffic.light.figures(),
            heavy: traffic.heavy.figures(),
            prepared: traffic.prepared.load(Ordering::Relaxed),
            held_up: match &self.engine {
                Engine::Sqlite(_) => Duration::ZERO,
                Engine::Postgres(pool) => pool.watch().held_up(),
            },
        }
    }

    /// Whether no other process serves the same database.
    #[must_use]
    pub fn is_of_one_process(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgres",
        }
    }

    /// Reads within a tenant in the light lane: by key, or pages that an index gives in their order.
    pub async fn read<T, E>(
        &self,
        tenant: TenantKey,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let read = move |connection: Connection<'_>| read(&mut Reader { connection, tenant });
        self.read_with(Lane::Light, None, Leash::of(self.limit), read).await
    }

    /// Reads in the heavy lane, once there is a slot: what goes through much of what a tenant has.
    pub async fn read_heavily<T, E>(
        &self,
        claim: Claim,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let tenant = claim.tenant;
        let read = move |connection: Connection<'_>| read(&mut Reader { connection, tenant });
        self.queue_heavily(claim, read).await
    }

    /// Reads in the lane that a turn says; what proves heavy in the light one is ended there and done again in the heavy one.
    pub async fn read_in<T, E>(
        &self,
        turn: Turn,
        claim: Claim,
        read: impl Fn(&mut Reader<'_>) -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let likeness = match turn {
            Turn::Light => return self.read(claim.tenant, read).await,
            Turn::Heavy => return self.read_heavily(claim, read).await,
            Turn::Unsure { likeness } => likeness,
        };
        let read = Arc::new(read);
        if !self.traffic.proven.is_heavy(likeness) {
            let (leash, once) = (Leash::of(self.limit), Arc::clone(&read));
            let tenant = claim.tenant;
            let once = move |connection: Connection<'_>| once(&mut Reader { connection, tenant });
            let mut reading = Box::pin(self.read_with(Lane::Light, None, Arc::clone(&leash), once));
            // What waits for a thread has not shown yet what it is.
            while let budget = self.traffic.pace.budget()
                && leash.running_for().is_none_or(|running| running < budget)
            {
                let rest = budget.saturating_sub(leash.running_for().unwrap_or_default());
                if let Ok(result) = tokio::time::timeout(rest, &mut reading).await {
                    return result;
                }
            }
            drop(reading);
            self.traffic.light.moved();
            self.traffic.proven.remember(likeness);
        }
        let ticket = self.traffic.gate.enter(claim, false).await.map_err(E::from)?;
        let leash = Leash::of(self.limit);
        let tenant = claim.tenant;
        let again = move |connection: Connection<'_>| read(&mut Reader { connection, tenant });
        let result = self.read_with(Lane::Heavy, Some(ticket), Arc::clone(&leash), again).await;
        // What has taken long once, as the machine did too much, is not heavy for good.
        if result.is_ok() && leash.running_for().is_some_and(|took| took < self.traffic.pace.budget()) {
            self.traffic.proven.forget(likeness);
        }
        result
    }

    /// Reads in the heavy lane for a report. On PostgreSQL all of its statements see the same state, and each is planned for its own
    /// values.
    pub async fn report<T, E>(
        &self,
        claim: Claim,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let tenant = claim.tenant;
        let read = move |connection: Connection<'_>| match connection {
            Connection::Sqlite(_) => read(&mut Reader { connection, tenant }),
            Connection::Postgres(conn) => {
                postgres::report(conn, |conn| read(&mut Reader { connection: Connection::Postgres(conn), tenant }))
            }
        };
        self.queue_heavily(claim, read).await
    }

    async fn queue_heavily<T, E>(
        &self,
        claim: Claim,
        read: impl FnOnce(Connection<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let ticket = self.traffic.gate.enter(claim, true).await.map_err(E::from)?;
        self.read_with(Lane::Heavy, Some(ticket), Leash::of(self.limit), read).await
    }

    async fn read_with<T, E>(
        &self,
        lane: Lane,
        ticket: Option<Ticket>,
        leash: Arc<Leash>,
        read: impl FnOnce(Connection<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let traffic = Arc::clone(&self.traffic);
        let count = match lane {
            Lane::Light => Arc::clone(&traffic.light),
            Lane::Heavy => Arc::clone(&traffic.heavy),
        };
        let (answer, answered) = oneshot::channel();
        let own = Arc::clone(&leash);
        // Whoever has a slot of the heavy lane waits for no thread.
        let queued = count.queue();
        let run = Box::new(move |connection: Result<Connection<'_>, StoreError>| {
            let busy = queued.begin();
            let result = connection.map_err(E::from).and_then(read);
            let error = result.as_ref().err().and_then(Failure::store_error);
            if lane == Lane::Light && !own.is_abandoned() {
                traffic.pace.note(own.running_for().unwrap_or_default());
            }
            // Whoever has gone is not told why it ended.
            count.failed(if own.is_abandoned() { error.map(|_| &StoreError::Abandoned) } else { error });
            let broken = error.is_some_and(is_broken);
            // Given on before the answer: whoever has that finds the slot free.
            drop((busy, ticket));
            // Nobody waits for the answer of a request that was given up.
            drop(answer.send(result));
            broken
        });
        let mut waiting = Waiting { engine: &self.engine, leash: Some(Arc::clone(&leash)) };
        let task = sqlite::ReadTask { leash, run };
        let sent = match &self.engine {
            Engine::Sqlite(threads) => threads.read(lane, task),
            Engine::Postgres(pool) => pool.run(lane, task),
        };
        sent.map_err(E::from)?;
        let waited = self.wait(answered).instrument(self.traced("read")).await.map_err(E::from)?;
        waiting.leash = None;
        waited.unwrap_or_else(|| Err(E::from(StoreError::Internal("the read panicked".to_owned()))))
    }

    /// Does a piece of work in one transaction, again if another got in its way; its answer is durable when it comes.
    pub async fn write<T, E>(
        &self,
        tenant: TenantKey,
        origin: Origin,
        work: impl Fn(&mut Work<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let (answer, answered) = oneshot::channel();
        let mut answer = Some(answer);
        // What has begun to be written is written to its end; only its statements are limited.
        let leash = Leash::of(self.limit);
        let (count, queued_up) = (Arc::clone(&self.traffic.light), self.traffic.light.queue());
        let (numbers, queued, new_id) = (Arc::clone(&self.numbers), Arc::clone(&self.queued), self.new_id);
        let pulse = Arc::clone(&self.pulse);
        let sent = match &self.engine {
            Engine::Sqlite(threads) => {
                let (mut done, mut has_queued, mut wrote) = (None, false, Vec::new());
                let (mut queued_up, mut busy) = (Some(queued_up), None);
                threads.write(Box::new(move |step| match step {
                    // Nobody has waited for it since before it began.
                    sqlite::Step::Do(_) if queued_up.is_some() && answer.as_ref().is_none_or(oneshot::Sender::is_closed) => true,
                    sqlite::Step::Do(conn) => {
                        busy = queued_up.take().map(lanes::Queued::begin).or(busy.take());
                        let _held = leash.take_up(None);
                        let mut unit = Work::new(Connection::Sqlite(conn), tenant, &origin, new_id, &numbers);
                        let result = work(&mut unit).and_then(|value| unit.finish().map(|()| value).map_err(E::from));
                        count.failed(result.as_ref().err().and_then(Failure::store_error));
                        let kept = result.is_ok();
                        has_queued = kept && unit.queued;
                        wrote = unit.announced;
                        done = Some(result);
                        kept
                    }
                    sqlite::Step::Answer(commit) => {
                        busy = None;
                        if commit.is_ok() && done.as_ref().is_some_and(Result::is_ok) {
                            wrote.iter().for_each(|tenant| pulse.wrote(*tenant));
                            if has_queued {
                                queued.notify_one();
                            }
                        }
                        if let Some(answer) = answer.take() {
                            let result = match (commit, done.take()) {
                                (Ok(()), Some(result)) => result,
                                (Err(_), Some(Err(failure))) => Err(failure),
                                (Err(error), _) => Err(E::from(error)),
                                (Ok(()), None) => Err(E::from(StoreError::Internal("the work panicked".to_owned()))),
                            };
                            drop(answer.send(result));
                        }
                        true
                    }
                }))
            }
            Engine::Postgres(pool) => {
                let run = Box::new(move |connection: Result<Connection<'_>, StoreError>| {
                    if answer.as_ref().is_none_or(oneshot::Sender::is_closed) {
                        return false;
                    }
                    let busy = queued_up.begin();
                    let (has_queued, wrote) = (std::cell::Cell::new(false), std::cell::RefCell::new(Vec::new()));
                    let result = match connection {
                        Ok(Connection::Postgres(conn)) => postgres::transaction(conn, ATTEMPTS, |conn| {
                            let mut unit = Work::new(Connection::Postgres(conn), tenant, &origin, new_id, &numbers);
                            let value = work(&mut unit)?;
                            unit.finish()?;
                            has_queued.set(unit.queued);
                            wrote.replace(unit.announced);
                            Ok(value)
                        }),
                        Ok(Connection::Sqlite(_)) => {
                            Err(E::from(StoreError::Internal("a connection of the wrong engine".to_owned())))
                        }
                        Err(error) => Err(E::from(error)),
                    };
                    if result.is_ok() {
                        wrote.borrow().iter().for_each(|tenant| pulse.wrote(*tenant));
                        if has_queued.get() {
                            queued.notify_one();
                        }
                    }
                    let error = result.as_ref().err().and_then(Failure::store_error);
                    count.failed(error);
                    let broken = error.is_some_and(is_broken);
                    drop(busy);
                    if let Some(answer) = answer.take() {
                        drop(answer.send(result));
                    }
                    broken
                });
                pool.run(Lane::Light, sqlite::ReadTask { leash, run })
            }
        };
        sent.map_err(E::from)?;
        let waited = self.wait(answered).instrument(self.traced("write")).await.map_err(E::from)?;
        waited.unwrap_or_else(|| Err(E::from(StoreError::Internal("the work panicked".to_owned()))))
    }

    /// Waits for an answer, but not for a server that hangs; none if there will be no answer.
    async fn wait<T>(&self, mut answered: oneshot::Receiver<T>) -> Result<Option<T>, StoreError> {
        let Engine::Postgres(pool) = &self.engine else { return Ok(answered.await.ok()) };
        loop {
            if let Ok(answer) = tokio::time::timeout(LOOK, &mut answered).await {
                return Ok(answer.ok());
            }
            pool.watch().check()?;
        }
    }

    /// The span of a call, within that of a request or job that is traced.
    fn traced(&self, call: &'static str) -> tracing::Span {
        if !tracing::enabled!(target: TRACED, tracing::Level::TRACE) || tracing::Span::current().is_none() {
            return tracing::Span::none();
        }
        let system = match self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgresql",
        };
        tracing::trace_span!(target: TRACED, "store", otel.kind = "client", otel.name = call, db.system.name = system)
    }

    /// Waits until a job is put into the queue through this store.
    pub async fn job_queued(&self) {
        self.queued.notified().await;
    }

    /// Says when logs go on.
    #[must_use]
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Lets what was accepted finish, and closes the database.
    pub fn close(&self) {
        match &self.engine {
            Engine::Sqlite(threads) => threads.stop(),
            Engine::Postgres(pool) => pool.stop(),
        }
    }
}

/// Whether a connection is not to be used again.
fn is_broken(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(_) | StoreError::Unwritable(_) => true,
        StoreError::Busy
        | StoreError::TooSlow
        | StoreError::Abandoned
        | StoreError::Serialization
        | StoreError::Taken(_)
        | StoreError::Reference
        | StoreError::SumTooLarge
        | StoreError::Internal(_) => false,
    }
}
