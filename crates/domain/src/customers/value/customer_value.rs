//! What is known of the value of each customer: figures and classes that are computed anew every day.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{
    basket::Offer,
    churn::{ChurnReason, ChurnRisk},
    classes::{FrequencyClass, LoyaltyClass, SalesClass},
    credit::CreditRisk,
    rfm::RfmClass,
};
use crate::{
    entity,
    model::{
        field::Structure,
        object::{Reach, Relation},
        recurring::PRODUCT_ID,
    },
    values::{id::Id, money::Money},
};

/// Why a customer may be about to be lost, as JSON.
pub static CHURN_REASONS: Structure = Structure { name: "churn_reason_list", schema: reasons, ..Structure::PLAIN };

fn reasons() -> Value {
    let number = json!({"type": "number"});
    json!({
        "type": "array",
        "maxItems": 4,
        "items": {
            "type": "object",
            "required": ["reason"],
            "properties": {
                "reason": {"type": "string", "enum": ["overdue", "fewer_orders", "smaller_orders", "troubles"], "description": "`overdue`: silent for longer than usual. `fewer_orders`, `smaller_orders`: compared with the year before. `troubles`: open complaints or late tickets."},
                "silent_days": number, "mean_interval_days": number, "before": number, "now": number, "mean_before": number,
                "mean_now": number, "open_complaints": number, "late_tickets": number
            }
        }
    })
}

/// What to offer next, as JSON.
pub static OFFERS: Structure = Structure { name: "offers", schema: offers, ..Structure::PLAIN };

fn offers() -> Value {
    let id = json!({"type": "string", "format": "uuid"});
    let product = PRODUCT_ID.name();
    json!({
        "type": "array",
        "maxItems": 5,
        "items": {
            "type": "object",
            "required": [product, "because_of_id", "confidence", "lift"],
            "properties": {
                product: id, "because_of_id": id,
                "confidence": {"type": "number", "description": "The share of the orders with `because_of_id` that have the product too."},
                "lift": {"type": "number", "description": "How many times as often the product is in orders with `because_of_id` as in all orders."}
            }
        }
    })
}

crate::structures! { ChurnReason, Offer }

