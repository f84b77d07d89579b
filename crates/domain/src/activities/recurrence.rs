//! When a recurring task comes next: recurrence rules of RFC 5545, on the clocks and the calendar of the tenant.

use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};

use crate::values::time::Timestamp;

/// How many times are looked through for the next one; a rule that gives none among them has ended.
const MOST: u16 = 10_000;

/// The rule as it is kept: without the word `RRULE`, in capitals.
#[must_use]
pub fn standardise(typed: &str) -> String {
    let rule = typed.trim().to_ascii_uppercase();
    rule.strip_prefix("RRULE:").unwrap_or(&rule).to_owned()
}

fn set(rule: &str, begins_at: Timestamp, zone: Tz) -> Result<RRuleSet, String> {
    let rule: RRule<Unvalidated> = rule.parse().map_err(|error: rrule::RRuleError| error.to_string())?;
    if rule.get_interval() == 0 {
        return Err("INTERVAL must be at least 1".to_owned());
    }
    match rule.get_freq() {
        Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly => {}
        Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => return Err("FREQ must be a day at least".to_owned()),
    }
    // Rules know no parts of seconds: with them, the beginning would not be one of its own times.
    let begins_at = Timestamp::from_milliseconds(begins_at.milliseconds().div_euclid(1000) * 1000);
    rule.build(begins_at.to_utc().with_timezone(&rrule::Tz::from(zone))).map_err(|error| error.to_string())
}

/// Whether a rule can be followed; why not, in the words of the library that reads it.
pub fn check(rule: &str, begins_at: Timestamp, zone: Tz) -> Result<(), String> {
    set(rule, begins_at, zone).map(drop)
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
        assert_eq!(following("FREQ=WEEKLY;UNTIL=20260310T000000Z", begins, "2026-03-08T08:00:00Z", Tz::UTC), None);
    }

    #[test]
    fn what_is_none_is_refused() {
        for rule in ["", "FREQ", "FREQ=HOURLY", "FREQ=DAILY;INTERVAL=0", "FREQ=SOMETIMES", "DAILY", "FREQ=WEEKLY;BYDAY=XX"] {
            assert!(check(rule, at("2026-03-01T08:00:00Z"), Tz::UTC).is_err(), "{rule}");
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
