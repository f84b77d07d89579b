//! Events over HTTP: histories, timelines and the change feed, each event cut down to what the asker may know.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::{
    identity::{access::Action, setting::Setting},
    model::{
        entity::Entity,
        event,
        fault::{Fault, FaultCode, Faults, unknown},
        object::Object,
        registry,
    },
    query::predicate::{Predicate, View, parse},
    reporting::segment,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{EventRow, Reader, WantedEvents};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    body,
    named::Named,
    read::{Envelope, PageInfo, below, next_link, position_of, position_page},
};
use crate::{
    access::{call::Call, principal::Principal},
    http::{problem::Problem, request::parameters},
};

/// A recorded change: who, when, and the old and new values.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    #[schema(value_type = String, format = "uuid")]
    pub id: Id,
    /// The object and what happened, as `object.what`.
    #[schema(example = "customer.updated")]
    pub r#type: String,
    #[schema(value_type = String, format = "date-time", example = "2026-03-01T08:00:00.000Z")]
    pub at: Timestamp,
    pub actor: EventActor,
    pub origin: EventOrigin,
    #[schema(example = "customer")]
    pub object: String,
    #[schema(value_type = String, format = "uuid")]
    pub record_id: Id,
    /// The version of the record after the change.
    #[schema(example = 7)]
    pub version: i64,
    /// What changed: `{field: {"from": …, "to": …}}`, custom fields as `custom.key`.
    #[schema(value_type = Object, example = json!({"status": {"from": "active", "to": "inactive"}}))]
    pub changes: Map<String, Value>,
    pub request_id: Option<String>,
    /// What the client gave along in the header `Client-Tag`, or a channel's bridge in its message, to know its own echo.
    #[schema(example = "bridge-1/8f3a")]
    pub client_tag: Option<String>,
}

/// Who did it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventActor {
    /// `user`, `api_key`, `contact` or `system`.
    #[schema(example = "user")]
    pub kind: String,
    #[schema(value_type = Option<String>, format = "uuid")]
    pub user_id: Option<Id>,
    #[schema(value_type = Option<String>, format = "uuid")]
    pub api_key_id: Option<Id>,
    /// The contact, if it was done in a customer portal; otherwise absent.
    #[schema(value_type = Option<String>, format = "uuid")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<Id>,
}

/// Where a change comes from: what made the actor do it, so that a bridge between systems knows its own echo.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventOrigin {
    /// `rule`, `macro`, `import` or `channel`; otherwise the actor itself: `user`, `api_key`, `contact` or `system`.
    #[schema(example = "rule")]
    pub kind: String,
    /// The id of the rule, macro, import, channel, user, API key or contact; null for the system.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub id: Option<Id>,
}

impl EventOrigin {
    fn of(row: &EventRow) -> EventOrigin {
        match &row.cause_kind {
            Some(kind) => EventOrigin { kind: kind.clone(), id: row.cause_id },
            None => EventOrigin { kind: row.actor_kind.clone(), id: row.api_key_id.or(row.user_id).or(row.contact_id) },
        }
    }
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct ChangePage {
    pub data: Vec<Event>,
    pub page: ChangePageInfo,
}

/// The position in the feed.
#[derive(Serialize, ToSchema)]
pub struct ChangePageInfo {
    /// Pass it as `cursor` to continue; it is never null, so that a reader can return later for new events.
    pub next: String,
    pub has_more: bool,
}

/// The opaque cursor of a position in the log.
#[must_use]
pub fn cursor(position: i64) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("e{position}"))
}

/// The position that a cursor stands for.
#[must_use]
pub fn position(cursor: &str) -> Option<i64> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix('e')?.parse().ok().filter(|position| *position >= 0)
}

/// The event as the asker may see it: hidden fields are left out of its changes.
pub fn shown(row: EventRow, principal: &Principal) -> Result<Event, Problem> {
    let object = registry::object(&row.object);
    let mut changes: Map<String, Value> = farley_domain::model::event::changes(&row.changes)?;
    if let Some(object) = object {
        let schema = principal.schema(object);
        changes.retain(|name, change| {
            principal.asker.sees_path(object, &schema, name) && may_know_members(principal, object, (name, change), row.at)
        });
    }
    let origin = EventOrigin::of(&row);
    Ok(Event {
        id: row.id,
        r#type: row.kind,
        at: row.at,
        origin,
        actor: EventActor { kind: row.actor_kind, user_id: row.user_id, api_key_id: row.api_key_id, contact_id: row.contact_id },
        object: row.object,
        record_id: row.record_id,
        version: row.version,
        changes,
        request_id: row.request_id,
        client_tag: row.client_tag,
    })
}

