//! Calendars: meetings, visits and calls with a time, work orders, tasks that are due, and when people are busy.

use std::{collections::HashSet, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    activities::{
        activity::{Activity, ActivityKind, ActivityStatus, LONGEST_SECONDS},
        calendar::{Span, covered},
        recurrence,
        task::{Task, TaskStatus},
    },
    identity::{
        access::{Action, Asker},
        user::User,
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::Op,
        handle::{FieldValue, Handle},
        operand::Operand,
        record::Record,
    },
    query::predicate::{Predicate, relative},
    service::work_orders::{
        scheduling,
        work_order::{WorkOrder, WorkOrderStatus},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Layout, Reader, Row};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{
        call::Call,
        grants::teams_below,
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{problem::Problem, request::parameters},
    records::body,
};

/// The longest range of a calendar, in days.
const MOST_DAYS: i64 = 100;
/// The most entries of a calendar.
pub const MOST_ENTRIES: usize = 2_000;

/// A calendar entry.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CalendarEntry {
    /// `activity`, `work_order` or `task`; null if you can see only the time.
    #[schema(example = "activity")]
    object: Option<String>,
    #[schema(value_type = Option<String>, format = "uuid")]
    id: Option<Id>,
    /// The kind of the activity; `work_order` and `task` for these; `busy` if you can see only the time.
    #[schema(example = "meeting")]
    kind: String,
    #[schema(example = "报价沟通")]
    title: Option<String>,
    location: Option<String>,
    /// `planned` or `done` for activities, `open` for tasks, the status of a work order.
    #[schema(example = "planned")]
    status: Option<String>,
    /// When it starts; for a task, when it is due.
    #[schema(value_type = String, format = "date-time")]
    starts_at: Timestamp,
    /// When it ends, if known.
    #[schema(value_type = Option<String>, format = "date-time")]
    ends_at: Option<Timestamp>,
    /// The requested users whose calendars it appears in.
    #[schema(value_type = Vec<String>)]
    user_ids: Vec<Id>,
    #[schema(value_type = Option<String>, format = "uuid")]
    customer_id: Option<Id>,
    /// Whether it is a future occurrence of a recurring task for which no task exists yet.
    recurring: bool,
}

/// A busy time of a user.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BusyTime {
    #[schema(value_type = String, format = "uuid")]
    user_id: Id,
    #[schema(value_type = String, format = "date-time")]
    starts_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    ends_at: Timestamp,
}

/// The calendar of one or several users.
#[derive(Serialize, ToSchema)]
pub struct CalendarView {
    /// In order of start time.
    data: Vec<CalendarEntry>,
    /// The busy times of each user, in order and without overlap.
    busy: Vec<BusyTime>,
}

crate::query! {
    /// Whose calendar, and of which days.
    pub struct CalendarQuery {
        /// The start: a time, or a relative time such as `today`. Defaults to the start of the week.
        from: Option<String> => text(64).example("start_of_week"),
        /// The end, exclusive; at most 100 days after the start. Defaults to one week after the start.
        to: Option<String> => text(64).example("start_of_week+7d"),
        /// The user whose calendar to return. Defaults to your own.
        user_id: Option<Id> => reference("user"),
        /// The team whose members' calendars to return.
        team_id: Option<Id> => reference("team"),
    }
}

/// List the entries of a calendar
///
/// Returns the meetings, visits and calls, except cancelled ones, of a user or of everybody in a team and the teams below it, the
/// work orders that they are to do or have done, and their open tasks with a due time; recurring tasks appear at each occurrence. A
/// user's calendar contains what they own and what they attend. For entries that you cannot read, only the time is shown.
#[utoipa::path(tag = "calendar", operation_id = "listCalendarEntries",
    params(CalendarQuery),
    responses((status = 200, description = "The calendar.", body = CalendarView)))]
