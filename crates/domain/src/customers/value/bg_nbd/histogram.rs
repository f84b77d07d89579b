//! How well a model fits, for people to see: how many customers bought how often, and how many should have.

use serde::{Deserialize, Serialize};

use super::BgNbd;
use crate::customers::value::{purchases::Purchases, special::real};

/// The customers with some number of repeat purchases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The number of repeat purchases.
    pub repeats: u32,
    /// Whether those with more are in it too: only the last bar.
    pub and_more: bool,
    /// How many customers bought so often.
    pub actual: usize,
    /// How many the model expects.
    pub expected: f64,
}

const LAST: usize = 7;

/// The customers by repeat purchases, 0 to 6 and 7 or more, each expected to have bought as often as equation 8 says for the time
/// since the first purchase.
#[must_use]
pub fn histogram(model: &BgNbd, customers: &[Purchases]) -> [Bar; LAST + 1] {
    let mut ages: Vec<u64> = customers.iter().map(|customer| customer.tamed().age.to_bits()).collect();
    ages.sort_unstable();
    let mut expected = [0.0; LAST + 1];
    for same in ages.chunk_by(|one, other| one == other) {
        let count = real(same.len());
        let shares = shares(model, f64::from_bits(same[0]));
        for (sum, share) in expected.iter_mut().zip(shares) {
            *sum += count * share;
        }
        expected[LAST] += count * (1.0 - shares.iter().sum::<f64>()).max(0.0);
    }
    let mut actual = [0; LAST + 1];
    for customer in customers {
        actual[usize::try_from(customer.repeats).unwrap_or(LAST).min(LAST)] += 1;
    }
    let mut repeats = 0_u32..;
    std::array::from_fn(|place| Bar {
        repeats: repeats.next().unwrap_or_default(),
        and_more: place == LAST,
        actual: actual[place],
        expected: expected[place],
    })
}

/// P(X(t) = x) for x from 0 to 6 (equation 8). Either exactly x purchases came and the customer stayed after each, or the
/// customer left after the x-th, and at least so many would have come.
fn shares(BgNbd { r, alpha, a, b }: &BgNbd, weeks: f64) -> [f64; LAST] {
    let came_each = weeks / (alpha + weeks);
    // The probabilities that exactly, and at least, so many would come, and of staying after, and leaving at, each of them.
    let (mut exactly, mut at_least) = ((-r * (weeks / alpha).ln_1p()).exp(), 1.0);
    let (mut stayed, mut left) = (1.0, 0.0);
    let mut before = 0_u8..;
    std::array::from_fn(|_| {
        let share = stayed * exactly + left * at_least;
        let x = f64::from(before.next().unwrap_or_default());
        at_least = f64::max(0.0, at_least - exactly);
        exactly *= (r + x) / (x + 1.0) * came_each;
        left = stayed * a / (a + b + x);
        stayed *= (b + x) / (a + b + x);
        share
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::value::samples::cdnow;

    #[test]
    fn cdnow_buys_about_as_expected() {
        let customers: Vec<Purchases> = cdnow().into_iter().map(|buyer| buyer.purchases).collect();
        let model = BgNbd::fit(&customers, 1_000, &mut |_| true).unwrap().model;
        let bars = histogram(&model, &customers);
        assert_eq!(bars.map(|bar| bar.actual), [1_411, 439, 214, 100, 62, 38, 29, 64]);
        // Equation 8 with scipy.
        let expected = [1_407.684_3, 460.323_5, 192.461_4, 101.164_2, 59.847_1, 38.119_7, 25.549_1, 71.850_7];
        for (bar, expected) in bars.iter().zip(expected) {
            assert!((bar.expected - expected).abs() < 1e-2, "{bar:?} is not {expected}");
        }
        assert!((bars.map(|bar| bar.expected).iter().sum::<f64>() - 2_357.0).abs() < 1e-9);
        assert!(bars[7].and_more && bars[6].repeats == 6);
    }

    #[test]
    fn who_has_just_come_has_bought_once() {
        let model = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
        let bars = histogram(&model, &[Purchases { repeats: 0, recency: 0.0, age: 0.0 }]);
        assert_eq!(bars[0].expected.to_bits(), 1.0_f64.to_bits());
        assert!(bars[1..].iter().all(|bar| bar.expected == 0.0), "{bars:?}");
    }
}
