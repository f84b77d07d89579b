//! Cadences: what is to be done for a lead or customer, day by day.

use serde_json::{Value, json};

use super::{
    enrolment::{CadenceEnrolment, StoppedReason},
    step::{self, STEPS, Step},
};
use crate::{
    activities::concerned::ConcernedObject,
    choices,
    customers::customer::Customer,
    entity,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        handle::Handle,
        object::{Object, Reach, Relation},
        record::{Draft, Record},
    },
    sales::leads::lead::Lead,
    values::id::Id,
};

choices! {
    /// What a cadence is for.
    pub enum Cadenced {
        Lead "lead" "Leads" "线索",
        Customer "customer" "Customers" "客户",
    }
}

impl Cadenced {
    /// The object whose records it stands for.
    #[must_use]
    pub fn object(self) -> &'static Object {
        match self {
            Cadenced::Lead => Lead::object(),
            Cadenced::Customer => Customer::object(),
        }
    }

    /// What the records of an object are, if they can be on cadences.
    #[must_use]
    pub fn of(object: &Object) -> Option<Cadenced> {
        Cadenced::ALL.iter().copied().find(|cadenced| cadenced.object().name == object.name)
    }

    /// The field of an enrolment that names such a record.
    #[must_use]
    pub fn enrolled_as(self) -> Handle<CadenceEnrolment, Option<Id>> {
        match self {
            Cadenced::Lead => CadenceEnrolment::lead_id,
            Cadenced::Customer => CadenceEnrolment::customer_id,
        }
    }

    /// What such a record is called.
    #[must_use]
    pub fn name_of(self, record: &Record) -> Option<&str> {
        match self {
            Cadenced::Lead => record.of::<Lead>().get(Lead::name),
            Cadenced::Customer => Some(record.of::<Customer>().get(Customer::name)),
        }
    }
}

impl From<Cadenced> for ConcernedObject {
    fn from(cadenced: Cadenced) -> ConcernedObject {
        match cadenced {
            Cadenced::Lead => ConcernedObject::Lead,
            Cadenced::Customer => ConcernedObject::Customer,
        }
    }
}

choices! {
    /// Who does the steps.
    pub enum CadenceAssignee {
        Owner "owner" "The owner of the record" "记录负责人",
        User "user" "A user" "指定用户",
    }
}

