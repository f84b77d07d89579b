//! Keys of a record in other systems: `{"sap": "10042"}`.

use serde_json::{Map, Value, json};

use crate::{
    model::{
        fault::{Fault, FaultCode, Faults, pointer_token},
        field::Structure,
        value::{Standards, as_text, wrong},
    },
    values::text,
};

/// One key per system; at most 20 systems.
pub static EXTERNAL_IDS: Structure = Structure {
    name: "external_ids",
    accept,
    schema,
    lookups,
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |value| {
        lookups(value)
            .iter()
            .filter_map(|pair| pair.split_once(':'))
            .map(|(_, key)| (crate::model::field::SearchKind::Code, key.to_owned()))
            .collect()
    },
    link: None,
};

/// Whether a text can name a system.
#[must_use]
pub fn is_system(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && name.len() <= 40
        && characters.all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_')
}

fn accept(value: &Value, _: &Standards<'_>) -> Result<Value, Faults> {
    let members = value.as_object().ok_or_else(|| wrong("an object that maps systems to keys"))?;
    let mut faults = Faults::default();
    if members.len() > 20 {
        return Err(Fault::new("", FaultCode::TooMany).with("max", 20).into());
    }
    let mut accepted = Map::new();
    for (system, key) in members {
        let pointer = format!("/{}", pointer_token(system));
        if !is_system(system) {
            faults.add(Fault::new(pointer, FaultCode::InvalidKey));
            continue;
        }
        // Merge patch: null takes a key away.
        if key.is_null() {
            continue;
        }
        match as_text(key).map(text::clean_line) {
            Ok(key) if key.is_empty() => faults.add(Fault::new(pointer, FaultCode::Blank)),
            Ok(key) if key.chars().count() > 200 => {
                faults.add(Fault::new(pointer, FaultCode::TooLong).with("max", 200));
            }
            Ok(key) => {
                accepted.insert(system.clone(), key.into());
            }
            Err(found) => faults.extend(found.0.into_iter().map(|fault| fault.under(&pointer))),
        }
    }
    faults.into_result(Value::Object(accepted))
}

/// `sap:10042` for each.
fn lookups(value: &Value) -> Vec<String> {
    value.as_object().into_iter().flatten().filter_map(|(system, key)| Some(format!("{system}:{}", key.as_str()?))).collect()
}

fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": {"type": "string", "maxLength": 200},
        "maxProperties": 20,
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"}
    })
}
