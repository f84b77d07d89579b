//! What a customer is going to buy.

use super::BgNbd;

/// How far below its peak, in logarithms, what counts in the integral is left out.
const FAINT: f64 = 34.0;
/// How far, in logarithms, the ends of the integral are from where anything but its exponential decay changes.
const BEYOND: f64 = 25.0;

/// The purchases expected of a customer, as a function of time.
///
/// Equations 9 and 10 of the paper have the Gaussian hypergeometric function in them, whose series cancel, overflow or do not end
/// for some parameters, and a division by a − 1. This is the same number as an integral of what is positive. A customer with the
/// probability p of leaving after each purchase buys
///
///   g(p) = (1 − (1 + p t / α)^−r) / p
///
/// times in t weeks on average, and p is distributed as Beta(a, b); (9) is the mean of g. With p = eᵘ / (1 + eᵘ) what is
/// integrated is smooth and decays exponentially on both sides, so that the rule of trapezoids is exact to about ten digits with
/// some hundred points at the most. Far out on either side g does not change and the beta distribution is a pure exponential: all
/// points there are summed as a geometric series.
pub(crate) struct Future {
    r: f64,
    alpha: f64,
    points: Vec<Point>,
}

struct Point {
    p: f64,
    /// Sums to the probability that the customer is still there.
    weight: f64,
}

impl Future {
    /// Of a customer who is there with some probability, and is then one of a BG/NBD population. Sound until the horizon. Nothing is
    /// expected of a model that is not sound.
    pub(super) fn of(model: BgNbd, alive: f64, horizon: f64) -> Future {
        let BgNbd { r, alpha, a, b } = model;
        if !model.is_sound() {
            return Future { r, alpha, points: Vec::new() };
        }
        let reach = (1.0 + (r + 1.0) * (tame(horizon) / alpha)).min(1e300);
        let centre = (a / b).ln();
        let log_density = |u: f64| {
            // p^a (1−p)^b, where p = 1 / (1 + e^−u).
            let (stay, leave) =
                if u > 0.0 { (-u - (-u).exp().ln_1p(), -(-u).exp().ln_1p()) } else { (-u.exp().ln_1p(), u - u.exp().ln_1p()) };
            a * leave + b * stay
        };
        let peak = log_density(centre);
        // Narrower than the peak, and than the distance of the function's poles in the complex plane.
        let step = f64::min(0.4, 0.8 * (1.0 / a + 1.0 / b).sqrt());
        let lowest = -(b.max(reach) + 1.0).ln() - BEYOND;
        let highest = (a.max(r) + 1.0).ln() + BEYOND;
        let faint = FAINT + reach.ln();
        let mut points = Vec::new();
        let mut side = |direction: f64, end: f64, decay: f64| {
            let mut at = centre + if direction > 0.0 { 0.0 } else { -step };
            loop {
                let height = log_density(at) - peak;
                let over = direction * (at - end) >= 0.0;
                // The sum of this point and all beyond it: 1 + e^−d + e^−2d + … of each step.
                let and_beyond = if over { -1.0 / (-decay * step).exp_m1() } else { 1.0 };
                points.push(Point { p: 1.0 / (1.0 + (-at).exp()), weight: height.exp() * and_beyond });
                if over || height < -faint {
                    break;
                }
                at += direction * step;
            }
        };
        side(-1.0, lowest, a);
        side(1.0, highest, b);
        let whole: f64 = points.iter().map(|point| point.weight).sum();
        for point in &mut points {
            point.weight *= alive / whole;
        }
        Future { r, alpha, points }
    }

    /// How many purchases are expected within so many weeks.
    #[must_use]
    pub fn within(&self, weeks: f64) -> f64 {
        let periods = tame(weeks) / self.alpha;
        let of_point = |point: &Point| point.weight * -(-self.r * (point.p * periods).ln_1p()).exp_m1() / point.p;
        self.points.iter().map(of_point).fold(0.0, |sum, part| sum + part)
    }
}

