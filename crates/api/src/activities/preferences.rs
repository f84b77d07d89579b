//! What a user wants to be notified of, and by which way.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, patch};
use farley_domain::{
    activities::notification::{Channel, Notification, NotificationKind, preference},
    identity::{access::Action, user::User},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults, unknown},
    },
};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, Type, schema::AdditionalProperties},
};

use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        mutation::{Answer, Mutation},
        schemas::{self, Notes},
    },
};

/// The ways by kind of notification: every kind there is, with every way.
pub struct NotificationPreferences;

impl PartialSchema for NotificationPreferences {
    fn schema() -> RefOr<Schema> {
        let closed = |doc: &str| {
            let object = schemas::of_type(Type::Object).description(Some(doc));
            object.additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        let way = |way: &Channel| {
            let doc = match way {
                Channel::App => "In the list of notifications, and its stream. On, until said otherwise.",
                Channel::Email => "By e-mail, where the server can send it. Off, until said otherwise.",
            };
            let flag = schemas::nullable(schemas::of_type(Type::Boolean).into());
            schemas::annotate(flag, &Notes { description: doc, ..Notes::default() })
        };
        let ways = Channel::ALL
            .iter()
            .fold(closed("By which ways a user hears of it."), |ways, one| ways.property(one.as_str(), way(one)));
        let ways = schemas::nullable(ways.into());
        let kinds = NotificationKind::ALL
            .iter()
            .fold(closed("The ways by kind of notification."), |kinds, kind| kinds.property(kind.as_str(), ways.clone()));
        let shown = json!({NotificationKind::TaskDue.as_str(): {Channel::Email.as_str(): true}});
        kinds.examples([shown]).into()
    }
}

impl ToSchema for NotificationPreferences {}

/// Every kind with every way, said or not.
fn whole(preferences: &Value) -> Value {
    let ways = |kind| Channel::ALL.iter().map(move |way| (way.as_str().to_owned(), preference(preferences, kind, *way).into()));
    let kinds = NotificationKind::ALL.iter();
    Value::Object(kinds.map(|kind| (kind.as_str().to_owned(), Value::Object(ways(*kind).collect()))).collect())
}

/// My notification preferences
#[utoipa::path(tag = "notifications", operation_id = "getNotificationPreferences",
    responses((status = 200, description = "What I am notified of, and by which way.", body = NotificationPreferences)))]
#[get("/v1/me/notification-preferences")]
pub async fn get_preferences(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.rows(<Notification as Entity>::object(), Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let user = call.principal.user_id();
    let preferences =
        call.state.store.read::<_, Problem>(call.tenant(), move |reader| Ok(reader.notification_preferences(user)?)).await?;
    Ok(HttpResponse::Ok().json(whole(&preferences)))
}

/// Change my notification preferences
///
/// A JSON merge patch: what is not named stays; null is what holds until somebody says otherwise. An API key needs the scope
/// `notification:update` too.
#[utoipa::path(tag = "notifications", operation_id = "updateNotificationPreferences", request_body = NotificationPreferences,
    responses((status = 200, description = "The preferences as changed.", body = NotificationPreferences)))]
#[patch("/v1/me/notification-preferences")]
pub async fn update_preferences(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.rows(<Notification as Entity>::object(), Action::Read)?;
    call.principal.permit_oneself(<Notification as Entity>::object(), Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    check(&body.0)?;
    let principal = Arc::clone(&call.principal);
    mutation
        .run(&call, move |work| {
            let user = principal.user_id();
            let before = work.reader().notification_preferences(user)?;
            let after = merged(&before, &body.0);
            if before != after {
                work.set_notification_preferences(user, &after)?;
                let changes = Map::from_iter([(
                    "notification_preferences".to_owned(),
                    json!({"from": whole(&before), "to": whole(&after)}),
                )]);
                work.event(User::object().name, "notification_preferences_changed", user, 0, changes, &[]);
            }
            Answer::json(200, &whole(&after))
        })
        .await
}

/// Known kinds, known ways, true, false or null.
fn check(body: &Value) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let wrong = |pointer: String, expected: &'static str| Fault::new(pointer, FaultCode::WrongType).with("expected", expected);
    let Some(members) = body.as_object() else { return Err(wrong(String::new(), "an object").into()) };
    for (kind, ways) in members {
        if faults.is_full() {
            break;
        }
        let pointer = format!("/{}", farley_domain::model::fault::pointer_token(kind));
        if NotificationKind::from_wire(kind).is_none() {
            let known = NotificationKind::ALL.iter().map(|kind| kind.as_str());
            faults.add(unknown(pointer, FaultCode::UnknownMember, kind, known));
            continue;
        }
        match ways {
            Value::Null => {}
            Value::Object(ways) => {
                for (way, value) in ways.iter().take(Faults::MOST + 1) {
                    let pointer = format!("{pointer}/{}", farley_domain::model::fault::pointer_token(way));
                    if Channel::from_wire(way).is_none() {
                        let known = Channel::ALL.iter().map(|way| way.as_str());
                        faults.add(unknown(pointer, FaultCode::UnknownMember, way, known));
                    } else if !value.is_boolean() && !value.is_null() {
                        faults.add(wrong(pointer, "true or false"));
                    }
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => faults.add(wrong(pointer, "an object")),
        }
    }
    faults.into_result(())
}

/// RFC 7396.
fn merged(before: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut after = before.as_object().cloned().unwrap_or_default();
    for (name, value) in patch {
        if value.is_null() {
            after.shift_remove(name);
        } else {
            let merged = merged(after.get(name).unwrap_or(&Value::Null), value);
            after.insert(name.clone(), merged);
        }
    }
    Value::Object(after)
}
