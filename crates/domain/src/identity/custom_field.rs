//! Custom fields: a tenant's own fields of an object, declared over the API and at once in force.

use std::{borrow::Cow, collections::HashMap, sync::Arc, sync::LazyLock};

use serde_json::{Value, json};

use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Choice, Field, FieldType, Label, SearchWeight, Storage, Structure},
        object::Catalog,
        record::{Draft, Record},
        registry,
        value::{Members, Standards, list},
    },
};

choices! {
    /// The types a custom field can have.
    pub enum CustomFieldType {
        Text "text" "Text" "文本",
        LongText "long_text" "Long text" "长文本",
        Integer "integer" "Integer" "整数",
        Decimal "decimal" "Decimal" "小数",
        Money "money" "Money" "金额",
        Boolean "boolean" "Boolean" "布尔",
        Date "date" "Date" "日期",
        DateTime "datetime" "Date and time" "日期时间",
        Choice "choice" "Choice" "单选",
        MultiChoice "multi_choice" "Multiple choice" "多选",
        Reference "reference" "Reference" "引用",
        Email "email" "E-mail" "邮箱",
        Phone "phone" "Phone" "电话",
        Url "url" "URL" "网址",
    }
}

/// The choices of a choice field.
pub static FIELD_CHOICES: Structure = Structure {
    name: "field_choices",
    accept,
    schema: || {
        json!({
            "type": "array",
            "maxItems": 200,
            "items": {
                "type": "object",
                "required": ["value"],
                "additionalProperties": false,
                "properties": {
                    "value": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "description": "What is stored and sent.", "examples": ["gold"]},
                    "label_en": {"type": ["string", "null"], "maxLength": 100, "description": "What people read, in English.", "examples": ["Gold"]},
                    "label_zh": {"type": ["string", "null"], "maxLength": 100, "description": "What people read, in Chinese.", "examples": ["金牌"]}
                }
            }
        })
    },
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| asked.to_owned(),
    search: |_| Vec::new(),
    link: None,
};

