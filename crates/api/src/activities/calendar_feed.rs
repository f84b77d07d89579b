//! A user's calendar for other programs: an address that only they know, and the calendar behind it as iCalendar (RFC 5545).

use std::collections::{BTreeSet, HashSet};

use actix_web::{HttpRequest, HttpResponse, delete, get, http::header, post};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use farley_domain::{
    activities::{
        activity::Activity,
        calendar::Span,
        mentions,
        task::{Task, calendar_uid},
    },
    identity::{
        access::{Action, Asker},
        user::User,
    },
    model::{entity::Entity, record::Record, recurring},
    query::predicate::Predicate,
    service::work_orders::work_order::WorkOrder,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Reader, TenantKey};
use icalendar::{Class, Component, Event, EventLike, EventStatus};
use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;

use super::calendar::{MOST_ENTRIES, due, due_times, location, meetings, shown, work_orders};
use crate::{
    access::{
        call::Call,
        grants::asker_of,
        state::state_of,
        tokens::{NO_TENANT, secret_hash},
    },
    http::{
        clock,
        problem::Problem,
        request::{Body, base_url, limit_by_address, parameters, refuse_rest},
    },
    records::mutation::{Answer, Mutation},
};

/// How far back a feed goes, and how far ahead, in days.
const BACK_DAYS: i64 = 30;
const AHEAD_DAYS: i64 = 365;
/// How many characters of a body a feed shows.
const SHOWN: usize = 1_000;

/// The URL of a calendar.
#[derive(Serialize, ToSchema)]
pub struct CalendarFeed {
    /// The URL for a calendar program; anyone who has it can see the calendar. Returned only once.
    #[schema(example = "https://crm.example.cn/v1/calendar-feeds/ff_3Zk….ics")]
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

/// The address is a credential of its own, by which all of the calendar is read: a key must be good for all of that.
fn permit(call: &Call) -> Result<(), Problem> {
    call.rows(Activity::object(), Action::Read)?;
    call.principal.permit_oneself(Task::object(), Action::Read)?;
    call.principal.permit_oneself(WorkOrder::object(), Action::Read)?;
    call.principal.permit_oneself(User::object(), Action::Update)
}

/// Create a URL for my calendar
///
/// For calendar programs, which read it without logging in. A previous URL stops working. An API key needs the scopes
/// `activity:read`, `task:read`, `work_order:read` and `user:update`.
#[utoipa::path(tag = "calendar", operation_id = "makeCalendarFeed",
    responses((status = 201, description = "The calendar URL.", body = CalendarFeed)))]
#[post("/v1/me/calendar-feed")]
pub async fn make(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    permit(&call)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    farley_domain::model::input::form(&[], &body.0, &call.principal.standards(call.now))?;
    let (user, now) = (call.principal.user_id(), call.now);
    let token = format!("ff_{}", BASE64_URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>()));
    let url = format!("{}/v1/calendar-feeds/{token}.ics", base_url(&request)?);
    mutation
        .run(&call, move |work| {
            work.set_calendar_feed(user, &secret_hash(&token))?;
            work.event(User::object().name, "calendar_feed_made", user, 0, Map::new(), &[]);
            let mut answer = Answer::json(201, &CalendarFeed { url: Some(url.clone()), created_at: now })?;
            let replayed = serde_json::to_string(&CalendarFeed { url: None, created_at: now })?;
            answer.replayed_body = Some(replayed);
            Ok(answer)
        })
        .await
}

/// Revoke the URL of my calendar
///
/// An API key needs the scopes `activity:read`, `task:read`, `work_order:read` and `user:update`.
#[utoipa::path(tag = "calendar", operation_id = "revokeCalendarFeed",
    responses((status = 204, description = "The URL was revoked.")))]
#[delete("/v1/me/calendar-feed")]
pub async fn revoke(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    permit(&call)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &serde_json::Value::Null)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let user = call.principal.user_id();
    mutation
        .run(&call, move |work| {
            if work.revoke_calendar_feed(user)? {
                work.event(User::object().name, "calendar_feed_revoked", user, 0, Map::new(), &[]);
            }
            Ok(Answer::no_content())
        })
        .await
}

/// Get a calendar as iCalendar
///
/// Returns the meetings, visits and calls of the user whose calendar URL it is, their work orders that are scheduled or completed, and
/// their due tasks, from 30 days ago to a year ahead. Meetings that the user attends but cannot read appear only as busy time.
#[utoipa::path(tag = "calendar", operation_id = "getCalendarFeed", security(()),
    params(("token" = String, Path, description = "The secret part of the URL.")),
    responses((status = 200, description = "The calendar.", body = String, content_type = "text/calendar"),
              (status = 404, description = "There is no calendar with this URL, or it was revoked.")))]
