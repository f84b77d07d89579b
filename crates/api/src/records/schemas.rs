//! The schema of one field, made from its type.

use farley_domain::model::{
    field::{Choice, Field, FieldType, Structure},
    object::Object,
};
use serde_json::{Value, json};
use utoipa::openapi::{
    Array, KnownFormat, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
    schema::{AdditionalProperties, SchemaType},
};

use super::names;

/// An id to show where a field has no example of its own.
pub const EXAMPLE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// A time, as examples show it.
pub const EXAMPLE_TIME: &str = "2026-03-01T08:00:00.000Z";

/// The largest integer that JavaScript holds exactly. Bounds beyond it say nothing to a client.
const LARGEST_EXACT: usize = 9_007_199_254_740_991;

#[must_use]
pub fn of_type(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

#[must_use]
pub fn text() -> ObjectBuilder {
    of_type(Type::String)
}

#[must_use]
pub fn format(name: &str) -> ObjectBuilder {
    let known = match name {
        "date" => SchemaFormat::KnownFormat(KnownFormat::Date),
        "date-time" => SchemaFormat::KnownFormat(KnownFormat::DateTime),
        "email" => SchemaFormat::KnownFormat(KnownFormat::Email),
        other => SchemaFormat::Custom(other.to_owned()),
    };
    text().format(Some(known))
}

#[must_use]
pub fn integer() -> ObjectBuilder {
    of_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
}

#[must_use]
pub fn id() -> ObjectBuilder {
    format("uuid")
}

/// The schema of one value of the field, without what the field itself adds (description, null).
#[must_use]
pub fn value(object: &Object, field: &Field) -> RefOr<Schema> {
    match &field.kind {
        FieldType::Id | FieldType::Reference(_) => id().into(),
        FieldType::Text { max } | FieldType::LongText { max } => written(field, text(), *max).into(),
        FieldType::Integer { min, max } => {
            let exact = |bound: &i64| isize::try_from(*bound).ok().filter(|bound| bound.unsigned_abs() <= LARGEST_EXACT);
            integer().minimum(exact(min)).maximum(exact(max)).into()
        }
        FieldType::Decimal => of_type(Type::Number).format(Some(SchemaFormat::KnownFormat(KnownFormat::Double))).into(),
        FieldType::Money => Ref::from_schema_name(MONEY).into(),
        FieldType::Boolean => of_type(Type::Boolean).into(),
        FieldType::Date => format("date").into(),
        FieldType::DateTime => format("date-time").into(),
        FieldType::Choice(_) => Ref::from_schema_name(names::choice(object, field)).into(),
        FieldType::MultiChoice(_) => Array::new(Ref::from_schema_name(names::choice(object, field))).into(),
        FieldType::References(_) => limited(Array::new(id()), 200),
        FieldType::Email => format("email").max_length(Some(254)).into(),
        FieldType::Url => format("uri").max_length(Some(2_000)).into(),
        FieldType::Country => text().pattern(Some("^[A-Z]{2}$")).max_length(Some(2)).into(),
        FieldType::Phone | FieldType::LanguageTag | FieldType::TimeZone => text().max_length(Some(64)).into(),
        FieldType::SocialCreditCode => text().min_length(Some(18)).max_length(Some(18)).into(),
        FieldType::Texts { max_items } => {
            let mut texts = Array::new(text().min_length(Some(1)).max_length(Some(300)));
            texts.unique_items = true;
            limited(texts, *max_items)
        }
        FieldType::Structure(structure) => structure_use(structure),
        FieldType::Custom => of_type(Type::Object).additional_properties(Some(AdditionalProperties::FreeForm(true))).into(),
        FieldType::Count(_) => integer().minimum(Some(0)).into(),
    }
}

/// A text of at most so many characters; of some, where it must be there.
pub fn written(field: &Field, text: ObjectBuilder, max: usize) -> ObjectBuilder {
    let text = if field.required { text.min_length(Some(1)) } else { text };
    text.max_length(Some(max))
}

fn limited(mut array: Array, max_items: usize) -> RefOr<Schema> {
    array.max_items = Some(max_items);
    array.into()
}

/// The schema of a choice.
#[must_use]
pub fn choices(choices: &[Choice], doc: &str) -> Schema {
    let meanings: Vec<String> =
        choices.iter().map(|choice| format!("`{}`: {} ({})", choice.value, choice.label.en, choice.label.zh)).collect();
    text()
        .description(Some(format!("{doc}\n\n{}.", meanings.join(", "))))
        .enum_values(Some(choices.iter().map(|choice| choice.value.as_ref())))
        .into()
}

/// The schema that a structure declares, in utoipa's types; none if it is not one they can hold.
#[must_use]
pub fn declared(structure: &Structure) -> Option<Schema> {
    let schema = (structure.schema)();
    if schema.get("$ref").is_some() { None } else { serde_json::from_value(opened(schema)).ok() }
}

/// A generated client that reads a record must survive a member added later, so what is shared between reading and
/// writing stays open. Unknown members that are sent are refused all the same.
#[must_use]
pub fn opened(mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        if members.get("additionalProperties") == Some(&Value::Bool(false)) {
            members.shift_remove("additionalProperties");
        }
        // Names are texts anyway; utoipa wants it said.
        if let Some(names) = members.get_mut("propertyNames").and_then(Value::as_object_mut) {
            names.entry("type").or_insert_with(|| "string".into());
        }
        for inner in ["items", "properties"] {
            if let Some(part) = members.get_mut(inner) {
                *part = opened(part.take());
            }
        }
    }
    schema
}

