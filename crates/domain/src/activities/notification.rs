//! Notifications: what a user should know of. They are one user's alone, whoever else may do what.

use crate::{
    choices, entity,
    model::object::{Reach, Relation},
};

choices! {
    /// What happened.
    pub enum NotificationKind {
        Assigned "assigned" "Assigned" "分配给我",
        Mentioned "mentioned" "Mentioned" "提到我",
        TaskDue "task_due" "Task due" "任务到期",
        Reminder "reminder" "Reminder" "提醒",
        StageChanged "stage_changed" "Stage changed" "商机阶段变更",
        LeadWaiting "lead_waiting" "Lead waiting" "线索待处理",
        CustomerReplied "customer_replied" "Customer replied" "客户已回复",
        Rescheduled "rescheduled" "Rescheduled" "排程变更",
        SlaWarning "sla_warning" "SLA due soon" "SLA 即将到期",
        SlaBreached "sla_breached" "SLA breached" "SLA 已超时",
        HandedOver "handed_over" "Work handed over" "工作交接",
        Automation "automation" "Automation" "自动化规则",
        WebhookDisabled "webhook_disabled" "Webhook disabled" "Webhook 已停用",
    }
}

entity! {
    /// A notification: an event that its user should know about. Notifications are created by Farley; each user sees only their
    /// own. `read_at_null=true` lists unread ones.
    pub struct Notification("notification", "notifications", "notifications", "Notification", "通知") [] {
        /// The user it is for.
        user_id: Option<crate::values::id::Id> => reference("user").server_set().indexed().label("User", "用户"),
        /// What happened.
        kind: Option<NotificationKind> => choice(NotificationKind::choices()).filled().server_set().label("Kind", "类型").example("assigned"),
        /// The object type of the record it happened to.
        object: Option<String> => text(40).filled().server_set().label("Object", "对象").example("task"),
        /// The record that it happened to.
        record_id: Option<crate::values::id::Id> => record_id().filled().server_set().label("Record", "记录").example("01890a5d-ac96-774b-bcce-b302099a8057"),
        /// The name of the record at that time; null if the user cannot read it.
        title: Option<String> => text(300).server_set().label("Title", "标题").example("给客户发报价"),
        /// For work that was handed over or assigned at once, the number of records; otherwise null.
        record_count: Option<i64> => integer(1, i64::MAX).server_set().label("Records", "记录数").example(12),
        /// The user who did it; null for Farley itself.
        actor_id: Option<crate::values::id::Id> => reference("user").server_set().label("Actor", "操作人"),
        /// When the user read it; null until then.
        read_at: Option<crate::values::time::Timestamp> => datetime().server_set().label("Read at", "已读时间").example("2026-03-01T08:00:00.000Z"),
    }
    extend |object| object
        .relations([
            Relation { name: "user", target: "user", reach: Reach::ToOne { field: "user_id" } },
            Relation { name: "actor", target: "user", reach: Reach::ToOne { field: "actor_id" } },
        ])
        .titled("title")
        .read_only()
        .personal("user_id")
}

choices! {
    /// By which way a user hears of a kind of notification.
    pub enum Channel {
        App "app" "In-app" "应用内",
        Email "email" "E-mail" "邮件",
    }
}

/// What holds until a user says otherwise: everything in the app, nothing by e-mail.
#[must_use]
pub fn preference(preferences: &serde_json::Value, kind: NotificationKind, channel: Channel) -> bool {
    preferences[kind.as_str()][channel.as_str()].as_bool().unwrap_or(match channel {
        Channel::App => true,
        Channel::Email => false,
    })
}
