//! The order in which rows are imported: parents before their children, whatever their order in the file; else as they stand.

use std::collections::HashMap;

use super::{
    mapping::Lookup,
    plan::{Place, Plan, PlannedColumn},
    row::Row,
};
use crate::{
    model::{field::FieldType, object::Schema, recurring},
    values::text::fold,
};

/// Positions of the rows in the order in which they are to be imported. Where rows name each other in a circle, they stay as
/// they stand, and the first of them will not find its parent.
#[must_use]
pub fn parents_first(plan: &Plan, rows: &[Row], schema: &Schema) -> Vec<usize> {
    let refers = |column: &&PlannedColumn| {
        let own = matches!(column.place, Place::Whole);
        own && matches!(&column.field.kind, FieldType::Reference(object) if *object == schema.object.name)
    };
    let Some(parent) = plan.columns.iter().find(refers) else { return (0..rows.len()).collect() };
    let Some(key) = key_column(plan, parent, schema) else { return (0..rows.len()).collect() };
    let mut by_key: HashMap<String, usize> = HashMap::new();
    for (position, row) in rows.iter().enumerate() {
        let key = folded(&key.typed(row));
        if !key.is_empty() {
            by_key.entry(key).or_insert(position);
        }
    }
    let parent_of = |position: usize| rows.get(position).and_then(|row| by_key.get(&folded(&parent.typed(row)))).copied();
    let mut placed = vec![false; rows.len()];
    let mut order = Vec::with_capacity(rows.len());
    for position in 0..rows.len() {
        let mut chain = Vec::new();
        let mut next = Some(position);
        while let Some(row) = next.filter(|row| !placed[*row]) {
            // Also ends a circle.
            placed[row] = true;
            chain.push(row);
            next = parent_of(row);
        }
        order.extend(chain.into_iter().rev());
    }
    order
}

fn folded(typed: &str) -> String {
    fold(typed.trim())
}

/// The column by which rows are named in the column of parents.
#[must_use]
pub fn key_column<'a>(plan: &'a Plan, parent: &PlannedColumn, schema: &Schema) -> Option<&'a PlannedColumn> {
    match &parent.lookup {
        Lookup::Auto => plan.column(schema.object.title),
        Lookup::Id => plan.column(recurring::ID.name()),
        Lookup::Field(path) => plan.column(path),
        Lookup::External(system) => plan.column(&format!("{}.{system}", recurring::EXTERNAL_IDS.name())),
    }
}