/// The named part of a structure, if it has one: the item of a list of objects, or the object itself.
#[must_use]
pub fn named_part(structure: &Structure) -> Option<(String, RefOr<Schema>)> {
    match declared(structure)? {
        Schema::Array(array) => match array.items {
            utoipa::openapi::schema::ArrayItems::RefOrSchema(items) if is_object(&items) => {
                Some((names::structure(structure, true), *items))
            }
            _ => None,
        },
        whole => Some((names::structure(structure, false), whole.into())),
    }
}

fn is_object(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if !object.properties.is_empty())
}

/// A structure where it is used, without a name of its own.
#[must_use]
pub fn in_place(structure: &Structure) -> RefOr<Schema> {
    let schema = (structure.schema)();
    match schema["$ref"].as_str() {
        Some(shared) => Ref::new(shared).into(),
        None => serde_json::from_value::<Schema>(schema).unwrap_or_default().into(),
    }
}

/// How a record refers to a structure: by name where it has named parts.
fn structure_use(structure: &Structure) -> RefOr<Schema> {
    // One that many operations share has its schema beside them.
    if let Some(shared) = (structure.schema)()["$ref"].as_str() {
        return Ref::new(shared).into();
    }
    match (declared(structure), named_part(structure)) {
        (Some(Schema::Array(mut array)), Some((name, _))) => {
            array.items = Ref::from_schema_name(name).into();
            array.into()
        }
        (Some(Schema::Array(array)), None) => array.into(),
        (_, Some((name, _))) => Ref::from_schema_name(name).into(),
        (other, None) => other.unwrap_or_default().into(),
    }
}

/// The schema of a map of texts in a merge patch, where null takes an entry away; any other is as when it is written whole.
#[must_use]
pub fn merged(object: &Object, field: &Field) -> RefOr<Schema> {
    let FieldType::Structure(structure) = &field.kind else { return value(object, field) };
    let Some(Schema::Object(mut map)) = declared(structure) else { return value(object, field) };
    match map.additional_properties.map(|entries| *entries) {
        Some(AdditionalProperties::RefOr(entry)) => {
            map.additional_properties = Some(Box::new(AdditionalProperties::RefOr(nullable(entry))));
            map.into()
        }
        Some(AdditionalProperties::FreeForm(_)) | None => value(object, field),
    }
}

/// The schema of an amount with its currency.
pub const MONEY: &str = "Money";

/// Money, or null, in a hand-written answer.
#[must_use]
pub fn money() -> RefOr<Schema> {
    nullable(Ref::from_schema_name(MONEY).into())
}

/// The same schema with null allowed.
#[must_use]
pub fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    let with_null = |kind: SchemaType| match kind {
        SchemaType::Type(kind) => SchemaType::Array(vec![kind, Type::Null]),
        other => other,
    };
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.schema_type = with_null(object.schema_type);
            object.into()
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = with_null(array.schema_type);
            array.into()
        }
        other => OneOfBuilder::new().item(of_type(Type::Null)).item(other).into(),
    }
}

/// What a schema says besides its type.
#[derive(Default)]
pub struct Notes<'a> {
    pub description: &'a str,
    pub example: Option<&'a Value>,
    pub read_only: bool,
}

/// Adds notes to a schema, in the place where its kind keeps them.
#[must_use]
pub fn annotate(schema: RefOr<Schema>, notes: &Notes<'_>) -> RefOr<Schema> {
    let description = (!notes.description.is_empty()).then(|| notes.description.to_owned());
    let examples: Vec<Value> = notes.example.into_iter().cloned().collect();
    let read_only = notes.read_only.then_some(true);
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            (object.description, object.examples, object.read_only) = (description, examples, read_only);
            object.into()
        }
        RefOr::T(Schema::Array(mut array)) => {
            (array.description, array.examples) = (description, examples);
            array.into()
        }
        RefOr::T(Schema::OneOf(mut one_of)) => {
            (one_of.description, one_of.examples, one_of.read_only) = (description, examples, read_only);
            RefOr::T(Schema::OneOf(one_of))
        }
        RefOr::Ref(mut reference) => {
            reference.description = description.unwrap_or_default();
            reference.read_only = read_only;
            reference.into()
        }
        other => other,
    }
}

/// What a field is, with its default as prose. Said by the keyword `default`, generated clients would send it, and an upsert with it
/// would reset what is there.
#[must_use]
pub fn doc_with_default(field: &Field) -> String {
    match &field.default {
        Some(Value::Array(_) | Value::Object(_) | Value::Null) | None => field.doc.to_string(),
        Some(Value::String(text)) => format!("{} Defaults to `{text}`.", field.doc),
        Some(value) => format!("{} Defaults to `{value}`.", field.doc),
    }
}

/// An example value of the field; none if it has none that would help.
#[must_use]
pub fn example(field: &Field) -> Option<Value> {
    match (&field.example, &field.kind) {
        (Some(example), _) => Some(example.clone()),
        (None, FieldType::Id | FieldType::Reference(_)) => Some(json!(EXAMPLE_ID)),
        (None, FieldType::References(_)) => Some(json!([EXAMPLE_ID])),
        (None, _) => None,
    }
}
