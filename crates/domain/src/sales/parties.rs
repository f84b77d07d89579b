//! Who has a part in an opportunity: contacts of the buyer, colleagues of the owner; and the stages it had elsewhere.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::opportunity::{ForecastCategory, Opportunity};
use crate::{
    customers::contact_customers::BuyingRole,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Link, Structure},
        recurring,
        structures::contact_points::primary_first,
        value::{Members, Standards, list},
    },
    values::{id::Id, time::Timestamp},
};

/// A contact with a part in the buying decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpportunityContact {
    pub contact_id: Id,
    pub buying_role: Option<BuyingRole>,
    #[serde(default)]
    pub primary: bool,
}

crate::structures! { OpportunityContact }

/// A user who sells beside the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMember {
    pub user_id: Id,
    pub role: Option<String>,
    /// The share of the amount, in per cent.
    pub split: Option<i64>,
}

crate::structures! { TeamMember }

/// A stage that an opportunity was in before it came here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerStage {
    pub stage_id: Id,
    pub entered_at: Timestamp,
    /// How probable winning was thought to be then, in per cent.
    #[serde(default)]
    pub probability: Option<i64>,
    #[serde(default)]
    pub forecast_category: Option<ForecastCategory>,
}

crate::structures! { FormerStage }

pub use crate::customers::contact::OPPORTUNITY_CONTACTS_LINK;

pub static TEAM_MEMBERS_LINK: Link =
    Link { table: "opportunity_team_members", from: "opportunity_id", to: "user_id", target: "user", shared: false };

pub static OPPORTUNITY_CONTACTS: Structure = Structure {
    name: "opportunity_contacts",
    accept: |value, standards| {
        primary_first(linked(value, standards, &CONTACT_FIELDS, |contact: OpportunityContact| contact.contact_id)?)
    },
    schema: contacts_schema,
    lookups: |value| ids(value, |contact: OpportunityContact| contact.contact_id),
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |_| Vec::new(),
    link: Some(&OPPORTUNITY_CONTACTS_LINK),
};

pub static TEAM_MEMBERS: Structure = Structure {
    name: "team_members",
    accept: |value, standards| linked(value, standards, &MEMBER_FIELDS, |member: TeamMember| member.user_id),
    schema: || {
        json!({
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["user_id"],
                "additionalProperties": false,
                "properties": {
                    "user_id": {"type": "string", "format": "uuid", "description": "The colleague."},
                    "role": {"type": ["string", "null"], "maxLength": 100, "description": "The role in the sale.", "examples": ["售前"]},
                    "split": {"type": ["integer", "null"], "minimum": 0, "maximum": 100, "description": "The share of the amount, in per cent."}
                }
            }
        })
    },
    lookups: |value| ids(value, |member: TeamMember| member.user_id),
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |_| Vec::new(),
    link: Some(&TEAM_MEMBERS_LINK),
};

