//! The steps of a cadence, as the cadence keeps them.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cadence::Cadence;
use crate::{
    activities::{activity::ActivityKind, task::Priority},
    model::{
        cell::Cell,
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, SearchWeight, Structure},
        object::Object,
        record::Record,
        template::{self, placeholders, shortened},
        value::{Members, Standards, list},
    },
    values::time::minutes_of_day,
};

/// The last day on which a step can be.
pub const LAST_DAY: i64 = 730;
/// How long the subject of a task may be, in characters.
const SUBJECT: usize = 200;
/// How long its description may be.
const DESCRIPTION: usize = 20_000;
/// Until when a step is to be done that says nothing else.
const BY: &str = "18:00";

/// The steps, in the order of their days; those of one day in the order given.
pub static STEPS: Structure = Structure { name: "cadence_steps", accept, schema, ..Structure::PLAIN };

static FIELDS: LazyLock<[Field; 6]> = LazyLock::new(|| {
    [
        Field::new("day", FieldType::Integer { min: 1, max: LAST_DAY }).required(),
        Field::new("kind", FieldType::Choice(ActivityKind::choices().into())).required(),
        Field::new("subject", FieldType::Text { max: SUBJECT }).required(),
        Field::new("description", FieldType::LongText { max: 5_000 }),
        Field::new("priority", FieldType::Choice(Priority::choices().into())).default(Priority::Normal.as_str()),
        Field::new("time", FieldType::Text { max: 5 }).default(BY),
    ]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let mut accepted = list(value, 50, |item| {
        let mut members = Members::read(item, &*FIELDS, standards)?;
        let time = members.accepted.get("time").and_then(Value::as_str).map(minutes_of_day);
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
    json!({
        "type": "array",
        "maxItems": 50,
        "items": {
            "type": "object",
            "required": ["day", "kind", "subject"],
            "additionalProperties": false,
            "properties": {
                "day": {"type": "integer", "minimum": 1, "maximum": LAST_DAY, "description": "The day of the round: 1 is the day of the enrolment, 3 is two days later. Counted in working days if the cadence is set to.", "examples": [1]},
                "kind": {"type": "string", "enum": ActivityKind::ALL, "description": "The kind of activity to do."},
                "subject": {"type": "string", "maxLength": SUBJECT, "description": "The subject of the task. `{name}` is replaced with the name of the record; for leads, `{company}` and `{person_name}` are available too.", "examples": ["致电 {name}"]},
                "description": {"type": ["string", "null"], "maxLength": 5000, "description": "The description of the task, with the same placeholders."},
                "priority": {"type": "string", "enum": Priority::ALL, "default": Priority::Normal},
                "time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "default": BY, "description": "The time of day at which the task is due, in the assignee's time zone.", "examples": [BY]}
            }
        }
    })
}

/// What is to be done on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The day of a round, from 1.
    pub day: i64,
    pub kind: ActivityKind,
    pub subject: String,
    pub description: Option<String>,
    pub priority: Priority,
    /// Until when it is to be done, as `18:00`.
    pub time: String,
}

crate::structures! { Step }

impl Step {
    /// When it is due, in minutes since midnight.
    #[must_use]
    pub fn minutes(&self) -> u32 {
        minutes_of_day(&self.time).or_else(|| minutes_of_day(BY)).unwrap_or(0)
    }

    /// The subject of the task for a record.
    #[must_use]
    pub fn subject_for(&self, record: &Record) -> String {
        shortened(&fill(&self.subject, record), SUBJECT)
    }

    /// The description of the task for a record.
    #[must_use]
    pub fn description_for(&self, record: &Record) -> Option<String> {
        Some(shortened(&fill(self.description.as_deref()?, record), DESCRIPTION))
    }
}

/// What placeholders may stand for: the titles of a record.
fn is_placeholder(field: &Field) -> bool {
    field.searchable == Some(SearchWeight::Title)
}

/// A text with its placeholders filled in.
fn fill(text: &str, record: &Record) -> String {
    template::fill(text, |name| {
        let field = record.object().field(name).filter(|field| is_placeholder(field))?;
        match &*record.cell(field) {
            Cell::Text(text) => Some(text.clone()),
            _ => None,
        }
    })
}

/// The faults of placeholders that stand for nothing.
pub fn check_placeholders(steps: &[Step], object: &Object, faults: &mut Faults) {
    let known = || object.fields.iter().filter(|field| is_placeholder(field)).map(|field| field.name.as_ref());
    for (position, step) in steps.iter().enumerate() {
        for (member, text) in [("subject", Some(&step.subject)), ("description", step.description.as_ref())] {
            let names = text.into_iter().flat_map(|text| placeholders(text));
            for name in names.filter(|name| known().all(|known| known != *name)) {
                let pointer = format!("{}/{position}/{member}", Cadence::steps.pointer());
                faults.add(unknown(pointer, FaultCode::UnknownMember, name, known()));
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
        let standards = Standards { country: "CN", currency: Currency::CNY, zone: chrono_tz::UTC, now, user: None };
        let faults = |faults: Faults| faults.0.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect();
        accept(value, &standards).map_err(faults)
    }

    #[test]
    fn steps_stand_in_the_order_of_their_days() {
        let accepted = accepted(&json!([
            {"day": 3, "kind": "email", "subject": "b"},
            {"day": 1, "kind": "call", "subject": "a", "time": "09:30", "priority": "high"},
            {"day": 3, "kind": "call", "subject": "a"},
        ]))
        .unwrap();
        let steps: Vec<Step> = serde_json::from_value(accepted.clone()).unwrap();
        // What is kept is what was accepted, to the byte.
        assert_eq!(serde_json::to_string(&steps).unwrap(), accepted.to_string());
        let told: Vec<(i64, ActivityKind, u32)> = steps.iter().map(|step| (step.day, step.kind, step.minutes())).collect();
        use ActivityKind::{Call, Email};
        assert_eq!(told, [(1, Call, 570), (3, Email, 1080), (3, Call, 1080)]);
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
        let members = json!({"name": "李伟", "phones": [{"value": "+8613800138000"}]});
        let lead = Record::from_json(Lead::object(), &members);
        assert_eq!(fill("致电 {name} {company}", &lead), "致电 李伟");
        assert_eq!(fill("a {name", &lead), "a {name");
        let mut faults = Faults::default();
        let step = |subject: &str, description: Option<&str>| Step {
            day: 1,
            kind: ActivityKind::Call,
            subject: subject.to_owned(),
            description: description.map(str::to_owned),
            priority: Priority::Normal,
            time: BY.to_owned(),
        };
        let steps = [step("{name} {company}", None), step("{nmae}", Some("{phones} {"))];
        check_placeholders(&steps, Lead::object(), &mut faults);
        let pointers: Vec<&str> = faults.0.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/steps/1/subject", "/steps/1/description"]);
        assert_eq!(faults.0[0].parameters, [("nearest", "name".to_owned())]);
    }
}
