//! Rehearsals: a rule is tried on the past. Everything is done for real, in a transaction that is not kept.

use std::sync::Arc;

use farley_domain::{
    automation::{rule::Rule, trigger::EventTrigger},
    model::{
        cell::Cell,
        event::{self, Cause, CauseKind},
        object::Object,
        record::Record,
        recurring,
    },
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{EventRow, Passed, Reader, WantedEvents, Work};
use serde_json::Value;

use super::{
    doing::{as_system, perform},
    dry_run::{Past, RehearsedRun, RuleRehearsal},
    events::{is_passing, is_wanted, meets},
    log,
    macros::seen_since,
    rule::{self, event_trigger, time_trigger},
    times::Timed,
};
use crate::{
    access::principal::Principal,
    http::problem::Problem,
    records::{filters, lookup, unkept::Unkept},
};

/// How many events, or records that may have come due, are looked at.
const LOOKED_AT: i64 = 5_000;
/// How many events are read at once.
const AT_ONCE: i64 = 500;
/// How many changes of a record after an event are known.
const CHANGES: usize = 200;

/// What would set a rule off.
struct Occasion {
    record: Id,
    event: Option<(Id, String)>,
    at: Timestamp,
}

/// A rule being tried on the past.
pub struct Rehearsing {
    /// Who asks, and sees of the changes what they may.
    pub asker: Arc<Principal>,
    pub system: Arc<Principal>,
    pub now: Timestamp,
    pub rule: Record<Rule>,
    pub object: &'static Object,
    pub past: Past,
}

impl Rehearsing {
    /// What the rule would have done.
    pub fn all(&self, work: &mut Work<'_>) -> Result<RuleRehearsal, Problem> {
        let (mut occasions, looked_at, mut has_more) = match (event_trigger(&self.rule), time_trigger(&self.rule)) {
            (Some(trigger), _) => self.on_events(work, &trigger)?,
            (None, Some(_)) => self.on_time(work)?,
            (None, None) => (Vec::new(), 0, false),
        };
        if occasions.len() > self.past.limit {
            occasions.drain(..occasions.len() - self.past.limit);
            has_more = true;
        }
        let data = occasions.into_iter().map(|occasion| self.run(work, occasion)).collect::<Result<_, _>>()?;
        Ok(RuleRehearsal { data, looked_at, has_more })
    }

    /// The events that would have set it off, in their order; how many were looked at, and whether there are more.
    fn on_events(&self, work: &mut Work<'_>, trigger: &EventTrigger) -> Result<(Vec<Occasion>, i64, bool), Problem> {
        let wanted = WantedEvents { types: trigger.types.clone(), newest: true, ..WantedEvents::default() };
        let (mut found, mut looked_at, mut before) = (Vec::new(), 0, work.reader().log_end()?);
        loop {
            let events = work.reader().events((0, before), &wanted, AT_ONCE)?;
            let Some(last) = events.last() else { return Ok((reversed(found), looked_at, false)) };
            before = last.seq - 1;
            // The times of events go with their order but for what runs at the same moment.
            let is_past = last.at < self.past.from.plus_seconds(-3_600);
            for event in events.iter().filter(|event| (self.past.from..=self.past.to).contains(&event.at)) {
                looked_at += 1;
                if is_wanted(trigger, event)? && self.met_then(work, event)? {
                    found.push(Occasion { record: event.record_id, event: Some((event.id, event.kind.clone())), at: event.at });
                }
                if found.len() > self.past.limit || looked_at >= LOOKED_AT {
                    return Ok((reversed(found), looked_at, true));
                }
            }
            if is_past {
                return Ok((reversed(found), looked_at, false));
            }
        }
    }

    /// Whether the record of an event met the filter right after it.
    fn met_then(&self, work: &mut Work<'_>, event: &EventRow) -> Result<bool, Problem> {
        let Some(filter) = self.rule.get(Rule::filter) else {
            return Ok(lookup::by_id(work, self.object, event.record_id)?.is_some());
        };
        if filters::asks_beyond(&rule::filter_of(&self.rule, self.object, &self.system.view(self.now))) {
            return Ok(meets(work, &self.system, self.now, (self.object, &self.rule), event.record_id)?.is_some());
        }
        let then = as_it_was(work.reader(), &self.system, self.now, self.object, event)?;
        Ok(then.is_some_and(|record| filters::meets(&self.system, self.now, self.object, filter, &record)))
    }

    /// The records whose time has passed.
    fn on_time(&self, work: &mut Work<'_>) -> Result<(Vec<Occasion>, i64, bool), Problem> {
        let Some(timed) = Timed::of(work.reader(), &self.system, self.now, &self.rule)? else {
            return Ok((Vec::new(), 0, false));
        };
        let predicate = timed.candidates(self.past.from, self.past.to);
        let schema = self.system.schema(self.object);
        let (mut found, mut looked_at, mut after) = (Vec::new(), 0, Id::NIL);
        loop {
            // It has not acted yet, as far as a rehearsal goes.
            let asked = Passed {
                object: self.object,
                predicate: &predicate,
                field: &timed.field,
                rule: Id::NIL,
                now: self.now,
                after,
                limit: AT_ONCE,
            };
            let ids = work.reader().passed(&asked)?;
            let Some(last) = ids.last().copied() else { break };
            after = last;
            for id in ids {
                looked_at += 1;
                let loaded = work.load(&schema, &self.system.view(self.now), id, &predicate)?;
                let due = loaded.and_then(|loaded| timed.due_at(timed.since(&loaded.record)?, 0));
                if let Some(at) = due.filter(|due| (self.past.from..=self.past.to).contains(due)) {
                    found.push(Occasion { record: id, event: None, at });
                }
            }
            if looked_at >= LOOKED_AT {
                break;
            }
        }
        found.sort_by_key(|occasion| (occasion.at, occasion.record));
        Ok((found, looked_at, looked_at >= LOOKED_AT))
    }

    /// What the rule would do on an occasion.
    fn run(&self, work: &mut Work<'_>, occasion: Occasion) -> Result<RehearsedRun, Problem> {
        let writer = as_system(&self.system, self.object, self.now);
        let (actions, turns) = (self.rule.get(Rule::actions), format!("rule {}", self.rule.id()));
        work.because_of(Some(Cause { kind: CauseKind::Rule, id: self.rule.id(), depth: 1 }));
        let mut changes = Vec::new();
        let tried: Result<(), Unkept<()>> = work.attempt(|work| {
            let noted = work.noted();
            perform(work, &writer, &actions, occasion.record, &turns)?;
            changes = seen_since(work, &self.asker, noted);
            Err(Unkept::Undone(()))
        });
        work.because_of(None);
        let problem = match tried {
            Ok(()) | Err(Unkept::Undone(())) => None,
            Err(Unkept::Problem(problem)) if is_passing(&problem) => return Err(problem),
            Err(Unkept::Problem(problem)) => Some(log::told(&problem)),
        };
        let (event_id, event_type) = occasion.event.unzip();
        let outcome = if problem.is_none() { "done" } else { "failed" };
        Ok(RehearsedRun { record_id: occasion.record, event_id, event_type, at: occasion.at, outcome, changes, problem })
    }
}

fn reversed(mut found: Vec<Occasion>) -> Vec<Occasion> {
    found.reverse();
    found
}

/// A record as it was right after an event: as it is now, less what has changed since. None where it is gone, or more has changed than
/// is looked at.
fn as_it_was(
    reader: &mut Reader<'_>,
    principal: &Principal,
    now: Timestamp,
    object: &'static Object,
    event: &EventRow,
) -> Result<Option<Record>, Problem> {
    let schema = principal.schema(object);
    let layout = Work::layout(&schema);
    let within = Predicate::all();
    let Some(row) = reader.get(&layout, &principal.view(now), event.record_id, &within)? else { return Ok(None) };
    let mut record = row.to_record()?;
    let mut since = reader.events_since_version((object.name, event.record_id), event.version)?;
    if since.len() >= CHANGES {
        return Ok(None);
    }
    // What was told later of the same version is no change of the record.
    since.dedup_by_key(|event| event.version);
    for later in since.iter().rev() {
        for (path, change) in event::changes(&later.changes)? {
            let from = change.get("from").cloned().unwrap_or(Value::Null);
            match path.split_once('.') {
                Some((_, key)) => {
                    let mut custom = record.custom().clone();
                    if from.is_null() {
                        drop(custom.shift_remove(key))
                    } else {
                        drop(custom.insert(key.to_owned(), from))
                    }
                    record.set(recurring::CUSTOM, custom);
                }
                None => {
                    if let Some(field) = object.field(&path)
                        && let Some(cell) = Cell::from_json(&field.kind, &from)
                    {
                        record.put(field, cell);
                    }
                }
            }
        }
    }
    Ok(Some(record))
}
