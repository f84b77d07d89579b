//! Warnings and breaches of promises, told on time and once: whoever finds a clock due locks its ticket, looks again, and writes the event
//! and what it has told in one unit of work.

use farley_domain::{
    activities::notification::NotificationKind,
    model::{entity::Entity, record::Record},
    service::{
        clock::{Clock, Phase},
        outcome::outcomes,
        queue::Queue,
        ticket::Ticket,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{ClockRow, Origin, Reader, StoreError, TenantKey, Work};
use serde_json::{Map, json};

use super::sla::{Promises, TOLD_BREACH, TOLD_WARNING, clock_of, fires_at, next_due, outcome_of};
use crate::{
    access::state::State,
    http::problem::Problem,
    records::{
        lookup,
        notify::{self, News},
    },
    settings::Settings,
};

/// The kind of the job that tells what is due in a tenant.
pub const KIND: &str = "sla_timers";
/// How many clocks are looked at in one piece of work.
const AT_ONCE: i64 = 100;
/// How many tenants with something due are found at once.
const TENANTS: i64 = 200;

/// The tenants in which something is due.
pub fn due(_: &Settings, reader: &mut Reader<'_>, now: Timestamp) -> Result<Vec<TenantKey>, StoreError> {
    reader.tenants_with_due_tickets(now, TENANTS)
}

/// Tells all that is due in a tenant.
pub async fn perform(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    loop {
        let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
            let mut tickets = work.reader().due_tickets(now, AT_ONCE)?;
            let found = tickets.len();
            // All nodes lock tickets in one order.
            tickets.sort_unstable();
            tickets.dedup();
            for ticket in tickets {
                tell(work, ticket, now, false)?;
            }
            Ok(found)
        });
        if written.await? < usize::try_from(AT_ONCE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

/// Tells what has been due of a ticket until a time, each at its own time, and notifies nobody: for what is written down afterwards.
pub fn tell_past(work: &mut Work<'_>, id: Id, until: Timestamp) -> Result<(), Problem> {
    loop {
        let due = work.reader().clocks(id)?.iter().filter_map(|row| row.fires_at).min().filter(|due| *due <= until);
        let Some(due) = due else { return Ok(()) };
        work.go_on_as(Origin::system(due));
        tell(work, id, due, true)?;
    }
}

/// Tells what is due of one ticket.
fn tell(work: &mut Work<'_>, id: Id, now: Timestamp, quiet: bool) -> Result<(), Problem> {
    work.lock_ticket(id)?;
    let Some(ticket) = lookup::one::<Ticket>(work, id)? else { return Ok(()) };
    let rows = work.reader().clocks(id)?;
    let mut promises = Promises::default();
    let mut open: Vec<Clock> = Vec::new();
    let mut breached = ticket.get(Ticket::sla_breached_at);
    let mut fared = Vec::new();
    for mut row in rows {
        let Some(mut clock) = clock_of(&row) else { continue };
        if row.fires_at.is_some_and(|fires| fires <= now) {
            let promise = &promises.get(work.reader(), row.promise_id)?.promise;
            if let (Phase::Running { .. }, Some(due)) = (clock.phase, clock.due_at)
                && clock.breached_at.is_none()
                && due <= now
            {
                clock.breached_at = Some(due);
                row.breached_at = Some(due);
            }
            let (told, verb, kind) = match clock.breached_at {
                Some(_) => (TOLD_BREACH, "sla_breached", NotificationKind::SlaBreached),
                None => (TOLD_WARNING, "sla_warned", NotificationKind::SlaWarning),
            };
            row.told = told;
            row.fires_at = fires_at(&row, &clock, promise);
            work.set_clock(&row)?;
            note(work, &ticket, &row, verb);
            // Of what was broken before Farley knew of it nobody needs to be alarmed.
            if !(quiet || row.is_belated && told == TOLD_BREACH) {
                notify_of(work, &ticket, kind)?;
            }
            breached = breached.max(clock.breached_at);
        }
        fared.extend(outcome_of(&row));
        if row.is_open {
            open.push(clock);
        }
    }
    work.tell_promises(id, next_due(&open), breached, &outcomes(fared))?;
    Ok(())
}

fn note(work: &mut Work<'_>, ticket: &Record<Ticket>, row: &ClockRow, verb: &str) {
    let mut changes = Map::from_iter([
        ("clock".to_owned(), json!({"from": null, "to": row.clock})),
        ("cycle".to_owned(), json!({"from": null, "to": row.cycle})),
        (Ticket::sla_due_at.name().to_owned(), json!({"from": null, "to": row.due_at})),
    ]);
    if row.is_belated {
        changes.insert("belated".to_owned(), json!({"from": null, "to": true}));
    }
    let about = ticket.get(Ticket::customer_id);
    work.event(Ticket::NAME, verb, ticket.id(), ticket.version(), changes, about.as_slice());
}

/// The agent of the ticket hears of it; of one that is nobody's, the manager of its queue.
fn notify_of(work: &mut Work<'_>, ticket: &Record<Ticket>, kind: NotificationKind) -> Result<(), Problem> {
    let queue = match ticket.get(Ticket::queue_id) {
        Some(queue) => lookup::one::<Queue>(work, queue)?,
        None => None,
    };
    let user = ticket.get(Ticket::owner_id).or_else(|| queue.and_then(|queue| queue.get(Queue::manager_id)));
    let users: Vec<Id> = user.into_iter().collect();
    let news = News { kind, object: Ticket::object(), record: ticket.any(), actor: None, count: None };
    notify::tell(work, &news, &users)
}
