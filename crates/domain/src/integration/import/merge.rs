//! What a row says of a record that is there already: lists grow and nothing in them is lost, the rest is replaced.

use serde_json::{Map, Value};

use crate::model::{
    field::{FieldType, Writable},
    object::Schema,
    record::Record,
    structures::addresses::ADDRESSES,
    value::{self, Standards},
};

/// The patch of a record that a row's body stands for. E-mail addresses, phones, tags and other lists keep what they have and
/// gain what is new; parts of an address go into the primary one.
#[must_use]
pub fn patch(schema: &Schema, before: &Record, body: &Map<String, Value>, standards: &Standards<'_>) -> Map<String, Value> {
    // What can be said only when a record is made is not said again.
    let is_open = |name: &str| schema.field(name).is_none_or(|field| field.writable != Writable::OnCreate);
    let sent = body.iter().filter(|(name, _)| is_open(name));
    sent.map(|(name, sent)| (name.clone(), merged(schema, before, name, sent, standards))).collect()
}

fn stored_list(schema: &Schema, before: &Record, name: &str) -> Option<Vec<Value>> {
    match before.json(schema.object.field(name)?) {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn merged(schema: &Schema, before: &Record, name: &str, sent: &Value, standards: &Standards<'_>) -> Value {
    let (Some(field), Some(stored)) = (schema.field(name), stored_list(schema, before, name)) else { return sent.clone() };
    let is_list = matches!(&field.kind, FieldType::References(_) | FieldType::Texts { .. } | FieldType::Structure(_));
    if !is_list || stored.is_empty() {
        return sent.clone();
    }
    if field.kind == FieldType::Structure(&ADDRESSES) {
        return with_address(stored, sent);
    }
    // What cannot be accepted is refused with the record, and says why.
    let Ok(accepted) = value::accept(field, sent, standards) else { return sent.clone() };
    let link = match &field.kind {
        FieldType::Structure(structure) => structure.link.map(|link| link.to),
        _ => None,
    };
    let mut items = stored;
    for item in accepted.as_array().into_iter().flatten() {
        let known = items.iter().any(|stored| identity(stored, link) == identity(item, link));
        if !known {
            let mut item = item.clone();
            if item.get("primary").is_some() {
                item["primary"] = false.into();
            }
            items.push(item);
        }
    }
    Value::Array(items)
}

/// What makes an item of a list the same: its value, the record it refers to, or all of it.
fn identity<'a>(item: &'a Value, link: Option<&str>) -> &'a Value {
    item.get("value").or_else(|| item.get(link?)).unwrap_or(item)
}

fn with_address(mut addresses: Vec<Value>, sent: &Value) -> Value {
    let primary = addresses.iter().position(|address| address["primary"] == true).unwrap_or(0);
    if let (Some(address), Some(parts)) = (addresses.get_mut(primary), sent[0].as_object()) {
        for (part, value) in parts {
            address[part.as_str()] = value.clone();
        }
    }
    Value::Array(addresses)
}