#[get("/v1/calendar")]
pub async fn calendar(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(Activity::object(), Action::Read)?;
    let tasks = call.principal.asker.rows(Task::object(), Action::Read).unwrap_or_else(Predicate::nothing);
    let order_rows = call.principal.asker.rows(WorkOrder::object(), Action::Read).unwrap_or_else(Predicate::nothing);
    let asked = body::read_query::<CalendarQuery>(&parameters(&request)?)?;
    let range = range(&call, &asked)?;
    let (user, team) = (asked.get(CalendarQuery::user_id), asked.get(CalendarQuery::team_id));
    if user.is_some() && team.is_some() {
        let fault = Fault::new(CalendarQuery::team_id.name(), FaultCode::Conflicting);
        return Err(fault.with("other", CalendarQuery::user_id.name()).into());
    }
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let calendar = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let asker = &principal.asker;
        let users = users(reader, &principal, now, user, team)?;
        let meetings = meetings(reader, &users, range, Predicate::all())?;
        let seen = readable(reader, &principal, now, &meetings, &rows)?;
        let mut entries: Vec<CalendarEntry> =
            meetings.iter().map(|record| entry_of(record, &users, seen.contains(&record.id()), asker)).collect();
        let orders = work_orders(reader, &users, range, Predicate::all())?;
        let seen = readable(reader, &principal, now, &orders, &order_rows)?;
        entries.extend(orders.iter().map(|order| entry_of_order(order, seen.contains(&order.id()), asker)));
        let zone = principal.standards(now).zone;
        for task in due(reader, &users, range, tasks)? {
            let user_ids = task.get(Task::owner_id).into_iter().collect::<Vec<_>>();
            entries.extend(due_times(&task, range, zone).into_iter().map(|(at, later)| CalendarEntry {
                object: Some(Task::NAME.to_owned()),
                id: Some(task.id()),
                kind: Task::NAME.to_owned(),
                title: shown(asker, &task, Task::subject).map(str::to_owned),
                location: None,
                status: shown(asker, &task, Task::status).flatten().map(|status| status.as_str().to_owned()),
                starts_at: at,
                ends_at: None,
                user_ids: user_ids.clone(),
                customer_id: shown(asker, &task, Task::customer_id).flatten(),
                recurring: later,
            }));
        }
        if entries.len() > MOST_ENTRIES {
            return Err(Fault::new(CalendarQuery::to.name(), FaultCode::TooManyRows).with("max", MOST_ENTRIES).into());
        }
        entries.sort_by_key(|entry| (entry.starts_at, entry.id));
        let busy = users.iter().flat_map(|user| busy(*user, (&meetings, &orders), range)).collect();
        Ok(CalendarView { data: entries, busy })
    });
    Ok(HttpResponse::Ok().json(calendar.await?))
}

fn range(call: &Call, asked: &Record<CalendarQuery>) -> Result<Span, Problem> {
    let zone = call.principal.standards(call.now).zone;
    let time = |handle: Handle<CalendarQuery, Option<String>>, fallback: &str| -> Result<Timestamp, Problem> {
        let text = asked.get(handle).unwrap_or(fallback);
        let time = Timestamp::parse(text).or_else(|| relative::resolve(text, call.now, zone));
        Ok(time.ok_or_else(|| Fault::new(handle.name(), FaultCode::InvalidTime))?)
    };
    let from = time(CalendarQuery::from, "start_of_week")?;
    let week = from.to_utc().with_timezone(&zone).naive_local() + chrono::Days::new(7);
    let week = chrono::TimeZone::from_local_datetime(&zone, &week).earliest();
    let week = week.map_or(from.plus_seconds(7 * 24 * 3600), |time| Timestamp::from(time.to_utc()));
    let to = time(CalendarQuery::to, &week.to_string())?;
    if to <= from {
        return Err(Fault::new(CalendarQuery::to.name(), FaultCode::TooEarly).with("min", from).into());
    }
    let latest = from.plus_seconds(MOST_DAYS * 24 * 3600);
    if to > latest {
        return Err(Fault::new(CalendarQuery::to.name(), FaultCode::TooLate).with("max", latest).into());
    }
    Ok(Span { from, to })
}

/// Whose calendars are asked for, as far as the caller may know of them.
fn users(
    reader: &mut Reader<'_>,
    principal: &Principal,
    now: Timestamp,
    user: Option<Id>,
    team: Option<Id>,
) -> Result<Vec<Id>, Problem> {
    let object = User::object();
    let wanted = match (user, team) {
        (None, None) => return Ok(vec![principal.user_id()]),
        (Some(user), _) if user == principal.user_id() => return Ok(vec![user]),
        (Some(user), _) => User::id.eq(user),
        (None, Some(team)) => User::team_id.is_in(teams_below(reader, Some(team))?),
    };
    let rows = principal.asker.rows(object, Action::Read).unwrap_or_else(Predicate::nothing);
    let wanted = Predicate::Archived(false).and(wanted).and(rows);
    let found = reader.find(&without_custom_fields(object), &principal.view(now), &wanted, 200)?;
    if found.is_empty() {
        let name = if user.is_some() { CalendarQuery::user_id } else { CalendarQuery::team_id }.name();
        return Err(Fault::new(name, FaultCode::NotFound).into());
    }
    Ok(found.iter().map(Record::id).collect())
}

