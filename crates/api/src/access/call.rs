//! One request by a known caller.

use std::{pin::Pin, sync::Arc};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header};
use farley_domain::{
    identity::access::{Action, AskerView},
    model::{fault::Language, field::Field, object::Object},
    query::predicate::Predicate,
    values::time::Timestamp,
};
use farley_persistence::{Origin, TenantKey};

use super::{
    principal::Principal,
    state::{State, state_of},
};
use crate::http::{
    clock,
    problem::{Code, Problem},
    request::{client_tag_of, language_of, limit_by_address, request_id_of},
};

#[derive(Clone)]
pub struct Call {
    pub state: Arc<State>,
    pub principal: Arc<Principal>,
    pub language: Language,
    pub request_id: String,
    /// What the client gives along, to know its own echo in the log.
    pub client_tag: Option<String>,
    pub now: Timestamp,
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Call, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Call::of(&request).await })
    }
}

impl Call {
    /// The call of whoever sends a request.
    pub(super) async fn of(request: &HttpRequest) -> Result<Call, Problem> {
        let state = state_of(request)?;
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let principal = match state.principals.resolve(&state.store, &state.tokens, authorization).await {
            Ok(principal) => principal,
            Err(problem) => {
                // Who guesses credentials has none of their own to be counted against.
                limit_by_address(request)?;
                return Err(problem);
            }
        };
        Call::by(request, state, principal)
    }

    /// The call of a caller who is known.
    pub(super) fn by(request: &HttpRequest, state: Arc<State>, principal: Arc<Principal>) -> Result<Call, Problem> {
        let standing = state.limits.take(principal.credential.0.as_u128())?;
        request.extensions_mut().insert(standing);
        let span = tracing::Span::current();
        span.record("tenant", tracing::field::display(principal.key.id));
        span.record("user", tracing::field::display(principal.user_id()));
        let client_tag = client_tag_of(request)?;
        Ok(Call {
            client_tag,
            principal,
            language: language_of(request),
            request_id: request_id_of(request),
            now: clock::now(),
            state,
        })
    }

    /// Does what is asked for. What would be refused by what this node knows of the caller and of the tenant's fields is judged once more
    /// by what the database knows, if that is otherwise: another node may have changed it a moment ago.
    pub async fn judged<T, F>(self, work: impl Fn(Call) -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        // A store of one process has nobody else who could have.
        if self.state.store.is_of_one_process() {
            return work(self).await;
        }
        let problem = match work(self.clone()).await {
            Err(problem) if may_be_outdated(problem.code) => problem,
            answered => return answered,
        };
        match self.state.principals.anew(&self.state.store, &self.principal).await? {
            Some(principal) => work(Call { principal, ..self }).await,
            None => Err(problem),
        }
    }

    /// The same call by what the database knows of the caller now: for work that is refused part by part, of which [`Call::judged`] knows
    /// nothing.
    pub async fn anew(self) -> Result<Call, Problem> {
        if self.state.store.is_of_one_process() {
            return Ok(self);
        }
        match self.state.principals.anew(&self.state.store, &self.principal).await? {
            Some(principal) => Ok(Call { principal, ..self }),
            None => Ok(self),
        }
    }

    #[must_use]
    pub fn tenant(&self) -> TenantKey {
        self.principal.key
    }

    #[must_use]
    pub fn view(&self) -> AskerView<'_> {
        self.principal.view(self.now)
    }

    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin {
            actor: self.principal.actor.clone(),
            request_id: Some(self.request_id.clone()),
            now: self.now,
            cause: None,
            client_tag: self.client_tag.clone(),
        }
    }

    /// Which rows an action reaches, or the problem of not being permitted it at all.
    pub fn rows(&self, object: &'static Object, action: Action) -> Result<Predicate, Problem> {
        self.principal.asker.rows(object, action).ok_or_else(|| Problem::forbidden(action.as_str(), object.name))
    }

    /// Demands that none of the fields is hidden of which an answer consists.
    pub fn demand_fields(&self, object: &'static Object, fields: &[&Field]) -> Result<(), Problem> {
        match fields.iter().find(|field| !self.principal.asker.sees(object, field)) {
            Some(field) => Err(Problem::forbidden(Action::Read.as_str(), &format!("{}.{}", object.name, field.path()))),
            None => Ok(()),
        }
    }

    /// Demands a permission on all records of an object.
    pub fn demand_all(&self, object: &'static Object, action: Action) -> Result<(), Problem> {
        match self.principal.asker.grants.scope(object.name, action) {
            Some(farley_domain::identity::access::Scope::All) => Ok(()),
            Some(_) | None => Err(Problem::forbidden(action.as_str(), object.name)),
        }
    }
}

/// Whether a refusal may come of roles, teams, pools or fields that are known no longer, or not yet.
fn may_be_outdated(code: Code) -> bool {
    matches!(code, Code::InvalidRequest | Code::Forbidden | Code::BeyondHeld | Code::NotFound | Code::RuleViolated)
}
