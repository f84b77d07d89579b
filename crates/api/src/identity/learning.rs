//! What a tenant learns of an object that a newer Farley brings along: its ready-made roles may do with it what those of a new tenant
//! may, and it begins with the same records. Once for each object and tenant; what the tenant has made of them since stays.

use std::sync::Arc;

use farley_domain::{
    identity::{
        access::Action,
        role::{Permission, READY_MADE, ReadyMade, Role},
    },
    model::{entity::Entity, record::Record, registry, value::Standards},
};
use farley_persistence::{Origin, TenantKey, Work};

use super::bootstrap::make_role;
use crate::{
    access::{principal, state::State, tokens::NO_TENANT},
    http::{clock, problem::Problem},
    records::{area::installed, lookup, named::Named, write::Writer},
};

/// How many tenants learn in one piece of work.
const AT_ONCE: i64 = 20;

/// The names of all objects.
fn objects() -> Vec<&'static str> {
    registry::objects().iter().map(|object| object.name).collect()
}

/// Lets every tenant know of all objects.
pub async fn catch_up(state: &State) -> Result<(), Problem> {
    let count = i64::try_from(objects().len()).unwrap_or(i64::MAX);
    loop {
        let reading = state.store.read::<_, Problem>(NO_TENANT, move |reader| Ok(reader.tenants_that_know_less(count, AT_ONCE)?));
        let behind = reading.await?;
        if behind.is_empty() {
            return Ok(());
        }
        for tenant in behind {
            let now = clock::now();
            state.store.write::<_, Problem>(tenant, Origin::system(now), move |work| learn(work, tenant)).await?;
        }
    }
}

fn learn(work: &mut Work<'_>, tenant: TenantKey) -> Result<(), Problem> {
    work.lock("known objects")?;
    let known = work.reader().known_objects()?;
    let new: Vec<&'static str> = objects().into_iter().filter(|name| !known.iter().any(|known| known == name)).collect();
    let row = work.reader().tenant(tenant.id)?.ok_or_else(Problem::not_found)?.to_tenant()?;
    let now = work.origin.now;
    let standards = row.standards(now);
    let roles = lookup::all::<Role>(work.reader())?;
    for ready in READY_MADE {
        match roles.iter().find(|role| role.get(Role::key) == Some(ready.key)) {
            Some(role) if !role.is_archived() => grant(work, role, ready, &new)?,
            Some(_) => {}
            None if ready.came_with.is_some_and(|object| new.contains(&object)) => {
                let taken = |role: &Record<Role>| !role.is_archived() && role.get(Role::name) == ready.name;
                if !roles.iter().any(taken) {
                    make_role(work, ready, &standards)?;
                }
            }
            None => {}
        }
    }
    begin(work, &new, &standards)
}

/// Adds to a role what its kind may do with new objects.
fn grant(work: &mut Work<'_>, role: &Record<Role>, ready: &ReadyMade, new: &[&str]) -> Result<(), Problem> {
    let mut permissions = role.get(Role::permissions);
    let has = |permissions: &[Permission], wanted: &Permission| {
        permissions.iter().any(|one| one.object == wanted.object && one.action == wanted.action)
    };
    for wanted in ready.permissions().into_iter().filter(|wanted| new.contains(&wanted.object.as_str())) {
        if !has(&permissions, &wanted) {
            permissions.push(wanted);
        }
    }
    let principal = Arc::new(principal::system(work.reader())?);
    let now = work.origin.now;
    let writer = Writer { principal, object: Role::object(), now, parent: None, quiet: true };
    let loaded = writer.load(work, &Named::Id(role.id()), Action::Update)?;
    let mut after = loaded.record.of::<Role>().clone();
    after.set(Role::permissions, permissions);
    writer.store(work, &loaded, after.into_any(), "updated")?;
    Ok(())
}

/// Makes the records that a tenant begins with for objects, and notes that it knows these.
pub fn begin(work: &mut Work<'_>, new: &[&'static str], standards: &Standards<'_>) -> Result<(), Problem> {
    for beginning in installed()?.beginnings.iter().filter(|beginning| new.contains(&beginning.object)) {
        (beginning.make)(work, standards)?;
    }
    work.note_known_objects(new)?;
    Ok(())
}

/// The same for a tenant that has just been made.
pub fn begin_all(work: &mut Work<'_>, standards: &Standards<'_>) -> Result<(), Problem> {
    begin(work, &objects(), standards)
}
