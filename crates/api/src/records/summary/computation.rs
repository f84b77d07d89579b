//! What a summary comes to: the periods that dates fall into, and the counts and figures of each group.

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use chrono::NaiveDate;
use farley_domain::{
    model::{
        fault::{Fault, FaultCode},
        field::{Field, FieldType},
        object::Object,
    },
    query::list::ListQuery,
    values::{
        calendar::{Period, Span, day_of, start_of_day},
        number::half_away,
        time::{Timestamp, parse_date},
    },
};
use farley_persistence::{Bound, Cell, Cut, Group, Measure, Reader};
use serde_json::{Value, json};

use super::{
    MAX_GROUPS,
    asked::{Asked, Figure, Order, Wanted},
    rest::{Parts, told},
};
use crate::http::problem::Problem;

/// The records with the same values, and what they come to.
pub struct Row {
    pub values: Vec<Cell>,
    pub count: i64,
    /// Of each figure that is asked for.
    pub figures: Vec<Value>,
    /// What was read for each of them.
    pub parts: Vec<Parts>,
}

impl Order {
    /// The value of a row; none where there is nothing.
    fn value<'a>(&self, row: &'a Row) -> Option<Cow<'a, Value>> {
        let Some((place, currency)) = &self.by else { return Some(Cow::Owned(row.count.into())) };
        let value = row.figures.get(*place)?;
        let value = match currency {
            None => value,
            Some(code) => &value.as_array()?.iter().find(|one| one["currency"] == **code)?["amount"],
        };
        (!value.is_null()).then_some(Cow::Borrowed(value))
    }

    /// What has no value is last, whichever way the others are sorted.
    pub fn compare(&self, left: &Row, right: &Row) -> Ordering {
        let (left, right) = match (self.value(left), self.value(right)) {
            (Some(left), Some(right)) => (left, right),
            (left, right) => return left.is_none().cmp(&right.is_none()),
        };
        let order = match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => match (left.as_f64(), right.as_f64()) {
                (Some(left), Some(right)) => left.total_cmp(&right),
                _ => left.as_str().cmp(&right.as_str()),
            },
        };
        if self.descending { order.reverse() } else { order }
    }
}

/// A sum divided by a number of records, rounded to six decimal places, half away from zero. The sum counts with its first 15 digits: what
/// is behind them is noise of the doubles, not what was typed.
pub fn to_six_places(sum: f64, count: i64) -> f64 {
    const DIGITS: usize = 14;
    const PLACES: i32 = 6;
    let written = format!("{sum:.DIGITS$e}");
    let read = written.split_once('e').and_then(|(mantissa, exponent)| {
        let digits: i128 = mantissa.replace('.', "").parse().ok()?;
        Some((digits, exponent.parse::<i32>().ok()? - i32::try_from(DIGITS).ok()? + PLACES))
    });
    let Some((digits, exponent)) = read else { return sum };
    let scale = 10_i128.checked_pow(exponent.unsigned_abs());
    let count = i128::from(count.max(1));
    let parts = match scale {
        Some(scale) if exponent >= 0 => digits.checked_mul(scale).map(|digits| (digits, count)),
        Some(scale) => count.checked_mul(scale).map(|below| (digits, below)),
        None if exponent < 0 => Some((0, 1)),
        None => None,
    };
    let millionths = parts.and_then(|(above, below)| half_away(above, below));
    #[allow(clippy::cast_precision_loss, reason = "what is too large for a double has no decimal places")]
    match millionths {
        Some(millionths) => millionths as f64 / 1_000_000.0,
        None => sum / count as f64,
    }
}

/// A sum divided by a number of records, to a whole unit, half away from zero.
pub fn mean(sum: i64, count: i64) -> i64 {
    half_away(sum.into(), count.max(1).into()).and_then(|mean| i64::try_from(mean).ok()).unwrap_or(sum)
}

/// What is read for a figure of a field.
#[must_use]
pub fn measures_of(figure: Figure, field: &Field) -> Vec<Measure> {
    let own = || field.clone();
    let sum = || if field.kind == FieldType::Decimal { Measure::SumOfDecimals(own()) } else { Measure::Sum(own()) };
    match figure {
        Figure::Sum => vec![sum()],
        Figure::Average => vec![sum(), Measure::Given(own())],
        Figure::Least => vec![Measure::Least(own())],
        Figure::Greatest => vec![Measure::Greatest(own())],
    }
}

