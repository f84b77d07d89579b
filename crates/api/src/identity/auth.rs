//! Logging in: by a password, or with a one-time token that sets one.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header, post, web};
use farley_domain::{
    identity::{
        password,
        user::{User, UserStatus},
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::Hint,
        input::members,
        operand::Operand,
    },
    query::predicate::Predicate,
    values::{email, id::Id, time::Timestamp},
};
use farley_persistence::{Change, Origin, Reader, TenantKey, Work};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::session::{MAX_TOKEN, Session, TokenPair, no_store, open_session, user_origin};
use crate::{
    access::{
        state::{State, state_of},
        throttle::{self, Subject},
        tokens::{NO_TENANT, secret_hash},
        unrestricted::{Unrestricted, user_record, without_custom_fields},
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{OpenBody, client_address, limit_by_address, parameters, refuse_rest, request_id_of},
    },
    records::body::read_plain,
};

crate::body! {
    /// A user's credentials.
    pub struct LoginRequest {
        /// The e-mail address to log in with.
        email: String => text(254).required().hint(Hint::Email).example("admin@example.com"),
        /// The user's password.
        password: String => long_text(password::MAX_LENGTH).required().hint(Hint::Password).example("correct horse battery"),
        /// The short name of the tenant. Defaults to the default tenant.
        tenant: Option<String> => text(254).example("default"),
    }
    example json!({"email": "admin@example.com", "password": "correct horse battery"})
}

crate::body! {
    /// A new password, set with a one-time token.
    pub struct AcceptRequest {
        /// The token from an invitation or a password reset.
        token: String => long_text(MAX_TOKEN).required().example("ft_…"),
        // A password is taken as typed, but for the Unicode form: keyboards differ in how they compose a letter.
        /// At least 10 characters; common passwords are rejected.
        password: String => long_text(password::MAX_LENGTH).required().hint(Hint::NewPassword),
    }
    example Value::Null
}

/// Log in
///
/// A wrong password and an unknown e-mail address give the same response, after the same time. Failed attempts slow down
/// further attempts for the account and the IP address. While SQLite's disk is full or read-only, the session lasts as long as the
/// access token, without a refresh token.
#[utoipa::path(tag = "auth", operation_id = "login", request_body = LoginRequest, security(()),
    responses((status = 401, description = "The e-mail address or password is incorrect."), (status = 200, description = "Logged in.", body = TokenPair)))]
#[post("/v1/auth/login")]
pub async fn login(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    log_in(&request, &body.0).await
}

/// The longest member of a log-in as a form, in characters.
const MAX_MEMBER: usize = 1_000;

/// A log-in in OAuth 2.0 form.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `password`.
    #[schema(example = "password", max_length = 1_000)]
    grant_type: String,
    /// The e-mail address, optionally preceded by the tenant's short name: `acme/admin@acme.example.com`.
    #[schema(example = "admin@example.com", max_length = 1_000)]
    username: String,
    #[schema(format = "password", max_length = 1_000)]
    password: String,
    /// Accepted but ignored, as are client credentials.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    scope: Option<String>,
}

/// Log in, for OAuth 2.0 clients
///
/// The password grant of RFC 6749, for the documentation page and other standard OAuth clients: the same log-in, as a form.
#[utoipa::path(tag = "auth", operation_id = "requestToken", security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 401, description = "The e-mail address or password is incorrect."), (status = 200, description = "Logged in.", body = TokenPair)))]
#[post("/v1/auth/token")]
pub async fn oauth_token(request: HttpRequest, form: web::Form<TokenRequest>) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let scope = form.scope.as_deref().unwrap_or_default();
    for (name, value) in
        [("grant_type", form.grant_type.as_str()), ("username", &form.username), ("password", &form.password), ("scope", scope)]
    {
        if value.chars().count() > MAX_MEMBER {
            return Err(Fault::new(name, FaultCode::TooLong).with("max", MAX_MEMBER).into());
        }
    }
    if form.grant_type != "password" {
        return Err(Fault::new("grant_type", FaultCode::UnknownChoice).with("choices", "password").into());
    }
    let body = members().with(LoginRequest::password, form.password.as_str());
    let body = match form.username.split_once('/') {
        Some((tenant, email)) => body.with(LoginRequest::tenant, tenant.to_owned()).with(LoginRequest::email, email),
        None => body.with(LoginRequest::email, form.username.as_str()),
    };
    log_in(&request, &body.into_json()).await
}

