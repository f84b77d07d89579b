//! When the steps of a cadence come: the days between them, working days, rounds. Delays count from the step before as it was
//! made, so that what was late, paused or waiting moves all that follows along.

use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;

use super::step::Step;
use crate::values::{
    calendar::day_of,
    time::{Timestamp, instant_of},
};

/// When tasks are made, in minutes since midnight, unless they are due earlier.
const MORNING: u32 = 8 * 60;
/// Within how many days a working day must come; where none does, any day will do.
const PATIENCE: u32 = 400;

/// The days on which somebody works, on their clocks.
pub struct Calendar<'a> {
    pub zone: Tz,
    pub works: &'a dyn Fn(NaiveDate) -> bool,
}

/// When a step comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub day: NaiveDate,
    /// When its task is made.
    pub made_at: Timestamp,
    /// When its task is due.
    pub due_at: Timestamp,
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The step at this place, on a day.
    Step(usize, NaiveDate),
    /// The first step of another round that begins on a day.
    Round(NaiveDate),
    End,
}

fn tomorrow(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

fn yesterday(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(day)
}

fn at(day: NaiveDate, minutes: u32, zone: Tz) -> Timestamp {
    let time = NaiveTime::from_num_seconds_from_midnight_opt(minutes * 60, 0).unwrap_or(NaiveTime::MIN);
    instant_of(day.and_time(time), zone)
}

impl Calendar<'_> {
    /// The nearest working day from a day on, in one direction.
    fn nearest(&self, day: NaiveDate, step: fn(NaiveDate) -> NaiveDate) -> NaiveDate {
        let mut found = day;
        for _ in 0..PATIENCE {
            if (self.works)(found) {
                return found;
            }
            found = step(found);
        }
        day
    }

    /// The first working day from a day on.
    #[must_use]
    pub fn first(&self, day: NaiveDate) -> NaiveDate {
        self.nearest(day, tomorrow)
    }

    /// So many working days after a day.
    #[must_use]
    pub fn after(&self, day: NaiveDate, count: i64) -> NaiveDate {
        (0..count).fold(self.first(day), |day, _| self.first(tomorrow(day)))
    }

    /// So many working days before a day.
    fn before(&self, day: NaiveDate, count: i64) -> NaiveDate {
        (0..count).fold(day, |day, _| self.nearest(yesterday(day), yesterday))
    }

    /// When a step comes that is planned for a day: then or, if it could not be done in time any more, on the first working day
    /// on which it can.
    #[must_use]
    pub fn moment(&self, step: &Step, day: NaiveDate, now: Timestamp) -> Moment {
        let mut day = self.first(day.max(day_of(now, self.zone)));
        if at(day, step.minutes(), self.zone) <= now {
            day = self.first(tomorrow(day));
        }
        let due_at = at(day, step.minutes(), self.zone);
        Moment { day, made_at: at(day, step.minutes().min(MORNING), self.zone).min(due_at), due_at }
    }

    /// The first moment of a round that begins on a day.
    #[must_use]
    pub fn begin(&self, steps: &[Step], day: NaiveDate, now: Timestamp) -> Option<Moment> {
        let first = steps.first()?;
        Some(self.moment(first, self.after(day, first.day - 1), now))
    }

    /// What comes after the step at a place of a round, whose task was made for a day; `repeat` is after how many days the series
    /// begins anew, if it does.
    #[must_use]
    pub fn next(&self, steps: &[Step], place: usize, day: NaiveDate, repeat: Option<i64>) -> Next {
        let Some(present) = steps.get(place) else { return Next::End };
        if let Some(next) = steps.get(place + 1) {
            return Next::Step(place + 1, self.after(day, next.day - present.day));
        }
        let Some(repeat) = repeat.and_then(|days| u64::try_from(days).ok()) else { return Next::End };
        let began = self.before(day, present.day - 1);
        let again = began.checked_add_days(Days::new(repeat)).unwrap_or(began);
        Next::Round(self.first(again.max(tomorrow(day))))
    }
}

