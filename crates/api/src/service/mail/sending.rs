//! Sending: a job for each message that goes out as mail. The row of the job is written with the message; what the mail server did not
//! take is tried again for days, what it refuses for good is told at the message, and what it took is noted there.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use farley_domain::{
    integration::{
        file::{File, FileScan},
        media_type::UNKNOWN,
    },
    model::{record::Record, template::shortened},
    query::predicate::Predicate,
    service::{
        mail::{
            header::{Line, MessageId, Named, references},
            html::of_markdown,
            token::Tokens,
        },
        mailbox::Mailbox,
        ticket_message::{DeliveryState, MessageKind, TicketMessage},
    },
    values::id::Id,
};
use farley_persistence::{Change, Origin, Reader, TenantKey, Work};
use futures_util::StreamExt;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{Error, response::Severity},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{
    addressing::answers_at,
    letter::{Enclosed, Letter},
};
use crate::{
    access::{
        state::State,
        unrestricted::{Unrestricted, entity_of, without_custom_fields},
    },
    http::{clock, problem::Problem},
    integration::file::content::{Found, with_content},
    records::area::{Halt, Job},
};

/// The kind of the job.
pub const KIND: &str = "ticket_mail";
/// How often a message is tried: the pauses grow to an hour and a half, so that a mail server may be away for three days.
const ATTEMPTS: i64 = 60;
/// How many messages of a ticket are looked at for the ids that a mail refers to.
const LOOKED_AT: usize = 1_000;
/// How often, and after how long each time, it is tried to note what became of a message that the mail server took: it must not be sent
/// again for want of that.
const NOTED: usize = 30;
const PAUSE: Duration = Duration::from_secs(2);
/// Replies that tell of the server's set-up and not of the message: it has to be told who we are, or how to speak to it.
const OF_THE_SETUP: [u16; 8] = [500, 502, 503, 504, 530, 534, 535, 538];
/// How long the mail server may keep us waiting at each step.
const PATIENCE: Duration = Duration::from_secs(20);
/// After an attempt that took so long for nothing, the others wait for so long: a mail server that does not answer must not keep all
/// workers of a node waiting, who have other jobs too.
const TOO_LONG: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_secs(30);
/// The longest reason that is kept, in characters.
const REASON: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct Payload {
    message_id: Id,
}

/// Lets a message be sent.
pub fn enqueue(work: &mut Work<'_>, message: Id) -> Result<(), Problem> {
    let (payload, now) = (serde_json::to_value(Payload { message_id: message })?, work.origin.now);
    work.enqueue(KIND, &payload, now, ATTEMPTS)?;
    Ok(())
}

/// What became of an attempt.
enum Outcome {
    Sent,
    /// It is no use to try again.
    Refused(String),
    Later(String),
}

/// Sends a message, unless that has been done.
pub async fn perform(job: Job) -> Result<(), Halt> {
    let Payload { message_id } = serde_json::from_str(&job.payload).map_err(|error| Halt::Failed(error.to_string()))?;
    let (state, tenant) = (&job.state, job.tenant);
    let reading = state.background.read::<_, Problem>(tenant, move |reader| Reading::of(reader, message_id));
    let Some(read) = reading.await? else { return Ok(()) };
    let known = read.message.get(TicketMessage::delivery_error).map(str::to_owned);
    let (now, outcome) = (clock::now(), attempt(state, tenant, read).await?);
    match outcome {
        Outcome::Sent => {
            let sent = move |message: &mut Record<TicketMessage>| {
                message.set(TicketMessage::delivery_state, Some(DeliveryState::Sent));
                message.set(TicketMessage::mailed_at, Some(now));
                message.clear(TicketMessage::delivery_error);
                message.clear(TicketMessage::failed_at);
            };
            note_surely(state, tenant, message_id, "sent", sent).await
        }
        Outcome::Refused(reason) => Ok(note(state, tenant, message_id, "failed", failed(reason, now)).await?),
        Outcome::Later(reason) if job.last => {
            note(state, tenant, message_id, "failed", failed(reason.clone(), now)).await?;
            Err(Halt::Failed(reason))
        }
        Outcome::Later(reason) => {
            // Once, and not at each attempt.
            if known.as_deref() != Some(reason.as_str()) {
                let told = reason.clone();
                let delayed =
                    move |message: &mut Record<TicketMessage>| message.set(TicketMessage::delivery_error, Some(told.clone()));
                note(state, tenant, message_id, "updated", delayed).await?;
            }
            Err(Halt::Failed(reason))
        }
    }
}

fn failed(
    reason: String,
    now: farley_domain::values::time::Timestamp,
) -> impl Fn(&mut Record<TicketMessage>) + Clone + Send + Sync + 'static {
    move |message| {
        message.set(TicketMessage::delivery_state, Some(DeliveryState::Failed));
        message.set(TicketMessage::failed_at, Some(now));
        message.set(TicketMessage::delivery_error, Some(reason.clone()));
    }
}

