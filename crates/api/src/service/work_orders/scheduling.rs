//! Giving work orders to technicians at a time, and taking them off the plan again.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::{access::Action, user::User},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    query::predicate::Predicate,
    sales::leads::schedule::{WorkSchedule, absence_within},
    service::{
        assignment::{folded, lacking},
        work_orders::{
            scheduling::{check_window, planned},
            work_order::{WorkOrder, WorkOrderStatus},
        },
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Layout, Work};
use serde_json::json;

use super::{demand, enter};
use crate::{
    access::call::Call,
    body,
    http::{problem::Problem, request::Body},
    records::{
        action::{Asked, act},
        behaviour::Shown,
        body::Nothing,
        giving, lookup,
        mutation::Answer,
    },
};

body! {
    /// To whom a work order goes, and for when.
    pub struct WorkOrderScheduling {
        /// The technician. Defaults to the present one.
        owner_id: Option<Id> => reference("user").example("01890a5d-ac96-774b-bcce-b302099a8057"),
        /// When the technician is to begin.
        scheduled_from: Option<Timestamp> => datetime().required().example("2030-03-04T01:30:00.000Z"),
        /// When the technician is to be done; at most seven days later. Defaults to `duration_minutes` later.
        scheduled_to: Option<Timestamp> => datetime().example("2030-03-04T03:00:00.000Z"),
        /// Whether it may overlap with other work orders of the technician.
        allow_overlap: bool => boolean().default(false),
        /// Whether the technician may lack skills that it requires.
        allow_missing_skills: bool => boolean().default(false),
        /// Whether it may begin outside of the window that the customer was promised.
        allow_outside_window: bool => boolean().default(false),
    }
    example json!({"owner_id": "01890a5d-ac96-774b-bcce-b302099a8057", "scheduled_from": "2030-03-04T01:30:00.000Z"})
}

/// Schedule a work order
///
/// Gives it to a technician at a time; what was scheduled already is moved. The technician is notified. Returns 409 `technician_busy`, with the
/// work orders in the way in `conflicts`, if it overlaps with others of the technician that are not done; 422 if the technician is deactivated, is
/// absent by a work schedule or lacks a required skill, or if it would begin outside of the promised window.
#[utoipa::path(tag = "work-orders", operation_id = "scheduleWorkOrder", request_body = WorkOrderScheduling,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The scheduled work order.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/schedule")]
pub async fn schedule(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, WorkOrderScheduling>((call, request, body), Action::Update, |work, asked| {
        let (order, asked_of) = (asked.record(), &asked.body);
        let is_open = |status| status != WorkOrderStatus::InProgress && !WorkOrderStatus::is_done(status);
        demand(order, is_open)?;
        let owner = asked_of.get(WorkOrderScheduling::owner_id).or(order.get(WorkOrder::owner_id));
        let from = asked_of.get(WorkOrderScheduling::scheduled_from).unwrap_or(asked.writer.now);
        let mut faults = Faults::default();
        let to = (asked_of.get(WorkOrderScheduling::scheduled_to), &*WorkOrderScheduling::scheduled_to.pointer());
        let span = faults.keep(planned(from, to, order.get(WorkOrder::duration_minutes)));
        if !asked_of.get(WorkOrderScheduling::allow_outside_window) {
            check_window(order, from, &WorkOrderScheduling::scheduled_from.pointer(), &mut faults);
        }
        let pointer = WorkOrderScheduling::owner_id.pointer();
        match owner {
            None => faults.add(Fault::new(pointer, FaultCode::Required)),
            Some(owner) => match technician(work, asked, owner)? {
                None => faults.add(Fault::new(pointer, FaultCode::NotFound)),
                Some(user) => {
                    giving::check_takers(work, &[(pointer.clone(), owner)], &mut faults)?;
                    let missing = lacking(&order.get(WorkOrder::required_skills), &folded(&user.get(User::skills)));
                    if !missing.is_empty() && !asked_of.get(WorkOrderScheduling::allow_missing_skills) {
                        let fault = Fault::new(pointer.clone(), FaultCode::MissingSkills);
                        faults.add(fault.with("skills", missing.join(", ")));
                    }
                    let schedules = lookup::find::<WorkSchedule>(work, &schedules_of(owner), MOST_SCHEDULES)?;
                    if let Some(absence) = span.and_then(|span| absence_within(&schedules, owner, span.from, span.to)) {
                        let fault = Fault::new(pointer, FaultCode::TechnicianAbsent);
                        faults.add(fault.with("from", absence.starts_at).with("until", absence.ends_at));
                    }
                }
            },
        }
        let span = faults.into_result(span).map_err(Problem::rule)?.ok_or_else(Problem::not_found)?;
        let mut record = order.clone();
        record.set(WorkOrder::owner_id, owner);
        record.set(WorkOrder::scheduled_from, span.from);
        record.set(WorkOrder::scheduled_to, span.to);
        record.set(WorkOrder::overlap_allowed, asked_of.get(WorkOrderScheduling::allow_overlap));
        record.clear(WorkOrder::departure);
        enter(&mut record, WorkOrderStatus::Scheduled, asked.writer.now);
        place(work, asked, record, "scheduled")
    })
    .await
}

