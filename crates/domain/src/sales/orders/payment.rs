//! Payments of an order: those that are due, and those that were made.

use chrono::NaiveDate;
use serde_json::json;

use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        field::when_missing,
        record::Draft,
    },
    values::{id::Id, money::Money},
};

/// How many payments, and how many refunds, an order may have.
pub const MOST_PAYMENTS: usize = 500;

choices! {
    /// How something is paid.
    pub enum PaymentMethod {
        BankTransfer "bank_transfer" "Bank transfer" "银行转账",
        Card "card" "Card" "银行卡",
        Cash "cash" "Cash" "现金",
        Cheque "cheque" "Cheque" "支票",
        Acceptance "acceptance" "Banker's acceptance" "承兑汇票",
        DirectDebit "direct_debit" "Direct debit" "代扣",
        Alipay "alipay" "Alipay" "支付宝",
        WechatPay "wechat_pay" "WeChat Pay" "微信支付",
        Other "other" "Other" "其他",
    }
}

entity! {
    /// A payment of an order: an instalment with a due date, made or not, or a payment that was made at once.
    pub struct Payment("payment", "payments", "payments", "Payment", "付款") [external, custom] {
        /// The order it belongs to, from the path.
        order_id: Option<Id> => reference("order").on_create().indexed().label("Order", "订单"),
        /// How much, in the currency of the order.
        amount: Option<Money> => money().required().label("Amount", "金额").example(json!({"amount": 1_000_000, "currency": "CNY"})),
        /// The day by which it is to be paid.
        due_on: Option<NaiveDate> => date().indexed().required_when(when_missing(&["paid_on"])).label("Due on", "应付日期").example("2026-04-01"),
        /// The day on which it was paid, at the latest tomorrow; null as long as it was not.
        paid_on: Option<NaiveDate> => date().indexed().required_when(when_missing(&["due_on"])).label("Paid on", "付款日期").example("2026-03-28"),
        /// How it is paid.
        method: Option<PaymentMethod> => choice(PaymentMethod::choices()).label("Method", "付款方式").example("bank_transfer"),
        /// The number by which the payer, the bank or the payment provider knows it.
        reference: Option<String> => text(200).title().label("Reference", "流水号").example("TRX-2026-0311"),
        /// Notes.
        description: Option<String> => long_text(5_000).label("Description", "说明"),
    }
    extend |object| object
        .below("order", "order_id")
        .hidden_with(["amount"], "paid_amount")
        .titled("reference")
        .rule(is_due_or_paid)
}

fn is_due_or_paid(draft: &mut Draft<'_, Payment>) {
    if draft.after.is_null(Payment::due_on) && draft.after.is_null(Payment::paid_on) {
        draft.fault(Payment::due_on.pointer(), FaultCode::Required);
    }
    if draft.after.get(Payment::amount).is_some_and(|amount| amount.amount <= 0) {
        draft.faults.add(Fault::new(format!("{}/amount", Payment::amount.pointer()), FaultCode::TooSmall).with("min", 1));
    }
}
