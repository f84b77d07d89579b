//! Events: what every write leaves in the log, in its own transaction.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{id::Id, time::Timestamp};

/// One recorded change: who, when, what before, what after.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    pub id: Id,
    /// `customer.created`, `opportunity.stage_changed` …
    pub r#type: String,
    pub at: Timestamp,
    pub actor: Actor,
    pub object: String,
    pub record_id: Id,
    /// The version of the record after the change.
    pub version: i64,
    /// `{field: {"from", "to"}}`.
    pub changes: Map<String, Value>,
    pub request_id: Option<String>,
    /// Other records on whose timeline the event belongs.
    #[serde(skip)]
    pub about: Vec<Id>,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    pub kind: ActorKind,
    /// The user, or none for the system.
    pub user_id: Option<Id>,
    /// The API key used, if one was.
    pub api_key_id: Option<Id>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    User,
    ApiKey,
    System,
}
