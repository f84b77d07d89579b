//! References in what a client sends: each must name a live record of the tenant that the asker may know of.

use farley_domain::{
    activities::{
        activity::Activity,
        attendees,
        concerned::{CONCERNED, KINDS, RECORDS},
    },
    entity::Entity,
    fault::{Fault, FaultCode, Faults},
    field::{Field, FieldType},
    id::Id,
    object::{Object, Shape},
    predicate::Predicate,
    record::Record,
    registry,
};
use farley_persistence::Work;

use crate::{access::principal::Principal, http::problem::Problem};

/// Checks every reference that a draft changes, but for fields that are `settled`: Farley itself filled them in.
pub fn check(
    work: &mut Work<'_>,
    principal: &Principal,
    now: farley_domain::time::Timestamp,
    shape: &Shape,
    before: Option<&Record>,
    after: &Record,
    settled: &[&str],
) -> Result<(), Problem> {
    let mut faults = Faults::default();
    check_concerned(work, principal, now, shape, before, after, &mut faults)?;
    for field in shape.fields().filter(|field| !settled.contains(&field.name.as_ref())) {
        if before.is_some_and(|before| before.value(field) == after.value(field)) {
            continue;
        }
        let Some(target) = target(field).filter(|_| !is_concerned(shape.object, field)) else { continue };
        let asked = named(field, after);
        if asked.is_empty() {
            continue;
        }
        let ids: Vec<Id> = asked.iter().map(|(_, id)| *id).collect();
        let known = visible(work, principal, now, target, &ids)?;
        for (pointer, id) in asked {
            // Who creates a record may always name themselves.
            let oneself = target.name == "user" && id == principal.user_id();
            if !known.contains(&id) && !oneself {
                faults.add(Fault::new(pointer, FaultCode::NotFound));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::rule(faults)) }
}

/// Whether a field is one of those kept in step with the records that its object concerns: those are checked together.
fn is_concerned(object: &Object, field: &Field) -> bool {
    concerns(object) && KINDS.iter().any(|kind| kind.field.name() == field.name)
}

fn concerns(object: &Object) -> bool {
    RECORDS.of(object).is_some_and(|field| field.kind == FieldType::Structure(&CONCERNED))
}

/// Checks lists that name records of several objects. Who changes one may not know of all that was in it before.
fn check_concerned(
    work: &mut Work<'_>,
    principal: &Principal,
    now: farley_domain::time::Timestamp,
    shape: &Shape,
    before: Option<&Record>,
    after: &Record,
    faults: &mut Faults,
) -> Result<(), Problem> {
    let mut named: Vec<(String, &str, Id)> = Vec::new();
    if concerns(shape.object) {
        let known = before.map(|before| before.get(RECORDS)).unwrap_or_default();
        let all = after.get(RECORDS).into_iter().enumerate();
        for (position, item) in all.filter(|(_, item)| !known.contains(item)) {
            let kind = KINDS.iter().find(|kind| kind.object == item.object && after.get(kind.field) == Some(item.id));
            let pointer = kind.map_or_else(|| format!("{}/{position}/id", RECORDS.pointer()), |kind| kind.field.pointer());
            named.push((pointer, item.object.as_str(), item.id));
        }
    }
    if shape.object.name == Activity::NAME {
        let attendees = |record: &Record| record.of::<Activity>().get(Activity::attendees);
        let before = before.map(attendees).unwrap_or_default();
        let known: Vec<(&str, Id)> = attendees::references(&before).map(|(_, object, id)| (object, id)).collect();
        let after = attendees(after);
        let new = attendees::references(&after).filter(|(_, object, id)| !known.contains(&(*object, *id)));
        named.extend(new.map(|(pointer, object, id)| (format!("{}{pointer}", Activity::attendees.pointer()), object, id)));
    }
    let mut objects: Vec<&str> = named.iter().map(|(_, object, _)| *object).collect();
    objects.sort_unstable();
    objects.dedup();
    for name in objects {
        let asked = || named.iter().filter(|(_, object, _)| *object == name);
        let ids: Vec<Id> = asked().map(|(_, _, id)| *id).collect();
        let known = match registry::object(name) {
            Some(target) => visible(work, principal, now, target, &ids)?,
            None => Vec::new(),
        };
        let oneself = |id: &Id| name == "user" && *id == principal.user_id();
        for (pointer, _, _) in asked().filter(|(_, _, id)| !known.contains(id) && !oneself(id)) {
            faults.add(Fault::new(pointer.clone(), FaultCode::NotFound));
        }
    }
    Ok(())
}

/// The fields that a rule keeps in step with one that a body names, and the body does not: a contact's `customer_id` with its
/// `customers`. What they refer to is checked, and told, under the name that was sent.
pub fn kept_in_step<'a>(object: &'a Object, body: &serde_json::Value) -> Vec<&'a str> {
    let is_list = |field: &Field| matches!(field.kind, FieldType::Structure(_));
    let is_one = |field: &Field| matches!(field.kind, FieldType::Reference(_));
    let referring = || object.fields.iter().filter_map(|field| Some((field, target(field)?.name)));
    let unnamed = referring().filter(|(field, _)| body.get(field.name.as_ref()).is_none());
    let follows = |(field, name): &(&Field, &str)| {
        referring().any(|(other, of)| {
            let pair = (is_list(field) && is_one(other)) || (is_one(field) && is_list(other));
            pair && of == *name && body.get(other.name.as_ref()).is_some()
        })
    };
    unnamed.filter(follows).map(|(field, _)| field.name.as_ref()).collect()
}

