//! The last touches, on the JSON of the document: what its types cannot hold, and what holds for every schema alike.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::records::parameters::CONTENT_SCHEMA;

/// The longest text of an answer that has no limit of its own.
const MAX_TEXT: usize = 65_536;
/// The longest name in a path, and the longest value of a parameter, unless they have limits of their own: the path and the parameters of
/// a request together have at most 65,534 bytes.
const MAX_IN_PATH: usize = 300;
const MAX_IN_QUERY: usize = 2_000;
/// The longest body that is no JSON: a file.
const MAX_FILE: usize = 1_000_000_000;
/// The longest list of an answer that has no limit of its own.
const MAX_LIST: usize = 100_000;

/// The document as it is served.
#[must_use]
pub fn finish(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    for part in ["paths", "components"] {
        finish_part(&mut document[part], false);
    }
    document
}

/// Goes through a part of the document. `named` says that its members are named by somebody else, and so mean nothing by themselves.
fn finish_part(part: &mut Value, named: bool) {
    match part {
        Value::Object(members) => {
            if !named {
                finish_schema(members);
            }
            for (name, member) in members {
                match name.as_str() {
                    "properties" if !named => finish_part(member, true),
                    // Values, not schemas.
                    "example" | "examples" | "enum" | "const" | "securitySchemes" if !named => {}
                    _ => finish_part(member, false),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| finish_part(item, false)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn finish_schema(schema: &mut Map<String, Value>) {
    if let Some(reference) = schema.shift_remove(CONTENT_SCHEMA) {
        schema.insert("contentSchema".to_owned(), json!({"$ref": reference}));
    }
    if let Some(content) = schema.get_mut("content").and_then(Value::as_object_mut) {
        if let Some(stream) = content.get_mut("text/event-stream").and_then(Value::as_object_mut) {
            // Events one by one, not a text as a whole.
            stream.shift_remove("schema");
        }
        for (_, file) in content.iter_mut().filter(|(kind, file)| !kind.contains("json") && file.get("schema").is_some()) {
            if file["schema"]["type"] == "string" {
                file["schema"]["maxLength"] = MAX_FILE.into();
            }
        }
    }
    require_beside(schema);
    if let Some(place) = schema.get("in").and_then(Value::as_str) {
        let longest = if place == "path" { MAX_IN_PATH } else { MAX_IN_QUERY };
        if schema.get("required") == Some(&Value::Bool(false)) {
            // Said by saying nothing.
            schema.shift_remove("required");
        }
        if let Some(own) = schema.get_mut("schema").and_then(Value::as_object_mut).filter(|own| is_endless(own)) {
            own.insert("maxLength".to_owned(), longest.into());
        }
        show_only(schema);
    }
    let is = |kind: &str| match schema.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        _ => false,
    };
    let (text, integer, list) = (is("string"), is("integer"), is("array"));
    if text || integer || list || is("boolean") {
        say_default(schema);
    }
    let mut bound = |name: &str, limit: Value| {
        if !schema.contains_key(name) {
            schema.insert(name.to_owned(), limit);
        }
    };
    if integer {
        bound("format", "int64".into());
        bound("minimum", i64::MIN.into());
        bound("maximum", i64::MAX.into());
    }
    if list {
        bound("maxItems", MAX_LIST.into());
    }
    if text && !["enum", "const", "maxLength"].iter().any(|limit| schema.contains_key(*limit)) {
        let longest = match schema.get("format").and_then(Value::as_str) {
            Some("uuid") => 36,
            Some("date") => 10,
            Some("date-time") => 40,
            Some("email") => 254,
            Some("uri" | "uri-reference") => 2_000,
            Some(_) | None => MAX_TEXT,
        };
        schema.insert("maxLength".to_owned(), longest.into());
    }
}

/// Moves the example of a parameter to its schema: pages that try operations out fill in the one, and only show the other.
fn show_only(parameter: &mut Map<String, Value>) {
    let Some(example) = parameter.shift_remove("example") else { return };
    let own = parameter.get_mut("schema").and_then(Value::as_object_mut);
    // What is referred to has examples of its own.
    if let Some(own) = own.filter(|own| !own.contains_key("$ref")) {
        own.insert("examples".to_owned(), json!([example]));
    }
}

/// Says beside an `allOf` which members are required, where a part of it says nothing else. Generators for TypeScript understand it there
/// alone; those for Python take an `allOf` of one part for that part itself, so what is left of it stays.
fn require_beside(schema: &mut Map<String, Value>) {
    let Some(last) = schema.get_mut("allOf").and_then(Value::as_array_mut).and_then(|parts| parts.last_mut()) else { return };
    let only_requires = last.as_object().is_some_and(|part| part.len() == 2 && part.contains_key("type"));
    let Some(required) = last.get_mut("required").filter(|_| only_requires).map(Value::take) else { return };
    *last = json!({"minProperties": 1});
    schema.insert("required".to_owned(), required);
}

/// Whether a schema is one of texts of any form and length, as far as it says so.
fn is_endless(schema: &Map<String, Value>) -> bool {
    let is_text = match schema.get("type") {
        Some(Value::String(only)) => only == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == "string"),
        _ => false,
    };
    is_text && !["enum", "const", "maxLength", "format"].iter().any(|limit| schema.contains_key(*limit))
}

/// Says a default in words. By the keyword, generated clients would send it, and what it stands for may have been changed since.
fn say_default(schema: &mut Map<String, Value>) {
    let Some(default) = schema.shift_remove("default") else { return };
    let default = match default {
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) => default.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return,
    };
    let doc = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let doc = format!("{doc} Defaults to `{default}`.").trim().to_owned();
    schema.insert("description".to_owned(), doc.into());
}

/// The document as text: small, and yet with a line for each path and each component, so that a change shows as what it is.
#[must_use]
pub fn text(document: &Value) -> String {
    let mut text = String::from("{\n");
    let Some(parts) = document.as_object() else { return text };
    for (position, (name, part)) in parts.iter().enumerate() {
        let end = if position + 1 == parts.len() { "\n" } else { ",\n" };
        match (name.as_str(), part) {
            ("paths", Value::Object(paths)) => by_line(&mut text, name, paths, ""),
            ("components", Value::Object(kinds)) => {
                text.push_str(&format!("{}: {{\n", Value::from(name.as_str())));
                for (place, (kind, components)) in kinds.iter().enumerate() {
                    match components {
                        Value::Object(components) => by_line(&mut text, kind, components, " "),
                        other => text.push_str(&format!(" {}: {other}", Value::from(kind.as_str()))),
                    }
                    text.push_str(if place + 1 == kinds.len() { "\n" } else { ",\n" });
                }
                text.push('}');
            }
            (_, part) => text.push_str(&format!("{}: {part}", Value::from(name.as_str()))),
        }
        text.push_str(end);
    }
    text.push_str("}\n");
    text
}

fn by_line(text: &mut String, name: &str, members: &Map<String, Value>, indent: &str) {
    text.push_str(&format!("{indent}{}: {{\n", Value::from(name)));
    let lines: Vec<String> =
        members.iter().map(|(name, member)| format!("{indent} {}: {member}", Value::from(name.as_str()))).collect();
    text.push_str(&lines.join(",\n"));
    text.push_str(&format!("\n{indent}}}"));
}

/// The part of a document that some tags make, with what it refers to.
#[must_use]
pub fn part(mut document: Value, wanted: &dyn Fn(&str) -> bool) -> Value {
    let is_wanted = |tags: &Value| tags.as_array().into_iter().flatten().filter_map(Value::as_str).any(wanted);
    if let Some(paths) = document["paths"].as_object_mut() {
        for item in paths.values_mut().filter_map(Value::as_object_mut) {
            item.retain(|method, operation| method == "parameters" || is_wanted(&operation["tags"]));
        }
        paths.retain(|_, item| item.as_object().is_some_and(|item| item.keys().any(|method| method != "parameters")));
    }
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.retain(|tag| tag["name"].as_str().is_some_and(wanted));
    }
    let mut used: HashSet<String> = HashSet::new();
    let mut unread = Vec::new();
    references(&document["paths"], &mut unread);
    while let Some(reference) = unread.pop() {
        if let Some(component) = document.pointer(reference.trim_start_matches('#')).filter(|_| !used.contains(&reference)) {
            references(component, &mut unread);
            used.insert(reference);
        }
    }
    for (kind, components) in document["components"].as_object_mut().into_iter().flatten() {
        if let Some(components) = components.as_object_mut().filter(|_| kind != "securitySchemes") {
            components.retain(|name, _| used.contains(&format!("#/components/{kind}/{name}")));
        }
    }
    document
}

fn references(part: &Value, found: &mut Vec<String>) {
    match part {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
