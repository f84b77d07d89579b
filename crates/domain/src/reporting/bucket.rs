//! What dates and times are grouped by in reports: days to years, of the calendar or of a fiscal year, and what comes round again, such as
//! days of the week. Each has a key for programs, which sorts as time goes, and a label for people.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use crate::{choices, model::fault::Language};

choices! {
    /// What the values of a date or time are grouped by.
    pub enum Bucket {
        Day "day" "Days" "日",
        Week "week" "Weeks" "周",
        Month "month" "Months" "月",
        Quarter "quarter" "Quarters" "季度",
        Year "year" "Years" "年",
        Weekday "weekday" "Days of the week" "星期",
        MonthOfYear "month_of_year" "Months of the year" "月份",
    }
}

choices! {
    /// The day that weeks begin on.
    pub enum WeekStart {
        Monday "mon" "Monday" "星期一",
        Saturday "sat" "Saturday" "星期六",
        Sunday "sun" "Sunday" "星期日",
    }
}

/// How the years and weeks of a company run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fiscal {
    /// The month that the year begins with, 1 to 12.
    pub first_month: u32,
    pub week_start: WeekStart,
}

impl Default for Fiscal {
    /// The calendar year, and weeks of ISO 8601.
    fn default() -> Fiscal {
        Fiscal { first_month: 1, week_start: WeekStart::Monday }
    }
}

/// Days from the first until the day before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    pub start: NaiveDate,
    pub end: NaiveDate,
}

impl Fiscal {
    fn first_weekday(self) -> Weekday {
        match self.week_start {
            WeekStart::Monday => Weekday::Mon,
            WeekStart::Saturday => Weekday::Sat,
            WeekStart::Sunday => Weekday::Sun,
        }
    }

    /// How many months of the fiscal year are over in the month of a day.
    fn months_over(self, day: NaiveDate) -> u32 {
        (day.month() + 12 - self.first_month) % 12
    }

    /// The fiscal year is named after the calendar year that it ends in, as is most common.
    fn year_of(self, day: NaiveDate) -> i32 {
        if self.first_month > 1 && day.month() >= self.first_month { day.year() + 1 } else { day.year() }
    }

    fn year_name(self, day: NaiveDate) -> String {
        let prefix = if self.first_month == 1 { "" } else { "FY" };
        format!("{prefix}{:04}", self.year_of(day))
    }
}

impl Bucket {
    /// Whether it comes round again, so that it is not one stretch of time.
    #[must_use]
    pub fn is_cyclic(self) -> bool {
        matches!(self, Bucket::Weekday | Bucket::MonthOfYear)
    }

    /// The longest stretch that lies in one such bucket and begins where others may end.
    fn stretch(self) -> Bucket {
        match self {
            Bucket::Weekday => Bucket::Day,
            Bucket::MonthOfYear => Bucket::Month,
            plain => plain,
        }
    }

    /// The days around one that are in the same bucket: of days of the week the day alone, of months of the year its month.
    #[must_use]
    pub fn around(self, day: NaiveDate, fiscal: Fiscal) -> Option<Interval> {
        let first = day.with_day(1)?;
        let back = |months: u32| first.checked_sub_months(Months::new(months));
        let start = match self.stretch() {
            Bucket::Week => {
                let over = (day.weekday().num_days_from_monday() + 7 - fiscal.first_weekday().num_days_from_monday()) % 7;
                day.checked_sub_days(Days::new(over.into()))?
            }
            Bucket::Month => first,
            Bucket::Quarter => back(fiscal.months_over(day) % 3)?,
            Bucket::Year => back(fiscal.months_over(day))?,
            Bucket::Day | Bucket::Weekday | Bucket::MonthOfYear => day,
        };
        Some(Interval { start, end: self.end_of(start)? })
    }

    fn end_of(self, start: NaiveDate) -> Option<NaiveDate> {
        let months = |months: u32| start.checked_add_months(Months::new(months));
        match self.stretch() {
            Bucket::Week => start.checked_add_days(Days::new(7)),
            Bucket::Month => months(1),
            Bucket::Quarter => months(3),
            Bucket::Year => months(12),
            Bucket::Day | Bucket::Weekday | Bucket::MonthOfYear => start.checked_add_days(Days::new(1)),
        }
    }

    /// The stretches from that of the first day to that of the last; none if there would be more than so many.
    #[must_use]
    pub fn all(self, first: NaiveDate, last: NaiveDate, fiscal: Fiscal, most: usize) -> Option<Vec<Interval>> {
        let mut found = Vec::from([self.around(first, fiscal)?]);
        while let Some(former) = found.last().filter(|interval| interval.end <= last) {
            if found.len() == most {
                return None;
            }
            let start = former.end;
            found.push(Interval { start, end: self.end_of(start)? });
        }
        Some(found)
    }

