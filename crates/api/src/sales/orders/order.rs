//! Orders themselves: completed from contact and opportunity, and told what their parts come to.

use farley_domain::{
    model::{
        fault::{Fault, FaultCode},
        record::Record,
    },
    sales::{
        opportunity::Opportunity,
        orders::{line::OrderLine, order::Order, standing},
    },
};
use farley_persistence::Work;

use super::{refused, tell, today};
use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
};

impl Behaviour for Order {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let Some(before) = writing.before else { return begin(work, writing, record) };
        if before.is_archived() != record.is_archived() {
            return Ok(());
        }
        let needed = [Order::customer_id.field(), Order::number.field(), Order::ordered_on.field()];
        if let Some(lacking) = needed.into_iter().find(|field| record.cell(field).is_null()) {
            return Err(refused(Fault::new(format!("/{}", lacking.name), FaultCode::Required)));
        }
        let counts = [Order::amount.field(), Order::tax_amount.field(), Order::amount_from_lines.field(), Order::status.field()];
        let changes = counts.into_iter().any(|field| before.cell(field) != record.cell(field));
        if changes { tell(work, record) } else { Ok(()) }
    }

    fn verb(before: &Record<Self>, after: &Record<Self>) -> Option<&'static str> {
        (!before.agrees(Order::status, after)).then_some("status_changed")
    }
}

/// Completes a new order, and adds up the lines that come with it.
fn begin(work: &mut Work<'_>, writing: &Writing<'_, Order>, record: &mut Record<Order>) -> Result<(), Problem> {
    if record.is_null(Order::customer_id)
        && let Some(contact) = record.get(Order::contact_id)
    {
        let customer = lookup::customer_of_contact(work, contact)?;
        record.set(Order::customer_id, customer);
    }
    if record.is_null(Order::customer_id)
        && let Some(opportunity) = record.get(Order::opportunity_id)
    {
        let opportunity = lookup::one::<Opportunity>(work, opportunity)?;
        record.set(Order::customer_id, opportunity.and_then(|opportunity| opportunity.get(Opportunity::customer_id)));
    }
    if record.is_null(Order::customer_id) {
        return Err(refused(Fault::new(Order::customer_id.pointer(), FaultCode::Required)));
    }
    if record.is_null(Order::ordered_on) {
        record.set(Order::ordered_on, today(writing));
    }
    let lines: Vec<Record<OrderLine>> = writing.parts.iter().map(|line| line.of::<OrderLine>().clone()).collect();
    standing::follow_lines(record, &lines, &|place| format!("/lines/{place}")).map_err(refused)?;
    standing::settle(record, &[], &[]);
    Ok(())
}
