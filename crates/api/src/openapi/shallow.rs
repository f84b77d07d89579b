//! The document for a page that draws each operation with all that it refers to.

use serde_json::{Value, json};

use crate::records::names::EXPANDED;

/// What holds the schema of a text, in the finished document.
const CONTENT_SCHEMA: &str = "contentSchema";

/// The document for a page that draws every operation with all that it refers to: the records that `expand` adds, and the predicates in a
/// `filter`, are not described within others, each of which would have more of them. Everything is where it is asked for itself.
#[must_use]
pub fn shallow(mut document: Value) -> Value {
    leave_out_predicates(&mut document["paths"]);
    leave_out_predicates(&mut document["components"]);
    for (name, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        if let Some(record) = name.strip_prefix(EXPANDED) {
            let kind = if record.ends_with("List") { "array" } else { "object" };
            *schema = json!({"type": [kind, "null"], "description": "As the related record itself is answered."});
        }
    }
    document
}

fn leave_out_predicates(part: &mut Value) {
    match part {
        Value::Object(members) => {
            members.shift_remove(CONTENT_SCHEMA);
            members.values_mut().for_each(leave_out_predicates);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_predicates),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
