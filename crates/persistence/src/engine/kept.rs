//! Which statements a connection keeps prepared. Clients decide the shapes of lists by what they sort, filter and show, and a shape
//! costs memory for as long as it is kept: so one is kept when it comes again, and so many at most; then a connection begins anew.

use std::{
    cell::RefCell,
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    mem::discriminant,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::sql::statement::{Bind, Statement};

/// How many statements a connection keeps prepared.
pub const MOST: usize = 256;
/// How many shapes that came but once are remembered.
const REMEMBERED: usize = 1_024;

/// What becomes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is prepared for this once.
    Once,
    Keep,
    /// It is kept, after all others are let go.
    KeepAlone,
}

/// What the connection of this thread keeps.
#[derive(Default)]
struct Kept {
    shapes: HashSet<u64>,
    /// Shapes seen but not kept, the oldest first.
    seen: VecDeque<u64>,
    lately: HashSet<u64>,
    /// How many all connections of a store keep.
    all: Option<Arc<AtomicUsize>>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

impl Kept {
    fn judge(&mut self, shape: u64) -> Verdict {
        if self.shapes.contains(&shape) {
            return Verdict::Keep;
        }
        if self.lately.insert(shape) {
            self.seen.push_back(shape);
            if self.seen.len() > REMEMBERED
                && let Some(oldest) = self.seen.pop_front()
            {
                self.lately.remove(&oldest);
            }
            return Verdict::Once;
        }
        let verdict = if self.shapes.len() < MOST { Verdict::Keep } else { Verdict::KeepAlone };
        if verdict == Verdict::KeepAlone {
            self.let_go();
        }
        self.shapes.insert(shape);
        if let Some(all) = &self.all {
            all.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }

    fn let_go(&mut self) {
        if let Some(all) = &self.all {
            all.fetch_sub(self.shapes.len(), Ordering::Relaxed);
        }
        self.shapes.clear();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// This thread has a new connection; `all` counts what all of the store's keep.
pub fn begin(all: &Arc<AtomicUsize>) {
    KEPT.with_borrow_mut(|kept| {
        *kept = Kept::default();
        kept.all = Some(Arc::clone(all));
    });
}

/// What becomes of a statement on this thread's connection.
pub fn judge(statement: &Statement) -> Verdict {
    if statement.keep { judge_shape(shape(statement)) } else { Verdict::Once }
}

/// The same for whatever has such a shape.
pub fn judge_shape(shape: u64) -> Verdict {
    KEPT.with_borrow_mut(|kept| kept.judge(shape))
}

/// What two statements have in common that can be prepared as one.
pub fn shape(statement: &Statement) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (sql, bind) in statement.pieces().into_iter().flatten() {
        sql.hash(&mut hasher);
        match bind {
            Some(Bind::Null(kind)) => discriminant(kind).hash(&mut hasher),
            Some(bind) => discriminant(bind).hash(&mut hasher),
            None => {}
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_once_is_not_kept() {
        let mut kept = Kept::default();
        for shape in 0..10_000 {
            assert_eq!(kept.judge(shape), Verdict::Once);
        }
        assert!(kept.shapes.is_empty());
        assert!(kept.seen.len() <= REMEMBERED && kept.lately.len() <= REMEMBERED);
    }

    #[test]
    fn what_comes_again_is_kept_up_to_a_bound() {
        let mut kept = Kept::default();
        let mut alone = 0;
        for shape in 0..1_000 {
            assert_eq!(kept.judge(shape), Verdict::Once);
            alone += u32::from(kept.judge(shape) == Verdict::KeepAlone);
            assert_eq!(kept.judge(shape), Verdict::Keep);
            assert!(kept.shapes.len() <= MOST);
        }
        assert_eq!(alone, 3);
        // One that was let go and still comes is kept again at once.
        assert_eq!(kept.judge(700), Verdict::Keep);
    }

    #[test]
    fn values_are_no_part_of_the_shape() {
        let of = |bind: Bind| {
            let mut sql = Statement::new(crate::sql::statement::Dialect::Sqlite);
            sql.sql("SELECT ").bind(bind);
            shape(&sql)
        };
        assert_eq!(of(Bind::Integer(1)), of(Bind::Integer(2)));
        assert_ne!(of(Bind::Integer(1)), of(Bind::Text("1".to_owned())));
    }
}