fn tame(weeks: f64) -> f64 {
    if weeks.is_nan() { 0.0 } else { weeks.clamp(0.0, 1e9) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expected(parameters: [f64; 4], weeks: f64) -> f64 {
        Future::of(BgNbd::from(parameters), 1.0, weeks).within(weeks)
    }

    /// Equation 9 computed with fifty digits by mpmath.
    #[test]
    fn it_is_the_closed_form() {
        for (parameters, weeks, closed) in CLOSED {
            let found = expected(parameters, weeks);
            assert!((found / closed - 1.0).abs() < 1e-8, "{found} is not {closed} of {parameters:?} in {weeks}");
        }
    }

    const CLOSED: [([f64; 4], f64, f64); 13] = [
        ([0.243, 4.414, 0.793, 2.426], 39.0, 1.196_723_193_320_82),
        ([2.243, 43.274, 0.793, 4.426], 39.0, 1.687_399_305_805_31),
        ([0.243, 4.414, 1.0, 2.426], 39.0, 1.084_279_010_591_52),
        ([0.5, 3.0, 0.01, 0.02], 100.0, 11.059_999_859_563_9),
        ([0.5, 3.0, 50.0, 1000.0], 520.0, 14.268_859_337_121_4),
        ([2000.5, 150.0, 0.8, 2003.0], 52.0, 613.568_828_101_168),
        ([5000.0, 5000.0, 0.05, 5000.0], 5000.0, 4_904.578_703_020_34),
        ([100_000.0, 100_000.0, 0.001, 1000.0], 52.0, 51.998_670_833_033_4),
        ([0.01, 0.01, 0.01, 0.01], 5000.0, 2_215.124_869_310_31),
        ([10_000.0, 10_000.0, 10_000.0, 10_000.0], 500.0, 2.000_100_010_001),
        ([0.3, 4.0, 2.5, 0.05], 0.001, 7.498_805_372_800_71e-5),
        ([300.0, 20.0, 100_000.0, 0.5], 100.0, 1.000_005_000_05),
        ([0.243, 4.414, 0.793, 2.426], 1_000_000.0, 53.540_478_253_014_6),
    ];

    #[test]
    fn nothing_is_expected_of_a_model_that_is_none() {
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            for place in 0..4 {
                let mut parameters = [1.0; 4];
                parameters[place] = odd;
                assert_eq!(expected(parameters, 10.0).to_bits(), 0.0_f64.to_bits());
            }
        }
        for odd in [1e-100, 1e100] {
            for place in 0..4 {
                let mut parameters = [1.0; 4];
                parameters[place] = odd;
                let found = expected(parameters, f64::INFINITY);
                assert!(found >= 0.0, "{found} of {parameters:?}");
            }
        }
    }

    proptest! {
        /// Purchases are at least one, at least two … times: the sum of the probabilities that the n-th purchase is made, each of
        /// which is that of having stayed n − 1 times and of so many events of a negative binomial distribution.
        #[test]
        fn it_is_the_sum_over_the_purchases(
            r in 0.05..3.0_f64, alpha in 1.0..10.0_f64, a in 0.05..5.0_f64, b in 0.05..5.0_f64, weeks in 0.01..20.0_f64
        ) {
            let share = weeks / (alpha + weeks);
            let (mut stayed, mut sum, mut exactly) = (1.0, 0.0, (r * (1.0 - share).ln()).exp());
            let mut at_least = 1.0 - exactly;
            for n in 1_u32..4_000 {
                let n = f64::from(n);
                sum += stayed * at_least;
                stayed *= (b + n - 1.0) / (a + b + n - 1.0);
                exactly *= (r + n - 1.0) / n * share;
                at_least = f64::max(0.0, at_least - exactly);
            }
            let found = expected([r, alpha, a, b], weeks);
            prop_assert!((found / sum - 1.0).abs() < 1e-7, "{found} is not {sum}");
        }
    }
}
