//! Settings of frontends, of the tenant and of each user: any JSON under a key.

use actix_web::{HttpRequest, HttpResponse, delete, get, http::header, put};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::{
    identity::{
        access::Action,
        setting::{self, MOST_OF_TENANT, MOST_OF_USER, Setting},
    },
    model::{
        entity::Entity,
        event::of_new,
        fault::{Fault, FaultCode, Faults, unknown},
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{SettingHead, SettingRow, Work};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        body,
        mutation::{Answer, Mutation, etag, if_match},
        read::{PageInfo, next_link},
        versions::{self, Versions},
    },
};

/// A setting.
#[derive(Serialize, ToSchema)]
pub struct SettingInfo {
    #[serde(flatten)]
    head: SettingSummary,
    /// Any JSON.
    #[schema(example = json!({"columns": ["name", "owner_id"]}))]
    value: Value,
}

/// A setting without its value.
#[derive(Serialize, ToSchema)]
pub struct SettingSummary {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "ui.list.columns")]
    key: String,
    #[schema(example = 1)]
    version: i64,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
    #[schema(value_type = Option<String>, format = "uuid")]
    updated_by: Option<Id>,
}

impl From<SettingHead> for SettingSummary {
    fn from(head: SettingHead) -> SettingSummary {
        let SettingHead { id, key, version, created_at, updated_at, updated_by } = head;
        SettingSummary { id, key, version, created_at, updated_at, updated_by }
    }
}

impl SettingInfo {
    fn of(row: &SettingRow) -> Result<SettingInfo, Problem> {
        let SettingRow { id, version, created_at, updated_at, updated_by, .. } = *row;
        let head = SettingSummary { id, key: row.key.clone(), version, created_at, updated_at, updated_by };
        Ok(SettingInfo { head, value: serde_json::from_str(&row.value)? })
    }
}

/// A page of settings, by key.
#[derive(Serialize, ToSchema)]
pub struct SettingPage {
    data: Vec<SettingSummary>,
    page: PageInfo,
}

/// A value to be kept. The other members of a setting may be sent along unchanged.
#[derive(ToSchema)]
#[allow(dead_code, reason = "documentation")]
pub struct SettingPut {
    /// Any JSON, at most 64 kB.
    #[schema(required = true, example = json!({"columns": ["name", "owner_id"]}))]
    value: Value,
}

crate::query! {
    /// Which settings to list.
    pub struct SettingsQuery {
        /// Only keys that begin with this.
        prefix: Option<String> => text(100).example("ui."),
        /// The maximum number of results, 1 to 200.
        limit: i64 => integer(1, 200).default(50),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
        /// Whether to count all of them.
        total: bool => boolean().default(false),
    }
}

/// Whose settings are meant.
#[derive(Clone, Copy)]
enum Whose {
    /// Everybody reads them; whoever administers writes them.
    Tenant,
    /// Nobody else's business.
    Mine,
}

impl Whose {
    /// Demands what a call needs; the user whose they are.
    fn permit(self, call: &Call, action: Action) -> Result<Option<Id>, Problem> {
        match (self, action) {
            (Whose::Mine, _) | (Whose::Tenant, Action::Read) => call.principal.permit_oneself(Setting::object(), action)?,
            (Whose::Tenant, _) => call.demand_all(Setting::object(), action)?,
        }
        Ok(match self {
            Whose::Tenant => None,
            Whose::Mine => Some(call.principal.user_id()),
        })
    }

    fn most(self) -> i64 {
        match self {
            Whose::Tenant => MOST_OF_TENANT,
            Whose::Mine => MOST_OF_USER,
        }
    }

    /// Tells the log. What somebody keeps for themselves is nobody's news.
    fn tell(self, work: &mut Work<'_>, verb: &str, row: &SettingRow, changes: Map<String, Value>) {
        match self {
            Whose::Tenant => work.event(Setting::NAME, verb, row.id, row.version, changes, &[]),
            Whose::Mine => {}
        }
    }
}

