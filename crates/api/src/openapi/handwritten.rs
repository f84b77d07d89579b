//! What hand-written operations share with the generic ones and need not say themselves.

use utoipa::openapi::{OpenApi, PathItem, RefOr, SecurityRequirement, path::Operation};

use super::{
    parameters::shared,
    responses::{PROBLEM, RATE_HEADERS, Refusal, header_ref, problem},
};

/// Adds what hand-written operations lack: problems, the parameters of every write, the headers of every answer.
pub fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let names_something = path.contains('{');
        for (writes, operation) in operations(item) {
            for status in problems(operation, names_something, writes) {
                if let Some((status, response)) = problem(status) {
                    operation.responses.responses.entry(status).or_insert(response);
                }
            }
            if writes && !is_open(operation) && !is_of_the_operator(operation) {
                let parameters = operation.parameters.get_or_insert_default();
                parameters.extend(["ValidateOnly", "IdempotencyKey"].map(|name| RefOr::Ref(shared(name))));
            }
            fill(operation);
            // A doc comment of one line gives only the summary.
            if operation.description.as_ref().is_none_or(String::is_empty) {
                operation.description.clone_from(&operation.summary);
            }
        }
    }
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

fn problems(operation: &Operation, names_something: bool, writes: bool) -> Vec<u16> {
    let open = is_open(operation);
    let mut problems = vec![400, 429, 500, 503];
    if !open {
        problems.extend([401, 403]);
    }
    if names_something {
        problems.push(404);
    }
    if operation.request_body.is_some() {
        problems.extend([408, 413, 415, 422]);
    }
    if writes && !open {
        problems.push(409);
    }
    problems
}

/// Gives each answer the headers that all have, and to a problem that is only described its body.
fn fill(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            if let Some(refusal) = status.parse().ok().and_then(Refusal::of).filter(|_| response.content.is_empty()) {
                response.content.insert(PROBLEM.to_owned(), refusal.content().into());
            }
            for name in RATE_HEADERS {
                response.headers.entry(name.to_owned()).or_insert_with(|| RefOr::Ref(header_ref(name)));
            }
        }
    }
}
