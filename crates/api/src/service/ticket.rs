//! Tickets: every write settles what follows from the status and keeps the promises; solving, reopening and closing are moves with words
//! of their own.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::{access::Action, team::Team},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        input::{Members, members},
        record::Record,
    },
    query::predicate::Predicate,
    service::{
        clock::StatusKind,
        progress::Desk,
        queue::Queue,
        ticket::{Ticket, first_status, kind_of},
        ticket_category::TicketCategory,
        ticket_status::TicketStatus,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Loaded, Reader, Row, Work};
use serde_json::json;

use super::{assignment, merging::refuse_merged, replay, sla, ticket_sla};
use crate::{
    access::{call::Call, principal::Principal},
    http::{problem::Problem, request::Body},
    records::{
        action::{Performance, act},
        behaviour::{Behaviour, Shown, Writing},
        body::Nothing,
        giving, lookup,
        write::Writer,
    },
};

/// How many tickets may be related to one, as in every list of references.
const MOST_RELATED: usize = 200;
/// How many categories may stand above each other.
const MOST_LEVELS: usize = 50;

impl Behaviour for Ticket {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if let Some(before) = writing.before {
            refuse_merged(work, before)?;
        }
        if writing.before.is_some_and(|before| before.is_archived() != record.is_archived()) {
            if !record.is_archived() {
                record.set(Ticket::resumed_at, writing.now);
            }
            return sla::follow(work, writing, record);
        }
        complete(work, writing.before, record)?;
        let moved = writing.before.is_none_or(|before| !before.agrees(Ticket::status_id, record));
        if let Some(status) = record.get(Ticket::status_id).filter(|_| moved) {
            // The status does not go while a ticket is put there.
            work.hold(TicketStatus::object(), status)?;
        }
        let statuses = lookup::all::<TicketStatus>(work.reader())?;
        let schema = writing.principal.schema(Ticket::object());
        let desk = Desk { schema: &schema, statuses: &statuses, now: writing.now };
        desk.settle(writing.before, record).map_err(Problem::rule)?;
        note_queue(writing, record);
        if writing.before.is_some_and(|before| looks_back(before, record)) {
            return replay::retell(work, writing, record);
        }
        sla::follow(work, writing, record)
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        relate(work, writing, record)?;
        assignment::follow(work, writing, record)?;
        Ok(Shown::new())
    }

    fn derive(reader: &mut Reader<'_>, principal: &Principal, now: Timestamp, rows: &mut [Row]) -> Result<(), Problem> {
        ticket_sla::add(reader, principal, now, rows)
    }

    /// A move is an event of its own kind.
    fn verb(before: &Record<Self>, after: &Record<Self>) -> Option<&'static str> {
        (!before.agrees(Ticket::status_id, after)).then_some("status_changed")
    }
}

/// Keeps since when it has been in its queue: a new one since it was opened.
fn note_queue(writing: &Writing<'_, Ticket>, record: &mut Record<Ticket>) {
    let entered = match writing.before {
        Some(before) if before.agrees(Ticket::queue_id, record) => return,
        _ if record.is_null(Ticket::queue_id) => None,
        Some(_) => Some(writing.now),
        None => record.get(Ticket::opened_at),
    };
    record.set(Ticket::queue_entered_at, entered);
}

/// Whether a message is from before the ticket came back: its clocks have gone on since.
fn looks_back(before: &Record<Ticket>, after: &Record<Ticket>) -> bool {
    let Some(resumed) = before.get(Ticket::resumed_at) else { return false };
    let messages = [Ticket::last_reply_at, Ticket::last_customer_message_at];
    messages.into_iter().any(|time| !before.agrees(time, after) && after.get(time).is_some_and(|at| at < resumed))
}

/// The tickets that a ticket has come to name, or no longer names, do the same.
fn relate(work: &mut Work<'_>, writing: &Writing<'_, Ticket>, record: &Record<Ticket>) -> Result<(), Problem> {
    let before = writing.before.map(|before| before.get(Ticket::related_ids)).unwrap_or_default();
    let after = record.get(Ticket::related_ids);
    let mut changed: Vec<Id> = before.iter().chain(&after).copied().collect();
    changed.retain(|id| before.contains(id) != after.contains(id));
    // Always in the same order, so that no two writers wait for each other.
    changed.sort_unstable();
    changed.dedup();
    let (schema, view) = (writing.principal.schema(Ticket::object()), writing.principal.view(writing.now));
    for other in changed {
        let Some(loaded) = work.load(&schema, &view, other, &Predicate::all())? else { continue };
        let mut ticket = loaded.record.of::<Ticket>().clone();
        let mut related = ticket.get(Ticket::related_ids);
        related.retain(|id| *id != record.id());
        if after.contains(&other) {
            related.push(record.id());
        }
        if related.len() > MOST_RELATED {
            let fault = Fault::new(Ticket::related_ids.pointer(), FaultCode::TooMany);
            return Err(Problem::rule(fault.with("max", MOST_RELATED).into()));
        }
        ticket.set(Ticket::related_ids, related);
        work.update(&schema, &loaded, ticket.any_mut(), &Change::new("updated"))?;
    }
    Ok(())
}

