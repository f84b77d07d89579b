//! Sessions of contacts: begun with a code, kept by tokens that rotate, and ended. Their tokens are for nothing but portals.

use actix_web::{HttpRequest, HttpResponse, http::header, post};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::{
    customers::contact::Contact,
    model::{entity::Entity, event::Actor, field::Hint},
    service::portal::admits,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Origin, PortalSessionRow, Work};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    Found,
    access::Visit,
    codes::{address_of, contact_at, is_right},
};
use crate::{
    access::{
        state::{State, state_of},
        throttle::{self, Subject},
        tokens::{ACCESS_SECONDS, PORTAL_AUDIENCE, new_secret, secret_hash},
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{Body, OpenBody, client_address, limit_by_address, parameters, refuse_rest, request_id_of},
    },
    records::{
        body::{Nothing, read_plain},
        lookup,
        mutation::{Answer, Mutation},
    },
};

/// How long a session lasts without being used, in seconds.
const SESSION_SECONDS: i64 = 14 * 24 * 3600;
/// How many attempts a code stands.
const MOST_ATTEMPTS: i64 = 5;
/// The longest token that is read, in characters.
const MAX_TOKEN: usize = 1_000;
/// What refresh tokens begin with.
const PREFIX: &str = "pr_";

crate::body! {
    /// The code that was mailed.
    pub struct PortalSignIn {
        /// The address that the code was mailed to.
        email: String => text(254).required().hint(Hint::Email).example("fang@example.cn"),
        /// The code.
        code: String => text(20).required().example("12345678"),
    }
    example json!({"email": "fang@example.cn", "code": "12345678"})
}

crate::body! {
    /// A refresh token of a portal.
    pub struct PortalRefresh {
        /// The token returned by the last sign-in or refresh.
        refresh_token: String => long_text(MAX_TOKEN).required().example("pr_0190…"),
    }
    example Value::Null
}

/// Tokens of a contact's session. They are good for this portal alone.
#[derive(Serialize, ToSchema)]
pub struct PortalTokens {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// How long the access token is valid, in seconds.
    #[schema(example = 900)]
    expires_in: i64,
    /// Valid for one refresh; using it again after `FARLEY_REFRESH_LEEWAY` ends the session.
    refresh_token: String,
    /// How long the refresh token is valid, in seconds.
    #[schema(example = 1_209_600)]
    refresh_expires_in: i64,
}

fn tokens(
    state: &State,
    found: &Found,
    contact: Id,
    session: Id,
    refresh_token: String,
    now: Timestamp,
) -> Result<HttpResponse, Problem> {
    let access_token = state.tokens.sign_for(PORTAL_AUDIENCE, found.tenant.id, contact, session, now)?;
    let tokens = PortalTokens {
        access_token,
        token_type: "Bearer",
        expires_in: ACCESS_SECONDS,
        refresh_token,
        refresh_expires_in: SESSION_SECONDS,
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(tokens))
}

/// Sign in to a portal
///
/// Exchanges the code that was mailed for tokens. A code works once; after five wrong attempts it works no more. Whatever is wrong, the
/// response is the same 401. Failed attempts are slowed down per e-mail address and IP address (429).
#[utoipa::path(tag = "portals", operation_id = "createPortalSession", request_body = PortalSignIn, security(()),
    params(("token" = String, Path, description = "The token of the portal.")),
    responses((status = 200, description = "Tokens of the session.", body = PortalTokens),
              (status = 401, description = "The code is wrong, was used or has expired.")))]
#[post("/v1/portal/{token}/sessions")]
pub async fn sign_in(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let asked = read_plain::<PortalSignIn>(&body.0)?;
    let (state, now) = (state_of(&request)?, clock::now());
    let email = address_of(asked.get(PortalSignIn::email));
    let code: String = asked.get(PortalSignIn::code).chars().filter(|c| !c.is_whitespace()).collect();
    let from = client_address(&request).map(|address| address.to_string()).unwrap_or_default();
    let subjects = [Subject::portal_account(found.record.id(), &email), Subject::portal_address(&from)];
    // Counted before it is judged: many at once are no more than one after the other.
    throttle::attempt(&state.store, &subjects, now).await?;
    let session = clock::new_id();
    let refresh_token = refresh_token(session, &new_secret(""));
    let row = PortalSessionRow {
        tenant_id: found.tenant.id,
        id: session,
        portal_id: found.record.id(),
        contact_id: Id::NIL,
        email: email.clone(),
        refresh_hash: secret_hash(&refresh_token),
        former_hash: None,
        salt: None,
        rotated_at: None,
        created_at: now,
        expires_at: now.plus_seconds(SESSION_SECONDS),
        revoked_at: None,
    };
    let (origin, portal) = (Origin { request_id: Some(request_id_of(&request)), ..Origin::system(now) }, found.record.id());
    let written = state.store.write::<_, Problem>(found.tenant, origin, move |work| {
        let Some(contact) = use_code(work, portal, &email, &code)? else { return Ok(None) };
        work.add_portal_session(&PortalSessionRow { contact_id: contact.id(), ..row.clone() })?;
        throttle::succeeded(work, &subjects)?;
        work.origin.to_mut().actor = Actor::contact(contact.id());
        work.event(Contact::NAME, "signed_in", contact.id(), contact.version(), Map::new(), &[]);
        Ok(Some(contact.id()))
    });
    let contact = written.await?.ok_or_else(|| Problem::new(Code::Unauthorized))?;
    tokens(&state, &found, contact, session, refresh_token, now)
}

