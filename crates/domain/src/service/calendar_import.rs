//! Holidays and make-up working days from elsewhere: iCalendar as governments, Apple, Google and the makers of Chinese holiday feeds
//! publish it, or JSON.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;
use icalendar::parser::{Component, read_calendar, unfold};
use rrule::RRuleSet;
use serde_json::Value;

use super::calendar::{Calendar, CalendarDate, MOST_DATES, Written, accept_intervals, time_of_day};
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults, pointer_token},
        record::Record,
        value::wrong,
    },
    values::time::{instant_of, parse_date},
};

/// The most days that one event can cover.
const MOST_DAYS: u64 = 366;

/// What a date is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayIs {
    Off,
    /// Worked in these hours, or in those of an ordinary day.
    Worked(Option<Vec<Written>>),
}

/// A date that is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub on: NaiveDate,
    pub is: DayIs,
    pub label: Option<String>,
}

/// Why a date is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is called off where it comes from.
    Cancelled,
    /// A day that is marked, but not off.
    Observance,
    /// It cannot be seen whether it is worked: `调休` alone.
    Ambiguous,
    /// One event says that it is worked, another that it is not.
    Contradictory,
    /// It is switched off in the calendar.
    SwitchedOff,
    /// Its time or its rule cannot be read.
    Unreadable,
}

impl Reason {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Cancelled => "cancelled",
            Reason::Observance => "observance",
            Reason::Ambiguous => "ambiguous",
            Reason::Contradictory => "contradictory",
            Reason::SwitchedOff => "switched_off",
            Reason::Unreadable => "unreadable",
        }
    }
}

/// A date that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub on: Option<NaiveDate>,
    pub label: Option<String>,
    pub reason: Reason,
}

/// What a file tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    pub told: Vec<Told>,
    pub skipped: Vec<Skipped>,
}

/// Reads `{"2027-02-06": "work", "2027-02-08": "off", "2027-02-07": [["10:00", "16:00"]]}`.
pub fn read_json(value: &Value) -> Result<Dates, Faults> {
    let members = value.as_object().ok_or_else(|| wrong("an object of dates"))?;
    if members.len() > MOST_DATES {
        return Err(Fault::new("", FaultCode::TooMany).with("max", MOST_DATES).into());
    }
    let mut faults = Faults::default();
    let mut told = Vec::new();
    for (name, value) in members {
        let pointer = format!("/{}", pointer_token(name));
        let Some(on) = parse_date(name) else {
            faults.add(Fault::new(pointer, FaultCode::InvalidDate));
            continue;
        };
        let is = match value {
            Value::String(word) if word == "work" => DayIs::Worked(None),
            Value::String(word) if word == "off" => DayIs::Off,
            Value::Array(intervals) if intervals.is_empty() => DayIs::Off,
            Value::Array(_) => match accept_intervals(value) {
                Ok(intervals) => DayIs::Worked(serde_json::from_value(intervals).ok()),
                Err(found) => {
                    faults.extend(found.0.into_iter().map(|fault| fault.under(&pointer)));
                    continue;
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                let fault = Fault::new(pointer, FaultCode::WrongType);
                faults.add(fault.with("expected", "work, off or a list of intervals"));
                continue;
            }
        };
        told.push(Told { on, is, label: None });
    }
    faults.into_result(Dates { told, skipped: Vec::new() })
}

/// Reads the events of an iCalendar (RFC 5545), all-day and timed ones; those that recur until a last date. Times are read by the clocks
/// of the zone.
pub fn read_icalendar(text: &str, zone: Tz, last: NaiveDate) -> Result<Dates, Fault> {
    let text = text.trim_start_matches('\u{feff}');
    let unfolded = unfold(text);
    let calendar = read_calendar(&unfolded)
        .map_err(|_| Fault::new("", FaultCode::Malformed).with("reason", "not an iCalendar (RFC 5545)"))?;
    let mut dates = Dates::default();
    for event in calendar.components.iter().filter(|component| component.name == "VEVENT") {
        read_event(event, zone, last, &mut dates);
        if dates.told.len() > MOST_DATES * 2 {
            return Err(Fault::new("", FaultCode::TooMany).with("max", MOST_DATES));
        }
    }
    Ok(dates)
}

fn property<'c>(event: &'c Component<'_>, name: &str) -> Option<&'c icalendar::parser::Property<'c>> {
    event.properties.iter().find(|property| property.name == name)
}

