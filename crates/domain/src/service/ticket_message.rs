//! Messages: what customers and agents write about a ticket.

use serde_json::json;

use super::{
    channel::{MESSAGE_LINKS, MessageLink},
    mail::{
        addresses::ADDRESSES,
        recipients::{MailRecipient, RECIPIENTS},
    },
    ticket::TicketChannel,
};
use crate::{
    activities::mentions::{self, MENTIONS},
    choices, entity,
    integration::file::FILES,
    model::{
        fault::FaultCode,
        object::{Reach, Relation},
        record::Draft,
    },
    values::{id::Id, time::Timestamp},
};

choices! {
    /// How a mail was found to belong to a ticket.
    pub enum MatchedBy {
        Token "token" "A signed token" "签名令牌",
        References "references" "Its references" "邮件引用",
        Report "report" "The message it reports on" "退信报告",
        None "none" "Not matched; a new ticket" "新建工单",
    }
}

choices! {
    /// How far a message has come that goes out as mail or by a channel.
    pub enum DeliveryState {
        Queued "queued" "Queued" "等待发送",
        Sent "sent" "Sent" "已发送",
        Delivered "delivered" "Delivered" "已送达",
        Read "read" "Read" "已读",
        PartlyFailed "partly_failed" "Partly failed" "部分发送失败",
        Failed "failed" "Failed" "发送失败",
        Bounced "bounced" "Bounced" "被退回",
    }
}

choices! {
    /// Who writes to whom.
    pub enum MessageKind {
        Incoming "incoming" "From the customer" "客户来信",
        Reply "reply" "Reply to the customer" "回复客户",
        Note "note" "Internal note" "内部备注",
        Automatic "automatic" "Written by a machine" "自动消息",
    }
}

