//! Who takes part in a meeting or a visit: colleagues, contacts, and people known only by name or address.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Structure},
        value::{Members, Standards, list},
    },
    values::id::Id,
};

/// One who takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    pub user_id: Option<Id>,
    pub contact_id: Option<Id>,
    pub name: Option<String>,
    pub email: Option<String>,
}

crate::structures! { Attendee }

pub static ATTENDEES: Structure = Structure {
    name: "attendees",
    accept,
    schema: || {
        json!({
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "properties": {
                    "user_id": {"type": ["string", "null"], "format": "uuid", "description": "A colleague; the activity appears in their calendar."},
                    "contact_id": {"type": ["string", "null"], "format": "uuid", "description": "A contact."},
                    "name": {"type": ["string", "null"], "maxLength": 200, "description": "Any other participant, by name.", "examples": ["李伟"]},
                    "email": {"type": ["string", "null"], "format": "email", "description": "Any other participant, by e-mail address.", "examples": ["li.wei@example.cn"]}
                }
            }
        })
    },
    lookups: |value| {
        let attendees = Vec::<Attendee>::deserialize(value).unwrap_or_default();
        references(&attendees).map(|(_, _, id)| id.to_string()).collect()
    },
    lookup_form: |asked, _| Ok(asked.to_ascii_lowercase()),
    search: |_| Vec::new(),
    link: None,
};

static FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("user_id", FieldType::Reference("user".into())),
        Field::new("contact_id", FieldType::Reference("contact".into())),
        Field::new("name", FieldType::Text { max: 200 }),
        Field::new("email", FieldType::Email),
    ]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    list(value, 100, |item| {
        let mut members = Members::read(item, &*FIELDS, standards)?;
        if members.faults.is_empty() && members.accepted.values().all(Value::is_null) {
            members.faults.add(Fault::new("/name", FaultCode::Required));
        }
        members.finish()
    })
}

/// The records that a list of attendees names: the pointer within it, the object, the id.
pub fn references(attendees: &[Attendee]) -> impl Iterator<Item = (String, &'static str, Id)> {
    attendees.iter().enumerate().flat_map(|(position, attendee)| {
        let user = attendee.user_id.map(|id| (format!("/{position}/user_id"), "user", id));
        let contact = attendee.contact_id.map(|id| (format!("/{position}/contact_id"), "contact", id));
        user.into_iter().chain(contact)
    })
}
