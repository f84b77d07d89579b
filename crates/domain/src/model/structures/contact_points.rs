//! E-mail addresses and phone numbers of a record: several, each with a label, at most one primary.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, SearchKind, Structure},
        value::{self, Members, Standards, list},
    },
    values::email,
};

/// One e-mail address or phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPoint {
    /// In standard form: lower-case address, E.164 number.
    pub value: String,
    /// What was typed, where it differs from the standard form; told from what is sent as `value`.
    #[serde(default)]
    pub typed: Option<String>,
    /// What it is for: work, mobile, home …
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default)]
    pub primary: bool,
}

crate::structures! { ContactPoint }

pub static EMAILS: Structure = Structure {
    name: "emails",
    accept: |value, standards| accept(value, standards, FieldType::Email),
    schema: || schema("email", "li.wei@example.cn", "The address, lower-cased.", "work"),
    // Those stored before a domain and its punycode were one are found as they are asked for.
    lookups: |value| lookups(value).into_iter().map(|address| email::standardise(&address).unwrap_or(address)).collect(),
    lookup_form: |asked, standards| one(FieldType::Email, asked, standards),
    search: |value| lookups(value).into_iter().map(|address| (SearchKind::Email, address)).collect(),
    link: None,
};

pub static PHONES: Structure = Structure {
    name: "phones",
    accept: |value, standards| accept(value, standards, FieldType::Phone),
    schema: || schema("phone", "+8613800138000", "The number in E.164, `;ext=` before an extension.", "mobile"),
    lookups,
    lookup_form: |asked, standards| one(FieldType::Phone, asked, standards),
    search: |value| lookups(value).into_iter().map(|number| (SearchKind::Phone, number)).collect(),
    link: None,
};

static LABEL: LazyLock<Field> = LazyLock::new(|| Field::new("label", FieldType::Text { max: 40 }));
static PRIMARY: LazyLock<Field> = LazyLock::new(|| Field::new("primary", FieldType::Boolean).default(false));

fn accept(value: &Value, standards: &Standards<'_>, kind: FieldType) -> Result<Value, Faults> {
    let value_field = Field::new("value", kind).required();
    let accepted = list(value, 20, |item| {
        // `typed` may be sent back as it was read, and says nothing: what was typed is told from `value` itself.
        let mut members = Members::of(item, &["value", "typed", "label", "primary"])?;
        members.take(&value_field, standards);
        let sent = item.get("value").and_then(Value::as_str).map(str::trim);
        let standard = members.accepted.get("value").and_then(Value::as_str);
        let typed = match (sent, standard) {
            (Some(sent), Some(standard)) if sent != standard => Value::from(sent),
            _ => Value::Null,
        };
        members.accepted.insert("typed".to_owned(), typed);
        members.take(&LABEL, standards);
        members.take(&PRIMARY, standards);
        members.finish()
    })?;
    primary_first(accepted)
}

/// E-mail addresses and phone numbers as they were typed, so that this stays known of them where they are taken over.
pub(crate) fn as_sent(structure: &Structure, mut points: Value) -> Value {
    for item in points.as_array_mut().filter(|_| [&EMAILS, &PHONES].contains(&structure)).into_iter().flatten() {
        if item["typed"].is_string() {
            item["value"] = item["typed"].take();
        }
    }
    points
}

/// Keeps what was typed of the values that a list had before and still has: whoever reads a list, changes one item and sends
/// all back sends the others in standard form.
pub(crate) fn keep_typed(structure: &Structure, before: &Value, after: &mut Value) {
    let Some(items) = after.as_array_mut().filter(|_| [&EMAILS, &PHONES].contains(&structure)) else { return };
    for item in items.iter_mut().filter(|item| item["typed"].is_null()) {
        let known = before.as_array().into_iter().flatten().find(|known| known["value"] == item["value"]);
        if let Some(typed) = known.map(|known| known["typed"].clone()) {
            item["typed"] = typed;
        }
    }
}

/// Sees to it that exactly one item of a list that has any is primary: the first, where the client named none.
pub(crate) fn primary_first(mut list: Value) -> Result<Value, Faults> {
    let Some(items) = list.as_array_mut() else { return Ok(list) };
    let mut faults = Faults::default();
    let mut seen: Vec<&str> = Vec::new();
    let mut primaries = 0;
    for (position, item) in items.iter().enumerate() {
        if item["primary"] == true {
            primaries += 1;
            if primaries > 1 {
                faults.add(Fault::new(format!("/{position}/primary"), FaultCode::OnePrimary));
            }
        }
        if let Some(value) = item["value"].as_str() {
            if seen.contains(&value) {
                faults.add(Fault::new(format!("/{position}/value"), FaultCode::Repeated));
            }
            seen.push(value);
        }
    }
    if primaries == 0
        && let Some(first) = items.first_mut()
    {
        first["primary"] = true.into();
    }
    faults.into_result(list)
}

/// One address or number in standard form.
fn one(kind: FieldType, asked: &str, standards: &Standards<'_>) -> Result<String, Faults> {
    let standard = value::accept(&Field::new("value", kind), &asked.into(), standards)?;
    value::as_text(&standard).map(str::to_owned)
}

fn lookups(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|item| item["value"].as_str()).map(str::to_owned).collect()
}

fn schema(format: &str, example: &str, value: &str, label: &str) -> Value {
    let mut item = json!({
        "type": "object",
        "required": ["value"],
        "additionalProperties": false,
        "properties": {
            "value": {"type": "string", "description": value, "examples": [example]},
            "typed": {"type": ["string", "null"], "description": "The original input, if it differs from the standard form."},
            "label": {"type": ["string", "null"], "maxLength": 40, "description": "What it is for.", "examples": [label]},
            "primary": {"type": "boolean", "description": "Whether this is the primary one. Defaults to the first in the list."}
        }
    });
    if format == "email" {
        item["properties"]["value"]["format"] = "email".into();
    }
    json!({"type": "array", "maxItems": 20, "items": item})
}
