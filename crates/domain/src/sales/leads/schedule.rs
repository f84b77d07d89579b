//! When users work: weekly hours in a time zone, and who is away.

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Link, Structure},
        object::{Reach, Relation},
        record::Record,
        value::{Members, list},
    },
    values::{
        id::Id,
        time::{Timestamp, instant_of, minutes_of_day},
    },
};

/// Whose hours a schedule tells.
pub static SCHEDULE_USERS: Link =
    Link { table: "work_schedule_users", from: "schedule_id", to: "user_id", target: "user", shared: false };

/// Hours of one day of every week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeeklyHours {
    /// 1 is Monday, 7 Sunday.
    pub weekday: i64,
    /// A time of day: `09:00`.
    pub from: String,
    /// A time of day, `24:00` at most.
    pub to: String,
}

/// A time when somebody is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Who is away; everybody of the schedule, if none.
    pub user_id: Option<Id>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub reason: Option<String>,
}

crate::structures! { WeeklyHours, Absence }

/// Hours of the week.
pub static WEEKLY: Structure = Structure {
    name: "weekly_hours",
    accept: |value, standards| {
        list(value, 50, |item| {
            let mut members = Members::read(item, &*WEEKLY_FIELDS, standards)?;
            let time = |name: &str| members.accepted.get(name).and_then(Value::as_str).map(minutes_of_day);
            let (from, to) = (time("from"), time("to"));
            for (name, minutes) in [("from", from), ("to", to)] {
                if minutes == Some(None) {
                    let fault = Fault::new(format!("/{name}"), FaultCode::WrongType);
                    members.faults.add(fault.with("expected", "a time of day such as 09:00"));
                }
            }
            if let (Some(Some(from)), Some(Some(to))) = (from, to)
                && to <= from
            {
                let min = members.accepted.get("from").and_then(Value::as_str).unwrap_or_default().to_owned();
                members.faults.add(Fault::new("/to", FaultCode::TooEarly).with("min", min));
            }
            members.finish()
        })
    },
    schema: || {
        let time = |example: &str| json!({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "examples": [example]});
        json!({
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["weekday", "from", "to"],
                "additionalProperties": false,
                "properties": {
                    "weekday": {"type": "integer", "minimum": 1, "maximum": 7, "description": "1 is Monday, 7 Sunday."},
                    "from": time("09:00"),
                    "to": time("18:00")
                }
            }
        })
    },
    ..Structure::PLAIN
};

static WEEKLY_FIELDS: LazyLock<[Field; 3]> = LazyLock::new(|| {
    [
        Field::new("weekday", FieldType::Integer { min: 1, max: 7 }).required(),
        Field::new("from", FieldType::Text { max: 5 }).required(),
        Field::new("to", FieldType::Text { max: 5 }).required(),
    ]
});

/// Who is away, from when until when.
pub static ABSENCES: Structure = Structure {
    name: "absences",
    accept: |value, standards| {
        list(value, 500, |item| {
            let mut members = Members::read(item, &*ABSENCE_FIELDS, standards)?;
            let time = |name: &str| members.accepted.get(name).and_then(Value::as_str).and_then(Timestamp::parse);
            if let (Some(starts), Some(ends)) = (time("starts_at"), time("ends_at"))
                && ends <= starts
            {
                members.faults.add(Fault::new("/ends_at", FaultCode::TooEarly).with("min", starts));
            }
            members.finish()
        })
    },
    schema: || {
        json!({
            "type": "array",
            "maxItems": 500,
            "items": {
                "type": "object",
                "required": ["starts_at", "ends_at"],
                "additionalProperties": false,
                "properties": {
                    "user_id": {"type": ["string", "null"], "format": "uuid", "description": "The user who is away; if absent, everybody in the schedule (a holiday)."},
                    "starts_at": {"type": "string", "format": "date-time", "examples": ["2026-10-01T00:00:00.000Z"]},
                    "ends_at": {"type": "string", "format": "date-time", "examples": ["2026-10-08T00:00:00.000Z"]},
                    "reason": {"type": ["string", "null"], "maxLength": 200, "examples": ["国庆节"]}
                }
            }
        })
    },
    ..Structure::PLAIN
};

static ABSENCE_FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("user_id", FieldType::Reference("user".into())),
        Field::new("starts_at", FieldType::DateTime).required(),
        Field::new("ends_at", FieldType::DateTime).required(),
        Field::new("reason", FieldType::Text { max: 200 }),
    ]
});

