//! Messages: what they make of their ticket. A reply answers the customer, a message of the customer waits for an answer.

use farley_domain::{
    activities::notification::NotificationKind,
    identity::access::Action,
    integration::file::FiledObject,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    service::{
        clock::StatusKind,
        ticket::{Ticket, first_status, kind_of, last_happening},
        ticket_message::{DeliveryState, MessageKind, TicketMessage},
        ticket_status::TicketStatus,
    },
    values::id::Id,
};
use farley_persistence::Work;

use super::{
    channels,
    mail::{addressing, sending},
    merging::{conversation, refuse_merged},
};
use crate::{
    http::problem::Problem,
    integration::take_along,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
        named::Named,
        notify::{self, News},
    },
};

impl Behaviour for TicketMessage {
    /// What a new message does not say, its ticket does.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if writing.before.is_some() {
            return Ok(());
        }
        let id = record.get(TicketMessage::ticket_id).ok_or_else(Problem::not_found)?;
        let mut ticket = lookup::one::<Ticket>(work, id)?.ok_or_else(Problem::not_found)?;
        let incoming = record.get(TicketMessage::kind) == Some(MessageKind::Incoming);
        let is_of_now = record.is_null(TicketMessage::sent_at);
        if incoming {
            // What a customer writes follows the ticket wherever it was merged.
            ticket = conversation(work, id)?;
            if ticket.is_archived() {
                return Err(Problem::archived());
            }
            record.set(TicketMessage::ticket_id, ticket.id());
        } else {
            refuse_merged(work, &ticket)?;
        }
        let mut faults = Faults::default();
        let told = record.get(TicketMessage::channel);
        let tag = work.origin.client_tag.clone();
        record.set(TicketMessage::client_tag, tag);
        if record.is_null(TicketMessage::channel) {
            let channel = addressing::channel_of(work, &ticket, record)?;
            record.set(TicketMessage::channel, channel);
        }
        if incoming && record.is_null(TicketMessage::contact_id) {
            record.set(TicketMessage::contact_id, ticket.get(Ticket::contact_id));
        }
        let may_have_contact = incoming || record.get(TicketMessage::kind) == Some(MessageKind::Automatic);
        if !may_have_contact && !record.is_null(TicketMessage::contact_id) {
            let fault = Fault::new(TicketMessage::contact_id.pointer(), FaultCode::Conflicting);
            faults.add(fault.with("other", TicketMessage::kind.name()));
        }
        let sent = record.get(TicketMessage::sent_at).unwrap_or_else(|| ticket.next_change_at(writing.now));
        record.set(TicketMessage::sent_at, sent);
        let pointer = || TicketMessage::sent_at.pointer();
        if sent > ticket.next_change_at(writing.now) {
            faults.add(Fault::new(pointer(), FaultCode::TooLate).with("max", writing.now));
        }
        if let Some(last) = last_happening(&ticket).filter(|last| sent < *last) {
            faults.add(Fault::new(pointer(), FaultCode::TooEarly).with("min", last));
        }
        if let Some(answered) = record.get(TicketMessage::reply_to_id) {
            let answered = lookup::one::<TicketMessage>(work, answered)?;
            if answered.is_none_or(|answered| answered.get(TicketMessage::ticket_id) != Some(ticket.id())) {
                faults.add(Fault::new(TicketMessage::reply_to_id.pointer(), FaultCode::NotOfTicket));
            }
        }
        faults.into_result(()).map_err(Problem::rule)?;
        if channels::addressing::address(work, (&ticket, is_of_now, told), record)? {
            return Ok(());
        }
        addressing::address(work, writing, (&ticket, is_of_now), record)
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.before.is_none() {
            take_files(work, writing, record)?;
            send_off(work, record)?;
            tell_ticket(work, writing, record)?;
        }
        Ok(Shown::new())
    }
}

/// Puts the job into the queue that sends a message, if it waits for that.
fn send_off(work: &mut Work<'_>, message: &Record<TicketMessage>) -> Result<(), Problem> {
    match message.get(TicketMessage::delivery_state) {
        Some(DeliveryState::Queued) if !message.is_null(TicketMessage::channel_id) => {
            channels::sending::enqueue(work, message.id())
        }
        Some(DeliveryState::Queued) => sending::enqueue(work, message.id()),
        Some(_) | None => Ok(()),
    }
}

/// Takes along the files that a new message names.
fn take_files(work: &mut Work<'_>, writing: &Writing<'_, TicketMessage>, message: &Record<TicketMessage>) -> Result<(), Problem> {
    let files = message.get(TicketMessage::file_ids);
    if files.is_empty() {
        return Ok(());
    }
    let ticket = message.get(TicketMessage::ticket_id).map(|ticket| (FiledObject::Ticket, ticket));
    let pointer = TicketMessage::file_ids.pointer();
    let writer = writing.writer(TicketMessage::object());
    take_along(work, &writer, &files, (FiledObject::TicketMessage, message.id()), (ticket, &pointer))
}

/// Notes a new message in its ticket.
fn tell_ticket(
    work: &mut Work<'_>,
    writing: &Writing<'_, TicketMessage>,
    message: &Record<TicketMessage>,
) -> Result<(), Problem> {
    let id = message.get(TicketMessage::ticket_id).ok_or_else(Problem::not_found)?;
    let writer = writing.writer(Ticket::object());
    let loaded = writer.load(work, &Named::Id(id), Action::Update)?;
    let mut ticket = loaded.record.of::<Ticket>().clone();
    let sent = message.get(TicketMessage::sent_at).unwrap_or(writing.now);
    let present = kind_of(&ticket);
    let (verb, moves_to) = match message.get(TicketMessage::kind) {
        Some(MessageKind::Incoming) => {
            ticket.set(Ticket::last_customer_message_at, sent);
            if ticket.is_null(Ticket::waiting_since) {
                ticket.set(Ticket::waiting_since, sent);
            }
            let resumes = present == StatusKind::WaitingCustomer || present.is_done();
            ("customer_replied", Some(StatusKind::Open).filter(|_| resumes))
        }
        Some(MessageKind::Reply) => {
            ticket.set(Ticket::last_reply_at, sent);
            ticket.clear(Ticket::waiting_since);
            if ticket.is_null(Ticket::first_responded_at) {
                ticket.set(Ticket::first_responded_at, sent);
            }
            ("replied", Some(StatusKind::Open).filter(|_| present == StatusKind::New))
        }
        Some(MessageKind::Note | MessageKind::Automatic) | None => ("updated", None),
    };
    match (message.get(TicketMessage::status_id), moves_to) {
        (Some(status), _) => ticket.set(Ticket::status_id, status),
        (None, Some(kind)) => {
            let statuses = lookup::all::<TicketStatus>(work.reader())?;
            if let Some(status) = first_status(&statuses, kind) {
                ticket.set(Ticket::status_id, status.id());
            }
        }
        (None, None) => {}
    }
    let ticket = writer.store(work, &loaded, ticket.into_any(), verb)?;
    if verb == "customer_replied" {
        let actor = Some(writing.principal.user_id()).filter(|_| !writing.principal.is_system());
        let ticket_of = ticket.of::<Ticket>();
        let owner = ticket_of.get(Ticket::owner_id);
        let mut users: Vec<Id> = owner.into_iter().chain(ticket_of.get(Ticket::follower_ids)).collect();
        users.sort_unstable();
        users.dedup();
        let news =
            News { kind: NotificationKind::CustomerReplied, object: Ticket::object(), record: &ticket, actor, count: None };
        notify::tell(work, &news, &users)?;
    }
    Ok(())
}
