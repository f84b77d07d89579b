//! Sending: a job for each webhook that has something to deliver. It takes what is due, posts it, and notes what came of it; a delivery
//! that is under way is not due for a while, so that after a crash it goes out again, and never twice at once.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use farley_domain::{
    activities::notification::NotificationKind,
    integration::{
        webhook::{FAILS_FOR, Webhook, WebhookOrdering, WebhookStatus},
        webhook_delivery::{MOST_ATTEMPTS, WebhookDelivery, WebhookDeliveryState, pause_after},
    },
    model::{entity::Entity, record::Record},
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Origin, Work};
use futures_util::future::join_all;

use super::{
    Payload, acting_for, deliveries, feeding, is_live, message,
    posting::{self, Posted},
};
use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::{clock, problem::Problem},
    records::{
        area::{Halt, Job},
        lookup,
        notify::{News, tell},
    },
};

/// The kind of the job.
pub const KIND: &str = "webhook_deliveries";
/// How many deliveries of a webhook are under way at once.
const AT_ONCE: usize = 8;
/// For how many seconds a delivery that is under way is left to whoever posts it: longer than posting takes.
const UNDER_WAY: i64 = 60;
/// After how long others get their turn.
const TURN: Duration = Duration::from_secs(15);
/// How often a job is tried that fails from within.
const ATTEMPTS: i64 = 20;
/// The bounds of how long an endpoint may ask to wait, in seconds.
const ASKED_TO_WAIT: (i64, i64) = (1, 24 * 3_600);
/// How long a webhook rests at most before it is looked at again, in seconds.
const LONGEST_REST: i64 = 300;
/// How many of the deliveries that wait are looked at.
const LOOKED_AT: i64 = 2 * feeding::MOST_WAITING;

/// Puts the job into the queue that delivers what a webhook has.
pub fn enqueue(work: &mut Work<'_>, webhook: Id) -> Result<(), Problem> {
    let (payload, now) = (serde_json::to_value(Payload { webhook_id: webhook })?, work.origin.now);
    work.enqueue_once(KIND, &webhook.to_string(), &payload, now, ATTEMPTS)?;
    Ok(())
}

/// Delivers what a webhook has.
pub async fn perform(job: Job) -> Result<(), Halt> {
    let Payload { webhook_id } = serde_json::from_str(&job.payload).map_err(|error| Halt::Failed(error.to_string()))?;
    let begun = Instant::now();
    while begun.elapsed() < TURN {
        if job.state.stopping.is_begun() {
            return Err(Halt::Stopped);
        }
        let origin = Origin::system(clock::now());
        let taking = job.state.background.write::<_, Problem>(job.tenant, origin, move |work| take(work, webhook_id));
        let (batch, key) = match taking.await? {
            Taken::Nothing => return Ok(()),
            Taken::Later(seconds) => return Err(Halt::Waits(seconds)),
            Taken::Looked => continue,
            Taken::Batch(batch, key) => (batch, key),
        };
        let (state, webhook) = (&job.state, &batch.webhook);
        let posts = batch.messages.iter().map(|message| {
            let id = message.event.to_string();
            let (key, body) = (&key, message.body.clone());
            async move { posting::post(state, webhook, key, &id, body).await.map(|posted| (message.delivery, Arc::new(posted))) }
        });
        let posted = join_all(posts).await.into_iter().collect::<Result<Vec<_>, _>>().map_err(Halt::from)?;
        let origin = Origin::system(clock::now());
        let noting = job.state.background.write::<_, Problem>(job.tenant, origin, move |work| note(work, webhook_id, &posted));
        noting.await?;
    }
    Err(Halt::Waits(0))
}

/// What is to be posted.
struct Batch {
    webhook: Record<Webhook>,
    messages: Vec<Message>,
}

struct Message {
    delivery: Id,
    event: Id,
    body: Vec<u8>,
}

enum Taken {
    Nothing,
    /// Nothing is due for so many seconds.
    Later(i64),
    /// What was due was not to be delivered.
    Looked,
    Batch(Batch, Vec<u8>),
}

