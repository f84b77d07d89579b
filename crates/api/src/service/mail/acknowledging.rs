//! Acknowledgements: what a mailbox answers at once to a new request. At most one a day for each contact and mailbox, and never to what a
//! machine wrote or nobody wants answered by one (RFC 3834).

use std::sync::Arc;

use farley_domain::{
    model::{entity::Entity, field::Op, input::members, operand::Operand, record::Record},
    query::predicate::Predicate,
    service::{
        mailbox::Mailbox,
        reply_template::ReplyTemplate,
        ticket::{Ticket, TicketChannel},
        ticket_message::{MessageKind, TicketMessage},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::Work;

use crate::{
    access::principal,
    http::problem::Problem,
    records::{lookup, named::Named, words::Words, write::Writer},
    service::reply_template::language_of,
};

/// For how long nobody gets another from the same mailbox, in seconds.
const DAY: i64 = 24 * 3_600;

/// A request that came by mail.
pub struct Request<'a> {
    pub ticket: &'a Record<Ticket>,
    pub message: &'a Record<TicketMessage>,
    pub contact: Id,
    pub sender: &'a str,
    pub now: Timestamp,
}

/// Acknowledges a request, if its mailbox does so and its sender has not had one today.
pub fn acknowledge(work: &mut Work<'_>, mailbox: &Record<Mailbox>, request: &Request<'_>) -> Result<(), Problem> {
    let Some(template) = mailbox.get(Mailbox::acknowledgement_template_id) else { return Ok(()) };
    let template = lookup::one::<ReplyTemplate>(work, template)?;
    let in_use = template.filter(|template| !template.is_archived() && template.get(ReplyTemplate::is_active));
    let Some(wording) = in_use.and_then(|template| template.get(ReplyTemplate::text)) else { return Ok(()) };
    if was_acknowledged(work, mailbox, request)? {
        return Ok(());
    }
    let language = language_of(work.reader(), request.ticket, request.message.get(TicketMessage::body))?;
    let system = Arc::new(principal::system(work.reader())?);
    let words = Words { principal: &system, now: request.now, language: Some(&language) };
    let text = words.fill(work.reader(), request.ticket.any(), wording.in_language(Some(&language)))?;
    let body = members()
        .with(TicketMessage::ticket_id, Some(request.ticket.id()))
        .with(TicketMessage::kind, Some(MessageKind::Automatic))
        .with(TicketMessage::channel, Some(TicketChannel::Email))
        .with(TicketMessage::mailbox_id, Some(mailbox.id()))
        .with(TicketMessage::contact_id, Some(request.contact))
        .with(TicketMessage::reply_to_id, Some(request.message.id()))
        .with(TicketMessage::to_addresses, vec![request.sender.to_owned()])
        .with(TicketMessage::body, text);
    let parent = Some(Named::Id(request.ticket.id()));
    let writer = Writer { principal: system, object: TicketMessage::object(), now: request.now, parent, quiet: false };
    writer.create(work, &body.into_json())?;
    Ok(())
}

fn was_acknowledged(work: &mut Work<'_>, mailbox: &Record<Mailbox>, request: &Request<'_>) -> Result<bool, Problem> {
    let since = Operand::Time(request.now.plus_seconds(-DAY));
    let within = TicketMessage::contact_id
        .eq(request.contact)
        .and(TicketMessage::mailbox_id.eq(mailbox.id()))
        .and(TicketMessage::kind.eq(MessageKind::Automatic))
        .and(Predicate::test(TicketMessage::created_at.field(), Op::Gt, since));
    Ok(!lookup::find::<TicketMessage>(work, &within, 1)?.is_empty())
}
