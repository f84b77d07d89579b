//! Parameters in the document: those that a query declares, and the filters of lists.

use std::marker::PhantomData;

use farley_domain::{
    identity::user::User,
    model::{
        entity::Entity,
        field::{Field, FieldType, Op},
        object::Object,
        recurring,
    },
    query::{
        list::{DEFAULT_LIMIT, FILTER, MAX_LIMIT, MAX_OFFSET},
        predicate::{MAX_VALUES, operand::ME, operators, parse::MAX_QUERY},
    },
};
use serde_json::json;
use utoipa::{
    IntoParams,
    openapi::{
        Array, Object as ObjectSchema, Ref, RefOr, Required, Schema, Type,
        extensions::Extensions,
        path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
        schema::ArrayItems,
    },
};

use super::{
    body, names,
    schemas::{self, id, of_type, text},
};

/// How many plain filters a list documents; `filter` and the suffixes say all else.
pub const MAX_PLAIN: usize = 12;
/// The longest `filter`, in characters: a longer one could be more, percent-encoded, than fits in a URL, and goes into the body of a search.
const MAX_FILTER: usize = 5_000;
/// Says in a parameter which predicates its text holds; the finished document has it as `contentSchema`.
pub const CONTENT_SCHEMA: &str = "x-content-schema";

fn parameter(place: ParameterIn, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    // In this order: the builder makes whatever is in the path required, and the path is where it begins.
    ParameterBuilder::new()
        .parameter_in(place)
        .required(Required::False)
        .name(name)
        .description(Some(description))
        .schema(Some(schema))
}

#[must_use]
pub fn query(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    parameter(ParameterIn::Query, name, description, schema)
}

#[must_use]
pub fn header(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    parameter(ParameterIn::Header, name, description, schema)
}

/// A parameter in the path, with the value that the documentation shows.
#[must_use]
pub fn path(name: &str, description: &str, example: &str) -> ParameterBuilder {
    parameter(ParameterIn::Path, name, description, text().min_length(Some(1)).max_length(Some(300)))
        .example(Some(json!(example)))
}

/// A list in one parameter: `a,b`.
#[must_use]
pub fn list(name: &str, description: &str, item: impl Into<RefOr<Schema>>, most: usize) -> ParameterBuilder {
    let mut items = Array::new(item);
    items.max_items = Some(most);
    as_list(query(name, description, items))
}

fn as_list(parameter: ParameterBuilder) -> ParameterBuilder {
    parameter.style(Some(ParameterStyle::Form)).explode(Some(false))
}

/// How many records to skip.
#[must_use]
pub fn offset() -> ObjectSchema {
    of_type(Type::Integer).minimum(Some(0)).maximum(usize::try_from(MAX_OFFSET).ok()).build()
}

/// A text to search for.
#[must_use]
pub fn search_text() -> ObjectSchema {
    text().max_length(Some(MAX_QUERY)).build()
}

/// How many records a page has. What it is unless given stands in the description: said by `default`, it would be sent.
#[must_use]
pub fn limit() -> ObjectSchema {
    of_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_LIMIT)).build()
}

/// What `limit` means.
#[must_use]
pub fn limit_doc() -> String {
    format!("The maximum number of records on a page. Defaults to `{DEFAULT_LIMIT}`.")
}

/// The parameters that a query declares.
#[must_use]
pub fn of_query<Q: Entity>() -> Vec<Parameter> {
    documented(Q::object(), "", true)
}

/// The fields of a declaration as parameters; `when` says before each when it may be given, and then none must be.
#[must_use]
pub fn documented(object: &Object, when: &str, demanded: bool) -> Vec<Parameter> {
    let field = |field: &Field| {
        let schema = match &field.kind {
            // A structure is written as JSON.
            FieldType::Structure(_) => text().content_media_type("application/json").max_length(Some(MAX_FILTER)).into(),
            // A parameter may be there and empty.
            _ => body::in_place(object, &Field { required: false, ..field.clone() }),
        };
        let doc = schemas::doc_with_default(field);
        let is_list = matches!(schema, RefOr::T(Schema::Array(_)));
        let parameter = query(&field.name, &format!("{when}{doc}"), schema).example(field.example.clone());
        let parameter = if field.required && demanded { parameter.required(Required::True) } else { parameter };
        if is_list { as_list(parameter).build() } else { parameter.build() }
    };
    object.fields.iter().map(field).collect()
}

/// The parameters that filter the records of an object, wherever they are: `filter`, and a few plain ones.
pub struct Filters<E>(PhantomData<E>);

impl<E: Entity> IntoParams for Filters<E> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        filters(E::object(), E::object().parent.map(|parent| parent.field)).into_iter().map(ParameterBuilder::build).collect()
    }
}

/// The filters that an object's lists document, without the field that the path names. All are taken: any field with any of its
/// operators.
#[must_use]
pub fn filters(object: &Object, in_path: Option<&str>) -> Vec<ParameterBuilder> {
    let mut filters = vec![filter(object)];
    filters.extend(plain(object, in_path));
    filters
}

