//! Postal addresses, Chinese (province, city, district) and Western ones in the same members.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

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

/// Where something is to be done: an address that stands alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    pub country: Option<String>,
    pub region: Option<String>,
    pub city: Option<String>,
    pub district: Option<String>,
    pub street: Option<String>,
    pub postal_code: Option<String>,
}

crate::structures! { Address, Site }

impl Address {
    /// The place, whatever the address is for.
    #[must_use]
    pub fn site(self) -> Site {
        let Address { country, region, city, district, street, postal_code, kind: _, primary: _ } = self;
        Site { country, region, city, district, street, postal_code }
    }
}

impl Site {
    /// The address in one line: from the largest part to the smallest where it is Chinese, the other way round elsewhere.
    #[must_use]
    pub fn line(&self) -> String {
        let parts = |parts: [&Option<String>; 4]| parts.into_iter().flatten().cloned().collect::<Vec<String>>();
        if parts([&self.region, &self.city, &self.district, &self.street]).iter().any(|part| is_chinese(part)) {
            return parts([&self.region, &self.city, &self.district, &self.street]).concat();
        }
        let city = parts([&self.postal_code, &self.city, &None, &None]).join(" ");
        let city = Some(city).filter(|city| !city.is_empty());
        parts([&self.street, &self.district, &city, &self.region]).join(", ")
    }
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
}

pub static ADDRESSES: Structure = Structure {
    name: "addresses",
    accept,
    schema,
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search,
    link: None,
};

pub static SITE: Structure = Structure {
    name: "site",
    accept: |value, standards| Members::read(value, &SITE_FIELDS, standards)?.finish(),
    schema: || {
        let mut schema = json!({"type": "object", "additionalProperties": false});
        schema["properties"] = Value::Object(properties());
        schema
    },
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |site| vec![(SearchKind::Text, searched(site))],
    link: None,
};

static SITE_FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let text = |name: &'static str, max| Field::new(name, FieldType::Text { max });
    vec![
        Field::new("country", FieldType::Country),
        text("region", 80),
        text("city", 80),
        text("district", 80),
        text("street", 300),
        text("postal_code", 20),
    ]
});

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let kind = Field::new("kind", FieldType::Choice(AddressKind::choices().into())).default("office");
    let primary = Field::new("primary", FieldType::Boolean).default(false);
    std::iter::once(kind).chain(SITE_FIELDS.iter().cloned()).chain([primary]).collect()
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    primary_first(list(value, 20, |item| Members::read(item, &FIELDS, standards)?.finish())?)
}

fn search(value: &Value) -> Vec<(SearchKind, String)> {
    value.as_array().into_iter().flatten().map(|address| (SearchKind::Text, searched(address))).collect()
}

/// What is searched of one address.
fn searched(address: &Value) -> String {
    ["region", "city", "district", "street"].iter().filter_map(|part| address[*part].as_str()).collect::<Vec<_>>().join(" ")
}

/// The members of a place, for the document.
fn properties() -> Map<String, Value> {
    let text = |max: usize, description: &str, example: &str| json!({"type": ["string", "null"], "maxLength": max, "description": description, "examples": [example]});
    Map::from_iter([
        (
            "country".to_owned(),
            json!({"type": ["string", "null"], "pattern": "^[A-Z]{2}$", "description": "ISO 3166-1 alpha-2.", "examples": ["CN"]}),
        ),
        ("region".to_owned(), text(80, "Province, state or Land.", "广东省")),
        ("city".to_owned(), text(80, "City.", "深圳市")),
        ("district".to_owned(), text(80, "District or county.", "龙岗区")),
        ("street".to_owned(), text(300, "Street and number.", "坂田街道 1 号")),
        ("postal_code".to_owned(), text(20, "Postal code.", "518129")),
    ])
}

fn schema() -> Value {
    let kinds: Vec<String> = AddressKind::choices().iter().map(|choice| choice.value.to_string()).collect();
    let mut members = Map::new();
    let kind = json!({"type": "string", "enum": kinds, "default": "office", "description": "What the address is for."});
    members.insert("kind".to_owned(), kind);
    members.extend(properties());
    let primary = "Whether this is the primary one. Defaults to the first in the list.";
    members.insert("primary".to_owned(), json!({"type": "boolean", "description": primary}));
    json!({
        "type": "array",
        "maxItems": 20,
        "items": {"type": "object", "additionalProperties": false, "properties": members}
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_line_as_people_write_it() {
        let site = |region: &str, city: &str, district: &str, street: &str, code: &str| {
            let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            Site {
                country: None,
                region: text(region),
                city: text(city),
                district: text(district),
                street: text(street),
                postal_code: text(code),
            }
        };
        assert_eq!(site("广东省", "深圳市", "龙岗区", "坂田街道 1 号", "518129").line(), "广东省深圳市龙岗区坂田街道 1 号");
        assert_eq!(site("Bayern", "München", "", "Leopoldstr. 1", "80802").line(), "Leopoldstr. 1, 80802 München, Bayern");
        assert_eq!(site("", "", "", "", "").line(), "");
    }
}
