//! Business time: when a desk is open by its calendar, how long it was open between two instants, and when it will have been open
//! for so long.
//!
//! A desk is open at an instant if the clocks of its zone then show a time within an interval of that day. All else follows from this:
//! an hour that clocks show twice counts twice, one that they skip does not count, and lengths are lengths of real time.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

use crate::values::time::Timestamp;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// From when until when a desk is open on a day, in minutes since midnight by the clocks of the zone; the end is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub from: u32,
    /// 1,440 is the end of the day.
    pub to: u32,
}

/// The hours of a desk: those of each weekday, and those of single dates, which replace them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    pub zone: Tz,
    /// Of Monday to Sunday; those of a day are in order and do not overlap.
    pub week: [Vec<Interval>; 7],
    /// A date without intervals is a holiday; one with intervals is, say, a Saturday that is worked.
    pub dates: BTreeMap<NaiveDate, Vec<Interval>>,
}

/// What a stretch of time is to a desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Open,
    /// Outside the hours of a day.
    ClosedHours,
    /// A date of the calendar on which the desk does not open at all.
    Holiday,
}

/// A stretch of time of one kind, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: Timestamp,
    pub to: Timestamp,
    pub kind: Kind,
}

impl Stretch {
    /// In milliseconds.
    #[must_use]
    pub fn length(&self) -> i64 {
        self.to.milliseconds() - self.from.milliseconds()
    }
}

impl Hours {
    /// How far ahead it is looked for the time when a desk will have been open for so long: ten years.
    pub const HORIZON: i64 = 3_653 * DAY;

    /// A desk that never closes.
    #[must_use]
    pub fn around_the_clock() -> Hours {
        let always = || vec![Interval { from: 0, to: 24 * 60 }];
        Hours { zone: Tz::UTC, week: std::array::from_fn(|_| always()), dates: BTreeMap::new() }
    }

    /// The stretches of a time, without gaps and in order; two that follow each other are of different kinds.
    pub fn stretches(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Stretch> + '_ {
        let mut pieces = Pieces { hours: self, at: from.milliseconds(), end: to.milliseconds(), found: Vec::new(), next: 0 };
        let mut held: Option<Stretch> = None;
        std::iter::from_fn(move || {
            loop {
                match (pieces.next(), held) {
                    (Some(piece), Some(before)) if before.kind == piece.kind => held = Some(Stretch { to: piece.to, ..before }),
                    (Some(piece), Some(before)) => {
                        held = Some(piece);
                        return Some(before);
                    }
                    (Some(piece), None) => held = Some(piece),
                    (None, _) => return held.take(),
                }
            }
        })
    }

    /// For how long the desk is open between two instants, in milliseconds; 0 if the second is not later.
    #[must_use]
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> i64 {
        self.stretches(from, to).filter(|stretch| stretch.kind == Kind::Open).map(|stretch| stretch.length()).sum()
    }

    /// The first instant by which the desk has been open for so many milliseconds since another; for none at all, that other itself.
    /// None if ten years do not suffice.
    #[must_use]
    pub fn add(&self, from: Timestamp, milliseconds: i64) -> Option<Timestamp> {
        let mut left = milliseconds;
        if left <= 0 {
            return Some(from);
        }
        let open = self.stretches(from, from.plus_milliseconds(Hours::HORIZON)).filter(|stretch| stretch.kind == Kind::Open);
        for stretch in open {
            if stretch.length() >= left {
                return Some(stretch.from.plus_milliseconds(left));
            }
            left -= stretch.length();
        }
        None
    }

    fn of(&self, date: NaiveDate) -> (&[Interval], Kind) {
        match self.dates.get(&date) {
            Some(intervals) if intervals.is_empty() => (&[], Kind::Holiday),
            Some(intervals) => (intervals, Kind::ClosedHours),
            None => {
                let weekday = date.weekday().num_days_from_monday();
                (self.week.get(weekday as usize).map_or(&[], Vec::as_slice), Kind::ClosedHours)
            }
        }
    }
}

/// The pieces of a time, each within one day and one offset from UTC; within an offset, clocks go on evenly.
struct Pieces<'h> {
    hours: &'h Hours,
    at: i64,
    end: i64,
    found: Vec<Stretch>,
    next: usize,
}

