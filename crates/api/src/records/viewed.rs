//! Lists by the views that people save.

use std::borrow::Cow;

use farley_domain::{
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        object::Object,
        record::Record,
    },
    query::list::{FILTER, VIEW, written_filter},
    reporting::view::View,
};
use serde_json::{Value, json};

use super::{named::Named, read};
use crate::{
    access::call::Call,
    http::problem::{Code, Problem},
};

/// What members name the order of a list.
const SORT: &str = "sort";

/// Parameters of a list with what their view says in its place.
pub async fn in_parameters(
    call: &Call,
    object: &'static Object,
    mut parameters: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, Problem> {
    let mut named = parameters.iter().filter(|(name, _)| name == VIEW);
    let Some((_, name)) = named.next() else { return Ok(parameters) };
    if named.next().is_some() {
        return Err(Fault::new(VIEW, FaultCode::DuplicateParameter).into());
    }
    let view = usable(call, object, name, VIEW).await?;
    parameters.retain(|(name, _)| name != VIEW);
    if let Some(filter) = view.get(View::filter) {
        // What cannot be read is refused with the rest.
        match parameters.iter_mut().find(|(name, _)| name == FILTER) {
            Some((_, text)) => {
                if let Ok(given) = written_filter(text) {
                    *text = json!({"and": [filter, given]}).to_string();
                }
            }
            None => parameters.push((FILTER.to_owned(), filter.to_string())),
        }
    }
    let sort = view.get(View::sort);
    if !sort.is_empty() && parameters.iter().all(|(name, _)| name != SORT) {
        parameters.push((SORT.to_owned(), sort.join(",")));
    }
    Ok(parameters)
}

/// The body of a search with what its view says in its place.
pub async fn in_body<'a>(call: &Call, object: &'static Object, body: &'a Value) -> Result<Cow<'a, Value>, Problem> {
    let pointer = format!("/{VIEW}");
    let name = match body.get(VIEW) {
        None | Some(Value::Null) => return Ok(Cow::Borrowed(body)),
        Some(Value::String(name)) => name,
        Some(_) => return Err(Fault::new(pointer, FaultCode::WrongType).with("expected", "a text").into()),
    };
    let view = usable(call, object, name, &pointer).await?;
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove(VIEW);
    }
    let given = body.get(FILTER).filter(|given| !given.is_null()).cloned();
    if let Some(filter) = both(view.get(View::filter), given) {
        body[FILTER] = filter;
    }
    let sort = view.get(View::sort);
    if !sort.is_empty() && body.get(SORT).is_none_or(Value::is_null) {
        body[SORT] = json!(sort);
    }
    Ok(Cow::Owned(body))
}

/// A filter of a view and another, which apply both.
#[must_use]
pub fn both(filter: Option<&Value>, given: Option<Value>) -> Option<Value> {
    match (filter, given) {
        (Some(filter), Some(given)) => Some(json!({"and": [filter, given]})),
        (Some(only), None) => Some(only.clone()),
        (None, given) => given,
    }
}

/// The view that a list names: one of its object, which the caller may use.
pub async fn usable(call: &Call, object: &'static Object, name: &str, pointer: &str) -> Result<Record<View>, Problem> {
    let missing = || Problem::from(Fault::new(pointer, FaultCode::NotFound).with("object", View::NAME));
    let named = Named::parse(name).map_err(|_| missing())?;
    let view = read::live::<View>(call, named).await.map_err(|problem| match problem.code {
        Code::Forbidden | Code::NotFound => missing(),
        _ => problem,
    })?;
    if view.get(View::object) == object.name {
        Ok(view)
    } else {
        Err(Fault::new(pointer, FaultCode::WrongType).with("expected", format!("a view of {}", object.collection)).into())
    }
}
