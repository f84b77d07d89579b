//! Rules on time passed: each is looked at about once a minute, by whichever node comes first. For each record and each value of the time
//! that is counted from, it acts once, and again as often as it says; what it does is written together with the note that it was done.

use std::sync::Arc;

use farley_domain::{
    automation::{rule::Rule, run::RunOutcome, trigger::TimeTrigger},
    model::{
        cell::Cell,
        field::{Field, FieldType, Op},
        object::Object,
        operand::Operand,
        record::Record,
    },
    query::predicate::Predicate,
    service::{
        business_time::Hours,
        calendar::{Calendar, hours},
    },
    values::{
        calendar::day_of,
        id::Id,
        time::{Timestamp, start_of_day},
    },
};
use farley_persistence::{Origin, Passed, Reader, StoreError, TenantKey, TimerRow, Work};

use super::{
    LOCK,
    events::act,
    log::{self, Ended},
    rule::{self, is_live, time_trigger},
};
use crate::{
    access::{
        principal::{self, Principal},
        state::State,
        unrestricted::entity_of,
    },
    http::problem::Problem,
    records::{area::Halt, lookup},
    settings::Settings,
};

/// The kind of the job that lets rules act as time passes.
pub const KIND: &str = "rule_times";
/// How often a rule is looked at, in seconds.
const EVERY: i64 = 60;
/// How many records are found at once.
const AT_ONCE: i64 = 200;
/// How many tenants with something to do are found at once.
const TENANTS: i64 = 200;
const MINUTE: i64 = 60;
/// How far rules look back, in seconds: 90 days.
const LOOK_BACK: i64 = 90 * 24 * 3_600;
/// How much longer business time takes than plain time at most, for the records that are looked at.
const BUSINESS: i64 = 8;

/// The tenants with a rule that is to be looked at.
pub fn due(_: &Settings, reader: &mut Reader<'_>, now: Timestamp) -> Result<Vec<TenantKey>, StoreError> {
    reader.tenants_with_due_rules(now, TENANTS)
}

/// A rule on time as it is asked of records.
pub struct Timed {
    pub object: &'static Object,
    pub trigger: TimeTrigger,
    pub field: Field,
    /// By which minutes are counted, if they are not plain ones.
    hours: Option<Hours>,
    filter: Predicate,
    zone: chrono_tz::Tz,
}

impl Timed {
    /// None where the rule is none on time, or its field is gone.
    pub fn of(
        reader: &mut Reader<'_>,
        principal: &Principal,
        now: Timestamp,
        rule: &Record<Rule>,
    ) -> Result<Option<Timed>, Problem> {
        let Some(trigger) = time_trigger(rule) else { return Ok(None) };
        let object = rule::object_of(rule)?;
        let Some(field) = principal.schema(object).field(&trigger.field).cloned() else { return Ok(None) };
        let zone = principal.standards(now).zone;
        let calendar = trigger.calendar_id.map(|id| entity_of::<Calendar>(reader, id)).transpose()?.flatten();
        let filter = rule::filter_of(rule, object, &principal.view(now));
        let hours = calendar.map(|calendar| hours(&calendar, zone));
        Ok(Some(Timed { object, trigger, field, hours, filter: Predicate::Archived(false).and(filter), zone }))
    }

    /// The records that may have come due between two times, and some that have not.
    #[must_use]
    pub fn candidates(&self, from: Timestamp, to: Timestamp) -> Predicate {
        let minutes = self.trigger.minutes * MINUTE;
        let longest = if self.hours.is_some() { minutes * BUSINESS } else { minutes };
        let (first, last) = (from.plus_seconds(-longest), to.plus_seconds(-minutes));
        let operand = |time: Timestamp| match self.field.kind {
            FieldType::Date => Operand::Date(day_of(time, self.zone)),
            _ => Operand::Time(time),
        };
        let first = Predicate::test(&self.field, Op::Gte, operand(first));
        first.and(Predicate::test(&self.field, Op::Lte, operand(last))).and(self.filter.clone())
    }

    /// The time of a record that is counted from.
    #[must_use]
    pub fn since(&self, record: &Record) -> Option<Timestamp> {
        match &*record.cell(&self.field) {
            Cell::Time(time) => Some(*time),
            Cell::Date(date) => Some(start_of_day(*date, self.zone)),
            _ => None,
        }
    }

    /// When a record is due for the so-manieth time, counted from 0.
    #[must_use]
    pub fn due_at(&self, since: Timestamp, time: i64) -> Option<Timestamp> {
        let minutes = self.trigger.minutes_until(time)?;
        match &self.hours {
            Some(hours) => hours.add(since, minutes * MINUTE * 1_000),
            None => Some(since.plus_seconds(minutes * MINUTE)),
        }
    }
}

