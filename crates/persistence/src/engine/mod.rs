//! The two engines: their connections, the threads that own them, migrations, and the queries compiled for each.

pub mod connection;
pub mod migrate;
pub mod postgres;
#[allow(clippy::duplicate_mod, reason = "the same files are compiled for each engine")]
pub mod queries;
pub mod sqlite;

pub use connection::Connection;
pub(crate) use connection::on;
