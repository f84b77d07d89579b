//! Records that are open to the world: whoever has the token in a path may use what the record offers without a log-in, and browsers may
//! from the sites that it allows.

use std::sync::Arc;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, handle::Handle, record::Record},
    values::id::Id,
};
use farley_persistence::{Reader, StoreError, TenantKey};

use super::{action::act, behaviour::Shown, body::Nothing};
use crate::{
    access::{
        call::Call,
        state::{State, state_of},
        tokens::{NO_TENANT, new_secret},
        unrestricted::entity_of,
    },
    http::{origins, problem::Problem, request::Body},
};

/// The longest token, in bytes.
const LONGEST: usize = 100;

/// An object whose records are open to the world.
pub trait Public: Entity + Send + Sync + 'static {
    /// What their paths begin with.
    const PATH: &'static str;
    /// What their tokens begin with.
    const PREFIX: &'static str;
    /// The headers that their pages send.
    const HEADERS: &'static str = origins::HEADERS;
    const TOKEN: Handle<Self, Option<String>>;
    const IS_ACTIVE: Handle<Self, bool>;
    /// The sites that may show one; all, if there are none.
    const ALLOWED_ORIGINS: Handle<Self, Vec<String>>;

    /// Whose a token is: tenant and record.
    fn of_token(reader: &mut Reader<'_>, token: &str) -> Result<Option<(Id, Id)>, StoreError>;
}

/// Gives a record its token, if it has none.
pub fn give_token<P: Public>(record: &mut Record<P>) {
    if record.is_null(P::TOKEN) {
        record.set(P::TOKEN, new_secret(P::PREFIX));
    }
}

/// Gives a record a new token; the old one stops working.
pub async fn rotate<P: Public>(asked: (Call, HttpRequest, Body)) -> Result<HttpResponse, Problem> {
    act::<P, Nothing>(asked, Action::Update, |work, asked| {
        let mut record = asked.record().clone();
        record.set(P::TOKEN, new_secret(P::PREFIX));
        let record = asked.writer.store(work, &asked.loaded, record.into_any(), "token_rotated")?;
        asked.writer.answer(work, 200, &record, Shown::new())
    })
    .await
}

/// A record found by its token, for a visitor who may use it.
pub struct Found<P: Public> {
    pub tenant: TenantKey,
    pub record: Arc<Record<P>>,
}

impl<P: Public> Found<P> {
    /// The record of the token in the path.
    pub async fn of(request: &HttpRequest) -> Result<Found<P>, Problem> {
        let state = state_of(request)?;
        let found = find::<P>(&state, request.match_info().query("token")).await?.ok_or_else(Problem::not_found)?;
        if let Some(origin) = origins::origin_of(request.headers()) {
            if !found.allows(&origin) {
                return Err(Problem::forbidden("use", P::NAME));
            }
            origins::allow(request, origin);
        }
        Ok(found)
    }

    fn allows(&self, origin: &str) -> bool {
        origins::allows(&self.record.get(P::ALLOWED_ORIGINS), origin)
    }
}

async fn find<P: Public>(state: &State, token: &str) -> Result<Option<Found<P>>, Problem> {
    if !token.starts_with(P::PREFIX) || token.len() > LONGEST {
        return Ok(None);
    }
    let token = token.to_owned();
    let reading = state.store.read::<_, Problem>(NO_TENANT, move |reader| {
        let Some((tenant, id)) = P::of_token(reader, &token)? else { return Ok(None) };
        let row = reader.tenant(tenant)?.ok_or_else(Problem::not_found)?;
        reader.tenant = TenantKey { id: row.id, number: row.number };
        let record = entity_of::<P>(reader, id)?;
        Ok(record.map(|record| Found { tenant: reader.tenant, record: Arc::new(record) }))
    });
    let found = reading.await?;
    Ok(found.filter(|found| !found.record.is_archived() && found.record.get(P::IS_ACTIVE)))
}

/// Lets browsers use the records from the sites that these allow, whatever the server's own list says.
pub async fn cors<P: Public, B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let token = request.path().strip_prefix(P::PATH).and_then(|rest| rest.split('/').next()).map(str::to_owned);
    let Some(token) = token else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    if request.method() == Method::OPTIONS {
        let state = state_of(request.request())?;
        let found = find::<P>(&state, &token).await?;
        let origin = origins::origin_of(request.headers());
        let allowed = origin.filter(|origin| found.is_some_and(|found| found.allows(origin)));
        return Ok(request.into_response(origins::preflight(allowed, P::HEADERS)).map_into_right_body());
    }
    let mut response = next.call(request).await?;
    origins::say_allowed(&mut response);
    Ok(response.map_into_left_body())
}