impl Pieces<'_> {
    fn next(&mut self) -> Option<Stretch> {
        while self.next == self.found.len() {
            if self.at >= self.end {
                return None;
            }
            self.read_on();
        }
        self.next += 1;
        self.found.get(self.next - 1).copied()
    }

    /// Reads from where it is to the end of the day by the clocks of the zone, or until these are set.
    fn read_on(&mut self) {
        let offset = self.offset(self.at);
        let local = self.at + offset;
        let midnight = local.div_euclid(DAY) * DAY;
        let mut until = self.end.min(midnight + DAY - offset);
        if self.offset(until) != offset {
            until = self.change(self.at, until, offset);
        }
        self.found.clear();
        self.next = 0;
        let date = chrono::DateTime::from_timestamp_millis(midnight).map_or(NaiveDate::MAX, |time| time.date_naive());
        let (intervals, otherwise) = self.hours.of(date);
        let mut at = self.at;
        let mut piece = |to: i64, kind: Kind| {
            let to = to.min(until);
            if at < to {
                let (from, to) = (Timestamp::from_milliseconds(at), Timestamp::from_milliseconds(to));
                self.found.push(Stretch { from, to, kind });
                at = to.milliseconds();
            }
        };
        for interval in intervals {
            piece(midnight + i64::from(interval.from) * MINUTE - offset, otherwise);
            piece(midnight + i64::from(interval.to) * MINUTE - offset, Kind::Open);
        }
        piece(until, otherwise);
        self.at = until;
    }

    /// How far the clocks of the zone are ahead of UTC at an instant, in milliseconds.
    fn offset(&self, at: i64) -> i64 {
        let time = Timestamp::from_milliseconds(at).to_utc().naive_utc();
        i64::from(self.hours.zone.offset_from_utc_datetime(&time).fix().local_minus_utc()) * 1000
    }

    /// The first instant with another offset than `from` has; the instant `to` has another. No zone sets its clocks twice within a day.
    fn change(&self, from: i64, to: i64, offset: i64) -> i64 {
        let (mut same, mut other) = (from, to);
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if self.offset(middle) == offset { same = middle } else { other = middle }
        }
        other
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::Timelike;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn interval((from, to): (u32, u32)) -> Interval {
        Interval { from: from * 60, to: to * 60 }
    }

    fn office(zone: Tz) -> Hours {
        let day = || vec![interval((9, 12)), Interval { from: 13 * 60 + 30, to: 18 * 60 }];
        Hours {
            zone,
            week: [day(), day(), day(), day(), day(), Vec::new(), Vec::new()],
            dates: BTreeMap::from([
                // The Saturday before the Spring Festival is worked, and two days of it are off.
                (NaiveDate::from_ymd_opt(2027, 2, 6).unwrap(), vec![interval((9, 18))]),
                (NaiveDate::from_ymd_opt(2027, 2, 8).unwrap(), Vec::new()),
                (NaiveDate::from_ymd_opt(2027, 2, 9).unwrap(), Vec::new()),
            ]),
        }
    }

    #[test]
    fn hours_are_counted_over_noon_night_weekend_and_holidays() {
        let hours = office(Tz::Asia__Shanghai);
        let minutes = |from: &str, to: &str| hours.elapsed(at(from), at(to)) / MINUTE;
        // 2027-02-05 is a Friday.
        assert_eq!(minutes("2027-02-05T11:30:00+08:00", "2027-02-05T14:00:00+08:00"), 60, "lunch");
        assert_eq!(minutes("2027-02-05T17:00:00+08:00", "2027-02-06T10:00:00+08:00"), 120, "a Saturday that is worked");
        assert_eq!(minutes("2027-02-06T17:00:00+08:00", "2027-02-10T09:30:00+08:00"), 90, "Sunday and two holidays");
        assert_eq!(minutes("2027-02-08T00:00:00+08:00", "2027-02-10T00:00:00+08:00"), 0);
        assert_eq!(minutes("2027-02-10T00:00:00+08:00", "2027-02-09T00:00:00+08:00"), 0, "backwards");
        let due = |from: &str, minutes: i64| hours.add(at(from), minutes * MINUTE).unwrap().to_string();
        assert_eq!(due("2027-02-06T17:00:00+08:00", 90), "2027-02-10T01:30:00.000Z");
        assert_eq!(due("2027-02-05T22:00:00+08:00", 60), "2027-02-06T02:00:00.000Z", "the clock starts when the desk opens");
        assert_eq!(
            due("2027-02-05T11:00:00+08:00", 60),
            "2027-02-05T04:00:00.000Z",
            "the very end of an interval, not the next start"
        );
        assert_eq!(due("2027-02-06T18:00:00+08:00", 1), "2027-02-10T01:01:00.000Z", "the end of the last day before");
        let kinds: Vec<Kind> = hours
            .stretches(at("2027-02-06T17:00:00+08:00"), at("2027-02-10T10:00:00+08:00"))
            .map(|stretch| stretch.kind)
            .collect();
        assert_eq!(kinds, [Kind::Open, Kind::ClosedHours, Kind::Holiday, Kind::ClosedHours, Kind::Open]);
    }

    #[test]
    fn a_desk_that_hardly_opens_ends_the_search() {
        let mut hours = Hours { week: Default::default(), ..office(Tz::UTC) };
        hours.dates.clear();
        assert_eq!(hours.add(at("2026-01-01T00:00:00Z"), 1), None);
        assert_eq!(hours.add(at("2026-01-01T00:00:00Z"), 0), Some(at("2026-01-01T00:00:00Z")));
        assert_eq!(Hours::around_the_clock().add(at("2026-01-01T00:00:00Z"), DAY), Some(at("2026-01-02T00:00:00Z")));
    }

    #[test]
    fn an_hour_shown_twice_counts_twice_and_one_skipped_not_at_all() {
        let night = Hours { week: std::array::from_fn(|_| vec![interval((1, 4))]), ..office(Tz::Europe__Berlin) };
        // Clocks go back from 03:00 to 02:00 on 2026-10-25 and forward from 02:00 to 03:00 on 2026-03-29.
        assert_eq!(night.elapsed(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z")), 4 * 60 * MINUTE);
        assert_eq!(night.elapsed(at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z")), 2 * 60 * MINUTE);
        // Samoa had no 2011-12-30.
        let always = Hours { zone: Tz::Pacific__Apia, ..Hours::around_the_clock() };
        assert_eq!(always.elapsed(at("2011-12-29T00:00:00Z"), at("2012-01-02T00:00:00Z")), 4 * DAY);
    }

    /// What clocks show at an instant, minute by minute.
    pub(crate) fn is_open_by_the_clock(hours: &Hours, at: i64) -> bool {
        let local = Timestamp::from_milliseconds(at).to_utc().with_timezone(&hours.zone);
        let intervals = hours.dates.get(&local.date_naive());
        let intervals = intervals.unwrap_or(&hours.week[local.weekday().num_days_from_monday() as usize]);
        let minute = local.hour() * 60 + local.minute();
        intervals.iter().any(|interval| interval.from <= minute && minute < interval.to)
    }

    fn intervals() -> impl Strategy<Value = Vec<Interval>> {
        proptest::collection::btree_set(0_u32..=96, 0..7).prop_map(|bounds| {
            let bounds: Vec<u32> = bounds.into_iter().map(|quarter| quarter * 15).collect();
            bounds.chunks_exact(2).map(|pair| Interval { from: pair[0], to: pair[1] }).collect()
        })
    }

    /// Calendars of zones that set their clocks in many ways, around a time when they do.
    pub(crate) fn hours() -> impl Strategy<Value = (Hours, i64)> {
        let places = prop_oneof![
            Just((Tz::Asia__Shanghai, "2027-02-05T00:00:00Z")),
            Just((Tz::Europe__Berlin, "2026-03-28T00:00:00Z")),
            Just((Tz::Europe__Berlin, "2026-10-24T00:00:00Z")),
            Just((Tz::America__New_York, "2026-11-01T00:00:00Z")),
            Just((Tz::Australia__Lord_Howe, "2026-04-04T00:00:00Z")),
            Just((Tz::America__St_Johns, "2006-10-28T20:00:00Z")),
            Just((Tz::America__Havana, "2026-10-31T20:00:00Z")),
            Just((Tz::Pacific__Apia, "2011-12-29T00:00:00Z")),
            Just((Tz::Asia__Kathmandu, "1985-12-30T00:00:00Z")),
            Just((Tz::Africa__Casablanca, "2026-02-14T00:00:00Z")),
        ];
        let week = proptest::collection::vec(intervals(), 7);
        let dates = proptest::collection::vec((0_u64..5, intervals()), 0..3);
        (places, week, dates).prop_map(|((zone, start), week, dates)| {
            let start = at(start);
            let day = start.to_utc().date_naive();
            let dates = dates.into_iter().map(|(after, intervals)| (day + chrono::Days::new(after), intervals)).collect();
            (Hours { zone, week: week.try_into().unwrap(), dates }, start.milliseconds())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]
        #[test]
        fn business_time_is_what_the_clock_on_the_wall_shows(
            (hours, start) in hours(), from in 0_i64..2_000, length in 0_i64..5_000
        ) {
            let (from, to) = (start + from * MINUTE, start + (from + length) * MINUTE);
            let open: Vec<bool> = (from..to).step_by(MINUTE as usize).map(|at| is_open_by_the_clock(&hours, at)).collect();
            let minutes = open.iter().filter(|open| **open).count() as i64;
            let (begin, end) = (Timestamp::from_milliseconds(from), Timestamp::from_milliseconds(to));
            prop_assert_eq!(hours.elapsed(begin, end), minutes * MINUTE);
            // Without gaps, in order, and never two of a kind.
            let stretches: Vec<Stretch> = hours.stretches(begin, end).collect();
            prop_assert_eq!(stretches.iter().map(Stretch::length).sum::<i64>(), to - from);
            prop_assert!(stretches.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].kind != pair[1].kind));
            // Adding what has elapsed leads to the last minute that counted.
            let last = open.iter().rposition(|open| *open).map_or(begin, |last| begin.plus_milliseconds((last as i64 + 1) * MINUTE));
            prop_assert_eq!(hours.add(begin, minutes * MINUTE), Some(if minutes == 0 { begin } else { last }));
            let next = open.iter().position(|open| *open);
            if let Some(next) = next {
                prop_assert_eq!(hours.add(begin, 1), Some(begin.plus_milliseconds(next as i64 * MINUTE + 1)));
            }
        }
    }
}
