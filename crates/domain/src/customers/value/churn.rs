//! Whether a customer is about to be lost, and what speaks for it.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::special::{amount, real};
use crate::choices;

choices! {
    /// How likely a customer is to be lost.
    pub enum ChurnRisk {
        Low "low" "Low" "低流失风险",
        Medium "medium" "Medium" "中流失风险",
        High "high" "High" "高流失风险",
    }
}

/// From when on a risk is told, and what is told as a reason.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnBounds {
    /// Who is still there with a probability below this, 0 to 1, is of high risk.
    pub high_below: f64,
    /// Who is still there with at least this probability is of low risk. In between it is medium.
    pub low_from: f64,
    /// A customer is overdue who has been silent for more than so many times the mean interval between purchases.
    pub overdue_factor: f64,
    /// Orders are fewer, or smaller, if they are so by at least this share, 0 to 1.
    pub decline: f64,
}

impl Default for ChurnBounds {
    fn default() -> ChurnBounds {
        ChurnBounds { high_below: 0.3, low_from: 0.7, overdue_factor: 2.0, decline: 0.2 }
    }
}

impl ChurnRisk {
    /// By the probability that the customer is still there.
    #[must_use]
    pub fn of(alive: f64, bounds: &ChurnBounds) -> ChurnRisk {
        match alive {
            alive if alive < bounds.high_below => ChurnRisk::High,
            alive if alive >= bounds.low_from => ChurnRisk::Low,
            _ => ChurnRisk::Medium,
        }
    }
}

/// What speaks for a customer being about to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum ChurnReason {
    /// The customer has been silent for longer than usual.
    Overdue {
        /// Days since the last purchase.
        silent_days: i64,
        /// The mean number of days between the customer's purchases.
        mean_interval_days: f64,
    },
    /// There were fewer orders in the last 365 days than in the 365 before.
    FewerOrders { before: usize, now: usize },
    /// Orders of the last 365 days are worth less than those of the 365 before: the means, in minor units.
    SmallerOrders { mean_before: f64, mean_now: f64 },
    /// Something is wrong: complaints are open, or tickets late.
    Troubles { open_complaints: u32, late_tickets: u32 },
}

/// What is known of a customer.
#[derive(Clone, Copy, Debug)]
pub struct Dealings<'a> {
    /// The days of orders and their values in minor units, sorted by day; those after today do not count.
    pub orders: &'a [(NaiveDate, i64)],
    pub open_complaints: u32,
    pub late_tickets: u32,
}

/// What speaks for the customer being about to be lost, in the order of [`ChurnReason`].
///
/// - Overdue: days since the last purchase > `overdue_factor` × the mean interval, which is the time from the first to the last
///   day with an order, divided by the number of such days less one; who has bought on one day only has none.
/// - Fewer orders: orders now ≤ (1 − `decline`) × orders before, if there were any.
/// - Smaller orders: the mean value now ≤ (1 − `decline`) × the mean before, if there were orders in both years.
/// - Troubles: any number above zero.
#[must_use]
pub fn reasons(dealings: &Dealings<'_>, today: NaiveDate, bounds: &ChurnBounds) -> Vec<ChurnReason> {
    let orders = &dealings.orders[..dealings.orders.partition_point(|(day, _)| *day <= today)];
    let mut reasons = Vec::new();
    reasons.extend(overdue(orders, today, bounds));

    let year_ago = |years: u64| today.checked_sub_days(Days::new(365 * years)).unwrap_or(NaiveDate::MIN);
    let within = |from: NaiveDate, to: NaiveDate| {
        let place = |after: NaiveDate| orders.partition_point(|(day, _)| *day <= after);
        &orders[place(from)..place(to)]
    };
    let (before, now) = (within(year_ago(2), year_ago(1)), within(year_ago(1), today));
    let has_declined = |before: f64, now: f64| before > 0.0 && now < before && now <= (1.0 - bounds.decline) * before;
    if has_declined(real(before.len()), real(now.len())) {
        reasons.push(ChurnReason::FewerOrders { before: before.len(), now: now.len() });
    }
    if let (Some(mean_before), Some(mean_now)) = (mean(before), mean(now))
        && has_declined(mean_before, mean_now)
    {
        reasons.push(ChurnReason::SmallerOrders { mean_before, mean_now });
    }
    let Dealings { open_complaints, late_tickets, .. } = *dealings;
    if open_complaints > 0 || late_tickets > 0 {
        reasons.push(ChurnReason::Troubles { open_complaints, late_tickets });
    }
    reasons
}

