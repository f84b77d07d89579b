//! The members of structured values, for forms that edit them.

use farley_domain::model::field::FieldType;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::describe::{LabelMetadata, help};

/// One member of a structured value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MemberMetadata {
    #[schema(example = "value")]
    pub name: String,
    /// Its JSON type: `string`, `integer`, `number`, `boolean`, `array`, `object`; `any` if it may be of several.
    #[schema(example = "string")]
    pub r#type: String,
    /// The JSON Schema format of a text: `email`, `uuid`, `date` …
    #[schema(example = "email")]
    pub format: Option<String>,
    pub description: String,
    /// The description in English and Chinese.
    pub help: LabelMetadata,
    pub required: bool,
    /// The allowed values; empty if any value is allowed.
    #[schema(value_type = Vec<String>)]
    pub choices: Vec<Value>,
    /// The maximum number of characters of a text.
    pub max_length: Option<u64>,
}

/// The members of the values of a type, or of each item of a list of them.
pub fn of(kind: &FieldType) -> Vec<MemberMetadata> {
    let FieldType::Structure(structure) = kind else { return Vec::new() };
    let schema = (structure.schema)();
    let whole = if schema["type"] == "array" { &schema["items"] } else { &schema };
    let required: Vec<&str> = whole["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let members = whole["properties"].as_object().into_iter().flatten();
    members
        .map(|(name, member)| {
            let text = |key: &str| member[key].as_str().map(str::to_owned);
            let kinds = member["type"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let kinds: Vec<&str> = kinds.filter(|kind| *kind != "null").collect();
            let kind = text("type").or_else(|| match kinds.as_slice() {
                [] => None,
                [kind] => Some((*kind).to_owned()),
                _ => Some("any".to_owned()),
            });
            MemberMetadata {
                name: name.clone(),
                r#type: kind.unwrap_or_else(|| "object".to_owned()),
                format: text("format"),
                help: help(member["description"].as_str().unwrap_or_default()),
                description: text("description").unwrap_or_default(),
                required: required.contains(&name.as_str()),
                choices: member["enum"].as_array().into_iter().flatten().filter(|choice| !choice.is_null()).cloned().collect(),
                max_length: member["maxLength"].as_u64(),
            }
        })
        .collect()
}
