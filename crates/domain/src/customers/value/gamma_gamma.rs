//! How much a purchase of a customer is worth: the gamma-gamma model of Fader, Hardie and Lee, RFM and CLV: Using Iso-Value
//! Curves for Customer Base Analysis, Journal of Marketing Research 42 (2005), pages 415–430, in the terms of Fader and Hardie,
//! The Gamma-Gamma Model of Monetary Value (2013), whose equations are numbered here.
//!
//! The values of a customer's purchases vary about the customer's own mean as a gamma distribution of shape p and some rate; the
//! rates differ between customers as a gamma distribution of shape q and rate v. How often customers buy is held to tell nothing
//! of how much; [`correlation`] shows whether that is so.

use serde::{Deserialize, Serialize};

use super::{
    fit::{Fit, Parameter, Unfit},
    optimum::{Peak, climb},
    special::{ln_gamma, real},
};

/// How much a customer spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spend {
    /// The number of purchases whose mean is known, x; for what belongs to [`super::purchases::Purchases`] its repeat purchases.
    pub repeats: u32,
    /// Their mean value, in any unit that is the same for all.
    pub mean: f64,
}

impl Spend {
    /// Whether there is anything to learn from it: the model knows no purchase for nothing.
    fn tells(&self) -> bool {
        self.repeats > 0 && self.mean > 0.0
    }
}

/// A gamma-gamma model. All parameters are above zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GammaGamma {
    /// The shape of how the purchases of a customer vary: the larger, the less they do.
    pub p: f64,
    /// The shape of how customers differ: the larger, the less they do.
    pub q: f64,
    /// The rate of how customers differ, in the unit of the values.
    pub v: f64,
}

impl GammaGamma {
    /// How many customers with a repeat purchase there must be before anything is learned from them.
    pub const ENOUGH: usize = 30;

    /// The model that makes the means most likely (maximum likelihood, equation 1a), in at most so many steps. Customers without
    /// a repeat purchase, or whose purchases were for nothing, are left out. `progress` is told of each step and may say no to
    /// stop.
    pub fn fit(spends: &[Spend], budget: u32, progress: &mut dyn FnMut(u32) -> bool) -> Result<Fit<GammaGamma>, Unfit> {
        if let Some(place) = spends.iter().position(|spend| !spend.mean.is_finite() || spend.mean < 0.0) {
            return Err(Unfit::Unsound { place });
        }
        let telling: Vec<Spend> = spends.iter().copied().filter(Spend::tells).collect();
        let customers = telling.len();
        if customers == 0 {
            return Err(Unfit::NobodyReturned);
        }
        if customers < GammaGamma::ENOUGH {
            return Err(Unfit::TooFewCustomers { customers, needed: GammaGamma::ENOUGH });
        }
        let count = real(customers);
        let usual = telling.iter().map(|spend| spend.mean).sum::<f64>() / count;
        let sample = Sample::of(&telling);
        let mean = |parameters: &[f64; 3]| sample.log_likelihood(GammaGamma::from(*parameters)) / count;
        let names = [Parameter::P, Parameter::Q, Parameter::V];
        let Peak { at, height, iterations } = climb(&mean, names, [1.0, 1.0, usual], budget, progress)?;
        Ok(Fit { model: GammaGamma::from(at), log_likelihood: height * count, customers, iterations })
    }

    /// Whether the parameters can be those of a model.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [self.p, self.q, self.v].iter().all(|parameter| parameter.is_finite() && *parameter > 0.0)
    }

    /// The mean value of a purchase of all customers, p v / (q − 1). None if q is not above 1: the values differ too wildly to
    /// have one.
    #[must_use]
    pub fn mean_value(&self) -> Option<f64> {
        Some(self.p * self.v / (self.q - 1.0)).filter(|mean| self.q > 1.0 && mean.is_finite())
    }

    /// The value expected of a purchase of a customer, (v + x z) p / (p x + q − 1) (equation 5), where z is the mean of the x
    /// purchases so far: between that mean and the mean of all customers, the nearer to the customer's own the more purchases
    /// there were. None if no purchase is known and all customers have no mean.
    #[must_use]
    pub fn expected_value(&self, repeats: u32, mean: f64) -> Option<f64> {
        let x = f64::from(repeats);
        if repeats == 0 || !mean.is_finite() || mean < 0.0 {
            return self.mean_value();
        }
        let weight = self.p * x + self.q - 1.0;
        Some(self.p * (self.v + x * mean) / weight).filter(|value| weight > 0.0 && value.is_finite())
    }
}

impl From<[f64; 3]> for GammaGamma {
    fn from([p, q, v]: [f64; 3]) -> GammaGamma {
        GammaGamma { p, q, v }
    }
}

/// How the number of repeat purchases and their mean value go together over the customers that the fit learns from: Pearson's
/// correlation, −1 to 1. The model holds it to be about none. None if either is the same for all.
#[must_use]
pub fn correlation(spends: &[Spend]) -> Option<f64> {
    let pairs: Vec<(f64, f64)> =
        spends.iter().filter(|spend| spend.tells()).map(|spend| (f64::from(spend.repeats), spend.mean)).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / real(pairs.len());
    let (of_repeats, of_means) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let mut sums = [0.0; 3];
    for (repeats, mean) in &pairs {
        let (x, z) = (repeats - of_repeats, mean - of_means);
        sums[0] += x * x;
        sums[1] += x * z;
        sums[2] += z * z;
    }
    let [xx, xz, zz] = sums;
    Some((xz / (xx * zz).sqrt()).clamp(-1.0, 1.0)).filter(|correlation| xx > 0.0 && zz > 0.0 && correlation.is_finite())
}

