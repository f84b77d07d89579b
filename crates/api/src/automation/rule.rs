//! Rules as they are written: checked against their object and their writer, and set going.

use std::sync::Arc;

use farley_domain::{
    automation::{
        action::automated,
        rule::Rule,
        trigger::{EventTrigger, TimeTrigger, Trigger},
    },
    model::{object::Object, record::Record},
    query::predicate::{Predicate, View, parse},
    values::time::Timestamp,
};
use farley_persistence::Work;

use super::check::Check;
use crate::{
    access::principal::Principal,
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
    },
};

/// How many rules of a tenant are active at most.
const MOST_ACTIVE: usize = 500;

impl Behaviour for Rule {
    /// A rule is checked when it is to do something that it did not do before; whoever only renames it or turns it off need not be
    /// permitted to do what it does.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        let stays = writing.before.is_some_and(|before| {
            before.agrees(Rule::trigger, record)
                && before.agrees(Rule::filter, record)
                && before.agrees(Rule::actions, record)
                && !before.is_archived()
                && (before.get(Rule::is_active) || !record.get(Rule::is_active))
        });
        if stays { Ok(()) } else { check(work, writing.principal, writing.now, record) }
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let counts_anew = writing.before.is_some_and(|before| !before.agrees(Rule::trigger, record));
        if counts_anew {
            work.forget_timers(record.id())?;
        }
        match time_trigger(record) {
            Some(_) if is_live(record) => work.set_rule_clock(record.id(), writing.now)?,
            Some(_) | None => work.forget_rule_clock(record.id())?,
        }
        set_going(work)?;
        Ok(Shown::new())
    }
}

/// Checks everything in a rule that does not follow from its own form.
pub fn check(work: &mut Work<'_>, principal: &Arc<Principal>, now: Timestamp, record: &Record<Rule>) -> Result<(), Problem> {
    let object = object_of(record)?;
    let mut check = Check::new(principal, now, object);
    if let Some(trigger) = record.get(Rule::trigger) {
        check.trigger(work, &trigger, &Rule::trigger.pointer())?;
    }
    if let Some(filter) = record.get(Rule::filter) {
        check.filter(filter, &Rule::filter.pointer());
    }
    check.actions(work, &record.get(Rule::actions), &Rule::actions.pointer())?;
    check.finish()
}

/// The object that a rule is about.
pub fn object_of(record: &Record<Rule>) -> Result<&'static Object, Problem> {
    Ok(automated(record.get(Rule::object), Rule::object.pointer())?)
}

/// The records that a rule acts on. A field of its filter may have been retired since: then it acts on none, and must be mended.
#[must_use]
pub fn filter_of(record: &Record<Rule>, object: &'static Object, view: &dyn View) -> Predicate {
    match record.get(Rule::filter) {
        None => Predicate::all(),
        Some(filter) => parse::from_json(object, filter, view).unwrap_or_else(|_| Predicate::nothing()),
    }
}

/// Whether a rule acts.
#[must_use]
pub fn is_live(record: &Record<Rule>) -> bool {
    record.get(Rule::is_active) && !record.is_archived()
}

#[must_use]
pub fn event_trigger(record: &Record<Rule>) -> Option<EventTrigger> {
    match record.get(Rule::trigger) {
        Some(Trigger::Events(trigger)) => Some(trigger),
        Some(Trigger::Time(_)) | None => None,
    }
}

#[must_use]
pub fn time_trigger(record: &Record<Rule>) -> Option<TimeTrigger> {
    match record.get(Rule::trigger) {
        Some(Trigger::Time(trigger)) => Some(trigger),
        Some(Trigger::Events(_)) | None => None,
    }
}

/// The rules that act on events, in their order.
pub fn on_events(work: &mut Work<'_>) -> Result<Vec<(Record<Rule>, EventTrigger)>, Problem> {
    let live = Predicate::Archived(false).and(Rule::is_active.eq(true));
    let mut rules: Vec<_> = lookup::find::<Rule>(work, &live, MOST_ACTIVE)?
        .into_iter()
        .filter_map(|rule| event_trigger(&rule).map(|trigger| (rule, trigger)))
        .collect();
    rules.sort_by_key(|(rule, _)| (rule.get(Rule::sort_order), rule.get(Rule::created_at), rule.id()));
    Ok(rules)
}

/// Follows the event log from here on, if there is a rule to do so for and it is not followed yet; not, if there is none.
fn set_going(work: &mut Work<'_>) -> Result<(), Problem> {
    // Not the lock of the workers: they wait for the rule itself, which is locked by now.
    work.lock("automation rules")?;
    let (is_needed, is_followed) = (!on_events(work)?.is_empty(), work.reader().rule_cursor()?.is_some());
    match (is_needed, is_followed) {
        (true, false) => {
            // What is in the log up to here happened before the rule was active, or is told from it by its time.
            let end = work.reader().log_end()?;
            work.begin_rule_cursor(end)?;
        }
        (false, true) => work.forget_rule_cursor()?,
        (true, true) | (false, false) => {}
    }
    Ok(())
}