/// Whether people work on a day where nothing else is told: Monday to Friday.
#[must_use]
pub fn is_weekday(day: NaiveDate) -> bool {
    day.weekday().number_from_monday() <= 5
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::activities::{activity::ActivityKind, task::Priority};

    const SHANGHAI: Tz = Tz::Asia__Shanghai;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn step(day: i64, time: &str) -> Step {
        let (subject, time) = (String::new(), time.to_owned());
        Step { day, kind: ActivityKind::Call, subject, description: None, priority: Priority::Normal, time }
    }

    fn steps(days: &[i64]) -> Vec<Step> {
        days.iter().map(|day| step(*day, "18:00")).collect()
    }

    /// The days of the first steps when each is made in time.
    fn days(days: &[i64], works: &dyn Fn(NaiveDate) -> bool, from: &str, repeat: Option<i64>, count: usize) -> Vec<String> {
        let (list, calendar) = (steps(days), Calendar { zone: SHANGHAI, works });
        let mut moment = calendar.begin(&list, date(from), Timestamp::from_milliseconds(0)).unwrap();
        let (mut place, mut told) = (0, Vec::new());
        while told.len() < count {
            told.push(moment.day.to_string());
            moment = match calendar.next(&list, place, moment.day, repeat) {
                Next::Step(next, day) => {
                    place = next;
                    calendar.moment(&list[next], day, moment.made_at)
                }
                Next::Round(day) => {
                    place = 0;
                    calendar.begin(&list, day, moment.made_at).unwrap()
                }
                Next::End => break,
            };
        }
        told
    }

    #[test]
    fn days_are_counted_from_one() {
        let every = |_| true;
        assert_eq!(days(&[1, 3, 7], &every, "2026-09-03", None, 9), ["2026-09-03", "2026-09-05", "2026-09-09"]);
        // 2026-09-03 is a Thursday.
        assert_eq!(days(&[1, 3, 7], &is_weekday, "2026-09-03", None, 9), ["2026-09-03", "2026-09-07", "2026-09-11"]);
        assert_eq!(days(&[2], &is_weekday, "2026-09-05", None, 9), ["2026-09-08"], "Saturday counts as Monday");
    }

    #[test]
    fn rounds_begin_by_the_calendar() {
        let weekly = days(&[1, 3], &is_weekday, "2026-09-03", Some(7), 6);
        assert_eq!(weekly, ["2026-09-03", "2026-09-07", "2026-09-10", "2026-09-14", "2026-09-17", "2026-09-21"]);
        // Five working days do not fit into five days: the next round waits for the last step.
        assert_eq!(days(&[1, 5], &is_weekday, "2026-09-03", Some(5), 3), ["2026-09-03", "2026-09-09", "2026-09-10"]);
    }

    #[test]
    fn what_cannot_be_done_in_time_comes_the_next_day() {
        let list = steps(&[1]);
        let calendar = Calendar { zone: SHANGHAI, works: &is_weekday };
        let moment = |now: &str| calendar.moment(&list[0], date("2026-09-03"), time(now));
        let on_time = moment("2026-09-02T20:00:00Z");
        assert_eq!((on_time.made_at, on_time.due_at), (time("2026-09-03T00:00:00Z"), time("2026-09-03T10:00:00Z")));
        assert_eq!(moment("2026-09-03T09:59:59Z").day, date("2026-09-03"));
        assert_eq!(moment("2026-09-03T10:00:00Z").day, date("2026-09-04"));
        // On Friday evening it is Monday.
        assert_eq!(moment("2026-09-04T11:00:00Z").day, date("2026-09-07"));
        let early = calendar.moment(&step(1, "06:30"), date("2026-09-03"), time("2026-09-01T00:00:00Z"));
        assert_eq!(early.made_at, early.due_at);
    }

    proptest! {
        /// Steps keep their order and their distance, never fall on a day without work, and are never due before they are made.
        #[test]
        fn steps_keep_their_distance(
            mut days in prop::collection::vec(1_i64..40, 1..8), off in 0_u8..127, from in 0_u64..2_000, repeat in prop::option::of(1_i64..60),
            late in prop::collection::vec(0_i64..400_000, 24),
        ) {
            days.sort_unstable();
            let works = |day: NaiveDate| off & (1 << day.weekday().num_days_from_monday()) == 0;
            let list = steps(&days);
                let calendar = Calendar { zone: SHANGHAI, works: &works };
            let from = date("2026-01-01").checked_add_days(Days::new(from)).unwrap();
            let mut now = at(from, 0, SHANGHAI);
            let mut moment = calendar.begin(&list, from, now).unwrap();
            let mut place = 0;
            for seconds in late {
                prop_assert!(works(moment.day) && moment.made_at <= moment.due_at && moment.due_at > now);
                // Whoever makes it comes late.
                now = moment.made_at.plus_seconds(seconds);
                moment = calendar.moment(&list[place], moment.day, now);
                let made_on = moment.day;
                let between = |to: NaiveDate| made_on.iter_days().skip(1).take_while(|day| *day <= to).filter(|day| works(*day)).count();
                match calendar.next(&list, place, made_on, repeat) {
                    Next::Step(next, day) => {
                        prop_assert_eq!(between(day), usize::try_from(days[next] - days[place]).unwrap());
                        place = next;
                        now = now.max(moment.made_at);
                        moment = calendar.moment(&list[next], day, now);
                    }
                    Next::Round(day) => {
                        prop_assert!(day > made_on && works(day) && repeat.is_some());
                        place = 0;
                        now = now.max(moment.made_at);
                        moment = calendar.begin(&list, day, now).unwrap();
                    }
                    Next::End => {
                        prop_assert!(repeat.is_none() && place + 1 == list.len());
                        break;
                    }
                }
                prop_assert!(moment.day >= made_on);
            }
        }
    }
}
