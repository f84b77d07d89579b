//! Days, weeks, months, quarters and years: what reports group by and quotas are set for.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime};
use chrono_tz::Tz;

use crate::values::time::{Timestamp, instant_of};

/// A length of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    Day,
    /// From Monday, numbered as ISO 8601 does.
    Week,
    Month,
    Quarter,
    Year,
}

impl Span {
    pub const ALL: [Span; 5] = [Span::Day, Span::Week, Span::Month, Span::Quarter, Span::Year];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Span::Day => "day",
            Span::Week => "week",
            Span::Month => "month",
            Span::Quarter => "quarter",
            Span::Year => "year",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Span> {
        Span::ALL.into_iter().find(|span| span.as_str() == name)
    }

    /// The period of this length that a day is in.
    #[must_use]
    pub fn around(self, day: NaiveDate) -> Option<Period> {
        let start = match self {
            Span::Day => Some(day),
            Span::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
            Span::Month => day.with_day(1),
            Span::Quarter => day.with_day(1).and_then(|first| first.with_month0(day.month0() / 3 * 3)),
            Span::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        };
        Some(Period { span: self, start: start? })
    }
}

/// One day, week, month, quarter or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    pub span: Span,
    /// The first day.
    pub start: NaiveDate,
}

impl Period {
    /// The first day of the next one.
    #[must_use]
    pub fn end(self) -> NaiveDate {
        let end = match self.span {
            Span::Day => self.start.checked_add_days(Days::new(1)),
            Span::Week => self.start.checked_add_days(Days::new(7)),
            Span::Month => self.start.checked_add_months(Months::new(1)),
            Span::Quarter => self.start.checked_add_months(Months::new(3)),
            Span::Year => self.start.checked_add_months(Months::new(12)),
        };
        end.unwrap_or(NaiveDate::MAX)
    }

    #[must_use]
    pub fn next(self) -> Period {
        Period { span: self.span, start: self.end() }
    }

    /// Reads `2026`, `2026-Q4`, `2026-10`, `2026-W40` or `2026-10-31`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Period> {
        let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
        if year.len() != 4 || !year.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let year: i32 = year.parse().ok().filter(|year| (1..=9998).contains(year))?;
        let number = |text: &str, digits: usize| -> Option<u32> {
            (text.len() == digits && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.parse().ok())?
        };
        let Some(rest) = rest else { return Span::Year.around(NaiveDate::from_ymd_opt(year, 1, 1)?) };
        if let Some(quarter) = rest.strip_prefix('Q') {
            let quarter = number(quarter, 1).filter(|quarter| (1..=4).contains(quarter))?;
            return Span::Quarter.around(NaiveDate::from_ymd_opt(year, quarter * 3, 1)?);
        }
        if let Some(week) = rest.strip_prefix('W') {
            return Span::Week.around(NaiveDate::from_isoywd_opt(year, number(week, 2)?, chrono::Weekday::Mon)?);
        }
        match rest.split_once('-') {
            None => Span::Month.around(NaiveDate::from_ymd_opt(year, number(rest, 2)?, 1)?),
            Some((month, day)) => Span::Day.around(NaiveDate::from_ymd_opt(year, number(month, 2)?, number(day, 2)?)?),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = (self.start.year(), self.start.month());
        match self.span {
            Span::Day => write!(formatter, "{}", self.start),
            Span::Week => write!(formatter, "{:04}-W{:02}", self.start.iso_week().year(), self.start.iso_week().week()),
            Span::Month => write!(formatter, "{year:04}-{month:02}"),
            Span::Quarter => write!(formatter, "{year:04}-Q{}", (month - 1) / 3 + 1),
            Span::Year => write!(formatter, "{year:04}"),
        }
    }
}

/// When a day begins in a zone.
#[must_use]
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Timestamp {
    instant_of(day.and_time(NaiveTime::MIN), zone)
}

/// The day of an instant in a zone.
#[must_use]
pub fn day_of(time: Timestamp, zone: Tz) -> NaiveDate {
    time.to_utc().with_timezone(&zone).date_naive()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn periods_are_read_as_they_are_written() {
        for text in ["2026", "2026-Q4", "2026-10", "2026-W53", "2026-10-31", "0001"] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "26", "2026-Q5", "2026-Q0", "2026-13", "2026-1", "2026-W54", "2026-02-30", "2026-10-", "+026", "9999"] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
        let quarter = Period::parse("2026-Q4").unwrap();
        assert_eq!((quarter.start.to_string(), quarter.end().to_string()), ("2026-10-01".into(), "2027-01-01".into()));
    }

    proptest! {
        #[test]
        fn every_day_is_in_one_period(days in 700_000_i32..770_000, span in 0_usize..5) {
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let period = Span::ALL[span].around(day).unwrap();
            prop_assert!(period.start <= day && day < period.end());
            prop_assert_eq!(Period::parse(&period.to_string()), Some(period));
            prop_assert_eq!(period.next().start, period.end());
        }
    }
}