/// What is read for a mail.
struct Reading {
    message: Record<TicketMessage>,
    mailbox: Record<Mailbox>,
    /// The ids of the messages before it.
    earlier: Vec<MessageId>,
    answered: Option<Record<TicketMessage>>,
    files: Vec<Found>,
    key: Vec<u8>,
}

impl Reading {
    /// None if the message is not to be sent any more: it has been, or it is archived.
    fn of(reader: &mut Reader<'_>, id: Id) -> Result<Option<Reading>, Problem> {
        let Some(message) = entity_of::<TicketMessage>(reader, id)? else { return Ok(None) };
        let waits = match message.get(TicketMessage::delivery_state) {
            // A job that was given up is done again by hand.
            Some(DeliveryState::Queued | DeliveryState::Failed) => !message.is_archived(),
            Some(DeliveryState::Sent | DeliveryState::Bounced) | None => false,
        };
        let (Some(ticket), Some(mailbox)) = (message.get(TicketMessage::ticket_id), message.get(TicketMessage::mailbox_id))
        else {
            return Ok(None);
        };
        let Some(mailbox) = entity_of::<Mailbox>(reader, mailbox)?.filter(|_| waits) else { return Ok(None) };
        let schema = without_custom_fields(<TicketMessage as farley_domain::model::entity::Entity>::object());
        let of_ticket = Predicate::Archived(false).and(TicketMessage::ticket_id.eq(ticket));
        let mut earlier = reader.find(&schema, &Unrestricted, &of_ticket, LOOKED_AT)?;
        let written = message.get(TicketMessage::sent_at);
        earlier.retain(|known| {
            let known = known.of::<TicketMessage>();
            // The customer does not know of notes.
            let is_known = known.get(TicketMessage::kind) != Some(MessageKind::Note);
            is_known && known.id() != id && known.get(TicketMessage::sent_at) <= written
        });
        earlier.sort_by_key(|known| (known.of::<TicketMessage>().get(TicketMessage::sent_at), known.id()));
        let id_of = |known: &Record| MessageId::of(known.of::<TicketMessage>().get(TicketMessage::channel_message_id)?);
        let earlier = earlier.iter().filter_map(id_of).collect();
        let answered = match message.get(TicketMessage::reply_to_id) {
            Some(answered) => entity_of::<TicketMessage>(reader, answered)?,
            None => None,
        };
        let mut files = Vec::new();
        for file in message.get(TicketMessage::file_ids) {
            if let Some(file) = entity_of::<File>(reader, file)?.filter(|file| !file.is_archived()) {
                files.push(with_content(reader, file)?);
            }
        }
        let key = reader.link_key()?.unwrap_or_default();
        Ok(Some(Reading { message, mailbox, earlier, answered, files, key }))
    }

    fn letter(self, tenant: TenantKey, enclosed: Vec<Enclosed>) -> Option<Letter> {
        let message = &self.message;
        let tokens = Tokens { key: &self.key, tenant: tenant.id };
        let reply_to = message.get(TicketMessage::ticket_id).and_then(|ticket| answers_at(&self.mailbox, &tokens, ticket));
        let answered = self.answered.as_ref();
        let answered_id = answered.and_then(|answered| MessageId::of(answered.get(TicketMessage::channel_message_id)?));
        let name_of = |address: &str| {
            let answered = answered.filter(|answered| answered.get(TicketMessage::sender_address) == Some(address))?;
            answered.get(TicketMessage::sender_name)
        };
        let people = |addresses: Vec<String>| {
            addresses.iter().map(|address| Named::of(address, name_of(address))).collect::<Option<Vec<Named>>>()
        };
        let sender_name = message.get(TicketMessage::sender_name);
        let text = said(message);
        Some(Letter {
            id: MessageId::of(message.get(TicketMessage::channel_message_id)?)?,
            from: Named::of(message.get(TicketMessage::sender_address)?, sender_name)?,
            to: people(message.get(TicketMessage::to_addresses))?,
            cc: people(message.get(TicketMessage::cc_addresses))?,
            reply_to: reply_to.and_then(|address| Named::of(&address, sender_name)),
            subject: Line::of(message.get(TicketMessage::subject).unwrap_or_default()),
            references: references(&self.earlier, answered_id.as_ref()),
            answered: answered_id,
            written_at: message.get(TicketMessage::sent_at)?,
            html: of_markdown(&text),
            text,
            automatic: message.get(TicketMessage::kind) == Some(MessageKind::Automatic),
            enclosed,
        })
    }
}

/// The text of a mail: that of the message, and the signature after the line by which mail programs know one.
fn said(message: &Record<TicketMessage>) -> String {
    let body = message.get(TicketMessage::body);
    message.get(TicketMessage::signature).map_or_else(|| body.to_owned(), |signature| format!("{body}\n\n-- \n{signature}"))
}

/// Until when each mail server is left alone.
static RESTING: Mutex<Option<HashMap<String, Instant>>> = Mutex::new(None);

