//! What a customer is going to be worth: how often the customer is expected to buy, times how much.

use serde::{Deserialize, Serialize};

use super::{bg_nbd::BgNbd, gamma_gamma::GammaGamma, gamma_gamma::Spend, purchases::Purchases};

/// Weeks of a year: 365.25 / 7.
pub const WEEKS_OF_A_YEAR: f64 = 365.25 / 7.0;

/// How far ahead is looked, and what is left of the value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// The weeks from today on that count, at most [`Terms::MOST_WEEKS`].
    pub weeks: u32,
    /// By how much a year makes money worth less: 0.1 for 10 %.
    pub yearly_discount: f64,
    /// The share of the value that is profit, 0 to 1.
    pub margin: f64,
}

impl Terms {
    /// Fifty years; what lies beyond is nobody's to tell.
    pub const MOST_WEEKS: u32 = 2_610;
}

/// What a customer is going to be worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lifetime {
    /// The purchases expected within the horizon.
    pub purchases: f64,
    /// The value expected of each, in the unit of what the customer spent.
    pub value_of_each: f64,
    /// The profit of all of them, discounted to today.
    pub value: f64,
}

/// The lifetime value of a customer from today on:
///
///   margin · E(M) · Σ (E\[Y(k)\] − E\[Y(k−1)\]) / (1 + d)^(k / 52.18), k from 1 to the number of weeks,
///
/// where E\[Y(k)\] are the purchases expected within k weeks ([`BgNbd::expected_purchases`]), E(M) is the value expected of one
/// ([`GammaGamma::expected_value`]) and d the yearly discount: what is bought in a week counts as if it were paid at the end of
/// it. What the customer has bought until today is not in it. None if no value can be expected of a purchase.
#[must_use]
pub fn lifetime(
    purchasing: &BgNbd,
    spending: &GammaGamma,
    customer: &Purchases,
    spend: &Spend,
    terms: &Terms,
) -> Option<Lifetime> {
    let value_of_each = spending.expected_value(spend.repeats, spend.mean)?;
    let weeks = terms.weeks.min(Terms::MOST_WEEKS);
    let future = purchasing.future(customer, f64::from(weeks));
    let weekly = (-terms.yearly_discount.max(0.0).ln_1p() / WEEKS_OF_A_YEAR).exp();
    let (mut purchases, mut discounted, mut discount) = (0.0, 0.0, 1.0);
    for week in 1..=weeks {
        let until = future.within(f64::from(week));
        discount *= weekly;
        discounted += f64::max(0.0, until - purchases) * discount;
        purchases = until;
    }
    Some(Lifetime { purchases, value_of_each, value: terms.margin.clamp(0.0, 1.0) * value_of_each * discounted })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PURCHASING: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
    const SPENDING: GammaGamma = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
    const CUSTOMER: Purchases = Purchases { repeats: 2, recency: 30.43, age: 38.86 };
    const SPEND: Spend = Spend { repeats: 2, mean: 22.35 };

    fn of(terms: Terms) -> Lifetime {
        lifetime(&PURCHASING, &SPENDING, &CUSTOMER, &SPEND, &terms).unwrap()
    }

    #[test]
    fn it_is_purchases_times_value() {
        let plain = of(Terms { weeks: 39, yearly_discount: 0.0, margin: 1.0 });
        assert!((plain.purchases - 1.226_028).abs() < 1e-6);
        assert!((plain.value_of_each - 6.25 * (15.44 + 2.0 * 22.35) / (12.5 + 2.74)).abs() < 1e-9);
        assert!((plain.value - plain.purchases * plain.value_of_each).abs() < 1e-9);
        // Equation 10 with scipy, week by week.
        let discounted = of(Terms { weeks: 52, yearly_discount: 0.1, margin: 0.3 });
        assert!((discounted.value - 11.029_361_293_462).abs() < 1e-6, "{}", discounted.value);
    }

    proptest! {
        #[test]
        fn it_rises_with_time_and_falls_with_discount(weeks in 0_u32..300, discount in 0.0..2.0_f64, margin in 0.0..1.0_f64) {
            let value = |weeks: u32, yearly_discount: f64| of(Terms { weeks, yearly_discount, margin }).value;
            let here = value(weeks, discount);
            prop_assert!(here >= 0.0 && here.is_finite());
            prop_assert!(value(weeks + 10, discount) >= here);
            prop_assert!(value(weeks, discount + 0.1) <= here);
        }
    }
}
