//! How a customer has paid, and what risk it is to let the customer pay later.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::choices;

choices! {
    /// The risk that a customer does not pay in time.
    pub enum CreditRisk {
        Low "low" "Low" "低信用风险",
        Medium "medium" "Medium" "中信用风险",
        High "high" "High" "高信用风险",
        NoneKnown "none_known" "None known" "暂无记录",
    }
}

/// What was or is to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The last day on which it is in time.
    pub day: NaiveDate,
    /// When it was paid, if it was.
    pub paid: Option<NaiveDate>,
    /// In minor units; what is paid in parts is one for each part.
    pub amount: i64,
}

/// From when on one of the measures speaks for a risk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditBound {
    /// At least so many mean days late.
    pub days_late: f64,
    /// At least such a share late, 0 to 1.
    pub share_late: f64,
    /// At least so much overdue, in minor units.
    pub overdue: i64,
}

/// From when on a risk is medium and high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditBounds {
    pub medium: CreditBound,
    pub high: CreditBound,
}

impl Default for CreditBounds {
    fn default() -> CreditBounds {
        CreditBounds {
            medium: CreditBound { days_late: 7.0, share_late: 0.2, overdue: 1_000_000 },
            high: CreditBound { days_late: 30.0, share_late: 0.5, overdue: 10_000_000 },
        }
    }
}

/// How a customer has paid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credit {
    /// Σ amount × days late / Σ amount, over all that was paid or is overdue. What was paid before its day is not late (0 days);
    /// what is overdue has been late until today. None if there is nothing of that kind.
    pub mean_days_late: Option<f64>,
    /// Σ amount that was paid late or is overdue / Σ amount, over the same.
    pub share_late: Option<f64>,
    /// What should have been paid by now and was not, in minor units.
    pub overdue: i64,
    /// For how many days the oldest of it has been overdue; 0 if nothing is.
    pub longest_overdue_days: i64,
    /// How many payments this is known from.
    pub payments: usize,
    pub risk: CreditRisk,
}

/// How a customer has paid until today. The risk is high if any measure reaches its high bound, else medium if any reaches its
/// medium one, else low; none is known if nothing was paid and nothing is overdue. Amounts of zero or less, and payments after
/// today, tell nothing of it: the latter are still open today.
#[must_use]
pub fn credit(dues: &[Due], today: NaiveDate, bounds: &CreditBounds) -> Credit {
    let (mut whole, mut late, mut late_days) = (0_i128, 0_i128, 0_i128);
    let (mut overdue, mut longest_overdue_days, mut payments) = (0_i128, 0, 0);
    for due in dues.iter().filter(|due| due.amount > 0) {
        let paid = due.paid.filter(|paid| *paid <= today);
        let days = (paid.unwrap_or(today) - due.day).num_days().max(0);
        if paid.is_none() && days == 0 {
            continue;
        }
        let amount = i128::from(due.amount);
        payments += 1;
        whole += amount;
        late_days += amount * i128::from(days);
        if days > 0 {
            late += amount;
        }
        if paid.is_none() {
            overdue += amount;
            longest_overdue_days = longest_overdue_days.max(days);
        }
    }
    let overdue = i64::try_from(overdue).unwrap_or(i64::MAX);
    let (mean_days_late, share_late) = (ratio(late_days, whole), ratio(late, whole));
    let reaches = |bound: &CreditBound| {
        mean_days_late.is_some_and(|days| days >= bound.days_late)
            || share_late.is_some_and(|share| share >= bound.share_late)
            || overdue >= bound.overdue
    };
    let risk = match payments {
        0 => CreditRisk::NoneKnown,
        _ if reaches(&bounds.high) => CreditRisk::High,
        _ if reaches(&bounds.medium) => CreditRisk::Medium,
        _ => CreditRisk::Low,
    };
    Credit { mean_days_late, share_late, overdue, longest_overdue_days, payments, risk }
}

#[allow(clippy::cast_precision_loss, reason = "shares count with 15 digits")]
fn ratio(part: i128, whole: i128) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(number.into())
    }

    fn due(on: u32, paid: Option<u32>, amount: i64) -> Due {
        Due { day: day(on), paid: paid.map(day), amount }
    }

    fn of(dues: &[Due], today: u32) -> Credit {
        credit(dues, day(today), &CreditBounds::default())
    }

    #[test]
    fn lateness_is_weighted_by_amount() {
        let dues = [due(10, Some(5), 300), due(10, Some(20), 100), due(90, None, 100), due(200, None, 1_000)];
        let found = of(&dues, 100);
        assert_eq!((found.mean_days_late, found.share_late), (Some(2_000.0 / 500.0), Some(200.0 / 500.0)));
        assert_eq!((found.overdue, found.longest_overdue_days, found.payments), (100, 10, 3));
        assert_eq!(found.risk, CreditRisk::Medium);
    }

    #[test]
    fn any_measure_makes_a_risk() {
        assert_eq!(of(&[], 100).risk, CreditRisk::NoneKnown);
        assert_eq!(of(&[due(100, None, 5), due(50, Some(101), 0)], 100).risk, CreditRisk::NoneKnown);
        assert_eq!(of(&[due(10, Some(10), 5)], 100).risk, CreditRisk::Low);
        assert_eq!(of(&[due(10, Some(50), 100), due(10, Some(10), 1_000)], 100).risk, CreditRisk::Low);
        assert_eq!(of(&[due(10, Some(100), 300), due(10, Some(10), 400)], 100).risk, CreditRisk::High);
        assert_eq!(of(&[due(99, None, 1_000_000), due(10, Some(10), 900_000_000)], 100).risk, CreditRisk::Medium);
        // Paid tomorrow is open today.
        assert_eq!(of(&[due(99, Some(101), 7)], 100).overdue, 7);
    }

    proptest! {
        #[test]
        fn measures_are_within_bounds(
            dues in proptest::collection::vec((0_u32..300, proptest::option::of(0_u32..300), any::<i64>()), 0..20)
        ) {
            let dues: Vec<Due> = dues.into_iter().map(|(on, paid, amount)| due(on, paid, amount)).collect();
            let found = of(&dues, 150);
            prop_assert_eq!(found.risk == CreditRisk::NoneKnown, found.payments == 0);
            prop_assert!(found.share_late.is_none_or(|share| (0.0..=1.0).contains(&share)));
            prop_assert!(found.mean_days_late.is_none_or(|days| (0.0..=300.0).contains(&days)));
            prop_assert!(found.overdue >= 0);
            prop_assert!((found.overdue > 0) == (found.longest_overdue_days > 0));
        }
    }
}
