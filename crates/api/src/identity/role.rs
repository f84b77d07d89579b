//! Roles: nobody writes one that grants more than they hold, and the administrator's stays what it is.

use farley_domain::{
    identity::{
        access::Grants,
        role::{ADMINISTRATOR, Role},
    },
    model::record::Record,
};
use farley_persistence::Work;

use super::{administrators, user::beyond};
use crate::{
    http::problem::{Code, Problem},
    records::behaviour::{Behaviour, Writing},
};

impl Behaviour for Role {
    const CHANGES_PRINCIPALS: bool = true;

    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let permits_else = writing.before.is_some_and(|before| !before.agrees(Role::permissions, record));
        let hides_else = writing.before.is_some_and(|before| !before.agrees(Role::field_rules, record));
        let comes_or_goes = writing.before.is_some_and(|before| !before.agrees(Role::archived_at, record));
        if record.get(Role::key) == Some(ADMINISTRATOR) && (permits_else || hides_else || comes_or_goes) {
            return Err(Problem::new(Code::StateConflict).with("state", ADMINISTRATOR).with("allowed", "rename"));
        }
        let grants = &writing.principal.asker.grants;
        for state in writing.before.into_iter().chain([&*record]) {
            // Taking permissions from a role one does not hold would be as bad as giving them.
            if let Some(permission) = grants.first_beyond(&Grants::of_roles(std::slice::from_ref(state))) {
                return Err(beyond(&Role::permissions.pointer(), &permission));
            }
        }
        if permits_else || comes_or_goes { administrators::keep_one_by_role(work, record) } else { Ok(()) }
    }
}
