//! How often customers buy and when they stop: the BG/NBD model of Fader, Hardie and Lee, "Counting Your Customers" the Easy Way:
//! An Alternative to the Pareto/NBD Model, Marketing Science 24 (2005), pages 275–284. Equations are numbered as there.
//!
//! While a customer is there, purchases come as a Poisson process with a rate λ; after each repeat purchase the customer leaves
//! for good with a probability p. Rates differ between customers as a gamma distribution of shape r and rate α, probabilities as
//! a beta distribution of a and b. Times are weeks.

mod future;
mod histogram;
mod likelihood;

use serde::{Deserialize, Serialize};

pub(super) use self::future::Future;
pub use self::histogram::{Bar, histogram};
use super::{
    fit::{Fit, Parameter, Unfit},
    optimum::{Peak, climb},
    purchases::Purchases,
    special::real,
};

/// A BG/NBD model. All parameters are above zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BgNbd {
    /// The shape of how rates differ: the larger, the less they do. The mean rate is r / α purchases a week.
    pub r: f64,
    /// The rate of how rates differ, in weeks.
    pub alpha: f64,
    /// The first shape of how the probabilities of leaving differ, whose mean is a / (a + b).
    pub a: f64,
    /// The second one.
    pub b: f64,
}

impl BgNbd {
    /// How many customers there must be before anything is learned from them.
    pub const ENOUGH: usize = 50;

    /// The model that makes what the customers did most likely (maximum likelihood, equation 6), in at most so many steps.
    /// `progress` is told of each step and may say no to stop.
    pub fn fit(customers: &[Purchases], budget: u32, progress: &mut dyn FnMut(u32) -> bool) -> Result<Fit<BgNbd>, Unfit> {
        if let Some(place) = customers.iter().position(|customer| !customer.is_sound()) {
            return Err(Unfit::Unsound { place });
        }
        if customers.len() < BgNbd::ENOUGH {
            return Err(Unfit::TooFewCustomers { customers: customers.len(), needed: BgNbd::ENOUGH });
        }
        if customers.iter().all(|customer| customer.repeats == 0) {
            return Err(Unfit::NobodyReturned);
        }
        let count = real(customers.len());
        let sample = likelihood::Sample::of(customers);
        let weeks = (customers.iter().map(|customer| customer.age).sum::<f64>() / count).max(1.0 / 7.0);
        let names = [Parameter::R, Parameter::Alpha, Parameter::A, Parameter::B];
        let mean = |parameters: &[f64; 4]| sample.log_likelihood(BgNbd::from(*parameters)) / count;
        let Peak { at, height, iterations } = climb(&mean, names, [1.0, weeks, 1.0, 1.0], budget, progress)?;
        Ok(Fit { model: BgNbd::from(at), log_likelihood: height * count, customers: customers.len(), iterations })
    }

    /// Whether the parameters can be those of a model.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [self.r, self.alpha, self.a, self.b].iter().all(|parameter| parameter.is_finite() && *parameter > 0.0)
    }

    /// The probability that the customer has not left, 0 to 1:
    /// 1 / (1 + \[x > 0\] a / (b + x − 1) · ((α + T) / (α + t_x))^(r + x)).
    /// Who has bought once is always there: customers leave after repeat purchases only.
    #[must_use]
    pub fn probability_alive(&self, customer: &Purchases) -> f64 {
        let customer = customer.tamed();
        if customer.repeats == 0 {
            return 1.0;
        }
        let repeats = f64::from(customer.repeats);
        let silence = (customer.age - customer.recency) / (self.alpha + customer.recency);
        let odds_of_leaving = self.a.ln() - (self.b + repeats - 1.0).ln() + (self.r + repeats) * silence.ln_1p();
        1.0 / (1.0 + odds_of_leaving.exp())
    }

    /// How many purchases are expected of the customer in the weeks after today (equation 10).
    #[must_use]
    pub fn expected_purchases(&self, customer: &Purchases, weeks: f64) -> f64 {
        self.future(customer, weeks).within(weeks)
    }

    /// What the customer is going to buy, up to a horizon. What is known of who is still there, with x purchases until T, is
    /// again a BG/NBD model: of r + x, α + T, a and b + x.
    pub(super) fn future(&self, customer: &Purchases, horizon: f64) -> Future {
        let tamed = customer.tamed();
        let repeats = f64::from(tamed.repeats);
        let posterior = BgNbd { r: self.r + repeats, alpha: self.alpha + tamed.age, a: self.a, b: self.b + repeats };
        Future::of(posterior, self.probability_alive(customer), horizon)
    }
}

