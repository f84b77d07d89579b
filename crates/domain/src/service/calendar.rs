//! Calendars: the hours in which a desk works.

use std::{collections::BTreeMap, str::FromStr};

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::business_time::{Hours, Interval};
use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Structure},
        record::{Draft, Record},
        value::{Members, Standards, list, wrong},
    },
    values::time::minutes_of_day,
};

/// The days of a week, as its hours name them.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The most intervals a day can have.
const MOST_INTERVALS: usize = 24;

/// The most dates a calendar can have.
pub const MOST_DATES: usize = 1_000;

/// From when until when, as times of day: `["09:00", "18:00"]`.
pub type Written = (String, String);

/// The hours of each day of the week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekHours {
    pub mon: Vec<Written>,
    pub tue: Vec<Written>,
    pub wed: Vec<Written>,
    pub thu: Vec<Written>,
    pub fri: Vec<Written>,
    pub sat: Vec<Written>,
    pub sun: Vec<Written>,
}

impl WeekHours {
    fn days(&self) -> [&Vec<Written>; 7] {
        [&self.mon, &self.tue, &self.wed, &self.thu, &self.fri, &self.sat, &self.sun]
    }

    /// The hours of the first day of the week that has some: those of an ordinary working day.
    #[must_use]
    pub fn ordinary_day(&self) -> Vec<Written> {
        self.days().into_iter().find(|day| !day.is_empty()).cloned().unwrap_or_default()
    }
}

/// A date with hours of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarDate {
    pub on: NaiveDate,
    /// The hours of that date instead of those of its weekday; none on a holiday.
    pub intervals: Vec<Written>,
    pub label: Option<String>,
    /// Whether it counts: a date that is switched off stays in the list, so that the next import does not bring it back.
    pub active: bool,
}

crate::structures! { WeekHours, CalendarDate }

entity! {
    /// A calendar: the hours in which a service desk works, by which business time is counted. GET …/elapsed and …/add do the
    /// arithmetic.
    pub struct Calendar("calendar", "calendars", "calendars", "Calendar", "工作日历") [external] {
        /// The name; unique among active calendars.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("上海客服"),
        /// Its time zone. Defaults to the tenant's time zone.
        time_zone: Option<String> => time_zone().label("Time zone", "时区").example("Asia/Shanghai"),
        /// The working hours of each day of the week, as lists of intervals; a day without intervals is closed. An interval may end at
        /// 24:00. At least one day must have hours.
        week: Option<WeekHours> => structure(&WEEK).required().opaque().label("Week", "每周工作时间").example(json!({"mon": [["09:00", "12:00"], ["13:30", "18:00"]], "tue": [["09:00", "18:00"]], "wed": [["09:00", "18:00"]], "thu": [["09:00", "18:00"]], "fri": [["09:00", "18:00"]], "sat": [], "sun": []})),
        /// Single dates with other hours than their weekday: without intervals a holiday, with intervals for instance a make-up
        /// working day. POST …/import reads them from iCalendar or JSON.
        dates: Vec<CalendarDate> => structure(&DATES).default(json!([])).opaque().label("Dates", "特殊日期").example(json!([{"on": "2027-02-06", "intervals": [["09:00", "18:00"]], "label": "春节调休上班", "active": true}, {"on": "2027-02-08", "intervals": [], "label": "春节", "active": true}])),
    }
    extend |object| object
        .configuration()
        .unique("calendars_name_key", "name")
        .rule(some_hours)
}

/// A desk that never opens would keep no promise.
fn some_hours(draft: &mut Draft<'_, Calendar>) {
    if draft.after.get(Calendar::week).unwrap_or_default().days().into_iter().all(Vec::is_empty) {
        draft.fault(Calendar::week.pointer(), FaultCode::NoHours);
    }
}

/// The hours that a calendar tells; its zone is another, where it has none of its own.
#[must_use]
pub fn hours(calendar: &Record<Calendar>, otherwise: Tz) -> Hours {
    let zone = calendar.get(Calendar::time_zone).and_then(|name| Tz::from_str(name).ok()).unwrap_or(otherwise);
    hours_of(zone, &calendar.get(Calendar::week).unwrap_or_default(), &calendar.get(Calendar::dates))
}

