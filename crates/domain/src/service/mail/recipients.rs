//! What became of a mail with each of those whom it goes to: a mail server may take it for some and refuse it for others.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::addresses;
use crate::{
    choices,
    model::{
        field::{Field, FieldType, Structure},
        value::{Members, list},
    },
    service::ticket_message::DeliveryState,
    values::time::Timestamp,
};

/// How many a mail goes to at most, with copies.
const MOST: usize = 2 * addresses::MOST;
/// The longest answer of a mail server that is kept, in characters.
const LONGEST: usize = 300;

choices! {
    /// How far a mail has come with one recipient.
    pub enum RecipientState {
        Queued "queued" "Queued" "等待发送",
        Sent "sent" "Sent" "已发送",
        Failed "failed" "Failed" "发送失败",
        Bounced "bounced" "Bounced" "被退回",
    }
}

/// One of those whom a mail goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailRecipient {
    pub address: String,
    pub state: RecipientState,
    /// What the mail server answered when it was last tried in vain.
    pub error: Option<String>,
    /// Whether it was refused for good; null if nothing was refused.
    pub permanent: Option<bool>,
    /// Since when it is so.
    pub at: Option<Timestamp>,
    /// The address that this one corrects.
    pub instead_of: Option<String>,
}

crate::structures! { MailRecipient }

/// What an attempt came to for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Taken,
    /// It is no use to try again.
    Refused(String),
    Later(String),
}

static FIELDS: LazyLock<[Field; 6]> = LazyLock::new(|| {
    [
        Field::new("address", FieldType::Email).required(),
        Field::new("state", FieldType::Choice(RecipientState::choices().into())).required(),
        Field::new("error", FieldType::Text { max: LONGEST }),
        Field::new("permanent", FieldType::Boolean),
        Field::new("at", FieldType::DateTime),
        Field::new("instead_of", FieldType::Email),
    ]
});

/// Those whom a mail goes to, each once.
pub static RECIPIENTS: Structure = Structure {
    name: "mail_recipients",
    accept: |value, standards| list(value, MOST, |item| Members::read(item, &*FIELDS, standards)?.finish()),
    schema: || {
        let states: Vec<String> = RecipientState::choices().into_iter().map(|choice| choice.value.into_owned()).collect();
        json!({
            "type": "array",
            "maxItems": MOST,
            "items": {
                "type": "object",
                "required": ["address", "state"],
                "additionalProperties": false,
                "properties": {
                    "address": {"type": "string", "format": "email", "description": "The address.", "examples": ["fang@example.cn"]},
                    "state": {"type": "string", "enum": states, "description": "`queued` until the mail server takes it for this recipient; then `sent`, `failed` if it did not, `bounced` if it was reported as undeliverable.", "examples": ["sent"]},
                    "error": {"type": ["string", "null"], "maxLength": LONGEST, "description": "What the mail server answered when it was last tried in vain.", "examples": ["permanent error (550): 5.1.1 no such user"]},
                    "permanent": {"type": ["boolean", "null"], "description": "Whether it was refused for good. If false, it is tried again until it is given up. Null if nothing was refused.", "examples": [true]},
                    "at": {"type": ["string", "null"], "format": "date-time", "description": "Since when it is so.", "examples": ["2026-03-01T08:00:03.000Z"]},
                    "instead_of": {"type": ["string", "null"], "format": "email", "description": "The address that this one corrects.", "examples": [null]}
                }
            }
        })
    },
    ..Structure::PLAIN
};

/// Whom to send a mail to again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resent {
    pub address: String,
    pub corrected_to: Option<String>,
}

crate::structures! { Resent }

static RESENT_FIELDS: LazyLock<[Field; 2]> =
    LazyLock::new(|| [Field::new("address", FieldType::Email).required(), Field::new("corrected_to", FieldType::Email)]);

