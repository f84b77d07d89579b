//! How many tickets came and went, and how many were left.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    choices,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::Op,
        handle::Handle,
    },
    query::{past::AS_OF, past::AsOf, predicate::Predicate},
    service::{clock::StatusKind, ticket::Ticket},
    values::{
        calendar::{self, start_of_day},
        time::Timestamp,
    },
};
use farley_persistence::{Bound, Cell, Cut, Group, Measure, Reader, StoreError};
use serde_json::Value;

use super::{Asked, SLICE, ServiceFigure, Slices, Span, condition};
use crate::{
    access::call::Call,
    http::problem::Problem,
    records::{parameters::Filters, summary},
};

/// How many periods a report has at most.
const MOST_PERIODS: usize = 120;

/// Volume and backlog over time.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceVolumeReport {
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-01-01")]
    pub from: NaiveDate,
    /// The day after the last day.
    #[schema(value_type = String, format = "date", example = "2027-01-01")]
    pub to: NaiveDate,
    /// One for each value, those with the most opened tickets first; a single one without a slice.
    pub slices: Vec<ServiceVolumeSlice>,
}

/// The volume of the tickets with one value.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceVolumeSlice {
    /// The value; null for tickets without one, and without a slice. Of the backlog of the past it is the value of that time.
    #[schema(value_type = Value)]
    pub value: Value,
    /// In the order of time, without gaps.
    pub periods: Vec<ServicePeriod>,
}

/// A day, week or month.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServicePeriod {
    /// Its first day that belongs to the report.
    #[schema(value_type = String, format = "date", example = "2026-03-01")]
    pub from: NaiveDate,
    /// The day after its last such day.
    #[schema(value_type = String, format = "date", example = "2026-04-01")]
    pub to: NaiveDate,
    /// The tickets opened in it (`opened_at`).
    pub opened: ServiceFigure,
    /// The tickets first solved in it (`first_solved_at`), even if they were reopened.
    pub solved: ServiceFigure,
    /// The tickets closed in it (`closed_at`) that are closed now.
    pub closed: ServiceFigure,
    /// The tickets that were neither solved nor closed when it ended, according to the ledger; of a period that has not ended, those that are
    /// so now. Null if a filter or the slice asks for something that the ledger does not keep.
    pub backlog: Option<ServiceBacklog>,
}

/// The tickets that were left at a time.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceBacklog {
    #[schema(example = 42)]
    pub count: i64,
    /// The time, for `as_of`; null if it is now.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub as_of: Option<Timestamp>,
    /// Lists them: the `filter` of `POST /v1/tickets/search`, with the same `as_of`.
    #[schema(value_type = Object)]
    pub filter: Value,
}

choices! {
    /// How long the periods of a report are.
    pub enum ServiceInterval {
        Day "day" "Days" "日",
        Week "week" "Weeks, from Monday" "周",
        Month "month" "Months" "月",
    }
}

crate::query! {
    /// Of when.
    pub struct ServiceVolumeQuery {
        /// The first day, in the tenant's time zone.
        from: Option<NaiveDate> => date().required().example("2026-01-01"),
        /// The day after the last day. Defaults to tomorrow.
        to: Option<NaiveDate> => date().example("2027-01-01"),
        /// How long the periods are; at most 120 of them.
        interval: Option<ServiceInterval> => choice(ServiceInterval::choices()).default("month"),
        /// The field to slice by, of the ticket or of a related record.
        slice: Option<String> => text(300).example("priority"),
    }
}

type TicketFilters = Filters<Ticket>;

/// Get ticket volume and backlog
///
/// Returns how many tickets were opened, solved and closed in each day, week or month, and how many were left at its end. The filters
/// of `GET /v1/tickets` apply.
#[utoipa::path(tag = "reports", operation_id = "getServiceVolume", params(ServiceVolumeQuery, TicketFilters),
    responses((status = 200, description = "The volume.", body = ServiceVolumeReport)))]
