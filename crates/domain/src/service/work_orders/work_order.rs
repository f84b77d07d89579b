//! Work orders themselves: what is to be done where, by when and by whom.

use serde_json::json;

use super::position::{POSITION, Position, REPORT, Report};
use crate::{
    activities::task::Priority,
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Reach, Relation},
        record::Draft,
        structures::addresses::{SITE, Site},
    },
    values::{id::Id, time::Timestamp},
};

/// How long a visit is expected to take at most, in minutes.
pub const MOST_MINUTES: i64 = 7 * 24 * 60;

choices! {
    /// How far a work order has come.
    pub enum WorkOrderStatus {
        Unscheduled "unscheduled" "Unscheduled" "待派工",
        Scheduled "scheduled" "Scheduled" "已派工",
        Travelling "travelling" "On the way" "前往现场",
        InProgress "in_progress" "In progress" "进行中",
        Completed "completed" "Completed" "已完成",
        CannotComplete "cannot_complete" "Cannot be completed" "无法完成",
        Cancelled "cancelled" "Cancelled" "已取消",
    }
}

impl WorkOrderStatus {
    /// Those in which something is left to do.
    pub const UNDONE: [&'static str; 4] = [
        WorkOrderStatus::Unscheduled.as_str(),
        WorkOrderStatus::Scheduled.as_str(),
        WorkOrderStatus::Travelling.as_str(),
        WorkOrderStatus::InProgress.as_str(),
    ];

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_done(self) -> bool {
        match self {
            WorkOrderStatus::Completed | WorkOrderStatus::CannotComplete | WorkOrderStatus::Cancelled => true,
            WorkOrderStatus::Unscheduled
            | WorkOrderStatus::Scheduled
            | WorkOrderStatus::Travelling
            | WorkOrderStatus::InProgress => false,
        }
    }

    /// Whether it takes the time of its technician that it is scheduled for.
    #[must_use]
    pub fn takes_time(self) -> bool {
        self != WorkOrderStatus::Unscheduled && !self.is_done()
    }

    /// What to say of a record with it.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            WorkOrderStatus::Unscheduled => "unscheduled",
            WorkOrderStatus::Scheduled => "scheduled",
            WorkOrderStatus::Travelling => "on the way",
            WorkOrderStatus::InProgress => "in progress",
            WorkOrderStatus::Completed => "completed",
            WorkOrderStatus::CannotComplete => "given up",
            WorkOrderStatus::Cancelled => "cancelled",
        }
    }
}

