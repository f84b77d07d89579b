//! `/v1/metadata`: what a frontend needs to draw forms and tables, from the same field tables as everything else.

pub mod describe;
mod forms;
mod members;
pub mod vocabularies;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::access::Action,
    model::{
        object::{Object, Schema},
        registry,
    },
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::Layout;
use serde::Serialize;
use utoipa::ToSchema;

use self::describe::{CanMetadata, ObjectMetadata, OperationMetadata};
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::Problem,
        request::{json_unless_held, parameters, refuse_rest},
    },
    records::{area::installed, body},
};

/// The objects that you can read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Metadata {
    pub data: Vec<ObjectMetadata>,
}

/// Describe the objects
///
/// Returns every object you can read, with its fields (including custom fields), their types, labels, choices, operators and
/// your permissions on them, and its relations. Loading one object at a time is faster.
#[utoipa::path(tag = "metadata", operation_id = "listObjects",
    responses((status = 200, description = "The objects.", body = Metadata, headers(("ETag" = String, description = "For `If-None-Match`."))),
              (status = 304, description = "They have not changed since the version given in `If-None-Match`.")))]
#[get("/v1/metadata/objects")]
pub async fn objects(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let principal = &call.principal;
    let readable = registry::objects().into_iter().filter(|object| reads(principal, object.name));
    let described = Metadata { data: readable.map(|object| described(principal, object)).collect() };
    json_unless_held(&request, &described)
}

crate::query! {
    /// Of which record to say what may be done with it.
    pub struct ObjectQuery {
        /// A record of the object; `can` then shows what you can do with it.
        record_id: Option<Id> => record_id(),
    }
}

/// Describe an object
///
/// Returns one object you can read: its fields with their operators, a form layout, its relations, and the endpoints that you
/// can call.
#[utoipa::path(tag = "metadata", operation_id = "getObject",
    params(("object" = String, Path, description = "The name of the object, or of its collection.", example = "customer"), ObjectQuery),
    responses((status = 200, description = "The object.", body = ObjectMetadata, headers(("ETag" = String, description = "For `If-None-Match`."))),
              (status = 304, description = "It has not changed since the version given in `If-None-Match`.")))]
#[get("/v1/metadata/objects/{object}")]
pub async fn one_object(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = body::read_query::<ObjectQuery>(&parameters(&request)?)?;
    let name = request.match_info().query("object");
    let object = registry::named(name).ok_or_else(Problem::not_found)?;
    call.rows(object, Action::Read)?;
    let mut metadata = described(&call.principal, object);
    if let Some(record) = asked.get(ObjectQuery::record_id) {
        metadata.can = Some(can(&call, object, record).await?);
    }
    json_unless_held(&request, &metadata)
}

fn reads(principal: &Principal, object: &str) -> bool {
    principal.asker.grants.scope(object, Action::Read).is_some()
}

fn described(principal: &Principal, object: &'static Object) -> ObjectMetadata {
    let grants = &principal.asker.grants;
    let rule = |schema: &Schema, field: &_| grants.rule(schema.object, field);
    let mut metadata = describe::object(&principal.schema(object), &rule, &|action| grants.scope(object.name, action).is_some());
    let verbs = installed().map_or(&[][..], |installed| installed.verbs.as_slice());
    let offered = verbs.iter().filter(|verb| verb.object.name == object.name && verb.is_for(grants));
    metadata.operations.extend(offered.map(|verb| OperationMetadata {
        id: verb.id.clone(),
        method: verb.method.to_string(),
        path: verb.path.clone(),
    }));
    // A relation that the caller cannot follow is not there for them.
    metadata.relations.retain(|relation| reads(principal, &relation.target));
    metadata
}

/// What the caller may do with a record as it is now.
async fn can(call: &Call, object: &'static Object, record: Id) -> Result<CanMetadata, Problem> {
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let can = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let view = principal.view(now);
        let layout = Arc::new(Layout::of(&principal.schema(object), &|_| true, Some(&[]), &[]));
        let mut within = |action: Action, also: Predicate| -> Result<bool, Problem> {
            let Some(rows) = principal.asker.rows(object, action) else { return Ok(false) };
            Ok(reader.get(&layout, &view, record, &rows.and(also))?.is_some())
        };
        if !within(Action::Read, Predicate::all())? {
            return Err(Problem::not_found());
        }
        let by_hand = object.read_only;
        Ok(CanMetadata {
            update: !by_hand && within(Action::Update, Predicate::Archived(false))?,
            archive: !by_hand && within(Action::Archive, Predicate::Archived(false))?,
            restore: !by_hand && within(Action::Archive, Predicate::Archived(true))?,
        })
    });
    can.await
}
