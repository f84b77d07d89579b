//! Dry runs: what a rule would have done to past records, without doing it. Everything is done for real in a transaction that is not
//! kept.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    automation::{rule::Rule, trigger::EventTrigger},
    identity::access::Action,
    model::{
        cell::Cell,
        entity::Entity,
        event::{self, Cause, CauseKind},
        fault::{Fault, FaultCode},
        object::Object,
        record::Record,
        recurring,
    },
    query::predicate::parse,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{EventRow, Failure, Passed, Reader, StoreError, WantedEvents, Work};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    check::Check,
    doing::{as_system, perform},
    events::{is_passing, is_wanted, meets},
    log,
    macros::{MacroChange, seen_since},
    rule::{self, event_trigger, time_trigger},
    times::Timed,
};
use crate::{
    access::{
        call::Call,
        principal::{self, Principal},
    },
    body,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{body, filters, lookup, mutation::Mutation, named::Named, write::Writer},
};

/// How many events, or records that may have come due, are looked at.
const LOOKED_AT: i64 = 5_000;
/// How many events are read at once.
const AT_ONCE: i64 = 500;
/// How many changes of a record after an event are known.
const CHANGES: usize = 200;

body! {
    /// Which part of the past to try a rule on.
    pub struct RuleDryRun {
        /// The beginning. Defaults to seven days before the end.
        from: Option<Timestamp> => datetime().example("2026-03-01T00:00:00Z"),
        /// The end. Defaults to now.
        to: Option<Timestamp> => datetime().example("2026-03-08T00:00:00Z"),
        /// The maximum number of runs that are told, 1 to 200: the latest.
        limit: i64 => integer(1, 200).default(50).example(50),
    }
    example json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z"})
}

body! {
    /// A rule that is not saved, and which part of the past to try it on.
    pub struct UnsavedRuleDryRun {
        /// The rule, as in POST /v1/rules. Its name is not looked at.
        rule: Option<Value> => structure(&RULE).required().example(json!({"object": "ticket", "trigger": {"types": ["ticket.created"]}, "actions": [{"type": "create_task", "subject": "回访 {subject}"}]})),
        /// The beginning. Defaults to seven days before the end.
        from: Option<Timestamp> => datetime().example("2026-03-01T00:00:00Z"),
        /// The end. Defaults to now.
        to: Option<Timestamp> => datetime().example("2026-03-08T00:00:00Z"),
        /// The maximum number of runs that are told, 1 to 200: the latest.
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
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |_| Vec::new(),
    link: None,
};

/// What a rule would have done.
#[derive(Serialize, ToSchema)]
pub struct RuleRehearsal {
    /// The runs there would have been, in order; the latest, if they are many.
    data: Vec<RehearsedRun>,
    /// How many events of the types of the trigger were looked at; of a rule on time, how many records.
    #[schema(example = 120, minimum = 0)]
    looked_at: i64,
    /// Whether there is more in this part of the past than was looked at or is told.
    #[schema(example = false)]
    has_more: bool,
}

/// A run that there would have been.
#[derive(Serialize, ToSchema)]
pub struct RehearsedRun {
    #[schema(value_type = String, format = "uuid")]
    record_id: Id,
    /// The event that would have set it off; null for time passed.
    #[schema(value_type = Option<String>, format = "uuid")]
    event_id: Option<Id>,
    #[schema(example = "ticket.created")]
    event_type: Option<String>,
    /// When that was, or when the time had passed.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// `done` or `failed`.
    #[schema(example = "done")]
    outcome: &'static str,
    /// What would be changed if it happened now. Hidden fields are left out.
    changes: Vec<MacroChange>,
    /// What would come in the way.
    #[schema(value_type = Option<Object>, example = json!(null))]
    problem: Option<Value>,
}

/// How a rehearsal ends: never by being kept.
enum Ending {
    Problem(Problem),
    Told(RuleRehearsal),
}

impl From<StoreError> for Ending {
    fn from(error: StoreError) -> Ending {
        Ending::Problem(error.into())
    }
}

impl From<Problem> for Ending {
    fn from(problem: Problem) -> Ending {
        Ending::Problem(problem)
    }
}

impl Failure for Ending {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Ending::Problem(problem) => problem.store_error(),
            Ending::Told(_) => None,
        }
    }
}

