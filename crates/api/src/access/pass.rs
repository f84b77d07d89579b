//! How a stream is opened: by the header of other requests or, as browsers' event sources send none, by a ticket that opens one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{HttpRequest, http::header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::values::{id::Id, time::Timestamp};
use farley_persistence::{Origin, StreamTicketRow};

use super::{
    call::Call,
    principal::{Credential, Principal, read_authorization},
    state::{State, state_of},
    tokens::{NO_TENANT, secret_hash},
};
use crate::http::{
    clock,
    problem::{Code, Problem},
    request::limit_by_address,
};

/// How long a ticket is good for, in seconds.
pub const SECONDS: i64 = 60;

/// How many streams one session or key has open at a node.
const MOST_OPEN: usize = 100;

/// How many streams each session and each key has open.
#[derive(Default)]
pub struct Open(Mutex<HashMap<Id, usize>>);

/// One of them.
pub struct Counted(Arc<State>, Id);

impl Counted {
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.0
    }

    pub fn begin(state: &Arc<State>, credential: Id) -> Result<Counted, Problem> {
        let mut open = state.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(credential).or_default();
        if *count >= MOST_OPEN {
            return Err(Problem::new(Code::TooManyStreams).with("max", MOST_OPEN));
        }
        *count += 1;
        Ok(Counted(Arc::clone(state), credential))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.0.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// By what a stream was opened.
pub struct Pass {
    credential: Credential,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

impl Pass {
    /// Who opens a stream: with a ticket if they give one.
    pub async fn of(request: &HttpRequest, ticket: Option<&str>) -> Result<(Call, Pass), Problem> {
        let state = state_of(request)?;
        let Some(ticket) = ticket else {
            let call = Call::of(request).await?;
            let pass = Pass::presented(request, &state).await?;
            return Ok((call, pass));
        };
        // Who guesses tickets has no credential to be counted against.
        limit_by_address(request)?;
        let refused = || Problem::new(Code::Unauthorized);
        let hash = secret_hash(ticket);
        let taking = state
            .store
            .write::<_, Problem>(NO_TENANT, Origin::system(clock::now()), move |work| Ok(work.take_stream_ticket(&hash)?));
        let row = taking.await?.ok_or_else(refused)?;
        let credential = match (row.session_id, row.key_hash) {
            (Some(session), _) => Credential::Session { tenant: row.tenant_id, session },
            (None, Some(hash)) => Credential::ApiKey { hash },
            (None, None) => return Err(refused()),
        };
        let pass = Pass { credential, until: row.holds_until };
        let principal = pass.holder(&state).await?;
        Ok((Call::by(request, state, principal)?, pass))
    }

    async fn presented(request: &HttpRequest, state: &State) -> Result<Pass, Problem> {
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (credential, until) = read_authorization(&state.store, &state.tokens, authorization).await?;
        Ok(Pass { credential, until })
    }

    /// Who holds it, with what they may do by now; an error once it has expired or is revoked.
    pub async fn holder(&self, state: &State) -> Result<Arc<Principal>, Problem> {
        if self.until.is_some_and(|until| until <= clock::now()) {
            return Err(Problem::new(Code::TokenExpired));
        }
        state.principals.of(&state.store, self.credential.clone()).await
    }
}

/// A new ticket for whoever sends a request: what it is kept as, and what it is.
pub async fn make(call: &Call, request: &HttpRequest) -> Result<(StreamTicketRow, String), Problem> {
    let pass = Pass::presented(request, &call.state).await?;
    let ticket = format!("ft_{}", BASE64_URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>()));
    let (session_id, key_hash) = match pass.credential {
        Credential::Session { session, .. } => (Some(session), None),
        Credential::ApiKey { hash } => (None, Some(hash)),
    };
    let row = StreamTicketRow {
        tenant_id: call.tenant().id,
        token_hash: secret_hash(&ticket),
        session_id,
        key_hash,
        holds_until: pass.until,
        expires_at: call.now.plus_seconds(SECONDS),
    };
    Ok((row, ticket))
}
