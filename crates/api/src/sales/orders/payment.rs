//! Payments of orders: in the currency of the order, and counted in it.

use farley_domain::{
    model::{
        fault::{Fault, FaultCode},
        record::Record,
    },
    sales::orders::payment::{MOST_PAYMENTS, Payment},
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
        if writing.before.is_none_or(Record::is_archived) && payments_of(work, order.id())?.len() >= MOST_PAYMENTS {
            return Err(refused(Fault::new("", FaultCode::TooMany).with("max", MOST_PAYMENTS)));
        }
        has_come(writing, record, Payment::paid_on)?;
        same_currency(&order, record, Payment::amount)
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        after_part(work, writing, record.get(Payment::order_id))?;
        Ok(Shown::new())
    }
}
