//! Farley's persistence: SQLite and PostgreSQL behind one [`Store`], with one way to write (the unit of work, [`Work`]) and one
//! way to read ([`Reader`]).
//!
//! Statements over declared objects are built once from the field table (`records`) and run by either engine; queries over
//! Farley's own tables are written once in diesel and compiled for each engine (`engine/queries`).
//!
//! The rooms stand in storeys, each of which knows those before it: `sql`, `engine`, then `records`, `reader` and `work`, then
//! the areas, and the [`Store`] that lends them out.

mod error;

mod sql;

mod engine;

mod reader;
mod records;
mod work;

mod activities;
mod automation;
mod customers;
mod identity;
mod integration;
mod reporting;
mod sales;
mod service;

mod store;

pub mod archive;
pub mod bare;
pub mod scaffold;

pub(crate) use engine::on;

pub use activities::{Notice, Shift, Standing};
pub use automation::Passed;
pub use customers::{Bought, Line};
pub use engine::{migrate::down_and_up, pulse::Pulse};
pub use error::{Failure, StoreError};
pub use reader::{EXPANDED_EACH, Page, Reader, TenantKey, Written};
pub use records::{
    aggregate::{Bound, Cut, Group, Measure, Numbers, rounded},
    ledger::LedgerEntry,
};
pub use reporting::{MAX_STAGES, Median, Moves, Travelled, Travels};
pub use service::{MessageOfTicket, Vote};
pub use sql::{
    cell::Cell,
    row::{Layout, Row},
    rows::{
        ClockRow, EventRow, Holding, IdempotencyRow, ImportFaultRow, JobRow, KeptRow, Lease, LogEnd, LoginFailureRow,
        MailSourceRow, PortalCodeRow, PortalSessionRow, PromiseRow, RecordLockRow, RotationRow, RuleCursorRow, SegmentCursorRow,
        SessionRow, SettingHead, SettingRow, SigningKeyRow, StreamTicketRow, TenantRow, TimerRow, WantedEvents, WebhookCursorRow,
    },
    statement::Dialect,
};
pub use store::{Claim, LaneFigures, Lanes, Settings, Store, Turn};
pub use work::{Change, Loaded, LookupPlace, Noted, Origin, Work};
