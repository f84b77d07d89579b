//! Customer portals: [who may come in](access), [with which code](codes), what of their [tickets](tickets), [messages](messages) and
//! [files](files) they [see](shown), and what they may do with them.

pub mod access;
pub mod codes;
pub mod files;
pub mod messages;
pub mod sessions;
mod shown;
pub mod tickets;

use std::sync::Arc;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    get,
    http::{Method, header},
    middleware::Next,
    post,
};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, record::Record},
    service::portal::Portal,
};
use farley_persistence::{TenantKey, Work};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{
        call::Call,
        state::{State, state_of},
        tokens::{NO_TENANT, new_secret},
        unrestricted::entity_of,
    },
    http::{
        origins,
        problem::Problem,
        request::{Body, limit_by_address, parameters, refuse_rest},
    },
    records::{
        action::act,
        behaviour::{Behaviour, Shown, Writing},
        body::Nothing,
    },
};

/// What paths of portals begin with.
const PUBLIC: &str = "/v1/portal/";
/// What their tokens begin with.
const TOKEN_PREFIX: &str = "cp_";
/// The headers that pages of portals send.
const HEADERS: &str =
    "authorization, content-type, accept-language, idempotency-key, content-digest, content-disposition, range, if-none-match";

impl Behaviour for Portal {
    fn before(_: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_null(Portal::token) {
            record.set(Portal::token, new_secret(TOKEN_PREFIX));
        }
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
    act::<Portal, Nothing>((call, request, body), Action::Update, |work, asked| {
        let mut portal = asked.record().clone();
        portal.set(Portal::token, new_secret(TOKEN_PREFIX));
        let record = asked.writer.store(work, &asked.loaded, portal.into_any(), "token_rotated")?;
        asked.writer.answer(work, 200, &record, Shown::new())
    })
    .await
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
    let (name, lets_close) = (found.portal.get(Portal::name).to_owned(), found.portal.get(Portal::lets_close));
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache")).json(PublicPortal { name, lets_close }))
}

/// A portal found by its token.
#[derive(Clone)]
pub struct Found {
    pub tenant: TenantKey,
    pub portal: Arc<Record<Portal>>,
}

impl Found {
    /// The portal of the token in the path.
    pub async fn of(request: &HttpRequest) -> Result<Found, Problem> {
        let state = state_of(request)?;
        let found = find(&state, request.match_info().query("token")).await?.ok_or_else(Problem::not_found)?;
        if let Some(origin) = origins::origin_of(request.headers()) {
            if !found.allows(&origin) {
                return Err(Problem::forbidden("use", Portal::NAME));
            }
            origins::allow(request, origin);
        }
        Ok(found)
    }

    fn allows(&self, origin: &str) -> bool {
        origins::allows(&self.portal.get(Portal::allowed_origins), origin)
    }
}

async fn find(state: &State, token: &str) -> Result<Option<Found>, Problem> {
    if !token.starts_with(TOKEN_PREFIX) || token.len() > 100 {
        return Ok(None);
    }
    let token = token.to_owned();
    let reading = state.store.read::<_, Problem>(NO_TENANT, move |reader| {
        let Some((tenant, id)) = reader.portal_of_token(&token)? else { return Ok(None) };
        let row = reader.tenant(tenant)?.ok_or_else(Problem::not_found)?;
        reader.tenant = TenantKey { id: row.id, number: row.number };
        let portal = entity_of::<Portal>(reader, id)?;
        Ok(portal.map(|portal| Found { tenant: reader.tenant, portal: Arc::new(portal) }))
    });
    let found = reading.await?;
    Ok(found.filter(|found| !found.portal.is_archived() && found.portal.get(Portal::is_active)))
}

/// Lets browsers use portals from the origins that these allow.
pub async fn cors<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let token = request.path().strip_prefix(PUBLIC).and_then(|rest| rest.split('/').next()).map(str::to_owned);
    let Some(token) = token else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    if request.method() == Method::OPTIONS {
        let state = state_of(request.request())?;
        let found = find(&state, &token).await?;
        let origin = origins::origin_of(request.headers());
        let allowed = origin.filter(|origin| found.is_some_and(|found| found.allows(origin)));
        let mut answer = origins::preflight(allowed);
        answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_HEADERS, header::HeaderValue::from_static(HEADERS));
        return Ok(request.into_response(answer).map_into_right_body());
    }
    let mut response = next.call(request).await?;
    origins::say_allowed(&mut response);
    Ok(response.map_into_left_body())
}
