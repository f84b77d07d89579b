//! The caller's own account.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, delete, get, http::header, patch, post};
use farley_domain::{
    identity::{access::Action, password, user::User},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::{Field, Hint, Writable},
        field_rule::FieldRule,
        input, recurring,
    },
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Layout, Row, SessionRow, Work};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::auth::check_strength;
use crate::{
    access::{
        call::Call,
        principal::Principal,
        throttle::{self, Subject},
        unrestricted::{Unrestricted, user_record},
    },
    http::{
        clock,
        problem::Problem,
        request::{Body, client_address, parameters, refuse_rest},
    },
    records::{
        body::read_plain,
        mutation::{Answer, Mutation, etag, if_match},
        versions,
    },
};

/// The caller: the user, the tenant and the user's permissions.
#[derive(Serialize, ToSchema)]
pub struct Me {
    #[serde(flatten)]
    #[schema(value_type = UserSchema)]
    user: Value,
    tenant: MyTenant,
    /// All permissions, as `object:action:scope`.
    #[schema(example = json!(["customer:read:team"]))]
    permissions: Vec<String>,
    /// The teams covered by the scope `team`: the user's own team and all teams below it.
    #[schema(value_type = Vec<String>)]
    team_ids: Vec<Id>,
}

/// Stands for the schema of users, which is made from their field table.
struct UserSchema;

impl utoipa::PartialSchema for UserSchema {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::Ref::from_schema_name("SparseUser").into()
    }
}

impl ToSchema for UserSchema {}

/// The caller's tenant.
#[derive(Serialize, ToSchema)]
pub struct MyTenant {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    /// The short name, used at log-in.
    #[schema(example = "default")]
    slug: String,
    #[schema(example = "Farley")]
    name: String,
    /// ISO 3166-1 alpha-2: the country of phone numbers without a country code.
    #[schema(example = "CN")]
    country: String,
    /// ISO 4217: the currency used for totals.
    #[schema(example = "CNY")]
    currency: String,
    /// The IANA time zone in which days start and end.
    #[schema(example = "Asia/Shanghai")]
    time_zone: String,
}

/// What is shown of the caller's account: to a key that may not read users only which one it is.
fn layout_of(principal: &Principal) -> Arc<Layout> {
    let object = User::object();
    match principal.permit_oneself(object, Action::Read) {
        Ok(()) => principal.layout(object),
        Err(_) => Arc::new(Layout::of(&principal.schema(object), &|_| true, Some(&[]), &[recurring::VERSION.name().to_owned()])),
    }
}

fn describe(principal: &Principal, user: &Row) -> Result<Me, Problem> {
    let (tenant, asker) = (&principal.tenant, &principal.asker);
    let held = asker.grants.list().into_iter();
    Ok(Me {
        user: serde_json::to_value(user)?,
        tenant: MyTenant {
            id: tenant.id,
            slug: tenant.slug.clone(),
            name: tenant.name.clone(),
            country: tenant.country.clone(),
            currency: tenant.currency.to_string(),
            time_zone: tenant.time_zone.clone(),
        },
        permissions: held.map(|(object, action, scope)| format!("{object}:{}:{}", action.as_str(), scope.as_str())).collect(),
        team_ids: asker.teams.clone(),
    })
}

/// Get my account
///
/// An API key without the scope `user:read` gets only the id of the account.
#[utoipa::path(tag = "me", operation_id = "getMe", responses((status = 200, description = "The caller.", body = Me)))]
#[get("/v1/me")]
pub async fn get_me(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let principal = Arc::clone(&call.principal);
    let user = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        Ok(reader.get(&layout_of(&principal), &Unrestricted, principal.user_id(), &Predicate::all())?)
    });
    let user = user.await?.ok_or_else(Problem::not_found)?;
    let tag = etag(user.version());
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(describe(&call.principal, &user)?))
}

crate::body! {
    /// The fields that users can change on their own account, applied as a patch to the user.
    pub struct MePatch {
        /// The user's name.
        name: Option<String> => text(120).example("王芳"),
        /// The user's phone number.
        phone: Option<String> => phone().example("+8613800138000"),
        /// The language of messages to the user.
        language: Option<String> => language().example("zh-CN"),
        /// The user's time zone.
        time_zone: Option<String> => time_zone().example("Asia/Shanghai"),
        /// The user's job title.
        title: Option<String> => text(100).example("销售经理"),
        /// What is put under the user's mails to customers, in Markdown.
        signature: Option<String> => long_text(2_000).example("王芳"),
    }
    example Value::Null
}

/// Update my account
///
/// A JSON merge patch for name, phone, language, time zone, title and signature. An API key needs the scope `user:update`.
#[utoipa::path(tag = "me", operation_id = "updateMe", request_body = MePatch,
    responses((status = 200, description = "The updated caller.", body = Me)))]
#[patch("/v1/me")]
pub async fn update_me(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let expected = if_match(&request);
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    principal.permit_oneself(User::object(), Action::Update)?;
    let response = mutation
        .run(&call, move |work| {
            let schema = principal.schema(User::object());
            let loaded =
                work.load(&schema, &Unrestricted, principal.user_id(), &Predicate::all())?.ok_or_else(Problem::not_found)?;
            if let Some(expected) = &expected {
                versions::check(work, &principal, User::object(), &loaded.record, expected, None)?;
            }
            let standards = principal.standards(now);
            let reader = input::Reader { schema: &schema, standards: &standards, rule: &own_rule };
            let mut record = reader.patch(&loaded.record, &body.0)?;
            work.update(&schema, &loaded, &mut record, &Change::new("updated"))?;
            let row = work.row(&layout_of(&principal), &Unrestricted, record.id())?.ok_or_else(Problem::not_found)?;
            let mut answer = Answer::json(200, &describe(&principal, &row)?)?;
            answer.headers.push(("ETag".to_owned(), etag(record.version())));
            Ok(answer)
        })
        .await?;
    call.state.principals.forget();
    Ok(response)
}

