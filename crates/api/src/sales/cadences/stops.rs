//! What takes records off their cadences, in the same unit of work as what happens to them: a reply, a conversion, a loss.

use std::sync::Arc;

use farley_domain::{
    activities::{
        activity::{Activity, is_reply},
        concerned,
        task::{Task, TaskStatus, is_open},
    },
    identity::access::Action,
    model::{entity::Entity, object::Object, record::Record},
    query::predicate::{Predicate, Related},
    sales::{
        cadences::{
            cadence::{Cadence, Cadenced, stops_on},
            enrolment::{self, CadenceEnrolment, EnrolmentStatus, StoppedReason, enrolled},
        },
        leads::{lead::Lead, status::LeadStatus},
        opportunity::{Opportunity, OpportunityStatus},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Work};

use super::step::lock;
use crate::{
    access::{
        principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::{behaviour::Writing, lookup, named::Named, write::Writer},
};

/// Why a record can be on no cadence any more.
#[must_use]
pub fn ended(object: &Object, record: &Record) -> Option<StoppedReason> {
    if record.is_archived() {
        return Some(StoppedReason::Archived);
    }
    if object.name != Lead::NAME {
        return None;
    }
    match record.of::<Lead>().get(Lead::status)? {
        LeadStatus::Converted => Some(StoppedReason::Converted),
        LeadStatus::Disqualified => Some(StoppedReason::Disqualified),
        LeadStatus::New | LeadStatus::Contacted | LeadStatus::Qualified => None,
    }
}

/// After a lead or customer was written: whether that ends its cadences.
pub fn after_record(work: &mut Work<'_>, writing: &Writing<'_>, object: &'static Object, record: &Record) -> Result<(), Problem> {
    let before = writing.before.and_then(|before| ended(object, before));
    match ended(object, record) {
        Some(reason) if writing.before.is_some() && before.is_none() => match Cadenced::of(object) {
            Some(cadenced) => stop_all(work, writing.now, (cadenced, record.id()), reason, None),
            None => Ok(()),
        },
        Some(_) | None => Ok(()),
    }
}

/// After an activity was written: whether it is a reply of those whom it concerns.
pub fn after_activity(work: &mut Work<'_>, writing: &Writing<'_, Activity>, activity: &Record<Activity>) -> Result<(), Problem> {
    if !is_reply(activity) {
        return Ok(());
    }
    let at = activity.get(Activity::occurred_at).unwrap_or(writing.now);
    let told = writing.before.filter(|before| is_reply(before) && before.agrees(Activity::occurred_at, activity));
    for cadenced in Cadenced::ALL {
        let concerned = |activity: &Record<Activity>| concerned::ids_of(activity.any(), (*cadenced).into());
        let known = told.map(concerned).unwrap_or_default();
        for id in concerned(activity).into_iter().filter(|id| !known.contains(id)) {
            stop_all(work, writing.now, (*cadenced, id), StoppedReason::Reply, Some(at))?;
        }
    }
    Ok(())
}

/// After an opportunity was written: whether it was won or lost by that.
pub fn after_opportunity(
    work: &mut Work<'_>,
    writing: &Writing<'_, Opportunity>,
    opportunity: &Record<Opportunity>,
) -> Result<(), Problem> {
    let changed = writing.before.is_none_or(|before| !before.agrees(Opportunity::status, opportunity));
    let reason = match opportunity.get(Opportunity::status).filter(|_| changed && !opportunity.is_archived()) {
        Some(OpportunityStatus::Won) => Some(StoppedReason::Won),
        Some(OpportunityStatus::Lost) => Some(StoppedReason::Lost),
        Some(OpportunityStatus::Open) | None => None,
    };
    if let Some((reason, customer)) = reason.zip(opportunity.get(Opportunity::customer_id)) {
        stop_all(work, writing.now, (Cadenced::Customer, customer), reason, None)?;
    }
    Ok(())
}

/// Stops the enrolments of a record, those that began before a time if one is told, where their cadences stop for the reason; of those that have ended,
/// the tasks still open are cancelled.
fn stop_all(
    work: &mut Work<'_>,
    now: Timestamp,
    (cadenced, id): (Cadenced, Id),
    reason: StoppedReason,
    begun: Option<Timestamp>,
) -> Result<(), Problem> {
    let relation = *CadenceEnrolment::object().relation("tasks").ok_or_else(Problem::not_found)?;
    let with_tasks = Related { relation, target: Task::object(), none: false, predicate: Box::new(open_tasks()) };
    let live_or_at_work = Predicate::Or(vec![CadenceEnrolment::ended_at.is_null(), Predicate::Related(with_tasks)]);
    let mut within = cadenced.enrolled_as().eq(id).and(live_or_at_work);
    if let Some(begun) = begun {
        within = within.and(CadenceEnrolment::created_at.lte(begun));
    }
    let found = lookup::find::<CadenceEnrolment>(work, &within, 1_000)?;
    if found.is_empty() {
        return Ok(());
    }
    lock(work, cadenced.object(), id)?;
    for enrolment in found {
        let cadence = enrolment.get(CadenceEnrolment::cadence_id).map(|id| lookup::one::<Cadence>(work, id)).transpose()?;
        if cadence.flatten().is_some_and(|cadence| stops_on(&cadence, reason)) {
            stop(work, now, enrolment.id(), reason)?;
        }
    }
    Ok(())
}

fn open_tasks() -> Predicate {
    Predicate::Archived(false).and(Task::status.eq(TaskStatus::Open))
}

/// Stops an enrolment, unless it has ended, and cancels its open tasks. Its record is locked.
pub fn stop(work: &mut Work<'_>, now: Timestamp, id: Id, reason: StoppedReason) -> Result<(), Problem> {
    let schema = without_custom_fields(CadenceEnrolment::object());
    let Some(loaded) = work.load(&schema, &Unrestricted, id, &Predicate::all())? else { return Ok(()) };
    cancel_tasks(work, now, id)?;
    if !EnrolmentStatus::of(loaded.record.of()).is_live() {
        return Ok(());
    }
    let mut record = loaded.record.clone();
    enrolment::stop(record.of_mut(), reason, now);
    let about = enrolled(record.of()).map(|(_, id)| id);
    work.update(&schema, &loaded, &mut record, &Change { verb: "stopped", about: about.as_slice() })?;
    Ok(())
}

fn cancel_tasks(work: &mut Work<'_>, now: Timestamp, enrolment: Id) -> Result<(), Problem> {
    let within = open_tasks().and(Task::cadence_enrolment_id.eq(enrolment));
    let tasks = lookup::find::<Task>(work, &within, 1_000)?;
    if tasks.is_empty() {
        return Ok(());
    }
    // Whoever may do what stops the cadence need not be permitted to write its tasks.
    let principal = Arc::new(principal::system(work.reader())?);
    let writer = Writer { principal, object: Task::object(), now, parent: None, quiet: false };
    for task in tasks {
        let loaded = writer.load(work, &Named::Id(task.id()), Action::Update)?;
        let mut cancelled = loaded.record.clone();
        let task = cancelled.of_mut::<Task>();
        if !is_open(task) {
            continue;
        }
        task.set(Task::status, TaskStatus::Cancelled);
        let cancelled = writer.apply_rules(&writer.schema(), Some(&loaded.record), cancelled)?;
        writer.store(work, &loaded, cancelled, "updated")?;
    }
    Ok(())
}

/// Takes a record off a cadence that was archived.
pub fn let_go(work: &mut Work<'_>, now: Timestamp, seen: &Record<CadenceEnrolment>) -> Result<(), Problem> {
    if let Some((cadenced, id)) = enrolled(seen) {
        lock(work, cadenced.object(), id)?;
        stop(work, now, seen.id(), StoppedReason::CadenceArchived)?;
    }
    Ok(())
}
