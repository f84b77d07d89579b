//! Calendars: their arithmetic, and dates read from elsewhere.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{Months, NaiveDate};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        record::Record,
    },
    service::{
        business_time::Hours,
        calendar::{Calendar, hours},
        calendar_import::{Dates, Skipped, merge, read_icalendar, read_json},
    },
    values::{calendar::day_of, time::Timestamp},
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    access::call::Call,
    http::{
        problem::{Code, Problem},
        request::{json_body, parameters, read_body, refuse_rest},
    },
    records::{
        action,
        behaviour::{Behaviour, Writing},
        body,
        mutation::{Answer, Mutation, if_match},
        named::Named,
        write::Writer,
    },
};

/// The longest time that is counted, in years.
const MOST_YEARS: u32 = 50;
/// For how many years ahead recurring events are read.
const YEARS_AHEAD: u32 = 3;
/// The most minutes that can be added: five years around the clock.
const MOST_MINUTES: i64 = 5 * 366 * 24 * 60;

impl Behaviour for Calendar {
    /// A calendar is one of a zone: should the tenant move, the desk does not.
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_null(Calendar::time_zone) {
            record.set(Calendar::time_zone, writing.principal.standards(writing.now).zone.name().to_owned());
        }
        Ok(())
    }
}

crate::query! {
    /// From when until when.
    pub struct ElapsedQuery {
        /// The start.
        from: Option<Timestamp> => datetime().required().example("2027-02-05T09:00:00Z"),
        /// The end; at most 50 years after the start.
        to: Option<Timestamp> => datetime().required().example("2027-02-10T01:30:00Z"),
    }
}

crate::query! {
    /// From when, and how long.
    pub struct AddQuery {
        /// The start.
        from: Option<Timestamp> => datetime().required().example("2027-02-06T09:00:00Z"),
        /// The business minutes to add.
        minutes: Option<i64> => integer(0, MOST_MINUTES).required().example(480),
    }
}

/// The business time between two times.
#[derive(Serialize, ToSchema)]
pub struct BusinessTime {
    #[schema(value_type = String, format = "date-time", example = "2027-02-05T09:00:00.000Z")]
    pub from: Timestamp,
    #[schema(value_type = String, format = "date-time", example = "2027-02-10T01:30:00.000Z")]
    pub to: Timestamp,
    /// The business time, in whole minutes; 0 if `to` is not later than `from`.
    #[schema(example = 660, minimum = 0)]
    pub minutes: i64,
    /// The same, in whole seconds.
    #[schema(example = 39_600, minimum = 0)]
    pub seconds: i64,
    /// The version of the calendar that was used.
    #[schema(example = 3)]
    pub calendar_version: i64,
}

/// When an amount of business time has passed.
#[derive(Serialize, ToSchema)]
pub struct BusinessDue {
    #[schema(value_type = String, format = "date-time", example = "2027-02-06T09:00:00.000Z")]
    pub from: Timestamp,
    #[schema(example = 480, minimum = 0)]
    pub minutes: i64,
    /// The first time by which so many business minutes have passed; null if that takes more than ten years.
    #[schema(value_type = Option<String>, format = "date-time", example = "2027-02-10T09:00:00.000Z")]
    pub at: Option<Timestamp>,
    /// The version of the calendar that was used.
    #[schema(example = 3)]
    pub calendar_version: i64,
}

/// The hours of the calendar that a path names, and its version.
async fn asked(call: &Call, request: &HttpRequest) -> Result<(Hours, i64), Problem> {
    let object = Calendar::object();
    let rows = call.rows(object, Action::Read)?;
    // Hidden hours would be told by their sums.
    let needed = [Calendar::week.of(object), Calendar::dates.of(object), Calendar::time_zone.of(object)];
    call.demand_fields(object, &needed.into_iter().flatten().collect::<Vec<_>>())?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let read = move |reader: &mut farley_persistence::Reader<'_>| {
        let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
        let row = reader.get(&principal.layout(object), &principal.view(now), id, &rows)?.ok_or_else(Problem::not_found)?;
        let calendar = row.to_record()?.into_entity::<Calendar>();
        Ok((hours(&calendar, principal.standards(now).zone), calendar.version()))
    };
    call.state.store.read::<_, Problem>(call.tenant(), read).await
}