/// A predicate as JSON.
#[must_use]
pub fn filter(object: &Object) -> ParameterBuilder {
    let schema = names::filter(object);
    let reference = Ref::from_schema_name(schema.clone()).ref_location;
    let mut named = text().content_media_type("application/json").max_length(Some(MAX_FILTER)).build();
    named.extensions = Some(Extensions::from_iter([(CONTENT_SCHEMA, reference)]));
    let doc = format!(
        "A predicate on {}: a `{schema}` as JSON, the same as the member `filter` of a search. It is combined with the other filters using AND.",
        names::many(object)
    );
    let recent = json!({"field": recurring::CREATED_AT.name(), "op": Op::Gte.as_str(), "value": {"relative": "-30d"}});
    query(FILTER, &doc, named).example(Some(recent.to_string().into()))
}

/// What is asked for most: ids, the bounds of times, choices and references.
fn plain(object: &Object, in_path: Option<&str>) -> Vec<ParameterBuilder> {
    let mut plain = vec![list(&suffixed(recurring::ID.name(), Op::In), "Only the records with these ids.", id(), MAX_VALUES)];
    for time in [recurring::CREATED_AT, recurring::UPDATED_AT] {
        let Some(field) = time.of(object) else { continue };
        plain.extend([Op::Gte, Op::Lt].map(|op| comparison(object, field, op)));
    }
    // Those of a list's first questions go first: how it stands with them, and whose they are.
    let first = |field: &&Field| field.name == recurring::STATUS.name() || field.name == recurring::OWNER_ID.name();
    let equal = |field: &&Field| {
        matches!(field.kind, FieldType::Choice(_) | FieldType::Reference(_))
            && operators(field).contains(&Op::Eq)
            && in_path != Some(field.name.as_ref())
    };
    let by_whom = |field: &&Field| [recurring::CREATED_BY.name(), recurring::UPDATED_BY.name()].contains(&field.name.as_ref());
    let known: Vec<&Field> = object.fields.iter().filter(equal).collect();
    let of = |kept: &dyn Fn(&&Field) -> bool| known.iter().copied().filter(kept).collect::<Vec<_>>();
    let is_choice = |field: &&Field| matches!(field.kind, FieldType::Choice(_));
    let mut ordered = of(&first);
    ordered.extend(of(&|field| !first(field) && is_choice(field)));
    ordered.extend(of(&|field| !first(field) && !is_choice(field) && !by_whom(field)));
    plain.extend(ordered.into_iter().take(MAX_PLAIN - plain.len()).map(|field| comparison(object, field, Op::Eq)));
    plain
}

/// The name of a comparison among the parameters: `status`, `amount_gte`.
#[must_use]
pub fn suffixed(path: &str, op: Op) -> String {
    if op == Op::Eq { path.to_owned() } else { format!("{path}_{}", op.as_str()) }
}

fn comparison(object: &Object, field: &Field, op: Op) -> ParameterBuilder {
    let path = field.path();
    let description = format!("{}{}.", field.label.en, meaning(op));
    let compared = query(&suffixed(&path, op), &description, compared(object, field));
    if field.kind == FieldType::DateTime { compared.example(Some(json!("2026-03-01T00:00:00Z"))) } else { compared }
}

/// What an operator says, after the name of its field.
#[must_use]
pub fn meaning(op: Op) -> &'static str {
    match op {
        Op::Eq => "",
        Op::Ne => " is not, or has no value",
        Op::Gt => " is greater than",
        Op::Gte => " is at least",
        Op::Lt => " is less than",
        Op::Lte => " is at most",
        Op::In => " is one of",
        Op::Nin => " is not one of, or has no value",
        Op::Contains => " contains, ignoring case",
        Op::Ncontains => " does not contain, ignoring case, or has no value",
        Op::Starts => " starts with, ignoring case",
        Op::Ends => " ends with, ignoring case",
        Op::Null => " has no value (`true`) or has one (`false`)",
        Op::Any => ": has at least one of",
        Op::None => ": has none of",
    }
}

/// The schema of a value that a field is compared with.
fn compared(object: &Object, field: &Field) -> RefOr<Schema> {
    match &field.kind {
        // A time may be relative (`-30d`, `start_of_month`), so a format would promise too much.
        FieldType::Date | FieldType::DateTime => text().max_length(Some(64)).into(),
        // So may a user be `me`.
        FieldType::Reference(target) if *target == User::NAME => text().max_length(Some(36)).examples([json!(ME)]).into(),
        FieldType::MultiChoice(_) => match schemas::value(object, field) {
            RefOr::T(Schema::Array(array)) => item(array),
            other => other,
        },
        _ => schemas::value(object, field),
    }
}

fn item(array: Array) -> RefOr<Schema> {
    match array.items {
        ArrayItems::RefOrSchema(item) => *item,
        ArrayItems::False => text().into(),
    }
}

/// A reference to a shared parameter.
#[must_use]
pub fn shared(name: &str) -> Ref {
    Ref::new(format!("#/components/parameters/{name}"))
}
