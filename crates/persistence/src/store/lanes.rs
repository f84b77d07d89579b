//! Two lanes of reading, each with connections of its own, so that what is light never waits for what is heavy. The heavy one has few
//! slots and a short queue, and nobody fills it alone.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use farley_domain::values::id::Id;
use tokio::sync::oneshot;

use crate::{error::StoreError, reader::TenantKey};

/// How long something unsure may run in the light lane before it is taken for heavy, on a machine that is not overloaded.
const BUDGET: Duration = Duration::from_millis(100);
/// How many times as long as what is usually read meanwhile, and how many times the budget at most.
const SLOWER: u32 = 5;
/// How many readings make what is usual.
const USUAL: u64 = 32;
/// How many may wait for each slot of the heavy lane.
const WAITING_EACH: usize = 8;
/// How many times as many of those that are only taken for heavy.
const WAITING_UNSURE: usize = 4;
/// How long what proved heavy is remembered, and how much of it.
const PROVEN_FOR: Duration = Duration::from_secs(600);
const PROVEN: usize = 4_096;

/// For whom something is read: nobody takes the heavy lane for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub tenant: TenantKey,
    pub credential: Id,
}

/// Which lane a reading takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// By key, or a page of a list that an index gives in its order.
    Light,
    /// Through much of what a tenant has.
    Heavy,
    /// Most often light: it begins in the light lane, and what proves heavy there goes on in the heavy one. Readings of the same
    /// likeness then begin there.
    Unsure { likeness: u64 },
}

/// What a lane does and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneFigures {
    pub in_use: usize,
    pub waiting: usize,
    /// Turned away, as too many were waiting.
    pub refused: u64,
    /// Ended at the time limit of a statement.
    pub timed_out: u64,
    /// Ended or never begun, as nobody waited any more.
    pub cancelled: u64,
    /// Begun in this lane and moved to the heavy one.
    pub moved: u64,
}

/// Both lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lanes {
    /// What is light, and all writes.
    pub light: LaneFigures,
    pub heavy: LaneFigures,
    /// How many statements all connections keep prepared.
    pub prepared: usize,
    /// How long readers of the log of events have been kept from going on, by work that is not done.
    pub held_up: Duration,
}

/// The figures of a lane as they are counted.
#[derive(Debug, Default)]
pub struct Count {
    in_use: AtomicUsize,
    waiting: AtomicUsize,
    at_gate: AtomicUsize,
    refused: AtomicU64,
    timed_out: AtomicU64,
    cancelled: AtomicU64,
    moved: AtomicU64,
}

impl Count {
    pub fn figures(&self) -> LaneFigures {
        LaneFigures {
            in_use: self.in_use.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed) + self.at_gate.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            timed_out: self.timed_out.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
            moved: self.moved.load(Ordering::Relaxed),
        }
    }

    pub fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn moved(&self) {
        self.moved.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts how a piece of work failed.
    pub fn failed(&self, error: Option<&StoreError>) {
        match error {
            Some(StoreError::TooSlow) => self.timed_out.fetch_add(1, Ordering::Relaxed),
            Some(StoreError::Abandoned) => self.cancelled.fetch_add(1, Ordering::Relaxed),
            Some(
                StoreError::Unavailable(_)
                | StoreError::Unwritable(_)
                | StoreError::Busy
                | StoreError::Serialization
                | StoreError::Taken(_)
                | StoreError::Reference
                | StoreError::SumTooLarge
                | StoreError::Internal(_),
            )
            | None => 0,
        };
    }

    /// Something waits for a thread, until it begins or is dropped.
    pub fn queue(self: &Arc<Count>) -> Queued {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Queued { count: Arc::clone(self), begun: false }
    }
}

/// Something that waits for a thread.
pub struct Queued {
    count: Arc<Count>,
    begun: bool,
}

