//! The conversation of a ticket as customers see it: what they and the desk wrote to each other, and no notes.

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        input::members,
        record::Record,
    },
    service::{
        clock::StatusKind,
        portal::{Portal, public_messages},
        progress::Desk,
        ticket::{Ticket, TicketChannel, first_status, kind_of},
        ticket_message::{MessageKind, TicketMessage},
        ticket_status::TicketStatus,
    },
    values::id::Id,
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    access::{Visit, named},
    files::opened,
    page::{Latest, linked},
    shown::{PortalMessage, Showing},
};
use crate::{
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        body, lookup,
        mutation::{Answer, Mutation},
        named::Named,
        read::PageInfo,
        write::Writer,
    },
    service::mail::mailboxes::Mailboxes,
};

/// How many uploads come with one message.
pub const UPLOADS: usize = 20;

crate::query! {
    /// Which messages to list.
    pub struct PortalMessagesQuery {
        /// The maximum number of messages, 1 to 100.
        limit: i64 => integer(1, 100).default(20),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
        /// Whether to count all messages.
        total: bool => boolean().default(false),
    }
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
pub struct PortalMessages {
    data: Vec<PortalMessage>,
    page: PageInfo,
}

crate::body! {
    /// What a contact writes.
    pub struct PortalAnswer {
        /// The text.
        body: String => long_text(100_000).required().example("问题仍然存在。"),
        /// The uploads that come with it.
        uploads: Vec<String> => texts(UPLOADS).default(json!([])).example(json!([])),
    }
    example json!({"body": "问题仍然存在。"})
}

/// List the messages of a ticket in a portal
///
/// Returns what the customer and the desk wrote to each other, the latest first; of a merged ticket, in the one in which it goes on.
#[utoipa::path(tag = "portals", operation_id = "listPortalMessages", security(("portalToken" = [])),
    params(PortalMessagesQuery, ("token" = String, Path, description = "The token of the portal."),
        ("id" = String, Path, description = "The id of the ticket.")),
    responses((status = 200, description = "A page of messages.", body = PortalMessages)))]
#[get("/v1/portal/{token}/tickets/{id}/messages")]
pub async fn list(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = body::read_query::<PortalMessagesQuery>(&parameters(&request)?)?;
    let visit = Visit::of(&request).await?;
    let id = named(&request)?;
    let wanted = Latest {
        by: TicketMessage::sent_at.name(),
        limit: asked.get(PortalMessagesQuery::limit),
        cursor: asked.get(PortalMessagesQuery::cursor).map(str::to_owned),
        total: asked.get(PortalMessagesQuery::total),
    };
    let call = visit.call.clone();
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let ticket = visit.ticket(reader, id)?;
        let (records, page) = wanted.read::<TicketMessage>(reader, public_messages(ticket.id()))?;
        let data = Showing::of(reader, &visit)?.messages(reader, &records)?;
        Ok(PortalMessages { data, page })
    });
    let page = reading.await?;
    Ok(linked(&request, &page.page).json(page))
}

/// Write to the desk in a portal
///
/// Adds a message of the contact to the ticket. It opens the ticket again if it is waiting for the customer, solved or closed; returns 409 if
/// it can no longer be opened again. Then open another. What is written to a merged ticket comes to the one in which it goes on.
#[utoipa::path(tag = "portals", operation_id = "answerPortalTicket", request_body = PortalAnswer, security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal."), ("id" = String, Path, description = "The id of the ticket.")),
    responses((status = 201, description = "The message.", body = PortalMessage)))]
#[post("/v1/portal/{token}/tickets/{id}/messages")]
pub async fn answer(request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let visit = Visit::of(&request).await?;
    let asked = body::read::<PortalAnswer>(&body.0, &visit.call.principal.standards(visit.call.now))?;
    let id = named(&request)?;
    let call = visit.call.clone();
    mutation
        .run(&call, move |work| {
            let id = visit.ticket(work.reader(), id)?.id();
            let files = files(work, &visit, &asked.get(PortalAnswer::uploads), &PortalAnswer::uploads.pointer())?;
            let message = say(work, &visit, id, asked.get(PortalAnswer::body), files)?;
            let reader = work.reader();
            let mut shown = Showing::of(reader, &visit)?.messages(reader, &[message])?;
            Answer::json(201, &shown.pop())
        })
        .await
}

/// The files of uploads, which must be the visitor's own.
pub fn files(work: &mut Work<'_>, visit: &Visit, uploads: &[String], pointer: &str) -> Result<Vec<Id>, Problem> {
    let mut faults = Faults::default();
    let mut files = Vec::new();
    for (place, upload) in uploads.iter().enumerate() {
        match opened(work, visit, upload)? {
            Some(file) => files.push(file),
            None => faults.add(Fault::new(format!("{pointer}/{place}"), FaultCode::NotFound)),
        }
    }
    faults.into_result(files).map_err(Problem::rule)
}

/// Adds what a contact says to a ticket.
pub fn say(work: &mut Work<'_>, visit: &Visit, ticket: Id, text: &str, files: Vec<Id>) -> Result<Record<TicketMessage>, Problem> {
    let found = lookup::one::<Ticket>(work, ticket)?.ok_or_else(Problem::not_found)?;
    let kind = kind_of(&found);
    let status = if kind.is_done() || kind == StatusKind::WaitingCustomer {
        let statuses = lookup::all::<TicketStatus>(work.reader())?;
        let schema = visit.call.principal.schema(Ticket::object());
        let desk = Desk { schema: &schema, statuses: &statuses, now: visit.call.now };
        let may_open = first_status(&statuses, StatusKind::Open).is_some_and(|open| desk.may_enter(&found, open));
        if kind.is_done() && !may_open {
            return Err(Problem::state(kind.as_str(), &[]));
        }
        // No answer is refused because the status may not be left.
        if may_open { None } else { found.get(Ticket::status_id) }
    } else {
        None
    };
    let mailbox = match visit.portal.get(Portal::mailbox_id) {
        Some(mailbox) => Mailboxes::of(work)?.active(mailbox).map(Record::id),
        None => None,
    };
    let writer = Writer { parent: Some(Named::Id(ticket)), ..visit.writer().on(TicketMessage::object()) };
    let body = members::<TicketMessage>()
        .with(TicketMessage::kind, Some(MessageKind::Incoming))
        .with(TicketMessage::channel, Some(TicketChannel::Portal))
        .with(TicketMessage::body, text.to_owned())
        .with(TicketMessage::contact_id, Some(visit.contact.id()))
        .with(TicketMessage::status_id, status)
        .with(TicketMessage::file_ids, files);
    let (message, _) = writer.create_with(work, &body.into_json(), |record| {
        let message = record.of_mut::<TicketMessage>();
        message.set(TicketMessage::sender_address, Some(visit.email.clone()));
        message.set(TicketMessage::mailbox_id, mailbox);
    })?;
    Ok(message.into_entity())
}
