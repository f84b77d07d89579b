//! Orders themselves: who bought, when, for how much, and how far delivery and payment have come.

use chrono::NaiveDate;
use serde_json::json;

use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        field::when_missing,
        object::{Reach, Relation},
        record::Draft,
        structures::addresses::{SITE, Site},
    },
    values::{id::Id, money::Money},
};

choices! {
    /// How far an order has come.
    pub enum OrderStatus {
        Draft "draft" "Draft" "草稿",
        Confirmed "confirmed" "Confirmed" "已确认",
        Fulfilled "fulfilled" "Fulfilled" "已交付",
        Cancelled "cancelled" "Cancelled" "已取消",
    }
}

impl OrderStatus {
    /// Those that count as purchases.
    pub const BOUGHT: [OrderStatus; 2] = [OrderStatus::Confirmed, OrderStatus::Fulfilled];

    /// Whether it counts as a purchase.
    #[must_use]
    pub fn is_bought(self) -> bool {
        OrderStatus::BOUGHT.contains(&self)
    }
}

choices! {
    /// How far an order is paid.
    pub enum PaymentStatus {
        Unpaid "unpaid" "Unpaid" "未付款",
        PartlyPaid "partly_paid" "Partly paid" "部分付款",
        Paid "paid" "Paid" "已付清",
        PartlyRefunded "partly_refunded" "Partly refunded" "部分退款",
        Refunded "refunded" "Refunded" "已退款",
    }
}

entity! {
    /// An order: a purchase of a customer on a day. Its `lines`, `payments` and `refunds` are below it; the request that creates an order can
    /// bring its lines along. Confirmed and fulfilled orders count as purchases, drafts and cancelled ones do not.
    pub struct Order("order", "orders", "orders", "Order", "订单") [owned, tagged, external, custom] {
        /// The number, unique among live orders. Assigned by the server if none is given.
        number: Option<String> => text(80).filled().title().indexed().label("Number", "订单号").example("O-000042"),
        /// The customer who bought. Defaults to the customer of the contact, or of the opportunity.
        customer_id: Option<Id> => reference("customer").filled().indexed().required_when(when_missing(&["contact_id", "opportunity_id"])).label("Customer", "客户").example("01890a5d-ac96-774b-bcce-b302099a8057"),
        /// The person who ordered.
        contact_id: Option<Id> => reference("contact").indexed().label("Contact", "联系人"),
        /// The opportunity that was won with it.
        opportunity_id: Option<Id> => reference("opportunity").indexed().label("Opportunity", "商机"),
        /// The day of the purchase. Defaults to today in the tenant's time zone.
        ordered_on: Option<NaiveDate> => date().filled().indexed().label("Ordered on", "下单日期").example("2026-03-01"),
        /// How far it has come.
        status: Option<OrderStatus> => choice(OrderStatus::choices()).default("confirmed").indexed().label("Status", "状态").example("confirmed"),
        /// What it costs, tax included: the sum of its lines, or a value set explicitly.
        amount: Option<Money> => money().indexed().label("Amount", "金额").example(json!({"amount": 1_961_379, "currency": "CNY"})),
        /// Whether `amount` and `tax_amount` are the sums of the lines. Setting either turns this off.
        amount_from_lines: bool => boolean().default(true).detail().label("Amount from lines", "金额取自明细").example(true),
        /// The tax within `amount`; null if it is not known.
        tax_amount: Option<Money> => money().detail().label("Tax", "税额").example(json!({"amount": 225_645, "currency": "CNY"})),
        /// `amount` without tax; null if the tax is not known.
        net_amount: Option<Money> => money().detail().server_set().label("Net amount", "不含税金额").example(json!({"amount": 1_735_734, "currency": "CNY"})),
        /// Whether the unit prices of the lines include tax.
        prices_include_tax: bool => boolean().default(false).on_create().detail().label("Prices include tax", "单价含税").example(false),
        /// The sum of the payments that were made.
        paid_amount: Option<Money> => money().server_set().label("Paid", "已付金额").example(json!({"amount": 1_000_000, "currency": "CNY"})),
        /// The sum of the refunds.
        refunded_amount: Option<Money> => money().server_set().label("Refunded", "已退金额").example(json!({"amount": 0, "currency": "CNY"})),
        /// What is left to be paid: `amount` less `paid_amount`, at least zero; zero if the order is a draft or cancelled.
        outstanding_amount: Option<Money> => money().server_set().label("Outstanding", "未付金额").example(json!({"amount": 961_379, "currency": "CNY"})),
        /// How far it is paid.
        payment_status: Option<PaymentStatus> => choice(PaymentStatus::choices()).default("unpaid").server_set().indexed().label("Payment status", "付款状态").example("partly_paid"),
        /// The earliest due date of a payment that was not made; null if there is none, and while the order is a draft or cancelled.
        next_due_on: Option<NaiveDate> => date().server_set().indexed().label("Next due on", "最近应付日期").example("2026-04-01"),
        /// Where it came from: a shop, a branch, another system.
        source: Option<String> => text(100).detail().label("Source", "来源").example("微信商城"),
        /// Where it is delivered to.
        shipping_address: Option<Site> => structure(&SITE).detail().opaque().sensitive().label("Shipping address", "收货地址").example(json!({"country": "CN", "region": "广东省", "city": "深圳市", "district": "龙岗区", "street": "坂田街道 1 号", "postal_code": "518129"})),
        /// Why it was cancelled.
        cancel_reason: Option<String> => text(500).detail().shown_when(crate::model::field::when_is("status", &["cancelled"])).label("Reason for cancelling", "取消原因").example("客户改期"),
        /// Notes.
        description: Option<String> => long_text(20_000).detail().searchable().label("Description", "备注"),
    }
    extend |object| object
        .relations([
            Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } },
            Relation { name: "contact", target: "contact", reach: Reach::ToOne { field: "contact_id" } },
            Relation { name: "opportunity", target: "opportunity", reach: Reach::ToOne { field: "opportunity_id" } },
            Relation { name: "lines", target: "order_line", reach: Reach::Inverse { field: "order_id" } },
            Relation { name: "payments", target: "payment", reach: Reach::Inverse { field: "order_id" } },
            Relation { name: "refunds", target: "refund", reach: Reach::Inverse { field: "order_id" } },
        ])
        .unique("orders_number_key", "number")
        .numbered("O-")
        .titled("number")
        .made_with("lines")
        // What is left tells what was paid, and the other way round.
        .hidden_beside("outstanding_amount", ["amount", "paid_amount"])
        .hidden_beside("net_amount", ["amount", "tax_amount"])
        .rule(amount_is_set)
        .rule(tax_is_part_of_the_amount)
}

