//! What can go wrong with a store, told apart by what a caller can do about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached now (connection lost, locked): worth trying again later.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The store cannot be written to (disk full or read-only); what is there may still be read.
    #[error("the store cannot be written to: {0}")]
    Unwritable(String),
    /// The heavy lane has no slot for the asker, and too many wait for one: worth trying again in a moment.
    #[error("too much is being read at once")]
    Busy,
    /// A statement took longer than it may.
    #[error("a statement took too long")]
    TooSlow,
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer")]
    Abandoned,
    /// Two transactions got in each other's way; the same work can be done again at once.
    #[error("the transaction must be tried again")]
    Serialization,
    /// A unique index was violated; its name, or on SQLite its columns.
    #[error("a unique index was violated: {0}")]
    Taken(String),
    /// A reference names no row.
    #[error("a reference names no row")]
    Reference,
    /// Figures add up to more than 64 bits hold.
    #[error("a sum is too large")]
    SumTooLarge,
    /// A bug, or a store that is not ours.
    #[error("the store failed: {0}")]
    Internal(String),
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> StoreError {
        let text = error.to_string();
        match error {
            DieselError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation => {
                    let name = information.constraint_name().unwrap_or(information.message());
                    StoreError::Taken(name.to_owned())
                }
                DatabaseErrorKind::ForeignKeyViolation => StoreError::Reference,
                DatabaseErrorKind::SerializationFailure => StoreError::Serialization,
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => StoreError::Unavailable(text),
                _ => by_message(text),
            },
            DieselError::BrokenTransactionManager => StoreError::Unavailable(text),
            _ => by_message(text),
        }
    }
}

/// Some failures are known by their message alone: neither diesel nor the drivers give them a kind.
fn by_message(text: String) -> StoreError {
    const PASSING: &[&str] = &[
        "database is locked",
        "unable to open database file",
        "server closed the connection",
        "connection to server",
        "no connection to the server",
        "could not connect",
        "terminating connection",
        "SSL connection",
        "remaining connection slots",
        "the database system is",
        "canceling statement due to lock timeout",
    ];
    const UNWRITABLE: &[&str] = &[
        "database or disk is full",
        "disk I/O error",
        "readonly database",
        "could not extend file",
        "No space left on device",
        "in a read-only transaction",
    ];
    if text.contains("deadlock detected") {
        StoreError::Serialization
    } else if text == "interrupted" || text.contains("canceling statement due to statement timeout") {
        StoreError::TooSlow
    } else if text.contains("canceling statement due to user request") {
        StoreError::Abandoned
    } else if UNWRITABLE.iter().any(|unwritable| text.contains(unwritable)) {
        StoreError::Unwritable(text)
    } else if PASSING.iter().any(|passing| text.contains(passing)) {
        StoreError::Unavailable(text)
    } else {
        StoreError::Internal(text)
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> StoreError {
        StoreError::Internal(format!("a stored value cannot be read: {error}"))
    }
}

/// What a failed piece of work gives: made of a store's error, and able to say which store's error it is made of.
pub trait Failure: From<StoreError> + Send + 'static {
    fn store_error(&self) -> Option<&StoreError>;
}

impl Failure for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}
