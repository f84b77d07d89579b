//! Other systems and files: imports and exports, and what is attached to records.

pub mod export;
pub mod file;
pub mod import;
pub mod media_type;
pub mod signature;
pub mod webhook;
pub mod webhook_delivery;
pub use import::{
    mapping::{ColumnMapping, Lookup, Mapping, Strictness},
    plan::{Place, Plan, PlannedColumn},
    record::Import,
    row::{CellFault, Row, RowRead, Wanted, Wants},
};
