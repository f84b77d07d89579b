//! Posting: a message is signed and sent, and what came of it is told.

use std::time::Instant;

use ed25519_dalek::{Signer, SigningKey};
use farley_domain::{
    integration::{
        signature,
        webhook::{Webhook, WebhookSignature},
        webhook_delivery::{WebhookAttempt, WebhookRequest, beginning},
    },
    model::record::Record,
};

use super::secret_of;
use crate::{
    access::state::State,
    http::{clock, outgoing::Unanswered, problem::Problem},
};

/// The longest reason that is kept, in characters.
const REASON: usize = 500;

/// An attempt that was made.
pub struct Posted {
    pub request: WebhookRequest,
    pub attempt: WebhookAttempt,
    /// After how many seconds to come back, if the endpoint says so.
    pub retry_after: Option<i64>,
}

impl Posted {
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.attempt.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the endpoint wants nothing any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.attempt.status == Some(410)
    }
}

/// Signs a message and posts it; `key` is that of the tenant.
pub async fn post(state: &State, webhook: &Record<Webhook>, key: &[u8], id: &str, body: Vec<u8>) -> Result<Posted, Problem> {
    let (now, begun) = (clock::now(), Instant::now());
    let secrets = secret_of(webhook).all(key, now)?;
    let headers = match webhook.get(Webhook::signature) {
        Some(WebhookSignature::V1a) => {
            let keys = secrets.iter().map(|secret| private_key(secret)).collect::<Result<Vec<_>, _>>()?;
            let sign = |signed: &[u8]| keys.iter().map(|key| key.sign(signed).to_bytes().to_vec()).collect();
            signature::public_headers(sign, id, now, &body)
        }
        Some(WebhookSignature::V1) | None => signature::headers(&secrets, id, now, &body),
    };
    let url = webhook.get(Webhook::url);
    let request = WebhookRequest {
        url: url.to_owned(),
        webhook_id: id.to_owned(),
        webhook_timestamp: headers[1].1.clone(),
        bytes: i64::try_from(body.len()).unwrap_or(i64::MAX),
    };
    let answer = state.outgoing()?.post(url, headers, body).await;
    let milliseconds = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    let attempt = WebhookAttempt { at: now, milliseconds, status: None, error: None, answer: None };
    Ok(match answer {
        Ok(answer) => {
            let text: String = String::from_utf8_lossy(&answer.body).chars().filter(|c| *c != '\0').collect();
            let (kept, _) = beginning(&text);
            let attempt = WebhookAttempt { status: Some(answer.status), answer: Some(kept), ..attempt };
            Posted { request, attempt, retry_after: answer.retry_after }
        }
        Err(Unanswered::Blocked(reason) | Unanswered::Unreached(reason)) => {
            let error = Some(reason.chars().filter(|c| !c.is_control()).take(REASON).collect());
            Posted { request, attempt: WebhookAttempt { error, ..attempt }, retry_after: None }
        }
    })
}

/// The public key to a secret that serves as a private one.
pub fn public_key(secret: &[u8]) -> Result<Vec<u8>, Problem> {
    Ok(private_key(secret)?.verifying_key().to_bytes().to_vec())
}

fn private_key(secret: &[u8]) -> Result<SigningKey, Problem> {
    let seed = secret.try_into().map_err(|_| Problem::internal("a secret of 32 bytes"))?;
    Ok(SigningKey::from_bytes(seed))
}
