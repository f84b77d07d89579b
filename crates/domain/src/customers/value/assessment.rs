//! What the history of a customer comes to, by what was learnt from all of them.

use chrono::NaiveDate;

use super::{
    basket::{Offer, Rule, next_best},
    bg_nbd::BgNbd,
    churn::{self, ChurnBounds, ChurnRisk, Dealings},
    classes::{FrequencyClass, Levels, LoyaltyBounds, LoyaltyClass, SalesClass},
    credit::{self, CreditBounds, Due},
    customer_value::CustomerValue,
    gamma_gamma::{GammaGamma, Spend},
    lifetime::{Terms, lifetime},
    purchases::Purchases,
    rfm::{Means, Rfm, RfmClass, Thresholds},
};
use crate::{
    model::{entity::Entity, record::Record},
    values::{
        id::Id,
        money::{Currency, Money},
        number::half_away,
    },
};

/// How many products are offered.
const OFFERS: usize = 5;

/// What a customer bought, and how they paid.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The days of orders and their values in minor units, sorted by day, none after today.
    pub orders: Vec<(NaiveDate, i64)>,
    pub orders_in_other_currencies: i64,
    pub dues: Vec<Due>,
    pub products: Vec<Id>,
    pub open_complaints: u32,
    pub late_tickets: u32,
}

/// The history of a customer in a few numbers: what the models and bounds are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub purchases: Purchases,
    pub spend: Spend,
    pub rfm: Rfm,
}

impl Summary {
    /// Of what was bought on each day, sorted by day: the day, the number of orders, and their value in minor units. Days after today do not
    /// count; none if there are no others.
    #[must_use]
    pub fn of(days: &[(NaiveDate, i64, i64)], today: NaiveDate) -> Option<Summary> {
        let days = &days[..days.partition_point(|(day, ..)| *day <= today)];
        let dates: Vec<NaiveDate> = days.iter().map(|(day, ..)| *day).collect();
        let purchases = Purchases::of(&dates, today)?;
        let (last, first) = (dates.last()?, dates.first()?);
        let later = days.iter().filter(|(day, ..)| day != first);
        let repeated: i128 = later.map(|(.., value)| i128::from(*value)).sum();
        let spend = Spend { repeats: purchases.repeats, mean: ratio(repeated, i64::from(purchases.repeats)) };
        let total: i128 = days.iter().map(|(.., value)| i128::from(*value)).sum();
        let rfm = Rfm {
            recency: (today - *last).num_days(),
            frequency: days.iter().map(|(_, orders, _)| orders).sum(),
            monetary: i64::try_from(total).unwrap_or(i64::MAX),
        };
        Some(Summary { purchases, spend, rfm })
    }
}

/// A quotient; 0 of nothing.
#[allow(clippy::cast_precision_loss, reason = "what is fitted is no account")]
fn ratio(sum: i128, number: i64) -> f64 {
    if number == 0 { 0.0 } else { sum as f64 / number as f64 }
}

/// What was learnt from all customers, and the bounds by which each is judged.
#[derive(Clone, Debug)]
pub struct Standards {
    pub today: NaiveDate,
    pub currency: Currency,
    pub purchasing: Option<BgNbd>,
    pub spending: Option<GammaGamma>,
    pub terms: Terms,
    pub thresholds: Thresholds,
    pub means: Means,
    pub sales: Levels,
    pub frequency: Levels,
    pub loyalty: LoyaltyBounds,
    pub churn: ChurnBounds,
    pub credit: CreditBounds,
}

impl Standards {
    /// The value of a customer; none of one who has bought nothing. `rules` are those of the products that the customer has bought.
    #[must_use]
    pub fn assess(&self, customer: Id, history: &History, rules: &[Rule]) -> Option<Record<CustomerValue>> {
        let days = by_day(&history.orders);
        let Summary { purchases, spend, rfm } = Summary::of(&days, self.today)?;
        let money = |amount: i64| Money::new(amount, self.currency);
        let mut value = Record::new(CustomerValue::object()).into_entity::<CustomerValue>();
        value.set(CustomerValue::id, customer);
        value.set(CustomerValue::customer_id, customer);
        value.set(CustomerValue::first_ordered_on, days.first().map(|(day, ..)| *day));
        value.set(CustomerValue::last_ordered_on, self.today.checked_sub_days(chrono::Days::new(rfm.recency.unsigned_abs())));
        value.set(CustomerValue::days_since_order, rfm.recency);
        value.set(CustomerValue::order_count, rfm.frequency);
        value.set(CustomerValue::purchase_count, i64::from(purchases.repeats) + 1);
        value.set(CustomerValue::other_currency_order_count, history.orders_in_other_currencies);
        value.set(CustomerValue::order_total, money(rfm.monetary));
        let average = half_away(rfm.monetary.into(), rfm.frequency.into()).and_then(|average| i64::try_from(average).ok());
        value.set(CustomerValue::average_order, average.map(money));

        let scores = self.thresholds.scores(&rfm);
        value.set(CustomerValue::recency_score, i64::from(scores.recency));
        value.set(CustomerValue::frequency_score, i64::from(scores.frequency));
        value.set(CustomerValue::monetary_score, i64::from(scores.monetary));
        value.set(CustomerValue::rfm_class, RfmClass::of(&scores, &self.means));
        let alive = self.purchasing.map(|model| model.probability_alive(&purchases));
        let frequency = FrequencyClass::of(rfm.frequency, &self.frequency);
        value.set(CustomerValue::sales_class, SalesClass::of(rfm.monetary, &self.sales));
        value.set(CustomerValue::frequency_class, frequency);
        value.set(CustomerValue::loyalty_class, LoyaltyClass::of(frequency, rfm.recency, alive, &self.loyalty));

        value.set(CustomerValue::alive_probability, alive.map(rounded));
        let expected = self.purchasing.map(|model| model.expected_purchases(&purchases, f64::from(self.terms.weeks)));
        value.set(CustomerValue::expected_purchases, expected.map(rounded));
        let models = self.purchasing.zip(self.spending);
        let worth = models.and_then(|(purchasing, spending)| lifetime(&purchasing, &spending, &purchases, &spend, &self.terms));
        value.set(CustomerValue::lifetime_value, worth.and_then(|worth| whole(worth.value)).map(money));

        let dealings =
            Dealings { orders: &history.orders, open_complaints: history.open_complaints, late_tickets: history.late_tickets };
        value.set(CustomerValue::churn_risk, alive.map(|alive| ChurnRisk::of(alive, &self.churn)));
        value.set(CustomerValue::churn_reasons, churn::reasons(&dealings, self.today, &self.churn));
        let credit = credit::credit(&history.dues, self.today, &self.credit);
        value.set(CustomerValue::credit_risk, credit.risk);
        value.set(CustomerValue::mean_days_late, credit.mean_days_late.map(rounded));
        value.set(CustomerValue::share_late, credit.share_late.map(rounded));
        value.set(CustomerValue::overdue, money(credit.overdue));
        value.set(CustomerValue::longest_overdue_days, credit.longest_overdue_days);
        value.set(CustomerValue::next_products, offers(&history.products, rules));
        Some(value)
    }
}

