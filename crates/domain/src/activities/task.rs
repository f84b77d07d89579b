//! Tasks: what is to be done, by whom and until when.

use serde_json::{Map, json};

use super::{
    activity::ActivityKind,
    concerned::{self, CONCERNED, Concerned},
    recurrence,
};
use crate::{
    choices, entity,
    model::{
        cell::Cell,
        fault::{Fault, FaultCode, Faults},
        object::{Reach, Relation},
        record::{Draft, Record},
    },
    values::{id::Id, time::Timestamp},
};

choices! {
    /// The priority.
    pub enum Priority {
        Low "low" "Low" "低",
        Normal "normal" "Normal" "普通",
        High "high" "High" "高",
        Urgent "urgent" "Urgent" "紧急",
    }
}

choices! {
    /// Whether it is still to be done.
    pub enum TaskStatus {
        Open "open" "Open" "待办",
        Completed "completed" "Completed" "已完成",
        Cancelled "cancelled" "Cancelled" "已取消",
    }
}

entity! {
    /// A task: something to do, with a due time. `owner_id` is the user who should do it; `created_by` is the user who assigned
    /// it and can follow it. `status=open&due_at_lt=now` lists overdue tasks, `due_at_gte=today&due_at_lt=tomorrow` tasks due
    /// today, in the tenant's time zone.
    pub struct Task("task", "tasks", "tasks", "Task", "任务") [owned, tagged, external, custom] {
        /// What needs to be done.
        subject: String => text(200).required().title().label("Subject", "主题").example("给客户发报价"),
        /// More details.
        description: Option<String> => long_text(20_000).detail().searchable().label("Description", "描述"),
        /// The kind of activity to do.
        kind: Option<ActivityKind> => choice(ActivityKind::choices()).detail().label("Kind", "类型").example("call"),
        /// When it is due.
        due_at: Option<Timestamp> => datetime().indexed().label("Due at", "到期时间").example("2026-03-06T10:00:00.000Z").required_when(crate::model::field::when_given("recurrence")),
        /// The priority.
        priority: Option<Priority> => choice(Priority::choices()).default("normal").label("Priority", "优先级").example("normal"),
        /// The status. Changing it completes or reopens the task, with all consequences.
        status: Option<TaskStatus> => choice(TaskStatus::choices()).default("open").indexed().label("Status", "状态").example("open"),
        /// When to remind the owner.
        reminder_at: Option<Timestamp> => datetime().indexed().label("Reminder at", "提醒时间").example("2026-03-06T09:00:00.000Z"),
        /// How the task repeats, as an RFC 5545 recurrence rule of days, weeks, months or years: completing it creates the next
        /// task, due at the next future occurrence of the rule in the tenant's time zone. It ends after COUNT occurrences or at
        /// UNTIL, but not both; a date as UNTIL includes that day.
        recurrence: Option<String> => text(300).detail().label("Recurrence", "重复").example("FREQ=WEEKLY;BYDAY=MO"),
        /// When the series started, from which the recurrence rule is counted: the due time at the moment the rule was last
        /// set.
        recurrence_from: Option<Timestamp> => datetime().server_set().detail().label("Recurrence start", "重复起始").example("2026-03-06T10:00:00.000Z"),
        /// The first task of the series, if it belongs to one.
        series_id: Option<Id> => reference("task").server_set().detail().label("Series", "所属系列"),
        /// The occurrence of the series it represents, even if it has been snoozed.
        occurrence_at: Option<Timestamp> => datetime().server_set().detail().label("Occurrence at", "系列时间").example("2026-03-06T10:00:00.000Z"),
        /// The task that follows this one.
        next_id: Option<Id> => reference("task").server_set().detail().label("Next task", "下一任务"),
        /// A task that must be completed first.
        depends_on_id: Option<Id> => reference("task").indexed().label("Depends on", "前置任务"),
        /// When it was completed.
        completed_at: Option<Timestamp> => datetime().server_set().indexed().label("Completed at", "完成时间").example("2026-03-05T08:00:00.000Z"),
        /// The first customer it relates to. Defaults to the customer of the opportunity or contact.
        customer_id: Option<Id> => reference("customer").indexed().label("Customer", "客户"),
        /// The first contact it relates to.
        contact_id: Option<Id> => reference("contact").indexed().label("Contact", "联系人"),
        /// The first opportunity it relates to.
        opportunity_id: Option<Id> => reference("opportunity").indexed().label("Opportunity", "商机"),
        /// The first lead it relates to.
        lead_id: Option<Id> => reference("lead").indexed().label("Lead", "线索"),
        /// The cadence enrolment it belongs to. If the enrolment is stopped while the task is open, the task is cancelled.
        cadence_enrolment_id: Option<Id> => reference("cadence_enrolment").server_set().indexed().label("Cadence enrolment", "跟进计划加入记录"),
        /// All records it relates to. `customer_id`, `contact_id`, `opportunity_id` and `lead_id` hold the first of each kind;
        /// the two representations are kept in sync. `records_any` filters by the id of any of them.
        records: Vec<Concerned> => structure(&CONCERNED).default(json!([])).detail().label("Records", "关联记录"),
    }
    extend |object| concerned::with_relations(object)
        .relations([
            Relation { name: "depends_on", target: "task", reach: Reach::ToOne { field: "depends_on_id" } },
            Relation { name: "cadence_enrolment", target: "cadence_enrolment", reach: Reach::ToOne { field: "cadence_enrolment_id" } },
            Relation { name: "dependents", target: "task", reach: Reach::Inverse { field: "depends_on_id" } },
        ])
        .open_while("status", &["open"])
        .titled("subject")
        .read_by_author()
        .read_with(["customers", "contacts", "opportunities", "leads"])
        .rule(concerned::in_step)
        .rule(recurrence_fits)
        .rule(note_completion)
}

