//! What the metadata of an object says, made from its field table.

use farley_domain::{
    identity::access::Action,
    model::{
        field::{ANY_OBJECT, Choice, Field, FieldType, Label, Writable},
        field_rule::FieldRule,
        help::chinese,
        object::{Object, Order, Relation, Schema},
        recurring,
    },
    query::predicate,
    values::money::Money,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{forms, forms::SectionMetadata, members, members::MemberMetadata};
use crate::{
    openapi::{names, schemas},
    records::{
        operations::{Generic, generic_operations},
        summary::{self, Figure},
    },
};

/// A type of record.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ObjectMetadata {
    /// Its name in events, permissions and references.
    #[schema(example = "customer")]
    pub name: String,
    /// Its name in paths.
    #[schema(example = "customers")]
    pub collection: String,
    pub label: LabelMetadata,
    pub description: String,
    /// The description in English and Chinese.
    pub help: LabelMetadata,
    /// The field that serves as the title of a record.
    #[schema(example = "name")]
    pub title_field: String,
    /// Whether full-text search (`q`) finds its records.
    pub searchable: bool,
    /// Whether custom fields can be added.
    pub customizable: bool,
    /// The order of lists without `sort`, written as in `sort`.
    #[schema(example = json!(["-created_at"]))]
    pub default_sort: Vec<String>,
    pub fields: Vec<FieldMetadata>,
    /// A form layout for the object: its fields grouped by topic, in the order in which users fill them in.
    pub sections: Vec<SectionMetadata>,
    pub relations: Vec<RelationMetadata>,
    /// The endpoints of the object that you can call, actions such as `win` or `convert` included.
    pub operations: Vec<OperationMetadata>,
    /// What you can do with the record given in `record_id`; null without it.
    pub can: Option<CanMetadata>,
}

/// What you can do with the record in its current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CanMetadata {
    pub update: bool,
    pub archive: bool,
    /// Whether an archived record can be restored.
    pub restore: bool,
}

/// A label in English and Chinese.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LabelMetadata {
    #[schema(example = "Customer")]
    pub en: String,
    #[schema(example = "客户")]
    pub zh: String,
}

/// One field of a record. Fields that are hidden from you are left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldMetadata {
    /// Its name in filters, sorts and `fields`.
    #[schema(example = "status")]
    pub path: String,
    /// The type of its value: `text`, `choice`, `money`, `reference`, `emails` …
    #[schema(example = "choice")]
    pub r#type: String,
    pub label: LabelMetadata,
    pub description: String,
    /// The description in English and Chinese. That of a custom field is the same in both.
    pub help: LabelMetadata,
    /// Whether it is required for new records.
    pub required: bool,
    /// When it is also required: a predicate on the record's own fields, as in `filter`; null if never.
    #[schema(value_type = Value, example = json!({"field": "status", "op": "in", "value": ["disqualified"]}))]
    pub required_when: Value,
    /// When forms show it: a predicate on the record's own fields; null if always.
    #[schema(value_type = Value, example = json!({"field": "status", "op": "in", "value": ["disqualified"]}))]
    pub shown_when: Value,
    pub writable: WritableMetadata,
    /// The operators available for filters on it, the default one first; empty if it cannot be filtered on.
    #[schema(example = json!(["eq", "ne", "in", "nin", "null"]))]
    pub operators: Vec<String>,
    pub sortable: bool,
    /// Whether summaries can be grouped by it (`group_by`); dates and times by a period: `created_at.month`.
    pub groupable: bool,
    /// The figures that summaries compute of it; empty if none.
    #[schema(example = json!(["sum", "avg", "min", "max"]))]
    pub measures: Vec<String>,
    pub searchable: bool,
    pub exportable: bool,
    /// Personal data.
    pub sensitive: bool,
    /// Whether it is a custom field.
    pub custom: bool,
    /// Whether it is returned only if requested with `fields`.
    pub on_request: bool,
    /// The values of a choice field, in order; empty for other types.
    pub choices: Vec<ChoiceMetadata>,
    /// The object that the reference points to.
    pub reference: Option<String>,
    pub limits: LimitsMetadata,
    /// The members of a structured value, or of each item in a list of them; empty for other types.
    pub members: Vec<MemberMetadata>,
    /// The default value for new records.
    #[schema(value_type = Value)]
    pub default: Value,
    #[schema(value_type = Value)]
    pub example: Value,
}

/// When you can write a field.
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
    /// Present and true if the choice is retired: no other record can be given it, but records that have it can still be found
    /// by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// The limits of a value; null if there is no limit of that kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitsMetadata {
    /// The maximum number of characters of a text.
    pub max_length: Option<usize>,
    /// The minimum value of a number.
    pub min: Option<i64>,
    /// The maximum value of a number.
    pub max: Option<i64>,
    /// The maximum number of items in a list.
    pub max_items: Option<usize>,
}

