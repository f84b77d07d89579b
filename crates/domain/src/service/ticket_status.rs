//! Statuses of tickets: the tenant's own words for how far a ticket has come.

use serde_json::json;

use super::{clock::StatusKind, ticket::Ticket};
use crate::{
    entity,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, unknown},
        field::Link,
        object::{Reach, Relation},
        record::Draft,
        structures::by_language::{BY_LANGUAGE, ByLanguage},
    },
    values::id::Id,
};

/// Where tickets may go from a status.
pub static STATUS_MOVES: Link =
    Link { table: "ticket_status_moves", from: "status_id", to: "next_id", target: "ticket_status", shared: false };

entity! {
    /// A status of tickets. Once it is archived, no ticket can enter it any more.
    pub struct TicketStatus("ticket_status", "ticket-statuses", "ticket_statuses", "Ticket status", "工单状态") [external] {
        /// The name; unique among live statuses.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("已取消"),
        /// What customers read instead of the name in portals, by language. By default it follows from the kind.
        public_name: Option<ByLanguage> => structure(&BY_LANGUAGE).opaque().label("Public name", "对外名称").example(json!({"zh": "处理中", "en": "In progress"})),
        /// What the status means.
        kind: Option<StatusKind> => choice(StatusKind::choices()).required().on_create().label("Kind", "类型").example("closed"),
        /// Its position among the statuses, ascending. By default a new status is added at the end. The first status of a kind is
        /// the one that actions such as `solve` use.
        sort_order: Option<i64> => integer(1, 1_000).filled().indexed().label("Order", "顺序").example(40),
        /// The statuses that a ticket can move to from here; any, if empty.
        next_status_ids: Vec<Id> => references(&STATUS_MOVES).label("Next statuses", "可流转到"),
        /// The ticket fields that must have a value to enter the status; custom fields as `custom.key`.
        required_fields: Vec<String> => texts(30).opaque().label("Required fields", "必填字段").example(json!(["resolution", "cause"])),
        /// For how many days a ticket in this status can be reopened; any number, if absent. Only for the kinds `solved` and `closed`.
        reopen_days: Option<i64> => integer(0, 3_650).label("Reopen within", "可重新打开天数").example(14).shown_when(crate::model::field::when_is("kind", &["solved", "closed"])),
    }
    extend |object| object
        .configuration()
        .relations([Relation { name: "next_statuses", target: "ticket_status", reach: Reach::Linked { link: &STATUS_MOVES, holder: true } }])
        .unique("ticket_statuses_name_key", "name")
        .rule(fields_are_known)
        .rule(reopening_fits)
}

fn fields_are_known(draft: &mut Draft<'_, TicketStatus>) {
    let object = Ticket::object();
    for (position, path) in draft.after.get(TicketStatus::required_fields).into_iter().enumerate() {
        // A custom field may be declared later.
        if !path.starts_with("custom.") && !object.has(&path) {
            let pointer = format!("{}/{position}", TicketStatus::required_fields.pointer());
            let names = object.fields.iter().map(|field| field.name.as_ref());
            draft.faults.add(unknown(pointer, FaultCode::UnknownMember, &path, names));
        }
    }
}

fn reopening_fits(draft: &mut Draft<'_, TicketStatus>) {
    let done = draft.after.get(TicketStatus::kind).is_some_and(StatusKind::is_done);
    if !done && !draft.after.is_null(TicketStatus::reopen_days) {
        let fault = Fault::new(TicketStatus::reopen_days.pointer(), FaultCode::Conflicting);
        draft.faults.add(fault.with("other", TicketStatus::kind.name()));
    }
}

/// The statuses that a new tenant begins with: name, kind, days within which it can be reopened.
pub const READY_MADE: &[(&str, StatusKind, Option<i64>)] = &[
    ("New / 新建", StatusKind::New, None),
    ("Open / 处理中", StatusKind::Open, None),
    ("Waiting for customer / 等待客户", StatusKind::WaitingCustomer, None),
    ("Waiting for third party / 等待第三方", StatusKind::WaitingThirdParty, None),
    ("Solved / 已解决", StatusKind::Solved, None),
    ("Closed / 已关闭", StatusKind::Closed, Some(14)),
];
