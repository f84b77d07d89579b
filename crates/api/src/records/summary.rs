//! Summaries: how many records there are of each kind, and what their amounts add up to. Each group tells where its records are
//! listed.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType},
        object::{Object, Schema},
    },
    query::{
        list::ListQuery,
        past::AsOf,
        predicate::{View, path},
    },
    values::{
        calendar::{Period, Span, day_of, start_of_day},
        time::parse_date,
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
/// How many fields to group by, and to add up.
const MAX_FIELDS: usize = 4;

/// What is left of a URL's query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b',');

/// The groups of a summary.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Summary {
    /// Sorted by value; the group without a value is last.
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
    /// The sum of each requested field: for money, per currency in minor units; for numbers, a single number.
    #[schema(value_type = Object, example = json!({"amount": [{"amount": 1_234_500, "currency": "CNY"}]}))]
    pub sums: Map<String, Value>,
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
    let (group_by, sum) = (take(&mut parameters, "group_by")?, take(&mut parameters, "sum")?);
    let present = call.view();
    let view = AsOf::of_parameters(&present, object, &parameters);
    let schema = path::shape_of(object, &view);
    let mut faults = Faults::default();
    let groups = named(group_by, "group_by", &mut faults, |name| asked(&schema, name, &view));
    let sums = named(sum, "sum", &mut faults, |name| summed(&schema, name, &view));
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
            let rows = read_groups(reader, object, &query, &groups, &sums)?;
            let place = Place { path: &path, parameters: &parameters, zone };
            Ok(rows.into_iter().map(|(values, (count, sums))| place.group(&groups, &periods, values, count, sums)).collect())
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
    if asked.span.is_some() {
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
    let through_one = found.steps.iter().all(|step| !step.relation.reach.is_to_many());
    if !single || !through_one || (span.is_some() && !dated) || (span.is_none() && field.kind == FieldType::DateTime) {
        let expected =
            "a single-valued field, also of a related record; dates and times with .day, .week, .month, .quarter or .year";
        return Err(Fault::new("group_by", FaultCode::WrongType).with("expected", expected));
    }
    let group = Group { steps: found.steps, field, bounds: None };
    Ok(Asked { name: name.to_owned(), path: path.to_owned(), span, group })
}

fn summed(schema: &Schema, name: &str, view: &dyn View) -> Result<Field, Fault> {
    let known = |field: &&Field| matches!(field.kind, FieldType::Money | FieldType::Integer { .. });
    path::visible_field(schema, name, view).filter(known).cloned().ok_or_else(|| {
        let names: Vec<String> =
            schema.fields().filter(|field| known(field) && view.sees(schema.object, field)).map(Field::path).collect();
        Fault::new("sum", FaultCode::UnknownChoice).with("choices", names.join(", "))
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
        Cell::Text(text) => parse_date(text).or_else(|| Some(day_of(farley_domain::values::time::Timestamp::parse(text)?, zone))),
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
            return Err(Fault::new("group_by", FaultCode::TooMany).with("max", MAX_GROUPS).into());
        }
        periods.push(period.next());
    }
    let bound = |period: &Period| match asked.group.field.kind {
        FieldType::DateTime => Bound::Time(start_of_day(period.start, zone)),
        _ => Bound::Date(period.start),
    };
    asked.group.bounds = Some(periods.iter().skip(1).map(bound).collect());
    Ok(periods)
}

/// The counts and sums of each group, in the order of the groups' values.
#[allow(clippy::type_complexity, reason = "read where it is made")]
fn read_groups(
    reader: &mut Reader<'_>,
    object: &'static Object,
    query: &ListQuery,
    asked: &[Asked],
    sums: &[Field],
) -> Result<Vec<(Vec<Cell>, (i64, Map<String, Value>))>, Problem> {
    let mut groups: Vec<Group> = asked.iter().map(|asked| asked.group.clone()).collect();
    let numbers: Vec<&Field> = sums.iter().filter(|field| field.kind != FieldType::Money).collect();
    let mut measures = vec![Measure::Count];
    measures.extend(numbers.iter().map(|field| Measure::Sum((*field).clone())));
    let too_many = || Fault::new("group_by", FaultCode::TooMany).with("max", MAX_GROUPS);
    if reader.has_more_groups(object, &query.predicate, &groups, (query.as_of, MAX_GROUPS))? {
        return Err(too_many().into());
    }
    let most = (query.as_of, MAX_GROUPS + 1);
    let mut found: BTreeMap<Vec<Key>, (Vec<Cell>, i64, Map<String, Value>)> = BTreeMap::new();
    for mut cells in reader.aggregate(object, &query.predicate, &groups, &measures, most)? {
        let own = cells.split_off(groups.len());
        let mut added = Map::new();
        for (field, cell) in numbers.iter().zip(&own[1..]) {
            added.insert(field.path(), cell.as_integer().into());
        }
        let count = own[0].as_integer().unwrap_or(0);
        // Without groups there is one row, also of nothing.
        found.insert(cells.iter().map(Key::of).collect(), (cells, count, added));
    }
    if found.len() > MAX_GROUPS {
        return Err(too_many().into());
    }
    for field in sums.iter().filter(|field| field.kind == FieldType::Money) {
        for (_, _, added) in found.values_mut() {
            added.insert(field.path(), json!([]));
        }
        let Some(currency) = field.currency() else { continue };
        groups.push(Group::by(&currency));
        let rows =
            reader.aggregate(object, &query.predicate, &groups, &[Measure::Sum(field.clone())], (query.as_of, usize::MAX))?;
        groups.pop();
        for cells in rows {
            let (key, own) = cells.split_at(groups.len());
            let Some(code) = own[0].as_text() else { continue };
            let key: Vec<Key> = key.iter().map(Key::of).collect();
            if let Some(list) = found.get_mut(&key).and_then(|(_, _, added)| added.get_mut(&field.path())?.as_array_mut()) {
                list.push(json!({"amount": own[1].as_integer(), "currency": code}));
                list.sort_by_key(|sum| sum["currency"].to_string());
            }
        }
    }
    Ok(found.into_values().map(|(cells, count, sums)| (cells, (count, sums))).collect())
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
    fn group(
        &self,
        asked: &[Asked],
        periods: &[Vec<Period>],
        values: Vec<Cell>,
        count: i64,
        sums: Map<String, Value>,
    ) -> SummaryGroup {
        let mut group = Map::new();
        let mut told = true;
        let mut own: Vec<(String, String)> = Vec::new();
        for ((asked, periods), cell) in asked.iter().zip(periods).zip(values) {
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
        SummaryGroup { group, count, sums, list: told.then(|| self.list(own)) }
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
