//! Lines of an order: how much of which product, at which price, discount and tax.

use serde_json::json;

use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Reach, Relation, rising},
        record::Draft,
    },
    sales::line_item,
    values::{
        id::Id,
        money::Money,
        number::{exact, half_away},
    },
};

/// How many lines an order may have.
pub const MOST_LINES: usize = 500;

entity! {
    /// A line of an order: a quantity of a product at a price. Its amounts count towards those of the order.
    pub struct OrderLine("order_line", "lines", "order_lines", "Order line", "订单明细") [external, custom] {
        /// The order it belongs to, from the path.
        order_id: Option<Id> => reference("order").on_create().indexed().label("Order", "订单"),
        /// The product bought.
        product_id: Option<Id> => reference("product").indexed().label("Product", "产品"),
        /// The name. Defaults to the name of the product.
        name: Option<String> => text(200).filled().title().required_when(crate::model::field::when_missing(&["product_id"])).label("Name", "名称").example("GTX Pro"),
        /// How many units.
        quantity: f64 => decimal().default(1).label("Quantity", "数量").example(4),
        /// What the quantity is counted in. Defaults to the unit of the product.
        unit: Option<String> => text(40).label("Unit", "单位").example("台"),
        /// The price of one unit, with or without tax as `prices_include_tax` of the order says. Defaults to the list price of the product.
        /// Negative for a rebate; the lines of an order must add up to at least zero.
        unit_price: Option<Money> => money().filled().required_when(crate::model::field::when_missing(&["product_id"])).label("Unit price", "单价").example(json!({"amount": 482_100, "currency": "CNY"})),
        /// The discount, in per cent.
        discount: f64 => decimal().default(0).label("Discount", "折扣").example(10),
        /// The rate of tax, in per cent.
        tax_rate: f64 => decimal().default(0).label("Tax rate", "税率").example(13),
        /// Quantity × unit price less the discount, without tax, rounded to a minor unit, half away from zero.
        net_amount: Option<Money> => money().filled().server_set().label("Net amount", "不含税金额").example(json!({"amount": 1_735_560, "currency": "CNY"})),
        /// The tax on it, rounded likewise.
        tax_amount: Option<Money> => money().filled().server_set().label("Tax", "税额").example(json!({"amount": 225_623, "currency": "CNY"})),
        /// `net_amount` and `tax_amount` together.
        amount: Option<Money> => money().filled().server_set().label("Amount", "金额").example(json!({"amount": 1_961_183, "currency": "CNY"})),
        /// Its position among the lines, ascending. By default it comes last.
        sort_order: Option<i64> => integer(1, 100_000).filled().label("Order", "顺序").example(1),
        /// Notes.
        description: Option<String> => long_text(5_000).label("Description", "说明"),
    }
    extend |object| object
        .below("order", "order_id")
        // Whoever sees the lines adds them up.
        .hidden_with(["unit_price", "net_amount", "tax_amount", "amount"], "amount")
        .relations([Relation { name: "product", target: "product", reach: Reach::ToOne { field: "product_id" } }])
        .ordered_by([rising("order_id"), rising("sort_order")])
        .rule(bounds)
}

fn bounds(draft: &mut Draft<'_, OrderLine>) {
    if draft.after.get(OrderLine::quantity) <= 0.0 {
        draft.faults.add(Fault::new(OrderLine::quantity.pointer(), FaultCode::TooSmall).with("min", "0.000000000001"));
    }
    for share in [OrderLine::discount, OrderLine::tax_rate] {
        match draft.after.get(share) {
            ..0.0 => draft.faults.add(Fault::new(share.pointer(), FaultCode::TooSmall).with("min", 0)),
            per_cent if per_cent > 100.0 => {
                draft.faults.add(Fault::new(share.pointer(), FaultCode::TooLarge).with("max", 100));
            }
            _ => {}
        }
    }
}

/// What a line comes to, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    pub net: i64,
    pub tax: i64,
    pub gross: i64,
}

/// What a line comes to; none if that is beyond what money may be.
///
/// The base is quantity × price × (100 − discount) / 100, rounded half away from zero. Where prices are without tax, the tax is base × rate /
/// 100 and is added; where they include it, it is base × rate / (100 + rate) and is part of the base. Each is rounded once, so that net
/// and tax always add up to the gross amount.
#[must_use]
pub fn amounts(quantity: f64, unit_price: i64, discount: f64, tax_rate: f64, includes_tax: bool) -> Option<Amounts> {
    let base = line_item::amount(quantity, unit_price, discount)?;
    let (rate, scale) = exact(tax_rate)?;
    let whole = 100_i128.checked_mul(10_i128.checked_pow(scale)?)?;
    let divisor = if includes_tax { whole.checked_add(rate)? } else { whole };
    let tax = i64::try_from(half_away(i128::from(base).checked_mul(rate)?, divisor)?).ok()?;
    let (net, gross) = if includes_tax { (base - tax, base) } else { (base, base.checked_add(tax)?) };
    (gross.unsigned_abs() <= Money::MAX_AMOUNT.unsigned_abs()).then_some(Amounts { net, tax, gross })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tax_is_added_or_taken_out() {
        let of = |price, rate, includes| amounts(1.0, price, 0.0, rate, includes);
        assert_eq!(of(10_000, 13.0, false), Some(Amounts { net: 10_000, tax: 1_300, gross: 11_300 }));
        assert_eq!(of(11_300, 13.0, true), Some(Amounts { net: 10_000, tax: 1_300, gross: 11_300 }));
        assert_eq!(of(10_000, 0.0, true), Some(Amounts { net: 10_000, tax: 0, gross: 10_000 }));
        assert_eq!(of(50, 1.0, false), Some(Amounts { net: 50, tax: 1, gross: 51 }), "half a fen is one");
        assert_eq!(of(-50, 1.0, false), Some(Amounts { net: -50, tax: -1, gross: -51 }));
        assert_eq!(of(999, 8.375, false), Some(Amounts { net: 999, tax: 84, gross: 1_083 }));
        assert_eq!(of(Money::MAX_AMOUNT, 13.0, false), None);
        assert_eq!(of(Money::MAX_AMOUNT, 13.0, true).map(|amounts| amounts.gross), Some(Money::MAX_AMOUNT));
        assert_eq!(amounts(4.0, 482_100, 10.0, 13.0, false), Some(Amounts { net: 1_735_560, tax: 225_623, gross: 1_961_183 }));
    }

    proptest! {
        #[test]
        fn net_and_tax_are_the_whole(
            quantity in 1_i32..100_000, price in -1_000_000_i64..1_000_000, discount in 0_i32..=10_000, rate in 0_i32..=10_000,
            includes in any::<bool>(),
        ) {
            let (discount, rate) = (f64::from(discount) / 100.0, f64::from(rate) / 100.0);
            let of = |price| amounts(f64::from(quantity) / 100.0, price, discount, rate, includes).unwrap();
            let (line, rebate) = (of(price), of(-price));
            prop_assert_eq!(line.net + line.tax, line.gross);
            prop_assert_eq!(rebate, Amounts { net: -line.net, tax: -line.tax, gross: -line.gross });
            // The tax is the rate of the net amount, to the fen that each is rounded by.
            let exact = line.net as f64 * rate / 100.0;
            prop_assert!((line.tax as f64 - exact).abs() <= 1.0, "{line:?} at {rate}");
        }
    }
}
