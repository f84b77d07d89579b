//! The ledger of one record: what was true of it, from when on, and for how long.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use farley_domain::{
    identity::access::Action,
    model::object::Object,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Layout, LedgerEntry};
use serde_json::{Map, Value, json};

use super::{
    events,
    named::Named,
    read::{Envelope, PageInfo, below, next_link, position_page},
    write::parent_named,
};
use crate::{access::call::Call, http::problem::Problem};

/// One change that a ledger keeps.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct LedgerChange {
    /// From when on it was so.
    #[schema(value_type = String, format = "date-time", example = "2026-09-01T08:00:00.000Z")]
    pub at: Timestamp,
    /// Who changed it; null for the system.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub user_id: Option<Id>,
    /// What changed: `{field: {"from": …, "to": …}}`. In the first entry everything comes from null.
    #[schema(value_type = Object, example = json!({"stage_id": {"from": "01890a5d-ac96-774b-bcce-b302099a8057", "to": "01890a5d-ac96-774b-bcce-b302099a8058"}}))]
    pub changes: Map<String, Value>,
    /// Where the step changed: how many seconds the record had been in the step it left.
    #[schema(example = 86_400)]
    pub seconds_in_former_step: Option<i64>,
}

/// `GET /v1/{collection}/{id}/ledger`: newest first.
pub async fn ledger(object: &'static Object, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(object, Action::Read)?;
    let (named, parent) = (Named::parse(request.match_info().query("id"))?, parent_named(object, &request)?);
    let (limit, offset) = position_page(&request, 0)?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let (data, has_more) = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let mut rows = rows;
            if let Some(of_parent) = below(reader, &principal, now, object, parent.as_ref())? {
                rows = rows.and(of_parent);
            }
            let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
            reader.get(&principal.layout(object), &principal.view(now), id, &rows)?.ok_or_else(Problem::not_found)?;
            let names: Vec<String> =
                object.ledger.map_or(&[][..], |ledger| ledger.fields).iter().map(|name| (*name).to_owned()).collect();
            let schema = principal.schema(object);
            let layout = Layout::of(&schema, &|field| principal.asker.sees(object, field), Some(&names), &[]);
            // One more than shown: the last one shown is told from the one before it.
            let mut entries = reader.ledger(&Arc::new(layout), id, limit + 1, offset)?;
            let shown = usize::try_from(limit).unwrap_or(usize::MAX);
            let step = object.ledger.and_then(|ledger| object.field(ledger.step));
            if step.is_some_and(|step| !principal.asker.sees(object, step)) {
                entries.iter_mut().for_each(|entry| entry.former_seconds = None);
            }
            let changes =
                entries.iter().enumerate().take(shown).map(|(position, entry)| change(entry, entries.get(position + 1)));
            Ok((changes.collect::<Vec<_>>(), entries.len() > shown))
        })
        .await?;
    let next = has_more.then(|| events::cursor(offset + limit));
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header(("Link", next_link(&request, next)));
    }
    Ok(response.json(Envelope { data, page: PageInfo { next, has_more, total: None } }))
}

fn change(entry: &LedgerEntry, former: Option<&LedgerEntry>) -> LedgerChange {
    let mut changes = Map::new();
    for (name, to) in entry.state.iter().filter(|(name, _)| *name != "id") {
        let from = former.and_then(|former| former.state.get(name)).unwrap_or(&Value::Null);
        if from != to {
            changes.insert(name.clone(), json!({"from": from, "to": to}));
        }
    }
    LedgerChange { at: entry.at, user_id: entry.user_id, changes, seconds_in_former_step: entry.former_seconds }
}
