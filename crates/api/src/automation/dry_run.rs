//! Dry runs: what a rule would have done to past records, asked for over HTTP. [`super::rehearsal`] does it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    automation::rule::Rule,
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{macros::MacroChange, rehearsal::Rehearsing, rule};
use crate::{
    access::{call::Call, principal},
    body,
    http::{problem::Problem, request::Body},
    records::{body, mutation::Mutation, named::Named, unkept::Unkept, write::Writer},
};

body! {
    /// Which part of the past to try a rule on.
    pub struct RuleDryRun {
        /// The beginning. Defaults to seven days before the end.
        from: Option<Timestamp> => datetime().example("2026-03-01T00:00:00Z"),
        /// The end. Defaults to now.
        to: Option<Timestamp> => datetime().example("2026-03-08T00:00:00Z"),
        /// The maximum number of runs to return, 1 to 200: the latest.
        limit: i64 => integer(1, 200).default(50).example(50),
    }
    example json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z"})
}

body! {
    /// A rule that is not saved, and which part of the past to try it on.
    pub struct UnsavedRuleDryRun {
        /// The rule, as in POST /v1/rules. Its name is ignored.
        rule: Option<Value> => structure(&RULE).required().example(json!({"object": "ticket", "trigger": {"types": ["ticket.created"]}, "actions": [{"type": "create_task", "subject": "回访 {subject}"}]})),
        /// The beginning. Defaults to seven days before the end.
        from: Option<Timestamp> => datetime().example("2026-03-01T00:00:00Z"),
        /// The end. Defaults to now.
        to: Option<Timestamp> => datetime().example("2026-03-08T00:00:00Z"),
        /// The maximum number of runs to return, 1 to 200: the latest.
        limit: i64 => integer(1, 200).default(50).example(50),
    }
    example json!({"rule": {"object": "ticket", "trigger": {"types": ["ticket.created"]}, "actions": [{"type": "create_task", "subject": "回访 {subject}"}]}})
}

/// A rule as it would be created.
static RULE: farley_domain::model::field::Structure = farley_domain::model::field::Structure {
    name: "unsaved_rule",
    accept: |value, _| {
        let wrong = || Fault::new("", FaultCode::WrongType).with("expected", "an object");
        if value.is_object() { Ok(value.clone()) } else { Err(wrong().into()) }
    },
    schema: || json!({"type": "object", "description": "As in POST /v1/rules."}),
    ..farley_domain::model::field::Structure::PLAIN
};

/// What a rule would have done.
#[derive(Serialize, ToSchema)]
pub struct RuleRehearsal {
    /// The runs there would have been, in order; the latest, if they are many.
    pub data: Vec<RehearsedRun>,
    /// The number of events of the trigger's types that were examined; for a rule on time passed, the number of records.
    #[schema(example = 120, minimum = 0)]
    pub looked_at: i64,
    /// Whether this part of the past has more than was examined or returned.
    #[schema(example = false)]
    pub has_more: bool,
}

/// A run that there would have been.
#[derive(Serialize, ToSchema)]
pub struct RehearsedRun {
    #[schema(value_type = String, format = "uuid")]
    pub record_id: Id,
    /// The event that would have set it off; null for time passed.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub event_id: Option<Id>,
    #[schema(example = "ticket.created")]
    pub event_type: Option<String>,
    /// When that was, or when the time had passed.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// `done` or `failed`.
    #[schema(example = "done")]
    pub outcome: &'static str,
    /// What would be changed if it happened now. Hidden fields are left out.
    pub changes: Vec<MacroChange>,
    /// Why it would fail; null if it would not.
    #[schema(value_type = Option<Object>, example = json!(null))]
    pub problem: Option<Value>,
}

/// The part of the past that is asked for.
#[derive(Clone, Copy)]
pub struct Past {
    pub from: Timestamp,
    pub to: Timestamp,
    /// How many runs are told.
    pub limit: usize,
}

impl Past {
    fn of(now: Timestamp, (from, to): (Option<Timestamp>, Option<Timestamp>), limit: i64) -> Result<Past, Problem> {
        let to = to.unwrap_or(now).min(now);
        let from = from.unwrap_or(to.plus_seconds(-7 * 24 * 3_600));
        if from > to {
            return Err(Fault::new(RuleDryRun::from.pointer(), FaultCode::TooLate).with("max", to).into());
        }
        Ok(Past { from, to, limit: usize::try_from(limit).unwrap_or(50) })
    }
}

