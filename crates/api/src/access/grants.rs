//! What users may do: the grants of their roles, their place in the tree of teams, the pools that are open to them.

use farley_domain::{
    identity::{
        access::{Asker, EntitledPool, Grants},
        role::Role,
        team::{Team, lineage, subtree},
        user::{User, UserStatus},
    },
    model::record::Record,
    sales::leads::pool::{Pool, Pooled},
    values::id::Id,
};
use farley_persistence::Reader;

use super::unrestricted::{all_of, entity_of};
use crate::http::problem::Problem;

/// What a user may do, out of their roles and their place in the tree of teams; none if they are not active.
pub fn asker_of(reader: &mut Reader<'_>, user_id: Id) -> Result<Option<Asker>, Problem> {
    let Some(user) = entity_of::<User>(reader, user_id)? else { return Ok(None) };
    if user.is_archived() || user.get(User::status) != Some(UserStatus::Active) {
        return Ok(None);
    }
    standing_of(reader, &user).map(Some)
}

/// What a user holds who is as the record says, whether they can log in or not.
pub fn standing_of(reader: &mut Reader<'_>, user: &Record<User>) -> Result<Asker, Problem> {
    let (teams, grants) = (all_of::<Team>(reader)?, grants_of(reader, user)?);
    Ok(Asker { user_id: user.id(), ..standing_among(reader, &teams, user.get(User::team_id), grants)? })
}

/// What grants come to in a place in a tree of teams.
pub fn standing_among(
    reader: &mut Reader<'_>,
    teams: &[Record<Team>],
    own: Option<Id>,
    grants: Grants,
) -> Result<Asker, Problem> {
    Ok(Asker {
        user_id: Id::NIL,
        teams: own.map_or_else(Vec::new, |own| subtree(teams, own)),
        pools: pools_of(reader, teams, own)?,
        grants,
    })
}

/// What the live roles of a user grant.
pub fn grants_of(reader: &mut Reader<'_>, user: &Record<User>) -> Result<Grants, Problem> {
    Ok(Grants::of_roles(&roles_of(reader, user)?))
}

/// The live roles of a user.
pub fn roles_of(reader: &mut Reader<'_>, user: &Record<User>) -> Result<Vec<Record<Role>>, Problem> {
    let ids = user.get(User::role_ids);
    let roles = all_of::<Role>(reader)?.into_iter();
    Ok(roles.filter(|role| !role.is_archived() && ids.contains(&role.id())).collect())
}

/// The live pools that a member of a team is entitled to: those of the team, of one above and of one below, and everybody's.
fn pools_of(reader: &mut Reader<'_>, teams: &[Record<Team>], own: Option<Id>) -> Result<Vec<EntitledPool>, Problem> {
    let line: Vec<Id> = own.map_or_else(Vec::new, |own| [subtree(teams, own), lineage(teams, own)].concat());
    let pools = all_of::<Pool>(reader)?.into_iter().filter(|pool| {
        let entitled = pool.get(Pool::team_ids);
        !pool.is_archived() && (entitled.is_empty() || entitled.iter().any(|team| line.contains(team)))
    });
    let object = |pool: &Record<Pool>| pool.get(Pool::object).map_or("", Pooled::as_str).to_owned();
    Ok(pools.map(|pool| EntitledPool { id: pool.id(), object: object(&pool) }).collect())
}

/// A team and all below it.
pub fn teams_below(reader: &mut Reader<'_>, top: Option<Id>) -> Result<Vec<Id>, Problem> {
    let Some(top) = top else { return Ok(Vec::new()) };
    Ok(subtree(&all_of::<Team>(reader)?, top))
}
