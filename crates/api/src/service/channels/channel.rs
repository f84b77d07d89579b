//! Channels: their secrets.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action, integration::signature, model::record::Record, service::channel::Channel, values::time::Timestamp,
};
use farley_persistence::Work;

use crate::{
    access::call::Call,
    http::{clock, problem::Problem, request::Body},
    records::{
        action::act,
        behaviour::{Behaviour, Shown, Writing},
        secrets::{Secret, SecretRotation},
    },
};

/// The member by which a secret is shown, once.
const SECRET: &str = "secret";

impl Behaviour for Channel {
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.before.is_some() {
            return Ok(Shown::new());
        }
        shown(work, record)
    }
}

/// Replace the secret of a channel
///
/// Returns the channel with a new `secret`. The former one holds for a while beside it; until then the secret is not replaced again (409), unless the overlap is to end
/// at once.
#[utoipa::path(tag = "channels", operation_id = "rotateChannelSecret", request_body = SecretRotation,
    params(("id" = String, Path, description = "The id of the channel, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The channel with its new secret.", body = ref("#/components/schemas/Channel"))))]
#[post("/v1/channels/{id}/rotate-secret")]
pub async fn rotate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Channel, SecretRotation>((call, request, body), Action::Update, |work, asked| {
        let mut channel = asked.record().clone();
        let hours = asked.body.get(SecretRotation::overlap_hours);
        let (number, former_until) = secret_of(&channel).next(hours, asked.writer.now)?;
        channel.set(Channel::secret_number, number);
        channel.set(Channel::former_secret_until, former_until);
        let record = asked.writer.store(work, &asked.loaded, channel.into_any(), "secret_rotated")?;
        let shown = shown(work, record.of())?;
        asked.writer.answer(work, 200, &record, shown)
    })
    .await
}

fn shown(work: &mut Work<'_>, channel: &Record<Channel>) -> Result<Shown, Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    let secret = signature::secret(&secret_of(channel).present(&key)?);
    Ok(Shown::from_iter([(SECRET.to_owned(), secret.into())]))
}

fn secret_of(channel: &Record<Channel>) -> Secret {
    Secret {
        of: b"secret of a channel",
        id: channel.id(),
        number: channel.get(Channel::secret_number),
        former_until: channel.get(Channel::former_secret_until),
    }
}

/// The keys that hold now, the present one first.
pub fn keys(key: &[u8], channel: &Record<Channel>, now: Timestamp) -> Result<Vec<Vec<u8>>, Problem> {
    secret_of(channel).all(key, now)
}
