//! The records that an activity or a task concerns: a list of any kinds, kept in step with the reference to the first of each kind.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    model::{
        fault::Faults,
        field::{ANY_OBJECT, Choice, Field, FieldType, Label, Link, Structure},
        object::{Object, Reach, Relation},
        record::{Draft, Record},
        value::{Members, Standards, list},
    },
    values::id::Id,
};

/// One record that something concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concerned {
    /// What it is: `customer`, `contact`, `opportunity`, `lead`.
    pub object: String,
    pub id: Id,
}

crate::structures! { Concerned }

/// A kind of records that can be concerned, with the field that names the first of them.
pub struct Kind {
    pub object: &'static str,
    pub label: (&'static str, &'static str),
    pub field: &'static str,
    /// The relation to all of them, and the links it follows: one table for all kinds.
    pub relation: &'static str,
    pub links: Link,
}

/// Every kind. A new one takes its place here, and its reference field in the declarations of activity and task.
pub static KINDS: [Kind; 4] = [
    kind("customer", ("Customer", "客户"), "customer_id", "customers"),
    kind("contact", ("Contact", "联系人"), "contact_id", "contacts"),
    kind("opportunity", ("Opportunity", "商机"), "opportunity_id", "opportunities"),
    kind("lead", ("Lead", "线索"), "lead_id", "leads"),
];

const fn kind(object: &'static str, label: (&'static str, &'static str), field: &'static str, relation: &'static str) -> Kind {
    Kind { object, label, field, relation, links: links(object) }
}

const fn links(target: &'static str) -> Link {
    Link { table: "concerned_records", from: "record_id", to: "target_id", target, shared: true }
}

/// Which records something concerns, whatever they are.
pub static CONCERNED_LINK: Link = links(ANY_OBJECT);

pub static CONCERNED: Structure = Structure {
    name: "concerned_records",
    accept,
    schema,
    lookups: |value| value.as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).map(str::to_owned).collect(),
    lookup_form: |asked, _| asked.to_owned(),
    search: |_| Vec::new(),
    link: Some(&CONCERNED_LINK),
};