/// List the tenant's settings
///
/// Returns the keys in order, without the values. Every user can read these settings; an API key needs the scope `setting:read`.
#[utoipa::path(tag = "settings", operation_id = "listSettings", params(SettingsQuery),
    responses((status = 200, description = "A page of settings.", body = SettingPage)))]
#[get("/v1/settings")]
pub async fn list(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    list_of(Whose::Tenant, call, request).await
}

/// List my settings
///
/// An API key needs the scope `setting:read`.
#[utoipa::path(tag = "settings", operation_id = "listMySettings", params(SettingsQuery),
    responses((status = 200, description = "A page of settings.", body = SettingPage)))]
#[get("/v1/me/settings")]
pub async fn list_mine(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    list_of(Whose::Mine, call, request).await
}

/// Get a setting of the tenant
#[utoipa::path(tag = "settings", operation_id = "getSetting", params(("key" = String, Path, pattern = "^[a-z0-9._-]{1,100}$", max_length = 100, description = "1 to 100 of the characters `a-z0-9._-`.")),
    responses((status = 200, description = "The setting.", body = SettingInfo)))]
#[get("/v1/settings/{key}")]
pub async fn read(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    get_of(Whose::Tenant, call, request).await
}

/// Get one of my settings
#[utoipa::path(tag = "settings", operation_id = "getMySetting", params(("key" = String, Path, pattern = "^[a-z0-9._-]{1,100}$", max_length = 100, description = "1 to 100 of the characters `a-z0-9._-`.")),
    responses((status = 200, description = "The setting.", body = SettingInfo)))]
#[get("/v1/me/settings/{key}")]
pub async fn read_mine(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    get_of(Whose::Mine, call, request).await
}

/// Keep a setting of the tenant
///
/// Creates it or replaces its value; at most 500 per tenant. Needs the permission `setting:update` on all records. Leaves the
/// event `setting.created` or `setting.updated`.
#[utoipa::path(tag = "settings", operation_id = "putSetting", request_body = SettingPut,
    params(("key" = String, Path, pattern = "^[a-z0-9._-]{1,100}$", max_length = 100, description = "1 to 100 of the characters `a-z0-9._-`.")),
    responses((status = 200, description = "The setting.", body = SettingInfo), (status = 201, description = "The new setting.", body = SettingInfo)))]
#[put("/v1/settings/{key}")]
pub async fn keep(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    put_of(Whose::Tenant, call, request, body).await
}

/// Keep one of my settings
///
/// Creates it or replaces its value; at most 200 per user. Leaves no event. An API key needs the scope `setting:update`.
#[utoipa::path(tag = "settings", operation_id = "putMySetting", request_body = SettingPut,
    params(("key" = String, Path, pattern = "^[a-z0-9._-]{1,100}$", max_length = 100, description = "1 to 100 of the characters `a-z0-9._-`.")),
    responses((status = 200, description = "The setting.", body = SettingInfo), (status = 201, description = "The new setting.", body = SettingInfo)))]
#[put("/v1/me/settings/{key}")]
pub async fn keep_mine(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    put_of(Whose::Mine, call, request, body).await
}

/// Delete a setting of the tenant
///
/// Needs the permission `setting:update` on all records. Leaves the event `setting.deleted`.
#[utoipa::path(tag = "settings", operation_id = "deleteSetting", params(("key" = String, Path, pattern = "^[a-z0-9._-]{1,100}$", max_length = 100, description = "1 to 100 of the characters `a-z0-9._-`.")),
    responses((status = 204, description = "It was deleted.")))]
#[delete("/v1/settings/{key}")]
pub async fn remove(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    delete_of(Whose::Tenant, call, request).await
}

/// Delete one of my settings
///
/// Leaves no event. An API key needs the scope `setting:update`.
#[utoipa::path(tag = "settings", operation_id = "deleteMySetting", params(("key" = String, Path, pattern = "^[a-z0-9._-]{1,100}$", max_length = 100, description = "1 to 100 of the characters `a-z0-9._-`.")),
    responses((status = 204, description = "It was deleted.")))]
#[delete("/v1/me/settings/{key}")]
pub async fn remove_mine(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    delete_of(Whose::Mine, call, request).await
}