/// Count business time
///
/// Returns how long the desk is open between two times. An hour that clocks show twice counts twice, and one that they skip does not
/// count.
#[utoipa::path(tag = "calendars", operation_id = "getCalendarElapsed",
    params(("id" = String, Path, description = "The id, or `ext:{system}:{key}`."), ElapsedQuery),
    responses((status = 200, description = "The business time.", body = BusinessTime)))]
#[get("/v1/calendars/{id}/elapsed")]
pub async fn elapsed(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = body::read_query::<ElapsedQuery>(&parameters(&request)?)?;
    let (Some(from), Some(to)) = (query.get(ElapsedQuery::from), query.get(ElapsedQuery::to)) else {
        return Err(Problem::internal("required parameters are absent"));
    };
    let last = from.to_utc().checked_add_months(Months::new(12 * MOST_YEARS)).map(Timestamp::from);
    if let Some(last) = last.filter(|last| to > *last) {
        return Err(Fault::new(ElapsedQuery::to.name(), FaultCode::TooLate).with("max", last).into());
    }
    let (hours, calendar_version) = asked(&call, &request).await?;
    let milliseconds = hours.elapsed(from, to);
    let (minutes, seconds) = (milliseconds / 60_000, milliseconds / 1_000);
    Ok(HttpResponse::Ok().json(BusinessTime { from, to, minutes, seconds, calendar_version }))
}

/// Add business time
///
/// Returns the time by which the desk has been open for a number of minutes since another time. If the desk is closed at the start,
/// the minutes begin when it opens.
#[utoipa::path(tag = "calendars", operation_id = "getCalendarAdd",
    params(("id" = String, Path, description = "The id, or `ext:{system}:{key}`."), AddQuery),
    responses((status = 200, description = "The time.", body = BusinessDue)))]
#[get("/v1/calendars/{id}/add")]
pub async fn add(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = body::read_query::<AddQuery>(&parameters(&request)?)?;
    let (Some(from), Some(minutes)) = (query.get(AddQuery::from), query.get(AddQuery::minutes)) else {
        return Err(Problem::internal("required parameters are absent"));
    };
    let (hours, calendar_version) = asked(&call, &request).await?;
    let at = hours.add(from, minutes.saturating_mul(60_000));
    Ok(HttpResponse::Ok().json(BusinessDue { from, minutes, at, calendar_version }))
}

/// What an import of dates did.
#[derive(Serialize, ToSchema)]
pub struct CalendarImport {
    /// The dates that were added, in order.
    #[schema(value_type = Vec<String>, example = json!(["2027-02-06", "2027-02-08"]))]
    pub added: Vec<NaiveDate>,
    /// The dates that were in the calendar with other hours or another label.
    #[schema(value_type = Vec<String>, example = json!([]))]
    pub changed: Vec<NaiveDate>,
    /// The number of dates that were in the calendar already.
    #[schema(example = 0, minimum = 0)]
    pub unchanged: usize,
    /// What was left out, and why.
    pub skipped: Vec<SkippedDate>,
    /// The version of the calendar after the import.
    #[schema(example = 4)]
    pub calendar_version: i64,
}

/// A date that was not imported.
#[derive(Serialize, ToSchema)]
pub struct SkippedDate {
    /// The date, if it can be read.
    #[schema(value_type = Option<String>, format = "date", example = "2026-11-11")]
    pub on: Option<NaiveDate>,
    #[schema(example = "St. Martin's Day")]
    pub label: Option<String>,
    /// `cancelled`: the event was called off; `observance`: a day that is marked but not off; `ambiguous`: nothing says whether the day
    /// is worked (such as `调休` alone); `contradictory`: one event says that it is worked, another that it is off; `switched_off`:
    /// inactive in the calendar; `unreadable`: the time or the recurrence rule is invalid.
    #[schema(example = "observance")]
    pub reason: &'static str,
}

