//! Tickets: what customers ask for, and how far it has come.

use serde_json::Value;

pub use crate::customers::request::TicketKind;

use super::{
    clock::{Party, Rest, StatusKind},
    knowledge::article::TICKET_ARTICLES,
    satisfaction::survey::SurveyKind,
    ticket_status::TicketStatus,
};
use crate::{
    activities::task::Priority,
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        field::{Link, Structure},
        object::{Ledger, Reach, Relation},
        record::{Draft, Record},
    },
    values::{id::Id, time::Timestamp},
};

choices! {
    /// How a ticket reached the desk.
    pub enum TicketChannel {
        Phone "phone" "Phone" "电话",
        Email "email" "E-mail" "邮件",
        Chat "chat" "Chat" "在线聊天",
        Wecom "wecom" "WeCom" "企业微信",
        Dingtalk "dingtalk" "DingTalk" "钉钉",
        Sms "sms" "SMS" "短信",
        Whatsapp "whatsapp" "WhatsApp" "WhatsApp",
        Social "social" "Social media" "社交媒体",
        WebForm "web_form" "Web form" "网页表单",
        Api "api" "API" "接口",
        Portal "portal" "Customer portal" "客户门户",
        InPerson "in_person" "In person" "当面",
        Other "other" "Other" "其他",
    }
}

choices! {
    /// How much is affected, and how soon it has to be fixed.
    pub enum Degree {
        Low "low" "Low" "低",
        Medium "medium" "Medium" "中",
        High "high" "High" "高",
    }
}

/// Who follows a ticket.
pub static TICKET_FOLLOWERS: Link =
    Link { table: "ticket_followers", from: "ticket_id", to: "user_id", target: "user", shared: false };

/// Which tickets belong together; each of two names the other.
pub static RELATED_TICKETS: Link =
    Link { table: "related_tickets", from: "ticket_id", to: "related_id", target: "ticket", shared: false };

