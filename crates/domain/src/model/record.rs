//! A record in the form the API shows it, and a draft of one that is about to be written.

use serde_json::{Map, Value};

use crate::{
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::Storage,
        object::Shape,
        value::Standards,
    },
    values::{id::Id, time::Timestamp},
};

/// A record by the names and in the forms that the API shows: times as text, money as `{amount, currency}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(pub Map<String, Value>);

impl Record {
    #[must_use]
    pub fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).as_str()
    }

    #[must_use]
    pub fn id_of(&self, name: &str) -> Option<Id> {
        self.text(name)?.parse().ok()
    }

    #[must_use]
    pub fn time_of(&self, name: &str) -> Option<Timestamp> {
        Timestamp::parse(self.text(name)?)
    }

    /// The record's own id; nil before it has one.
    #[must_use]
    pub fn id(&self) -> Id {
        self.id_of("id").unwrap_or(Id::NIL)
    }

    #[must_use]
    pub fn version(&self) -> i64 {
        self.get("version").as_i64().unwrap_or(0)
    }

    #[must_use]
    pub fn is_archived(&self) -> bool {
        !self.get("archived_at").is_null()
    }

    /// The value of a field of the table, custom ones included.
    #[must_use]
    pub fn value(&self, field: &crate::model::field::Field) -> &Value {
        match &field.storage {
            Storage::Custom { .. } => self.get("custom").get(field.name.as_ref()).unwrap_or(&Value::Null),
            Storage::Column | Storage::Detail | Storage::Computed => self.get(&field.name),
        }
    }

    /// The record as the struct of its entity.
    pub fn to_entity<E: Entity>(&self) -> Result<E, serde_json::Error> {
        // Null stands for a member that is absent, so that lists and flags take their defaults.
        let present: Map<String, Value> =
            self.0.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect();
        E::deserialize(Value::Object(present))
    }
}

/// What a rule sees and may change: the record before (when there is one) and after, who asks, and when.
pub struct Draft<'a> {
    pub shape: &'a Shape,
    pub standards: &'a Standards<'a>,
    pub before: Option<&'a Record>,
    pub after: Record,
    pub faults: Faults,
    /// Who writes; none for the system.
    pub user: Option<Id>,
    pub now: Timestamp,
}

impl Draft<'_> {
    /// Whether a field differs from what is stored; true for every field that a new record sets.
    #[must_use]
    pub fn changes(&self, name: &str) -> bool {
        match self.before {
            Some(before) => before.get(name) != self.after.get(name),
            None => !self.after.get(name).is_null(),
        }
    }

    pub fn fault(&mut self, pointer: &str, code: FaultCode) {
        self.faults.add(Fault::new(pointer, code));
    }
}

/// What changed between two states of a record: `{field: {"from", "to"}}`, custom fields by `custom.key`.
#[must_use]
pub fn changes(before: Option<&Record>, after: &Record) -> Map<String, Value> {
    const BOOKKEEPING: &[&str] = &["id", "version", "updated_at", "updated_by", "created_at", "created_by"];
    let mut changes = Map::new();
    let mut note = |name: String, from: &Value, to: &Value| {
        if from != to {
            changes.insert(name, serde_json::json!({"from": from, "to": to}));
        }
    };
    for (name, to) in &after.0 {
        let from = before.map_or(&Value::Null, |before| before.get(name));
        if BOOKKEEPING.contains(&name.as_str()) {
            continue;
        }
        if name == "custom" {
            let (empty_from, empty_to) = (Map::new(), Map::new());
            let from = from.as_object().unwrap_or(&empty_from);
            let to = to.as_object().unwrap_or(&empty_to);
            for key in from.keys().chain(to.keys().filter(|key| !from.contains_key(*key))) {
                note(format!("custom.{key}"), from.get(key).unwrap_or(&Value::Null), to.get(key).unwrap_or(&Value::Null));
            }
        } else if before.is_some() || !is_empty(to) {
            note(name.clone(), from, to);
        }
    }
    changes
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
