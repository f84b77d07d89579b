//! Sending by channels: a job for each message, which posts it to the bridge, signed with the channel's secret. What the bridge does not
//! take is tried again for days, when it says if it says so; what it refuses for good is told at the message. The messages of a
//! conversation go out in their order.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use farley_domain::{
    identity::user::User,
    integration::{file::File, signature},
    model::{entity::Entity, record::Record, template::shortened},
    query::predicate::Predicate,
    service::{
        channel::Channel,
        ticket::Ticket,
        ticket_message::{DeliveryState, MessageKind, TicketMessage},
        turn::{Waiting, turn},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Reader, TenantKey, Work};
use serde::{Deserialize, Serialize};

use super::channel::keys;
use crate::{
    access::{
        sealed::{Form, seal},
        state::State,
        unrestricted::{Unrestricted, entity_of, without_custom_fields},
    },
    http::{clock, outgoing::Unanswered, problem::Problem},
    records::area::{Halt, Job},
    service::delivery::{self, Hindrance, Outcome, REASON},
};

/// The kind of the job.
pub const KIND: &str = "channel_message";
/// How long links to files hold that go along, in seconds.
const LINKED: i64 = 7 * 24 * 3600;
/// Answers by which a bridge refuses a message for good: it says what is wrong with it, or that there is no bridge there.
const FOR_GOOD: [u16; 6] = [400, 404, 410, 413, 415, 422];

/// How many messages that wait in a conversation are looked at.
const MOST_WAITING: usize = 1_000;
/// The bounds of how long a bridge may ask to wait, in seconds.
const ASKED_TO_WAIT: (i64, i64) = (1, 3_600);
/// Why a message waits, and why one is given up.
const WAITS: &str = "it waits for an earlier message of the conversation";
const HELD_UP: &str = "it could not be delivered for an hour, while later messages of the conversation waited";

/// What a bridge may answer.
#[derive(Deserialize)]
struct Taken {
    channel_message_id: Option<String>,
}

/// Sends a message, unless that has been done, or another of its conversation goes before it.
pub async fn perform(job: Job) -> Result<(), Halt> {
    let id = delivery::message_of(&job)?;
    let reading = job.state.background.read::<_, Problem>(job.tenant, move |reader| Reading::of(reader, id));
    let Some(read) = reading.await? else { return Ok(()) };
    let known = read.message.get(TicketMessage::delivery_error).map(str::to_owned);
    let turn = turn(Waiting::of(&read.message), &read.queue, clock::now());
    for earlier in turn.given_up {
        delivery::give_up(&job, KIND, earlier, HELD_UP).await?;
    }
    if let Some(seconds) = turn.waits {
        delivery::note_delay(&job, id, known.as_deref(), WAITS).await?;
        return Err(Halt::Waits(seconds));
    }
    let outcome = attempt(&job.state, job.tenant, &read).await?;
    delivery::conclude(&job, id, known.as_deref(), outcome, turn.is_last_try).await
}

/// What is read for a message.
struct Reading {
    message: Record<TicketMessage>,
    channel: Record<Channel>,
    ticket: Record<Ticket>,
    answered: Option<Record<TicketMessage>>,
    author: Option<Record<User>>,
    files: Vec<Record<File>>,
    /// What waits to go out in the conversation.
    queue: Vec<Waiting>,
    key: Vec<u8>,
}

