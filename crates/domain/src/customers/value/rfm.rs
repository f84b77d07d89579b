//! RFM: how recently, how often and for how much a customer bought, each as a score of 1 to 5, and the eight classes that are
//! made of them in Chinese practice.

use serde::{Deserialize, Serialize};

use super::{quantile::bounds, special::real};
use crate::choices;

/// What a customer is scored by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rfm {
    /// Days since the last purchase: the fewer, the better.
    pub recency: i64,
    /// The number of orders.
    pub frequency: i64,
    /// Their value, in minor units.
    pub monetary: i64,
}

/// From when on a score is given: four bounds for each measure, rising (neighbours may be equal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// In days. A last purchase at most so many days ago scores 5, 4, 3, 2; longer ago 1.
    pub recency: [i64; 4],
    /// In orders. At least so many score 2, 3, 4, 5; fewer 1.
    pub frequency: [i64; 4],
    /// In minor units. At least so much scores 2, 3, 4, 5; less 1.
    pub monetary: [i64; 4],
}

impl Thresholds {
    /// The bounds of quintiles. A score is one more than the number of whole fifths of the customers who are strictly worse: 1 +
    /// ⌊5 w / n⌋ with w of n customers worse. Equal customers so get the same score, the lowest that any order among them would
    /// give one: if four fifths have bought once, all of these score 1 and the others 5; if all are equal, all score 1. None of
    /// no customers.
    #[must_use]
    pub fn by_quantile(customers: &[Rfm]) -> Option<Thresholds> {
        let rising = |measure: fn(&Rfm) -> i64| {
            let mut values: Vec<i64> = customers.iter().map(measure).collect();
            values.sort_unstable();
            bounds(&values)
        };
        // Fewer days are better, so that they count from the other side.
        let mut recency = rising(|customer| customer.recency.saturating_neg())?.map(i64::saturating_neg);
        recency.reverse();
        Some(Thresholds {
            recency,
            frequency: rising(|customer| customer.frequency)?,
            monetary: rising(|customer| customer.monetary)?,
        })
    }

    /// Whether the bounds of each measure rise.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [self.recency, self.frequency, self.monetary].iter().all(|bounds| bounds.is_sorted())
    }

    /// The scores of a customer.
    #[must_use]
    pub fn scores(&self, customer: &Rfm) -> Scores {
        let score = |bounds: [i64; 4], reached: &dyn Fn(i64) -> bool| {
            bounds.into_iter().fold(1, |score, bound| score + u8::from(reached(bound)))
        };
        Scores {
            recency: score(self.recency, &|bound| customer.recency <= bound),
            frequency: score(self.frequency, &|bound| customer.frequency >= bound),
            monetary: score(self.monetary, &|bound| customer.monetary >= bound),
        }
    }
}

/// The scores of a customer, each 1 to 5; 5 is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    pub recency: u8,
    pub frequency: u8,
    pub monetary: u8,
}

/// The mean scores of all customers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Means {
    pub recency: f64,
    pub frequency: f64,
    pub monetary: f64,
}

impl Means {
    /// None of no customers.
    #[must_use]
    pub fn of(customers: &[Scores]) -> Option<Means> {
        if customers.is_empty() {
            return None;
        }
        let mean = |score: fn(&Scores) -> u8| {
            customers.iter().map(|scores| f64::from(score(scores))).sum::<f64>() / real(customers.len())
        };
        Some(Means {
            recency: mean(|scores| scores.recency),
            frequency: mean(|scores| scores.frequency),
            monetary: mean(|scores| scores.monetary),
        })
    }
}

choices! {
    /// What a customer is by recency, frequency and monetary value, each high (above the mean of all customers) or low (not
    /// above).
    pub enum RfmClass {
        ImportantValue "important_value" "Important, to be valued" "重要价值客户",
        ImportantDevelop "important_develop" "Important, to be developed" "重要发展客户",
        ImportantRetain "important_retain" "Important, to be retained" "重要保持客户",
        ImportantWinBack "important_win_back" "Important, to be won back" "重要挽留客户",
        GeneralValue "general_value" "General, to be valued" "一般价值客户",
        GeneralDevelop "general_develop" "General, to be developed" "一般发展客户",
        GeneralRetain "general_retain" "General, to be retained" "一般保持客户",
        GeneralWinBack "general_win_back" "General, to be won back" "一般挽留客户",
    }
}

