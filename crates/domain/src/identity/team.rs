//! Teams: a tree; who may see a team's records may see those of the teams below it.

use crate::{
    entity,
    model::{
        object::{Reach, Relation},
        record::Record,
    },
    values::id::Id,
};

entity! {
    /// A team of users. Teams form a tree; the scope `team` covers a user's team and all teams below it.
    pub struct Team("team", "teams", "teams", "Team", "团队") [external, custom] {
        /// The name; unique among live teams.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("华东销售部"),
        /// The parent team; must not be one of its own descendants.
        parent_id: Option<Id> => reference("team").indexed().label("Parent team", "上级团队"),
        /// The manager of the team.
        manager_id: Option<Id> => reference("user").gives_work().label("Manager", "负责人"),
        /// A description of the team.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "parent", target: "team", reach: Reach::ToOne { field: "parent_id" } },
            Relation { name: "children", target: "team", reach: Reach::Inverse { field: "parent_id" } },
            Relation { name: "members", target: "user", reach: Reach::Inverse { field: "team_id" } },
            Relation { name: "manager", target: "user", reach: Reach::ToOne { field: "manager_id" } },
        ])
        .unique("teams_name_key", "name")
}

/// A team and all below it.
#[must_use]
pub fn subtree(teams: &[Record<Team>], top: Id) -> Vec<Id> {
    let mut found = vec![top];
    let mut position = 0;
    while let Some(parent) = found.get(position).copied() {
        let children = teams.iter().filter(|team| team.get(Team::parent_id) == Some(parent)).map(Record::id);
        let new: Vec<Id> = children.filter(|child| !found.contains(child)).collect();
        found.extend(new);
        position += 1;
    }
    found
}

/// A team and all above it.
#[must_use]
pub fn lineage(teams: &[Record<Team>], bottom: Id) -> Vec<Id> {
    let mut found = Vec::new();
    let mut next = Some(bottom);
    while let Some(id) = next.filter(|id| !found.contains(id)) {
        found.push(id);
        next = teams.iter().find(|team| team.id() == id).and_then(|team| team.get(Team::parent_id));
    }
    found
}
