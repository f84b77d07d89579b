//! Webhooks: what they are checked for when they are written, and what can be done with them.

pub mod actions;
pub mod feeding;
mod message;
mod posting;
pub mod sending;

use farley_domain::{
    identity::access::Action,
    integration::webhook::{MOST_WEBHOOKS, Webhook, WebhookSignature, WebhookStatus},
    integration::{signature, webhook_delivery::WebhookDelivery},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        object::Schema,
        record::Record,
        registry,
    },
    query::predicate::{Predicate, View, parse},
    values::id::Id,
};
use farley_persistence::Work;
use serde::{Deserialize, Serialize};

use crate::{
    access::{principal::Principal, unrestricted::without_custom_fields},
    http::{clock, problem::Problem},
    records::{
        behaviour::{Behaviour, Shown, Writing},
        events, lookup,
        secrets::Secret,
    },
};

/// The members by which a secret is shown, once, and a public key.
const SECRET: &str = "secret";
const PUBLIC_KEY: &str = "public_key";

/// What the jobs of a webhook are asked for.
#[derive(Serialize, Deserialize)]
struct Payload {
    webhook_id: Id,
}

impl Behaviour for Webhook {
    /// A webhook acts for whoever last changed what it delivers, or where: nobody sends others' rights to a place of their own.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        let stays = writing.before.is_some_and(|before| {
            before.agrees(Webhook::url, record)
                && before.agrees(Webhook::types, record)
                && before.agrees(Webhook::object, record)
                && before.agrees(Webhook::filter, record)
                && before.agrees(Webhook::payload, record)
        });
        if stays {
            return Ok(());
        }
        if let Some(object) = record.get(Webhook::object).and_then(registry::object) {
            writing.principal.permit_oneself(object, Action::Read)?;
            if writing.principal.asker.rows(object, Action::Read).is_none() {
                return Err(Problem::forbidden(Action::Read.as_str(), object.name));
            }
        }
        if let (Some(object), Some(filter)) = (record.get(Webhook::object), record.get(Webhook::filter))
            && let Some(object) = registry::object(object)
        {
            let parsed = parse::from_json(object, filter, &writing.principal.view(writing.now));
            parsed.map_err(|faults| faults.under(&Webhook::filter.pointer()))?;
        }
        let actor = &writing.principal.actor;
        record.set(Webhook::acting_user_id, actor.user_id);
        record.set(Webhook::acting_api_key_id, actor.api_key_id);
        if writing.before.is_none() {
            let live = lookup::find::<Webhook>(work, &Predicate::Archived(false), MOST_WEBHOOKS)?;
            if live.len() >= MOST_WEBHOOKS {
                return Err(Problem::rule(Fault::new("", FaultCode::TooMany).with("max", MOST_WEBHOOKS).into()));
            }
            position_of(record)?;
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.before.is_none() {
            // Nobody waits for events up to a place that the log has not come to.
            let end = work.reader().log_end()?;
            let position = position_of(record)?.map_or(end, |position| position.min(end));
            work.begin_webhook_cursor(record.id(), position)?;
            return shown(work, record);
        }
        // Archived it stands still; restored it goes on from there.
        if writing.before.is_some_and(|before| before.is_archived() != record.is_archived()) {
            work.follow_for_webhook(record.id(), is_live(record))?;
            if is_live(record) {
                sending::enqueue(work, record.id())?;
            }
        }
        Ok(Shown::new())
    }
}

/// Where in the log a webhook is to begin, if it says so.
fn position_of(webhook: &Record<Webhook>) -> Result<Option<i64>, Problem> {
    let Some(cursor) = webhook.get(Webhook::from_cursor) else { return Ok(None) };
    match events::position(cursor) {
        Some(position) => Ok(Some(position)),
        None => Err(Fault::new(Webhook::from_cursor.pointer(), FaultCode::InvalidCursor).into()),
    }
}

/// Whether a webhook delivers.
fn is_live(webhook: &Record<Webhook>) -> bool {
    !webhook.is_archived() && webhook.get(Webhook::status) == Some(WebhookStatus::Active)
}

/// The records that a webhook is about. A field of its filter may have been retired since: then there are none.
fn filter_of(webhook: &Record<Webhook>, view: &dyn View) -> Option<Predicate> {
    let filter = webhook.get(Webhook::filter)?;
    let object = webhook.get(Webhook::object).and_then(registry::object)?;
    Some(parse::from_json(object, filter, view).unwrap_or_else(|_| Predicate::nothing()))
}

/// Within whose rights a webhook delivers now; none, if they may do nothing any more.
fn acting_for(work: &mut Work<'_>, webhook: &Record<Webhook>) -> Result<Option<Principal>, Problem> {
    let Some(user) = webhook.get(Webhook::acting_user_id) else { return Ok(None) };
    let now = work.origin.now;
    match crate::access::principal::acting(work.reader(), user, webhook.get(Webhook::acting_api_key_id), now) {
        Ok(principal) => Ok(Some(principal)),
        Err(problem) if problem.inside().is_some() => Err(problem),
        Err(_) => Ok(None),
    }
}

fn secret_of(webhook: &Record<Webhook>) -> Secret {
    Secret {
        of: b"secret of a webhook",
        id: webhook.id(),
        number: webhook.get(Webhook::secret_number),
        former_until: webhook.get(Webhook::former_secret_until),
    }
}

/// What receivers know deliveries by: a secret, or a public key.
fn shown(work: &mut Work<'_>, webhook: &Record<Webhook>) -> Result<Shown, Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    let secret = secret_of(webhook).present(&key)?;
    Ok(Shown::from_iter([match webhook.get(Webhook::signature) {
        Some(WebhookSignature::V1a) => (PUBLIC_KEY.to_owned(), signature::public_key(&posting::public_key(&secret)?).into()),
        Some(WebhookSignature::V1) | None => (SECRET.to_owned(), signature::secret(&secret).into()),
    }]))
}

/// The schema of deliveries, which have no custom fields.
fn deliveries() -> Schema {
    without_custom_fields(<WebhookDelivery as Entity>::object())
}
