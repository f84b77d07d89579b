//! Rules on events: the event log of a tenant is followed, in the order of commits and without gaps. What rules do to a record is written
//! in the same transaction as the place in the log up to which they have come, so that each event is worked off once, whatever happens.

use std::{panic::AssertUnwindSafe, sync::Arc};

use farley_domain::{
    automation::{
        rule::{DEEPEST, Rule},
        run::RunOutcome,
        trigger::EventTrigger,
    },
    model::{
        event::{self, Cause, CauseKind},
        object::Object,
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{EventRow, Origin, Reader, StoreError, TenantKey, WantedEvents, Work};
use futures_util::FutureExt;

use super::{
    LOCK,
    doing::{as_system, perform},
    log::{self, Ended},
    rule::{self, on_events},
};
use crate::{
    access::{
        principal::{self, Principal},
        state::State,
    },
    http::problem::Problem,
    records::area::Halt,
    settings::Settings,
};

/// The kind of the job that works events off in a tenant.
pub const KIND: &str = "rules";
/// How many events are looked at in one piece of work.
const AT_ONCE: i64 = 500;
/// How many runs are done in one: others wait for so long.
const RUNS_AT_ONCE: usize = 25;
/// How many tenants with something to do are found at once.
const TENANTS: i64 = 200;
/// How often an event is tried whose rules fail from within; then it is passed over.
const ATTEMPTS: i64 = 4;
/// The verb of events of records that are archived by them.
const ARCHIVED: &str = "archived";

/// The tenants whose log goes on behind the place where their rules are.
pub fn due(_: &Settings, reader: &mut Reader<'_>, _: Timestamp) -> Result<Vec<TenantKey>, StoreError> {
    reader.tenants_behind_log(TENANTS)
}

/// Works off all events of a tenant.
pub async fn work_off(state: &State, tenant: TenantKey, now: impl Fn() -> Timestamp) -> Result<(), Halt> {
    loop {
        if state.stopping.is_begun() {
            return Err(Halt::Stopped);
        }
        let now = now();
        let writing =
            state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| Batch::of(work, now)?.work_off(work));
        let failed = match AssertUnwindSafe(writing).catch_unwind().await {
            Ok(Ok(true)) => continue,
            Ok(Ok(false)) => return Ok(()),
            Ok(Err(problem)) => match Halt::from(problem) {
                Halt::Failed(reason) | Halt::Throttled { reason, .. } => reason,
                halt @ (Halt::Stopped | Halt::Unreached(_) | Halt::Progressed(_) | Halt::Waits(_)) => return Err(halt),
            },
            Err(_) => "it panicked".to_owned(),
        };
        tracing::warn!(reason = failed, "rules could not be worked off");
        // Next time event by event, until it is plain which one it is.
        let counting = state.background.write::<_, Problem>(tenant, Origin::system(now), |work| {
            work.lock(LOCK)?;
            if let Some(cursor) = work.reader().rule_cursor()? {
                work.move_rule_cursor(cursor.position, cursor.attempts + 1)?;
            }
            Ok(())
        });
        counting.await?;
    }
}

/// Whether a problem is one of the store and not of what a rule wanted: the whole work is tried again.
#[must_use]
pub fn is_passing(problem: &Problem) -> bool {
    match problem.inside() {
        Some(StoreError::Taken(_) | StoreError::Reference | StoreError::SumTooLarge) | None => false,
        Some(
            StoreError::Unavailable(_)
            | StoreError::Unwritable(_)
            | StoreError::Serialization
            | StoreError::Busy
            | StoreError::TooSlow
            | StoreError::Abandoned
            | StoreError::Internal(_),
        ) => true,
    }
}

/// One piece of work.
struct Batch {
    principal: Arc<Principal>,
    now: Timestamp,
    rules: Vec<(Record<Rule>, EventTrigger)>,
}

impl Batch {
    fn of(work: &mut Work<'_>, now: Timestamp) -> Result<Batch, Problem> {
        work.lock(LOCK)?;
        Ok(Batch { principal: Arc::new(principal::system(work.reader())?), now, rules: on_events(work)? })
    }

    /// Works off the events that come next; whether there may be more.
    fn work_off(&self, work: &mut Work<'_>) -> Result<bool, Problem> {
        let Some(cursor) = work.reader().rule_cursor()? else { return Ok(false) };
        let end = work.reader().log_end()?;
        let mut types: Vec<String> = self.rules.iter().flat_map(|(_, trigger)| trigger.types.clone()).collect();
        types.sort_unstable();
        types.dedup();
        let wanted = WantedEvents { types, ..WantedEvents::default() };
        let events = if wanted.types.is_empty() || end <= cursor.position {
            Vec::new()
        } else {
            work.reader().events((cursor.position, end), &wanted, AT_ONCE)?
        };
        let is_tried = cursor.attempts > 0;
        let (mut position, mut runs, mut looked_at) = (cursor.position, 0, 0);
        for event in &events {
            let gives_up = is_tried && cursor.attempts >= ATTEMPTS && runs == 0;
            runs += self.on_event(work, event, gives_up)?;
            (position, looked_at) = (event.seq, looked_at + 1);
            if runs >= if is_tried { 1 } else { RUNS_AT_ONCE } {
                break;
            }
        }
        let is_end = looked_at == events.len() && i64::try_from(events.len()).unwrap_or(i64::MAX) < AT_ONCE;
        if is_end {
            position = end.max(cursor.position);
        }
        if position != cursor.position || is_tried {
            work.move_rule_cursor(position, 0)?;
        }
        Ok(!is_end)
    }

    /// Lets the rules act on an event, in their order; how many did.
    fn on_event(&self, work: &mut Work<'_>, event: &EventRow, gives_up: bool) -> Result<usize, Problem> {
        let mut runs = 0;
        for (rule, trigger) in &self.rules {
            if sets_off(rule, trigger, event)? && self.run(work, rule, event, gives_up)? {
                runs += 1;
            }
        }
        Ok(runs)
    }

    /// Lets a rule act on the record of an event, if its filter lets it; whether it did.
    fn run(&self, work: &mut Work<'_>, rule: &Record<Rule>, event: &EventRow, gives_up: bool) -> Result<bool, Problem> {
        let object = rule::object_of(rule)?;
        let depth = event.cause_depth.unwrap_or(0) + 1;
        let about = (event.id, event.kind.as_str());
        let mut ended = Ended {
            rule,
            record: event.record_id,
            event: Some(about),
            depth,
            outcome: RunOutcome::Done,
            changes: Vec::new(),
            problem: None,
        };
        let Some(met) = meets(work, &self.principal, self.now, (object, rule), event.record_id)? else { return Ok(false) };
        if met.is_archived() && !event.kind.ends_with(ARCHIVED) {
            ended.outcome = RunOutcome::Skipped;
        } else if depth > DEEPEST {
            ended.outcome = RunOutcome::Stopped;
        } else if gives_up {
            let problem = Problem::internal("an internal error, several times");
            log::note(work, &Ended { outcome: RunOutcome::Failed, problem: Some(&problem), ..ended })?;
            return Ok(true);
        } else {
            return act(work, &self.principal, self.now, ended);
        }
        log::note(work, &ended)?;
        Ok(true)
    }
}

/// Does what a rule does, all of it or nothing, and notes it.
pub fn act(work: &mut Work<'_>, principal: &Arc<Principal>, now: Timestamp, mut ended: Ended<'_>) -> Result<bool, Problem> {
    let rule = ended.rule;
    let writer = as_system(principal, rule::object_of(rule)?, now);
    let (actions, turns) = (rule.get(Rule::actions), format!("rule {}", rule.id()));
    let noted = work.noted();
    work.because_of(Some(Cause { kind: CauseKind::Rule, id: rule.id(), depth: ended.depth }));
    let done = work.attempt(|work| perform(work, &writer, &actions, ended.record, &turns));
    work.because_of(None);
    match done {
        Ok(()) => {
            ended.changes = work.noted_since(noted).map(|noted| log::fields_of(&noted)).collect();
            log::note(work, &ended)?;
        }
        Err(problem) if is_passing(&problem) => return Err(problem),
        Err(problem) => log::note(work, &Ended { outcome: RunOutcome::Failed, problem: Some(&problem), ..ended })?,
    }
    Ok(true)
}

/// Whether an event is one that a rule is set off by, whatever its record is like.
pub fn sets_off(rule: &Record<Rule>, trigger: &EventTrigger, event: &EventRow) -> Result<bool, Problem> {
    let by_itself = event.cause_kind.as_deref() == Some(CauseKind::Rule.as_str()) && event.cause_id == Some(rule.id());
    let before = rule.get(Rule::active_since).is_none_or(|since| event.at < since);
    Ok(!by_itself && !before && is_wanted(trigger, event)?)
}

/// Whether an event is of a kind that a trigger names.
pub fn is_wanted(trigger: &EventTrigger, event: &EventRow) -> Result<bool, Problem> {
    if !trigger.types.contains(&event.kind) {
        return Ok(false);
    }
    if !trigger.imports && event.cause_kind.as_deref() == Some(CauseKind::Import.as_str()) {
        return Ok(false);
    }
    if trigger.changed.is_empty() {
        return Ok(true);
    }
    let changes = event::changes(&event.changes)?;
    Ok(trigger.changed.iter().any(|field| changes.contains_key(field)))
}

/// The record as it is now, if it meets the filter of a rule; nobody else changes it until the end of the work.
pub fn meets(
    work: &mut Work<'_>,
    principal: &Principal,
    now: Timestamp,
    (object, rule): (&'static Object, &Record<Rule>),
    id: Id,
) -> Result<Option<Record>, Problem> {
    let view = principal.view(now);
    let within = rule::filter_of(rule, object, &view);
    Ok(work.load(&principal.schema(object), &view, id, &within)?.map(|loaded| loaded.record))
}
