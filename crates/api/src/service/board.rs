//! The board of the desk: tickets by status or by queue.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    choices,
    identity::access::Action,
    model::{entity::Entity, record::Record},
    query::predicate::{Predicate, View},
    service::{clock::StatusKind, queue::Queue, ticket::Ticket, ticket_status::TicketStatus},
    values::id::Id,
};
use farley_persistence::{Cell, Reader};
use serde_json::value::RawValue;

use crate::{
    access::{call::Call, unrestricted::without_custom_fields},
    http::{problem::Problem, request::parameters},
    records::{body, columns, parameters::Filters, read::PageInfo, summary},
};

/// How many statuses or queues a board shows at most.
const MOST: usize = 1_000;

/// Tickets in columns.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct TicketBoard {
    /// The statuses in their order, or the queues by name, without a queue last. Archived ones are shown as long as something is in them.
    pub columns: Vec<TicketBoardColumn>,
}

/// One column of a board of tickets.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct TicketBoardColumn {
    /// The status or queue; null for the tickets without a queue.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub id: Option<Id>,
    /// Its name; null if there is no queue, and if you may not see it.
    #[schema(example = "处理中")]
    pub name: Option<String>,
    /// The kind of the status; null for queues.
    #[schema(value_type = Option<String>, example = "open")]
    pub kind: Option<StatusKind>,
    /// The number of tickets in it.
    #[schema(example = 42)]
    pub count: i64,
    /// The first of them, the newest first.
    #[schema(schema_with = tickets)]
    pub tickets: Box<RawValue>,
    /// The cursor for the next tickets: the `cursor` of `GET /v1/tickets?status_id=…` (or `queue_id=…`) with the same filters.
    pub page: PageInfo,
}

fn tickets() -> utoipa::openapi::Array {
    utoipa::openapi::Array::new(utoipa::openapi::Ref::from_schema_name("Ticket"))
}

choices! {
    /// What the columns of a board of tickets are.
    pub enum TicketBoardBy {
        Status "status" "Statuses" "状态",
        Queue "queue" "Queues" "队列",
    }
}

choices! {
    /// What a board of tickets shows beside the unsolved ones.
    pub enum TicketBoardInclude {
        Done "done" "Solved and closed tickets" "已解决与已关闭工单",
    }
}

crate::query! {
    /// How much of a board of tickets to show.
    pub struct TicketBoardQuery {
        /// What the columns are.
        by: Option<TicketBoardBy> => choice(TicketBoardBy::choices()).default("status"),
        /// The number of tickets to return per column, 0 to 200.
        limit: i64 => integer(0, 200).default(50),
        /// `done` shows solved and closed tickets too.
        include: Option<TicketBoardInclude> => choice(TicketBoardInclude::choices()),
    }
}

type TicketFilters = Filters<Ticket>;

/// Get the board of tickets
///
/// Returns the unsolved tickets that you can see, by status or by queue: the number of tickets in each column and the first of them. The
/// filters of `GET /v1/tickets` apply to both. With `as_of` it is the board of that time.
#[utoipa::path(tag = "tickets", operation_id = "getTicketBoard", params(TicketBoardQuery, TicketFilters),
    responses((status = 200, description = "The board.", body = TicketBoard)))]
