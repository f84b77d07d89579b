//! Relative times: `-30d`, `today`, `start_of_month-1mo`, `end_of_quarter`, in the tenant's time zone.
//!
//! `today`, `tomorrow`, `yesterday` and `start_of_…` are the first millisecond of their day, week, month, quarter or year,
//! `end_of_…` the last one, which is moved with the period that it ends: `end_of_month-1mo` is the end of last month.
//!
//! Minutes and hours pass on the clock of the world, days and longer on the calendar of the zone: `+1d` is the same time
//! of day tomorrow, also over a change of clocks. Months end where they end: 31 January `+1mo` is the last of February.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;

use crate::values::time::{Timestamp, instant_of};

/// The instant that a relative time means; none if it is not one or lies outside the years 1–9999.
#[must_use]
pub fn resolve(text: &str, now: Timestamp, zone: Tz) -> Option<Timestamp> {
    let now = storable(now)?;
    let (word, offset) = text.split_at(text.find(['+', '-']).unwrap_or(text.len()));
    if let Some(period) = word.strip_prefix("end_of_") {
        let next = start_of_next(period, now.to_utc().with_timezone(&zone).date_naive())?.and_time(NaiveTime::MIN);
        let end = if offset.is_empty() { instant_of(next, zone) } else { moved(instant_of(next, zone), next, offset, zone)? };
        return storable(end.plus_milliseconds(-1));
    }
    let local_now = now.to_utc().with_timezone(&zone).naive_local();
    let base = match word {
        "now" => local_now,
        "" if !offset.is_empty() => local_now,
        word => named_day(word, local_now.date())?.and_time(NaiveTime::MIN),
    };
    // The time of now is known; to look it up from the clock on the wall would be ambiguous once a year.
    let instant = if base == local_now { now } else { instant_of(base, zone) };
    if offset.is_empty() {
        return storable(instant);
    }
    storable(moved(instant, base, offset, zone)?)
}

/// An instant, which a clock on the wall shows as `base`, moved by an offset.
fn moved(instant: Timestamp, base: NaiveDateTime, offset: &str, zone: Tz) -> Option<Timestamp> {
    match Offset::parse(offset)? {
        Offset::Minutes(minutes) => {
            let milliseconds = instant.milliseconds().checked_add(minutes.checked_mul(60_000)?)?;
            Some(Timestamp::from_milliseconds(milliseconds))
        }
        Offset::Days(days) => {
            let count = Days::new(days.unsigned_abs());
            let moved = if days < 0 { base.checked_sub_days(count) } else { base.checked_add_days(count) };
            Some(instant_of(moved?, zone))
        }
        Offset::Months(months) => {
            let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
            let moved = if months < 0 { base.checked_sub_months(count) } else { base.checked_add_months(count) };
            Some(instant_of(moved?, zone))
        }
    }
}

/// The first and the last millisecond of a day in the zone.
#[must_use]
pub fn day(date: NaiveDate, zone: Tz) -> Option<(Timestamp, Timestamp)> {
    let start = |date: NaiveDate| instant_of(date.and_time(NaiveTime::MIN), zone);
    Some((storable(start(date))?, storable(start(date.succ_opt()?).plus_milliseconds(-1))?))
}

/// The calendar day that a relative time falls on in the zone.
#[must_use]
pub fn resolve_date(text: &str, now: Timestamp, zone: Tz) -> Option<NaiveDate> {
    let date = resolve(text, now, zone)?.to_utc().with_timezone(&zone).date_naive();
    (1..=9999).contains(&date.year()).then_some(date)
}

/// The day after the last one of the period that today is in.
fn start_of_next(period: &str, today: NaiveDate) -> Option<NaiveDate> {
    match period {
        "day" => today.succ_opt(),
        "week" => named_day("start_of_week", today)?.checked_add_days(Days::new(7)),
        "month" => named_day("start_of_month", today)?.checked_add_months(Months::new(1)),
        "quarter" => named_day("start_of_quarter", today)?.checked_add_months(Months::new(3)),
        "year" => named_day("start_of_year", today)?.checked_add_months(Months::new(12)),
        _ => None,
    }
}

fn named_day(word: &str, today: NaiveDate) -> Option<NaiveDate> {
    match word {
        "today" | "start_of_day" => Some(today),
        "tomorrow" => today.succ_opt(),
        "yesterday" => today.pred_opt(),
        "start_of_week" => today.checked_sub_days(Days::new(today.weekday().num_days_from_monday().into())),
        "start_of_month" => today.with_day(1),
        "start_of_quarter" => today.with_day(1)?.with_month0(today.month0() / 3 * 3),
        "start_of_year" => today.with_day(1)?.with_month0(0),
        _ => None,
    }
}

/// What `+` or `-`, a number and a unit amount to.
enum Offset {
    Minutes(i64),
    Days(i64),
    Months(i64),
}

impl Offset {
    fn parse(text: &str) -> Option<Offset> {
        let (sign, amount) = match text.strip_prefix('-') {
            Some(amount) => (-1, amount),
            None => (1, text.strip_prefix('+')?),
        };
        let unit_at = amount.find(|character: char| !character.is_ascii_digit())?;
        let (digits, unit) = amount.split_at(unit_at);
        let count = sign * i64::from(digits.parse::<u32>().ok()?);
        match unit {
            "min" => Some(Offset::Minutes(count)),
            "h" => Some(Offset::Minutes(count * 60)),
            "d" => Some(Offset::Days(count)),
            "w" => Some(Offset::Days(count * 7)),
            "mo" => Some(Offset::Months(count)),
            "q" => Some(Offset::Months(count * 3)),
            "y" => Some(Offset::Months(count * 12)),
            _ => None,
        }
    }
}