/// The meetings, visits and calls of users within a range.
pub fn meetings(reader: &mut Reader<'_>, users: &[Id], range: Span, within: Predicate) -> Result<Vec<Record<Activity>>, Problem> {
    let theirs = [Activity::owner_id.is_in(users.iter().copied()), attended_by(users)];
    let predicate = Predicate::And(vec![
        Predicate::Archived(false),
        Activity::occurred_at.lt(range.to),
        Activity::occurred_at.gte(range.from.plus_seconds(-LONGEST_SECONDS)),
        Activity::kind.is_in([ActivityKind::Meeting, ActivityKind::Visit, ActivityKind::Call]),
        Activity::status.is_in([ActivityStatus::Planned, ActivityStatus::Done]),
        Predicate::Or(vec![Activity::ends_at.gt(range.from), Activity::occurred_at.gte(range.from)]),
        Predicate::Or(theirs.to_vec()),
        within,
    ]);
    found(reader, &predicate)
}

/// The work orders that users are to do, or have done, within a range.
pub fn work_orders(
    reader: &mut Reader<'_>,
    users: &[Id],
    range: Span,
    within: Predicate,
) -> Result<Vec<Record<WorkOrder>>, Problem> {
    let planned = WorkOrderStatus::ALL.iter().copied();
    let planned = planned.filter(|status| status.takes_time() || *status == WorkOrderStatus::Completed);
    let predicate = Predicate::And(vec![
        Predicate::Archived(false),
        WorkOrder::owner_id.is_in(users.iter().copied()),
        scheduling::within(range),
        WorkOrder::status.is_in(planned),
        within,
    ]);
    found(reader, &predicate)
}

/// Activities that some of these users attend.
fn attended_by(users: &[Id]) -> Predicate {
    let users = users.iter().map(|id| Operand::Text(id.to_string())).collect();
    Predicate::test(Activity::attendees.field(), Op::Any, Operand::List(users))
}

/// The open tasks of users that are due within a range, and the recurring ones that may come to be.
pub fn due(reader: &mut Reader<'_>, users: &[Id], range: Span, within: Predicate) -> Result<Vec<Record<Task>>, Problem> {
    let predicate = Predicate::And(vec![
        Predicate::Archived(false),
        Task::status.eq(TaskStatus::Open),
        Task::owner_id.is_in(users.iter().copied()),
        Task::due_at.lt(range.to),
        Predicate::Or(vec![Task::due_at.gte(range.from), Task::recurrence.is_not_null()]),
        within,
    ]);
    found(reader, &predicate)
}

fn found<E: Entity>(reader: &mut Reader<'_>, predicate: &Predicate) -> Result<Vec<Record<E>>, Problem> {
    let found = reader.find(&without_custom_fields(E::object()), &Unrestricted, predicate, MOST_ENTRIES + 1)?;
    Ok(found.into_iter().map(Record::into_entity).collect())
}

/// When a task is due within a range: itself, and, if it recurs, those that will follow.
#[must_use]
pub fn due_times(task: &Record<Task>, range: Span, zone: chrono_tz::Tz) -> Vec<(Timestamp, bool)> {
    let Some(due_at) = task.get(Task::due_at) else { return Vec::new() };
    let mut times = Vec::new();
    if (range.from..range.to).contains(&due_at) {
        times.push((due_at, false));
    }
    if let Some(rule) = task.get(Task::recurrence) {
        let begins_at = task.get(Task::recurrence_from).unwrap_or(due_at);
        let after = due_at.max(range.from);
        let later = recurrence::between(rule, begins_at, (after, range.to), zone).into_iter();
        times.extend(later.filter(|time| *time > due_at).map(|time| (time, true)));
    }
    times
}

/// Those of some records that the caller may read.
fn readable<E: Entity>(
    reader: &mut Reader<'_>,
    principal: &Principal,
    now: Timestamp,
    records: &[Record<E>],
    rows: &Predicate,
) -> Result<HashSet<Id>, Problem> {
    let layout = Arc::new(Layout::of(&without_custom_fields(E::object()), &|_| true, Some(&[]), &[]));
    let ids: Vec<Id> = records.iter().map(Record::id).collect();
    let found = reader.by_ids(&layout, &principal.view(now), &ids, rows)?;
    Ok(found.iter().map(Row::id).collect())
}

