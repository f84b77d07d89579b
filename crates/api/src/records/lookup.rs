//! What Farley itself looks up for its rules, whoever asks.

use farley_domain::{
    customers::contact::Contact,
    model::{entity::Entity, field::Op, object::Object, operand::Operand, record::Record, recurring},
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::{Reader, Work};

use crate::{
    access::unrestricted::{Unrestricted, all_of, without_custom_fields},
    http::problem::Problem,
};

/// The record with an id, archived or not.
pub fn by_id(work: &mut Work<'_>, object: &'static Object, id: Id) -> Result<Option<Record>, Problem> {
    let Some(field) = recurring::ID.of(object) else { return Ok(None) };
    let predicate = Predicate::test(field, Op::Eq, Operand::Id(id));
    Ok(work.reader().find(&without_custom_fields(object), &Unrestricted, &predicate, 1)?.into_iter().next())
}

/// The record of an entity with an id, archived or not.
pub fn one<E: Entity>(work: &mut Work<'_>, id: Id) -> Result<Option<Record<E>>, Problem> {
    Ok(by_id(work, E::object(), id)?.map(Record::into_entity))
}

/// Records of an entity that a predicate describes, by id, at most so many.
pub fn find<E: Entity>(work: &mut Work<'_>, predicate: &Predicate, most: usize) -> Result<Vec<Record<E>>, Problem> {
    let found = work.reader().find(&without_custom_fields(E::object()), &Unrestricted, predicate, most)?;
    Ok(found.into_iter().map(Record::into_entity).collect())
}

/// The primary customer of a live contact.
pub fn customer_of_contact(work: &mut Work<'_>, contact: Id) -> Result<Option<Id>, Problem> {
    let contact = one::<Contact>(work, contact)?.filter(|contact| !contact.is_archived());
    Ok(contact.and_then(|contact| contact.get(Contact::customer_id)))
}

/// All records of an entity, archived ones too: for those of which a tenant has few.
pub fn all<E: Entity>(reader: &mut Reader<'_>) -> Result<Vec<Record<E>>, Problem> {
    all_of(reader)
}
