//! Parts that come with the record they are parts of, in the request that creates it: the lines of an order. All of them are stored, or
//! nothing is.

use std::borrow::Cow;

use farley_domain::model::{
    cell::Cell,
    entity::Entity,
    fault::{Fault, FaultCode, Faults},
    handle::Handle,
    input,
    object::Object,
    record::Record,
    recurring, registry,
};
use farley_persistence::{Change, Work};
use serde_json::Value;

use super::{
    behaviour::{self, Writing},
    references,
    write::Writer,
};
use crate::http::problem::Problem;

/// How many parts may come with a record.
pub const MOST: usize = 500;

/// A part that is about to be created with its whole.
#[derive(Clone)]
pub struct Part {
    pub record: Record,
    /// Where the body describes it: `/lines/0`.
    pointer: String,
}

/// The object whose records a new record of another may bring along, with the member that lists them.
#[must_use]
pub fn made_with(object: &Object) -> Option<(&'static str, &'static Object)> {
    let relation = object.relation(object.made_with?)?;
    Some((relation.name, registry::object(relation.target)?))
}

impl Writer {
    /// Reads the parts that a body brings along; and what is left of the body.
    pub(super) fn read_parts<'b>(&self, body: &'b Value) -> (Cow<'b, Value>, Result<Vec<Part>, Faults>) {
        let Some((member, object)) = made_with(self.object).filter(|(member, _)| body.get(member).is_some()) else {
            return (Cow::Borrowed(body), Ok(Vec::new()));
        };
        let mut own = body.clone();
        let sent = own.as_object_mut().and_then(|members| members.shift_remove(member)).unwrap_or(Value::Null);
        (Cow::Owned(own), self.on(object).read_each(member, &sent))
    }

    fn read_each(&self, member: &str, sent: &Value) -> Result<Vec<Part>, Faults> {
        let at = |code: FaultCode| Fault::new(format!("/{member}"), code);
        let bodies = match sent {
            Value::Null => return Ok(Vec::new()),
            Value::Array(bodies) if bodies.len() > MOST => return Err(at(FaultCode::TooMany).with("max", MOST).into()),
            Value::Array(bodies) => bodies,
            _ => return Err(at(FaultCode::WrongType).with("expected", "a list").into()),
        };
        let (schema, standards) = (self.schema(), self.principal.standards(self.now));
        let parent = self.object.parent.map(|parent| parent.field);
        let (mut faults, mut parts) = (Faults::default(), Vec::with_capacity(bodies.len()));
        for (place, body) in bodies.iter().enumerate() {
            if faults.is_full() {
                break;
            }
            let pointer = format!("/{member}/{place}");
            if let Some(parent) = parent.filter(|parent| body.get(parent).is_some_and(|id| !id.is_null())) {
                // It has no id yet that anybody could know.
                faults.add(Fault::new(format!("{pointer}/{parent}"), FaultCode::NotFound));
                continue;
            }
            match (input::Reader { schema: &schema, standards: &standards, rule: &self.rule() }).create(body) {
                Ok(record) => parts.push(Part { record, pointer }),
                Err(found) => faults.extend(found.under(&pointer).0),
            }
        }
        faults.into_result(parts)
    }

    /// Judges and completes parts as if each were created by itself, but for what has to do with its siblings: that is for their whole.
    pub(super) fn complete_parts(&self, work: &mut Work<'_>, whole: &Record, parts: Vec<Part>) -> Result<Vec<Part>, Problem> {
        let Some((_, object)) = made_with(self.object).filter(|_| !parts.is_empty()) else { return Ok(parts) };
        let writer = self.on(object);
        let completed = parts.into_iter().enumerate().map(|(place, part)| {
            let judged = writer.complete_part(work, (whole, place), part.record);
            let record = judged.map_err(|problem| moved(writer.unhidden(problem, None), &part.pointer))?;
            Ok(Part { record, pointer: part.pointer })
        });
        completed.collect()
    }

    fn complete_part(&self, work: &mut Work<'_>, whole: (&Record, usize), mut record: Record) -> Result<Record, Problem> {
        let schema = self.schema();
        let parent = self.object.parent.and_then(|parent| self.object.field(parent.field));
        if let Some(parent) = parent {
            record.put(parent, Cell::Id(whole.0.id()));
        }
        let chooses_id = !record.is_null(recurring::ID);
        if !chooses_id {
            record.set(recurring::ID, work.new_id());
        }
        if !self.principal.is_system() {
            record.set(recurring::CREATED_BY, self.principal.user_id());
        }
        let mut record = self.apply_rules(&schema, None, record)?;
        let settled: Vec<&str> = parent.map(|parent| parent.name.as_ref()).into_iter().collect();
        references::check(work, &self.principal, self.now, &schema, None, &record, &settled)?;
        let writing = Writing { whole: Some(whole), ..Writing::new(&self.principal, self.now, None) };
        (behaviour::of(self.object)?.before)(work, &writing, &mut record)?;
        if chooses_id {
            references::check_id(work, (&self.principal, self.now), self.object, &record)?;
        }
        Ok(record)
    }

    /// Stores parts after their whole.
    pub(super) fn insert_parts(&self, work: &mut Work<'_>, whole: &Record, parts: Vec<Part>) -> Result<(), Problem> {
        let Some((_, object)) = made_with(self.object).filter(|_| !parts.is_empty()) else { return Ok(()) };
        let writer = self.on(object);
        let (schema, behaviour) = (writer.schema(), behaviour::of(object)?);
        for (place, Part { mut record, pointer }) in parts.into_iter().enumerate() {
            let unique = references::check_unique(work, Some((&writer.principal, writer.now)), object, None, &record);
            unique.map_err(|problem| moved(problem, &pointer))?;
            work.insert(&schema, &mut record, &Change::new("created"))?;
            let writing = Writing { whole: Some((whole, place)), ..Writing::new(&writer.principal, writer.now, None) };
            (behaviour.after)(work, &writing, &record)?;
        }
        Ok(())
    }
}

/// A problem of a part, told at its place.
fn moved(mut problem: Problem, pointer: &str) -> Problem {
    problem.faults = problem.faults.under(pointer);
    problem
}

/// Gives a part its place among the others of its whole, last by default, of which there may be so many. Those that come together with their
/// whole keep the order in which they come.
pub fn find_place<E: Entity>(
    writing: &Writing<'_, E>,
    record: &mut Record<E>,
    others: &[Record<E>],
    (order, most): (Handle<E, Option<i64>>, usize),
) -> Result<(), Problem> {
    let others = || others.iter().filter(|other| other.id() != record.id());
    if writing.before.is_none_or(Record::is_archived) && others().count() >= most {
        return Err(Problem::rule(Fault::new("", FaultCode::TooMany).with("max", most).into()));
    }
    if record.is_null(order) {
        let last = others().filter_map(|other| other.get(order)).max().unwrap_or(0);
        let place = writing.whole.map_or(0, |(_, place)| i64::try_from(place).unwrap_or(0));
        record.set(order, last + 1 + place);
    }
    Ok(())
}
