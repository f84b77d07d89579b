//! Work orders: made from tickets, given to technicians at a time, reported on from the road, and closed.

mod checklist_item;
pub mod closing;
pub mod dispatch;
mod part;
pub mod scheduling;
pub mod visits;
mod work_order;

use farley_domain::{
    model::record::Record,
    service::work_orders::{
        scheduling::status_of,
        work_order::{WorkOrder, WorkOrderStatus},
    },
    values::time::Timestamp,
};

use crate::http::problem::Problem;

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

/// Puts a work order into a status.
fn enter(order: &mut Record<WorkOrder>, status: WorkOrderStatus, now: Timestamp) {
    if order.get(WorkOrder::status) != Some(status) {
        order.set(WorkOrder::status, status);
        order.set(WorkOrder::status_entered_at, now);
    }
}