/// Stages an opportunity was in before it came here, each with the time at which it entered it.
pub static STAGE_HISTORY: Structure = Structure {
    name: "stage_history",
    accept: stage_history,
    schema: || {
        let categories: Vec<Value> =
            ForecastCategory::choices().iter().map(|choice| Value::from(choice.value.as_ref())).chain([Value::Null]).collect();
        json!({
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["stage_id", "entered_at"],
                "additionalProperties": false,
                "properties": {
                    "stage_id": {"type": "string", "format": "uuid", "description": "A stage of the pipeline."},
                    "entered_at": {"type": "string", "format": "date-time", "description": "When the opportunity entered it; must not be before `opened_at` or the previous entry, or after `closed_at`.", "examples": ["2016-10-20T00:00:00.000Z"]},
                    "probability": {"type": ["integer", "null"], "minimum": 0, "maximum": 100, "description": "The probability of winning at that time, in per cent. Defaults to the probability of the stage.", "examples": [20]},
                    "forecast_category": {"type": ["string", "null"], "enum": categories, "description": "The forecast category at that time. Defaults to the category of the stage."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

static CONTACT_FIELDS: LazyLock<[Field; 3]> = LazyLock::new(|| {
    [
        Field::new("contact_id", FieldType::Reference("contact".into())).required(),
        Field::new("buying_role", FieldType::Choice(BuyingRole::choices().into())),
        Field::new("primary", FieldType::Boolean).default(false),
    ]
});

static MEMBER_FIELDS: LazyLock<[Field; 3]> = LazyLock::new(|| {
    [
        Field::new("user_id", FieldType::Reference("user".into())).required(),
        Field::new("role", FieldType::Text { max: 100 }),
        Field::new("split", FieldType::Integer { min: 0, max: 100 }),
    ]
});

static HISTORY_FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("stage_id", FieldType::Reference("stage".into())).required(),
        Field::new("entered_at", FieldType::DateTime).required(),
        Field::new("probability", FieldType::Integer { min: 0, max: 100 }),
        Field::new(Opportunity::forecast_category.name(), FieldType::Choice(ForecastCategory::choices().into())),
    ]
});

/// The members of the items of a list of this area, by the name of its structure.
#[must_use]
pub fn item_members(structure: &str) -> Option<&'static [Field]> {
    let lists: [(&Structure, &[Field]); 3] =
        [(&OPPORTUNITY_CONTACTS, &*CONTACT_FIELDS), (&TEAM_MEMBERS, &*MEMBER_FIELDS), (&STAGE_HISTORY, &*HISTORY_FIELDS)];
    lists.into_iter().find(|(known, _)| known.name == structure).map(|(_, members)| members)
}

/// The members when one user takes the place of another. Who is a member already stays in their own place, with both shares.
#[must_use]
pub fn succeed(members: Vec<TeamMember>, from: Id, to: Id) -> Vec<TeamMember> {
    let left = members.iter().find(|member| member.user_id == from).and_then(|member| member.split);
    let is_there = members.iter().any(|member| member.user_id == to);
    let succeeded = members.into_iter().filter_map(|member| match member.user_id {
        id if id == from => (!is_there).then_some(TeamMember { user_id: to, ..member }),
        id if id == to => {
            let split = member.split.into_iter().chain(left).reduce(|own, left| own + left);
            Some(TeamMember { split, ..member })
        }
        _ => Some(member),
    });
    succeeded.collect()
}

/// A list of objects that each name another record by their first member, none twice.
fn linked<T: DeserializeOwned>(
    value: &Value,
    standards: &Standards<'_>,
    fields: &[Field; 3],
    named: fn(T) -> Id,
) -> Result<Value, Faults> {
    let accepted = items(value, standards, fields)?;
    let mut faults = Faults::default();
    let mut seen = Vec::new();
    for (position, id) in read(&accepted).map(named).enumerate() {
        if seen.contains(&id) {
            faults.add(Fault::new(format!("/{position}/{}", fields[0].name), FaultCode::Repeated));
        }
        seen.push(id);
    }
    faults.into_result(())?;
    Ok(accepted)
}

fn items(value: &Value, standards: &Standards<'_>, fields: &[Field]) -> Result<Value, Faults> {
    list(value, 50, |item| Members::read(item, fields, standards)?.finish())
}

/// The items of a list that was accepted before.
fn read<T: DeserializeOwned>(value: &Value) -> impl Iterator<Item = T> {
    value.as_array().into_iter().flatten().filter_map(|item| T::deserialize(item).ok())
}

fn ids<T: DeserializeOwned>(value: &Value, named: fn(T) -> Id) -> Vec<String> {
    read(value).map(named).map(|id| id.to_string()).collect()
}

fn stage_history(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let accepted = items(value, standards, &*HISTORY_FIELDS)?;
    let mut faults = Faults::default();
    let mut latest: Option<Timestamp> = None;
    for (position, FormerStage { entered_at, .. }) in read(&accepted).enumerate() {
        let pointer = || format!("/{position}/{}", HISTORY_FIELDS[1].name);
        if let Some(latest) = latest.filter(|latest| entered_at < *latest) {
            faults.add(Fault::new(pointer(), FaultCode::TooEarly).with("min", latest));
        }
        if entered_at > standards.now {
            faults.add(Fault::new(pointer(), FaultCode::TooLate).with("max", standards.now));
        }
        latest = Some(entered_at);
    }
    faults.into_result(accepted)
}

fn contacts_schema() -> Value {
    let roles: Vec<Value> =
        BuyingRole::choices().iter().map(|choice| Value::from(choice.value.as_ref())).chain([Value::Null]).collect();
    json!({
        "type": "array",
        "maxItems": 50,
        "items": {
            "type": "object",
            "required": [recurring::CONTACT_ID.name()],
            "additionalProperties": false,
            "properties": {
                (recurring::CONTACT_ID.name()): {"type": "string", "format": "uuid", "description": "The contact."},
                "buying_role": {"type": ["string", "null"], "enum": roles, "description": "The role in the buying decision."},
                "primary": {"type": "boolean", "description": "Whether this is the primary contact. Defaults to the first in the list."}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_takes_the_place_and_the_share() {
        let [from, to, other] = [1_u128, 2, 3].map(|number| Id(uuid::Uuid::from_u128(number)));
        let member = |user_id, role: Option<&str>, split| TeamMember { user_id, role: role.map(str::to_owned), split };
        let alone = vec![member(other, None, Some(10)), member(from, Some("售前"), Some(20))];
        assert_eq!(succeed(alone, from, to), [member(other, None, Some(10)), member(to, Some("售前"), Some(20))]);
        let both = vec![member(from, Some("售前"), Some(20)), member(to, Some("Lead"), None)];
        assert_eq!(succeed(both, from, to), [member(to, Some("Lead"), Some(20))]);
        let shared = vec![member(to, None, Some(30)), member(from, None, Some(20))];
        assert_eq!(succeed(shared, from, to), [member(to, None, Some(50))]);
    }
}
