//! Queries over Farley's own tables, written once in diesel and compiled for each engine: `sqlite` and `postgres` name the
//! connection types and include the same files.

/// SQL within typed queries.
pub mod fixed;
pub mod postgres;
pub mod sqlite;
