//! Summaries: how many records there are of each kind, and what their amounts add up to. Each group tells where its records are
//! listed.

mod asked;
mod computation;
mod rest;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::FieldType,
        object::Object,
    },
    query::{
        list::ListQuery,
        past::AsOf,
        predicate::{View, path},
    },
    values::calendar::{Period, start_of_day},
};
use farley_persistence::{Cell, Group};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use self::{
    asked::{Asked, Order, Wanted, asked, measured, named, read_limit},
    computation::{Row, cut, read_groups},
    rest::{Rest, together},
};
pub use self::{
    asked::{Figure, group_of, is_single},
    computation::{Key, day_in, mean, measures_of, to_six_places},
};
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

/// What is left of a URL's query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b',');

/// The groups of a summary.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Summary {
    /// Sorted by value, the group without a value last; or as `sort` says.
    pub data: Vec<SummaryGroup>,
    /// All records of the groups that `limit` leaves out, as one group, for an “others” beside the first. Absent without `limit`, if it
    /// leaves out no group, and if the groups are values of several related records, where a record can be in groups on both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<SummaryRest>,
}

/// What the groups that are left out come to together. Means are those of all their records.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct SummaryRest {
    /// The number of groups left out.
    #[schema(example = 17)]
    pub groups: usize,
    /// The number of records in them.
    #[schema(example = 120)]
    pub count: i64,
    /// As in a group.
    #[schema(value_type = Object, example = json!({"amount": [{"amount": 1_234_500, "currency": "CNY"}]}))]
    pub sums: Map<String, Value>,
    /// As in a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub averages: Option<Map<String, Value>>,
    /// As in a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub minimums: Option<Map<String, Value>>,
    /// As in a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub maximums: Option<Map<String, Value>>,
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
    let summary = call
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
            let left_out = rows.split_off(limit.unwrap_or(usize::MAX).min(rows.len()));
            let each_once = groups.iter().all(|asked| !asked.group.leads_to_many());
            let rest = (each_once && !left_out.is_empty()).then(|| together(&left_out, &wanted)).transpose()?;
            let place = Place { path: &path, parameters: &parameters, zone };
            let data = rows.into_iter().map(|row| place.group(&groups, &periods, row, (&wanted, shown))).collect();
            Ok(Summary { data, rest: rest.map(|rest| told_rest(rest, (&wanted, shown))) })
        })
        .await?;
    Ok(HttpResponse::Ok().json(summary))
}

/// The figures by their kind and field: sums, means, least and greatest values.
fn by_field(wanted: &[Wanted], figures: Vec<Value>) -> [Map<String, Value>; 4] {
    let mut told = [Map::new(), Map::new(), Map::new(), Map::new()];
    for (wanted, value) in wanted.iter().zip(figures) {
        told[wanted.figure as usize].insert(wanted.field.path(), value);
    }
    told
}

fn told_rest(rest: Rest, (wanted, shown): (&[Wanted], [bool; 4])) -> SummaryRest {
    let [sums, averages, minimums, maximums] = by_field(wanted, rest.figures);
    let [_, average, least, greatest] = shown;
    SummaryRest {
        groups: rest.groups,
        count: rest.count,
        sums,
        averages: average.then_some(averages),
        minimums: least.then_some(minimums),
        maximums: greatest.then_some(maximums),
    }
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
        let [sums, averages, minimums, maximums] = by_field(wanted, row.figures);
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