fn target(field: &Field) -> Option<&'static Object> {
    // Fields that Farley sets need no check.
    if field.writable == farley_domain::field::Writable::Never {
        return None;
    }
    match &field.kind {
        FieldType::Reference(object) => registry::object(object),
        FieldType::References(link) => registry::object(link.target),
        FieldType::Structure(structure) => structure.link.and_then(|link| registry::object(link.target)),
        _ => None,
    }
}

/// The ids that a field names, each with its place.
fn named(field: &Field, record: &Record) -> Vec<(String, Id)> {
    let value = record.value(field);
    let base = format!("/{}", field.path().replace('.', "/"));
    match &field.kind {
        FieldType::Reference(_) => value.as_str().and_then(|id| id.parse().ok()).map(|id| (base, id)).into_iter().collect(),
        FieldType::Structure(structure) => {
            let ids = (structure.lookups)(value).into_iter().enumerate();
            let member = structure.link.map_or("", |link| link.to);
            ids.filter_map(|(position, id)| Some((format!("{base}/{position}/{member}"), id.parse().ok()?))).collect()
        }
        _ => {
            let items = value.as_array().into_iter().flatten().enumerate();
            items.filter_map(|(position, id)| Some((format!("{base}/{position}"), id.as_str()?.parse().ok()?))).collect()
        }
    }
}

fn visible(
    work: &mut Work<'_>,
    principal: &Principal,
    now: farley_domain::time::Timestamp,
    target: &'static Object,
    ids: &[Id],
) -> Result<Vec<Id>, Problem> {
    let view = principal.view(now);
    let Some(rows) = principal.asker.rows(target, farley_domain::identity::access::Action::Read) else { return Ok(Vec::new()) };
    let within = Predicate::Archived(false).and(rows);
    let layout = farley_persistence::Layout::of(&principal.shape(target), &|_| true, Some(&[]), &[]);
    let found = work.reader().by_ids(&std::sync::Arc::new(layout), &view, ids, &within)?;
    Ok(found.iter().map(farley_persistence::Row::id).collect())
}