/// What a ticket does not say, its contact and its category do.
fn complete(work: &mut Work<'_>, before: Option<&Record<Ticket>>, record: &mut Record<Ticket>) -> Result<(), Problem> {
    let changed = |handle| before.is_none_or(|before: &Record<Ticket>| !before.agrees(handle, record));
    let (contact, category) = (changed(Ticket::contact_id), changed(Ticket::category_id));
    if let Some(contact) = record.get(Ticket::contact_id).filter(|_| contact && record.is_null(Ticket::customer_id)) {
        let customer = lookup::customer_of_contact(work, contact)?;
        record.set(Ticket::customer_id, customer);
    }
    if let Some(category) = record.get(Ticket::category_id).filter(|_| category && record.is_null(Ticket::queue_id)) {
        let queue = queue_of(work, category)?;
        record.set(Ticket::queue_id, queue);
    }
    Ok(())
}

/// The queue of a category, or of the nearest one above it that has one.
fn queue_of(work: &mut Work<'_>, category: Id) -> Result<Option<Id>, Problem> {
    let mut next = Some(category);
    for _ in 0..MOST_LEVELS {
        let Some(id) = next else { break };
        let Some(category) = lookup::one::<TicketCategory>(work, id)? else { break };
        if let Some(queue) = category.get(TicketCategory::queue_id) {
            return Ok(Some(queue));
        }
        next = category.get(TicketCategory::parent_id);
    }
    Ok(None)
}

crate::body! {
    /// How a ticket was solved.
    pub struct TicketSolution {
        /// How it was solved.
        resolution: Option<String> => long_text(20_000),
        /// What caused it.
        cause: Option<String> => text(200),
        /// When it was solved. Defaults to now.
        solved_at: Option<Timestamp> => datetime(),
    }
    example json!({"resolution": "更换电源后恢复正常", "cause": "电源故障"})
}

crate::body! {
    /// What else the new ticket is.
    pub struct TicketFollowUp {
        /// The subject. Defaults to the subject of the ticket.
        subject: Option<String> => text(300),
        /// What the customer asks for now.
        description: Option<String> => long_text(50_000),
    }
    example json!({"description": "打印机又无法开机"})
}

/// Solve a ticket
///
/// Moves it to the first active status of the kind `solved`. Returns 409 if it is solved or closed already.
#[utoipa::path(tag = "tickets", operation_id = "solveTicket", request_body = TicketSolution,
    params(("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The solved ticket.", body = ref("#/components/schemas/Ticket"))))]
#[post("/v1/tickets/{id}/solve")]
pub async fn solve(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Ticket, TicketSolution>((call, request, body), Action::Update, |work, asked| {
        let mut record = enter(work, asked.record(), StatusKind::Solved, |kind| !kind.is_done(), &["reopen", "close"])?;
        if let Some(resolution) = asked.body.get(TicketSolution::resolution) {
            record.set(Ticket::resolution, resolution.to_owned());
        }
        if let Some(cause) = asked.body.get(TicketSolution::cause) {
            record.set(Ticket::cause, cause.to_owned());
        }
        if let Some(at) = asked.body.get(TicketSolution::solved_at) {
            record.set(Ticket::solved_at, at);
        }
        asked.store(work, record, "updated")
    })
    .await
}

/// Reopen a ticket
///
/// Moves it to the first active status of the kind `open`. Returns 409 if it is neither solved nor closed, and 422 if its status can
/// no longer be reopened; then create a follow-up ticket.
#[utoipa::path(tag = "tickets", operation_id = "reopenTicket", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The reopened ticket.", body = ref("#/components/schemas/Ticket"))))]
#[post("/v1/tickets/{id}/reopen")]
pub async fn reopen(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Ticket, Nothing>((call, request, body), Action::Update, |work, asked| {
        let record = enter(work, asked.record(), StatusKind::Open, StatusKind::is_done, &["update"])?;
        asked.store(work, record, "updated")
    })
    .await
}

/// Close a ticket
///
/// Moves it to the first active status of the kind `closed`. Returns 409 if it is closed already.
#[utoipa::path(tag = "tickets", operation_id = "closeTicket", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The closed ticket.", body = ref("#/components/schemas/Ticket"))))]
#[post("/v1/tickets/{id}/close")]
pub async fn close(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Ticket, Nothing>((call, request, body), Action::Update, |work, asked| {
        let record = enter(work, asked.record(), StatusKind::Closed, |kind| kind != StatusKind::Closed, &["reopen"])?;
        asked.store(work, record, "updated")
    })
    .await
}

