//! `GET /v1/metadata/objects`: what a frontend needs to draw forms and tables, from the same field tables as everything else.

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::access::Action,
    model::{
        field::{ANY_OBJECT, Choice, Field, FieldType, Label, Writable},
        field_rule::FieldRule,
        object::{Relation, Schema},
        recurring, registry,
    },
    query::predicate,
    values::money::Money,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{names, schemas};
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{parameters, refuse_rest},
    },
    records::operations::generic_operations,
};

/// The objects that the asker may read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Metadata {
    pub data: Vec<ObjectMetadata>,
}

/// One kind of record.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ObjectMetadata {
    /// The name in events, permissions and references.
    #[schema(example = "customer")]
    pub name: String,
    /// The name in paths.
    #[schema(example = "customers")]
    pub collection: String,
    pub label: LabelMetadata,
    pub description: String,
    /// The field that people know a record by.
    #[schema(example = "name")]
    pub title_field: String,
    /// Whether full-text search (`q`) finds its records.
    pub searchable: bool,
    /// Whether the tenant can add fields of its own.
    pub customizable: bool,
    pub fields: Vec<FieldMetadata>,
    pub relations: Vec<RelationMetadata>,
    pub operations: Vec<OperationMetadata>,
}

/// What people call something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LabelMetadata {
    #[schema(example = "Customer")]
    pub en: String,
    #[schema(example = "客户")]
    pub zh: String,
}

/// One field of a record. Fields that are hidden from the asker are left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldMetadata {
    /// How filters, sorts and `fields` name it.
    #[schema(example = "status")]
    pub path: String,
    /// The type of its value: `text`, `choice`, `money`, `reference`, `emails` …
    #[schema(example = "choice")]
    pub r#type: String,
    pub label: LabelMetadata,
    pub description: String,
    /// Whether a new record must have it.
    pub required: bool,
    pub writable: WritableMetadata,
    /// The operators that a filter on it takes, the bare one first; none if it cannot be filtered on.
    #[schema(example = json!(["eq", "ne", "in", "nin", "null"]))]
    pub operators: Vec<String>,
    pub sortable: bool,
    pub searchable: bool,
    pub exportable: bool,
    /// Personal data.
    pub sensitive: bool,
    /// One of the tenant's own fields.
    pub custom: bool,
    /// Left out of answers unless `fields` asks for it.
    pub on_request: bool,
    /// The values of a choice, in their order; empty for other types.
    pub choices: Vec<ChoiceMetadata>,
    /// The object that a reference names records of.
    pub reference: Option<String>,
    pub limits: LimitsMetadata,
    /// The value of a record created without one.
    #[schema(value_type = Value)]
    pub default: Value,
    #[schema(value_type = Value)]
    pub example: Value,
}

/// When the asker may write a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WritableMetadata {
    Always,
    OnCreate,
    Never,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChoiceMetadata {
    #[schema(example = "active")]
    pub value: String,
    pub label: LabelMetadata,
    /// There, and true, if no further record gets it; those that have it are found by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// The bounds of a value; null where there is none of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitsMetadata {
    /// The most characters of a text.
    pub max_length: Option<usize>,
    /// The least value of a number.
    pub min: Option<i64>,
    /// The greatest value of a number.
    pub max: Option<i64>,
    /// The most items of a list.
    pub max_items: Option<usize>,
}

/// A way to other records, for filters (`relation.field`) and for `expand`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RelationMetadata {
    #[schema(example = "contacts")]
    pub name: String,
    /// The object it leads to.
    #[schema(example = "contact")]
    pub target: String,
    pub to_many: bool,
}

/// An endpoint that every object of this kind has.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OperationMetadata {
    /// The operation's id in the OpenAPI document.
    #[schema(example = "createCustomer")]
    pub id: String,
    #[schema(example = "POST")]
    pub method: String,
    #[schema(example = "/v1/customers")]
    pub path: String,
}

/// Describes objects to somebody; `rule` says which fields are hidden from them or frozen.
pub fn metadata<'a>(
    shapes: impl IntoIterator<Item = &'a Schema>,
    rule: impl Fn(&Schema, &Field) -> Option<FieldRule>,
) -> Metadata {
    Metadata { data: shapes.into_iter().map(|schema| object(schema, &rule)).collect() }
}

