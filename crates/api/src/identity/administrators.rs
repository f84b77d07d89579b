//! A tenant keeps an administrator: an active user who may change every user and every role, and so undo all else.

use farley_domain::{
    entity::Entity,
    identity::{
        access::{Action, Grants, Scope},
        role::Role,
        user::User,
    },
    record::Record,
};
use farley_persistence::Work;

use crate::http::problem::Problem;

/// Refuses a change of a user or a role that would leave nobody to administer the tenant. Such changes wait for each other: two
/// administrators who shut each other out at once must not both succeed.
pub fn keep_one(work: &mut Work<'_>, before: &Record, after: &Record) -> Result<(), Problem> {
    work.lock("administrators")?;
    let roles = work.reader().all(Role::object())?;
    let is_role = roles.iter().any(|role| role.id() == before.id());
    if !is_role && !administers(&roles, before) {
        return Ok(());
    }
    let users = work.reader().all(User::object())?;
    let (roles_after, users_after) = (with(&roles, after), with(&users, after));
    let had = users.iter().any(|user| administers(&roles, user));
    if had && !users_after.iter().any(|user| administers(&roles_after, user)) {
        return Err(Problem::state("the last administrator", &[]));
    }
    Ok(())
}

/// The records as they are to be.
fn with(records: &[Record], after: &Record) -> Vec<Record> {
    records.iter().map(|record| if record.id() == after.id() { after.clone() } else { record.clone() }).collect()
}

fn administers(roles: &[Record], user: &Record) -> bool {
    if user.is_archived() || user.get("status") != "active" {
        return false;
    }
    let ids = user.get("role_ids").as_array().map_or(&[][..], Vec::as_slice);
    let held: Vec<Record> = roles.iter().filter(|role| !role.is_archived() && ids.contains(role.get("id"))).cloned().collect();
    let grants = Grants::of_roles(&held);
    ["user", "role"].into_iter().all(|object| grants.scope(object, Action::Update) == Some(Scope::All))
}
