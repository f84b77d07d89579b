//! Logging in and out: access tokens of 15 minutes, refresh tokens that rotate, sessions that end when one comes back.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header, post, web};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
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
use farley_persistence::{Change, Origin, RotationRow, SessionRow, TenantKey, Work};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    access::{
        state::{State, state_of},
        throttle::{self, Subject},
        tokens::{ACCESS_SECONDS, NO_TENANT, new_secret, secret_hash},
        unrestricted::{Unrestricted, user_record, without_custom_fields},
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{OpenBody, client_address, limit_by_address, parameters, refuse_rest, request_id_of},
    },
    records::body::read_plain,
};

/// How long a session lasts without being used, in seconds.
const SESSION_SECONDS: i64 = 30 * 24 * 3600;

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

/// Tokens of a session.
#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// How long the access token is valid, in seconds.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Valid for one refresh; using it again after `FARLEY_REFRESH_LEEWAY` ends the session.
    pub refresh_token: String,
    /// How long the refresh token is valid, in seconds.
    #[schema(example = 2_592_000)]
    pub refresh_expires_in: i64,
}

crate::body! {
    /// A refresh token.
    pub struct RefreshRequest {
        /// The token returned by the last log-in or refresh.
        refresh_token: String => long_text(MAX_TOKEN).required().example("fr_0190…"),
    }
    example Value::Null
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

/// The longest token that is read, in characters.
const MAX_TOKEN: usize = 4_000;

/// Log in
///
/// A wrong password and an unknown e-mail address give the same response, after the same time. Failed attempts slow down
/// further attempts for the account and the IP address.
#[utoipa::path(tag = "auth", operation_id = "login", request_body = LoginRequest, security(()),
    responses((status = 401, description = "The e-mail address or password is incorrect."), (status = 200, description = "Logged in.", body = TokenPair)))]
#[post("/v1/auth/login")]
pub async fn login(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    log_in(&request, &body.0).await
}

/// A log-in in OAuth 2.0 form.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `password`.
    #[schema(example = "password")]
    grant_type: String,
    /// The e-mail address, optionally preceded by the tenant's short name: `acme/admin@acme.example.com`.
    #[schema(example = "admin@example.com")]
    username: String,
    #[schema(format = "password")]
    password: String,
    /// Accepted but ignored, as are client credentials.
    #[serde(default)]
    #[allow(dead_code, reason = "clients send it")]
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
    throttle::attempt(&state.store, &subjects, now).await?;
    let fits = turn.verify(&password, hash).await?;
    drop(turn);
    if !fits {
        note_failure(&state, request, found.as_ref(), now).await?;
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

/// The active user of this address; whoever is not active has no password to fit.
async fn find_account(state: &Arc<State>, slug: Option<String>, email: String) -> Result<Option<Account>, Problem> {
    state
        .store
        .read::<_, Problem>(NO_TENANT, move |reader| {
            let row = match slug {
                Some(slug) => reader.tenant_by_slug(&slug)?,
                None => match reader.tenant_by_slug("default")? {
                    Some(row) => Some(row),
                    None => Some(reader.tenants()?).filter(|tenants| tenants.len() == 1).and_then(|mut tenants| tenants.pop()),
                },
            };
            let Some(row) = row else { return Ok(None) };
            reader.tenant = TenantKey { id: row.id, number: row.number };
            let Some(user) = reader.by_value(User::object(), User::email.field(), Operand::Text(email))? else { return Ok(None) };
            let active = crate::access::grants::asker_of(reader, user)?.is_some();
            let hash = if active { reader.password(user)? } else { None };
            Ok(Some(Account { tenant: reader.tenant, user, hash }))
        })
        .await
}

/// What is known of a session that begins.
pub struct Session {
    pub tenant: TenantKey,
    pub user: Id,
    pub user_agent: Option<String>,
    pub address: String,
    pub request_id: String,
}

fn user_origin(user: Id, request_id: String, now: Timestamp) -> Origin {
    let actor = farley_domain::model::event::Actor {
        kind: farley_domain::model::event::ActorKind::User,
        user_id: Some(user),
        api_key_id: None,
    };
    Origin { actor, request_id: Some(request_id), now }
}

async fn open_session(
    state: &Arc<State>,
    session: Session,
    subjects: Option<[Subject; 2]>,
    now: Timestamp,
) -> Result<TokenPair, Problem> {
    let id = clock::new_id();
    let refresh_token = refresh_token(session.tenant.id, id);
    let row = SessionRow {
        tenant_id: session.tenant.id,
        id,
        user_id: session.user,
        refresh_hash: secret_hash(&refresh_token),
        user_agent: session.user_agent,
        address: Some(session.address),
        created_at: now,
        last_used_at: now,
        expires_at: now.plus_seconds(SESSION_SECONDS),
        revoked_at: None,
    };
    let (tenant, user) = (session.tenant, session.user);
    state
        .store
        .write::<_, Problem>(tenant, user_origin(user, session.request_id, now), move |work| {
            work.add_session(&row)?;
            if let Some(subjects) = &subjects {
                throttle::succeeded(work, subjects)?;
            }
            work.event(User::NAME, "logged_in", user, 0, Map::new(), &[]);
            Ok(())
        })
        .await?;
    pair(state, tenant.id, user, id, refresh_token, now)
}

/// `fr_`, tenant and session, and a secret: whose token it is can be told even when it is an old one.
fn refresh_token(tenant: Id, session: Id) -> String {
    refresh_token_of(tenant, session, &new_secret(""))
}

fn refresh_token_of(tenant: Id, session: Id, secret: &str) -> String {
    format!("fr_{}{}_{secret}", tenant.0.simple(), session.0.simple())
}

fn pair(state: &State, tenant: Id, user: Id, session: Id, refresh_token: String, now: Timestamp) -> Result<TokenPair, Problem> {
    Ok(TokenPair {
        access_token: state.tokens.sign(tenant, user, session, now)?,
        token_type: "Bearer",
        expires_in: ACCESS_SECONDS,
        refresh_token,
        refresh_expires_in: SESSION_SECONDS,
    })
}

fn no_store(tokens: &TokenPair) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(tokens)
}

