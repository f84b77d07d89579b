//! The records that an activity or a task concerns: a list of any kinds, kept in step with the reference to the first of each kind.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    choices,
    model::{
        fault::Faults,
        field::{ANY_OBJECT, Field, FieldType, Link, Structure},
        handle::{Any, Handle},
        object::{Object, Reach, Relation},
        record::{Draft, Record},
        recurring,
        value::{Members, Standards, list},
    },
    values::id::Id,
};

choices! {
    /// What a record is that something concerns.
    pub enum ConcernedObject {
        Customer "customer" "Customer" "客户",
        Contact "contact" "Contact" "联系人",
        Opportunity "opportunity" "Opportunity" "商机",
        Lead "lead" "Lead" "线索",
    }
}

/// One record that something concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concerned {
    pub object: ConcernedObject,
    pub id: Id,
}

crate::structures! { Concerned }

/// The list of what a record of any object concerns.
pub const RECORDS: Handle<Any, Vec<Concerned>> = Handle::recurring("records");

/// A kind of records that can be concerned, with the field that names the first of them.
pub struct Kind {
    pub object: ConcernedObject,
    pub field: Handle<Any, Option<Id>>,
    /// The relations to the first of them and to all of them, and the links that the latter follows: one table for all kinds.
    first: &'static str,
    all: &'static str,
    links: Link,
}

/// Every kind. A new one takes its place here, and its reference field in the declarations of activity and task.
pub static KINDS: [Kind; 4] = [
    kind(ConcernedObject::Customer, recurring::CUSTOMER_ID, ("customer", "customers")),
    kind(ConcernedObject::Contact, recurring::CONTACT_ID, ("contact", "contacts")),
    kind(ConcernedObject::Opportunity, recurring::OPPORTUNITY_ID, ("opportunity", "opportunities")),
    kind(ConcernedObject::Lead, recurring::LEAD_ID, ("lead", "leads")),
];

const fn kind(object: ConcernedObject, field: Handle<Any, Option<Id>>, (first, all): (&'static str, &'static str)) -> Kind {
    Kind { object, field, first, all, links: links(first) }
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
    lookups: |value| {
        let concerned = Vec::<Concerned>::deserialize(value).unwrap_or_default();
        concerned.iter().map(|concerned| concerned.id.to_string()).collect()
    },
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |_| Vec::new(),
    link: Some(&CONCERNED_LINK),
};

static FIELDS: LazyLock<[Field; 2]> = LazyLock::new(|| {
    [
        Field::new("object", FieldType::Choice(ConcernedObject::choices().into())).required(),
        Field::new("id", FieldType::Reference(ANY_OBJECT.into())).required(),
    ]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    list(value, 50, |item| Members::read(item, &*FIELDS, standards)?.finish())
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
                "object": {"type": "string", "enum": ConcernedObject::ALL, "description": "What the record is."},
                "id": {"type": "string", "format": "uuid", "description": "The record."}
            }
        }
    })
}

/// The ids that a record concerns of one object.
#[must_use]
pub fn ids_of(record: &Record, object: ConcernedObject) -> Vec<Id> {
    record.get(RECORDS).into_iter().filter(|concerned| concerned.object == object).map(|concerned| concerned.id).collect()
}

/// The relations of an object whose records concern others: to the first of each kind, and to all of them.
#[must_use]
pub fn with_relations(object: Object) -> Object {
    // The list and the references to the first of each kind tell each other.
    let object = object.hidden_beside(RECORDS.name(), KINDS.iter().map(|kind| kind.field.name()));
    KINDS.iter().fold(object, |object, kind| {
        object.hidden_beside(kind.field.name(), [RECORDS.name()]).relations([
            Relation { name: kind.first, target: kind.object.as_str(), reach: Reach::ToOne { field: kind.field.name() } },
            Relation { name: kind.all, target: kind.object.as_str(), reach: Reach::Linked { link: &kind.links, holder: true } },
        ])
    })
}

/// The relations of an object that can be concerned: to all activities and tasks that concern one of its records.
#[must_use]
pub fn concerns(object: Object) -> Object {
    let Some(kind) = KINDS.iter().find(|kind| kind.object.as_str() == object.name) else { return object };
    let reach = Reach::Linked { link: &kind.links, holder: false };
    object.relations([
        Relation { name: "activities", target: "activity", reach },
        Relation { name: "tasks", target: "task", reach },
    ])
}

/// Keeps `records` and the reference to the first of each kind the same, whichever was written. A reference that is written takes
/// the place of the former in the list; one that is cleared leaves it, and the next of its kind takes its place.
pub fn in_step(draft: &mut Draft<'_>) {
    let mut records = draft.after.get(RECORDS);
    let told = draft.changes(RECORDS) && !(draft.before.is_none() && records.is_empty());
    for kind in &KINDS {
        let place =
            |records: &[Concerned], id: Id| records.iter().position(|item| *item == Concerned { object: kind.object, id });
        let first = |records: &[Concerned]| records.iter().position(|item| item.object == kind.object);
        let wanted = draft.after.get(kind.field);
        if draft.changes(kind.field) && !(told && wanted.is_none()) {
            let former = draft.before.and_then(|before| before.get(kind.field)).filter(|_| !told);
            let former = former.and_then(|former| place(&records, former));
            if let Some(place) = former {
                records.remove(place);
            }
            if let Some(wanted) = wanted {
                let present = place(&records, wanted);
                if let Some(present) = present {
                    records.remove(present);
                }
                let at = former.or(first(&records)).or(present).unwrap_or(records.len()).min(records.len());
                records.insert(at, Concerned { object: kind.object, id: wanted });
            }
        }
        draft.after.set(kind.field, first(&records).map(|first| records[first].id));
    }
    draft.after.set(RECORDS, records);
}