async fn list_of(whose: Whose, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let user = whose.permit(&call, Action::Read)?;
    let query = body::read_query::<SettingsQuery>(&parameters(&request)?)?;
    let (limit, total) = (query.get(SettingsQuery::limit), query.get(SettingsQuery::total));
    let (prefix, after) = asked(&query)?;
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let total = if total { Some(reader.count_settings(user, &prefix)?) } else { None };
        Ok((reader.settings(user, &prefix, after.as_deref(), limit + 1)?, total))
    });
    let (mut found, total) = reading.await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| has_more).map(|last| BASE64_URL_SAFE_NO_PAD.encode(&last.key));
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header((header::LINK, next_link(&request, next)));
    }
    if let Some(total) = total {
        response.insert_header(("X-Total-Count", total.to_string()));
    }
    let data = found.into_iter().map(SettingSummary::from).collect();
    Ok(response.json(SettingPage { data, page: PageInfo { next, has_more, total } }))
}

/// What keys are to begin with, and after which of them the page begins.
fn asked(query: &Record<SettingsQuery>) -> Result<(String, Option<String>), Faults> {
    let mut faults = Faults::default();
    let prefix = query.get(SettingsQuery::prefix).unwrap_or_default();
    if !setting::is_of_key(prefix) {
        faults.add(setting::invalid_key(SettingsQuery::prefix.name()));
    }
    let key = |cursor: &str| {
        let key = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        setting::key_of(&key).is_ok().then_some(key)
    };
    let cursor = query.get(SettingsQuery::cursor);
    let after = cursor.and_then(key);
    if cursor.is_some() && after.is_none() {
        faults.add(Fault::new(SettingsQuery::cursor.name(), FaultCode::InvalidCursor));
    }
    faults.into_result((prefix.to_owned(), after))
}

fn key_of(request: &HttpRequest) -> Result<String, Fault> {
    setting::key_of(request.match_info().query("key")).map(str::to_owned)
}

async fn get_of(whose: Whose, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let user = whose.permit(&call, Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let key = key_of(&request)?;
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| Ok(reader.setting(user, &key)?));
    let row = reading.await?.ok_or_else(Problem::not_found)?;
    let tag = etag(row.version);
    if Versions::of(&request, header::IF_NONE_MATCH).is_some_and(|versions| versions.includes(row.version)) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(SettingInfo::of(&row)?))
}

