//! One text in several languages, by their tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::model::{
    fault::{Fault, FaultCode, Faults, pointer_token},
    field::{Field, FieldType, Structure},
    value::{Standards, accept, wrong},
};

/// How long a text may be, in characters.
const LONGEST: usize = 500;
/// In how many languages there may be one.
const MOST: usize = 20;

/// A text by language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByLanguage(pub BTreeMap<String, String>);

crate::structures! { ByLanguage }

impl ByLanguage {
    /// The text in a language: in just that one, else in the same without its region, else in English, else in any.
    #[must_use]
    pub fn in_language(&self, language: Option<&str>) -> &str {
        let language = language.unwrap_or_default();
        let primary = language.split('-').next().unwrap_or_default();
        let found = [language, primary, "en"].into_iter().find_map(|tag| self.0.get(tag));
        found.or_else(|| self.0.values().next()).map_or("", String::as_str)
    }
}

pub static BY_LANGUAGE: Structure = Structure {
    name: "text_by_language",
    accept: accept_texts,
    schema: || json!({"type": "object", "minProperties": 1, "maxProperties": MOST, "additionalProperties": {"type": "string", "maxLength": LONGEST}}),
    ..Structure::PLAIN
};

fn accept_texts(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let texts = value.as_object().ok_or_else(|| wrong("an object"))?;
    if texts.is_empty() {
        return Err(Fault::new("", FaultCode::Required).into());
    }
    if texts.len() > MOST {
        return Err(Fault::new("", FaultCode::TooMany).with("max", MOST).into());
    }
    let (language, line) = (Field::new("tag", FieldType::LanguageTag), Field::new("line", FieldType::Text { max: LONGEST }));
    let mut faults = Faults::default();
    let mut kept = Map::new();
    for (tag, text) in texts {
        let accepted = accept(&language, &Value::from(tag.as_str()), standards);
        match accepted.and_then(|tag| Ok((tag, accept(&line, text, standards)?))) {
            Ok((tag, text)) => drop(kept.insert(tag.as_str().unwrap_or_default().to_owned(), text)),
            Err(found) => faults.extend(found.under(&format!("/{}", pointer_token(tag))).0),
        }
    }
    faults.into_result(Value::Object(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_get_the_nearest_language() {
        let texts = |pairs: &[(&str, &str)]| {
            ByLanguage(pairs.iter().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned())).collect())
        };
        let both = texts(&[("en", "hello"), ("zh", "您好")]);
        let told = [Some("zh-CN"), Some("en-GB"), Some("fr"), None].map(|language| both.in_language(language));
        assert_eq!(told, ["您好", "hello", "hello", "hello"]);
        assert_eq!(texts(&[("zh-CN", "您好")]).in_language(Some("fr")), "您好");
    }
}