    /// The key of the bucket that a stretch is in, by its first day: `2026-03-01`, `2026-W05`, `2026-03`, `2026-Q2` and `2026` (`FY2026-Q2`
    /// and `FY2026` if the fiscal year is not the calendar year), `dow:1` (Monday) to `dow:7`, `month:01` to `month:12`.
    #[must_use]
    pub fn key(self, start: NaiveDate, fiscal: Fiscal) -> String {
        match self {
            Bucket::Day => start.to_string(),
            Bucket::Week => {
                let (year, week) = week_of(start);
                format!("{year:04}-W{week:02}")
            }
            Bucket::Month => format!("{:04}-{:02}", start.year(), start.month()),
            Bucket::Quarter => format!("{}-Q{}", fiscal.year_name(start), fiscal.months_over(start) / 3 + 1),
            Bucket::Year => fiscal.year_name(start),
            Bucket::Weekday => format!("dow:{}", start.weekday().number_from_monday()),
            Bucket::MonthOfYear => format!("month:{:02}", start.month()),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn label(self, start: NaiveDate, fiscal: Fiscal, language: Language) -> String {
        let (month, weekday) = (start.month0() as usize, start.weekday().num_days_from_monday() as usize);
        let english = language == Language::English;
        match self {
            Bucket::Day | Bucket::Week if english => self.key(start, fiscal),
            Bucket::Day => format!("{}年{}月{}日", start.year(), start.month(), start.day()),
            Bucket::Week => {
                let (year, week) = week_of(start);
                format!("{year}年第{week}周")
            }
            Bucket::Month if english => format!("{} {}", MONTHS[month], start.year()),
            Bucket::Month => format!("{}年{}月", start.year(), start.month()),
            Bucket::Quarter if english => format!("Q{} {}", fiscal.months_over(start) / 3 + 1, fiscal.year_name(start)),
            Bucket::Quarter => {
                let fiscal_word = if fiscal.first_month == 1 { "年" } else { "财年" };
                format!("{}{fiscal_word}第{}季度", fiscal.year_of(start), fiscal.months_over(start) / 3 + 1)
            }
            Bucket::Year if english => fiscal.year_name(start),
            Bucket::Year => format!("{}{}", fiscal.year_of(start), if fiscal.first_month == 1 { "年" } else { "财年" }),
            Bucket::Weekday if english => WEEKDAYS[weekday].to_owned(),
            Bucket::Weekday => format!("星期{}", CHINESE_WEEKDAYS[weekday]),
            Bucket::MonthOfYear if english => MONTHS[month].to_owned(),
            Bucket::MonthOfYear => format!("{}月", start.month()),
        }
    }

    /// The place of a cyclic bucket in its cycle, from 0 where the week or the fiscal year begins, by the first day of a stretch of it;
    /// none of a bucket that is not cyclic.
    #[must_use]
    pub fn place(self, start: NaiveDate, fiscal: Fiscal) -> Option<u32> {
        match self {
            Bucket::Weekday => {
                Some((start.weekday().num_days_from_monday() + 7 - fiscal.first_weekday().num_days_from_monday()) % 7)
            }
            Bucket::MonthOfYear => Some(fiscal.months_over(start)),
            Bucket::Day | Bucket::Week | Bucket::Month | Bucket::Quarter | Bucket::Year => None,
        }
    }

    /// A first day for each place of the cycle, in any year: what keys and labels of cyclic buckets are made of.
    #[must_use]
    pub fn cycle(self, fiscal: Fiscal) -> Vec<NaiveDate> {
        // The first of January 2024 was a Monday.
        let Some(monday) = NaiveDate::from_ymd_opt(2024, 1, 1) else { return Vec::new() };
        let mut days: Vec<NaiveDate> = match self {
            Bucket::Weekday => (0..7).filter_map(|days| monday.checked_add_days(Days::new(days))).collect(),
            Bucket::MonthOfYear => (0..12).filter_map(|months| monday.checked_add_months(Months::new(months))).collect(),
            Bucket::Day | Bucket::Week | Bucket::Month | Bucket::Quarter | Bucket::Year => Vec::new(),
        };
        days.sort_by_key(|day| self.place(*day, fiscal));
        days
    }

    /// The first day of the stretch that one is compared with a year before: the same day, month, quarter or year; of weeks the one 52 weeks
    /// before, so that its days are the same days of the week. None of a bucket that is cyclic.
    #[must_use]
    pub fn year_before(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Bucket::Week => start.checked_sub_days(Days::new(52 * 7)),
            Bucket::Day | Bucket::Month | Bucket::Quarter | Bucket::Year => start.checked_sub_months(Months::new(12)),
            Bucket::Weekday | Bucket::MonthOfYear => None,
        }
    }
}

/// The year and number of a week by its first day: it belongs to the year of its fourth day, as weeks of ISO 8601 do.
fn week_of(start: NaiveDate) -> (i32, u32) {
    let middle = start.checked_add_days(Days::new(3)).unwrap_or(start);
    (middle.year(), middle.ordinal0() / 7 + 1)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const CHINESE_WEEKDAYS: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn key(bucket: Bucket, text: &str, fiscal: Fiscal) -> String {
        bucket.key(bucket.around(day(text), fiscal).unwrap().start, fiscal)
    }

    #[test]
    fn keys_are_those_of_the_calendar() {
        let fiscal = Fiscal::default();
        for (bucket, expected) in [
            (Bucket::Day, "2026-01-31"),
            (Bucket::Week, "2026-W05"),
            (Bucket::Month, "2026-01"),
            (Bucket::Quarter, "2026-Q1"),
            (Bucket::Year, "2026"),
            (Bucket::Weekday, "dow:6"),
            (Bucket::MonthOfYear, "month:01"),
        ] {
            assert_eq!(key(bucket, "2026-01-31", fiscal), expected);
        }
    }

    #[test]
    fn fiscal_years_are_named_after_the_year_they_end_in() {
        let fiscal = Fiscal { first_month: 4, ..Fiscal::default() };
        for (text, quarter, year) in
            [("2025-04-01", "FY2026-Q1", "FY2026"), ("2026-03-31", "FY2026-Q4", "FY2026"), ("2026-04-01", "FY2027-Q1", "FY2027")]
        {
            assert_eq!(key(Bucket::Quarter, text, fiscal), quarter);
            assert_eq!(key(Bucket::Year, text, fiscal), year);
        }
        let year = Bucket::Year.around(day("2026-02-10"), fiscal).unwrap();
        assert_eq!((year.start, year.end), (day("2025-04-01"), day("2026-04-01")));
        assert_eq!(Bucket::Quarter.label(day("2025-04-01"), fiscal, Language::Chinese), "2026财年第1季度");
    }

    #[test]
    fn cycles_begin_where_the_week_and_the_year_do() {
        let fiscal = Fiscal { first_month: 4, week_start: WeekStart::Sunday };
        let keys =
            |bucket: Bucket| -> Vec<String> { bucket.cycle(fiscal).into_iter().map(|day| bucket.key(day, fiscal)).collect() };
        assert_eq!(keys(Bucket::Weekday), ["dow:7", "dow:1", "dow:2", "dow:3", "dow:4", "dow:5", "dow:6"]);
        assert_eq!(keys(Bucket::MonthOfYear)[..2], ["month:04", "month:05"]);
    }

    fn any_fiscal() -> impl Strategy<Value = Fiscal> {
        (1_u32..=12, proptest::sample::select(WeekStart::ALL))
            .prop_map(|(first_month, week_start)| Fiscal { first_month, week_start })
    }

    proptest! {
        /// Every day is in exactly one stretch of the row of them, and each stretch that does not come round again has a key of its own.
        #[test]
        fn stretches_leave_no_day_out(
            start in 0_u64..20_000, length in 0_u64..800, fiscal in any_fiscal(), bucket in proptest::sample::select(Bucket::ALL)
        ) {
            let first = day("1990-01-01").checked_add_days(Days::new(start)).unwrap();
            let last = first.checked_add_days(Days::new(length)).unwrap();
            let all = bucket.all(first, last, fiscal, 1_000).unwrap();
            prop_assert!(all[0].start <= first && all.last().unwrap().end > last);
            prop_assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start));
            let keys: std::collections::BTreeSet<String> = all.iter().map(|one| bucket.key(one.start, fiscal)).collect();
            prop_assert!(bucket.is_cyclic() || keys.len() == all.len());
            for one in all {
                let mut day = one.start;
                while day < one.end {
                    prop_assert_eq!(bucket.around(day, fiscal), Some(one));
                    day = day.succ_opt().unwrap();
                }
            }
        }

        /// Weeks from Monday are those of ISO 8601.
        #[test]
        fn weeks_are_numbered_as_iso_has_it(days in 0_u64..40_000) {
            let one = day("1980-01-01").checked_add_days(Days::new(days)).unwrap();
            let iso = one.iso_week();
            prop_assert_eq!(key(Bucket::Week, &one.to_string(), Fiscal::default()), format!("{:04}-W{:02}", iso.year(), iso.week()));
        }
    }
}
