//! When a recurring task comes next: recurrence rules of RFC 5545, on the clocks and the calendar of the tenant.

use chrono::{Days, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use rrule::{RRule, RRuleSet, Unvalidated};

use crate::values::time::{Timestamp, instant_of, start_of_day};

/// How many times are looked through for the next one; a rule that gives none among them has ended.
const MOST: u16 = 10_000;

/// The parts that a rule can have.
const PARTS: [&str; 14] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYDAY",
    "BYMONTHDAY",
    "BYMONTH",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYSETPOS",
    "BYHOUR",
    "BYMINUTE",
    "BYSECOND",
];

/// Why a rule cannot be followed: what a fault says as its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Form,
    Frequency,
    UnknownPart,
    Twice,
    Interval,
    Count,
    CountAndUntil,
    Until,
    UntilTooEarly,
    /// A part with a value that it cannot have, or not with this frequency.
    Part(&'static str),
    Never,
}

impl Reason {
    /// In English; `fault` knows the Chinese words for each.
    #[must_use]
    pub fn told(self) -> String {
        match self {
            Reason::Form => "parts are written as NAME=VALUE, separated by semicolons".to_owned(),
            Reason::Frequency => "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY".to_owned(),
            Reason::UnknownPart => format!("allowed parts: {}", PARTS.join(", ")),
            Reason::Twice => "a part is given twice".to_owned(),
            Reason::Interval => "INTERVAL must be a whole number of at least 1".to_owned(),
            Reason::Count => "COUNT must be a whole number of at least 1".to_owned(),
            Reason::CountAndUntil => "COUNT and UNTIL cannot be combined".to_owned(),
            Reason::Until => "UNTIL must be a day or a time such as 20261231 or 20261231T155959Z".to_owned(),
            Reason::UntilTooEarly => "UNTIL is before the first occurrence".to_owned(),
            Reason::Part(part) => format!("{part} has an invalid value"),
            Reason::Never => "no date ever matches it".to_owned(),
        }
    }
}

/// The rule as it is kept: without the word `RRULE`, in capitals.
#[must_use]
pub fn standardise(typed: &str) -> String {
    let rule = typed.trim().to_ascii_uppercase();
    rule.strip_prefix("RRULE:").unwrap_or(&rule).to_owned()
}

/// The last moment of a rule: a day counts to its end, and what is not said to be UTC is the time of the tenant's clocks.
fn until(text: &str, zone: Tz) -> Option<Timestamp> {
    match NaiveDate::parse_from_str(text, "%Y%m%d") {
        Ok(day) if text.len() == 8 => Some(start_of_day(day.checked_add_days(Days::new(1))?, zone).plus_seconds(-1)),
        _ => {
            let (text, utc) = text.strip_suffix('Z').map_or((text, false), |text| (text, true));
            let time = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok()?;
            Some(if utc { Timestamp::from(time.and_utc()) } else { instant_of(time, zone) })
        }
    }
}

