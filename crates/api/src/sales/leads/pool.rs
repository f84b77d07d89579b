//! Pools, and what belonging to one means for every write of a lead or customer.

use farley_domain::{
    identity::access::{Action, Scope},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::Op,
        object::Object,
        operand::Operand,
        record::Record,
        recurring,
    },
    query::predicate::Predicate,
    sales::leads::pool::{Pool, Pooled},
    values::id::Id,
};
use farley_persistence::Work;

use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
        named::Named,
    },
};

impl Behaviour for Pool {
    const CHANGES_PRINCIPALS: bool = true;

    /// A pool with something in it stays.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        check_entitled(writing, record)?;
        let archiving = record.is_archived() && writing.before.is_some_and(|before| !before.is_archived());
        if !archiving {
            if record.get(Pool::is_default) {
                work.lock("default pools")?;
            }
            return Ok(());
        }
        record.set(Pool::is_default, false);
        let object = record.get(Pool::object).ok_or_else(Problem::not_found)?.object();
        let Some(field) = recurring::POOL_ID.of(object) else { return Ok(()) };
        let within = Predicate::Archived(false).and(Predicate::test(field, Op::Eq, Operand::Id(record.id())));
        if work.reader().find(&without_custom_fields(object), &Unrestricted, &within, 1)?.is_empty() {
            Ok(())
        } else {
            Err(Problem::state("in use by live records", &["update"]))
        }
    }

    /// There is one default at most for each object.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let became = record.get(Pool::is_default) && writing.before.is_none_or(|before| !before.get(Pool::is_default));
        if became {
            for other in defaults(work, record.get(Pool::object))? {
                if other.id() != record.id() {
                    let writer = writing.writer(<Pool as Entity>::object());
                    let loaded = writer.load(work, &Named::Id(other.id()), Action::Update)?;
                    let mut former = loaded.record.of::<Pool>().clone();
                    former.set(Pool::is_default, false);
                    writer.store(work, &loaded, former.into_any(), "updated")?;
                }
            }
        }
        Ok(Shown::new())
    }
}

/// Whoever says to which teams a pool is open must be entitled to it, or read all that could be in it.
fn check_entitled(writing: &Writing<'_, Pool>, record: &Record<Pool>) -> Result<(), Problem> {
    let Some(before) = writing.before else { return Ok(()) };
    let opens = before.is_archived() && !record.is_archived() || !before.agrees(Pool::team_ids, record);
    let asker = &writing.principal.asker;
    let Some(object) = before.get(Pool::object).map(Pooled::object).filter(|_| opens) else { return Ok(()) };
    let entitled = asker.pools.iter().any(|pool| pool.id == record.id());
    if entitled || asker.grants.scope(object.name, Action::Read) == Some(Scope::All) {
        return Ok(());
    }
    let permission = format!("{}:{}:{}", object.name, Action::Read.as_str(), Scope::All.as_str());
    Err(Problem::beyond_held(&Pool::team_ids.pointer(), &permission))
}

fn defaults(work: &mut Work<'_>, pooled: Option<Pooled>) -> Result<Vec<Record<Pool>>, Problem> {
    let Some(pooled) = pooled else { return Ok(Vec::new()) };
    let predicate = Predicate::Archived(false).and(Pool::is_default.eq(true)).and(Pool::object.eq(pooled));
    lookup::find(work, &predicate, 2)
}

/// A live pool of an object.
pub fn pool_of(work: &mut Work<'_>, object: &Object, id: Id) -> Result<Option<Record<Pool>>, Problem> {
    // It does not go while something is put into it.
    work.hold(<Pool as Entity>::object(), id)?;
    let found = lookup::find::<Pool>(work, &Predicate::Archived(false).and(Pool::id.eq(id)), 1)?;
    Ok(found.into_iter().find(|pool| pool.get(Pool::object) == Pooled::of(object)))
}

/// The pool that new records of an object belong to, if there is one.
pub fn default_pool(work: &mut Work<'_>, object: &Object) -> Result<Option<Record<Pool>>, Problem> {
    Ok(defaults(work, Pooled::of(object))?.into_iter().next())
}

/// Sees to the pool of a record about to be written.
pub fn before_pooled(work: &mut Work<'_>, writing: &Writing<'_>, object: &Object, record: &mut Record) -> Result<(), Problem> {
    if record.is_archived() {
        return Ok(());
    }
    match record.get(recurring::POOL_ID) {
        None if writing.before.is_none() => {
            if let Some(pool) = default_pool(work, object)? {
                record.set(recurring::POOL_ID, pool.id());
            }
        }
        Some(id) if writing.before.is_none_or(|before| !before.agrees(recurring::POOL_ID, record)) => {
            if pool_of(work, object, id)?.is_none() {
                return Err(Problem::rule(Fault::new(recurring::POOL_ID.pointer(), FaultCode::NotFound).into()));
            }
        }
        None | Some(_) => {}
    }
    Ok(())
}

/// Keeps the history of holders of a record that belongs to a pool.
pub fn after_pooled(work: &mut Work<'_>, writing: &Writing<'_>, object: &Object, record: &Record) -> Result<(), Problem> {
    let held = |record: &Record| {
        let live = !record.is_archived();
        record.get(recurring::OWNER_ID).zip(record.get(recurring::POOL_ID)).filter(|_| live)
    };
    let (before, after) = (writing.before.and_then(held), held(record));
    if before == after {
        return Ok(());
    }
    if before.is_some() {
        let ended = if record.is_archived() {
            "archived"
        } else if record.is_null(recurring::OWNER_ID) {
            "released"
        } else {
            "reassigned"
        };
        work.end_holding(record.id(), ended)?;
    }
    if let Some((owner, pool)) = after {
        work.begin_holding(object, record.id(), pool, owner, "assigned")?;
    }
    Ok(())
}