/// Whether somebody may know of a change of the segments that a record is in: of members of a segment only those do who can use it.
fn may_know_members(principal: &Principal, object: &'static Object, (name, change): (&str, &Value), at: Timestamp) -> bool {
    if segment::field_of(object).is_none_or(|field| field.name != name) {
        return true;
    }
    let view = principal.view(at);
    let id = ["to", "from"].iter().find_map(|side| change[side].as_str()?.parse().ok());
    let known = id.and_then(|id| view.segment(id));
    known.is_some_and(|known| known.filter.as_ref().is_none_or(|filter| parse::of_segment(object, filter, &view).is_ok()))
}

/// Those of some records, by object and id, that the asker may read; archived ones too.
pub fn readable(
    reader: &mut Reader<'_>,
    records: &[(&str, Id)],
    principal: &Principal,
    now: Timestamp,
) -> Result<Vec<(&'static str, Id)>, Problem> {
    let mut allowed: Vec<(&str, Id)> = Vec::new();
    let view = principal.view(now);
    for object in registry::objects() {
        let Some(within) = principal.asker.rows(object, Action::Read) else { continue };
        let mut ids: Vec<Id> = records.iter().filter(|(name, _)| *name == object.name).map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        if within == Predicate::all() {
            allowed.extend(ids.into_iter().map(|id| (object.name, id)));
        } else {
            let seen = reader.by_ids(&principal.layout(object), &view, &ids, &within)?;
            allowed.extend(seen.iter().map(|row| (object.name, row.id())));
        }
    }
    Ok(allowed)
}

/// Keeps the events of records that the asker may read; archived ones too, for their tombstones.
pub fn visible(
    reader: &mut Reader<'_>,
    rows: Vec<EventRow>,
    principal: &Principal,
    now: Timestamp,
) -> Result<Vec<EventRow>, Problem> {
    let records: Vec<(&str, Id)> = rows.iter().map(|row| (row.object.as_str(), row.record_id)).collect();
    let allowed = readable(reader, &records, principal, now)?;
    let reads_settings = principal.permit_oneself(Setting::object(), Action::Read).is_ok();
    let is_visible = |row: &EventRow| match row.object.as_str() {
        Setting::NAME => reads_settings,
        object => allowed.contains(&(object, row.record_id)),
    };
    Ok(rows.into_iter().filter(is_visible).collect())
}

/// Which events a record's list shows.
#[derive(Clone, Copy)]
pub enum Of {
    /// Those of the record itself.
    Record(&'static Object),
    /// Those of the record and of others that concern it.
    Timeline(&'static Object),
}

/// Answers with the events of one record, newest first.
pub async fn list_of_record(
    call: &Call,
    request: &HttpRequest,
    of: Of,
    (named, parent): (Named, Option<Named>),
    mut rows: Predicate,
) -> Result<HttpResponse, Problem> {
    let (limit, before) = position_page(request, i64::MAX)?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let (data, next) = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let object = match of {
                Of::Record(object) | Of::Timeline(object) => object,
            };
            if let Some(of_parent) = below(reader, &principal, now, object, parent.as_ref())? {
                rows = rows.and(of_parent);
            }
            let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
            reader.get(&principal.layout(object), &principal.view(now), id, &rows)?.ok_or_else(Problem::not_found)?;
            let mut found = match of {
                Of::Record(_) => reader.history((object.name, id), before, limit + 1)?,
                Of::Timeline(_) => reader.timeline((object.name, id), before, limit + 1)?,
            };
            let more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let next = found.last().filter(|_| more).map(|event| cursor(event.seq));
            let found = visible(reader, found, &principal, now)?;
            Ok((found.into_iter().map(|row| shown(row, &principal)).collect::<Result<Vec<_>, _>>()?, next))
        })
        .await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header(("Link", next_link(request, next)));
    }
    let page = PageInfo { has_more: next.is_some(), next, total: None };
    Ok(response.json(Envelope { data, page }))
}

farley_domain::choices! {
    /// In which order events are read.
    pub enum FeedOrder {
        Oldest "oldest" "Oldest first" "从早到晚",
        Newest "newest" "Newest first" "从晚到早",
    }
}

