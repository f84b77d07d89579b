//! Notifications as they come: server-sent events, read out of the log, so that they come over whichever node made them and none
//! is missed between two connections.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, get, http::header, web::Bytes};
use farley_domain::{
    activities::notification::Notification,
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
    },
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::WantedEvents;
use futures_util::stream;

use crate::{
    access::{call::Call, principal::Principal, state::State},
    http::{
        clock,
        problem::Problem,
        request::{parameters, refuse_rest},
    },
    records::events,
};

/// What a listener is told at the end of a node: to come back soon, where another may be.
const FAREWELL: &[u8] = b"retry: 1000\n: this server stops\n\n";
/// How often the log is looked into.
const EVERY: Duration = Duration::from_secs(1);
/// After how many looks a sign of life is given, and the caller is asked for again.
const LOOKS: u32 = 15;
/// How many events are looked at in one go.
const AT_ONCE: i64 = 200;

/// One listener.
struct Listener {
    state: Arc<State>,
    principal: Arc<Principal>,
    authorization: String,
    /// The position in the log up to which everything has been sent.
    after: i64,
    waiting: VecDeque<Bytes>,
    looks: u32,
}

/// Stream my notifications
///
/// Server-sent events. The first event, `ready`, contains the number of unread notifications; each new notification then
/// arrives as a `notification` event with the notification as JSON. Comments keep the connection alive. A client that
/// reconnects sends the id of the last event in `Last-Event-ID`, as browsers do, and receives the events it missed. The stream
/// ends when the credential expires or is revoked.
#[utoipa::path(tag = "notifications", operation_id = "streamNotifications",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event received; the stream continues after it.")),
    responses((status = 200, description = "The stream.", body = String, content_type = "text/event-stream")))]
#[get("/v1/notifications/stream")]
pub async fn notifications(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.rows(<Notification as Entity>::object(), Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let last = match text("Last-Event-ID").filter(|id| !id.is_empty()) {
        Some(id) => Some(events::position(&id).ok_or_else(|| Fault::new("Last-Event-ID", FaultCode::InvalidCursor))?),
        None => None,
    };
    let user = call.principal.user_id();
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let end = reader.log_end()?;
        Ok((end, reader.unread_notifications(user)?))
    });
    let (end, unread) = reading.await?;
    let after = last.unwrap_or(end);
    let ready = format!("retry: 3000\nevent: ready\nid: {}\ndata: {{\"unread\":{unread}}}\n\n", events::cursor(after));
    let authorization = text("Authorization").unwrap_or_default();
    let (state, principal) = (Arc::clone(&call.state), Arc::clone(&call.principal));
    let waiting = VecDeque::from([Bytes::from(ready)]);
    let listener = Listener { state, principal, authorization, after, waiting, looks: 0 };
    let body = stream::unfold(listener, |mut listener| async move {
        let next = listener.next().await?;
        Some((Ok::<Bytes, Infallible>(next), listener))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(body)))
}

impl Listener {
    /// What is to be sent next; none when the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            if self.state.stopping.is_begun() {
                return None;
            }
            tokio::select! {
                () = self.state.stopping.wait() => return Some(Bytes::from_static(FAREWELL)),
                () = tokio::time::sleep(EVERY) => {}
            }
            self.looks += 1;
            if self.looks.is_multiple_of(LOOKS) {
                self.principal =
                    self.state.principals.resolve(&self.state.store, &self.state.tokens, Some(&self.authorization)).await.ok()?;
                self.waiting.push_back(Bytes::from_static(b": still here\n\n"));
            }
            if let Err(problem) = self.look().await {
                // The store may come back; where this listener stands is not lost.
                tracing::debug!(%problem, "a stream of notifications could not look into the log");
            }
        }
    }

    /// Takes what has come since the last look.
    async fn look(&mut self) -> Result<(), Problem> {
        let Some(rows) = self.principal.asker.rows(<Notification as Entity>::object(), Action::Read) else { return Ok(()) };
        let (principal, after) = (Arc::clone(&self.principal), self.after);
        let (found, until) = self
            .state
            .store
            .read::<_, Problem>(self.principal.key, move |reader| {
                // Asked first: what comes later is for the next look.
                let end = reader.log_end()?;
                let wanted = WantedEvents { types: vec!["notification.created".to_owned()], ..WantedEvents::default() };
                let events = reader.events((after, end), &wanted, AT_ONCE)?;
                let until = events.last().filter(|_| events.len() as i64 >= AT_ONCE).map_or(end, |event| event.seq);
                let ids: Vec<Id> = events.iter().map(|event| event.record_id).collect();
                let within = Predicate::Archived(false).and(rows);
                let layout = principal.layout(<Notification as Entity>::object());
                let mine = reader.by_ids(&layout, &principal.view(clock::now()), &ids, &within)?;
                let mut found = Vec::new();
                for event in &events {
                    if let Some(row) = mine.iter().find(|row| row.id() == event.record_id) {
                        found.push((event.seq, serde_json::to_string(row)?));
                    }
                }
                Ok((found, until))
            })
            .await?;
        for (position, json) in found {
            let event = format!("event: notification\nid: {}\ndata: {json}\n\n", events::cursor(position));
            self.waiting.push_back(Bytes::from(event));
        }
        self.after = until.max(self.after);
        Ok(())
    }
}