impl From<[f64; 4]> for BgNbd {
    fn from([r, alpha, a, b]: [f64; 4]) -> BgNbd {
        BgNbd { r, alpha, a, b }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::customers::value::samples::{Dice, cdnow, cdnow_days};

    const PUBLISHED: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

    fn cdnow_purchases() -> Vec<Purchases> {
        cdnow().into_iter().map(|buyer| buyer.purchases).collect()
    }

    fn fit(customers: &[Purchases]) -> Result<Fit<BgNbd>, Unfit> {
        BgNbd::fit(customers, 1_000, &mut |_| true)
    }

    /// Table 2 of the paper.
    #[test]
    fn cdnow_fits_as_published() {
        let Fit { model, log_likelihood, customers, .. } = fit(&cdnow_purchases()).unwrap();
        assert_eq!(customers, 2_357);
        for (found, published) in [(model.r, 0.243), (model.alpha, 4.414), (model.a, 0.793), (model.b, 2.426)] {
            assert!((found - published).abs() < 5e-4, "{found} is not {published}");
        }
        assert!((log_likelihood - -9_582.4).abs() < 0.05, "{log_likelihood}");
        // The Nelder–Mead of scipy, to ten digits.
        assert!((log_likelihood - -9_582.429_206_673_93).abs() < 1e-7, "{log_likelihood}");
    }

    #[test]
    fn expected_purchases_are_as_published() {
        let customer = Purchases { repeats: 2, recency: 30.43, age: 38.86 };
        let expected = PUBLISHED.expected_purchases(&customer, 39.0);
        // scipy.special.hyp2f1 in equations 10 and 9
        assert!((expected - 1.226_028_174_767_135).abs() < 1e-9, "{expected}");
        let expected = PUBLISHED.expected_purchases(&Purchases { repeats: 0, recency: 0.0, age: 0.0 }, 39.0);
        assert!((expected - 1.196_723_193_320_798_5).abs() < 1e-9, "{expected}");
    }

    /// What the customers of CDNOW bought in the 39 weeks after those that the model learned from.
    #[test]
    fn what_cdnow_sold_next_is_as_expected() {
        let customers = cdnow_purchases();
        let model = fit(&customers).unwrap().model;
        let expected: f64 = customers.iter().map(|customer| model.expected_purchases(customer, 39.0)).sum();
        let sold: usize = cdnow_days().iter().map(|days| days.range(273..).count()).sum();
        assert!((expected / real(sold) - 1.0).abs() < 0.15, "{expected} of {sold}");
        // Equation 10 with scipy.
        assert!((expected - 1_653.41).abs() < 0.1, "{expected}");
    }

    #[test]
    fn what_cannot_be_fitted_says_why() {
        let once = |_: usize| Purchases { repeats: 0, recency: 0.0, age: 10.0 };
        let all: Vec<Purchases> = (0..100).map(once).collect();
        assert_eq!(fit(&all), Err(Unfit::NobodyReturned));
        assert_eq!(fit(&all[..49]), Err(Unfit::TooFewCustomers { customers: 49, needed: 50 }));
        let mut impossible = all.clone();
        impossible[7] = Purchases { repeats: 1, recency: 11.0, age: 10.0 };
        assert_eq!(fit(&impossible), Err(Unfit::Unsound { place: 7 }));
        let stopped = BgNbd::fit(&cdnow_purchases(), 1_000, &mut |step| step < 10);
        assert_eq!(stopped, Err(Unfit::Stopped { iterations: 10 }));
        assert_eq!(BgNbd::fit(&cdnow_purchases(), 10, &mut |_| true), Err(Unfit::DidNotConverge { iterations: 10 }));
        // Nobody ever leaves.
        let mut dice = Dice(4);
        let faithful: Vec<Purchases> = (0..300).map(|_| dice.customer([1.0, 8.0, 1e-9, 1.0], 104.0)).collect();
        let found = fit(&faithful);
        assert!(matches!(found, Err(Unfit::RanAway { parameter: Parameter::A, value }) if value < 0.01), "{found:?}");
        // Everybody buys every week.
        let weekly: Vec<Purchases> = (0..100).map(|_| Purchases { repeats: 52, recency: 52.0, age: 52.0 }).collect();
        assert!(matches!(fit(&weekly), Err(Unfit::RanAway { .. })), "{:?}", fit(&weekly));
    }

    #[test]
    fn the_parameters_of_made_customers_are_found_again() {
        for (seed, parameters) in [(1, [0.5, 6.0, 0.9, 3.0]), (2, [1.5, 10.0, 0.6, 2.0]), (3, [0.243, 4.414, 0.793, 2.426])] {
            let mut dice = Dice(seed);
            let customers: Vec<Purchases> = (0..6_000)
                .map(|_| {
                    let age = 52.0 + 52.0 * dice.share();
                    dice.customer(parameters, age)
                })
                .collect();
            let found = fit(&customers).unwrap().model;
            let found = [found.r, found.alpha, found.a, found.b];
            for (found, made) in found.iter().zip(parameters) {
                assert!((found / made).ln().abs() < 0.25, "{found} is far from {made} of {parameters:?}");
            }
        }
    }

    fn any_model() -> impl Strategy<Value = BgNbd> {
        let log = || (-12.0..12.0_f64).prop_map(f64::exp);
        (log(), log(), log(), log()).prop_map(|(r, alpha, a, b)| BgNbd { r, alpha, a, b })
    }

    fn any_customer() -> impl Strategy<Value = Purchases> {
        let time = || prop_oneof![Just(0.0), 0.0..2_000.0, Just(f64::MAX), Just(f64::NAN), Just(-1.0)];
        let repeats = prop_oneof![0_u32..5, 0_u32..5_000, Just(u32::MAX)];
        (repeats, time(), time()).prop_map(|(repeats, recency, age)| Purchases { repeats, recency, age })
    }

    proptest! {
        #[test]
        fn probabilities_and_expectations_are_numbers(
            model in any_model(), customer in any_customer(), weeks in 0.0..5_000.0_f64
        ) {
            let alive = model.probability_alive(&customer);
            prop_assert!((0.0..=1.0).contains(&alive), "{alive}");
            let (sooner, later) = (model.expected_purchases(&customer, weeks), model.expected_purchases(&customer, 1.5 * weeks));
            prop_assert!(sooner.is_finite() && later.is_finite() && sooner >= 0.0, "{sooner} {later}");
            prop_assert!(later >= sooner * (1.0 - 1e-9), "{sooner} is not below {later}");
        }

        #[test]
        fn who_has_been_silent_for_longer_is_less_likely_there(
            repeats in 1_u32..500, recency in 0.0..100.0_f64, more in 0.0..100.0_f64
        ) {
            let alive = |silent: f64| PUBLISHED.probability_alive(&Purchases { repeats, recency, age: recency + silent });
            prop_assert!(alive(more) <= alive(more / 2.0));
        }
    }
}
