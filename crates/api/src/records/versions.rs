//! Edits that meet: `If-Match` judged, and what changed since told.

use actix_web::{HttpRequest, http::header};
use farley_domain::model::{object::Object, record::Record, recurring};
use farley_persistence::Work;
use serde_json::{Value, json};

use crate::{
    access::principal::Principal,
    http::problem::{Code, Problem},
};

/// What `If-Match` and `If-None-Match` name: versions, or anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    Any,
    Of(Vec<i64>),
}

impl Versions {
    /// Reads a header of entity tags; a tag that is none of ours is the version of nothing.
    #[must_use]
    pub fn of(request: &HttpRequest, name: header::HeaderName) -> Option<Versions> {
        let text = request.headers().get(name)?.to_str().unwrap_or_default();
        if text.trim() == "*" {
            return Some(Versions::Any);
        }
        let version = |tag: &str| -> i64 {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag.strip_prefix("\"v").and_then(|tag| tag.strip_suffix('"')).and_then(|number| number.parse().ok()).unwrap_or(-1)
        };
        Some(Versions::Of(text.split(',').map(version).collect()))
    }

    #[must_use]
    pub fn includes(&self, version: i64) -> bool {
        match self {
            Versions::Any => true,
            Versions::Of(versions) => versions.contains(&version),
        }
    }
}

/// Refuses a write that was begun on another version. With `patch`, it goes through if none of the fields it names changed since.
pub fn check(
    work: &mut Work<'_>,
    principal: &Principal,
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
            let changes = farley_domain::model::event::changes(&event.changes)?;
            for field in changes.keys().filter(|field| sees(principal, object, field)) {
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

fn sees(principal: &Principal, object: &'static Object, field: &str) -> bool {
    principal.asker.sees_path(object, &principal.schema(object), field)
}

/// Whether a patch writes a field; `custom` as a whole writes each of its members.
fn names(patch: &Value, field: &str) -> bool {
    match field.strip_prefix("custom.") {
        Some(key) => match patch.get(recurring::CUSTOM.name()) {
            None => false,
            Some(Value::Object(members)) => members.contains_key(key),
            Some(_) => true,
        },
        None => patch.get(field).is_some(),
    }
}
