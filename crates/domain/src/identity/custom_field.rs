//! Custom fields: a tenant's own fields of an object, declared over the API and at once in force.

use std::{borrow::Cow, collections::HashMap, sync::Arc, sync::LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Choice, Field, FieldType, Label, SearchWeight, Storage, Structure},
        object::{Catalog, Object},
        record::{Draft, Record},
        recurring, registry,
        value::{Members, Standards, list},
    },
    values::text::meet,
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

/// One choice of a choice field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChoice {
    pub value: String,
    pub label_en: Option<String>,
    pub label_zh: Option<String>,
}

crate::structures! { FieldChoice }

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
                    "value": {"type": "string", "minLength": 1, "maxLength": 100, "description": "The stored value: any text.", "examples": ["gold"]},
                    "label_en": {"type": ["string", "null"], "maxLength": 100, "description": "The English label.", "examples": ["Gold"]},
                    "label_zh": {"type": ["string", "null"], "maxLength": 100, "description": "The Chinese label.", "examples": ["金牌"]}
                }
            }
        })
    },
    ..Structure::PLAIN
};

entity! {
    /// A custom field: a field that the tenant adds to an object. It takes effect as soon as it is created; archiving it hides
    /// its values without deleting them, restoring it brings them back.
    pub struct CustomField("custom_field", "custom-fields", "custom_fields", "Custom field", "自定义字段") [] {
        /// The object the field belongs to.
        object: String => text(40).required().on_create().indexed().label("Object", "对象").example("customer"),
        /// The name in `custom`, in filters and sorts (`custom.tier`). Renaming keeps every value.
        key: String => text(40).required().title().label("Key", "键").example("tier"),
        /// The type of its values.
        field_type: Option<CustomFieldType> => choice(CustomFieldType::choices()).required().on_create().label("Type", "类型").example("text"),
        /// The English label.
        label_en: Option<String> => text(100).label("Label (English)", "英文名称").example("Tier"),
        /// The Chinese label.
        label_zh: Option<String> => text(100).label("Label (Chinese)", "中文名称").example("等级"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// Whether it is required for new records.
        required: bool => boolean().default(false).label("Required", "必填").example(false),
        /// Whether full-text search includes it. If many records have a value, a change takes a little time to reach all of
        /// them.
        searchable: bool => boolean().default(false).label("Searchable", "可搜索").example(true),
        /// Whether the database keeps an index on it, for filters and sorts over many records.
        indexed: bool => boolean().default(false).label("Indexed", "建立索引").example(true),
        /// The values of a choice field.
        choices: Vec<FieldChoice> => structure(&FIELD_CHOICES).default(json!([])).opaque().label("Choices", "选项").example(json!([{"value": "gold", "label_en": "Gold", "label_zh": "金牌"}])).only_when(crate::model::field::when_is("field_type", &["choice", "multi_choice"])),
        /// Values removed from `choices` that records still have: those records can be found by them, but no other record can
        /// be given them.
        retired_choices: Vec<FieldChoice> => structure(&FIELD_CHOICES).default(json!([])).server_set().opaque().label("Retired choices", "停用选项").example(json!([])),
        /// The object that the reference points to.
        reference_object: Option<String> => text(40).on_create().opaque().label("Reference to", "引用对象").example("customer").only_when(crate::model::field::when_is("field_type", &["reference"])),
        /// Its position in forms.
        position: Option<i64> => integer(0, 10_000).default(0).label("Position", "排序").example(10),
        /// The key under which values are stored; it never changes.
        storage_key: Option<String> => text(60).filled().server_set().opaque().label("Storage key", "存储键").example("tier_93f2c1d8"),
    }
    extend |object| object.configuration().unique("custom_fields_key_key", "key").titled("key").rule(check)
}

static CHOICE_FIELDS: LazyLock<[Field; 3]> = LazyLock::new(|| {
    let text = FieldType::Text { max: 100 };
    [Field::new("value", text.clone()).required(), Field::new("label_en", text.clone()), Field::new("label_zh", text)]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let mut values = Vec::new();
    list(value, 200, |item| {
        let mut members = Members::read(item, &*CHOICE_FIELDS, standards)?;
        if let Some(value) = members.accepted["value"].as_str() {
            if values.iter().any(|known: &String| meet(known, value)) {
                members.faults.add(Fault::new("", FaultCode::Repeated));
            }
            values.push(value.to_owned());
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

fn check(draft: &mut Draft<'_, CustomField>) {
    let key = draft.after.get(CustomField::key).to_owned();
    let kind = draft.after.get(CustomField::field_type);
    if !key.is_empty() && !is_key(&key) {
        draft.fault(CustomField::key.pointer(), FaultCode::InvalidKey);
    }
    let takes_custom = |object: &&'static Object| object.bears(recurring::CUSTOM);
    let object = draft.after.get(CustomField::object);
    if !object.is_empty() && registry::object(object).filter(takes_custom).is_none() {
        let known: Vec<&str> = registry::objects().into_iter().filter(takes_custom).map(|object| object.name).collect();
        let fault = Fault::new(CustomField::object.pointer(), FaultCode::UnknownChoice);
        draft.faults.add(fault.with("choices", known.join(", ")));
    }
    let has_choices = !draft.after.get(CustomField::choices).is_empty();
    let wants_choices = matches!(kind, Some(CustomFieldType::Choice | CustomFieldType::MultiChoice));
    if wants_choices != has_choices {
        let code = if has_choices { FaultCode::Conflicting } else { FaultCode::Required };
        let fault = Fault::new(CustomField::choices.pointer(), code);
        draft.faults.add(fault.with("other", CustomField::field_type.pointer()));
    }
    let refers = kind == Some(CustomFieldType::Reference);
    let reference = CustomField::reference_object.pointer();
    match (refers, draft.after.get(CustomField::reference_object)) {
        (true, None) => draft.fault(reference, FaultCode::Required),
        (true, Some(object)) if registry::object(object).is_none() => {
            let known: Vec<&str> = registry::objects().into_iter().map(|object| object.name).collect();
            draft.faults.add(Fault::new(reference, FaultCode::UnknownChoice).with("choices", known.join(", ")));
        }
        (false, Some(_)) => {
            let fault = Fault::new(reference, FaultCode::Conflicting);
            draft.faults.add(fault.with("other", CustomField::field_type.pointer()));
        }
        (true, Some(_)) | (false, None) => {}
    }
    if draft.before.is_none() {
        // Two fields that bear the same key one after the other must not share values: the id tells them apart.
        let id = draft.after.id().0.simple().to_string();
        let storage_key = format!("{key}_{}", &id[id.len() - 8..]);
        draft.after.set(CustomField::storage_key, storage_key);
    }
}

/// The field table entry of a stored custom field; none if the record is not one.
#[must_use]
pub fn to_field(record: &Record<CustomField>) -> Option<(String, Field)> {
    let key = record.get(CustomField::key);
    let choices = || -> Cow<'static, [Choice]> {
        let choice = |FieldChoice { value, label_en, label_zh }, retired| {
            let label = |given: Option<String>| Cow::Owned(given.unwrap_or_else(|| value.clone()));
            Choice { label: Label { en: label(label_en), zh: label(label_zh) }, value: value.clone().into(), retired }
        };
        let live = record.get(CustomField::choices).into_iter().map(|given| choice(given, false));
        live.chain(record.get(CustomField::retired_choices).into_iter().map(|given| choice(given, true))).collect()
    };
    let kind = match record.get(CustomField::field_type)? {
        CustomFieldType::Text => FieldType::Text { max: 500 },
        CustomFieldType::LongText => FieldType::LongText { max: 20_000 },
        CustomFieldType::Integer => FieldType::Integer { min: -9_007_199_254_740_991, max: 9_007_199_254_740_991 },
        CustomFieldType::Decimal => FieldType::Decimal,
        CustomFieldType::Money => FieldType::Money,
        CustomFieldType::Boolean => FieldType::Boolean,
        CustomFieldType::Date => FieldType::Date,
        CustomFieldType::DateTime => FieldType::DateTime,
        CustomFieldType::Choice => FieldType::Choice(choices()),
        CustomFieldType::MultiChoice => FieldType::MultiChoice(choices()),
        CustomFieldType::Reference => FieldType::Reference(record.get(CustomField::reference_object)?.to_owned().into()),
        CustomFieldType::Email => FieldType::Email,
        CustomFieldType::Phone => FieldType::Phone,
        CustomFieldType::Url => FieldType::Url,
    };
    let label = |given: Option<&str>| Cow::Owned(given.unwrap_or(key).to_owned());
    let mut field = Field::new(key.to_owned(), kind);
    field.label = Label { en: label(record.get(CustomField::label_en)), zh: label(record.get(CustomField::label_zh)) };
    field.doc = record.get(CustomField::description).unwrap_or_default().to_owned().into();
    field.required = record.get(CustomField::required);
    field.searchable = record.get(CustomField::searchable).then_some(SearchWeight::Body);
    field.indexed = record.get(CustomField::indexed);
    field.storage = Storage::Custom { key: record.get(CustomField::storage_key)?.to_owned() };
    Some((record.get(CustomField::object).to_owned(), field))
}

/// The catalog of a tenant's live custom fields, in their order.
#[must_use]
pub fn catalog(records: &[Record<CustomField>]) -> Catalog {
    let mut sorted: Vec<&Record<CustomField>> = records.iter().filter(|record| !record.is_archived()).collect();
    sorted.sort_by_key(|record| (record.get(CustomField::position).unwrap_or(0), record.id()));
    let mut fields: HashMap<String, Vec<Field>> = HashMap::new();
    for (object, field) in sorted.into_iter().filter_map(to_field) {
        fields.entry(object).or_default().push(field);
    }
    Catalog { custom: fields.into_iter().map(|(object, fields)| (object, Arc::from(fields))).collect() }
}
