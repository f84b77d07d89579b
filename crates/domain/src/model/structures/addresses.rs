//! Postal addresses, Chinese (province, city, district) and Western ones in the same members.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::contact_points::primary_first;
use crate::model::value::{Members, Standards, list};
use crate::{
    choices,
    model::{
        fault::Faults,
        field::{Field, FieldType, SearchKind, Structure},
    },
};

choices! {
    /// What an address is for.
    pub enum AddressKind {
        Billing "billing" "Billing" "开票地址",
        Shipping "shipping" "Shipping" "收货地址",
        Office "office" "Office" "办公地址",
        Registered "registered" "Registered" "注册地址",
        Home "home" "Home" "家庭地址",
        Other "other" "Other" "其他",
    }
}

/// One postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub kind: Option<AddressKind>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Province, state or Land.
    pub region: Option<String>,
    pub city: Option<String>,
    /// District or county (区、县).
    pub district: Option<String>,
    pub street: Option<String>,
    pub postal_code: Option<String>,
    #[serde(default)]
    pub primary: bool,
}

crate::structures! { Address }

pub static ADDRESSES: Structure = Structure {
    name: "addresses",
    accept,
    schema,
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search,
    link: None,
};

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let text = |name: &'static str, max| Field::new(name, FieldType::Text { max });
    vec![
        Field::new("kind", FieldType::Choice(AddressKind::choices().into())).default("office"),
        Field::new("country", FieldType::Country),
        text("region", 80),
        text("city", 80),
        text("district", 80),
        text("street", 300),
        text("postal_code", 20),
        Field::new("primary", FieldType::Boolean).default(false),
    ]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    primary_first(list(value, 20, |item| Members::read(item, &FIELDS, standards)?.finish())?)
}

fn search(value: &Value) -> Vec<(SearchKind, String)> {
    let parts = value.as_array().into_iter().flatten().map(|address| {
        ["region", "city", "district", "street"].iter().filter_map(|part| address[*part].as_str()).collect::<Vec<_>>().join(" ")
    });
    parts.map(|text| (SearchKind::Text, text)).collect()
}

fn schema() -> Value {
    let text = |max: usize, description: &str, example: &str| json!({"type": ["string", "null"], "maxLength": max, "description": description, "examples": [example]});
    let kinds: Vec<String> = AddressKind::choices().iter().map(|choice| choice.value.to_string()).collect();
    json!({
        "type": "array",
        "maxItems": 20,
        "items": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "kind": {"type": "string", "enum": kinds, "default": "office", "description": "What the address is for."},
                "country": {"type": ["string", "null"], "pattern": "^[A-Z]{2}$", "description": "ISO 3166-1 alpha-2.", "examples": ["CN"]},
                "region": text(80, "Province, state or Land.", "广东省"),
                "city": text(80, "City.", "深圳市"),
                "district": text(80, "District or county.", "龙岗区"),
                "street": text(300, "Street and number.", "坂田街道 1 号"),
                "postal_code": text(20, "Postal code.", "518129"),
                "primary": {"type": "boolean", "description": "Whether this is the primary one. Defaults to the first in the list."}
            }
        }
    })
}
