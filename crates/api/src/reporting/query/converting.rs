//! Amounts of several currencies in one, each at the rate of its day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use farley_domain::{
    model::{entity::Entity, field::FieldType, record::Record},
    query::predicate::Predicate,
    reporting::{
        conversion::{Converted, Rates},
        exchange_rate::ExchangeRate,
        question::Function,
        table::Figure,
    },
    values::{
        calendar::{day_of, start_of_day},
        money::Currency,
        time::Timestamp,
    },
};
use farley_persistence::{Bound, Cell, Cut, Group, Reader};

use super::question::{Conversion, Question};
use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::{Code, Problem},
    records::summary::{Key, day_in},
};

/// How many stretches of time there can be between which rates differ: ten years of days.
const MAX_STRETCHES: usize = 3_700;
/// How many rates are read at most.
const MAX_RATES: usize = 100_000;
/// How many missing rates a problem lists.
const MOST_LISTED: usize = 10;

/// How the amounts of a question are converted.
pub struct Converting {
    to: Currency,
    rates: Rates,
    /// What tells on which day; the stretches between which rates differ, by their first days.
    by: Option<(Group, Vec<NaiveDate>)>,
    /// The day for amounts without one.
    today: NaiveDate,
}

impl Converting {
    /// Reads the rates, and between which days of the rows they differ.
    pub fn open(
        conversion: &Conversion,
        question: &Question,
        reader: &mut Reader<'_>,
        rows: &Predicate,
        (base, now): (Currency, Timestamp),
    ) -> Result<Converting, Problem> {
        let rates = Rates::of(base, &rates_of(reader, [conversion.to, base])?);
        let zone = question.zone;
        let today = day_of(question.as_of.unwrap_or(now), zone);
        let Some((_, group)) = &conversion.by else {
            return Ok(Converting { to: conversion.to, rates, by: None, today });
        };
        let extent = reader.extent(question.object, rows, group, question.as_of)?;
        let extent = extent.and_then(|(least, greatest)| Some((day_in(&least, zone)?, day_in(&greatest, zone)?)));
        let Some((first, last)) = extent else {
            return Ok(Converting { to: conversion.to, rates, by: None, today });
        };
        let mut starts = vec![first];
        starts.extend(rates.changes(first, last));
        if starts.len() > MAX_STRETCHES {
            return Err(super::reading::too_many());
        }
        let is_time = group.field.kind == FieldType::DateTime;
        let bound = |day: &NaiveDate| if is_time { Bound::Time(start_of_day(*day, zone)) } else { Bound::Date(*day) };
        let cut = Some(Cut::at(starts.iter().skip(1).map(bound).collect()));
        Ok(Converting { to: conversion.to, rates, by: Some((Group { cut, ..group.clone() }, starts)), today })
    }

    /// What the rows are grouped by beside their currency.
    pub fn group(&self) -> Option<&Group> {
        self.by.as_ref().map(|(group, _)| group)
    }

    /// The day whose rate applies to a stretch.
    fn day(&self, stretch: Option<&Cell>) -> NaiveDate {
        let place = stretch.and_then(Cell::as_integer).and_then(|place| usize::try_from(place).ok());
        let start = self.by.as_ref().zip(place).and_then(|((_, starts), place)| starts.get(place).copied());
        start.unwrap_or(self.today)
    }
}

/// The live rates from and to some currencies.
fn rates_of(reader: &mut Reader<'_>, currencies: [Currency; 2]) -> Result<Vec<Record<ExchangeRate>>, Problem> {
    let ends = currencies.into_iter().flat_map(|currency| {
        let code = currency.to_string();
        [ExchangeRate::from_currency.eq(code.clone()), ExchangeRate::to_currency.eq(code)]
    });
    let live = Predicate::Archived(false).and(Predicate::Or(ends.collect()));
    let found = reader.find(&without_custom_fields(ExchangeRate::object()), &Unrestricted, &live, MAX_RATES + 1)?;
    if found.len() > MAX_RATES {
        return Err(super::reading::too_many());
    }
    Ok(found.into_iter().map(Record::into_entity).collect())
}

/// Sums of converted amounts, by group and measure.
pub struct Sums<'c> {
    converting: &'c Converting,
    sums: BTreeMap<(Vec<Key>, usize), (Converted, i128)>,
    missing: BTreeSet<(Currency, NaiveDate)>,
}

impl<'c> Sums<'c> {
    pub fn of(converting: &'c Converting) -> Sums<'c> {
        Sums { converting, sums: BTreeMap::new(), missing: BTreeSet::new() }
    }

    /// Adds what was read of a group for a measure: a sum, and perhaps how many amounts it is of.
    pub fn add(
        &mut self,
        (group, place): (&[Key], usize),
        (currency, stretch): (Currency, Option<&Cell>),
        cells: &[Cell],
    ) -> Result<(), Problem> {
        let number = |place: usize| cells.get(place).and_then(Cell::as_integer).map(i128::from);
        let (sum, count) = (number(0).unwrap_or(0), number(1));
        if count == Some(0) {
            return Ok(());
        }
        let day = self.converting.day(stretch);
        let entry = self.sums.entry((group.to_vec(), place)).or_default();
        entry.1 += count.unwrap_or(0);
        // Nothing comes to nothing at any rate.
        if sum != 0 {
            match self.converting.rates.rate(currency, self.converting.to, day) {
                Some(rate) => entry.0 = entry.0.plus(sum, rate).ok_or_else(|| Problem::new(Code::SumTooLarge))?,
                None => drop(self.missing.insert((currency, day))),
            }
        }
        Ok(())
    }

    /// The figures, by group and measure.
    pub fn figures(self, function: impl Fn(usize) -> Function) -> Result<Vec<(Vec<Key>, usize, Figure)>, Problem> {
        let to = self.converting.to;
        if !self.missing.is_empty() {
            let listed: Vec<String> =
                self.missing.iter().take(MOST_LISTED).map(|(currency, day)| format!("{currency} ({day})")).collect();
            let more = if self.missing.len() > MOST_LISTED { " …" } else { "" };
            return Err(Problem::new(Code::ExchangeRateMissing)
                .with("currency", to)
                .with("missing", format!("{}{more}", listed.join(", "))));
        }
        let mut figures = Vec::new();
        for ((group, place), (sum, count)) in self.sums {
            let amount = if function(place) == Function::Avg { sum.mean(count) } else { sum.rounded() };
            let amount = amount.ok_or_else(|| Problem::new(Code::SumTooLarge))?;
            figures.push((group, place, Figure::Money([(to, amount)].into())));
        }
        Ok(figures)
    }
}
