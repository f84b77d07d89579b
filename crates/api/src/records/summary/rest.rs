//! What the groups that `limit` leaves out come to together: worked out of what was read for each of them, so that a mean is that of all
//! records and no mean of means.

use std::collections::{BTreeMap, btree_map::Entry};

use farley_persistence::Cell;
use serde_json::{Value, json};

use super::{
    asked::{Figure, Wanted},
    computation::{Key, Row, figure_of},
};
use crate::http::problem::{Code, Problem};

/// What was read for a figure: of money for each currency, of other fields under no name.
pub type Parts = BTreeMap<String, Vec<Cell>>;

/// What some groups come to together.
pub struct Rest {
    pub groups: usize,
    pub count: i64,
    pub figures: Vec<Value>,
}

/// Puts groups together in which each record is once.
pub fn together(rows: &[Row], wanted: &[Wanted]) -> Result<Rest, Problem> {
    let mut figures = Vec::new();
    for (place, wanted) in wanted.iter().enumerate() {
        let mut all = Parts::new();
        for (currency, cells) in rows.iter().flat_map(|row| &row.parts[place]) {
            match all.entry(currency.clone()) {
                Entry::Vacant(free) => drop(free.insert(cells.clone())),
                Entry::Occupied(mut known) => {
                    for (known, cell) in known.get_mut().iter_mut().zip(cells) {
                        *known = joined(wanted.figure, known, cell)?;
                    }
                }
            }
        }
        figures.push(told(wanted, &all)?);
    }
    Ok(Rest { groups: rows.len(), count: rows.iter().map(|row| row.count).sum(), figures })
}

/// A figure from what was read for it: of money a list, one for each currency.
pub fn told(wanted: &Wanted, parts: &Parts) -> Result<Value, Problem> {
    if !wanted.is_money() {
        return parts.values().next().map_or(Ok(Value::Null), |cells| figure_of(wanted, cells));
    }
    let each = parts.iter().map(|(currency, cells)| Ok(json!({"amount": figure_of(wanted, cells)?, "currency": currency})));
    Ok(Value::Array(each.collect::<Result<_, Problem>>()?))
}

fn joined(figure: Figure, left: &Cell, right: &Cell) -> Result<Cell, Problem> {
    let first = |is_first: bool| if is_first { left.clone() } else { right.clone() };
    Ok(match (left, right) {
        (Cell::Null, other) | (other, Cell::Null) => other.clone(),
        _ if figure == Figure::Least => first(Key::of(left) <= Key::of(right)),
        _ if figure == Figure::Greatest => first(Key::of(left) >= Key::of(right)),
        (Cell::Integer(left), Cell::Integer(right)) => {
            Cell::Integer(left.checked_add(*right).ok_or_else(|| Problem::new(Code::SumTooLarge))?)
        }
        (Cell::Double(left), Cell::Double(right)) => Cell::Double(left + right),
        _ => return Err(Problem::internal("what adds up is of one kind")),
    })
}
