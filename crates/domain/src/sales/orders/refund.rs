//! Refunds of an order: what the customer was given back.

use chrono::NaiveDate;
use serde_json::json;

use super::payment::PaymentMethod;
use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Reach, Relation},
        record::Draft,
    },
    values::{id::Id, money::Money},
};

entity! {
    /// A refund: money of an order that was given back. It lessens what the purchase is worth.
    pub struct Refund("refund", "refunds", "refunds", "Refund", "退款") [external, custom] {
        /// The order it belongs to, from the path.
        order_id: Option<Id> => reference("order").on_create().indexed().label("Order", "订单"),
        /// How much, in the currency of the order; all refunds together at most the amount of the order.
        amount: Option<Money> => money().required().label("Amount", "金额").example(json!({"amount": 50_000, "currency": "CNY"})),
        /// The day of the refund, at the latest tomorrow. Defaults to today in the tenant's time zone.
        refunded_on: Option<NaiveDate> => date().filled().indexed().label("Refunded on", "退款日期").example("2026-04-10"),
        /// The line it is for, if it is for one.
        order_line_id: Option<Id> => reference("order_line").label("Order line", "订单明细"),
        /// How many units of that line came back.
        quantity: Option<f64> => decimal().label("Quantity", "退货数量").example(1),
        /// Why.
        reason: Option<String> => text(500).title().label("Reason", "原因").example("包装破损"),
        /// How it is paid back.
        method: Option<PaymentMethod> => choice(PaymentMethod::choices()).label("Method", "退款方式").example("bank_transfer"),
        /// The number by which the bank or the payment provider knows it.
        reference: Option<String> => text(200).title().label("Reference", "流水号").example("RF-2026-0007"),
    }
    extend |object| object
        .below("order", "order_id")
        .hidden_with(["amount"], "refunded_amount")
        .relations([Relation { name: "order_line", target: "order_line", reach: Reach::ToOne { field: "order_line_id" } }])
        .titled("reason")
        .rule(bounds)
}

fn bounds(draft: &mut Draft<'_, Refund>) {
    if draft.after.get(Refund::amount).is_some_and(|amount| amount.amount <= 0) {
        draft.faults.add(Fault::new(format!("{}/amount", Refund::amount.pointer()), FaultCode::TooSmall).with("min", 1));
    }
    if draft.after.get(Refund::quantity).is_some_and(|quantity| quantity <= 0.0) {
        draft.faults.add(Fault::new(Refund::quantity.pointer(), FaultCode::TooSmall).with("min", "0.000000000001"));
    }
}
