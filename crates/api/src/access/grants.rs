//! What users may do: the grants of their roles, their place in the tree of teams, the pools that are open to them.

use farley_domain::{
    entity::Entity,
    id::Id,
    identity::{
        access::{Asker, EntitledPool, Grants},
        role::Role,
        team::{Team, subtree},
        user::User,
    },
    record::Record,
    sales::leads::pool::Pool,
};
use farley_persistence::Reader;

use super::unrestricted::record_of;
use crate::http::problem::Problem;

/// What a user may do, out of their roles and their place in the tree of teams; none if they are not active.
pub fn asker_of(reader: &mut Reader<'_>, user_id: Id) -> Result<Option<Asker>, Problem> {
    let Some(user) = record_of(reader, User::object(), user_id)? else { return Ok(None) };
    if user.is_archived() || user.get("status") != "active" {
        return Ok(None);
    }
    let teams = reader.all(Team::object())?;
    let own = user.id_of("team_id");
    Ok(Some(Asker {
        user_id,
        teams: own.map_or_else(Vec::new, |own| subtree(&teams, own)),
        pools: pools_of(reader, &teams, own)?,
        grants: grants_of(reader, &user)?,
    }))
}

/// What the live roles of a user grant.
pub fn grants_of(reader: &mut Reader<'_>, user: &Record) -> Result<Grants, Problem> {
    let ids: Vec<&str> = user.get("role_ids").as_array().into_iter().flatten().filter_map(|id| id.as_str()).collect();
    let roles = reader.all(Role::object())?;
    let held: Vec<Record> =
        roles.into_iter().filter(|role| !role.is_archived() && role.text("id").is_some_and(|id| ids.contains(&id))).collect();
    Ok(Grants::of_roles(&held))
}

/// The live pools that a member of a team is entitled to: those of the team, of one above and of one below, and everybody's.
fn pools_of(reader: &mut Reader<'_>, teams: &[Record], own: Option<Id>) -> Result<Vec<EntitledPool>, Problem> {
    let mut line = own.map_or_else(Vec::new, |own| subtree(teams, own));
    let mut above = own;
    while let Some(team) = above.and_then(|id| teams.iter().find(|team| team.id() == id)) {
        above = team.id_of("parent_id").filter(|parent| !line.contains(parent));
        line.extend(above);
    }
    let pools = reader.all(<Pool as Entity>::object())?.into_iter().filter(|pool| {
        let entitled: Vec<Id> =
            pool.get("team_ids").as_array().into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect();
        !pool.is_archived() && (entitled.is_empty() || entitled.iter().any(|team| line.contains(team)))
    });
    Ok(pools.map(|pool| EntitledPool { id: pool.id(), object: pool.text("object").unwrap_or_default().to_owned() }).collect())
}

/// A team and all below it.
pub fn teams_below(reader: &mut Reader<'_>, top: Option<Id>) -> Result<Vec<Id>, Problem> {
    let Some(top) = top else { return Ok(Vec::new()) };
    Ok(subtree(&reader.all(Team::object())?, top))
}
