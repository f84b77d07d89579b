//! What a role may do to a field beside letting it be read and written.

use serde::{Deserialize, Serialize};

/// What a role does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldRule {
    ReadOnly,
    Hidden,
}
