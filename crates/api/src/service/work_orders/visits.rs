//! What technicians report from the road: that they set out, arrived and left, with the time of their own clock and the place.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::record::Record,
    service::work_orders::{
        position::{POSITION, Position, Report, happened_at},
        work_order::{WorkOrder, WorkOrderStatus},
    },
    values::time::Timestamp,
};
use serde_json::json;

use super::{demand, enter};
use crate::{
    access::call::Call,
    body,
    http::{problem::Problem, request::Body},
    records::action::{Asked, act},
};

body! {
    /// When and where something happened.
    pub struct WorkReport {
        /// When it happened, by the clock of the device: at most seven days ago, for devices that had no connection, and at most five minutes
        /// ahead. Defaults to now.
        at: Option<Timestamp> => datetime(),
        /// Where the device was.
        position: Option<Position> => structure(&POSITION).example(json!({"latitude": 22.543_096, "longitude": 114.057_865, "accuracy_m": 12.5})),
    }
    example json!({"position": {"latitude": 22.543_096, "longitude": 114.057_865, "accuracy_m": 12.5}})
}

/// Set out for a work order
///
/// Says that the technician is on the way. Returns 409 unless it is scheduled.
#[utoipa::path(tag = "work-orders", operation_id = "departForWorkOrder", request_body = WorkReport,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The work order, its technician on the way.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/depart")]
pub async fn depart(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, WorkReport>((call, request, body), Action::Update, |work, asked| {
        let mut record = asked.record().clone();
        demand(&record, |status| status == WorkOrderStatus::Scheduled)?;
        record.set(WorkOrder::departure, report(asked, last_seen(&record))?);
        enter(&mut record, WorkOrderStatus::Travelling, asked.writer.now);
        asked.store(work, record, "departed")
    })
    .await
}

/// Check in at a work order
///
/// Says that the technician is there and begins; again for another visit, after checking out. Returns 409 unless it is scheduled, its
/// technician is on the way, or it is in progress without a technician on site.
#[utoipa::path(tag = "work-orders", operation_id = "checkInAtWorkOrder", request_body = WorkReport,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The work order in progress.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/check-in")]
pub async fn check_in(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, WorkReport>((call, request, body), Action::Update, |work, asked| {
        let mut record = asked.record().clone();
        demand(&record, WorkOrderStatus::takes_time)?;
        if is_on_site(&record) {
            return Err(Problem::state("with a technician on site", &["check-out", "complete", "cannot-complete"]));
        }
        let report = report(asked, last_seen(&record))?;
        record.set(WorkOrder::checked_in_at, report.at);
        record.set(WorkOrder::check_in, report);
        record.clear(WorkOrder::check_out);
        record.clear(WorkOrder::checked_out_at);
        enter(&mut record, WorkOrderStatus::InProgress, asked.writer.now);
        asked.store(work, record, "checked_in")
    })
    .await
}

/// Check out of a work order
///
/// Says that the technician leaves; the work order stays in its status, so that work can go on another day, and the time on site is added
/// up. Can be done after it was completed or given up too. Returns 409 if no technician is on site.
#[utoipa::path(tag = "work-orders", operation_id = "checkOutOfWorkOrder", request_body = WorkReport,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The work order.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/check-out")]
pub async fn check_out(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, WorkReport>((call, request, body), Action::Update, |work, asked| {
        let mut record = asked.record().clone();
        let Some(began) = record.get(WorkOrder::checked_in_at).filter(|_| is_on_site(&record)) else {
            return Err(Problem::state("without a technician on site", &["check-in"]));
        };
        let report = report(asked, Some(began))?;
        let seconds = (report.at.milliseconds() - began.milliseconds()) / 1000;
        record.set(WorkOrder::on_site_seconds, record.get(WorkOrder::on_site_seconds) + seconds);
        record.set(WorkOrder::checked_out_at, report.at);
        record.set(WorkOrder::check_out, report);
        asked.store(work, record, "checked_out")
    })
    .await
}

/// Whether a technician is there.
fn is_on_site(order: &Record<WorkOrder>) -> bool {
    !order.is_null(WorkOrder::checked_in_at) && order.is_null(WorkOrder::checked_out_at)
}

/// When the technician last reported.
fn last_seen(order: &Record<WorkOrder>) -> Option<Timestamp> {
    let set_out = order.get(WorkOrder::departure).map(|departure| departure.at);
    set_out.max(order.get(WorkOrder::checked_in_at)).max(order.get(WorkOrder::checked_out_at))
}

/// What is reported, beside when the server hears of it.
fn report(asked: &Asked<WorkOrder, WorkReport>, not_before: Option<Timestamp>) -> Result<Report, Problem> {
    let (body, now) = (&asked.body, asked.writer.now);
    let at = happened_at(body.get(WorkReport::at), now, not_before, &WorkReport::at.pointer());
    let at = at.map_err(|fault| Problem::rule(fault.into()))?;
    let user_id = Some(asked.writer.principal.user_id());
    Ok(Report { at, recorded_at: now, user_id, position: body.get(WorkReport::position) })
}