/// The value of a figure from what was read for it.
pub fn figure_of(wanted: &Wanted, cells: &[Cell]) -> Result<Value, Problem> {
    let count = cells.get(1).and_then(Cell::as_integer).unwrap_or(0);
    let is_money = wanted.field.kind == FieldType::Money;
    #[allow(clippy::cast_precision_loss, reason = "a mean counts with 15 digits of the sum")]
    Ok(match (wanted.figure, &cells[0]) {
        (Figure::Average, _) if count == 0 => Value::Null,
        (Figure::Average, Cell::Integer(sum)) if is_money => mean(*sum, count).into(),
        (Figure::Average, Cell::Integer(sum)) => to_six_places(*sum as f64, count).into(),
        (Figure::Average, Cell::Double(sum)) => to_six_places(*sum, count).into(),
        (Figure::Sum, Cell::Double(sum)) => to_six_places(*sum, 1).into(),
        (Figure::Sum, Cell::Null) => json!(0.0),
        (_, cell) => cell.to_value()?,
    })
}

/// The day of a date or time in a zone, also of one that is kept as a text.
pub fn day_in(cell: &Cell, zone: chrono_tz::Tz) -> Option<NaiveDate> {
    match cell {
        Cell::Time(time) => Some(day_of(*time, zone)),
        Cell::Date(date) => Some(*date),
        Cell::Text(text) => parse_date(text).or_else(|| Some(day_of(Timestamp::parse(text)?, zone))),
        Cell::Null | Cell::Boolean(_) | Cell::Integer(_) | Cell::Double(_) | Cell::Id(_) | Cell::Json(_) => None,
    }
}

/// Cuts a date at the periods between the least and the greatest value there is.
pub fn cut(
    reader: &mut Reader<'_>,
    object: &'static Object,
    query: &ListQuery,
    asked: &mut Asked,
    zone: chrono_tz::Tz,
) -> Result<Vec<Period>, Problem> {
    let Some(span) = asked.span else { return Ok(Vec::new()) };
    let extent = reader.extent(object, &query.predicate, &asked.group, query.as_of)?;
    let Some((first, last)) =
        extent.and_then(|(least, greatest)| Some((span.around(day_in(&least, zone)?)?, span.around(day_in(&greatest, zone)?)?)))
    else {
        asked.group.cut = Some(Cut::at(Vec::new()));
        return Ok(Vec::new());
    };
    let mut periods = vec![first];
    while let Some(period) = periods.last().filter(|period| **period < last) {
        if periods.len() > MAX_GROUPS {
            periods = occupied(reader, object, query, asked, (span, zone))?;
            break;
        }
        periods.push(period.next());
    }
    let bound = |day: NaiveDate| match asked.group.field.kind {
        FieldType::DateTime => Bound::Time(start_of_day(day, zone)),
        _ => Bound::Date(day),
    };
    let (mut bounds, mut cut) = (Vec::new(), Vec::new());
    for period in periods {
        if let Some(former) = cut.last().copied() {
            let former: Period = former;
            bounds.push(bound(former.end()));
            if former.end() < period.start {
                // Nothing is in between.
                cut.push(former);
                bounds.push(bound(period.start));
            }
        }
        cut.push(period);
    }
    asked.group.cut = Some(Cut::at(bounds));
    Ok(cut)
}

/// The periods in which there may be something, where those from the first to the last are too many: each meets a day in UTC on which
/// there is.
fn occupied(
    reader: &mut Reader<'_>,
    object: &'static Object,
    query: &ListQuery,
    asked: &Asked,
    (span, zone): (Span, chrono_tz::Tz),
) -> Result<Vec<Period>, Problem> {
    // A day of a time zone meets two days in UTC.
    let most = 2 * MAX_GROUPS;
    let days = reader.days(object, &query.predicate, &asked.group, (query.as_of, most))?;
    if days.len() > most {
        return Err(Fault::new("group_by", FaultCode::TooMany).with("max", MAX_GROUPS).into());
    }
    let is_time = asked.group.field.kind == FieldType::DateTime;
    let mut periods = BTreeSet::new();
    for day in days {
        let start = start_of_day(day, chrono_tz::UTC);
        let local = |time: Timestamp| if is_time { day_of(time, zone) } else { day };
        let ends = [local(start), local(start.plus_seconds(24 * 3600 - 1))];
        periods.extend(ends.into_iter().filter_map(|day| span.around(day)));
    }
    Ok(periods.into_iter().collect())
}