entity! {
    /// A work schedule: the working hours and absences of some users. Users without a schedule are always at work; users with
    /// several are at work when all of their schedules agree.
    pub struct WorkSchedule("work_schedule", "work-schedules", "work_schedules", "Work schedule", "工作时间表") [external] {
        /// The name of the schedule.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("上海办公室"),
        /// The users it applies to.
        user_ids: Vec<Id> => references(&SCHEDULE_USERS).label("Users", "用户"),
        /// Its time zone. Defaults to the tenant's time zone.
        time_zone: Option<String> => time_zone().opaque().label("Time zone", "时区").example("Asia/Shanghai"),
        /// The working hours of each day of the week. If empty, users work around the clock.
        weekly: Vec<WeeklyHours> => structure(&WEEKLY).default(json!([])).opaque().label("Weekly hours", "每周工作时间").example(json!([{"weekday": 1, "from": "09:00", "to": "18:00"}])),
        /// The absences of one user or of everybody.
        absences: Vec<Absence> => structure(&ABSENCES).default(json!([])).opaque().label("Absences", "缺勤").example(json!([{"user_id": null, "starts_at": "2026-10-01T00:00:00.000Z", "ends_at": "2026-10-08T00:00:00.000Z", "reason": "国庆节"}])),
    }
    extend |object| object
        .configuration()
        .relations([Relation { name: "users", target: "user", reach: Reach::Linked { link: &SCHEDULE_USERS, holder: true } }])
}

/// Whether a user is at work at a time, by every schedule that names them.
#[must_use]
pub fn is_working(schedules: &[Record<WorkSchedule>], user: Id, zone: chrono_tz::Tz, at: Timestamp) -> bool {
    of_user(schedules, user).all(|schedule| !is_away(schedule, user, at) && is_within_hours(schedule, zone, at))
}

fn of_user(schedules: &[Record<WorkSchedule>], user: Id) -> impl Iterator<Item = &Record<WorkSchedule>> {
    schedules.iter().filter(move |schedule| schedule.get(WorkSchedule::user_ids).contains(&user))
}

/// Whether a day is one on which a user works: every schedule that names them has hours on it, and no absence takes all of those.
/// Where no hours are told, `otherwise` says which days are.
#[must_use]
pub fn works_on(
    schedules: &[Record<WorkSchedule>],
    user: Id,
    zone: chrono_tz::Tz,
    day: NaiveDate,
    otherwise: fn(NaiveDate) -> bool,
) -> bool {
    let told = |schedule: &Record<WorkSchedule>| !schedule.get(WorkSchedule::weekly).is_empty();
    if !of_user(schedules, user).any(told) && !otherwise(day) {
        return false;
    }
    of_user(schedules, user).all(|schedule| {
        let Some((from, to)) = hours_of(schedule, day) else { return false };
        let zone = zone_of(schedule, zone);
        let at = |minutes: u32| instant_of(day.and_time(NaiveTime::MIN) + chrono::Duration::minutes(minutes.into()), zone);
        let (from, to) = (at(from), at(to));
        !absences(schedule, user).any(|absence| absence.starts_at <= from && to <= absence.ends_at)
    })
}

/// Where the clocks of a schedule are.
fn zone_of(schedule: &Record<WorkSchedule>, otherwise: chrono_tz::Tz) -> chrono_tz::Tz {
    schedule.get(WorkSchedule::time_zone).and_then(|name| name.parse().ok()).unwrap_or(otherwise)
}

/// The hours of a day from the first to the last, in minutes since midnight; none, if there are none.
fn hours_of(schedule: &Record<WorkSchedule>, day: NaiveDate) -> Option<(u32, u32)> {
    let hours = schedule.get(WorkSchedule::weekly);
    if hours.is_empty() {
        return Some((0, 24 * 60));
    }
    let weekday = i64::from(day.weekday().number_from_monday());
    let of_day = || hours.iter().filter(|hours| hours.weekday == weekday);
    Some((
        of_day().filter_map(|hours| minutes_of_day(&hours.from)).min()?,
        of_day().filter_map(|hours| minutes_of_day(&hours.to)).max()?,
    ))
}

/// When a user is away by a schedule.
fn absences(schedule: &Record<WorkSchedule>, user: Id) -> impl Iterator<Item = Absence> {
    let all = schedule.get(WorkSchedule::absences).into_iter();
    all.filter(move |absence| absence.user_id.is_none_or(|away| away == user))
}

/// The first absence of a user that takes some of a span.
#[must_use]
pub fn absence_within(schedules: &[Record<WorkSchedule>], user: Id, from: Timestamp, to: Timestamp) -> Option<Absence> {
    let all = of_user(schedules, user).flat_map(|schedule| absences(schedule, user).collect::<Vec<_>>());
    all.filter(|absence| absence.starts_at < to && from < absence.ends_at).min_by_key(|absence| absence.starts_at)
}

fn is_away(schedule: &Record<WorkSchedule>, user: Id, at: Timestamp) -> bool {
    absences(schedule, user).any(|absence| absence.starts_at <= at && at < absence.ends_at)
}

