//! The one way to write over HTTP: permission and rules inside one unit of work, its answer kept under the request's
//! `Idempotency-Key` in the same transaction, and nothing kept when the request only asks for validation.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use farley_domain::{
    model::fault::{Fault, FaultCode},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{IdempotencyRow, StoreError, Work};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{operations::location, unkept::Unkept};
use crate::{
    access::{call::Call, turns::Turn},
    http::{
        problem::{Code, Problem},
        request::{parameters, refuse_rest, take_flag},
    },
};

/// How long an answer is kept for a repeated request, in seconds.
const KEPT_SECONDS: i64 = 24 * 3600;

/// The answer of a write.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// `ETag`, `Location`.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// What a repeated request gets instead of the body, where that shows a secret once only.
    pub replayed_body: Option<String>,
}

impl Answer {
    #[must_use]
    pub fn no_content() -> Answer {
        Answer { status: 204, headers: Vec::new(), body: String::new(), replayed_body: None }
    }

    pub fn json(status: u16, body: &impl serde::Serialize) -> Result<Answer, Problem> {
        Ok(Answer { status, headers: Vec::new(), body: serde_json::to_string(body)?, replayed_body: None })
    }

    /// One record: with its version as `ETag`, and where it is, if it is new.
    pub fn record(status: u16, row: &farley_persistence::Row) -> Result<Answer, Problem> {
        let mut body = Vec::new();
        row.write_json(&mut body)?;
        let body = String::from_utf8(body).map_err(|error| StoreError::Internal(error.to_string()))?;
        let mut answer = Answer { status, headers: Vec::new(), body, replayed_body: None };
        answer.headers.push(("ETag".to_owned(), etag(row.version())));
        if status == 201 {
            let object = row.layout.schema.object;
            let parent = object.parent.and_then(|parent| row.cell(parent.field)?.as_id());
            answer.headers.push(("Location".to_owned(), location(object, parent, row.id())));
        }
        Ok(answer)
    }

    fn respond(self, replayed: bool) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        for (name, value) in self.headers {
            response.insert_header((name, value));
        }
        if replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        if self.status == 204 {
            return response.finish();
        }
        response.content_type("application/json").body(self.body)
    }
}

/// The ETag of a version.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// What every write may be asked for beside its own parameters.
#[derive(Clone)]
pub struct Mutation {
    key: Option<IdempotencyKey>,
    validate_only: bool,
    /// Of those who would wait for each other, one is at it at a time.
    turn: Option<Turn>,
}

/// The key under which an answer is kept, and what the request that brought it asked for.
#[derive(Clone)]
struct IdempotencyKey {
    key: String,
    request_hash: Vec<u8>,
}

impl Mutation {
    /// Reads the header and takes `validate_only` out of the parameters. `body` is what the request asks for.
    pub fn of(request: &HttpRequest, parameters: &mut Vec<(String, String)>, body: &Value) -> Result<Mutation, Problem> {
        let validate_only = take_flag(parameters, "validate_only")?;
        let key = idempotency_key(request)?.map(|key| IdempotencyKey { key, request_hash: hash(request, body) });
        Ok(Mutation { key, validate_only, turn: None })
    }

    /// Of a question that is posted: it writes nothing, so that what a write may be asked for is only looked at.
    pub fn nothing(request: &HttpRequest, body: &Value) -> Result<(), Problem> {
        refuse_rest(&Mutation::of_question(request, body)?, &["validate_only"])
    }

    /// The same of a question with parameters of its own, which are answered.
    pub fn of_question(request: &HttpRequest, body: &Value) -> Result<Vec<(String, String)>, Problem> {
        let mut parameters = parameters(request)?;
        Mutation::of(request, &mut parameters, body)?;
        Ok(parameters)
    }

    /// Whether it is only asked whether it could be done.
    #[must_use]
    pub fn validates_only(&self) -> bool {
        self.validate_only
    }

    /// Whether the request may repeat one that has been answered.
    #[must_use]
    pub fn may_be_repeated(&self) -> bool {
        self.key.is_some()
    }

    /// Whether nothing is to be kept.
    #[must_use]
    pub fn only_validates(&self) -> bool {
        self.validate_only
    }

    /// The same, with nothing kept whatever the request says.
    #[must_use]
    pub fn only_validating(self) -> Mutation {
        Mutation { validate_only: true, ..self }
    }

    /// The same, with each part in its turn.
    #[must_use]
    pub fn in_turn(self, turn: Option<Turn>) -> Mutation {
        Mutation { turn, ..self }
    }

