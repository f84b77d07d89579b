//! Components that nothing refers to: a hand-written operation or schema may have taken the place of what did.

use std::collections::HashSet;

use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::records::parameters::CONTENT_SCHEMA;

/// Takes away what nothing refers to, and what only that referred to.
pub fn remove(document: &mut OpenApi) {
    loop {
        let mut used = HashSet::new();
        // A document that cannot be written as JSON will be told of when it is sent.
        let Ok(json) = serde_json::to_value(&*document) else { return };
        collect(&json, &mut used);
        let Some(components) = &mut document.components else { return };
        let is_used = |kind: &str, name: &str| used.contains(format!("#/components/{kind}/{name}").as_str());
        let before = size(components);
        components.schemas.retain(|name, _| is_used("schemas", name));
        components.responses.retain(|name, _| is_used("responses", name));
        components.parameters.retain(|name, _| is_used("parameters", name));
        components.headers.retain(|name, _| is_used("headers", name));
        components.examples.retain(|name, _| is_used("examples", name));
        if size(components) == before {
            return;
        }
    }
}

fn size(components: &utoipa::openapi::Components) -> usize {
    components.schemas.len()
        + components.responses.len()
        + components.parameters.len()
        + components.headers.len()
        + components.examples.len()
}

fn collect<'a>(value: &'a Value, used: &mut HashSet<&'a str>) {
    match value {
        Value::Object(members) => {
            used.extend([members.get("$ref"), members.get(CONTENT_SCHEMA)].into_iter().flatten().filter_map(Value::as_str));
            members.values().for_each(|value| collect(value, used));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, used)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
