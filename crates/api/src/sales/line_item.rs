//! Line items: priced from the product, and counted in the amount of their opportunity.

use farley_domain::{
    catalog::product::Product,
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        handle::Handle,
        record::Record,
    },
    sales::{
        line_item::{self, LineItem},
        opportunity::Opportunity,
    },
    values::{id::Id, money::Money},
};
use farley_persistence::Work;

use super::opportunity::{lines_of, sum_of};
use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
        named::Named,
        parts::find_place,
    },
};

/// How many lines an opportunity may have.
pub const MAX_LINES: usize = 500;

impl Behaviour for LineItem {
    /// Completes a line from its product and computes its amount.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let opportunity = record.get(LineItem::opportunity_id).ok_or_else(Problem::not_found)?;
        // What lines that come together add up to, their opportunity judges.
        let mut lines = if writing.whole.is_some() { Vec::new() } else { lines_of(work, opportunity)? };
        lines.retain(|line| line.id() != record.id());
        if record.is_archived() {
            // Without it the rebates of others may be more than what they are taken off.
            return sum_of(&lines, &|_, _| String::new()).map(drop);
        }
        find_place(writing, record, &lines, (LineItem::sort_order, MAX_LINES))?;
        complete(work, writing, record)?;
        let required = |pointer: String| Problem::rule(Fault::new(pointer, FaultCode::Required).into());
        if record.is_null(LineItem::name) {
            return Err(required(LineItem::name.pointer()));
        }
        let price = record.get(LineItem::unit_price).ok_or_else(|| required(LineItem::unit_price.pointer()))?;
        let factors = record.get(LineItem::quantity).zip(record.get(LineItem::discount));
        let amount = factors.and_then(|(quantity, discount)| line_item::amount(quantity, price.amount, discount));
        let Some(amount) = amount else {
            let pointer = format!("{}/amount", LineItem::amount.pointer());
            let fault = match price.amount {
                ..0 => Fault::new(pointer, FaultCode::TooSmall).with("min", -Money::MAX_AMOUNT),
                0.. => Fault::new(pointer, FaultCode::TooLarge).with("max", Money::MAX_AMOUNT),
            };
            return Err(Problem::rule(fault.into()));
        };
        record.set(LineItem::amount, Money::new(amount, price.currency));
        if writing.whole.is_some() {
            return Ok(());
        }
        lines.push(record.clone());
        sum_of(&lines, &|_, member| format!("{}/{member}", LineItem::unit_price.pointer())).map(drop)
    }

    /// The amount of the opportunity follows its lines, where it is to.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.whole.is_some() {
            return Ok(Shown::new());
        }
        let opportunity = record.get(LineItem::opportunity_id).ok_or_else(Problem::not_found)?;
        let writer = writing.writer(Opportunity::object());
        let loaded = writer.load(work, &Named::Id(opportunity), Action::Update)?;
        let mut after = loaded.record.of::<Opportunity>().clone();
        if after.get(Opportunity::amount_from_lines) {
            after.set(Opportunity::amount, sum_of(&lines_of(work, opportunity)?, &|_, _| String::new())?);
            writer.store(work, &loaded, after.into_any(), "updated")?;
        }
        Ok(Shown::new())
    }
}

/// What a line does not say, its product does.
fn complete(work: &mut Work<'_>, writing: &Writing<'_, LineItem>, record: &mut Record<LineItem>) -> Result<(), Problem> {
    let Some(id) = record.get(LineItem::product_id) else { return Ok(()) };
    let Some(product) = lookup::one::<Product>(work, id)? else { return Ok(()) };
    let line = (writing.before, LineItem::product_id);
    take_over(line, record, LineItem::name, &product, Product::name);
    take_over(line, record, LineItem::unit_price, &product, Product::list_price);
    Ok(())
}

/// Takes a value from the product where the line has none, or has that of the product it was of.
pub(super) fn take_over<E: Entity, T, U>(
    (before, product_id): (Option<&Record<E>>, Handle<E, Option<Id>>),
    record: &mut Record<E>,
    own: Handle<E, T>,
    product: &Record<Product>,
    of_product: Handle<Product, U>,
) {
    let changed = before.is_some_and(|before| !before.agrees(product_id, record));
    let as_before = before.is_some_and(|before| before.agrees(own, record));
    if record.is_null(own) || (changed && as_before && !product.is_null(of_product)) {
        record.put(own.field(), product.cell_of(of_product).clone());
    }
}
