//! Roles: nobody writes one that grants more than they hold, and the administrator's stays what it is.

use farley_domain::{
    identity::{
        access::Grants,
        role::{ADMINISTRATOR, Role},
        team::Team,
        user::User,
    },
    model::record::Record,
    values::id::Id,
};
use farley_persistence::Work;

use super::administrators;
use crate::{
    access::grants::standing_among,
    http::problem::{Code, Problem},
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
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
                return Err(Problem::beyond_held(&Role::permissions.pointer(), &permission));
            }
        }
        if permits_else || hides_else || comes_or_goes {
            // What a role grants its holders reaches as far as the teams they are in.
            let held = &writing.principal.asker;
            let teams = lookup::all::<Team>(work.reader())?;
            let users = lookup::all::<User>(work.reader())?;
            let of_holders = users.iter().filter(|user| !user.is_archived() && user.get(User::role_ids).contains(&record.id()));
            let mut places: Vec<Id> = of_holders.filter_map(|user| user.get(User::team_id)).collect();
            places.sort_unstable();
            places.dedup();
            for place in places {
                for state in writing.before.into_iter().chain([&*record]) {
                    let grants = Grants::of_roles(std::slice::from_ref(state));
                    let theirs = standing_among(work.reader(), &teams, Some(place), grants)?;
                    if let Some(permission) = held.first_reach_beyond(&theirs, &theirs.in_no_team()) {
                        return Err(Problem::beyond_held(&Role::permissions.pointer(), &permission));
                    }
                }
            }
        }
        if permits_else || comes_or_goes { administrators::keep_one_by_role(work, record) } else { Ok(()) }
    }
}