impl Queued {
    pub fn begin(mut self) -> Busy {
        self.begun = true;
        self.count.in_use.fetch_add(1, Ordering::Relaxed);
        Busy { count: Arc::clone(&self.count) }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.count.waiting.fetch_sub(1, Ordering::Relaxed);
        if !self.begun {
            self.count.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A thread at work.
pub struct Busy {
    count: Arc<Count>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.count.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long readings of the light lane take at present: where a machine does too much, all do, and what takes long is not heavy for it.
#[derive(Default)]
pub struct Pace {
    micros: AtomicU64,
}

impl Pace {
    pub fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Of two at once one is lost, which no mean minds.
        let mean = self.micros.load(Ordering::Relaxed);
        self.micros.store(mean - mean / USUAL + took / USUAL, Ordering::Relaxed);
    }

    /// How long something unsure may run.
    pub fn budget(&self) -> Duration {
        let usual = Duration::from_micros(self.micros.load(Ordering::Relaxed));
        (usual * SLOWER).clamp(BUDGET, BUDGET * SLOWER)
    }
}

/// The way into the heavy lane.
pub struct Gate {
    slots: usize,
    patience: Option<Duration>,
    count: Arc<Count>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Vec<Claim>,
    waiting: VecDeque<Waiting>,
    last: u64,
}

struct Waiting {
    number: u64,
    claim: Claim,
    admit: oneshot::Sender<Ticket>,
}

/// A slot of the heavy lane; given on when it is dropped.
pub struct Ticket {
    gate: Arc<Gate>,
    claim: Claim,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.gate.leave(self.claim);
    }
}

/// A place in the queue; given up when it is dropped.
struct Place<'a> {
    gate: &'a Gate,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        let before = state.waiting.len();
        state.waiting.retain(|waiting| waiting.number != self.number);
        let gone = before - state.waiting.len();
        self.gate.count.at_gate.store(state.waiting.len(), Ordering::Relaxed);
        self.gate.count.cancelled.fetch_add(gone as u64, Ordering::Relaxed);
    }
}

/// How many claims are of the same tenant, and how many of the same credential.
fn shares<'a>(claims: impl Iterator<Item = &'a Claim>, own: Claim) -> (usize, usize) {
    claims
        .filter(|claim| claim.tenant == own.tenant)
        .fold((0, 0), |(tenant, credential), claim| (tenant + 1, credential + usize::from(claim.credential == own.credential)))
}

impl Gate {
    /// Nobody waits longer than `patience`.
    pub fn of(slots: usize, patience: Option<Duration>, count: Arc<Count>) -> Arc<Gate> {
        Arc::new(Gate { slots: slots.max(1), patience, count, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a claim may have one more slot: one is left to other tenants, and another to colleagues.
    fn has_room(&self, state: &State, claim: Claim) -> bool {
        let (tenant, credential) = shares(state.running.iter(), claim);
        let most = |spare: usize| self.slots.saturating_sub(spare).max(1);
        state.running.len() < self.slots && tenant < most(1) && credential < most(2)
    }

    /// Whether a claim may wait: a quarter of the queue is left to other tenants, and another to colleagues.
    fn may_wait(&self, state: &State, claim: Claim, is_sure: bool) -> bool {
        let all = self.slots * WAITING_EACH * if is_sure { 1 } else { WAITING_UNSURE };
        let (tenant, credential) = shares(state.waiting.iter().map(|waiting| &waiting.claim), claim);
        state.waiting.len() < all && tenant < all - all / 4 && credential < all / 2
    }

    /// Waits for a slot, not for long. More may wait of what is not surely heavy.
    pub async fn enter(self: &Arc<Gate>, claim: Claim, is_sure: bool) -> Result<Ticket, StoreError> {
        let (place, admitted) = {
            let mut state = self.state();
            if self.has_room(&state, claim) {
                state.running.push(claim);
                return Ok(Ticket { gate: Arc::clone(self), claim });
            }
            if !self.may_wait(&state, claim, is_sure) {
                self.count.refuse();
                return Err(StoreError::Busy);
            }
            let (admit, admitted) = oneshot::channel();
            state.last += 1;
            let number = state.last;
            state.waiting.push_back(Waiting { number, claim, admit });
            self.count.at_gate.store(state.waiting.len(), Ordering::Relaxed);
            (Place { gate: self, number }, admitted)
        };
        let ticket = match self.patience {
            None => admitted.await.ok(),
            Some(patience) => match tokio::time::timeout(patience, admitted).await {
                Ok(ticket) => ticket.ok(),
                Err(_) => {
                    self.count.refuse();
                    None
                }
            },
        };
        drop(place);
        ticket.ok_or(StoreError::Busy)
    }

    /// Gives a slot on: to whoever of those waiting has the least, the tenant first, then the credential, then who came first.
    fn leave(self: &Arc<Gate>, claim: Claim) {
        let mut state = self.state();
        if let Some(own) = state.running.iter().position(|running| *running == claim) {
            state.running.swap_remove(own);
        }
        let next = (0..state.waiting.len())
            .filter(|place| self.has_room(&state, state.waiting[*place].claim))
            .min_by_key(|place| shares(state.running.iter(), state.waiting[*place].claim));
        let Some(next) = next.and_then(|place| state.waiting.remove(place)) else { return };
        state.running.push(next.claim);
        self.count.at_gate.store(state.waiting.len(), Ordering::Relaxed);
        drop(state);
        // Who has gone meanwhile drops the slot, and so gives it on.
        drop(next.admit.send(Ticket { gate: Arc::clone(self), claim: next.claim }));
    }
}

/// What has proved heavy lately.
#[derive(Default)]
pub struct Proven {
    since: Mutex<HashMap<u64, Instant>>,
}

impl Proven {
    pub fn is_heavy(&self, likeness: u64) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get(&likeness).is_some_and(|since| since.elapsed() < PROVEN_FOR)
    }

    pub fn remember(&self, likeness: u64) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.len() >= PROVEN {
            since.retain(|_, since| since.elapsed() < PROVEN_FOR);
        }
        if since.len() >= PROVEN {
            since.clear();
        }
        since.insert(likeness, Instant::now());
    }

    pub fn forget(&self, likeness: u64) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).remove(&likeness);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(tenant: u128, credential: u128) -> Claim {
        let id = |number| Id(uuid::Uuid::from_u128(number));
        Claim { tenant: TenantKey { id: id(tenant), number: 1 }, credential: id(credential) }
    }