    /// Does work of which each part is kept by itself, so that it holds up nobody for as long as all of it takes; and answers at the end.
    /// What a part came to is kept under the request's key in the transaction of the part: a request that is repeated after it broke off
    /// goes on where it was, and tells of all parts what became of them.
    pub async fn run_in_parts<P, T>(
        self,
        call: &Call,
        parts: Vec<P>,
        work: impl Fn(&mut Work<'_>, &P) -> Result<T, Problem> + Send + Sync + 'static,
        end: impl Fn(&mut Work<'_>, &[T]) -> Result<Answer, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem>
    where
        P: Send + Sync + 'static,
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let (credential, now) = (call.principal.credential, call.now);
        if let Some(key) = self.key.clone() {
            let earlier = call
                .state
                .store
                .write::<_, Problem>(call.tenant(), call.origin(), move |unit| key.earlier(unit, credential, now));
            if let Some(answer) = earlier.await? {
                return Ok(answer.respond(true));
            }
        }
        let (work, validate_only) = (Arc::new(work), self.validate_only);
        let keys: Vec<IdempotencyKey> = self.key.iter().flat_map(|key| key.of_parts(parts.len())).collect();
        let mut done = Vec::with_capacity(parts.len());
        for (place, part) in parts.into_iter().enumerate() {
            let (work, key) = (Arc::clone(&work), keys.get(place).cloned());
            let _turn = match &self.turn {
                Some(turn) => Some(turn.lock().await),
                None => None,
            };
            let written = call.state.store.write::<_, Unkept<T>>(call.tenant(), call.origin(), move |unit| {
                if let Some(key) = &key
                    && let Some(earlier) = key.earlier(unit, credential, now)?
                {
                    return Ok(serde_json::from_str(&earlier.body).map_err(Problem::from)?);
                }
                let value = work(unit, &part)?;
                if validate_only {
                    return Err(Unkept::Undone(value));
                }
                if let Some(key) = &key {
                    key.remember(unit, credential, &Answer::json(200, &value)?, now)?;
                }
                Ok(value)
            });
            match written.await {
                Ok(value) | Err(Unkept::Undone(value)) => done.push(value),
                Err(Unkept::Problem(problem)) => return Err(problem),
            }
        }
        self.run(call, move |unit| {
            // The answer as a whole is kept from here on.
            for key in &keys {
                unit.forget_answer(credential, &key.key)?;
            }
            end(unit, &done)
        })
        .await
    }

    /// Does the work and answers.
    pub async fn run(
        self,
        call: &Call,
        work: impl Fn(&mut Work<'_>) -> Result<Answer, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let (credential, now) = (call.principal.credential, call.now);
        let written = call
            .state
            .store
            .write::<_, Unkept<Answer>>(call.tenant(), call.origin(), move |unit| {
                if let Some(key) = &self.key
                    && let Some(answer) = key.earlier(unit, credential, now)?
                {
                    return Ok((answer, true));
                }
                let answer = work(unit)?;
                if self.validate_only {
                    return Err(Unkept::Undone(answer));
                }
                if let Some(key) = &self.key {
                    key.remember(unit, credential, &answer, now)?;
                }
                Ok((answer, false))
            })
            .await;
        match written {
            Ok((answer, replayed)) => Ok(answer.respond(replayed)),
            Err(Unkept::Undone(mut answer)) => {
                // Nothing was written, so nothing is anywhere.
                answer.headers.retain(|(name, _)| name != "Location" && name != "ETag");
                answer.status = if answer.status == 201 { 200 } else { answer.status };
                answer.body = answer.replayed_body.take().unwrap_or(answer.body);
                Ok(answer.respond(false))
            }
            Err(Unkept::Problem(problem)) => Err(problem),
        }
    }
}

impl IdempotencyKey {
    /// Keys for the parts of a request. No header can hold a line break, so that no client has sent such a key.
    fn of_parts(&self, count: usize) -> impl Iterator<Item = IdempotencyKey> {
        (0..count).map(|place| IdempotencyKey { key: format!("{}\n{place}", self.key), ..self.clone() })
    }

    /// The answer that a request with this key got before.
    fn earlier(&self, unit: &mut Work<'_>, credential: Id, now: Timestamp) -> Result<Option<Answer>, Problem> {
        if !unit.claim_key(credential, &self.key)? {
            return Err(Problem::new(Code::StillRunning).retry_after(1));
        }
        let Some(row) = unit.reader().idempotent_answer(credential, &self.key)? else { return Ok(None) };
        if row.created_at < now.plus_seconds(-KEPT_SECONDS) {
            unit.forget_answer(credential, &self.key)?;
            return Ok(None);
        }
        if row.request_hash != self.request_hash {
            return Err(Problem::new(Code::KeyReused));
        }
        let headers = serde_json::from_str(&row.headers)?;
        let status = u16::try_from(row.status).unwrap_or(200);
        Ok(Some(Answer { status, headers, body: row.body, replayed_body: None }))
    }

    fn remember(&self, unit: &mut Work<'_>, credential: Id, answer: &Answer, now: Timestamp) -> Result<(), Problem> {
        let row = IdempotencyRow {
            tenant_id: unit.tenant().id,
            credential_id: credential,
            key: self.key.clone(),
            request_hash: self.request_hash.clone(),
            status: i64::from(answer.status),
            headers: json!(answer.headers).to_string(),
            body: answer.replayed_body.clone().unwrap_or_else(|| answer.body.clone()),
            created_at: now,
        };
        Ok(unit.remember_answer(&row)?)
    }
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Fault> {
    let Some(key) = request.headers().get("Idempotency-Key") else { return Ok(None) };
    let fault = |code| Fault::new("Idempotency-Key", code);
    let key = key.to_str().map_err(|_| fault(FaultCode::InvalidCharacter))?.trim();
    match key.len() {
        0 => Err(fault(FaultCode::Blank)),
        1..=255 => Ok(Some(key.to_owned())),
        _ => Err(fault(FaultCode::TooLong).with("max", 255)),
    }
}

/// What a request asks for, so that the same key with another request is noticed.
fn hash(request: &HttpRequest, body: &Value) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for part in [request.method().as_str(), "\n", request.path(), "\n", request.query_string(), "\n"] {
        hasher.update(part);
    }
    hasher.update(body.to_string());
    hasher.finalize().to_vec()
}

/// The header that names a version, read for a write.
#[must_use]
pub fn if_match(request: &HttpRequest) -> Option<crate::records::versions::Versions> {
    crate::records::versions::Versions::of(request, header::IF_MATCH)
}
