//! The bare prepared statements of the same work, in this process on the same database.

use std::time::{Duration, Instant};

use farley_domain::{customers::customer::Customer, model::entity::Entity, values::id::Id};
use farley_persistence::{StoreError, bare::Bare};

use super::measure::{Load, Measured, micros};

/// Rows that SQLite writes in one durable commit; PostgreSQL commits each, and many at once.
const GROUP: usize = 50;
/// As long as the text of a customer.
const BODY: usize = 1200;

pub struct BareSql {
    pub get: Measured,
    pub list: Measured,
    /// Rows a second.
    pub insert: Measured,
}

/// Measures the statements; `ids` are rows of the tenant.
pub fn measure(url: &str, tenant: Id, ids: &[Id], load: Load) -> Result<BareSql, StoreError> {
    let sqlite = url.starts_with("sqlite:");
    // As many threads as the server has for reading, by default.
    let (readers, writers, group) = if sqlite { (2, 1, GROUP) } else { (16, 16, 1) };
    let open = || Bare::open(url, Customer::object());
    let get = threads(readers, load, &open, &|bare: &mut Bare, thread: usize, number: usize| {
        bare.get(tenant, ids[(thread * 7919 + number * 104_729) % ids.len()]).map(drop)
    })?;
    let list = threads(readers, load, &open, &|bare: &mut Bare, _: usize, _: usize| bare.list(tenant, "active", 50).map(drop))?;
    open()?.make_scratch()?;
    let body = "x".repeat(BODY);
    let insert = threads(writers, load, &open, &|bare: &mut Bare, _: usize, _: usize| {
        let ids: Vec<Id> = (0..group).map(|_| crate::http::clock::new_id()).collect();
        bare.insert(&ids, &body)
    });
    open()?.drop_scratch()?;
    Ok(BareSql { get, list, insert: insert?.times(group) })
}

type Open<'a> = &'a (dyn Fn() -> Result<Bare, StoreError> + Sync);
type Step<'a> = &'a (dyn Fn(&mut Bare, usize, usize) -> Result<(), StoreError> + Sync);

fn threads(threads: usize, load: Load, open: Open<'_>, step: Step<'_>) -> Result<Measured, StoreError> {
    let taken: Result<Vec<Vec<u32>>, StoreError> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || one(thread, load, open, step))).collect();
        let panicked = |_| Err(StoreError::Internal("a thread panicked".to_owned()));
        running.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    });
    Ok(Measured::of(taken?.concat(), load.measured))
}

fn one(thread: usize, load: Load, open: Open<'_>, step: Step<'_>) -> Result<Vec<u32>, StoreError> {
    let mut bare = open()?;
    let begun = Instant::now();
    let mut taken = Vec::new();
    for number in 0.. {
        let started = Instant::now();
        step(&mut bare, thread, number)?;
        let since: Duration = begun.elapsed();
        if since > load.warm_up + load.measured {
            break;
        }
        if since > load.warm_up {
            taken.push(micros(started.elapsed()));
        }
    }
    Ok(taken)
}
