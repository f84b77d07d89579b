//! Search across all objects at once.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode},
        registry,
    },
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::parse,
    },
};
use farley_persistence::Row;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body;
use crate::{
    access::{call::Call, lane},
    http::{problem::Problem, request::parameters},
};

/// A record that was found.
#[derive(Serialize, ToSchema)]
pub struct Hit {
    /// The object the record is of.
    #[schema(example = "customer")]
    object: &'static str,
    /// The collection it is in.
    #[schema(example = "customers")]
    collection: &'static str,
    /// The display name of the record.
    #[schema(example = "华为技术有限公司")]
    title: Option<String>,
    /// The record, as returned by its own endpoint.
    #[schema(value_type = Object)]
    record: Row,
}

/// The records found.
#[derive(Serialize, ToSchema)]
pub struct SearchResult {
    /// The records found, best match first.
    data: Vec<Hit>,
    /// Whether more records match than are returned; search a single object with `q` to see them all.
    has_more: bool,
}

crate::query! {
    /// What to search for.
    pub struct SearchQuery {
        /// The text to search for.
        q: String => long_text(parse::MAX_QUERY).required().example("huawei"),
        /// Only these objects, as a comma-separated list: by name (`customer`) or by collection (`customers`).
        objects: Vec<String> => texts(50).example(json!(["customer", "contact"])),
        /// The maximum number of records, 1 to 100.
        limit: i64 => integer(1, 100).default(20),
    }
}

/// Search everything
///
/// Finds records of every object you can read: by part of a Chinese name, its pinyin or initials, Latin words, part of a phone
/// number or part of an e-mail address; symbols are significant (`C++`, `AT&T`). Exact matches of a name, number or address
/// come first, then prefix matches, then other matches in names, then all others, newest first. Settings such as stages and
/// roles come after all other records. Companies are found regardless of the legal form in their name.
#[utoipa::path(tag = "search", operation_id = "search",
    params(SearchQuery),
    responses((status = 200, description = "The records found.", body = SearchResult)))]
#[get("/v1/search")]
pub async fn search(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = body::read_query::<SearchQuery>(&parameters(&request)?)?;
    let limit = usize::try_from(asked.get(SearchQuery::limit)).unwrap_or(20);
    let at_q = |fault| Fault { pointer: SearchQuery::q.name().to_owned(), ..fault };
    let query = parse::search_query(asked.get(SearchQuery::q)).map_err(at_q)?;
    let wanted = asked.get(SearchQuery::objects);
    let named: Vec<_> = wanted.iter().filter_map(|name| registry::named(name)).collect();
    if named.len() < wanted.len() {
        let known: Vec<&str> = registry::objects().into_iter().map(|object| object.name).collect();
        return Err(Fault::new(SearchQuery::objects.name(), FaultCode::UnknownChoice).with("choices", known.join(", ")).into());
    }
    let searched: Vec<_> = registry::objects()
        .into_iter()
        .filter(|object| object.is_searchable() && (wanted.is_empty() || named.iter().any(|named| named.name == object.name)))
        .filter_map(|object| Some((object, call.principal.asker.rows(object, Action::Read)?)))
        .collect();
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let result = call
        .state
        .store
        .read_in::<_, Problem>(lane::of_search(&request), call.claim(), move |reader| {
            let view = principal.view(now);
            let (mut hits, mut has_more) = (Vec::new(), false);
            for (object, rows) in &searched {
                let object = *object;
                let query = parse::within_sight(query.clone(), &principal.schema(object), &view);
                let list = ListQuery {
                    predicate: farley_domain::query::predicate::Predicate::Archived(false).and(rows.clone()),
                    sort: vec![SortKey { by: SortBy::Relevance(query.clone()), descending: true }],
                    limit,
                    start: Start::First,
                    fields: None,
                    expand: Vec::new(),
                    total: false,
                    as_of: None,
                };
                let (found, tiers) = reader.ranked_rows(&principal.layout(object), &view, &list, &query)?;
                has_more |= found.len() > limit;
                hits.extend(found.into_iter().zip(tiers).map(|(row, tier)| (tier, object, row)));
            }
            // What the work is about before how it is set up. Within a tier, the ids tell which record is newer.
            hits.sort_by_key(|(tier, object, row)| (object.configuration, std::cmp::Reverse(*tier), std::cmp::Reverse(row.id())));
            has_more |= hits.len() > limit;
            hits.truncate(limit);
            let data = hits.into_iter().map(|(_, object, record)| {
                let title = record
                    .to_record()
                    .ok()
                    .zip(object.field(object.title))
                    .and_then(|(record, title)| record.json(title).as_str().map(str::to_owned));
                Hit { object: object.name, collection: object.collection, title, record }
            });
            Ok(SearchResult { data: data.collect(), has_more })
        })
        .await?;
    Ok(HttpResponse::Ok().json(result))
}