/// Refuses a move in a tree that would make a record its own ancestor.
pub fn check_tree(
    work: &mut Work<'_>,
    call: &Principal,
    now: farley_domain::time::Timestamp,
    shape: &Shape,
    before: Option<&Record>,
    after: &Record,
) -> Result<(), Problem> {
    let object = shape.object;
    let changed = before.is_none_or(|before| before.get("parent_id") != after.get("parent_id"));
    if !object.has("parent_id") || !changed || after.get("parent_id").is_null() {
        return Ok(());
    }
    work.lock_tree(object)?;
    let layout = std::sync::Arc::new(farley_persistence::Layout::of(shape, &|_| true, Some(&["parent_id".to_owned()]), &[]));
    let mut ancestor = after.id_of("parent_id");
    let mut seen = Vec::new();
    while let Some(id) = ancestor {
        if id == after.id() || seen.contains(&id) {
            return Err(Problem::rule(Fault::new("/parent_id", FaultCode::Cycle).into()));
        }
        seen.push(id);
        let row = work.reader().get(&layout, &call.view(now), id, &Predicate::all())?;
        ancestor = row.and_then(|row| row.cell("parent_id").and_then(farley_persistence::Cell::as_id));
    }
    Ok(())
}

/// The same values in other live records: unique fields, and keys in other systems. The record in the way is named to a
/// caller who may know of it; without a caller, always.
pub fn check_unique(
    work: &mut Work<'_>,
    principal: Option<(&Principal, farley_domain::time::Timestamp)>,
    object: &'static Object,
    before: Option<&Record>,
    after: &Record,
) -> Result<(), Problem> {
    use farley_domain::predicate::Operand;
    let restored = before.is_some_and(|before| before.is_archived() && !after.is_archived());
    let changed = |name: &str| restored || before.is_none_or(|before| before.get(name) != after.get(name));
    for unique in &object.unique {
        let (Some(field), Some(value)) = (object.field(unique.field), after.text(unique.field)) else { continue };
        // A custom field's key is unique within its object, which its own behaviour sees to.
        if !changed(unique.field) || object.name == "custom_field" {
            continue;
        }
        if let Some(id) = work.reader().by_value(object, field, Operand::Text(value.to_owned()))?
            && id != after.id()
        {
            return Err(in_the_way(work, principal, object, &format!("/{}", unique.field), id)?);
        }
    }
    if object.has("external_ids") && changed("external_ids") {
        for (system, key) in after.get("external_ids").as_object().into_iter().flatten() {
            let found = work.reader().by_external_id(object.name, system, key.as_str().unwrap_or_default())?;
            if let Some(id) = found.filter(|id| *id != after.id()) {
                return Err(in_the_way(work, principal, object, &format!("/external_ids/{system}"), id)?);
            }
        }
    }
    Ok(())
}

/// A client that chooses its ids may have chosen one that is taken.
pub fn check_id(work: &mut Work<'_>, object: &'static Object, record: &Record) -> Result<(), Problem> {
    if let Some(id) = record.id_of("id") {
        let sees_all = crate::access::unrestricted::Unrestricted;
        let shape = Shape { object, custom: std::sync::Arc::from([]) };
        let layout = std::sync::Arc::new(farley_persistence::Layout::of(&shape, &|_| true, Some(&[]), &[]));
        if work.reader().get(&layout, &sees_all, id, &Predicate::all())?.is_some() {
            return Err(Problem::duplicate("/id", id));
        }
    }
    Ok(())
}

fn in_the_way(
    work: &mut Work<'_>,
    principal: Option<(&Principal, farley_domain::time::Timestamp)>,
    object: &'static Object,
    pointer: &str,
    id: Id,
) -> Result<Problem, Problem> {
    let known = match principal {
        None => true,
        Some((principal, now)) => visible(work, principal, now, object, &[id])?.contains(&id),
    };
    Ok(if known { Problem::duplicate(pointer, id) } else { Problem::duplicate_of_unseen(pointer) })
}
