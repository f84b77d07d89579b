//! Other systems and files: imports so far.

pub mod import;
pub use import::{
    mapping::{ColumnMapping, Lookup, Mapping, Place, Plan, PlannedColumn, Strictness},
    record::Import,
    row::{CellFault, Row, RowRead, Wanted, Wants},
};
