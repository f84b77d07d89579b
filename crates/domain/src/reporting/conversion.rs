//! What amounts of several currencies come to in one: each at the rate of its day, computed to a millionth of a minor unit, and the sum
//! rounded once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use super::exchange_rate::ExchangeRate;
use crate::{
    model::record::Record,
    values::{
        money::Currency,
        number::{exact, half_away},
    },
};

/// How finely amounts are computed before they are rounded to a minor unit.
const PARTS: i128 = 1_000_000;

/// A number of minor units of one currency for each of another, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quotient {
    above: i128,
    below: i128,
}

impl Quotient {
    /// What minor units come to, by a rate of so many units for `per` units.
    fn of(from: Currency, to: Currency, rate: f64, per: i64) -> Option<Quotient> {
        let (digits, scale) = exact(rate)?;
        let power = |exponent: u32| 10_i128.checked_pow(exponent);
        let above = digits.checked_mul(power(to.minor_units())?)?;
        let below = i128::from(per).checked_mul(power(scale)?)?.checked_mul(power(from.minor_units())?)?;
        let common = common_divisor(above, below);
        (above > 0 && below > 0).then_some(Quotient { above: above / common, below: below / common })
    }

    fn inverse(self) -> Quotient {
        Quotient { above: self.below, below: self.above }
    }
}

fn common_divisor(mut left: i128, mut right: i128) -> i128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left.max(1)
}

/// How amounts are converted on a day: by one rate, or by two of which the first leads to the tenant's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(Quotient, Option<Quotient>);

/// The rates that there are.
#[derive(Clone, Debug)]
pub struct Rates {
    base: Currency,
    courses: HashMap<(Currency, Currency), BTreeMap<NaiveDate, Quotient>>,
}

impl Rates {
    /// The rates of a tenant, whose own currency is the one that others can be converted by way of.
    #[must_use]
    pub fn of(base: Currency, records: &[Record<ExchangeRate>]) -> Rates {
        let mut courses: HashMap<_, BTreeMap<_, _>> = HashMap::new();
        for record in records {
            let currency = |code: &str| code.parse::<Currency>().ok();
            let (Some(from), Some(to), Some(day)) = (
                currency(record.get(ExchangeRate::from_currency)),
                currency(record.get(ExchangeRate::to_currency)),
                record.get(ExchangeRate::valid_from),
            ) else {
                continue;
            };
            if let Some(rate) = Quotient::of(from, to, record.get(ExchangeRate::rate), record.get(ExchangeRate::per)) {
                courses.entry((from, to)).or_default().insert(day, rate);
            }
        }
        Rates { base, courses }
    }

    /// The rate of a day: the latest one that applies. Rates of the two currencies come first, then those of the opposite direction, then
    /// those by way of the tenant's currency.
    #[must_use]
    pub fn rate(&self, from: Currency, to: Currency, day: NaiveDate) -> Option<Rate> {
        if from == to {
            return Some(Rate(Quotient { above: 1, below: 1 }, None));
        }
        if let Some(direct) = self.between(from, to, day) {
            return Some(Rate(direct, None));
        }
        Some(Rate(self.between(from, self.base, day)?, Some(self.between(self.base, to, day)?)))
    }

    fn between(&self, from: Currency, to: Currency, day: NaiveDate) -> Option<Quotient> {
        let latest = |from, to| self.courses.get(&(from, to))?.range(..=day).next_back().map(|(_, rate)| *rate);
        latest(from, to).or_else(|| latest(to, from).map(Quotient::inverse))
    }

    /// The days between two on which some rate changes, the first of them not counted.
    #[must_use]
    pub fn changes(&self, first: NaiveDate, last: NaiveDate) -> BTreeSet<NaiveDate> {
        let days = self.courses.values().flat_map(BTreeMap::keys).copied();
        days.filter(|day| first < *day && *day <= last).collect()
    }
}

/// A sum of converted amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    parts: i128,
}

impl Converted {
    /// Adds an amount in minor units; none if it is beyond what can be computed.
    #[must_use]
    pub fn plus(self, amount: i128, rate: Rate) -> Option<Converted> {
        let Rate(first, second) = rate;
        let mut parts = half_away(amount.checked_mul(PARTS)?.checked_mul(first.above)?, first.below)?;
        if let Some(second) = second {
            parts = half_away(parts.checked_mul(second.above)?, second.below)?;
        }
        Some(Converted { parts: self.parts.checked_add(parts)? })
    }

