//! Payments of orders: in the currency of the order, and counted in it.

use farley_domain::{
    model::{
        fault::{Fault, FaultCode},
        record::Record,
    },
    sales::orders::payment::{MOST_PAYMENTS, Payment},
    values::money::Money,
};
use farley_persistence::Work;

use super::{after_part, has_come, order_of, payments_of, refused, same_currency};
use crate::{
    http::problem::Problem,
    records::behaviour::{Behaviour, Shown, Writing},
};

impl Behaviour for Payment {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        let order = order_of(work, record, Payment::order_id)?;
        let mut others = payments_of(work, order.id())?;
        others.retain(|other| other.id() != record.id());
        if others.len() >= MOST_PAYMENTS {
            return Err(refused(Fault::new("", FaultCode::TooMany).with("max", MOST_PAYMENTS)));
        }
        let amount = |payment: &Record<Payment>| payment.get(Payment::amount).map_or(0, |money| money.amount);
        if others.iter().map(amount).sum::<i64>() + amount(record) > Money::MAX_AMOUNT {
            let pointer = format!("{}/amount", Payment::amount.pointer());
            return Err(refused(Fault::new(pointer, FaultCode::SumTooLarge).with("max", Money::MAX_AMOUNT)));
        }
        has_come(writing, record, Payment::paid_on)?;
        same_currency(&order, record, Payment::amount)
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        after_part(work, writing, record.get(Payment::order_id))?;
        Ok(Shown::new())
    }
}
