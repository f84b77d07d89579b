//! Whether the server lives, and whether it can do its work.

use actix_web::{HttpRequest, HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{
        state::state_of,
        tokens::{Jwks, NO_TENANT},
    },
    http::{
        problem::Problem,
        request::{parameters, refuse_rest},
    },
};

/// That all is well.
#[derive(Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
}

const WELL: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Whether the process lives
#[utoipa::path(tag = "server", operation_id = "getHealth", security(()), responses((status = 200, description = "It lives.", body = Health)))]
#[get("/healthz")]
pub async fn healthz(request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    Ok(HttpResponse::Ok().json(WELL))
}

/// Whether the server can do its work
#[utoipa::path(tag = "server", operation_id = "getReadiness", security(()),
    responses((status = 200, description = "The database answers.", body = Health)))]
#[get("/readyz")]
pub async fn readyz(request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    state_of(&request)?.store.read::<_, Problem>(NO_TENANT, |reader| Ok(reader.ping()?)).await?;
    Ok(HttpResponse::Ok().json(WELL))
}

/// The keys that sign access tokens
#[utoipa::path(tag = "auth", operation_id = "getJwks", security(()), responses((status = 200, description = "Public keys.", body = Jwks)))]
#[get("/.well-known/jwks.json")]
pub async fn jwks(request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let state = state_of(&request)?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=300")).json(state.tokens.jwks()))
}
