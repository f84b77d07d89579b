//! Lines of orders: named and priced after their products, and counted in their orders.

use farley_domain::{
    catalog::product::Product,
    model::{
        fault::{Fault, FaultCode},
        record::Record,
    },
    sales::orders::{
        line::{MOST_LINES, OrderLine, amounts},
        order::Order,
        standing,
    },
    values::money::Money,
};
use farley_persistence::Work;

use super::{after_part, lines_of, order_of, refused};
use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
        parts::find_place,
    },
    sales::line_item::take_over,
};

impl Behaviour for OrderLine {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if let Some((order, _)) = writing.whole {
            find_place(writing, record, &[], (OrderLine::sort_order, MOST_LINES))?;
            complete(work, writing, record)?;
            return price(record, order.of::<Order>());
        }
        let mut order = order_of(work, record, OrderLine::order_id)?;
        let mut lines = lines_of(work, order.id())?;
        lines.retain(|line| line.id() != record.id());
        if !record.is_archived() {
            find_place(writing, record, &lines, (OrderLine::sort_order, MOST_LINES))?;
            complete(work, writing, record)?;
            price(record, &order)?;
            lines.push(record.clone());
        }
        // Also without a line the others must come to something: there may be rebates among them.
        standing::follow_lines(&mut order, &lines, &|_| String::new()).map_err(refused)
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.whole.is_none() {
            after_part(work, writing, record.get(OrderLine::order_id))?;
        }
        Ok(Shown::new())
    }
}

/// What a line does not say, its product does.
fn complete(work: &mut Work<'_>, writing: &Writing<'_, OrderLine>, record: &mut Record<OrderLine>) -> Result<(), Problem> {
    let Some(id) = record.get(OrderLine::product_id) else { return Ok(()) };
    let Some(product) = lookup::one::<Product>(work, id)? else { return Ok(()) };
    let line = (writing.before, OrderLine::product_id);
    take_over(line, record, OrderLine::name, &product, Product::name);
    take_over(line, record, OrderLine::unit, &product, Product::unit);
    take_over(line, record, OrderLine::unit_price, &product, Product::list_price);
    Ok(())
}

/// Computes what a line comes to.
fn price(record: &mut Record<OrderLine>, order: &Record<Order>) -> Result<(), Problem> {
    let required = |pointer: String| refused(Fault::new(pointer, FaultCode::Required));
    if record.is_null(OrderLine::name) {
        return Err(required(OrderLine::name.pointer()));
    }
    let price = record.get(OrderLine::unit_price).ok_or_else(|| required(OrderLine::unit_price.pointer()))?;
    let (quantity, discount) = (record.get(OrderLine::quantity), record.get(OrderLine::discount));
    let includes_tax = order.get(Order::prices_include_tax);
    let Some(amounts) = amounts(quantity, price.amount, discount, record.get(OrderLine::tax_rate), includes_tax) else {
        let pointer = format!("{}/amount", OrderLine::amount.pointer());
        return Err(refused(match price.amount {
            ..0 => Fault::new(pointer, FaultCode::TooSmall).with("min", -Money::MAX_AMOUNT),
            0.. => Fault::new(pointer, FaultCode::TooLarge).with("max", Money::MAX_AMOUNT),
        }));
    };
    record.set(OrderLine::net_amount, Money::new(amounts.net, price.currency));
    record.set(OrderLine::tax_amount, Money::new(amounts.tax, price.currency));
    record.set(OrderLine::amount, Money::new(amounts.gross, price.currency));
    Ok(())
}
