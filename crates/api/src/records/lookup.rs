//! What Farley itself looks up for its rules, whoever asks.

use farley_domain::{
    field::Op,
    id::Id,
    object::{Object, Shape},
    predicate::{Operand, Predicate},
    record::Record,
};
use farley_persistence::Work;

use crate::{caller::Nobody, problem::Problem};

/// An object without the tenant's own fields.
#[must_use]
pub fn bare(object: &'static Object) -> Shape {
    Shape { object, custom: std::sync::Arc::from([]) }
}

/// The record with an id, archived or not.
pub fn by_id(work: &mut Work<'_>, object: &'static Object, id: Id) -> Result<Option<Record>, Problem> {
    let Some(field) = object.field("id") else { return Ok(None) };
    let predicate = Predicate::test(field, Op::Eq, Operand::Id(id));
    Ok(work.reader().find(&bare(object), &Nobody, &predicate, 1)?.into_iter().next())
}