/// Who has an activity in their calendar.
fn participants(activity: &Record<Activity>) -> Vec<Id> {
    let attending = activity.get(Activity::attendees).into_iter().filter_map(|attendee| attendee.user_id);
    activity.get(Activity::owner_id).into_iter().chain(attending).collect()
}

fn entry_of(activity: &Record<Activity>, users: &[Id], readable: bool, asker: &Asker) -> CalendarEntry {
    let participants = participants(activity);
    let text = |handle: Handle<Activity, Option<String>>| {
        shown(asker, activity, handle).flatten().filter(|_| readable).map(str::to_owned)
    };
    let kind = shown(asker, activity, Activity::kind).flatten().filter(|_| readable);
    let status = shown(asker, activity, Activity::status).flatten().filter(|_| readable);
    CalendarEntry {
        object: readable.then(|| Activity::NAME.to_owned()),
        id: readable.then(|| activity.id()),
        kind: kind.map_or("busy", ActivityKind::as_str).to_owned(),
        title: text(Activity::subject),
        location: text(Activity::location),
        status: status.map(|status| status.as_str().to_owned()),
        starts_at: activity.get(Activity::occurred_at).unwrap_or(Timestamp::from_milliseconds(0)),
        ends_at: activity.get(Activity::ends_at),
        user_ids: users.iter().copied().filter(|user| participants.contains(user)).collect(),
        customer_id: shown(asker, activity, Activity::customer_id).flatten().filter(|_| readable),
        recurring: false,
    }
}

fn entry_of_order(order: &Record<WorkOrder>, readable: bool, asker: &Asker) -> CalendarEntry {
    let status = shown(asker, order, WorkOrder::status).flatten().filter(|_| readable);
    CalendarEntry {
        object: readable.then(|| WorkOrder::NAME.to_owned()),
        id: readable.then(|| order.id()),
        kind: if readable { WorkOrder::NAME } else { "busy" }.to_owned(),
        title: shown(asker, order, WorkOrder::subject).flatten().filter(|_| readable).map(str::to_owned),
        location: location(asker, order).filter(|_| readable),
        status: status.map(|status| status.as_str().to_owned()),
        starts_at: order.get(WorkOrder::scheduled_from).unwrap_or(Timestamp::from_milliseconds(0)),
        ends_at: order.get(WorkOrder::scheduled_to),
        user_ids: order.get(WorkOrder::owner_id).into_iter().collect(),
        customer_id: shown(asker, order, WorkOrder::customer_id).flatten().filter(|_| readable),
        recurring: false,
    }
}

/// Where a work order is done, in one line.
#[must_use]
pub fn location(asker: &Asker, order: &Record<WorkOrder>) -> Option<String> {
    let address = shown(asker, order, WorkOrder::address).flatten()?;
    Some(address.line()).filter(|line| !line.is_empty())
}

/// The value of a field, unless it is hidden from whoever asks.
pub fn shown<'a, E: Entity, T: FieldValue>(asker: &Asker, record: &'a Record<E>, handle: Handle<E, T>) -> Option<T::Read<'a>> {
    asker.sees(E::object(), handle.field()).then(|| record.get(handle))
}

fn busy(user: Id, (meetings, orders): (&[Record<Activity>], &[Record<WorkOrder>]), range: Span) -> Vec<BusyTime> {
    let theirs = meetings.iter().filter(|meeting| participants(meeting).contains(&user));
    let span = |meeting: &Record<Activity>| {
        Some(Span { from: meeting.get(Activity::occurred_at)?, to: meeting.get(Activity::ends_at)? })
    };
    let on_the_road = orders.iter().filter(|order| order.get(WorkOrder::owner_id) == Some(user));
    let on_the_road = on_the_road
        .filter_map(|order| Some(Span { from: order.get(WorkOrder::scheduled_from)?, to: order.get(WorkOrder::scheduled_to)? }));
    let spans: Vec<Span> = theirs.filter_map(span).chain(on_the_road).collect();
    let times = covered(&spans, range).into_iter();
    times.map(|span| BusyTime { user_id: user, starts_at: span.from, ends_at: span.to }).collect()
}
