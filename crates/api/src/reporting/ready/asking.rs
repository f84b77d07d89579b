//! The parts that ready-made questions are put together from.

use farley_domain::{
    model::{entity::Entity, field::Op, handle::Handle},
    reporting::saved_report::Parameter,
};
use serde_json::{Map, Value, json};

pub fn question<E: Entity>(dimensions: impl Into<Vec<Value>>, measures: impl Into<Vec<Value>>, filter: Option<Value>) -> Value {
    let mut question = Map::new();
    question.insert("object".into(), json!(E::object().collection));
    question.insert("dimensions".into(), Value::Array(dimensions.into()));
    question.insert("measures".into(), Value::Array(measures.into()));
    if let Some(filter) = filter {
        question.insert("filter".into(), filter);
    }
    question.insert("totals".into(), json!(["grand"]));
    Value::Object(question)
}

pub fn by<E, T>(name: &str, field: Handle<E, T>) -> Value {
    json!({"as": name, "field": field.name()})
}

/// Twelve months, the present one included.
pub fn months<E, T>(field: Handle<E, T>) -> Value {
    json!({"as": "month", "field": field.name(), "bucket": "month", "from": "start_of_month-11mo", "to": "start_of_month+1mo"})
}

pub fn count(name: &str, label: &str) -> Value {
    json!({"as": name, "fn": "count", "label": label})
}

pub fn given<E, T>(name: &str, field: Handle<E, T>, label: &str) -> Value {
    function(name, "count", field, label)
}

pub fn sum<E, T>(name: &str, field: Handle<E, T>, label: &str) -> Value {
    function(name, "sum", field, label)
}

pub fn mean<E, T>(name: &str, field: Handle<E, T>, label: &str) -> Value {
    function(name, "avg", field, label)
}

pub fn function<E, T>(name: &str, function: &str, field: Handle<E, T>, label: &str) -> Value {
    json!({"as": name, "fn": function, "field": field.name(), "label": label})
}

pub fn ratio(name: &str, pair: [&str; 2], label: &str) -> Value {
    json!({"as": name, "ratio": pair, "label": label})
}

pub fn share(name: &str, of: &str, within: &[&str], label: &str) -> Value {
    json!({"as": name, "of": of, "within": within, "label": label})
}

/// A measure of those records alone that meet a filter.
pub fn only(mut measure: Value, filter: &Value) -> Value {
    measure["filter"] = filter.clone();
    measure
}

/// A day relative to today, as filters write it.
pub fn relative(day: &str) -> Value {
    json!({"relative": day})
}

/// What relations lead to, as filters name it.
pub fn along<E, T>(relations: &[&str], field: Handle<E, T>) -> String {
    let mut path = relations.to_vec();
    path.push(field.name());
    path.join(".")
}

/// That some, or none, of the related records meet all of the conditions.
pub fn related(relation: &str, op: Op, conditions: impl Into<Vec<Value>>) -> Value {
    json!({"field": relation, "op": op.as_str(), "value": {"and": conditions.into()}})
}

pub fn parameter<E, T>(name: &str, field: Handle<E, T>) -> Parameter {
    Parameter {
        name: name.into(),
        label: None,
        field: field.name().into(),
        op: Op::Eq.as_str().into(),
        default: None,
        required: false,
    }
}

pub fn since<E, T>(name: &str, field: Handle<E, T>, default: &str) -> Parameter {
    Parameter { op: Op::Gte.as_str().into(), default: Some(relative(default)), ..parameter(name, field) }
}

pub fn until<E, T>(name: &str, field: Handle<E, T>) -> Parameter {
    Parameter { op: Op::Lt.as_str().into(), ..parameter(name, field) }
}