entity! {
    /// A ticket: a request of a customer to the service desk. `owner_id` is the agent it is assigned to, nobody at first.
    /// Replies and notes are its
    /// `messages`; GET …/sla shows what is promised for it. One that was merged into another says so in `merged_into_id`: it can be
    /// read, but is left out of lists unless asked for with `merged`, and no longer changed.
    pub struct Ticket("ticket", "tickets", "tickets", "Ticket", "工单") [owned, tagged, external, custom] {
        /// What it is about.
        subject: String => text(300).required().title().label("Subject", "主题").example("打印机无法开机"),
        /// The ticket number, assigned by the server and unique within the tenant. Numbers can be skipped.
        number: Option<String> => text(40).server_set().title().indexed().label("Number", "编号").example("T-000042"),
        /// The request in the customer's words.
        description: Option<String> => long_text(50_000).detail().searchable().label("Description", "描述"),
        /// The customer who asks. Defaults to the primary customer of the contact.
        customer_id: Option<Id> => reference("customer").indexed().label("Customer", "客户"),
        /// The person who asks.
        contact_id: Option<Id> => reference("contact").indexed().label("Contact", "联系人"),
        /// The product it is about.
        product_id: Option<Id> => reference("product").indexed().label("Product", "产品"),
        /// The opportunity it is about.
        opportunity_id: Option<Id> => reference("opportunity").indexed().label("Opportunity", "商机"),
        /// The number of the order it is about, in whatever system keeps orders.
        order_reference: Option<String> => text(100).indexed().searchable().label("Order reference", "订单号").example("SO-2026-0815"),
        /// How it reached the desk.
        channel: Option<TicketChannel> => choice(TicketChannel::choices()).default("api").indexed().label("Channel", "渠道").example("phone"),
        /// What it asks for.
        kind: Option<TicketKind> => choice(TicketKind::choices()).default("question").indexed().label("Kind", "类型").example("incident"),
        /// How much is affected.
        impact: Option<Degree> => choice(Degree::choices()).detail().label("Impact", "影响程度").example("high"),
        /// How soon it has to be fixed.
        urgency: Option<Degree> => choice(Degree::choices()).detail().label("Urgency", "紧急程度").example("medium"),
        /// The priority. By default it follows from impact and urgency (both high: urgent; high and medium: high; both medium, or high
        /// and low: normal; otherwise low; a missing one counts as medium), or is normal if neither is given. It keeps following them
        /// until it is set to something else.
        priority: Option<Priority> => choice(Priority::choices()).filled().indexed().label("Priority", "优先级").example("high"),
        /// The category.
        category_id: Option<Id> => reference("ticket_category").indexed().label("Category", "分类"),
        /// The queue it waits in. Defaults to the queue of the category.
        queue_id: Option<Id> => reference("queue").indexed().label("Queue", "队列"),
        /// When it came to its queue. Null without a queue.
        queue_entered_at: Option<Timestamp> => datetime().server_set().indexed().label("Queue entered at", "进入队列时间").example("2026-03-01T08:00:00.000Z"),
        /// The skills that somebody must have to be given it by its queue.
        required_skills: Vec<String> => texts(20).detail().label("Required skills", "所需技能").example(serde_json::json!(["network"])),
        /// The status. Defaults to the first status of the kind `new`. Setting it moves the ticket, with all checks of a move.
        status_id: Option<Id> => reference("ticket_status").filled().indexed().label("Status", "状态"),
        /// The kind of the status.
        status: Option<StatusKind> => choice(StatusKind::choices()).filled().server_set().indexed().label("Status kind", "状态类型").example("open"),
        /// When it entered its status.
        status_entered_at: Option<Timestamp> => datetime().filled().server_set().label("Status entered at", "进入状态时间").example("2026-03-01T08:00:00.000Z"),
        /// The ticket it is a part of; must not be one of its own parts.
        parent_id: Option<Id> => reference("ticket").indexed().label("Parent ticket", "上级工单"),
        /// The ticket it follows up.
        follow_up_of_id: Option<Id> => reference("ticket").on_create().indexed().label("Follow-up of", "后续工单来源"),
        /// Other tickets that have to do with it; each of two related tickets names the other.
        related_ids: Vec<Id> => references(&RELATED_TICKETS).label("Related tickets", "关联工单"),
        /// The ticket it was merged into, which may have been merged itself.
        merged_into_id: Option<Id> => reference("ticket").server_set().indexed().label("Merged into", "合并到"),
        /// When it was merged into another.
        merged_at: Option<Timestamp> => datetime().server_set().label("Merged at", "合并时间").example("2026-03-02T08:00:00.000Z"),
        /// The users who follow it and are notified of what happens.
        follower_ids: Vec<Id> => references(&TICKET_FOLLOWERS).gives_work().label("Followers", "关注人"),
        /// When the customer asked. Defaults to the time of creation.
        opened_at: Option<Timestamp> => datetime().filled().on_create().indexed().label("Opened at", "受理时间").example("2026-03-01T08:00:00.000Z"),
        /// Who started the conversation. A ticket that an agent starts owes no first response.
        opened_by: Option<Party> => choice(Party::choices()).default("customer").on_create().detail().label("Opened by", "发起方").example("customer"),
        /// How it was solved.
        resolution: Option<String> => long_text(20_000).detail().searchable().label("Resolution", "解决方案").example("更换电源后恢复正常"),
        /// What caused it.
        cause: Option<String> => text(200).indexed().label("Cause", "原因").example("电源故障"),
        /// When it was last solved. Defaults to now; can be set to an earlier time when it is solved. Null while it is not solved.
        solved_at: Option<Timestamp> => datetime().indexed().label("Solved at", "解决时间").example("2026-03-02T08:00:00.000Z"),
        /// When it was first solved, even if it was reopened afterwards.
        first_solved_at: Option<Timestamp> => datetime().server_set().indexed().label("First solved at", "首次解决时间").example("2026-03-02T08:00:00.000Z"),
        /// When it was closed. Null while it is not.
        closed_at: Option<Timestamp> => datetime().server_set().indexed().label("Closed at", "关闭时间").example("2026-03-09T08:00:00.000Z"),
        /// When it last came back from being archived or merged; its clocks went on then.
        resumed_at: Option<Timestamp> => datetime().server_set().detail().label("Resumed at", "恢复时间").example("2026-03-03T08:00:00.000Z"),
        /// When it was last reopened.
        reopened_at: Option<Timestamp> => datetime().server_set().label("Reopened at", "重新打开时间").example("2026-03-03T08:00:00.000Z"),
        /// How many times it was reopened.
        reopen_count: i64 => integer(0, 1_000_000).server_set().default(0).label("Times reopened", "重新打开次数").example(0),
        /// When an agent first replied to the customer.
        first_responded_at: Option<Timestamp> => datetime().server_set().indexed().label("First responded at", "首次响应时间").example("2026-03-01T08:20:00.000Z"),
        /// When an agent last wrote to the customer.
        last_reply_at: Option<Timestamp> => datetime().server_set().label("Last reply at", "最近回复时间").example("2026-03-01T08:20:00.000Z"),
        /// When the customer last wrote.
        last_customer_message_at: Option<Timestamp> => datetime().server_set().indexed().label("Last customer message at", "客户最近来信时间").example("2026-03-01T08:00:00.000Z"),
        /// Since when the customer has been waiting for a reply. Null if an agent wrote last.
        waiting_since: Option<Timestamp> => datetime().server_set().indexed().label("Waiting since", "等待回复起始").example("2026-03-01T08:00:00.000Z"),
        /// The SLA policy that applies to it.
        sla_policy_id: Option<Id> => reference("sla_policy").server_set().indexed().label("SLA policy", "SLA 策略"),
        /// The version of the policy that was promised.
        sla_policy_version: Option<i64> => integer(1, i64::MAX).server_set().label("SLA policy version", "SLA 策略版本").example(3),
        /// The version of the policy's calendar that was promised; 0 if it has none.
        sla_calendar_version: Option<i64> => integer(0, i64::MAX).server_set().label("SLA calendar version", "SLA 日历版本").example(2),
        /// When the next promise is due. Null if none is running. Updated without a new version of the record when a promise is breached.
        sla_due_at: Option<Timestamp> => datetime().server_set().indexed().label("SLA due at", "SLA 到期时间").example("2026-03-01T09:00:00.000Z"),
        /// When a promise was last breached. Updated without a new version of the record.
        sla_breached_at: Option<Timestamp> => datetime().server_set().indexed().label("SLA breached at", "SLA 超时时间").example("2026-03-01T09:00:00.000Z"),
        /// How it has fared by each kind of clock, as `{clock}.{outcome}`: `met` if all promises were kept in time, `breached` if one was
        /// broken, `open` if one is still to be kept and none is broken. Updated without a new version of the record when a promise is
        /// breached.
        sla_outcomes: Vec<String> => texts(10).server_set().label("SLA outcomes", "SLA 结果").example(serde_json::json!(["first_response.met"])),
        /// Each promised time as it stands, as at GET …/sla; null if you may not see status, priority or policy. Only with `fields`.
        sla: Option<Value> => structure(&TICKET_SLA).derived().label("SLA clocks", "SLA 时钟"),
        /// What its last answered survey measures.
        satisfaction_kind: Option<SurveyKind> => choice(SurveyKind::choices()).server_set().label("Satisfaction measured as", "评价类型").example("csat"),
        /// The score that the customer gave in it.
        satisfaction_score: Option<i64> => integer(0, 10).server_set().indexed().label("Satisfaction score", "满意度评分").example(4),
        /// When they answered or last changed it.
        satisfaction_at: Option<Timestamp> => datetime().server_set().label("Rated at", "评价时间").example("2026-03-02T09:00:00.000Z"),
        /// Articles of the knowledge base that answer it.
        article_ids: Vec<Id> => references(&TICKET_ARTICLES).label("Articles", "知识库文章"),
        /// The number of its open work orders; only with `fields`.
        open_work_order_count: Option<i64> => open_count("work_orders").label("Open work orders", "未完成现场服务单数").example(1),
        /// The number of its messages; only with `fields`.
        message_count: Option<i64> => count("messages").label("Messages", "消息数").example(4),
    }
    extend |object| object
        .relations([
            Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } },
            Relation { name: "contact", target: "contact", reach: Reach::ToOne { field: "contact_id" } },
            Relation { name: "product", target: "product", reach: Reach::ToOne { field: "product_id" } },
            Relation { name: "opportunity", target: "opportunity", reach: Reach::ToOne { field: "opportunity_id" } },
            Relation { name: "category", target: "ticket_category", reach: Reach::ToOne { field: "category_id" } },
            Relation { name: "queue", target: "queue", reach: Reach::ToOne { field: "queue_id" } },
            Relation { name: "ticket_status", target: "ticket_status", reach: Reach::ToOne { field: "status_id" } },
            Relation { name: "parent", target: "ticket", reach: Reach::ToOne { field: "parent_id" } },
            Relation { name: "children", target: "ticket", reach: Reach::Inverse { field: "parent_id" } },
            Relation { name: "follow_up_of", target: "ticket", reach: Reach::ToOne { field: "follow_up_of_id" } },
            Relation { name: "follow_ups", target: "ticket", reach: Reach::Inverse { field: "follow_up_of_id" } },
            Relation { name: "related", target: "ticket", reach: Reach::Linked { link: &RELATED_TICKETS, holder: true } },
            Relation { name: "merged_into", target: "ticket", reach: Reach::ToOne { field: "merged_into_id" } },
            Relation { name: "merged_tickets", target: "ticket", reach: Reach::Inverse { field: "merged_into_id" } },
            Relation { name: "followers", target: "user", reach: Reach::Linked { link: &TICKET_FOLLOWERS, holder: true } },
            Relation { name: "sla_policy", target: "sla_policy", reach: Reach::ToOne { field: "sla_policy_id" } },
            Relation { name: "survey_responses", target: "survey_response", reach: Reach::Inverse { field: "ticket_id" } },
            Relation { name: "articles", target: "article", reach: Reach::Linked { link: &TICKET_ARTICLES, holder: true } },
            Relation { name: "activities", target: "activity", reach: Reach::Inverse { field: "ticket_id" } },
            Relation { name: "work_orders", target: "work_order", reach: Reach::Inverse { field: "ticket_id" } },
            Relation { name: "messages", target: "ticket_message", reach: Reach::Inverse { field: "ticket_id" } },
        ])
        .unique("tickets_number_key", "number")
        .numbered("T-")
        .titled("subject")
        .open_while("status", &StatusKind::UNDONE)
        .superseded_by("merged_into_id")
        .read_by_author()
        .waits_for_owner()
        .ledger(&LEDGER)
        .rule(follow_impact)
        .rule(relate_to_others)
}