/// Reads a rule, part by part, and puts it as the library wants it.
fn read(rule: &str, begins_at: Timestamp, zone: Tz) -> Result<RRule<Unvalidated>, Reason> {
    let mut parts: Vec<(&'static str, String)> = Vec::new();
    for part in rule.split(';') {
        let (name, value) = part.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or(Reason::Form)?;
        let name = PARTS.into_iter().find(|known| *known == name).ok_or(Reason::UnknownPart)?;
        if parts.iter().any(|(known, _)| *known == name) {
            return Err(Reason::Twice);
        }
        parts.push((name, value.to_owned()));
    }
    let part = |wanted: &str| parts.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    let frequency =
        part("FREQ").filter(|value| ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"].contains(value)).ok_or(Reason::Frequency)?;
    let counts = |name: &str| part(name).is_none_or(|value| value.parse::<u16>().is_ok_and(|number| number > 0));
    if !counts("INTERVAL") {
        return Err(Reason::Interval);
    }
    if !counts("COUNT") {
        return Err(Reason::Count);
    }
    if part("COUNT").is_some() && part("UNTIL").is_some() {
        return Err(Reason::CountAndUntil);
    }
    let last = part("UNTIL").map(|text| until(text, zone).ok_or(Reason::Until)).transpose()?;
    if last.is_some_and(|last| last < begins_at) {
        return Err(Reason::UntilTooEarly);
    }
    // Which part it is that the library does not take is found by leaving out the others.
    for (name, value) in parts.iter().filter(|(name, _)| name.starts_with("BY") || *name == "WKST") {
        if format!("FREQ={frequency};{name}={value}").parse::<RRule<Unvalidated>>().is_err() {
            return Err(Reason::Part(name));
        }
    }
    let written = parts.iter().map(|(name, value)| match last.filter(|_| *name == "UNTIL") {
        Some(last) => format!("UNTIL={}", last.to_utc().format("%Y%m%dT%H%M%SZ")),
        None => format!("{name}={value}"),
    });
    written.collect::<Vec<_>>().join(";").parse().map_err(|_| Reason::Form)
}

fn set(rule: &str, begins_at: Timestamp, zone: Tz) -> Result<RRuleSet, Reason> {
    // Rules know no parts of seconds: with them, the beginning would not be one of its own times.
    let begins_at = Timestamp::from_milliseconds(begins_at.milliseconds().div_euclid(1000) * 1000);
    let parsed = read(rule, begins_at, zone)?;
    let start = begins_at.to_utc().with_timezone(&rrule::Tz::from(zone));
    parsed.build(start).map_err(|_| {
        let by = PARTS.into_iter().find(|name| name.starts_with("BY") && rule.contains(&format!("{name}=")));
        by.map_or(Reason::Form, Reason::Part)
    })
}

/// Whether a rule can be followed, and ever gives a time; else why not.
pub fn check(rule: &str, begins_at: Timestamp, zone: Tz) -> Result<(), Reason> {
    let set = set(rule, begins_at, zone)?;
    if set.all(1).dates.is_empty() { Err(Reason::Never) } else { Ok(()) }
}

/// The first time of a series after another; none once the rule has ended. The series begins at `begins_at`, from which a rule
/// with COUNT counts, and keeps that time of day also when clocks change.
#[must_use]
pub fn next(rule: &str, begins_at: Timestamp, after: Timestamp, zone: Tz) -> Option<Timestamp> {
    let set = set(rule, begins_at, zone).ok()?.after(after.to_utc().with_timezone(&rrule::Tz::from(zone)));
    // The time itself may be among them.
    let found = set.all(2).dates.into_iter().map(|time| Timestamp::from(time.to_utc()));
    found.filter(|time| *time > after).min()
}

/// The times of a series within a range, at most so many; for calendars.
#[must_use]
pub fn between(rule: &str, begins_at: Timestamp, (from, to): (Timestamp, Timestamp), zone: Tz) -> Vec<Timestamp> {
    let at = |time: Timestamp| time.to_utc().with_timezone(&rrule::Tz::from(zone));
    let Ok(set) = set(rule, begins_at, zone) else { return Vec::new() };
    let found = set.after(at(from)).before(at(to)).all(MOST).dates.into_iter();
    found.map(|time| Timestamp::from(time.to_utc())).filter(|time| *time >= from && *time < to).collect()
}

#[cfg(test)]
mod tests {
    use chrono::Timelike;
    use proptest::prelude::*;

    use super::*;
    use crate::model::fault::Language;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn following(rule: &str, begins_at: &str, after: &str, zone: Tz) -> Option<String> {
        next(rule, at(begins_at), at(after), zone).map(|time| time.to_string())
    }

    #[test]
    fn follow_the_calendar_of_the_zone() {
        let shanghai = Tz::Asia__Shanghai;
        // Monday 01:00 in Shanghai is still Sunday in London.
        let monday = "2026-03-01T17:00:00Z";
        assert_eq!(following("FREQ=WEEKLY;BYDAY=MO", monday, monday, shanghai).unwrap(), "2026-03-08T17:00:00.000Z");
        assert_eq!(
            following("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31T01:00:00Z", "2026-01-31T01:00:00Z", shanghai).unwrap(),
            "2026-02-28T01:00:00.000Z"
        );
        // 09:00 in Berlin, before and after clocks go forward.
        let berlin = Tz::Europe__Berlin;
        assert_eq!(
            following("FREQ=DAILY", "2026-03-28T08:00:00Z", "2026-03-28T08:00:00Z", berlin).unwrap(),
            "2026-03-29T07:00:00.000Z"
        );
    }

    #[test]
    fn end_when_they_say_so() {
        let begins = "2026-03-01T08:00:00Z";
        assert_eq!(following("FREQ=DAILY;COUNT=2", begins, begins, Tz::UTC).unwrap(), "2026-03-02T08:00:00.000Z");
        assert_eq!(following("FREQ=DAILY;COUNT=2", begins, "2026-03-02T08:00:00Z", Tz::UTC), None);
        // Also from within a second.
        let within = "2026-03-01T08:00:00.250Z";
        assert_eq!(following("FREQ=DAILY;COUNT=2", within, within, Tz::UTC).unwrap(), "2026-03-02T08:00:00.000Z");
        assert_eq!(following("FREQ=DAILY;COUNT=2", within, "2026-03-02T08:00:00Z", Tz::UTC), None);
        let range = (at(begins), at("2026-04-01T00:00:00Z"));
        assert_eq!(between("FREQ=DAILY;COUNT=3", at(begins), range, Tz::UTC).len(), 3);
        // The last day counts to its end, on the clocks of the zone: there it is the third from 16:00 UTC on.
        let (rule, shanghai) = ("FREQ=DAILY;UNTIL=20260303", Tz::Asia__Shanghai);
        let late = "2026-03-01T15:59:59Z";
        assert_eq!(between(rule, at(late), (at(late), at("2026-04-01T00:00:00Z")), shanghai).len(), 3);
        assert_eq!(between(rule, at("2026-03-01T16:00:00Z"), range, shanghai).len(), 2);
        assert_eq!(following("FREQ=WEEKLY;UNTIL=20260310T000000Z", begins, "2026-03-08T08:00:00Z", Tz::UTC), None);
    }

    #[test]
    fn what_is_none_is_refused() {
        for (rule, reason) in [
            ("", Reason::Form),
            ("FREQ", Reason::Form),
            ("DAILY", Reason::Form),
            ("FREQ=DAILY;", Reason::Form),
            ("FREQ=HOURLY", Reason::Frequency),
            ("FREQ=SOMETIMES", Reason::Frequency),
            ("COUNT=3", Reason::Frequency),
            ("FREQ=DAILY;FREQ=DAILY", Reason::Twice),
            ("FREQ=DAILY;BYEASTER=1", Reason::UnknownPart),
            ("FREQ=DAILY;INTERVAL=0", Reason::Interval),
            ("FREQ=DAILY;COUNT=0", Reason::Count),
            ("FREQ=DAILY;COUNT=-1", Reason::Count),
            ("FREQ=DAILY;COUNT=3;UNTIL=20261231", Reason::CountAndUntil),
            ("FREQ=DAILY;UNTIL=2026-12-31", Reason::Until),
            ("FREQ=DAILY;UNTIL=20260230", Reason::Until),
            ("FREQ=DAILY;UNTIL=20260228", Reason::UntilTooEarly),
            ("FREQ=WEEKLY;BYDAY=XX", Reason::Part("BYDAY")),
            ("FREQ=MONTHLY;BYMONTHDAY=32", Reason::Part("BYMONTHDAY")),
            ("FREQ=YEARLY;BYMONTH=13", Reason::Part("BYMONTH")),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", Reason::Never),
            ("FREQ=MONTHLY;BYMONTH=2,4;BYMONTHDAY=31", Reason::Never),
            ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", Reason::Never),
        ] {
            let found = check(rule, at("2026-03-01T08:00:00Z"), Tz::UTC);
            assert_eq!(found, Err(reason), "{rule}");
            let fault = |language| crate::model::fault::reason_in(language, &reason.told()).into_owned();
            let (english, chinese) = (fault(Language::English), fault(Language::Chinese));
            assert_eq!(english, reason.told());
            assert!(!chinese.is_ascii(), "{english}");
        }
        for rule in ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=DAILY;UNTIL=20260301"] {
            assert_eq!(check(rule, at("2026-03-01T08:00:00Z"), Tz::UTC), Ok(()), "{rule}");
        }
        assert_eq!(standardise(" rrule:freq=daily "), "FREQ=DAILY");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn keep_the_time_of_day(days in 1_u32..40, hours in 0_i64..20_000, later in 0_i64..400) {
            let zone = Tz::Europe__Berlin;
            let begins = at("2025-01-01T12:00:00Z").plus_seconds(hours * 3600);
            let after = begins.plus_seconds(later * 24 * 3600);
            let rule = format!("FREQ=DAILY;INTERVAL={days}");
            let next = next(&rule, begins, after, zone).unwrap();
            prop_assert!(next > after);
            let hour = |time: Timestamp| time.to_utc().with_timezone(&zone).hour();
            // Where clocks skip the hour, the next is meant.
            prop_assert!(hour(next) == hour(begins) || hour(begins) == 2);
            prop_assert!(next.milliseconds() - after.milliseconds() <= i64::from(days + 1) * 24 * 3_600_000);
        }

        #[test]
        fn any_text_can_be_read(rule in "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY))?(;(INTERVAL|COUNT|BYDAY|BYMONTHDAY|UNTIL)=[A-Z0-9,-]{0,9}){0,3}") {
            let _ = check(&rule, at("2026-03-01T08:00:00Z"), Tz::UTC);
        }
    }
}