/// The hours that a week and dates of their own make up, by the clocks of a zone.
#[must_use]
pub fn hours_of(zone: Tz, week: &WeekHours, dates: &[CalendarDate]) -> Hours {
    let dates = dates.iter().filter(|date| date.active);
    let dates: BTreeMap<NaiveDate, Vec<Interval>> = dates.map(|date| (date.on, intervals(&date.intervals))).collect();
    Hours { zone, week: week.days().map(|day| intervals(day)), dates }
}

fn intervals(written: &[Written]) -> Vec<Interval> {
    let read = |(from, to): &Written| Some(Interval { from: minutes_of_day(from)?, to: minutes_of_day(to)? });
    written.iter().filter_map(read).collect()
}

/// Accepts the intervals of a day: in order, none overlapping.
pub(super) fn accept_intervals(value: &Value) -> Result<Value, Faults> {
    let mut end = 0;
    list(value, MOST_INTERVALS, |item| {
        let Some([from, to]) = item.as_array().map(Vec::as_slice) else {
            return Err(wrong("a pair of times such as [\"09:00\", \"18:00\"]"));
        };
        let mut faults = Faults::default();
        let mut time = |place: usize, value: &Value| {
            let minutes = value.as_str().and_then(minutes_of_day);
            if minutes.is_none() {
                faults.add(Fault::new(format!("/{place}"), FaultCode::WrongType).with("expected", "a time of day such as 09:00"));
            }
            minutes
        };
        let (from_minutes, to_minutes) = (time(0, from), time(1, to));
        if let (Some(begin), Some(close)) = (from_minutes, to_minutes) {
            if begin < end {
                faults.add(Fault::new("/0", FaultCode::TooEarly).with("min", time_of_day(end)));
            }
            if close <= begin {
                faults.add(Fault::new("/1", FaultCode::TooEarly).with("min", time_of_day(begin + 1)));
            }
            end = end.max(close);
        }
        faults.into_result(json!([from, to]))
    })
}

/// A time of day, from minutes since midnight.
pub(super) fn time_of_day(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The schema of the intervals of a day.
fn intervals_schema() -> Value {
    let time = json!({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "maxLength": 5});
    json!({
        "type": "array",
        "maxItems": MOST_INTERVALS,
        "description": "From when until when, as local times; in order and without overlaps.",
        "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": time},
        "examples": [[["09:00", "12:00"], ["13:30", "18:00"]]]
    })
}

/// The hours of a week.
pub static WEEK: Structure = Structure {
    name: "week_hours",
    accept: |value, _| {
        // What is not a day is unknown; a day that is absent is closed.
        let mut members = Members::of(value, &WEEKDAYS)?;
        let mut accepted = Map::new();
        for day in WEEKDAYS {
            let intervals = match value.get(day) {
                None | Some(Value::Null) => json!([]),
                Some(intervals) => accept_intervals(intervals).unwrap_or_else(|found| {
                    members.faults.extend(found.0.into_iter().map(|fault| fault.under(&format!("/{day}"))));
                    Value::Null
                }),
            };
            accepted.insert(day.to_owned(), intervals);
        }
        members.faults.into_result(Value::Object(accepted))
    },
    schema: || {
        let days: Map<String, Value> = WEEKDAYS.iter().map(|day| ((*day).to_owned(), intervals_schema())).collect();
        json!({"type": "object", "additionalProperties": false, "properties": days})
    },
    ..Structure::PLAIN
};

