//! Other systems and files: imports so far.

pub mod import;
pub use import::{
    mapping::{ColumnMapping, Lookup, Mapping, Strictness},
    plan::{Place, Plan, PlannedColumn},
    record::Import,
    row::{CellFault, Row, RowRead, Wanted, Wants},
};
