//! Channels: live chat, messengers and text messages, each behind a bridge of its own that speaks one protocol with Farley.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ticket::TicketChannel;
use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Structure},
        object::{Reach, Relation},
        record::Draft,
        structures::external_ids::is_system,
        value::{Members, Standards, list},
    },
    values::{id::Id, time::Timestamp},
};

/// The most that comes along with a message.
pub const MOST_ATTACHMENTS: usize = 20;
/// How large one of those may be that come in the message itself, in characters of base64.
const LONGEST_CONTENT: usize = 14_000_000;

choices! {
    /// What customers write with.
    pub enum ChannelKind {
        Chat "chat" "Live chat" "在线聊天",
        Wecom "wecom" "WeCom" "企业微信",
        Dingtalk "dingtalk" "DingTalk" "钉钉",
        Sms "sms" "SMS" "短信",
        Whatsapp "whatsapp" "WhatsApp" "WhatsApp",
        Social "social" "Social media" "社交媒体",
        Other "other" "Other" "其他",
    }
}

impl ChannelKind {
    /// How tickets and messages tell that they came this way.
    #[must_use]
    pub fn of_tickets(self) -> TicketChannel {
        match self {
            ChannelKind::Chat => TicketChannel::Chat,
            ChannelKind::Wecom => TicketChannel::Wecom,
            ChannelKind::Dingtalk => TicketChannel::Dingtalk,
            ChannelKind::Sms => TicketChannel::Sms,
            ChannelKind::Whatsapp => TicketChannel::Whatsapp,
            ChannelKind::Social => TicketChannel::Social,
            ChannelKind::Other => TicketChannel::Other,
        }
    }
}

entity! {
    /// A channel of the service desk other than e-mail: live chat, a messenger, text messages. A bridge posts what customers write to
    /// POST /v1/channels/{id}/inbound, and gets what agents reply at `outbound_url`; both are signed with the channel's secret, as
    /// Standard Webhooks 1.0.0 says. The secret is shown when the channel is created, and by POST …/rotate-secret.
    pub struct Channel("channel", "channels", "channels", "Channel", "渠道") [external] {
        /// The name.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("企业微信客服"),
        /// What customers write with.
        kind: Option<ChannelKind> => choice(ChannelKind::choices()).required().indexed().label("Kind", "类型").example("wecom"),
        /// The queue that tickets from here go to.
        queue_id: Option<Id> => reference("queue").label("Queue", "队列"),
        /// The language of contacts who first write here.
        language: Option<String> => language().label("Language", "语言").example("zh-CN"),
        /// Where replies are posted, by https; by http only within networks that the server's operator names (`FARLEY_WEBHOOK_ALLOW`).
        /// Without it the channel only takes in.
        outbound_url: Option<String> => url().opaque().label("Outbound URL", "外发地址").example("https://bridge.example.cn/farley"),
        /// The system in the `external_ids` of contacts under which the ids of senders are kept: a lower-case letter, followed by lower-case
        /// letters, digits and `_`. Channels that share it know each other's senders. Defaults to one of the channel's own.
        sender_system: Option<String> => text(40).filled().label("Sender system", "发送者标识系统").example("wecom"),
        /// Whether messages are taken in and sent.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// The number of the secret: 1 at first, and one more each time it is replaced.
        secret_number: i64 => integer(1, i64::MAX).default(1).server_set().label("Secret number", "密钥序号").example(1),
        /// Until when the former secret still holds beside the present one. Null if there is no such.
        former_secret_until: Option<Timestamp> => datetime().server_set().label("Former secret until", "旧密钥有效期至").example("2026-03-02T08:00:00.000Z"),
    }
    extend |object| object
        .configuration()
        .relations([Relation { name: "queue", target: "queue", reach: Reach::ToOne { field: "queue_id" } }])
        .rule(name_sender_system)
}

/// Whoever names no system gets one that nobody else has.
fn name_sender_system(draft: &mut Draft<'_, Channel>) {
    match draft.after.get(Channel::sender_system).map(is_system) {
        Some(true) => {}
        Some(false) => draft.fault(Channel::sender_system.pointer(), FaultCode::InvalidKey),
        None => {
            let kind = draft.after.get(Channel::kind).map_or("other", ChannelKind::as_str);
            let digits = draft.after.id().0.simple().to_string();
            let own = digits.get(20..).unwrap_or_default();
            draft.after.set(Channel::sender_system, format!("{kind}_{own}"));
        }
    }
}

