//! What is read of the records of each group, and how figures are made of it.

use std::collections::BTreeMap;

use farley_domain::{
    model::field::{Field, FieldType},
    reporting::{question::Function, table},
    values::{money::Currency, number::half_away},
};
use farley_persistence::{Cell, Measure as Read};
use serde_json::Value;

use super::{
    converting::Sums,
    question::{How, Measure, Question},
};
use crate::{
    http::problem::Problem,
    records::summary::{Figure, Key, mean, measures_of, to_six_places},
};

/// What is read for the measures of a question.
pub struct Reads<'q> {
    question: &'q Question,
    /// How many cells are read for each measure.
    widths: Vec<usize>,
    /// Of the groups themselves: their number of records first.
    pub plain: Vec<Read>,
    /// Of the groups cut by currency.
    pub money: Vec<Amounts>,
}

/// What is read of groups that are cut by a currency.
pub struct Amounts {
    pub currency: Field,
    /// The measures, by their places.
    places: Vec<usize>,
    pub read: Vec<Read>,
}

/// What is read for a measure; nothing of those that are read apart.
fn parts(how: &How) -> Vec<Read> {
    let How::Read { function, field, of } = how else { return Vec::new() };
    let plain = match (function, field) {
        (Function::Count, None) => vec![Read::Count],
        (Function::Count, Some(field)) => vec![Read::Given(field.clone())],
        (Function::Distinct, Some(field)) => vec![Read::Distinct(field.clone())],
        // A mean's number of records says of which currencies a narrower filter leaves any.
        (Function::Sum, Some(field)) if of.is_some() && field.kind == FieldType::Money => measures_of(Figure::Average, field),
        (Function::Sum, Some(field)) => measures_of(Figure::Sum, field),
        (Function::Avg, Some(field)) => measures_of(Figure::Average, field),
        (Function::Min, Some(field)) => measures_of(Figure::Least, field),
        (Function::Max, Some(field)) => measures_of(Figure::Greatest, field),
        (Function::Median | Function::P90, _) | (_, None) => Vec::new(),
    };
    match of {
        None => plain,
        Some(of) => plain.into_iter().map(|measure| Read::Of(Box::new(measure), of.clone())).collect(),
    }
}

impl<'q> Reads<'q> {
    pub fn of(question: &'q Question) -> Reads<'q> {
        let mut reads = Reads { question, widths: Vec::new(), plain: vec![Read::Count], money: Vec::new() };
        for (place, measure) in question.measures.iter().enumerate() {
            let read = parts(&measure.how);
            reads.widths.push(read.len());
            let currency = measure.field().and_then(Field::currency).filter(|_| measure.is_money());
            match currency {
                None => reads.plain.extend(read),
                Some(_) if read.is_empty() => {}
                Some(currency) => match reads.money.iter_mut().find(|known| known.currency == currency) {
                    Some(known) => {
                        known.places.push(place);
                        known.read.extend(read);
                    }
                    None => reads.money.push(Amounts { currency, places: vec![place], read }),
                },
            }
        }
        reads
    }

    /// The figures of a group, from what was read for those that are not money.
    pub fn figures(&self, own: &[Cell]) -> Result<Vec<table::Figure>, Problem> {
        let mut own = &own[1..];
        let mut figures = nothing(self.question);
        for (place, measure) in self.question.measures.iter().enumerate().filter(|(_, measure)| !measure.is_money()) {
            let (cells, rest) = own.split_at(self.widths[place]);
            own = rest;
            if let (How::Read { function, field, .. }, false) = (&measure.how, cells.is_empty()) {
                figures[place] = figure(*function, field.as_ref(), cells)?;
            }
        }
        Ok(figures)
    }

    /// Adds the amounts of one currency to the figures of a group.
    pub fn add_amounts(&self, figures: &mut [table::Figure], of: &Amounts, code: Currency, mut own: &[Cell]) {
        for place in &of.places {
            let (cells, rest) = own.split_at(self.widths[*place]);
            own = rest;
            if let (How::Read { function, .. }, table::Figure::Money(amounts)) =
                (&self.question.measures[*place].how, &mut figures[*place])
            {
                amounts.extend(amount(*function, cells).map(|amount| (code, amount)));
            }
        }
    }
}

impl Reads<'_> {
    /// Adds the amounts of one currency on some days to the sums of a group.
    pub fn add_converted(
        &self,
        sums: &mut Sums<'_>,
        of: &Amounts,
        (group, code, stretch): (&[Key], Currency, Option<&Cell>),
        mut own: &[Cell],
    ) -> Result<(), Problem> {
        for place in &of.places {
            let (cells, rest) = own.split_at(self.widths[*place]);
            own = rest;
            sums.add((group, *place), (code, stretch), cells)?;
        }
        Ok(())
    }