/// The text of a property, its escapes resolved.
fn text_of(event: &Component<'_>, name: &str) -> Option<String> {
    let written = property(event, name)?.val.to_string();
    let mut text = String::with_capacity(written.len());
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') => text.push(' '),
                Some(escaped) => text.push(escaped),
                None => {}
            },
            _ => text.push(letter),
        }
    }
    let text = crate::values::text::clean_line(&text);
    let text: String = text.chars().take(200).collect();
    Some(text).filter(|text| !text.is_empty())
}

/// A time of an event by the clocks of the zone, and whether it is a whole day.
fn time_of(event: &Component<'_>, name: &str, zone: Tz) -> Option<(NaiveDateTime, bool)> {
    let property = property(event, name)?;
    let written = property.val.to_string();
    let written = written.trim();
    if written.len() == 8 {
        return Some((NaiveDate::parse_from_str(written, "%Y%m%d").ok()?.and_time(NaiveTime::MIN), true));
    }
    let (clock, utc) = written.strip_suffix('Z').map_or((written, false), |clock| (clock, true));
    let time = NaiveDateTime::parse_from_str(clock, "%Y%m%dT%H%M%S").ok()?;
    let parameter = property.params.iter().find(|parameter| parameter.key == "TZID").and_then(|parameter| parameter.val.as_ref());
    let own = match (utc, parameter) {
        (true, _) => Some(Tz::UTC),
        // Names that no register knows, such as those of Outlook, are taken for the zone of the calendar, as are times without any.
        (false, name) => name.and_then(|name| name.to_string().trim_matches('"').parse().ok()),
    };
    let local = own.map_or(time, |own| zone.from_utc_datetime(&instant_of(time, own).to_utc().naive_utc()).naive_local());
    Some((local, false))
}

/// Whether a date is worked, by the words that say so.
fn meaning(event: &Component<'_>) -> Result<bool, Reason> {
    let raw = |name: &str| property(event, name).map(|property| property.val.to_string().to_ascii_uppercase());
    if raw("STATUS").as_deref() == Some("CANCELLED") {
        return Err(Reason::Cancelled);
    }
    match raw("X-APPLE-SPECIAL-DAY").as_deref() {
        Some("ALTERNATE-WORKDAY") => return Ok(true),
        Some("WORK-HOLIDAY") => return Ok(false),
        Some(_) | None => {}
    }
    let words = [text_of(event, "SUMMARY"), text_of(event, "CATEGORIES")];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(" ").to_lowercase();
    let says = |known: &[&str]| known.iter().any(|word| words.contains(word));
    if says(&["non-working", "nonworking", "放假"]) {
        return Ok(false);
    }
    if says(&["班", "working day", "workday", "make-up", "makeup day"]) {
        return Ok(true);
    }
    if says(&["调休", "調休"]) {
        return Err(Reason::Ambiguous);
    }
    // Google marks days of its holiday calendars that nobody has off.
    if text_of(event, "DESCRIPTION").is_some_and(|text| text.to_lowercase().starts_with("observance")) {
        return Err(Reason::Observance);
    }
    Ok(false)
}

