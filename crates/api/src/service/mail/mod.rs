//! Mail of the desk. What reaches it is read, and [taken](taking) to the ticket that it answers, or to a new one; the raw message is kept
//! beside what was read of it; it is handed over by a mail server, or [fetched](fetching). What is written to customers by mail is [addressed](addressing) when it is written, and [sent](sending) by
//! a job.

pub(super) mod acknowledging;
pub mod addressing;
pub mod fetching;
mod letter;
pub(super) mod mailboxes;
pub mod sending;
pub(super) mod taking;

use actix_web::{HttpRequest, HttpResponse, post, web};
use farley_domain::{
    customers::contact::Contact,
    identity::access::Action,
    integration::file::File,
    model::entity::Entity,
    service::{
        mail::read::{Mail, read},
        ticket::Ticket,
    },
    values::id::Id,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use self::taking::Taking;
use crate::{
    access::call::Call,
    http::{
        problem::{Code, Problem},
        request::{parameters, refuse_rest},
    },
    integration::file::kept::Kept,
    records::{mutation::Mutation, write::Writer},
    service::incoming::key_of,
};

/// The largest mail taken, in bytes; what mail servers take is less.
const LARGEST: usize = 50_000_000;
/// How many attachments become files of their own; all are in the raw message.
const MOST_ATTACHMENTS: usize = 49;

/// What became of a mail.
#[derive(Serialize, ToSchema)]
pub struct InboundMail {
    /// The ticket it went to.
    #[schema(value_type = String, format = "uuid")]
    pub ticket_id: Id,
    /// The message it became.
    #[schema(value_type = String, format = "uuid")]
    pub message_id: Id,
    /// How the ticket was found: by a signed `token` in the ids, the address or the subject of mail from here, by its `references`, as a `report` on a message that was sent, or `none`: it is new.
    #[schema(example = "references")]
    pub matched_by: &'static str,
    /// Whether a machine wrote it. Such a message neither reopens the ticket nor waits for a reply, and must not be answered by a
    /// machine.
    pub automatic: bool,
    /// Whether its sender had no part in the conversation before.
    pub from_stranger: bool,
    /// Whether it came from one of the mailboxes of the desk itself.
    #[serde(rename = "loop")]
    pub looped: bool,
}

/// Take in a mail
///
/// Takes a raw message (RFC 5322) as a mail server received it, up to 50 MB and the server's largest file. It goes to the ticket whose signed token it
/// carries (mail from here has one in its Message-ID, its Reply-To where the mailbox has plus addresses, and its subject) or whose messages
/// it refers to in In-Reply-To or References (`channel_message_id` holds the ids of messages), never by what its subject says; mail to a merged ticket follows
/// the merge, and mail to one that can no longer be reopened opens a follow-up. Otherwise it opens a ticket in the queue of the
/// mailbox, for the contact with the sender's address, who is created if there is none.
///
/// `body` is the text of the mail, `body_html` its HTML made harmless, and `reply_text` what it says without what it quotes. The raw message and its first 49 attachments become files of the message, as far as the server accepts their types; all of them are
/// in the raw message. A mail of a machine (RFC 3834 and its relatives) becomes an
/// `automatic` message; a report that a message could not be delivered marks that message as bounced. A sender who had no part in the
/// conversation is marked as a stranger; an agent's mail becomes a note. A new request that somebody wrote is
/// acknowledged, if the mailbox does so. The same Message-ID twice is one message: the second time
/// returns 200 and the same answer. Requires permission to create and update tickets, contacts and files.
#[utoipa::path(tag = "tickets", operation_id = "takeInboundMail",
    params(("mailbox" = Option<String>, Query, description = "The mailbox it was delivered to, by its address, id or `ext:{system}:{key}`. Defaults to the first mailbox among the addresses it was delivered or written to.", example = "support@example.cn")),
    request_body(content((RawMail = "message/rfc822"))),
    responses((status = 202, description = "The mail is taken in.", body = InboundMail),
              (status = 200, description = "The mail was taken in before.", body = InboundMail),
              (status = 413, description = "The mail is too large.")))]
#[post("/v1/channels/email/inbound")]
pub async fn take(call: Call, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let writer = Writer::of(&call, Ticket::object());
    writer.permit(Action::Create)?;
    writer.permit(Action::Update)?;
    writer.on(Contact::object()).permit(Action::Create)?;
    writer.on(<File as Entity>::object()).permit(Action::Create)?;
    let mut parameters = parameters(&request)?;
    Mutation::of(&request, &mut parameters.clone(), &Value::Null)?;
    let mailbox = parameters.extract_if(.., |(name, _)| name == "mailbox").next().map(|(_, named)| named);
    let mut rest = parameters.clone();
    rest.retain(|(name, _)| name != "validate_only");
    refuse_rest(&rest, &["mailbox", "validate_only"])?;
    let named = ("message.eml", "message/rfc822");
    let (mut kept, raw) = Kept::body(&call, &request, payload, LARGEST, named).await?;
    let digest = kept.digest().to_owned();
    let mail = web::block(move || (read(&raw), raw.is_empty())).await.map_err(Problem::internal);
    let taken = match mail {
        Ok((_, true)) => Err(Problem::new(Code::MalformedRequest).with("reason", "the body is empty")),
        Ok((mail, false)) => take_read(&call, &request, &mut parameters, &mut kept, (mail, digest, mailbox)).await,
        Err(problem) => Err(problem),
    };
    kept.give_up().await?;
    taken
}

/// The schema of a raw message: bytes.
pub struct RawMail;

impl utoipa::PartialSchema for RawMail {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::integration::file::upload::FileContent::schema()
    }
}

impl ToSchema for RawMail {}

async fn take_read(
    call: &Call,
    request: &HttpRequest,
    parameters: &mut Vec<(String, String)>,
    kept: &mut Kept,
    (mut mail, digest, mailbox): (Mail, String, Option<String>),
) -> Result<HttpResponse, Problem> {
    let pictures = keep_attachments(kept, &mut mail).await?;
    let mutation = Mutation::of(request, parameters, &json!([digest, mailbox]))?;
    let key = key_of(mail.id.as_deref().unwrap_or(&digest));
    let taking = Taking { writer: Writer::of(call, Ticket::object()), mail, key, pictures, mailbox };
    let files = kept.clone();
    mutation.run(call, move |work| taking.take(work, &files)).await
}

/// Keeps what came along with a mail; the ids by which its HTML shows pictures, and their places among what is kept.
async fn keep_attachments(kept: &mut Kept, mail: &mut Mail) -> Result<Vec<(String, usize)>, Problem> {
    let mut pictures = Vec::new();
    for (number, attachment) in std::mem::take(&mut mail.attachments).into_iter().take(MOST_ATTACHMENTS).enumerate() {
        let name = attachment.name.unwrap_or_else(|| format!("attachment-{}", number + 1));
        if let Some(position) = kept.add(name, &attachment.media_type, attachment.content).await? {
            pictures.extend(attachment.content_id.map(|id| (id, position)));
        }
    }
    Ok(pictures)
}
