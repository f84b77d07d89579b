//! Which messages go out by a channel: those that answer a customer who last wrote by it.

use farley_domain::{
    model::{event::CauseKind, record::Record},
    service::{
        channel::Channel,
        ticket::{Ticket, TicketChannel},
        ticket_message::{DeliveryState, MessageKind, TicketMessage},
    },
};
use farley_persistence::Work;

use crate::{http::problem::Problem, records::lookup};

/// Lets a new message of a ticket go out by the channel of the customer's latest message, if it is to; whether it does. What is written
/// by rules goes there too. `told` is the way that the message itself names.
pub fn address(
    work: &mut Work<'_>,
    (ticket, is_of_now, told): (&Record<Ticket>, bool, Option<TicketChannel>),
    message: &mut Record<TicketMessage>,
) -> Result<bool, Problem> {
    let imported = work.origin.cause.is_some_and(|cause| cause.kind == CauseKind::Import);
    let goes_out = matches!(message.get(TicketMessage::kind), Some(MessageKind::Reply | MessageKind::Automatic));
    let is_mail = !message.get(TicketMessage::to_addresses).is_empty()
        || !message.get(TicketMessage::cc_addresses).is_empty()
        || !message.is_null(TicketMessage::mailbox_id)
        || !message.is_null(TicketMessage::matched_by);
    // What was sent elsewhere says so by its time or its id.
    if imported || !goes_out || is_mail || !is_of_now || !message.is_null(TicketMessage::channel_message_id) {
        return Ok(false);
    }
    let Some(answered) = latest_incoming(work, ticket)? else { return Ok(false) };
    let Some(channel) = answered.get(TicketMessage::channel_id) else { return Ok(false) };
    let channel = lookup::one::<Channel>(work, channel)?;
    let in_use = |channel: &Record<Channel>| {
        !channel.is_archived() && channel.get(Channel::is_active) && !channel.is_null(Channel::outbound_url)
    };
    let Some(channel) = channel.filter(in_use) else { return Ok(false) };
    let way = answered.get(TicketMessage::channel);
    if told.is_some() && told != way {
        return Ok(false);
    }
    message.set(TicketMessage::channel, way);
    message.set(TicketMessage::channel_id, Some(channel.id()));
    message.set(TicketMessage::conversation_id, answered.get(TicketMessage::conversation_id).map(str::to_owned));
    message.set(TicketMessage::delivery_state, Some(DeliveryState::Queued));
    if message.is_null(TicketMessage::reply_to_id) {
        message.set(TicketMessage::reply_to_id, Some(answered.id()));
    }
    Ok(true)
}

/// The customer's latest message.
fn latest_incoming(work: &mut Work<'_>, ticket: &Record<Ticket>) -> Result<Option<Record<TicketMessage>>, Problem> {
    let written = work.reader().messages_of_ticket(ticket.id())?;
    for known in written.iter().rev().filter(|known| known.kind == MessageKind::Incoming) {
        let found = lookup::one::<TicketMessage>(work, known.id)?;
        if let Some(found) = found.filter(|found| !found.is_archived()) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