/// The clocks of a ticket: what they are is said where they are read by themselves.
pub static TICKET_SLA: Structure = Structure {
    name: "ticket_sla",
    accept: |_, _| Err(Fault::new("", FaultCode::ReadOnly).into()),
    schema: || serde_json::json!({"type": "array", "items": {"$ref": "#/components/schemas/SlaClock"}}),
    ..Structure::PLAIN
};

/// Every change of what a ticket is judged by, with the time spent in each status.
pub static LEDGER: Ledger = Ledger {
    table: "ticket_ledger",
    fields: &[
        Ticket::status_id.name(),
        Ticket::status.name(),
        Ticket::status_entered_at.name(),
        Ticket::priority.name(),
        Ticket::channel.name(),
        Ticket::kind.name(),
        Ticket::customer_id.name(),
        Ticket::category_id.name(),
        Ticket::queue_id.name(),
        Ticket::owner_id.name(),
        Ticket::team_id.name(),
        Ticket::solved_at.name(),
        Ticket::closed_at.name(),
        Ticket::first_responded_at.name(),
        Ticket::merged_into_id.name(),
        Ticket::archived_at.name(),
    ],
    fixed: &[Ticket::opened_at.name(), Ticket::number.name()],
    step: Ticket::status_id.name(),
    since: Ticket::status_entered_at.name(),
    past: |_| Vec::new(),
};