/// Lets all rules of a tenant act that are to be looked at.
pub async fn work_off(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Halt> {
    let rules = state.background.read::<_, Problem>(tenant, move |reader| Ok(reader.due_rules(now)?)).await?;
    for id in rules {
        look_at(state, tenant, id, now).await?;
        let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
            work.lock(LOCK)?;
            let rule = lookup::one::<Rule>(work, id)?;
            match rule.filter(|rule| is_live(rule) && time_trigger(rule).is_some()) {
                Some(_) => work.set_rule_clock(id, now.plus_seconds(EVERY))?,
                None => work.forget_rule_clock(id)?,
            }
            Ok(())
        });
        written.await?;
    }
    Ok(())
}

/// Lets a rule act on all records that are due.
async fn look_at(state: &State, tenant: TenantKey, id: Id, now: Timestamp) -> Result<(), Halt> {
    let mut after = Id::NIL;
    loop {
        if state.stopping.is_begun() {
            return Err(Halt::Stopped);
        }
        let reading = state.background.read::<_, Problem>(tenant, move |reader| {
            let Some(rule) = entity_of::<Rule>(reader, id)?.filter(is_live) else { return Ok(Vec::new()) };
            let principal = principal::system(reader)?;
            let Some(timed) = Timed::of(reader, &principal, now, &rule)? else { return Ok(Vec::new()) };
            let predicate = timed.candidates(now.plus_seconds(-LOOK_BACK), now);
            let (object, field) = (timed.object, &timed.field);
            Ok(reader.passed(&Passed { object, predicate: &predicate, field, rule: id, now, after, limit: AT_ONCE })?)
        });
        let found = reading.await?;
        let Some(last) = found.last().copied() else { return Ok(()) };
        for record in found {
            let writing = state
                .background
                .write::<_, Problem>(tenant, Origin::system(now), move |work| on_record(work, id, record, now, None));
            let Err(problem) = writing.await else { continue };
            let reason = Problem::clone(&problem);
            match Halt::from(problem) {
                Halt::Failed(_) | Halt::Throttled { .. } => {
                    // It would fail again: it is noted as done, with what came in its way.
                    let noting = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
                        on_record(work, id, record, now, Some(&reason))
                    });
                    noting.await?;
                }
                halt @ (Halt::Stopped | Halt::Unreached(_) | Halt::Progressed(_) | Halt::Waits(_)) => return Err(halt),
            }
        }
        after = last;
    }
}

/// Lets a rule act on a record, if that is due: under the lock it may not be so any more. With a reason it only notes that it failed.
fn on_record(work: &mut Work<'_>, id: Id, record: Id, now: Timestamp, failed: Option<&Problem>) -> Result<(), Problem> {
    work.lock(LOCK)?;
    let Some(rule) = lookup::one::<Rule>(work, id)?.filter(is_live) else { return Ok(()) };
    let principal = Arc::new(principal::system(work.reader())?);
    let Some(timed) = Timed::of(work.reader(), &principal, now, &rule)? else { return Ok(()) };
    let within = timed.candidates(now.plus_seconds(-LOOK_BACK), now);
    let loaded = work.load(&principal.schema(timed.object), &principal.view(now), record, &within)?;
    let Some(since) = loaded.and_then(|loaded| timed.since(&loaded.record)) else { return Ok(()) };
    let known = work.reader().timers(id, &[record])?.pop().filter(|timer| timer.since == since);
    let mut timer = known.unwrap_or(TimerRow {
        tenant_id: work.tenant().id,
        rule_id: id,
        record_id: record,
        since,
        count: 0,
        next_at: timed.due_at(since, 0),
    });
    if timer.next_at.is_none_or(|next| next > now) {
        return if known.is_some() { Ok(()) } else { Ok(work.set_timer(timer)?) };
    }
    // Times that have passed meanwhile are one.
    loop {
        timer.count += 1;
        timer.next_at = timed.due_at(since, timer.count);
        if timer.next_at.is_none_or(|next| next > now) {
            break;
        }
    }
    work.set_timer(timer)?;
    let outcome = if failed.is_some() { RunOutcome::Failed } else { RunOutcome::Done };
    let ended = Ended { rule: &rule, record, event: None, depth: 1, outcome, changes: Vec::new(), problem: failed };
    match failed {
        Some(_) => log::note(work, &ended),
        None => act(work, &principal, now, ended).map(drop),
    }
}
