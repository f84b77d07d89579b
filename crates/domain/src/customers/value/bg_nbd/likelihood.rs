//! How likely a BG/NBD model makes what customers did.

use super::BgNbd;
use crate::customers::value::{
    purchases::Purchases,
    special::{ln_add_exp, ln_rising, real},
};

/// Customers who did the same count together, and what depends on a time or a number of purchases alone is computed once for
/// each: of a million customers whose times are whole days little is left.
pub(super) struct Sample {
    groups: Vec<Group>,
    /// The different numbers of repeat purchases.
    repeats: Vec<u32>,
    /// The different times.
    times: Vec<f64>,
}

/// By places in the lists.
struct Group {
    repeats: usize,
    recency: usize,
    age: usize,
    customers: f64,
}

impl Sample {
    pub fn of(customers: &[Purchases]) -> Sample {
        // Times are not negative, so their bits sort as they do. Minus zero is zero.
        let bits = |time: f64| (time + 0.0).to_bits();
        let mut seen: Vec<(u32, u64, u64)> =
            customers.iter().map(|customer| (customer.repeats, bits(customer.recency), bits(customer.age))).collect();
        seen.sort_unstable();
        let mut repeats: Vec<u32> = seen.iter().map(|one| one.0).collect();
        repeats.dedup();
        let mut times: Vec<u64> = seen.iter().flat_map(|one| [one.1, one.2]).collect();
        times.sort_unstable();
        times.dedup();
        let place = |time: u64| times.partition_point(|other| *other < time);
        let groups = seen.chunk_by(|one, other| one == other).map(|same| Group {
            repeats: repeats.partition_point(|other| *other < same[0].0),
            recency: place(same[0].1),
            age: place(same[0].2),
            customers: real(same.len()),
        });
        Sample { groups: groups.collect(), times: times.iter().map(|time| f64::from_bits(*time)).collect(), repeats }
    }

    /// The sum over the customers of ln L (equation 6):
    ///
    /// ln Γ(r+x)/Γ(r) + ln B(a,b+x)/B(a,b) − x ln α + ln \[(1+T/α)^−(r+x) + \[x>0\] a/(b+x−1) (1+t_x/α)^−(r+x)\].
    ///
    /// Powers of α are taken out of the brackets, so that no large numbers cancel as parameters grow.
    pub fn log_likelihood(&self, BgNbd { r, alpha, a, b }: BgNbd) -> f64 {
        let by_repeats = |repeats: &u32| {
            let x = f64::from(*repeats);
            let left = if *repeats == 0 { f64::NEG_INFINITY } else { a.ln() - (b + x - 1.0).ln() };
            (r + x, ln_rising(r, x) + ln_rising(b, x) - ln_rising(a + b, x) - x * alpha.ln(), left)
        };
        let by_repeats: Vec<(f64, f64, f64)> = self.repeats.iter().map(by_repeats).collect();
        let by_time: Vec<f64> = self.times.iter().map(|time| (time / alpha).ln_1p()).collect();
        let of_group = |group: &Group| {
            let (power, base, left) = by_repeats[group.repeats];
            let (there, gone) = (-power * by_time[group.age], left - power * by_time[group.recency]);
            group.customers * (base + ln_add_exp(there, gone))
        };
        self.groups.iter().map(of_group).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::value::samples::Dice;

    #[test]
    fn groups_count_as_their_customers_do() {
        let mut dice = Dice(5);
        let customers: Vec<Purchases> = (0..300)
            .map(|_| {
                let mut customer = dice.customer([0.5, 6.0, 0.9, 3.0], 20.0);
                customer.recency = customer.recency.floor();
                customer
            })
            .collect();
        let sample = Sample::of(&customers);
        assert!(sample.groups.len() < 200);
        let model = BgNbd { r: 0.3, alpha: 3.0, a: 0.5, b: 2.0 };
        let one_by_one: f64 = customers.iter().map(|customer| Sample::of(&[*customer]).log_likelihood(model)).sum();
        assert!((sample.log_likelihood(model) - one_by_one).abs() < 1e-9);
    }
}
