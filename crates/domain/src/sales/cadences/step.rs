//! The steps of a cadence, as the cadence keeps them.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::{
    activities::{activity::ActivityKind, task::Priority},
    model::{
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, SearchWeight, Structure},
        object::Object,
        record::Record,
        value::{Members, Standards, list},
    },
    sales::leads::schedule::minutes,
};

/// The last day on which a step can be.
pub const LAST_DAY: i64 = 730;
/// How long the subject of a task may be, in characters.
const SUBJECT: usize = 200;
/// Until when a step is to be done that says nothing else.
const BY: &str = "18:00";

/// The steps, in the order of their days; those of one day in the order given.
pub static STEPS: Structure = Structure {
    name: "cadence_steps",
    accept,
    schema,
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| asked.to_owned(),
    search: |_| Vec::new(),
    link: None,
};

static FIELDS: LazyLock<[Field; 6]> = LazyLock::new(|| {
    [
        Field::new("day", FieldType::Integer { min: 1, max: LAST_DAY }).required(),
        Field::new("kind", FieldType::Choice(ActivityKind::choices().into())).required(),
        Field::new("subject", FieldType::Text { max: SUBJECT }).required(),
        Field::new("description", FieldType::LongText { max: 5_000 }),
        Field::new("priority", FieldType::Choice(Priority::choices().into())).default("normal"),
        Field::new("time", FieldType::Text { max: 5 }).default(BY),
    ]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let mut accepted = list(value, 50, |item| {
        let mut members = Members::of(item, &["day", "kind", "subject", "description", "priority", "time"])?;
        for field in FIELDS.iter() {
            members.take(field, standards);
        }
        let time = members.accepted.get("time").and_then(Value::as_str).map(minutes);
        if time.is_some_and(|minutes| minutes.is_none_or(|minutes| minutes >= 24 * 60)) {
            let fault = Fault::new("/time", FaultCode::WrongType);
            members.faults.add(fault.with("expected", "a time of day such as 09:00"));
        }
        members.finish()
    })?;
    if let Some(steps) = accepted.as_array_mut() {
        steps.sort_by_key(|step| step["day"].as_i64());
    }
    Ok(accepted)
}

fn schema() -> Value {
    let names = |choices: Vec<crate::model::field::Choice>| choices.into_iter().map(|choice| choice.value).collect::<Vec<_>>();
    json!({
        "type": "array",
        "maxItems": 50,
        "items": {
            "type": "object",
            "required": ["day", "kind", "subject"],
            "additionalProperties": false,
            "properties": {
                "day": {"type": "integer", "minimum": 1, "maximum": LAST_DAY, "description": "On which day of a round: 1 is its first, that of the enrolment; 3 comes two days later. Counted in working days where the cadence says so.", "examples": [1]},
                "kind": {"type": "string", "enum": names(ActivityKind::choices()), "description": "What is to be done, in the words of activities."},
                "subject": {"type": "string", "maxLength": SUBJECT, "description": "The subject of the task. `{name}` stands for the name of the record; so do its other titles, of a lead `{company}` and `{person_name}`.", "examples": ["致电 {name}"]},
                "description": {"type": ["string", "null"], "maxLength": 5000, "description": "The description of the task, with the same placeholders."},
                "priority": {"type": "string", "enum": names(Priority::choices()), "default": "normal"},
                "time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "default": BY, "description": "At which time of the day the task is due, on the clocks of whoever is to do it.", "examples": [BY]}
            }
        }
    })
}

/// One step, as the rules need it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a>(pub &'a Value);

impl<'a> Step<'a> {
    /// The day of a round, from 1.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0["day"].as_i64().unwrap_or(1)
    }

    /// When it is due, in minutes since midnight.
    #[must_use]
    pub fn minutes(self) -> u32 {
        self.0["time"].as_str().and_then(minutes).or_else(|| minutes(BY)).unwrap_or(0)
    }

    /// The words of the task for a record.
    #[must_use]
    pub fn words(self, member: &str, record: &Record) -> Option<String> {
        let filled = fill(self.0[member].as_str()?, record);
        let most = if member == "subject" { SUBJECT } else { 20_000 };
        Some(filled.chars().take(most).collect())
    }
}

