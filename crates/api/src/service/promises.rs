//! What is promised for a ticket, as it stands: each clock, and each stretch of its time. And what would be due for given moves.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    activities::task::Priority,
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        record::Record,
    },
    service::{
        calendar::Calendar,
        clock::{
            Clock, ClockKind, ClockState, Clocks, Entered, Happening, Party, Phase, Rest, SegmentKind, StatusKind, Target,
            segments,
        },
        moves::{MOVES, Move, check},
        sla_policy::{Promise, SlaPolicy},
        ticket::Ticket,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{ClockRow, Reader, Row};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    replay::statuses_of,
    sla::{Promised, Promises, clock_of, promise_by},
};
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{body, mutation::Mutation, named::Named},
};

/// A record and the version of it that was promised.
#[derive(Clone, Serialize, ToSchema)]
pub struct PromisedVersion {
    #[schema(value_type = String, format = "uuid")]
    pub id: Id,
    #[schema(example = 3, minimum = 1)]
    pub version: i64,
}

/// One clock of a ticket.
#[derive(Serialize, ToSchema)]
pub struct SlaClock {
    #[schema(schema_with = clock_schema)]
    pub clock: &'static str,
    /// Which of its kind it is, from 1: each message that waits for a reply starts a `next_response`.
    #[schema(example = 1, minimum = 1)]
    pub cycle: i64,
    /// The policy that promised it; null in a simulation.
    pub policy: Option<PromisedVersion>,
    /// The calendar by which business time is counted; null if all time counts.
    pub calendar: Option<PromisedVersion>,
    /// The priority whose target applies.
    #[schema(schema_with = priority_schema)]
    pub priority: &'static str,
    /// `running`, `paused`, `met`, `breached` or `stopped`. A breached clock can still be running: then it has no `ended_at`.
    #[schema(schema_with = state_schema)]
    pub state: &'static str,
    #[schema(example = 60, minimum = 1)]
    pub target_minutes: i64,
    /// The minutes counted so far.
    #[schema(example = 12.5)]
    pub elapsed_minutes: f64,
    /// The target less what was counted; negative after a breach.
    #[schema(example = 47.5)]
    pub remaining_minutes: f64,
    #[schema(value_type = String, format = "date-time")]
    pub started_at: Timestamp,
    /// When it is or was due; null while it is paused, unless it was breached before.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub due_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub paused_since: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub breached_at: Option<Timestamp>,
    /// When it was met or stopped.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub ended_at: Option<Timestamp>,
    /// The stretches of its time, in order; only in explanations and simulations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub segments: Option<Vec<SlaSegment>>,
}

/// A stretch of the time of a clock.
#[derive(Serialize, ToSchema)]
pub struct SlaSegment {
    #[schema(value_type = String, format = "date-time")]
    pub from: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    pub to: Timestamp,
    /// `counted`; `paused` by the status or a rest; `closed_hours` or `holiday` of the calendar.
    #[schema(schema_with = segment_schema)]
    pub kind: &'static str,
    #[schema(example = 30.0)]
    pub minutes: f64,
    /// The kind of status the ticket had; null before the first one known.
    #[schema(example = "open")]
    pub status: Option<&'static str>,
    /// When it entered that status, or began or ended the rest in it.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub status_since: Option<Timestamp>,
    /// `merged` or `archived` while nothing was owed because of that; null otherwise.
    #[schema(example = "merged")]
    pub rest: Option<&'static str>,
    /// The event that began it: that of the status or of the rest; null in a simulation, and before the first one known.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub event_id: Option<Id>,
}

/// The clocks of a ticket.
#[derive(Serialize, ToSchema)]
pub struct TicketSla {
    /// The time for which they are shown.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// In the order in which they started.
    pub clocks: Vec<SlaClock>,
}

fn names_of(names: impl IntoIterator<Item = &'static str>) -> utoipa::openapi::Object {
    let object = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
    object.enum_values(Some(names.into_iter().collect::<Vec<_>>())).build()
}

