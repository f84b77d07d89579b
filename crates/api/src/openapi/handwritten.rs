//! What hand-written operations share with the generic ones and need not say themselves.

use farley_domain::model::registry;
use utoipa::openapi::{
    OpenApi, PathItem, RefOr, SecurityRequirement,
    path::{Operation, ParameterIn},
};

use super::{
    parameters::{ID, shared},
    responses::{PROBLEM, RATE_LIMIT, Refusal, header_ref, refusals},
};

/// Adds what hand-written operations lack: problems, the parameters of every write, the headers of every answer.
pub fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let names_something = path.contains('{');
        for (writes, operation) in operations(item) {
            let told = problems(operation, (path, names_something), writes);
            for (status, response) in refusals(&told) {
                operation.responses.responses.entry(status).or_insert(response);
            }
            if writes && !is_open(operation) && !is_of_the_operator(operation) {
                let parameters = operation.parameters.get_or_insert_default();
                parameters.extend(["ValidateOnly", "IdempotencyKey"].map(|name| RefOr::Ref(shared(name))));
            }
            if told.contains(&412) {
                operation.parameters.get_or_insert_default().push(RefOr::Ref(shared("IfMatch")));
            }
            if writes && !is_open(operation) {
                tell_validated(operation);
            }
            if names_record(path) {
                share_id(operation);
            }
            tell_once(operation);
            fill(operation);
            // A doc comment of one line gives only the summary.
            if operation.description.as_ref().is_none_or(String::is_empty) {
                operation.description.clone_from(&operation.summary);
            }
        }
    }
}

/// The id of a record is the same parameter wherever it is in a path.
fn share_id(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if matches!(parameter, RefOr::T(own) if own.parameter_in == ParameterIn::Path && own.name == ID) {
            *parameter = RefOr::Ref(shared("Id"));
        }
    }
}

/// What would be made is shown as what is made, but under another status: there is nothing new.
fn tell_validated(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(made)) = responses.get("201").filter(|_| !responses.contains_key("200")) {
        let mut validated = made.clone();
        validated.description = "With `validate_only`: as it would be; nothing was written.".to_owned();
        responses.insert("200".to_owned(), validated.into());
    }
}

/// What an operation declares itself goes before a filter of the same name.
fn tell_once(operation: &mut Operation) {
    let mut seen = Vec::new();
    operation.parameters.iter_mut().for_each(|parameters| {
        parameters.retain(|parameter| match parameter {
            RefOr::T(parameter) => {
                let place = (parameter.name.clone(), parameter.parameter_in.clone());
                let is_new = !seen.contains(&place);
                seen.push(place);
                is_new
            }
            RefOr::Ref(_) => true,
        });
    });
}

/// The operations of a path, and whether each writes.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let reading = [&mut item.get].into_iter().flatten().map(|operation| (false, operation));
    let writing = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
    reading.chain(writing.into_iter().flatten().map(|operation| (true, operation)))
}

/// `security(())` says that nobody need be known.
fn is_open(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|needed| needed.iter().all(|one| *one == SecurityRequirement::default()))
}

/// The operator of a server is in no tenant, and so has nowhere to keep answers for repeated requests.
fn is_of_the_operator(operation: &Operation) -> bool {
    operation.tags.iter().flatten().any(|tag| tag == "tenants")
}

fn problems(operation: &Operation, (path, names_something): (&str, bool), writes: bool) -> Vec<u16> {
    let mut problems = Vec::new();
    if writes && names_version(path) {
        problems.extend([404, 412, 428]);
    }
    if names_something {
        problems.push(404);
    }
    // Also for a key that was used with another request, or whose first request is still running.
    if writes && !is_open(operation) {
        problems.extend([409, 422]);
    }
    if operation.request_body.is_some() {
        problems.push(422);
    }
    problems
}

/// Whether a path names a record of an object.
fn names_record(path: &str) -> bool {
    registry::objects().into_iter().any(|object| path.starts_with(&format!("/v1/{}/{{id}}", object.collection)))
}

/// Whether a path names what has a version, for `If-Match`: a record of an object, the caller's own account, or a setting.
fn names_version(path: &str) -> bool {
    names_record(path) || ["/v1/me", "/v1/settings/{key}", "/v1/me/settings/{key}"].contains(&path)
}

/// Gives each answer the headers that all have, and to a problem that is only described its body.
fn fill(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            if let Some(refusal) = status.parse().ok().and_then(Refusal::of).filter(|_| response.content.is_empty()) {
                response.content.insert(PROBLEM.to_owned(), refusal.content().into());
            }
            response.headers.entry(RATE_LIMIT.to_owned()).or_insert_with(|| RefOr::Ref(header_ref(RATE_LIMIT)));
        }
    }
}
