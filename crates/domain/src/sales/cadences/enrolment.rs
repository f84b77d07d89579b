//! Enrolments: which lead or customer is on which cadence, and how far.

use super::{
    cadence::Cadenced,
    step::{STEPS, Step},
};
use crate::{
    choices, entity,
    model::{
        object::{Reach, Relation},
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};

choices! {
    /// How an enrolment stands.
    pub enum EnrolmentStatus {
        Active "active" "Active" "进行中",
        Paused "paused" "Paused" "已暂停",
        Finished "finished" "Finished" "已完成",
        Stopped "stopped" "Stopped" "已停止",
    }
}

impl EnrolmentStatus {
    #[must_use]
    pub fn of(enrolment: &Record<CadenceEnrolment>) -> EnrolmentStatus {
        enrolment.get(CadenceEnrolment::status).unwrap_or(EnrolmentStatus::Active)
    }

    /// Whether steps are still to come.
    #[must_use]
    pub fn is_live(self) -> bool {
        match self {
            EnrolmentStatus::Active | EnrolmentStatus::Paused => true,
            EnrolmentStatus::Finished | EnrolmentStatus::Stopped => false,
        }
    }
}

choices! {
    /// What stopped an enrolment.
    pub enum StoppedReason {
        Reply "reply" "Reply" "收到回复",
        Converted "converted" "Converted" "已转化",
        Disqualified "disqualified" "Disqualified" "线索无效",
        Archived "archived" "Archived" "记录已归档",
        Won "won" "Opportunity won" "商机赢单",
        Lost "lost" "Opportunity lost" "商机输单",
        Manual "manual" "Manual" "手动停止",
        CadenceArchived "cadence_archived" "Cadence archived" "跟进计划已归档",
    }
}

entity! {
    /// An enrolment: a lead or customer in a cadence. `created_at` is when it started, `created_by` who enrolled the record,
    /// null if the cadence's filter did. Its tasks refer to it in `cadence_enrolment_id`. Anyone who can read the record can
    /// read it; anyone who can update the record can pause, resume and stop it.
    pub struct CadenceEnrolment("cadence_enrolment", "cadence-enrolments", "cadence_enrolments", "Cadence enrolment", "跟进计划加入记录") [] {
        /// The cadence.
        cadence_id: Option<Id> => reference("cadence").filled().server_set().indexed().label("Cadence", "跟进计划"),
        /// The enrolled lead.
        lead_id: Option<Id> => reference("lead").server_set().indexed().label("Lead", "线索"),
        /// The enrolled customer.
        customer_id: Option<Id> => reference("customer").server_set().indexed().label("Customer", "客户"),
        /// The status: `finished` once the last task has been created, `stopped` if it ended earlier. A record has at most one
        /// `active` or `paused` enrolment in the same cadence. An enrolment that has ended does not continue, even if the lead
        /// is reopened or the record restored; the record can be enrolled again.
        status: Option<EnrolmentStatus> => choice(EnrolmentStatus::choices()).default("active").server_set().indexed().label("Status", "状态").example("active"),
        /// Why it was stopped.
        stopped_reason: Option<StoppedReason> => choice(StoppedReason::choices()).server_set().indexed().label("Stop reason", "停止原因").example("reply"),
        /// The current round, starting from 1.
        round: i64 => integer(1, 1_000_000).default(1).server_set().label("Round", "轮次").example(1),
        /// The next step, by its position in `steps`, starting from 1; once it has ended, the last one.
        step: i64 => integer(1, 1_000).default(1).server_set().label("Step", "步骤").example(2),
        /// The steps of the current round, as they were in the cadence when the round started.
        steps: Vec<Step> => structure(&STEPS).server_set().detail().opaque().label("Steps", "步骤").example(serde_json::json!([{"day": 1, "kind": "call", "subject": "致电 {name}", "description": null, "priority": "high", "time": "12:00"}])),
        /// When the next task is scheduled to be created; for a paused enrolment, when it would have been. Null once it has
        /// ended.
        next_step_at: Option<Timestamp> => datetime().server_set().indexed().label("Next step at", "下一步时间").example("2026-09-03T00:00:00.000Z"),
        /// When the last task was created.
        last_step_at: Option<Timestamp> => datetime().server_set().label("Last step at", "上一步时间").example("2026-09-01T00:00:00.000Z"),
        /// When it finished or was stopped.
        ended_at: Option<Timestamp> => datetime().server_set().indexed().label("Ended at", "结束时间").example("2026-09-05T08:00:00.000Z"),
    }
    extend |object| object
        .relations([
            Relation { name: "cadence", target: "cadence", reach: Reach::ToOne { field: "cadence_id" } },
            Relation { name: "lead", target: "lead", reach: Reach::ToOne { field: "lead_id" } },
            Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } },
            Relation { name: "tasks", target: "task", reach: Reach::Inverse { field: "cadence_enrolment_id" } },
        ])
        .read_only()
        .read_with(["lead", "customer"])
        .titled("status")
}

/// The record that is enrolled.
#[must_use]
pub fn enrolled(enrolment: &Record<CadenceEnrolment>) -> Option<(Cadenced, Id)> {
    Cadenced::ALL.iter().find_map(|cadenced| Some((*cadenced, enrolment.get(cadenced.enrolled_as())?)))
}

/// Ends an enrolment before its last step.
pub fn stop(enrolment: &mut Record<CadenceEnrolment>, reason: StoppedReason, now: Timestamp) {
    enrolment.set(CadenceEnrolment::status, EnrolmentStatus::Stopped);
    enrolment.set(CadenceEnrolment::stopped_reason, reason);
    end(enrolment, now);
}

/// Ends an enrolment after its last step.
pub fn finish(enrolment: &mut Record<CadenceEnrolment>, now: Timestamp) {
    enrolment.set(CadenceEnrolment::status, EnrolmentStatus::Finished);
    end(enrolment, now);
}

fn end(enrolment: &mut Record<CadenceEnrolment>, now: Timestamp) {
    enrolment.clear(CadenceEnrolment::next_step_at);
    enrolment.set(CadenceEnrolment::ended_at, now);
}