/// The rule can be followed, and there is a time to begin with.
fn recurrence_fits(draft: &mut Draft<'_, Task>) {
    let Some(typed) = draft.after.get(Task::recurrence) else {
        draft.after.clear(Task::recurrence_from);
        return;
    };
    let rule = recurrence::standardise(typed);
    let Some(due_at) = draft.after.get(Task::due_at) else {
        draft.fault(Task::due_at.pointer(), FaultCode::Required);
        return;
    };
    let before = draft.before.and_then(|before| before.get(Task::recurrence));
    if before != Some(rule.as_str()) || draft.after.is_null(Task::recurrence_from) {
        draft.after.set(Task::recurrence_from, due_at);
    }
    if draft.after.is_null(Task::series_id) {
        let id = draft.after.id();
        draft.after.set(Task::series_id, id);
        draft.after.set(Task::occurrence_at, due_at);
    }
    let begins_at = draft.after.get(Task::recurrence_from).unwrap_or(due_at);
    if let Err(reason) = recurrence::check(&rule, begins_at, draft.standards.zone) {
        let fault = Fault::new(Task::recurrence.pointer(), FaultCode::InvalidRecurrence);
        draft.faults.add(fault.with("reason", reason.told()));
    }
    draft.after.set(Task::recurrence, rule);
}

fn note_completion(draft: &mut Draft<'_, Task>) {
    if draft.after.get(Task::status) != Some(TaskStatus::Completed) {
        draft.after.clear(Task::completed_at);
    } else if draft.after.is_null(Task::completed_at) {
        draft.after.set(Task::completed_at, draft.now);
    }
}

/// Whether a write completes the task.
#[must_use]
pub fn completes(before: Option<&Record<Task>>, after: &Record<Task>) -> bool {
    let is_completed = |task: &Record<Task>| task.get(Task::status) == Some(TaskStatus::Completed);
    is_completed(after) && !before.is_some_and(is_completed)
}

/// Whether it is still to be done.
#[must_use]
pub fn is_open(task: &Record<Task>) -> bool {
    task.get(Task::status) == Some(TaskStatus::Open)
}

