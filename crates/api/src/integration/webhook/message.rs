//! Messages: what a webhook posts about an event, within the rights of whoever it acts for.

use std::sync::Arc;

use farley_domain::{
    identity::access::Action,
    integration::{
        webhook::{Webhook, WebhookPayload},
        webhook_delivery::WebhookDelivery,
    },
    model::{object::Object, record::Record, registry},
    query::predicate::Predicate,
};
use farley_persistence::{EventRow, WantedEvents, Work};
use serde_json::{Value, json};

use super::filter_of;
use crate::{access::principal::Principal, http::problem::Problem, records::events};

/// The message of a delivery; none if it is not to be delivered: the record may not be read, or does not meet the filter.
pub fn of(
    work: &mut Work<'_>,
    principal: &Arc<Principal>,
    webhook: &Record<Webhook>,
    delivery: &Record<WebhookDelivery>,
) -> Result<Option<Vec<u8>>, Problem> {
    let (seq, now) = (delivery.get(WebhookDelivery::seq), work.origin.now);
    let found = work.reader().events((seq - 1, seq), &WantedEvents::default(), 1)?;
    let Some(row) = events::visible(work.reader(), found, principal, now)?.pop() else { return Ok(None) };
    let object = registry::object(&row.object);
    let record = match object {
        Some(object) => match record_of(work, principal, webhook, (object, &row))? {
            Found::Filtered => return Ok(None),
            Found::Record(record) => record,
        },
        // Events of jobs and settings have no record.
        None => Value::Null,
    };
    let (kind, at) = (row.kind.clone(), row.at);
    let thin =
        json!({"id": row.id, "object": row.object, (WebhookDelivery::record_id.name()): row.record_id, "version": row.version});
    let data = match webhook.get(Webhook::payload) {
        Some(WebhookPayload::Thin) => thin,
        payload => {
            let mut data = serde_json::to_value(events::shown(row, principal)?)?;
            if payload == Some(WebhookPayload::Full) {
                data["record"] = record;
            }
            data
        }
    };
    let message = json!({
        "type": kind,
        "timestamp": at,
        "seq": seq,
        (WebhookDelivery::prev_seq.name()): delivery.get(WebhookDelivery::prev_seq),
        "cursor": events::cursor(seq),
        "data": data,
    });
    Ok(Some(serde_json::to_vec(&message)?))
}

enum Found {
    Filtered,
    /// Null if it is not asked for.
    Record(Value),
}

/// The record of an event as it is now, if a filter or the payload asks for it.
fn record_of(
    work: &mut Work<'_>,
    principal: &Arc<Principal>,
    webhook: &Record<Webhook>,
    (object, row): (&'static Object, &EventRow),
) -> Result<Found, Problem> {
    let view = principal.view(work.origin.now);
    let filter = filter_of(webhook, &view);
    if filter.is_none() && webhook.get(Webhook::payload) != Some(WebhookPayload::Full) {
        return Ok(Found::Record(Value::Null));
    }
    let readable = principal.asker.rows(object, Action::Read).unwrap_or_else(Predicate::nothing);
    let within = filter.map_or_else(|| readable.clone(), |filter| readable.clone().and(filter));
    let found = work.reader().get(&principal.layout(object), &view, row.record_id, &within)?;
    Ok(match found {
        Some(row) => Found::Record(serde_json::to_value(row)?),
        None => Found::Filtered,
    })
}
