//! Reading records: lists, searches, single records, histories.

use std::{borrow::Cow, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::header};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::{Field, Op},
        object::{Object, Reach, Schema},
        operand::Operand,
        record::Record,
        recurring, registry,
    },
    query::{
        list::{Expanded, ListQuery, RecordQuery, SortBy, SortKey},
        predicate::Predicate,
    },
    values::time::Timestamp,
};
use farley_persistence::{Layout, Page, Reader, Turn, Written};
use serde::Serialize;

use super::{
    behaviour, body, events,
    mutation::{Answer, etag},
    named::Named,
    versions::Versions,
    viewed,
    write::parent_named,
};
use crate::{
    access::{call::Call, lane, principal::Principal},
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
};

/// A list as it is sent.
#[derive(Serialize)]
pub struct Envelope<T: Serialize> {
    pub data: Vec<T>,
    pub page: PageInfo,
}

/// How to continue a list.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Page)]
pub struct PageInfo {
    /// The cursor of the next page; null on the last page.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
    /// The total number of records; null unless requested.
    pub total: Option<i64>,
}

pub async fn list(object: &'static Object, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.rows(object, Action::Read)?;
    let asked = viewed::in_parameters(&call, object, parameters(&request)?).await?;
    let query = ListQuery::from_parameters(object, &asked, &call.view())?;
    let turn = lane::of_list(&request, &query, "");
    let (page, sort) = read_page(object, &call, (query, turn), parent_named(object, &request)?).await?;
    respond(&request, page, (object, &sort), true)
}

pub async fn search(object: &'static Object, call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.rows(object, Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let asked = viewed::in_body(&call, object, &body.0).await?;
    let query = ListQuery::from_search_body(object, &asked, &call.view())?;
    let turn = lane::of_list(&request, &query, &body.0.to_string());
    let (page, sort) = read_page(object, &call, (query, turn), parent_named(object, &request)?).await?;
    respond(&request, page, (object, &sort), false)
}

/// How the body of a list begins.
const BODY: &[u8] = b"{\"data\":[";

/// A page with its body written up to the end of its rows.
async fn read_page(
    object: &'static Object,
    call: &Call,
    (query, turn): (ListQuery, Turn),
    parent: Option<Named>,
) -> Result<(Page<Vec<u8>>, Vec<SortKey>), Problem> {
    let sort = query.sort.clone();
    let layout =
        layout_for(&call.principal, object, query.fields.as_deref(), &query.expand, (&query.sort, query.as_of.is_some()));
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let page = call
        .state
        .store
        .read_in::<_, Problem>(turn, call.claim(), move |reader| {
            let view = principal.view(now);
            let mut query = Cow::Borrowed(&query);
            if let Some(within) = below(reader, &principal, now, object, parent.as_ref())? {
                let all = query.predicate.clone();
                query.to_mut().predicate = all.and(within);
            }
            let derives = derives(object, query.fields.as_deref());
            if query.expand.is_empty() && !derives {
                return Ok(reader.list_written(&layout, &view, &query, BODY.to_vec())?);
            }
            let mut page = reader.list(&layout, &view, &query)?;
            if derives {
                (behaviour::of(object)?.derive)(reader, &principal, now, &mut page.rows)?;
            }
            reader.expand(&mut page.rows, &view, &query.expand, &|target, fields| layout_of(&principal, target, fields))?;
            let mut rows = BODY.to_vec();
            for (position, row) in page.rows.iter().enumerate() {
                if position > 0 {
                    rows.push(b',');
                }
                row.write_json(&mut rows)?;
            }
            Ok(Page { rows, next: page.next, total: page.total })
        })
        .await?;
    Ok((page, sort))
}

/// A live record of an entity that the caller may read, for what is done with it.
pub async fn live<E: Entity>(call: &Call, named: Named) -> Result<Record<E>, Problem> {
    let object = E::object();
    let rows = Predicate::Archived(false).and(call.rows(object, Action::Read)?);
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let read = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let Some(id) = named.find(reader, &principal, object)? else { return Ok(None) };
        let row = reader.get(&principal.layout(object), &principal.view(now), id, &rows)?;
        Ok(row.map(|row| row.to_record()).transpose()?)
    });
    read.await?.map(Record::into_entity).ok_or_else(Problem::not_found)
}

/// Whether fields are asked for that are made of something beside the records.
fn derives(object: &Object, fields: Option<&[String]>) -> bool {
    fields.into_iter().flatten().any(|name| object.field(name).is_some_and(|field| field.derived))
}

