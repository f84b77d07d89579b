//! Rows that wait to be inserted many at once, on PostgreSQL: until the work ends, or until it has anything else to do with the database,
//! which might concern them.

use std::{cell::RefCell, rc::Rc};

use diesel::PgConnection;

use crate::error::StoreError;

/// What waits.
pub trait Waiting {
    /// Sends it, and waits with nothing any more.
    fn send(&self, conn: &mut PgConnection) -> Result<(), StoreError>;
}

thread_local! {
    static WAITING: RefCell<Option<Rc<dyn Waiting>>> = const { RefCell::new(None) };
}

/// As long as this lives, what waits in this thread is sent before anything else is.
pub struct Kept(());

impl Kept {
    pub fn begin(waiting: Rc<dyn Waiting>) -> Kept {
        WAITING.set(Some(waiting));
        Kept(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        WAITING.set(None);
    }
}

/// Sends what waits in this thread.
pub fn send(conn: &mut PgConnection) -> Result<(), StoreError> {
    match WAITING.with_borrow(Clone::clone) {
        Some(waiting) => waiting.send(conn),
        None => Ok(()),
    }
}
