//! How an order stands: the sums of its lines, and what is paid, given back and still to be paid.

use chrono::NaiveDate;

use super::{
    line::OrderLine,
    order::{Order, OrderStatus, PaymentStatus},
    payment::Payment,
    refund::Refund,
};
use crate::{
    model::{
        fault::{Fault, FaultCode},
        handle::Handle,
        record::Record,
    },
    sales::line_item::total,
    values::money::Money,
};

/// Puts the sums of the lines into the order, where its amount is to be theirs: none without lines. Lines in another currency than the others,
/// or than an amount that was set, and sums that are no amount of an order, are faults at the line that `pointer` names by its place.
pub fn follow_lines(
    order: &mut Record<Order>,
    lines: &[Record<OrderLine>],
    pointer: &dyn Fn(usize) -> String,
) -> Result<(), Fault> {
    let at = |place: usize, member: &str| format!("{}{}/{member}", pointer(place), OrderLine::unit_price.pointer());
    let of = |money: Handle<OrderLine, Option<Money>>| lines.iter().filter_map(|line| line.get(money)).collect::<Vec<Money>>();
    let sum = total(&of(OrderLine::amount), &at)?;
    if order.get(Order::amount_from_lines) {
        order.set(Order::amount, sum);
        order.set(Order::tax_amount, total(&of(OrderLine::tax_amount), &at)?);
    } else if let (Some(sum), Some(set)) = (sum, order.get(Order::amount))
        && sum.currency != set.currency
    {
        return Err(Fault::new(at(lines.len() - 1, "currency"), FaultCode::OtherCurrency).with("currency", set.currency));
    }
    tell_net(order);
    Ok(())
}

/// The amount without tax.
fn tell_net(order: &mut Record<Order>) {
    let net = order.get(Order::amount).zip(order.get(Order::tax_amount)).and_then(|(amount, tax)| amount.checked_sub(tax).ok());
    order.set(Order::net_amount, net);
}

/// Tells in the order what its live payments and refunds come to.
pub fn settle(order: &mut Record<Order>, payments: &[Record<Payment>], refunds: &[Record<Refund>]) {
    let first = payments.iter().find_map(|payment| payment.get(Payment::amount));
    let first = first.or_else(|| refunds.iter().find_map(|refund| refund.get(Refund::amount)));
    let Some(currency) = order.get(Order::amount).or(first).map(|money| money.currency) else {
        for money in [Order::paid_amount, Order::refunded_amount, Order::outstanding_amount] {
            order.clear(money);
        }
        order.set(Order::payment_status, PaymentStatus::Unpaid);
        order.clear(Order::next_due_on);
        return;
    };
    let made = payments.iter().filter(|payment| !payment.is_null(Payment::paid_on));
    let paid: i64 = made.filter_map(|payment| payment.get(Payment::amount)).map(|money| money.amount).sum();
    let refunded: i64 = refunds.iter().filter_map(|refund| refund.get(Refund::amount)).map(|money| money.amount).sum();
    let amount = order.get(Order::amount).map(|amount| amount.amount);
    let is_owed = order.get(Order::status).is_some_and(OrderStatus::is_bought);
    let outstanding = amount.filter(|_| is_owed).map_or(0, |amount| amount.saturating_sub(paid).max(0));
    order.set(Order::paid_amount, Money::new(paid, currency));
    order.set(Order::refunded_amount, Money::new(refunded, currency));
    order.set(Order::outstanding_amount, Money::new(outstanding, currency));
    order.set(Order::payment_status, status_of(amount, paid, refunded));
    order.set(Order::next_due_on, next_due(payments).filter(|_| is_owed));
}

/// How far an order is paid. What was given back counts once something was paid; an order that costs nothing is paid.
#[must_use]
pub fn status_of(amount: Option<i64>, paid: i64, refunded: i64) -> PaymentStatus {
    match amount {
        _ if refunded > 0 && refunded >= paid => PaymentStatus::Refunded,
        _ if refunded > 0 => PaymentStatus::PartlyRefunded,
        Some(amount) if paid >= amount => PaymentStatus::Paid,
        None | Some(_) if paid > 0 => PaymentStatus::PartlyPaid,
        None | Some(_) => PaymentStatus::Unpaid,
    }
}