impl From<Skipped> for SkippedDate {
    fn from(skipped: Skipped) -> SkippedDate {
        SkippedDate { on: skipped.on, label: skipped.label, reason: skipped.reason.as_str() }
    }
}

/// Import holidays and make-up days
///
/// Adds dates to a calendar, and changes those it has already; dates that are not mentioned stay. With `text/calendar`, an iCalendar
/// file (RFC 5545): each event is a day off, unless its summary, categories or Apple's special-day property say that it is worked
/// (`班`, `working day`, `make-up`). All-day and timed events are read; a timed working day sets the hours of that day, an all-day
/// one gets the hours of the first weekday that has any. Recurring events are read for three years ahead. With `application/json`, an object
/// of dates and `work`, `off` or intervals. `validate_only=true` returns the result without changing anything.
#[utoipa::path(tag = "calendars", operation_id = "importCalendarDates",
    params(("id" = String, Path, description = "The id, or `ext:{system}:{key}`.")),
    request_body(content(
        (std::collections::HashMap<String, Value> = "application/json", example = json!({"2027-02-06": "work", "2027-02-08": "off", "2027-02-07": [["10:00", "16:00"]]})),
        (String = "text/calendar", example = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\nDTSTART;VALUE=DATE:20270208\r\nSUMMARY:春节 休\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    ), description = "The dates."),
    responses((status = 200, description = "What was imported.", body = CalendarImport)))]
#[post("/v1/calendars/{id}/import")]
pub async fn import(call: Call, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let bytes = read_body(&request, &mut payload.into_inner(), call.state.settings.max_body).await?;
    let essence = request.headers().get("Content-Type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_icalendar = essence.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/calendar");
    let content = if is_icalendar {
        let text = String::from_utf8(bytes.to_vec());
        Value::String(text.map_err(|_| Problem::new(Code::MalformedRequest).with("reason", "the calendar is not UTF-8"))?)
    } else {
        json_body(&request, &bytes)?
    };
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &content)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let object = Calendar::object();
    call.rows(object, Action::Update)?;
    if Calendar::dates.of(object).is_some_and(|dates| call.principal.asker.grants.rule(object, dates).is_some()) {
        return Err(Fault::new(Calendar::dates.pointer(), FaultCode::NotPermitted).into());
    }
    let expected = if_match(&request);
    let named = Named::parse(request.match_info().query("id"))?;
    let writer = Writer::of(&call, object);
    let (zone, now) = (call.principal.standards(call.now).zone, call.now);
    mutation
        .run(&call, move |work| {
            let loaded = action::load(&writer, work, &named, (Action::Update, expected.as_ref()))?;
            let mut calendar = loaded.record.of::<Calendar>().clone();
            let dates = dates_of(&content, is_icalendar, &calendar, zone, now)?;
            let merged = merge(&calendar, dates).map_err(|fault| Problem::rule(fault.into()))?;
            calendar.set(Calendar::dates, merged.dates);
            let record = writer.apply_rules(&writer.schema(), Some(&loaded.record), calendar.into_any())?;
            let record = writer.store(work, &loaded, record, "updated")?;
            let imported = CalendarImport {
                added: merged.added,
                changed: merged.changed,
                unchanged: merged.unchanged,
                skipped: merged.skipped.into_iter().map(SkippedDate::from).collect(),
                calendar_version: record.version(),
            };
            Answer::json(200, &imported)
        })
        .await
}

fn dates_of(
    content: &Value,
    is_icalendar: bool,
    calendar: &Record<Calendar>,
    zone: chrono_tz::Tz,
    now: Timestamp,
) -> Result<Dates, Problem> {
    match content.as_str().filter(|_| is_icalendar) {
        Some(text) => {
            let zone = hours(calendar, zone).zone;
            let last = day_of(now, zone).checked_add_months(Months::new(12 * YEARS_AHEAD)).unwrap_or(NaiveDate::MAX);
            Ok(read_icalendar(text, zone, last)?)
        }
        None => Ok(read_json(content)?),
    }
}