/// The parts of the record that a path names as their parent, if the asker may know of it.
pub fn below(
    reader: &mut Reader<'_>,
    principal: &Principal,
    now: Timestamp,
    object: &'static Object,
    parent: Option<&Named>,
) -> Result<Option<Predicate>, Problem> {
    let (Some(parent), Some(named)) = (object.parent, parent) else { return Ok(None) };
    let (target, field) = registry::object(parent.object).zip(object.field(parent.field)).ok_or_else(Problem::not_found)?;
    let rows = principal.asker.rows(target, Action::Read).unwrap_or_else(Predicate::nothing);
    let id = named.find(reader, principal, target)?.ok_or_else(Problem::not_found)?;
    let layout = Arc::new(Layout::of(&principal.schema(target), &|_| true, Some(&[]), &[]));
    reader.get(&layout, &principal.view(now), id, &rows)?.ok_or_else(Problem::not_found)?;
    Ok(Some(Predicate::test(field, Op::Eq, Operand::Id(id))))
}

/// What is read for an answer: the fields shown, and those needed to make it. Of the past, what is known of it.
pub fn layout_for(
    principal: &Principal,
    object: &'static Object,
    fields: Option<&[String]>,
    expand: &[Expanded],
    (sort, past): (&[SortKey], bool),
) -> Arc<Layout> {
    let references = expand.iter().filter_map(|expanded| match expanded.relation.reach {
        Reach::ToOne { field } | Reach::Attached { field, .. } => Some(field.to_owned()),
        Reach::Inverse { .. } | Reach::Linked { .. } => None,
    });
    let keys = sort.iter().filter_map(|key| match &key.by {
        SortBy::Field(field) => Some(field.money().map_or_else(|| field.path(), str::to_owned)),
        SortBy::Far(_) | SortBy::Relevance(_) => None,
    });
    // The version is the entity tag, whatever is shown.
    let version = (!past).then(|| recurring::VERSION.name().to_owned());
    let also: Vec<String> = references.chain(keys).chain(version).collect();
    let schema: Schema = principal.schema(object);
    if past {
        let sees = |field: &Field| object.knows_past(field) && principal.asker.sees(object, field);
        return Arc::new(Layout::of(&schema, &sees, fields, &also));
    }
    let full = principal.layout(object);
    if fields.is_none() && also.iter().all(|path| schema.field(path).is_some_and(|field| shown(principal, object, field))) {
        return full;
    }
    Arc::new(Layout::of(&schema, &|field| principal.asker.sees(object, field), fields, &also))
}

/// What is shown of a record that is expanded: these fields, or all but those on request.
pub fn layout_of(principal: &Principal, object: &'static Object, fields: Option<&[String]>) -> Arc<Layout> {
    match fields {
        None => principal.layout(object),
        Some(fields) => {
            let sees = |field: &Field| principal.asker.sees(object, field);
            Arc::new(Layout::of(&principal.schema(object), &sees, Some(fields), &[]))
        }
    }
}

fn shown(principal: &Principal, object: &'static Object, field: &Field) -> bool {
    principal.asker.sees(object, field) && !field.on_request
}

/// Sends a page with the links and counts that its headers bear.
fn respond(
    request: &HttpRequest,
    page: Page<Vec<u8>>,
    (object, sort): (&Object, &[SortKey]),
    link: bool,
) -> Result<HttpResponse, Problem> {
    let next = page.next.as_ref().map(|cursor| cursor.encode(object, sort));
    let mut response = HttpResponse::Ok();
    response.content_type("application/json");
    if let Some(next) = next.as_ref().filter(|_| link) {
        response.insert_header((header::LINK, next_link(request, next)));
    }
    if let Some(total) = page.total {
        response.insert_header(("X-Total-Count", total.to_string()));
    }
    let has_more = next.is_some();
    let mut body = page.rows;
    body.extend_from_slice(b"],\"page\":");
    serde_json::to_writer(&mut body, &PageInfo { next, has_more, total: page.total })?;
    body.push(b'}');
    Ok(response.body(body))
}

/// `<…>; rel="next"`: the same request from where this page ended.
pub fn next_link(request: &HttpRequest, cursor: &str) -> String {
    let others = request
        .query_string()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=") && !pair.starts_with("offset="));
    let query: Vec<&str> = others.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!("<{}?{}{separator}cursor={cursor}>; rel=\"next\"", request.path(), query.join("&"))
}

