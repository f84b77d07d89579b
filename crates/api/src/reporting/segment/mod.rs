//! Segments: what they are checked for when they are written, who is in them, and who enters and leaves.

pub mod following;
pub mod members;

use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode},
        field::{Field, Op},
        object::Object,
        operand::Operand,
        record::Record,
        registry,
    },
    query::predicate::{Predicate, parse},
    reporting::segment::{ENTERED, LEFT, MOST_SEGMENTS, Segment, field_of, is_followed},
    values::id::Id,
};
use farley_persistence::Work;
use serde_json::{Map, Value, json};

use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
    },
};

impl Behaviour for Segment {
    /// Whoever filters by it goes by what the principal knows of it.
    const CHANGES_PRINCIPALS: bool = true;

    /// Its writer must be able to ask for its members; what they may see who use it is asked then.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        let before = writing.before.filter(|before| !before.is_archived());
        if before.is_none() {
            let live = lookup::find::<Segment>(work, &Predicate::Archived(false), MOST_SEGMENTS)?;
            if live.len() >= MOST_SEGMENTS {
                return Err(Problem::rule(Fault::new("", FaultCode::TooMany).with("max", MOST_SEGMENTS).into()));
            }
        }
        if before.is_some_and(|before| before.agrees(Segment::filter, record)) {
            return Ok(());
        }
        let object = object_of(record)?;
        if writing.principal.asker.rows(object, Action::Read).is_none() {
            return Err(Problem::forbidden(Action::Read.as_str(), object.name));
        }
        if let Some(filter) = record.get(Segment::filter) {
            let read = parse::of_segment(object, filter, &writing.principal.view(writing.now));
            read.map_err(|faults| faults.under(&Segment::filter.pointer()))?;
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let before = writing.before.filter(|before| is_followed(before));
        if !is_followed(record) {
            if before.is_some() {
                following::end(work, record.id())?;
            }
        } else if before.is_none_or(|before| !before.agrees(Segment::filter, record)) {
            following::begin(work, record)?;
        }
        Ok(Shown::new())
    }
}

/// The object whose records are the members of a segment.
fn object_of(segment: &Record<Segment>) -> Result<&'static Object, Problem> {
    registry::object(segment.get(Segment::object)).ok_or_else(Problem::not_found)
}

/// The field by which members are found.
fn field(object: &'static Object) -> Result<&'static Field, Problem> {
    field_of(object).ok_or_else(Problem::not_found)
}

/// The records that are noted as members of a segment.
fn noted(object: &'static Object, segment: Id) -> Result<Predicate, Problem> {
    Ok(Predicate::test(field(object)?, Op::Any, Operand::List(vec![Operand::Id(segment)])))
}

/// Notes that records enter a segment, and says so.
fn enter(work: &mut Work<'_>, object: &'static Object, segment: Id, records: &[Record]) -> Result<(), Problem> {
    let ids: Vec<Id> = records.iter().map(Record::id).collect();
    work.add_segment_members(segment, object, &ids)?;
    tell(work, object, records, (ENTERED, &json!({"from": null, "to": segment})))
}

/// Notes that records leave a segment, and says so.
fn leave(work: &mut Work<'_>, object: &'static Object, segment: Id, records: &[Record]) -> Result<(), Problem> {
    let ids: Vec<Id> = records.iter().map(Record::id).collect();
    work.remove_segment_members(segment, &ids)?;
    tell(work, object, records, (LEFT, &json!({"from": segment, "to": null})))
}

fn tell(work: &mut Work<'_>, object: &'static Object, records: &[Record], (verb, change): (&str, &Value)) -> Result<(), Problem> {
    let name = field(object)?.name.to_string();
    for record in records {
        let changes = Map::from_iter([(name.clone(), change.clone())]);
        work.event(object.name, verb, record.id(), record.version(), changes, &[]);
    }
    Ok(())
}
