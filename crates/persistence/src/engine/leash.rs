//! What ends a statement before its time: its limit, or that nobody waits for its answer any more.
//!
//! The thread that works for somebody holds their leash. SQLite looks at it while a statement runs; PostgreSQL keeps the time
//! itself, and is told by the canceller  when somebody has gone.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::error::StoreError;

/// The leash of one piece of work.
#[derive(Debug, Default)]
pub struct Leash {
    /// How long a statement may take; without an end, unless set.
    limit: Option<Duration>,
    abandoned: AtomicBool,
    taken_up: OnceLock<Instant>,
    /// The process of PostgreSQL that is at it.
    backend: Mutex<Option<i32>>,
}

thread_local! {
    static HELD: RefCell<Option<Arc<Leash>>> = const { RefCell::new(None) };
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

impl Leash {
    pub fn of(limit: Option<Duration>) -> Arc<Leash> {
        Arc::new(Leash { limit, ..Leash::default() })
    }

    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Nobody waits any more.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
    }

    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// How long a thread has been at it; none while it waits for one.
    pub fn running_for(&self) -> Option<Duration> {
        self.taken_up.get().map(Instant::elapsed)
    }

    /// Takes the work up on this thread, until what is returned is dropped; none if nobody waits for it any more. `backend` is
    /// the process of PostgreSQL that works.
    pub fn take_up(self: &Arc<Leash>, backend: Option<i32>) -> Option<Held> {
        {
            let mut at_work = self.backend.lock().unwrap_or_else(PoisonError::into_inner);
            if self.is_abandoned() {
                return None;
            }
            *at_work = backend;
        }
        self.taken_up.get_or_init(Instant::now);
        HELD.with_borrow_mut(|held| *held = Some(Arc::clone(self)));
        UNTIL.set(None);
        Some(Held { leash: Arc::clone(self) })
    }

    /// Lets `cancel` end the statement under way, if a process is at it; whether one is. The process cannot turn to other work
    /// meanwhile, so that no statement but this one is ended.
    pub fn cancel_with(&self, cancel: impl FnOnce(i32)) -> bool {
        let at_work = self.backend.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.map(cancel).is_some()
    }

    /// From now on nobody ends what the process does: it only puts things in order.
    fn let_go(&self) {
        *self.backend.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// That this thread is at a piece of work.
pub struct Held {
    leash: Arc<Leash>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.leash.let_go();
        UNTIL.set(None);
        HELD.with_borrow_mut(|held| *held = None);
    }
}

/// Before a statement that reads: until what is returned is dropped, it may take as long as the leash says. SQLite's statements that
/// write are not ended: that would undo the whole transaction, and with it the work of all who share it.
pub fn reading() -> Result<Reading, StoreError> {
    HELD.with_borrow(|held| {
        let Some(leash) = held else { return Ok(Reading) };
        if leash.is_abandoned() {
            return Err(StoreError::Abandoned);
        }
        UNTIL.set(leash.limit.map(|limit| Instant::now() + limit));
        Ok(Reading)
    })
}

/// That a statement reads.
pub struct Reading;

impl Drop for Reading {
    fn drop(&mut self) {
        UNTIL.set(None);
    }
}

/// Before what only puts a connection in order.
pub fn before_tidying() {
    HELD.with_borrow(|held| {
        if let Some(leash) = held {
            leash.let_go();
        }
    });
}

/// Whether SQLite is to end the statement that it runs on this thread.
pub fn must_end() -> bool {
    let abandoned =
        HELD.try_with(|held| held.try_borrow().is_ok_and(|held| held.as_ref().is_some_and(|leash| leash.is_abandoned())));
    abandoned.unwrap_or(false) || UNTIL.try_with(Cell::get).ok().flatten().is_some_and(|until| Instant::now() >= until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_is_not_taken_up() {
        let leash = Leash::of(None);
        assert!(leash.running_for().is_none());
        leash.abandon();
        assert!(leash.take_up(Some(1)).is_none());
        assert!(!leash.cancel_with(|_| panic!("nobody is at it")));
    }

    #[test]
    fn only_the_process_at_work_is_cancelled() {
        let leash = Leash::of(None);
        let held = leash.take_up(Some(7));
        leash.abandon();
        let mut told = 0;
        assert!(leash.cancel_with(|process| told = process));
        assert_eq!(told, 7);
        assert!(must_end());
        assert!(matches!(reading().map(drop), Err(StoreError::Abandoned)));
        before_tidying();
        assert!(!leash.cancel_with(|_| panic!("it tidies up")));
        drop(held);
        assert!(!must_end());
    }

    #[test]
    fn a_statement_that_reads_ends_at_its_limit() {
        let leash = Leash::of(Some(Duration::ZERO));
        let held = leash.take_up(None);
        assert!(!must_end());
        let statement = reading();
        assert!(statement.is_ok() && must_end());
        drop(statement);
        assert!(!must_end());
        drop(held);
    }
}
