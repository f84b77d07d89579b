//! Users: invited, deactivated, given new passwords. Nobody gives a role that grants more than they hold.

use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use farley_domain::{
    identity::{
        access::Action,
        user::{User, UserStatus, takes_work},
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        record::Record,
    },
    values::id::Id,
};
use farley_persistence::Work;
use serde_json::{Map, Value, json};

use super::{
    administrators,
    auth::set_status,
    forgotten::note_issued,
    me::{SessionList, session_of},
};
use crate::{
    access::{
        call::Call,
        grants::{grants_of, standing_of},
        tokens::{new_secret, secret_hash},
    },
    http::{
        problem::{Code, Problem},
        request::{Body, parameters, refuse_rest},
    },
    records::{
        behaviour::{Behaviour, Shown, Writing},
        body::{Nothing, read_plain},
        mutation::{Answer, Mutation, if_match},
        named::Named,
        versions,
        write::Writer,
    },
};

/// How long an invitation or a reset can be taken up, in seconds.
const TOKEN_SECONDS: i64 = 7 * 24 * 3600;

impl Behaviour for User {
    const CHANGES_PRINCIPALS: bool = true;

    /// Roles given, and what they reach from a team, must be within what the giver holds; nobody shuts themselves out.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let other_roles = writing.before.is_some_and(|before| !before.agrees(User::role_ids, record));
        let other_team = writing.before.is_some_and(|before| !before.agrees(User::team_id, record));
        let comes_or_goes = writing.before.is_some_and(|before| !before.agrees(User::archived_at, record));
        let held = &writing.principal.asker;
        if let Some(before) = writing.before {
            // An account that holds more is not to be taken over, stripped or removed.
            let critical = if !before.agrees(User::email, record) {
                Some(User::email.pointer())
            } else if other_roles {
                Some(User::role_ids.pointer())
            } else {
                comes_or_goes.then(|| User::archived_at.pointer())
            };
            if let Some(pointer) = critical {
                let theirs = standing_of(work.reader(), before)?;
                if let Some(permission) = held.first_beyond(&theirs) {
                    return Err(Problem::beyond_held(&pointer, &permission));
                }
            }
        }
        let roles_are_given = writing.before.is_none() || other_roles;
        if roles_are_given {
            let grants = grants_of(work.reader(), record)?;
            if let Some(permission) = held.grants.first_beyond(&grants) {
                return Err(Problem::beyond_held(&User::role_ids.pointer(), &permission));
            }
        }
        if roles_are_given || other_team {
            // The same roles reach other records from another place among the teams.
            let after = standing_of(work.reader(), record)?;
            let before = match writing.before {
                Some(before) if other_team => standing_of(work.reader(), before)?,
                Some(_) | None => after.in_no_team(),
            };
            let gained = held.first_reach_beyond(&after, &before);
            if let Some(permission) = gained.or_else(|| held.first_reach_beyond(&before, &after)) {
                let pointer = if other_team { User::team_id.pointer() } else { User::role_ids.pointer() };
                return Err(Problem::beyond_held(&pointer, &permission));
            }
        }
        if other_team && !record.is_null(User::team_id) && !takes_work(record) {
            let fault = Fault::new(User::team_id.pointer(), FaultCode::UserDeactivated);
            return Err(Problem::rule(fault.into()));
        }
        if record.is_archived() && record.id() == writing.principal.user_id() {
            return Err(Problem::new(Code::StateConflict).with("state", "yourself").with("allowed", "update"));
        }
        match writing.before {
            Some(before) if other_roles || comes_or_goes => administrators::keep_one_user(work, before, record),
            Some(_) | None => Ok(()),
        }
    }

    /// A new user gets an invitation; an archived one loses every session.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.before.is_none() {
            return Ok(Map::from_iter([("invitation_token".to_owned(), issue_token(work, record.id())?.into())]));
        }
        if record.is_archived() {
            work.revoke_sessions(record.id(), None)?;
        }
        Ok(Map::new())
    }
}

/// A one-time token for setting a password; it is shown once and stored hashed.
fn issue_token(work: &mut Work<'_>, user: Id) -> Result<String, Problem> {
    let token = new_secret("ft_");
    let expires_at = work.origin.now.plus_seconds(TOKEN_SECONDS);
    work.set_password_token(user, &secret_hash(&token), expires_at)?;
    Ok(token)
}

/// A one-time token for a user who is to choose a new password.
pub fn reset_token(work: &mut Work<'_>, user: &Record<User>) -> Result<String, Problem> {
    if user.get(User::status) == Some(UserStatus::Deactivated) {
        return Err(Problem::new(Code::StateConflict)
            .with("state", UserStatus::Deactivated.as_str())
            .with("allowed", "activate")
            .member("allowed", vec!["activate"]));
    }
    let token = issue_token(work, user.id())?;
    note_issued(work, user.id(), user.version());
    Ok(token)
}

