//! Summaries: how many records there are of each kind, and what their amounts add up to. Each group tells where its records are
//! listed.

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Storage},
        object::{Object, Schema},
    },
    query::{
        list::ListQuery,
        past::AsOf,
        predicate::{View, path},
    },
    values::{
        calendar::{Period, Span, day_of, start_of_day},
        money::Currency,
        number::half_away,
        time::{Timestamp, parse_date},
    },
};
use farley_persistence::{Bound, Cell, Group, Measure, Reader};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{read::below, write::parent_named};
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{parameters, take},
    },
};

/// How many groups an answer may have.
const MAX_GROUPS: usize = 2_000;
/// Among how many groups the first are found.
const MAX_RANKED: usize = 50_000;
/// How many fields to group by, and for each measure.
const MAX_FIELDS: usize = 4;

/// What is left of a URL's query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b',');

/// The groups of a summary.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Summary {
    /// Sorted by value, the group without a value last; or as `sort` says.
    pub data: Vec<SummaryGroup>,
}

/// The records with the same values.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct SummaryGroup {
    /// The value of each group field; for dates grouped by period, the period: `2026-Q4`. Null for records without a value.
    #[schema(value_type = Object, example = json!({"status": "won", "closed_at.quarter": "2026-Q3"}))]
    pub group: Map<String, Value>,
    /// The number of records.
    #[schema(example = 42)]
    pub count: i64,
    /// The sum of each requested field: for money, per currency in minor units; for numbers, a single number. Sums of decimals are
    /// computed to 15 digits and rounded to 6 decimal places, half away from zero.
    #[schema(value_type = Object, example = json!({"amount": [{"amount": 1_234_500, "currency": "CNY"}]}))]
    pub sums: Map<String, Value>,
    /// The mean of each field requested by `avg`, over the records that have a value: for money, per currency, rounded to a minor
    /// unit; for numbers, rounded to 6 decimal places; half away from zero. Null if no record has a value. Absent without `avg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"amount": [{"amount": 411_500, "currency": "CNY"}]}))]
    pub averages: Option<Map<String, Value>>,
    /// The least value of each field requested by `min`: for money, per currency; null if no record has a value. Absent without
    /// `min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"closed_at": "2026-07-01T08:00:00.000Z"}))]
    pub minimums: Option<Map<String, Value>>,
    /// The greatest value of each field requested by `max`, in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"closed_at": "2026-09-30T08:00:00.000Z"}))]
    pub maximums: Option<Map<String, Value>>,
    /// The path that lists these records; null if a related record is missing or has no value, which cannot be expressed as a
    /// filter.
    #[schema(
        example = "/v1/opportunities?status=won&closed_at_gte=2026-06-30T16:00:00.000Z&closed_at_lt=2026-09-30T16:00:00.000Z"
    )]
    pub list: Option<String>,
}

/// A field to group by, as it was asked for.
struct Asked {
    name: String,
    /// The name without the period.
    path: String,
    span: Option<Span>,
    group: Group,
}