entity! {
    /// A cadence: a named series of steps (day 1 a call, day 3 an e-mail …) in which leads or customers are enrolled, by POST
    /// /v1/cadences/{id}/enrol or by a filter. Each step creates a task when its day comes. An enrolment stops immediately on a
    /// reply, conversion, loss or archiving, and its open tasks are cancelled. Archiving a cadence stops all of its enrolments
    /// within minutes.
    pub struct Cadence("cadence", "cadences", "cadences", "Cadence", "跟进计划") [external] {
        /// The name; unique among live cadences.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("高意向线索每周跟进"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The object whose records are enrolled.
        object: Option<Cadenced> => choice(Cadenced::choices()).default("lead").on_create().label("Object", "对象").example("lead"),
        /// Whether it is active. While it is inactive, no records are enrolled and no tasks are created; afterwards enrolments
        /// continue where they were.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// Who gets the tasks: the owner of the record at the time of the step, or the user `user_id`. While the record has no
        /// owner (it is in a pool), or that user is not active, the next step waits.
        assignee: Option<CadenceAssignee> => choice(CadenceAssignee::choices()).default("owner").label("Assignee", "执行人").example("owner"),
        /// The user who gets the tasks, if the assignee is `user`.
        user_id: Option<Id> => reference("user").gives_work().label("User", "用户").only_when(crate::model::field::when_is("assignee", &["user"])),
        /// Whether days are counted as working days of the assignee: days with working hours in their work schedules and
        /// without absence; Monday to Friday if no hours are defined.
        working_days_only: bool => boolean().default(true).label("Working days only", "仅工作日").example(true),
        /// The steps and their days, always written as a whole; sorted by day, steps of the same day in the given order. A task
        /// is created at 08:00 on its day (earlier if it is due earlier), in the assignee's time zone; a step whose time has
        /// passed is moved to the next day. A round uses the steps as they were when it started: changes apply from the next
        /// round or enrolment.
        steps: Vec<Step> => structure(&STEPS).required().opaque().label("Steps", "步骤").example(json!([{"day": 1, "kind": "call", "subject": "致电 {name}", "description": null, "priority": "high", "time": "12:00"}, {"day": 3, "kind": "email", "subject": "给 {name} 发资料", "description": null, "priority": "normal", "time": "18:00"}])),
        /// The number of days (calendar days, not working days) after which the series starts again, counted from its start: 7
        /// means weekly. If absent, it does not repeat. Must not be less than the day of the last step.
        repeat_every_days: Option<i64> => integer(1, 730).label("Repeat every", "重复间隔（天）").example(7),
        /// The maximum number of rounds, for repeating cadences. If absent, there is no limit.
        max_rounds: Option<i64> => integer(1, 1_000).label("Maximum rounds", "最多轮次").example(8).shown_when(crate::model::field::when_given("repeat_every_days")),
        /// Whether a reply stops it: an inbound call, email or message related to the record, done since the enrolment.
        stop_on_reply: bool => boolean().default(true).label("Stop on reply", "回复后停止").example(true),
        /// Whether winning an opportunity of the customer stops it.
        stop_on_won: bool => boolean().default(true).label("Stop when won", "赢单后停止").example(true),
        /// Whether losing an opportunity of the customer stops it.
        stop_on_lost: bool => boolean().default(false).label("Stop when lost", "输单后停止").example(false),
        /// The records that are enrolled automatically, within minutes: a filter on the record's own fields, such as a tag.
        /// Leads must be open to be enrolled. If absent, no records are enrolled automatically.
        enrol_filter: Option<Value> => structure(&crate::model::structures::filter::FILTER).opaque().label("Enrolment filter", "自动加入条件").example(json!({"field": "rating", "op": "eq", "value": "hot"})),
        /// The number of days after the end of a record's last enrolment in this cadence before the filter enrols it again. If
        /// absent, it is never enrolled again automatically. It can be enrolled manually at any time.
        re_enrol_after_days: Option<i64> => integer(1, 3_650).label("Re-enrol after", "再次加入间隔（天）").example(90),
        /// The number of current and past enrolments; only with `fields`.
        enrolment_count: Option<i64> => count("enrolments").label("Enrolments", "加入数").example(42),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "user", target: "user", reach: Reach::ToOne { field: "user_id" } },
            Relation { name: "enrolments", target: "cadence_enrolment", reach: Reach::Inverse { field: "cadence_id" } },
        ])
        .unique("cadences_name_key", "name")
        .rule(parts_fit)
}

fn parts_fit(draft: &mut Draft<'_, Cadence>) {
    let steps = draft.after.get(Cadence::steps);
    let Some(last) = steps.iter().map(|step| step.day).max() else {
        draft.fault(Cadence::steps.pointer(), FaultCode::Required);
        return;
    };
    if let Some(cadenced) = draft.after.get(Cadence::object) {
        step::check_placeholders(&steps, cadenced.object(), &mut draft.faults);
    }
    let for_user = match draft.after.get(Cadence::assignee) {
        Some(CadenceAssignee::User) => true,
        Some(CadenceAssignee::Owner) | None => false,
    };
    if for_user && draft.after.is_null(Cadence::user_id) {
        draft.fault(Cadence::user_id.pointer(), FaultCode::Required);
    }
    let repeat = Cadence::repeat_every_days;
    match draft.after.get(repeat) {
        Some(days) if days < last => draft.faults.add(Fault::new(repeat.pointer(), FaultCode::TooSmall).with("min", last)),
        None if !draft.after.is_null(Cadence::max_rounds) => draft.fault(repeat.pointer(), FaultCode::Required),
        Some(_) | None => {}
    }
}

/// Whether something that happens to a record stops a cadence that it is on.
#[must_use]
pub fn stops_on(cadence: &Record<Cadence>, reason: StoppedReason) -> bool {
    match reason {
        StoppedReason::Reply => cadence.get(Cadence::stop_on_reply),
        StoppedReason::Won => cadence.get(Cadence::stop_on_won),
        StoppedReason::Lost => cadence.get(Cadence::stop_on_lost),
        StoppedReason::Converted
        | StoppedReason::Disqualified
        | StoppedReason::Archived
        | StoppedReason::Manual
        | StoppedReason::CadenceArchived => true,
    }
}
