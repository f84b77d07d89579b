//! Requests of bridges: nobody needs to be known to send one, but it must be signed with the secret of its channel.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use farley_domain::{
    integration::signature,
    model::{
        event::{Cause, CauseKind},
        record::Record,
    },
    service::channel::Channel,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Origin, TenantKey};
use serde_json::Value;

use super::channel;
use crate::{
    access::{
        state::{State, state_of},
        tokens::NO_TENANT,
        unrestricted::entity_of,
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{json_body, limit_by_address, parameters, read_body, refuse_rest, request_id_of},
    },
};

/// A request that its channel signed.
pub struct Signed {
    pub state: Arc<State>,
    pub tenant: TenantKey,
    pub channel: Arc<Record<Channel>>,
    pub body: Value,
    pub now: Timestamp,
    request_id: String,
}

impl Signed {
    /// Reads a request of at most `max` bytes.
    pub async fn of(request: &HttpRequest, payload: web::Payload, max: usize) -> Result<Signed, Problem> {
        limit_by_address(request)?;
        refuse_rest(&parameters(request)?, &[])?;
        let state = state_of(request)?;
        let now = clock::now();
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let headers = [header(signature::ID), header(signature::TIMESTAMP), header(signature::SIGNATURE)];
        if headers.contains(&"") {
            return Err(Problem::new(Code::Unauthorized));
        }
        // Who cannot sign for a channel is not told whether it is there.
        let found = find(&state, request.match_info().query("id"), now).await?;
        let (tenant, channel, keys) = found.ok_or_else(|| Problem::new(Code::Unauthorized))?;
        let bytes = read_body(request, &mut payload.into_inner(), max).await?;
        let verified = signature::verify(&keys, headers, &bytes, clock::now());
        verified.map_err(|error| Problem::new(Code::InvalidSignature).with("reason", error))?;
        let body = json_body(request, &bytes)?;
        Ok(Signed { state, tenant, channel: Arc::new(channel), body, now, request_id: request_id_of(request) })
    }

    /// As whom, and because of what, the work is done; `tag` is what the bridge gave along.
    #[must_use]
    pub fn origin(&self, tag: Option<&str>) -> Origin {
        let cause = Cause { kind: CauseKind::Channel, id: self.channel.id(), depth: 0 };
        Origin {
            request_id: Some(self.request_id.clone()),
            cause: Some(cause),
            client_tag: tag.map(str::to_owned),
            ..Origin::system(self.now)
        }
    }
}

/// A channel in use, with the keys that hold for it.
async fn find(state: &State, id: &str, now: Timestamp) -> Result<Option<(TenantKey, Record<Channel>, Vec<Vec<u8>>)>, Problem> {
    let Ok(id) = id.parse::<Id>() else { return Ok(None) };
    let reading = state.store.read::<_, Problem>(NO_TENANT, move |reader| {
        let Some(tenant) = reader.tenant_of_channel(id)? else { return Ok(None) };
        let row = reader.tenant(tenant)?.ok_or_else(Problem::not_found)?;
        reader.tenant = TenantKey { id: row.id, number: row.number };
        let channel = entity_of::<Channel>(reader, id)?;
        let Some(channel) = channel.filter(|channel| !channel.is_archived() && channel.get(Channel::is_active)) else {
            return Ok(None);
        };
        let Some(key) = reader.link_key()? else { return Ok(None) };
        let keys = channel::keys(&key, &channel, now)?;
        Ok(Some((reader.tenant, channel, keys)))
    });
    reading.await
}
