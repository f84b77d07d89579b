//! A tenant keeps an administrator: an active user who may change every user and every role, and so undo all else.

use farley_domain::{
    identity::{
        access::{Action, Grants, Scope},
        role::Role,
        user::{User, UserStatus},
    },
    model::{entity::Entity, record::Record},
};
use farley_persistence::Work;

use crate::{http::problem::Problem, records::lookup};

/// Refuses a change of a user that would leave nobody to administer the tenant. Such changes wait for each other: two
/// administrators who shut each other out at once must not both succeed.
pub fn keep_one_user(work: &mut Work<'_>, before: &Record<User>, after: &Record<User>) -> Result<(), Problem> {
    work.lock(LOCK)?;
    let roles = lookup::all::<Role>(work.reader())?;
    if !administers(&roles, before) {
        return Ok(());
    }
    let users = lookup::all::<User>(work.reader())?;
    keep_one((&roles, &users), (&roles, &with(&users, after)))
}

/// The same for a change of a role.
pub fn keep_one_by_role(work: &mut Work<'_>, after: &Record<Role>) -> Result<(), Problem> {
    work.lock(LOCK)?;
    let roles = lookup::all::<Role>(work.reader())?;
    let users = lookup::all::<User>(work.reader())?;
    keep_one((&roles, &users), (&with(&roles, after), &users))
}

/// The lock that changes of who administers wait for.
const LOCK: &str = "administrators";

/// The roles and the users of a tenant.
type Staff<'a> = (&'a [Record<Role>], &'a [Record<User>]);

fn keep_one(before: Staff<'_>, after: Staff<'_>) -> Result<(), Problem> {
    let has_one = |(roles, users): Staff<'_>| users.iter().any(|user| administers(roles, user));
    if has_one(before) && !has_one(after) {
        return Err(Problem::state("the last administrator", &[]));
    }
    Ok(())
}

/// The records as they are to be.
fn with<E>(records: &[Record<E>], after: &Record<E>) -> Vec<Record<E>> {
    records.iter().map(|record| if record.id() == after.id() { after.clone() } else { record.clone() }).collect()
}

fn administers(roles: &[Record<Role>], user: &Record<User>) -> bool {
    if user.is_archived() || user.get(User::status) != Some(UserStatus::Active) {
        return false;
    }
    let ids = user.get(User::role_ids);
    let held: Vec<Record<Role>> = roles.iter().filter(|role| !role.is_archived() && ids.contains(&role.id())).cloned().collect();
    let grants = Grants::of_roles(&held);
    [User::NAME, Role::NAME].into_iter().all(|object| grants.scope(object, Action::Update) == Some(Scope::All))
}
