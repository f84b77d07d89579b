//! Records that are parts of the one a row becomes: the line items of an opportunity. They are written after it, in the same step.

use farley_domain::{
    identity::access::Action,
    integration::import::merge,
    model::{field::Op, object::Object, operand::Operand, record::Record, recurring},
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::Work;
use serde_json::{Map, Value};

use super::options::Prepared;
use crate::{
    http::problem::Problem,
    records::{named::Named, write::Writer},
};

/// The most parts of a record that a row is compared with.
const MOST: usize = 1_000;

/// What a row says of one part.
pub struct Part {
    object: &'static Object,
    /// Where the part stands in the record.
    pointer: String,
    /// Which of the parts it is, counted from 0.
    position: usize,
    body: Map<String, Value>,
}

/// Takes the parts out of the body of a row.
pub fn take(prepared: &Prepared, body: &mut Map<String, Value>) -> Vec<Part> {
    let mut parts = Vec::new();
    for (relation, object) in prepared.plan.parts(prepared.options.object) {
        let Some(Value::Array(items)) = body.shift_remove(&relation) else { continue };
        for (position, item) in items.into_iter().enumerate() {
            let Value::Object(body) = item else { continue };
            parts.push(Part { object, pointer: format!("/{relation}/{position}"), position, body });
        }
    }
    parts
}

/// Writes a part of a record: the first goes into the part that comes first, if there is one, and so on. Whether anything changed.
pub fn write(work: &mut Work<'_>, writer: &Writer, whole: Id, part: &Part) -> Result<bool, Problem> {
    let below = Writer { parent: Some(Named::Id(whole)), ..writer.on(part.object) };
    let written = match present(work, writer, whole, part)? {
        None => below.create(work, &Value::Object(part.body.clone())).map(|_| true),
        Some(id) => change(work, &below, id, part),
    };
    written.map_err(|mut problem| {
        problem.faults = problem.faults.under(&part.pointer);
        problem
    })
}

fn change(work: &mut Work<'_>, below: &Writer, id: Id, part: &Part) -> Result<bool, Problem> {
    let loaded = below.load(work, &Named::Id(id), Action::Update)?;
    let standards = below.principal.standards(below.now);
    let patch = merge::patch(&below.schema(), &loaded.record, &part.body, &standards);
    let record = below.patch(work, &loaded, &Value::Object(patch))?;
    Ok(record.version() != loaded.record.version())
}

/// The part at this place among those the record has.
fn present(work: &mut Work<'_>, writer: &Writer, whole: Id, part: &Part) -> Result<Option<Id>, Problem> {
    let Some(field) = part.object.parent.and_then(|parent| part.object.field(parent.field)) else { return Ok(None) };
    let predicate = Predicate::Archived(false).and(Predicate::test(field, Op::Eq, Operand::Id(whole)));
    let schema = writer.principal.schema(part.object);
    let mut parts = work.reader().find(&schema, &writer.principal.view(writer.now), &predicate, MOST)?;
    parts.sort_by_key(|part| (part.get(recurring::SORT_ORDER), part.id()));
    Ok(parts.get(part.position).map(Record::id))
}