/// The priority that follows from impact and urgency; none, where neither is known. The usual matrix of IT service management.
#[must_use]
pub fn priority_of(impact: Option<Degree>, urgency: Option<Degree>) -> Option<Priority> {
    if impact.is_none() && urgency.is_none() {
        return None;
    }
    let weight = |degree: Option<Degree>| match degree {
        Some(Degree::Low) => 0,
        Some(Degree::Medium) | None => 1,
        Some(Degree::High) => 2,
    };
    Some(match weight(impact) + weight(urgency) {
        4 => Priority::Urgent,
        3 => Priority::High,
        2 => Priority::Normal,
        _ => Priority::Low,
    })
}

/// Where nobody has set another, the priority is what follows from impact and urgency.
fn follow_impact(draft: &mut Draft<'_, Ticket>) {
    let of = |ticket: &Record<Ticket>| {
        priority_of(ticket.get(Ticket::impact), ticket.get(Ticket::urgency)).unwrap_or(Priority::Normal)
    };
    let follows = match draft.before {
        None => draft.after.is_null(Ticket::priority),
        Some(before) => {
            draft.after.is_null(Ticket::priority)
                || (!draft.changes(Ticket::priority) && before.get(Ticket::priority) == Some(of(before)))
        }
    };
    if follows {
        let priority = of(&draft.after);
        draft.after.set(Ticket::priority, priority);
    }
}

