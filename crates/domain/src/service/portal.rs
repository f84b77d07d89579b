//! Customer portals: where contacts sign in and follow their own tickets, and what of these is theirs to see.

use serde_json::json;

use super::{
    clock::StatusKind,
    ticket::Ticket,
    ticket_message::{MessageKind, TicketMessage},
    ticket_status::TicketStatus,
};
use crate::{
    customers::contact::{Contact, PortalAccess},
    entity,
    model::{
        fault::Language,
        object::{Reach, Relation},
        record::Record,
    },
    query::predicate::Predicate,
    sales::orders::order::{Order, OrderStatus},
    values::id::Id,
};

entity! {
    /// A customer portal: contacts sign in at /v1/portal/{token} with a code that is mailed to them, and see, open, answer, close, reopen and
    /// rate their tickets, and see their orders. Nothing else leaves by it: no notes, no tags, no custom fields, no names of users.
    pub struct Portal("portal", "portals", "portals", "Customer portal", "客户门户") [external] {
        /// The brand name, which customers see.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("Acme 服务中心"),
        /// Its public identifier; POST …/rotate-token replaces it.
        token: Option<String> => text(100).filled().server_set().opaque().label("Token", "令牌").example("cp_3q2-7w"),
        /// Whether it can be used. Once it cannot, nobody is signed in any more.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// The origins of the sites allowed to show it. If empty, any site can.
        allowed_origins: Vec<String> => texts(50).opaque().label("Allowed origins", "允许的来源站点").example(json!(["https://service.example.cn"])),
        /// The mailbox that codes are sent from, and replies to tickets that are opened here. By default codes come from the sender of the
        /// server's own mail.
        mailbox_id: Option<Id> => reference("mailbox").label("Mailbox", "客服邮箱"),
        /// The queue of tickets that are opened here.
        queue_id: Option<Id> => reference("queue").label("Queue", "队列"),
        /// Whether contacts whose `portal_access` is `organization` see all tickets of their primary customer here.
        shows_organization: bool => boolean().default(false).label("Shows the organization", "显示单位工单").example(false),
        /// Whether contacts can close their tickets.
        lets_close: bool => boolean().default(true).label("Lets contacts close", "允许客户关闭").example(true),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "mailbox", target: "mailbox", reach: Reach::ToOne { field: "mailbox_id" } },
            Relation { name: "queue", target: "queue", reach: Reach::ToOne { field: "queue_id" } },
        ])
}

/// Whether a contact may sign in.
#[must_use]
pub fn admits(contact: &Record<Contact>) -> bool {
    !contact.is_archived() && contact.get(Contact::portal_access) != Some(PortalAccess::None)
}

/// The organization whose tickets a contact sees beside their own.
#[must_use]
pub fn organization(portal: &Record<Portal>, contact: &Record<Contact>) -> Option<Id> {
    let may = portal.get(Portal::shows_organization) && contact.get(Contact::portal_access) == Some(PortalAccess::Organization);
    contact.get(Contact::customer_id).filter(|_| may)
}

/// The tickets that a contact sees.
#[must_use]
pub fn visible(portal: &Record<Portal>, contact: &Record<Contact>) -> Predicate {
    theirs(portal, contact).and(Ticket::merged_into_id.is_null())
}

/// The tickets that a contact sees, and those that they would see if they had not been merged into others.
#[must_use]
pub fn theirs(portal: &Record<Portal>, contact: &Record<Contact>) -> Predicate {
    let own = Ticket::contact_id.eq(contact.id());
    let seen = match organization(portal, contact) {
        Some(customer) => Predicate::Or(vec![own, Ticket::customer_id.eq(customer)]),
        None => own,
    };
    Predicate::Archived(false).and(seen)
}

/// The orders that a contact sees: drafts are nobody's promise yet.
#[must_use]
pub fn their_orders(portal: &Record<Portal>, contact: &Record<Contact>) -> Predicate {
    let own = Order::contact_id.eq(contact.id());
    let seen = match organization(portal, contact) {
        Some(customer) => Predicate::Or(vec![own, Order::customer_id.eq(customer)]),
        None => own,
    };
    Predicate::Archived(false).and(Order::status.ne(OrderStatus::Draft)).and(seen)
}

/// The messages that customers see: what they and the desk wrote to each other. What strangers wrote waits for an agent's judgement.
#[must_use]
pub fn public_messages(ticket: Id) -> Predicate {
    Predicate::Archived(false)
        .and(TicketMessage::ticket_id.eq(ticket))
        .and(TicketMessage::kind.is_in([MessageKind::Incoming, MessageKind::Reply]))
        .and(TicketMessage::is_from_stranger.eq(false))
}

/// What customers are told of a status: that somebody else is waited for is the desk's own affair.
#[must_use]
pub fn public_kind(kind: StatusKind) -> StatusKind {
    match kind {
        StatusKind::WaitingThirdParty => StatusKind::Open,
        StatusKind::New | StatusKind::Open | StatusKind::WaitingCustomer | StatusKind::Solved | StatusKind::Closed => kind,
    }
}

/// What customers read of a status.
#[must_use]
pub fn public_name(status: Option<&Record<TicketStatus>>, kind: StatusKind, language: Language) -> String {
    if let Some(name) = status.and_then(|status| status.get(TicketStatus::public_name)) {
        return name.in_language(Some(language.tag())).to_owned();
    }
    let name = match (public_kind(kind), language) {
        (StatusKind::New, Language::English) => "Received",
        (StatusKind::New, Language::Chinese) => "已受理",
        (StatusKind::Open | StatusKind::WaitingThirdParty, Language::English) => "In progress",
        (StatusKind::Open | StatusKind::WaitingThirdParty, Language::Chinese) => "处理中",
        (StatusKind::WaitingCustomer, Language::English) => "Waiting for your answer",
        (StatusKind::WaitingCustomer, Language::Chinese) => "等待您回复",
        (StatusKind::Solved, Language::English) => "Solved",
        (StatusKind::Solved, Language::Chinese) => "已解决",
        (StatusKind::Closed, Language::English) => "Closed",
        (StatusKind::Closed, Language::Chinese) => "已关闭",
    };
    name.to_owned()
}
