//! A list of ids of records: what an action is to be done with, or was.

use serde_json::{Value, json};

use crate::{
    model::{
        fault::{Fault, FaultCode},
        field::Structure,
        value::list,
    },
    values::id::Id,
};

/// The most ids of a list.
pub const MOST_IDS: usize = 1_000;

pub static IDS: Structure = Structure {
    name: "ids",
    accept: |value, _| {
        list(value, MOST_IDS, |item| {
            let id = item.as_str().and_then(|text| text.parse::<Id>().ok());
            Ok(Value::from(id.ok_or_else(|| Fault::new("", FaultCode::InvalidId))?.to_string()))
        })
    },
    schema: || json!({"type": "array", "maxItems": MOST_IDS, "items": {"type": "string", "format": "uuid"}}),
    ..Structure::PLAIN
};