pub async fn get(object: &'static Object, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(object, Action::Read)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (query, layout) = if request.query_string().is_empty() {
        (RecordQuery { fields: None, expand: Vec::new(), archived: false }, call.principal.layout(object))
    } else {
        let query = RecordQuery::from_parameters(object, &parameters(&request)?, &call.view())?;
        let layout = layout_for(&call.principal, object, query.fields.as_deref(), &query.expand, (&[], false));
        (query, layout)
    };
    let parent = parent_named(object, &request)?;
    let record = read_one(object, &call, (named, parent), layout, rows, query).await?;
    let tag = etag(record.version);
    let unchanged = Versions::of(&request, header::IF_NONE_MATCH).is_some_and(|versions| versions.includes(record.version));
    if unchanged {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    Ok(HttpResponse::Ok().content_type("application/json").insert_header((header::ETAG, tag)).body(record.json))
}

async fn read_one(
    object: &'static Object,
    call: &Call,
    (named, parent): (Named, Option<Named>),
    layout: Arc<Layout>,
    rows: Predicate,
    query: RecordQuery,
) -> Result<Written, Problem> {
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let read = move |reader: &mut Reader<'_>| {
        one_in(reader, (&principal, now), object, (&named, parent.as_ref()), (&layout, rows, &query))
    };
    let found = call.state.store.read::<_, Problem>(call.tenant(), read).await?;
    found.ok_or_else(Problem::not_found)
}

fn one_in(
    reader: &mut Reader<'_>,
    (principal, now): (&Principal, Timestamp),
    object: &'static Object,
    (named, parent): (&Named, Option<&Named>),
    (layout, rows, query): (&Arc<Layout>, Predicate, &RecordQuery),
) -> Result<Option<Written>, Problem> {
    let mut within = if query.archived { rows } else { Predicate::Archived(false).and(rows) };
    let view = principal.view(now);
    let Some(id) = named.find(reader, principal, object)? else { return Ok(None) };
    if let Some(of_parent) = below(reader, principal, now, object, parent)? {
        within = within.and(of_parent);
    }
    let derives = derives(object, query.fields.as_deref());
    if query.expand.is_empty() && !derives {
        return Ok(reader.get_written(layout, &view, id, &within)?);
    }
    let Some(mut row) = reader.get(layout, &view, id, &within)? else { return Ok(None) };
    let rows = std::slice::from_mut(&mut row);
    if derives {
        (behaviour::of(object)?.derive)(reader, principal, now, rows)?;
    }
    reader.expand(rows, &view, &query.expand, &|target, fields| layout_of(principal, target, fields))?;
    let mut json = Vec::new();
    row.write_json(&mut json)?;
    Ok(Some(Written { version: row.version(), json }))
}

/// Reads a record in some work, and answers with it as `GET` does.
pub fn answer(
    reader: &mut Reader<'_>,
    call: &Call,
    object: &'static Object,
    named: (&Named, Option<&Named>),
    parameters: &[(String, String)],
) -> Result<Answer, Problem> {
    let rows = call.rows(object, Action::Read)?;
    let query = RecordQuery::from_parameters(object, parameters, &call.view())?;
    let layout = layout_for(&call.principal, object, query.fields.as_deref(), &query.expand, (&[], false));
    let found = one_in(reader, (&call.principal, call.now), object, named, (&layout, rows, &query))?;
    let Written { json, .. } = found.ok_or_else(Problem::not_found)?;
    let body = String::from_utf8(json).map_err(Problem::internal)?;
    Ok(Answer { status: 200, headers: Vec::new(), body, replayed_body: None })
}

/// `GET /v1/{collection}/{id}/history`: the events of one record, newest first.
pub async fn history(object: &'static Object, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(object, Action::Read)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let parent = parent_named(object, &request)?;
    events::list_of_record(&call, &request, events::Of::Record(object), (named, parent), rows).await
}

crate::query! {
    /// A page of a list that goes by position.
    pub struct PageQuery {
        /// The maximum number of results, 1 to 200.
        limit: i64 => integer(1, 200).default(50),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
    }
}

/// Reads `limit` and the position to go on from, of a list that takes nothing else.
pub fn position_page(request: &HttpRequest, fallback: i64) -> Result<(i64, i64), Problem> {
    let query = body::read_query::<PageQuery>(&parameters(request)?)?;
    Ok((query.get(PageQuery::limit), position_of(query.get(PageQuery::cursor), fallback)?))
}

/// The position that a cursor stands for.
pub fn position_of(cursor: Option<&str>, fallback: i64) -> Result<i64, Problem> {
    match cursor {
        None => Ok(fallback),
        Some(cursor) => Ok(events::position(cursor).ok_or_else(|| Fault::new("cursor", FaultCode::InvalidCursor))?),
    }
}
