//! Contents that no file got: of requests that a node did not live to answer. They are removed after a day.

use std::sync::Arc;

use farley_domain::values::time::Timestamp;
use farley_persistence::{Origin, TenantKey};

use crate::{access::state::State, http::problem::Problem};

/// The kind of the job.
pub const KIND: &str = "file_orphans";
/// How often they are looked for, in seconds.
pub const EVERY: i64 = 3600;
/// How long a content waits for its file, in seconds: no upload takes a day.
const WAITS: i64 = 24 * 3600;
/// How many are removed in one piece of work.
const AT_ONCE: i64 = 100;

/// Gives up what has waited too long, so that no upload gets it any more, and removes it.
pub async fn perform(state: &Arc<State>, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let store = &state.background;
    let before = now.plus_seconds(-WAITS);
    store.write::<_, Problem>(tenant, Origin::system(now), move |work| Ok(work.abandon_contents(before)?)).await?;
    loop {
        let reading = store.read::<_, Problem>(tenant, |reader| Ok(reader.abandoned_contents(AT_ONCE)?));
        let abandoned = reading.await?;
        if abandoned.is_empty() {
            return Ok(());
        }
        let contents = state.contents()?;
        for content in &abandoned {
            contents.remove(tenant.id, *content).await?;
        }
        store.write::<_, Problem>(tenant, Origin::system(now), move |work| Ok(work.forget_contents(&abandoned)?)).await?;
    }
}
