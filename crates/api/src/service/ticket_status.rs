//! Statuses of tickets: in order, and one at least of each kind that actions use.

use farley_domain::{
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        input::{self, members},
        record::Record,
        value::Standards,
    },
    service::{
        clock::StatusKind,
        ticket_status::{READY_MADE, TicketStatus},
    },
};
use farley_persistence::{Change, Work};

use crate::{
    access::unrestricted::without_custom_fields,
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
};

impl Behaviour for TicketStatus {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        // Tickets go by the statuses as they are until the end of the work.
        work.lock("ticket statuses")?;
        let statuses = lookup::all::<TicketStatus>(work.reader())?;
        let others = || statuses.iter().filter(|status| !status.is_archived() && status.id() != record.id());
        if record.is_archived() && !writing.before.is_some_and(Record::is_archived) {
            let kind = record.get(TicketStatus::kind).unwrap_or(StatusKind::Open);
            let needed = match kind {
                StatusKind::New | StatusKind::Open | StatusKind::Solved | StatusKind::Closed => true,
                StatusKind::WaitingCustomer | StatusKind::WaitingThirdParty => false,
            };
            if needed && !others().any(|status| status.get(TicketStatus::kind) == Some(kind)) {
                return Err(Problem::state("the only active status of its kind", &["update"]));
            }
            return Ok(());
        }
        if record.is_null(TicketStatus::sort_order) {
            let last = others().filter_map(|status| status.get(TicketStatus::sort_order)).max().unwrap_or(0);
            record.set(TicketStatus::sort_order, (last + 1).min(1_000));
        }
        if record.get(TicketStatus::next_status_ids).contains(&record.id()) {
            let fault = Fault::new(TicketStatus::next_status_ids.pointer(), FaultCode::Cycle);
            return Err(Problem::rule(fault.into()));
        }
        Ok(())
    }
}

/// Makes the statuses that a tenant begins with.
pub fn create_first(work: &mut Work<'_>, standards: &Standards<'_>) -> Result<(), Problem> {
    for ((name, kind, reopen_days), order) in READY_MADE.iter().zip(1..) {
        let body = members()
            .with(TicketStatus::name, *name)
            .with(TicketStatus::kind, *kind)
            .with(TicketStatus::sort_order, order)
            .with(TicketStatus::reopen_days, *reopen_days);
        let schema = without_custom_fields(TicketStatus::object());
        let mut record = input::Reader { schema: &schema, standards, rule: &|_| None }.create(&body.into_json())?;
        work.insert(&schema, &mut record, &Change::new("created"))?;
    }
    Ok(())
}