#[get("/v1/calendar-feeds/{token}.ics")]
pub async fn feed(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let state = state_of(&request)?;
    let (hash, now) = (secret_hash(request.match_info().query("token")), clock::now());
    let text = state
        .store
        .read::<_, Problem>(NO_TENANT, move |reader| {
            let (tenant, user) = reader.calendar_feed(&hash)?.ok_or_else(Problem::not_found)?;
            let row = reader.tenant(tenant)?.ok_or_else(Problem::not_found)?;
            reader.tenant = TenantKey { id: tenant, number: row.number };
            let tenant = row.to_tenant()?;
            let zone = tenant.standards(now).zone;
            let asker = asker_of(reader, user)?.ok_or_else(Problem::not_found)?;
            calendar_of(reader, &asker, &tenant.name, now, zone)
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/calendar; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, max-age=300"))
        .body(text))
}

/// The calendar of a user; of what they may not read, only that they are busy.
fn calendar_of(
    reader: &mut Reader<'_>,
    asker: &Asker,
    name: &str,
    now: Timestamp,
    zone: chrono_tz::Tz,
) -> Result<String, Problem> {
    let range = Span { from: now.plus_seconds(-BACK_DAYS * 24 * 3600), to: now.plus_seconds(AHEAD_DAYS * 24 * 3600) };
    let rows = |object| asker.rows(object, Action::Read).unwrap_or_else(Predicate::nothing);
    let mut calendar = icalendar::Calendar::empty();
    calendar.append_property(("VERSION", "2.0")).append_property(("PRODID", "-//Farley//Farley CRM//EN"));
    calendar.append_property(("CALSCALE", "GREGORIAN")).append_property(("METHOD", "PUBLISH"));
    calendar.name(&one_line(&format!("Farley: {name}")));
    let readable = meetings(reader, &[asker.user_id], range, rows(Activity::object()))?;
    let readable: HashSet<Id> = readable.iter().map(Record::id).collect();
    let mut busy = BTreeSet::new();
    for activity in meetings(reader, &[asker.user_id], range, Predicate::all())?.into_iter().take(MOST_ENTRIES) {
        let Some(begin) = activity.get(Activity::occurred_at) else { continue };
        if !readable.contains(&activity.id()) {
            busy.insert((begin, activity.get(Activity::ends_at)));
            continue;
        }
        let text = |handle| shown(asker, &activity, handle).flatten();
        let mut event = new_event(&format!("{}@farley", activity.id()), activity.any(), begin);
        event.summary(text(Activity::subject).unwrap_or_default());
        if let Some(end) = activity.get(Activity::ends_at).filter(|end| *end > begin) {
            event.ends(seconds(end));
        }
        if let Some(location) = text(Activity::location) {
            event.location(location);
        }
        if let Some(body) = text(Activity::body) {
            event.description(&mentions::plain(body).chars().take(SHOWN).collect::<String>());
        }
        event.status(EventStatus::Confirmed);
        calendar.push(event);
    }
    for (begin, end) in busy {
        // Told apart by their times alone: even the id is not theirs to know.
        let until = end.filter(|end| *end > begin);
        let mut event = Event::new();
        let uid = format!("busy-{}-{}@farley", begin.milliseconds(), until.unwrap_or(begin).milliseconds());
        event.uid(&uid).timestamp(seconds(begin)).starts(seconds(begin)).summary("Busy / 忙碌").class(Class::Private);
        if let Some(end) = until {
            event.ends(seconds(end));
        }
        calendar.push(event);
    }
    for order in work_orders(reader, &[asker.user_id], range, rows(WorkOrder::object()))?.into_iter().take(MOST_ENTRIES) {
        let times = order.get(WorkOrder::scheduled_from).zip(order.get(WorkOrder::scheduled_to));
        let Some((begin, end)) = times else { continue };
        let text = |handle| shown(asker, &order, handle).flatten();
        let mut event = new_event(&format!("{}@farley", order.id()), order.any(), begin);
        let title: Vec<&str> = [text(WorkOrder::number), text(WorkOrder::subject)].into_iter().flatten().collect();
        event.summary(&title.join(" ")).ends(seconds(end)).status(EventStatus::Confirmed);
        if let Some(location) = location(asker, &order) {
            event.location(&location);
        }
        if let Some(description) = text(WorkOrder::description) {
            event.description(&description.chars().take(SHOWN).collect::<String>());
        }
        calendar.push(event);
    }
    for task in due(reader, &[asker.user_id], range, rows(Task::object()))? {
        for (at, later) in due_times(&task, range, zone) {
            let mut event = new_event(&calendar_uid(&task, later.then_some(at)), task.any(), at);
            event.summary(&format!("☐ {}", shown(asker, &task, Task::subject).unwrap_or_default()));
            if let Some(description) = shown(asker, &task, Task::description).flatten() {
                event.description(&description.chars().take(SHOWN).collect::<String>());
            }
            // Nobody is busy for being due.
            event.append_property(("TRANSP", "TRANSPARENT"));
            calendar.push(event);
        }
    }
    Ok(calendar.to_string())
}

fn new_event(uid: &str, record: &Record, begin: Timestamp) -> Event {
    let mut event = Event::new();
    let changed = record.get(recurring::UPDATED_AT).unwrap_or(begin);
    event.uid(uid).timestamp(seconds(changed)).last_modified(seconds(changed)).starts(seconds(begin));
    event.sequence(u32::try_from(record.version()).unwrap_or(u32::MAX));
    event
}

/// In UTC, as iCalendar writes it.
fn seconds(time: Timestamp) -> DateTime<Utc> {
    time.to_utc()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
