//! Line items: what of which product an opportunity is about.

use serde_json::json;

use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Reach, Relation},
        record::Draft,
    },
    values::{
        money::Money,
        number::{exact, half_away},
    },
};

entity! {
    /// A line item: a quantity of a product at a price. Its amount counts towards the amount of the opportunity.
    pub struct LineItem("line_item", "line-items", "line_items", "Line item", "产品明细") [external, custom] {
        /// The opportunity it belongs to, from the path.
        opportunity_id: Option<crate::values::id::Id> => reference("opportunity").on_create().indexed().label("Opportunity", "商机"),
        /// The product sold.
        product_id: Option<crate::values::id::Id> => reference("product").indexed().label("Product", "产品"),
        /// The name. Defaults to the name of the product.
        name: String => text(200).title().label("Name", "名称").example("GTX Pro"),
        /// How many units.
        quantity: Option<f64> => decimal().default(1).label("Quantity", "数量").example(2),
        /// The unit price. Defaults to the list price of the product. Use a negative price for a rebate; the line items of an
        /// opportunity must add up to at least zero.
        unit_price: Option<Money> => money().label("Unit price", "单价").example(json!({"amount": 482_100, "currency": "USD"})),
        /// The discount, in per cent.
        discount: Option<f64> => decimal().default(0).label("Discount", "折扣").example(10),
        /// Quantity × unit price less the discount, rounded to a minor unit, half away from zero, so that a price and an equal
        /// rebate cancel out.
        amount: Option<Money> => money().server_set().label("Amount", "金额").example(json!({"amount": 867_780, "currency": "USD"})),
        /// Its position among the line items, ascending.
        sort_order: Option<i64> => integer(1, 100_000).label("Order", "顺序").example(1),
        /// Notes.
        description: Option<String> => long_text(5_000).label("Description", "说明"),
    }
    extend |object| object
        .below("opportunity", "opportunity_id")
        // Whoever sees the lines adds them up.
        .hidden_with(["unit_price", "amount"], "amount")
        .relations([Relation { name: "product", target: "product", reach: Reach::ToOne { field: "product_id" } }])
        .rule(bounds)
}

fn bounds(draft: &mut Draft<'_, LineItem>) {
    if draft.after.get(LineItem::quantity).is_some_and(|quantity| quantity <= 0.0) {
        draft.faults.add(Fault::new(LineItem::quantity.pointer(), FaultCode::TooSmall).with("min", "0.000000000001"));
    }
    let discount = draft.after.get(LineItem::discount).unwrap_or(0.0);
    if discount < 0.0 {
        draft.faults.add(Fault::new(LineItem::discount.pointer(), FaultCode::TooSmall).with("min", 0));
    }
    if discount > 100.0 {
        draft.faults.add(Fault::new(LineItem::discount.pointer(), FaultCode::TooLarge).with("max", 100));
    }
}

/// The amount of a line in minor units: quantity × price × (100 − discount) / 100, rounded half away from zero; none if it is beyond what money may be.
/// Decimals are computed as they are written, not as floats.
#[must_use]
pub fn amount(quantity: f64, unit_price: i64, discount: f64) -> Option<i64> {
    let (quantity, quantity_scale) = exact(quantity)?;
    let (discount, discount_scale) = exact(discount)?;
    let whole = 100_i128.checked_mul(10_i128.checked_pow(discount_scale)?)?;
    let share = whole.checked_sub(discount)?;
    let product = quantity.checked_mul(i128::from(unit_price))?.checked_mul(share)?;
    let divisor = whole.checked_mul(10_i128.checked_pow(quantity_scale)?)?;
    i64::try_from(half_away(product, divisor)?).ok().filter(|amount| amount.unsigned_abs() <= Money::MAX_AMOUNT.unsigned_abs())
}

/// What lines come to: the sum of their amounts, all of one currency and together at least zero; none of none. `at` names the place of what is at
/// fault: which line, and the member of its price.
pub fn total(amounts: &[Money], at: &dyn Fn(usize, &str) -> String) -> Result<Option<Money>, Fault> {
    let Some(Money { currency, .. }) = amounts.first().copied() else { return Ok(None) };
    if let Some(other) = amounts.iter().position(|amount| amount.currency != currency) {
        return Err(Fault::new(at(other, "currency"), FaultCode::OtherCurrency).with("currency", currency));
    }
    let sum: i128 = amounts.iter().map(|amount| i128::from(amount.amount)).sum();
    let last = || at(amounts.len() - 1, "amount");
    match i64::try_from(sum) {
        Ok(sum @ 0..=Money::MAX_AMOUNT) => Ok(Some(Money::new(sum, currency))),
        Ok(_) | Err(_) if sum < 0 => Err(Fault::new(last(), FaultCode::SumTooSmall).with("min", 0)),
        Ok(_) | Err(_) => Err(Fault::new(last(), FaultCode::SumTooLarge).with("max", Money::MAX_AMOUNT)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(amount(2.0, 482_100, 10.0), Some(867_780));
        assert_eq!(amount(0.1, 10, 0.0), Some(1));
        assert_eq!(amount(1.0, 1, 50.0), Some(1), "half a minor unit is rounded away from zero");
        assert_eq!(amount(1.0, -1, 50.0), Some(-1));
        assert_eq!(amount(1.0, -1, 50.1), Some(0));
        assert_eq!(amount(1.0, 1, 50.1), Some(0));
        assert_eq!(amount(3.0, 999, 33.33), Some(1998));
        assert_eq!(amount(999_999_999_999_999.0, i64::MAX, 0.0), None);
        assert_eq!(amount(1.0, Money::MAX_AMOUNT, 0.0), Some(Money::MAX_AMOUNT));
        assert_eq!(amount(2.0, Money::MAX_AMOUNT, 50.1), Some(998_000_000_000_000 - 1));
        assert_eq!(amount(1.1, Money::MAX_AMOUNT, 0.0), None);
        assert_eq!(amount(1.1, -Money::MAX_AMOUNT, 0.0), None);
    }

    proptest! {
        #[test]
        fn without_decimals_it_is_a_product(quantity in 1_i32..1_000_000, price in 0_i64..1_000_000_000) {
            prop_assert_eq!(amount(f64::from(quantity), price, 0.0), Some(i64::from(quantity) * price));
        }

        #[test]
        fn a_rebate_is_a_price_below_zero(quantity in 1_i32..1_000_000, price in 0_i64..1_000_000, discount in 0_i32..=10_000) {
            let of = |price: i64| amount(f64::from(quantity) / 100.0, price, f64::from(discount) / 100.0);
            prop_assert_eq!(of(-price), of(price).map(|amount| -amount));
            // To the nearest: in hundredths of hundredths of hundredths.
            let exact = i128::from(quantity) * i128::from(price) * i128::from(10_000 - discount);
            let off = (i128::from(of(price).unwrap()) * 1_000_000 - exact).abs();
            prop_assert!(off <= 500_000);
        }

        #[test]
        fn a_discount_never_adds(quantity in 1_i32..1_000, price in 0_i64..1_000_000, discount in 0_i32..=10_000) {
            let all = i64::from(quantity) * price;
            let off = amount(f64::from(quantity), price, f64::from(discount) / 100.0).unwrap();
            prop_assert!(off <= all && off >= 0);
        }
    }
}
