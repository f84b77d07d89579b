//! Checklists of work orders: in their order, and left as they were once the work is done.

use farley_domain::{
    model::record::Record,
    query::predicate::Predicate,
    service::work_orders::{checklist_item::ChecklistItem, work_order::WorkOrder},
    values::id::Id,
};
use farley_persistence::Work;

use super::demand;
use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
        parts::find_place,
    },
};

/// How many items a checklist may have.
const MOST_ITEMS: usize = 200;

impl Behaviour for ChecklistItem {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let order = record.get(ChecklistItem::work_order_id).ok_or_else(Problem::not_found)?;
        // What was checked when the work was done, and signed, does not change behind that.
        let done = lookup::one::<WorkOrder>(work, order)?.ok_or_else(Problem::not_found)?;
        demand(&done, |status| !status.is_done())?;
        if record.is_archived() {
            return Ok(());
        }
        let items = items_of(work, order)?;
        find_place(writing, record, &items, (ChecklistItem::sort_order, MOST_ITEMS))
    }
}

/// The live items of a checklist, in their order.
pub fn items_of(work: &mut Work<'_>, order: Id) -> Result<Vec<Record<ChecklistItem>>, Problem> {
    let items = Predicate::Archived(false).and(ChecklistItem::work_order_id.eq(order));
    let mut items = lookup::find::<ChecklistItem>(work, &items, MOST_ITEMS)?;
    items.sort_by_key(|item| (item.get(ChecklistItem::sort_order), item.id()));
    Ok(items)
}