entity! {
    /// A custom field: a field of the tenant's own on an object. It is in force as soon as it is created; archiving
    /// it hides its values and keeps them, restoring it brings them back.
    pub struct CustomField("custom_field", "custom-fields", "custom_fields", "Custom field", "自定义字段") [] {
        /// The object that has the field.
        object: String => text(40).required().on_create().indexed().label("Object", "对象").example("customer"),
        /// The name in `custom`, in filters and sorts (`custom.tier`). Renaming keeps every value.
        key: String => text(40).required().title().label("Key", "键").example("tier"),
        /// The type of its values.
        field_type: Option<CustomFieldType> => choice(CustomFieldType::choices()).required().on_create().label("Type", "类型").example("text"),
        /// What people call it, in English.
        label_en: Option<String> => text(100).label("Label (English)", "英文名称").example("Tier"),
        /// What people call it, in Chinese.
        label_zh: Option<String> => text(100).label("Label (Chinese)", "中文名称").example("等级"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// Whether a new record must have it.
        required: bool => boolean().default(false).label("Required", "必填").example(false),
        /// Whether full-text search finds it. Records written from then on are found by it.
        searchable: bool => boolean().default(false).label("Searchable", "可搜索").example(true),
        /// Whether the database keeps an index on it, for filters and sorts over many records.
        indexed: bool => boolean().default(false).label("Indexed", "建立索引").example(true),
        /// The values of a choice.
        choices: Vec<Value> => structure(&FIELD_CHOICES).default(json!([])).opaque().label("Choices", "选项").example(json!([{"value": "gold", "label_en": "Gold", "label_zh": "金牌"}])),
        /// The object that a reference names a record of.
        reference_object: Option<String> => text(40).on_create().opaque().label("Reference to", "引用对象").example("customer"),
        /// Where forms show it.
        position: Option<i64> => integer(0, 10_000).default(0).label("Position", "排序").example(10),
        /// Under which key values are stored: never changes.
        storage_key: Option<String> => text(60).server_set().opaque().label("Storage key", "存储键"),
    }
    extend |object| object.unique("custom_fields_key_key", "key").titled("key").rule(check)
}

static CHOICE_FIELDS: LazyLock<[Field; 3]> = LazyLock::new(|| {
    let text = |name: &'static str| Field::new(name, FieldType::Text { max: 100 });
    [text("value").required(), text("label_en"), text("label_zh")]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    list(value, 200, |item| {
        let mut members = Members::of(item, &["value", "label_en", "label_zh"])?;
        for field in CHOICE_FIELDS.iter() {
            members.take(field, standards);
        }
        if members.accepted["value"].as_str().is_some_and(|value| !is_key(value)) {
            members.faults.add(Fault::new("/value", FaultCode::InvalidKey));
        }
        members.finish()
    })
}

/// Whether a text can be a key: only such a key may stand in SQL.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let mut characters = text.chars();
    text.len() <= 40
        && characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_')
}

fn check(draft: &mut Draft<'_>) {
    let text = |record: &Record, name: &str| record.text(name).unwrap_or_default().to_owned();
    let (object, key, kind) = (text(&draft.after, "object"), text(&draft.after, "key"), text(&draft.after, "field_type"));
    if !key.is_empty() && !is_key(&key) {
        draft.fault("/key", FaultCode::InvalidKey);
    }
    let takes_custom = |object: &&'static crate::model::object::Object| object.has("custom");
    if !object.is_empty() && registry::object(&object).filter(takes_custom).is_none() {
        let known: Vec<&str> = registry::objects().into_iter().filter(takes_custom).map(|object| object.name).collect();
        draft.faults.add(Fault::new("/object", FaultCode::UnknownChoice).with("choices", known.join(", ")));
    }
    let has_choices = draft.after.get("choices").as_array().is_some_and(|choices| !choices.is_empty());
    if matches!(kind.as_str(), "choice" | "multi_choice") != has_choices {
        let code = if has_choices { FaultCode::Conflicting } else { FaultCode::Required };
        draft.faults.add(Fault::new("/choices", code).with("other", "/field_type"));
    }
    match (kind == "reference", draft.after.text("reference_object").map(str::to_owned)) {
        (true, None) => draft.fault("/reference_object", FaultCode::Required),
        (true, Some(object)) if registry::object(&object).is_none() => {
            let known: Vec<&str> = registry::objects().into_iter().map(|object| object.name).collect();
            draft.faults.add(Fault::new("/reference_object", FaultCode::UnknownChoice).with("choices", known.join(", ")));
        }
        (false, Some(_)) => {
            draft.faults.add(Fault::new("/reference_object", FaultCode::Conflicting).with("other", "/field_type"));
        }
        (true, Some(_)) | (false, None) => {}
    }
    if draft.before.is_none() {
        // Two fields that bear the same key one after the other must not share values: the id tells them apart.
        let id = draft.after.id().0.simple().to_string();
        let storage_key = format!("{key}_{}", &id[id.len() - 8..]);
        draft.after.set("storage_key", storage_key);
    }
}

/// The field table entry of a stored custom field; none if the record is not one.
#[must_use]
pub fn to_field(record: &Record) -> Option<(String, Field)> {
    let key = record.text("key")?.to_owned();
    let choices = || -> Cow<'static, [Choice]> {
        let choices = record.get("choices").as_array().into_iter().flatten();
        choices
            .filter_map(|choice| {
                let value = choice["value"].as_str()?.to_owned();
                let label = |name: &str| Cow::Owned(choice[name].as_str().unwrap_or(&value).to_owned());
                Some(Choice { label: Label { en: label("label_en"), zh: label("label_zh") }, value: value.clone().into() })
            })
            .collect()
    };
    let kind = match record.text("field_type")? {
        "text" => FieldType::Text { max: 500 },
        "long_text" => FieldType::LongText { max: 20_000 },
        "integer" => FieldType::Integer { min: -9_007_199_254_740_991, max: 9_007_199_254_740_991 },
        "decimal" => FieldType::Decimal,
        "money" => FieldType::Money,
        "boolean" => FieldType::Boolean,
        "date" => FieldType::Date,
        "datetime" => FieldType::DateTime,
        "choice" => FieldType::Choice(choices()),
        "multi_choice" => FieldType::MultiChoice(choices()),
        "reference" => FieldType::Reference(record.text("reference_object")?.to_owned().into()),
        "email" => FieldType::Email,
        "phone" => FieldType::Phone,
        "url" => FieldType::Url,
        _ => return None,
    };
    let label = |name: &str| Cow::Owned(record.text(name).unwrap_or(&key).to_owned());
    let mut field = Field::new(key.clone(), kind);
    field.label = Label { en: label("label_en"), zh: label("label_zh") };
    field.doc = record.text("description").unwrap_or_default().to_owned().into();
    field.required = record.get("required") == true;
    field.searchable = (record.get("searchable") == true).then_some(SearchWeight::Body);
    field.indexed = record.get("indexed") == true;
    field.storage = Storage::Custom { key: record.text("storage_key")?.to_owned() };
    Some((record.text("object")?.to_owned(), field))
}

/// The catalog of a tenant's live custom fields, in their order.
#[must_use]
pub fn catalog(records: &[Record]) -> Catalog {
    let mut sorted: Vec<&Record> = records.iter().filter(|record| !record.is_archived()).collect();
    sorted.sort_by_key(|record| (record.get("position").as_i64().unwrap_or(0), record.id()));
    let mut fields: HashMap<String, Vec<Field>> = HashMap::new();
    for (object, field) in sorted.into_iter().filter_map(to_field) {
        fields.entry(object).or_default().push(field);
    }
    Catalog { custom: fields.into_iter().map(|(object, fields)| (object, Arc::from(fields))).collect() }
}