/// `GET /v1/{collection}/summary`.
pub async fn summary(object: &'static Object, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.rows(object, Action::Read)?;
    let parent = parent_named(object, &request)?;
    let mut parameters = parameters(&request)?;
    let group_by = take(&mut parameters, "group_by")?;
    let given = [
        take(&mut parameters, "sum")?,
        take(&mut parameters, "avg")?,
        take(&mut parameters, "min")?,
        take(&mut parameters, "max")?,
    ];
    let (sort, limit) = (take(&mut parameters, "sort")?, take(&mut parameters, "limit")?);
    let present = call.view();
    let view = AsOf::of_parameters(&present, object, &parameters);
    let schema = path::shape_of(object, &view);
    let mut faults = Faults::default();
    let groups = named(group_by, "group_by", &mut faults, |name| asked(&schema, name, &view));
    if groups.iter().filter(|asked| asked.group.leads_to_many()).count() > 1 {
        faults.add(Fault::new("group_by", FaultCode::Conflicting).with("other", "group_by"));
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut shown = [false; 4];
    for (place, given) in given.into_iter().enumerate() {
        let figure = Figure::ALL[place];
        shown[place] = given.is_some() || figure == Figure::Sum;
        let fields = named(given, figure.name(), &mut faults, |name| measured(&schema, name, figure, &view));
        wanted.extend(fields.into_iter().map(|field| Wanted { figure, field }));
    }
    let order = faults.keep(sort.map(|sort| Order::read(&sort, &wanted)).transpose()).flatten();
    let limit = faults.keep(limit.map(|limit| read_limit(&limit)).transpose()).flatten();
    let mut query = filters(object, &mut parameters, faults, &view)?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let path = request.path().trim_end_matches("/summary").to_owned();
    let data = call
        .state
        .store
        .read_heavily::<_, Problem>(call.claim(), move |reader| {
            if let Some(within) = below(reader, &principal, now, object, parent.as_ref())? {
                query.predicate = query.predicate.and(within);
            }
            let zone = principal.standards(now).zone;
            let mut groups = groups;
            let mut periods = Vec::new();
            for asked in &mut groups {
                periods.push(cut(reader, object, &query, asked, zone)?);
            }
            let most = limit.map_or(MAX_GROUPS, |_| MAX_RANKED);
            let mut rows = read_groups(reader, object, &query, &groups, &wanted, most)?;
            if let Some(order) = &order {
                // What is equal stays in the order of its values.
                rows.sort_by(|left, right| order.compare(left, right));
            }
            rows.truncate(limit.unwrap_or(usize::MAX));
            let place = Place { path: &path, parameters: &parameters, zone };
            Ok(rows.into_iter().map(|row| place.group(&groups, &periods, row, (&wanted, shown))).collect())
        })
        .await?;
    Ok(HttpResponse::Ok().json(Summary { data }))
}

/// Reads the filters of a list where there is no list: what orders one and cuts it into pages means nothing here.
pub fn filters(
    object: &'static Object,
    parameters: &mut Vec<(String, String)>,
    mut faults: Faults,
    view: &dyn View,
) -> Result<ListQuery, Problem> {
    // A summary has taken its own `sort` and `limit` before.
    const LIST_ONLY: &[&str] = &["sort", "limit", "cursor", "offset", "fields", "expand", "total"];
    for (name, _) in parameters.extract_if(.., |(name, _)| LIST_ONLY.contains(&name.as_str())) {
        faults.add(Fault::new(name, FaultCode::UnknownParameter));
    }
    match ListQuery::from_parameters(object, parameters, view) {
        Ok(query) => Ok(faults.into_result(query)?),
        Err(found) => {
            faults.extend(found.0);
            Err(faults.into())
        }
    }
}

/// Reads one field to group by.
pub fn group(object: &'static Object, name: &str, parameter: &'static str, view: &dyn View) -> Result<Group, Fault> {
    let asked =
        asked(&path::shape_of(object, view), name, view).map_err(|fault| Fault { pointer: parameter.to_owned(), ..fault })?;
    if asked.span.is_some() || asked.group.leads_to_many() {
        return Err(Fault::new(parameter, FaultCode::WrongType).with("expected", "a single-valued field other than a date"));
    }
    Ok(asked.group)
}

/// Reads the names of a list parameter; what is at fault is left out.
fn named<T>(given: Option<String>, parameter: &str, faults: &mut Faults, read: impl Fn(&str) -> Result<T, Fault>) -> Vec<T> {
    let given = given.unwrap_or_default();
    let names: Vec<&str> = given.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.len() > MAX_FIELDS {
        faults.add(Fault::new(parameter, FaultCode::TooMany).with("max", MAX_FIELDS));
    }
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for name in names {
        if seen.contains(&name) {
            faults.add(Fault::new(parameter, FaultCode::Repeated));
        }
        seen.push(name);
        match read(name) {
            Ok(item) => found.push(item),
            Err(fault) => faults.add(fault),
        }
    }
    found
}

fn asked(schema: &Schema, name: &str, view: &dyn View) -> Result<Asked, Fault> {
    let (path, span) = match name.rsplit_once('.').and_then(|(path, last)| Some((path, Span::from_name(last)?))) {
        Some((path, span)) => (path, Some(span)),
        None => (name, None),
    };
    let found = path::resolve(schema, path, view).map_err(|miss| miss.fault("group_by", FaultCode::UnknownMember, name))?;
    let path::End::Field(field) = found.end else {
        return Err(Fault::new("group_by", FaultCode::WrongType).with("expected", "fields, not relations"));
    };
    let dated = matches!(field.kind, FieldType::Date | FieldType::DateTime);
    let single =
        field.kind.is_scalar() && !matches!(field.kind, FieldType::LongText { .. } | FieldType::Money) && field.filterable;
    // Only the first step may lead to many.
    let through_one = found.steps.iter().skip(1).all(|step| !step.relation.reach.is_to_many());
    if !single || !through_one || (span.is_some() && !dated) || (span.is_none() && field.kind == FieldType::DateTime) {
        let expected =
            "a single-valued field, also of a related record; dates and times with .day, .week, .month, .quarter or .year";
        return Err(Fault::new("group_by", FaultCode::WrongType).with("expected", expected));
    }
    let group = Group { steps: found.steps, field, bounds: None };
    Ok(Asked { name: name.to_owned(), path: path.to_owned(), span, group })
}

/// What is computed of a field over the records of a group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figure {
    Sum,
    Average,
    Least,
    Greatest,
}