/// Uses a code up, if it is right; whose it is. What is wrong is counted, and kept.
fn use_code(
    work: &mut Work<'_>,
    portal: Id,
    email: &str,
    code: &str,
) -> Result<Option<farley_domain::model::record::Record<Contact>>, Problem> {
    work.lock(&format!("portal code {portal} {email}"))?;
    let Some(row) = work.reader().portal_code(portal, email)? else { return Ok(None) };
    work.count_portal_attempt(portal, email)?;
    let holds = row.attempts < MOST_ATTEMPTS && row.expires_at > work.origin.now;
    if !is_right(work, (portal, email), code, &row.code_hash)? || !holds {
        return Ok(None);
    }
    work.remove_portal_code(portal, email)?;
    contact_at(work, email)
}

/// `pr_`, the session and a secret: whose token it is can be told even when it is an old one.
fn refresh_token(session: Id, secret: &str) -> String {
    format!("{PREFIX}{}_{secret}", session.0.simple())
}

/// The token that follows another: only who has that one and the salt, which only the database has, can make it.
fn successor(session: Id, token: &str, salt: &[u8]) -> String {
    let secret = Sha256::new().chain_update(salt).chain_update(token).finalize();
    refresh_token(session, &BASE64_URL_SAFE_NO_PAD.encode(secret))
}

fn session_of(token: &str) -> Option<Id> {
    Some(Id(uuid::Uuid::try_parse(token.strip_prefix(PREFIX)?.get(..32)?).ok()?))
}

/// Refresh the tokens of a portal
///
/// Each refresh token can be used once. For a short time (`FARLEY_REFRESH_LEEWAY`) it returns the same new token again. If it is used later,
/// as a stolen token would be, its session ends.
#[utoipa::path(tag = "portals", operation_id = "refreshPortalTokens", request_body = PortalRefresh, security(()),
    params(("token" = String, Path, description = "The token of the portal.")),
    responses((status = 200, description = "New tokens.", body = PortalTokens),
              (status = 401, description = "The session has ended.")))]
#[post("/v1/portal/{token}/sessions/refresh")]
pub async fn refresh(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let asked = read_plain::<PortalRefresh>(&body.0)?;
    let (state, now) = (state_of(&request)?, clock::now());
    let token = asked.get(PortalRefresh::refresh_token).to_owned();
    let ended = || Problem::new(Code::SessionEnded);
    let session = session_of(&token).ok_or_else(ended)?;
    let leeway = i64::from(state.settings.refresh_leeway);
    let origin = Origin { request_id: Some(request_id_of(&request)), ..Origin::system(now) };
    let portal = found.record.id();
    let rotated =
        state.store.write::<_, Problem>(found.tenant, origin, move |work| rotate(work, (portal, session), &token, leeway));
    let (contact, token) = rotated.await?.ok_or_else(ended)?;
    tokens(&state, &found, contact, session, token, now)
}

fn rotate(work: &mut Work<'_>, (portal, session): (Id, Id), token: &str, leeway: i64) -> Result<Option<(Id, String)>, Problem> {
    let now = work.origin.now;
    let Some(row) = work.reader().portal_session(session)? else { return Ok(None) };
    if row.portal_id != portal || row.revoked_at.is_some() || row.expires_at <= now {
        return Ok(None);
    }
    if !lookup::one::<Contact>(work, row.contact_id)?.is_some_and(|contact| admits(&contact)) {
        return Ok(None);
    }
    let (hash, salt) = (secret_hash(token), clock::random_bytes::<32>());
    let next = successor(session, token, &salt);
    if row.refresh_hash == hash
        && work.rotate_portal_session(&row, &secret_hash(&next), &salt, now.plus_seconds(SESSION_SECONDS))?
    {
        return Ok(Some((row.contact_id, next)));
    }
    let is_former = row.former_hash.as_ref() == Some(&hash);
    let is_recent = row.rotated_at.is_some_and(|at| at > now.plus_seconds(-leeway));
    if let Some(salt) = row.salt.as_ref().filter(|_| is_former && is_recent && leeway > 0) {
        return Ok(Some((row.contact_id, successor(session, token, salt))));
    }
    end(work, &row)?;
    Ok(None)
}

/// Ends a session, if it has not ended.
fn end(work: &mut Work<'_>, row: &PortalSessionRow) -> Result<(), Problem> {
    if work.revoke_portal_session(row.id)? {
        work.event(Contact::NAME, "signed_out", row.contact_id, 0, Map::new(), &[]);
    }
    Ok(())
}

/// Sign out of a portal
///
/// Ends the session of the access token; its tokens stop working immediately.
#[utoipa::path(tag = "portals", operation_id = "endPortalSession", security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal.")),
    responses((status = 204, description = "Signed out.")))]
#[post("/v1/portal/{token}/sign-out")]
pub async fn sign_out(request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let visit = Visit::of(&request).await?;
    read_plain::<Nothing>(&body.0)?;
    let session = visit.session;
    mutation
        .run(&visit.call, move |work| {
            if let Some(row) = work.reader().portal_session(session)? {
                end(work, &row)?;
            }
            Ok(Answer::no_content())
        })
        .await
}
