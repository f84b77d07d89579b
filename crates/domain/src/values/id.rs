//! Record ids: UUIDv7, so that ids sort by the time they were made.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of a record, a tenant or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub Uuid);

impl Id {
    /// The id with all bits zero: the lower end of the key space.
    pub const NIL: Id = Id(Uuid::nil());

    /// Whether a client may choose this id for what it creates: only UUIDv7 keeps rows in time order.
    #[must_use]
    pub fn is_time_ordered(self) -> bool {
        self.0.get_version_num() == 7
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        f.write_str(self.0.hyphenated().encode_lower(&mut buffer))
    }
}

impl FromStr for Id {
    type Err = uuid::Error;

    /// Only the hyphenated form is an id, so that one record has one spelling (caches and keys compare text).
    fn from_str(text: &str) -> Result<Id, uuid::Error> {
        match text.len() {
            36 => Uuid::try_parse(text).map(Id),
            _ => Uuid::try_parse("").map(Id),
        }
    }
}