/// Dates with hours of their own, each once.
pub static DATES: Structure = Structure {
    name: "calendar_dates",
    accept: accept_dates,
    schema: || {
        json!({
            "type": "array",
            "maxItems": MOST_DATES,
            "items": {
                "type": "object",
                "required": ["on", "intervals"],
                "additionalProperties": false,
                "properties": {
                    "on": {"type": "string", "format": "date", "description": "The date, by the clocks of the calendar's time zone.", "examples": ["2027-02-08"]},
                    "intervals": intervals_schema(),
                    "label": {"type": ["string", "null"], "maxLength": 200, "description": "What the date is.", "examples": ["春节"]},
                    "active": {"type": "boolean", "description": "Whether the date counts. One that is switched off is not brought back by an import. Defaults to true."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

fn accept_dates(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let accepted = list(value, MOST_DATES, |item| {
        let mut members = Members::of(item, &["on", "intervals", "label", "active"])?;
        members.take(&Field::new("on", FieldType::Date).required(), standards);
        match item.get("intervals") {
            None | Some(Value::Null) => members.faults.add(Fault::new("/intervals", FaultCode::Required)),
            Some(intervals) => match accept_intervals(intervals) {
                Ok(intervals) => drop(members.accepted.insert("intervals".to_owned(), intervals)),
                Err(found) => members.faults.extend(found.0.into_iter().map(|fault| fault.under("/intervals"))),
            },
        }
        members.take(&Field::new("label", FieldType::Text { max: 200 }), standards);
        members.take(&Field::new("active", FieldType::Boolean).default(true), standards);
        members.finish()
    })?;
    let Value::Array(mut dates) = accepted else { return Ok(accepted) };
    let mut faults = Faults::default();
    let on = |date: &Value| date.get("on").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut seen = std::collections::HashSet::new();
    for (position, date) in dates.iter().enumerate() {
        if !seen.insert(on(date)) {
            faults.add(Fault::new(format!("/{position}/on"), FaultCode::Repeated));
        }
    }
    dates.sort_by_key(on);
    faults.into_result(Value::Array(dates))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::entity::Entity, values::time::Timestamp};

    fn standards() -> Standards<'static> {
        let now = Timestamp::from_milliseconds(0);
        Standards { country: "CN", currency: "CNY".parse().unwrap(), zone: Tz::Asia__Shanghai, now, user: None }
    }

    fn faults(structure: &Structure, value: Value) -> Vec<(String, String)> {
        let found = (structure.accept)(&value, &standards()).unwrap_err().0;
        found.into_iter().map(|fault| (fault.pointer.to_string(), fault.code.as_str().to_owned())).collect()
    }

    #[test]
    fn every_fault_of_hours_is_named_at_its_place() {
        let week = json!({"mon": [["09:00", "12:00"], ["11:00", "18:00"]], "tue": [["9:00", "18:00"], "x"], "wed": [["18:00", "18:00"]], "someday": []});
        let told =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect::<Vec<_>>();
        let expected = [
            ("/someday", "unknown_member"),
            ("/mon/1/0", "too_early"),
            ("/tue/0/0", "wrong_type"),
            ("/tue/1", "wrong_type"),
            ("/wed/0/1", "too_early"),
        ];
        assert_eq!(faults(&WEEK, week), told(&expected));
        let dates = json!([
            {"on": "2027-02-08", "intervals": []},
            {"on": "2027-02-08", "intervals": [["00:00", "24:00"]]},
            {"on": "2027-02-06", "intervals": [["09:00", "18:00"]], "label": "  调休 "}
        ]);
        assert_eq!(faults(&DATES, dates.clone()), told(&[("/1/on", "repeated")]));
        let kept = (DATES.accept)(&json!([dates[0], dates[2]]), &standards()).unwrap();
        assert_eq!(kept[0], json!({"on": "2027-02-06", "intervals": [["09:00", "18:00"]], "label": "调休", "active": true}));
    }

    #[test]
    fn dates_that_are_switched_off_do_not_count() {
        let mut calendar = Record::new(Calendar::object()).into_entity::<Calendar>();
        let day = vec![("09:00".to_owned(), "18:00".to_owned())];
        calendar.set(Calendar::week, WeekHours { mon: day.clone(), ..WeekHours::default() });
        let date = |on: &str, active: bool| CalendarDate { on: on.parse().unwrap(), intervals: Vec::new(), label: None, active };
        calendar.set(Calendar::dates, [date("2027-02-08", true), date("2027-02-15", false)]);
        let hours = hours(&calendar, Tz::Asia__Shanghai);
        let day =
            |from: &str| hours.elapsed(Timestamp::parse(from).unwrap(), Timestamp::parse(from).unwrap().plus_seconds(86_400));
        assert_eq!(day("2027-02-08T00:00:00+08:00"), 0);
        assert_eq!(day("2027-02-15T00:00:00+08:00"), 9 * 3_600_000);
    }
}
