//! What activities and tasks have in common: the records they concern, and what those tell of them.

use std::collections::BTreeMap;

use farley_domain::{
    activities::concerned::{self, ConcernedObject, KINDS},
    model::{
        entity::Entity,
        handle::{Any, Handle},
        record::Record,
        recurring, registry,
    },
    sales::opportunity::Opportunity,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Shift, Standing, Work};

use crate::{http::problem::Problem, records::lookup};

/// The live record with an id, whoever asks.
pub fn by_id<E: Entity>(work: &mut Work<'_>, id: Id) -> Result<Option<Record<E>>, Problem> {
    Ok(lookup::one::<E>(work, id)?.filter(|record| !record.is_archived()))
}

/// What concerns an opportunity or a contact concerns its customer too, unless another is named.
pub fn add_customer(work: &mut Work<'_>, before: Option<&Record>, record: &mut Record) -> Result<(), Problem> {
    let of_before = |field: Handle<Any, Option<Id>>| before.and_then(|before| before.get(field));
    if record.get(recurring::CUSTOMER_ID).or(of_before(recurring::CUSTOMER_ID)).is_some() {
        return Ok(());
    }
    let changed = |field: Handle<Any, Option<Id>>| record.get(field).filter(|id| of_before(field) != Some(*id));
    let (opportunity, contact) = (changed(recurring::OPPORTUNITY_ID), changed(recurring::CONTACT_ID));
    let mut customer = None;
    if let Some(id) = opportunity {
        customer = by_id::<Opportunity>(work, id)?.and_then(|opportunity| opportunity.get(Opportunity::customer_id));
    }
    if let Some(id) = contact.filter(|_| customer.is_none()) {
        customer = lookup::customer_of_contact(work, id)?;
    }
    if let Some(customer) = customer {
        concerned::complete(record, ConcernedObject::Customer, customer);
    }
    Ok(())
}

/// Brings what the concerned records tell into line with a write that has just been stored.
pub fn keep_standing<E: Entity>(
    work: &mut Work<'_>,
    standing: Standing,
    (before, after): (Option<&Record<E>>, &Record<E>),
    counts_at: fn(&Record<E>) -> Option<Timestamp>,
) -> Result<(), Problem> {
    let (was, is) = (before.and_then(counts_at), counts_at(after));
    for kind in &KINDS {
        let Some(object) = registry::object(kind.object.as_str()) else { continue };
        let counted = |time: Option<Timestamp>, record: Option<&Record<E>>| match (time, record) {
            (Some(time), Some(record)) => concerned::ids_of(record.any(), kind.object).into_iter().map(|id| (id, time)).collect(),
            (_, _) => BTreeMap::new(),
        };
        let shifts = shifts(standing, &counted(was, before), &counted(is, Some(after)));
        // Always in the same order, so that no two writers wait for each other.
        let ids: Vec<Id> = shifts.keys().copied().collect();
        work.lock_standing(object, &ids)?;
        let to: Vec<Id> = shifts.iter().filter(|(_, shift)| **shift != Shift::Anew).map(|(id, _)| *id).collect();
        let anew: Vec<Id> = shifts.iter().filter(|(_, shift)| **shift == Shift::Anew).map(|(id, _)| *id).collect();
        if let Some(time) = is {
            work.shift_standing(standing, object, &to, Shift::To(time))?;
        }
        work.shift_standing(standing, object, &anew, Shift::Anew)?;
    }
    Ok(())
}

/// How the standing of each record changes when something counted for some records before and for others after.
fn shifts(standing: Standing, was: &BTreeMap<Id, Timestamp>, is: &BTreeMap<Id, Timestamp>) -> BTreeMap<Id, Shift> {
    let all = was.keys().chain(is.keys().filter(|id| !was.contains_key(id)));
    all.filter_map(|id| match (was.get(id), is.get(id)) {
        (Some(was), Some(is)) if was == is => None,
        (Some(was), Some(is)) if standing.leads(*was, *is) => Some((*id, Shift::Anew)),
        (_, Some(is)) => Some((*id, Shift::To(*is))),
        (_, None) => Some((*id, Shift::Anew)),
    })
    .collect()
}