/// Create a follow-up ticket
///
/// Creates a new ticket for the same customer, contact, product, category and queue that refers to this one in `follow_up_of_id`: for
/// a request that comes after the ticket can no longer be reopened.
#[utoipa::path(tag = "tickets", operation_id = "followUpTicket", request_body = TicketFollowUp,
    params(("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 201, description = "The new ticket.", body = ref("#/components/schemas/Ticket"))))]
#[post("/v1/tickets/{id}/follow-up")]
pub async fn follow_up(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Ticket, TicketFollowUp>((call, request, body), Action::Read, |work, asked| {
        let former = asked.record();
        refuse_merged(work, former)?;
        let subject = asked.body.get(TicketFollowUp::subject).unwrap_or_else(|| former.get(Ticket::subject));
        let body = follow_up_of(former)
            .with(Ticket::subject, subject)
            .with(Ticket::description, asked.body.get(TicketFollowUp::description).map(str::to_owned));
        let (record, shown) = asked.writer.create(work, &body.into_json())?;
        asked.writer.answer(work, 201, &record, shown)
    })
    .await
}

/// What rules and macros can do to a ticket.
pub static PERFORMANCES: [Performance; 4] = [
    Performance {
        object: Ticket::object,
        action: "escalate",
        perform: |work, writer, loaded| {
            let mut record = loaded.record.of::<Ticket>().clone();
            refuse_merged(work, &record)?;
            let manager = match manager_of(work, &record)? {
                Some(manager) => giving::taker(work, manager)?.map(|manager| manager.id()),
                None => None,
            };
            let Some(manager) = manager else {
                return Err(Problem::rule(Fault::new(Ticket::owner_id.pointer(), FaultCode::NoManager).into()));
            };
            record.set(Ticket::owner_id, manager);
            let team = writer.team_of(work, manager)?;
            record.set(Ticket::team_id, team);
            put(work, writer, loaded, record)
        },
    },
    Performance {
        object: Ticket::object,
        action: "solve",
        perform: |work, writer, loaded| {
            let record = enter(work, loaded.record.of(), StatusKind::Solved, |kind| !kind.is_done(), &["reopen", "close"])?;
            put(work, writer, loaded, record)
        },
    },
    Performance {
        object: Ticket::object,
        action: "reopen",
        perform: |work, writer, loaded| {
            let record = enter(work, loaded.record.of(), StatusKind::Open, StatusKind::is_done, &["update"])?;
            put(work, writer, loaded, record)
        },
    },
    Performance {
        object: Ticket::object,
        action: "close",
        perform: |work, writer, loaded| {
            let record = enter(work, loaded.record.of(), StatusKind::Closed, |kind| kind != StatusKind::Closed, &["reopen"])?;
            put(work, writer, loaded, record)
        },
    },
];

/// Who is responsible for a ticket that its agents cannot settle: the manager of its queue, else the one of its team.
pub fn manager_of(work: &mut Work<'_>, ticket: &Record<Ticket>) -> Result<Option<Id>, Problem> {
    if let Some(queue) = ticket.get(Ticket::queue_id)
        && let Some(manager) = lookup::one::<Queue>(work, queue)?.and_then(|queue| queue.get(Queue::manager_id))
    {
        return Ok(Some(manager));
    }
    let team = ticket.get(Ticket::team_id).map(|team| lookup::one::<Team>(work, team)).transpose()?.flatten();
    Ok(team.and_then(|team| team.get(Team::manager_id)))
}

fn put(work: &mut Work<'_>, writer: &Writer, loaded: &Loaded, record: Record<Ticket>) -> Result<(), Problem> {
    let record = writer.apply_rules(&writer.schema(), Some(&loaded.record), record.into_any())?;
    writer.store(work, loaded, record, "updated").map(drop)
}

/// What a ticket that follows up another takes over from it.
pub fn follow_up_of(former: &Record<Ticket>) -> Members<Ticket> {
    members()
        .with(Ticket::customer_id, former.get(Ticket::customer_id))
        .with(Ticket::contact_id, former.get(Ticket::contact_id))
        .with(Ticket::product_id, former.get(Ticket::product_id))
        .with(Ticket::category_id, former.get(Ticket::category_id))
        .with(Ticket::queue_id, former.get(Ticket::queue_id))
        .with(Ticket::kind, former.get(Ticket::kind))
        .with(Ticket::follow_up_of_id, Some(former.id()))
}

/// The record put into the first status of a kind, where its present one may be left for that; else the actions that may be done.
fn enter(
    work: &mut Work<'_>,
    ticket: &Record<Ticket>,
    kind: StatusKind,
    from: impl Fn(StatusKind) -> bool,
    otherwise: &[&'static str],
) -> Result<Record<Ticket>, Problem> {
    let mut record = ticket.clone();
    refuse_merged(work, &record)?;
    // Under the lock: of two who solve it at once, one finds it solved.
    let present = kind_of(&record);
    if !from(present) {
        let state = if present.is_done() { present.as_str() } else { "neither solved nor closed" };
        return Err(Problem::state(state, otherwise));
    }
    let statuses = lookup::all::<TicketStatus>(work.reader())?;
    let Some(status) = first_status(&statuses, kind) else {
        let fault = Fault::new(Ticket::status_id.pointer(), FaultCode::NoStatus);
        return Err(Problem::rule(fault.with("kind", kind.as_str()).into()));
    };
    record.set(Ticket::status_id, status.id());
    Ok(record)
}
