//! `POST /v1/batch`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_persistence::Work;
use serde_json::Value;

use super::{
    envelope::{Batch, BatchAnswer, BatchOutcome, BatchResult},
    operation::{self, Operations},
    perform::perform,
    route::Doing,
};
use crate::{
    access::call::Call,
    http::{
        problem::{Code, Problem},
        request::{Body, parameters, refuse_rest},
    },
    records::{
        behaviour, body,
        bulk::rows,
        mutation::{Answer, Mutation},
    },
};

/// Perform several operations
///
/// Performs up to 100 operations on records in order, in one transaction: each with the permissions, rules and events of a request of its
/// own. Creating, reading, updating, archiving, restoring and upserting by external id can be part of a batch; lists, actions and other
/// endpoints cannot. Later operations see what earlier ones wrote, and can refer to their results by `ref`: `{{c.id}}`, `{{c.emails.0.value}}`,
/// or by place, `{{ops.0.id}}`. An operation that refers to or `needs` one that failed fails itself (424). The response is 200 even if operations
/// failed; with `atomic`, a failure undoes all of them (422 `batch_rolled_back`, with `operations` in the same form). Each operation counts
/// against the rate limit.
#[utoipa::path(tag = "bulk", operation_id = "performBatch", request_body = Batch,
    responses((status = 200, description = "What became of each operation.", body = BatchAnswer)))]
#[post("/v1/batch")]
pub async fn batch(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let call = call.anew().await?;
    let asked = body::read::<Batch>(&body.0, &call.principal.standards(call.now))?;
    let sent = asked.get(Batch::operations).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let operations = operation::read(sent, &Batch::operations.pointer())?;
    for _ in operations.all.iter().skip(1) {
        call.state.limits.take(call.principal.credential.0.as_u128())?;
    }
    let mutation = if asked.get(Batch::validate_only) { mutation.only_validating() } else { mutation };
    let mut objects = operations.all.iter().filter(|one| one.target.doing != Doing::Get).map(|one| one.target.object);
    let changes_principals =
        objects.try_fold(false, |changes, object| Ok::<_, Problem>(changes || behaviour::of(object)?.changes_principals))?;
    let performing = Performing {
        call: call.clone(),
        operations: Arc::new(operations),
        atomic: asked.get(Batch::atomic),
        validates: mutation.only_validates(),
    };
    let response = mutation.run(&call, move |work| performing.all(work)).await?;
    if changes_principals {
        call.state.principals.forget();
    }
    Ok(response)
}

struct Performing {
    call: Call,
    operations: Arc<Operations>,
    atomic: bool,
    validates: bool,
}

impl Performing {
    fn all(&self, work: &mut Work<'_>) -> Result<Answer, Problem> {
        let kept = !self.validates;
        let all = &self.operations.all;
        // What each may be referred to by; and what is told of it, now and when the request is repeated.
        let mut results: Vec<Option<Value>> = Vec::with_capacity(all.len());
        let (mut told, mut again) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        let (mut has_failed, mut shows_once) = (false, false);
        for operation in all {
            let name = operation.name.as_deref();
            if self.atomic && has_failed && !self.validates {
                told.push(BatchResult::not_tried(name));
                continue;
            }
            let done = match operation.needs.iter().find(|needed| results.get(**needed).is_none_or(Option::is_none)) {
                Some(needed) => {
                    let needed = all.get(*needed).and_then(|one| one.name.clone()).unwrap_or_else(|| needed.to_string());
                    Err(Problem::new(Code::FailedDependency).with("needed", &needed).member("needed", needed))
                }
                None if self.atomic && !self.validates => {
                    match perform(work, &self.call, operation, (&self.operations.names, &results)) {
                        Err(problem) if !rows::is_of_a_row(&problem) => return Err(problem),
                        done => done,
                    }
                }
                None => rows::by_itself(work, operation, &|work: &mut Work<'_>, operation| {
                    perform(work, &self.call, operation, (&self.operations.names, &results))
                })?,
            };
            match done {
                Ok(answer) => {
                    let result = BatchResult::done(name, &answer, (kept, false))?;
                    shows_once |= answer.replayed_body.is_some();
                    again.push(BatchResult::done(name, &answer, (kept, true))?);
                    // What was archived is referred to by what the request named it.
                    results.push(Some(result.body.clone()));
                    told.push(result);
                }
                Err(problem) => {
                    has_failed = true;
                    let result = BatchResult::failed(name, &problem, self.call.language);
                    results.push(None);
                    again.push(result.clone());
                    told.push(result);
                }
            }
        }
        if self.atomic && has_failed {
            return Err(rolled_back(&told));
        }
        let mut answer = Answer::json(200, &BatchAnswer { committed: kept, operations: told })?;
        if shows_once {
            answer.replayed_body = Some(serde_json::to_string(&BatchAnswer { committed: kept, operations: again })?);
        }
        Ok(answer)
    }
}

/// All or none were to be done, and one failed.
fn rolled_back(told: &[BatchResult]) -> Problem {
    let failed = told.iter().filter(|one| one.outcome == BatchOutcome::Failed).count();
    let operations: Vec<Value> = told.iter().map(|one| serde_json::json!(one.undone())).collect();
    Problem::new(Code::RolledBack).with("number", failed).member("committed", false).member("operations", operations)
}
