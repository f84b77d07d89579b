//! Deliveries: the events that webhooks post, and what became of them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    choices, entity,
    model::{
        field::Structure,
        object::{Reach, Relation},
    },
    values::{id::Id, time::Timestamp},
};

/// The pauses before a delivery is tried again, in seconds: ten attempts within 75 hours, as Standard Webhooks recommends.
const PAUSES: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// For how many days deliveries are kept that are not to be tried again.
pub const KEPT_DAYS: i64 = 30;
/// How many of them a tenant keeps at most.
pub const MOST_KEPT: i64 = 100_000;
/// How many attempts are shown: the latest.
pub const MOST_ATTEMPTS: usize = 20;
/// How much of an answer is kept, in bytes.
pub const KEPT_BYTES: usize = 4_096;

/// After how many seconds a delivery is tried again that has failed so often; none if it is given up.
#[must_use]
pub fn pause_after(failures: i64) -> Option<i64> {
    PAUSES.get(usize::try_from(failures - 1).ok()?).copied()
}

choices! {
    /// What became of a delivery.
    pub enum WebhookDeliveryState {
        Waiting "waiting" "Waiting" "等待投递",
        Parked "parked" "Held back" "已搁置",
        Delivered "delivered" "Delivered" "已投递",
        Skipped "skipped" "Skipped" "已跳过",
        Failed "failed" "Failed" "失败",
    }
}

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAttempt {
    pub at: Timestamp,
    pub milliseconds: i64,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub answer: Option<String>,
}

/// What was posted last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRequest {
    pub url: String,
    pub webhook_id: String,
    pub webhook_timestamp: String,
    pub bytes: i64,
}

crate::structures! { WebhookAttempt, WebhookRequest }

pub static ATTEMPTS: Structure = Structure {
    name: "webhook_attempts",
    accept: |value, _| Ok(value.clone()),
    schema: || {
        json!({
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "milliseconds"],
                "properties": {
                    "at": {"type": "string", "format": "date-time", "description": "When it was posted."},
                    "milliseconds": {"type": "integer", "description": "How long it took.", "examples": [84]},
                    "status": {"type": ["integer", "null"], "description": "The status of the answer; null if there was none.", "examples": [200]},
                    "error": {"type": ["string", "null"], "description": "Why there was no answer.", "examples": ["connection refused"]},
                    "answer": {"type": ["string", "null"], "description": "The beginning of the answer: up to 4 KB."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

pub static REQUEST: Structure = Structure {
    name: "webhook_request",
    accept: |value, _| Ok(value.clone()),
    schema: || {
        json!({
            "type": ["object", "null"],
            "required": ["url", "webhook_id", "webhook_timestamp", "bytes"],
            "properties": {
                "url": {"type": "string", "format": "uri", "description": "Where it was posted."},
                "webhook_id": {"type": "string", "description": "The header `webhook-id`: the same for each attempt."},
                "webhook_timestamp": {"type": "string", "description": "The header `webhook-timestamp`, in seconds since 1970.", "examples": ["1772352000"]},
                "bytes": {"type": "integer", "description": "The length of the body, in bytes.", "examples": [412]}
            }
        })
    },
    ..Structure::PLAIN
};

entity! {
    /// A delivery of an event to a webhook. Deliveries that are finished are kept for 30 days, the latest 100,000 at most.
    pub struct WebhookDelivery("webhook_delivery", "webhook-deliveries", "integration_webhook_deliveries", "Webhook delivery", "Webhook 投递") [] {
        /// The webhook.
        webhook_id: Option<Id> => reference("webhook").filled().server_set().indexed().label("Webhook", "Webhook 订阅"),
        /// The event. Its id is also sent as `webhook-id`, with every attempt.
        event_id: Option<Id> => record_id().filled().server_set().indexed().label("Event", "事件"),
        /// The type of the event.
        event_type: String => text(80).filled().server_set().label("Event type", "事件类型").example("customer.updated"),
        /// The object of the record.
        object: String => text(40).filled().server_set().label("Object", "对象").example("customer"),
        /// The record the event is about.
        record_id: Option<Id> => record_id().filled().server_set().indexed().label("Record", "记录").example("01890a5d-ac96-774b-bcce-b302099a8057"),
        /// The position of the event in the change feed: later events have higher ones.
        seq: i64 => integer(0, i64::MAX).filled().server_set().indexed().label("Position", "位置").example(4711),
        /// The position of the previous event of the same record for this webhook that was not skipped, as sent with the last attempt; null if there was none in the last 30 days.
        prev_seq: Option<i64> => integer(0, i64::MAX).server_set().label("Previous position", "前一位置").example(4702),
        /// `waiting` for its first or next attempt; `parked` behind an earlier event of its record that failed; `delivered`; `skipped`,
        /// because the record does not meet the filter or may not be read; `failed` after the last attempt.
        state: Option<WebhookDeliveryState> => choice(WebhookDeliveryState::choices()).filled().server_set().indexed().label("State", "状态").example("delivered"),
        /// The number of failed attempts since it was created, replayed or redelivered.
        failures: i64 => integer(0, i64::MAX).server_set().default(0).label("Failed attempts", "失败次数").example(0),
        /// When it is attempted next; null if it is not.
        next_attempt_at: Option<Timestamp> => datetime().server_set().indexed().label("Next attempt at", "下次尝试时间").example("2026-03-01T08:05:00.000Z"),
        /// When it was delivered.
        delivered_at: Option<Timestamp> => datetime().server_set().label("Delivered at", "投递时间").example("2026-03-01T08:00:01.000Z"),
        /// What was posted last. The body is not kept: whoever may read the event finds it in the change feed.
        request: Option<WebhookRequest> => structure(&REQUEST).server_set().opaque().label("Request", "请求"),
        /// The latest attempts, up to 20.
        attempts: Vec<WebhookAttempt> => structure(&ATTEMPTS).server_set().default(json!([])).opaque().label("Attempts", "尝试记录"),
    }
    extend |object| object
        .read_only()
        .titled("event_type")
        .relations([Relation { name: "webhook", target: "webhook", reach: Reach::ToOne { field: "webhook_id" } }])
}

/// The beginning of a text, of so many bytes at most, and whether there is more.
#[must_use]
pub fn beginning(text: &str) -> (String, bool) {
    let mut end = text.len().min(KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (text[..end].to_owned(), end < text.len())
}

/// What a webhook is sent when it is tried out.
#[must_use]
pub fn test_event(at: Timestamp) -> Value {
    json!({"type": "webhook.test", "timestamp": at.to_string(), "data": {"message": "A test of this webhook. 这是一次 Webhook 测试。"}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_spread_over_three_days() {
        let pauses: Vec<i64> = (1..).map_while(pause_after).collect();
        assert_eq!(pauses.len(), 9, "ten attempts");
        assert_eq!(pauses.iter().sum::<i64>(), 75 * 3_600 + 35 * 60 + 5);
        assert!(pauses.is_sorted());
    }

    #[test]
    fn a_beginning_ends_between_characters() {
        let long = format!("x{}", "中".repeat(2_000));
        let (kept, is_more) = beginning(&long);
        assert!(is_more && kept.len() <= KEPT_BYTES && kept.len() > KEPT_BYTES - 4);
        assert_eq!(beginning("中"), ("中".to_owned(), false));
    }
}
