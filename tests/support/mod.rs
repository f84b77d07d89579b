//! The harness of both test binaries: every test is registered once and run for each engine, on a database of its own.
//!
//! ```ignore
//! async fn finds_by_name(db: TestDb) { … }           // or -> Result<(), impl Debug>
//! fn main() { support::main_with(tests![search::finds_by_name]) }
//! ```
//!
//! runs as `search::finds_by_name::sqlite` and `search::finds_by_name::postgres`. Without PostgreSQL the latter are shown
//! as ignored; with `FARLEY_TEST_REQUIRE_POSTGRES=1` that is an error. A test that concerns one engine is shown as ignored for the
//! other, with the reason in its name.

#![allow(dead_code, reason = "each binary uses a part of it")]

mod postgres;
pub mod scratch;
mod sqlite;

use std::{fmt, future::Future, num::NonZero, pin::Pin, sync::Arc, time::SystemTime};

use farley_domain::values::id::Id;
use farley_persistence::{Settings, Store};
use libtest_mimic::{Arguments, Failed, Trial};
use uuid::{Timestamp, Uuid};

/// How many connections or readers a test's store has.
const CONNECTIONS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        }
    }
}

/// A migrated database of the test's own, gone with the last clone.
#[derive(Clone)]
pub struct TestDb {
    pub engine: Engine,
    /// As `DATABASE_URL` takes it.
    pub url: String,
    held: Arc<Held>,
}

enum Held {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl TestDb {
    pub fn new(engine: Engine) -> TestDb {
        let (url, held) = match engine {
            Engine::Sqlite => {
                let database = sqlite::Database::create();
                (database.url(), Held::Sqlite(database))
            }
            Engine::Postgres => {
                let database = postgres::Database::create();
                (database.url(), Held::Postgres(database))
            }
        };
        TestDb { engine, url, held: Arc::new(held) }
    }

    pub fn settings(&self) -> Settings {
        Settings { url: self.url.clone(), connections: CONNECTIONS, heavy: 2, statement_limit: None, new_id }
    }

    /// Opens the database; each call is a node of its own on PostgreSQL.
    pub fn open(&self) -> Store {
        Store::open(&self.settings()).expect("the test's database opens")
    }

    /// The name of a PostgreSQL database, for what goes past the store.
    pub fn name(&self) -> &str {
        match &*self.held {
            Held::Postgres(database) => database.name(),
            Held::Sqlite(_) => "",
        }
    }

    /// The file of a SQLite database, for what goes past the store.
    pub fn path(&self) -> &str {
        self.url.strip_prefix("sqlite:").unwrap_or(&self.url)
    }
}

/// A UUIDv7 of now.
pub fn new_id() -> Id {
    #[allow(clippy::disallowed_methods, reason = "names of databases, not times of records")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Id(Uuid::new_v7(Timestamp::from_unix(uuid::NoContext, now.as_secs(), now.subsec_nanos())))
}

/// What a test may end with.
pub trait Outcome {
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: fmt::Debug> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| format!("{error:?}"))
    }
}

type Run = Box<dyn Fn(Vec<TestDb>) -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync>;

/// On which engines a test runs.
#[derive(Clone, Copy)]
enum On {
    Each,
    /// One run gets a database of each engine, to compare them.
    Both,
    /// The other engine has nothing to be tested, for a reason.
    Only(Engine, &'static str),
}

pub struct Test {
    name: String,
    on: On,
    /// What it needs and is not there.
    missing: Option<&'static str>,
    run: Run,
}

impl Test {
    /// Run once for each engine.
    pub fn each<F, O>(name: &str, test: fn(TestDb) -> F) -> Test
    where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        let run = move |databases: Vec<TestDb>| -> Pin<Box<dyn Future<Output = Option<String>> + Send>> {
            let running = databases.into_iter().next().map(test);
            Box::pin(async move { running?.await.failure() })
        };
        Test { name: below_the_binary(name), on: On::Each, missing: None, run: Box::new(run) }
    }