/// The part of the past that is asked for.
#[derive(Clone, Copy)]
struct Past {
    from: Timestamp,
    to: Timestamp,
    limit: usize,
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
/// Tells which events of the past would have set the rule off, and what it would do to their records; nothing is written. Whether an
/// event would have set it off is judged by the record as it was right after the event, as far as its history tells; parts of the
/// filter about other records, and what would be changed, by how things are now. Whether the rule is active, and since when, makes no
/// difference. You need permission to update rules and to do what the rule does.
#[utoipa::path(tag = "rules", operation_id = "dryRunRule", request_body = RuleDryRun,
    params(("id" = String, Path, description = "The id of the rule, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "What it would have done.", body = RuleRehearsal)))]
#[post("/v1/rules/{id}/dry-run")]
pub async fn dry_run(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
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
/// As trying a saved rule, of one that is given in the request. You need permission to create rules.
#[utoipa::path(tag = "rules", operation_id = "dryRunUnsavedRule", request_body = UnsavedRuleDryRun,
    responses((status = 200, description = "What it would have done.", body = RuleRehearsal)))]
#[post("/v1/rules/dry-run")]
pub async fn dry_run_unsaved(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
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
        .write::<(), Ending>(call.tenant(), call.origin(), move |work| {
            let rule = find(work, &writer)?;
            let object = rule::object_of(&rule)?;
            // What is told is what the rule could be made to tell.
            let mut check = Check::new(&writer.principal, writer.now, object);
            if let Some(trigger) = rule.get(Rule::trigger) {
                check.trigger(work, &trigger, &Rule::trigger.pointer())?;
            }
            if let Some(filter) = rule.get(Rule::filter) {
                check.filter(filter, &Rule::filter.pointer());
            }
            check.actions(work, &rule.get(Rule::actions), &Rule::actions.pointer())?;
            check.finish()?;
            let system = Arc::new(principal::system(work.reader())?);
            let rehearsal = Rehearsing { asker: Arc::clone(&writer.principal), system, now: writer.now, rule, object, past };
            Err(Ending::Told(rehearsal.all(work)?))
        })
        .await;
    match ended {
        Ok(()) => Err(Problem::internal("a rehearsal was kept")),
        Err(Ending::Problem(problem)) => Err(problem),
        Err(Ending::Told(told)) => Ok(HttpResponse::Ok().json(told)),
    }
}

/// What would set a rule off.
struct Occasion {
    record: Id,
    event: Option<(Id, String)>,
    at: Timestamp,
}

struct Rehearsing {
    asker: Arc<Principal>,
    system: Arc<Principal>,
    now: Timestamp,
    rule: Record<Rule>,
    object: &'static Object,
    past: Past,
}

impl Rehearsing {
    fn all(&self, work: &mut Work<'_>) -> Result<RuleRehearsal, Problem> {
        let (mut occasions, looked_at, mut has_more) = match (event_trigger(&self.rule), time_trigger(&self.rule)) {
            (Some(trigger), _) => self.on_events(work, &trigger)?,
            (None, Some(_)) => self.on_time(work)?,
            (None, None) => (Vec::new(), 0, false),
        };
        if occasions.len() > self.past.limit {
            occasions.drain(..occasions.len() - self.past.limit);
            has_more = true;
        }
        let data = occasions.into_iter().map(|occasion| self.run(work, occasion)).collect::<Result<_, _>>()?;
        Ok(RuleRehearsal { data, looked_at, has_more })
    }

    /// The events that would have set it off, in their order; how many were looked at, and whether there are more.
    fn on_events(&self, work: &mut Work<'_>, trigger: &EventTrigger) -> Result<(Vec<Occasion>, i64, bool), Problem> {
        let wanted = WantedEvents { types: trigger.types.clone(), newest: true, ..WantedEvents::default() };
        let (mut found, mut looked_at, mut before) = (Vec::new(), 0, work.reader().log_end()?);
        loop {
            let events = work.reader().events((0, before), &wanted, AT_ONCE)?;
            let Some(last) = events.last() else { return Ok((reversed(found), looked_at, false)) };
            before = last.seq - 1;
            // The times of events go with their order but for what runs at the same moment.
            let is_past = last.at < self.past.from.plus_seconds(-3_600);
            for event in events.iter().filter(|event| (self.past.from..=self.past.to).contains(&event.at)) {
                looked_at += 1;
                if is_wanted(trigger, event)? && self.met_then(work, event)? {
                    found.push(Occasion { record: event.record_id, event: Some((event.id, event.kind.clone())), at: event.at });
                }
                if found.len() > self.past.limit || looked_at >= LOOKED_AT {
                    return Ok((reversed(found), looked_at, true));
                }
            }
            if is_past {
                return Ok((reversed(found), looked_at, false));
            }
        }
    }

    /// Whether the record of an event met the filter right after it.
    fn met_then(&self, work: &mut Work<'_>, event: &EventRow) -> Result<bool, Problem> {
        let Some(filter) = self.rule.get(Rule::filter) else {
            return Ok(lookup::by_id(work, self.object, event.record_id)?.is_some());
        };
        let predicate = parse::from_json(self.object, filter, &self.system.view(self.now))?;
        if filters::asks_beyond(&predicate) {
            return Ok(meets(work, &self.system, self.now, (self.object, &self.rule), event.record_id)?.is_some());
        }
        let then = as_it_was(work.reader(), &self.system, self.now, self.object, event)?;
        Ok(then.is_some_and(|record| filters::meets(&self.system, self.now, self.object, filter, &record)))
    }

    /// The records whose time has passed.
    fn on_time(&self, work: &mut Work<'_>) -> Result<(Vec<Occasion>, i64, bool), Problem> {
        let Some(timed) = Timed::of(work.reader(), &self.system, self.now, &self.rule)? else {
            return Ok((Vec::new(), 0, false));
        };
        let predicate = timed.candidates(self.past.from, self.past.to);
        let schema = self.system.schema(self.object);
        let (mut found, mut looked_at, mut after) = (Vec::new(), 0, Id::NIL);
        loop {
            // It has not acted yet, as far as a rehearsal goes.
            let asked = Passed {
                object: self.object,
                predicate: &predicate,
                field: &timed.field,
                rule: Id::NIL,
                now: self.now,
                after,
                limit: AT_ONCE,
            };
            let ids = work.reader().passed(&asked)?;
            let Some(last) = ids.last().copied() else { break };
            after = last;
            for id in ids {
                looked_at += 1;
                let loaded = work.load(&schema, &self.system.view(self.now), id, &predicate)?;
                let due = loaded.and_then(|loaded| timed.due_at(timed.since(&loaded.record)?, 0));
                if let Some(at) = due.filter(|due| (self.past.from..=self.past.to).contains(due)) {
                    found.push(Occasion { record: id, event: None, at });
                }
            }
            if looked_at >= LOOKED_AT {
                break;
            }
        }
        found.sort_by_key(|occasion| (occasion.at, occasion.record));
        Ok((found, looked_at, looked_at >= LOOKED_AT))
    }

    /// What the rule would do on an occasion.
    fn run(&self, work: &mut Work<'_>, occasion: Occasion) -> Result<RehearsedRun, Problem> {
        let writer = as_system(&self.system, self.object, self.now);
        let (actions, turns) = (self.rule.get(Rule::actions), format!("rule {}", self.rule.id()));
        work.because_of(Some(Cause { kind: CauseKind::Rule, id: self.rule.id(), depth: 1 }));
        let mut changes = Vec::new();
        let tried: Result<(), Tried> = work.attempt(|work| {
            let noted = work.noted();
            perform(work, &writer, &actions, occasion.record, &turns)?;
            changes = seen_since(work, &self.asker, noted);
            Err(Tried::Well)
        });
        work.because_of(None);
        let problem = match tried {
            Ok(()) | Err(Tried::Well) => None,
            Err(Tried::Problem(problem)) if is_passing(&problem) => return Err(problem),
            Err(Tried::Problem(problem)) => Some(log::told(&problem)),
        };
        let (event_id, event_type) = occasion.event.unzip();
        let outcome = if problem.is_none() { "done" } else { "failed" };
        Ok(RehearsedRun { record_id: occasion.record, event_id, event_type, at: occasion.at, outcome, changes, problem })
    }
}

/// How a try ends: never by being kept.
enum Tried {
    Well,
    Problem(Problem),
}

impl From<StoreError> for Tried {
    fn from(error: StoreError) -> Tried {
        Tried::Problem(error.into())
    }
}

impl From<Problem> for Tried {
    fn from(problem: Problem) -> Tried {
        Tried::Problem(problem)
    }
}

fn reversed(mut found: Vec<Occasion>) -> Vec<Occasion> {
    found.reverse();
    found
}

/// A record as it was right after an event: as it is now, less what has changed since. None where it is gone, or more has changed than
/// is looked at.
fn as_it_was(
    reader: &mut Reader<'_>,
    principal: &Principal,
    now: Timestamp,
    object: &'static Object,
    event: &EventRow,
) -> Result<Option<Record>, Problem> {
    let schema = principal.schema(object);
    let layout = Work::layout(&schema);
    let within = farley_domain::query::predicate::Predicate::all();
    let Some(row) = reader.get(&layout, &principal.view(now), event.record_id, &within)? else { return Ok(None) };
    let mut record = row.to_record()?;
    let mut since = reader.events_since_version(event.record_id, event.version)?;
    if since.len() >= CHANGES {
        return Ok(None);
    }
    // What was told later of the same version is no change of the record.
    since.dedup_by_key(|event| event.version);
    for later in since.iter().rev() {
        for (path, change) in event::changes(&later.changes)? {
            let from = change.get("from").cloned().unwrap_or(Value::Null);
            match path.split_once('.') {
                Some((_, key)) => {
                    let mut custom = record.custom().clone();
                    if from.is_null() {
                        drop(custom.shift_remove(key))
                    } else {
                        drop(custom.insert(key.to_owned(), from))
                    }
                    record.set(recurring::CUSTOM, custom);
                }
                None => {
                    if let Some(field) = object.field(&path)
                        && let Some(cell) = Cell::from_json(&field.kind, &from)
                    {
                        record.put(field, cell);
                    }
                }
            }
        }
    }
    Ok(Some(record))
}
