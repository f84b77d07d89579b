//! The store: readers and a writer on SQLite, a pool of connections on PostgreSQL, behind the same two calls.

use std::{path::PathBuf, sync::Arc};

use farley_domain::id::Id;
use tokio::sync::{Notify, oneshot};
use tracing::Instrument as _;

use crate::{
    engine::{Connection, postgres, sqlite},
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
    /// Where new ids come from.
    pub new_id: fn() -> Id,
}

/// A database of either engine.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    numbers: Arc<Numbers>,
    queued: Arc<Notify>,
    new_id: fn() -> Id,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Threads>),
    Postgres(Arc<postgres::Pool>),
}

/// The target of spans that are sent as traces; of the level TRACE, which costs nothing where nobody listens.
const TRACED: &str = "farley::traced";

/// How often work is tried when transactions get in each other's way.
const ATTEMPTS: u32 = 8;

impl Store {
    /// Opens the database, creating it where it is a file, and brings it to the present schema.
    pub fn open(settings: &Settings) -> Result<Store, StoreError> {
        let (engine, numbers) = if let Some(path) = settings.url.strip_prefix("sqlite:") {
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            (Engine::Sqlite(Arc::new(sqlite::Threads::start(&path, settings.connections)?)), Numbers::none())
        } else if settings.url.starts_with("postgres://") || settings.url.starts_with("postgresql://") {
            let url = postgres::with_timeouts(&settings.url);
            (Engine::Postgres(Arc::new(postgres::Pool::start(&url, settings.connections)?)), Numbers::of(url))
        } else {
            return Err(StoreError::Internal("DATABASE_URL must begin with sqlite: or postgres://".to_owned()));
        };
        Ok(Store { engine, numbers: Arc::new(numbers), queued: Arc::default(), new_id: settings.new_id })
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgres",
        }
    }

    /// Reads within a tenant.
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
        self.read_with(read).await
    }

    /// Reads within a tenant for a report, whose statements go through much of what it has. On PostgreSQL all of them see the same
    /// state, and each is planned for its own values.
    pub async fn report<T, E>(
        &self,
        tenant: TenantKey,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let read = move |connection: Connection<'_>| match connection {
            Connection::Sqlite(_) => read(&mut Reader { connection, tenant }),
            Connection::Postgres(conn) => {
                postgres::report(conn, |conn| read(&mut Reader { connection: Connection::Postgres(conn), tenant }))
            }
        };
        self.read_with(read).await
    }

    async fn read_with<T, E>(&self, read: impl FnOnce(Connection<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let (answer, answered) = oneshot::channel();
        let task = Box::new(move |connection: Result<Connection<'_>, StoreError>| {
            let result = connection.map_err(E::from).and_then(read);
            let broken = result.as_ref().err().and_then(Failure::store_error).is_some_and(is_broken);
            // Nobody waits for the answer of a request that was given up.
            drop(answer.send(result));
            broken
        });
        let sent = match &self.engine {
            Engine::Sqlite(threads) => threads.read(task),
            Engine::Postgres(pool) => pool.run(task),
        };
        sent.map_err(E::from)?;
        let waited = answered.instrument(self.traced("read"));
        waited.await.map_err(|_| E::from(StoreError::Internal("the read panicked".to_owned())))?
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
        let (numbers, queued, new_id) = (Arc::clone(&self.numbers), Arc::clone(&self.queued), self.new_id);
        let sent = match &self.engine {
            Engine::Sqlite(threads) => {
                let (mut done, mut has_queued) = (None, false);
                threads.write(Box::new(move |step| match step {
                    sqlite::Step::Do(conn) => {
                        let mut unit = Work::new(Connection::Sqlite(conn), tenant, &origin, new_id, &numbers);
                        let result = work(&mut unit).and_then(|value| unit.finish().map(|()| value).map_err(E::from));
                        let kept = result.is_ok();
                        has_queued = kept && unit.queued;
                        done = Some(result);
                        kept
                    }
                    sqlite::Step::Answer(commit) => {
                        if has_queued && commit.is_ok() {
                            queued.notify_one();
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
            Engine::Postgres(pool) => pool.run(Box::new(move |connection| {
                let has_queued = std::cell::Cell::new(false);
                let result = match connection {
                    Ok(Connection::Postgres(conn)) => postgres::transaction(conn, ATTEMPTS, |conn| {
                        let mut unit = Work::new(Connection::Postgres(conn), tenant, &origin, new_id, &numbers);
                        let value = work(&mut unit)?;
                        unit.finish()?;
                        has_queued.set(unit.queued);
                        Ok(value)
                    }),
                    Ok(Connection::Sqlite(_)) => {
                        Err(E::from(StoreError::Internal("a connection of the wrong engine".to_owned())))
                    }
                    Err(error) => Err(E::from(error)),
                };
                if has_queued.get() && result.is_ok() {
                    queued.notify_one();
                }
                let broken = result.as_ref().err().and_then(Failure::store_error).is_some_and(is_broken);
                if let Some(answer) = answer.take() {
                    drop(answer.send(result));
                }
                broken
            })),
        };
        sent.map_err(E::from)?;
        let waited = answered.instrument(self.traced("write"));
        waited.await.map_err(|_| E::from(StoreError::Internal("the work panicked".to_owned())))?
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
        StoreError::Unavailable(_) => true,
        StoreError::Serialization
        | StoreError::Taken(_)
        | StoreError::Reference
        | StoreError::SumTooLarge
        | StoreError::Internal(_) => false,
    }
}