/// Recipients to send to again, in the body of a request.
pub static RESENT: Structure = Structure {
    name: "resent_recipients",
    accept: |value, standards| list(value, MOST, |item| Members::read(item, &*RESENT_FIELDS, standards)?.finish()),
    schema: || {
        json!({
            "type": "array",
            "maxItems": MOST,
            "items": {
                "type": "object",
                "required": ["address"],
                "additionalProperties": false,
                "properties": {
                    "address": {"type": "string", "format": "email", "description": "The recipient, as in `recipients`.", "examples": ["fang@example.cn"]},
                    "corrected_to": {"type": ["string", "null"], "format": "email", "description": "The address to send to in its place from now on.", "examples": ["wang.fang@example.cn"]}
                }
            }
        })
    },
    ..Structure::PLAIN
};

impl MailRecipient {
    /// One who has not been tried.
    #[must_use]
    pub fn queued(address: &str) -> MailRecipient {
        MailRecipient {
            address: address.to_owned(),
            state: RecipientState::Queued,
            error: None,
            permanent: None,
            at: None,
            instead_of: None,
        }
    }

    /// Whether it has not reached them, and nobody is about to try again.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        match self.state {
            RecipientState::Failed | RecipientState::Bounced => true,
            RecipientState::Queued | RecipientState::Sent => false,
        }
    }

    /// Puts it down as queued once more.
    pub fn queue_again(&mut self, now: Timestamp) {
        *self = MailRecipient { at: Some(now), instead_of: self.instead_of.take(), ..MailRecipient::queued(&self.address) };
    }

    /// Notes what an attempt came to, after which no other follows if it was the last.
    pub fn note(&mut self, told: Told, is_last: bool, now: Timestamp) {
        if self.state == RecipientState::Bounced {
            // The report on it was quicker.
            return;
        }
        let (state, error, permanent) = match told {
            Told::Taken => (RecipientState::Sent, None, None),
            Told::Refused(reason) => (RecipientState::Failed, Some(reason), Some(true)),
            Told::Later(reason) if is_last => (RecipientState::Failed, Some(reason), Some(false)),
            Told::Later(reason) => (RecipientState::Queued, Some(reason), Some(false)),
        };
        let error = error.map(|reason| reason.chars().take(LONGEST).collect());
        // What is told again is not new.
        if (self.state, &self.error) != (state, &error) {
            self.at = Some(now);
        }
        (self.state, self.error, self.permanent) = (state, error, permanent);
    }
}

/// Whom to try: those who wait; else, where a job that was given up is done again by hand, those who were not refused for good.
#[must_use]
pub fn pending(recipients: &[MailRecipient]) -> Vec<String> {
    let those = |state, is_for_good: Option<bool>| -> Vec<String> {
        let own = recipients.iter().filter(|one| one.state == state && (is_for_good.is_none() || one.permanent == is_for_good));
        own.map(|one| one.address.clone()).collect()
    };
    let queued = those(RecipientState::Queued, None);
    if queued.is_empty() { those(RecipientState::Failed, Some(false)) } else { queued }
}

/// How far a mail has come with all of them together.
#[must_use]
pub fn together(recipients: &[MailRecipient]) -> DeliveryState {
    let any = |state| recipients.iter().any(|one| one.state == state);
    if any(RecipientState::Queued) {
        return DeliveryState::Queued;
    }
    match (any(RecipientState::Sent), any(RecipientState::Failed), any(RecipientState::Bounced)) {
        (true, false, false) | (false, false, false) => DeliveryState::Sent,
        (true, _, _) => DeliveryState::PartlyFailed,
        (false, true, _) => DeliveryState::Failed,
        (false, false, true) => DeliveryState::Bounced,
    }
}