/// A relation to other records, for filters (`relation.field`) and for `expand`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RelationMetadata {
    #[schema(example = "contacts")]
    pub name: String,
    /// The object it points to.
    #[schema(example = "contact")]
    pub target: String,
    pub to_many: bool,
    /// Whether the request that creates a record can bring these along, in a member of this name.
    pub made_with: bool,
    /// Whether `sort` takes the sortable fields of the related record (`relation.field`).
    pub sortable: bool,
    /// The operators available for filters on the relation itself.
    #[schema(example = json!(["any", "none", "null"]))]
    pub operators: Vec<String>,
}

/// An endpoint of the object.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OperationMetadata {
    /// The operation id in the OpenAPI document.
    #[schema(example = "createCustomer")]
    pub id: String,
    #[schema(example = "POST")]
    pub method: String,
    #[schema(example = "/v1/customers")]
    pub path: String,
}

/// Describes an object to somebody: `rule` says which fields are hidden from them or frozen, `may` what they may do.
pub fn object(
    schema: &Schema,
    rule: &dyn Fn(&Schema, &Field) -> Option<FieldRule>,
    may: &dyn Fn(Action) -> bool,
) -> ObjectMetadata {
    let object = schema.object;
    let described = schema.fields().filter(|field| field.kind != FieldType::Custom);
    let described: Vec<(&Field, FieldMetadata)> =
        described.filter_map(|described| Some((described, field(described, rule(schema, described))?))).collect();
    let operations = generic_operations(object).into_iter().filter(|generic| actions(*generic).iter().all(|action| may(*action)));
    let operations = operations.map(|generic| OperationMetadata {
        id: names::operation_id(generic, object),
        method: generic.method().to_string(),
        path: generic.path(object),
    });
    ObjectMetadata {
        name: object.name.to_owned(),
        collection: object.collection.to_owned(),
        label: label(&object.label),
        description: object.doc.trim().to_owned(),
        help: help(object.doc),
        title_field: object.title.to_owned(),
        searchable: object.is_searchable(),
        customizable: object.bears(recurring::CUSTOM),
        default_sort: object.order_seen(|field| rule(schema, field) != Some(FieldRule::Hidden)).iter().map(order).collect(),
        sections: forms::sections(object, &described),
        fields: described.into_iter().map(|(_, metadata)| metadata).collect(),
        relations: object.relations.iter().map(|leads| relation(object, leads)).collect(),
        operations: operations.collect(),
        can: None,
    }
}

/// What somebody must be allowed for an endpoint to be of use to them.
fn actions(generic: Generic) -> &'static [Action] {
    match generic {
        Generic::List
        | Generic::Search
        | Generic::Summary
        | Generic::Get
        | Generic::History
        | Generic::Ledger
        | Generic::ListAlone
        | Generic::GetAlone => &[Action::Read],
        Generic::Create => &[Action::Create],
        Generic::Update => &[Action::Update],
        Generic::Upsert => &[Action::Create, Action::Update],
        Generic::Archive | Generic::Restore => &[Action::Archive],
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
        help: help(&field.doc),
        required: field.required,
        required_when: field.required_when.clone().unwrap_or(Value::Null),
        shown_when: field.shown_when.clone().unwrap_or(Value::Null),
        writable,
        operators: predicate::operators(field).iter().map(|op| op.as_str().to_owned()).collect(),
        sortable: field.sortable,
        groupable: summary::is_single(field),
        measures: Figure::ALL.iter().filter(|figure| figure.fits(field)).map(|figure| figure.name().to_owned()).collect(),
        searchable: field.searchable.is_some(),
        exportable: field.exportable,
        sensitive: field.sensitive,
        custom: field.is_custom(),
        on_request: field.on_request,
        choices: choices(&field.kind),
        reference: reference(&field.kind),
        limits: limits(&field.kind),
        members: members::of(&field.kind),
        default: field.default.clone().unwrap_or(Value::Null),
        example: schemas::example(field).unwrap_or(Value::Null),
    })
}

fn order(key: &Order) -> String {
    format!("{}{}", if key.descending { "-" } else { "" }, key.field)
}

pub fn label(label: &Label) -> LabelMetadata {
    LabelMetadata { en: label.en.to_string(), zh: label.zh.to_string() }
}

/// A description in both languages; as it stands in both where there is no translation.
pub fn help(doc: &str) -> LabelMetadata {
    let doc = doc.trim();
    LabelMetadata { en: doc.to_owned(), zh: chinese(doc).unwrap_or(doc).to_owned() }
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

fn relation(object: &Object, relation: &Relation) -> RelationMetadata {
    RelationMetadata {
        name: relation.name.to_owned(),
        target: relation.target.to_owned(),
        to_many: relation.reach.is_to_many(),
        made_with: object.made_with == Some(relation.name),
        sortable: !relation.reach.is_to_many(),
        operators: predicate::parse::RELATION_OPERATORS.iter().map(|op| op.as_str().to_owned()).collect(),
    }
}