/// The counts and figures of each group, in the order of the groups' values.
pub fn read_groups(
    reader: &mut Reader<'_>,
    object: &'static Object,
    query: &ListQuery,
    asked: &[Asked],
    wanted: &[Wanted],
    most: usize,
) -> Result<Vec<Row>, Problem> {
    let mut groups: Vec<Group> = asked.iter().map(|asked| asked.group.clone()).collect();
    let numbers: Vec<(usize, &Wanted)> = wanted.iter().enumerate().filter(|(_, wanted)| !wanted.is_money()).collect();
    let mut measures = vec![Measure::Count];
    measures.extend(numbers.iter().flat_map(|(_, wanted)| measures_of(wanted.figure, &wanted.field)));
    let too_many = || Fault::new("group_by", FaultCode::TooMany).with("max", most);
    if reader.has_more_groups(object, &query.predicate, &groups, (query.as_of, most))? {
        return Err(too_many().into());
    }
    let mut found: BTreeMap<Vec<Key>, Row> = BTreeMap::new();
    for mut cells in reader.aggregate(object, &query.predicate, &groups, &measures, (query.as_of, most + 1))? {
        let own = cells.split_off(groups.len());
        let mut parts = vec![Parts::new(); wanted.len()];
        let mut rest = &own[1..];
        for (place, wanted) in &numbers {
            let (cells, others) = rest.split_at(measures_of(wanted.figure, &wanted.field).len());
            rest = others;
            parts[*place].insert(String::new(), cells.to_vec());
        }
        let count = own[0].as_integer().unwrap_or(0);
        // Without groups there is one row, also of nothing.
        found.insert(cells.iter().map(Key::of).collect(), Row { values: cells, count, figures: Vec::new(), parts });
    }
    if found.len() > most {
        return Err(too_many().into());
    }
    for (place, wanted) in wanted.iter().enumerate().filter(|(_, wanted)| wanted.is_money()) {
        let Some(currency) = wanted.field.currency() else { continue };
        groups.push(Group::by(&currency));
        let rows = reader.aggregate(
            object,
            &query.predicate,
            &groups,
            &measures_of(wanted.figure, &wanted.field),
            (query.as_of, usize::MAX),
        )?;
        groups.pop();
        for cells in rows {
            let (key, own) = cells.split_at(groups.len());
            let Some(code) = own[0].as_text() else { continue };
            let key: Vec<Key> = key.iter().map(Key::of).collect();
            if let Some(row) = found.get_mut(&key) {
                row.parts[place].insert(code.to_owned(), own[1..].to_vec());
            }
        }
    }
    let mut rows: Vec<Row> = found.into_values().collect();
    for row in &mut rows {
        row.figures = wanted.iter().zip(&row.parts).map(|(wanted, parts)| told(wanted, parts)).collect::<Result<_, Problem>>()?;
    }
    Ok(rows)
}

/// A value of a group in its order: nothing last.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Number(i64),
    Text(String),
    Nothing,
}

impl Key {
    pub fn of(cell: &Cell) -> Key {
        match cell {
            Cell::Null => Key::Nothing,
            Cell::Integer(number) => Key::Number(*number),
            Cell::Boolean(flag) => Key::Number(i64::from(*flag)),
            // The bits of a float in the order of its values.
            Cell::Double(number) => {
                let bits = number.to_bits().cast_signed();
                Key::Number(bits ^ i64::MAX.wrapping_mul(i64::from(bits < 0)))
            }
            Cell::Text(text) | Cell::Json(text) => Key::Text(text.clone()),
            Cell::Id(id) => Key::Text(id.to_string()),
            Cell::Time(time) => Key::Text(time.to_string()),
            Cell::Date(date) => Key::Text(date.to_string()),
        }
    }
}