/// Try a rule
///
/// Returns the past events that would have triggered the rule, and what it would do to their records; nothing is written. Whether an
/// event would have triggered it is judged by the record as it was right after the event, as far as its history goes back; conditions
/// on other records, and the changes, are judged by how things are now. Whether the rule is active, and since when, makes no
/// difference. Requires permission to update rules and to do what the rule does.
#[utoipa::path(tag = "rules", operation_id = "dryRunRule", request_body = RuleDryRun,
    params(("id" = String, Path, description = "The id of the rule, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "What it would have done.", body = RuleRehearsal)))]
#[post("/v1/rules/{id}/dry-run")]
pub async fn dry_run(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    Mutation::nothing(&request, &body.0)?;
    let asked = body::read::<RuleDryRun>(&body.0, &call.principal.standards(call.now))?;
    let past = Past::of(call.now, (asked.get(RuleDryRun::from), asked.get(RuleDryRun::to)), asked.get(RuleDryRun::limit))?;
    let named = Named::parse(request.match_info().query("id"))?;
    let rows = call.rows(<Rule as Entity>::object(), Action::Read)?;
    Writer::of(&call, <Rule as Entity>::object()).permit(Action::Update)?;
    rehearse(&call, past, move |work, writer| {
        let id = named.find(work.reader(), &writer.principal, writer.object)?.ok_or_else(Problem::not_found)?;
        let view = writer.principal.view(writer.now);
        let row = work.reader().get(&Work::layout(&writer.schema()), &view, id, &rows)?.ok_or_else(Problem::not_found)?;
        Ok(row.to_record()?.into_entity())
    })
    .await
}

/// Try a rule before saving it
///
/// Like trying a saved rule, but with one given in the request. Requires permission to create rules and to do what the rule does.
#[utoipa::path(tag = "rules", operation_id = "dryRunUnsavedRule", request_body = UnsavedRuleDryRun,
    responses((status = 200, description = "What it would have done.", body = RuleRehearsal)))]
#[post("/v1/rules/dry-run")]
pub async fn dry_run_unsaved(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    Mutation::nothing(&request, &body.0)?;
    let asked = body::read::<UnsavedRuleDryRun>(&body.0, &call.principal.standards(call.now))?;
    let times = (asked.get(UnsavedRuleDryRun::from), asked.get(UnsavedRuleDryRun::to));
    let past = Past::of(call.now, times, asked.get(UnsavedRuleDryRun::limit))?;
    let mut rule = asked.get(UnsavedRuleDryRun::rule).cloned().unwrap_or_default();
    if let Some(members) = rule.as_object_mut() {
        // Of a saved rule that is being edited there may be one of the name.
        members.insert(Rule::name.name().to_owned(), crate::http::clock::new_id().to_string().into());
        members.insert(Rule::is_active.name().to_owned(), false.into());
    }
    rehearse(&call, past, move |work, writer| {
        let (created, _) = writer.create(work, &rule).map_err(|mut problem| {
            problem.faults = std::mem::take(&mut problem.faults).under(&UnsavedRuleDryRun::rule.pointer());
            problem
        })?;
        Ok(created.into_entity())
    })
    .await
}

/// Tries a rule, and keeps nothing.
async fn rehearse(
    call: &Call,
    past: Past,
    find: impl Fn(&mut Work<'_>, &Writer) -> Result<Record<Rule>, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let writer = Writer::of(call, <Rule as Entity>::object());
    let ended = call
        .state
        .store
        .write::<(), Unkept<RuleRehearsal>>(call.tenant(), call.origin(), move |work| {
            let rule = find(work, &writer)?;
            let object = rule::object_of(&rule)?;
            // What is told is what the rule could be made to tell.
            rule::check(work, &writer.principal, writer.now, &rule)?;
            let system = Arc::new(principal::system(work.reader())?);
            let rehearsal = Rehearsing { asker: Arc::clone(&writer.principal), system, now: writer.now, rule, object, past };
            Err(Unkept::Undone(rehearsal.all(work)?))
        })
        .await;
    match ended {
        Ok(()) => Err(Problem::internal("a rehearsal was kept")),
        Err(Unkept::Problem(problem)) => Err(problem),
        Err(Unkept::Undone(told)) => Ok(HttpResponse::Ok().json(told)),
    }
}
