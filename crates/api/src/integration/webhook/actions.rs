//! What is done with webhooks by hand: tried out, paused, resumed, their events delivered again, their secrets replaced.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    identity::access::Action,
    integration::{
        webhook::{Webhook, WebhookStatus},
        webhook_delivery::{WebhookDelivery, WebhookDeliveryState, test_event},
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Origin, Reader, WantedEvents, Work};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PUBLIC_KEY, feeding, posting, secret_of, sending, shown};
use crate::{
    access::call::Call,
    http::{
        clock,
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        action::{Asked, act},
        behaviour::Shown,
        body::Nothing,
        events, lookup,
        mutation::{Answer, Mutation},
        named::Named,
        secrets::SecretRotation,
    },
};

/// Events may have been committed a little out of the order of their times.
const MARGIN: i64 = 60;

/// Replace the secret of a webhook
///
/// Returns the webhook with its new `secret`, or its new `public_key` if it signs with `v1a`. The former one holds for a while beside it:
/// deliveries are signed with both. Until then the secret is not replaced again (409), unless the overlap is to end at once.
#[utoipa::path(tag = "webhooks", operation_id = "rotateWebhookSecret", request_body = SecretRotation,
    params(("id" = String, Path, description = "The id of the webhook, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The webhook with its new secret.", body = ref("#/components/schemas/Webhook"))))]
#[post("/v1/webhooks/{id}/rotate-secret")]
pub async fn rotate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Webhook, SecretRotation>((call, request, body), Action::Update, |work, asked| {
        let mut webhook = asked.record().clone();
        let hours = asked.body.get(SecretRotation::overlap_hours);
        let (number, former_until) = secret_of(&webhook).next(hours, asked.writer.now)?;
        webhook.set(Webhook::secret_number, number);
        webhook.set(Webhook::former_secret_until, former_until);
        let record = asked.writer.store(work, &asked.loaded, webhook.into_any(), "secret_rotated")?;
        let shown = shown(work, record.of())?;
        asked.writer.answer(work, 200, &record, shown)
    })
    .await
}

/// Pause a webhook
///
/// Nothing is delivered until it is resumed, and nothing is lost: the webhook keeps its place in the change feed.
#[utoipa::path(tag = "webhooks", operation_id = "pauseWebhook",
    params(("id" = String, Path, description = "The id of the webhook, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The paused webhook.", body = ref("#/components/schemas/Webhook"))))]
#[post("/v1/webhooks/{id}/pause")]
pub async fn pause(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Webhook, Nothing>((call, request, body), Action::Update, |work, asked| {
        if asked.record().get(Webhook::status) != Some(WebhookStatus::Active) {
            return Err(Problem::state("not active", &["resume"]));
        }
        let mut webhook = asked.record().clone();
        webhook.set(Webhook::status, WebhookStatus::Paused);
        work.follow_for_webhook(webhook.id(), false)?;
        asked.store(work, webhook, "paused")
    })
    .await
}

/// Resume a webhook
///
/// A paused or disabled webhook goes on from its place in the change feed. What waits is delivered at once.
#[utoipa::path(tag = "webhooks", operation_id = "resumeWebhook",
    params(("id" = String, Path, description = "The id of the webhook, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The active webhook.", body = ref("#/components/schemas/Webhook"))))]
#[post("/v1/webhooks/{id}/resume")]
pub async fn resume(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Webhook, Nothing>((call, request, body), Action::Update, |work, asked| {
        if asked.record().get(Webhook::status) == Some(WebhookStatus::Active) {
            return Err(Problem::state("active", &["pause"]));
        }
        let mut webhook = asked.record().clone();
        webhook.set(Webhook::status, WebhookStatus::Active);
        webhook.clear(Webhook::disabled_reason);
        work.follow_for_webhook(webhook.id(), true)?;
        work.note_webhook_health(webhook.id(), None, None)?;
        work.hasten_webhook_deliveries(webhook.id(), asked.writer.now)?;
        sending::enqueue(work, webhook.id())?;
        asked.store(work, webhook, "resumed")
    })
    .await
}

crate::body! {
    /// Which events a webhook delivers again.
    pub struct WebhookReplay {
        /// Only events after this cursor of `GET /v1/changes`. Either this or `from`.
        from_cursor: Option<String> => text(100).example("ZTQy"),
        /// Only events of this time or later.
        from: Option<Timestamp> => datetime().example("2026-03-01T08:00:00.000Z"),
        /// Only what failed, and what is held back behind it.
        failed_only: bool => boolean().default(false),
    }
    example serde_json::json!({"from": "2026-03-01T08:00:00.000Z", "failed_only": true})
}

/// Replay events to a webhook
///
/// Delivers events again, with the same `webhook-id` as before: all from a place in the change feed on, or from a time, or only those
/// that failed. The webhook goes back to that place and follows the feed from there, so that later events wait for their turn.
#[utoipa::path(tag = "webhooks", operation_id = "replayWebhook", request_body = WebhookReplay,
    params(("id" = String, Path, description = "The id of the webhook, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The webhook.", body = ref("#/components/schemas/Webhook"))))]
