//! The one place that reads the system clock and draws randomness: everything else is handed what it needs.

#![allow(clippy::disallowed_methods, reason = "this is the file that may")]

use farley_domain::values::{id::Id, time::Timestamp};

/// The present time.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from(chrono::Utc::now())
}

/// A new time-ordered id.
#[must_use]
pub fn new_id() -> Id {
    Id(uuid::Uuid::now_v7())
}

/// Random bytes fit for secrets.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    use rand::Rng;
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
