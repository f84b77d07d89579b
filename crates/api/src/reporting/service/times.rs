//! How long customers waited: for the first response and for the solution, and how often a solution did not last.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::Op,
        record::Record,
    },
    service::{
        business_time::Hours,
        calendar::{Calendar, hours},
        ticket::Ticket,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Cell, Reader, StoreError};
use serde_json::Value;

use super::{Asked, MOST_TICKETS, ServiceFigure, Slices, Span, condition, given, ratio};
use crate::{
    access::{call::Call, principal::Principal},
    http::problem::Problem,
    records::parameters::Filters,
};

/// Response and resolution times.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceTimesReport {
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-01-01")]
    pub from: NaiveDate,
    /// The day after the last day.
    #[schema(value_type = String, format = "date", example = "2027-01-01")]
    pub to: NaiveDate,
    /// The calendar by which business time is counted, and its version; null without one.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub calendar_id: Option<Id>,
    #[schema(example = 3)]
    pub calendar_version: Option<i64>,
    /// One for each value, those with the most tickets first; a single one without a slice.
    pub slices: Vec<ServiceTimesSlice>,
}

/// The times of the tickets with one value.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceTimesSlice {
    /// The value; null for tickets without one, and without a slice.
    #[schema(value_type = Value)]
    pub value: Value,
    /// All tickets opened in the period.
    pub opened: ServiceFigure,
    /// From `opened_at` to `first_responded_at`, of those that were answered.
    pub first_response: ServiceTimes,
    /// From `opened_at` to `first_solved_at`, of those that were ever solved, even if they were reopened.
    pub first_resolution: ServiceTimes,
    /// From `opened_at` to `solved_at`, of those that are solved or closed now.
    pub resolution: ServiceTimes,
    /// Those of the tickets ever solved that were reopened at least once (`reopen_count`).
    pub reopened: ServiceFigure,
    /// reopened ÷ first_resolution, by number of tickets, 0 to 1; null if none was ever solved.
    #[schema(example = 0.08)]
    pub reopen_rate: Option<f64>,
}

/// How long something took, over a number of tickets.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceTimes {
    /// The number of tickets in which it happened.
    #[schema(example = 42)]
    pub count: i64,
    /// Lists them: the `filter` of `POST /v1/tickets/search`.
    #[schema(value_type = Object)]
    pub filter: Value,
    /// Elapsed time, with nights and days off; null if there are none.
    pub plain: Option<ServiceSpread>,
    /// The time during which the desk was open by the calendar asked for; null without one, and if there are none. Pauses of SLA clocks
    /// do not count here.
    pub business: Option<ServiceSpread>,
}

/// Times in seconds.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSpread {
    /// The mean.
    #[schema(example = 5_400.0)]
    pub mean_seconds: f64,
    /// The median: half take no longer. Between two values it lies in the middle.
    #[schema(example = 3_600.0)]
    pub median_seconds: f64,
    /// The 90th percentile: nine of ten take no longer. Between two values it is interpolated linearly, as PostgreSQL's percentile_cont does.
    #[schema(example = 14_400.0)]
    pub p90_seconds: f64,
}

crate::query! {
    /// Of which tickets.
    pub struct ServiceTimesQuery {
        /// The first day, in the tenant's time zone.
        from: Option<NaiveDate> => date().required().example("2026-01-01"),
        /// The day after the last day. Defaults to tomorrow.
        to: Option<NaiveDate> => date().example("2027-01-01"),
        /// The field to slice by, of the ticket or of a related record.
        slice: Option<String> => text(300).example("owner_id"),
        /// The calendar by which business time is counted, as it is now. Without one there is no business time.
        calendar_id: Option<Id> => reference("calendar"),
    }
}

type TicketFilters = Filters<Ticket>;

/// Get response and resolution times
///
/// Returns how long the tickets opened in a period took until the first response and the solution, and how many were reopened. The
/// filters of `GET /v1/tickets` apply. At most 500,000 tickets.
#[utoipa::path(tag = "reports", operation_id = "getServiceTimes", params(ServiceTimesQuery, TicketFilters),
    responses((status = 200, description = "The times.", body = ServiceTimesReport)))]
