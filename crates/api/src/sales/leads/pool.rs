//! Pools, and what belonging to one means for every write of a lead or customer.

use farley_domain::{
    entity::Entity,
    fault::{Fault, FaultCode},
    field::Op,
    id::Id,
    identity::access::Action,
    object::Object,
    predicate::{Operand, Predicate},
    record::Record,
    registry,
    sales::leads::pool::Pool,
};
use farley_persistence::Work;

use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        named::Named,
    },
};

impl Behaviour for Pool {
    const CHANGES_PRINCIPALS: bool = true;

    /// A pool with something in it stays.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let archiving = record.is_archived() && writing.before.is_some_and(|before| !before.is_archived());
        if !archiving {
            if record.get("is_default") == true {
                work.lock("default pools")?;
            }
            return Ok(());
        }
        record.set("is_default", false);
        let object = registry::object(record.text("object").unwrap_or_default()).ok_or_else(Problem::not_found)?;
        let Some(field) = object.field("pool_id") else { return Ok(()) };
        let within = Predicate::Archived(false).and(Predicate::test(field, Op::Eq, Operand::Id(record.id())));
        if work.reader().find(&without_custom_fields(object), &Unrestricted, &within, 1)?.is_empty() {
            Ok(())
        } else {
            Err(Problem::state("in use by live records", &["update"]))
        }
    }

    /// There is one default at most for each object.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let became = record.get("is_default") == true && writing.before.is_none_or(|before| before.get("is_default") != true);
        if became {
            for other in defaults(work, record.text("object").unwrap_or_default())? {
                if other.id() != record.id() {
                    let writer = writing.writer(<Pool as Entity>::object());
                    let loaded = writer.load(work, &Named::Id(other.id()), Action::Update)?;
                    let mut former = loaded.record.clone();
                    former.set("is_default", false);
                    writer.store(work, &loaded, former, "updated")?;
                }
            }
        }
        Ok(Shown::new())
    }
}

fn defaults(work: &mut Work<'_>, object: &str) -> Result<Vec<Record>, Problem> {
    let pool = <Pool as Entity>::object();
    let (Some(default), Some(of)) = (pool.field("is_default"), pool.field("object")) else { return Ok(Vec::new()) };
    let predicate = Predicate::Archived(false)
        .and(Predicate::test(default, Op::Eq, Operand::Boolean(true)))
        .and(Predicate::test(of, Op::Eq, Operand::Text(object.to_owned())));
    Ok(work.reader().find(&without_custom_fields(pool), &Unrestricted, &predicate, 2)?)
}

/// A live pool of an object.
pub fn pool_of(work: &mut Work<'_>, object: &Object, id: Id) -> Result<Option<Record>, Problem> {
    let Some(field) = <Pool as Entity>::object().field("id") else { return Ok(None) };
    let predicate = Predicate::Archived(false).and(Predicate::test(field, Op::Eq, Operand::Id(id)));
    // It does not go while something is put into it.
    work.hold(<Pool as Entity>::object(), id)?;
    let found = work.reader().find(&without_custom_fields(<Pool as Entity>::object()), &Unrestricted, &predicate, 1)?;
    Ok(found.into_iter().find(|pool| pool.get("object") == object.name))
}

/// The pool that new records of an object belong to, if there is one.
pub fn default_pool(work: &mut Work<'_>, object: &Object) -> Result<Option<Record>, Problem> {
    Ok(defaults(work, object.name)?.into_iter().next())
}

/// Sees to the pool of a record about to be written.
pub fn before_pooled(work: &mut Work<'_>, writing: &Writing<'_>, object: &Object, record: &mut Record) -> Result<(), Problem> {
    if record.is_archived() {
        return Ok(());
    }
    match record.id_of("pool_id") {
        None if writing.before.is_none() => {
            if let Some(pool) = default_pool(work, object)? {
                record.set("pool_id", pool.get("id").clone());
            }
        }
        Some(id) if writing.before.is_none_or(|before| before.get("pool_id") != record.get("pool_id")) => {
            if pool_of(work, object, id)?.is_none() {
                return Err(Problem::rule(Fault::new("/pool_id", FaultCode::NotFound).into()));
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
        record.id_of("owner_id").zip(record.id_of("pool_id")).filter(|_| live)
    };
    let (before, after) = (writing.before.and_then(held), held(record));
    if before == after {
        return Ok(());
    }
    if before.is_some() {
        let ended = if record.is_archived() {
            "archived"
        } else if record.get("owner_id").is_null() {
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