    /// Run once with a database of each engine.
    pub fn both<F, O>(name: &str, test: fn(TestDb, TestDb) -> F) -> Test
    where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        let run = move |databases: Vec<TestDb>| -> Pin<Box<dyn Future<Output = Option<String>> + Send>> {
            let running = <[TestDb; 2]>::try_from(databases).ok().map(|[sqlite, postgres]| test(sqlite, postgres));
            Box::pin(async move { running?.await.failure() })
        };
        Test { name: below_the_binary(name), on: On::Both, missing: None, run: Box::new(run) }
    }

    /// Run for one engine.
    pub fn only<F, O>(engine: Engine, name: &str, test: fn(TestDb) -> F, reason: &'static str) -> Test
    where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        Test { on: On::Only(engine, reason), ..Test::each(name, test) }
    }

    /// Reported as skipped where something is missing.
    pub fn unless_missing(self, missing: Option<&'static str>) -> Test {
        Test { missing, ..self }
    }

    fn trials(self, has_postgres: bool) -> Vec<Trial> {
        const SQLITE: &[Engine] = &[Engine::Sqlite];
        const POSTGRES: &[Engine] = &[Engine::Postgres];
        let run = Arc::new(self.run);
        let trial = |engines: &'static [Engine], suffix: &str| {
            let run = Arc::clone(&run);
            let skipped = self.missing.is_some() || (engines.contains(&Engine::Postgres) && !has_postgres);
            let why = self.missing.map(|missing| format!(" ({missing})")).unwrap_or_default();
            Trial::test(format!("{}::{suffix}{why}", self.name), move || perform(&run, engines)).with_ignored_flag(skipped)
        };
        let skipped = |engine: Engine, reason: &str| {
            let name = format!("{}::{} ({reason})", self.name, engine.name());
            Trial::test(name, || Err(Failed::from("there is nothing to be tested"))).with_ignored_flag(true)
        };
        match self.on {
            On::Each => vec![trial(SQLITE, "sqlite"), trial(POSTGRES, "postgres")],
            On::Both => vec![trial(&[Engine::Sqlite, Engine::Postgres], "both")],
            On::Only(Engine::Sqlite, reason) => vec![trial(SQLITE, "sqlite"), skipped(Engine::Postgres, reason)],
            On::Only(Engine::Postgres, reason) => vec![skipped(Engine::Sqlite, reason), trial(POSTGRES, "postgres")],
        }
    }
}

/// The path of a test without the name of its binary.
fn below_the_binary(path: &str) -> String {
    let path = path.replace(' ', "");
    path.split_once("::").map_or(path.clone(), |(_, below)| below.to_owned())
}

fn perform(run: &Run, engines: &[Engine]) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let databases: Vec<TestDb> = engines.iter().map(|engine| TestDb::new(*engine)).collect();
    match runtime.block_on(run(databases.clone())) {
        None => Ok(()),
        Some(failure) => Err(Failed::from(failure)),
    }
}

/// The tests named, each run for both engines; after `both:`, those that compare the engines; after `sqlite:` and `postgres:`, those
/// that concern one engine only, and why. A test is named by its path, below the binary.
#[macro_export]
macro_rules! tests {
    (
        $($($path:ident)::+),* $(,)?
        $(; both: $($($pair:ident)::+),* $(,)?)?
        $(; sqlite: $($($lite:ident)::+ => $not_postgres:literal),* $(,)?)?
        $(; postgres: $($($post:ident)::+ => $not_sqlite:literal),* $(,)?)?
    ) => {{
        #[allow(unused_imports, reason = "where no test concerns one engine only")]
        use $crate::support::{Engine, Test};
        vec![
            $( Test::each(concat!(module_path!(), "::", stringify!($($path)::+)), $($path)::+), )*
            $( $( Test::both(concat!(module_path!(), "::", stringify!($($pair)::+)), $($pair)::+), )* )?
            $( $( Test::only(Engine::Sqlite, concat!(module_path!(), "::", stringify!($($lite)::+)), $($lite)::+, $not_postgres), )* )?
            $( $( Test::only(Engine::Postgres, concat!(module_path!(), "::", stringify!($($post)::+)), $($post)::+, $not_sqlite), )* )?
        ]
    }};
}

/// Runs the tests that the command line asks for, and ends the process.
pub fn main_with(tests: Vec<Test>) -> ! {
    let mut arguments = Arguments::from_args();
    // Half of the time a test waits: for the disk, for jobs, for clocks.
    let cores = std::thread::available_parallelism().map_or(2, NonZero::get);
    arguments.test_threads.get_or_insert(3 * cores);
    let has_postgres = postgres::is_there();
    if !has_postgres {
        let required = std::env::var("FARLEY_TEST_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
        assert!(!required, "FARLEY_TEST_REQUIRE_POSTGRES=1, but there is no PostgreSQL: {}", postgres::WAYS);
        eprintln!("No PostgreSQL: its tests are ignored, not passed. {}", postgres::WAYS);
    }
    let trials = tests.into_iter().flat_map(|test| test.trials(has_postgres)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    postgres::stop();
    scratch::remove();
    conclusion.exit()
}
