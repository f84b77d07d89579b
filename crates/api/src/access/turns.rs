//! Turns of requests that would wait for each other in the database: there they would keep its connections from everybody else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use farley_domain::values::id::Id;

/// Who has it, has the turn; the others wait in the order in which they came.
pub type Turn = Arc<Lock>;

type Lock = tokio::sync::Mutex<()>;

#[derive(Default)]
pub struct Turns {
    known: Mutex<HashMap<(Id, String), Weak<Lock>>>,
}

impl Turns {
    /// The turns of a name in a tenant.
    #[must_use]
    pub fn of(&self, tenant: Id, name: String) -> Turn {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = known.get(&(tenant, name.clone())).and_then(Weak::upgrade) {
            return turn;
        }
        // Nobody waits for the others any more.
        known.retain(|_, turn| turn.strong_count() > 0);
        let turn = Turn::default();
        known.insert((tenant, name), Arc::downgrade(&turn));
        turn
    }
}
