//! SQL before it meets an engine: statements with their binds, types, rows, and the tables of Farley's own.

pub mod batch;
pub mod cell;
/// How the changes of events are kept.
pub mod changes;
pub mod row;
/// Rows of Farley's own tables.
pub mod rows;
/// Farley's own tables; those of declared objects are known from their field tables.
pub mod schema;
pub mod sql_types;
pub mod statement;