/// The steps that a list has.
pub fn steps(list: &Value) -> impl Iterator<Item = Step<'_>> {
    list.as_array().into_iter().flatten().map(Step)
}

/// What placeholders may stand for: the titles of a record.
fn is_placeholder(object: &Object, name: &str) -> bool {
    object.field(name).is_some_and(|field| field.searchable == Some(SearchWeight::Title))
}

/// The names between braces in a text.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// A text with its placeholders filled in; what has no value leaves nothing behind.
fn fill(text: &str, record: &Record) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, next)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        filled.push_str(record.text(name).unwrap_or_default());
        rest = next;
    }
    filled.push_str(rest);
    filled.trim().to_owned()
}

/// The faults of placeholders that stand for nothing.
pub fn check_placeholders(list: &Value, object: &Object, faults: &mut Faults) {
    for (position, step) in steps(list).enumerate() {
        for member in ["subject", "description"] {
            for name in placeholders(step.0[member].as_str().unwrap_or_default()).filter(|name| !is_placeholder(object, name)) {
                let known = object.fields.iter().filter(|field| is_placeholder(object, &field.name));
                let pointer = format!("/steps/{position}/{member}");
                let known = known.map(|field| field.name.as_ref());
                faults.add(unknown(pointer, FaultCode::UnknownMember, name, known));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::entity::Entity,
        sales::leads::lead::Lead,
        values::{money::Currency, time::Timestamp},
    };

    fn accepted(value: &Value) -> Result<Value, Vec<(String, &'static str)>> {
        let now = Timestamp::from_milliseconds(0);
        let standards = Standards { country: "CN", currency: Currency::CNY, zone: chrono_tz::UTC, now };
        let faults = |faults: Faults| faults.0.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect();
        accept(value, &standards).map_err(faults)
    }

    #[test]
    fn steps_stand_in_the_order_of_their_days() {
        let steps = accepted(&json!([
            {"day": 3, "kind": "email", "subject": "b"},
            {"day": 1, "kind": "call", "subject": "a", "time": "09:30", "priority": "high"},
            {"day": 3, "kind": "call", "subject": "a"},
        ]))
        .unwrap();
        let told: Vec<(i64, &str, u32)> =
            super::steps(&steps).map(|step| (step.day(), step.0["kind"].as_str().unwrap(), step.minutes())).collect();
        assert_eq!(told, [(1, "call", 570), (3, "email", 1080), (3, "call", 1080)]);
    }

    #[test]
    fn every_fault_is_told() {
        let faults =
            accepted(&json!([{"day": 0, "kind": "fax", "time": "24:00"}, {"day": 1, "kind": "call", "subject": "x", "at": 1}]));
        let expected = [
            ("/0/day", "too_small"),
            ("/0/kind", "unknown_choice"),
            ("/0/subject", "required"),
            ("/0/time", "wrong_type"),
            ("/1/at", "unknown_member"),
        ];
        assert_eq!(faults.unwrap_err(), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn placeholders_are_titles_of_the_record() {
        let mut lead = Record::new(crate::sales::leads::lead::Lead::object());
        lead.set("name", "李伟");
        lead.set("phones", json!([{"value": "+8613800138000"}]));
        assert_eq!(fill("致电 {name} {company}", &lead), "致电 李伟");
        assert_eq!(fill("a {name", &lead), "a {name");
        let mut faults = Faults::default();
        let steps = json!([{"subject": "{name} {company}"}, {"subject": "{nmae}", "description": "{phones} {"}]);
        check_placeholders(&steps, Lead::object(), &mut faults);
        let pointers: Vec<&str> = faults.0.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/steps/1/subject", "/steps/1/description"]);
        assert_eq!(faults.0[0].parameters, [("nearest", "name".to_owned())]);
    }
}
