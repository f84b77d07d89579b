//! Who is editing a record: advice for editors, that keeps nobody out. What is stored in between shows in the version, as ever.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, delete, get, put};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::{
    identity::{access::Action, user::User},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        object::Object,
        recurring,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Cell, Reader, RecordLockRow, Work};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    body,
    bulk::object_of,
    events,
    mutation::{Answer, Mutation},
    named::Named,
    operations::Generic,
    read::{Envelope, PageInfo, next_link},
};
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::{Code, Problem},
        request::{Body, parameters, refuse_rest},
    },
};

/// How many records somebody holds at a time.
const MOST: i64 = 200;

crate::body! {
    /// How long a record is held.
    pub struct Hold {
        /// For how many seconds, 10 to 3,600. Repeat the request in time to hold it for longer.
        ttl_seconds: i64 => integer(10, 3_600).default(60).example(json!(60)),
        /// Whether to take the record over if another user holds it.
        take_over: bool => boolean().default(false),
    }
    example json!({"ttl_seconds": 60})
}

/// Who is editing a record.
#[derive(Serialize, ToSchema)]
pub struct RecordLock {
    /// The object of the record.
    #[schema(example = "customer")]
    object: String,
    #[schema(value_type = String, format = "uuid")]
    record_id: Id,
    /// The user who is editing it.
    #[schema(value_type = String, format = "uuid")]
    user_id: Id,
    /// The name of that user; null if you cannot read it.
    #[schema(example = "王小明")]
    user_name: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = "date-time", example = "2026-03-01T08:00:00.000Z")]
    since: Timestamp,
    /// Until when, unless it is held for longer.
    #[schema(value_type = String, format = "date-time", example = "2026-03-01T08:01:00.000Z")]
    expires_at: Timestamp,
}

/// A page of locks.
#[derive(Serialize, ToSchema)]
pub struct RecordLocks {
    pub data: Vec<RecordLock>,
    pub page: PageInfo,
}

/// Locks as somebody sees them, with the names of their users where they may read these.
fn shown(
    reader: &mut Reader<'_>,
    principal: &Principal,
    rows: Vec<RecordLockRow>,
    now: Timestamp,
) -> Result<Vec<RecordLock>, Problem> {
    let users = <User as Entity>::object();
    let sees_names = principal.asker.sees(users, User::name.field());
    let mut ids: Vec<Id> = rows.iter().map(|row| row.user_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = match principal.asker.rows(users, Action::Read).filter(|_| sees_names) {
        Some(within) => reader.by_ids(&principal.layout(users), &principal.view(now), &ids, &within)?,
        None => Vec::new(),
    };
    let name_of = |user: Id| {
        let row = found.iter().find(|row| row.id() == user)?;
        row.cell(User::name.name())?.as_text().map(str::to_owned)
    };
    let seen = |row: RecordLockRow| RecordLock {
        user_name: name_of(row.user_id),
        object: row.object,
        record_id: row.record_id,
        user_id: row.user_id,
        since: row.since,
        expires_at: row.expires_at,
    };
    Ok(rows.into_iter().map(seen).collect())
}

/// The record that is named, if the caller may change it.
fn editable(work: &mut Work<'_>, call: &Call, object: &'static Object, named: &Named) -> Result<Id, Problem> {
    let rows = call.rows(object, Action::Update)?;
    let readable = call.rows(object, Action::Read)?;
    let id = named.find(work.reader(), &call.principal, object)?.ok_or_else(Problem::not_found)?;
    let layout = call.principal.layout(object);
    let read = work.reader().get(&layout, &call.view(), id, &readable)?.ok_or_else(Problem::not_found)?;
    if read.cell(recurring::ARCHIVED_AT.name()).is_some_and(|cell| *cell != Cell::Null) {
        return Err(Problem::archived());
    }
    let permitted = work.reader().get(&layout, &call.view(), id, &rows)?;
    permitted.map(|_| id).ok_or_else(|| Problem::forbidden(Action::Update.as_str(), object.name))
}

/// Say that I am editing a record
///
/// For editors that show who else is at a record. A lock is advice: it keeps nobody from reading or changing the record; `If-Match` is
/// what protects a write. It ends by itself after `ttl_seconds`; repeat the request before that to hold the record for longer. A user
/// holds up to 200 records.
#[utoipa::path(tag = "locks", operation_id = "lockRecord", request_body = Hold,
    params(("collection" = String, Path, description = "The collection, such as `customers`.", example = "customers"),
           ("id" = String, Path, description = "The id of the record, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "You hold the record.", body = RecordLock),
              (status = 409, description = "Another user is editing the record (`record_locked`, with their `lock`), or you hold too many.")))]