/// Why it has not reached all of them: a reason that all have in common alone, others with their addresses.
#[must_use]
pub fn reasons(recipients: &[MailRecipient]) -> Option<String> {
    let told: Vec<(&str, &str)> =
        recipients.iter().filter_map(|one| Some((one.address.as_str(), one.error.as_deref()?))).collect();
    let (_, first) = told.first()?;
    if told.len() == recipients.len() && told.iter().all(|(_, reason)| reason == first) {
        return Some((*first).to_owned());
    }
    Some(told.iter().map(|(address, reason)| format!("{address}: {reason}")).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(1_772_352_000_000).plus_seconds(seconds)
    }

    fn told() -> impl Strategy<Value = Told> {
        prop_oneof![Just(Told::Taken), Just(Told::Refused("550".to_owned())), Just(Told::Later("451".to_owned()))]
    }

    proptest! {
        /// Whatever a server answers to each, whoever it took it for is never tried again, whoever it refused for good is not either, the
        /// others are until the last attempt, and the state of the whole is what the parts come to.
        #[test]
        fn each_is_tried_until_it_is_decided(answers in prop::collection::vec(prop::collection::vec(told(), 1..6), 1..6)) {
            let names: Vec<String> = (0..answers.len()).map(|number| format!("r{number}@example.cn")).collect();
            let mut recipients: Vec<MailRecipient> = names.iter().map(|name| MailRecipient::queued(name)).collect();
            let last = 5;
            let mut tried = vec![Vec::new(); names.len()];
            for attempt in 0..=last {
                let waiting = pending(&recipients);
                if together(&recipients) != DeliveryState::Queued {
                    break;
                }
                for (place, name) in names.iter().enumerate() {
                    if !waiting.contains(name) {
                        continue;
                    }
                    let answer = answers[place].get(attempt).cloned().unwrap_or(Told::Later("still".to_owned()));
                    tried[place].push(answer.clone());
                    recipients[place].note(answer, attempt == last, at(0));
                }
            }
            for (one, tried) in recipients.iter().zip(&tried) {
                let (end, before) = tried.split_last().unwrap();
                prop_assert!(before.iter().all(|told| matches!(told, Told::Later(_))));
                let expected = match end {
                    Told::Taken => (RecipientState::Sent, None),
                    Told::Refused(_) => (RecipientState::Failed, Some(true)),
                    Told::Later(_) => (RecipientState::Failed, Some(false)),
                };
                prop_assert_eq!((one.state, one.permanent), expected);
                prop_assert!(matches!(end, Told::Taken | Told::Refused(_)) || tried.len() == last + 1);
            }
            let sent = recipients.iter().filter(|one| one.state == RecipientState::Sent).count();
            let whole = match sent {
                0 => DeliveryState::Failed,
                all if all == recipients.len() => DeliveryState::Sent,
                _ => DeliveryState::PartlyFailed,
            };
            prop_assert_eq!(together(&recipients), whole);
            prop_assert_eq!(reasons(&recipients).is_some(), sent < recipients.len());
        }
    }

    #[test]
    fn reasons_are_told_once() {
        let mut two = [MailRecipient::queued("a@x.cn"), MailRecipient::queued("b@x.cn")];
        assert_eq!(reasons(&two), None);
        for one in &mut two {
            one.note(Told::Later("no connection".to_owned()), false, at(0));
        }
        assert_eq!(reasons(&two).as_deref(), Some("no connection"));
        two[0].note(Told::Taken, false, at(5));
        assert_eq!(reasons(&two).as_deref(), Some("b@x.cn: no connection"));
        two[1].note(Told::Later("no connection".to_owned()), false, at(9));
        assert_eq!((two[0].at, two[1].at), (Some(at(5)), Some(at(0))), "since when it is so");
        two[1].note(Told::Later("no connection".to_owned()), true, at(10));
        assert_eq!((together(&two), pending(&two)), (DeliveryState::PartlyFailed, vec!["b@x.cn".to_owned()]));
        two[1].queue_again(at(11));
        assert_eq!((together(&two), &two[1].error), (DeliveryState::Queued, &None));
    }
}