#[post("/v1/webhooks/{id}/replay")]
pub async fn replay(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Webhook, WebhookReplay>((call, request, body), Action::Update, replay_once).await
}

fn replay_once(work: &mut Work<'_>, asked: &Asked<Webhook, WebhookReplay>) -> Result<Answer, Problem> {
    let (webhook, now) = (asked.record().clone(), asked.writer.now);
    let failed_only = asked.body.get(WebhookReplay::failed_only);
    let after = match (asked.body.get(WebhookReplay::from_cursor), asked.body.get(WebhookReplay::from)) {
        (Some(_), Some(_)) => {
            return Err(Fault::new(WebhookReplay::from.pointer(), FaultCode::Conflicting)
                .with("other", WebhookReplay::from_cursor.name())
                .into());
        }
        (Some(cursor), None) => {
            events::position(cursor).ok_or_else(|| Fault::new(WebhookReplay::from_cursor.pointer(), FaultCode::InvalidCursor))?
        }
        (None, Some(from)) => position_at(work.reader(), from)?,
        (None, None) if failed_only => 0,
        (None, None) => return Err(Fault::new(WebhookReplay::from.pointer(), FaultCode::Required).into()),
    };
    if failed_only {
        work.revive_webhook_deliveries(webhook.id(), after, now)?;
    } else {
        // Nobody moves it on meanwhile.
        work.lock(feeding::LOCK)?;
        let cursor = work.reader().webhook_cursor(webhook.id())?.ok_or_else(Problem::not_found)?;
        work.move_webhook_cursor(webhook.id(), cursor.position.min(after))?;
    }
    sending::enqueue(work, webhook.id())?;
    let id = webhook.id();
    work.event(Webhook::NAME, "replayed", id, webhook.version(), serde_json::Map::new(), &[]);
    asked.writer.answer(work, 200, webhook.any(), Shown::new())
}

/// The place in the log before the first event of a time or later. Times rise with the log, but for seconds.
fn position_at(reader: &mut Reader<'_>, from: Timestamp) -> Result<i64, Problem> {
    let from = from.plus_seconds(-MARGIN);
    let end = reader.log_end()?;
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let next = reader.events((middle, end), &WantedEvents::default(), 1)?.pop();
        match next.filter(|event| event.at < from) {
            Some(event) => low = event.seq,
            None => high = middle,
        }
    }
    Ok(low)
}

crate::body! {
    /// What a webhook delivers again.
    pub struct WebhookRedelivery {
        /// The delivery.
        delivery_id: Option<Id> => record_id().required().example("01890a5d-ac96-774b-bcce-b302099a8057"),
    }
    example serde_json::json!({"delivery_id": "01890a5d-ac96-774b-bcce-b302099a8057"})
}

/// Redeliver one event to a webhook
///
/// Makes one delivery again, whatever became of it, as soon as its turn comes.
#[utoipa::path(tag = "webhooks", operation_id = "redeliverToWebhook", request_body = WebhookRedelivery,
    params(("id" = String, Path, description = "The id of the webhook, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The webhook.", body = ref("#/components/schemas/Webhook"))))]
#[post("/v1/webhooks/{id}/redeliver")]
pub async fn redeliver(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Webhook, WebhookRedelivery>((call, request, body), Action::Update, |work, asked| {
        let webhook = asked.record();
        let named = asked.body.get(WebhookRedelivery::delivery_id);
        let found = named.map(|id| lookup::one::<WebhookDelivery>(work, id)).transpose()?.flatten();
        let found = found.filter(|delivery| delivery.get(WebhookDelivery::webhook_id) == Some(webhook.id()));
        let missing = || Problem::rule(Fault::new(WebhookRedelivery::delivery_id.pointer(), FaultCode::NotFound).into());
        let delivery = found.ok_or_else(missing)?;
        sending::change(work, delivery.id(), |delivery| {
            delivery.set(WebhookDelivery::state, WebhookDeliveryState::Waiting);
            delivery.set(WebhookDelivery::failures, 0);
            delivery.set(WebhookDelivery::next_attempt_at, asked.writer.now);
        })?;
        sending::enqueue(work, webhook.id())?;
        work.event(Webhook::NAME, "redelivered", webhook.id(), webhook.version(), serde_json::Map::new(), &[]);
        asked.writer.answer(work, 200, webhook.any(), Shown::new())
    })
    .await
}

/// What came of trying a webhook out.
#[derive(Serialize, ToSchema)]
pub struct WebhookTest {
    /// Whether the endpoint took it: any status from 200 to 299.
    #[schema(example = true)]
    delivered: bool,
    /// The status of the answer; null if there was none.
    #[schema(example = 204)]
    status: Option<u16>,
    /// How long it took.
    #[schema(example = 84)]
    milliseconds: i64,
    /// Why there was no answer.
    #[schema(example = json!(null))]
    error: Option<String>,
    /// The beginning of the answer: up to 4 KB.
    #[schema(example = "")]
    answer: Option<String>,
}

