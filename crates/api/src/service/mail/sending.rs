//! Sending: a job for each message that goes out as mail. The row of the job is written with the message; what the mail server did not
//! take is tried again for days, what it refuses for good is told at the message, and what it took is noted there: for each recipient by
//! itself, as a server may take a mail for some and refuse it for others.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use farley_domain::{
    integration::{file::File, media_type::UNKNOWN},
    model::{entity::Entity, record::Record, template::shortened},
    query::predicate::Predicate,
    service::{
        mail::{
            header::{Line, MessageId, Named, references},
            html::of_markdown,
            recipients::{Told, pending},
            token::Tokens,
        },
        mailbox::Mailbox,
        ticket_message::{MessageKind, TicketMessage},
    },
    values::id::Id,
};
use farley_persistence::{Reader, TenantKey, Work};
use futures_util::StreamExt;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{Error, response::Severity},
};
use secrecy::ExposeSecret;

use super::{
    addressing::answers_at,
    letter::{Enclosed, Letter, envelope_for},
};
use crate::{
    access::{
        state::State,
        unrestricted::{Unrestricted, entity_of, without_custom_fields},
    },
    http::problem::Problem,
    integration::file::content::{Found, with_content},
    records::area::{Halt, Job},
    service::delivery::{self, Attempted, Hindrance, REASON},
};

/// The kind of the job.
pub const KIND: &str = "ticket_mail";
/// How many messages of a ticket are looked at for the ids that a mail refers to.
const LOOKED_AT: usize = 1_000;
/// Replies that tell of the server's set-up and not of the message: it has to be told who we are, or how to speak to it.
const OF_THE_SETUP: [u16; 8] = [500, 502, 503, 504, 530, 534, 535, 538];
/// By this a server says that it takes nothing more just now, of anybody.
const LEAVING: u16 = 421;
/// How long the mail server may keep us waiting at each step.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lets a message be sent.
pub fn enqueue(work: &mut Work<'_>, message: Id) -> Result<(), Problem> {
    delivery::enqueue(work, KIND, message)
}

/// Sends a message, unless that has been done.
pub async fn perform(job: Job) -> Result<(), Halt> {
    let id = delivery::message_of(&job)?;
    let reading = job.state.background.read::<_, Problem>(job.tenant, move |reader| Reading::of(reader, id));
    let Some(read) = reading.await? else { return Ok(()) };
    let before = read.message.clone();
    let pending = pending(&delivery::recipients_of(&before));
    if pending.is_empty() {
        return Ok(());
    }
    let attempted = attempt(&job.state, job.tenant, read, &pending).await?;
    delivery::conclude_each(&job, (id, &before), attempted).await
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
        let Some(message) = entity_of::<TicketMessage>(reader, id)?.filter(delivery::waits) else { return Ok(None) };
        let (Some(ticket), Some(mailbox)) = (message.get(TicketMessage::ticket_id), message.get(TicketMessage::mailbox_id))
        else {
            return Ok(None);
        };
        let Some(mailbox) = entity_of::<Mailbox>(reader, mailbox)? else { return Ok(None) };
        let schema = without_custom_fields(TicketMessage::object());
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

/// Tries to send a mail to those who wait for it. What hinders all of them is told of each.
async fn attempt(state: &Arc<State>, tenant: TenantKey, read: Reading, pending: &[String]) -> Result<Attempted, Halt> {
    let all = |told: Told| Ok(pending.iter().map(|address| (address.clone(), told.clone())).collect());
    let Some(url) = &state.settings.smtp_url else {
        return all(Told::Refused("no mail server is configured (FARLEY_SMTP_URL)".to_owned()));
    };
    if delivery::rests(url.expose_secret()) {
        return all(Told::Later("the mail server does not answer".to_owned()));
    }
    let mut enclosed = Vec::new();
    for found in &read.files {
        match delivery::hindered_by(&found.file) {
            Some(Hindrance::ForGood(reason)) => return all(Told::Refused(reason)),
            Some(Hindrance::ForNow(reason)) => return all(Told::Later(reason)),
            None => {}
        }
        let name = found.file.get(File::name);
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
        return all(Told::Refused("a recipient has no address that can be written to".to_owned()));
    };
    let (envelope, raw) = match letter.written() {
        Ok(written) => written,
        Err(reason) => return all(Told::Refused(reason)),
    };
    let transport = match AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret()) {
        Ok(transport) => transport.timeout(Some(PATIENCE)).build(),
        Err(error) => return all(Told::Later(error.to_string())),
    };
    let begun = Instant::now();
    let hand_over = async |to: &[String]| {
        let envelope = envelope_for(&envelope, to).map_err(|reason| (Told::Refused(reason), true))?;
        transport.send_raw(&envelope, &raw).await.map(drop).map_err(|error| {
            let is_answered =
                error.status().is_some_and(|code| !OF_THE_SETUP.contains(&u16::from(code)) && u16::from(code) != LEAVING);
            if error.status().is_none() {
                delivery::let_rest(url.expose_secret(), begun);
            }
            let reason = shortened(Line::of(&told(&error)).as_str(), REASON);
            (if is_for_good(&error) { Told::Refused(reason) } else { Told::Later(reason) }, is_answered)
        })
    };
    // A server that refuses one recipient takes nothing of that session: then each is tried alone.
    let (refusal, is_answered) = match hand_over(pending).await {
        Ok(()) => return all(Told::Taken),
        Err(refused) => refused,
    };
    if pending.len() == 1 || !is_answered {
        return all(refusal);
    }
    let mut attempted = Attempted::new();
    for (place, address) in pending.iter().enumerate() {
        match hand_over(std::slice::from_ref(address)).await {
            Ok(()) => attempted.push((address.clone(), Told::Taken)),
            Err((told, true)) => attempted.push((address.clone(), told)),
            Err((told, false)) => {
                // It has gone away, or speaks to nobody now: the others need not ask.
                attempted.extend(pending[place..].iter().map(|address| (address.clone(), told.clone())));
                break;
            }
        }
    }
    Ok(attempted)
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