/// Who writes an amount means that one, and not the sum of the lines, unless they say so.
fn amount_is_set(draft: &mut Draft<'_, Order>) {
    let told = draft.before.is_some() && draft.changes(Order::amount_from_lines);
    if (draft.changes(Order::amount) || draft.changes(Order::tax_amount)) && !told {
        draft.after.set(Order::amount_from_lines, false);
    }
    for money in [Order::amount, Order::tax_amount] {
        if draft.after.get(money).is_some_and(|money| money.amount < 0) {
            draft.faults.add(Fault::new(format!("{}/amount", money.pointer()), FaultCode::TooSmall).with("min", 0));
        }
    }
}

fn tax_is_part_of_the_amount(draft: &mut Draft<'_, Order>) {
    let Some(tax) = draft.after.get(Order::tax_amount) else { return };
    let pointer = |member: &str| format!("{}/{member}", Order::tax_amount.pointer());
    match draft.after.get(Order::amount) {
        None => draft.faults.add(Fault::new(Order::amount.pointer(), FaultCode::Required)),
        Some(amount) if amount.currency != tax.currency => {
            draft.faults.add(Fault::new(pointer("currency"), FaultCode::OtherCurrency).with("currency", amount.currency));
        }
        Some(amount) if tax.amount > amount.amount => {
            draft.faults.add(Fault::new(pointer("amount"), FaultCode::TooLarge).with("max", amount.amount));
        }
        Some(_) => {}
    }
}