async fn log_in(request: &HttpRequest, body: &Value) -> Result<HttpResponse, Problem> {
    let state = state_of(request)?;
    let now = clock::now();
    let form = read_plain::<LoginRequest>(body)?;
    let (typed, password) = (form.get(LoginRequest::email), form.get(LoginRequest::password).to_owned());
    let email = email::standardise(typed).unwrap_or_else(|_| typed.to_lowercase());
    let slug = form.get(LoginRequest::tenant).map(str::to_owned);
    let address = client_address(request).map(|address| address.to_string()).unwrap_or_default();
    let found = find_account(&state, slug, email.clone()).await?;
    let tenant = found.as_ref().map_or(NO_TENANT, |account| account.tenant);
    let subjects = [Subject::account(tenant.id, &email), Subject::address(&address)];
    throttle::check(&state.store, &subjects, now).await?;
    let hash = found.as_ref().and_then(|account| account.hash.as_deref());
    let turn = state.passwords.turn().await?;
    // The wait may have been long.
    let now = clock::now();
    match throttle::attempt(&state.store, &subjects, now).await {
        Err(problem) if problem.is_unwritable() => state.principals.unwritten.attempt(&subjects, now)?,
        counted => counted?,
    }
    let fits = turn.verify(&password, hash).await?;
    drop(turn);
    if !fits {
        match note_failure(&state, request, found.as_ref(), now).await {
            Err(problem) if problem.is_unwritable() => tracing::warn!("a failed log-in could not be noted"),
            noted => noted?,
        }
        metrics::counter!("farley_logins_failed_total").increment(1);
        return Err(Problem::new(Code::WrongCredentials));
    }
    let account = found.ok_or_else(|| Problem::new(Code::WrongCredentials))?;
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(|agent| agent.chars().take(300).collect::<String>());
    let session = Session { tenant, user: account.user, user_agent, address, request_id: request_id_of(request) };
    let tokens = open_session(&state, session, Some(subjects), now).await?;
    Ok(no_store(&tokens))
}

/// Tells the audit trail of a user of a log-in that failed. Of an unknown address there is nobody to tell, but the answer takes as long.
async fn note_failure(state: &State, request: &HttpRequest, found: Option<&Account>, now: Timestamp) -> Result<(), Problem> {
    let origin = Origin { request_id: Some(request_id_of(request)), ..Origin::system(now) };
    let (tenant, user) = (found.map_or(NO_TENANT, |account| account.tenant), found.map(|account| account.user));
    state
        .store
        .write::<_, Problem>(tenant, origin, move |work| {
            if let Some(user) = user {
                work.event(User::NAME, "login_failed", user, 0, Map::new(), &[]);
            }
            Ok(())
        })
        .await
}

struct Account {
    tenant: TenantKey,
    user: Id,
    hash: Option<String>,
}

/// The tenant of a short name; without one, the default tenant, or the only one there is.
pub fn tenant_of_slug(reader: &mut Reader<'_>, slug: Option<&str>) -> Result<Option<TenantKey>, Problem> {
    let row = match slug {
        Some(slug) => reader.tenant_by_slug(slug)?,
        None => match reader.tenant_by_slug("default")? {
            Some(row) => Some(row),
            None => Some(reader.tenants()?).filter(|tenants| tenants.len() == 1).and_then(|mut tenants| tenants.pop()),
        },
    };
    Ok(row.map(|row| TenantKey { id: row.id, number: row.number }))
}

/// The active user of this address; whoever is not active has no password to fit.
async fn find_account(state: &Arc<State>, slug: Option<String>, email: String) -> Result<Option<Account>, Problem> {
    state
        .store
        .read::<_, Problem>(NO_TENANT, move |reader| {
            let Some(tenant) = tenant_of_slug(reader, slug.as_deref())? else { return Ok(None) };
            reader.tenant = tenant;
            let Some(user) = reader.by_value(User::object(), User::email.field(), Operand::Text(email))? else { return Ok(None) };
            let active = crate::access::grants::asker_of(reader, user)?.is_some();
            let hash = if active { reader.password(user)? } else { None };
            Ok(Some(Account { tenant: reader.tenant, user, hash }))
        })
        .await
}