/// Takes what is due of a webhook.
fn take(work: &mut Work<'_>, id: Id) -> Result<Taken, Problem> {
    work.lock(&format!("webhook {id}"))?;
    let Some(webhook) = lookup::one::<Webhook>(work, id)?.filter(is_live) else { return Ok(Taken::Nothing) };
    let Some(cursor) = work.reader().webhook_cursor(id)? else { return Ok(Taken::Nothing) };
    let now = work.origin.now;
    if let Some(until) = cursor.rests_until.filter(|until| now < *until) {
        return Ok(Taken::Later(seconds_until(until, now)));
    }
    let mut waiting = work.reader().waiting_webhook_deliveries(id, LOOKED_AT)?;
    if !cursor.is_followed && i64::try_from(waiting.len()).unwrap_or(i64::MAX) <= feeding::MOST_WAITING / 2 {
        work.follow_for_webhook(id, true)?;
    }
    if webhook.get(Webhook::ordering) == Some(WebhookOrdering::Record) {
        // Of each record, the earliest alone.
        let mut seen = HashSet::new();
        waiting.retain(|(_, record, _)| seen.insert(*record));
    }
    let at = |next: &Option<Timestamp>| next.unwrap_or(now);
    let due: Vec<Id> =
        waiting.iter().filter(|(_, _, next)| at(next) <= now).take(AT_ONCE).map(|(delivery, _, _)| *delivery).collect();
    if due.is_empty() {
        let next = waiting.iter().map(|(_, _, next)| at(next)).min();
        return Ok(next.map_or(Taken::Nothing, |next| Taken::Later(seconds_until(next, now))));
    }
    let Some(principal) = acting_for(work, &webhook)?.map(Arc::new) else {
        disable(work, &webhook, "The user or API key that it acts for is no longer active")?;
        return Ok(Taken::Nothing);
    };
    let mut messages = Vec::new();
    for delivery in due {
        let Some(mut delivery) = lookup::one::<WebhookDelivery>(work, delivery)? else { continue };
        if let Some(record) = delivery.get(WebhookDelivery::record_id) {
            let seq = delivery.get(WebhookDelivery::seq);
            delivery.set(WebhookDelivery::prev_seq, work.reader().previous_webhook_delivery(id, record, seq)?);
        }
        let prev_seq = delivery.get(WebhookDelivery::prev_seq);
        let message = message::of(work, &principal, &webhook, &delivery)?;
        let is_skipped = message.is_none();
        if let (Some(body), Some(event)) = (message, delivery.get(WebhookDelivery::event_id)) {
            messages.push(Message { delivery: delivery.id(), event, body });
        }
        change(work, delivery.id(), |delivery| {
            delivery.set(WebhookDelivery::prev_seq, prev_seq);
            if is_skipped {
                delivery.set(WebhookDelivery::state, WebhookDeliveryState::Skipped);
                delivery.clear(WebhookDelivery::next_attempt_at);
            } else {
                delivery.set(WebhookDelivery::next_attempt_at, now.plus_seconds(UNDER_WAY));
            }
        })?;
    }
    if messages.is_empty() {
        return Ok(Taken::Looked);
    }
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    Ok(Taken::Batch(Batch { webhook, messages }, key))
}

