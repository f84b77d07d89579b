//! What mail and other channels share about messages that go out: a job for each, what becomes of an attempt, and where that is noted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use farley_domain::{
    integration::file::{File, FileScan},
    model::{entity::Entity, record::Record, template::shortened},
    query::predicate::Predicate,
    service::{
        mail::recipients::{MailRecipient, RecipientState, Told, reasons, together},
        ticket_message::{DeliveryState, TicketMessage},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Origin, TenantKey, Work};
use serde::{Deserialize, Serialize};

use crate::{
    access::{
        state::State,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{clock, problem::Problem},
    records::{
        area::{Halt, Job},
        lookup,
    },
};

/// How often a message is tried: the pauses grow to an hour and a half, so that who takes it may be away for three days.
const ATTEMPTS: i64 = 60;
/// How often, and after how long each time, it is tried to note what became of a message that was taken: it must not be sent again for
/// want of that.
const NOTED: usize = 30;
const PAUSE: Duration = Duration::from_secs(2);
/// The longest reason that is kept, in characters.
pub const REASON: usize = 1_000;
/// After an attempt that took so long for nothing, the others wait for so long: a server that does not answer must not keep all workers of
/// a node waiting, who have other jobs too.
const TOO_LONG: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
struct Payload {
    message_id: Id,
}

/// Lets a message be sent by a kind of job.
pub fn enqueue(work: &mut Work<'_>, kind: &str, message: Id) -> Result<(), Problem> {
    let (payload, now) = (serde_json::to_value(Payload { message_id: message })?, work.origin.now);
    // Asked for again while it waits to be tried again, it is tried at once.
    work.enqueue_once(kind, &message.to_string(), &payload, now, ATTEMPTS)?;
    Ok(())
}

/// The message that a job is about.
pub fn message_of(job: &Job) -> Result<Id, Halt> {
    let Payload { message_id } = serde_json::from_str(&job.payload).map_err(|error| Halt::Failed(error.to_string()))?;
    Ok(message_id)
}

/// Whether a message is still to be sent: not if it has been, or is archived.
#[must_use]
pub fn waits(message: &Record<TicketMessage>) -> bool {
    match message.get(TicketMessage::delivery_state) {
        // A job that was given up is done again by hand.
        Some(DeliveryState::Queued | DeliveryState::PartlyFailed | DeliveryState::Failed) => !message.is_archived(),
        Some(DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read | DeliveryState::Bounced) | None => false,
    }
}

/// What became of an attempt.
pub enum Outcome {
    /// It was taken, by this id, if whoever took it told one.
    Sent(Option<String>),
    /// It is no use to try again.
    Refused(String),
    /// Not before so many seconds, if whoever refused it says so.
    Later { reason: String, seconds: Option<i64> },
}

/// Notes at a message what became of an attempt to send it, and says what becomes of the job. `known` is what was noted before; one that
/// `is_overdue` is not tried again.
pub async fn conclude(job: &Job, id: Id, known: Option<&str>, outcome: Outcome, is_overdue: bool) -> Result<(), Halt> {
    let (state, tenant, now) = (&job.state, job.tenant, clock::now());
    match outcome {
        Outcome::Sent(given) => {
            let sent = move |message: &mut Record<TicketMessage>| {
                message.set(TicketMessage::delivery_state, Some(DeliveryState::Sent));
                message.set(TicketMessage::mailed_at, Some(now));
                message.clear(TicketMessage::delivery_error);
                message.clear(TicketMessage::failed_at);
                if message.is_null(TicketMessage::channel_message_id) {
                    message.set(TicketMessage::channel_message_id, given.clone());
                }
            };
            note_surely(state, tenant, id, "sent", sent).await
        }
        Outcome::Refused(reason) => Ok(note(state, tenant, id, "failed", failed(reason, now)).await?),
        Outcome::Later { reason, .. } if is_overdue => Ok(note(state, tenant, id, "failed", failed(reason, now)).await?),
        Outcome::Later { reason, .. } if job.last => {
            note(state, tenant, id, "failed", failed(reason.clone(), now)).await?;
            Err(Halt::Failed(reason))
        }
        Outcome::Later { reason, seconds } => {
            note_delay(job, id, known, &reason).await?;
            Err(match seconds {
                Some(seconds) => Halt::Throttled { reason, seconds },
                None => Halt::Failed(reason),
            })
        }
    }
}

/// Notes at a message why it has not gone out yet: once, and not at each attempt.
pub async fn note_delay(job: &Job, id: Id, known: Option<&str>, reason: &str) -> Result<(), Problem> {
    if known == Some(reason) {
        return Ok(());
    }
    let told = reason.to_owned();
    let delayed = move |message: &mut Record<TicketMessage>| message.set(TicketMessage::delivery_error, Some(told.clone()));
    note(&job.state, job.tenant, id, "updated", delayed).await
}

/// Gives a message up that still waits, and the job that would try it again.
pub async fn give_up(job: &Job, kind: &'static str, id: Id, reason: &'static str) -> Result<(), Problem> {
    let now = clock::now();
    let written = job.state.background.write::<_, Problem>(job.tenant, Origin::system(now), move |work| {
        work.cancel_job(kind, &id.to_string())?;
        let waits = lookup::one::<TicketMessage>(work, id)?
            .is_some_and(|message| message.get(TicketMessage::delivery_state) == Some(DeliveryState::Queued));
        if waits { write_note(work, id, "failed", &failed(reason.to_owned(), now)) } else { Ok(()) }
    });
    written.await
}

/// Those whom a mail goes to, and what has become of it with each. Of one that was written before that was kept, all are as the mail is.
#[must_use]
pub fn recipients_of(message: &Record<TicketMessage>) -> Vec<MailRecipient> {
    let kept = message.get(TicketMessage::recipients);
    if !kept.is_empty() {
        return kept;
    }
    let state = match message.get(TicketMessage::delivery_state) {
        Some(DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read) => RecipientState::Sent,
        Some(DeliveryState::Failed | DeliveryState::PartlyFailed) => RecipientState::Failed,
        Some(DeliveryState::Bounced) => RecipientState::Bounced,
        Some(DeliveryState::Queued) | None => RecipientState::Queued,
    };
    let permanent = Some(false).filter(|_| state == RecipientState::Failed);
    let addresses = message.get(TicketMessage::to_addresses).into_iter().chain(message.get(TicketMessage::cc_addresses));
    addresses.map(|address| MailRecipient { state, permanent, ..MailRecipient::queued(&address) }).collect()
}

/// What an attempt came to for each recipient who was tried.
pub type Attempted = Vec<(String, Told)>;

/// Notes at a message what became of an attempt to mail it, for each recipient, and says what becomes of the job: it is tried again for
/// those who were refused for now.
pub async fn conclude_each(job: &Job, (id, before): (Id, &Record<TicketMessage>), attempted: Attempted) -> Result<(), Halt> {
    let (now, last) = (clock::now(), job.last);
    let any_taken = attempted.iter().any(|(_, told)| *told == Told::Taken);
    let after = move |message: &Record<TicketMessage>| {
        let mut recipients = recipients_of(message);
        for (address, told) in &attempted {
            for one in recipients.iter_mut().filter(|one| one.address == *address) {
                one.note(told.clone(), last, now);
            }
        }
        recipients
    };
    let told = after(before);
    let (state, reason) = (together(&told), reasons(&told).map(|reason| shortened(&reason, REASON)));
    let verb = match state {
        DeliveryState::Queued => "updated",
        DeliveryState::PartlyFailed => "partly_failed",
        DeliveryState::Failed => "failed",
        DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read | DeliveryState::Bounced => "sent",
    };
    // What is told once more at each attempt is written once.
    let is_new = told != recipients_of(before) || state != DeliveryState::Queued;
    if is_new {
        let change = move |message: &mut Record<TicketMessage>| {
            let recipients = after(message);
            let state = together(&recipients);
            message.set(TicketMessage::delivery_state, Some(state));
            message.set(TicketMessage::delivery_error, reasons(&recipients).map(|reason| shortened(&reason, REASON)));
            message.set(TicketMessage::recipients, recipients);
            if any_taken && message.is_null(TicketMessage::mailed_at) {
                message.set(TicketMessage::mailed_at, Some(now));
            }
            match state {
                DeliveryState::Failed | DeliveryState::PartlyFailed => message.set(TicketMessage::failed_at, Some(now)),
                _ => message.clear(TicketMessage::failed_at),
            }
        };
        if any_taken {
            // Whom it was taken for must not get it again for want of a note.
            note_surely(&job.state, job.tenant, id, verb, change).await?;
        } else {
            note(&job.state, job.tenant, id, verb, change).await?;
        }
    }
    let is_left = state == DeliveryState::Queued
        || told.iter().any(|one| one.state == RecipientState::Failed && one.permanent == Some(false));
    match reason.filter(|_| is_left) {
        Some(reason) => Err(Halt::Failed(reason)),
        None => Ok(()),
    }
}

fn failed(reason: String, now: Timestamp) -> impl Fn(&mut Record<TicketMessage>) + Clone + Send + Sync + 'static {
    move |message| {
        message.set(TicketMessage::delivery_state, Some(DeliveryState::Failed));
        message.set(TicketMessage::failed_at, Some(now));
        message.set(TicketMessage::delivery_error, Some(reason.clone()));
    }
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
    let written = state
        .background
        .write::<_, Problem>(tenant, Origin::system(clock::now()), move |work| write_note(work, id, verb, &change));
    written.await
}

