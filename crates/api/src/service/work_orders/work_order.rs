//! What a new work order takes over from its ticket, and that nobody is to be in two places.

use farley_domain::{
    activities::{calendar::Span, notification::NotificationKind, task::Priority},
    customers::{contact::Contact, customer::Customer},
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        handle::Handle,
        record::Record,
        structures::addresses::{Address, Site},
    },
    service::{
        ticket::Ticket,
        work_orders::{
            scheduling::{self, taken},
            work_order::{WorkOrder, WorkOrderStatus},
        },
    },
    values::id::Id,
};
use farley_persistence::Work;
use serde_json::{Value, json};

use crate::{
    http::problem::{Code, Problem},
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
    service::merging::refuse_merged,
};

/// How many work orders that are in the way are told.
const MOST_CONFLICTS: usize = 20;

impl Behaviour for WorkOrder {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if writing.before.is_none() {
            take_over(work, writing, record)?;
        }
        let was = writing.before.filter(|before| !before.get(WorkOrder::overlap_allowed)).and_then(taken);
        match taken(record) {
            Some((technician, span)) if was != Some((technician, span)) && !record.get(WorkOrder::overlap_allowed) => {
                refuse_overlap(work, writing, record, (technician, span))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Technicians hear when their day changes.
    fn news(before: &Record<Self>, after: &Record<Self>) -> Option<NotificationKind> {
        let off = taken(before).is_some() && after.get(WorkOrder::status) == Some(WorkOrderStatus::Cancelled);
        let moved = taken(before).is_some() && taken(after).is_some() && taken(before) != taken(after);
        (off || moved).then_some(NotificationKind::Rescheduled)
    }
}

/// What a new work order does not say, its ticket, contact and customer do, as far as its author may see it.
fn take_over(work: &mut Work<'_>, writing: &Writing<'_, WorkOrder>, record: &mut Record<WorkOrder>) -> Result<(), Problem> {
    let ticket = match record.get(WorkOrder::ticket_id) {
        Some(ticket) => lookup::one::<Ticket>(work, ticket)?,
        None => None,
    };
    if let Some(ticket) = &ticket {
        refuse_merged(work, ticket)?;
        take(writing, (ticket, Ticket::subject), record, WorkOrder::subject);
        take(writing, (ticket, Ticket::description), record, WorkOrder::description);
        take(writing, (ticket, Ticket::priority), record, WorkOrder::priority);
        // Of another customer than the ticket's, the contact is another's too.
        if record.is_null(WorkOrder::customer_id) || record.get(WorkOrder::customer_id) == ticket.get(Ticket::customer_id) {
            take(writing, (ticket, Ticket::contact_id), record, WorkOrder::contact_id);
        }
        if record.get(WorkOrder::contact_id) == ticket.get(Ticket::contact_id) {
            take(writing, (ticket, Ticket::customer_id), record, WorkOrder::customer_id);
        }
    }
    if record.is_null(WorkOrder::subject) {
        return Err(Problem::rule(Fault::new(WorkOrder::subject.pointer(), FaultCode::Required).into()));
    }
    if let Some(contact) = record.get(WorkOrder::contact_id).filter(|_| record.is_null(WorkOrder::customer_id)) {
        let customer = lookup::customer_of_contact(work, contact)?;
        record.set(WorkOrder::customer_id, customer);
    }
    if record.is_null(WorkOrder::priority) {
        record.set(WorkOrder::priority, Priority::Normal);
    }
    if record.is_null(WorkOrder::address) {
        let site = site_of(work, writing, record)?;
        record.set(WorkOrder::address, site);
    }
    record.set(WorkOrder::status_entered_at, writing.now);
    Ok(())
}

/// Takes a value of another record over where there is none, if it is not hidden.
fn take<F: Entity, T, U>(
    writing: &Writing<'_, WorkOrder>,
    (from, theirs): (&Record<F>, Handle<F, U>),
    record: &mut Record<WorkOrder>,
    own: Handle<WorkOrder, T>,
) {
    if record.is_null(own) && writing.principal.asker.sees(F::object(), theirs.field()) {
        record.put(own.field(), from.cell_of(theirs).clone());
    }
}

/// The primary address of the contact, or else of the customer.
fn site_of(work: &mut Work<'_>, writing: &Writing<'_, WorkOrder>, record: &Record<WorkOrder>) -> Result<Option<Site>, Problem> {
    if let Some(id) = record.get(WorkOrder::contact_id)
        && let Some(contact) = lookup::one::<Contact>(work, id)?
        && let Some(site) = primary(writing, &contact, Contact::addresses)
    {
        return Ok(Some(site));
    }
    let customer = match record.get(WorkOrder::customer_id) {
        Some(id) => lookup::one::<Customer>(work, id)?,
        None => None,
    };
    Ok(customer.and_then(|customer| primary(writing, &customer, Customer::addresses)))
}

/// The primary address of a record that the caller may see.
fn primary<E: Entity>(writing: &Writing<'_, WorkOrder>, record: &Record<E>, addresses: Handle<E, Vec<Address>>) -> Option<Site> {
    let asker = &writing.principal.asker;
    let may = asker.reaches(E::object(), Action::Read, record.any()) && asker.sees(E::object(), addresses.field());
    let addresses = if may { record.get(addresses) } else { Vec::new() };
    addresses.into_iter().find(|address| address.primary).map(Address::site)
}

/// Refuses a time that the technician has given to other work orders already. Who plans for the same technician waits.
fn refuse_overlap(
    work: &mut Work<'_>,
    writing: &Writing<'_, WorkOrder>,
    record: &Record<WorkOrder>,
    (technician, span): (Id, Span),
) -> Result<(), Problem> {
    work.lock(&format!("technician {technician}"))?;
    let taking = scheduling::taking(technician, span).and(WorkOrder::id.ne(record.id()));
    let mut orders = lookup::find::<WorkOrder>(work, &taking, MOST_CONFLICTS)?;
    if orders.is_empty() {
        return Ok(());
    }
    orders.sort_by_key(|order| (order.get(WorkOrder::scheduled_from), order.id()));
    let told: Vec<Value> = orders.iter().map(|order| conflict(writing, order)).collect();
    Err(Problem::new(Code::TechnicianBusy).with("number", told.len()).member("conflicts", told))
}

/// A work order that is in the way: when, and which, if the caller may know.
fn conflict(writing: &Writing<'_, WorkOrder>, order: &Record<WorkOrder>) -> Value {
    let asker = &writing.principal.asker;
    let may = asker.reaches(WorkOrder::object(), Action::Read, order.any());
    let mut told = json!({});
    let shown = [WorkOrder::id.field(), WorkOrder::number.field(), WorkOrder::subject.field()];
    for field in shown.into_iter().filter(|field| may && asker.sees(WorkOrder::object(), field)) {
        told[field.name.as_ref()] = order.json(field);
    }
    for time in [WorkOrder::scheduled_from, WorkOrder::scheduled_to] {
        told[time.name()] = order.json(time.field());
    }
    told
}
