//! What takes records off their cadences, in the same unit of work as what happens to them: a reply, a conversion, a loss.

use std::sync::Arc;

use farley_domain::{
    activities::{activity::is_reply, concerned, task::Task},
    customers::customer::Customer,
    entity::Entity,
    field::Op,
    id::Id,
    identity::access::Action,
    object::Object,
    predicate::{Operand, Predicate, Related},
    record::Record,
    registry,
    sales::{
        cadences::{
            cadence::{Cadence, stops_on},
            enrolment::{self, CadenceEnrolment, EnrolmentStatus, StoppedReason, enrolled, field_of},
        },
        leads::{lead::Lead, status::LeadStatus},
    },
    time::Timestamp,
};
use farley_persistence::{Change, Work};

use super::step::lock;
use crate::{
    access::{
        principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::{behaviour::Writing, lookup::by_id, named::Named, write::Writer},
};

/// Why a record can be on no cadence any more.
#[must_use]
pub fn ended(object: &Object, record: &Record) -> Option<StoppedReason> {
    if record.is_archived() {
        return Some(StoppedReason::Archived);
    }
    if object.name != Lead::object().name {
        return None;
    }
    match LeadStatus::of(record.of()) {
        LeadStatus::Converted => Some(StoppedReason::Converted),
        LeadStatus::Disqualified => Some(StoppedReason::Disqualified),
        LeadStatus::New | LeadStatus::Contacted | LeadStatus::Qualified => None,
    }
}

/// After a lead or customer was written: whether that ends its cadences.
pub fn after_record(work: &mut Work<'_>, writing: &Writing<'_>, object: &'static Object, record: &Record) -> Result<(), Problem> {
    let before = writing.before.and_then(|before| ended(object, before));
    match ended(object, record) {
        Some(reason) if writing.before.is_some() && before.is_none() => {
            stop_all(work, writing.now, (object, record.id()), reason, None)
        }
        Some(_) | None => Ok(()),
    }
}

/// After an activity was written: whether it is a reply of those whom it concerns.
pub fn after_activity(work: &mut Work<'_>, writing: &Writing<'_>, activity: &Record) -> Result<(), Problem> {
    if !is_reply(activity) {
        return Ok(());
    }
    let at = activity.time_of("occurred_at").unwrap_or(writing.now);
    let told = writing.before.filter(|before| is_reply(before) && before.get("occurred_at") == activity.get("occurred_at"));
    for object in [Lead::object(), Customer::object()] {
        let known = told.map(|before| concerned::ids_of(before, object.name)).unwrap_or_default();
        for id in concerned::ids_of(activity, object.name).into_iter().filter(|id| !known.contains(id)) {
            stop_all(work, writing.now, (object, id), StoppedReason::Reply, Some(at))?;
        }
    }
    Ok(())
}

/// After an opportunity was written: whether it was won or lost by that.
pub fn after_opportunity(work: &mut Work<'_>, writing: &Writing<'_>, opportunity: &Record) -> Result<(), Problem> {
    let changed = writing.before.is_none_or(|before| before.get("status") != opportunity.get("status"));
    let reason = match opportunity.text("status").filter(|_| changed && !opportunity.is_archived()) {
        Some("won") => Some(StoppedReason::Won),
        Some("lost") => Some(StoppedReason::Lost),
        _ => None,
    };
    if let Some((reason, customer)) = reason.zip(opportunity.id_of("customer_id")) {
        stop_all(work, writing.now, (Customer::object(), customer), reason, None)?;
    }
    Ok(())
}

/// Stops the enrolments of a record, those that began before a time if one is told, where their cadences stop for the reason; of those that have ended,
/// the tasks still open are cancelled.
fn stop_all(
    work: &mut Work<'_>,
    now: Timestamp,
    (object, id): (&'static Object, Id),
    reason: StoppedReason,
    begun: Option<Timestamp>,
) -> Result<(), Problem> {
    let kind = CadenceEnrolment::object();
    let field = |name: &str| kind.field(name).ok_or_else(Problem::not_found);
    let live = Predicate::test(field("ended_at")?, Op::Null, Operand::Boolean(true));
    let relation = *kind.relation("tasks").ok_or_else(Problem::not_found)?;
    let with_tasks = Related { relation, target: Task::object(), none: false, predicate: Box::new(open_tasks()?) };
    let mut within = Predicate::test(field(field_of(object.name))?, Op::Eq, Operand::Id(id))
        .and(Predicate::Or(vec![live, Predicate::Related(with_tasks)]));
    if let Some(begun) = begun {
        within = within.and(Predicate::test(field("created_at")?, Op::Lte, Operand::Time(begun)));
    }
    let found = work.reader().find(&without_custom_fields(kind), &Unrestricted, &within, 1_000)?;
    if found.is_empty() {
        return Ok(());
    }
    lock(work, object, id)?;
    for enrolment in found {
        let cadence =
            enrolment.id_of("cadence_id").map(|id| by_id(work, <Cadence as Entity>::object(), id)).transpose()?.flatten();
        if cadence.is_some_and(|cadence| stops_on(&cadence, reason)) {
            stop(work, now, &enrolment, reason)?;
        }
    }
    Ok(())
}

fn open_tasks() -> Result<Predicate, Problem> {
    let status = Task::object().field("status").ok_or_else(Problem::not_found)?;
    Ok(Predicate::Archived(false).and(Predicate::test(status, Op::Eq, Operand::Text("open".to_owned()))))
}

/// Stops an enrolment, unless it has ended, and cancels its open tasks. Its record is locked.
pub fn stop(work: &mut Work<'_>, now: Timestamp, seen: &Record, reason: StoppedReason) -> Result<(), Problem> {
    let shape = without_custom_fields(CadenceEnrolment::object());
    let Some(loaded) = work.load(&shape, &Unrestricted, seen.id(), &Predicate::all())? else { return Ok(()) };
    cancel_tasks(work, now, seen.id())?;
    if !EnrolmentStatus::of(&loaded.record).is_live() {
        return Ok(());
    }
    let mut record = loaded.record.clone();
    enrolment::stop(&mut record, reason, now);
    let about = enrolled(&record).map(|(_, id)| id);
    work.update(&shape, &loaded, &mut record, &Change { verb: "stopped", about: about.as_slice() })?;
    Ok(())
}

fn cancel_tasks(work: &mut Work<'_>, now: Timestamp, enrolment: Id) -> Result<(), Problem> {
    let object = Task::object();
    let field = object.field("cadence_enrolment_id").ok_or_else(Problem::not_found)?;
    let within = open_tasks()?.and(Predicate::test(field, Op::Eq, Operand::Id(enrolment)));
    let tasks = work.reader().find(&without_custom_fields(object), &Unrestricted, &within, 1_000)?;
    if tasks.is_empty() {
        return Ok(());
    }
    // Whoever may do what stops the cadence need not be permitted to write its tasks.
    let principal = Arc::new(principal::system(work.reader())?);
    let writer = Writer { principal, object, now, parent: None, quiet: false };
    for task in tasks {
        let loaded = writer.load(work, &Named::Id(task.id()), Action::Update)?;
        let mut cancelled = loaded.record.clone();
        if cancelled.get("status") != "open" {
            continue;
        }
        cancelled.set("status", "cancelled");
        let cancelled = writer.apply_rules(&writer.shape(), Some(&loaded.record), cancelled)?;
        writer.store(work, &loaded, cancelled, "updated")?;
    }
    Ok(())
}

/// Takes a record off a cadence that was archived.
pub fn let_go(work: &mut Work<'_>, now: Timestamp, seen: &Record) -> Result<(), Problem> {
    if let Some((object, id)) = enrolled(seen).and_then(|(name, id)| Some((registry::object(name)?, id))) {
        lock(work, object, id)?;
        stop(work, now, seen, StoppedReason::CadenceArchived)?;
    }
    Ok(())
}
