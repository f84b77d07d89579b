//! Help centers: their tokens, and who may read by them.

use std::sync::Arc;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    post,
};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, record::Record},
    service::knowledge::help_center::HelpCenter,
};
use farley_persistence::{TenantKey, Work};

use crate::{
    access::{
        call::Call,
        state::{State, state_of},
        tokens::{NO_TENANT, new_secret},
        unrestricted::entity_of,
    },
    http::{origins, problem::Problem, request::Body},
    records::{
        action::act,
        behaviour::{Behaviour, Shown, Writing},
        body::Nothing,
    },
};

/// What paths of help centers begin with.
const PUBLIC: &str = "/v1/help/";
/// What their tokens begin with.
const TOKEN_PREFIX: &str = "hc_";

impl Behaviour for HelpCenter {
    fn before(_: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_null(HelpCenter::token) {
            record.set(HelpCenter::token, new_secret(TOKEN_PREFIX));
        }
        Ok(())
    }
}

/// Rotate the token of a help center
///
/// Gives the help center a new token; the old one stops working immediately.
#[utoipa::path(tag = "help-centers", operation_id = "rotateHelpCenterToken",
    params(("id" = String, Path, description = "The id of the help center, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The help center with its new token.", body = ref("#/components/schemas/HelpCenter"))))]
#[post("/v1/help-centers/{id}/rotate-token")]
pub async fn rotate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<HelpCenter, Nothing>((call, request, body), Action::Update, |work, asked| {
        let mut center = asked.record().clone();
        center.set(HelpCenter::token, new_secret(TOKEN_PREFIX));
        let record = asked.writer.store(work, &asked.loaded, center.into_any(), "token_rotated")?;
        asked.writer.answer(work, 200, &record, Shown::new())
    })
    .await
}

/// A help center found by its token, for a visitor who may read it.
pub struct Found {
    pub tenant: TenantKey,
    pub center: Arc<Record<HelpCenter>>,
}

impl Found {
    /// The help center of the token in the path.
    pub async fn of(request: &HttpRequest) -> Result<Found, Problem> {
        let state = state_of(request)?;
        let found = find(&state, request.match_info().query("token")).await?.ok_or_else(Problem::not_found)?;
        if let Some(origin) = origins::origin_of(request.headers()) {
            if !found.allows(&origin) {
                return Err(Problem::forbidden("use", HelpCenter::NAME));
            }
            origins::allow(request, origin);
        }
        Ok(found)
    }

    fn allows(&self, origin: &str) -> bool {
        origins::allows(&self.center.get(HelpCenter::allowed_origins), origin)
    }
}

async fn find(state: &State, token: &str) -> Result<Option<Found>, Problem> {
    if !token.starts_with(TOKEN_PREFIX) || token.len() > 100 {
        return Ok(None);
    }
    let token = token.to_owned();
    let reading = state.store.read::<_, Problem>(NO_TENANT, move |reader| {
        let Some((tenant, id)) = reader.help_center_of_token(&token)? else { return Ok(None) };
        let row = reader.tenant(tenant)?.ok_or_else(Problem::not_found)?;
        reader.tenant = TenantKey { id: row.id, number: row.number };
        let center = entity_of::<HelpCenter>(reader, id)?;
        Ok(center.map(|center| Found { tenant: reader.tenant, center: Arc::new(center) }))
    });
    let found = reading.await?;
    Ok(found.filter(|found| !found.center.is_archived() && found.center.get(HelpCenter::is_active)))
}

/// Lets browsers use help centers from the origins that these allow.
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
        return Ok(request.into_response(origins::preflight(allowed)).map_into_right_body());
    }
    let mut response = next.call(request).await?;
    origins::say_allowed(&mut response);
    Ok(response.map_into_left_body())
}
