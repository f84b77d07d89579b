//! Queues: where tickets wait for an agent.

use crate::{
    choices, entity,
    model::{
        field::Link,
        object::{Reach, Relation},
    },
    values::id::Id,
};

/// Who takes tickets out of a queue.
pub static QUEUE_AGENTS: Link = Link { table: "queue_agents", from: "queue_id", to: "user_id", target: "user", shared: false };

choices! {
    /// How the tickets of a queue come to its agents.
    pub enum QueueAssignment {
        Pull "pull" "Agents take them" "客服领取",
        RoundRobin "round_robin" "Round robin" "轮流分配",
        LeastLoaded "least_loaded" "Least loaded" "最少负载",
    }
}

entity! {
    /// A queue of tickets. Its agents take the next ticket with POST …/next, or are given it, in the same order, as soon as they are free:
    /// active, at work, below their capacity, and with all skills that it requires. A ticket for which nobody is free holds up no other,
    /// and is given within 20 seconds of somebody becoming free.
    pub struct Queue("queue", "queues", "queues", "Queue", "服务队列") [external] {
        /// The name; unique among live queues.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("硬件支持"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The users who take tickets out of it; anyone who may change tickets, if empty.
        agent_ids: Vec<Id> => references(&QUEUE_AGENTS).gives_work().label("Agents", "客服人员"),
        /// How tickets get to its agents: agents take them, get them in turn, or the agent with the fewest unsolved tickets gets the next
        /// one (in a tie, the first in `agent_ids`).
        assignment: Option<QueueAssignment> => choice(QueueAssignment::choices()).default("pull").indexed().label("Assignment", "分配方式").example("round_robin"),
        /// Whether a ticket goes to the owner of the contact's last ticket, otherwise of the customer's, if they are free.
        prefers_last_agent: bool => boolean().default(false).label("Prefers the last agent", "优先原客服").example(true),
        /// Whether only agents who are at work according to their schedules are given tickets.
        respects_hours: bool => boolean().default(true).label("Respects working hours", "遵循工作时间").example(true),
        /// How many unsolved tickets, of all queues, it lets an agent have who has no `ticket_capacity` of their own; any number, if absent.
        ticket_capacity: Option<i64> => integer(1, 10_000).label("Tickets an agent", "每人工单上限").example(20),
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