entity! {
    /// A work order of the field service: what a technician is to do at a customer's. `owner_id` is the technician, nobody at first;
    /// `schedule` gives it to one at a time. Made with `ticket_id` alone, it takes subject, description, customer, contact, priority and
    /// address over from there. Photos are its files; its `parts` and `checklist-items` are below it.
    pub struct WorkOrder("work_order", "work-orders", "work_orders", "Work order", "现场服务单") [owned, tagged, external, custom] {
        /// What is to be done. Defaults to the subject of the ticket.
        subject: Option<String> => text(300).filled().title().label("Subject", "主题").example("更换打印机电源").required_when(crate::model::field::when_missing(&["ticket_id"])),
        /// The number, assigned by the server and unique within the tenant. Numbers can be skipped.
        number: Option<String> => text(40).server_set().title().indexed().label("Number", "编号").example("WO-000042"),
        /// More details. Defaults to the description of the ticket.
        description: Option<String> => long_text(50_000).detail().searchable().label("Description", "描述").example("三楼机房，请带 24V 电源"),
        /// The ticket it is done for.
        ticket_id: Option<Id> => reference("ticket").indexed().label("Ticket", "工单"),
        /// The customer it is done for. Defaults to the customer of the ticket, or of the contact.
        customer_id: Option<Id> => reference("customer").indexed().label("Customer", "客户"),
        /// The person to turn to. Defaults to the contact of the ticket.
        contact_id: Option<Id> => reference("contact").indexed().label("Contact", "联系人"),
        /// Where it is done. Defaults to the primary address of the contact, or else of the customer, as far as you may see it.
        address: Option<Site> => structure(&SITE).detail().searchable().opaque().sensitive().label("Address", "地址").example(json!({"country": "CN", "region": "广东省", "city": "深圳市", "district": "龙岗区", "street": "坂田街道 1 号", "postal_code": "518129"})),
        /// Where the address is on the map.
        position: Option<Position> => structure(&POSITION).detail().opaque().sensitive().label("Position", "位置").example(json!({"latitude": 22.543_096, "longitude": 114.057_865, "accuracy_m": null})),
        /// The priority. Defaults to that of the ticket, or else to normal.
        priority: Option<Priority> => choice(Priority::choices()).filled().indexed().label("Priority", "优先级").example("high"),
        /// How far it has come; changed by `schedule`, `unschedule`, `depart`, `check-in`, `complete`, `cannot-complete`, `cancel` and `reopen`.
        status: Option<WorkOrderStatus> => choice(WorkOrderStatus::choices()).server_set().default("unscheduled").indexed().label("Status", "状态").example("scheduled"),
        /// When it entered its status.
        status_entered_at: Option<Timestamp> => datetime().filled().server_set().label("Status entered at", "进入状态时间").example("2026-03-01T08:00:00.000Z"),
        /// When the customer was promised that work begins: at the earliest.
        window_from: Option<Timestamp> => datetime().indexed().label("Window from", "承诺时段开始").example("2026-03-02T01:00:00.000Z"),
        /// When the customer was promised that work begins: at the latest.
        window_to: Option<Timestamp> => datetime().label("Window to", "承诺时段结束").example("2026-03-02T04:00:00.000Z"),
        /// How long it is expected to take, in minutes.
        duration_minutes: i64 => integer(1, MOST_MINUTES).default(60).label("Duration in minutes", "预计时长（分钟）").example(90),
        /// When the technician is to begin.
        scheduled_from: Option<Timestamp> => datetime().server_set().indexed().label("Scheduled from", "计划开始").example("2026-03-02T01:30:00.000Z"),
        /// When the technician is to be done.
        scheduled_to: Option<Timestamp> => datetime().server_set().label("Scheduled to", "计划结束").example("2026-03-02T03:00:00.000Z"),
        /// Whether it was scheduled although it may overlap with other work orders of the technician.
        overlap_allowed: bool => boolean().default(false).server_set().detail().label("Overlap allowed", "允许时间冲突").example(false),
        /// The skills that the technician must have, as in the `skills` of users.
        required_skills: Vec<String> => texts(20).detail().label("Required skills", "所需技能").example(json!(["打印机"])),
        /// When and where the technician set out.
        departure: Option<Report> => structure(&REPORT).server_set().detail().opaque().sensitive().label("Departure", "出发").example(example(40)),
        /// When and where the technician last checked in.
        check_in: Option<Report> => structure(&REPORT).server_set().detail().opaque().sensitive().label("Check-in", "签到").example(example(88)),
        /// When and where the technician last checked out; null while they are there.
        check_out: Option<Report> => structure(&REPORT).server_set().detail().opaque().sensitive().label("Check-out", "签退").example(example(178)),
        /// When the technician last checked in.
        checked_in_at: Option<Timestamp> => datetime().server_set().label("Checked in at", "签到时间").example("2026-03-02T01:28:00.000Z"),
        /// When the technician last checked out; null while they are there.
        checked_out_at: Option<Timestamp> => datetime().server_set().label("Checked out at", "签退时间").example("2026-03-02T02:58:00.000Z"),
        /// How long technicians were there in all visits that have ended, in seconds.
        on_site_seconds: i64 => integer(0, i64::MAX).default(0).server_set().label("Seconds on site", "现场时长（秒）").example(5_400),
        /// When it was completed, given up or cancelled. Null while it is open.
        closed_at: Option<Timestamp> => datetime().server_set().indexed().label("Closed at", "关闭时间").example("2026-03-02T02:55:00.000Z"),
        /// What was done.
        resolution: Option<String> => long_text(20_000).detail().searchable().label("Resolution", "处理结果").example("已更换电源，测试正常"),
        /// Why it was cancelled or could not be completed.
        reason: Option<String> => text(500).server_set().label("Reason", "原因").example("客户不在现场"),
        /// The file with the customer's signature.
        signature_file_id: Option<Id> => reference("file").server_set().label("Signature", "签名"),
        /// Who signed.
        signed_by: Option<String> => text(200).server_set().detail().sensitive().label("Signed by", "签名人").example("李伟"),
        /// When they signed.
        signed_at: Option<Timestamp> => datetime().server_set().detail().label("Signed at", "签名时间").example("2026-03-02T02:54:00.000Z"),
        /// How many times it was reopened.
        reopen_count: i64 => integer(0, 1_000_000).server_set().default(0).label("Times reopened", "重新打开次数").example(0),
    }
    extend |object| object
        .relations([
            Relation { name: "ticket", target: "ticket", reach: Reach::ToOne { field: "ticket_id" } },
            Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } },
            Relation { name: "contact", target: "contact", reach: Reach::ToOne { field: "contact_id" } },
            Relation { name: "signature", target: "file", reach: Reach::ToOne { field: "signature_file_id" } },
            Relation { name: "parts", target: "work_order_part", reach: Reach::Inverse { field: "work_order_id" } },
            Relation { name: "checklist_items", target: "checklist_item", reach: Reach::Inverse { field: "work_order_id" } },
            Relation { name: "activities", target: "activity", reach: Reach::Inverse { field: "work_order_id" } },
        ])
        .unique("work_orders_number_key", "number")
        .numbered("WO-")
        .titled("subject")
        .open_while("status", &WorkOrderStatus::UNDONE)
        .read_by_author()
        .waits_for_owner()
        // Who sees the reports sees their times.
        .hidden_beside("checked_in_at", ["check_in"])
        .hidden_beside("checked_out_at", ["check_out"])
        .rule(window_is_a_time)
        .rule(planned_work_has_somebody)
}

/// A report of 2026-03-02 at so many minutes after midnight.
fn example(minutes: i64) -> serde_json::Value {
    let at = Timestamp::from_milliseconds(1_772_409_600_000 + minutes * 60_000);
    let position = Position { latitude: 22.543_096, longitude: 114.057_865, accuracy_m: Some(12.5) };
    json!(Report { at, recorded_at: at, user_id: None, position: Some(position) })
}

fn window_is_a_time(draft: &mut Draft<'_, WorkOrder>) {
    if let (Some(from), Some(to)) = (draft.after.get(WorkOrder::window_from), draft.after.get(WorkOrder::window_to))
        && to <= from
    {
        draft.faults.add(Fault::new(WorkOrder::window_to.pointer(), FaultCode::TooEarly).with("min", from));
    }
}

/// Who is to do what is planned may become somebody else, not nobody: for that it is taken off the plan.
fn planned_work_has_somebody(draft: &mut Draft<'_, WorkOrder>) {
    let planned = draft.after.get(WorkOrder::status).is_some_and(WorkOrderStatus::takes_time);
    if planned && draft.after.is_null(WorkOrder::owner_id) {
        draft.fault(WorkOrder::owner_id.pointer(), FaultCode::Required);
    }
}