    /// The sum in minor units, half away from zero.
    #[must_use]
    pub fn rounded(self) -> Option<i128> {
        half_away(self.parts, PARTS)
    }

    /// The mean of so many amounts, in minor units, half away from zero.
    #[must_use]
    pub fn mean(self, count: i128) -> Option<i128> {
        half_away(self.parts, PARTS.checked_mul(count)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(u64::from(number))
    }

    fn rates(given: &[(Currency, Currency, u32, f64, i64)]) -> Rates {
        let mut courses: HashMap<_, BTreeMap<_, _>> = HashMap::new();
        for (from, to, on, rate, per) in given {
            courses.entry((*from, *to)).or_default().insert(day(*on), Quotient::of(*from, *to, *rate, *per).unwrap());
        }
        Rates { base: Currency::CNY, courses }
    }

    fn converted(rates: &Rates, from: Currency, to: Currency, on: u32, amount: i128) -> Option<i128> {
        Converted::default().plus(amount, rates.rate(from, to, day(on))?)?.rounded()
    }

    #[test]
    fn the_latest_rate_applies() {
        let rates = rates(&[(Currency::USD, Currency::CNY, 0, 7.0, 1), (Currency::USD, Currency::CNY, 10, 7.2, 1)]);
        let of = |on, amount| converted(&rates, Currency::USD, Currency::CNY, on, amount);
        assert_eq!((of(0, 100), of(9, 100), of(10, 100), of(99, 100)), (Some(700), Some(700), Some(720), Some(720)));
        assert_eq!(rates.rate(Currency::USD, Currency::CNY, day(0).pred_opt().unwrap()), None, "before the first there is none");
        assert_eq!(rates.changes(day(0), day(10)), BTreeSet::from([day(10)]));
    }

    #[test]
    fn minor_units_differ() {
        // 100 yen are 4.7312 yuan, that is 473.12 fen for 100 yen.
        let rates = rates(&[(Currency::JPY, Currency::CNY, 0, 4.7312, 100), (Currency::USD, Currency::CNY, 0, 7.1886, 1)]);
        assert_eq!(converted(&rates, Currency::JPY, Currency::CNY, 0, 10_000), Some(47_312));
        assert_eq!(converted(&rates, Currency::CNY, Currency::JPY, 0, 47_312), Some(10_000));
        // By way of the yuan: 12.34 dollars are 88.707324 yuan, 1874.94 yen.
        assert_eq!(converted(&rates, Currency::USD, Currency::JPY, 0, 1_234), Some(1_875));
        assert_eq!(converted(&rates, Currency::EUR, Currency::JPY, 0, 1), None);
    }

    #[test]
    fn sums_are_rounded_once() {
        let rates = rates(&[(Currency::USD, Currency::CNY, 0, 0.004, 1)]);
        let rate = rates.rate(Currency::USD, Currency::CNY, day(0)).unwrap();
        let sum = (0..125).try_fold(Converted::default(), |sum, _| sum.plus(1, rate)).unwrap();
        assert_eq!((sum.rounded(), sum.mean(125)), (Some(1), Some(0)), "125 times 0.004 is half a fen");
    }

    proptest! {
        /// To the nearest minor unit of the exact product.
        #[test]
        fn products_are_near(amount in -1_000_000_000_000_i64..1_000_000_000_000, digits in 1_i64..10_000_000) {
            #[allow(clippy::cast_precision_loss, reason = "few digits")]
            let rates = rates(&[(Currency::USD, Currency::CNY, 0, digits as f64 / 10_000.0, 1)]);
            let found = converted(&rates, Currency::USD, Currency::CNY, 0, amount.into()).unwrap();
            let off = (found * 10_000 - i128::from(amount) * i128::from(digits)).abs();
            prop_assert!(off <= 5_000);
        }

        /// There and back again comes to the same, as long as the other currency is not the coarser one.
        #[test]
        fn the_opposite_direction_is_the_inverse(amount in -1_000_000_000_i64..1_000_000_000, digits in 10_000_i64..10_000_000) {
            #[allow(clippy::cast_precision_loss, reason = "few digits")]
            let rates = rates(&[(Currency::USD, Currency::CNY, 0, digits as f64 / 10_000.0, 1)]);
            let there = converted(&rates, Currency::USD, Currency::CNY, 0, amount.into()).unwrap();
            let back = converted(&rates, Currency::CNY, Currency::USD, 0, there).unwrap();
            prop_assert!((back - i128::from(amount)).abs() <= 1);
        }
    }
}