fn next_due(payments: &[Record<Payment>]) -> Option<NaiveDate> {
    payments.iter().filter(|payment| payment.is_null(Payment::paid_on)).filter_map(|payment| payment.get(Payment::due_on)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::entity::Entity, values::money::Currency};

    fn cny(amount: i64) -> Money {
        Money::new(amount, Currency::CNY)
    }

    fn day(text: &str) -> Option<NaiveDate> {
        Some(text.parse().unwrap())
    }

    fn payment(amount: i64, due: Option<NaiveDate>, paid: Option<NaiveDate>) -> Record<Payment> {
        let mut payment = Record::new(Payment::object()).into_entity::<Payment>();
        payment.set(Payment::amount, cny(amount));
        payment.set(Payment::due_on, due);
        payment.set(Payment::paid_on, paid);
        payment
    }

    fn line(amount: i64, tax: i64, currency: Currency) -> Record<OrderLine> {
        let mut line = Record::new(OrderLine::object()).into_entity::<OrderLine>();
        line.set(OrderLine::amount, Money::new(amount, currency));
        line.set(OrderLine::tax_amount, Money::new(tax, currency));
        line
    }

    fn order() -> Record<Order> {
        let mut order = Record::new(Order::object()).into_entity::<Order>();
        order.set(Order::amount_from_lines, true);
        order.set(Order::status, OrderStatus::Confirmed);
        order
    }

    #[test]
    fn an_order_is_paid_by_what_was_paid() {
        let cases = [
            (Some(100), 0, 0, PaymentStatus::Unpaid),
            (Some(100), 40, 0, PaymentStatus::PartlyPaid),
            (Some(100), 100, 0, PaymentStatus::Paid),
            (Some(100), 120, 0, PaymentStatus::Paid),
            (Some(100), 100, 30, PaymentStatus::PartlyRefunded),
            (Some(100), 100, 100, PaymentStatus::Refunded),
            (Some(0), 0, 0, PaymentStatus::Paid),
            (None, 0, 0, PaymentStatus::Unpaid),
            (None, 10, 0, PaymentStatus::PartlyPaid),
        ];
        for (amount, paid, refunded, status) in cases {
            assert_eq!(status_of(amount, paid, refunded), status, "{amount:?} {paid} {refunded}");
        }
    }

    #[test]
    fn what_is_owed_is_what_was_bought_and_not_paid() {
        let mut order = order();
        order.set(Order::amount, cny(1_000));
        let payments = [
            payment(400, day("2026-03-01"), day("2026-03-05")),
            payment(300, day("2026-05-01"), None),
            payment(300, day("2026-04-01"), None),
        ];
        settle(&mut order, &payments, &[]);
        let told = |order: &Record<Order>| {
            (order.get(Order::paid_amount), order.get(Order::outstanding_amount), order.get(Order::next_due_on))
        };
        assert_eq!(told(&order), (Some(cny(400)), Some(cny(600)), day("2026-04-01")));
        assert_eq!(order.get(Order::payment_status), Some(PaymentStatus::PartlyPaid));
        order.set(Order::status, OrderStatus::Cancelled);
        settle(&mut order, &payments, &[]);
        assert_eq!(told(&order), (Some(cny(400)), Some(cny(0)), None), "nobody pays for what was cancelled");
    }

    #[test]
    fn lines_add_up_in_one_currency() {
        let mut order = order();
        let at = |place: usize| format!("/lines/{place}");
        follow_lines(&mut order, &[line(113, 13, Currency::CNY), line(-13, 0, Currency::CNY)], &at).unwrap();
        let sums = [Order::amount, Order::tax_amount, Order::net_amount].map(|money| order.get(money));
        assert_eq!(sums, [Some(cny(100)), Some(cny(13)), Some(cny(87))]);
        let other = follow_lines(&mut order, &[line(1, 0, Currency::CNY), line(1, 0, Currency::USD)], &at).unwrap_err();
        assert_eq!((other.pointer.as_str(), other.code), ("/lines/1/unit_price/currency", FaultCode::OtherCurrency));
        follow_lines(&mut order, &[], &at).unwrap();
        assert_eq!(
            [Order::amount, Order::tax_amount, Order::net_amount].map(|money| order.get(money)),
            [None; 3],
            "nothing is left"
        );
        order.set(Order::amount_from_lines, false);
        order.set(Order::amount, cny(5));
        let foreign = follow_lines(&mut order, &[line(1, 0, Currency::USD)], &at).unwrap_err();
        assert_eq!((foreign.pointer.as_str(), foreign.code), ("/lines/0/unit_price/currency", FaultCode::OtherCurrency));
        let less = follow_lines(&mut order, &[line(1, 0, Currency::CNY), line(-2, 0, Currency::CNY)], &at).unwrap_err();
        assert_eq!((less.pointer.as_str(), less.code), ("/lines/1/unit_price/amount", FaultCode::SumTooSmall));
    }
}