impl Reading {
    /// None if the message is not to be sent any more.
    fn of(reader: &mut Reader<'_>, id: Id) -> Result<Option<Reading>, Problem> {
        let Some(message) = entity_of::<TicketMessage>(reader, id)?.filter(delivery::waits) else { return Ok(None) };
        let (Some(channel), Some(ticket)) = (message.get(TicketMessage::channel_id), message.get(TicketMessage::ticket_id))
        else {
            return Ok(None);
        };
        let (Some(channel), Some(ticket)) = (entity_of::<Channel>(reader, channel)?, entity_of::<Ticket>(reader, ticket)?) else {
            return Ok(None);
        };
        let answered = message.get(TicketMessage::reply_to_id);
        let answered = answered.map(|answered| entity_of::<TicketMessage>(reader, answered)).transpose()?.flatten();
        let by_somebody = message.get(TicketMessage::kind) == Some(MessageKind::Reply);
        let author = message.get(TicketMessage::created_by).filter(|_| by_somebody);
        let author = author.map(|author| entity_of::<User>(reader, author)).transpose()?.flatten();
        let mut files = Vec::new();
        for file in message.get(TicketMessage::file_ids) {
            files.extend(entity_of::<File>(reader, file)?.filter(|file| !file.is_archived()));
        }
        let queue = waiting_in(reader, &message)?;
        let key = reader.link_key()?.unwrap_or_default();
        Ok(Some(Reading { message, channel, ticket, answered, author, files, queue, key }))
    }

    /// What is posted.
    fn posted(&self, tenant: TenantKey) -> Result<Posted<'_>, Problem> {
        let (message, answered) = (&self.message, self.answered.as_ref());
        let mut attachments = Vec::new();
        for file in &self.files {
            let signed = seal(&self.key, Form::File, tenant.id, file.id(), clock::now().plus_seconds(LINKED))?;
            attachments.push(PostedFile {
                name: file.get(File::name),
                media_type: file.get(File::media_type),
                size_bytes: file.get(File::size_bytes),
                path: format!("/v1/file-links/{signed}"),
            });
        }
        let data = PostedMessage {
            message_id: message.id(),
            ticket_id: self.ticket.id(),
            ticket_number: self.ticket.get(Ticket::number),
            channel_id: self.channel.id(),
            conversation_id: message.get(TicketMessage::conversation_id),
            kind: message.get(TicketMessage::kind),
            text: message.get(TicketMessage::body),
            author: self
                .author
                .as_ref()
                .map(|author| Somebody { id: author.id().to_string(), name: Some(author.get(User::name)) }),
            recipient: answered.map(|answered| Somebody {
                id: answered.get(TicketMessage::channel_sender_id).unwrap_or_default().to_owned(),
                name: answered.get(TicketMessage::sender_name),
            }),
            reply_to: answered.and_then(|answered| answered.get(TicketMessage::channel_message_id)),
            attachments,
            client_tag: message.get(TicketMessage::client_tag),
        };
        Ok(Posted { r#type: "ticket_message.created", timestamp: message.get(TicketMessage::sent_at), data })
    }
}

/// What waits to go out in the conversation of a message.
fn waiting_in(reader: &mut Reader<'_>, message: &Record<TicketMessage>) -> Result<Vec<Waiting>, Problem> {
    let (Some(channel), Some(conversation)) =
        (message.get(TicketMessage::channel_id), message.get(TicketMessage::conversation_id))
    else {
        return Ok(Vec::new());
    };
    let queued = Predicate::Archived(false)
        .and(TicketMessage::conversation_id.eq(conversation.to_owned()))
        .and(TicketMessage::channel_id.eq(channel))
        .and(TicketMessage::delivery_state.eq(DeliveryState::Queued));
    let found = reader.find(&without_custom_fields(TicketMessage::object()), &Unrestricted, &queued, MOST_WAITING)?;
    Ok(found.iter().map(|message| Waiting::of(message.of())).collect())
}

/// What a bridge gets.
#[derive(Serialize)]
struct Posted<'a> {
    r#type: &'static str,
    timestamp: Option<Timestamp>,
    data: PostedMessage<'a>,
}

#[derive(Serialize)]
struct PostedMessage<'a> {
    message_id: Id,
    ticket_id: Id,
    ticket_number: Option<&'a str>,
    channel_id: Id,
    conversation_id: Option<&'a str>,
    kind: Option<MessageKind>,
    text: &'a str,
    author: Option<Somebody<'a>>,
    recipient: Option<Somebody<'a>>,
    reply_to: Option<&'a str>,
    attachments: Vec<PostedFile<'a>>,
    client_tag: Option<&'a str>,
}

