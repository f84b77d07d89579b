//! What became of a reply after the bridge took it: whether it arrived, was read, or could not be delivered.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post, web};
use farley_domain::{
    choices,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    query::predicate::Predicate,
    service::ticket_message::{DeliveryState, TicketMessage},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::Change;
use serde::Serialize;
use utoipa::ToSchema;

use super::{signed::Signed, taking::message_of};
use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
    records::{body, lookup},
    service::incoming::key_of,
};

/// The largest receipt, in bytes.
const LARGEST: usize = 64 * 1024;

choices! {
    /// What a receipt tells.
    pub enum ReceiptState {
        Delivered "delivered" "Delivered" "已送达",
        Read "read" "Read" "已读",
        Failed "failed" "Failed" "失败",
    }
}

crate::body! {
    /// What became of a reply.
    pub struct ChannelReceipt {
        /// The message, by the id that Farley sent along.
        message_id: Option<Id> => record_id(),
        /// The message, by the id that the channel gave it and the bridge answered.
        channel_message_id: Option<String> => text(200).example("wx-8f3b"),
        /// What is known of it. A receipt that arrives late changes nothing.
        state: Option<ReceiptState> => choice(ReceiptState::choices()).required().example("delivered"),
        /// When that was. Defaults to now.
        at: Option<Timestamp> => datetime().example("2026-03-01T08:00:00.000Z"),
        /// Why it could not be delivered.
        reason: Option<String> => text(1_000).example("the customer has blocked the account"),
    }
    example serde_json::json!({"channel_message_id": "wx-8f3b", "state": "delivered"})
}

/// A reply as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReceiptTaken {
    #[schema(value_type = String, format = "uuid")]
    message_id: Id,
    /// How far it has come.
    #[schema(value_type = String, example = "delivered")]
    delivery_state: DeliveryState,
}

/// Report on a reply
///
/// Tells what became of a reply that the bridge took: `delivered`, `read` or `failed`, as `delivery_state` of the message shows from then on. Signed as
/// POST …/inbound is.
#[utoipa::path(tag = "channels", operation_id = "takeChannelReceipt", request_body = ChannelReceipt, security(()),
    params(("id" = String, Path, description = "The id of the channel."),
        ("webhook-id" = String, Header, description = "The id of the request, the same when it is repeated.", example = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
        ("webhook-timestamp" = String, Header, description = "When it was signed, in seconds since 1970.", example = "1772352000"),
        ("webhook-signature" = String, Header, description = "The signatures, separated by spaces.", example = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")),
    responses((status = 200, description = "The receipt is taken.", body = ReceiptTaken),
              (status = 401, description = "The signature is missing or wrong.")))]
#[post("/v1/channels/{id}/receipts")]
pub async fn take(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let signed = Signed::of(&request, payload, LARGEST).await?;
    let asked = Arc::new(body::read_plain::<ChannelReceipt>(&signed.body)?);
    if asked.is_null(ChannelReceipt::message_id) && asked.is_null(ChannelReceipt::channel_message_id) {
        return Err(Faults::from(Fault::new(ChannelReceipt::message_id.pointer(), FaultCode::Required)).into());
    }
    let (channel, now) = (signed.channel.id(), signed.now);
    let written = signed.state.store.write::<_, Problem>(signed.tenant, signed.origin(None), move |work| {
        let found = match (asked.get(ChannelReceipt::message_id), asked.get(ChannelReceipt::channel_message_id)) {
            (Some(id), _) => lookup::one::<TicketMessage>(work, id)?,
            (None, Some(key)) => message_of(work, channel, &key_of(key))?,
            (None, None) => None,
        };
        let is_ours = |message: &Record<TicketMessage>| {
            message.get(TicketMessage::channel_id) == Some(channel) && !message.is_null(TicketMessage::delivery_state)
        };
        let message = found.filter(is_ours).ok_or_else(Problem::not_found)?;
        let schema = without_custom_fields(TicketMessage::object());
        let loaded = work.load(&schema, &Unrestricted, message.id(), &Predicate::all())?.ok_or_else(Problem::not_found)?;
        let mut record = loaded.record.clone();
        let message = record.of_mut::<TicketMessage>();
        let at = asked.get(ChannelReceipt::at).unwrap_or(now).min(now);
        let reason = asked.get(ChannelReceipt::reason).map(str::to_owned);
        let verb = asked.get(ChannelReceipt::state).and_then(|state| note(message, state, at, reason));
        if let Some(verb) = verb {
            work.update(&schema, &loaded, &mut record, &Change::new(verb))?;
        }
        let message = record.of::<TicketMessage>();
        let delivery_state = message.get(TicketMessage::delivery_state).unwrap_or(DeliveryState::Queued);
        Ok(ReceiptTaken { message_id: message.id(), delivery_state })
    });
    Ok(HttpResponse::Ok().json(written.await?))
}

/// Notes a receipt at a message, if it goes on from what is known; the verb of the event.
fn note(message: &mut Record<TicketMessage>, state: ReceiptState, at: Timestamp, reason: Option<String>) -> Option<&'static str> {
    let known = message.get(TicketMessage::delivery_state)?;
    let arrived = matches!(known, DeliveryState::Delivered | DeliveryState::Read);
    match state {
        ReceiptState::Failed if !arrived && known != DeliveryState::Failed => {
            message.set(TicketMessage::delivery_state, Some(DeliveryState::Failed));
            message.set(TicketMessage::failed_at, Some(at));
            message.set(TicketMessage::delivery_error, reason);
            Some("failed")
        }
        ReceiptState::Delivered if !arrived => {
            message.set(TicketMessage::delivery_state, Some(DeliveryState::Delivered));
            message.set(TicketMessage::delivered_at, Some(at));
            message.clear(TicketMessage::delivery_error);
            Some("delivered")
        }
        ReceiptState::Read if known != DeliveryState::Read => {
            message.set(TicketMessage::delivery_state, Some(DeliveryState::Read));
            message.set(TicketMessage::read_at, Some(at));
            message.clear(TicketMessage::delivery_error);
            Some("read")
        }
        ReceiptState::Failed | ReceiptState::Delivered | ReceiptState::Read => None,
    }
}