fn clock_schema() -> utoipa::openapi::Object {
    names_of(ClockKind::ALL.iter().map(|kind| kind.as_str()))
}

fn priority_schema() -> utoipa::openapi::Object {
    names_of(Priority::ALL.iter().map(|priority| priority.as_str()))
}

fn state_schema() -> utoipa::openapi::Object {
    names_of(ClockState::ALL.iter().map(|state| state.as_str()))
}

fn segment_schema() -> utoipa::openapi::Object {
    let kinds = [SegmentKind::Counted, SegmentKind::Paused, SegmentKind::ClosedHours, SegmentKind::Holiday];
    names_of(kinds.map(SegmentKind::as_str))
}

/// Milliseconds as minutes.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of a ticket's life are far from 2^53")]
fn minutes(milliseconds: i64) -> f64 {
    milliseconds as f64 / 60_000.0
}

/// When a clock ended; none, if it is on.
fn ended_at(clock: &Clock, is_open: bool) -> Option<Timestamp> {
    match clock.phase {
        Phase::Met { at } => Some(at),
        Phase::Stopped { since } => Some(since),
        Phase::Running { since } | Phase::Paused { since } => Some(since).filter(|_| !is_open),
    }
}

/// A clock as it is shown at a time.
fn shown(clock: &Clock, is_open: bool, target: &Target, at: Timestamp, statuses: Option<&[Entered]>) -> SlaClock {
    let mut clock = clock.clone();
    // Whether it has been told of or not.
    if let (Phase::Running { .. }, Some(due), None, true) = (clock.phase, clock.due_at, clock.breached_at, is_open)
        && due < at
    {
        clock.breached_at = Some(due);
    }
    let elapsed = clock.elapsed_at(at, target);
    let ended_at = ended_at(&clock, is_open);
    SlaClock {
        clock: clock.kind.as_str(),
        cycle: clock.cycle,
        policy: None,
        calendar: None,
        priority: Priority::Normal.as_str(),
        state: clock.state().as_str(),
        target_minutes: clock.length / 60_000,
        elapsed_minutes: minutes(elapsed),
        remaining_minutes: minutes(clock.length - elapsed),
        started_at: clock.started_at,
        due_at: clock.due_at,
        paused_since: match clock.phase {
            Phase::Paused { since } => Some(since),
            Phase::Running { .. } | Phase::Met { .. } | Phase::Stopped { .. } => None,
        },
        breached_at: clock.breached_at,
        ended_at,
        segments: statuses.map(|statuses| {
            let end = ended_at.unwrap_or(at);
            segments(clock.started_at, end, target, statuses)
                .into_iter()
                .map(|segment| SlaSegment {
                    from: segment.from,
                    to: segment.to,
                    kind: segment.kind.as_str(),
                    minutes: minutes(segment.length()),
                    status: segment.status.map(|entered| entered.status.as_str()),
                    status_since: segment.status.map(|entered| entered.at),
                    rest: segment.status.and_then(|entered| entered.rests).map(Rest::as_str),
                    event_id: segment.status.and_then(|entered| entered.because),
                })
                .collect()
        }),
    }
}

/// A clock as it is kept, with its promise, as it is shown at a time; none of a kind that is not promised.
pub fn shown_as_kept(row: &ClockRow, promised: &Promised, at: Timestamp, statuses: Option<&[Entered]>) -> Option<SlaClock> {
    let Promised { row: promised, promise } = promised;
    let clock = clock_of(row)?;
    let priority = Priority::from_wire(&row.priority).unwrap_or(Priority::Normal);
    let target = promise.targets(priority).into_iter().find(|target| target.clock == clock.kind)?;
    Some(SlaClock {
        policy: Some(PromisedVersion { id: promised.policy_id, version: promised.policy_version }),
        calendar: promised
            .calendar_id
            .filter(|_| target.hours.is_some())
            .map(|id| PromisedVersion { id, version: promised.calendar_version }),
        priority: priority.as_str(),
        ..shown(&clock, row.is_open, &target, at, statuses)
    })
}