fn read_event(event: &Component<'_>, zone: Tz, last: NaiveDate, dates: &mut Dates) {
    let label = text_of(event, "SUMMARY");
    let begins = time_of(event, "DTSTART", zone);
    let mut skip = |reason: Reason| {
        dates.skipped.push(Skipped { on: begins.map(|(time, _)| time.date()), label: label.clone(), reason });
    };
    let is_worked = match meaning(event) {
        Ok(is_worked) => is_worked,
        Err(reason) => return skip(reason),
    };
    let Some((begin, whole_day)) = begins else { return skip(Reason::Unreadable) };
    let end = time_of(event, "DTEND", zone).map_or_else(|| begin + chrono::Duration::days(1), |(end, _)| end);
    let first = begin.date();
    // An end at midnight is that of the day before.
    let through = if end.time() == NaiveTime::MIN { end.date().pred_opt().unwrap_or(first) } else { end.date() }.max(first);
    let days = u64::try_from((through - first).num_days()).unwrap_or(0);
    let Some(starts) = starts(event, first, last).filter(|_| days < MOST_DAYS) else { return skip(Reason::Unreadable) };
    let whole_day = whole_day || begin.time() == NaiveTime::MIN;
    let is = match (is_worked, whole_day) {
        (false, _) => DayIs::Off,
        (true, false) if days == 0 => {
            let minutes = |time: NaiveDateTime| time.hour() * 60 + time.minute();
            let close = if end.date() == first { minutes(end) } else { 24 * 60 };
            let hours = (time_of_day(minutes(begin)), time_of_day(close));
            DayIs::Worked(Some(vec![hours]).filter(|_| minutes(begin) < close))
        }
        (true, _) => DayIs::Worked(None),
    };
    for start in starts {
        for day in (0..=days).filter_map(|after| start.checked_add_days(Days::new(after))) {
            dates.told.push(Told { on: day, is: is.clone(), label: label.clone() });
        }
    }
}

/// The dates on which an event begins: its own, or those of its rule until the last date.
fn starts(event: &Component<'_>, first: NaiveDate, last: NaiveDate) -> Option<Vec<NaiveDate>> {
    let Some(rule) = property(event, "RRULE") else { return Some(vec![first]) };
    // On whole days, at noon of a clock that is never set: only dates matter.
    let parts = rule.val.to_string();
    let until = |part: &str| match part.strip_prefix("UNTIL=") {
        Some(until) => format!("UNTIL={}T235959Z", until.get(..8).unwrap_or(until)),
        None => part.to_owned(),
    };
    let rule = parts.split(';').map(until).collect::<Vec<_>>().join(";");
    let set: RRuleSet = format!("DTSTART:{}T120000Z\nRRULE:{rule}", first.format("%Y%m%d")).parse().ok()?;
    let except: BTreeSet<NaiveDate> = event
        .properties
        .iter()
        .filter(|property| property.name == "EXDATE")
        .flat_map(|property| {
            let written = property.val.to_string();
            let days = written.split(',').filter_map(|day| NaiveDate::parse_from_str(day.get(..8)?, "%Y%m%d").ok());
            days.collect::<Vec<_>>()
        })
        .collect();
    let most = u16::try_from(MOST_DATES).unwrap_or(u16::MAX);
    let dates = set.all(most).dates.into_iter().map(|time| time.date_naive());
    Some(dates.take_while(|date| *date <= last).filter(|date| !except.contains(date)).collect())
}

/// What a calendar becomes by dates from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// All dates of the calendar.
    pub dates: Vec<CalendarDate>,
    pub added: Vec<NaiveDate>,
    pub changed: Vec<NaiveDate>,
    pub unchanged: usize,
    pub skipped: Vec<Skipped>,
}

