//! Edits that meet: `If-Match` judged, and what changed since told.

use std::collections::HashMap;

use actix_web::{HttpRequest, http::header};
use farley_domain::{
    identity::{access::Action, user::User},
    model::{
        entity::Entity,
        fault::Language,
        field::{Field, FieldType, Writable},
        object::Object,
        record::Record,
        recurring, registry,
    },
    values::{id::Id, money::Money, time::Timestamp},
};
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
        Some(Versions::read(request.headers().get(name)?.to_str().unwrap_or_default()))
    }

    /// The same of the text of one.
    #[must_use]
    pub fn read(text: &str) -> Versions {
        if text.trim() == "*" {
            return Versions::Any;
        }
        let version = |tag: &str| -> i64 {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag.strip_prefix("\"v").and_then(|tag| tag.strip_suffix('"')).and_then(|number| number.parse().ok()).unwrap_or(-1)
        };
        Versions::Of(text.split(',').map(version).collect())
    }

    /// The version that an edit was begun on: the latest of those named.
    fn base(&self) -> i64 {
        match self {
            Versions::Any => -1,
            Versions::Of(versions) => versions.iter().copied().max().unwrap_or(-1),
        }
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
    let base = expected.base();
    let mut changes: Vec<Told> = Vec::new();
    if base >= 1 {
        for event in work.reader().events_since_version((object.name, record.id()), base)? {
            for (field, change) in farley_domain::model::event::changes(&event.changes)? {
                if sees(principal, object, &field) {
                    changes.push(Told { field, change, version: event.version, at: event.at, by: event.user_id });
                }
            }
        }
    }
    if let Some(patch) = patch
        && (1..record.version()).contains(&base)
        && !changes.iter().any(|change| names(patch, &change.field))
    {
        return Ok(());
    }
    let names = names_in(work, principal, object, &changes)?;
    let sentence = |language| sentence(principal, object, (base, &changes), &names, language);
    let changed: Vec<Value> = changes.iter().map(|change| change.to_json(&names)).collect();
    let sentences = (sentence(Language::English), sentence(Language::Chinese));
    Err(told((base, record.version()), sentences, changed))
}

/// The problem of a write that was begun on another version of what is no record; 0 is that of what is not there.
#[must_use]
pub fn mismatch(expected: &Versions, current: i64) -> Problem {
    told((expected.base(), current), (String::new(), String::new()), Vec::new())
}

fn told((base, current): (i64, i64), (en, zh): (String, String), changed: Vec<Value>) -> Problem {
    let problem = Problem::new(Code::VersionMismatch).with("current", current).with("changes_en", en).with("changes_zh", zh);
    problem.member("base_version", base).member("current_version", current).member("changed", changed)
}

/// How many changes a sentence tells of.
const TOLD: usize = 3;
/// How much of a text a sentence quotes, in characters.
const QUOTED: usize = 60;

/// What somebody changed in one field.
struct Told {
    field: String,
    /// `{"from", "to"}`.
    change: Value,
    version: i64,
    at: Timestamp,
    by: Option<Id>,
}

impl Told {
    fn to_json(&self, names: &HashMap<Id, String>) -> Value {
        json!({
            "field": self.field,
            "from": self.change["from"],
            "to": self.change["to"],
            "version": self.version,
            "at": self.at,
            "by": self.by,
            "by_name": self.by.and_then(|user| names.get(&user)),
        })
    }
}

