//! Filters as query parameters: every field of the table with every operator it takes, and a few ways over relations.

use farley_domain::{
    model::{
        field::{Field, FieldType, Op},
        object::{Object, Relation},
        registry,
    },
    query::predicate::operators,
};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema, Type, path::ParameterBuilder};

use super::{
    names,
    parameters::{list, query},
    schemas::{self, integer, of_type, text},
};

/// The filter parameters of an object's list.
#[must_use]
pub fn parameters(object: &Object) -> Vec<ParameterBuilder> {
    let fields = object.fields.iter().flat_map(|field| of_field(object, field));
    // A field that links to other records (`customers`) is filtered on as the relation of the same name.
    let relations = object.relations.iter().filter(|relation| !object.has(relation.name));
    fields.chain(relations.flat_map(of_relation)).collect()
}

fn of_field(object: &Object, field: &Field) -> Vec<ParameterBuilder> {
    let mut parameters: Vec<ParameterBuilder> =
        operators(field).iter().map(|op| comparison(object, field, &field.path(), &field.label.en, *op)).collect();
    if let Some(currency) = field.currency() {
        let what = format!("Currency of {}", field.label.en.to_lowercase());
        parameters.extend(operators(&currency).iter().map(|op| comparison(object, &currency, &currency.path(), &what, *op)));
    }
    parameters
}

/// One comparison; `path` says where the field is found and `what` what people call it.
fn comparison(object: &Object, field: &Field, path: &str, what: &str, op: Op) -> ParameterBuilder {
    let name = if op == Op::Eq { path.to_owned() } else { format!("{path}_{}", op.as_str()) };
    let description = format!("{what}{}.", meaning(op));
    match op {
        Op::Null => query(&name, &description, of_type(Type::Boolean)),
        Op::Contains | Op::Starts => query(&name, &description, text()),
        _ if op.takes_list() => list(&name, &description, compared(object, field)),
        _ => query(&name, &description, compared(object, field)),
    }
}

/// What an operator says, after the name of its field.
fn meaning(op: Op) -> &'static str {
    match op {
        Op::Eq => "",
        Op::Ne => " is not, or has no value",
        Op::Gt => " is greater",
        Op::Gte => " is at least",
        Op::Lt => " is less",
        Op::Lte => " is at most",
        Op::In => " is one of",
        Op::Nin => " is none of, or has no value",
        Op::Contains => " contains, whatever the case",
        Op::Starts => " starts with, whatever the case",
        Op::Null => " has no value (`true`) or has one (`false`)",
        Op::Any => ": has at least one of",
        Op::None => ": has none of",
    }
}

/// The schema of a value that a field is compared with.
fn compared(object: &Object, field: &Field) -> RefOr<Schema> {
    match &field.kind {
        // Money is compared in minor units.
        FieldType::Money | FieldType::Integer { .. } => integer().into(),
        FieldType::Id | FieldType::Reference(_) | FieldType::References(_) => schemas::id().into(),
        FieldType::Structure(structure) if structure.link.is_some() => schemas::id().into(),
        FieldType::Boolean | FieldType::Decimal | FieldType::Choice(_) => schemas::value(object, field),
        FieldType::MultiChoice(_) => match schemas::value(object, field) {
            RefOr::T(Schema::Array(array)) => item(array),
            other => other,
        },
        // A time may be relative (`-30d`, `start_of_month`), so a format would promise too much.
        FieldType::Date | FieldType::DateTime => text().examples([json!("2026-03-01"), json!("-30d")]).into(),
        FieldType::Text { .. }
        | FieldType::LongText { .. }
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::SocialCreditCode
        | FieldType::Texts { .. }
        | FieldType::Structure(_)
        | FieldType::Custom
        | FieldType::Count(_) => text().into(),
    }
}

fn item(array: utoipa::openapi::Array) -> RefOr<Schema> {
    match array.items {
        utoipa::openapi::schema::ArrayItems::RefOrSchema(item) => *item,
        utoipa::openapi::schema::ArrayItems::False => text().into(),
    }
}

/// The title of the related record, or, where there may be many, their ids. Any other field of the related object is
/// filtered on in the same manner; listing them all would multiply the document.
fn of_relation(relation: &Relation) -> Vec<ParameterBuilder> {
    let Some(target) = registry::object(relation.target) else { return Vec::new() };
    if relation.reach.is_to_many() {
        let related = names::many(target);
        let name = |op: Op| format!("{}_{}", relation.name, op.as_str());
        return vec![
            list(&name(Op::Any), &format!("Related to at least one of these {related}, by id."), schemas::id()),
            list(&name(Op::None), &format!("Related to none of these {related}, by id."), schemas::id()),
            query(&name(Op::Null), &format!("Has no related {related} (`true`) or has some (`false`)."), of_type(Type::Boolean)),
        ];
    }
    let Some(title) = target.field(target.title) else { return Vec::new() };
    let what = format!("{} of the related {}", title.label.en, relation.name);
    let path = format!("{}.{}", relation.name, title.path());
    let told = [Op::Eq, Op::Contains].into_iter().filter(|op| operators(title).contains(op));
    told.map(|op| comparison(target, title, &path, &what, op)).collect()
}
