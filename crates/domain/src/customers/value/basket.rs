//! What is bought together: rules of the kind "who buys this buys that" (Agrawal, Imieliński and Swami, Mining Association Rules
//! between Sets of Items in Large Databases, 1993), and what to offer next by them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use serde::{Deserialize, Serialize};

use super::special::real;
use crate::values::id::Id;

/// What is looked for, and how much memory it may take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasketBounds {
    /// Both products are in at least so many orders; at least 1.
    pub least_orders: u32,
    /// Both products are in at least this share of the orders, 0 to 1.
    pub least_support: f64,
    /// So many products of an order are looked at: those that are in the most orders.
    pub products_of_an_order: usize,
    /// So many rules are kept of each product: those of the highest confidence.
    pub rules_of_a_product: usize,
}

impl Default for BasketBounds {
    fn default() -> BasketBounds {
        BasketBounds { least_orders: 5, least_support: 0.0, products_of_an_order: 100, rules_of_a_product: 20 }
    }
}

/// Who buys a product buys another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub who_buys: Id,
    pub buys: Id,
    /// The number of orders with both.
    pub orders: u32,
    /// The share of all orders that have both, 0 to 1.
    pub support: f64,
    /// The share of the orders with the first that have the second too, 0 to 1.
    pub confidence: f64,
    /// How many times as often the second is in orders with the first as in all orders: 1 if they have nothing to do with each
    /// other.
    pub lift: f64,
}

/// The rules of orders, each a set of products (one that is in it twice counts once), by product and falling confidence, then
/// falling lift.
///
/// With n orders, of which n_a have the product a, n_b have b and n_ab have both: support n_ab / n, confidence n_ab / n_a, lift
/// n_ab n / (n_a n_b). Only products that reach the least number of orders on their own are looked at. The pairs of one product
/// are counted at a time, so that memory grows with the orders and the rules, not with the square of the products.
#[must_use]
pub fn rules(orders: &[Vec<Id>], bounds: &BasketBounds) -> Vec<Rule> {
    let baskets = Baskets::of(orders, bounds);
    let mut rules = Vec::new();
    let mut together = vec![0_u32; baskets.products.len()];
    for (one, (product, alone)) in baskets.products.iter().enumerate() {
        let mut touched = Vec::new();
        for order in &baskets.with[one] {
            for other in baskets.orders[*order].iter().filter(|other| **other != one) {
                if together[*other] == 0 {
                    touched.push(*other);
                }
                together[*other] += 1;
            }
        }
        let mut found = Vec::new();
        for other in touched {
            let count = std::mem::take(&mut together[other]);
            if count < baskets.least {
                continue;
            }
            let (buys, of_other) = baskets.products[other];
            let (both, all) = (f64::from(count), real(orders.len()));
            let confidence = both / f64::from(*alone);
            let lift = confidence * all / f64::from(of_other);
            found.push(Rule { who_buys: *product, buys, orders: count, support: both / all, confidence, lift });
        }
        found.sort_by(|one, other| {
            let falling = other.confidence.total_cmp(&one.confidence).then(other.lift.total_cmp(&one.lift));
            falling.then(one.buys.cmp(&other.buys))
        });
        found.truncate(bounds.rules_of_a_product);
        rules.append(&mut found);
    }
    rules
}

/// Orders by places of products.
struct Baskets {
    /// The products looked at, in order of their ids, and how many orders each is in.
    products: Vec<(Id, u32)>,
    orders: Vec<Vec<usize>>,
    /// The orders with each product.
    with: Vec<Vec<usize>>,
    least: u32,
}

impl Baskets {
    fn of(orders: &[Vec<Id>], bounds: &BasketBounds) -> Baskets {
        let mut counts: HashMap<Id, u32> = HashMap::new();
        for order in orders {
            for product in order.iter().collect::<BTreeSet<_>>() {
                *counts.entry(*product).or_default() += 1;
            }
        }
        let least = least_of_share(bounds.least_support, orders.len()).max(bounds.least_orders).max(1);
        let mut products: Vec<(Id, u32)> = counts.into_iter().filter(|(_, count)| *count >= least).collect();
        products.sort_unstable();
        let place = |product: &Id| products.binary_search_by(|(other, _)| other.cmp(product)).ok();
        let mut with = vec![Vec::new(); products.len()];
        let looked_at = |(number, order): (usize, &Vec<Id>)| {
            let mut places: Vec<usize> = order.iter().filter_map(place).collect();
            places.sort_unstable_by_key(|place| (Reverse(products[*place].1), *place));
            places.dedup();
            places.truncate(bounds.products_of_an_order);
            for place in &places {
                with[*place].push(number);
            }
            places
        };
        let orders = orders.iter().enumerate().map(looked_at).collect();
        Baskets { products, orders, with, least }
    }
}

/// The least number of orders that is such a share of all.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what no number of orders reaches is the largest number"
)]
fn least_of_share(share: f64, orders: usize) -> u32 {
    (share * real(orders)).ceil() as u32
}

/// A product to offer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub product_id: Id,
    /// The product bought that speaks for it most.
    pub because_of_id: Id,
    pub confidence: f64,
    pub lift: f64,
}