#[get("/v1/reports/service-times")]
pub async fn service_times(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let fields = [
        Ticket::opened_at.field(),
        Ticket::first_responded_at.field(),
        Ticket::first_solved_at.field(),
        Ticket::solved_at.field(),
        Ticket::reopen_count.field(),
    ];
    let (query, asked) = Asked::read::<Ticket, ServiceTimesQuery>(&call, &request, &fields)?;
    let zone = call.principal.standards(call.now).zone;
    let span = Span::of((query.get(ServiceTimesQuery::from), query.get(ServiceTimesQuery::to)), zone, call.now)?;
    let named = query.get(ServiceTimesQuery::calendar_id);
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let report = call
        .state
        .store
        .report::<_, Problem>(call.claim(), move |reader| {
            let calendar = named.map(|id| calendar_of(reader, &principal, now, id)).transpose()?;
            let desk = calendar.as_ref().map(|calendar| hours(calendar, zone));
            let opened = Ticket::opened_at.gte(span.start()).and(Ticket::opened_at.lt(span.end()));
            let predicate = asked.query.predicate.clone().and(opened);
            let mut slices: Slices<Took> = Slices::of(&asked);
            let mut looked_at = 0;
            reader.each_values(Ticket::object(), &predicate, (asked.group(), &fields), MOST_TICKETS + 1, &mut |cells| {
                looked_at += 1;
                let mut cells = cells.into_iter();
                let slice = cells.next().unwrap_or(Cell::Null);
                let [opened, responded, first, solved, reopened] = std::array::from_fn(|_| cells.next().unwrap_or(Cell::Null));
                let times = [responded, first, solved].map(|cell| time(&cell));
                slices.at(slice)?.take(time(&opened), times, reopened.as_integer().unwrap_or(0), desk.as_ref());
                Ok(())
            })?;
            if looked_at > MOST_TICKETS {
                return Err(Fault::new("from", FaultCode::TooMany).with("max", MOST_TICKETS).into());
            }
            let slices = slices.sorted(|took| took.opened)?;
            let shown = slices.into_iter().map(|(value, took)| took.shown(&asked, &span, &value));
            Ok(ServiceTimesReport {
                from: span.from,
                to: span.to,
                calendar_id: calendar.as_ref().map(Record::id),
                calendar_version: calendar.as_ref().map(Record::version),
                slices: shown.collect::<Result<_, StoreError>>()?,
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(report))
}

/// The calendar named, if the caller may see its hours.
fn calendar_of(reader: &mut Reader<'_>, principal: &Principal, now: Timestamp, id: Id) -> Result<Record<Calendar>, Problem> {
    let object = Calendar::object();
    let missing = || Problem::from(Fault::new(ServiceTimesQuery::calendar_id.name(), FaultCode::NotFound));
    let rows = principal.asker.rows(object, Action::Read).ok_or_else(missing)?;
    let sees = [Calendar::week.field(), Calendar::dates.field(), Calendar::time_zone.field()];
    if !sees.iter().all(|field| principal.asker.sees(object, field)) {
        return Err(missing());
    }
    let found = reader.get(&principal.layout(object), &principal.view(now), id, &rows)?.ok_or_else(missing)?;
    Ok(found.to_record()?.into_entity())
}

fn time(cell: &Cell) -> Option<Timestamp> {
    match cell {
        Cell::Time(time) => Some(*time),
        _ => None,
    }
}

/// Lengths in milliseconds.
#[derive(Default)]
struct Lengths {
    plain: Vec<i64>,
    business: Vec<i64>,
}

/// What is known of the tickets of a slice.
#[derive(Default)]
struct Took {
    opened: usize,
    reopened: usize,
    /// Until the first response, the first solution, the present solution.
    lengths: [Lengths; 3],
}

impl Took {
    fn take(&mut self, opened: Option<Timestamp>, ends: [Option<Timestamp>; 3], reopened: i64, desk: Option<&Hours>) {
        self.opened += 1;
        if ends[1].is_some() && reopened > 0 {
            self.reopened += 1;
        }
        let Some(opened) = opened else { return };
        for (lengths, end) in self.lengths.iter_mut().zip(ends) {
            let Some(end) = end else { continue };
            lengths.plain.push((end.milliseconds() - opened.milliseconds()).max(0));
            if let Some(desk) = desk {
                lengths.business.push(desk.elapsed(opened, end));
            }
        }
    }

    fn shown(self, asked: &Asked, span: &Span, value: &Cell) -> Result<ServiceTimesSlice, StoreError> {
        let [response, first, present] = self.lengths;
        let ever_solved = first.plain.len();
        let times = |lengths: Lengths, happened: Value| {
            let ServiceFigure { count, filter } =
                asked.figure(value, lengths.plain.len(), span.opened().into_iter().chain([happened]))?;
            Ok::<_, StoreError>(ServiceTimes { count, filter, plain: spread(lengths.plain), business: spread(lengths.business) })
        };
        let reopened = [given(Ticket::first_solved_at), condition(Ticket::reopen_count, Op::Gt, 0)];
        Ok(ServiceTimesSlice {
            value: value.to_value()?,
            opened: asked.figure(value, self.opened, span.opened())?,
            first_response: times(response, given(Ticket::first_responded_at))?,
            first_resolution: times(first, given(Ticket::first_solved_at))?,
            resolution: times(present, given(Ticket::solved_at))?,
            reopened: asked.figure(value, self.reopened, span.opened().into_iter().chain(reopened))?,
            reopen_rate: ratio(self.reopened, ever_solved),
        })
    }
}

/// Mean, median and 90th percentile; none of nothing.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of tickets' lives are far from 2^53")]
fn spread(mut lengths: Vec<i64>) -> Option<ServiceSpread> {
    if lengths.is_empty() {
        return None;
    }
    lengths.sort_unstable();
    let sum: i128 = lengths.iter().map(|length| i128::from(*length)).sum();
    Some(ServiceSpread {
        mean_seconds: sum as f64 / lengths.len() as f64 / 1000.0,
        median_seconds: percentile(&lengths, 50) / 1000.0,
        p90_seconds: percentile(&lengths, 90) / 1000.0,
    })
}

/// A percentile of values in order; what lies between two of them is interpolated.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of tickets' lives are far from 2^53")]
fn percentile(sorted: &[i64], per_cent: usize) -> f64 {
    let hundredths = per_cent * (sorted.len() - 1);
    let (place, rest) = (hundredths / 100, hundredths % 100);
    let low = sorted[place] as f64;
    match sorted.get(place + 1) {
        Some(high) => low + (*high as f64 - low) * rest as f64 / 100.0,
        None => low,
    }
}
