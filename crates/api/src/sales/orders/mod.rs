//! Orders: what their lines, payments and refunds come to is kept in them, in the transaction that changes one of these.

mod line;
mod order;
mod payment;
mod refund;

use chrono::NaiveDate;
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        handle::Handle,
        record::Record,
    },
    query::predicate::Predicate,
    sales::orders::{
        line::{MOST_LINES, OrderLine},
        order::Order,
        payment::{MOST_PAYMENTS, Payment},
        refund::Refund,
        standing,
    },
    values::{
        calendar::day_of,
        id::Id,
        money::{Currency, Money},
    },
};
use farley_persistence::Work;

use crate::{
    http::problem::Problem,
    records::{behaviour::Writing, lookup, named::Named},
};

/// The live lines of an order, in their order.
fn lines_of(work: &mut Work<'_>, order: Id) -> Result<Vec<Record<OrderLine>>, Problem> {
    let within = Predicate::Archived(false).and(OrderLine::order_id.eq(order));
    let mut lines = lookup::find::<OrderLine>(work, &within, MOST_LINES + 1)?;
    lines.sort_by_key(|line| (line.get(OrderLine::sort_order), line.id()));
    Ok(lines)
}

fn payments_of(work: &mut Work<'_>, order: Id) -> Result<Vec<Record<Payment>>, Problem> {
    lookup::find(work, &Predicate::Archived(false).and(Payment::order_id.eq(order)), MOST_PAYMENTS + 1)
}

fn refunds_of(work: &mut Work<'_>, order: Id) -> Result<Vec<Record<Refund>>, Problem> {
    lookup::find(work, &Predicate::Archived(false).and(Refund::order_id.eq(order)), MOST_PAYMENTS + 1)
}

/// The order that a part belongs to.
fn order_of<E: Entity>(work: &mut Work<'_>, part: &Record<E>, field: Handle<E, Option<Id>>) -> Result<Record<Order>, Problem> {
    let order = part.get(field).ok_or_else(Problem::not_found)?;
    lookup::one::<Order>(work, order)?.ok_or_else(Problem::not_found)
}

/// Puts what the stored lines, payments and refunds come to into an order. What does not go together is refused at the order.
fn tell(work: &mut Work<'_>, order: &mut Record<Order>) -> Result<(), Problem> {
    let amount = Order::amount.pointer();
    let lines = lines_of(work, order.id())?;
    standing::follow_lines(order, &lines, &|_| amount.clone()).map_err(refused)?;
    let (payments, refunds) = (payments_of(work, order.id())?, refunds_of(work, order.id())?);
    standing::settle(order, &payments, &refunds);
    let amounts = payments.iter().filter_map(|payment| payment.get(Payment::amount));
    let amounts = amounts.chain(refunds.iter().filter_map(|refund| refund.get(Refund::amount)));
    let own = order.get(Order::amount);
    if let Some(own) = own
        && let Some(other) = amounts.map(|amount| amount.currency).find(|other| *other != own.currency)
    {
        return Err(refused(Fault::new(format!("{amount}/currency"), FaultCode::OtherCurrency).with("currency", other)));
    }
    if let Some(refunded) = order.get(Order::refunded_amount).filter(|refunded| refunded.amount > own.map_or(0, |own| own.amount))
        && own.is_some()
    {
        return Err(refused(Fault::new(format!("{amount}/amount"), FaultCode::TooSmall).with("min", refunded.amount)));
    }
    Ok(())
}

/// Tells the order what has become of one of its parts.
fn after_part<E: Entity>(work: &mut Work<'_>, writing: &Writing<'_, E>, order: Option<Id>) -> Result<(), Problem> {
    let order = order.ok_or_else(Problem::not_found)?;
    let writer = writing.writer(Order::object());
    let loaded = writer.load(work, &Named::Id(order), Action::Update)?;
    let mut after = loaded.record.of::<Order>().clone();
    tell(work, &mut after)?;
    writer.store(work, &loaded, after.into_any(), "updated")?;
    Ok(())
}

/// The currency that money of an order is in, if that is known.
fn currency_of(order: &Record<Order>) -> Option<Currency> {
    let known = [Order::amount, Order::paid_amount, Order::refunded_amount];
    known.into_iter().find_map(|money| order.get(money)).map(|money| money.currency)
}

/// Refuses money in another currency than the order's.
fn same_currency<E: Entity>(order: &Record<Order>, part: &Record<E>, money: Handle<E, Option<Money>>) -> Result<(), Problem> {
    let other = currency_of(order).filter(|own| part.get(money).is_some_and(|money| money.currency != *own));
    let Some(own) = other else { return Ok(()) };
    Err(refused(Fault::new(format!("{}/currency", money.pointer()), FaultCode::OtherCurrency).with("currency", own)))
}

/// Today where the tenant is.
fn today<E>(writing: &Writing<'_, E>) -> NaiveDate {
    day_of(writing.now, writing.principal.standards(writing.now).zone)
}

/// Refuses a day that has not come anywhere yet: what is done is not done later than tomorrow.
fn has_come<E: Entity>(writing: &Writing<'_, E>, record: &Record<E>, day: Handle<E, Option<NaiveDate>>) -> Result<(), Problem> {
    let tomorrow = today(writing).succ_opt().unwrap_or(NaiveDate::MAX);
    let is_new = writing.before.is_none_or(|before| !before.agrees(day, record));
    match record.get(day) {
        Some(given) if is_new && given > tomorrow => {
            Err(refused(Fault::new(day.pointer(), FaultCode::TooLate).with("max", tomorrow)))
        }
        Some(_) | None => Ok(()),
    }
}

fn refused(fault: Fault) -> Problem {
    Problem::rule(fault.into())
}