/// Refresh the tokens
///
/// Each refresh token can be used once. For a short time (`FARLEY_REFRESH_LEEWAY`, 20 seconds) it returns the same new tokens
/// again, for another tab or after a lost response. If it is used later, as a stolen token would be, its whole session ends.
#[utoipa::path(tag = "auth", operation_id = "refreshTokens", request_body = RefreshRequest, security(()),
    responses((status = 401, description = "The session has ended."), (status = 200, description = "New tokens.", body = TokenPair)))]
#[post("/v1/auth/refresh")]
pub async fn refresh(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let state = state_of(&request)?;
    let now = clock::now();
    let form = read_plain::<RefreshRequest>(&body.0)?;
    let token = form.get(RefreshRequest::refresh_token).to_owned();
    let ended = || Problem::new(Code::SessionEnded);
    let (tenant, session) = parse_refresh(&token).ok_or_else(ended)?;
    let leeway = i64::from(state.settings.refresh_leeway);
    let origin = Origin { request_id: Some(request_id_of(&request)), ..Origin::system(now) };
    let rotated = state
        .store
        .write::<_, Problem>(TenantKey { id: tenant, number: 0 }, origin, move |work| {
            rotate(work, (tenant, session), &token, leeway)
        })
        .await?;
    let Some(Rotated { user, token, at }) = rotated else {
        state.principals.forget();
        return Err(ended());
    };
    let mut tokens = pair(&state, tenant, user, session, token, at)?;
    let age = (now.milliseconds() - at.milliseconds()).max(0) / 1000;
    tokens.expires_in -= age;
    tokens.refresh_expires_in -= age;
    Ok(no_store(&tokens))
}

/// What a refresh token was exchanged for, and when.
struct Rotated {
    user: Id,
    token: String,
    at: Timestamp,
}

/// Exchanges a refresh token. One that was exchanged a moment ago, by another tab or in an answer that was lost, is given the same
/// successor again; any other that is not the newest ends the session.
fn rotate(work: &mut Work<'_>, (tenant, session): (Id, Id), token: &str, leeway: i64) -> Result<Option<Rotated>, Problem> {
    let now = work.origin.now;
    let Some(row) = work.reader().session(session)? else { return Ok(None) };
    if row.revoked_at.is_some() || row.expires_at <= now {
        return Ok(None);
    }
    let user = row.user_id;
    if crate::access::grants::asker_of(work.reader(), user)?.is_none() {
        return Ok(None);
    }
    let (hash, since) = (secret_hash(token), now.plus_seconds(-leeway));
    let salt = clock::random_bytes::<32>();
    let next = successor((tenant, session), token, &salt);
    if row.refresh_hash == hash && work.rotate_session(&row, &secret_hash(&next), now.plus_seconds(SESSION_SECONDS))? {
        let rotation = RotationRow { tenant_id: tenant, session_id: session, hash, salt: salt.to_vec(), rotated_at: now };
        work.add_rotation(&rotation, since)?;
        return Ok(Some(Rotated { user, token: next, at: now }));
    }
    if leeway > 0
        && let Some(rotation) = work.reader().rotation(session, &hash, since)?
    {
        let token = successor((tenant, session), token, &rotation.salt);
        return Ok(Some(Rotated { user, token, at: rotation.rotated_at }));
    }
    work.revoke_session(session)?;
    work.event(User::NAME, "session_reuse_detected", user, 0, Map::new(), &[]);
    Ok(None)
}

