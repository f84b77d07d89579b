//! Mailboxes: the addresses under which a desk is written to.

use serde_json::json;

use crate::{
    entity,
    model::{
        object::{Reach, Relation},
        structures::wording::{WORDING, Wording},
    },
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
        /// What is put under replies from here, after the signature of whoever writes them, in Markdown: a text, or one text per language. It can
        /// have placeholders for fields of the ticket.
        signature: Option<Wording> => structure(&WORDING).opaque().label("Signature", "签名").example(json!({"zh": "Acme 技术支持 · 400-000-0000", "en": "Acme support"})),
        /// The template with which a new request is acknowledged at once: at most once a day for each contact, never to what machines wrote,
        /// and by an automatic message, which is no first response. None, if absent.
        acknowledgement_template_id: Option<Id> => reference("reply_template").label("Acknowledgement", "自动确认模板"),
        /// The queue that tickets from here go to.
        queue_id: Option<Id> => reference("queue").label("Queue", "队列"),
        /// Whether mail is taken in. Mail to an inactive mailbox is refused, so that the mail server keeps it.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "queue", target: "queue", reach: Reach::ToOne { field: "queue_id" } },
            Relation { name: "acknowledgement_template", target: "reply_template", reach: Reach::ToOne { field: "acknowledgement_template_id" } },
        ])
        .unique("mailboxes_address_key", "address")
}
