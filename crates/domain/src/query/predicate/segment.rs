//! Segments in filters: a name for who meets another filter, or for a list of records.

use serde_json::Value;

use crate::{model::field::Link, values::id::Id};

/// Which records are members of which segment: of one that lists them its members, of one with a filter those that were found last.
pub static SEGMENT_MEMBERS: Link =
    Link { table: "segment_members", from: "record_id", to: "segment_id", target: "segment", shared: true };

/// A segment that an asker may use.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownSegment {
    pub id: Id,
    /// The object whose records are its members.
    pub object: &'static str,
    /// What its members meet; none, if they are listed.
    pub filter: Option<Value>,
}
