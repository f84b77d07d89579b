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
pub mod queries;

pub use activities::{Notice, Shift, Standing};
pub use aggregate::{Bound, Group, Measure};
pub use error::StoreError;
pub use funnel::{MAX_STAGES, Median, Moves, Travelled, Travels};
pub use holdings::Holding;
pub use ledger::LedgerEntry;
pub use migrate::down_and_up;
pub use reader::{EXPANDED_EACH, Page, Reader, TenantKey, Written};
pub use row::{Cell, Layout, Row};
pub use sql_types::{DbId, DbJson, DbTime};
pub use statement::Dialect;
pub use store::{Claim, Failure, LaneFigures, Lanes, Settings, Store, Turn};
pub use work::{Change, Lease, Loaded, Origin, Work};