/// Test a webhook
///
/// Posts an event of the type `webhook.test` to the URL now, signed as any other, and returns what the endpoint answered. It is no
/// delivery, and changes nothing. With `validate_only`, nothing is posted.
#[utoipa::path(tag = "webhooks", operation_id = "testWebhook",
    params(("id" = String, Path, description = "The id of the webhook, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "What the endpoint answered.", body = WebhookTest)))]
#[post("/v1/webhooks/{id}/test")]
pub async fn test(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    crate::records::body::read::<Nothing>(&body.0, &call.principal.standards(call.now))?;
    let webhook = load(&call, &request, Action::Update).await?;
    if webhook.is_archived() {
        return Err(Problem::archived());
    }
    if mutation.validates_only() {
        let answer = WebhookTest { delivered: false, status: None, milliseconds: 0, error: None, answer: None };
        return Ok(HttpResponse::Ok().json(answer));
    }
    let origin = Origin::system(call.now);
    let writing = call
        .state
        .background
        .write::<_, Problem>(call.tenant(), origin, |work| Ok(work.file_link_key(&clock::random_bytes::<32>())?));
    let key = writing.await?;
    let message = serde_json::to_vec(&test_event(call.now))?;
    let id = clock::new_id().to_string();
    let posted = posting::post(&call.state, &webhook, &key, &id, message).await?;
    let delivered = posted.is_taken();
    let attempt = posted.attempt;
    Ok(HttpResponse::Ok().json(WebhookTest {
        delivered,
        status: attempt.status,
        milliseconds: attempt.milliseconds,
        error: attempt.error,
        answer: attempt.answer,
    }))
}

/// How far a webhook is.
#[derive(Serialize, ToSchema)]
pub struct WebhookProgress {
    /// Its place in the change feed: `GET /v1/changes?cursor=` lists the events after it, none of which is a delivery yet.
    #[schema(example = "ZTQy")]
    cursor: String,
    /// Whether there are events after it.
    #[schema(example = false)]
    is_behind: bool,
    /// The number of deliveries that wait to be posted.
    #[schema(example = 3)]
    waiting: i64,
    /// The number of deliveries held back behind an earlier event of their record that failed.
    #[schema(example = 0)]
    parked: i64,
    /// The number of deliveries that failed after all attempts, in the last 30 days.
    #[schema(example = 0)]
    failed: i64,
    /// The number of deliveries made in the last 30 days.
    #[schema(example = 1280)]
    delivered: i64,
    /// Since when every attempt has failed; null if the last one succeeded.
    #[schema(value_type = Option<String>, format = "date-time", example = json!(null))]
    failing_since: Option<Timestamp>,
    /// Until when the endpoint asked to be left alone (`Retry-After`).
    #[schema(value_type = Option<String>, format = "date-time", example = json!(null))]
    rests_until: Option<Timestamp>,
    /// With signature `v1a`, the public key by which receivers verify deliveries; otherwise null.
    #[schema(example = json!(null))]
    public_key: Option<String>,
}

/// Get the progress of a webhook
///
/// Returns its place in the change feed, how many deliveries wait, and how its endpoint is doing.
#[utoipa::path(tag = "webhooks", operation_id = "getWebhookProgress",
    params(("id" = String, Path, description = "The id of the webhook, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "How far it is.", body = WebhookProgress)))]
#[get("/v1/webhooks/{id}/progress")]
pub async fn progress(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let webhook = load(&call, &request, Action::Read).await?;
    let now = call.now;
    let writing = call.state.background.write::<_, Problem>(call.tenant(), Origin::system(now), move |work| {
        let cursor = work.reader().webhook_cursor(webhook.id())?.ok_or_else(Problem::not_found)?;
        let end = work.reader().log_end()?;
        let states = work.reader().webhook_delivery_states(webhook.id())?;
        let count =
            |state: WebhookDeliveryState| states.iter().find(|(known, _)| known == state.as_str()).map_or(0, |(_, count)| *count);
        let key = shown(work, &webhook)?.get(PUBLIC_KEY).and_then(|key| key.as_str().map(str::to_owned));
        Ok(WebhookProgress {
            cursor: events::cursor(cursor.position),
            is_behind: cursor.position < end,
            waiting: count(WebhookDeliveryState::Waiting),
            parked: count(WebhookDeliveryState::Parked),
            failed: count(WebhookDeliveryState::Failed),
            delivered: count(WebhookDeliveryState::Delivered),
            failing_since: cursor.failing_since,
            rests_until: cursor.rests_until.filter(|until| now < *until),
            public_key: key,
        })
    });
    Ok(HttpResponse::Ok().json(writing.await?))
}

/// The webhook of a path, within what the caller may do.
async fn load(call: &Call, request: &HttpRequest, action: Action) -> Result<Arc<Record<Webhook>>, Problem> {
    let rows = call.rows(<Webhook as Entity>::object(), action)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let object = <Webhook as Entity>::object();
        let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
        reader.get(&principal.layout(object), &principal.view(now), id, &rows)?.ok_or_else(Problem::not_found)?;
        crate::access::unrestricted::entity_of::<Webhook>(reader, id)?.ok_or_else(Problem::not_found)
    });
    Ok(Arc::new(reading.await?))
}
