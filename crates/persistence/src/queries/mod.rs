//! Queries over Farley's own tables, written once in diesel and compiled for each engine: `sqlite` and `postgres` name the
//! connection types and include the same files.

/// SQL within typed queries.
pub mod fixed;
pub mod postgres;
/// Rows of Farley's own tables.
pub mod rows;
/// Farley's own tables; those of declared objects are known from their field tables.
pub mod schema;
pub mod sqlite;
