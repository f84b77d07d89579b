//! Queues: who may take from them, and the next ticket out of one.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::task::Priority,
    identity::access::Action,
    model::{entity::Entity, field::Field, record::Record},
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::Predicate,
    },
    service::{clock::StatusKind, queue::Queue, ticket::Ticket},
    values::id::Id,
};
use farley_persistence::{Layout, Row, Work};

use crate::{
    access::call::Call,
    http::{
        problem::Problem,
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

/// How many tickets are looked at for one that nobody has taken in the meantime.
const CANDIDATES: usize = 20;

/// Take the next ticket
///
/// Assigns the most urgent waiting ticket of the queue to you and returns it: of those that have no owner and are new or open, the one
/// with the highest priority, then the earliest `sla_due_at`, then the earliest `opened_at`. Two agents never get the same ticket.
/// Returns 204 if none is waiting, and 403 if the queue has agents and you are not one of them.
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
            match take(work, &writer, id)? {
                Some(record) => writer.answer(work, 200, &record, Shown::new()),
                None => Ok(Answer::no_content()),
            }
        })
        .await
}

/// The next ticket, now the caller's; none, if none is waiting that they may change.
fn take(work: &mut Work<'_>, writer: &Writer, queue: Id) -> Result<Option<Record>, Problem> {
    let (object, asker) = (Ticket::object(), &writer.principal.asker);
    let rows = [Action::Read, Action::Update]
        .into_iter()
        .map(|action| asker.rows(object, action).ok_or_else(|| Problem::forbidden(action.as_str(), object.name)));
    let within = rows.collect::<Result<Vec<_>, _>>()?.into_iter().fold(Predicate::Archived(false), Predicate::and);
    // Who asks at the same time waits for the end of this work, and then finds the ticket taken.
    work.lock(&format!("queue {queue}"))?;
    for (waiting, order) in waiting(&within, queue) {
        for id in first_of(work, writer, waiting, order)? {
            let loaded = writer.load(work, &Named::Id(id), Action::Update)?;
            let mut record = loaded.record.of::<Ticket>().clone();
            if !record.is_null(Ticket::owner_id) {
                continue;
            }
            let user = writer.principal.user_id();
            record.set(Ticket::owner_id, user);
            let team = writer.team_of(work, user)?;
            record.set(Ticket::team_id, team);
            let record = writer.apply_rules(&writer.schema(), Some(&loaded.record), record.into_any())?;
            return Ok(Some(writer.store(work, &loaded, record, "assigned")?));
        }
    }
    Ok(None)
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

/// The ascending order of a time, the ticket opened first before others of the same time.
pub(super) fn in_order(order: &Field) -> Vec<SortKey> {
    let key = |field: &Field| SortKey { by: SortBy::Field(field.clone()), descending: false };
    let mut sort = vec![key(order)];
    if order.name != Ticket::opened_at.name() {
        sort.push(key(Ticket::opened_at.field()));
    }
    sort.push(key(Ticket::id.field()));
    sort
}

/// The first tickets that a predicate describes in the ascending order of a time, the one opened first before others of the same time.
fn first_of(work: &mut Work<'_>, writer: &Writer, predicate: Predicate, order: &Field) -> Result<Vec<Id>, Problem> {
    let query = ListQuery {
        predicate,
        sort: in_order(order),
        limit: CANDIDATES,
        start: Start::First,
        fields: None,
        expand: Vec::new(),
        total: false,
        as_of: None,
    };
    let names = [Ticket::id.name(), Ticket::opened_at.name(), Ticket::sla_due_at.name()].map(str::to_owned);
    let layout = Arc::new(Layout::of(&writer.schema(), &|_| true, Some(&names), &[]));
    let page = work.reader().list(&layout, &writer.principal.view(writer.now), &query)?;
    Ok(page.rows.iter().map(Row::id).collect())
}