/// Set a password
///
/// Requires the one-time token from an invitation or a password reset. The user becomes active and is logged in; all other
/// sessions end.
#[utoipa::path(tag = "auth", operation_id = "acceptInvitation", request_body = AcceptRequest, security(()),
    responses((status = 200, description = "The password was set and the user is logged in.", body = TokenPair)))]
#[post("/v1/auth/accept")]
pub async fn accept(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let state = state_of(&request)?;
    let form = read_plain::<AcceptRequest>(&body.0)?;
    let (token, password) = (form.get(AcceptRequest::token), form.get(AcceptRequest::password));
    let (tenant, user) = set_password_by_token(&request, token, password).await?;
    let address = client_address(&request).map(|address| address.to_string()).unwrap_or_default();
    let session = Session { tenant, user, user_agent: None, address, request_id: request_id_of(&request) };
    Ok(no_store(&open_session(&state, session, None, clock::now()).await?))
}

/// Sets the password of the user whom a one-time token was given to, and ends every session they have. A user who was invited becomes
/// active.
pub async fn set_password_by_token(request: &HttpRequest, token: &str, password: &str) -> Result<(TenantKey, Id), Problem> {
    let state = state_of(request)?;
    let now = clock::now();
    let token = secret_hash(token);
    // Both bodies that set a password this way call their members alike.
    let unknown = || Problem::from(Fault::new(AcceptRequest::token.pointer(), FaultCode::NotFound));
    let lookup = token.clone();
    let (tenant, user, email) = state
        .store
        .read::<_, Problem>(NO_TENANT, move |reader| {
            let (tenant, user) = reader.password_token(&lookup, now)?.ok_or_else(unknown)?;
            let row = reader.tenant(tenant)?.ok_or_else(unknown)?;
            reader.tenant = TenantKey { id: tenant, number: row.number };
            let record = user_record(reader, user)?.filter(|user| !user.is_archived()).ok_or_else(unknown)?;
            Ok((reader.tenant, user, record.get(User::email).to_owned()))
        })
        .await?;
    check_strength(password, &email, &AcceptRequest::password.pointer())?;
    let hash = state.passwords.hash(password).await?;
    state
        .store
        .write::<_, Problem>(tenant, user_origin(user, request_id_of(request), now), move |work| {
            let schema = without_custom_fields(User::object());
            let loaded = work.load(&schema, &Unrestricted, user, &Predicate::all())?.ok_or_else(unknown)?;
            // The token may have been used in the meantime, and the user deactivated while a link was on its way.
            work.reader().password_token(&token, now)?.ok_or_else(unknown)?;
            let record = loaded.record.of::<User>();
            if record.is_archived() || record.get(User::status) == Some(UserStatus::Deactivated) {
                return Err(unknown());
            }
            let version = record.version();
            work.void_password_tokens(user)?;
            work.set_password(user, &hash)?;
            work.revoke_sessions(user, None)?;
            if record.get(User::status) == Some(UserStatus::Active) {
                work.event(User::NAME, "password_changed", user, version, Map::new(), &[]);
            } else {
                set_status(work, user, UserStatus::Active, "activated")?;
            }
            Ok(())
        })
        .await?;
    state.principals.forget();
    Ok((tenant, user))
}

/// Refuses a password that is too easy.
pub fn check_strength(password: &str, email: &str, pointer: &str) -> Result<(), Problem> {
    if password::is_strong(password, email) {
        Ok(())
    } else {
        Err(Problem::rule(Fault::new(pointer, FaultCode::WeakPassword).into()))
    }
}

/// Changes whether a user can log in.
pub fn set_status(work: &mut Work<'_>, user: Id, status: UserStatus, verb: &str) -> Result<(), Problem> {
    let schema = without_custom_fields(User::object());
    let loaded = work.load(&schema, &Unrestricted, user, &Predicate::all())?.ok_or_else(Problem::not_found)?;
    let mut record = loaded.record.clone();
    record.of_mut().set(User::status, status);
    work.update(&schema, &loaded, &mut record, &Change::new(verb))?;
    Ok(())
}