async fn put_of(whose: Whose, call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let user = whose.permit(&call, Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let key = key_of(&request)?;
    let value = told(&body.0)?.clone();
    setting::check_value(&value).map_err(Problem::rule)?;
    let expected = if_match(&request);
    let (location, by) = (request.path().to_owned(), call.principal.user_id());
    mutation
        .run(&call, move |work| {
            work.lock_settings(user)?;
            let stored = work.reader().setting(user, &key)?;
            demand(expected.as_ref(), stored.as_ref())?;
            let now = work.origin.now;
            let Some(stored) = stored else {
                if work.reader().count_settings(user, "")? >= whose.most() {
                    let full = Fault::new(Setting::key.name(), FaultCode::TooManySettings).with("max", whose.most());
                    return Err(Problem::rule(full.into()));
                }
                let row = SettingRow {
                    tenant_id: work.tenant().id,
                    id: work.new_id(),
                    user_id: user,
                    key: key.clone(),
                    value: value.to_string(),
                    version: 0,
                    created_at: now,
                    updated_at: now,
                    updated_by: Some(by),
                };
                let row = work.add_setting(row)?;
                unchanged(&body.0, &row, true)?;
                let made = [(Setting::key.name().to_owned(), json!(key)), (Setting::value.name().to_owned(), value.clone())];
                whose.tell(work, "created", &row, of_new(Map::from_iter(made)));
                return answer(201, &row, Some(&location));
            };
            unchanged(&body.0, &stored, false)?;
            let before: Value = serde_json::from_str(&stored.value)?;
            if before == value {
                return answer(200, &stored, None);
            }
            let version = stored.version + 1;
            // The clocks of nodes differ.
            let updated_at = now.max(stored.updated_at);
            let row = SettingRow { value: value.to_string(), version, updated_at, updated_by: Some(by), ..stored };
            work.change_setting(&row)?;
            let change = (Setting::value.name().to_owned(), json!({"from": before, "to": value}));
            whose.tell(work, "updated", &row, Map::from_iter([change]));
            answer(200, &row, None)
        })
        .await
}

async fn delete_of(whose: Whose, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let user = whose.permit(&call, Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &Value::Null)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let key = key_of(&request)?;
    let expected = if_match(&request);
    mutation
        .run(&call, move |work| {
            work.lock_settings(user)?;
            let stored = work.reader().setting(user, &key)?.ok_or_else(Problem::not_found)?;
            demand(expected.as_ref(), Some(&stored))?;
            let row = SettingRow { version: stored.version + 1, ..stored };
            work.delete_setting(&row)?;
            let before: Value = serde_json::from_str(&row.value)?;
            let gone = |name: &str, from: Value| (name.to_owned(), json!({"from": from, "to": null}));
            let changes = [gone(Setting::key.name(), json!(row.key)), gone(Setting::value.name(), before)];
            whose.tell(work, "deleted", &row, Map::from_iter(changes));
            Ok(Answer::no_content())
        })
        .await
}

/// What a request wants to be kept.
fn told(body: &Value) -> Result<&Value, Faults> {
    let wrong = || Fault::new("", FaultCode::WrongType).with("expected", "an object");
    let members = body.as_object().ok_or_else(wrong)?;
    let known = known();
    let mut faults = Faults::default();
    for name in members.keys().filter(|name| !known.contains(&name.as_str())).take(Faults::MOST + 1) {
        let pointer = format!("/{}", farley_domain::model::fault::pointer_token(name));
        faults.add(unknown(pointer, FaultCode::UnknownMember, name, known.into_iter()));
    }
    let value = members.get(Setting::value.name());
    if value.is_none() {
        faults.add(Fault::new(Setting::value.pointer(), FaultCode::Required));
    }
    faults.into_result(value.unwrap_or(&Value::Null))
}

/// The members of a setting, its value last.
fn known() -> [&'static str; 7] {
    [
        Setting::id.name(),
        Setting::key.name(),
        Setting::version.name(),
        Setting::created_at.name(),
        Setting::updated_at.name(),
        Setting::updated_by.name(),
        Setting::value.name(),
    ]
}

/// What Farley sets may be sent along as it is stored; of a new setting that is the key alone.
fn unchanged(body: &Value, row: &SettingRow, is_new: bool) -> Result<(), Problem> {
    let stored = serde_json::to_value(SettingInfo::of(row)?)?;
    let sent = body.as_object().into_iter().flatten().filter(|(name, _)| *name != Setting::value.name());
    let is_as_stored = |name: &str, sent: &Value| *sent == stored[name] && (!is_new || name == Setting::key.name());
    let changed = sent.filter(|(name, sent)| !is_as_stored(name, sent));
    let faults = Faults(changed.map(|(name, _)| Fault::new(format!("/{name}"), FaultCode::ReadOnly)).collect());
    Ok(faults.into_result(())?)
}

/// Refuses a write that was begun on another version; what is not there is no version.
fn demand(expected: Option<&Versions>, stored: Option<&SettingRow>) -> Result<(), Problem> {
    match (expected, stored) {
        (None, _) => Ok(()),
        (Some(expected), Some(stored)) if expected.includes(stored.version) => Ok(()),
        (Some(expected), stored) => Err(versions::mismatch(expected, stored.map_or(0, |stored| stored.version))),
    }
}

fn answer(status: u16, row: &SettingRow, location: Option<&str>) -> Result<Answer, Problem> {
    let mut answer = Answer::json(status, &SettingInfo::of(row)?)?;
    answer.headers.push(("ETag".to_owned(), etag(row.version)));
    answer.headers.extend(location.map(|location| ("Location".to_owned(), location.to_owned())));
    Ok(answer)
}
