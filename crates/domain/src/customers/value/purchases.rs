//! What the models know of when a customer bought.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

const DAYS_OF_A_WEEK: f64 = 7.0;

/// When a customer bought, in short: all that the BG/NBD model needs. Times are in weeks (days / 7).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Purchases {
    /// Purchases after the first, x: days with an order after the first such day. Several orders of one day count as one.
    pub repeats: u32,
    /// From the first purchase to the last, t_x: 0 if there was only one.
    pub recency: f64,
    /// From the first purchase to today, T.
    pub age: f64,
}

impl Purchases {
    /// Of the days with an order, sorted; those after today are left out. None if there is none.
    #[must_use]
    pub fn of(days: &[NaiveDate], today: NaiveDate) -> Option<Purchases> {
        let days = &days[..days.partition_point(|day| *day <= today)];
        let (first, last) = (*days.first()?, *days.last()?);
        let repeats = days.windows(2).filter(|pair| pair[0] != pair[1]).count();
        Some(Purchases {
            repeats: u32::try_from(repeats).unwrap_or(u32::MAX),
            recency: weeks(first, last),
            age: weeks(first, today),
        })
    }

    /// Whether the numbers can be those of a customer.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.age.is_finite() && (0.0..=self.age).contains(&self.recency) && (self.repeats > 0 || self.recency == 0.0)
    }

    /// The same with impossible numbers put right, so that whatever is computed of it is a number.
    pub(super) fn tamed(&self) -> Purchases {
        const LONG: f64 = 1e9;
        let tame = |time: f64| if time.is_nan() { 0.0 } else { time.clamp(0.0, LONG) };
        let age = tame(self.age);
        let recency = if self.repeats == 0 { 0.0 } else { tame(self.recency).min(age) };
        Purchases { repeats: self.repeats, recency, age }
    }
}

#[allow(clippy::cast_precision_loss, reason = "the calendar has fewer than 2^53 days")]
fn weeks(from: NaiveDate, to: NaiveDate) -> f64 {
    (to - from).num_days().max(0) as f64 / DAYS_OF_A_WEEK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_one_day_are_one_purchase() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let days = ["2026-01-01", "2026-01-01", "2026-01-08", "2026-01-08", "2026-01-15", "2026-02-01"].map(day);
        let purchases = Purchases::of(&days, day("2026-01-29"));
        assert_eq!(purchases, Some(Purchases { repeats: 2, recency: 2.0, age: 4.0 }));
        assert!(purchases.unwrap().is_sound());
        assert_eq!(Purchases::of(&days, day("2025-12-31")), None);
        assert_eq!(Purchases::of(&days[..2], day("2026-01-01")), Some(Purchases { repeats: 0, recency: 0.0, age: 0.0 }));
    }
}