fn overdue(orders: &[(NaiveDate, i64)], today: NaiveDate, bounds: &ChurnBounds) -> Option<ChurnReason> {
    let (first, last) = (orders.first()?.0, orders.last()?.0);
    let intervals = orders.windows(2).filter(|pair| pair[0].0 != pair[1].0).count();
    let (known_days, silent_days) = ((last - first).num_days(), (today - last).num_days());
    let mean_interval_days = amount(known_days) / real(intervals.max(1));
    let is_overdue = intervals > 0 && amount(silent_days) > bounds.overdue_factor * mean_interval_days;
    is_overdue.then_some(ChurnReason::Overdue { silent_days, mean_interval_days })
}

fn mean(orders: &[(NaiveDate, i64)]) -> Option<f64> {
    let sum: f64 = orders.iter().map(|(_, value)| amount(*value)).sum();
    (!orders.is_empty()).then(|| sum / real(orders.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn of(orders: &[(NaiveDate, i64)], today: &str) -> Vec<ChurnReason> {
        let dealings = Dealings { orders, open_complaints: 0, late_tickets: 0 };
        reasons(&dealings, day(today), &ChurnBounds::default())
    }

    #[test]
    fn risk_is_by_the_probability_of_being_there() {
        let bounds = ChurnBounds::default();
        let risk = |alive| ChurnRisk::of(alive, &bounds);
        assert_eq!([0.0, 0.29, 0.3, 0.69, 0.7, 1.0].map(risk)[..2], [ChurnRisk::High, ChurnRisk::High]);
        assert_eq!([0.3, 0.69].map(risk), [ChurnRisk::Medium, ChurnRisk::Medium]);
        assert_eq!([0.7, 1.0].map(risk), [ChurnRisk::Low, ChurnRisk::Low]);
    }

    #[test]
    fn silence_is_measured_by_the_customers_own_interval() {
        let orders = ["2026-01-01", "2026-01-11", "2026-01-11", "2026-01-21"].map(|text| (day(text), 100));
        assert_eq!(of(&orders, "2026-02-10"), []);
        assert_eq!(of(&orders, "2026-02-11"), [ChurnReason::Overdue { silent_days: 21, mean_interval_days: 10.0 }]);
        assert_eq!(of(&orders[..1], "2026-06-01"), []);
        assert_eq!(of(&[], "2026-06-01"), []);
    }

    #[test]
    fn years_are_compared() {
        let orders = [("2024-12-01", 200), ("2025-03-01", 200), ("2025-06-01", 200), ("2026-01-01", 100), ("2026-06-01", 120)]
            .map(|(text, value)| (day(text), value));
        // 2025-06-30 to 2026-06-30 has two orders, the year before three.
        assert_eq!(
            of(&orders, "2026-06-30"),
            [ChurnReason::FewerOrders { before: 3, now: 2 }, ChurnReason::SmallerOrders { mean_before: 200.0, mean_now: 110.0 }]
        );
        // Orders after today are not known of yet: all there are lie in the last year.
        assert_eq!(of(&orders, "2025-06-01"), []);
    }

    #[test]
    fn troubles_are_told_as_they_are() {
        let dealings = Dealings { orders: &[], open_complaints: 1, late_tickets: 0 };
        let found = reasons(&dealings, day("2026-01-01"), &ChurnBounds::default());
        assert_eq!(found, [ChurnReason::Troubles { open_complaints: 1, late_tickets: 0 }]);
    }

    proptest! {
        #[test]
        fn risk_falls_as_the_probability_rises(less in 0.0..=1.0_f64, more in 0.0..=1.0_f64) {
            let rank = |alive: f64| {
                let risk = ChurnRisk::of(alive, &ChurnBounds::default());
                ChurnRisk::ALL.iter().position(|other| *other == risk)
            };
            prop_assert!(rank(less.min(more)) >= rank(less.max(more)));
        }
    }
}