/// Customers who bought equally often share what depends on that alone.
struct Sample {
    groups: Vec<Group>,
}

struct Group {
    x: f64,
    customers: f64,
    sum_of_logs: f64,
    totals: Vec<f64>,
}

impl Sample {
    fn of(spends: &[Spend]) -> Sample {
        let mut sorted = spends.to_vec();
        sorted.sort_by_key(|spend| spend.repeats);
        let group = |same: &[Spend]| {
            let x = f64::from(same[0].repeats);
            Group {
                x,
                customers: real(same.len()),
                sum_of_logs: same.iter().map(|spend| spend.mean.ln()).sum(),
                totals: same.iter().map(|spend| x * spend.mean).collect(),
            }
        };
        Sample { groups: sorted.chunk_by(|one, other| one.repeats == other.repeats).map(group).collect() }
    }

    /// The sum over the customers of the logarithm of
    /// Γ(px+q) / (Γ(px) Γ(q)) · v^q z^(px−1) x^(px) / (v + x z)^(px+q) (equation 1a).
    fn log_likelihood(&self, GammaGamma { p, q, v }: GammaGamma) -> f64 {
        let of_all = q * v.ln() - ln_gamma(q);
        let of_group = |group: &Group| {
            let px = p * group.x;
            let of_each = of_all + ln_gamma(px + q) - ln_gamma(px) + px * group.x.ln();
            let spread: f64 = group.totals.iter().map(|total| (v + total).ln()).sum();
            group.customers * of_each + (px - 1.0) * group.sum_of_logs - (px + q) * spread
        };
        self.groups.iter().map(of_group).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::customers::value::samples::{Dice, cdnow};

    fn fit(spends: &[Spend]) -> Result<Fit<GammaGamma>, Unfit> {
        GammaGamma::fit(spends, 1_000, &mut |_| true)
    }

    fn cdnow_spends() -> Vec<Spend> {
        cdnow().iter().map(|buyer| Spend { repeats: buyer.purchases.repeats, mean: buyer.mean }).collect()
    }

    /// Section 4 of the note: p = 6.25, q = 3.74, v = 15.44.
    #[test]
    fn cdnow_spends_as_published() {
        let Fit { model, log_likelihood, customers, .. } = fit(&cdnow_spends()).unwrap();
        assert_eq!(customers, 946);
        // The Nelder–Mead of scipy.
        for (found, expected) in [(model.p, 6.249_57), (model.q, 3.744_22), (model.v, 15.443_5)] {
            assert!((found / expected - 1.0).abs() < 2e-4, "{found} is not {expected}");
        }
        assert!((log_likelihood - -4_055.917_694_8).abs() < 1e-5, "{log_likelihood}");
        let found = correlation(&cdnow_spends()).unwrap();
        assert!((found - 0.113_887_919).abs() < 1e-8, "{found}");
    }

    #[test]
    fn the_unit_makes_no_difference() {
        let dollars = fit(&cdnow_spends()).unwrap().model;
        let cents: Vec<Spend> = cdnow_spends().iter().map(|spend| Spend { mean: spend.mean * 100.0, ..*spend }).collect();
        let cents = fit(&cents).unwrap().model;
        assert!((cents.v / dollars.v / 100.0 - 1.0).abs() < 1e-4 && (cents.p / dollars.p - 1.0).abs() < 1e-4);
    }

    #[test]
    fn the_parameters_of_made_customers_are_found_again() {
        for (seed, [p, q, v]) in [(1, [6.25, 3.74, 15.44]), (2, [2.0, 5.0, 400.0]), (3, [15.0, 2.5, 0.5])] {
            let mut dice = Dice(seed);
            let spend = |_: usize| {
                let rate = dice.gamma(q) / v;
                let repeats = u32::try_from(1 + dice.below(6)).unwrap();
                Spend { repeats, mean: dice.gamma(p * f64::from(repeats)) / rate / f64::from(repeats) }
            };
            let spends: Vec<Spend> = (0..20_000).map(spend).collect();
            let found = fit(&spends).unwrap().model;
            for (found, made) in [(found.p, p), (found.q, q), (found.v, v)] {
                assert!((found / made).ln().abs() < 0.3, "{found} is far from {made}");
            }
            assert!(correlation(&spends).unwrap().abs() < 0.05);
        }
    }

    #[test]
    fn what_cannot_be_fitted_says_why() {
        let spend = Spend { repeats: 2, mean: 10.0 };
        assert_eq!(fit(&[Spend { repeats: 0, mean: 0.0 }; 100]), Err(Unfit::NobodyReturned));
        assert_eq!(fit(&[spend; 10]), Err(Unfit::TooFewCustomers { customers: 10, needed: 30 }));
        assert_eq!(fit(&[spend, Spend { mean: f64::NAN, ..spend }]), Err(Unfit::Unsound { place: 1 }));
        // All spend the same.
        assert!(matches!(fit(&[spend; 100]), Err(Unfit::RanAway { .. })), "{:?}", fit(&[spend; 100]));
        assert_eq!(correlation(&[spend; 100]), None);
    }

    proptest! {
        #[test]
        fn expected_values_lie_between_the_own_mean_and_that_of_all(
            p in 0.01..100.0_f64, q in 1.01..100.0_f64, v in 0.01..1e6_f64, repeats in 0_u32..10_000, mean in 0.0..1e9_f64
        ) {
            let model = GammaGamma { p, q, v };
            let (value, all) = (model.expected_value(repeats, mean).unwrap(), model.mean_value().unwrap());
            let slack = 1e-9 * (all + mean);
            prop_assert!(value >= all.min(mean) - slack && value <= all.max(mean) + slack);
        }
    }
}
