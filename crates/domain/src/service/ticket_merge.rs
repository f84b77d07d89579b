//! Merges: which ticket was merged into which, and what came along.

use serde_json::json;

use crate::{
    entity,
    model::{
        object::{Reach, Relation},
        structures::ids::IDS,
    },
    values::{id::Id, time::Timestamp},
};

entity! {
    /// A merge of a ticket into another. `created_at` is when and `created_by` who merged them. It can be undone, which moves exactly
    /// these messages back. Anyone who can read one of the tickets can read it.
    pub struct TicketMerge("ticket_merge", "ticket-merges", "ticket_merges", "Ticket merge", "工单合并") [] {
        /// The ticket that was merged.
        ticket_id: Option<Id> => reference("ticket").filled().server_set().indexed().label("Ticket", "被合并工单"),
        /// The ticket it was merged into.
        into_id: Option<Id> => reference("ticket").filled().server_set().indexed().label("Into", "合并到"),
        /// The messages that were moved.
        message_ids: Vec<Id> => structure(&IDS).default(json!([])).server_set().detail().label("Messages", "移动的消息").example(json!([])),
        /// The files of the ticket itself that were moved; those of messages stay with their messages.
        file_ids: Vec<Id> => structure(&IDS).default(json!([])).server_set().detail().label("Files", "移动的文件").example(json!([])),
        /// The users who follow the ticket it was merged into because of the merge.
        follower_ids: Vec<Id> => structure(&IDS).default(json!([])).server_set().detail().label("Followers", "新增关注人").example(json!([])),
        /// When it was undone. Null while it stands.
        undone_at: Option<Timestamp> => datetime().server_set().indexed().label("Undone at", "撤销时间").example("2026-03-02T09:00:00.000Z"),
    }
    extend |object| object
        .relations([
            Relation { name: "ticket", target: "ticket", reach: Reach::ToOne { field: "ticket_id" } },
            Relation { name: "into", target: "ticket", reach: Reach::ToOne { field: "into_id" } },
        ])
        .read_only()
        .read_with(["ticket", "into"])
        .titled("ticket_id")
}
