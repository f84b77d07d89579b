//! Line items: priced from the product, and counted in the amount of their opportunity.

use farley_domain::{
    catalog::product::Product,
    entity::Entity,
    fault::{Fault, FaultCode},
    field::Op,
    identity::access::Action,
    money::Money,
    predicate::{Operand, Predicate},
    record::Record,
    sales::{
        line_item::{self, LineItem},
        opportunity::Opportunity,
    },
};
use farley_persistence::Work;
use serde_json::{Value, json};

use super::opportunity::{lines_of, sum_of};
use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        named::Named,
    },
};

/// How many lines an opportunity may have.
pub const MAX_LINES: usize = 500;

impl Behaviour for LineItem {
    /// Completes a line from its product and computes its amount.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (writing, record) = (&writing.any(), record.any_mut());
        let opportunity = record.id_of("opportunity_id").ok_or_else(Problem::not_found)?;
        let others: Vec<Record> = lines_of(work, opportunity)?.into_iter().filter(|line| line.id() != record.id()).collect();
        if record.is_archived() {
            // Without it the rebates of others may be more than what they are taken off.
            return sum_of(&others, "").map(drop);
        }
        if others.len() >= MAX_LINES {
            return Err(Problem::rule(Fault::new("", FaultCode::TooMany).with("max", MAX_LINES).into()));
        }
        complete(work, writing, record)?;
        if record.get("sort_order").is_null() {
            let last = others.iter().filter_map(|line| line.get("sort_order").as_i64()).max().unwrap_or(0);
            record.set("sort_order", last + 1);
        }
        let required = |name: &str| Problem::rule(Fault::new(format!("/{name}"), FaultCode::Required).into());
        if record.get("name").is_null() {
            return Err(required("name"));
        }
        let price = record.get("unit_price").clone();
        let (Some(unit), Some(currency)) = (price["amount"].as_i64(), price["currency"].as_str()) else {
            return Err(required("unit_price"));
        };
        let other = others.iter().filter_map(|line| line.get("amount")["currency"].as_str()).find(|other| *other != currency);
        if let Some(other) = other {
            return Err(Problem::rule(
                Fault::new("/unit_price/currency", FaultCode::OtherCurrency).with("currency", other).into(),
            ));
        }
        let amount = line_item::amount(record.get("quantity"), unit, record.get("discount"));
        let Some(amount) = amount else {
            let fault = match unit {
                ..0 => Fault::new("/amount/amount", FaultCode::TooSmall).with("min", -Money::MAX_AMOUNT),
                0.. => Fault::new("/amount/amount", FaultCode::TooLarge).with("max", Money::MAX_AMOUNT),
            };
            return Err(Problem::rule(fault.into()));
        };
        record.set("amount", json!({"amount": amount, "currency": currency}));
        let mut lines = others;
        lines.push(record.clone());
        sum_of(&lines, "/unit_price/amount").map(drop)
    }

    /// The amount of the opportunity follows its lines, where it is to.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let (writing, record) = (&writing.any(), record.any());
        let opportunity = record.id_of("opportunity_id").ok_or_else(Problem::not_found)?;
        let writer = writing.writer(Opportunity::object());
        let loaded = writer.load(work, &Named::Id(opportunity), Action::Update)?;
        if loaded.record.get("amount_from_lines") == true {
            let mut after = loaded.record.clone();
            let lines = lines_of(work, opportunity)?;
            after.set("amount", if lines.is_empty() { Value::Null } else { sum_of(&lines, "")? });
            writer.store(work, &loaded, after, "updated")?;
        }
        Ok(Shown::new())
    }
}

/// What a line does not say, its product does.
fn complete(work: &mut Work<'_>, writing: &Writing<'_>, record: &mut Record) -> Result<(), Problem> {
    let Some(product) = record.id_of("product_id") else { return Ok(()) };
    let changed = writing.before.is_some_and(|before| before.get("product_id") != record.get("product_id"));
    let Some(field) = Product::object().field("id") else { return Ok(()) };
    let found = work.reader().find(
        &without_custom_fields(Product::object()),
        &Unrestricted,
        &Predicate::test(field, Op::Eq, Operand::Id(product)),
        1,
    )?;
    let Some(product) = found.first() else { return Ok(()) };
    for (name, of_product) in [("name", "name"), ("unit_price", "list_price")] {
        let as_before = writing.before.is_some_and(|before| before.get(name) == record.get(name));
        if record.get(name).is_null() || (changed && as_before && !product.get(of_product).is_null()) {
            record.set(name, product.get(of_product).clone());
        }
    }
    Ok(())
}
