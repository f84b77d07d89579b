//! What a frontend needs to know to draw forms and tables.

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{identity::access::Action, object::Shape, registry};

use crate::{
    call::{Call, parameters, refuse_rest},
    openapi::metadata::{Metadata, metadata},
    problem::Problem,
};

/// Describe the objects
///
/// Every object you may read, with its fields (the tenant's own included), their types, labels, choices, operators and what
/// you may do with them, and its relations.
#[utoipa::path(tag = "metadata", operation_id = "listObjects",
    responses((status = 200, description = "The objects.", body = Metadata)))]
#[get("/v1/metadata/objects")]
pub async fn objects(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let caller = &call.caller;
    let shapes: Vec<Shape> = registry::objects()
        .into_iter()
        .filter(|object| caller.asker.grants.scope(object.name, Action::Read).is_some())
        .map(|object| caller.shape(object))
        .collect();
    let mut described = metadata(&shapes, |shape, field| caller.asker.grants.rule(shape.object, field));
    // A relation that the caller cannot follow is not there for them.
    let readable: Vec<String> = described.data.iter().map(|object| object.name.clone()).collect();
    for object in &mut described.data {
        object.relations.retain(|relation| readable.contains(&relation.target));
    }
    Ok(HttpResponse::Ok().json(described))
}
