//! How complete a profile is: which of the fields that matter are still missing.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::{
    cell::Cell,
    fault::{Fault, FaultCode},
    field::{Field, Structure},
    record::Record,
};

/// Share of the important fields that have a value, and the names of those that have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completeness {
    /// 0 to 100, rounded down.
    pub score: u8,
    pub missing: Vec<String>,
}

crate::structures! { Completeness }

pub static COMPLETENESS: Structure = Structure {
    name: "completeness",
    accept: |_, _| Err(Fault::new("", FaultCode::ReadOnly).into()),
    schema: || {
        json!({
            "type": "object",
            "required": ["score", "missing"],
            "properties": {
                "score": {"type": "integer", "minimum": 0, "maximum": 100, "description": "The percentage of important fields that have a value, rounded down.", "examples": [75]},
                "missing": {"type": "array", "items": {"type": "string"}, "description": "The important fields without a value.", "examples": [["emails"]]}
            }
        })
    },
    ..Structure::PLAIN
};

/// Looks at the important fields of a record.
#[must_use]
pub fn of<E>(record: &Record<E>, important: &[&Field]) -> Completeness {
    let is_missing = |field: &&&Field| match &*record.cell(field) {
        Cell::Text(text) => text.is_empty(),
        cell => cell.is_empty(),
    };
    let missing: Vec<String> = important.iter().filter(is_missing).map(|field| field.name.to_string()).collect();
    let score = (important.len() - missing.len()) * 100 / important.len().max(1);
    Completeness { score: u8::try_from(score).unwrap_or(100), missing }
}
