//! `farley bench`, and the bare server it measures beside.

use clap::{Args, ValueEnum};

use crate::{bench, settings::Settings};

#[derive(Args)]
pub struct BenchFlags {
    /// The engine to measure; for PostgreSQL, DATABASE_URL must point to a database that can be filled
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// Number of customers in the database
    #[arg(long, default_value_t = 100_000)]
    customers: u64,
    /// Number of opportunities in the database, a fifth of them open; if there are any, sales are measured as well
    #[arg(long, default_value_t = 0)]
    opportunities: u64,
    /// Number of concurrent connections
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// How long each workload is measured, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub fn bench(flags: &BenchFlags, settings: &Settings) -> Result<(), String> {
    let sales = if flags.opportunities > 0 { format!("-{}", flags.opportunities) } else { String::new() };
    let database_url = match flags.engine {
        // A file of its own, kept for the next run.
        Engine::Sqlite => format!("sqlite:{}", settings.data_dir.join(format!("bench-{}{sales}.db", flags.customers)).display()),
        Engine::Postgres if settings.database_url().starts_with("postgres") => settings.database_url(),
        Engine::Postgres => return Err("--engine postgres requires DATABASE_URL=postgres://…".to_owned()),
    };
    let options = bench::Options {
        database_url,
        customers: flags.customers,
        opportunities: flags.opportunities,
        connections: flags.connections,
        seconds: flags.seconds,
    };
    bench::run(&options).map_err(|error| error.to_string())
}

/// Serves the bare route.
pub fn bare(address: std::net::SocketAddr) -> Result<(), String> {
    actix_web::rt::System::new().block_on(bench::serve_bare(address)).map_err(|error| error.to_string())
}
