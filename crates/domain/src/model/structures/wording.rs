//! Texts for people of one language, or of several.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::model::{
    fault::{Fault, FaultCode, Faults, pointer_token},
    field::{Field, FieldType, Structure},
    value::{Standards, accept as accept_value},
};

/// How long a text may be, in characters.
pub const LONGEST: usize = 20_000;

/// A text, or one text for each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Wording {
    One(String),
    ByLanguage(BTreeMap<String, String>),
}

crate::structures! { Wording }

impl Wording {
    /// The text in a language: in just that one, else in the same without its region, else in English, else in any.
    #[must_use]
    pub fn in_language(&self, language: Option<&str>) -> &str {
        let texts = match self {
            Wording::One(text) => return text,
            Wording::ByLanguage(texts) => texts,
        };
        let language = language.unwrap_or_default();
        let primary = language.split('-').next().unwrap_or_default();
        let found = [language, primary, "en"].into_iter().find_map(|tag| texts.get(tag));
        found.or_else(|| texts.values().next()).map_or("", String::as_str)
    }

    /// Each text, with its place below the member that holds it.
    pub fn texts(&self) -> impl Iterator<Item = (String, &str)> {
        let (one, many) = match self {
            Wording::One(text) => (Some((String::new(), text.as_str())), None),
            Wording::ByLanguage(texts) => (None, Some(texts)),
        };
        let many = many.into_iter().flatten().map(|(language, text)| (format!("/{language}"), text.as_str()));
        one.into_iter().chain(many)
    }
}

/// A text, or an object with a text for each language.
pub static WORDING: Structure = Structure { name: "wording", accept, schema, ..Structure::PLAIN };

/// The schema of one.
#[must_use]
pub fn schema() -> Value {
    let text = json!({"type": "string", "minLength": 1, "maxLength": LONGEST});
    json!({"oneOf": [text, {"type": "object", "minProperties": 1, "maxProperties": 20, "additionalProperties": text}]})
}

/// Reads one; null is at fault.
pub fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let one = Field::new("text", FieldType::LongText { max: LONGEST });
    let required = || Faults::from(Fault::new("", FaultCode::Required));
    let accepted = |value: &Value| {
        let text = accept_value(&one, value, standards)?;
        if text.as_str().is_some_and(str::is_empty) { Err(Fault::new("", FaultCode::Blank).into()) } else { Ok(text) }
    };
    match value {
        Value::Null => Err(required()),
        Value::Object(texts) if texts.is_empty() => Err(required()),
        Value::Object(texts) => {
            let language = Field::new("language", FieldType::LanguageTag);
            let mut faults = Faults::default();
            let mut kept = Map::new();
            for (tag, value) in texts {
                let pointer = format!("/{}", pointer_token(tag));
                let tag = accept_value(&language, &Value::from(tag.as_str()), standards);
                match tag.and_then(|tag| Ok((tag, accepted(value)?))) {
                    Ok((tag, text)) => drop(kept.insert(tag.as_str().unwrap_or_default().to_owned(), text)),
                    Err(found) => faults.extend(found.0.into_iter().map(|fault| fault.under(&pointer))),
                }
            }
            faults.into_result(Value::Object(kept))
        }
        _ => accepted(value),
    }
}