/// Notes what came of posting.
fn note(work: &mut Work<'_>, id: Id, posted: &[(Id, Arc<Posted>)]) -> Result<(), Problem> {
    work.lock(&format!("webhook {id}"))?;
    let Some(webhook) = lookup::one::<Webhook>(work, id)? else { return Ok(()) };
    let Some(cursor) = work.reader().webhook_cursor(id)? else { return Ok(()) };
    let (now, in_order) = (work.origin.now, webhook.get(Webhook::ordering) == Some(WebhookOrdering::Record));
    let (mut taken, mut gone, mut rests_until) = (false, false, None);
    for (delivery, posted) in posted {
        let Some(known) = lookup::one::<WebhookDelivery>(work, *delivery)? else { continue };
        let failures = known.get(WebhookDelivery::failures) + i64::from(!posted.is_taken());
        let asked = posted.retry_after.map(|seconds| seconds.clamp(ASKED_TO_WAIT.0, ASKED_TO_WAIT.1));
        let pause = pause_after(failures).map(|pause| asked.map_or(pause, |asked| pause.max(asked)));
        taken |= posted.is_taken();
        gone |= posted.is_gone();
        if !posted.is_taken()
            && let Some(asked) = asked
        {
            rests_until = rests_until.max(Some(now.plus_seconds(asked)));
        }
        change(work, *delivery, |delivery| {
            let mut attempts = delivery.get(WebhookDelivery::attempts);
            attempts.push(posted.attempt.clone());
            let surplus = attempts.len().saturating_sub(MOST_ATTEMPTS);
            delivery.set(WebhookDelivery::attempts, attempts.split_off(surplus));
            delivery.set(WebhookDelivery::request, posted.request.clone());
            delivery.set(WebhookDelivery::failures, failures);
            match (posted.is_taken(), pause) {
                (true, _) => {
                    delivery.set(WebhookDelivery::state, WebhookDeliveryState::Delivered);
                    delivery.set(WebhookDelivery::delivered_at, now);
                    delivery.clear(WebhookDelivery::next_attempt_at);
                }
                (false, Some(pause)) => delivery.set(WebhookDelivery::next_attempt_at, now.plus_seconds(pause)),
                (false, None) => {
                    delivery.set(WebhookDelivery::state, WebhookDeliveryState::Failed);
                    delivery.clear(WebhookDelivery::next_attempt_at);
                }
            }
        })?;
        if let Some(record) = known.get(WebhookDelivery::record_id).filter(|_| in_order) {
            match (posted.is_taken(), pause) {
                (true, _) => work.release_webhook_record(id, record, now)?,
                (false, None) => work.park_webhook_record(id, record)?,
                (false, Some(_)) => {}
            }
        }
    }
    let failing_since = if taken { None } else { cursor.failing_since.or(Some(now)) };
    let rests_until = rests_until.or(cursor.rests_until.filter(|until| now < *until));
    work.note_webhook_health(id, failing_since, rests_until)?;
    if !is_live(&webhook) {
        return Ok(());
    }
    if gone {
        disable(work, &webhook, "The endpoint answered 410")?;
    } else if failing_since.is_some_and(|since| since.plus_seconds(FAILS_FOR) <= now) {
        disable(work, &webhook, "Every attempt of the last five days failed")?;
    }
    Ok(())
}

/// Disables a webhook, and tells whoever it acts for.
fn disable(work: &mut Work<'_>, webhook: &Record<Webhook>, reason: &str) -> Result<(), Problem> {
    let schema = without_custom_fields(<Webhook as Entity>::object());
    let Some(loaded) = work.load(&schema, &Unrestricted, webhook.id(), &Predicate::all())? else { return Ok(()) };
    let mut record: Record<Webhook> = loaded.record.clone().into_entity();
    record.set(Webhook::status, WebhookStatus::Disabled);
    record.set(Webhook::disabled_reason, reason.to_owned());
    work.update(&schema, &loaded, record.any_mut(), &Change::new("disabled"))?;
    work.follow_for_webhook(webhook.id(), false)?;
    let users: Vec<Id> = webhook.get(Webhook::acting_user_id).into_iter().collect();
    let object = <Webhook as Entity>::object();
    tell(work, &News { kind: NotificationKind::WebhookDisabled, object, record: record.any(), actor: None, count: None }, &users)
}

/// Changes a delivery, which is a log: without an event.
pub fn change(work: &mut Work<'_>, id: Id, change: impl FnOnce(&mut Record<WebhookDelivery>)) -> Result<(), Problem> {
    let schema = deliveries();
    let Some(loaded) = work.load(&schema, &Unrestricted, id, &Predicate::all())? else { return Ok(()) };
    let mut record: Record<WebhookDelivery> = loaded.record.clone().into_entity();
    change(&mut record);
    Ok(work.amend_log(&schema, &loaded, record.any_mut())?)
}

fn seconds_until(at: Timestamp, now: Timestamp) -> i64 {
    ((at.milliseconds() - now.milliseconds()).max(0) / 1000 + 1).min(LONGEST_REST)
}
