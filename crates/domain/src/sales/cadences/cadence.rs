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
    /// A cadence: a named series of steps (day 1 a call, day 3 an e-mail …) that leads or customers are put on, by POST /v1/cadences/{id}/enrol or by a filter. Each step makes a task when its day comes. It stops on a reply, on conversion, loss or archiving, in the same moment; its open tasks are cancelled then. Archiving a cadence takes everybody off it, within minutes.
    pub struct Cadence("cadence", "cadences", "cadences", "Cadence", "跟进计划") [external] {
        /// What the cadence is called; unique among live cadences.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("高意向线索每周跟进"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// Which records are put on it.
        object: Option<Cadenced> => choice(Cadenced::choices()).default("lead").on_create().label("Object", "对象").example("lead"),
        /// Whether it is at work. While it is not, nobody is enrolled and no task is made; afterwards enrolments go on where they were.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// Who gets the tasks: the owner of the record when the step comes, or the user `user_id`. While nobody owns the record (it waits in a pool), or that user is not active, its next step waits.
        assignee: Option<CadenceAssignee> => choice(CadenceAssignee::choices()).default("owner").label("Assignee", "执行人").example("owner"),
        /// Who gets the tasks, for the assignee `user`.
        user_id: Option<Id> => reference("user").label("User", "用户").only_when(crate::model::field::when_is("assignee", &["user"])),
        /// Whether days are counted in working days of whoever gets the tasks: those with hours in their work schedules and no absence; Monday to Friday, where no hours are given.
        working_days_only: bool => boolean().default(true).label("Working days only", "仅工作日").example(true),
        /// What is to be done on which day, written whole; kept in the order of the days, steps of one day in the order given. A task is made at 08:00 of its day (earlier, if it is due earlier), on the clocks of whoever gets it; a step whose time has passed comes on the next day. A round goes by the steps as they were when it began: a change of them holds from the next round or enrolment on.
        steps: Vec<Step> => structure(&STEPS).required().opaque().label("Steps", "步骤").example(json!([{"day": 1, "kind": "call", "subject": "致电 {name}", "description": null, "priority": "high", "time": "12:00"}, {"day": 3, "kind": "email", "subject": "给 {name} 发资料", "description": null, "priority": "normal", "time": "18:00"}])),
        /// After how many days (not working days) from its beginning the series begins anew: 7 for weekly. Not at all, if none. Not less than the day of the last step.
        repeat_every_days: Option<i64> => integer(1, 730).label("Repeat every", "重复间隔（天）").example(7),
        /// How many times the series is gone through at most; any number, if none. For cadences that repeat.
        max_rounds: Option<i64> => integer(1, 1_000).label("Rounds at most", "最多轮次").example(8).shown_when(crate::model::field::when_given("repeat_every_days")),
        /// Whether a reply stops it: an activity of the kind call, email or message and the direction inbound, done since the enrolment, that concerns the record.
        stop_on_reply: bool => boolean().default(true).label("Stop on reply", "回复后停止").example(true),
        /// Whether an opportunity of the customer that is won stops it.
        stop_on_won: bool => boolean().default(true).label("Stop when won", "赢单后停止").example(true),
        /// Whether an opportunity of the customer that is lost stops it.
        stop_on_lost: bool => boolean().default(false).label("Stop when lost", "输单后停止").example(false),
        /// Which records are enrolled by themselves, within minutes: a filter over the record's own fields, such as a tag. None, if none. Of leads only open ones.
        enrol_filter: Option<Value> => structure(&crate::model::structures::filter::FILTER).opaque().label("Enrolment filter", "自动加入条件").example(json!({"field": "rating", "op": "eq", "value": "hot"})),
        /// After how many days since the end of its last enrolment in this cadence a record is enrolled by the filter again; never, if none. By hand it can be enrolled again at any time.
        re_enrol_after_days: Option<i64> => integer(1, 3_650).label("Enrol again after", "再次加入间隔（天）").example(90),
        /// How many records are or were on it; ask for it with `fields`.
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
