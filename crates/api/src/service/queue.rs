//! Queues: who may take from them, and the next ticket out of one.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::task::Priority,
    identity::access::Action,
    model::{entity::Entity, field::Field, record::Record},
    query::{
        list::{ListQuery, Start},
        predicate::Predicate,
    },
    service::{assignment::Agent, clock::StatusKind, queue::Queue, ticket::Ticket},
    values::id::Id,
};
use farley_persistence::Work;
use serde_json::json;

use super::assignment::{asking, candidates, query};
use crate::{
    access::call::Call,
    http::{
        problem::{Code, Problem},
        request::{Body, parameters, refuse_rest},
    },
    records::{
        behaviour::Shown,
        body::{self, Nothing},
        lookup,
        mutation::{Answer, Mutation},
        named::Named,
        write::Writer,
    },
};

/// How many tickets are looked at, at a time.
const LOOKED_AT: usize = 20;

/// Take the next ticket
///
/// Assigns the most urgent waiting ticket of the queue to you and returns it: of those that have no owner and are new or open, the one
/// with the highest priority, then the earliest `sla_due_at`, then the earliest `opened_at`; tickets that require a skill you lack are
/// passed over. Two agents never get the same ticket.
/// Returns 204 if none is waiting that you may change; 409 `skill_missing`, with `missing_skills`, if each requires a skill that you do
/// not have; 409 `at_capacity` if you have as many unsolved tickets as your `ticket_capacity`, otherwise that of the queue, allows; and
/// 403 if the queue has agents and you are not one of them.
#[utoipa::path(tag = "queues", operation_id = "takeNextTicket", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the queue, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The ticket, now yours.", body = ref("#/components/schemas/Ticket")),
              (status = 204, description = "No ticket is waiting.")))]
#[post("/v1/queues/{id}/next")]
pub async fn next(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    body::read::<Nothing>(&body.0, &call.principal.standards(call.now))?;
    let rows = call.rows(Queue::object(), Action::Read)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let writer = Writer::of(&call, Ticket::object());
    writer.permit(Action::Update)?;
    mutation
        .run(&call, move |work| {
            let (principal, view) = (&writer.principal, writer.principal.view(writer.now));
            let id = named.find(work.reader(), principal, Queue::object())?.ok_or_else(Problem::not_found)?;
            let layout = principal.layout(Queue::object());
            work.reader().get(&layout, &view, id, &rows)?.ok_or_else(Problem::not_found)?;
            let queue = lookup::one::<Queue>(work, id)?.ok_or_else(Problem::not_found)?;
            if queue.is_archived() {
                return Err(Problem::archived());
            }
            let (agents, user) = (queue.get(Queue::agent_ids), principal.user_id());
            if !agents.is_empty() && !agents.contains(&user) {
                return Err(Problem::forbidden(Action::Update.as_str(), Ticket::NAME));
            }
            let agent = asking(work, &queue, user)?;
            if agent.is_full() {
                let capacity = agent.capacity.unwrap_or(0);
                let problem = Problem::new(Code::AtCapacity).with("load", agent.load).with("capacity", capacity);
                return Err(problem.member("load", agent.load).member("capacity", capacity));
            }
            match take(work, &writer, id, &agent)? {
                Found::Ticket(record) => writer.answer(work, 200, &record, Shown::new()),
                Found::Nothing => Ok(Answer::no_content()),
                Found::NothingFor(lacked) => {
                    let problem = Problem::new(Code::SkillMissing);
                    let sees = principal.asker.sees(Ticket::object(), Ticket::required_skills.field());
                    Err(if sees { problem.member("missing_skills", json!(lacked)) } else { problem })
                }
            }
        })
        .await
}

/// What a queue has for an agent.
enum Found {
    /// Now theirs.
    Ticket(Record),
    /// None is waiting that they may change.
    Nothing,
    /// Those that wait require these skills, which they do not have.
    NothingFor(BTreeSet<String>),
}

/// The next ticket for an agent, now theirs.
fn take(work: &mut Work<'_>, writer: &Writer, queue: Id, agent: &Agent) -> Result<Found, Problem> {
    let (object, asker) = (Ticket::object(), &writer.principal.asker);
    let rows = [Action::Read, Action::Update]
        .into_iter()
        .map(|action| asker.rows(object, action).ok_or_else(|| Problem::forbidden(action.as_str(), object.name)));
    let within = rows.collect::<Result<Vec<_>, _>>()?.into_iter().fold(Predicate::Archived(false), Predicate::and);
    // Who asks at the same time waits for the end of this work, and then finds the ticket taken.
    work.lock(&format!("queue {queue}"))?;
    let mut lacked = BTreeSet::new();
    for (waiting, order) in waiting(&within, queue) {
        loop {
            // What asks for a skill known to be missing is not looked at again, so that this ends after as many rounds as there are skills.
            let within = match lacked.is_empty() {
                true => waiting.clone(),
                false => waiting.clone().and(Predicate::Not(Box::new(Ticket::required_skills.any(lacked.iter().cloned())))),
            };
            let first = ListQuery { limit: LOOKED_AT, ..query(within, order, Start::First) };
            let (found, _) = candidates(work, writer, &first)?;
            let known = lacked.len();
            for ticket in found {
                let lacks = agent.lacks(&ticket.get(Ticket::required_skills));
                if !lacks.is_empty() {
                    lacked.extend(lacks);
                } else if let Some(record) = give(work, writer, ticket.id(), agent.id)? {
                    return Ok(Found::Ticket(record));
                }
            }
            if lacked.len() == known {
                break;
            }
        }
    }
    Ok(if lacked.is_empty() { Found::Nothing } else { Found::NothingFor(lacked) })
}

/// Gives a ticket to an agent, unless somebody has it by now.
fn give(work: &mut Work<'_>, writer: &Writer, ticket: Id, agent: Id) -> Result<Option<Record>, Problem> {
    let loaded = writer.load(work, &Named::Id(ticket), Action::Update)?;
    let mut record = loaded.record.of::<Ticket>().clone();
    if !record.is_null(Ticket::owner_id) {
        return Ok(None);
    }
    record.set(Ticket::owner_id, agent);
    let team = writer.team_of(work, agent)?;
    record.set(Ticket::team_id, team);
    let record = writer.apply_rules(&writer.schema(), Some(&loaded.record), record.into_any())?;
    Ok(Some(writer.store(work, &loaded, record, "assigned")?))
}

/// The tickets that wait in a queue, in parts that come one after the other: by priority, and of each those with a promise before the
/// others. Each part with the time by which it is ordered.
pub(super) fn waiting(within: &Predicate, queue: Id) -> Vec<(Predicate, &'static Field)> {
    let of_priority = |priority: &Priority| {
        let waiting = within
            .clone()
            .and(Ticket::queue_id.eq(queue))
            .and(Ticket::priority.eq(*priority))
            .and(Ticket::owner_id.is_null())
            .and(Ticket::merged_into_id.is_null())
            .and(Ticket::status.is_in([StatusKind::New, StatusKind::Open]));
        let promised = waiting.clone().and(Predicate::Not(Box::new(Ticket::sla_due_at.is_null())));
        [(promised, Ticket::sla_due_at.field()), (waiting.and(Ticket::sla_due_at.is_null()), Ticket::opened_at.field())]
    };
    Priority::ALL.iter().rev().flat_map(of_priority).collect()
}