fn write_note(work: &mut Work<'_>, id: Id, verb: &str, change: &dyn Fn(&mut Record<TicketMessage>)) -> Result<(), Problem> {
    let schema = without_custom_fields(TicketMessage::object());
    let Some(loaded) = work.load(&schema, &Unrestricted, id, &Predicate::all())? else { return Ok(()) };
    let mut record = loaded.record.clone();
    let message = record.of_mut::<TicketMessage>();
    // A report on it may have been quicker.
    let reported = message.get(TicketMessage::delivery_state).filter(|state| match state {
        DeliveryState::Bounced | DeliveryState::Delivered | DeliveryState::Read => true,
        DeliveryState::Queued | DeliveryState::Sent | DeliveryState::PartlyFailed | DeliveryState::Failed => false,
    });
    change(message);
    if reported.is_some() {
        message.set(TicketMessage::delivery_state, reported);
    }
    work.update(&schema, &loaded, &mut record, &Change::new(verb))?;
    Ok(())
}

/// What stands in the way of a message.
pub enum Hindrance {
    ForGood(String),
    ForNow(String),
}

/// What stands in the way of a message that has a file with it.
pub fn hindered_by(file: &Record<File>) -> Option<Hindrance> {
    let name = file.get(File::name);
    match file.get(File::scan) {
        Some(FileScan::Infected) => Some(Hindrance::ForGood(format!("the file {name} is infected"))),
        Some(FileScan::Pending) | None => Some(Hindrance::ForNow(format!("the file {name} has not been scanned yet"))),
        Some(FileScan::Clean | FileScan::Unscanned) => None,
    }
}

/// Until when each server is left alone.
static RESTING: Mutex<Option<HashMap<String, Instant>>> = Mutex::new(None);

/// Whether a server is left alone just now.
pub fn rests(server: &str) -> bool {
    rests_for(server).is_some()
}

/// For how many seconds more a server is left alone; none, if it is not.
pub fn rests_for(server: &str) -> Option<i64> {
    let resting = RESTING.lock().unwrap_or_else(PoisonError::into_inner);
    let until = resting.as_ref().and_then(|resting| resting.get(server))?;
    let left = until.checked_duration_since(Instant::now())?;
    Some(i64::try_from(left.as_secs()).unwrap_or(0) + 1)
}

/// Leaves a server alone for a while, if an attempt that began then took long for nothing.
pub fn let_rest(server: &str, begun: Instant) {
    if begun.elapsed() > TOO_LONG {
        leave_alone(server, REST);
    }
}

/// Leaves a server alone for a time.
pub fn leave_alone(server: &str, time: Duration) {
    let mut resting = RESTING.lock().unwrap_or_else(PoisonError::into_inner);
    let resting = resting.get_or_insert_default();
    resting.retain(|_, until| Instant::now() < *until);
    resting.insert(server.to_owned(), Instant::now() + time);
}
