//! Refunds of orders: together at most what was bought, and counted in the order.

use farley_domain::{
    model::{
        fault::{Fault, FaultCode},
        record::Record,
    },
    sales::orders::{line::OrderLine, order::Order, payment::MOST_PAYMENTS, refund::Refund},
};
use farley_persistence::Work;

use super::{after_part, has_come, order_of, refunds_of, refused, same_currency, today};
use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
    },
};

impl Behaviour for Refund {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        if record.is_null(Refund::refunded_on) {
            record.set(Refund::refunded_on, today(writing));
        }
        has_come(writing, record, Refund::refunded_on)?;
        let order = order_of(work, record, Refund::order_id)?;
        same_currency(&order, record, Refund::amount)?;
        if let Some(line) = record.get(Refund::order_line_id) {
            let line = lookup::one::<OrderLine>(work, line)?.filter(|line| line.get(OrderLine::order_id) == Some(order.id()));
            if line.is_none() {
                return Err(refused(Fault::new(Refund::order_line_id.pointer(), FaultCode::NotFound)));
            }
        }
        let mut others = refunds_of(work, order.id())?;
        others.retain(|other| other.id() != record.id());
        if others.len() >= MOST_PAYMENTS {
            return Err(refused(Fault::new("", FaultCode::TooMany).with("max", MOST_PAYMENTS)));
        }
        let refunded: i64 = others.iter().filter_map(|other| other.get(Refund::amount)).map(|money| money.amount).sum();
        let left = order.get(Order::amount).map_or(0, |amount| amount.amount.saturating_sub(refunded));
        if record.get(Refund::amount).is_some_and(|amount| amount.amount > left) {
            let pointer = format!("{}/amount", Refund::amount.pointer());
            return Err(refused(Fault::new(pointer, FaultCode::TooLarge).with("max", left)));
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        after_part(work, writing, record.get(Refund::order_id))?;
        Ok(Shown::new())
    }
}
