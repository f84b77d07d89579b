//! What every write leaves in the log, in its own transaction: who did it, and what changed.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    fault::{Fault, FaultCode, unknown},
    registry,
};
use crate::values::id::Id;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    pub kind: ActorKind,
    /// The user, or none for the system.
    pub user_id: Option<Id>,
    /// The API key used, if one was.
    pub api_key_id: Option<Id>,
    /// The contact, if it was done in a customer portal.
    pub contact_id: Option<Id>,
}

impl Actor {
    /// Farley itself.
    pub const SYSTEM: Actor = Actor { kind: ActorKind::System, user_id: None, api_key_id: None, contact_id: None };

    /// A contact in a customer portal.
    #[must_use]
    pub fn contact(id: Id) -> Actor {
        Actor { kind: ActorKind::Contact, contact_id: Some(id), ..Actor::SYSTEM }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    User,
    ApiKey,
    Contact,
    System,
}

crate::choices! {
    /// What made somebody, or Farley itself, do something.
    pub enum CauseKind {
        Rule "rule" "Rule" "自动化规则",
        Macro "macro" "Macro" "宏",
        Import "import" "Import" "导入",
        Channel "channel" "Channel" "渠道",
    }
}

/// What made somebody, or Farley itself, do something: where a change comes from that nobody made by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    pub kind: CauseKind,
    /// The rule, macro, import or channel.
    pub id: Id,
    /// How many rules stand behind each other up to here: 1 where a rule did what a person set off.
    pub depth: i64,
}

/// What background jobs are called in events, though they are no records of an object.
pub const JOB: &str = "job";

/// What happens to records of any object.
const COMMON: &[&str] = &["created", "updated", "archived", "restored"];

/// What happens to some, by object.
const PARTICULAR: &[(&str, &[&str])] = &[
    ("article", &["published", "sent_back", "submitted", "voted", "withdrawn"]),
    ("article_version", &["ended"]),
    ("channel", &["secret_rotated"]),
    ("cadence_enrolment", &["step_made", "paused", "resumed", "stopped", "finished"]),
    ("contact", &["entered_segment", "left_segment", "signed_in", "signed_out"]),
    ("customer", &["assigned", "claimed", "entered_segment", "left_segment", "released", "recalled", "recall_warned"]),
    ("customer_value", &["recompute_requested", "settings_changed"]),
    ("import", &["progressed", "finished", "failed"]),
    ("export", &["progressed", "finished", "failed", "expired"]),
    ("help_center", &["token_rotated"]),
    ("job", &["retried"]),
    (
        "lead",
        &[
            "assigned",
            "answered_again",
            "claimed",
            "contacted",
            "converted",
            "disqualified",
            "entered_segment",
            "left_segment",
            "qualified",
            "recall_warned",
            "recalled",
            "released",
            "reopened",
            "status_changed",
            "waiting_too_long",
        ],
    ),
    ("file", &["linked", "moved", "scanned"]),
    ("lead_form", &["token_rotated"]),
    ("notification", &["read"]),
    ("opportunity", &["entered_segment", "left_segment", "stage_changed"]),
    ("order", &["status_changed"]),
    ("portal", &["token_rotated"]),
    ("segment", &["members_changed", "refreshed"]),
    ("setting", &["deleted"]),
    ("survey_response", &["answered", "changed", "linked", "mailed"]),
    (
        "ticket",
        &[
            "assigned",
            "customer_replied",
            "merge_undone",
            "merged",
            "rated",
            "replied",
            "sla_breached",
            "sla_warned",
            "split",
            "status_changed",
        ],
    ),
    ("ticket_merge", &["undone"]),
    ("ticket_message", &["bounced", "delivered", "failed", "moved", "partly_failed", "read", "resent", "sent"]),
    ("task", &["cancelled", "completed", "delegated", "reopened"]),
    (
        "user",
        &[
            "activated",
            "calendar_feed_made",
            "calendar_feed_revoked",
            "deactivated",
            "handed_over",
            "logged_in",
            "logged_out",
            "login_failed",
            "notification_preferences_changed",
            "notifications_read",
            "password_changed",
            "password_reset_issued",
            "session_ended",
            "session_reuse_detected",
        ],
    ),
    ("webhook", &["disabled", "paused", "redelivered", "replayed", "resumed", "secret_rotated"]),
    (
        "work_order",
        &[
            "cancelled",
            "cannot_complete",
            "checked_in",
            "checked_out",
            "completed",
            "departed",
            "reopened",
            "scheduled",
            "unscheduled",
        ],
    ),
];

/// The verbs of an object's events.
pub fn verbs(object: &str) -> impl Iterator<Item = &'static str> {
    let own = PARTICULAR.iter().find(|(known, _)| *known == object).map_or(&[][..], |(_, verbs)| *verbs);
    COMMON.iter().chain(own).copied()
}

/// What is wrong with the type of an event that is asked for: nobody waits in vain for one that there is not.
#[must_use]
pub fn unknown_type(pointer: String, name: &str) -> Option<Fault> {
    let known = name.split_once('.').is_some_and(|(object, verb)| {
        (object == JOB || registry::subjects().any(|known| known.name == object)) && verbs(object).any(|known| known == verb)
    });
    if known {
        return None;
    }
    let objects = registry::subjects().map(|object| object.name);
    let known: Vec<String> = objects.flat_map(|object| verbs(object).map(move |verb| format!("{object}.{verb}"))).collect();
    let fault = unknown(pointer, FaultCode::UnknownChoice, name, known.iter().map(String::as_str));
    // There are too many to list.
    Some(fault.with("choices", "object.created, object.updated …"))
}

/// Stands before the values of a new record, which no field is called: that each was null before goes without saying, and would be
/// stored with every record there is.
const NEW: &str = "+";

/// The changes of a new record as they are stored: its values, once.
#[must_use]
pub fn of_new(values: Map<String, Value>) -> Map<String, Value> {
    Map::from_iter([(NEW.to_owned(), Value::Object(values))])
}

/// Reads stored changes: `{field: {"from", "to"}}`.
pub fn changes(stored: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let mut changes: Map<String, Value> = serde_json::from_str(stored)?;
    let values = changes.shift_remove(NEW).and_then(|values| match values {
        Value::Object(values) => Some(values),
        _ => None,
    });
    changes.extend(values.into_iter().flatten().map(|(name, to)| (name, json!({"from": null, "to": to}))));
    Ok(changes)
}

/// The text that a field has after a change, if it is one and has changed.
#[must_use]
pub fn text_after(stored: &str, field: &str) -> Option<String> {
    let change = changes(stored).ok()?.shift_remove(field)?;
    change["to"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_new_record_are_stored_once_and_read_as_changes() {
        let values = Map::from_iter([("name".to_owned(), json!("华为")), ("custom.tier".to_owned(), json!("gold"))]);
        let stored = Value::Object(of_new(values)).to_string();
        assert_eq!(stored, r#"{"+":{"name":"华为","custom.tier":"gold"}}"#);
        let read = Value::Object(changes(&stored).unwrap());
        assert_eq!(read, json!({"name": {"from": null, "to": "华为"}, "custom.tier": {"from": null, "to": "gold"}}));
    }

    #[test]
    fn changes_of_a_known_record_are_read_as_they_are() {
        let stored = r#"{"name":{"from":"A","to":"B"}}"#;
        assert_eq!(Value::Object(changes(stored).unwrap()).to_string(), stored);
    }
}