impl RfmClass {
    /// The class of a customer:
    ///
    /// | recency | frequency | monetary high | monetary low |
    /// |---|---|---|---|
    /// | high | high | important value 重要价值客户 | general value 一般价值客户 |
    /// | high | low | important develop 重要发展客户 | general develop 一般发展客户 |
    /// | low | high | important retain 重要保持客户 | general retain 一般保持客户 |
    /// | low | low | important win back 重要挽留客户 | general win back 一般挽留客户 |
    ///
    /// High is a score strictly above the mean score; a high recency score is a purchase of late.
    #[must_use]
    pub fn of(scores: &Scores, means: &Means) -> RfmClass {
        let is_high = |score: u8, mean: f64| f64::from(score) > mean;
        let (recent, often) = (is_high(scores.recency, means.recency), is_high(scores.frequency, means.frequency));
        match (recent, often, is_high(scores.monetary, means.monetary)) {
            (true, true, true) => RfmClass::ImportantValue,
            (true, false, true) => RfmClass::ImportantDevelop,
            (false, true, true) => RfmClass::ImportantRetain,
            (false, false, true) => RfmClass::ImportantWinBack,
            (true, true, false) => RfmClass::GeneralValue,
            (true, false, false) => RfmClass::GeneralDevelop,
            (false, true, false) => RfmClass::GeneralRetain,
            (false, false, false) => RfmClass::GeneralWinBack,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn given_bounds_score_as_they_say() {
        let thresholds = Thresholds { recency: [30, 90, 180, 365], frequency: [2, 3, 5, 10], monetary: [100, 200, 300, 400] };
        assert!(thresholds.is_sound());
        let scores = |recency, frequency, monetary| {
            let Scores { recency, frequency, monetary } = thresholds.scores(&Rfm { recency, frequency, monetary });
            [recency, frequency, monetary]
        };
        assert_eq!(scores(30, 10, 400), [5, 5, 5]);
        assert_eq!(scores(31, 9, 399), [4, 4, 4]);
        assert_eq!(scores(366, 1, 0), [1, 1, 1]);
        assert!(!Thresholds { recency: [30, 20, 180, 365], ..thresholds }.is_sound());
    }

    #[test]
    fn classes_are_by_the_means() {
        let means = Means { recency: 3.0, frequency: 2.5, monetary: 3.0 };
        let class = |recency, frequency, monetary| RfmClass::of(&Scores { recency, frequency, monetary }, &means);
        assert_eq!(class(4, 3, 4), RfmClass::ImportantValue);
        assert_eq!(class(4, 2, 4), RfmClass::ImportantDevelop);
        assert_eq!(class(3, 3, 4), RfmClass::ImportantRetain);
        assert_eq!(class(3, 2, 4), RfmClass::ImportantWinBack);
        assert_eq!(class(4, 3, 3), RfmClass::GeneralValue);
        assert_eq!(class(4, 2, 3), RfmClass::GeneralDevelop);
        assert_eq!(class(3, 3, 3), RfmClass::GeneralRetain);
        assert_eq!(class(3, 2, 3), RfmClass::GeneralWinBack);
        assert_eq!(Means::of(&[]), None);
    }

    fn any_customers() -> impl Strategy<Value = Vec<Rfm>> {
        let customer = (0_i64..400, 0_i64..6, -50_i64..5_000);
        proptest::collection::vec(customer.prop_map(|(recency, frequency, monetary)| Rfm { recency, frequency, monetary }), 1..80)
    }

    proptest! {
        #[test]
        fn scores_are_those_of_ranks(customers in any_customers()) {
            let thresholds = Thresholds::by_quantile(&customers).unwrap();
            prop_assert!(thresholds.is_sound(), "{thresholds:?}");
            for one in &customers {
                let rank = |worse: &dyn Fn(&Rfm) -> bool| {
                    let worse = customers.iter().filter(|other| worse(other)).count();
                    u8::try_from(1 + 5 * worse / customers.len()).unwrap()
                };
                let expected = Scores {
                    recency: rank(&|other| other.recency > one.recency),
                    frequency: rank(&|other| other.frequency < one.frequency),
                    monetary: rank(&|other| other.monetary < one.monetary),
                };
                prop_assert_eq!(thresholds.scores(one), expected);
            }
        }

        /// Without ties each fifth has a fifth of the customers.
        #[test]
        fn quintiles_are_of_one_size(fifth in 1_i64..30) {
            let customers: Vec<Rfm> =
                (0..5 * fifth).map(|place| Rfm { recency: place, frequency: place, monetary: place }).collect();
            let thresholds = Thresholds::by_quantile(&customers).unwrap();
            for score in 1..=5 {
                let with = |of: fn(Scores) -> u8| customers.iter().filter(|one| of(thresholds.scores(one)) == score).count();
                prop_assert_eq!(with(|scores| scores.recency), usize::try_from(fifth).unwrap());
                prop_assert_eq!(with(|scores| scores.monetary), usize::try_from(fifth).unwrap());
            }
        }
    }
}
