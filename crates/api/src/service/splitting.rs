//! Splitting a ticket: messages that ask for something else become a ticket of their own.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        input::members,
        record::Record,
        structures::ids::IDS,
    },
    query::predicate::Predicate,
    service::{
        clock::{Party, StatusKind},
        ticket::{Ticket, first_status},
        ticket_message::{MessageKind, TicketMessage},
        ticket_status::TicketStatus,
    },
    values::id::Id,
};
use farley_persistence::{Loaded, MessageOfTicket, Work};
use serde_json::{Map, json};

use super::merging::{chosen, move_messages, refuse_merged, retell};
use crate::{
    access::call::Call,
    http::{problem::Problem, request::Body},
    records::{action::act, behaviour::Shown, lookup, write::Writer},
};

crate::body! {
    /// What becomes a ticket of its own.
    pub struct TicketSplit {
        /// The messages to move, at most 1,000.
        message_ids: Vec<Id> => structure(&IDS).required().example(json!(["01890a5d-ac96-774b-bcce-b302099a8057"])),
        /// The subject of the new ticket. Defaults to that of the first message or, if it has none, of the ticket.
        subject: Option<String> => text(300),
    }
    example json!({"message_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"], "subject": "扫描仪无法连接"})
}

/// Split a ticket
///
/// Creates a new ticket with these messages, which keep their times and contacts. It is opened when the first of them was written, by
/// whoever wrote it, and takes over the ticket's customer, product, category, queue, kind and priority; it has no owner yet. Each names
/// the other in `related_ids`. The SLA clocks and times of both are computed as if the messages had always been where they are now.
#[utoipa::path(tag = "tickets", operation_id = "splitTicket", request_body = TicketSplit,
    params(("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 201, description = "The new ticket.", body = ref("#/components/schemas/Ticket"))))]
#[post("/v1/tickets/{id}/split")]
pub async fn split_ticket(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Ticket, TicketSplit>((call, request, body), Action::Update, |work, asked| {
        let (writer, ticket) = (&asked.writer, asked.record());
        writer.permit(Action::Create)?;
        refuse_merged(work, ticket)?;
        let own = work.reader().messages_of_ticket(ticket.id())?;
        let moved = chosen(&own, Some(asked.body.get(TicketSplit::message_ids)), &TicketSplit::message_ids.pointer())?;
        let messages: Vec<MessageOfTicket> = own.into_iter().filter(|message| moved.contains(&message.id)).collect();
        let body = new_ticket(work, ticket, &messages, asked.body.get(TicketSplit::subject))?;
        let (new, _) = writer.create(work, &body)?;
        move_messages(work, writer, &moved, (ticket.id(), new.id()))?;
        let loaded = again(work, writer, new.id())?;
        let record = loaded.record.of::<Ticket>().clone();
        let new = retell(work, writer, &loaded, record)?;
        let loaded = again(work, writer, ticket.id())?;
        let record = loaded.record.of::<Ticket>().clone();
        let left = retell(work, writer, &loaded, record)?;
        let changes = Map::from_iter([
            ("new_ticket_id".to_owned(), json!({"from": null, "to": new.id()})),
            (TicketSplit::message_ids.name().to_owned(), json!({"from": null, "to": moved})),
        ]);
        work.event(Ticket::NAME, "split", left.id(), left.version(), changes, left.get(Ticket::customer_id).as_slice());
        let mut answer = writer.answer(work, 201, new.any(), Shown::new())?;
        answer.status = 201;
        Ok(answer)
    })
    .await
}

/// A ticket of this work as it stands by now.
fn again(work: &mut Work<'_>, writer: &Writer, id: Id) -> Result<Loaded, Problem> {
    let view = writer.principal.view(writer.now);
    work.load(&writer.schema(), &view, id, &Predicate::all())?.ok_or_else(Problem::not_found)
}

/// The members of the new ticket.
fn new_ticket(
    work: &mut Work<'_>,
    ticket: &Record<Ticket>,
    messages: &[MessageOfTicket],
    subject: Option<&str>,
) -> Result<serde_json::Value, Problem> {
    let of_kind = |kinds: &[MessageKind]| messages.iter().find(|message| kinds.contains(&message.kind)).copied();
    let first = of_kind(&[MessageKind::Incoming, MessageKind::Reply]).or(messages.first().copied());
    let opened_by = match first.map(|first| first.kind) {
        Some(MessageKind::Incoming) => Party::Customer,
        Some(MessageKind::Reply | MessageKind::Note | MessageKind::Automatic) | None => Party::Agent,
    };
    let first = match first {
        Some(first) => lookup::one::<TicketMessage>(work, first.id)?,
        None => None,
    };
    let asking = match of_kind(&[MessageKind::Incoming]) {
        Some(asking) => lookup::one::<TicketMessage>(work, asking.id)?,
        None => None,
    };
    let contact = asking.and_then(|asking| asking.get(TicketMessage::contact_id)).or(ticket.get(Ticket::contact_id));
    // Of another person than the ticket's, the customer is theirs.
    let customer = ticket.get(Ticket::customer_id).filter(|_| contact == ticket.get(Ticket::contact_id));
    let kind = if of_kind(&[MessageKind::Reply]).is_some() { StatusKind::Open } else { StatusKind::New };
    let statuses = lookup::all::<TicketStatus>(work.reader())?;
    let Some(status) = first_status(&statuses, kind) else {
        let fault = Fault::new(Ticket::status_id.pointer(), FaultCode::NoStatus);
        return Err(Problem::rule(fault.with("kind", kind.as_str()).into()));
    };
    let own_subject = first.as_ref().and_then(|first| first.get(TicketMessage::subject));
    let body = members()
        .with(Ticket::subject, subject.or(own_subject).unwrap_or_else(|| ticket.get(Ticket::subject)))
        .with(Ticket::customer_id, customer)
        .with(Ticket::contact_id, contact)
        .with(Ticket::product_id, ticket.get(Ticket::product_id))
        .with(Ticket::category_id, ticket.get(Ticket::category_id))
        .with(Ticket::queue_id, ticket.get(Ticket::queue_id))
        .with(Ticket::channel, first.as_ref().and_then(|first| first.get(TicketMessage::channel)).or(ticket.get(Ticket::channel)))
        .with(Ticket::kind, ticket.get(Ticket::kind))
        .with(Ticket::priority, ticket.get(Ticket::priority))
        .with(Ticket::status_id, Some(status.id()))
        .with(Ticket::opened_at, first.as_ref().and_then(|first| first.get(TicketMessage::sent_at)))
        .with(Ticket::opened_by, Some(opened_by))
        .with(Ticket::related_ids, vec![ticket.id()]);
    Ok(body.into_json())
}