/// Get the SLA clocks of a ticket
///
/// Returns every clock of the ticket with its target, state and due time, as promised by the version of the policy and calendar that
/// applied.
#[utoipa::path(tag = "tickets", operation_id = "getTicketSla",
    params(("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The clocks.", body = TicketSla)))]
#[get("/v1/tickets/{id}/sla")]
pub async fn sla(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    clocks(call, request, false).await
}

/// Explain the SLA clocks of a ticket
///
/// Returns every clock with the stretches of its time: what was counted, what was paused and by which status, and when the desk was
/// closed. The minutes that were counted add up to `elapsed_minutes`.
#[utoipa::path(tag = "tickets", operation_id = "explainTicketSla",
    params(("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The clocks with their segments.", body = TicketSla)))]
#[get("/v1/tickets/{id}/sla/explain")]
pub async fn explain(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    clocks(call, request, true).await
}

async fn clocks(call: Call, request: HttpRequest, explains: bool) -> Result<HttpResponse, Problem> {
    let object = Ticket::object();
    let rows = call.rows(object, Action::Read)?;
    call.demand_fields(object, &[Ticket::status.field(), Ticket::priority.field(), Ticket::sla_policy_id.field()])?;
    refuse_rest(&parameters(&request)?, &[])?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let read = move |reader: &mut Reader<'_>| {
        let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
        let row: Row = reader.get(&principal.layout(object), &principal.view(now), id, &rows)?.ok_or_else(Problem::not_found)?;
        let ticket = row.to_record()?.into_entity::<Ticket>();
        let statuses = if explains { Some(statuses_of(reader, &ticket, None)?) } else { None };
        let mut promises = Promises::default();
        let mut clocks = Vec::new();
        for row in reader.clocks(id)? {
            let promised = promises.get(reader, row.promise_id)?;
            clocks.extend(shown_as_kept(&row, promised, now, statuses.as_deref()));
        }
        Ok(TicketSla { at: now, clocks })
    };
    Ok(HttpResponse::Ok().json(call.state.store.read::<_, Problem>(call.tenant(), read).await?))
}

crate::body! {
    /// A ticket as it might go.
    pub struct SlaSimulation {
        /// The policy, as it is now.
        policy_id: Option<Id> => reference("sla_policy").required(),
        /// The priority at the beginning.
        priority: Option<Priority> => choice(Priority::choices()).default("normal"),
        /// When the ticket is opened.
        opened_at: Option<Timestamp> => datetime().required(),
        /// Who opens it.
        opened_by: Option<Party> => choice(Party::choices()).default("customer"),
        /// What happens to it, in the order of time.
        moves: Vec<Move> => structure(&MOVES).default(json!([])),
        /// The time for which to show the clocks; not before the last move.
        at: Option<Timestamp> => datetime().required(),
    }
    example json!({"policy_id": "01890a5d-ac96-774b-bcce-b302099a8057", "priority": "high", "opened_at": "2026-03-02T08:00:00Z", "moves": [{"at": "2026-03-02T08:20:00Z", "message": "agent"}, {"at": "2026-03-02T08:20:00Z", "status": "waiting_customer"}], "at": "2026-03-03T08:00:00Z"})
}

/// Simulate SLA clocks
///
/// Returns what the clocks of a ticket would say at a time, for given moves, by the policy as it is now. Nothing is stored.
#[utoipa::path(tag = "sla-policies", operation_id = "simulateSla", request_body = SlaSimulation,
    responses((status = 200, description = "The clocks with their segments.", body = TicketSla)))]
