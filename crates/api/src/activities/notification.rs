//! A user's notifications: how many are unread, and reading them.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    activities::notification::Notification,
    identity::{access::Action, user::User},
    model::entity::Entity,
};
use farley_persistence::{Change, Work};
use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;

use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        mutation::{Answer, Mutation, if_match},
        named::Named,
        versions,
        write::Writer,
    },
};

/// How many notifications wait to be read.
#[derive(Serialize, ToSchema)]
pub struct UnreadCount {
    #[schema(example = 3)]
    unread: i64,
}

/// Count my unread notifications
#[utoipa::path(tag = "notifications", operation_id = "countUnreadNotifications",
    responses((status = 200, description = "How many there are.", body = UnreadCount)))]
#[get("/v1/notifications/unread-count")]
pub async fn unread_count(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.rows(<Notification as Entity>::object(), Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let user = call.principal.user_id();
    let unread = call.state.store.read::<_, Problem>(call.tenant(), move |reader| Ok(reader.unread_notifications(user)?)).await?;
    Ok(HttpResponse::Ok().json(UnreadCount { unread }))
}

/// Mark a notification as read
///
/// Doing it again changes nothing. An API key needs the scope `notification:update` too.
#[utoipa::path(tag = "notifications", operation_id = "readNotification",
    params(("id" = String, Path, description = "The notification's id.")),
    responses((status = 200, description = "The notification, read.", body = ref("#/components/schemas/Notification"))))]
#[post("/v1/notifications/{id}/read")]
pub async fn mark_read(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let rows = call.rows(<Notification as Entity>::object(), Action::Read)?;
    call.principal.permit_oneself(<Notification as Entity>::object(), Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    farley_domain::model::input::form(&[], &body.0, &call.principal.standards(call.now))?;
    let Named::Id(id) = Named::parse(request.match_info().query("id"))? else { return Err(Problem::not_found()) };
    let expected = if_match(&request);
    let writer = Writer::of(&call, <Notification as Entity>::object());
    mutation
        .run(&call, move |work| {
            let view = writer.principal.view(writer.now);
            let loaded = work.load(&writer.schema(), &view, id, &rows)?.ok_or_else(Problem::not_found)?;
            if let Some(expected) = &expected {
                versions::check(work, &writer.principal, writer.object, &loaded.record, expected, None)?;
            }
            if loaded.record.of::<Notification>().is_null(Notification::read_at) {
                let mut record = loaded.record.clone();
                record.of_mut::<Notification>().set(Notification::read_at, writer.now);
                work.update(&writer.schema(), &loaded, &mut record, &Change::new("read"))?;
            }
            writer.answer_as_stored(work, 200, id)
        })
        .await
}

/// How many notifications were marked.
#[derive(Serialize, ToSchema)]
pub struct ReadCount {
    #[schema(example = 3)]
    read: usize,
}

/// Mark all my notifications as read
///
/// An API key needs the scope `notification:update` too.
#[utoipa::path(tag = "notifications", operation_id = "readAllNotifications",
    responses((status = 200, description = "How many were marked.", body = ReadCount)))]
#[post("/v1/notifications/read-all")]
pub async fn mark_all_read(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.rows(<Notification as Entity>::object(), Action::Read)?;
    call.principal.permit_oneself(<Notification as Entity>::object(), Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    farley_domain::model::input::form(&[], &body.0, &call.principal.standards(call.now))?;
    let principal = Arc::clone(&call.principal);
    mutation
        .run(&call, move |work: &mut Work<'_>| {
            let user = principal.user_id();
            let read = work.read_notifications(user)?;
            if read > 0 {
                let changes = Map::from_iter([("notifications".to_owned(), json!({"from": null, "to": read}))]);
                work.event(User::object().name, "notifications_read", user, 0, changes, &[]);
            }
            Answer::json(200, &ReadCount { read })
        })
        .await
}
