//! Notifications as they come.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    activities::notification::Notification,
    identity::access::Action,
    model::{entity::Entity, event},
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::EventRow;
use serde::Serialize;

use crate::{
    access::{principal::Principal, state::State},
    http::{clock, problem::Problem},
    records::listening::{self, Sent, Showing, Shown},
};

crate::query! {
    /// From where notifications are streamed.
    pub struct NotificationStreamQuery {
        /// A ticket of `POST /v1/changes/stream-tickets`, in place of the `Authorization` header.
        ticket: Option<String> => text(100),
    }
}

/// What the stream says first.
#[derive(Serialize)]
struct Ready {
    unread: i64,
}

/// One's own notifications.
struct Mine;

impl Shown for Mine {
    fn concerns(&self, event: &EventRow, principal: &Principal) -> bool {
        let is_new = event.object == Notification::NAME && event.kind.ends_with(".created");
        // Everybody's come by here: whose it is stands in the event itself.
        is_new && {
            let user = event::text_after(&event.changes, Notification::user_id.name());
            user.is_none_or(|user| user == principal.user_id().to_string())
        }
    }

    fn show(&self, state: &Arc<State>, principal: &Arc<Principal>, events: Vec<Arc<EventRow>>) -> Showing {
        let (state, principal) = (Arc::clone(state), Arc::clone(principal));
        Box::pin(async move {
            let Some(rows) = principal.asker.rows(<Notification as Entity>::object(), Action::Read) else {
                return Ok(Vec::new());
            };
            let reading = state.store.read::<_, Problem>(principal.key, move |reader| {
                let ids: Vec<Id> = events.iter().map(|event| event.record_id).collect();
                let within = Predicate::Archived(false).and(rows);
                let layout = principal.layout(<Notification as Entity>::object());
                let mine = reader.by_ids(&layout, &principal.view(clock::now()), &ids, &within)?;
                let mut sent = Vec::new();
                for event in &events {
                    if let Some(row) = mine.iter().find(|row| row.id() == event.record_id) {
                        sent.push(Sent { seq: event.seq, event: "notification", json: serde_json::to_string(row)? });
                    }
                }
                Ok(sent)
            });
            reading.await
        })
    }
}

/// Stream my notifications
///
/// Server-sent events. The first event, `ready`, contains the number of unread notifications; each new notification then
/// arrives as a `notification` event with the notification as JSON. Comments keep the connection alive. A client that
/// reconnects sends the id of the last event in `Last-Event-ID`, as browsers do, and receives the events it missed. The stream
/// ends with an event `reauth` when the credential expires or is revoked, and with an event `reset` when the id is none of this stream.
#[utoipa::path(tag = "notifications", operation_id = "streamNotifications",
    params(NotificationStreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event received; the stream continues after it.")),
    responses((status = 200, description = "The stream.", body = String, content_type = "text/event-stream")))]
#[get("/v1/notifications/stream")]
pub async fn notifications(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (call, pass, _) = listening::enter(&request, NotificationStreamQuery::ticket).await?;
    call.rows(<Notification as Entity>::object(), Action::Read)?;
    let user = call.principal.user_id();
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let end = reader.log_end()?;
        Ok((end, reader.unread_notifications(user)?))
    });
    let (end, unread) = reading.await?;
    let begin = listening::begin(&request, None, end);
    listening::open((call, pass), begin, &Ready { unread }, Mine).await
}