async fn act(
    call: Call,
    request: HttpRequest,
    body: Body,
    work: impl Fn(&mut Work<'_>, &Record<User>) -> Result<Answer, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    read_plain::<Nothing>(&body.0)?;
    let (expected, named) = (if_match(&request), Named::parse(request.match_info().query("id"))?);
    let writer = Writer::of(&call, User::object());
    let principal = std::sync::Arc::clone(&call.principal);
    let response = mutation
        .run(&call, move |unit| {
            let user = writer.load(unit, &named, Action::Update)?.record;
            if let Some(expected) = &expected {
                versions::check(unit, &principal, User::object(), &user, expected, None)?;
            }
            let user = user.into_entity::<User>();
            // Whoever could take over an account must hold all that the account holds.
            let theirs = standing_of(unit.reader(), &user)?;
            if let Some(permission) = principal.asker.first_beyond(&theirs) {
                return Err(Problem::beyond_held("", &permission));
            }
            work(unit, &user)
        })
        .await?;
    call.state.principals.forget();
    Ok(response)
}

/// Deactivate a user
///
/// The user can no longer log in; the user's sessions and API keys stop working on every node within five seconds.
#[utoipa::path(tag = "users", operation_id = "deactivateUser",
    params(("id" = String, Path, description = "The user's id, or `ext:{system}:{key}`.")),
    responses((status = 204, description = "The user was deactivated.")))]
#[post("/v1/users/{id}/deactivate")]
pub async fn deactivate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let me = call.principal.user_id();
    act(call, request, body, move |work, user| {
        if user.id() == me {
            return Err(Problem::new(Code::StateConflict).with("state", "yourself").with("allowed", "update"));
        }
        let mut after = user.clone();
        after.set(User::status, UserStatus::Deactivated);
        administrators::keep_one_user(work, user, &after)?;
        set_status(work, user.id(), UserStatus::Deactivated, "deactivated")?;
        work.revoke_sessions(user.id(), None)?;
        work.void_password_tokens(user.id())?;
        Ok(Answer::no_content())
    })
    .await
}

/// Activate a user
///
/// Lets a deactivated user log in again with their previous password.
#[utoipa::path(tag = "users", operation_id = "activateUser",
    params(("id" = String, Path, description = "The user's id, or `ext:{system}:{key}`.")),
    responses((status = 204, description = "The user is active, or invited if no password was ever set.")))]
#[post("/v1/users/{id}/activate")]
pub async fn activate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act(call, request, body, |work, user| {
        let comes = work.reader().password(user.id())?.is_some();
        let status = if comes { UserStatus::Active } else { UserStatus::Invited };
        set_status(work, user.id(), status, "activated")?;
        Ok(Answer::no_content())
    })
    .await
}

/// A one-time token, shown once.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ResetToken {
    /// Give it to the user, who sends it with a new password to `POST /v1/auth/reset-password`, or to `POST /v1/auth/accept` to
    /// be logged in at once.
    #[schema(example = "ft_…")]
    pub token: String,
    /// The link to the page on which the user chooses a new password; null unless the server has one
    /// (`FARLEY_PASSWORD_RESET_URL`).
    #[schema(example = "https://crm.example.com/reset?token=ft_…")]
    pub url: Option<String>,
    /// How long it is valid, in seconds.
    #[schema(example = 604_800)]
    pub expires_in: i64,
}

/// Reset a user's password
///
/// Returns a one-time token that the user sets a new password with; a user who has not accepted the invitation yet is invited
/// again. The old password stays valid until then.
#[utoipa::path(tag = "users", operation_id = "resetUserPassword",
    params(("id" = String, Path, description = "The user's id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The token, shown only once.", body = ResetToken)))]
#[post("/v1/users/{id}/reset-password")]
pub async fn reset_password(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let state = std::sync::Arc::clone(&call.state);
    act(call, request, body, move |work, user| {
        let token = reset_token(work, user)?;
        let url = state.settings.password_reset_link(&token);
        let mut answer = Answer::json(200, &ResetToken { token, url, expires_in: TOKEN_SECONDS })?;
        answer.replayed_body = Some(json!({"token": null, "url": null, "expires_in": TOKEN_SECONDS}).to_string());
        Ok(answer)
    })
    .await
}

/// List the sessions of a user
#[utoipa::path(tag = "users", operation_id = "listUserSessions",
    params(("id" = String, Path, description = "The user's id.")),
    responses((status = 200, description = "Active sessions, newest first.", body = SessionList)))]
#[get("/v1/users/{id}/sessions")]
pub async fn sessions(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let rows = call.rows(User::object(), Action::Update)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (std::sync::Arc::clone(&call.principal), call.now);
    let rows = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let id = named.find(reader, &principal, User::object())?.ok_or_else(Problem::not_found)?;
            reader.get(&principal.layout(User::object()), &principal.view(now), id, &rows)?.ok_or_else(Problem::not_found)?;
            Ok(reader.sessions(id, now)?)
        })
        .await?;
    Ok(HttpResponse::Ok().json(SessionList::of(rows, call.principal.session)))
}

/// End a user's session
#[utoipa::path(tag = "users", operation_id = "endUserSession",
    params(("id" = String, Path, description = "The user's id."), ("session_id" = String, Path, description = "The session's id.")),
    responses((status = 204, description = "The session was ended.")))]
#[delete("/v1/users/{id}/sessions/{session_id}")]
pub async fn end_session(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.rows(User::object(), Action::Update)?;
    let session = session_of(&request)?;
    let body = Body(Value::Object(Map::new()));
    act(call, request, body, move |work, user| {
        let row = work.reader().session(session)?.filter(|row| row.user_id == user.id()).ok_or_else(Problem::not_found)?;
        work.revoke_session(row.id)?;
        work.event(User::NAME, "session_ended", user.id(), user.version(), Map::new(), &[]);
        Ok(Answer::no_content())
    })
    .await
}
