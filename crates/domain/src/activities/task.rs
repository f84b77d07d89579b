//! Tasks: what is to be done, by whom and until when.

use serde_json::{Value, json};

use super::{
    activity::ActivityKind,
    concerned::{self, CONCERNED, Concerned},
    recurrence,
};
use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        object::{Object, Reach, Relation},
        record::{Draft, Record},
    },
    values::time::Timestamp,
};

choices! {
    /// How much it matters.
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
    /// A task: something to do, with a due time. `owner_id` is who is to do it, `created_by` who gave it and may follow it. Overdue are those of
    /// `status=open&due_at_lt=now`; due today those of `due_at_gte=today&due_at_lt=tomorrow`, days being those of the tenant.
    pub struct Task("task", "tasks", "tasks", "Task", "任务") [owned, tagged, external, custom] {
        /// What is to be done.
        subject: String => text(200).required().title().label("Subject", "主题").example("给客户发报价"),
        /// More about it.
        description: Option<String> => long_text(20_000).detail().searchable().label("Description", "描述"),
        /// What is to be done, in the words of activities.
        kind: Option<ActivityKind> => choice(ActivityKind::choices()).detail().label("Kind", "类型").example("call"),
        /// Until when.
        due_at: Option<Timestamp> => datetime().indexed().label("Due at", "到期时间").example("2026-03-06T10:00:00.000Z"),
        /// How much it matters.
        priority: Option<Priority> => choice(Priority::choices()).default("normal").label("Priority", "优先级").example("normal"),
        /// Whether it is still to be done. Writing it completes or reopens the task, with all that belongs to it.
        status: Option<TaskStatus> => choice(TaskStatus::choices()).default("open").indexed().label("Status", "状态").example("open"),
        /// When to remind the owner.
        reminder_at: Option<Timestamp> => datetime().indexed().label("Reminder at", "提醒时间").example("2026-03-06T09:00:00.000Z"),
        /// How the task comes again, as a recurrence rule of RFC 5545 of days, weeks, months or years: completing it makes the next, due at the first time of the rule that lies ahead, on the clocks of the tenant.
        recurrence: Option<String> => text(300).detail().label("Recurrence", "重复").example("FREQ=WEEKLY;BYDAY=MO"),
        /// When the series began: what the recurrence rule counts from. The due time, when the rule was last written.
        recurrence_from: Option<Timestamp> => datetime().server_set().detail().label("Recurs from", "重复起始").example("2026-03-06T10:00:00.000Z"),
        /// The task that came after this one.
        next_id: Option<crate::values::id::Id> => reference("task").server_set().detail().label("Next task", "下一任务"),
        /// A task that must be done first.
        depends_on_id: Option<crate::values::id::Id> => reference("task").indexed().label("Depends on", "前置任务"),
        /// When it was completed.
        completed_at: Option<Timestamp> => datetime().server_set().indexed().label("Completed at", "完成时间").example("2026-03-05T08:00:00.000Z"),
        /// The first customer it concerns; that of the opportunity or contact, unless told.
        customer_id: Option<crate::values::id::Id> => reference("customer").indexed().label("Customer", "客户"),
        /// The first contact it concerns.
        contact_id: Option<crate::values::id::Id> => reference("contact").indexed().label("Contact", "联系人"),
        /// The first opportunity it concerns.
        opportunity_id: Option<crate::values::id::Id> => reference("opportunity").indexed().label("Opportunity", "商机"),
        /// The first lead it concerns.
        lead_id: Option<crate::values::id::Id> => reference("lead").indexed().label("Lead", "线索"),
        /// The enrolment in a cadence whose step it is. What stops the enrolment cancels the task, if it is open.
        cadence_enrolment_id: Option<crate::values::id::Id> => reference("cadence_enrolment").server_set().indexed().label("Cadence enrolment", "跟进计划加入记录"),
        /// Every record it concerns. `customer_id`, `contact_id`, `opportunity_id` and `lead_id` name the first of each kind; writing either keeps both the same. `records_any` finds by the id of any.
        records: Vec<Concerned> => structure(&CONCERNED).default(json!([])).detail().label("Records", "关联记录"),
    }
    extend |object| concerned::with_relations(object)
        .relations([
            Relation { name: "depends_on", target: "task", reach: Reach::ToOne { field: "depends_on_id" } },
            Relation { name: "cadence_enrolment", target: "cadence_enrolment", reach: Reach::ToOne { field: "cadence_enrolment_id" } },
            Relation { name: "dependents", target: "task", reach: Reach::Inverse { field: "depends_on_id" } },
        ])
        .titled("subject")
        .read_by_author()
        .read_with(["customers", "contacts", "opportunities", "leads"])
        .rule(concerned::in_step)
        .rule(recurrence_fits)
        .rule(note_completion)
}

/// The rule can be followed, and there is a time to begin with.
fn recurrence_fits(draft: &mut Draft<'_>) {
    let Some(typed) = draft.after.text("recurrence") else {
        draft.after.set("recurrence_from", Value::Null);
        return;
    };
    let rule = recurrence::standardise(typed);
    let Some(due_at) = draft.after.time_of("due_at") else {
        draft.fault("/due_at", FaultCode::Required);
        return;
    };
    let before = draft.before.map_or(&Value::Null, |before| before.get("recurrence"));
    if before != rule.as_str() || draft.after.get("recurrence_from").is_null() {
        draft.after.set("recurrence_from", due_at.to_string());
    }
    if let Err(reason) = recurrence::check(&rule, due_at, draft.standards.zone) {
        draft.faults.add(Fault::new("/recurrence", FaultCode::InvalidRecurrence).with("reason", reason));
    }
    draft.after.set("recurrence", rule);
}

