//! The queries compiled for PostgreSQL.

use diesel::{
    QueryResult,
    query_builder::AstPass,
    sql_types::{Array, Text},
};

pub type Conn = diesel::PgConnection;
pub type Db = diesel::pg::Pg;

fn push_texts<'b>(texts: &'b Vec<String>, out: &mut AstPass<'_, 'b, Db>) -> QueryResult<()> {
    out.push_bind_param::<Array<Text>, _>(texts)
}

#[path = "credentials.rs"]
pub mod credentials;
#[path = "events.rs"]
pub mod events;
#[path = "idempotency.rs"]
pub mod idempotency;
#[path = "imports.rs"]
pub mod imports;
#[path = "jobs.rs"]
pub mod jobs;
#[path = "run.rs"]
pub mod run;
#[path = "tenants.rs"]
pub mod tenants;
