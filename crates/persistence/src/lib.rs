//! Farley's persistence: SQLite and PostgreSQL behind one [`Store`], with one way to write (the unit of work, [`Work`]) and one
//! way to read ([`Reader`]).
//!
//! Statements over declared objects are built once from the field table (`records`, `filter`) and run by either engine;
//! queries over Farley's own tables are written once in diesel and compiled for each engine (`queries`).

mod activities;
mod aggregate;
mod engine;
mod error;
mod filter;
mod funnel;
mod holdings;
mod ledger;
mod migrate;
mod ranking;
mod reader;
mod records;
mod row;
pub mod scaffold;
mod scores;
mod search;
mod sql_types;
mod statement;
mod store;
mod work;

pub mod bare;
#[allow(clippy::duplicate_mod, reason = "the same files are compiled for each engine")]
mod queries;

pub(crate) use engine::on;

pub use activities::{Notice, Shift, Standing};
pub use aggregate::{Bound, Group, Measure};
pub use error::StoreError;
pub use funnel::{MAX_STAGES, Median, Moves, Travelled, Travels};
pub use ledger::LedgerEntry;
pub use migrate::down_and_up;
pub use queries::rows::{
    EventRow, Holding, IdempotencyRow, ImportFaultRow, JobRow, LoginFailureRow, SessionRow, SigningKeyRow, TenantRow,
};
pub use reader::{EXPANDED_EACH, Page, Reader, TenantKey, Written};
pub use row::{Cell, Layout, Row};
pub use statement::Dialect;
pub use store::{Failure, Settings, Store};
pub use work::{Change, Lease, Loaded, Origin, Work};