/// Unschedule a work order
///
/// Takes it off the plan: it has no technician and no time any more, and waits to be scheduled. Returns 409 unless it is scheduled or its
/// technician is on the way.
#[utoipa::path(tag = "work-orders", operation_id = "unscheduleWorkOrder", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The work order, unscheduled.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/unschedule")]
pub async fn unschedule(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, Nothing>((call, request, body), Action::Update, |work, asked| {
        let mut record = asked.record().clone();
        demand(&record, |status| matches!(status, WorkOrderStatus::Scheduled | WorkOrderStatus::Travelling))?;
        off_the_plan(&mut record);
        record.clear(WorkOrder::owner_id);
        enter(&mut record, WorkOrderStatus::Unscheduled, asked.writer.now);
        place(work, asked, record, "unscheduled")
    })
    .await
}

/// Leaves a work order without a time.
pub fn off_the_plan(record: &mut Record<WorkOrder>) {
    record.clear(WorkOrder::scheduled_from);
    record.clear(WorkOrder::scheduled_to);
    record.set(WorkOrder::overlap_allowed, false);
    record.clear(WorkOrder::departure);
}

/// How many work schedules of one user are looked at.
const MOST_SCHEDULES: usize = 1_000;

/// The live work schedules of a user.
fn schedules_of(user: Id) -> Predicate {
    Predicate::Archived(false).and(WorkSchedule::user_ids.any([user]))
}

/// The technician that is named, if the caller may know of them: themselves, whoever has the work order already, or whom they may read.
fn technician<B>(work: &mut Work<'_>, asked: &Asked<WorkOrder, B>, id: Id) -> Result<Option<Record<User>>, Problem> {
    let principal = &asked.writer.principal;
    let known = id == principal.user_id() || asked.record().get(WorkOrder::owner_id) == Some(id);
    let rows = principal.asker.rows(User::object(), Action::Read).unwrap_or_else(Predicate::nothing);
    let layout = Arc::new(Layout::of(&principal.schema(User::object()), &|_| true, Some(&[]), &[]));
    let within = Predicate::Archived(false).and(rows);
    if !known && work.reader().get(&layout, &principal.view(asked.writer.now), id, &within)?.is_none() {
        return Ok(None);
    }
    lookup::one::<User>(work, id)
}

/// Stores a work order that may have come to somebody else, and to that somebody's team.
fn place<B>(work: &mut Work<'_>, asked: &Asked<WorkOrder, B>, record: Record<WorkOrder>, verb: &str) -> Result<Answer, Problem> {
    let (writer, loaded) = (&asked.writer, &asked.loaded);
    let mut record = record.into_any();
    let follows = writer.follow_owner(work, &loaded.record, &mut record)?;
    let record = writer.apply_rules(&writer.schema(), Some(&loaded.record), record)?;
    writer.reach_place(&loaded.record, &record)?;
    let settled: &[&str] = if follows { &[WorkOrder::team_id.name()] } else { &[] };
    let record = writer.store_settled(work, loaded, record, verb, settled)?;
    writer.answer(work, 200, &record, Shown::new())
}