fn is_within_hours(schedule: &Record<WorkSchedule>, zone: chrono_tz::Tz, at: Timestamp) -> bool {
    let hours = schedule.get(WorkSchedule::weekly);
    let local = at.to_utc().with_timezone(&zone_of(schedule, zone));
    let (weekday, now) = (i64::from(local.weekday().number_from_monday()), local.hour() * 60 + local.minute());
    let of_day = hours.iter().filter(|hours| hours.weekday == weekday);
    let mut spans = of_day.filter_map(|hours| Some((minutes_of_day(&hours.from)?, minutes_of_day(&hours.to)?)));
    hours.is_empty() || spans.any(|(from, to)| from <= now && now < to)
}

/// The faults of users that a schedule tells of as away but does not name.
#[must_use]
pub fn strangers(schedule: &Record<WorkSchedule>) -> Faults {
    let users = schedule.get(WorkSchedule::user_ids);
    let mut faults = Faults::default();
    for (position, absence) in schedule.get(WorkSchedule::absences).iter().enumerate() {
        if absence.user_id.is_some_and(|user| !users.contains(&user)) {
            let pointer = format!("{}/{position}/user_id", WorkSchedule::absences.pointer());
            faults.add(Fault::new(pointer, FaultCode::NotFound));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entity::Entity;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn hours(weekday: i64, from: &str, to: &str) -> WeeklyHours {
        WeeklyHours { weekday, from: from.to_owned(), to: to.to_owned() }
    }

    fn holiday(from: &str, to: &str) -> Absence {
        Absence { user_id: None, starts_at: at(from), ends_at: at(to), reason: None }
    }

    #[test]
    fn hours_are_those_of_the_schedules_own_clocks() {
        let user: Id = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let mut schedule = Record::new(WorkSchedule::object()).into_entity();
        schedule.set(WorkSchedule::user_ids, [user]);
        schedule.set(WorkSchedule::time_zone, "Asia/Shanghai".to_owned());
        schedule.set(WorkSchedule::weekly, [hours(1, "09:00", "18:00"), hours(2, "20:00", "24:00")]);
        schedule.set(WorkSchedule::absences, [holiday("2026-10-05T00:00:00Z", "2026-10-06T00:00:00Z")]);
        let works = |time: &str| is_working(std::slice::from_ref(&schedule), user, chrono_tz::UTC, at(time));
        // 2026-09-28 is a Monday.
        assert!(!works("2026-09-28T00:59:00Z") && works("2026-09-28T01:00:00Z") && works("2026-09-28T09:59:00Z"));
        assert!(!works("2026-09-28T10:00:00Z") && works("2026-09-29T15:59:00Z") && !works("2026-09-29T16:00:00Z"));
        assert!(!works("2026-10-05T02:00:00Z"), "everybody is away");
        let other: Id = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
        assert!(is_working(&[schedule], other, chrono_tz::UTC, at("2026-10-05T02:00:00Z")), "who is in no schedule");
    }

    #[test]
    fn days_of_work_are_those_with_hours_and_without_absence() {
        let user: Id = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let weekdays = |day: NaiveDate| day.weekday().number_from_monday() <= 5;
        let mut schedule = Record::new(WorkSchedule::object()).into_entity();
        schedule.set(WorkSchedule::user_ids, [user]);
        schedule.set(WorkSchedule::absences, [holiday("2026-09-30T16:00:00Z", "2026-10-07T16:00:00Z")]);
        let works = |schedule: &Record<WorkSchedule>, day: &str| {
            works_on(std::slice::from_ref(schedule), user, chrono_tz::Asia::Shanghai, day.parse().unwrap(), weekdays)
        };
        // 2026-10-03 is a Saturday.
        let told = ["2026-09-30", "2026-10-01", "2026-10-07", "2026-10-08", "2026-10-10"].map(|day| works(&schedule, day));
        assert_eq!(told, [true, false, false, true, false]);
        schedule.set(WorkSchedule::weekly, [hours(6, "09:00", "12:00")]);
        // Away for the afternoon alone.
        schedule.set(WorkSchedule::absences, [holiday("2026-10-10T02:00:00Z", "2026-10-10T16:00:00Z")]);
        assert_eq!(["2026-10-09", "2026-10-10"].map(|day| works(&schedule, day)), [false, true]);
        schedule.set(WorkSchedule::absences, [holiday("2026-10-10T00:00:00Z", "2026-10-10T04:00:00Z")]);
        assert!(!works(&schedule, "2026-10-10"));
        assert!(works_on(&[schedule], Id::NIL, chrono_tz::UTC, "2026-10-09".parse().unwrap(), weekdays));
    }
}
