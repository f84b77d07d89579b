//! Which promises were kept.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::Op,
    },
    service::{
        clock::ClockKind,
        outcome::{Outcome, named},
        ticket::Ticket,
    },
};
use farley_persistence::{Cell, StoreError};
use serde_json::Value;

use super::{Asked, MOST_TICKETS, ServiceFigure, Slices, Span, condition, ratio};
use crate::{access::call::Call, http::problem::Problem, records::parameters::Filters};

/// SLA attainment.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSlaReport {
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-01-01")]
    pub from: NaiveDate,
    /// The day after the last day.
    #[schema(value_type = String, format = "date", example = "2027-01-01")]
    pub to: NaiveDate,
    /// One for each value, those with the most tickets first; a single one without a slice.
    pub slices: Vec<ServiceSlaSlice>,
}

/// The promises for the tickets with one value.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSlaSlice {
    /// The value; null for tickets without one, and without a slice.
    #[schema(value_type = Value)]
    pub value: Value,
    /// All tickets opened in the period, promised or not.
    pub opened: ServiceFigure,
    /// The clocks of which there are any, in the order in which policies name them.
    pub clocks: Vec<ServiceSlaClock>,
}

/// How tickets fared by one kind of promise.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSlaClock {
    #[schema(value_type = String, example = "first_response")]
    pub clock: &'static str,
    /// The tickets of which every promise of this kind was kept in time.
    pub met: ServiceFigure,
    /// The tickets of which a promise of this kind was broken, even if it was kept later.
    pub breached: ServiceFigure,
    /// The tickets of which a promise of this kind is still to be kept and none is broken.
    pub open: ServiceFigure,
    /// met ÷ (met + breached), by number of tickets, 0 to 1; null if neither was.
    #[schema(example = 0.94)]
    pub attainment: Option<f64>,
}

crate::query! {
    /// Of which tickets.
    pub struct ServiceSlaQuery {
        /// The first day, in the tenant's time zone.
        from: Option<NaiveDate> => date().required().example("2026-01-01"),
        /// The day after the last day. Defaults to tomorrow.
        to: Option<NaiveDate> => date().example("2027-01-01"),
        /// The field to slice by, of the ticket or of a related record.
        slice: Option<String> => text(300).example("queue_id"),
    }
}

type TicketFilters = Filters<Ticket>;

/// Get SLA attainment
///
/// Returns for each clock for how many of the tickets opened in a period the promise was kept, broken, or is still open. A ticket counts
/// once for each clock, by the worst of its cycles (`sla_outcomes`). The filters of `GET /v1/tickets` apply. At most 500,000 tickets.
#[utoipa::path(tag = "reports", operation_id = "getServiceSla", params(ServiceSlaQuery, TicketFilters),
    responses((status = 200, description = "The attainment.", body = ServiceSlaReport)))]
#[get("/v1/reports/service-sla")]
pub async fn service_sla(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let fields = [Ticket::opened_at.field(), Ticket::sla_outcomes.field()];
    let (query, asked) = Asked::read::<Ticket, ServiceSlaQuery>(&call, &request, &fields)?;
    let zone = call.principal.standards(call.now).zone;
    let span = Span::of((query.get(ServiceSlaQuery::from), query.get(ServiceSlaQuery::to)), zone, call.now)?;
    let report = call
        .state
        .store
        .report::<_, Problem>(call.claim(), move |reader| {
            let opened = Ticket::opened_at.gte(span.start()).and(Ticket::opened_at.lt(span.end()));
            let predicate = asked.query.predicate.clone().and(opened);
            let mut slices: Slices<Fared> = Slices::of(&asked);
            let mut looked_at = 0;
            let outcomes = [Ticket::sla_outcomes.field()];
            reader.each_values(Ticket::object(), &predicate, (asked.group(), &outcomes), MOST_TICKETS + 1, &mut |cells| {
                looked_at += 1;
                let [slice, outcomes] = <[Cell; 2]>::try_from(cells).unwrap_or([Cell::Null, Cell::Null]);
                slices.at(slice)?.take(&outcomes.to_value()?);
                Ok(())
            })?;
            if looked_at > MOST_TICKETS {
                return Err(Fault::new("from", FaultCode::TooMany).with("max", MOST_TICKETS).into());
            }
            let slices = slices.sorted(|fared| fared.opened)?;
            let shown = slices.into_iter().map(|(value, fared)| fared.shown(&asked, &span, &value));
            Ok(ServiceSlaReport { from: span.from, to: span.to, slices: shown.collect::<Result<_, StoreError>>()? })
        })
        .await?;
    Ok(HttpResponse::Ok().json(report))
}

/// How the tickets of a slice fared.
#[derive(Default)]
struct Fared {
    opened: usize,
    /// By clock, then by outcome, in the orders in which these are declared.
    counts: [[usize; Outcome::ALL.len()]; ClockKind::ALL.len()],
}

impl Fared {
    fn take(&mut self, outcomes: &Value) {
        self.opened += 1;
        let told: Vec<&str> = outcomes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (kind, counts) in ClockKind::ALL.iter().zip(&mut self.counts) {
            for (outcome, count) in Outcome::ALL.into_iter().zip(counts) {
                *count += usize::from(told.contains(&named(*kind, outcome).as_str()));
            }
        }
    }

    fn shown(self, asked: &Asked, span: &Span, value: &Cell) -> Result<ServiceSlaSlice, StoreError> {
        let mut clocks = Vec::new();
        for (kind, [met, open, breached]) in ClockKind::ALL.iter().zip(self.counts) {
            if met + open + breached == 0 {
                continue;
            }
            let figure = |count: usize, outcome: Outcome| {
                let fared = condition(Ticket::sla_outcomes, Op::Any, [named(*kind, outcome)]);
                asked.figure(value, count, span.opened().into_iter().chain([fared]))
            };
            clocks.push(ServiceSlaClock {
                clock: kind.as_str(),
                met: figure(met, Outcome::Met)?,
                breached: figure(breached, Outcome::Breached)?,
                open: figure(open, Outcome::Open)?,
                attainment: ratio(met, met + breached),
            });
        }
        Ok(ServiceSlaSlice { value: value.to_value()?, opened: asked.figure(value, self.opened, span.opened())?, clocks })
    }
}