#[post("/v1/sla/simulate")]
pub async fn simulate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    Mutation::nothing(&request, &body.0)?;
    let (policies, calendars) = (call.rows(SlaPolicy::object(), Action::Read)?, call.rows(Calendar::object(), Action::Read)?);
    let asked = body::read::<SlaSimulation>(&body.0, &call.principal.standards(call.now))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let Some(policy_id) = asked.get(SlaSimulation::policy_id) else { return Err(Problem::not_found()) };
    let read = move |reader: &mut Reader<'_>| {
        let view = principal.view(now);
        let missing = || Problem::rule(Fault::new(SlaSimulation::policy_id.pointer(), FaultCode::NotFound).into());
        let policy = reader.get(&principal.layout(SlaPolicy::object()), &view, policy_id, &policies)?.ok_or_else(missing)?;
        let policy = policy.to_record()?.into_entity::<SlaPolicy>();
        let calendar = match policy.get(SlaPolicy::calendar_id) {
            Some(id) => reader.get(&principal.layout(Calendar::object()), &view, id, &calendars)?,
            None => None,
        };
        let calendar = calendar.map(|row| row.to_record()).transpose()?.map(Record::into_entity::<Calendar>);
        Ok((promise_by(&policy, calendar.as_ref(), principal.standards(now).zone), policy, calendar))
    };
    let (promise, policy, calendar) = call.state.store.read::<_, Problem>(call.tenant(), read).await?;
    let mut answer = simulated(&promise, &asked)?;
    for clock in &mut answer.clocks {
        clock.policy = Some(PromisedVersion { id: policy.id(), version: policy.version() });
        let business = promise.targets.iter().any(|target| target.business && target.clock.as_str() == clock.clock);
        clock.calendar = calendar
            .as_ref()
            .filter(|_| business)
            .map(|calendar| PromisedVersion { id: calendar.id(), version: calendar.version() });
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// The clocks of a ticket that goes as is asked.
fn simulated(promise: &Promise, asked: &Record<SlaSimulation>) -> Result<TicketSla, Problem> {
    let opened = asked.get(SlaSimulation::opened_at).unwrap_or(Timestamp::from_milliseconds(0));
    let at = asked.get(SlaSimulation::at).unwrap_or(opened);
    let moves = asked.get(SlaSimulation::moves);
    let pointers = (SlaSimulation::moves.pointer(), SlaSimulation::at.pointer());
    check(&moves, opened, at, (&pointers.0, &pointers.1)).map_err(Problem::rule)?;
    let mut priority = asked.get(SlaSimulation::priority).unwrap_or(Priority::Normal);
    let mut targets = promise.targets(priority);
    let by = asked.get(SlaSimulation::opened_by).unwrap_or(Party::Customer);
    let mut clocks = Clocks::start(opened, StatusKind::New, by, &targets);
    let mut statuses = vec![Entered::status(opened, StatusKind::New)];
    let mut priorities: Vec<(Priority, Clock)> = Vec::new();
    for one in moves {
        if let Some(party) = one.message {
            clocks.apply(one.at, Happening::Message(party), &targets);
        }
        if let Some(status) = one.status {
            clocks.apply(one.at, Happening::Status(status), &targets);
            statuses.push(Entered::status(one.at, status));
        }
        priorities.extend(clocks.over.drain(..).map(|clock| (priority, clock)));
        if let Some(next) = one.priority.filter(|next| *next != priority) {
            let next_targets = promise.targets(next);
            clocks.promise(one.at, &targets, &next_targets, &statuses);
            priorities.extend(clocks.over.drain(..).map(|clock| (priority, clock)));
            (priority, targets) = (next, next_targets);
        }
    }
    let over = priorities.into_iter().map(|(priority, clock)| (priority, clock, false));
    let open = clocks.open.into_iter().map(|clock| (priority, clock, true));
    let mut all: Vec<SlaClock> = over
        .chain(open)
        .filter_map(|(priority, clock, is_open)| {
            let target = promise.targets(priority).into_iter().find(|target| target.clock == clock.kind)?;
            Some(SlaClock { priority: priority.as_str(), ..shown(&clock, is_open, &target, at, Some(&statuses)) })
        })
        .collect();
    all.sort_by(|left, right| (left.started_at, left.clock, left.cycle).cmp(&(right.started_at, right.clock, right.cycle)));
    Ok(TicketSla { at, clocks: all })
}