    fn gate(slots: usize) -> Arc<Gate> {
        Gate::of(slots, None, Arc::default())
    }

    #[tokio::test]
    async fn nobody_fills_the_lane_alone() {
        let gate = gate(4);
        let first = [gate.enter(claim(1, 1), true).await, gate.enter(claim(1, 1), true).await];
        assert!(first.iter().all(Result::is_ok));
        let mut third = Box::pin(gate.enter(claim(1, 1), true));
        assert!(futures_poll(&mut third).await.is_none(), "a credential leaves something to its colleagues");
        let colleague = gate.enter(claim(1, 2), true).await;
        assert!(colleague.is_ok());
        let mut another = Box::pin(gate.enter(claim(1, 3), true));
        assert!(futures_poll(&mut another).await.is_none(), "a tenant leaves something to the others");
        assert!(gate.enter(claim(2, 4), true).await.is_ok());
        drop(colleague);
        // The colleague without a slot comes before the one who has two.
        assert!(futures_poll(&mut another).await.is_some_and(|ticket| ticket.is_ok()));
        assert!(futures_poll(&mut third).await.is_none());
        assert_eq!(gate.count.figures().waiting, 1);
        drop(third);
        assert_eq!(gate.count.figures().waiting, 0);
    }

    #[tokio::test]
    async fn the_queue_is_short() {
        let gate = gate(1);
        let held = gate.enter(claim(1, 1), true).await;
        let mut waiting: Vec<_> = (0..20).map(|_| Box::pin(gate.enter(claim(1, 1), true))).collect();
        let mut refused = 0;
        for place in &mut waiting {
            refused += usize::from(futures_poll(place).await.is_some_and(|ticket| matches!(ticket, Err(StoreError::Busy))));
        }
        assert_eq!(refused, 16);
        assert_eq!(gate.count.figures().refused, 16);
        drop(held);
        assert!(futures_poll(&mut waiting[0]).await.is_some_and(|ticket| ticket.is_ok()));
        drop(waiting);
        assert!(gate.state().waiting.is_empty() && gate.state().running.is_empty());
    }

    #[tokio::test]
    async fn nobody_waits_forever() {
        let gate = Gate::of(1, Some(Duration::from_millis(1)), Arc::default());
        let _held = gate.enter(claim(1, 1), true).await;
        assert!(matches!(gate.enter(claim(2, 2), true).await, Err(StoreError::Busy)));
    }

    #[test]
    fn the_budget_follows_the_machine() {
        let pace = Pace::default();
        assert_eq!(pace.budget(), BUDGET);
        (0..1_000).for_each(|_| pace.note(Duration::from_millis(60)));
        assert!(pace.budget() > BUDGET * 2 && pace.budget() <= BUDGET * 3, "{:?}", pace.budget());
        (0..1_000).for_each(|_| pace.note(Duration::from_secs(3)));
        assert_eq!(pace.budget(), BUDGET * SLOWER);
        (0..1_000).for_each(|_| pace.note(Duration::from_micros(100)));
        assert_eq!(pace.budget(), BUDGET);
    }

    /// What a future gives at once.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        tokio::time::timeout(Duration::ZERO, future).await.ok()
    }
}
