//! Filters as query parameters: every field of the table with every operator it takes, and a few ways over relations.

use farley_domain::{
    field::{Field, FieldType, Op},
    object::{Object, Relation},
    registry,
};
use utoipa::openapi::{RefOr, Schema, Type, path::ParameterBuilder};

use super::{
    fields::{self, integer, of_type, text},
    parameters::{list, query},
};

/// The filter parameters of an object's list.
#[must_use]
pub fn parameters(object: &Object) -> Vec<ParameterBuilder> {
    let fields = object.fields.iter().flat_map(|field| field.operators().iter().map(|op| of_field(object, "", field, *op)));
    fields.chain(object.relations.iter().flat_map(of_relation)).collect()
}

fn of_field(object: &Object, prefix: &str, field: &Field, op: Op) -> ParameterBuilder {
    let path = format!("{prefix}{}", field.path());
    let name = if op == Op::Eq { path } else { format!("{path}_{}", op.as_str()) };
    let description = format!("{}{}.", field.label.en, meaning(op));
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
        // In minor units, whatever the currency.
        FieldType::Money | FieldType::Integer { .. } => integer().into(),
        FieldType::Text { .. } | FieldType::Email | FieldType::Phone | FieldType::Url | FieldType::SocialCreditCode => text().into(),
        FieldType::MultiChoice(_) => match fields::value(object, field) {
            RefOr::T(Schema::Array(array)) => item(array),
            other => other,
        },
        FieldType::References(_) => fields::id().into(),
        FieldType::Structure(structure) if structure.link.is_some() => fields::id().into(),
        FieldType::Structure(_) | FieldType::Texts { .. } => text().into(),
        _ => fields::value(object, field),
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
    let prefix = format!("{}.", relation.name);
    if relation.reach.is_to_many() {
        let related = target.label.en.to_lowercase();
        let parameter = |op: Op| {
            let name = format!("{}_{}", relation.name, op.as_str());
            let which = if op == Op::Any { "Related to at least one" } else { "Related to none" };
            list(&name, &format!("{which} of these records ({related}), by id."), fields::id())
        };
        return vec![parameter(Op::Any), parameter(Op::None)];
    }
    let Some(title) = target.field(target.title) else { return Vec::new() };
    [Op::Eq, Op::Contains]
        .into_iter()
        .filter(|op| title.operators().contains(op))
        .map(|op| {
            let parameter = of_field(target, &prefix, title, op);
            parameter.description(Some(format!("{} of the related {}{}.", title.label.en, relation.name, meaning(op))))
        })
        .collect()
}
