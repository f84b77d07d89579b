//! Teams: who may do what hangs on the tree of them.

use std::collections::BTreeSet;

use farley_domain::{
    identity::{
        access::Grants,
        role::Role,
        team::{Team, lineage, subtree},
        user::User,
    },
    model::record::Record,
    values::id::Id,
};
use farley_persistence::Work;

use crate::{
    access::grants::standing_among,
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
};

impl Behaviour for Team {
    const CHANGES_PRINCIPALS: bool = true;

    /// Who is in a team reaches the records of those below it: a team goes only where whoever moves it could give or take that.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let Some(before) = writing.before.filter(|before| !before.agrees(Team::parent_id, record)) else { return Ok(()) };
        let former = lookup::all::<Team>(work.reader())?;
        let moved = |team: &Record<Team>| if team.id() == record.id() { record.clone() } else { team.clone() };
        let present: Vec<Record<Team>> = former.iter().map(moved).collect();
        // The teams above gain or lose what is in the moved ones, and all of them pools of each other.
        let mut concerned = subtree(&former, record.id());
        for (teams, parent) in [(&former, before.get(Team::parent_id)), (&present, record.get(Team::parent_id))] {
            concerned.extend(parent.map(|parent| lineage(teams, parent)).into_iter().flatten());
        }
        let users = lookup::all::<User>(work.reader())?;
        let members = users.iter().filter(|user| !user.is_archived()).filter_map(|user| {
            let team = user.get(User::team_id).filter(|team| concerned.contains(team))?;
            let mut roles = user.get(User::role_ids);
            roles.sort_unstable();
            Some((team, roles))
        });
        let members: BTreeSet<(Id, Vec<Id>)> = members.collect();
        let roles = lookup::all::<Role>(work.reader())?;
        let held = &writing.principal.asker;
        for (team, ids) in members {
            let live = roles.iter().filter(|role| !role.is_archived() && ids.contains(&role.id()));
            let grants = Grants::of_roles(&live.cloned().collect::<Vec<_>>());
            let then = standing_among(work.reader(), &former, Some(team), grants.clone())?;
            let now = standing_among(work.reader(), &present, Some(team), grants)?;
            if let Some(permission) = held.first_reach_beyond(&now, &then).or_else(|| held.first_reach_beyond(&then, &now)) {
                return Err(Problem::beyond_held(&Team::parent_id.pointer(), &permission));
            }
        }
        Ok(())
    }
}
