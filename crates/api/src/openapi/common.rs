//! Members that several objects have alike, said once: an owner, a custom field's values, whoever made a record.

use std::collections::BTreeMap;

use farley_domain::model::object::Object;
use utoipa::openapi::{Components, Ref, RefOr, Schema};

use super::names;

/// How many objects must have a member alike before it is said once.
const SEVERAL: usize = 3;
/// A schema shorter than this, as JSON, is no longer than a reference with its name.
const SHORT: usize = 90;

/// The schema of an object that has its members, and what a member of it is called where it is said once.
type Role = (fn(&Object) -> String, &'static str);

static ROLES: &[Role] = &[(names::sparse, "record"), (names::create, "new"), (names::patch, "changed")];

/// Moves members that several objects have alike into schemas of their own, named after the member: `RecordOwner`, `NewTagIds`.
pub fn share(components: &mut Components, objects: &[&'static Object]) {
    for (schema_of, role) in ROLES {
        let mut shared: BTreeMap<String, (String, RefOr<Schema>)> = BTreeMap::new();
        for (name, member) in most_frequent(components, objects, *schema_of) {
            let component = names::pascal(&format!("{role}_{name}"));
            if !components.schemas.contains_key(&component) {
                components.schemas.insert(component.clone(), member.clone());
                shared.insert(name, (component, member));
            }
        }
        for object in objects {
            let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(&schema_of(object)) else { continue };
            for (name, member) in &mut schema.properties {
                if let Some((component, _)) = shared.get(name).filter(|(_, known)| known == member) {
                    *member = Ref::from_schema_name(component).into();
                }
            }
        }
    }
}

/// Of the members of each name the one that most objects have, if that is worth it.
fn most_frequent(
    components: &Components,
    objects: &[&'static Object],
    schema_of: fn(&Object) -> String,
) -> Vec<(String, RefOr<Schema>)> {
    let mut known: BTreeMap<String, Vec<(RefOr<Schema>, usize)>> = BTreeMap::new();
    for object in objects {
        let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get(&schema_of(object)) else { continue };
        for (name, member) in &schema.properties {
            let alike = known.entry(name.clone()).or_default();
            match alike.iter_mut().find(|(other, _)| other == member) {
                Some((_, times)) => *times += 1,
                None => alike.push((member.clone(), 1)),
            }
        }
    }
    let length = |member: &RefOr<Schema>| serde_json::to_string(member).map_or(0, |json| json.len());
    let most = known.into_iter().filter_map(|(name, alike)| {
        let (member, times) = alike.into_iter().max_by_key(|(_, times)| *times)?;
        (times >= SEVERAL && length(&member) >= SHORT).then_some((name, member))
    });
    most.collect()
}