/// The token that follows another: only who has that one and the salt, which only the database has, can make it.
fn successor((tenant, session): (Id, Id), token: &str, salt: &[u8]) -> String {
    let secret = Sha256::new().chain_update(salt).chain_update(token).finalize();
    refresh_token_of(tenant, session, &BASE64_URL_SAFE_NO_PAD.encode(secret))
}

fn parse_refresh(token: &str) -> Option<(Id, Id)> {
    let rest = token.strip_prefix("fr_")?;
    let (tenant, session) = (rest.get(..32)?, rest.get(32..64)?);
    Some((Id(uuid::Uuid::try_parse(tenant).ok()?), Id(uuid::Uuid::try_parse(session).ok()?)))
}

/// Log out
///
/// Ends the session that the refresh token belongs to. If the session has already ended, this is not an error.
#[utoipa::path(tag = "auth", operation_id = "logout", request_body = RefreshRequest, security(()),
    responses((status = 401, description = "Without a refresh token, a valid access token is required."), (status = 204, description = "Logged out.")))]
#[post("/v1/auth/logout")]
pub async fn logout(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let state = state_of(&request)?;
    // With an access token and no body, the session of the token ends.
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let empty = body.0.as_object().is_some_and(Map::is_empty);
    let (tenant, session) = if empty && authorization.is_some() {
        let principal = state.principals.resolve(&state.store, &state.tokens, authorization).await?;
        (principal.key.id, principal.session.ok_or_else(|| Problem::new(Code::Unauthorized))?)
    } else {
        let form = read_plain::<RefreshRequest>(&body.0)?;
        let token = form.get(RefreshRequest::refresh_token).to_owned();
        let Some((tenant, session)) = parse_refresh(&token) else { return Ok(HttpResponse::NoContent().finish()) };
        let hash = secret_hash(&token);
        let key = TenantKey { id: tenant, number: 0 };
        let since = clock::now().plus_seconds(-i64::from(state.settings.refresh_leeway));
        let ours = state
            .store
            .read::<_, Problem>(key, move |reader| {
                // Whoever lost the answer to a refresh logs out with the token from before.
                let newest = reader.session(session)?.is_some_and(|row| row.refresh_hash == hash);
                Ok(newest || reader.rotation(session, &hash, since)?.is_some())
            })
            .await?;
        if !ours {
            return Ok(HttpResponse::NoContent().finish());
        }
        (tenant, session)
    };
    let origin = Origin { request_id: Some(request_id_of(&request)), ..Origin::system(clock::now()) };
    let key = TenantKey { id: tenant, number: 0 };
    state
        .store
        .write::<_, Problem>(key, origin, move |work| {
            let row = work.reader().session(session)?;
            if let Some(row) = row.filter(|row| row.revoked_at.is_none()) {
                work.revoke_session(session)?;
                work.event(User::NAME, "logged_out", row.user_id, 0, Map::new(), &[]);
            }
            Ok(())
        })
        .await?;
    state.principals.forget();
    Ok(HttpResponse::NoContent().finish())
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
    let now = clock::now();
    let form = read_plain::<AcceptRequest>(&body.0)?;
    let token = secret_hash(form.get(AcceptRequest::token));
    let password = form.get(AcceptRequest::password).to_owned();
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
    check_strength(&password, &email, &AcceptRequest::password.pointer())?;
    let hash = state.passwords.hash(&password).await?;
    state
        .store
        .write::<_, Problem>(tenant, user_origin(user, request_id_of(&request), now), move |work| {
            // The token may have been used in the meantime.
            work.reader().password_token(&token, now)?.ok_or_else(unknown)?;
            work.void_password_tokens(user)?;
            work.set_password(user, &hash)?;
            work.revoke_sessions(user, None)?;
            set_status(work, user, UserStatus::Active, "activated")?;
            Ok(())
        })
        .await?;
    state.principals.forget();
    let address = client_address(&request).map(|address| address.to_string()).unwrap_or_default();
    let session = Session { tenant, user, user_agent: None, address, request_id: request_id_of(&request) };
    Ok(no_store(&open_session(&state, session, None, now).await?))
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
