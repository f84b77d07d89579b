//! Edits that meet: `If-Match` judged, and what changed since told.

use farley_domain::{object::Object, record::Record};
use farley_persistence::Work;
use serde_json::{Map, Value, json};

use crate::{
    call::Versions,
    caller::Caller,
    problem::{Code, Problem},
};

/// Refuses a write that was begun on another version. With `patch`, it goes through if none of the fields it names changed since.
pub fn check(
    work: &mut Work<'_>,
    caller: &Caller,
    object: &'static Object,
    record: &Record,
    expected: &Versions,
    patch: Option<&Value>,
) -> Result<(), Problem> {
    if expected.includes(record.version()) {
        return Ok(());
    }
    let base = match expected {
        Versions::Any => return Ok(()),
        Versions::Of(versions) => versions.iter().copied().max().unwrap_or(-1),
    };
    let mut changed = Vec::new();
    if base >= 1 {
        for event in work.reader().events_since_version(record.id(), base)? {
            let changes: Map<String, Value> = serde_json::from_str(&event.changes)?;
            for field in changes.keys().filter(|field| sees(caller, object, field)) {
                changed.push(json!({
                    "field": field,
                    "version": event.version,
                    "at": event.at,
                    "by": event.user_id.map(|user| user.to_string()),
                }));
            }
        }
    }
    if let Some(patch) = patch
        && (1..record.version()).contains(&base)
        && !changed.iter().any(|change| names(patch, change["field"].as_str().unwrap_or_default()))
    {
        return Ok(());
    }
    Err(Problem::new(Code::VersionMismatch)
        .with("current", record.version())
        .member("base_version", base)
        .member("current_version", record.version())
        .member("changed", changed))
}

fn sees(caller: &Caller, object: &'static Object, field: &str) -> bool {
    caller.shape(object).field(field).is_none_or(|field| caller.asker.sees(object, field))
}

/// Whether a patch writes a field; `custom` as a whole writes each of its members.
fn names(patch: &Value, field: &str) -> bool {
    match field.strip_prefix("custom.") {
        Some(key) => match patch.get("custom") {
            None => false,
            Some(Value::Object(members)) => members.contains_key(key),
            Some(_) => true,
        },
        None => patch.get(field).is_some(),
    }
}