/// What to offer to somebody who has bought some products: the others that rules lead to from any of them, by the rule of the
/// highest confidence for each, then by lift. Rules that speak against a product (with a lift not above 1) do not count.
#[must_use]
pub fn next_best(bought: &[Id], rules: &[Rule]) -> Vec<Offer> {
    let bought: BTreeSet<Id> = bought.iter().copied().collect();
    let mut offers: BTreeMap<Id, Offer> = BTreeMap::new();
    let leads_on = |rule: &&Rule| rule.lift > 1.0 && bought.contains(&rule.who_buys) && !bought.contains(&rule.buys);
    for Rule { who_buys, buys, confidence, lift, .. } in rules.iter().filter(leads_on) {
        let offer = Offer { product_id: *buys, because_of_id: *who_buys, confidence: *confidence, lift: *lift };
        let known = offers.entry(*buys).or_insert(offer);
        if falling(&offer, known).is_lt() {
            *known = offer;
        }
    }
    let mut offers: Vec<Offer> = offers.into_values().collect();
    offers.sort_by(falling);
    offers
}

fn falling(one: &Offer, other: &Offer) -> std::cmp::Ordering {
    let by_figures = other.confidence.total_cmp(&one.confidence).then(other.lift.total_cmp(&one.lift));
    by_figures.then((one.product_id, one.because_of_id).cmp(&(other.product_id, other.because_of_id)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: u8) -> Id {
        Id(Uuid::from_u128(number.into()))
    }

    fn orders(numbers: &[&[u8]]) -> Vec<Vec<Id>> {
        numbers.iter().map(|order| order.iter().copied().map(id).collect()).collect()
    }

    const ALL: BasketBounds =
        BasketBounds { least_orders: 1, least_support: 0.0, products_of_an_order: 100, rules_of_a_product: 100 };

    #[test]
    fn what_is_bought_together_is_offered() {
        let orders = orders(&[&[1, 2, 2], &[1, 2], &[1, 3], &[3], &[4]]);
        let found = rules(&orders, &BasketBounds { least_orders: 2, ..ALL });
        let expected = [
            Rule { who_buys: id(1), buys: id(2), orders: 2, support: 0.4, confidence: 2.0 / 3.0, lift: 2.0 / 3.0 * 5.0 / 2.0 },
            Rule { who_buys: id(2), buys: id(1), orders: 2, support: 0.4, confidence: 1.0, lift: 5.0 / 3.0 },
        ];
        assert_eq!(found, expected);
        let offers = next_best(&[id(1)], &rules(&orders, &ALL));
        assert_eq!(offers.iter().map(|offer| offer.product_id).collect::<Vec<_>>(), [id(2)], "{offers:?}");
        assert_eq!(next_best(&[id(1), id(2)], &found), []);
        assert_eq!(rules(&[], &ALL), []);
    }

    #[test]
    fn big_orders_and_many_rules_are_cut() {
        let orders = orders(&[&[1, 2, 3], &[1, 2], &[1, 2], &[3, 1]]);
        let cut = rules(&orders, &BasketBounds { products_of_an_order: 2, ..ALL });
        assert!(cut.iter().all(|rule| rule.orders != 3 || rule.who_buys != id(3)));
        assert_eq!(cut.iter().find(|rule| rule.who_buys == id(3)).map(|rule| rule.orders), Some(1));
        let few = rules(&orders, &BasketBounds { rules_of_a_product: 1, ..ALL });
        assert_eq!(few.len(), 3);
    }

    fn any_orders() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(0_u8..8, 0..6), 1..40)
    }

    proptest! {
        #[test]
        fn figures_are_those_of_brute_force(numbers in any_orders(), least_orders in 1_u32..4, least_support in 0.0..0.3_f64) {
            let orders: Vec<Vec<Id>> = numbers.iter().map(|order| order.iter().copied().map(id).collect()).collect();
            let found = rules(&orders, &BasketBounds { least_orders, least_support, ..ALL });
            let count = |of: &[u8]| numbers.iter().filter(|order| of.iter().all(|one| order.contains(one))).count();
            let mut expected = 0;
            for one in 0..8 {
                for other in (0..8).filter(|other| *other != one) {
                    let both = count(&[one, other]);
                    let rule = found.iter().find(|rule| rule.who_buys == id(one) && rule.buys == id(other));
                    let (both, all) = (real(both), real(numbers.len()));
                    if both < f64::from(least_orders) || both / all < least_support {
                        prop_assert_eq!(rule, None);
                        continue;
                    }
                    expected += 1;
                    let rule = rule.unwrap();
                    let (of_one, of_other) = (real(count(&[one])), real(count(&[other])));
                    prop_assert!((rule.support - both / all).abs() < 1e-12);
                    prop_assert!((rule.confidence - both / of_one).abs() < 1e-12);
                    prop_assert!((rule.lift - (both / all) / (of_one / all * of_other / all)).abs() < 1e-9);
                }
            }
            prop_assert_eq!(found.len(), expected);
        }

        #[test]
        fn offers_are_new_and_ranked(numbers in any_orders(), bought in proptest::collection::vec(0_u8..8, 0..4)) {
            let orders: Vec<Vec<Id>> = numbers.iter().map(|order| order.iter().copied().map(id).collect()).collect();
            let bought: Vec<Id> = bought.into_iter().map(id).collect();
            let offers = next_best(&bought, &rules(&orders, &ALL));
            prop_assert!(offers.iter().all(|offer| !bought.contains(&offer.product_id) && offer.lift > 1.0));
            prop_assert!(offers.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
        }
    }
}