entity! {
    /// The value of a customer, computed every day from confirmed and fulfilled orders in the base currency, less refunds. Its id is that of
    /// the customer; a customer without such orders has none. Filter and sort customers by it with `value.…`.
    pub struct CustomerValue("customer_value", "customer-values", "customer_values", "Customer value", "客户价值") [] {
        /// The customer.
        customer_id: Option<Id> => reference("customer").filled().server_set().indexed().label("Customer", "客户"),
        /// The day of the first order.
        first_ordered_on: Option<NaiveDate> => date().filled().server_set().label("First ordered on", "首次下单日期").example("2024-03-01"),
        /// The day of the last order.
        last_ordered_on: Option<NaiveDate> => date().filled().server_set().indexed().label("Last ordered on", "最近下单日期").example("2026-02-12"),
        /// Days from the last order to the day of the computation.
        days_since_order: i64 => integer(0, i64::MAX).default(0).server_set().detail().label("Days since last order", "距最近下单天数").example(17),
        /// The number of orders.
        order_count: i64 => integer(0, i64::MAX).default(0).server_set().indexed().label("Orders", "订单数").example(6),
        /// The number of days with an order.
        purchase_count: i64 => integer(0, i64::MAX).default(0).server_set().detail().label("Purchases", "购买次数").example(5),
        /// The orders in other currencies, which count nowhere here.
        other_currency_order_count: i64 => integer(0, i64::MAX).default(0).server_set().detail().label("Orders in other currencies", "其他币种订单数").example(0),
        /// The amount of all orders less refunds.
        order_total: Option<Money> => money().filled().server_set().indexed().label("Total", "累计金额").example(json!({"amount": 12_960_000, "currency": "CNY"})),
        /// `order_total` divided by `order_count`.
        average_order: Option<Money> => money().server_set().detail().label("Average order", "客单价").example(json!({"amount": 2_160_000, "currency": "CNY"})),
        /// The score of recency, 1 to 5; 5 is best.
        recency_score: i64 => integer(1, 5).default(1).server_set().label("Recency score", "近度得分").example(5),
        /// The score of the number of orders, 1 to 5.
        frequency_score: i64 => integer(1, 5).default(1).server_set().label("Frequency score", "频度得分").example(4),
        /// The score of the total, 1 to 5.
        monetary_score: i64 => integer(1, 5).default(1).server_set().label("Monetary score", "金额得分").example(5),
        /// The RFM class: whether each score is above the mean of all customers.
        rfm_class: Option<RfmClass> => choice(RfmClass::choices()).filled().server_set().indexed().label("RFM class", "RFM 分类").example("important_value"),
        /// How much the customer has bought, compared with others.
        sales_class: Option<SalesClass> => choice(SalesClass::choices()).filled().server_set().label("Sales class", "销售额等级").example("high"),
        /// How often the customer has bought, compared with others.
        frequency_class: Option<FrequencyClass> => choice(FrequencyClass::choices()).filled().server_set().label("Frequency class", "频次等级").example("high"),
        /// How loyal the customer is.
        loyalty_class: Option<LoyaltyClass> => choice(LoyaltyClass::choices()).filled().server_set().indexed().label("Loyalty class", "忠诚度分类").example("loyal"),
        /// The probability that the customer still buys, 0 to 1; null as long as too little is known of the customers to tell.
        alive_probability: Option<f64> => decimal().server_set().indexed().label("Probability of being active", "活跃概率").example(0.93),
        /// The days with an order expected within the horizon; null likewise.
        expected_purchases: Option<f64> => decimal().server_set().label("Expected purchases", "预期购买次数").example(3.2),
        /// The profit expected within the horizon, discounted to today; null likewise.
        lifetime_value: Option<Money> => money().server_set().indexed().label("Lifetime value", "生命周期价值").example(json!({"amount": 5_180_000, "currency": "CNY"})),
        /// The risk of losing the customer; null likewise.
        churn_risk: Option<ChurnRisk> => choice(ChurnRisk::choices()).server_set().indexed().label("Churn risk", "流失风险").example("low"),
        /// What speaks for losing the customer, with its figures.
        churn_reasons: Vec<ChurnReason> => structure(&CHURN_REASONS).default(json!([])).server_set().detail().opaque().label("Reasons for churn", "流失原因").example(json!([{"reason": "overdue", "silent_days": 120, "mean_interval_days": 41.5}])),
        /// The risk that the customer pays late.
        credit_risk: Option<CreditRisk> => choice(CreditRisk::choices()).filled().server_set().indexed().label("Credit risk", "信用风险").example("low"),
        /// How many days late payments were on average, weighted by amount; null if none were due.
        mean_days_late: Option<f64> => decimal().server_set().detail().label("Mean days late", "平均逾期天数").example(1.5),
        /// The share of what was due that was paid late or is overdue, 0 to 1; null likewise.
        share_late: Option<f64> => decimal().server_set().detail().label("Share late", "逾期比例").example(0.1),
        /// What should have been paid by now and was not.
        overdue: Option<Money> => money().server_set().detail().label("Overdue", "逾期金额").example(json!({"amount": 0, "currency": "CNY"})),
        /// For how many days the oldest overdue payment has been overdue; 0 if none is.
        longest_overdue_days: i64 => integer(0, i64::MAX).default(0).server_set().detail().label("Longest overdue, in days", "最长逾期天数").example(0),
        /// Products that customers like this one buy, the best first.
        next_products: Vec<Offer> => structure(&OFFERS).default(json!([])).server_set().detail().opaque().label("Next products", "推荐产品").example(json!([{"product_id": "01890a5d-ac96-774b-bcce-b302099a8057", "because_of_id": "01890a5d-ac96-774b-bcce-b302099a8058", "confidence": 0.42, "lift": 3.1}])),
    }
    extend |object| object
        .relations([Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } }])
        .read_only()
        .read_with(["customer"])
        .titled("customer_id")
}
