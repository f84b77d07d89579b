//! Seeded chance: the same seed throws the same.

use farley_domain::values::{id::Id, time::Timestamp};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

pub struct Dice(StdRng);

impl Dice {
    /// The dice for one thing, told by its number: what one record throws does not move the next.
    pub fn of(seed: u64, thing: u64) -> Dice {
        Dice(StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(thing)))
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// A share of one, from 0 up to but not 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent.min(100), 100)
    }

    /// One of several; the list must not be empty.
    pub fn pick<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.0.random_range(0..list.len())]
    }

    /// One of several that come up as often as their weights say.
    pub fn weighted<'t, T>(&mut self, list: &'t [(u32, T)]) -> &'t T {
        let sum: u32 = list.iter().map(|(weight, _)| weight).sum();
        let mut left = self.0.random_range(0..sum);
        let hit = list.iter().position(|(weight, _)| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        });
        &list[hit.unwrap_or(0)].1
    }

    pub fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.0.random_range(0..10u8))).collect()
    }

    /// An id as it would have been made at a time.
    pub fn id(&mut self, at: Timestamp) -> Id {
        let mut random = [0; 10];
        self.0.fill_bytes(&mut random);
        let milliseconds = u64::try_from(at.milliseconds()).unwrap_or(0);
        Id(uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid())
    }
}
