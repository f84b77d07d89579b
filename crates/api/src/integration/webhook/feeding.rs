//! Feeding: the event log of a tenant is followed, in the order of commits and without gaps, and each event that a webhook wants becomes a
//! delivery, in the transaction that moves the webhook's place in the log. While much waits to be delivered, the log itself is the queue.

use std::{collections::HashMap, sync::Arc};

use farley_domain::{
    integration::{
        webhook::{Webhook, WebhookOrdering},
        webhook_delivery::{WebhookDelivery, WebhookDeliveryState},
    },
    model::{entity::Entity, record::Record},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{EventRow, Origin, Reader, StoreError, TenantKey, WantedEvents, Work};

use super::{deliveries, is_live, sending};
use crate::{
    access::state::State,
    http::{clock, problem::Problem},
    records::{area::Halt, lookup},
    settings::Settings,
};

/// The kind of the job.
pub const KIND: &str = "webhook_feed";
/// The kind of the job that forgets old deliveries.
pub const TIDY: &str = "webhook_deliveries_tidy";
/// The name under which the feeding of one tenant is done one by one.
pub const LOCK: &str = "webhook feed";
/// How many deliveries of a webhook are made at once, and how many wait at most.
const AT_ONCE: i64 = 200;
pub const MOST_WAITING: i64 = 1_000;
/// How many tenants with something to do are found at once.
const TENANTS: i64 = 200;

/// The tenants whose log goes on behind a webhook.
pub fn due(_: &Settings, reader: &mut Reader<'_>, _: Timestamp) -> Result<Vec<TenantKey>, StoreError> {
    reader.tenants_behind_webhooks(TENANTS)
}

/// Makes the deliveries of all events of a tenant.
pub async fn work_off(state: &Arc<State>, tenant: TenantKey) -> Result<(), Halt> {
    loop {
        if state.stopping.is_begun() {
            return Err(Halt::Stopped);
        }
        let now = clock::now();
        let writing = state.background.write::<_, Problem>(tenant, Origin::system(now), feed);
        if !writing.await? {
            return Ok(());
        }
    }
}

/// Goes on with one webhook that is behind; whether there was one.
fn feed(work: &mut Work<'_>) -> Result<bool, Problem> {
    work.lock(LOCK)?;
    let end = work.reader().log_end()?;
    let behind = work.reader().followed_webhooks()?.into_iter().find(|cursor| cursor.position < end);
    let Some(cursor) = behind else { return Ok(false) };
    let webhook = lookup::one::<Webhook>(work, cursor.webhook_id)?.filter(is_live);
    let Some(webhook) = webhook else {
        work.follow_for_webhook(cursor.webhook_id, false)?;
        return Ok(true);
    };
    let room = (MOST_WAITING - work.reader().open_webhook_deliveries(webhook.id())?).min(AT_ONCE);
    if room <= 0 {
        // Whoever delivers goes on following.
        work.follow_for_webhook(cursor.webhook_id, false)?;
        sending::enqueue(work, webhook.id())?;
        return Ok(true);
    }
    let object = webhook.get(Webhook::object).map(str::to_owned);
    let wanted = WantedEvents { types: webhook.get(Webhook::types), object, ..WantedEvents::default() };
    let events = work.reader().events((cursor.position, end), &wanted, room)?;
    let is_full = i64::try_from(events.len()).unwrap_or(i64::MAX) >= room;
    let position = events.last().filter(|_| is_full).map_or(end, |last| last.seq);
    // Who asks for everything does not mean what they themselves do with webhooks.
    let by_name = !wanted.types.is_empty() || wanted.object.is_some();
    let events: Vec<EventRow> = events.into_iter().filter(|event| by_name || event.object != Webhook::NAME).collect();
    add(work, &webhook, &events)?;
    work.move_webhook_cursor(webhook.id(), position)?;
    if !events.is_empty() {
        sending::enqueue(work, webhook.id())?;
    }
    Ok(true)
}

/// Makes the deliveries of events.
fn add(work: &mut Work<'_>, webhook: &Record<Webhook>, events: &[EventRow]) -> Result<(), Problem> {
    let Some(first) = events.first() else { return Ok(()) };
    let mut records: Vec<Id> = events.iter().map(|event| event.record_id).collect();
    records.sort_unstable();
    records.dedup();
    let known = work.reader().last_webhook_deliveries(webhook.id(), &records, first.seq)?;
    let mut last: HashMap<Id, bool> = HashMap::new();
    for (record, state) in known {
        // Behind what failed, or stands behind it, nothing of the record goes out.
        let is_held_back = [WebhookDeliveryState::Failed, WebhookDeliveryState::Parked].iter().any(|held| held.as_str() == state);
        last.insert(record, is_held_back && webhook.get(Webhook::ordering) == Some(WebhookOrdering::Record));
    }
    for event in events {
        let is_held_back = last.get(&event.record_id).is_some_and(|held| *held);
        let mut record = Record::new(<WebhookDelivery as Entity>::object());
        let delivery = record.of_mut::<WebhookDelivery>();
        delivery.set(WebhookDelivery::webhook_id, webhook.id());
        delivery.set(WebhookDelivery::event_id, event.id);
        delivery.set(WebhookDelivery::event_type, event.kind.clone());
        delivery.set(WebhookDelivery::object, event.object.clone());
        delivery.set(WebhookDelivery::record_id, event.record_id);
        delivery.set(WebhookDelivery::seq, event.seq);
        delivery.set(WebhookDelivery::attempts, Vec::new());
        delivery.set(WebhookDelivery::failures, 0);
        if is_held_back {
            delivery.set(WebhookDelivery::state, WebhookDeliveryState::Parked);
        } else {
            delivery.set(WebhookDelivery::state, WebhookDeliveryState::Waiting);
            delivery.set(WebhookDelivery::next_attempt_at, work.origin.now);
        }
        work.add_to_log(&deliveries(), &mut record)?;
        last.insert(event.record_id, is_held_back);
    }
    Ok(())
}

/// Forgets old deliveries.
pub async fn tidy(state: &Arc<State>, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let written =
        state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| Ok(work.purge_webhook_deliveries(now)?));
    written.await
}
