//! Mailboxes: the addresses under which a desk is written to.

use crate::{
    entity,
    model::object::{Reach, Relation},
    values::id::Id,
};

entity! {
    /// A mailbox of the service desk. Mail that is delivered to its address becomes tickets and messages
    /// (POST /v1/channels/email/inbound), and replies to it are sent from there.
    pub struct Mailbox("mailbox", "mailboxes", "mailboxes", "Mailbox", "客服邮箱") [external] {
        /// The name.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("技术支持"),
        /// The address; unique among live mailboxes.
        address: String => email().required().searchable().indexed().label("Address", "邮箱地址").example("support@example.cn"),
        /// The name that customers see as the sender of mail from here. Defaults to the name of the mailbox.
        sender_name: Option<String> => text(120).label("Sender name", "发件人名称").example("Acme 技术支持"),
        /// Whether the mail server delivers mail to `support+anything@example.cn` here too. Then replies are wanted at such an address, by
        /// which the answers of customers find their ticket whatever their mail program does.
        has_plus_addresses: bool => boolean().default(false).label("Plus addresses", "支持加号地址").example(false),
        /// The queue that tickets from here go to.
        queue_id: Option<Id> => reference("queue").label("Queue", "队列"),
        /// Whether mail is taken in. Mail to an inactive mailbox is refused, so that the mail server keeps it.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
    }
    extend |object| object
        .configuration()
        .relations([Relation { name: "queue", target: "queue", reach: Reach::ToOne { field: "queue_id" } }])
        .unique("mailboxes_address_key", "address")
}