crate::query! {
    /// Which events.
    pub struct ChangesQuery {
        /// The `page.next` of the previous page, to continue from there. Defaults to the beginning of the feed. `now` starts
        /// with the events from now on.
        cursor: Option<String> => long_text(4_000),
        /// The event types to return, as a comma-separated list.
        types: Vec<String> => texts(100).example(json!(["customer.created", "customer.updated"])),
        /// Only events of records of this object, by its name (`customer`) or that of its collection (`customers`).
        object: Option<String> => text(100).example("customer"),
        /// Only events of this record.
        record_id: Option<Id> => record_id(),
        /// `newest` goes backwards from the latest event; to read the complete feed, use `oldest`.
        order: Option<FeedOrder> => choice(FeedOrder::choices()).example("oldest"),
        /// The maximum number of events to read, 1 to 200.
        limit: i64 => integer(1, 200).default(50),
    }
}

/// The cursor of whoever wants to hear only of what is yet to come.
pub const NOW: &str = "now";
/// How far one page looks for events that a filter lets through. Where there are none, the next page goes on from there.
const FAR: i64 = 100_000;

/// The change feed
///
/// Returns all events of the tenant that you have access to, in commit order, at least once and without gaps: a reader never
/// misses an event that a slower transaction commits later. Archived records leave `….archived` events as tombstones. Store
/// `page.next` and continue from it. A page can be empty even though more events follow: events excluded by a filter or by your
/// permissions are skipped, and the cursor moves on.
#[utoipa::path(
    tag = "events",
    operation_id = "listChanges",
    params(ChangesQuery),
    responses((status = 200, description = "A page of the feed.", body = ChangePage))
)]
#[get("/v1/changes")]
pub async fn change_feed(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = body::read_query::<ChangesQuery>(&parameters(&request)?)?;
    let limit = asked.get(ChangesQuery::limit);
    let given = asked.get(ChangesQuery::cursor);
    let begin = if given == Some(NOW) { None } else { Some(position_of(given, 0)?) };
    let newest = match asked.get(ChangesQuery::order) {
        None | Some(FeedOrder::Oldest) => false,
        Some(FeedOrder::Newest) => true,
    };
    let wanted = WantedEvents {
        newest,
        ..wanted(
            (ChangesQuery::types.name(), asked.get(ChangesQuery::types)),
            (ChangesQuery::object.name(), asked.get(ChangesQuery::object)),
            asked.get(ChangesQuery::record_id),
        )?
    };
    // Newest first, a page goes back from where the cursor stands.
    let begin = if newest && given.is_none() { None } else { begin };
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let page = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let end = reader.log_end()?;
            let size = usize::try_from(limit).unwrap_or(usize::MAX);
            let is_filtered = !wanted.types.is_empty() || wanted.object.is_some();
            let far = if is_filtered && wanted.record.is_none() { FAR } else { i64::MAX };
            // What is looked at: after the first position, and not after the second.
            let within = match (newest, begin) {
                (true, None) => (end.saturating_sub(far).max(0), end),
                (true, Some(before)) => ((before - 1).saturating_sub(far).max(0), before - 1),
                (false, None) => (end, end),
                (false, Some(after)) => (after, after.saturating_add(far).min(end.max(after))),
            };
            let mut found = reader.events(within, &wanted, limit + 1)?;
            let full = found.len() > size;
            found.truncate(size);
            let (next, has_more) = match (found.last().filter(|_| full), newest) {
                (Some(last), _) => (last.seq, true),
                (None, true) => (within.0 + 1, within.0 > 0),
                (None, false) => (within.1, within.1 < end),
            };
            let found = visible(reader, found, &principal, now)?;
            let data = found.into_iter().map(|row| shown(row, &principal)).collect::<Result<Vec<_>, _>>()?;
            Ok(ChangePage { data, page: ChangePageInfo { next: cursor(next), has_more } })
        })
        .await?;
    let link = next_link(&request, &page.page.next);
    Ok(HttpResponse::Ok().insert_header(("Link", link)).json(page))
}

/// The object that a parameter names.
pub fn subject(parameter: &str, name: &str) -> Result<&'static Object, Fault> {
    registry::subject(name).ok_or_else(|| {
        let known = registry::subjects().map(|object| object.name);
        unknown(parameter.to_owned(), FaultCode::UnknownChoice, name, known)
    })
}

/// Which events are asked for, by the names of the parameters. A type, or an object, that there is none of is refused: a reader would
/// wait for it in vain.
pub fn wanted(
    (types_name, types): (&str, Vec<String>),
    (object_name, object): (&str, Option<&str>),
    record: Option<Id>,
) -> Result<WantedEvents, Faults> {
    let mut faults = Faults::default();
    let found = object.and_then(|name| faults.keep(subject(object_name, name)));
    for name in &types {
        faults.0.extend(event::unknown_type(types_name.to_owned(), name));
    }
    let object = found.map(|object| object.name.to_owned());
    faults.into_result(WantedEvents { types, object, record, newest: false })
}
