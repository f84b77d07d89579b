//! What the tests compute with: real customers, and made ones whose parameters are known.

use std::collections::BTreeMap;

use super::purchases::Purchases;

/// A customer of CDNOW after 39 weeks, with the mean value of repeat purchases in dollars.
pub(super) struct Buyer {
    pub purchases: Purchases,
    pub mean: f64,
}

/// The days from 1997-01-01 on that each customer of CDNOW bought on, with what was paid, in cents.
pub(super) fn cdnow_days() -> Vec<BTreeMap<u16, i64>> {
    let text = include_str!("../../../../../tests/data/cdnow.csv");
    let mut customers: BTreeMap<u16, BTreeMap<u16, i64>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let [customer, day, _, dollars] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        let cents = dollars.replace('.', "").parse::<i64>().unwrap();
        *customers.entry(customer.parse().unwrap()).or_default().entry(day.parse().unwrap()).or_default() += cents;
    }
    customers.into_values().collect()
}

/// The customers of CDNOW as they stand on 1997-09-30.
pub(super) fn cdnow() -> Vec<Buyer> {
    const TODAY: u16 = 272;
    let weeks = |from: u16, to: u16| f64::from(to - from) / 7.0;
    let buyer = |days: BTreeMap<u16, i64>| {
        let days: Vec<(u16, i64)> = days.into_iter().filter(|(day, _)| *day <= TODAY).collect();
        let (first, last) = (days[0].0, days[days.len() - 1].0);
        let repeats = u32::try_from(days.len() - 1).unwrap();
        let paid: i64 = days[1..].iter().map(|(_, cents)| cents).sum();
        let mean = super::special::amount(paid) / 100.0 / f64::from(repeats.max(1));
        Buyer { purchases: Purchases { repeats, recency: weeks(first, last), age: weeks(first, TODAY) }, mean }
    };
    cdnow_days().into_iter().map(buyer).collect()
}

/// Numbers that look random and are the same every time: SplitMix64.
pub(super) struct Dice(pub u64);

impl Dice {
    /// From 0 to 1, without the ends.
    #[allow(clippy::cast_precision_loss, reason = "52 bits")]
    pub fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((bits ^ (bits >> 31)) >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        let wanted = self.share() * super::special::real(end);
        (0..end).find(|place| super::special::real(place + 1) > wanted).unwrap_or(0)
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }

    /// Gamma with rate one, as Marsaglia and Tsang (2000) make it.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.share().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let v = (1.0 + c * normal).powi(3);
            if v > 0.0 && self.share().ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// A customer of a BG/NBD population, a number of weeks after the first purchase.
    pub fn customer(&mut self, [r, alpha, a, b]: [f64; 4], age: f64) -> Purchases {
        let rate = self.gamma(r) / alpha;
        let (stop, stay) = (self.gamma(a), self.gamma(b));
        let (mut repeats, mut recency) = (0, 0.0);
        loop {
            let next = recency - self.share().ln() / rate;
            if next > age {
                return Purchases { repeats, recency, age };
            }
            (repeats, recency) = (repeats + 1, next);
            if self.share() < stop / (stop + stay) {
                return Purchases { repeats, recency, age };
            }
        }
    }
}