/// A task is not completed before the one it depends on is done with.
pub fn check_dependency(
    before: Option<&Record<Task>>,
    after: &Record<Task>,
    needed: Option<&Record<Task>>,
) -> Result<(), Faults> {
    match needed.filter(|needed| is_open(needed) && !needed.is_archived()) {
        Some(needed) if completes(before, after) => {
            let fault = Fault::new(Task::status.pointer(), FaultCode::WaitsForTask);
            Err(fault.with("task", needed.get(Task::subject)).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// The task that follows a recurring one that is completed now; none at the end of the series, or if it is there already.
#[must_use]
pub fn following(completed: &Record<Task>, now: Timestamp, zone: chrono_tz::Tz) -> Option<Record<Task>> {
    let (rule, due_at) = (completed.get(Task::recurrence)?, completed.get(Task::due_at)?);
    let begins_at = completed.get(Task::recurrence_from).unwrap_or(due_at);
    if !completed.is_null(Task::next_id) {
        return None;
    }
    // What was missed is not caught up with.
    let due_next = recurrence::next(rule, begins_at, due_at.max(now), zone)?;
    let mut next = completed.clone();
    next.put(Task::id.field(), Cell::Null);
    next.clear(Task::completed_at);
    next.clear(Task::depends_on_id);
    next.clear(Task::next_id);
    next.clear(Task::cadence_enrolment_id);
    next.set(Task::external_ids, Map::new());
    next.set(Task::status, TaskStatus::Open);
    next.set(Task::due_at, due_next);
    next.set(Task::series_id, completed.get(Task::series_id).unwrap_or(completed.id()));
    next.set(Task::occurrence_at, due_next);
    let reminder = completed.get(Task::reminder_at).map(|reminder| {
        let ahead = (due_at.milliseconds() - reminder.milliseconds()) / 1000;
        due_next.plus_seconds(-ahead)
    });
    next.set(Task::reminder_at, reminder);
    Some(next)
}

/// What calendars know a task by, and, with a time, what they know a later one of its series by. It is the same before and after the task is
/// made that stands for that time.
#[must_use]
pub fn calendar_uid(task: &Record<Task>, later: Option<Timestamp>) -> String {
    let series = task.get(Task::series_id).unwrap_or(task.id());
    let occurrence = task.get(Task::occurrence_at).filter(|_| series != task.id());
    match later.or(occurrence) {
        Some(time) => format!("{series}-{}@farley", time.milliseconds()),
        None => format!("{series}@farley"),
    }
}

/// Puts a task off: the owner is reminded then, and it is not due before.
pub fn snooze(task: &mut Record<Task>, until: Timestamp) {
    task.set(Task::reminder_at, until);
    if task.get(Task::due_at).is_some_and(|due_at| due_at < until) {
        task.set(Task::due_at, until);
    }
}

/// When a record has something to do by this task; none where it does not count.
#[must_use]
pub fn counts_at(task: &Record<Task>) -> Option<Timestamp> {
    task.get(Task::due_at).filter(|_| !task.is_archived() && is_open(task))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::entity::Entity;

    fn task(members: Value) -> Record<Task> {
        Record::from_json(Task::object(), &members).into_entity()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn the_next_lies_ahead_and_is_reminded_of_as_long_before() {
        let zone = chrono_tz::Asia::Shanghai;
        let weekly = task(json!({
            "id": "01890a5d-ac96-774b-bcce-b302099a8057", "subject": "周报", "status": "completed", "recurrence": "FREQ=WEEKLY", "external_ids": {"oa": "7"},
            "recurrence_from": "2026-03-06T10:00:00.000Z", "due_at": "2026-03-06T10:00:00.000Z", "reminder_at": "2026-03-06T09:00:00.000Z",
        }));
        let next = following(&weekly, at("2026-03-05T00:00:00Z"), zone).unwrap();
        assert_eq!(
            (next.get(Task::due_at), next.get(Task::reminder_at)),
            (Some(at("2026-03-13T10:00:00Z")), Some(at("2026-03-13T09:00:00Z")))
        );
        assert_eq!((next.get(Task::status), next.is_null(Task::id)), (Some(TaskStatus::Open), true));
        assert!(next.get(Task::external_ids).is_empty());
        // Completed three weeks late.
        let next = following(&weekly, at("2026-03-27T12:00:00Z"), zone).unwrap();
        assert_eq!(next.get(Task::due_at), Some(at("2026-04-03T10:00:00Z")));
        let mut again = weekly.clone();
        again.set(Task::next_id, "01890a5d-ac96-774b-bcce-b302099a8058".parse::<Id>().unwrap());
        assert_eq!(following(&again, at("2026-03-05T00:00:00Z"), zone), None);
    }

    #[test]
    fn what_is_put_off_is_not_due_before() {
        let mut due = task(json!({"due_at": "2026-03-06T10:00:00.000Z"}));
        snooze(&mut due, at("2026-03-07T01:00:00Z"));
        assert_eq!(
            (due.get(Task::due_at), due.get(Task::reminder_at)),
            (Some(at("2026-03-07T01:00:00Z")), Some(at("2026-03-07T01:00:00Z")))
        );
        snooze(&mut due, at("2026-03-06T01:00:00Z"));
        assert_eq!(
            (due.get(Task::due_at), due.get(Task::reminder_at)),
            (Some(at("2026-03-07T01:00:00Z")), Some(at("2026-03-06T01:00:00Z")))
        );
    }
}
