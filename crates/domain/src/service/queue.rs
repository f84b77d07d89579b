//! Queues: where tickets wait for an agent.

use crate::{
    entity,
    model::{
        field::Link,
        object::{Reach, Relation},
    },
    values::id::Id,
};

/// Who takes tickets out of a queue.
pub static QUEUE_AGENTS: Link = Link { table: "queue_agents", from: "queue_id", to: "user_id", target: "user", shared: false };

entity! {
    /// A queue of tickets. Its agents take the next ticket with POST …/next.
    pub struct Queue("queue", "queues", "queues", "Queue", "服务队列") [external] {
        /// The name; unique among live queues.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("硬件支持"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The users who take tickets out of it; anyone who may change tickets, if empty.
        agent_ids: Vec<Id> => references(&QUEUE_AGENTS).gives_work().label("Agents", "客服人员"),
        /// The user who is responsible for it.
        manager_id: Option<Id> => reference("user").gives_work().label("Manager", "负责人"),
        /// The number of its open tickets; only with `fields`.
        open_ticket_count: Option<i64> => open_count("tickets").label("Open tickets", "未完结工单数").example(12),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "agents", target: "user", reach: Reach::Linked { link: &QUEUE_AGENTS, holder: true } },
            Relation { name: "manager", target: "user", reach: Reach::ToOne { field: "manager_id" } },
            Relation { name: "tickets", target: "ticket", reach: Reach::Inverse { field: "queue_id" } },
        ])
        .unique("queues_name_key", "name")
}