/// The time, if both engines can store it.
fn storable(time: Timestamp) -> Option<Timestamp> {
    (1..=9999).contains(&time.to_utc().year()).then_some(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHANGHAI: Tz = Tz::Asia__Shanghai;
    const BERLIN: Tz = Tz::Europe__Berlin;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn resolved(text: &str, now: &str, zone: Tz) -> String {
        resolve(text, at(now), zone).unwrap().to_string()
    }

    #[test]
    fn words_are_days_of_the_zone() {
        // A Wednesday evening in London is Thursday morning in Shanghai.
        let now = "2026-09-30T20:00:00Z";
        assert_eq!(resolved("now", now, SHANGHAI), "2026-09-30T20:00:00.000Z");
        assert_eq!(resolved("today", now, SHANGHAI), "2026-09-30T16:00:00.000Z");
        assert_eq!(resolved("tomorrow", now, SHANGHAI), "2026-10-01T16:00:00.000Z");
        assert_eq!(resolved("yesterday", now, SHANGHAI), "2026-09-29T16:00:00.000Z");
        assert_eq!(resolved("start_of_week", now, SHANGHAI), "2026-09-27T16:00:00.000Z");
        assert_eq!(resolved("start_of_month", now, SHANGHAI), "2026-09-30T16:00:00.000Z");
        assert_eq!(resolved("start_of_month", now, Tz::UTC), "2026-09-01T00:00:00.000Z");
        assert_eq!(resolved("start_of_quarter", now, Tz::UTC), "2026-07-01T00:00:00.000Z");
        assert_eq!(resolved("start_of_year", now, Tz::UTC), "2026-01-01T00:00:00.000Z");
        assert_eq!(resolved("end_of_day", now, SHANGHAI), "2026-10-01T15:59:59.999Z");
        assert_eq!(resolved("end_of_week", now, SHANGHAI), "2026-10-04T15:59:59.999Z");
        assert_eq!(resolved("end_of_month", now, Tz::UTC), "2026-09-30T23:59:59.999Z");
        assert_eq!(resolved("end_of_month-1mo", now, Tz::UTC), "2026-08-31T23:59:59.999Z");
        assert_eq!(resolved("end_of_quarter+1q", now, Tz::UTC), "2026-12-31T23:59:59.999Z");
        assert_eq!(resolved("end_of_year", now, Tz::UTC), "2026-12-31T23:59:59.999Z");
        assert_eq!(resolve_date("end_of_month", at(now), SHANGHAI).unwrap().to_string(), "2026-10-31");
        assert_eq!(resolve_date("today", at(now), SHANGHAI).unwrap().to_string(), "2026-10-01");
    }

    #[test]
    fn offsets_follow_clock_and_calendar() {
        let now = "2026-03-31T12:00:00Z";
        assert_eq!(resolved("-30d", now, Tz::UTC), "2026-03-01T12:00:00.000Z");
        assert_eq!(resolved("-90min", now, Tz::UTC), "2026-03-31T10:30:00.000Z");
        assert_eq!(resolved("-1mo", now, Tz::UTC), "2026-02-28T12:00:00.000Z");
        assert_eq!(resolved("+1q", now, Tz::UTC), "2026-06-30T12:00:00.000Z");
        assert_eq!(resolved("start_of_month-1mo", now, Tz::UTC), "2026-02-01T00:00:00.000Z");
        assert_eq!(resolved("now+2w", now, Tz::UTC), "2026-04-14T12:00:00.000Z");
        assert_eq!(resolved("today-1y", now, Tz::UTC), "2025-03-31T00:00:00.000Z");
        // Clocks went forward on 29 March: a day earlier is the same time of day, 24 hours earlier is not.
        let monday = "2026-03-29T10:00:00Z";
        assert_eq!(resolved("-1d", monday, BERLIN), "2026-03-28T11:00:00.000Z");
        assert_eq!(resolved("-24h", monday, BERLIN), "2026-03-28T10:00:00.000Z");
        // 02:30 does not exist on that day.
        assert_eq!(resolved("+1d", "2026-03-28T01:30:00Z", BERLIN), "2026-03-29T01:00:00.000Z");
    }

    #[test]
    fn what_is_none_is_refused() {
        let now = at("2026-03-31T12:00:00Z");
        for text in [
            "",
            "+",
            "-",
            "30d",
            "-d",
            "-30",
            "-30x",
            "today-",
            "today+1d+1d",
            "start",
            "end_of_time",
            "end_of_",
            "-99999999999d",
            "+9000y",
            "-3000y",
            "+4294967295w",
            "昨天",
        ] {
            assert_eq!(resolve(text, now, SHANGHAI), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "(now|today|(start|end)_of_(day|week|month|quarter|year)|)[+-][0-9]{1,11}(min|h|d|w|mo|q|y)", milliseconds: i64) {
            let now = Timestamp::from_milliseconds(milliseconds);
            let _ = resolve(&text, now, BERLIN);
            let _ = resolve_date(&text, at("9999-12-31T23:59:59Z"), Tz::Pacific__Kiritimati);
            let _ = resolve_date(&text, at("0001-01-01T00:00:00Z"), Tz::America__Los_Angeles);
        }
    }
}
