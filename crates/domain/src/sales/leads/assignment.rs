//! Assignment rules: who gets a lead that nobody has been named for.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    choices, entity,
    model::{
        fault::FaultCode,
        field::{Field, FieldType, Link, Structure},
        object::{Reach, Relation},
        record::Draft,
        value::{Members, list},
    },
    values::id::Id,
};

choices! {
    /// How a rule finds who gets a lead.
    pub enum AssignmentTarget {
        RoundRobin "round_robin" "Round robin" "轮流分配",
        LeastLoaded "least_loaded" "Least loaded" "最少负载",
        Territory "territory" "By territory" "按区域",
        User "user" "A user" "指定用户",
        Team "team" "A team" "指定团队",
        Pool "pool" "A pool" "放入公海",
    }
}

/// Among whom a rule assigns.
pub static RULE_USERS: Link =
    Link { table: "assignment_rule_users", from: "rule_id", to: "user_id", target: "user", shared: false };

/// Whose a region is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Territory {
    /// As in the lead's `region`.
    pub region: String,
    pub user_id: Option<Id>,
    /// The team that gets its leads if no user is given or at work.
    pub team_id: Option<Id>,
}

crate::structures! { Territory }

/// Which user or team is responsible for which region.
pub static TERRITORIES: Structure = Structure {
    name: "territories",
    accept: |value, standards| list(value, 200, |item| Members::read(item, &*TERRITORY_FIELDS, standards)?.finish()),
    schema: || {
        json!({
            "type": "array",
            "maxItems": 200,
            "items": {
                "type": "object",
                "required": ["region"],
                "additionalProperties": false,
                "properties": {
                    "region": {"type": "string", "maxLength": 100, "description": "As in the lead's `region`.", "examples": ["华东"]},
                    "user_id": {"type": ["string", "null"], "format": "uuid", "description": "The user who gets its leads."},
                    "team_id": {"type": ["string", "null"], "format": "uuid", "description": "The team that gets its leads if no user is given or at work."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

static TERRITORY_FIELDS: LazyLock<[Field; 3]> = LazyLock::new(|| {
    [
        Field::new("region", FieldType::Text { max: 100 }).required(),
        Field::new("user_id", FieldType::Reference("user".into())),
        Field::new("team_id", FieldType::Reference("team".into())),
    ]
});

entity! {
    /// An assignment rule: which leads it applies to, and who gets them. Rules are applied in order; the first matching rule
    /// that finds an owner assigns the lead. They apply to leads created with `assign`, to leads from web forms with assignment
    /// enabled, and on POST /v1/leads/{id}/assign.
    pub struct AssignmentRule("assignment_rule", "assignment-rules", "assignment_rules", "Assignment rule", "分配规则") [external] {
        /// The name of the rule.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("华东官网线索"),
        /// Whether the rule is active.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// The order in which rules are applied, ascending; rules with the same value are applied in order of creation.
        sort_order: i64 => integer(0, 100_000).default(100).label("Order", "顺序").example(10),
        /// The leads it applies to: a filter on the lead's own fields. If absent, it applies to every lead.
        filter: Option<Value> => structure(&crate::model::structures::filter::FILTER).opaque().label("Filter", "条件").example(json!({"field": "region", "op": "eq", "value": "华东"})),
        /// How the owner is chosen: in turn or by fewest open leads among `user_ids` (otherwise the members of `team_id`,
        /// otherwise all users); by `territories`; or a fixed user, team or pool.
        target: Option<AssignmentTarget> => choice(AssignmentTarget::choices()).default("round_robin").label("Target", "分配方式").example("round_robin"),
        /// The users to choose from, in this order; exactly one for the target `user`.
        user_ids: Vec<Id> => references(&RULE_USERS).gives_work().label("Users", "用户").required_when(crate::model::field::when_is("target", &["user"])).shown_when(crate::model::field::when_is("target", &["user", "round_robin", "least_loaded"])),
        /// The team that gets the lead, or whose members it chooses from.
        team_id: Option<Id> => reference("team").label("Team", "团队").required_when(crate::model::field::when_is("target", &["team"])).shown_when(crate::model::field::when_is("target", &["team", "round_robin", "least_loaded"])),
        /// The pool that gets the lead.
        pool_id: Option<Id> => reference("pool").label("Pool", "公海").only_when(crate::model::field::when_is("target", &["pool"])),
        /// Which user or team is responsible for which region.
        territories: Vec<Territory> => structure(&TERRITORIES).default(json!([])).opaque().label("Territories", "区域划分").only_when(crate::model::field::when_is("target", &["territory"])),
        /// Whether only users who are at work according to their schedules get leads.
        respects_hours: bool => boolean().default(true).label("Respects working hours", "遵循工作时间").example(true),
        /// The number of minutes within which the lead should be contacted.
        first_response_minutes: Option<i64> => integer(1, 100_000).label("First response within", "首次响应时限（分钟）").example(30),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "users", target: "user", reach: Reach::Linked { link: &RULE_USERS, holder: true } },
            Relation { name: "team", target: "team", reach: Reach::ToOne { field: "team_id" } },
            Relation { name: "pool", target: "pool", reach: Reach::ToOne { field: "pool_id" } },
        ])
        .rule(target_is_told)
}

fn target_is_told(draft: &mut Draft<'_, AssignmentRule>) {
    let rule = &draft.after;
    let untold = match rule.get(AssignmentRule::target) {
        Some(AssignmentTarget::User) => {
            (rule.get(AssignmentRule::user_ids).len() != 1).then(|| AssignmentRule::user_ids.pointer())
        }
        Some(AssignmentTarget::Team) => rule.is_null(AssignmentRule::team_id).then(|| AssignmentRule::team_id.pointer()),
        Some(AssignmentTarget::Pool) => rule.is_null(AssignmentRule::pool_id).then(|| AssignmentRule::pool_id.pointer()),
        Some(AssignmentTarget::Territory) => {
            rule.get(AssignmentRule::territories).is_empty().then(|| AssignmentRule::territories.pointer())
        }
        Some(AssignmentTarget::RoundRobin | AssignmentTarget::LeastLoaded) | None => None,
    };
    if let Some(pointer) = untold {
        draft.fault(pointer, FaultCode::Required);
    }
}

/// Whose turn it is: the place of the first at work from the place that is next on, all around. After them it is the turn of the place behind, so
/// that the turns of those who are away fall to all others alike.
#[must_use]
pub fn in_turn(candidates: &[Id], next: i64, works: impl Fn(Id) -> bool) -> Option<usize> {
    let count = candidates.len();
    let first = usize::try_from(next.rem_euclid(i64::try_from(count.max(1)).unwrap_or(1))).unwrap_or(0);
    (0..count).map(|step| (first + step) % count).find(|place| works(candidates[*place]))
}

/// Who has the fewest open leads; of equals the one named first.
#[must_use]
pub fn least_loaded(candidates: &[Id], load: impl Fn(Id) -> i64) -> Option<Id> {
    candidates.iter().copied().min_by_key(|user| load(*user))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(number: u8) -> Id {
        Id(uuid::Uuid::from_u128(u128::from(number) + 1))
    }

    /// Who gets so many leads, one after the other.
    fn given(users: &[Id], leads: usize, works: impl Fn(Id) -> bool) -> Vec<usize> {
        let mut next = 0;
        let turns = (0..leads).filter_map(|_| {
            let place = in_turn(users, next, &works)?;
            next = i64::try_from(place).unwrap() + 1;
            Some(place)
        });
        turns.collect()
    }

    proptest! {
        /// Those at work get equally many, to one lead, in their order from the first on, and nobody else any.
        #[test]
        fn turns_are_even_among_those_at_work(count in 1_u8..12, working in 0_u16..4096, leads in 0_usize..100) {
            let users: Vec<Id> = (0..count).map(user).collect();
            let works = |id: Id| users.iter().position(|user| *user == id).is_some_and(|place| working & (1 << place) != 0);
            let given = given(&users, leads, works);
            let at_work: Vec<usize> = (0..users.len()).filter(|place| works(users[*place])).collect();
            prop_assert_eq!(given.len(), if at_work.is_empty() { 0 } else { leads });
            prop_assert!(given.iter().zip(at_work.iter().cycle()).all(|(given, due)| given == due));
        }
    }

    #[test]
    fn turns_begin_with_the_first() {
        let users: Vec<Id> = (0..3).map(user).collect();
        assert_eq!(given(&users, 4, |_| true), [0, 1, 2, 0]);
        assert_eq!(in_turn(&[], 3, |_| true), None);
        assert_eq!(least_loaded(&users, |id| i64::from(id == users[0])), Some(users[1]));
    }
}