#[get("/v1/tickets/board")]
pub async fn board(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let ticket = Ticket::object();
    call.rows(ticket, Action::Read)?;
    let mut parameters = parameters(&request)?;
    let asked = body::take_query::<TicketBoardQuery>(&mut parameters);
    let found = asked.as_ref().err().cloned().unwrap_or_default();
    let query = summary::filters(ticket, &mut parameters, found, &call.view())?;
    let asked = asked?;
    let by = asked.get(TicketBoardQuery::by).unwrap_or(TicketBoardBy::Status);
    let column = match by {
        TicketBoardBy::Status => Ticket::status_id.field(),
        TicketBoardBy::Queue => Ticket::queue_id.field(),
    };
    call.demand_fields(ticket, &[column, Ticket::status.field()])?;
    let limit = usize::try_from(asked.get(TicketBoardQuery::limit)).unwrap_or(0);
    let with_done = asked.get(TicketBoardQuery::include) == Some(TicketBoardInclude::Done);
    let sort = query.sort.clone();
    let asked = columns::Asked::of(&call.principal, ticket, query, sort, limit);
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let board = call
        .state
        .store
        .read_heavily::<_, Problem>(call.claim(), move |reader| {
            let view = principal.view(now);
            let mut within = asked.query.predicate.clone();
            if !with_done {
                within = within.and(Ticket::status.is_in(StatusKind::ALL.iter().copied().filter(|kind| !kind.is_done())));
            }
            let counts = asked.counts(reader, &within, column)?;
            let counted = |id: Option<Id>| counts.iter().filter(|(cell, _)| cell.as_id() == id).map(|(_, count)| count).sum();
            let heads = match by {
                TicketBoardBy::Status => of_statuses(reader, &view, with_done)?,
                TicketBoardBy::Queue => of_queues(reader, &view, &counts)?,
            };
            let mut columns = Vec::with_capacity(heads.len());
            for Head { id, name, kind, is_live } in heads {
                let count = counted(id);
                if count == 0 && !is_live {
                    continue;
                }
                let of_column = match (by, id) {
                    (TicketBoardBy::Status, Some(id)) => Ticket::status_id.eq(id),
                    (TicketBoardBy::Queue, Some(id)) => Ticket::queue_id.eq(id),
                    (_, None) => Ticket::queue_id.is_null(),
                };
                let cards = asked.cards(reader, &view, within.clone().and(of_column))?;
                columns.push(TicketBoardColumn { id, name, kind, count, tickets: cards.records, page: cards.page });
            }
            Ok(TicketBoard { columns })
        })
        .await?;
    Ok(HttpResponse::Ok().json(board))
}

/// What stands above a column.
struct Head {
    id: Option<Id>,
    name: Option<String>,
    kind: Option<StatusKind>,
    /// Whether it is shown with nothing in it.
    is_live: bool,
}

/// The statuses in their order.
fn of_statuses(reader: &mut Reader<'_>, view: &dyn View, with_done: bool) -> Result<Vec<Head>, Problem> {
    let mut statuses = entities::<TicketStatus>(reader, view, &Predicate::all())?;
    statuses.sort_by_key(|status| (status.get(TicketStatus::sort_order).unwrap_or(i64::MAX), status.id()));
    let shown =
        statuses.into_iter().filter(|status| with_done || !status.get(TicketStatus::kind).is_some_and(StatusKind::is_done));
    let head = |status: Record<TicketStatus>| Head {
        id: Some(status.id()),
        name: Some(status.get(TicketStatus::name).to_owned()),
        kind: status.get(TicketStatus::kind),
        is_live: !status.is_archived(),
    };
    Ok(shown.map(head).collect())
}

/// The queues by name, those that may not be seen behind them, and what is in none last.
fn of_queues(reader: &mut Reader<'_>, view: &dyn View, counts: &[(Cell, i64)]) -> Result<Vec<Head>, Problem> {
    let within = view.rows(Queue::object()).unwrap_or_else(Predicate::nothing);
    let mut queues = entities::<Queue>(reader, view, &within)?;
    queues.sort_by(|left, right| left.get(Queue::name).cmp(right.get(Queue::name)).then(left.id().cmp(&right.id())));
    let head = |queue: &Record<Queue>| Head {
        id: Some(queue.id()),
        name: Some(queue.get(Queue::name).to_owned()),
        kind: None,
        is_live: !queue.is_archived(),
    };
    let mut heads: Vec<Head> = queues.iter().map(head).collect();
    let hidden = counts.iter().filter_map(|(cell, _)| cell.as_id()).filter(|id| queues.iter().all(|queue| queue.id() != *id));
    let mut hidden: Vec<Id> = hidden.collect();
    hidden.sort_unstable();
    heads.extend(hidden.into_iter().map(|id| Head { id: Some(id), name: None, kind: None, is_live: false }));
    heads.push(Head { id: None, name: None, kind: None, is_live: true });
    Ok(heads)
}

fn entities<E: Entity>(reader: &mut Reader<'_>, view: &dyn View, within: &Predicate) -> Result<Vec<Record<E>>, Problem> {
    let found = reader.find(&without_custom_fields(E::object()), view, within, MOST)?;
    Ok(found.into_iter().map(Record::into_entity).collect())
}
