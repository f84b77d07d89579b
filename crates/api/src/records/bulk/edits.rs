//! Ids that are added to lists of a record, or taken out: tags, followers.

use farley_domain::{
    model::{
        cell::Cell,
        fault::{Fault, FaultCode, Faults, pointer_token, unknown},
        field::{Field, FieldType, Structure, Writable},
        field_rule::FieldRule,
        object::Object,
        record::Record,
    },
    values::id::Id,
};
use serde_json::{Map, Value, json};

use crate::access::principal::Principal;

/// How many ids are added to a list or taken out at once.
const MOST_IDS: usize = 50;

pub static EDITS: Structure = Structure {
    name: "bulk_edits",
    accept: |value, _| match value.is_object() {
        true => Ok(value.clone()),
        false => Err(Fault::new("", FaultCode::WrongType).with("expected", "an object").into()),
    },
    schema: || {
        let ids = json!({"type": "array", "maxItems": MOST_IDS, "items": {"type": "string", "format": "uuid"}});
        json!({"type": "object", "additionalProperties": ids})
    },
    ..Structure::PLAIN
};

/// Lists of an object, each with ids.
#[derive(Default)]
pub struct Edits(Vec<(&'static Field, Vec<Id>)>);

impl Edits {
    /// Reads what a request says at a place. Other lists than those the caller may write are refused.
    pub fn read(object: &'static Object, principal: &Principal, sent: Option<&Value>, pointer: &str) -> Result<Edits, Faults> {
        let rule = |field: &Field| principal.asker.grants.rule(object, field);
        let is_list = |field: &&'static Field| {
            matches!(field.kind, FieldType::References(_))
                && field.writable == Writable::Always
                && rule(field) != Some(FieldRule::Hidden)
        };
        let (mut faults, mut edits) = (Faults::default(), Vec::new());
        for (name, items) in sent.and_then(Value::as_object).into_iter().flatten() {
            let pointer = format!("{pointer}/{}", pointer_token(name));
            let Some(field) = object.field(name).filter(is_list) else {
                let lists = object.fields.iter().filter(is_list).map(|field| field.name.as_ref());
                faults.add(unknown(pointer, FaultCode::UnknownMember, name, lists));
                continue;
            };
            if rule(field) == Some(FieldRule::ReadOnly) {
                faults.add(Fault::new(pointer, FaultCode::NotPermitted));
                continue;
            }
            match items.as_array() {
                None => faults.add(Fault::new(pointer, FaultCode::WrongType).with("expected", "a list")),
                Some(items) if items.len() > MOST_IDS => {
                    faults.add(Fault::new(pointer, FaultCode::TooMany).with("max", MOST_IDS));
                }
                Some(items) => {
                    let mut ids = Vec::with_capacity(items.len());
                    for (place, item) in items.iter().enumerate() {
                        match item.as_str().and_then(|text| text.parse().ok()) {
                            Some(id) => ids.push(id),
                            None => faults.add(Fault::new(format!("{pointer}/{place}"), FaultCode::InvalidId)),
                        }
                    }
                    edits.push((field, ids));
                }
            }
        }
        faults.into_result(Edits(edits))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, ids)| ids.is_empty())
    }

    /// The names of the lists.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(field, _)| field.name.as_ref())
    }

    fn of(&self, field: &Field) -> &[Id] {
        self.0.iter().find(|(known, _)| known.name == field.name).map_or(&[], |(_, ids)| ids)
    }
}

/// Adds to a patch the lists of a record with some ids added and some taken out.
pub fn apply(patch: &mut Map<String, Value>, before: &Record, (add, remove): (&Edits, &Edits)) {
    for (field, _) in add.0.iter().chain(&remove.0) {
        let mut ids = match &*before.cell(field) {
            Cell::Ids(ids) => ids.clone(),
            _ => Vec::new(),
        };
        ids.retain(|id| !remove.of(field).contains(id));
        for id in add.of(field) {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        patch.insert(field.name.to_string(), json!(ids));
    }
}