/// Users write a few fields of their own account; the rest is for those who manage users.
fn own_rule(field: &Field) -> Option<FieldRule> {
    let own = MePatch::object().has(&field.name);
    (!own && field.writable != Writable::Never).then_some(FieldRule::ReadOnly)
}

crate::body! {
    /// The current and the new password.
    pub struct PasswordChange {
        /// The current password.
        current_password: String => long_text(password::MAX_LENGTH).required().hint(Hint::Password),
        /// At least 10 characters; common passwords are rejected.
        new_password: String => long_text(password::MAX_LENGTH).required().hint(Hint::NewPassword),
    }
    example Value::Null
}

/// Change my password
///
/// All other sessions end.
#[utoipa::path(tag = "me", operation_id = "changeMyPassword", request_body = PasswordChange,
    responses((status = 204, description = "The password was changed.")))]
#[post("/v1/me/password")]
pub async fn change_password(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &Value::Null)?;
    refuse_rest(&parameters, &["validate_only"])?;
    // An API key must not be able to take over the account behind it.
    let session = call.principal.session.ok_or_else(|| Problem::forbidden("update", "password"))?;
    let form = read_plain::<PasswordChange>(&body.0)?;
    let user = call.principal.user_id();
    let found = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let email = user_record(reader, user)?.map(|user| user.get(User::email).to_owned());
        Ok((reader.password(user)?, email.unwrap_or_default()))
    });
    let (hash, email) = found.await?;
    let address = client_address(&request).map(|address| address.to_string()).unwrap_or_default();
    let subjects = [Subject::account(call.tenant().id, &email), Subject::address(&address)];
    let turn = call.state.passwords.turn().await?;
    throttle::attempt(&call.state.store, &subjects, clock::now()).await?;
    let fits = turn.verify(form.get(PasswordChange::current_password), hash.as_deref()).await?;
    drop(turn);
    if !fits {
        return Err(Problem::rule(Fault::new(PasswordChange::current_password.pointer(), FaultCode::WrongPassword).into()));
    }
    let origin = call.origin();
    let counted = call.state.store.write::<_, Problem>(call.tenant(), origin, move |work| throttle::succeeded(work, &subjects));
    counted.await?;
    let new = form.get(PasswordChange::new_password);
    check_strength(new, &email, &PasswordChange::new_password.pointer())?;
    let hash = call.state.passwords.hash(new).await?;
    let response = mutation
        .run(&call, move |work| {
            work.set_password(user, &hash)?;
            work.revoke_sessions(user, Some(session))?;
            work.event(User::NAME, "password_changed", user, 0, Map::new(), &[]);
            Ok(Answer::no_content())
        })
        .await?;
    call.state.principals.forget();
    Ok(response)
}

/// A session.
#[derive(Serialize, ToSchema)]
pub struct SessionInfo {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    /// Whether it is the session of this request.
    current: bool,
    user_agent: Option<String>,
    /// The IP address it was opened from.
    #[schema(example = "192.0.2.1")]
    address: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When its tokens were last refreshed.
    #[schema(value_type = String, format = "date-time")]
    last_used_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// Active sessions.
#[derive(Serialize, ToSchema)]
pub struct SessionList {
    pub data: Vec<SessionInfo>,
}

impl SessionList {
    #[must_use]
    pub fn of(rows: Vec<SessionRow>, current: Option<Id>) -> SessionList {
        let info = |row: SessionRow| SessionInfo {
            id: row.id,
            current: Some(row.id) == current,
            user_agent: row.user_agent,
            address: row.address,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        };
        SessionList { data: rows.into_iter().map(info).collect() }
    }
}

/// List my sessions
///
/// An API key needs the scope `user:read`.
#[utoipa::path(tag = "me", operation_id = "listMySessions",
    responses((status = 200, description = "Active sessions, newest first.", body = SessionList)))]
#[get("/v1/me/sessions")]
pub async fn my_sessions(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.principal.permit_oneself(User::object(), Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let (user, now) = (call.principal.user_id(), call.now);
    let rows = call.state.store.read::<_, Problem>(call.tenant(), move |reader| Ok(reader.sessions(user, now)?)).await?;
    Ok(HttpResponse::Ok().json(SessionList::of(rows, call.principal.session)))
}

/// The session that a path names.
pub fn session_of(request: &HttpRequest) -> Result<Id, Problem> {
    request.match_info().query("session_id").parse().map_err(|_| Problem::not_found())
}

/// End one of my sessions
///
/// An API key needs the scope `user:update`.
#[utoipa::path(tag = "me", operation_id = "endMySession",
    params(("session_id" = String, Path, description = "The session's id.")),
    responses((status = 204, description = "The session was ended.")))]
#[delete("/v1/me/sessions/{session_id}")]
pub async fn end_my_session(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.principal.permit_oneself(User::object(), Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &Value::Null)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let (user, session) = (call.principal.user_id(), session_of(&request)?);
    let response = mutation
        .run(&call, move |work: &mut Work<'_>| {
            work.reader().session(session)?.filter(|row| row.user_id == user).ok_or_else(Problem::not_found)?;
            work.revoke_session(session)?;
            let changes = Map::from_iter([("session_id".to_owned(), json!({"from": session, "to": null}))]);
            work.event(User::NAME, "session_ended", user, 0, changes, &[]);
            Ok(Answer::no_content())
        })
        .await?;
    call.state.principals.forget();
    Ok(response)
}
