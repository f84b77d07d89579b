//! Channels: their secrets, which are told from a key of the tenant's own and kept nowhere.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    integration::signature,
    model::record::Record,
    service::channel::Channel,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::Work;

use crate::{
    access::{call::Call, sealed::digest},
    http::{clock, problem::Problem, request::Body},
    records::{
        action::act,
        behaviour::{Behaviour, Shown, Writing},
    },
};

/// The member by which a secret is shown, once.
const SECRET: &str = "secret";
/// For how long a former secret may hold, in hours.
const LONGEST_OVERLAP: i64 = 7 * 24;

impl Behaviour for Channel {
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.before.is_some() {
            return Ok(Shown::new());
        }
        shown(work, record)
    }
}

crate::body! {
    /// How the secret of a channel is replaced.
    pub struct ChannelSecretRotation {
        /// For how many hours the former secret holds beside the new one: what Farley sends is signed with both, and what comes in may be signed with either. With 0
        /// it ends at once.
        overlap_hours: i64 => integer(0, LONGEST_OVERLAP).default(24),
    }
    example serde_json::json!({"overlap_hours": 24})
}

/// Replace the secret of a channel
///
/// Returns the channel with a new `secret`. The former one holds for a while beside it; until then the secret is not replaced again (409), unless the overlap is to end
/// at once.
#[utoipa::path(tag = "channels", operation_id = "rotateChannelSecret", request_body = ChannelSecretRotation,
    params(("id" = String, Path, description = "The id of the channel, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The channel with its new secret.", body = ref("#/components/schemas/Channel"))))]
#[post("/v1/channels/{id}/rotate-secret")]
pub async fn rotate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Channel, ChannelSecretRotation>((call, request, body), Action::Update, |work, asked| {
        let now = asked.writer.now;
        let hours = asked.body.get(ChannelSecretRotation::overlap_hours);
        if hours > 0 && former_holds(asked.record(), now) {
            return Err(Problem::state("still using its former secret", &[]));
        }
        let mut channel = asked.record().clone();
        channel.set(Channel::secret_number, channel.get(Channel::secret_number) + 1);
        channel.set(Channel::former_secret_until, (hours > 0).then(|| now.plus_seconds(hours * 3600)));
        let record = asked.writer.store(work, &asked.loaded, channel.into_any(), "secret_rotated")?;
        let shown = shown(work, record.of())?;
        asked.writer.answer(work, 200, &record, shown)
    })
    .await
}

fn shown(work: &mut Work<'_>, channel: &Record<Channel>) -> Result<Shown, Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    let secret = signature::secret(&key_of(&key, channel.id(), channel.get(Channel::secret_number))?);
    Ok(Shown::from_iter([(SECRET.to_owned(), secret.into())]))
}

fn former_holds(channel: &Record<Channel>, now: Timestamp) -> bool {
    channel.get(Channel::former_secret_until).is_some_and(|until| now < until)
}

/// The keys that hold now, the present one first.
pub fn keys(key: &[u8], channel: &Record<Channel>, now: Timestamp) -> Result<Vec<Vec<u8>>, Problem> {
    let number = channel.get(Channel::secret_number);
    let mut keys = vec![key_of(key, channel.id(), number)?];
    if former_holds(channel, now) {
        keys.push(key_of(key, channel.id(), number - 1)?);
    }
    Ok(keys)
}

fn key_of(key: &[u8], channel: Id, number: i64) -> Result<Vec<u8>, Problem> {
    digest(key, &[b"secret of a channel", channel.0.as_bytes(), &number.to_be_bytes()])
}
