//! The change feed as it goes on, and the tickets with which browsers open streams.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::values::{id::Id, time::Timestamp};
use farley_persistence::{EventRow, WantedEvents};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    body, events,
    listening::{self, Sent, Showing, Shown},
    mutation::{Answer, Mutation},
};
use crate::{
    access::{call::Call, pass, principal::Principal, state::State},
    http::{
        clock,
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
};

crate::query! {
    /// Which events, and from where.
    pub struct ChangesStreamQuery {
        /// The cursor to continue from: the `page.next` of `GET /v1/changes`, or the id of an event of this stream. Defaults to `now`, the
        /// events from now on. `Last-Event-ID` takes precedence, so that a client that reconnects may send the same URL.
        cursor: Option<String> => long_text(4_000),
        /// The event types to return, as a comma-separated list.
        types: Vec<String> => texts(100).example(json!(["customer.created", "customer.updated"])),
        /// Only events of records of this object, by its name (`customer`) or that of its collection (`customers`).
        object: Option<String> => text(100).example("customer"),
        /// Only events of this record.
        record_id: Option<Id> => record_id(),
        /// A ticket of `POST /v1/changes/stream-tickets`, in place of the `Authorization` header.
        ticket: Option<String> => text(100),
    }
}

/// What a stream of changes says first.
#[derive(Serialize)]
struct Ready {
    cursor: Option<String>,
}

/// The events that are asked for.
struct Changes(WantedEvents);

impl Shown for Changes {
    fn concerns(&self, event: &EventRow, _: &Principal) -> bool {
        let WantedEvents { types, object, record, newest: _ } = &self.0;
        (types.is_empty() || types.contains(&event.kind))
            && object.as_ref().is_none_or(|object| *object == event.object)
            && record.is_none_or(|record| record == event.record_id)
    }

    fn show(&self, state: &Arc<State>, principal: &Arc<Principal>, events: Vec<Arc<EventRow>>) -> Showing {
        let (state, principal) = (Arc::clone(state), Arc::clone(principal));
        Box::pin(async move {
            let reading = state.store.read::<_, Problem>(principal.key, move |reader| {
                // Copied here, where few are at work at a time, and not while thousands wait for their turn.
                let events = events.iter().map(|event| EventRow::clone(event)).collect();
                let mut sent = Vec::new();
                for row in events::visible(reader, events, &principal, clock::now())? {
                    let seq = row.seq;
                    let json = serde_json::to_string(&events::shown(row, &principal)?)?;
                    sent.push(Sent { seq, event: "change", json });
                }
                Ok(sent)
            });
            reading.await
        })
    }
}

/// Stream the change feed
///
/// The events of `GET /v1/changes` as server-sent events, as they are committed: in the same order, at least once and without gaps. The
/// first event, `ready`, contains the cursor where the stream begins. Each event of the feed then arrives as a `change` event: its `data`
/// is the event as JSON, its `id` the cursor after it. Comments with an `id` keep the connection alive. A client that reconnects sends
/// the last id in `Last-Event-ID`, as browsers do, and receives the events it missed.
///
/// Two events end the stream. `reset`: the cursor or id is none of this feed; read the records anew, then begin without it. `reauth`:
/// the token has expired, or the session or key is revoked; come back with a new token or ticket. A session or key may have 100 streams
/// open.
#[utoipa::path(tag = "events", operation_id = "streamChanges",
    params(ChangesStreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event received; the stream continues after it.")),
    responses((status = 200, description = "The stream.", body = String, content_type = "text/event-stream",
        example = "retry: 3000\nevent: ready\nid: ZTQx\ndata: {\"cursor\":\"ZTQx\"}\n\nevent: change\nid: ZTQy\ndata: {\"type\":\"customer.created\", …}\n\n")))]
#[get("/v1/changes/stream")]
pub async fn stream(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (call, pass, asked) = listening::enter(&request, ChangesStreamQuery::ticket).await?;
    let wanted = events::wanted(
        (ChangesStreamQuery::types.name(), asked.get(ChangesStreamQuery::types)),
        (ChangesStreamQuery::object.name(), asked.get(ChangesStreamQuery::object)),
        asked.get(ChangesStreamQuery::record_id),
    )?;
    let end = call.state.store.read::<_, Problem>(call.tenant(), |reader| Ok(reader.log_end()?)).await?;
    let begin = listening::begin(&request, asked.get(ChangesStreamQuery::cursor), end);
    let ready = Ready { cursor: begin.cursor() };
    listening::open((call, pass), begin, &ready, Changes(wanted)).await
}

/// A ticket for a stream.
#[derive(Serialize, ToSchema)]
pub struct StreamTicket {
    /// Pass it as `ticket`. Returned only once.
    #[schema(example = "ft_8cVd…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    /// Until when it opens a stream.
    #[schema(value_type = String, format = "date-time", example = "2026-03-01T08:01:00.000Z")]
    expires_at: Timestamp,
}

/// Create a ticket for a stream
///
/// For browsers, whose `EventSource` sends no `Authorization` header: within 60 seconds, the ticket opens one stream, as
/// `GET /v1/changes/stream?ticket=…` or `GET /v1/notifications/stream?ticket=…`, with the rights of the caller. The stream ends when the
/// token that the ticket was created with expires; create another ticket then.
#[utoipa::path(tag = "events", operation_id = "createStreamTicket", request_body = body::Nothing,
    responses((status = 201, description = "The ticket.", body = StreamTicket)))]
#[post("/v1/changes/stream-tickets")]
pub async fn create_ticket(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    body::read::<body::Nothing>(&body.0, &call.principal.standards(call.now))?;
    let (row, ticket) = pass::make(&call, &request).await?;
    mutation
        .run(&call, move |work| {
            work.add_stream_ticket(&row)?;
            let expires_at = row.expires_at;
            let mut answer = Answer::json(201, &StreamTicket { ticket: Some(ticket.clone()), expires_at })?;
            answer.replayed_body = Some(serde_json::to_string(&StreamTicket { ticket: None, expires_at })?);
            Ok(answer)
        })
        .await
}