#[get("/v1/reports/service-volume")]
pub async fn service_volume(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let needed = [Ticket::status.field(), Ticket::opened_at.field(), Ticket::first_solved_at.field(), Ticket::closed_at.field()];
    let (query, asked) = Asked::read::<Ticket, ServiceVolumeQuery>(&call, &request, &needed)?;
    let zone = call.principal.standards(call.now).zone;
    let span = Span::of((query.get(ServiceVolumeQuery::from), query.get(ServiceVolumeQuery::to)), zone, call.now)?;
    let periods = periods(&span, query.get(ServiceVolumeQuery::interval).unwrap_or(ServiceInterval::Month))?;
    let past = Past::of(&call, &asked);
    let now = call.now;
    let report = call
        .state
        .store
        .report::<_, Problem>(call.claim(), move |reader| {
            let mut slices: Slices<Vec<Counts>> = Slices::of(&asked);
            for (number, handle) in [Ticket::opened_at, Ticket::first_solved_at, Ticket::closed_at].into_iter().enumerate() {
                for (slice, place, count) in flow(reader, &asked, &span, &periods, handle)? {
                    counts(slices.at(slice)?, periods.len())[place].flows[number] = count;
                }
            }
            if let Some(past) = &past {
                for (place, period) in periods.iter().enumerate() {
                    let as_of = Some(period.end(&span)).filter(|end| *end <= now);
                    for (slice, count) in past.left(reader, &asked, as_of)? {
                        counts(slices.at(slice)?, periods.len())[place].left = count;
                    }
                }
            }
            let opened = |counts: &Vec<Counts>| counts.iter().map(|counts| counts.flows[0]).sum();
            let slices = slices.sorted(opened)?;
            let shown = slices.into_iter().map(|(value, mut found)| {
                let found = counts(&mut found, periods.len()).to_vec();
                let periods = periods.iter().zip(found);
                let periods = periods.map(|(period, counts)| period.shown(&asked, &span, &value, (counts, past.is_some(), now)));
                Ok(ServiceVolumeSlice { value: value.to_value()?, periods: periods.collect::<Result<_, StoreError>>()? })
            });
            Ok(ServiceVolumeReport { from: span.from, to: span.to, slices: shown.collect::<Result<_, StoreError>>()? })
        })
        .await?;
    Ok(HttpResponse::Ok().json(report))
}

/// What is counted of a period.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// Opened, solved, closed.
    flows: [usize; 3],
    left: usize,
}

/// The counts of a slice, for every period.
fn counts(found: &mut Vec<Counts>, periods: usize) -> &mut Vec<Counts> {
    found.resize(periods, Counts::default());
    found
}

/// A period as far as it belongs to the report.
#[derive(Clone, Copy)]
pub(super) struct Period {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
}

/// The periods of a report, in the order of time.
pub(super) fn periods(span: &Span, interval: ServiceInterval) -> Result<Vec<Period>, Problem> {
    let interval = match interval {
        ServiceInterval::Day => calendar::Span::Day,
        ServiceInterval::Week => calendar::Span::Week,
        ServiceInterval::Month => calendar::Span::Month,
    };
    let mut periods = Vec::new();
    let mut next = interval.around(span.from);
    while let Some(period) = next.filter(|period| period.start < span.to) {
        if periods.len() == MOST_PERIODS {
            return Err(Fault::new(ServiceVolumeQuery::interval.name(), FaultCode::TooMany).with("max", MOST_PERIODS).into());
        }
        periods.push(Period { from: period.start.max(span.from), to: period.end().min(span.to) });
        next = Some(period.next());
    }
    Ok(periods)
}

impl Period {
    pub(super) fn start(&self, span: &Span) -> Timestamp {
        start_of_day(self.from, span.zone)
    }

    pub(super) fn end(&self, span: &Span) -> Timestamp {
        start_of_day(self.to, span.zone)
    }