impl Figure {
    const ALL: [Figure; 4] = [Figure::Sum, Figure::Average, Figure::Least, Figure::Greatest];

    /// The parameter that asks for it.
    fn name(self) -> &'static str {
        match self {
            Figure::Sum => "sum",
            Figure::Average => "avg",
            Figure::Least => "min",
            Figure::Greatest => "max",
        }
    }

    /// Whether it is computed of fields of this type: only what has an order has an end, and only numbers add up.
    fn fits(self, kind: &FieldType) -> bool {
        match kind {
            FieldType::Money | FieldType::Integer { .. } | FieldType::Decimal => true,
            FieldType::Date | FieldType::DateTime => matches!(self, Figure::Least | Figure::Greatest),
            _ => false,
        }
    }
}

/// A figure of a field that is asked for.
struct Wanted {
    figure: Figure,
    field: Field,
}

fn measured(schema: &Schema, name: &str, figure: Figure, view: &dyn View) -> Result<Field, Fault> {
    let known = |field: &&Field| figure.fits(&field.kind) && !matches!(field.storage, Storage::Computed);
    path::visible_field(schema, name, view).filter(known).cloned().ok_or_else(|| {
        let names: Vec<String> =
            schema.fields().filter(|field| known(field) && view.sees(schema.object, field)).map(Field::path).collect();
        Fault::new(figure.name(), FaultCode::UnknownChoice).with("choices", names.join(", "))
    })
}

fn read_limit(text: &str) -> Result<usize, Fault> {
    let number: usize = text.parse().map_err(|_| Fault::new("limit", FaultCode::WrongType).with("expected", "an integer"))?;
    match number {
        0 => Err(Fault::new("limit", FaultCode::TooSmall).with("min", 1)),
        number if number > MAX_GROUPS => Err(Fault::new("limit", FaultCode::TooLarge).with("max", MAX_GROUPS)),
        number => Ok(number),
    }
}

/// What groups are sorted by: their number of records, or a figure; of money in one currency.
struct Order {
    descending: bool,
    /// None for the number of records; else the place of the figure and the currency.
    by: Option<(usize, Option<String>)>,
}