#[put("/v1/{collection}/{id}/lock")]
pub async fn lock(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let object = object_of(&request, Generic::Update)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = body::read::<Hold>(&body.0, &call.principal.standards(call.now))?;
    let (seconds, takes_over) = (asked.get(Hold::ttl_seconds), asked.get(Hold::take_over));
    call.rows(object, Action::Update)?;
    let own = call.clone();
    mutation
        .run(&call, move |work| {
            let (call, now) = (&own, work.origin.now);
            let record_id = editable(work, call, object, &named)?;
            let user_id = call.principal.user_id();
            let row = RecordLockRow {
                tenant_id: work.tenant().id,
                object: object.name.to_owned(),
                record_id,
                user_id,
                since: now,
                expires_at: now.plus_seconds(seconds),
            };
            let is_held = work.hold_record(&row, takes_over)?;
            let lock = work.reader().record_lock(record_id, now)?.ok_or_else(|| Problem::internal("a lock is gone"))?;
            let lock = shown(work.reader(), &call.principal, vec![lock], now)?;
            if !is_held {
                return Err(Problem::new(Code::RecordLocked).member("lock", serde_json::to_value(lock.first())?));
            }
            if work.reader().record_locks_of(user_id, now)? > MOST {
                return Err(Problem::rule(Fault::new("", FaultCode::TooMany).with("max", MOST).into()));
            }
            Answer::json(200, &lock.first())
        })
        .await
}

/// Say that I have stopped editing a record
///
/// Succeeds as well if you do not hold the record.
#[utoipa::path(tag = "locks", operation_id = "unlockRecord",
    params(("collection" = String, Path, description = "The collection, such as `customers`.", example = "customers"),
           ("id" = String, Path, description = "The id of the record, or `ext:{system}:{key}`.")),
    responses((status = 204, description = "You do not hold the record any more.")))]
#[delete("/v1/{collection}/{id}/lock")]
pub async fn unlock(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let object = object_of(&request, Generic::Update)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &Value::Null)?;
    refuse_rest(&parameters, &["validate_only"])?;
    call.rows(object, Action::Update)?;
    let readable = call.rows(object, Action::Read)?;
    let own = call.clone();
    mutation
        .run(&call, move |work| {
            let (call, user) = (&own, own.principal.user_id());
            let id = named.find(work.reader(), &call.principal, object)?.ok_or_else(Problem::not_found)?;
            let layout = call.principal.layout(object);
            work.reader().get(&layout, &call.view(), id, &readable)?.ok_or_else(Problem::not_found)?;
            work.let_go_of_record(id, user)?;
            Ok(Answer::no_content())
        })
        .await
}

crate::query! {
    /// Which locks.
    pub struct LocksQuery {
        /// Only records of this object, by its name (`customer`) or that of its collection (`customers`).
        object: Option<String> => text(100).example("customer"),
        /// Only this record.
        record_id: Option<Id> => record_id(),
        /// The maximum number of locks to read, 1 to 200.
        limit: i64 => integer(1, 200).default(50),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
    }
}

fn cursor_of(record: Id) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(record.0.as_bytes())
}

fn read_cursor(cursor: &str) -> Result<Id, Problem> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    let id = bytes.and_then(|bytes| uuid::Uuid::from_slice(&bytes).ok()).map(Id);
    Ok(id.ok_or_else(|| Fault::new(LocksQuery::cursor.name(), FaultCode::InvalidCursor))?)
}

/// List who is editing what
///
/// Of the records that you have access to, in the order of their ids. A page can be shorter than `limit` even though more follow.
#[utoipa::path(tag = "locks", operation_id = "listLocks", params(LocksQuery),
    responses((status = 200, description = "The locks that hold now.", body = RecordLocks)))]
#[get("/v1/locks")]
pub async fn list(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = body::read_query::<LocksQuery>(&parameters(&request)?)?;
    let object = asked.get(LocksQuery::object).map(|name| events::subject(LocksQuery::object.name(), name)).transpose()?;
    let after = asked.get(LocksQuery::cursor).map(read_cursor).transpose()?.unwrap_or(Id::NIL);
    let (limit, record) = (asked.get(LocksQuery::limit), asked.get(LocksQuery::record_id));
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let mut rows = match record {
            Some(record) => reader.record_lock(record, now)?.into_iter().collect(),
            None => reader.record_locks(object.map(|object| object.name), after, now, limit + 1)?,
        };
        rows.retain(|row| object.is_none_or(|object| object.name == row.object));
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| has_more).map(|last| cursor_of(last.record_id));
        let records: Vec<(&str, Id)> = rows.iter().map(|row| (row.object.as_str(), row.record_id)).collect();
        let readable = events::readable(reader, &records, &principal, now)?;
        rows.retain(|row| readable.contains(&(row.object.as_str(), row.record_id)));
        Ok((shown(reader, &principal, rows, now)?, next))
    });
    let (data, next) = reading.await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header(("Link", next_link(&request, next)));
    }
    Ok(response.json(Envelope { data, page: PageInfo { has_more: next.is_some(), next, total: None } }))
}