/// What was bought on each day: the number of orders and their value.
fn by_day(orders: &[(NaiveDate, i64)]) -> Vec<(NaiveDate, i64, i64)> {
    let of_one_day = orders.chunk_by(|one, other| one.0 == other.0);
    let days = of_one_day.map(|orders| {
        let value: i128 = orders.iter().map(|(_, value)| i128::from(*value)).sum();
        (orders[0].0, i64::try_from(orders.len()).unwrap_or(i64::MAX), i64::try_from(value).unwrap_or(i64::MAX))
    });
    days.collect()
}

fn offers(bought: &[Id], rules: &[Rule]) -> Vec<Offer> {
    let best = next_best(bought, rules).into_iter().take(OFFERS);
    best.map(|offer| Offer { confidence: rounded(offer.confidence), lift: rounded(offer.lift), ..offer }).collect()
}

/// To the sixth decimal: what is shown is the same on every machine.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// An amount in whole minor units; none where there is no such amount.
#[allow(clippy::cast_possible_truncation, reason = "it is as small as amounts are")]
fn whole(amount: f64) -> Option<i64> {
    const MOST: f64 = 999_999_999_999_999.0;
    (amount.abs() <= MOST).then(|| amount.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_history_is_summed_up() {
        let days =
            [(day("2026-01-01"), 2, 500), (day("2026-01-15"), 1, 300), (day("2026-02-12"), 1, 100), (day("2027-01-01"), 9, 9)];
        let summary = Summary::of(&days, day("2026-03-05")).unwrap();
        assert_eq!(summary.rfm, Rfm { recency: 21, frequency: 4, monetary: 900 });
        assert_eq!(summary.purchases, Purchases { repeats: 2, recency: 6.0, age: 9.0 });
        assert_eq!(summary.spend, Spend { repeats: 2, mean: 200.0 }, "what comes after the first day");
        assert_eq!(Summary::of(&days[3..], day("2026-03-05")), None);
    }

    #[test]
    fn a_customer_is_assessed() {
        let bounds = [0, 0, 0, 0];
        let standards = Standards {
            today: day("2026-03-05"),
            currency: Currency::CNY,
            purchasing: Some(BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 }),
            spending: Some(GammaGamma { p: 6.25, q: 3.74, v: 15.44 }),
            terms: Terms { weeks: 52, yearly_discount: 0.1, margin: 1.0 },
            thresholds: Thresholds { recency: [100, 30, 10, 5], frequency: bounds, monetary: bounds },
            means: Means { recency: 3.0, frequency: 3.0, monetary: 3.0 },
            sales: Levels { middle: 100, high: 1_000 },
            frequency: Levels { middle: 2, high: 4 },
            loyalty: LoyaltyBounds::default(),
            churn: ChurnBounds::default(),
            credit: CreditBounds::default(),
        };
        let history = History {
            orders: vec![(day("2026-01-01"), 200), (day("2026-01-01"), 300), (day("2026-02-12"), 301)],
            orders_in_other_currencies: 1,
            dues: vec![Due { day: day("2026-02-01"), paid: None, amount: 50 }],
            ..History::default()
        };
        let value = standards.assess(Id::NIL, &history, &[]).unwrap();
        assert_eq!((value.get(CustomerValue::order_count), value.get(CustomerValue::purchase_count)), (3, 2));
        assert_eq!(value.get(CustomerValue::order_total), Some(Money::new(801, Currency::CNY)));
        assert_eq!(value.get(CustomerValue::average_order), Some(Money::new(267, Currency::CNY)));
        assert_eq!(value.get(CustomerValue::last_ordered_on), Some(day("2026-02-12")));
        assert_eq!(value.get(CustomerValue::overdue), Some(Money::new(50, Currency::CNY)));
        assert_eq!(value.get(CustomerValue::longest_overdue_days), 32);
        assert!(value.get(CustomerValue::alive_probability).is_some_and(|alive| (0.0..1.0).contains(&alive)));
        assert!(value.get(CustomerValue::lifetime_value).is_some_and(|worth| worth.amount > 0));
        assert_eq!(standards.assess(Id::NIL, &History::default(), &[]), None);
    }
}