/// Who wrote a message, as the channel knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    pub id: String,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

/// What comes along with a message: by its address, or in the message itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub name: Option<String>,
    pub media_type: Option<String>,
    pub url: Option<String>,
    pub content: Option<String>,
}

/// What came along with a message and is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageLink {
    pub name: Option<String>,
    pub media_type: Option<String>,
    pub url: String,
}

crate::structures! { Attachment, MessageLink, Sender }

static SENDER_FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("id", FieldType::Text { max: 200 }).required(),
        Field::new("name", FieldType::Text { max: 200 }),
        Field::new("phone", FieldType::Text { max: 60 }),
        Field::new("email", FieldType::Text { max: 254 }),
    ]
});

pub static SENDER: Structure = Structure {
    name: "channel_sender",
    accept: |value, standards| Members::read(value, &*SENDER_FIELDS, standards)?.finish(),
    schema: || {
        let text =
            |max: usize, description: &str| json!({"type": ["string", "null"], "maxLength": max, "description": description});
        json!({
            "type": "object",
            "required": ["id"],
            "additionalProperties": false,
            "properties": {
                "id": {"type": "string", "maxLength": 200, "description": "Who it is, by the channel's own id.", "examples": ["wmEAlECwAA"]},
                "name": text(200, "The name."),
                "phone": text(60, "The telephone number, by which a known contact is found."),
                "email": text(254, "The e-mail address, by which a known contact is found.")
            }
        })
    },
    ..Structure::PLAIN
};

static ATTACHMENT_FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("name", FieldType::Text { max: 200 }),
        Field::new("media_type", FieldType::Text { max: 100 }),
        Field::new("url", FieldType::Url),
        Field::new("content", FieldType::LongText { max: LONGEST_CONTENT }),
    ]
});

pub static ATTACHMENTS: Structure = Structure {
    name: "channel_attachments",
    accept: attachments,
    schema: || {
        json!({
            "type": "array",
            "maxItems": MOST_ATTACHMENTS,
            "items": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "name": {"type": ["string", "null"], "maxLength": 200, "description": "The name.", "examples": ["photo.jpg"]},
                    "media_type": {"type": ["string", "null"], "maxLength": 100, "description": "The media type.", "examples": ["image/jpeg"]},
                    "url": {"type": ["string", "null"], "format": "uri", "description": "Where it is. It is kept as a link, and not fetched."},
                    "content": {"type": ["string", "null"], "contentEncoding": "base64", "description": "The content itself, in base64. It becomes a file of the message."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

/// Each is either somewhere or here.
fn attachments(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    list(value, MOST_ATTACHMENTS, |item| {
        let accepted = Members::read(item, &*ATTACHMENT_FIELDS, standards)?.finish()?;
        match (accepted["url"].is_null(), accepted["content"].is_null()) {
            (true, true) => Err(Fault::new("/url", FaultCode::Required).into()),
            (false, false) => Err(Fault::new("/content", FaultCode::Conflicting).with("other", "url").into()),
            _ => Ok(accepted),
        }
    })
}

static LINK_FIELDS: LazyLock<[Field; 3]> = LazyLock::new(|| {
    [
        Field::new("name", FieldType::Text { max: 200 }),
        Field::new("media_type", FieldType::Text { max: 100 }),
        Field::new("url", FieldType::Url).required(),
    ]
});

pub static MESSAGE_LINKS: Structure = Structure {
    name: "message_links",
    accept: |value, standards| list(value, MOST_ATTACHMENTS, |item| Members::read(item, &*LINK_FIELDS, standards)?.finish()),
    schema: || {
        json!({
            "type": "array",
            "maxItems": MOST_ATTACHMENTS,
            "items": {
                "type": "object",
                "required": ["url"],
                "additionalProperties": false,
                "properties": {
                    "name": {"type": ["string", "null"], "maxLength": 200, "description": "The name.", "examples": ["photo.jpg"]},
                    "media_type": {"type": ["string", "null"], "maxLength": 100, "description": "The media type.", "examples": ["image/jpeg"]},
                    "url": {"type": "string", "format": "uri", "description": "Where it is.", "examples": ["https://bridge.example.cn/media/42"]}
                }
            }
        })
    },
    ..Structure::PLAIN
};
