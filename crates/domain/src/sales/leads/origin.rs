//! Where a lead comes from and what it consented to.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    customers::customer::Channel,
    model::{
        field::{Field, FieldType, Structure},
        value::{Members, list},
    },
    values::time::Timestamp,
};

const UTM_MEMBERS: [&str; 5] = ["source", "medium", "campaign", "term", "content"];

/// The UTM parameters of the visit that a lead came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utm {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub term: Option<String>,
    pub content: Option<String>,
}

/// A channel that somebody allowed us to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub channel: Channel,
    pub given_at: Timestamp,
    /// The text that was agreed to.
    pub text: Option<String>,
    /// Where: a form, a call, a trade fair.
    pub source: Option<String>,
}

crate::structures! { Utm, Consent }

/// The UTM parameters of the visit that a lead came from.
pub static UTM: Structure = Structure {
    name: "utm",
    accept: |value, standards| Members::read(value, &*UTM_FIELDS, standards)?.finish(),
    schema: || {
        let member = |example: &str| json!({"type": ["string", "null"], "maxLength": 200, "examples": [example]});
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "source": member("baidu"), "medium": member("cpc"), "campaign": member("spring-2026"),
                "term": member("工业机器人"), "content": member("banner-a")
            }
        })
    },
    ..Structure::PLAIN
};

static UTM_FIELDS: LazyLock<[Field; 5]> =
    LazyLock::new(|| UTM_MEMBERS.map(|name| Field::new(name, FieldType::Text { max: 200 })));

/// Which channels somebody allowed us to use, when, and to which words.
pub static CONSENT: Structure = Structure {
    name: "consent",
    accept: |value, standards| list(value, 50, |item| Members::read(item, &*CONSENT_FIELDS, standards)?.finish()),
    schema: || {
        let channels: Vec<String> = Channel::choices().iter().map(|choice| choice.value.to_string()).collect();
        json!({
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["channel", "given_at"],
                "additionalProperties": false,
                "properties": {
                    "channel": {"type": "string", "enum": channels, "description": "The permitted channel."},
                    "given_at": {"type": "string", "format": "date-time", "description": "When consent was given.", "examples": ["2026-09-01T08:00:00.000Z"]},
                    "text": {"type": ["string", "null"], "maxLength": 5000, "description": "The text that was agreed to."},
                    "source": {"type": ["string", "null"], "maxLength": 200, "description": "Where: a form, a call, a trade fair.", "examples": ["官网表单"]}
                }
            }
        })
    },
    lookups: |value| {
        let channels = value.as_array().into_iter().flatten().filter_map(|item| item["channel"].as_str());
        let mut channels: Vec<String> = channels.map(str::to_owned).collect();
        channels.sort();
        channels.dedup();
        channels
    },
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |_| Vec::new(),
    link: None,
};

static CONSENT_FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("channel", FieldType::Choice(Channel::choices().into())).required(),
        Field::new("given_at", FieldType::DateTime).required(),
        Field::new("text", FieldType::LongText { max: 5_000 }),
        Field::new("source", FieldType::Text { max: 200 }),
    ]
});

/// Consent with what is new in other consent: the same channel and text are not noted twice.
#[must_use]
pub fn with_consent(mut present: Vec<Consent>, given: &[Consent]) -> Vec<Consent> {
    for item in given {
        let known = present.iter().any(|known| known.channel == item.channel && known.text == item.text);
        if !known && present.len() < 50 {
            present.push(item.clone());
        }
    }
    present
}
