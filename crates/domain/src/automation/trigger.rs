//! When a rule acts: on events, or when time has passed.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    model::{
        event::verbs,
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, Storage, Structure},
        object::{Object, Schema},
        value::{Members, Standards, wrong},
    },
    service::sla_policy::SlaPolicy,
    values::id::Id,
};

/// How many types of events, or changed fields, a trigger names at most.
const MOST_NAMES: usize = 50;
/// The longest time that passes, and the longest before, in minutes: two years.
const MOST_MINUTES: i64 = 2 * 366 * 24 * 60;
/// How often a rule acts again at most.
pub const MOST_TIMES: i64 = 100;
/// The shortest time until it acts again, in minutes.
const SHORTEST_REPEAT: i64 = 15;

/// When a rule acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Trigger {
    Events(EventTrigger),
    Time(TimeTrigger),
}

crate::structures! { Trigger }

/// On events of certain types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTrigger {
    pub types: Vec<String>,
    /// Only those that change one of these fields, if any are named.
    pub changed: Vec<String>,
    /// Whether imports set it off too.
    pub imports: bool,
}

/// When a time of the record has passed for so long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeTrigger {
    pub field: String,
    /// How many minutes after the time; before it, if negative.
    pub minutes: i64,
    /// The calendar by which business time is counted; plain time, if absent.
    pub calendar_id: Option<Id>,
    pub repeat: Option<Repeat>,
}

/// Acting again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    pub every_minutes: i64,
    /// How often at most, the first time not counted.
    pub times: i64,
}

impl TimeTrigger {
    /// How many minutes after its time a record is due for the so-manieth time, counted from 0; none, if not so often.
    #[must_use]
    pub fn minutes_until(&self, time: i64) -> Option<i64> {
        match self.repeat {
            _ if time == 0 => Some(self.minutes),
            Some(repeat) if time <= repeat.times => Some(self.minutes + time * repeat.every_minutes),
            Some(_) | None => None,
        }
    }
}

pub static TRIGGER: Structure = Structure {
    name: "automation_trigger",
    accept: accept_trigger,
    schema: || {
        json!({
            "description": "Either `types`, for events, or `field` and `minutes`, for time passed.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "types": {"type": "array", "minItems": 1, "maxItems": MOST_NAMES, "items": {"type": "string"}, "description": "The types of the events that trigger the rule, all of the rule's object.", "examples": [["ticket.created"]]},
                "changed": {"type": "array", "maxItems": MOST_NAMES, "items": {"type": "string"}, "description": "Only events that change one of these fields; custom fields as `custom.key`. A new record changes the fields that it has values for."},
                "imports": {"type": "boolean", "default": false, "description": "Whether records written by an import trigger the rule."},
                "field": {"type": "string", "description": "The date or time from which is counted; a date counts from midnight in the tenant's time zone.", "examples": ["waiting_since"]},
                "minutes": {"type": "integer", "minimum": -MOST_MINUTES, "maximum": MOST_MINUTES, "description": "How many minutes after it the rule acts; negative: before it.", "examples": [4320]},
                "calendar_id": {"type": ["string", "null"], "format": "uuid", "description": "The calendar by whose business time the minutes are counted. If absent, they are plain minutes."},
                "repeat": {
                    "type": ["object", "null"],
                    "description": "Whether it acts again while the record still has the same time and meets the filter.",
                    "required": ["every_minutes", "times"],
                    "additionalProperties": false,
                    "properties": {
                        "every_minutes": {"type": "integer", "minimum": SHORTEST_REPEAT, "maximum": MOST_MINUTES, "description": "How many minutes after the last time.", "examples": [1440]},
                        "times": {"type": "integer", "minimum": 1, "maximum": MOST_TIMES, "description": "How often at most, the first time not counted.", "examples": [2]}
                    }
                }
            }
        })
    },
    ..Structure::PLAIN
};

const TYPES: &str = "types";
const CHANGED: &str = "changed";
const REPEAT: &str = "repeat";

