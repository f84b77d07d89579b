//! Custom fields come into force with the write that declares them, index and all.

use farley_domain::{
    identity::custom_field::{CustomField, FieldChoice, to_field},
    model::{
        field::{Field, FieldType, Op},
        object::Object,
        operand::Operand,
        record::Record,
        registry,
    },
    query::predicate::Predicate,
    values::time::Timestamp,
};
use farley_persistence::Work;
use serde_json::Map;

use crate::{
    access::{
        principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup, reindex,
    },
};

/// How many records come in or out of search with their field; the others follow in the background.
const AT_ONCE: usize = 300;

impl Behaviour for CustomField {
    const CHANGES_PRINCIPALS: bool = true;

    /// A key is unique among the live fields of its object.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let same = |other: &&Record<Self>| {
            other.id() != record.id()
                && !other.is_archived()
                && other.agrees(CustomField::object, record)
                && other.agrees(CustomField::key, record)
        };
        let fields = lookup::all::<Self>(work.reader())?;
        if let Some(other) = fields.iter().find(same).filter(|_| !record.is_archived()) {
            return Err(Problem::duplicate(&CustomField::key.pointer(), other.id()));
        }
        if let Some(before) = writing.before.filter(|before| !before.agrees(CustomField::choices, record)) {
            retire_choices(work, before, record)?;
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let Some((object, field)) = to_field(record) else { return Ok(Map::new()) };
        let Some(object) = registry::object(&object) else { return Ok(Map::new()) };
        if field.indexed && field.kind.is_scalar() {
            work.index_custom_field(object, &field)?;
        }
        let is_searched = |record: &Record<Self>| record.get(CustomField::searchable) && !record.is_archived();
        if writing.before.is_some_and(|before| is_searched(before) != is_searched(record)) {
            index_again(work, object, &field, writing.now)?;
        }
        Ok(Map::new())
    }
}

/// Keeps the choices that were taken off and that records still have, so that links to those records go on working.
fn retire_choices(work: &mut Work<'_>, before: &Record<CustomField>, record: &mut Record<CustomField>) -> Result<(), Problem> {
    let Some((object, field)) = to_field(before) else { return Ok(()) };
    let Some(object) = registry::object(&object) else { return Ok(()) };
    let live = record.get(CustomField::choices);
    let past = before.get(CustomField::choices).into_iter().chain(before.get(CustomField::retired_choices));
    let mut retired: Vec<FieldChoice> = Vec::new();
    for choice in past.filter(|choice| live.iter().all(|live| live.value != choice.value)) {
        let value = Operand::Text(choice.value.clone());
        let has = match &field.kind {
            FieldType::MultiChoice(_) => Predicate::test(&field, Op::Any, Operand::List(vec![value])),
            _ => Predicate::test(&field, Op::Eq, value),
        };
        if !work.reader().find(&without_custom_fields(object), &Unrestricted, &has, 1)?.is_empty() {
            retired.push(choice);
        }
    }
    record.set(CustomField::retired_choices, retired);
    Ok(())
}

/// Brings what is found by a field in step with whether it is searched.
fn index_again(work: &mut Work<'_>, object: &'static Object, field: &Field, now: Timestamp) -> Result<(), Problem> {
    let schema = principal::system(work.reader())?.schema(object);
    let has = Predicate::test(field, Op::Null, Operand::Boolean(false));
    let found = work.reader().find(&without_custom_fields(object), &Unrestricted, &has, AT_ONCE)?;
    for record in &found {
        reindex::again(work, &schema, record.id())?;
    }
    if found.len() == AT_ONCE {
        reindex::ask(work, object, now)?;
    }
    Ok(())
}
