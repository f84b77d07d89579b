//! Customer portals: [who may come in](access), [with which code](codes), what of their [tickets](tickets), [messages](messages),
//! [files](files) and [orders](orders) they [see](shown), and what they may do with them.

pub mod access;
pub mod codes;
pub mod files;
pub mod messages;
pub mod orders;
mod page;
pub mod sessions;
mod shown;
pub mod tickets;

use actix_web::{HttpRequest, HttpResponse, get, http::header, post};
use farley_domain::{
    model::{handle::Handle, record::Record},
    service::portal::Portal,
    values::id::Id,
};
use farley_persistence::{Reader, StoreError, Work};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, limit_by_address, parameters, refuse_rest},
    },
    records::{
        behaviour::{Behaviour, Writing},
        public::{self, Public},
    },
};

impl Public for Portal {
    const PATH: &'static str = "/v1/portal/";
    const PREFIX: &'static str = "cp_";
    const HEADERS: &'static str = "authorization, content-type, accept-language, idempotency-key, content-digest, content-disposition, range, if-none-match";
    const TOKEN: Handle<Self, Option<String>> = Portal::token;
    const IS_ACTIVE: Handle<Self, bool> = Portal::is_active;
    const ALLOWED_ORIGINS: Handle<Self, Vec<String>> = Portal::allowed_origins;

    fn of_token(reader: &mut Reader<'_>, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
        reader.portal_of_token(token)
    }
}

impl Behaviour for Portal {
    fn before(_: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        public::give_token(record);
        Ok(())
    }
}

/// Rotate the token of a portal
///
/// Gives the portal a new token; the old one stops working immediately. Contacts who are signed in stay so, and use the new one.
#[utoipa::path(tag = "portals", operation_id = "rotatePortalToken",
    params(("id" = String, Path, description = "The id of the portal, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The portal with its new token.", body = ref("#/components/schemas/Portal"))))]
#[post("/v1/portals/{id}/rotate-token")]
pub async fn rotate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    public::rotate::<Portal>((call, request, body)).await
}

/// A customer portal.
#[derive(Serialize, ToSchema)]
pub struct PublicPortal {
    /// The brand name.
    #[schema(example = "Acme 服务中心")]
    name: String,
    /// Whether contacts can close their tickets.
    lets_close: bool,
}

/// Get a customer portal
///
/// Returns what a page of the portal shows before anybody signs in. No log-in is required; browsers can request it from the portal's
/// allowed origins.
#[utoipa::path(tag = "portals", operation_id = "getPublicPortal", security(()),
    params(("token" = String, Path, description = "The token of the portal.")),
    responses((status = 200, description = "The portal.", body = PublicPortal),
              (status = 403, description = "This site is not allowed to show the portal.")))]
#[get("/v1/portal/{token}")]
pub async fn describe(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let (name, lets_close) = (found.record.get(Portal::name).to_owned(), found.record.get(Portal::lets_close));
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache")).json(PublicPortal { name, lets_close }))
}

/// The portal of the token in a path.
pub type Found = public::Found<Portal>;