fn object(schema: &Schema, rule: &impl Fn(&Schema, &Field) -> Option<FieldRule>) -> ObjectMetadata {
    let object = schema.object;
    let fields = schema.fields().filter(|field| field.kind != FieldType::Custom);
    let operations = generic_operations(object).into_iter().map(|generic| OperationMetadata {
        id: names::operation_id(generic, object),
        method: generic.method().to_string(),
        path: generic.path(object),
    });
    ObjectMetadata {
        name: object.name.to_owned(),
        collection: object.collection.to_owned(),
        label: label(&object.label),
        description: object.doc.trim().to_owned(),
        title_field: object.title.to_owned(),
        searchable: object.is_searchable(),
        customizable: object.bears(recurring::CUSTOM),
        fields: fields.filter_map(|described| field(described, rule(schema, described))).collect(),
        relations: object.relations.iter().map(relation).collect(),
        operations: operations.collect(),
    }
}

fn field(field: &Field, rule: Option<FieldRule>) -> Option<FieldMetadata> {
    let writable = match (rule, field.writable) {
        (Some(FieldRule::Hidden), _) => return None,
        (Some(FieldRule::ReadOnly), _) | (None, Writable::Never) => WritableMetadata::Never,
        (None, Writable::OnCreate) => WritableMetadata::OnCreate,
        (None, Writable::Always) => WritableMetadata::Always,
    };
    Some(FieldMetadata {
        path: field.path(),
        r#type: field.kind.name().to_owned(),
        label: label(&field.label),
        description: field.doc.to_string(),
        required: field.required,
        writable,
        operators: predicate::operators(field).iter().map(|op| op.as_str().to_owned()).collect(),
        sortable: field.sortable,
        searchable: field.searchable.is_some(),
        exportable: field.exportable,
        sensitive: field.sensitive,
        custom: field.is_custom(),
        on_request: field.on_request,
        choices: choices(&field.kind),
        reference: reference(&field.kind),
        limits: limits(&field.kind),
        default: field.default.clone().unwrap_or(Value::Null),
        example: schemas::example(field).unwrap_or(Value::Null),
    })
}

fn label(label: &Label) -> LabelMetadata {
    LabelMetadata { en: label.en.to_string(), zh: label.zh.to_string() }
}

fn choices(kind: &FieldType) -> Vec<ChoiceMetadata> {
    let choices: &[Choice] = match kind {
        FieldType::Choice(choices) | FieldType::MultiChoice(choices) => choices,
        _ => &[],
    };
    let told = |choice: &Choice| ChoiceMetadata {
        value: choice.value.to_string(),
        label: label(&choice.label),
        retired: choice.retired,
    };
    choices.iter().map(told).collect()
}

fn reference(kind: &FieldType) -> Option<String> {
    match kind {
        FieldType::Reference(object) => Some(object.to_string()),
        FieldType::References(link) => Some(link.target.to_owned()),
        FieldType::Structure(structure) => {
            structure.link.filter(|link| link.target != ANY_OBJECT).map(|link| link.target.to_owned())
        }
        _ => None,
    }
}

fn limits(kind: &FieldType) -> LimitsMetadata {
    let none = LimitsMetadata::default();
    match kind {
        FieldType::Text { max } | FieldType::LongText { max } => LimitsMetadata { max_length: Some(*max), ..none },
        FieldType::Integer { min, max } => LimitsMetadata { min: Some(*min), max: Some(*max), ..none },
        FieldType::Money => LimitsMetadata { min: Some(-Money::MAX_AMOUNT), max: Some(Money::MAX_AMOUNT), ..none },
        FieldType::Texts { max_items } => LimitsMetadata { max_items: Some(*max_items), ..none },
        FieldType::Structure(structure) => {
            let most = (structure.schema)()["maxItems"].as_u64().and_then(|most| usize::try_from(most).ok());
            LimitsMetadata { max_items: most, ..none }
        }
        _ => none,
    }
}

fn relation(relation: &Relation) -> RelationMetadata {
    RelationMetadata { name: relation.name.to_owned(), target: relation.target.to_owned(), to_many: relation.reach.is_to_many() }
}

/// Describe the objects
///
/// Every object you may read, with its fields (the tenant's own included), their types, labels, choices, operators and what
/// you may do with them, and its relations.
#[utoipa::path(tag = "metadata", operation_id = "listObjects",
    responses((status = 200, description = "The objects.", body = Metadata)))]
#[get("/v1/metadata/objects")]
pub async fn objects(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let principal = &call.principal;
    let shapes: Vec<Schema> = registry::objects()
        .into_iter()
        .filter(|object| principal.asker.grants.scope(object.name, Action::Read).is_some())
        .map(|object| principal.schema(object))
        .collect();
    let mut described = metadata(&shapes, |schema, field| principal.asker.grants.rule(schema.object, field));
    // A relation that the caller cannot follow is not there for them.
    let readable: Vec<String> = described.data.iter().map(|object| object.name.clone()).collect();
    for object in &mut described.data {
        object.relations.retain(|relation| readable.contains(&relation.target));
    }
    Ok(HttpResponse::Ok().json(described))
}
