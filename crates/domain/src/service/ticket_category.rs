//! Categories of tickets: a tree.

use crate::{
    entity,
    model::object::{Reach, Relation},
    values::id::Id,
};

entity! {
    /// A category of tickets.
    pub struct TicketCategory("ticket_category", "ticket-categories", "ticket_categories", "Ticket category", "工单分类") [external] {
        /// The name.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("硬件故障"),
        /// The category it is a part of; must not be one of its own parts.
        parent_id: Option<Id> => reference("ticket_category").indexed().label("Parent category", "上级分类"),
        /// The queue that tickets of this category go to if they name none. If absent, the queue of the nearest category above it
        /// that has one.
        queue_id: Option<Id> => reference("queue").label("Queue", "队列"),
        /// What belongs here.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "parent", target: "ticket_category", reach: Reach::ToOne { field: "parent_id" } },
            Relation { name: "children", target: "ticket_category", reach: Reach::Inverse { field: "parent_id" } },
            Relation { name: "queue", target: "queue", reach: Reach::ToOne { field: "queue_id" } },
        ])
}
