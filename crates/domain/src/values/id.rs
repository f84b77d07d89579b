//! Record ids. Farley makes them as UUIDv7, which sort by the time they were made; clients may choose a UUID of any version.

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

    /// Whether a client may choose this id for what it creates: a UUID of some version (RFC 9562), as opposed to one that stands for
    /// none or all, or to 128 bits of another making.
    #[must_use]
    pub fn is_of_a_version(self) -> bool {
        (1..=8).contains(&self.0.get_version_num()) && self.0.get_variant() == uuid::Variant::RFC4122
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
