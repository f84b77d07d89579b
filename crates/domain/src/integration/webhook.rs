//! Webhooks: where Farley posts the events of the change feed.

use serde_json::{Value, json};

use crate::{
    choices, entity,
    model::{
        event,
        fault::{Fault, FaultCode, unknown},
        object::{Reach, Relation},
        record::Draft,
        registry,
        structures::filter::FILTER,
    },
    values::{id::Id, time::Timestamp},
};

/// How many webhooks a tenant has at most.
pub const MOST_WEBHOOKS: usize = 100;
/// How many event types a webhook names at most.
pub const MOST_TYPES: usize = 100;
/// After how many seconds of failing a webhook is disabled: five days.
pub const FAILS_FOR: i64 = 5 * 24 * 3600;

choices! {
    /// How much of an event a webhook delivers.
    pub enum WebhookPayload {
        Thin "thin" "Ids only" "仅标识",
        Changes "changes" "Changes" "变更内容",
        Full "full" "Changes and record" "变更及完整记录",
    }
}

choices! {
    /// In which order deliveries go out.
    pub enum WebhookOrdering {
        Record "record" "In order for each record" "按记录保持顺序",
        None "none" "In any order" "不保证顺序",
    }
}

choices! {
    /// How deliveries are signed.
    pub enum WebhookSignature {
        V1 "v1" "Shared secret (HMAC-SHA256)" "共享密钥（HMAC-SHA256）",
        V1a "v1a" "Public key (Ed25519)" "公钥（Ed25519）",
    }
}

choices! {
    /// Whether a webhook delivers.
    pub enum WebhookStatus {
        Active "active" "Active" "启用",
        Paused "paused" "Paused" "已暂停",
        Disabled "disabled" "Disabled" "已停用",
    }
}

entity! {
    /// A webhook: Farley posts each event that it is subscribed to as JSON to its URL, at least once, signed as Standard Webhooks 1.0.0
    /// says (`webhook-id`, `webhook-timestamp`, `webhook-signature`). It is a place in the change feed: nothing is lost while it is
    /// paused or disabled, and POST …/resume goes on from there. Any 2xx answer within 20 seconds is success; redirects are not
    /// followed. A failed delivery is retried over 75 hours, ten attempts in all; 410 disables the webhook, and so do five days without a
    /// single success. A webhook delivers only what the user who last changed its URL or subscription may read, limited to the scopes of
    /// the API key they used; this is checked at each delivery. The body is `{type, timestamp, seq, prev_seq, cursor, data}`: `seq` is the
    /// position in the change feed, `prev_seq` that of the previous delivery for the same record, `cursor` continues
    /// `GET /v1/changes` after the event, and `data` is the event, with `payload` `full` including `data.record`.
    pub struct Webhook("webhook", "webhooks", "integration_webhooks", "Webhook", "Webhook 订阅") [external] {
        /// The name.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("ERP"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The URL that events are posted to, by https; by http only within networks that the server's operator names (`FARLEY_WEBHOOK_ALLOW`).
        url: String => url().required().opaque().label("URL", "地址").example("https://erp.example.cn/farley"),
        /// The event types to deliver; if empty, all but those of webhooks themselves.
        types: Vec<String> => texts(MOST_TYPES).default(json!([])).opaque().label("Event types", "事件类型").example(json!(["customer.created", "customer.updated"])),
        /// Only events of records of this object.
        object: Option<String> => text(40).indexed().label("Object", "对象").example("customer"),
        /// Only events of records that meet this filter when they are delivered. Requires `object`.
        filter: Option<Value> => structure(&FILTER).opaque().label("Filter", "条件").example(json!({"field": "status", "value": "active"})),
        /// How much is delivered: `thin` the ids, `changes` the event as in the change feed, `full` also the record as it is when it is
        /// delivered.
        payload: Option<WebhookPayload> => choice(WebhookPayload::choices()).default("changes").label("Payload", "内容").example("changes"),
        /// `record`: an event goes out after the earlier ones of the same record; one that keeps failing holds back its record alone.
        /// `none`: whatever is due goes out.
        ordering: Option<WebhookOrdering> => choice(WebhookOrdering::choices()).default("record").label("Ordering", "顺序").example("record"),
        /// How deliveries are signed.
        signature: Option<WebhookSignature> => choice(WebhookSignature::choices()).default("v1").on_create().label("Signature", "签名方式").example("v1"),
        /// Where in the change feed it starts: a cursor of `GET /v1/changes`. If absent, only later events are delivered.
        from_cursor: Option<String> => text(100).on_create().opaque().label("From cursor", "起始游标").example("ZTQy"),
        /// Whether it delivers: `paused` by somebody, or `disabled` by Farley.
        status: Option<WebhookStatus> => choice(WebhookStatus::choices()).server_set().default("active").indexed().label("Status", "状态").example("active"),
        /// Why it was disabled.
        disabled_reason: Option<String> => text(1_000).server_set().opaque().label("Reason for disabling", "停用原因").example("The endpoint answered 410"),
        /// The user whose permissions apply: whoever last changed its URL or what it delivers.
        acting_user_id: Option<Id> => reference("user").server_set().label("Acting user", "执行用户"),
        /// The API key whose scopes apply: the one that user used; null if none.
        acting_api_key_id: Option<Id> => reference("api_key").server_set().label("Acting API key", "执行 API 密钥"),
        /// The number of the secret: 1 at first, and one more each time it is replaced.
        secret_number: i64 => integer(1, i64::MAX).default(1).server_set().label("Secret number", "密钥序号").example(1),
        /// Until when deliveries are signed with the former secret too. Null if they are not.
        former_secret_until: Option<Timestamp> => datetime().server_set().label("Former secret until", "旧密钥有效期至").example("2026-03-02T08:00:00.000Z"),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "acting_user", target: "user", reach: Reach::ToOne { field: "acting_user_id" } },
            Relation { name: "acting_api_key", target: "api_key", reach: Reach::ToOne { field: "acting_api_key_id" } },
            Relation { name: "deliveries", target: "webhook_delivery", reach: Reach::Inverse { field: "webhook_id" } },
        ])
        .rule(wants_what_there_is)
}

/// Types and the object are known, and a filter is about an object.
fn wants_what_there_is(draft: &mut Draft<'_, Webhook>) {
    if let Some(name) = draft.after.get(Webhook::object).map(str::to_owned)
        && registry::object(&name).is_none()
    {
        let known = registry::objects().into_iter().map(|object| object.name);
        draft.faults.add(unknown(Webhook::object.pointer(), FaultCode::UnknownChoice, &name, known));
    }
    if draft.after.get(Webhook::object).is_none() && draft.after.get(Webhook::filter).is_some() {
        draft.faults.add(Fault::new(Webhook::object.pointer(), FaultCode::Required));
    }
    for (position, name) in draft.after.get(Webhook::types).iter().enumerate() {
        if let Some(fault) = event::unknown_type(format!("{}/{position}", Webhook::types.pointer()), name) {
            draft.faults.add(fault);
        }
    }
}