static EVENT: LazyLock<[Field; 3]> = LazyLock::new(|| {
    [
        Field::new(TYPES, FieldType::Texts { max_items: MOST_NAMES }).required(),
        Field::new(CHANGED, FieldType::Texts { max_items: MOST_NAMES }).default(json!([])),
        Field::new("imports", FieldType::Boolean).default(false),
    ]
});

static TIME: LazyLock<[Field; 3]> = LazyLock::new(|| {
    [
        Field::new("field", FieldType::Text { max: 120 }).required(),
        Field::new("minutes", FieldType::Integer { min: -MOST_MINUTES, max: MOST_MINUTES }).required(),
        Field::new(SlaPolicy::calendar_id.name(), FieldType::Reference("calendar".into())),
    ]
});

static AGAIN: LazyLock<[Field; 2]> = LazyLock::new(|| {
    [
        Field::new("every_minutes", FieldType::Integer { min: SHORTEST_REPEAT, max: MOST_MINUTES }).required(),
        Field::new("times", FieldType::Integer { min: 1, max: MOST_TIMES }).required(),
    ]
});

fn accept_trigger(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let members = value.as_object().ok_or_else(|| wrong("an object"))?;
    let has = |field: &Field| members.get(field.name.as_ref()).is_some_and(|value| !value.is_null());
    if TIME.iter().any(has) && !members.contains_key(TYPES) {
        let known: Vec<&str> = TIME.iter().map(|field| field.name.as_ref()).chain([REPEAT]).collect();
        let mut accepted = Members::of(value, &known)?;
        for field in TIME.iter() {
            accepted.take(field, standards);
        }
        let again = match members.get(REPEAT).filter(|again| !again.is_null()) {
            None => Ok(Value::Null),
            Some(again) => Members::read(again, &*AGAIN, standards).and_then(Members::finish),
        };
        match again {
            Ok(again) => drop(accepted.accepted.insert(REPEAT.to_owned(), again)),
            Err(faults) => accepted.faults.extend(faults.0.into_iter().map(|fault| fault.under("/repeat"))),
        }
        let is_business = accepted.accepted.get(SlaPolicy::calendar_id.name()).is_some_and(|id| !id.is_null());
        if is_business && accepted.accepted["minutes"].as_i64().is_some_and(|minutes| minutes < 0) {
            accepted.faults.add(Fault::new("/minutes", FaultCode::TooSmall).with("min", 0));
        }
        return accepted.finish();
    }
    let mut accepted = Members::read(value, &*EVENT, standards)?;
    if accepted.accepted.get(TYPES).and_then(Value::as_array).is_some_and(Vec::is_empty) {
        accepted.faults.add(Fault::new(format!("/{TYPES}"), FaultCode::Required));
    }
    accepted.finish()
}

/// What in a trigger does not fit the object that it is about, as somebody sees that.
#[must_use]
pub fn faults_of(trigger: &Trigger, schema: &Schema, sees: &dyn Fn(&Field) -> bool) -> Faults {
    let mut faults = Faults::default();
    match trigger {
        Trigger::Events(events) => {
            let known: Vec<String> = types_of(schema.object);
            for (position, name) in events.types.iter().enumerate().filter(|(_, name)| !known.contains(name)) {
                let pointer = format!("/{TYPES}/{position}");
                let fault = unknown(pointer, FaultCode::UnknownChoice, name, known.iter().map(String::as_str));
                faults.add(fault);
            }
            for (position, path) in events.changed.iter().enumerate() {
                if schema.field(path).is_none_or(|field| !sees(field) || field.storage == Storage::Computed) {
                    let paths: Vec<String> = schema.fields().filter(|field| sees(field)).map(Field::path).collect();
                    let pointer = format!("/{CHANGED}/{position}");
                    faults.add(unknown(pointer, FaultCode::UnknownMember, path, paths.iter().map(String::as_str)));
                }
            }
        }
        Trigger::Time(time) => match schema.field(&time.field).filter(|field| sees(field)) {
            Some(field) if is_time(field) => {}
            Some(_) | None => {
                let times: Vec<String> = schema.fields().filter(|field| sees(field) && is_time(field)).map(Field::path).collect();
                let fault = unknown("/field".to_owned(), FaultCode::UnknownChoice, &time.field, times.iter().map(String::as_str));
                faults.add(fault);
            }
        },
    }
    faults
}

