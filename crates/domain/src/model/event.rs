//! Who stands behind an event: what every write leaves in the log, in its own transaction.

use crate::values::id::Id;
use serde::Serialize;

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