fn note_completion(draft: &mut Draft<'_>) {
    let completed = draft.after.get("status") == "completed";
    if !completed {
        draft.after.set("completed_at", Value::Null);
    } else if draft.after.get("completed_at").is_null() {
        draft.after.set("completed_at", draft.now.to_string());
    }
}

/// Whether a write completes the task.
#[must_use]
pub fn completes(before: Option<&Record>, after: &Record) -> bool {
    after.get("status") == "completed" && before.is_none_or(|before| before.get("status") != "completed")
}

/// A task is not completed before the one it depends on is done with.
pub fn check_dependency(before: Option<&Record>, after: &Record, needed: Option<&Record>) -> Result<(), Faults> {
    let waits = needed.filter(|needed| needed.get("status") == "open" && !needed.is_archived());
    match waits {
        Some(needed) if completes(before, after) => {
            Err(Fault::new("/status", FaultCode::WaitsForTask).with("task", needed.text("subject").unwrap_or_default()).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// The task that follows a recurring one that is completed now; none at the end of the series, or if it is there already.
#[must_use]
pub fn following(completed: &Record, now: Timestamp, zone: chrono_tz::Tz) -> Option<Record> {
    let (rule, due_at) = (completed.text("recurrence")?, completed.time_of("due_at")?);
    let begins_at = completed.time_of("recurrence_from").unwrap_or(due_at);
    if !completed.get("next_id").is_null() {
        return None;
    }
    // What was missed is not caught up with.
    let due_next = recurrence::next(rule, begins_at, due_at.max(now), zone)?;
    let mut next = completed.clone();
    for name in ["id", "completed_at", "depends_on_id", "next_id", "cadence_enrolment_id"] {
        next.set(name, Value::Null);
    }
    next.set("external_ids", json!({}));
    next.set("status", "open");
    next.set("due_at", due_next.to_string());
    let reminder = completed.time_of("reminder_at").map(|reminder| {
        let ahead = (due_at.milliseconds() - reminder.milliseconds()) / 1000;
        due_next.plus_seconds(-ahead).to_string()
    });
    next.set("reminder_at", reminder);
    Some(next)
}

/// Puts a task off: the owner is reminded then, and it is not due before.
pub fn snooze(task: &mut Record, until: Timestamp) {
    task.set("reminder_at", until.to_string());
    if task.time_of("due_at").is_some_and(|due_at| due_at < until) {
        task.set("due_at", until.to_string());
    }
}

/// When a record has something to do by this task; none where it does not count.
#[must_use]
pub fn counts_at(record: &Record) -> Option<Timestamp> {
    record.time_of("due_at").filter(|_| !record.is_archived() && record.get("status") == "open")
}

/// The object, for those who need no struct.
#[must_use]
pub fn object() -> &'static Object {
    <Task as crate::model::entity::Entity>::object()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entity::Entity;

    fn task(members: Value) -> Record {
        Record::from_json(Task::object(), &members)
    }

    #[test]
    fn the_next_lies_ahead_and_is_reminded_of_as_long_before() {
        let zone = chrono_tz::Asia::Shanghai;
        let weekly = task(json!({
            "id": "01890a5d-ac96-774b-bcce-b302099a8057", "subject": "周报", "status": "completed", "recurrence": "FREQ=WEEKLY", "external_ids": {"oa": "7"},
            "recurrence_from": "2026-03-06T10:00:00.000Z", "due_at": "2026-03-06T10:00:00.000Z", "reminder_at": "2026-03-06T09:00:00.000Z",
        }));
        let now = |text| Timestamp::parse(text).unwrap();
        let next = following(&weekly, now("2026-03-05T00:00:00Z"), zone).unwrap();
        assert_eq!(
            (next.get("due_at"), next.get("reminder_at")),
            (&json!("2026-03-13T10:00:00.000Z"), &json!("2026-03-13T09:00:00.000Z"))
        );
        assert_eq!((next.get("status"), next.get("id"), next.get("external_ids")), (&json!("open"), &Value::Null, &json!({})));
        // Completed three weeks late.
        let next = following(&weekly, now("2026-03-27T12:00:00Z"), zone).unwrap();
        assert_eq!(next.get("due_at"), "2026-04-03T10:00:00.000Z");
        let mut again = weekly.clone();
        again.set("next_id", "01890a5d-ac96-774b-bcce-b302099a8058");
        assert_eq!(following(&again, now("2026-03-05T00:00:00Z"), zone), None);
    }

    #[test]
    fn what_is_put_off_is_not_due_before() {
        let mut due = task(json!({"due_at": "2026-03-06T10:00:00.000Z"}));
        snooze(&mut due, Timestamp::parse("2026-03-07T01:00:00Z").unwrap());
        assert_eq!(
            (due.get("due_at"), due.get("reminder_at")),
            (&json!("2026-03-07T01:00:00.000Z"), &json!("2026-03-07T01:00:00.000Z"))
        );
        snooze(&mut due, Timestamp::parse("2026-03-06T01:00:00Z").unwrap());
        assert_eq!(
            (due.get("due_at"), due.get("reminder_at")),
            (&json!("2026-03-07T01:00:00.000Z"), &json!("2026-03-06T01:00:00.000Z"))
        );
    }
}
