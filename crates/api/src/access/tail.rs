//! The latest part of each tenant's log, read once by a node for all who listen to it there: as it goes on, not again and again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use farley_domain::values::id::Id;
use farley_persistence::{EventRow, LogEnd, Store, TenantKey, WantedEvents};
use tokio::sync::{oneshot, watch};

use crate::http::problem::Problem;

/// How many events are read in one go.
const AT_ONCE: i64 = 500;
/// How many are kept for those who are a little behind, and how many bytes of changes; who is further behind reads the log.
const KEPT: usize = 2_000;
const KEPT_BYTES: usize = 2 * 1024 * 1024;
/// How long it rests between two readings, while much happens.
const REST: Duration = Duration::from_millis(20);
/// How soon it looks again where a writer holds up what others have committed, at first and at most.
const HELD_UP: Duration = Duration::from_millis(50);
const HELD_UP_MOST: Duration = Duration::from_secs(2);
/// How long it waits where the store cannot be read.
const BROKEN: Duration = Duration::from_secs(1);

/// The tails of those tenants that somebody listens to.
#[derive(Default)]
pub struct Tails(Mutex<HashMap<Id, Weak<Tail>>>);

/// The latest part of the log of one tenant.
pub struct Tail {
    kept: Mutex<Kept>,
    /// Up to where it is read.
    until: watch::Sender<i64>,
    /// Dropped with it, which ends the reading.
    _held: oneshot::Sender<()>,
}

/// The events after one position and up to another, none left out.
struct Kept {
    after: i64,
    until: i64,
    events: VecDeque<Arc<EventRow>>,
    bytes: usize,
}

/// What comes after a position: some events and how far these reach, or that it lies too far back.
pub enum After {
    Events(Vec<Arc<EventRow>>, i64),
    TooFarBack,
}

impl Tails {
    /// The tail of a tenant, which is read as long as somebody holds it.
    pub async fn follow(&self, store: &Store, tenant: TenantKey) -> Result<Arc<Tail>, Problem> {
        if let Some(tail) = self.known(tenant.id) {
            return Ok(tail);
        }
        let mut pulse = store.pulse().follow(tenant.id);
        pulse.mark_unchanged();
        let end = store.read::<_, Problem>(tenant, |reader| Ok(reader.log_end()?)).await?;
        let mut tails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have been quicker.
        if let Some(tail) = tails.get(&tenant.id).and_then(Weak::upgrade) {
            return Ok(tail);
        }
        let kept = Kept { after: end, until: end, events: VecDeque::new(), bytes: 0 };
        let (held, let_go) = oneshot::channel();
        let tail = Arc::new(Tail { kept: Mutex::new(kept), until: watch::Sender::new(end), _held: held });
        tails.retain(|_, tail| tail.strong_count() > 0);
        tails.insert(tenant.id, Arc::downgrade(&tail));
        tokio::spawn(read_on((store.clone(), tenant), Arc::downgrade(&tail), pulse, let_go));
        Ok(tail)
    }

    fn known(&self, tenant: Id) -> Option<Arc<Tail>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).and_then(Weak::upgrade)
    }
}

/// Reads a log as it goes on, until nobody holds its tail any more.
async fn read_on(
    (store, tenant): (Store, TenantKey),
    tail: Weak<Tail>,
    mut pulse: watch::Receiver<()>,
    mut let_go: oneshot::Receiver<()>,
) {
    let mut held_up = HELD_UP;
    // What was committed between asking for its end and following it is read at once.
    let mut again = Some(Duration::ZERO);
    loop {
        match again {
            Some(rest) => tokio::time::sleep(rest).await,
            None => {
                tokio::select! {
                    _ = &mut let_go => return,
                    changed = pulse.changed() => if changed.is_err() { return },
                }
                tokio::time::sleep(REST).await;
            }
        }
        pulse.mark_unchanged();
        let Some(tail) = tail.upgrade() else { return };
        again = match tail.read(&store, tenant).await {
            Ok(Reached::End) => None,
            Ok(Reached::More) => Some(REST),
            Ok(Reached::HeldUp) => Some(held_up),
            Err(problem) => {
                tracing::debug!(%problem, "the log of a tenant could not be read on");
                Some(BROKEN)
            }
        };
        held_up = if again == Some(held_up) { HELD_UP_MOST.min(held_up * 2) } else { HELD_UP };
    }
}

enum Reached {
    End,
    /// It is not read to its end yet.
    More,
    /// More may be committed than may be read by now.
    HeldUp,
}

impl Tail {
    /// Changes whenever it is read on.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.until.subscribe()
    }

    async fn read(&self, store: &Store, tenant: TenantKey) -> Result<Reached, Problem> {
        let after = *self.until.borrow();
        let reading = store.read::<_, Problem>(tenant, move |reader| {
            let end = reader.log_end_so_far()?;
            Ok((end, reader.events((after, end.position), &WantedEvents::default(), AT_ONCE)?))
        });
        let (LogEnd { position, is_held_up }, events) = reading.await?;
        let is_full = i64::try_from(events.len()).unwrap_or(AT_ONCE) >= AT_ONCE;
        let until = events.last().filter(|_| is_full).map_or(position, |last| last.seq).max(after);
        let has_news = !events.is_empty();
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).add(events, until);
        // Others' events move the end too, which is no news to those who listen here.
        if has_news {
            self.until.send_replace(until);
        } else {
            self.until.send_if_modified(|known| {
                *known = until;
                false
            });
        }
        Ok(match (is_full, is_held_up) {
            (true, _) => Reached::More,
            (false, true) => Reached::HeldUp,
            (false, false) => Reached::End,
        })
    }

    /// What comes after a position, so many events at most.
    #[must_use]
    pub fn after(&self, position: i64, most: usize) -> After {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if position < kept.after {
            return After::TooFarBack;
        }
        let first = kept.events.partition_point(|event| event.seq <= position);
        let events: Vec<Arc<EventRow>> = kept.events.iter().skip(first).take(most).cloned().collect();
        let until = events.last().filter(|_| events.len() >= most).map_or(kept.until, |last| last.seq);
        After::Events(events, until.max(position))
    }
}

impl Kept {
    fn add(&mut self, events: Vec<EventRow>, until: i64) {
        for event in events {
            self.bytes += event.changes.len();
            self.events.push_back(Arc::new(event));
        }
        self.until = until;
        while self.events.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.changes.len();
            self.after = oldest.seq;
        }
    }
}