/// Whether a mail server is left alone just now.
fn rests(url: &str) -> bool {
    let resting = RESTING.lock().unwrap_or_else(PoisonError::into_inner);
    resting.as_ref().and_then(|resting| resting.get(url)).is_some_and(|until| Instant::now() < *until)
}

fn let_rest(url: &str) {
    let mut resting = RESTING.lock().unwrap_or_else(PoisonError::into_inner);
    resting.get_or_insert_default().insert(url.to_owned(), Instant::now() + REST);
}

async fn attempt(state: &Arc<State>, tenant: TenantKey, read: Reading) -> Result<Outcome, Halt> {
    let Some(url) = &state.settings.smtp_url else {
        return Ok(Outcome::Refused("no mail server is configured (FARLEY_SMTP_URL)".to_owned()));
    };
    if rests(url.expose_secret()) {
        return Ok(Outcome::Later("the mail server does not answer".to_owned()));
    }
    let mut enclosed = Vec::new();
    for found in &read.files {
        let name = found.file.get(File::name);
        match found.file.get(File::scan) {
            Some(FileScan::Infected) => return Ok(Outcome::Refused(format!("the file {name} is infected"))),
            Some(FileScan::Pending) | None => return Ok(Outcome::Later(format!("the file {name} has not been scanned yet"))),
            Some(FileScan::Clean | FileScan::Unscanned) => {}
        }
        let size = found.file.get(File::size_bytes).map_or(0, i64::unsigned_abs);
        let mut reading = state.contents()?.read(tenant.id, found.content, 0..size).await?;
        let mut content = Vec::new();
        while let Some(piece) = reading.next().await {
            content.extend_from_slice(&piece?);
        }
        let media_type = found.file.get(File::media_type).unwrap_or(UNKNOWN).to_owned();
        enclosed.push(Enclosed { name: Line::of(name), media_type, content });
    }
    let Some(letter) = read.letter(tenant, enclosed) else {
        return Ok(Outcome::Refused("a recipient has no address that can be written to".to_owned()));
    };
    let (envelope, raw) = match letter.written() {
        Ok(written) => written,
        Err(reason) => return Ok(Outcome::Refused(reason)),
    };
    let transport = match AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret()) {
        Ok(transport) => transport.timeout(Some(PATIENCE)).build(),
        Err(error) => return Ok(Outcome::Later(error.to_string())),
    };
    let begun = Instant::now();
    Ok(match transport.send_raw(&envelope, &raw).await {
        Ok(_) => Outcome::Sent,
        Err(error) => {
            if error.status().is_none() && begun.elapsed() > TOO_LONG {
                let_rest(url.expose_secret());
            }
            let reason = shortened(Line::of(&told(&error)).as_str(), REASON);
            if is_for_good(&error) { Outcome::Refused(reason) } else { Outcome::Later(reason) }
        }
    })
}

/// An error with what caused it, each once.
fn told(error: &Error) -> String {
    let (mut told, mut known) = (error.to_string(), HashSet::new());
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !told.contains(&text) && known.insert(text.clone()) {
            told = format!("{told}: {text}");
        }
        next = cause.source();
    }
    told
}

/// Whether the mail server refused the message for good.
fn is_for_good(error: &Error) -> bool {
    let code = error.status().filter(|code| code.severity == Severity::PermanentNegativeCompletion);
    code.is_some_and(|code| !OF_THE_SETUP.contains(&u16::from(code)))
}

async fn note_surely(
    state: &Arc<State>,
    tenant: TenantKey,
    id: Id,
    verb: &'static str,
    change: impl Fn(&mut Record<TicketMessage>) + Clone + Send + Sync + 'static,
) -> Result<(), Halt> {
    let mut tried = 1;
    loop {
        match note(state, tenant, id, verb, change.clone()).await {
            Ok(()) => return Ok(()),
            Err(problem) if tried >= NOTED => return Err(problem.into()),
            Err(_) => tried += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn note(
    state: &Arc<State>,
    tenant: TenantKey,
    id: Id,
    verb: &'static str,
    change: impl Fn(&mut Record<TicketMessage>) + Send + Sync + 'static,
) -> Result<(), Problem> {
    let written = state.background.write::<_, Problem>(tenant, Origin::system(clock::now()), move |work| {
        let schema = without_custom_fields(<TicketMessage as farley_domain::model::entity::Entity>::object());
        let Some(loaded) = work.load(&schema, &Unrestricted, id, &Predicate::all())? else { return Ok(()) };
        let mut record = loaded.record.clone();
        let message = record.of_mut::<TicketMessage>();
        // A report that it could not be delivered may have been quicker.
        let bounced = message.get(TicketMessage::delivery_state) == Some(DeliveryState::Bounced);
        change(message);
        if bounced {
            message.set(TicketMessage::delivery_state, Some(DeliveryState::Bounced));
        }
        work.update(&schema, &loaded, &mut record, &Change::new(verb))?;
        Ok(())
    });
    written.await
}
