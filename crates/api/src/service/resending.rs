//! Sending a message again to those who did not get it, at other addresses where the first were wrong.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    service::{
        mail::recipients::{MailRecipient, RESENT, Resent},
        ticket_message::{DeliveryState, TicketMessage},
    },
    values::time::Timestamp,
};
use farley_persistence::Work;

use super::{
    channels, delivery,
    mail::{mailboxes::Mailboxes, sending},
};
use crate::{
    access::call::Call,
    http::{problem::Problem, request::Body},
    records::action::act,
};

crate::body! {
    /// Whom to send it to.
    pub struct MessageResending {
        /// Recipients of the mail who did not get it. If absent, all of them.
        recipients: Vec<Resent> => structure(&RESENT).example(serde_json::json!([{"address": "fang@example.cn", "corrected_to": "wang.fang@example.cn"}])),
    }
    example serde_json::json!({"recipients": [{"address": "fang@example.cn", "corrected_to": "wang.fang@example.cn"}]})
}

/// Send a message again
///
/// Sends a reply again to those of its `recipients` who did not get it: whose delivery failed, or bounced. Name some to send it to them alone,
/// with corrected addresses if theirs are wrong, which then stand in the message in their place. Nobody who got it gets it again, and it stays the
/// same message, with the same id. A reply that went out by a channel is given to its bridge again. Returns 409 if nothing has failed, and if
/// it was not sent by Farley.
#[utoipa::path(tag = "tickets", operation_id = "resendMessage", request_body = MessageResending,
    params(("ticket_id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`."),
        ("id" = String, Path, description = "The id of the message, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The message, to be sent.", body = ref("#/components/schemas/TicketMessage"))))]
#[post("/v1/tickets/{ticket_id}/messages/{id}/resend")]
pub async fn resend(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<TicketMessage, MessageResending>((call, request, body), Action::Update, |work, asked| {
        let now = asked.loaded.record.next_change_at(asked.writer.now);
        let (mut message, named) = (asked.record().clone(), asked.body.get(MessageResending::recipients));
        let Some(state) = message.get(TicketMessage::delivery_state) else { return Err(Problem::state("not sent", &[])) };
        let is_of_channel = !message.is_null(TicketMessage::channel_id);
        if is_of_channel {
            if !named.is_empty() {
                let fault = Fault::new(MessageResending::recipients.pointer(), FaultCode::Conflicting);
                return Err(Problem::rule(fault.with("other", TicketMessage::channel_id.name()).into()));
            }
            if state != DeliveryState::Failed {
                return Err(Problem::state(state.as_str(), &[]));
            }
        } else {
            address_again(work, &mut message, &named, now)?;
        }
        message.set(TicketMessage::delivery_state, Some(DeliveryState::Queued));
        message.set(TicketMessage::resent_at, Some(now));
        message.clear(TicketMessage::delivery_error);
        message.clear(TicketMessage::failed_at);
        message.clear(TicketMessage::bounced_at);
        message.clear(TicketMessage::bounce_reason);
        let id = message.id();
        let answer = asked.store(work, message, "resent")?;
        if is_of_channel {
            channels::sending::enqueue(work, id)?
        } else {
            sending::enqueue(work, id)?
        }
        Ok(answer)
    })
    .await
}

/// Puts down those as queued once more whom a mail is sent to again.
fn address_again(
    work: &mut Work<'_>,
    message: &mut Record<TicketMessage>,
    named: &[Resent],
    now: Timestamp,
) -> Result<(), Problem> {
    let mut recipients = delivery::recipients_of(message);
    let state = message.get(TicketMessage::delivery_state).unwrap_or(DeliveryState::Queued);
    // A report may tell of an address that nobody wrote to: then it may have been any of them.
    let is_unclear = state == DeliveryState::Bounced && !recipients.iter().any(MailRecipient::has_failed);
    let may_again = |one: &MailRecipient| is_unclear || one.has_failed();
    if named.is_empty() {
        let mut failed = recipients.iter_mut().filter(|one| may_again(one)).peekable();
        if failed.peek().is_none() {
            return Err(Problem::state(state.as_str(), &[]));
        }
        failed.for_each(|one| one.queue_again(now));
        message.set(TicketMessage::recipients, recipients);
        return Ok(());
    }
    let mailboxes = Mailboxes::of(work)?;
    let mut addresses = [message.get(TicketMessage::to_addresses), message.get(TicketMessage::cc_addresses)];
    let mut faults = Faults::default();
    for (place, Resent { address, corrected_to }) in named.iter().enumerate() {
        let mut fault = |member: &str, code| {
            faults.add(Fault::new(format!("{}/{place}/{member}", MessageResending::recipients.pointer()), code));
        };
        let Some(found) = recipients.iter().position(|one| one.address == *address) else {
            fault("address", FaultCode::NotFound);
            continue;
        };
        if named[..place].iter().any(|other| other.address == *address) {
            fault("address", FaultCode::Repeated);
        } else if !may_again(&recipients[found]) {
            fault("address", FaultCode::NotFailed);
        }
        if let Some(corrected) = corrected_to.as_ref().filter(|corrected| *corrected != address) {
            if mailboxes.is_own(corrected) {
                fault("corrected_to", FaultCode::OwnMailbox);
            }
            if recipients.iter().any(|one| one.address == *corrected) {
                fault("corrected_to", FaultCode::Repeated);
            }
            for own in addresses.iter_mut().flatten().filter(|own| **own == *address) {
                own.clone_from(corrected);
            }
            let one = &mut recipients[found];
            one.instead_of.get_or_insert_with(|| address.clone());
            one.address.clone_from(corrected);
        }
        recipients[found].queue_again(now);
    }
    faults.into_result(()).map_err(Problem::rule)?;
    let [to, cc] = addresses;
    message.set(TicketMessage::to_addresses, to);
    message.set(TicketMessage::cc_addresses, cc);
    message.set(TicketMessage::recipients, recipients);
    Ok(())
}
