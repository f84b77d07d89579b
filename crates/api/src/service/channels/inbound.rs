//! What customers write by a channel, as its bridge posts it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, post, web};
use base64::{Engine, prelude::BASE64_STANDARD};
use farley_domain::{
    model::fault::{Fault, FaultCode, Faults},
    service::channel::{ATTACHMENTS, Attachment, SENDER, Sender},
    values::{id::Id, time::Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{signed::Signed, taking::Taking};
use crate::{http::problem::Problem, integration::file::kept::Kept, records::body, service::incoming::LONGEST_BODY};

/// The largest message taken, with what comes along, in bytes.
const LARGEST: usize = 20_000_000;

crate::body! {
    /// What a customer wrote.
    pub struct ChannelMessage {
        /// The id that the channel gave the message, unique within the channel: the same again is the same message.
        channel_message_id: String => text(200).required().example("wx-8f3a"),
        /// The conversation that it belongs to, by the channel's own id.
        conversation_id: String => text(200).required().example("conv-42"),
        /// Who wrote it.
        sender: Option<Sender> => structure(&SENDER).required(),
        /// What they wrote; needed if nothing comes along with it.
        text: Option<String> => long_text(LONGEST_BODY).example("打印机无法开机"),
        /// What comes along: contents in base64 become files, what is only linked to is kept as links.
        attachments: Vec<Attachment> => structure(&ATTACHMENTS),
        /// When they wrote it. Defaults to now, which it cannot be after; nor can it be before what the ticket has seen.
        sent_at: Option<Timestamp> => datetime().example("2026-03-01T08:00:00.000Z"),
        /// A text of yours, which the events of this message have too, so that you know your own echo.
        client_tag: Option<String> => text(200).example("bridge-1/8f3a"),
    }
    example serde_json::json!({"channel_message_id": "wx-8f3a", "conversation_id": "conv-42", "sender": {"id": "wmEAlECwAA", "name": "王芳", "phone": "13800138000"}, "text": "打印机无法开机"})
}

/// What became of a message.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InboundMessage {
    /// The ticket it went to.
    #[schema(value_type = String, format = "uuid")]
    pub ticket_id: Id,
    /// The message it became.
    #[schema(value_type = String, format = "uuid")]
    pub message_id: Id,
    /// The contact who wrote it.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub contact_id: Option<Id>,
}

/// Take in a message of a channel
///
/// Takes what a customer wrote by live chat, a messenger or text message. The bridge needs no credential, but signs each request with the channel's
/// secret as Standard Webhooks 1.0.0 says: `webhook-id`, `webhook-timestamp`, which must be no more than five minutes off, and
/// `webhook-signature`, `v1,` before the HMAC-SHA256 of `{id}.{timestamp}.{body}` in base64. Otherwise the response is 401.
///
/// The sender is found among the contacts by the channel's id (`external_ids`), else by a telephone number or e-mail address that only one
/// contact has, else created. The message goes to the sender's ticket of the conversation, follows it if it was merged, and opens it again if it
/// is solved; where it can no longer be reopened it opens a follow-up. Otherwise it opens a ticket in the channel's queue. The same
/// `channel_message_id` again returns 200 and the same answer.
///
/// Replies, those of rules too, are posted to the channel's `outbound_url` as `{"type": "ticket_message.created", "timestamp", "data": {"message_id", "ticket_id", "ticket_number",
/// "channel_id", "conversation_id", "kind", "text", "author", "recipient", "reply_to", "attachments", "client_tag"}}`, signed alike, with the id of the
/// message as `webhook-id`, until the bridge answers 2xx; it may answer `{"channel_message_id"}`. 400, 404, 410, 413, 415 and 422 refuse a message for good; redirects are not followed.
#[utoipa::path(tag = "channels", operation_id = "takeChannelMessage", request_body = ChannelMessage, security(()),
    params(("id" = String, Path, description = "The id of the channel."),
        ("webhook-id" = String, Header, description = "The id of the request, the same when it is repeated.", example = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
        ("webhook-timestamp" = String, Header, description = "When it was signed, in seconds since 1970.", example = "1772352000"),
        ("webhook-signature" = String, Header, description = "The signatures, separated by spaces.", example = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")),
    responses((status = 202, description = "The message is taken in.", body = InboundMessage),
              (status = 200, description = "The message was taken in before.", body = InboundMessage),
              (status = 401, description = "The signature is missing or wrong."),
              (status = 413, description = "The message is too large.")))]
#[post("/v1/channels/{id}/inbound")]
pub async fn take(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let signed = Signed::of(&request, payload, LARGEST).await?;
    let asked = body::read_plain::<ChannelMessage>(&signed.body)?;
    let attachments = asked.get(ChannelMessage::attachments);
    let mut faults = Faults::default();
    if asked.is_null(ChannelMessage::text) && attachments.is_empty() {
        faults.add(Fault::new(ChannelMessage::text.pointer(), FaultCode::Required));
    }
    let mut contents = Vec::new();
    for (place, attachment) in attachments.iter().enumerate() {
        let Some(content) = &attachment.content else { continue };
        match BASE64_STANDARD.decode(content) {
            Ok(content) => contents.push((attachment, content)),
            Err(_) => {
                let pointer = format!("{}/{place}/content", ChannelMessage::attachments.pointer());
                faults.add(Fault::new(pointer, FaultCode::WrongType).with("expected", "base64"));
            }
        }
    }
    faults.into_result(())?;
    let mut kept = Kept::none(&signed.state, signed.tenant);
    let stored = keep(&mut kept, contents).await;
    let taken = match stored {
        Ok(()) => {
            let origin = signed.origin(asked.get(ChannelMessage::client_tag));
            let taking = Taking { channel: Arc::clone(&signed.channel), asked, now: signed.now };
            let files = kept.clone();
            signed.state.store.write::<_, Problem>(signed.tenant, origin, move |work| taking.take(work, &files)).await
        }
        Err(problem) => Err(problem),
    };
    kept.give_up().await?;
    let (status, taken) = taken?;
    Ok(HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK)).json(taken))
}

/// Stores what comes along.
async fn keep(kept: &mut Kept, contents: Vec<(&Attachment, Vec<u8>)>) -> Result<(), Problem> {
    for (place, (attachment, content)) in contents.into_iter().enumerate() {
        let name = attachment.name.clone().unwrap_or_else(|| format!("attachment-{}", place + 1));
        let media_type = attachment.media_type.as_deref().unwrap_or(farley_domain::integration::media_type::UNKNOWN);
        kept.add(name, media_type, content).await?;
    }
    Ok(())
}