/// What people call the users who changed something, and the records that they changed references to: as far as the caller may
/// know of them.
fn names_in(
    work: &mut Work<'_>,
    principal: &Principal,
    object: &'static Object,
    changes: &[Told],
) -> Result<HashMap<Id, String>, Problem> {
    let mut wanted: Vec<(&'static Object, Vec<Id>)> = Vec::new();
    let mut want = |target: &'static Object, id: Id| match wanted.iter_mut().find(|(known, _)| known.name == target.name) {
        Some((_, ids)) if ids.contains(&id) => {}
        Some((_, ids)) => ids.push(id),
        None => wanted.push((target, vec![id])),
    };
    for change in changes {
        change.by.into_iter().for_each(|user| want(User::object(), user));
        let reference = match object.field(&change.field).map(|field| &field.kind) {
            Some(FieldType::Reference(target)) => registry::object(target),
            _ => None,
        };
        let ids = ["from", "to"].into_iter().filter_map(|side| change.change[side].as_str()?.parse().ok());
        reference.into_iter().for_each(|target| ids.clone().for_each(|id| want(target, id)));
    }
    let view = principal.view(work.origin.now);
    let mut names = HashMap::new();
    for (target, ids) in wanted {
        let (Some(within), Some(title)) = (principal.asker.rows(target, Action::Read), target.field(target.title)) else {
            continue;
        };
        if principal.asker.sees(target, title) {
            for row in work.reader().by_ids(&principal.layout(target), &view, &ids, &within)? {
                names.extend(row.to_record()?.json(title).as_str().map(|name| (row.id(), name.to_owned())));
            }
        }
    }
    Ok(names)
}

/// What changed, in words: the last few changes, by whom, from what to what.
fn sentence(
    principal: &Principal,
    object: &'static Object,
    (base, changes): (i64, &[Told]),
    names: &HashMap<Id, String>,
    language: Language,
) -> String {
    let schema = principal.schema(object);
    // What Farley works out follows from the rest.
    let by_people = |change: &&Told| schema.field(&change.field).is_none_or(|field| field.writable != Writable::Never);
    let told: Vec<&Told> = changes.iter().filter(by_people).collect();
    let told = told.iter().rev().take(TOLD).rev().map(|change| {
        let field = schema.field(&change.field);
        let label = field.map_or(change.field.as_str(), |field| match language {
            Language::English => field.label.en.as_ref(),
            Language::Chinese => field.label.zh.as_ref(),
        });
        let side = |side: &str| in_words(field, &change.change[side], names, language);
        let sides = side("from").zip(side("to"));
        let by = change.by.and_then(|user| names.get(&user)).map(String::as_str);
        match language {
            Language::English => {
                let by = by.unwrap_or(if change.by.is_some() { "Somebody" } else { "Farley" });
                let sides = sides.map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
                format!("{by} changed {label}{sides}")
            }
            Language::Chinese => {
                let by = by.unwrap_or(if change.by.is_some() { "有人" } else { "系统" });
                match sides {
                    Some((from, to)) => format!("{by}将“{label}”从{from}改为{to}"),
                    None => format!("{by}修改了“{label}”"),
                }
            }
        }
    });
    let told: Vec<String> = told.collect();
    match language {
        _ if told.is_empty() => String::new(),
        Language::English => format!(" Since version {base}: {}.", told.join("; ")),
        Language::Chinese => format!("自版本 {base} 以来：{}。", told.join("；")),
    }
}

/// A value as a sentence says it; none of what is made of several.
fn in_words(field: Option<&Field>, value: &Value, names: &HashMap<Id, String>, language: Language) -> Option<String> {
    let quoted = |text: &str| {
        let shown: String = text.chars().take(QUOTED).collect();
        let more = if shown.len() < text.len() { "…" } else { "" };
        format!("“{shown}{more}”")
    };
    let choice = |name: &str| match field.map(|field| &field.kind) {
        Some(FieldType::Choice(choices)) => choices.iter().find(|choice| choice.value == name).map(|choice| match language {
            Language::English => choice.label.en.to_string(),
            Language::Chinese => choice.label.zh.to_string(),
        }),
        _ => None,
    };
    match (value, language) {
        (Value::Null, Language::English) => Some("nothing".to_owned()),
        (Value::Null, Language::Chinese) => Some("空".to_owned()),
        (Value::String(text), _) => {
            let name = text.parse().ok().and_then(|id: Id| names.get(&id).cloned());
            Some(quoted(&name.or_else(|| choice(text)).unwrap_or_else(|| text.clone())))
        }
        (Value::Object(_), _) if field.is_some_and(|field| field.kind == FieldType::Money) => {
            serde_json::from_value::<Money>(value.clone()).ok().map(|money| money.to_string())
        }
        (Value::Bool(_) | Value::Number(_), _) => Some(value.to_string()),
        (Value::Array(_) | Value::Object(_), _) => None,
    }
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
