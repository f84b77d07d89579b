//! References in what a client sends: each must name a live record of the tenant that the asker may know of.

use farley_domain::{
    activities::{
        activity::Activity,
        attendees,
        concerned::{CONCERNED, KINDS, RECORDS},
        mentions,
    },
    identity::{custom_field::CustomField, role::Role, user::User},
    model::{
        cell::Cell,
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Op},
        object::{Object, Schema, Unique},
        operand::Operand,
        record::Record,
        recurring, registry,
    },
    query::predicate::Predicate,
    sales::leads::pool::Pool,
    values::{id::Id, text::meet},
};
use farley_persistence::Work;
use serde_json::Value;

use super::giving;
use crate::{
    access::{
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
};

/// What must not be archived while it is given to somebody, or filled: few change, and seldom.
const RELIED_ON: [&str; 2] = [Role::NAME, Pool::NAME];

/// Checks every reference that a draft changes, but for fields that are `settled`: Farley itself filled them in.
pub fn check(
    work: &mut Work<'_>,
    principal: &Principal,
    now: farley_domain::values::time::Timestamp,
    schema: &Schema,
    before: Option<&Record>,
    after: &Record,
    settled: &[&str],
) -> Result<(), Problem> {
    let mut faults = Faults::default();
    check_concerned(work, principal, now, schema, before, after, &mut faults)?;
    check_mentioned(work, schema.object, before, after, &mut faults)?;
    for field in schema.fields().filter(|field| !settled.contains(&field.name.as_ref())) {
        if before.is_some_and(|before| before.cell(field) == after.cell(field)) {
            continue;
        }
        let Some(target) = target(field).filter(|_| !is_concerned(schema.object, field)) else { continue };
        // Whoever creates a record may always name themselves.
        let oneself = |id: &Id| target.name == User::NAME && *id == principal.user_id();
        let asked: Vec<(String, Id)> = named(field, after).into_iter().filter(|(_, id)| !oneself(id)).collect();
        if asked.is_empty() {
            continue;
        }
        let mut ids: Vec<Id> = asked.iter().map(|(_, id)| *id).collect();
        if RELIED_ON.contains(&target.name) {
            // Always in the same order, so that no two writers wait for each other.
            ids.sort_unstable();
            for id in &ids {
                work.hold(target, *id)?;
            }
        }
        let known = visible(work, principal, now, target, &ids)?;
        let (found, missing): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(_, id)| known.contains(id));
        for (pointer, _) in missing {
            faults.add(Fault::new(pointer, FaultCode::NotFound));
        }
        if field.gives_work {
            // Whoever was named before may stay.
            let stay: Vec<Id> =
                before.map(|before| named(field, before)).unwrap_or_default().into_iter().map(|(_, id)| id).collect();
            let given: Vec<_> = found.into_iter().filter(|(_, id)| !stay.contains(id)).collect();
            giving::check_takers(work, &given, &mut faults)?;
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
    now: farley_domain::values::time::Timestamp,
    schema: &Schema,
    before: Option<&Record>,
    after: &Record,
    faults: &mut Faults,
) -> Result<(), Problem> {
    let mut named: Vec<(String, &str, Id)> = Vec::new();
    if concerns(schema.object) {
        let known = before.map(|before| before.get(RECORDS)).unwrap_or_default();
        let all = after.get(RECORDS).into_iter().enumerate();
        for (position, item) in all.filter(|(_, item)| !known.contains(item)) {
            let kind = KINDS.iter().find(|kind| kind.object == item.object && after.get(kind.field) == Some(item.id));
            let pointer = kind.map_or_else(|| format!("{}/{position}/id", RECORDS.pointer()), |kind| kind.field.pointer());
            named.push((pointer, item.object.as_str(), item.id));
        }
    }
    if schema.object.name == Activity::NAME {
        let attendees = |record: &Record| record.of::<Activity>().get(Activity::attendees);
        let before = before.map(attendees).unwrap_or_default();
        let known: Vec<(&str, Id)> = attendees::references(&before).map(|(_, object, id)| (object, id)).collect();
        let after = attendees(after);
        let new = attendees::references(&after).filter(|(_, object, id)| !known.contains(&(*object, *id)));
        named.extend(new.map(|(pointer, object, id)| (format!("{}{pointer}", Activity::attendees.pointer()), object, id)));
        let users = named.iter().filter(|(_, object, _)| *object == User::NAME);
        let users: Vec<_> = users.map(|(pointer, _, id)| (pointer.clone(), *id)).collect();
        giving::check_takers(work, &users, faults)?;
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
        let oneself = |id: &Id| name == User::NAME && *id == principal.user_id();
        for (pointer, _, _) in asked().filter(|(_, _, id)| !known.contains(id) && !oneself(id)) {
            faults.add(Fault::new(pointer.clone(), FaultCode::NotFound));
        }
    }
    Ok(())
}

/// Whoever is mentioned is asked to look at it, which a user who takes no work never will.
fn check_mentioned(
    work: &mut Work<'_>,
    object: &Object,
    before: Option<&Record>,
    after: &Record,
    faults: &mut Faults,
) -> Result<(), Problem> {
    if !object.bears(mentions::MENTION_IDS) {
        return Ok(());
    }
    let known = before.map(|before| before.get(mentions::MENTION_IDS)).unwrap_or_default();
    let new = after.get(mentions::MENTION_IDS).into_iter().filter(|id| !known.contains(id));
    let new: Vec<_> = new.map(|id| (mentions::TEXT.pointer(), id)).collect();
    giving::check_takers(work, &new, faults)
}

/// The fields that a rule keeps in step with one that a body names, and the body does not: a contact's `customer_id` with its
/// `customers`. What they refer to is checked, and told, under the name that was sent.
pub fn kept_in_step<'a>(object: &'a Object, body: &Value) -> Vec<&'a str> {
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
    if field.writable == farley_domain::model::field::Writable::Never {
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
    let base = format!("/{}", field.path().replace('.', "/"));
    match (&field.kind, &*record.cell(field)) {
        (_, Cell::Id(id)) => vec![(base, *id)],
        (_, Cell::Ids(ids)) => ids.iter().enumerate().map(|(position, id)| (format!("{base}/{position}"), *id)).collect(),
        (FieldType::Structure(structure), Cell::Json(value)) => {
            let ids = (structure.lookups)(value).into_iter().enumerate();
            let member = structure.link.map_or("", |link| link.to);
            ids.filter_map(|(position, id)| Some((format!("{base}/{position}/{member}"), id.parse().ok()?))).collect()
        }
        _ => Vec::new(),
    }
}

fn visible(
    work: &mut Work<'_>,
    principal: &Principal,
    now: farley_domain::values::time::Timestamp,
    target: &'static Object,
    ids: &[Id],
) -> Result<Vec<Id>, Problem> {
    let view = principal.view(now);
    let Some(rows) = principal.asker.rows(target, farley_domain::identity::access::Action::Read) else { return Ok(Vec::new()) };
    let within = Predicate::Archived(false).and(rows);
    let layout = farley_persistence::Layout::of(&principal.schema(target), &|_| true, Some(&[]), &[]);
    let found = work.reader().by_ids(&std::sync::Arc::new(layout), &view, ids, &within)?;
    Ok(found.iter().map(farley_persistence::Row::id).collect())
}

/// Refuses a move in a tree that would make a record its own ancestor.
pub fn check_tree(
    work: &mut Work<'_>,
    call: &Principal,
    now: farley_domain::values::time::Timestamp,
    schema: &Schema,
    before: Option<&Record>,
    after: &Record,
) -> Result<(), Problem> {
    let object = schema.object;
    let changed = before.is_none_or(|before| !before.agrees(recurring::PARENT_ID, after));
    if !changed || after.is_null(recurring::PARENT_ID) {
        return Ok(());
    }
    work.lock_tree(object)?;
    let above = recurring::PARENT_ID.name();
    let layout = std::sync::Arc::new(farley_persistence::Layout::of(schema, &|_| true, Some(&[above.to_owned()]), &[]));
    let mut ancestor = after.get(recurring::PARENT_ID);
    let mut seen = Vec::new();
    while let Some(id) = ancestor {
        if id == after.id() || seen.contains(&id) {
            return Err(Problem::rule(Fault::new(recurring::PARENT_ID.pointer(), FaultCode::Cycle).into()));
        }
        seen.push(id);
        let row = work.reader().get(&layout, &call.view(now), id, &Predicate::all())?;
        ancestor = row.and_then(|row| row.cell(above).and_then(farley_persistence::Cell::as_id));
    }
    Ok(())
}

/// The same values in other live records: unique fields, and keys in other systems. The record in the way is named to a
/// caller who may know of it; without a caller, always.
pub fn check_unique(
    work: &mut Work<'_>,
    principal: Option<(&Principal, farley_domain::values::time::Timestamp)>,
    object: &'static Object,
    before: Option<&Record>,
    after: &Record,
) -> Result<(), Problem> {
    let restored = before.is_some_and(|before| before.is_archived() && !after.is_archived());
    let changed = |field: &Field| restored || before.is_none_or(|before| before.cell(field) != after.cell(field));
    for unique in &object.unique {
        let Some(field) = object.field(unique.field) else { continue };
        let value = after.cell(field);
        let Cell::Text(value) = &*value else { continue };
        // A custom field's key is unique within its object, which its own behaviour sees to.
        if !changed(field) || object.name == CustomField::NAME || (work.trusts_indexes() && field.keyed.is_none()) {
            continue;
        }
        if let Some(id) = holder(work, unique, field, value, after)?.filter(|id| *id != after.id()) {
            return Err(in_the_way(work, principal, object, &format!("/{}", unique.field), id)?);
        }
    }
    if !work.trusts_indexes() && recurring::EXTERNAL_IDS.of(object).is_some_and(changed) {
        for (system, key) in after.get(recurring::EXTERNAL_IDS) {
            let found = work.reader().by_external_id(object.name, system, key.as_str().unwrap_or_default())?;
            if let Some(id) = found.filter(|id| *id != after.id()) {
                return Err(in_the_way(work, principal, object, &format!("{}/{system}", recurring::EXTERNAL_IDS.pointer()), id)?);
            }
        }
    }
    Ok(())
}

/// The live record that has the value of a unique field; `own` is the record that is to have it.
pub fn holder(work: &mut Work<'_>, unique: &Unique, field: &Field, value: &str, own: &Record) -> Result<Option<Id>, Problem> {
    match field.keyed {
        Some(keyed) => alike(work, field, keyed.key(value), value, (own, unique.within)),
        None => Ok(work.reader().by_value(own.object(), field, Operand::Text(value.to_owned()))?),
    }
}

/// Another live record whose field is the same to people, however it is written.
fn alike(
    work: &mut Work<'_>,
    field: &Field,
    key: String,
    value: &str,
    (own, within): (&Record, Option<&str>),
) -> Result<Option<Id>, Problem> {
    /// How many records with the same key are looked at.
    const CANDIDATES: usize = 50;
    let object = own.object();
    let within = within.and_then(|within| object.field(within));
    // Two at once would not see each other, and the index of the database knows only what is written alike.
    work.lock(&format!("{} {} {key}", object.table, field.name))?;
    let predicate = Predicate::Archived(false).and(Predicate::test(field, Op::Any, Operand::List(vec![Operand::Text(key)])));
    let found = work.reader().find(&without_custom_fields(object), &Unrestricted, &predicate, CANDIDATES)?;
    let same = |record: &&Record| {
        let is_beside = within.is_none_or(|within| record.cell(within) == own.cell(within));
        record.id() != own.id() && is_beside && matches!(&*record.cell(field), Cell::Text(text) if meet(text, value))
    };
    Ok(found.iter().find(same).map(Record::id))
}

/// A client that chooses its ids may have chosen one that is taken.
pub fn check_id(
    work: &mut Work<'_>,
    (principal, now): (&Principal, farley_domain::values::time::Timestamp),
    object: &'static Object,
    record: &Record,
) -> Result<(), Problem> {
    if !record.is_null(recurring::ID) {
        let id = record.id();
        let sees_all = crate::access::unrestricted::Unrestricted;
        let schema = Schema { object, custom: std::sync::Arc::from([]) };
        let layout = std::sync::Arc::new(farley_persistence::Layout::of(&schema, &|_| true, Some(&[]), &[]));
        if work.reader().get(&layout, &sees_all, id, &Predicate::all())?.is_some() {
            return Err(in_the_way(work, Some((principal, now)), object, &recurring::ID.pointer(), id)?);
        }
        // History, files and whatever else goes by ids tells no two records apart that have the same.
        if work.reader().is_of_another((object.name, id))? {
            return Err(Problem::duplicate_of_unseen(&recurring::ID.pointer()));
        }
    }
    Ok(())
}

fn in_the_way(
    work: &mut Work<'_>,
    principal: Option<(&Principal, farley_domain::values::time::Timestamp)>,
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
