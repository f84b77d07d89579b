//! The values of a dimension, in order: the periods of dates, the ranges of numbers, or the values that there are.

use std::collections::HashMap;

use chrono::NaiveDate;
use farley_domain::{
    model::{
        field::{Field, FieldType, Op},
        operand::Operand,
    },
    reporting::table::Course,
};
use farley_persistence::{Bound, Cell, Cut, Group};
use serde_json::{Value, json};

use super::question::Dimension;
use crate::http::problem::Problem;

/// One value of a dimension.
pub struct Member {
    /// For programs: a bucket's key, a range's number, the value itself; null where there is none.
    pub key: Value,
    /// What records it has; none where a filter cannot say.
    pub filter: Option<Value>,
    pub kind: MemberKind,
}

#[derive(Clone, Copy, PartialEq)]
pub enum MemberKind {
    Value,
    /// A stretch of time, by its first day; of what comes round again, any such day.
    Bucket(NaiveDate),
    /// From a bound, if not the least, to the next, if not the greatest.
    Range(Option<f64>, Option<f64>),
    Other,
    Missing,
}

/// A dimension with its values in order.
pub struct Axis {
    pub members: Vec<Member>,
    pub course: Course,
    pub group: Group,
    pub fill: bool,
    /// Of values that are read one by one: their places.
    pub places: HashMap<String, usize>,
    pub missing: Option<usize>,
    /// What narrows the rows of the question: with what comes before, and without.
    pub bounds: [Option<Value>; 2],
}

impl Axis {
    /// Of values that are read one by one.
    pub fn of_values(dimension: &Dimension) -> Axis {
        Axis {
            members: Vec::new(),
            course: Course::default(),
            group: dimension.group.clone(),
            fill: false,
            places: HashMap::new(),
            missing: None,
            bounds: [None, None],
        }
    }

    /// Of ranges between bounds that rise.
    pub fn of_ranges(dimension: &Dimension, bounds: &[f64]) -> Axis {
        let mut axis = Axis::of_values(dimension);
        let is_decimal = dimension.group.field.kind == FieldType::Decimal;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "whole numbers are not below a bound exactly if they are not below the next whole one"
        )]
        let bound = |number: f64| if is_decimal { Bound::Decimal(number) } else { Bound::Integer(number.ceil() as i64) };
        let value = |number: f64| match bound(number) {
            Bound::Integer(number) => json!(number),
            _ => json!(number),
        };
        axis.group.cut = Some(Cut::at(bounds.iter().copied().map(bound).collect()));
        for place in 0..=bounds.len() {
            let (from, to) = (place.checked_sub(1).map(|place| bounds[place]), bounds.get(place).copied());
            let test = |op: Op, number: f64| json!({"field": dimension.path, "op": op.as_str(), "value": value(number)});
            let tests: Vec<Value> =
                from.map(|from| test(Op::Gte, from)).into_iter().chain(to.map(|to| test(Op::Lt, to))).collect();
            axis.members.push(Member {
                key: json!(format!("range:{place}")),
                filter: Some(json!({"and": tests})),
                kind: MemberKind::Range(from, to),
            });
        }
        axis
    }

    /// The place of the value that was read.
    pub fn place(&self, cell: &Cell) -> Result<Option<usize>, Problem> {
        Ok(match (cell, &self.group.cut) {
            (Cell::Null, _) => self.missing,
            (cell, Some(_)) => cell.as_integer().and_then(|number| usize::try_from(number).ok()),
            (cell, None) => self.places.get(&cell.to_value()?.to_string()).copied(),
        })
    }
}

pub fn condition(path: &str, value: &Value) -> Value {
    json!({"field": path, "op": "eq", "value": value})
}

pub fn operand(cell: &Cell) -> Operand {
    match cell {
        Cell::Boolean(value) => Operand::Boolean(*value),
        Cell::Integer(value) => Operand::Integer(*value),
        Cell::Double(value) => Operand::Decimal(*value),
        Cell::Id(value) => Operand::Id(*value),
        Cell::Time(value) => Operand::Time(*value),
        Cell::Date(value) => Operand::Date(*value),
        Cell::Text(value) | Cell::Json(value) => Operand::Text(value.clone()),
        Cell::Null => Operand::Text(String::new()),
    }
}

/// Choices in the order of their declaration, all else by value.
pub fn in_order<'c>(field: &Field, mut cells: Vec<&'c Cell>) -> Vec<&'c Cell> {
    if let FieldType::Choice(choices) = &field.kind {
        let place = |cell: &Cell| choices.iter().position(|choice| Some(choice.value.as_ref()) == cell.as_text());
        cells.sort_by_key(|cell| place(cell).unwrap_or(usize::MAX));
    }
    cells
}
