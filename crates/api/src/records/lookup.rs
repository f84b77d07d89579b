//! What Farley itself looks up for its rules, whoever asks.

use farley_domain::{
    field::Op,
    id::Id,
    object::Object,
    predicate::{Operand, Predicate},
    record::Record,
};
use farley_persistence::Work;

use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
};

/// The record with an id, archived or not.
pub fn by_id(work: &mut Work<'_>, object: &'static Object, id: Id) -> Result<Option<Record>, Problem> {
    let Some(field) = object.field("id") else { return Ok(None) };
    let predicate = Predicate::test(field, Op::Eq, Operand::Id(id));
    Ok(work.reader().find(&without_custom_fields(object), &Unrestricted, &predicate, 1)?.into_iter().next())
}
