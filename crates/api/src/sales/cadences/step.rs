//! An enrolment begins, and goes on from step to step.

use std::sync::Arc;

use chrono_tz::Tz;
use farley_domain::{
    activities::task::Task,
    identity::user::{User, is_at_hand},
    model::{entity::Entity, input::members, object::Object, record::Record, recurring},
    query::predicate::Predicate,
    sales::{
        cadences::{
            cadence::{Cadence, CadenceAssignee, Cadenced},
            enrolment::{CadenceEnrolment, EnrolmentStatus, enrolled, finish},
            plan::{Calendar, Moment, Next, is_weekday},
            step::Step,
        },
        leads::schedule::{WorkSchedule, works_on},
    },
    values::{calendar::day_of, id::Id, time::Timestamp},
};
use farley_persistence::{Change, Work};

use super::{enrolment::is_due, stops};
use crate::{
    access::{
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::{lookup, write::Writer},
};

/// Locks the record of an enrolment: before the enrolment, which is locked before its tasks.
pub fn lock(work: &mut Work<'_>, object: &'static Object, id: Id) -> Result<Option<Record>, Problem> {
    let loaded = work.load(&without_custom_fields(object), &Unrestricted, id, &Predicate::all())?;
    Ok(loaded.map(|loaded| loaded.record))
}

/// Who does the steps, and when they work.
struct Assignee {
    /// None, if nobody owns the record or the user is not active.
    user: Option<Record<User>>,
    zone: Tz,
    schedules: Vec<Record<WorkSchedule>>,
    working_days_only: bool,
}

impl Assignee {
    fn of(
        work: &mut Work<'_>,
        principal: &Principal,
        now: Timestamp,
        cadence: &Record<Cadence>,
        record: &Record,
    ) -> Result<Assignee, Problem> {
        let id = match cadence.get(Cadence::assignee) {
            Some(CadenceAssignee::User) => cadence.get(Cadence::user_id),
            Some(CadenceAssignee::Owner) | None => record.get(recurring::OWNER_ID),
        };
        let user = id.map(|id| lookup::one::<User>(work, id)).transpose()?.flatten().filter(is_at_hand);
        let own = user.as_ref().and_then(|user| user.get(User::time_zone)?.parse().ok());
        let working_days_only = cadence.get(Cadence::working_days_only);
        let mut schedules = if working_days_only { lookup::all::<WorkSchedule>(work.reader())? } else { Vec::new() };
        schedules.retain(|schedule| !schedule.is_archived());
        Ok(Assignee { user, zone: own.unwrap_or(principal.standards(now).zone), schedules, working_days_only })
    }

    fn works(&self, day: chrono::NaiveDate) -> bool {
        let user = self.user.as_ref().map_or(Id::NIL, Record::id);
        !self.working_days_only || works_on(&self.schedules, user, self.zone, day, is_weekday)
    }
}

/// Puts a record on a cadence: both are locked or as good as that, and it is not on it.
pub fn start(
    work: &mut Work<'_>,
    principal: &Principal,
    now: Timestamp,
    (cadence, cadenced): (&Record<Cadence>, Cadenced),
    record: &Record,
) -> Result<Record, Problem> {
    let assignee = Assignee::of(work, principal, now, cadence, record)?;
    let works = |day| assignee.works(day);
    let calendar = Calendar { zone: assignee.zone, works: &works };
    let steps = cadence.get(Cadence::steps);
    let first = calendar.begin(&steps, day_of(now, assignee.zone), now);
    let mut made = Record::new(CadenceEnrolment::object());
    let enrolment = made.of_mut::<CadenceEnrolment>();
    enrolment.set(CadenceEnrolment::cadence_id, cadence.id());
    enrolment.set(cadenced.enrolled_as(), record.id());
    enrolment.set(CadenceEnrolment::status, EnrolmentStatus::Active);
    enrolment.set(CadenceEnrolment::round, 1);
    enrolment.set(CadenceEnrolment::step, 1);
    enrolment.set(CadenceEnrolment::steps, steps);
    enrolment.set(CadenceEnrolment::next_step_at, first.map(|first| first.made_at));
    let about = [record.id()];
    work.insert(&without_custom_fields(CadenceEnrolment::object()), &mut made, &Change { verb: "created", about: &about })?;
    Ok(made)
}

/// Makes the tasks of an enrolment that have come due, and moves it on, all in this unit of work: whoever comes at the same time
/// waits for the lock and then finds nothing due.
pub fn advance(
    work: &mut Work<'_>,
    principal: &Arc<Principal>,
    now: Timestamp,
    seen: &Record<CadenceEnrolment>,
) -> Result<(), Problem> {
    let Some((cadenced, id)) = enrolled(seen) else { return Ok(()) };
    let Some(record) = lock(work, cadenced.object(), id)? else { return Ok(()) };
    let schema = without_custom_fields(CadenceEnrolment::object());
    let loaded = work.load(&schema, &Unrestricted, seen.id(), &Predicate::all())?;
    let Some(loaded) = loaded.filter(|loaded| is_due(loaded.record.of(), now)) else { return Ok(()) };
    if let Some(reason) = stops::ended(cadenced.object(), &record) {
        return stops::stop(work, now, seen.id(), reason);
    }
    let mut enrolment = loaded.record.of::<CadenceEnrolment>().clone();
    let cadence = enrolment.get(CadenceEnrolment::cadence_id).map(|id| lookup::one::<Cadence>(work, id)).transpose()?;
    let Some(cadence) = cadence.flatten() else { return Ok(()) };
    let assignee = Assignee::of(work, principal, now, &cadence, &record)?;
    let Some(user) = assignee.user.as_ref().filter(|_| !cadence.is_archived() && cadence.get(Cadence::is_active)) else {
        return Ok(());
    };
    let works = |day| assignee.works(day);
    let calendar = Calendar { zone: assignee.zone, works: &works };
    let mut day = day_of(enrolment.get(CadenceEnrolment::next_step_at).unwrap_or(now), assignee.zone);
    let mut verb = "updated";
    loop {
        let steps = enrolment.get(CadenceEnrolment::steps);
        let place = usize::try_from(enrolment.get(CadenceEnrolment::step) - 1).unwrap_or(0);
        let Some(step) = steps.get(place) else {
            verb = "finished";
            finish(&mut enrolment, now);
            break;
        };
        let moment = calendar.moment(step, day, now);
        if moment.made_at > now {
            enrolment.set(CadenceEnrolment::next_step_at, moment.made_at);
            break;
        }
        make_task(work, principal, now, &Due { step, moment, cadenced, record: &record, user: user.id(), enrolment: seen.id() })?;
        verb = "step_made";
        enrolment.set(CadenceEnrolment::last_step_at, now);
        let round = enrolment.get(CadenceEnrolment::round);
        match calendar.next(&steps, place, moment.day, cadence.get(Cadence::repeat_every_days)) {
            Next::Step(next, on) => {
                enrolment.set(CadenceEnrolment::step, i64::try_from(next + 1).unwrap_or(i64::MAX));
                day = on;
            }
            Next::Round(on) if cadence.get(Cadence::max_rounds).is_none_or(|most| round < most) => {
                let anew = cadence.get(Cadence::steps);
                day = anew.first().map_or(on, |first| calendar.after(on, first.day - 1));
                enrolment.set(CadenceEnrolment::round, round + 1);
                enrolment.set(CadenceEnrolment::step, 1);
                enrolment.set(CadenceEnrolment::steps, anew);
            }
            Next::Round(_) | Next::End => {
                verb = "finished";
                finish(&mut enrolment, now);
                break;
            }
        }
    }
    work.update(&schema, &loaded, enrolment.any_mut(), &Change { verb, about: &[record.id()] })?;
    Ok(())
}

/// A step whose time has come.
struct Due<'a> {
    step: &'a Step,
    moment: Moment,
    cadenced: Cadenced,
    record: &'a Record,
    user: Id,
    enrolment: Id,
}

fn make_task(work: &mut Work<'_>, principal: &Arc<Principal>, now: Timestamp, due: &Due<'_>) -> Result<(), Problem> {
    let (step, record) = (due.step, due.record);
    let subject = Some(step.subject_for(record)).filter(|subject| !subject.is_empty());
    let subject = subject.or_else(|| due.cadenced.name_of(record).map(str::to_owned));
    let concerned = match due.cadenced {
        Cadenced::Lead => Task::lead_id,
        Cadenced::Customer => Task::customer_id,
    };
    let body = members()
        .with(Task::subject, subject.unwrap_or_default())
        .with(Task::description, step.description_for(record))
        .with(Task::kind, step.kind)
        .with(Task::priority, step.priority)
        .with(Task::due_at, due.moment.due_at)
        .with(Task::owner_id, due.user)
        .with(concerned, record.id());
    let writer = Writer { principal: Arc::clone(principal), object: Task::object(), now, parent: None, quiet: false };
    let complete = |task: &mut Record| task.of_mut::<Task>().set(Task::cadence_enrolment_id, due.enrolment);
    writer.create_with(work, &body.into_json(), complete)?;
    Ok(())
}