impl Order {
    fn read(text: &str, wanted: &[Wanted]) -> Result<Order, Fault> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        if name == "count" {
            return Ok(Order { descending, by: None });
        }
        let found = wanted.iter().enumerate().find_map(|(place, wanted)| {
            let rest = name.strip_prefix(wanted.figure.name())?.strip_prefix('.')?.strip_prefix(wanted.field.path().as_str())?;
            match (rest.strip_prefix('.'), wanted.field.kind == FieldType::Money) {
                (None, false) if rest.is_empty() => Some((place, None)),
                (Some(code), true) => code.parse::<Currency>().ok().map(|currency| (place, Some(currency.code().to_owned()))),
                _ => None,
            }
        });
        let names = || {
            let names = wanted.iter().map(|wanted| {
                let currency = if wanted.field.kind == FieldType::Money { ".CNY" } else { "" };
                format!("{}.{}{currency}", wanted.figure.name(), wanted.field.path())
            });
            std::iter::once("count".to_owned()).chain(names).collect::<Vec<_>>().join(", ")
        };
        let by = found.ok_or_else(|| Fault::new("sort", FaultCode::UnknownChoice).with("choices", names()))?;
        Ok(Order { descending, by: Some(by) })
    }

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
    fn compare(&self, left: &Row, right: &Row) -> Ordering {
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

/// The records with the same values, and what they come to.
struct Row {
    values: Vec<Cell>,
    count: i64,
    /// Of each figure that is asked for.
    figures: Vec<Value>,
}

/// A sum divided by a number of records, rounded to six decimal places, half away from zero. The sum counts with its first 15 digits: what
/// is behind them is noise of the doubles, not what was typed.
fn to_six_places(sum: f64, count: i64) -> f64 {
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
fn mean(sum: i64, count: i64) -> i64 {
    half_away(sum.into(), count.max(1).into()).and_then(|mean| i64::try_from(mean).ok()).unwrap_or(sum)
}

/// What is read for a figure.
fn measures_of(wanted: &Wanted) -> Vec<Measure> {
    let field = || wanted.field.clone();
    let sum = || if wanted.field.kind == FieldType::Decimal { Measure::SumOfDecimals(field()) } else { Measure::Sum(field()) };
    match wanted.figure {
        Figure::Sum => vec![sum()],
        Figure::Average => vec![sum(), Measure::Given(field())],
        Figure::Least => vec![Measure::Least(field())],
        Figure::Greatest => vec![Measure::Greatest(field())],
    }
}

/// The value of a figure from what was read for it.
fn figure_of(wanted: &Wanted, cells: &[Cell]) -> Result<Value, Problem> {
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

/// Cuts a date at the periods between the least and the greatest value there is.
fn cut(
    reader: &mut Reader<'_>,
    object: &'static Object,
    query: &ListQuery,
    asked: &mut Asked,
    zone: chrono_tz::Tz,
) -> Result<Vec<Period>, Problem> {
    let Some(span) = asked.span else { return Ok(Vec::new()) };
    let day = |cell: &Cell| match cell {
        Cell::Time(time) => Some(day_of(*time, zone)),
        Cell::Date(date) => Some(*date),
        Cell::Text(text) => parse_date(text).or_else(|| Some(day_of(Timestamp::parse(text)?, zone))),
        Cell::Null | Cell::Boolean(_) | Cell::Integer(_) | Cell::Double(_) | Cell::Id(_) | Cell::Json(_) => None,
    };
    let extent = reader.extent(object, &query.predicate, &asked.group, query.as_of)?;
    let Some((first, last)) =
        extent.and_then(|(least, greatest)| Some((span.around(day(&least)?)?, span.around(day(&greatest)?)?)))
    else {
        asked.group.bounds = Some(Vec::new());
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
    asked.group.bounds = Some(bounds);
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
fn read_groups(
    reader: &mut Reader<'_>,
    object: &'static Object,
    query: &ListQuery,
    asked: &[Asked],
    wanted: &[Wanted],
    most: usize,
) -> Result<Vec<Row>, Problem> {
    let mut groups: Vec<Group> = asked.iter().map(|asked| asked.group.clone()).collect();
    let is_money = |wanted: &Wanted| wanted.field.kind == FieldType::Money;
    let numbers: Vec<(usize, &Wanted)> = wanted.iter().enumerate().filter(|(_, wanted)| !is_money(wanted)).collect();
    let mut measures = vec![Measure::Count];
    measures.extend(numbers.iter().flat_map(|(_, wanted)| measures_of(wanted)));
    let too_many = || Fault::new("group_by", FaultCode::TooMany).with("max", most);
    if reader.has_more_groups(object, &query.predicate, &groups, (query.as_of, most))? {
        return Err(too_many().into());
    }
    let mut found: BTreeMap<Vec<Key>, Row> = BTreeMap::new();
    for mut cells in reader.aggregate(object, &query.predicate, &groups, &measures, (query.as_of, most + 1))? {
        let own = cells.split_off(groups.len());
        let mut figures: Vec<Value> =
            wanted.iter().map(|wanted| if is_money(wanted) { json!([]) } else { Value::Null }).collect();
        let mut rest = &own[1..];
        for (place, wanted) in &numbers {
            let (cells, others) = rest.split_at(measures_of(wanted).len());
            rest = others;
            figures[*place] = figure_of(wanted, cells)?;
        }
        let count = own[0].as_integer().unwrap_or(0);
        // Without groups there is one row, also of nothing.
        found.insert(cells.iter().map(Key::of).collect(), Row { values: cells, count, figures });
    }
    if found.len() > most {
        return Err(too_many().into());
    }
    for (place, wanted) in wanted.iter().enumerate().filter(|(_, wanted)| is_money(wanted)) {
        let Some(currency) = wanted.field.currency() else { continue };
        groups.push(Group::by(&currency));
        let rows = reader.aggregate(object, &query.predicate, &groups, &measures_of(wanted), (query.as_of, usize::MAX))?;
        groups.pop();
        for cells in rows {
            let (key, own) = cells.split_at(groups.len());
            let Some(code) = own[0].as_text() else { continue };
            let key: Vec<Key> = key.iter().map(Key::of).collect();
            if let Some(list) = found.get_mut(&key).and_then(|row| row.figures[place].as_array_mut()) {
                list.push(json!({"amount": figure_of(wanted, &own[1..])?, "currency": code}));
                list.sort_by_key(|sum| sum["currency"].to_string());
            }
        }
    }
    Ok(found.into_values().collect())
}

/// A value of a group in its order: nothing last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
    Nothing,
}

impl Key {
    fn of(cell: &Cell) -> Key {
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

/// Where the summary was asked for.
struct Place<'a> {
    path: &'a str,
    parameters: &'a [(String, String)],
    zone: chrono_tz::Tz,
}

impl Place<'_> {
    fn group(&self, asked: &[Asked], periods: &[Vec<Period>], row: Row, (wanted, shown): (&[Wanted], [bool; 4])) -> SummaryGroup {
        let mut group = Map::new();
        let mut told = true;
        let mut own: Vec<(String, String)> = Vec::new();
        for ((asked, periods), cell) in asked.iter().zip(periods).zip(row.values) {
            let period = asked.span.and_then(|_| periods.get(usize::try_from(cell.as_integer()?).ok()?));
            let value = match (period, &cell) {
                (_, Cell::Null) => {
                    told &= asked.group.steps.is_empty();
                    // A currency is missing where the amount is; only for that there is a parameter.
                    let path = asked.group.field.money().and_then(|_| asked.path.strip_suffix(".currency"));
                    own.push((format!("{}_null", path.unwrap_or(&asked.path)), "true".to_owned()));
                    Value::Null
                }
                (Some(period), _) => {
                    let bound = |day| match asked.group.field.kind {
                        FieldType::DateTime => start_of_day(day, self.zone).to_string(),
                        _ => day.to_string(),
                    };
                    own.push((format!("{}_gte", asked.path), bound(period.start)));
                    own.push((format!("{}_lt", asked.path), bound(period.end())));
                    period.to_string().into()
                }
                (None, cell) => {
                    let value = cell.to_value().unwrap_or(Value::Null);
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    own.push((asked.path.clone(), text));
                    value
                }
            };
            group.insert(asked.name.clone(), value);
        }
        let mut figures = [Map::new(), Map::new(), Map::new(), Map::new()];
        for (wanted, value) in wanted.iter().zip(row.figures) {
            figures[wanted.figure as usize].insert(wanted.field.path(), value);
        }
        let [sums, averages, minimums, maximums] = figures;
        let [_, average, least, greatest] = shown;
        SummaryGroup {
            group,
            count: row.count,
            sums,
            averages: average.then_some(averages),
            minimums: least.then_some(minimums),
            maximums: greatest.then_some(maximums),
            list: told.then(|| self.list(own)),
        }
    }

    /// The list of a group: what was asked for, narrowed to the group's own values.
    fn list(&self, own: Vec<(String, String)>) -> String {
        let asked = self.parameters.iter().filter(|(name, _)| own.iter().all(|(other, _)| other != name));
        let clashing = |name: &str| self.parameters.iter().find(|(asked, _)| asked == name);
        let own = own.iter().map(|(name, value)| match clashing(name) {
            // Of two bounds on the same side the tighter one counts.
            Some((_, other)) if name.ends_with("_gte") && other > value => (name, other),
            Some((_, other)) if name.ends_with("_lt") && other < value => (name, other),
            Some(_) | None => (name, value),
        });
        let pairs: Vec<String> = asked
            .map(|(name, value)| (name, value))
            .chain(own)
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY)))
            .collect();
        if pairs.is_empty() { self.path.to_owned() } else { format!("{}?{}", self.path, pairs.join("&")) }
    }
}
