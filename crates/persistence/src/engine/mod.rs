//! The two engines: their connections, the threads that own them, migrations, and the queries compiled for each.

pub mod canceller;
pub mod connection;
pub mod interrupt;
pub mod kept;
pub mod leash;
pub mod log;
pub mod memo;
pub mod migrate;
pub mod postgres;
pub mod pulse;
#[allow(clippy::duplicate_mod, reason = "the same files are compiled for each engine")]
pub mod queries;
pub mod sqlite;
pub mod waiting;
pub mod watch;

pub use connection::Connection;
pub(crate) use connection::on;
pub(crate) use memo::Remembering;

/// A set of connections, of which one never waits for what the other does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// For what is read by key, for pages that an index gives in their order, and for writes.
    Light,
    /// For what goes through much of what a tenant has.
    Heavy,
}