/// Adds a record that nobody named, as the first of its kind: the customer of the opportunity.
pub fn complete(record: &mut Record, object: ConcernedObject, id: Id) {
    let mut records = record.get(RECORDS);
    records.push(Concerned { object, id });
    record.set(RECORDS, records);
    for kind in KINDS.iter().filter(|kind| kind.object == object) {
        record.set(kind.field, id);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        activities::task::Task,
        model::{entity::Entity, object::Schema},
        values::{money::Currency, time::Timestamp},
    };

    fn id(number: u8) -> Id {
        format!("01890a5d-ac96-774b-bcce-b3020990000{number:01x}").parse().unwrap()
    }

    /// What a client writes.
    #[derive(Clone)]
    enum Told {
        One(Handle<Any, Option<Id>>, Option<Id>),
        All(Vec<Concerned>),
    }

    fn write(before: Option<&Record>, told: &[Told]) -> Record {
        let schema = Schema { object: Task::object(), custom: std::sync::Arc::from([]) };
        let standards = Standards {
            country: "CN",
            currency: Currency::CNY,
            zone: chrono_tz::UTC,
            now: Timestamp::from_milliseconds(0),
            user: None,
        };
        let mut after = before.cloned().unwrap_or_else(|| Record::from_json(Task::object(), &json!({"records": []})));
        for told in told {
            match told {
                Told::One(field, id) => after.set(*field, *id),
                Told::All(records) => after.set(RECORDS, records.clone()),
            }
        }
        let now = Timestamp::from_milliseconds(0);
        let mut draft =
            Draft { schema: &schema, standards: &standards, before, after, faults: Faults::default(), user: None, now };
        in_step(&mut draft);
        draft.after
    }

    #[test]
    fn either_is_written() {
        use ConcernedObject::{Contact, Customer};
        use recurring::{CONTACT_ID, CUSTOMER_ID};
        let item = |object, number| Concerned { object, id: id(number) };
        let one = |field, number| Told::One(field, Some(id(number)));
        let first = write(None, &[one(CUSTOMER_ID, 1), one(CONTACT_ID, 2)]);
        assert_eq!(first.get(RECORDS), [item(Customer, 1), item(Contact, 2)]);
        let more = write(Some(&first), &[Told::All(vec![item(Contact, 2), item(Customer, 3), item(Customer, 1)])]);
        assert_eq!((more.get(CUSTOMER_ID), more.get(CONTACT_ID)), (Some(id(3)), Some(id(2))));
        let moved = write(Some(&more), &[one(CUSTOMER_ID, 4)]);
        assert_eq!(moved.get(RECORDS), [item(Contact, 2), item(Customer, 4), item(Customer, 1)]);
        let second = write(Some(&moved), &[one(CUSTOMER_ID, 1)]);
        assert_eq!(second.get(RECORDS), [item(Contact, 2), item(Customer, 1)]);
        let cleared = write(Some(&moved), &[Told::One(CUSTOMER_ID, None)]);
        assert_eq!(cleared.get(RECORDS), [item(Contact, 2), item(Customer, 1)]);
        assert_eq!(cleared.get(CUSTOMER_ID), Some(id(1)));
        let both = write(None, &[one(CUSTOMER_ID, 5), Told::All(vec![item(Customer, 6)])]);
        assert_eq!(both.get(RECORDS), [item(Customer, 5), item(Customer, 6)]);
    }

    proptest! {
        #[test]
        fn are_the_same_after_every_write(
            writes in proptest::collection::vec((0_usize..4, 0_u8..4, proptest::collection::vec((0_usize..3, 0_u8..4), 0..5)), 1..8)
        ) {
            let mut record: Option<Record> = None;
            for (what, number, list) in writes {
                let mut items: Vec<Concerned> = Vec::new();
                for (kind, number) in list {
                    let item = Concerned { object: KINDS[kind].object, id: id(number) };
                    if !items.contains(&item) {
                        items.push(item);
                    }
                }
                let told = match what {
                    3 => Told::All(items),
                    kind => Told::One(KINDS[kind].field, (number != 0).then(|| id(number))),
                };
                let after = write(record.as_ref(), std::slice::from_ref(&told));
                for kind in &KINDS {
                    let first = after.get(RECORDS).into_iter().find(|item| item.object == kind.object);
                    prop_assert_eq!(after.get(kind.field), first.map(|item| item.id));
                }
                let mut seen: Vec<_> = after.get(RECORDS).into_iter().map(|item| (item.object.as_str(), item.id)).collect();
                seen.sort_unstable();
                let count = seen.len();
                seen.dedup();
                prop_assert_eq!(seen.len(), count);
                // Whoever names a record gets that one.
                match told {
                    Told::One(_, None) => {}
                    Told::One(field, wanted) => prop_assert_eq!(after.get(field), wanted),
                    Told::All(items) => prop_assert_eq!(after.get(RECORDS), items),
                }
                // Written again, it stays as it is.
                prop_assert_eq!(&write(Some(&after), &[]), &after);
                record = Some(after);
            }
        }
    }
}