static FIELDS: LazyLock<[Field; 2]> = LazyLock::new(|| {
    let choice =
        |kind: &Kind| Choice { value: kind.object.into(), label: Label { en: kind.label.0.into(), zh: kind.label.1.into() } };
    [
        Field::new("object", FieldType::Choice(KINDS.iter().map(choice).collect())).required(),
        Field::new("id", FieldType::Reference(ANY_OBJECT.into())).required(),
    ]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    list(value, 50, |item| {
        let mut members = Members::of(item, &["object", "id"])?;
        for field in FIELDS.iter() {
            members.take(field, standards);
        }
        members.finish()
    })
}

fn schema() -> Value {
    json!({
        "type": "array",
        "maxItems": 50,
        "items": {
            "type": "object",
            "required": ["object", "id"],
            "additionalProperties": false,
            "properties": {
                "object": {"type": "string", "enum": KINDS.iter().map(|kind| kind.object).collect::<Vec<_>>(), "description": "What the record is."},
                "id": {"type": "string", "format": "uuid", "description": "The record."}
            }
        }
    })
}

/// The field of an object that lists the records it concerns, if it has one.
#[must_use]
pub fn list_of(object: &Object) -> Option<&Field> {
    object.fields.iter().find(|field| field.kind == FieldType::Structure(&CONCERNED))
}

/// The records in a list of them, each with its object.
pub fn items(value: &Value) -> impl Iterator<Item = (&str, Id)> {
    value.as_array().into_iter().flatten().filter_map(|item| Some((item["object"].as_str()?, item["id"].as_str()?.parse().ok()?)))
}

/// The ids that a record concerns of one object.
#[must_use]
pub fn ids_of(record: &Record, object: &str) -> Vec<Id> {
    items(record.get("records")).filter(|(named, _)| *named == object).map(|(_, id)| id).collect()
}

/// The relations of an object whose records concern others: to the first of each kind, and to all of them.
#[must_use]
pub fn with_relations(object: Object) -> Object {
    KINDS.iter().fold(object, |object, kind| {
        object.relations([
            Relation { name: kind.object, target: kind.object, reach: Reach::ToOne { field: kind.field } },
            Relation { name: kind.relation, target: kind.object, reach: Reach::Linked { link: &kind.links, holder: true } },
        ])
    })
}

/// The relations of an object that can be concerned: to all activities and tasks that concern one of its records.
#[must_use]
pub fn concerns(object: Object) -> Object {
    let Some(kind) = KINDS.iter().find(|kind| kind.object == object.name) else { return object };
    let reach = Reach::Linked { link: &kind.links, holder: false };
    object.relations([
        Relation { name: "activities", target: "activity", reach },
        Relation { name: "tasks", target: "task", reach },
    ])
}

/// Keeps `records` and the reference to the first of each kind the same, whichever was written. A reference that is written takes
/// the place of the former in the list; one that is cleared leaves it, and the next of its kind takes its place.
pub fn in_step(draft: &mut Draft<'_>) {
    let told = draft.changes("records") && !(draft.before.is_none() && draft.after.get("records") == &json!([]));
    let mut records: Vec<Value> = draft.after.get("records").as_array().cloned().unwrap_or_default();
    for kind in &KINDS {
        let place =
            |records: &[Value], id: &Value| records.iter().position(|item| item["object"] == kind.object && &item["id"] == id);
        let wanted = draft.after.get(kind.field).clone();
        if draft.changes(kind.field) && !(told && wanted.is_null()) {
            let former = draft.before.map_or(Value::Null, |before| before.get(kind.field).clone());
            let former = if told { None } else { place(&records, &former) };
            if let Some(place) = former {
                records.remove(place);
            }
            if !wanted.is_null() {
                let present = place(&records, &wanted);
                if let Some(present) = present {
                    records.remove(present);
                }
                let first = records.iter().position(|item| item["object"] == kind.object);
                let at = former.or(first).or(present).unwrap_or(records.len()).min(records.len());
                records.insert(at, json!({"object": kind.object, "id": wanted}));
            }
        }
        let first = records.iter().find(|item| item["object"] == kind.object);
        draft.after.set(kind.field, first.map_or(Value::Null, |item| item["id"].clone()));
    }
    draft.after.set("records", records);
}

/// Adds a record that nobody named, as the first of its kind: the customer of the opportunity.
pub fn complete(record: &mut Record, object: &str, id: Id) {
    let Some(kind) = KINDS.iter().find(|kind| kind.object == object) else { return };
    let mut records: Vec<Value> = record.get("records").as_array().cloned().unwrap_or_default();
    records.push(json!({"object": object, "id": id}));
    record.set("records", records);
    record.set(kind.field, id.to_string());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        activities::task::Task,
        model::{entity::Entity, object::Shape},
        values::{money::Currency, time::Timestamp},
    };

    const OBJECTS: [&str; 3] = ["customer", "contact", "opportunity"];

    fn id(number: u8) -> Value {
        format!("01890a5d-ac96-774b-bcce-b3020990000{number:01x}").into()
    }

    fn write(before: Option<&Record>, changes: &[(&str, Value)]) -> Record {
        let shape = Shape { object: Task::object(), custom: std::sync::Arc::from([]) };
        let standards =
            Standards { country: "CN", currency: Currency::CNY, zone: chrono_tz::UTC, now: Timestamp::from_milliseconds(0) };
        let mut after = before.cloned().unwrap_or_else(|| Record::from_json(Task::object(), &json!({"records": []})));
        for (name, value) in changes {
            after.set(name, value.clone());
        }
        let now = Timestamp::from_milliseconds(0);
        let mut draft = Draft { shape: &shape, standards: &standards, before, after, faults: Faults::default(), user: None, now };
        in_step(&mut draft);
        draft.after
    }

    fn named(record: &Record) -> Vec<(String, Value)> {
        let items = record.get("records").as_array().unwrap().iter();
        items.map(|item| (item["object"].as_str().unwrap().to_owned(), item["id"].clone())).collect()
    }

    #[test]
    fn either_is_written() {
        let item = |object: &str, number| json!({"object": object, "id": id(number)});
        let pair = |object: &str, number| (object.to_owned(), id(number));
        let first = write(None, &[("customer_id", id(1)), ("contact_id", id(2))]);
        assert_eq!(named(&first), [pair("customer", 1), pair("contact", 2)]);
        let more = write(Some(&first), &[("records", json!([item("contact", 2), item("customer", 3), item("customer", 1)]))]);
        assert_eq!((more.get("customer_id"), more.get("contact_id")), (&id(3), &id(2)));
        let moved = write(Some(&more), &[("customer_id", id(4))]);
        assert_eq!(named(&moved), [pair("contact", 2), pair("customer", 4), pair("customer", 1)]);
        let second = write(Some(&moved), &[("customer_id", id(1))]);
        assert_eq!(named(&second), [pair("contact", 2), pair("customer", 1)]);
        let cleared = write(Some(&moved), &[("customer_id", Value::Null)]);
        assert_eq!((named(&cleared), cleared.get("customer_id")), (vec![pair("contact", 2), pair("customer", 1)], &id(1)));
        let both = write(None, &[("customer_id", id(5)), ("records", json!([item("customer", 6)]))]);
        assert_eq!(named(&both), [pair("customer", 5), pair("customer", 6)]);
    }

    proptest! {
        #[test]
        fn are_the_same_after_every_write(
            writes in proptest::collection::vec((0_usize..4, 0_u8..4, proptest::collection::vec((0_usize..3, 0_u8..4), 0..5)), 1..8)
        ) {
            let mut record: Option<Record> = None;
            for (what, number, list) in writes {
                let mut items: Vec<Value> = Vec::new();
                for (object, number) in list {
                    let item = json!({"object": OBJECTS[object], "id": id(number)});
                    if !items.contains(&item) {
                        items.push(item);
                    }
                }
                let change = match what {
                    3 => ("records", Value::Array(items)),
                    kind => (KINDS[kind].field, if number == 0 { Value::Null } else { id(number) }),
                };
                let after = write(record.as_ref(), std::slice::from_ref(&change));
                for kind in &KINDS {
                    let first = named(&after).into_iter().find(|(object, _)| object == kind.object);
                    prop_assert_eq!(after.get(kind.field), &first.map_or(Value::Null, |(_, id)| id));
                }
                let mut seen = named(&after);
                seen.sort_by_key(|(object, id)| (object.clone(), id.to_string()));
                let count = seen.len();
                seen.dedup();
                prop_assert_eq!(seen.len(), count);
                // Whoever names a record gets that one.
                if !change.1.is_null() {
                    prop_assert_eq!(after.get(change.0), &change.1);
                }
                // Written again, it stays as it is.
                prop_assert_eq!(&write(Some(&after), &[]), &after);
                record = Some(after);
            }
        }
    }
}