#[derive(Serialize)]
struct Somebody<'a> {
    id: String,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct PostedFile<'a> {
    name: &'a str,
    media_type: Option<&'a str>,
    size_bytes: Option<i64>,
    /// On this server; the link is its own credential.
    path: String,
}

async fn attempt(state: &Arc<State>, tenant: TenantKey, read: &Reading) -> Result<Outcome, Halt> {
    let in_use = !read.channel.is_archived() && read.channel.get(Channel::is_active);
    let Some(url) = read.channel.get(Channel::outbound_url).filter(|_| in_use) else {
        return Ok(Outcome::Refused("the channel has no outbound URL or is not active".to_owned()));
    };
    match read.files.iter().find_map(delivery::hindered_by) {
        Some(Hindrance::ForGood(reason)) => return Ok(Outcome::Refused(reason)),
        Some(Hindrance::ForNow(reason)) => return Ok(later(reason)),
        None => {}
    }
    if let Some(seconds) = delivery::rests_for(url) {
        return Ok(Outcome::Later { reason: "the bridge takes nothing just now".to_owned(), seconds: Some(seconds) });
    }
    let (begun, now) = (Instant::now(), clock::now());
    let body = serde_json::to_vec(&read.posted(tenant)?).map_err(|error| Halt::Failed(error.to_string()))?;
    let id = read.message.id().to_string();
    let headers = signature::headers(&keys(&read.key, &read.channel, now)?, &id, now, &body);
    let answer = match state.outgoing()?.post(url, headers, body).await {
        Ok(answer) => answer,
        Err(Unanswered::Blocked(reason)) => return Ok(Outcome::Refused(reason)),
        Err(Unanswered::Unreached(reason)) => {
            delivery::let_rest(url, begun);
            return Ok(later(shortened(&reason, REASON)));
        }
    };
    let said = || {
        let text = String::from_utf8_lossy(&answer.body);
        let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        format!("the bridge answered {}: {text}", answer.status).trim_end_matches([':', ' ']).to_owned()
    };
    Ok(match answer.status {
        200..=299 => {
            let taken = serde_json::from_slice::<Taken>(&answer.body).ok().and_then(|taken| taken.channel_message_id);
            let given = taken.filter(|id| !id.is_empty() && id.chars().count() <= 200 && !id.chars().any(char::is_control));
            Outcome::Sent(free(state, tenant, read.channel.id(), given).await?)
        }
        status if FOR_GOOD.contains(&status) => Outcome::Refused(said()),
        _ => {
            let seconds = answer.retry_after.map(|seconds| seconds.clamp(ASKED_TO_WAIT.0, ASKED_TO_WAIT.1));
            // It asks that of all, whatever they have for it.
            if let Some(seconds) = seconds {
                delivery::leave_alone(url, Duration::from_secs(seconds.unsigned_abs()));
            }
            Outcome::Later { reason: said(), seconds }
        }
    })
}

fn later(reason: String) -> Outcome {
    Outcome::Later { reason, seconds: None }
}

/// The id that a bridge gave a message, unless another message of the channel has it.
async fn free(state: &Arc<State>, tenant: TenantKey, channel: Id, given: Option<String>) -> Result<Option<String>, Halt> {
    let Some(given) = given else { return Ok(None) };
    let reading = state.background.read::<_, Problem>(tenant, move |reader| {
        let schema = without_custom_fields(TicketMessage::object());
        let same = Predicate::Archived(false)
            .and(TicketMessage::channel_message_id.eq(given.clone()))
            .and(TicketMessage::channel_id.eq(channel));
        let known = reader.find(&schema, &Unrestricted, &same, 1)?;
        Ok(Some(given.clone()).filter(|_| known.is_empty()))
    });
    Ok(reading.await?)
}

/// Puts the job into the queue that sends a message.
pub fn enqueue(work: &mut Work<'_>, message: Id) -> Result<(), Problem> {
    delivery::enqueue(work, KIND, message)
}