/// A ticket is not related to itself.
fn relate_to_others(draft: &mut Draft<'_, Ticket>) {
    let own = draft.after.get(Ticket::id);
    let related = draft.after.get(Ticket::related_ids);
    if let Some(place) = related.iter().position(|related| own == *related) {
        draft.fault(format!("{}/{place}", Ticket::related_ids.pointer()), FaultCode::Cycle);
    }
}

/// Why nothing is owed for a ticket; none, if what is owed is.
#[must_use]
pub fn rest_of(ticket: &Record<Ticket>) -> Option<Rest> {
    match (ticket.is_null(Ticket::merged_into_id), ticket.is_archived()) {
        (false, _) => Some(Rest::Merged),
        (true, true) => Some(Rest::Archived),
        (true, false) => None,
    }
}

/// The time of the last thing that a ticket's clocks went by: what comes next is not before it.
#[must_use]
pub fn last_happening(ticket: &Record<Ticket>) -> Option<Timestamp> {
    let times = [Ticket::opened_at, Ticket::status_entered_at, Ticket::last_reply_at, Ticket::last_customer_message_at];
    times.into_iter().filter_map(|time| ticket.get(time)).max()
}

/// The kind of a ticket's status.
#[must_use]
pub fn kind_of(ticket: &Record<Ticket>) -> StatusKind {
    ticket.get(Ticket::status).unwrap_or(StatusKind::New)
}

/// The first live status of a kind.
#[must_use]
pub fn first_status(statuses: &[Record<TicketStatus>], kind: StatusKind) -> Option<&Record<TicketStatus>> {
    let live = statuses.iter().filter(|status| !status.is_archived() && status.get(TicketStatus::kind) == Some(kind));
    live.min_by_key(|status| (status.get(TicketStatus::sort_order).unwrap_or(i64::MAX), status.id()))
}