    /// What a measure computes.
    pub fn function(&self, place: usize) -> Function {
        match self.question.measures.get(place).map(|measure| &measure.how) {
            Some(How::Read { function, .. }) => *function,
            Some(How::Derived(_)) | None => Function::Sum,
        }
    }
}

/// The figures of a group of nothing.
pub fn nothing(question: &Question) -> Vec<table::Figure> {
    let nothing = |measure: &Measure| match &measure.how {
        _ if measure.is_money() => table::Figure::Money(BTreeMap::new()),
        How::Read { function: Function::Count | Function::Distinct, .. } => table::Figure::Integer(0),
        How::Read { function: Function::Sum, field: Some(field), .. } if field.kind == FieldType::Decimal => {
            table::Figure::Decimal(0.0)
        }
        How::Read { function: Function::Sum, .. } => table::Figure::Integer(0),
        How::Read { .. } | How::Derived(_) => table::Figure::None,
    };
    question.measures.iter().map(nothing).collect()
}

/// The figure of a function, from what was read for it.
fn figure(function: Function, field: Option<&Field>, cells: &[Cell]) -> Result<table::Figure, Problem> {
    let count = cells.get(1).and_then(Cell::as_integer).unwrap_or(0);
    #[allow(clippy::cast_precision_loss, reason = "a mean counts with 15 digits of the sum")]
    Ok(match (function, &cells[0]) {
        (Function::Avg, _) if count == 0 => table::Figure::None,
        (Function::Avg, Cell::Integer(sum)) => table::Figure::Decimal(to_six_places(*sum as f64, count)),
        (Function::Avg, Cell::Double(sum)) => table::Figure::Decimal(to_six_places(*sum, count)),
        (Function::Sum, Cell::Double(sum)) => table::Figure::Decimal(to_six_places(*sum, 1)),
        (Function::Sum, Cell::Null) if field.is_some_and(|field| field.kind == FieldType::Decimal) => table::Figure::Decimal(0.0),
        (_, Cell::Integer(number)) => table::Figure::Integer((*number).into()),
        (_, Cell::Double(number)) => table::Figure::Decimal(*number),
        (_, Cell::Null) => table::Figure::None,
        (_, cell) => match cell.to_value()? {
            Value::String(text) => table::Figure::Text(text),
            other => table::Figure::Text(other.to_string()),
        },
    })
}

/// The amount of one currency, from what was read for it; none where there is none.
fn amount(function: Function, cells: &[Cell]) -> Option<i128> {
    match (function, cells) {
        (Function::Avg, [Cell::Integer(sum), Cell::Integer(count)]) if *count > 0 => Some(mean(*sum, *count).into()),
        (Function::Avg, _) | (Function::Sum, [_, Cell::Integer(0)]) => None,
        (_, [Cell::Integer(amount), ..]) => Some((*amount).into()),
        _ => None,
    }
}

/// Sets a figure to a percentile, or the amount of one currency in it.
pub fn set_percentile(figure: &mut table::Figure, code: Option<Currency>, cells: &[Cell], percent: i64) {
    match (figure, code) {
        (table::Figure::Money(amounts), Some(code)) => {
            amounts.extend(amount_between(cells, percent).map(|amount| (code, amount)));
        }
        (figure, _) => {
            let value = between(cells, percent);
            *figure = value.map_or(table::Figure::None, |value| table::Figure::Decimal(to_six_places(value, 1)));
        }
    }
}

/// A percentile between the two values it lies between.
#[allow(clippy::cast_precision_loss, reason = "interpolated in doubles, as PostgreSQL does")]
fn between(cells: &[Cell], percent: i64) -> Option<f64> {
    let number = |cell: &Cell| match cell {
        Cell::Integer(number) => Some(*number as f64),
        Cell::Double(number) => Some(*number),
        _ => None,
    };
    let (low, count) = (number(cells.first()?)?, cells.get(2)?.as_integer()?);
    let high = cells.get(1).and_then(number).unwrap_or(low);
    let part = ((count - 1) * percent % 100) as f64 / 100.0;
    Some(low + (high - low) * part)
}

/// The same of amounts, rounded to a minor unit, half away from zero.
fn amount_between(cells: &[Cell], percent: i64) -> Option<i128> {
    let (low, count) = (i128::from(cells.first()?.as_integer()?), cells.get(2)?.as_integer()?);
    let high = cells.get(1).and_then(Cell::as_integer).map_or(low, i128::from);
    half_away(low * 100 + (high - low) * i128::from((count - 1) * percent % 100), 100)
}
