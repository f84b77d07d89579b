//! What stands in the way of giving a work order to a technician at a time.

use super::work_order::{WorkOrder, WorkOrderStatus};
use crate::{
    activities::calendar::Span,
    model::{
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};

/// How long a visit can be planned for, in seconds. What begins earlier than that before a time does not reach it.
pub const LONGEST_SECONDS: i64 = 7 * 24 * 3600;

/// The time that a work order is to take; its end is, unless told, as long after its start as it is expected to take.
pub fn planned(from: Timestamp, (to, pointer): (Option<Timestamp>, &str), duration_minutes: i64) -> Result<Span, Fault> {
    let to = to.unwrap_or(from.plus_seconds(duration_minutes.saturating_mul(60)));
    let latest = from.plus_seconds(LONGEST_SECONDS);
    if to <= from {
        return Err(Fault::new(pointer, FaultCode::TooEarly).with("min", from));
    }
    if to > latest {
        return Err(Fault::new(pointer, FaultCode::TooLate).with("max", latest));
    }
    Ok(Span { from, to })
}

/// The fault of a start outside of the window that the customer was promised.
pub fn check_window(order: &Record<WorkOrder>, from: Timestamp, pointer: &str, faults: &mut Faults) {
    if let Some(opens) = order.get(WorkOrder::window_from).filter(|opens| from < *opens) {
        faults.add(Fault::new(pointer, FaultCode::BeforeWindow).with("min", opens));
    }
    if let Some(closes) = order.get(WorkOrder::window_to).filter(|closes| from > *closes) {
        faults.add(Fault::new(pointer, FaultCode::AfterWindow).with("max", closes));
    }
}

/// Work orders that are planned for some time within a span, the end not included.
#[must_use]
pub fn within(span: Span) -> Predicate {
    Predicate::And(vec![
        WorkOrder::scheduled_from.lt(span.to),
        WorkOrder::scheduled_from.gte(span.from.plus_seconds(-LONGEST_SECONDS)),
        WorkOrder::scheduled_to.gt(span.from),
    ])
}

/// The work orders of a technician that take some of a span.
#[must_use]
pub fn taking(technician: Id, span: Span) -> Predicate {
    let planned = WorkOrderStatus::ALL.iter().copied().filter(|status| status.takes_time());
    Predicate::Archived(false).and(WorkOrder::owner_id.eq(technician)).and(WorkOrder::status.is_in(planned)).and(within(span))
}

/// The time that a work order takes of its technician; none, if it takes none.
#[must_use]
pub fn taken(order: &Record<WorkOrder>) -> Option<(Id, Span)> {
    let planned = status_of(order).takes_time() && !order.is_archived();
    let (owner, from, to) =
        (order.get(WorkOrder::owner_id)?, order.get(WorkOrder::scheduled_from)?, order.get(WorkOrder::scheduled_to)?);
    planned.then_some((owner, Span { from, to }))
}

/// How far a work order has come.
#[must_use]
pub fn status_of(order: &Record<WorkOrder>) -> WorkOrderStatus {
    order.get(WorkOrder::status).unwrap_or(WorkOrderStatus::Unscheduled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_ends_when_told_or_expected() {
        let at = |minutes: i64| Timestamp::from_milliseconds(minutes * 60_000);
        let plan = |to: Option<i64>| planned(at(0), (to.map(at), "/to"), 90).map_err(|fault| fault.code.as_str());
        assert_eq!(plan(None), Ok(Span { from: at(0), to: at(90) }));
        assert_eq!(plan(Some(30)), Ok(Span { from: at(0), to: at(30) }));
        assert_eq!(
            (plan(Some(0)), plan(Some(-5)), plan(Some(7 * 24 * 60 + 1))),
            (Err("too_early"), Err("too_early"), Err("too_late"))
        );
    }
}
