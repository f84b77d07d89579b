//! Promises of tickets: which policy applies to a ticket, and what its clocks make of what happens to it. The clocks are written with
//! the ticket, in the same unit of work.

use std::collections::{HashMap, hash_map::Entry};

use chrono_tz::Tz;
use farley_domain::{
    activities::task::Priority,
    model::{entity::Entity, handle::Handle, record::Record},
    query::predicate::Predicate,
    service::{
        calendar::Calendar,
        clock::{Clock, ClockKind, Clocks, Happening, Party, Phase, StatusKind, Target},
        outcome::{Outcome, outcomes},
        sla_policy::{Promise, PromisedHours, SlaPolicy},
        ticket::{Ticket, kind_of, rest_of},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{ClockRow, PromiseRow, Reader, Work};
use serde_json::Value;

use super::replay::statuses_of;
use crate::{
    http::problem::Problem,
    records::{behaviour::Writing, filters, lookup},
};

/// How many policies a tenant can have in use.
const MOST_POLICIES: usize = 1_000;

/// What an event has told of a clock.
pub const TOLD_NOTHING: i64 = 0;
pub const TOLD_WARNING: i64 = 1;
pub const TOLD_BREACH: i64 = 2;

/// The names of phases, as they are kept.
const RUNNING: &str = "running";
const PAUSED: &str = "paused";
const MET: &str = "met";
const STOPPED: &str = "stopped";

/// A promise with its id.
#[derive(Clone)]
pub struct Promised {
    pub row: PromiseRow,
    pub promise: Promise,
}

impl Promised {
    pub fn of(row: PromiseRow) -> Result<Promised, Problem> {
        Ok(Promised { promise: serde_json::from_str(&row.promise)?, row })
    }
}

/// Brings the clocks of a ticket into line with what is about to be written of it, and the ticket with its clocks.
pub fn follow(work: &mut Work<'_>, writing: &Writing<'_, Ticket>, record: &mut Record<Ticket>) -> Result<(), Problem> {
    let before = writing.before;
    let rests = rest_of(record).is_some();
    let policies = match before {
        Some(_) if rests => Vec::new(),
        Some(before) if !is_about_promises(before, record) && !may_change_policy(work, before, record)? => return Ok(()),
        Some(_) | None => in_use(work)?,
    };
    let rows = before.map_or(Ok(Vec::new()), |before| work.reader().clocks(before.id()))?;
    let promised_before = match before {
        Some(before) => promise_of(work.reader(), before)?,
        None => None,
    };
    let priority = record.get(Ticket::priority).unwrap_or(Priority::Normal);
    let targets_before = match (&promised_before, before) {
        (Some(promised), Some(before)) => promised.promise.targets(before.get(Ticket::priority).unwrap_or(Priority::Normal)),
        (_, _) => Vec::new(),
    };
    let applicable = applicable(writing, &policies, record);
    let stays = rests
        || promised_before.is_some()
            && before.is_some_and(|before| before.agrees(Ticket::priority, record))
            && before.and_then(|before| before.get(Ticket::sla_policy_id)) == applicable.map(Record::id);
    let promised = match applicable {
        _ if stays => promised_before.clone(),
        Some(policy) => Some(promise_now(work, writing, policy)?),
        None => None,
    };
    let targets = promised.as_ref().map(|promised| promised.promise.targets(priority)).unwrap_or_default();
    let clocks = match before {
        None => started(record, &targets, writing.now),
        Some(before) => {
            let mut clocks = clocks_of(before, &rows);
            happen(&mut clocks, (before, record), writing.now, &targets_before);
            if !stays {
                let statuses = statuses_of(work.reader(), before, Some(record))?;
                clocks.promise(writing.now, &targets_before, &targets, &statuses);
            }
            clocks
        }
    };
    keep(work, (record, priority, writing.now), &rows, &clocks, promised.as_ref().or(promised_before.as_ref()))?;
    record.set(Ticket::sla_policy_id, promised.as_ref().map(|promised| promised.row.policy_id));
    record.set(Ticket::sla_policy_version, promised.as_ref().map(|promised| promised.row.policy_version));
    record.set(Ticket::sla_calendar_version, promised.as_ref().map(|promised| promised.row.calendar_version));
    record.set(Ticket::sla_due_at, next_due(&clocks.open));
    record.set(Ticket::sla_outcomes, outcomes_of(&rows, &clocks));
    let breached = clocks.open.iter().chain(&clocks.over).filter_map(|clock| clock.breached_at);
    record.set(Ticket::sla_breached_at, breached.chain(record.get(Ticket::sla_breached_at)).max());
    Ok(())
}

/// What a ticket tells of its clocks: of those that are kept, and of those told now in their place.
fn outcomes_of(rows: &[ClockRow], clocks: &Clocks) -> Vec<String> {
    let is_told = |row: &&ClockRow| told(clocks).any(|(clock, _)| row.clock == clock.kind.as_str() && row.cycle == clock.cycle);
    let kept = rows.iter().filter(|row| !is_told(row)).filter_map(outcome_of);
    let now = told(clocks).filter_map(|(clock, is_open)| {
        let outcome = Outcome::of(clock.breached_at.is_some(), is_open, matches!(clock.phase, Phase::Met { .. }))?;
        Some((clock.kind, outcome))
    });
    outcomes(kept.chain(now))
}

/// How a clock that is kept has fared; none, if it stopped before anything was decided.
#[must_use]
pub fn outcome_of(row: &ClockRow) -> Option<(ClockKind, Outcome)> {
    let outcome = Outcome::of(row.breached_at.is_some(), row.is_open, row.phase == MET)?;
    Some((ClockKind::from_wire(&row.clock)?, outcome))
}

/// When the next promise is due that is running and not broken yet.
#[must_use]
pub fn next_due(open: &[Clock]) -> Option<Timestamp> {
    let running = open.iter().filter(|clock| clock.breached_at.is_none() && matches!(clock.phase, Phase::Running { .. }));
    running.filter_map(|clock| clock.due_at).min()
}

/// Whether a change is one that clocks go by.
fn is_about_promises(before: &Record<Ticket>, after: &Record<Ticket>) -> bool {
    let times: [Handle<Ticket, Option<Timestamp>>; 2] = [Ticket::last_reply_at, Ticket::last_customer_message_at];
    rest_of(before) != rest_of(after)
        || !before.agrees(Ticket::status, after)
        || !before.agrees(Ticket::priority, after)
        || times.into_iter().any(|time| !before.agrees(time, after))
}

/// Whether a change is of something that a policy asks for.
fn may_change_policy(work: &mut Work<'_>, before: &Record<Ticket>, after: &Record<Ticket>) -> Result<bool, Problem> {
    let changed: Vec<&str> = before
        .cells()
        .filter(|(field, cell)| after.cell(field).as_ref() != *cell)
        .map(|(field, _)| field.name.as_ref())
        .collect();
    if changed.is_empty() {
        return Ok(false);
    }
    let policies = in_use(work)?;
    let mut filters = policies.iter().filter_map(|policy| policy.get(SlaPolicy::filter));
    Ok(filters.any(|filter| asks_for(filter, &changed)))
}

/// Whether a filter names one of the fields; custom fields by their own name.
fn asks_for(filter: &Value, names: &[&str]) -> bool {
    match filter {
        Value::Object(members) => members.iter().any(|(member, value)| match value.as_str() {
            Some(path) if member == "field" => names.contains(&path.split('.').next().unwrap_or(path)),
            _ => asks_for(value, names),
        }),
        Value::Array(items) => items.iter().any(|item| asks_for(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The policies in use, in the order in which they are tried.
fn in_use(work: &mut Work<'_>) -> Result<Vec<Record<SlaPolicy>>, Problem> {
    let live = Predicate::Archived(false).and(SlaPolicy::is_active.eq(true));
    let mut policies: Vec<Record<SlaPolicy>> = lookup::find(work, &live, MOST_POLICIES)?;
    policies.sort_by_key(|policy| (policy.get(SlaPolicy::sort_order), policy.id()));
    Ok(policies)
}

/// The first policy whose filter a ticket meets.
fn applicable<'a>(
    writing: &Writing<'_, Ticket>,
    policies: &'a [Record<SlaPolicy>],
    record: &Record<Ticket>,
) -> Option<&'a Record<SlaPolicy>> {
    policies.iter().find(|policy| {
        let filter = policy.get(SlaPolicy::filter);
        filter.is_none_or(|filter| filters::meets(writing.principal, writing.now, Ticket::object(), filter, record.any()))
    })
}

/// What a policy promises now.
fn promise_now(work: &mut Work<'_>, writing: &Writing<'_, Ticket>, policy: &Record<SlaPolicy>) -> Result<Promised, Problem> {
    let calendar = match policy.get(SlaPolicy::calendar_id) {
        Some(id) => lookup::one::<Calendar>(work, id)?,
        None => None,
    };
    let promise = promise_by(policy, calendar.as_ref(), writing.principal.standards(writing.now).zone);
    let row = PromiseRow {
        tenant_id: work.tenant().id,
        id: work.new_id(),
        policy_id: policy.id(),
        policy_version: policy.version(),
        calendar_id: calendar.as_ref().map(Record::id),
        calendar_version: calendar.as_ref().map_or(0, Record::version),
        promise: serde_json::to_string(&promise)?,
    };
    Promised::of(work.keep_promise(row)?)
}

/// What a policy promises with its calendar; the zone is that of the tenant.
#[must_use]
pub fn promise_by(policy: &Record<SlaPolicy>, calendar: Option<&Record<Calendar>>, zone: Tz) -> Promise {
    Promise { targets: policy.get(SlaPolicy::targets), hours: calendar.map(|calendar| PromisedHours::of(calendar, zone)) }
}

/// What was promised for a ticket.
pub fn promise_of(reader: &mut Reader<'_>, ticket: &Record<Ticket>) -> Result<Option<Promised>, Problem> {
    let versions = (ticket.get(Ticket::sla_policy_version), ticket.get(Ticket::sla_calendar_version));
    let (Some(policy), (Some(version), Some(calendar))) = (ticket.get(Ticket::sla_policy_id), versions) else { return Ok(None) };
    reader.promise_of(policy, (version, calendar))?.map(Promised::of).transpose()
}

/// The clocks of a new ticket. One that comes here solved was opened first.
fn started(record: &Record<Ticket>, targets: &[Target], now: Timestamp) -> Clocks {
    let opened = record.get(Ticket::opened_at).unwrap_or(now);
    let by = record.get(Ticket::opened_by).unwrap_or(Party::Customer);
    let status = kind_of(record);
    if !status.is_done() {
        return Clocks::start(opened, status, by, targets);
    }
    let mut clocks = Clocks::start(opened, StatusKind::New, by, targets);
    clocks.apply(record.get(Ticket::status_entered_at).unwrap_or(opened), Happening::Status(status), targets);
    clocks
}

/// Applies to the clocks what a write says has happened.
fn happen(clocks: &mut Clocks, (before, after): (&Record<Ticket>, &Record<Ticket>), now: Timestamp, targets: &[Target]) {
    let messages = [(Ticket::last_customer_message_at, Party::Customer), (Ticket::last_reply_at, Party::Agent)];
    for (time, party) in messages {
        if let Some(at) = after.get(time).filter(|_| !before.agrees(time, after)) {
            clocks.apply(at, Happening::Message(party), targets);
        }
    }
    if !before.agrees(Ticket::status, after) {
        let at = after.get(Ticket::status_entered_at).unwrap_or(now);
        clocks.apply(at, Happening::Status(kind_of(after)), targets);
    }
    match (rest_of(before).is_some(), rest_of(after).is_some()) {
        (false, true) => clocks.apply(now, Happening::Rests, targets),
        (true, false) => clocks.apply(now, Happening::Resumes, targets),
        (true, true) | (false, false) => {}
    }
}

/// The clocks of a ticket as they are kept.
fn clocks_of(ticket: &Record<Ticket>, rows: &[ClockRow]) -> Clocks {
    let waiting_since = ticket.get(Ticket::waiting_since);
    let replied = ticket.get(Ticket::last_reply_at);
    let opened = ticket.get(Ticket::opened_at).or(ticket.get(Ticket::created_at)).unwrap_or(Timestamp::from_milliseconds(0));
    let mut cycles = [0; 5];
    for row in rows {
        if let Some(kind) = ClockKind::from_wire(&row.clock) {
            cycles[kind as usize] = row.cycle.max(cycles[kind as usize]);
        }
    }
    Clocks {
        opened_at: opened,
        status: kind_of(ticket),
        answered: replied.is_some(),
        waiting_since,
        updated_at: replied.filter(|_| waiting_since.is_none()),
        first_solved_at: ticket.get(Ticket::first_solved_at),
        rests: rest_of(ticket).is_some(),
        cycles,
        open: rows.iter().filter(|row| row.is_open).filter_map(clock_of).collect(),
        over: Vec::new(),
    }
}

/// A clock as it is kept; none, if its kind is unknown.
#[must_use]
pub fn clock_of(row: &ClockRow) -> Option<Clock> {
    Some(Clock {
        kind: ClockKind::from_wire(&row.clock)?,
        cycle: row.cycle,
        started_at: row.started_at,
        length: row.length,
        elapsed: row.elapsed,
        phase: match row.phase.as_str() {
            RUNNING => Phase::Running { since: row.phase_at },
            PAUSED => Phase::Paused { since: row.phase_at },
            MET => Phase::Met { at: row.phase_at },
            _ => Phase::Stopped { since: row.phase_at },
        },
        due_at: row.due_at,
        breached_at: row.breached_at,
    })
}

/// Keeps the clocks that were touched.
fn keep(
    work: &mut Work<'_>,
    (record, priority, now): (&Record<Ticket>, Priority, Timestamp),
    rows: &[ClockRow],
    clocks: &Clocks,
    promised: Option<&Promised>,
) -> Result<(), Problem> {
    let mut rest: Vec<&ClockRow> = rows.iter().collect();
    if let Some(promised) = promised {
        let keeping = Keeping { tenant: work.tenant().id, ticket: record.id(), priority, now, rests: clocks.rests, promised };
        for (clock, is_open) in told(clocks) {
            let kept = rows.iter().find(|row| row.clock == clock.kind.as_str() && row.cycle == clock.cycle);
            rest.retain(|row| row.clock != clock.kind.as_str() || row.cycle != clock.cycle);
            let row = keeping.row(clock, is_open, kept);
            match kept {
                Some(kept) if *kept == row => {}
                Some(_) => work.set_clock(&row)?,
                None => work.add_clock(row)?,
            }
        }
    }
    for row in rest {
        // What was broken and not told of yet waits for the ticket to come back.
        let fires_at = row.breached_at.filter(|_| row.told < TOLD_BREACH && !clocks.rests);
        if row.fires_at != fires_at {
            work.set_clock(&ClockRow { fires_at, ..row.clone() })?;
        }
    }
    Ok(())
}

/// Clocks, each with whether it is on.
pub fn told(clocks: &Clocks) -> impl Iterator<Item = (&Clock, bool)> {
    clocks.open.iter().map(|clock| (clock, true)).chain(clocks.over.iter().map(|clock| (clock, false)))
}

/// What the clocks of a ticket are kept with.
pub struct Keeping<'a> {
    pub tenant: Id,
    pub ticket: Id,
    pub priority: Priority,
    pub now: Timestamp,
    pub rests: bool,
    pub promised: &'a Promised,
}

impl Keeping<'_> {
    /// A clock as it is to be kept, and as it was.
    pub fn row(&self, clock: &Clock, is_open: bool, kept: Option<&ClockRow>) -> ClockRow {
        let (phase, phase_at) = phase_of(clock);
        // What has ended keeps what it was measured by.
        let (promise_id, priority) = match kept.filter(|_| !is_open) {
            Some(kept) => (kept.promise_id, kept.priority.clone()),
            None => (self.promised.row.id, self.priority.as_str().to_owned()),
        };
        let was_due = clock.breached_at.is_some() || clock.due_at.is_some_and(|due| due <= self.now);
        let mut row = ClockRow {
            tenant_id: self.tenant,
            ticket_id: self.ticket,
            clock: clock.kind.as_str().to_owned(),
            cycle: clock.cycle,
            promise_id,
            priority,
            started_at: clock.started_at,
            length: clock.length,
            elapsed: clock.elapsed,
            phase: phase.to_owned(),
            phase_at,
            due_at: clock.due_at,
            breached_at: clock.breached_at,
            told: kept.map_or(TOLD_NOTHING, |kept| kept.told),
            fires_at: None,
            is_open,
            is_belated: was_due && kept.is_none_or(|kept| kept.is_belated),
        };
        if !self.rests {
            row.fires_at = fires_at(&row, clock, &self.promised.promise);
        }
        row
    }
}

/// The phase of a clock as it is kept, and since when.
#[must_use]
pub fn phase_of(clock: &Clock) -> (&'static str, Timestamp) {
    match clock.phase {
        Phase::Running { since } => (RUNNING, since),
        Phase::Paused { since } => (PAUSED, since),
        Phase::Met { at } => (MET, at),
        Phase::Stopped { since } => (STOPPED, since),
    }
}

/// When the next event of a clock is due: its warning, or its breach. One that was broken unnoticed is told at once.
#[must_use]
pub fn fires_at(row: &ClockRow, clock: &Clock, promise: &Promise) -> Option<Timestamp> {
    if row.told >= TOLD_BREACH {
        return None;
    }
    if clock.breached_at.is_some() {
        return clock.breached_at;
    }
    let Phase::Running { since } = clock.phase else { return None };
    if !row.is_open {
        return None;
    }
    let priority = Priority::from_wire(&row.priority).unwrap_or(Priority::Normal);
    let warning = promise.warns(priority, clock.kind).filter(|_| row.told < TOLD_WARNING).and_then(|warning| {
        if warning.always {
            return Some(clock.due_at?.plus_milliseconds(-warning.before).max(since));
        }
        let target = promise.targets(priority).into_iter().find(|target| target.clock == clock.kind)?;
        target.reached(since, clock.length - warning.before - clock.elapsed)
    });
    [warning, clock.due_at].into_iter().flatten().min()
}

/// Promises by their ids, each read once.
#[derive(Default)]
pub struct Promises(HashMap<Id, Promised>);

impl Promises {
    pub fn get(&mut self, reader: &mut Reader<'_>, id: Id) -> Result<&Promised, Problem> {
        match self.0.entry(id) {
            Entry::Occupied(kept) => Ok(kept.into_mut()),
            Entry::Vacant(place) => {
                let row = reader.promise(id)?.ok_or_else(|| Problem::internal("a clock has no promise"))?;
                Ok(place.insert(Promised::of(row)?))
            }
        }
    }
}
