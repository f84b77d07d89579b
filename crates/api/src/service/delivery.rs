//! What mail and other channels share about messages that go out: a job for each, what becomes of an attempt, and where that is noted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use farley_domain::{
    integration::file::{File, FileScan},
    model::{entity::Entity, record::Record},
    query::predicate::Predicate,
    service::ticket_message::{DeliveryState, TicketMessage},
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
    records::area::{Halt, Job},
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
    work.enqueue(kind, &payload, now, ATTEMPTS)?;
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
        Some(DeliveryState::Queued | DeliveryState::Failed) => !message.is_archived(),
        Some(DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read | DeliveryState::Bounced) | None => false,
    }
}

/// What became of an attempt.
pub enum Outcome {
    /// It was taken, by this id, if whoever took it told one.
    Sent(Option<String>),
    /// It is no use to try again.
    Refused(String),
    Later(String),
}

/// Notes at a message what became of an attempt to send it, and says what becomes of the job. `known` is what was noted before.
pub async fn conclude(job: &Job, id: Id, known: Option<&str>, outcome: Outcome) -> Result<(), Halt> {
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
        Outcome::Later(reason) if job.last => {
            note(state, tenant, id, "failed", failed(reason.clone(), now)).await?;
            Err(Halt::Failed(reason))
        }
        Outcome::Later(reason) => {
            // Once, and not at each attempt.
            if known != Some(reason.as_str()) {
                let told = reason.clone();
                let delayed =
                    move |message: &mut Record<TicketMessage>| message.set(TicketMessage::delivery_error, Some(told.clone()));
                note(state, tenant, id, "updated", delayed).await?;
            }
            Err(Halt::Failed(reason))
        }
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
    let written = state.background.write::<_, Problem>(tenant, Origin::system(clock::now()), move |work| {
        let schema = without_custom_fields(TicketMessage::object());
        let Some(loaded) = work.load(&schema, &Unrestricted, id, &Predicate::all())? else { return Ok(()) };
        let mut record = loaded.record.clone();
        let message = record.of_mut::<TicketMessage>();
        // A report on it may have been quicker.
        let reported = message.get(TicketMessage::delivery_state).filter(|state| match state {
            DeliveryState::Bounced | DeliveryState::Delivered | DeliveryState::Read => true,
            DeliveryState::Queued | DeliveryState::Sent | DeliveryState::Failed => false,
        });
        change(message);
        if reported.is_some() {
            message.set(TicketMessage::delivery_state, reported);
        }
        work.update(&schema, &loaded, &mut record, &Change::new(verb))?;
        Ok(())
    });
    written.await
}

/// What stands in the way of a message that has a file with it.
pub fn hindered_by(file: &Record<File>) -> Option<Outcome> {
    let name = file.get(File::name);
    match file.get(File::scan) {
        Some(FileScan::Infected) => Some(Outcome::Refused(format!("the file {name} is infected"))),
        Some(FileScan::Pending) | None => Some(Outcome::Later(format!("the file {name} has not been scanned yet"))),
        Some(FileScan::Clean | FileScan::Unscanned) => None,
    }
}

/// Until when each server is left alone.
static RESTING: Mutex<Option<HashMap<String, Instant>>> = Mutex::new(None);

/// Whether a server is left alone just now.
pub fn rests(server: &str) -> bool {
    let resting = RESTING.lock().unwrap_or_else(PoisonError::into_inner);
    resting.as_ref().and_then(|resting| resting.get(server)).is_some_and(|until| Instant::now() < *until)
}

/// Leaves a server alone for a while, if an attempt that began then took long for nothing.
pub fn let_rest(server: &str, begun: Instant) {
    if begun.elapsed() > TOO_LONG {
        let mut resting = RESTING.lock().unwrap_or_else(PoisonError::into_inner);
        let resting = resting.get_or_insert_default();
        resting.retain(|_, until| Instant::now() < *until);
        resting.insert(server.to_owned(), Instant::now() + REST);
    }
}