/// Puts dates into a calendar: those that it does not have are added, others changed; what is not told of stays.
pub fn merge(calendar: &Record<Calendar>, found: Dates) -> Result<Merged, Fault> {
    let ordinary = calendar.get(Calendar::week).unwrap_or_default().ordinary_day();
    let mut known: BTreeMap<NaiveDate, CalendarDate> =
        calendar.get(Calendar::dates).into_iter().map(|date| (date.on, date)).collect();
    let mut merged = Merged { skipped: found.skipped, ..Merged::default() };
    let mut days: BTreeMap<NaiveDate, Vec<Told>> = BTreeMap::new();
    for told in found.told {
        days.entry(told.on).or_default().push(told);
    }
    for (on, told) in days {
        let mut labels: Vec<String> = Vec::new();
        for label in told.iter().filter_map(|told| told.label.clone()) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        let label = Some(labels.join(" / ").chars().take(200).collect::<String>()).filter(|label| !label.is_empty());
        let is_off = |told: &Told| told.is == DayIs::Off;
        let worked = told.iter().filter(|told| !is_off(told)).max_by_key(|told| matches!(told.is, DayIs::Worked(Some(_))));
        let intervals = match (worked.map(|told| &told.is), told.iter().any(is_off)) {
            (Some(_), true) => {
                merged.skipped.push(Skipped { on: Some(on), label, reason: Reason::Contradictory });
                continue;
            }
            (Some(DayIs::Worked(Some(intervals))), false) => intervals.clone(),
            (Some(DayIs::Worked(None) | DayIs::Off), false) => ordinary.clone(),
            (None, _) => Vec::new(),
        };
        let before = known.get(&on);
        let label = label.or_else(|| before.and_then(|before| before.label.clone()));
        let date = CalendarDate { on, intervals, label, active: true };
        match before {
            Some(before) if !before.active => {
                merged.skipped.push(Skipped { on: Some(on), label: date.label, reason: Reason::SwitchedOff });
                continue;
            }
            Some(before) if *before == date => merged.unchanged += 1,
            Some(_) => merged.changed.push(on),
            None => merged.added.push(on),
        }
        known.insert(on, date);
    }
    if known.len() > MOST_DATES {
        return Err(Fault::new(Calendar::dates.pointer(), FaultCode::TooMany).with("max", MOST_DATES));
    }
    merged.dates = known.into_values().collect();
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::calendar::WeekHours, *};
    use crate::model::entity::Entity;

    fn calendar() -> Record<Calendar> {
        let mut calendar = Record::new(Calendar::object()).into_entity::<Calendar>();
        let day = vec![("09:00".to_owned(), "18:00".to_owned())];
        calendar.set(Calendar::week, WeekHours { mon: day, ..WeekHours::default() });
        calendar
    }

    fn ics(events: &[&str]) -> String {
        let events: String = events.iter().map(|event| format!("BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n")).collect();
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n{events}END:VCALENDAR\r\n")
    }

    fn read(events: &[&str]) -> Merged {
        let found = read_icalendar(&ics(events), Tz::Asia__Shanghai, "2030-01-01".parse().unwrap()).unwrap();
        merge(&calendar(), found).unwrap()
    }

    fn days(merged: &Merged) -> Vec<(String, usize)> {
        merged.dates.iter().map(|date| (date.on.to_string(), date.intervals.len())).collect()
    }

    fn told(days: &[(&str, usize)]) -> Vec<(String, usize)> {
        days.iter().map(|(day, intervals)| ((*day).to_owned(), *intervals)).collect()
    }

    /// As feeds of Chinese holidays publish them: all-day or timed, told by a letter or by Apple's own property.
    #[test]
    fn days_off_and_make_up_days_are_read_in_all_their_forms() {
        let merged = read(&[
            "SUMMARY:春节 休\r\nDTSTART;VALUE=DATE:20270205\r\nDTEND;VALUE=DATE:20270208",
            "SUMMARY:春节 班\r\nDTSTART;TZID=Asia/Shanghai:20270214T090000\r\nDTEND;TZID=Asia/Shanghai:20270214T170000",
            "SUMMARY:国庆节\r\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY\r\nDTSTART;VALUE=DATE:20271009",
            "SUMMARY:中秋节 假期\r\nDTSTART:20270915T010000Z\r\nDTEND:20270915T100000Z",
            "SUMMARY:National Day\\, a holiday\r\nDTSTART;VALUE=DATE:20271001\r\nDTEND;VALUE=DATE:20271002",
        ]);
        let expected = [
            ("2027-02-05", 0),
            ("2027-02-06", 0),
            ("2027-02-07", 0),
            ("2027-02-14", 1),
            ("2027-09-15", 0),
            ("2027-10-01", 0),
            ("2027-10-09", 1),
        ];
        assert_eq!(days(&merged), told(&expected));
        assert_eq!(merged.dates[3].intervals, [("09:00".to_owned(), "17:00".to_owned())]);
        assert_eq!(merged.dates[5].label.as_deref(), Some("National Day, a holiday"));
        assert_eq!(merged.dates[6].intervals, [("09:00".to_owned(), "18:00".to_owned())], "as an ordinary day");
        assert_eq!((merged.added.len(), merged.skipped.len()), (7, 0));
    }

    #[test]
    fn what_is_no_day_off_is_left_out_with_its_reason() {
        let merged = read(&[
            "SUMMARY:St. Martin\r\nDESCRIPTION:Observance\\nTo hide observances\\, go to Google Calendar\r\nDTSTART;VALUE=DATE:20261111",
            "SUMMARY:春节调休\r\nDTSTART;VALUE=DATE:20270206",
            "SUMMARY:Founders' day\r\nSTATUS:CANCELLED\r\nDTSTART;VALUE=DATE:20270301",
            "SUMMARY:Broken\r\nDTSTART:soon",
            "SUMMARY:元旦 休\r\nDTSTART;VALUE=DATE:20270101",
            "SUMMARY:元旦 班\r\nDTSTART;VALUE=DATE:20270101",
        ]);
        let reasons: Vec<&str> = merged.skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
        assert_eq!(reasons, ["observance", "ambiguous", "cancelled", "unreadable", "contradictory"]);
        assert!(merged.dates.is_empty());
    }

    #[test]
    fn rules_are_followed_to_the_last_date() {
        let merged =
            read(&["SUMMARY:Christmas\r\nDTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20271225"]);
        assert_eq!(days(&merged), told(&[("2026-12-25", 0), ("2028-12-25", 0), ("2029-12-25", 0)]));
    }

    #[test]
    fn a_second_import_changes_only_what_differs_and_leaves_what_is_switched_off() {
        let json = |value: Value| read_json(&value).unwrap();
        let first = merge(&calendar(), json(json!({"2027-02-06": "work", "2027-02-08": "off", "2027-02-09": "off"}))).unwrap();
        let mut calendar = calendar();
        let mut dates = first.dates;
        dates[2].active = false;
        calendar.set(Calendar::dates, dates);
        let again = json!({"2027-02-06": [["10:00", "16:00"]], "2027-02-08": [], "2027-02-09": "off", "2027-02-10": "off"});
        let second = merge(&calendar, json(again)).unwrap();
        let on = |day: &str| day.parse::<NaiveDate>().unwrap();
        assert_eq!((second.added, second.changed, second.unchanged), (vec![on("2027-02-10")], vec![on("2027-02-06")], 1));
        assert_eq!(second.skipped[0].reason, Reason::SwitchedOff);
        assert_eq!(second.dates.len(), 4);
    }

    #[test]
    fn what_cannot_be_read_is_named_at_its_place() {
        let found =
            read_json(&json!({"2027-02-30": "off", "2027-02-06": "maybe", "2027-02-07": [["18:00", "09:00"]]})).unwrap_err();
        let places: Vec<&str> = found.0.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/2027-02-30", "/2027-02-06", "/2027-02-07/0/1"]);
        assert_eq!(read_icalendar("hello", Tz::UTC, NaiveDate::MAX).unwrap_err().code, FaultCode::Malformed);
    }
}
