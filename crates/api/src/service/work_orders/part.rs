//! Parts of work orders: named after their products, in their order.

use farley_domain::{
    catalog::product::Product,
    model::{
        fault::{Fault, FaultCode},
        record::Record,
    },
    query::predicate::Predicate,
    service::work_orders::part::WorkOrderPart,
};
use farley_persistence::Work;

use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
        parts::find_place,
    },
};

/// How many parts a work order may have.
const MOST_PARTS: usize = 200;

impl Behaviour for WorkOrderPart {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        let order = record.get(WorkOrderPart::work_order_id).ok_or_else(Problem::not_found)?;
        let siblings = Predicate::Archived(false).and(WorkOrderPart::work_order_id.eq(order));
        let siblings = lookup::find::<WorkOrderPart>(work, &siblings, MOST_PARTS)?;
        find_place(writing, record, &siblings, (WorkOrderPart::sort_order, MOST_PARTS))?;
        if let Some(product) = record.get(WorkOrderPart::product_id).filter(|_| record.is_null(WorkOrderPart::name)) {
            let name = lookup::one::<Product>(work, product)?.map(|product| product.get(Product::name).to_owned());
            record.set(WorkOrderPart::name, name);
        }
        if record.is_null(WorkOrderPart::name) {
            return Err(Problem::rule(Fault::new(WorkOrderPart::name.pointer(), FaultCode::Required).into()));
        }
        Ok(())
    }
}
