//! `farley bench`: what a server does in a second over HTTP, beside a bare actix route and the bare SQL of the same work, all in
//! one run on one machine. Shares of such a run can be compared across machines; the rates themselves cannot.

mod bare_route;
mod bare_sql;
mod client;
mod lanes;
mod measure;
mod prepare;
mod sales;
mod server;
mod table;
mod works;

use std::time::Duration;

pub use bare_route::serve_bare;
use farley_persistence::StoreError;

use measure::{Load, over_http};
use server::Server;
use table::Report;
use works::{Engine, Ground, Work};

use crate::demo;

#[derive(Clone, Debug)]
pub struct Options {
    /// The database to use: an empty one, or that of an earlier run with as many customers.
    pub database_url: String,
    pub customers: u64,
    /// How many opportunities, with about five rows each in their ledger; none, and neither sales are measured nor the lanes.
    pub opportunities: u64,
    pub connections: usize,
    /// How long each work is measured, after a second to warm up.
    pub seconds: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database is not empty and not made by the benchmark: give it one of its own")]
    NotOurs,
    #[error("the server did not start: {0}")]
    Server(String),
    #[error("an answer was not as expected: {0}")]
    Answer(String),
    #[error(transparent)]
    Connection(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Demo(#[from] demo::Error),
}

/// The administrator of the benchmark's own database.
const CREDENTIALS: (&str, &str) = ("bench@example.com", "measured-on-one-machine");

/// How far down the list the deep page is, if there are as many rows.
const DEEP: usize = 50_000;

/// Measures and prints. Starts a runtime of its own, so that the clients have every core the servers leave.
pub fn run(options: &Options) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure_all(options))?.print();
    Ok(())
}

async fn measure_all(options: &Options) -> Result<Report, Error> {
    let url = &options.database_url;
    let engine = Engine::of(url);
    let tenant = prepare::database(url, options.customers, options.opportunities).await?;
    let farley = Server::farley(url, CREDENTIALS).await?;
    let bare = Server::bare().await?;
    let token = prepare::token(&farley).await?;
    let (ids, cursor) = prepare::walk(&farley, &token, DEEP).await?;
    let searches = prepare::searches(&farley, &token).await?;
    let ground = Ground { token, ids: ids.into(), cursor, run: crate::http::clock::new_id() };
    let load = Load {
        connections: options.connections,
        warm_up: Duration::from_secs(1),
        measured: Duration::from_secs(options.seconds.max(1)),
    };

    let mut works = vec![Work::Bare, Work::Get, Work::List, Work::Deep { rows: ground.ids.len() }, Work::Bare];
    works.extend(searches);
    works.extend([Work::Bare, Work::Create, Work::Bare]);
    let mut measured = Vec::new();
    for work in works {
        eprintln!("measuring: {}", work.label());
        let server = if work == Work::Bare { &bare } else { &farley };
        let taken = over_http(server.address, load, work.status(), &works::requests(&work, &ground)).await?;
        measured.push((work, taken));
    }
    let sales = match options.opportunities {
        0 => None,
        _ => Some(sales::measure(&farley, &ground.token, url, tenant.id, load).await?),
    };
    let lanes = match options.opportunities {
        0 => None,
        _ => Some(lanes::measure(&farley, &ground, load).await?),
    };
    let memory = farley.memory();
    let first_answer = farley.first_answer.as_secs_f64();
    drop((farley, bare));

    eprintln!("measuring: bare SQL");
    let (url, ids) = (url.clone(), std::sync::Arc::clone(&ground.ids));
    let sql = tokio::task::spawn_blocking(move || bare_sql::measure(&url, tenant.id, &ids, load)).await;
    let sql = sql.map_err(|error| Error::Answer(error.to_string()))??;
    Ok(Report { engine, works: measured, sql, first_answer, memory, sales, lanes })
}