entity! {
    /// A message of a ticket: from the customer, to the customer, or an internal note. Once written, only notes can be changed.
    pub struct TicketMessage("ticket_message", "messages", "ticket_messages", "Ticket message", "工单消息") [external] {
        /// The ticket it belongs to, from the path.
        ticket_id: Option<Id> => reference("ticket").on_create().indexed().label("Ticket", "工单"),
        /// Who writes to whom. A message from the customer makes the ticket wait for a reply, and opens it again if it is waiting for
        /// the customer, solved or closed; if the ticket was merged, it goes to the ticket at the end of the chain. A reply answers the customer and opens a new ticket; a note and a message that a machine wrote do neither.
        kind: Option<MessageKind> => choice(MessageKind::choices()).default("reply").on_create().label("Kind", "类型").example("note"),
        /// The mailbox it was delivered to, or is sent from: by default the mailbox of the message answered, that of the ticket's queue, or
        /// the only one.
        mailbox_id: Option<Id> => reference("mailbox").on_create().label("Mailbox", "客服邮箱"),
        /// The address that a mail came from.
        sender_address: Option<String> => text(254).server_set().detail().label("Sender", "发件人邮箱").example("fang@example.cn"),
        /// The name beside it, or the name that a channel tells.
        sender_name: Option<String> => text(300).server_set().detail().label("Sender's name", "发件人姓名").example("王芳"),
        /// The addresses that a mail goes to. A reply on the channel `email` is mailed from its mailbox, exactly to these and
        /// `cc_addresses`; an automatic message only if it names some. By default a reply goes to the sender of the message that it answers,
        /// with copies to everybody else whom that one names, without the desk's own mailboxes; where there is none, to the contact of
        /// the ticket. A reply that was sent elsewhere gives its `sent_at` or `channel_message_id`, and is not mailed; nor is one that is imported.
        to_addresses: Vec<String> => structure(&ADDRESSES).default(json!([])).on_create().detail().opaque().label("To", "收件人").example(json!([])),
        /// The addresses that copies go to.
        cc_addresses: Vec<String> => structure(&ADDRESSES).default(json!([])).on_create().detail().opaque().label("Cc", "抄送").example(json!([])),
        /// How a mail was found to belong to the ticket; null if it is none.
        matched_by: Option<MatchedBy> => choice(MatchedBy::choices()).server_set().detail().label("Matched by", "匹配方式").example("references"),
        /// Whether a mail answers the ticket without its sender having had part in the conversation.
        is_from_stranger: bool => boolean().default(false).server_set().detail().label("From a stranger", "来自陌生人").example(false),
        /// What is put under it when it is mailed: the signatures of its author and of the mailbox, as they were then.
        signature: Option<String> => long_text(30_000).server_set().detail().opaque().label("Signature", "签名").example("王芳"),
        /// How far it has come, if it goes out as mail or by a channel: `queued`; `sent` once the mail server or the channel's bridge took it,
        /// `failed` if that refused it for good or could not be reached for three days, `partly_failed` if it refused some of several
        /// recipients; `delivered` and `read` if a bridge reports so, `bounced`
        /// if a mail could not be delivered. Null if it goes out by neither.
        delivery_state: Option<DeliveryState> => choice(DeliveryState::choices()).server_set().indexed().label("Delivery state", "投递状态").example("sent"),
        /// Whom it is mailed to, and what became of it with each. A recipient refused for now is tried again alone; POST …/resend sends it again
        /// to those who did not get it. Empty if it is not mailed.
        recipients: Vec<MailRecipient> => structure(&RECIPIENTS).default(json!([])).server_set().detail().opaque().label("Recipients", "投递情况").example(json!([])),
        /// When it was last sent again by POST …/resend. Null if it was not.
        resent_at: Option<Timestamp> => datetime().server_set().detail().label("Resent at", "重新发送时间").example("2026-03-01T09:00:00.000Z"),
        /// When the mail server or the bridge took it first.
        mailed_at: Option<Timestamp> => datetime().server_set().detail().label("Mailed at", "发出时间").example("2026-03-01T08:00:03.000Z"),
        /// When sending it was given up.
        failed_at: Option<Timestamp> => datetime().server_set().detail().label("Failed at", "发送失败时间").example("2026-03-01T08:00:03.000Z"),
        /// Why it has not been taken, the last time that it was tried.
        delivery_error: Option<String> => text(1_000).server_set().detail().opaque().label("Delivery error", "发送错误").example("permanent error (550): 5.1.1 no such user"),
        /// When it arrived, as the bridge reported.
        delivered_at: Option<Timestamp> => datetime().server_set().detail().label("Delivered at", "送达时间").example("2026-03-01T08:00:04.000Z"),
        /// When it was read, as the bridge reported.
        read_at: Option<Timestamp> => datetime().server_set().detail().label("Read at", "阅读时间").example("2026-03-01T08:01:00.000Z"),
        /// When it was reported that it could not be delivered. Null if it was not.
        bounced_at: Option<Timestamp> => datetime().server_set().detail().label("Bounced at", "退信时间").example("2026-03-01T08:05:00.000Z"),
        /// What was reported: the recipient, the status (RFC 3463) and what the other mail server said.
        bounce_reason: Option<String> => text(1_000).server_set().detail().label("Bounce reason", "退信原因").example("fang@example.cn: 5.1.1 no such user"),
        /// The subject, if it has one of its own. That of a mail that goes out is the subject of the message answered, with the number of
        /// the ticket.
        subject: Option<String> => text(300).title().on_create().label("Subject", "主题"),
        /// The text, in Markdown; of a mail, its whole text as it came. In notes, `@[王芳](user:01890a5d-ac96-774b-bcce-b302099a8057)` mentions a colleague, who is notified.
        body: String => long_text(100_000).required().detail().label("Body", "正文").example("已电话联系客户，备件明天送达。"),
        /// The HTML of a mail, harmless: without scripts, styles, forms and anything loaded from elsewhere. Pictures that came with
        /// the mail are at the address of their file. Null if it has none; at most about 200 kB, and all of it in the raw message.
        body_html: Option<String> => long_text(400_000).server_set().detail().opaque().label("Body (HTML)", "正文（HTML）").example("<p>已电话联系客户，备件明天送达。</p>"),
        /// What a mail says itself: its text without the messages that it quotes; all of it, if nothing would be left or answers stand
        /// between what is quoted. Null if it is no mail.
        reply_text: Option<String> => long_text(100_000).server_set().detail().opaque().label("Reply text", "回复内容").example("已电话联系客户，备件明天送达。"),
        /// Where in `body` the quotation begins, in Unicode characters. Null if nothing is quoted.
        quoted_from: Option<i64> => integer(0, 100_000).server_set().detail().opaque().label("Quoted from", "引文起始").example(16),
        /// The contact who wrote it, if it is from the customer: by default the contact of the ticket; or whom an automatic message is for.
        contact_id: Option<Id> => reference("contact").on_create().indexed().label("Contact", "联系人"),
        /// How it was sent. Defaults to the channel of the ticket; of a reply, to that of the customer's latest message.
        channel: Option<TicketChannel> => choice(TicketChannel::choices()).on_create().label("Channel", "渠道").example("email"),
        /// The channel that it came by or goes out by, other than mail: a reply goes out by the channel of the customer's latest message, unless it
        /// names another way in `channel`.
        channel_id: Option<Id> => reference("channel").server_set().label("Channel in use", "所用渠道"),
        /// The conversation that it belongs to, by the channel's own id.
        conversation_id: Option<String> => text(200).server_set().indexed().label("Conversation", "会话标识").example("conv-42"),
        /// Who wrote it, by the channel's own id.
        channel_sender_id: Option<String> => text(200).server_set().detail().label("Sender in the channel", "渠道发送者标识").example("wmEAlECwAA"),
        /// What came along by a channel and is kept elsewhere.
        links: Vec<MessageLink> => structure(&MESSAGE_LINKS).default(json!([])).server_set().detail().opaque().label("Links", "链接").example(json!([])),
        /// What whoever wrote it gave along in the header `Client-Tag`, or a bridge in its message.
        client_tag: Option<String> => text(200).server_set().detail().opaque().label("Client tag", "客户端标记").example("bridge-1/8f3a"),
        /// The id that the channel gave it; unique within the channel, so that a message that comes twice is refused the second time.
        channel_message_id: Option<String> => text(250).on_create().indexed().label("Channel message id", "渠道消息编号").example("wx-8f3a"),
        /// The message it answers, of the same ticket. A reply that is mailed answers the latest mail of somebody who takes part, if it names
        /// none.
        reply_to_id: Option<Id> => reference("ticket_message").on_create().label("Reply to", "回复的消息"),
        /// The status to move the ticket to with this message. By default a reply moves a new ticket to the first status of the kind
        /// `open`, and a message from the customer moves one that waits for the customer or is solved or closed there.
        status_id: Option<Id> => reference("ticket_status").on_create().label("Status", "状态"),
        /// The ticket it was written in, if it came here by a merge or a split.
        from_ticket_id: Option<Id> => reference("ticket").server_set().indexed().label("From ticket", "来源工单"),
        /// When it was written. Defaults to now; must not be before the ticket's previous message or status.
        sent_at: Option<Timestamp> => datetime().filled().on_create().indexed().label("Sent at", "发送时间"),
        /// Files that come with it: uploaded by you and not attached yet, or files of the ticket. They stay with the message, and are
        /// as internal as a note is.
        file_ids: Vec<Id> => structure(&FILES).default(json!([])).on_create().detail().label("Files", "文件").example(json!([])),
        /// The users mentioned in a note.
        mention_ids: Vec<Id> => structure(&MENTIONS).default(json!([])).server_set().detail().label("Mentions", "提及").example(json!([])),
    }
    extend |object| object
        .below("ticket", "ticket_id")
        .relations([
            Relation { name: "contact", target: "contact", reach: Reach::ToOne { field: "contact_id" } },
            Relation { name: "used_channel", target: "channel", reach: Reach::ToOne { field: "channel_id" } },
            Relation { name: "mailbox", target: "mailbox", reach: Reach::ToOne { field: "mailbox_id" } },
            Relation { name: "from_ticket", target: "ticket", reach: Reach::ToOne { field: "from_ticket_id" } },
            Relation { name: "reply_to", target: "ticket_message", reach: Reach::ToOne { field: "reply_to_id" } },
        ])
        .titled("subject")
        .unique_within("ticket_messages_channel_key", "channel_message_id", "channel_id")
        .rule(kept_as_written)
        .rule(find_mentions)
}

/// What was said to or by a customer stays as it was said.
fn kept_as_written(draft: &mut Draft<'_, TicketMessage>) {
    let is_note = draft.after.get(TicketMessage::kind) == Some(MessageKind::Note);
    if draft.before.is_some() && !is_note && draft.changes(TicketMessage::body) {
        draft.fault(TicketMessage::body.pointer(), FaultCode::CreateOnly);
    }
}

fn find_mentions(draft: &mut Draft<'_, TicketMessage>) {
    if draft.changes(TicketMessage::body) || draft.before.is_none() {
        let is_note = draft.after.get(TicketMessage::kind) == Some(MessageKind::Note);
        let ids = if is_note { mentions::of(draft.after.get(TicketMessage::body)) } else { Vec::new() };
        draft.after.set(TicketMessage::mention_ids, ids);
    }
}
