//! Sessions: opened with a pair of tokens, refreshed by tokens that rotate, and ended, also when a used one comes back.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header, post};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::{
    identity::user::User,
    model::entity::Entity,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Origin, RotationRow, SessionRow, TenantKey, Work};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    access::{
        state::{State, state_of},
        throttle::{self, Subject},
        tokens::{ACCESS_SECONDS, new_secret, secret_hash},
        unwritten::Brief,
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{OpenBody, limit_by_address, parameters, refuse_rest, request_id_of},
    },
    records::body::read_plain,
};

/// How long a session lasts without being used, in seconds.
const SESSION_SECONDS: i64 = 30 * 24 * 3600;

/// The longest token that is read, in characters.
pub const MAX_TOKEN: usize = 4_000;

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
    /// Valid for one refresh; using it again after `FARLEY_REFRESH_LEEWAY` ends the session. Absent if the session could not be
    /// stored (see log-in).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// How long the refresh token is valid, in seconds.
    #[schema(example = 2_592_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_expires_in: Option<i64>,
}

crate::body! {
    /// A refresh token.
    pub struct RefreshRequest {
        /// The token returned by the last log-in or refresh.
        refresh_token: String => long_text(MAX_TOKEN).required().example("fr_0190…"),
    }
    example Value::Null
}

/// What is known of a session that begins.
pub struct Session {
    pub tenant: TenantKey,
    pub user: Id,
    pub user_agent: Option<String>,
    pub address: String,
    pub request_id: String,
}

pub fn user_origin(user: Id, request_id: String, now: Timestamp) -> Origin {
    let actor = farley_domain::model::event::Actor {
        kind: farley_domain::model::event::ActorKind::User,
        user_id: Some(user),
        api_key_id: None,
        contact_id: None,
    };
    Origin { actor, request_id: Some(request_id), now, cause: None, client_tag: None }
}

/// Opens a session; what a log-in has to do with the attempts before it is done with it. Where SQLite cannot be written to, the
/// session is kept in mind for as long as its access token lasts.
pub async fn open_session(
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
    let own = subjects.clone();
    let written = state
        .store
        .write::<_, Problem>(tenant, user_origin(user, session.request_id, now), move |work| {
            work.add_session(&row)?;
            if let Some(subjects) = &subjects {
                throttle::succeeded(work, subjects)?;
            }
            work.event(User::NAME, "logged_in", user, 0, Map::new(), &[]);
            Ok(())
        })
        .await;
    match written {
        Ok(()) => pair(state, tenant.id, user, id, refresh_token, now),
        Err(problem) if problem.is_unwritable() && state.store.is_of_one_process() => {
            tracing::warn!(%user, "logged in without a stored session, as the database cannot be written to");
            let unwritten = &state.principals.unwritten;
            if let Some(subjects) = own {
                unwritten.succeeded(&subjects);
                // Of so little more may fit than of a session: nobody is to be kept out by attempts that succeeded.
                let cleared = state
                    .store
                    .write::<_, Problem>(tenant, Origin::system(now), move |work| throttle::succeeded(work, &subjects));
                drop(cleared.await);
            }
            unwritten.begin(id, Brief { tenant: tenant.id, user, begun: now });
            let pair = pair(state, tenant.id, user, id, String::new(), now)?;
            Ok(TokenPair { refresh_token: None, refresh_expires_in: None, ..pair })
        }
        Err(problem) => Err(problem),
    }
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
        refresh_token: Some(refresh_token),
        refresh_expires_in: Some(SESSION_SECONDS),
    })
}

pub fn no_store(tokens: &TokenPair) -> HttpResponse {
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
    tokens.refresh_expires_in = tokens.refresh_expires_in.map(|seconds| seconds - age);
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
        let session = principal.session.ok_or_else(|| Problem::new(Code::Unauthorized))?;
        if state.principals.unwritten.end(session) {
            state.principals.forget();
            return Ok(HttpResponse::NoContent().finish());
        }
        (principal.key.id, session)
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
