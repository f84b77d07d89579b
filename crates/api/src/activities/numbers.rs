//! Who has a telephone number, among the records that somebody may read.

use std::sync::Arc;

use farley_domain::{
    activities::call,
    customers::{contact::Contact, customer::Customer},
    identity::access::Action,
    model::{entity::Entity, object::Object, record::Record, recurring},
    query::predicate::Predicate,
    sales::leads::lead::Lead,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Layout, Reader};

use crate::{
    access::{principal::Principal, unrestricted::without_custom_fields},
    http::problem::Problem,
};

/// How many records of one object are looked at that have a number.
pub const MOST: i64 = 50;

/// The records with a number, by object.
#[derive(Default)]
pub struct Holders {
    pub customers: Vec<Id>,
    pub contacts: Vec<Id>,
    pub leads: Vec<Id>,
}

/// Whether somebody may find records of an object by their numbers: whoever may not see those is not told who has them.
#[must_use]
pub fn may_find(principal: &Principal, object: &'static Object) -> bool {
    let sees = recurring::PHONES.of(object).is_some_and(|field| principal.asker.sees(object, field));
    sees && principal.asker.rows(object, Action::Read).is_some()
}

/// Which records have a number, whether with an extension or without.
pub fn holders(reader: &mut Reader<'_>, principal: &Principal, number: &str) -> Result<Holders, Problem> {
    let objects = [Customer::object(), Contact::object(), Lead::object()];
    let objects: Vec<&'static Object> = objects.into_iter().filter(|object| may_find(principal, object)).collect();
    let mut holders = Holders::default();
    if objects.is_empty() {
        return Ok(holders);
    }
    for (object, id) in reader.with_number(&objects, &call::lines(number), MOST)? {
        match object.as_str() {
            Customer::NAME => holders.customers.push(id),
            Contact::NAME => holders.contacts.push(id),
            _ => holders.leads.push(id),
        }
    }
    Ok(holders)
}

/// The live ones of some records that somebody may read, the one with the latest activity first.
pub fn readable<E: Entity>(
    reader: &mut Reader<'_>,
    (principal, now): (&Principal, Timestamp),
    ids: &[Id],
) -> Result<Vec<Record<E>>, Problem> {
    let object = E::object();
    let Some(rows) = principal.asker.rows(object, Action::Read) else { return Ok(Vec::new()) };
    let layout = Arc::new(Layout::full(&without_custom_fields(object), &|_| true));
    let within = Predicate::Archived(false).and(rows);
    let found = reader.by_ids(&layout, &principal.view(now), ids, &within)?;
    let mut records: Vec<Record> = found.iter().map(farley_persistence::Row::to_record).collect::<Result<_, _>>()?;
    let latest = |record: &Record| (record.get(recurring::LAST_ACTIVITY_AT), record.get(recurring::UPDATED_AT), record.id());
    records.sort_by_key(|record| std::cmp::Reverse(latest(record)));
    Ok(records.into_iter().map(Record::into_entity).collect())
}