    fn shown(
        &self,
        asked: &Asked,
        span: &Span,
        slice: &Cell,
        (counts, knows_past, now): (Counts, bool, Timestamp),
    ) -> Result<ServicePeriod, StoreError> {
        let within = |handle: Handle<Ticket, Option<Timestamp>>, count: usize| {
            let times = [condition(handle, Op::Gte, self.start(span)), condition(handle, Op::Lt, self.end(span))];
            asked.figure(slice, count, times)
        };
        let [opened, solved, closed] = counts.flows;
        let backlog = knows_past.then(|| {
            let ServiceFigure { count, filter } =
                asked.figure(slice, counts.left, [condition(Ticket::status, Op::In, StatusKind::UNDONE)])?;
            Ok::<_, StoreError>(ServiceBacklog { count, as_of: Some(self.end(span)).filter(|end| *end <= now), filter })
        });
        Ok(ServicePeriod {
            from: self.from,
            to: self.to,
            opened: within(Ticket::opened_at, opened)?,
            solved: within(Ticket::first_solved_at, solved)?,
            closed: within(Ticket::closed_at, closed)?,
            backlog: backlog.transpose()?,
        })
    }
}

/// How many tickets have a time in each period, by slice and the place of the period.
fn flow(
    reader: &mut Reader<'_>,
    asked: &Asked,
    span: &Span,
    periods: &[Period],
    handle: Handle<Ticket, Option<Timestamp>>,
) -> Result<Vec<(Cell, usize, usize)>, Problem> {
    let bounds = periods.iter().skip(1).map(|period| Bound::Time(period.start(span))).collect();
    let mut groups = vec![Group { cut: Some(Cut::at(bounds)), ..Group::by(handle.field()) }];
    groups.extend(asked.group().cloned());
    let within = asked.query.predicate.clone().and(handle.gte(span.start())).and(handle.lt(span.end()));
    let rows = reader.aggregate(Ticket::object(), &within, &groups, &[Measure::Count], (None, usize::MAX))?;
    let read = |row: Vec<Cell>| {
        let number = |place: usize| row.get(place).and_then(Cell::as_integer).and_then(|number| usize::try_from(number).ok());
        let slice = if groups.len() > 1 { row[1].clone() } else { Cell::Null };
        Some((slice, number(0)?, number(groups.len())?))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The same tickets as they were at a time.
struct Past {
    predicate: Predicate,
    group: Option<Group>,
}

impl Past {
    /// None, if the ledger does not keep what is asked for.
    fn of(call: &Call, asked: &Asked) -> Option<Past> {
        let object = Ticket::object();
        let present = call.view();
        let mut filters = asked.filters.clone();
        filters.push((AS_OF.to_owned(), call.now.to_string()));
        let predicate = summary::filters(object, &mut filters, Faults::default(), &present).ok()?.predicate;
        let view = AsOf::of(&present, object, true);
        let group = asked.slice.as_ref().map(|slice| summary::group(object, &slice.name, SLICE, &view)).transpose().ok()?;
        Some(Past { predicate, group })
    }

    /// How many were left at a time, or are left now, by slice.
    fn left(&self, reader: &mut Reader<'_>, asked: &Asked, as_of: Option<Timestamp>) -> Result<Vec<(Cell, usize)>, Problem> {
        let (within, group) = match as_of {
            Some(_) => (&self.predicate, self.group.as_ref()),
            None => (&asked.query.predicate, asked.group()),
        };
        let undone = StatusKind::ALL.iter().copied().filter(|kind| !kind.is_done());
        let within = within.clone().and(Ticket::status.is_in(undone));
        let groups: Vec<Group> = group.into_iter().cloned().collect();
        let rows = reader.aggregate(Ticket::object(), &within, &groups, &[Measure::Count], (as_of, usize::MAX))?;
        let read = |row: Vec<Cell>| {
            let count = usize::try_from(row.get(groups.len())?.as_integer()?).ok()?;
            let slice = if groups.is_empty() { Cell::Null } else { row[0].clone() };
            Some((slice, count))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }
}
