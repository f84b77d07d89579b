//! Roles: nobody writes one that grants more than they hold, and the administrator's stays what it is.

use farley_domain::{
    identity::{access::Grants, role::Role},
    record::Record,
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
        let (writing, record) = (&writing.any(), record.any_mut());
        let sealed = |name: &str| writing.before.is_some_and(|before| before.get(name) != record.get(name));
        if record.get("key") == "administrator" && ["permissions", "field_rules", "archived_at"].into_iter().any(sealed) {
            return Err(Problem::new(Code::StateConflict).with("state", "administrator").with("allowed", "rename"));
        }
        let grants = &writing.principal.asker.grants;
        for state in writing.before.into_iter().chain([&*record]) {
            // Taking permissions from a role one does not hold would be as bad as giving them.
            if let Some(permission) = grants.first_beyond(&Grants::of_roles(std::slice::from_ref(state))) {
                return Err(beyond("/permissions", &permission));
            }
        }
        match writing.before {
            Some(before) if sealed("permissions") || sealed("archived_at") => administrators::keep_one(work, before, record),
            Some(_) | None => Ok(()),
        }
    }
}
