//! How complete a profile is: which of the fields that matter are still missing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{
    fault::{Fault, FaultCode},
    field::Structure,
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
                "score": {"type": "integer", "minimum": 0, "maximum": 100, "description": "Per cent of the important fields that have a value, rounded down.", "examples": [75]},
                "missing": {"type": "array", "items": {"type": "string"}, "description": "The important fields without a value.", "examples": [["emails"]]}
            }
        })
    },
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| asked.to_owned(),
    search: |_| Vec::new(),
    link: None,
};

/// Looks at the important fields of a record.
#[must_use]
pub fn of(record: &Record, important: &[&str]) -> Value {
    let missing: Vec<&str> = important
        .iter()
        .copied()
        .filter(|name| match record.get(name) {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::String(text) => text.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        })
        .collect();
    let score = (important.len() - missing.len()) * 100 / important.len().max(1);
    json!({"score": score, "missing": missing})
}