/// The types of the events of an object.
#[must_use]
pub fn types_of(object: &Object) -> Vec<String> {
    verbs(object.name).map(|verb| format!("{}.{verb}", object.name)).collect()
}

/// Whether time can be counted from a field.
fn is_time(field: &Field) -> bool {
    matches!(field.kind, FieldType::DateTime | FieldType::Date) && field.storage != Storage::Computed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::entity::Entity,
        service::ticket::Ticket,
        values::{money::Currency, time::Timestamp},
    };

    fn accepted(value: &Value) -> Result<Trigger, Vec<(String, &'static str)>> {
        let now = Timestamp::from_milliseconds(0);
        let standards = Standards { country: "CN", currency: Currency::CNY, zone: chrono_tz::UTC, now, user: None };
        let accepted = accept_trigger(value, &standards);
        let faults = |faults: Faults| faults.0.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect();
        accepted.map(|value| serde_json::from_value(value).unwrap()).map_err(faults)
    }

    #[test]
    fn triggers_are_of_two_kinds() {
        let events = accepted(&json!({"types": ["ticket.created"]})).unwrap();
        let expected = EventTrigger { types: vec!["ticket.created".to_owned()], changed: Vec::new(), imports: false };
        assert_eq!(events, Trigger::Events(expected));
        let time =
            accepted(&json!({"field": "waiting_since", "minutes": 60, "repeat": {"every_minutes": 30, "times": 2}})).unwrap();
        let Trigger::Time(time) = time else { panic!("{time:?}") };
        assert_eq!([0, 1, 2, 3].map(|count| time.minutes_until(count)), [Some(60), Some(90), Some(120), None]);
        let told = |pointer: &str, code| vec![(pointer.to_owned(), code)];
        assert_eq!(accepted(&json!({})), Err(told("/types", "required")));
        assert_eq!(accepted(&json!({"types": []})), Err(told("/types", "required")));
        assert_eq!(accepted(&json!({"types": ["a"], "minutes": 5})), Err(told("/minutes", "unknown_member")));
        assert_eq!(accepted(&json!({"field": "a"})), Err(told("/minutes", "required")));
        assert_eq!(
            accepted(&json!({"field": "a", "minutes": 1, "repeat": {"every_minutes": 1}})),
            Err([told("/repeat/every_minutes", "too_small"), told("/repeat/times", "required")].concat())
        );
    }

    #[test]
    fn triggers_fit_their_object() {
        let schema = Schema { object: Ticket::object(), custom: std::sync::Arc::from([]) };
        let faults = |value: &Value| -> Vec<(String, &'static str)> {
            let faults = faults_of(&accepted(value).unwrap(), &schema, &|_| true);
            faults.0.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect()
        };
        assert_eq!(faults(&json!({"types": ["ticket.created", "ticket.status_changed"], "changed": ["status"]})), []);
        assert_eq!(
            faults(&json!({"types": ["ticket.creatd", "customer.created"], "changed": ["statu", "message_count"]})),
            [
                ("/types/0", "unknown_choice"),
                ("/types/1", "unknown_choice"),
                ("/changed/0", "unknown_member"),
                ("/changed/1", "unknown_member")
            ]
            .map(|(pointer, code)| (pointer.to_owned(), code))
        );
        assert_eq!(faults(&json!({"field": "waiting_since", "minutes": 5})), []);
        assert_eq!(faults(&json!({"field": "subject", "minutes": 5})), [("/field".to_owned(), "unknown_choice")]);
    }
}
