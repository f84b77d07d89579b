//! An enrolment begins, and goes on from step to step.

use std::sync::Arc;

use chrono_tz::Tz;
use farley_domain::{
    activities::task::Task,
    calendar::day_of,
    entity::Entity,
    id::Id,
    identity::user::User,
    object::Object,
    predicate::Predicate,
    record::Record,
    registry,
    sales::{
        cadences::{
            cadence::Cadence,
            enrolment::{CadenceEnrolment, EnrolmentStatus, enrolled, field_of, finish},
            plan::{Calendar, Moment, Next, is_weekday},
            step::{Step, steps},
        },
        leads::schedule::{WorkSchedule, works_on},
    },
    time::Timestamp,
};
use farley_persistence::{Change, Work};
use serde_json::{Value, json};

use super::{enrolment::is_due, stops};
use crate::{
    access::{
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::{
        lookup::{all, by_id},
        write::Writer,
    },
};

/// Locks the record of an enrolment: before the enrolment, which is locked before its tasks.
pub fn lock(work: &mut Work<'_>, object: &'static Object, id: Id) -> Result<Option<Record>, Problem> {
    let loaded = work.load(&without_custom_fields(object), &Unrestricted, id, &Predicate::all())?;
    Ok(loaded.map(|loaded| loaded.record))
}

/// Who does the steps, and when they work.
struct Assignee {
    /// None, if nobody owns the record or the user is not active.
    user: Option<Record>,
    zone: Tz,
    schedules: Vec<Record<WorkSchedule>>,
    working_days_only: bool,
}

impl Assignee {
    fn of(
        work: &mut Work<'_>,
        principal: &Principal,
        now: Timestamp,
        cadence: &Record,
        record: &Record,
    ) -> Result<Assignee, Problem> {
        let id = if cadence.get("assignee") == "user" { cadence.id_of("user_id") } else { record.id_of("owner_id") };
        let user = match id {
            Some(id) => by_id(work, User::object(), id)?.filter(|user| !user.is_archived() && user.get("status") == "active"),
            None => None,
        };
        let own = user.as_ref().and_then(|user| user.text("time_zone")?.parse().ok());
        let working_days_only = cadence.get("working_days_only") == true;
        let mut schedules = if working_days_only { all::<WorkSchedule>(work.reader())? } else { Vec::new() };
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
    cadence: &Record,
    object: &Object,
    record: &Record,
) -> Result<Record, Problem> {
    let assignee = Assignee::of(work, principal, now, cadence, record)?;
    let works = |day| assignee.works(day);
    let calendar = Calendar { zone: assignee.zone, works: &works };
    let list: Vec<Step<'_>> = steps(cadence.get("steps")).collect();
    let first = calendar.begin(&list, day_of(now, assignee.zone), now);
    let mut enrolment = Record::new(CadenceEnrolment::object());
    for (name, value) in [
        ("cadence_id", cadence.get("id").clone()),
        (field_of(object.name), record.get("id").clone()),
        ("status", EnrolmentStatus::Active.as_str().into()),
        ("round", 1.into()),
        ("step", 1.into()),
        ("steps", cadence.get("steps").clone()),
        ("next_step_at", first.map(|first| first.made_at.to_string()).into()),
    ] {
        enrolment.set(name, value);
    }
    let about = [record.id()];
    work.insert(&without_custom_fields(CadenceEnrolment::object()), &mut enrolment, &Change { verb: "created", about: &about })?;
    Ok(enrolment)
}

/// Makes the tasks of an enrolment that have come due, and moves it on, all in this unit of work: whoever comes at the same time
/// waits for the lock and then finds nothing due.
pub fn advance(work: &mut Work<'_>, principal: &Arc<Principal>, now: Timestamp, seen: &Record) -> Result<(), Problem> {
    let Some((object, id)) = enrolled(seen).and_then(|(name, id)| Some((registry::object(name)?, id))) else { return Ok(()) };
    let Some(record) = lock(work, object, id)? else { return Ok(()) };
    let shape = without_custom_fields(CadenceEnrolment::object());
    let Some(loaded) =
        work.load(&shape, &Unrestricted, seen.id(), &Predicate::all())?.filter(|loaded| is_due(&loaded.record, now))
    else {
        return Ok(());
    };
    if let Some(reason) = stops::ended(object, &record) {
        return stops::stop(work, now, &loaded.record, reason);
    }
    let Some(cadence) =
        loaded.record.id_of("cadence_id").map(|id| by_id(work, <Cadence as Entity>::object(), id)).transpose()?.flatten()
    else {
        return Ok(());
    };
    let assignee = Assignee::of(work, principal, now, &cadence, &record)?;
    let Some(user) = assignee.user.as_ref().filter(|_| !cadence.is_archived() && cadence.get("is_active") == true) else {
        return Ok(());
    };
    let works = |day| assignee.works(day);
    let calendar = Calendar { zone: assignee.zone, works: &works };
    let mut enrolment = loaded.record.clone();
    let mut day = day_of(enrolment.time_of("next_step_at").unwrap_or(now), assignee.zone);
    let mut verb = "updated";
    loop {
        let list = enrolment.get("steps").clone();
        let list: Vec<Step<'_>> = steps(&list).collect();
        let place = usize::try_from(enrolment.get("step").as_i64().unwrap_or(1) - 1).unwrap_or(0);
        let Some(step) = list.get(place) else {
            verb = "finished";
            finish(&mut enrolment, now);
            break;
        };
        let moment = calendar.moment(*step, day, now);
        if moment.made_at > now {
            enrolment.set("next_step_at", moment.made_at.to_string());
            break;
        }
        make_task(work, principal, now, &Due { step: *step, moment, object, record: &record, user, enrolment: &enrolment })?;
        verb = "step_made";
        enrolment.set("last_step_at", now.to_string());
        let round = enrolment.get("round").as_i64().unwrap_or(1);
        match calendar.next(&list, place, moment.day, cadence.get("repeat_every_days").as_i64()) {
            Next::Step(next, on) => {
                enrolment.set("step", next + 1);
                day = on;
            }
            Next::Round(on) if cadence.get("max_rounds").as_i64().is_none_or(|most| round < most) => {
                let anew = cadence.get("steps").clone();
                day = steps(&anew).next().map_or(on, |first| calendar.after(on, first.day() - 1));
                enrolment.set("round", round + 1);
                enrolment.set("step", 1);
                enrolment.set("steps", anew);
            }
            Next::Round(_) | Next::End => {
                verb = "finished";
                finish(&mut enrolment, now);
                break;
            }
        }
    }
    work.update(&shape, &loaded, &mut enrolment, &Change { verb, about: &[record.id()] })?;
    Ok(())
}

/// A step whose time has come.
struct Due<'a> {
    step: Step<'a>,
    moment: Moment,
    object: &'static Object,
    record: &'a Record,
    user: &'a Record,
    enrolment: &'a Record,
}

fn make_task(work: &mut Work<'_>, principal: &Arc<Principal>, now: Timestamp, due: &Due<'_>) -> Result<(), Problem> {
    let (step, record) = (due.step, due.record);
    let subject = step.words("subject", record).filter(|subject| !subject.is_empty());
    let mut body = json!({
        "subject": subject.or_else(|| record.text("name").map(str::to_owned)),
        "description": step.words("description", record),
        "kind": step.0["kind"],
        "priority": step.0["priority"],
        "due_at": due.moment.due_at,
        "owner_id": due.user.id(),
    });
    body[field_of(due.object.name)] = record.get("id").clone();
    let writer = Writer { principal: Arc::clone(principal), object: Task::object(), now, parent: None, quiet: false };
    let enrolment: Value = due.enrolment.get("id").clone();
    writer.create_with(work, &body, |task| task.set("cadence_enrolment_id", enrolment))?;
    Ok(())
}
