//! Work orders: made from tickets, given to technicians at a time, reported on from the road, and closed.

mod checklist_item;
pub mod closing;
pub mod dispatch;
mod part;
pub mod scheduling;
pub mod visits;
mod work_order;

use farley_domain::{
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        handle::Handle,
        record::Record,
    },
    service::work_orders::{
        scheduling::status_of,
        work_order::{WorkOrder, WorkOrderStatus},
    },
    values::time::Timestamp,
};

use crate::{http::problem::Problem, records::behaviour::Writing};

/// Refuses what a work order is not in a state for, with what can be done instead.
fn demand(order: &Record<WorkOrder>, fits: impl Fn(WorkOrderStatus) -> bool) -> Result<(), Problem> {
    let status = status_of(order);
    if fits(status) { Ok(()) } else { Err(Problem::state(status.told(), allowed(status))) }
}

/// What can be done to a work order.
fn allowed(status: WorkOrderStatus) -> &'static [&'static str] {
    match status {
        WorkOrderStatus::Unscheduled => &["schedule", "cancel"],
        WorkOrderStatus::Scheduled => &["schedule", "unschedule", "depart", "check-in", "complete", "cannot-complete", "cancel"],
        WorkOrderStatus::Travelling => &["schedule", "unschedule", "check-in", "complete", "cannot-complete", "cancel"],
        WorkOrderStatus::InProgress => &["check-in", "check-out", "complete", "cannot-complete", "cancel"],
        WorkOrderStatus::Completed | WorkOrderStatus::CannotComplete | WorkOrderStatus::Cancelled => &["reopen"],
    }
}

/// Gives a part or item its place among the others of its work order, last by default, of which there may be so many.
fn find_place<E: Entity>(
    writing: &Writing<'_, E>,
    record: &mut Record<E>,
    others: &[Record<E>],
    (order, most): (Handle<E, Option<i64>>, usize),
) -> Result<(), Problem> {
    let others = || others.iter().filter(|other| other.id() != record.id());
    if writing.before.is_none_or(Record::is_archived) && others().count() >= most {
        return Err(Problem::rule(Fault::new("", FaultCode::TooMany).with("max", most).into()));
    }
    if record.is_null(order) {
        let last = others().filter_map(|other| other.get(order)).max().unwrap_or(0);
        record.set(order, last + 1);
    }
    Ok(())
}

/// Puts a work order into a status.
fn enter(order: &mut Record<WorkOrder>, status: WorkOrderStatus, now: Timestamp) {
    if order.get(WorkOrder::status) != Some(status) {
        order.set(WorkOrder::status, status);
        order.set(WorkOrder::status_entered_at, now);
    }
}
