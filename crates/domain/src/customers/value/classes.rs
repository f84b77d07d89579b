//! What customers are by what they spend, how often they buy and whether they still do, as it is told in Chinese practice.

use serde::{Deserialize, Serialize};

use super::quantile::bounds;
use crate::choices;

choices! {
    /// How much a customer spends.
    pub enum SalesClass {
        High "high" "High sales" "高销售额",
        Middle "middle" "Middle sales" "中销售额",
        Low "low" "Low sales" "低销售额",
    }
}

choices! {
    /// How often a customer buys.
    pub enum FrequencyClass {
        High "high" "Often" "高频次",
        Middle "middle" "Now and then" "中频次",
        Low "low" "Seldom" "低频次",
    }
}

choices! {
    /// How loyal a customer is.
    pub enum LoyaltyClass {
        Loyal "loyal" "Loyal" "忠诚客户",
        PotentiallyLoyal "potentially_loyal" "Potentially loyal" "潜在忠诚客户",
        Ordinary "ordinary" "Ordinary" "普通客户",
        Lost "lost" "Lost" "流失客户",
    }
}

/// From when on something is middle and high: minor units, or orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// At least so much is middle.
    pub middle: i64,
    /// At least so much is high.
    pub high: i64,
}

impl Levels {
    /// The bounds of thirds: middle is what at least a third of the values lie strictly below, high what two thirds do. Equal
    /// values are of the same class, the lowest that any order among them would give one. None of no values.
    #[must_use]
    pub fn by_quantile(values: &[i64]) -> Option<Levels> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        bounds(&sorted).map(|[middle, high]| Levels { middle, high })
    }

    /// Whether high is not below middle.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.middle <= self.high
    }
}

impl SalesClass {
    /// By the value of what was bought, in minor units.
    #[must_use]
    pub fn of(value: i64, levels: &Levels) -> SalesClass {
        match value {
            value if value >= levels.high => SalesClass::High,
            value if value >= levels.middle => SalesClass::Middle,
            _ => SalesClass::Low,
        }
    }
}

impl FrequencyClass {
    /// By the number of orders.
    #[must_use]
    pub fn of(orders: i64, levels: &Levels) -> FrequencyClass {
        match orders {
            orders if orders >= levels.high => FrequencyClass::High,
            orders if orders >= levels.middle => FrequencyClass::Middle,
            _ => FrequencyClass::Low,
        }
    }
}

/// When a customer counts as recent and as lost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyBounds {
    /// A last purchase at most so many days ago is recent.
    pub recent_days: i64,
    /// Whose last purchase is more days ago is lost.
    pub lost_days: i64,
    /// Who is still there with a probability below this, 0 to 1, is lost, if there is a model to tell it.
    pub lost_below: f64,
}

impl Default for LoyaltyBounds {
    fn default() -> LoyaltyBounds {
        LoyaltyBounds { recent_days: 90, lost_days: 365, lost_below: 0.2 }
    }
}

impl LoyaltyClass {
    /// The class of a customer by how often and how many days ago the customer bought, and by the probability of still being
    /// there if a model tells it. The first that applies:
    ///
    /// | class | days since the last purchase | frequency |
    /// |---|---|---|
    /// | lost | more than `lost_days`, or the probability is below `lost_below` | any |
    /// | loyal | at most `recent_days` | high |
    /// | potentially loyal | at most `recent_days` | middle |
    /// | potentially loyal | more than `recent_days` | high |
    /// | ordinary | any | any |
    #[must_use]
    pub fn of(frequency: FrequencyClass, days: i64, alive: Option<f64>, bounds: &LoyaltyBounds) -> LoyaltyClass {
        if days > bounds.lost_days || alive.is_some_and(|alive| alive < bounds.lost_below) {
            return LoyaltyClass::Lost;
        }
        match (frequency, days <= bounds.recent_days) {
            (FrequencyClass::High, true) => LoyaltyClass::Loyal,
            (FrequencyClass::Middle, true) | (FrequencyClass::High, false) => LoyaltyClass::PotentiallyLoyal,
            (FrequencyClass::Middle, false) | (FrequencyClass::Low, _) => LoyaltyClass::Ordinary,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn loyalty_is_by_the_table() {
        let bounds = LoyaltyBounds::default();
        let class = |frequency, days, alive| LoyaltyClass::of(frequency, days, alive, &bounds);
        assert_eq!(class(FrequencyClass::High, 90, None), LoyaltyClass::Loyal);
        assert_eq!(class(FrequencyClass::High, 91, Some(0.2)), LoyaltyClass::PotentiallyLoyal);
        assert_eq!(class(FrequencyClass::Middle, 10, None), LoyaltyClass::PotentiallyLoyal);
        assert_eq!(class(FrequencyClass::Middle, 91, None), LoyaltyClass::Ordinary);
        assert_eq!(class(FrequencyClass::Low, 1, None), LoyaltyClass::Ordinary);
        assert_eq!(class(FrequencyClass::High, 366, Some(1.0)), LoyaltyClass::Lost);
        assert_eq!(class(FrequencyClass::High, 1, Some(0.19)), LoyaltyClass::Lost);
    }

    proptest! {
        #[test]
        fn thirds_are_those_of_ranks(values in proptest::collection::vec(0_i64..30, 1..60)) {
            let levels = Levels::by_quantile(&values).unwrap();
            prop_assert!(levels.is_sound());
            for value in &values {
                let below = 3 * values.iter().filter(|other| *other < value).count() / values.len();
                let sales = [SalesClass::Low, SalesClass::Middle, SalesClass::High][below];
                let frequency = [FrequencyClass::Low, FrequencyClass::Middle, FrequencyClass::High][below];
                prop_assert_eq!((SalesClass::of(*value, &levels), FrequencyClass::of(*value, &levels)), (sales, frequency));
            }
        }
    }
}
