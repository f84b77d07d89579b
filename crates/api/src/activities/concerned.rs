//! What activities and tasks have in common: the records they concern, and what those tell of them.

use std::collections::BTreeMap;

use farley_domain::{
    activities::concerned::{self, KINDS},
    customers::contact::Contact,
    entity::Entity,
    id::Id,
    object::Object,
    record::Record,
    registry,
    sales::opportunity::Opportunity,
    time::Timestamp,
};
use farley_persistence::{Shift, Standing, Work};

use crate::{http::problem::Problem, records::lookup};

/// The live record with an id, whoever asks.
pub fn by_id(work: &mut Work<'_>, object: &'static Object, id: Id) -> Result<Option<Record>, Problem> {
    Ok(lookup::by_id(work, object, id)?.filter(|record| !record.is_archived()))
}

/// What concerns an opportunity or a contact concerns its customer too, unless another is named.
pub fn add_customer(work: &mut Work<'_>, before: Option<&Record>, record: &mut Record) -> Result<(), Problem> {
    if !record.get("customer_id").is_null() || before.is_some_and(|before| !before.get("customer_id").is_null()) {
        return Ok(());
    }
    for (field, object) in [("opportunity_id", Opportunity::object()), ("contact_id", Contact::object())] {
        let changed = before.is_none_or(|before| before.get(field) != record.get(field));
        let Some(id) = record.id_of(field).filter(|_| changed) else { continue };
        if let Some(customer) = by_id(work, object, id)?.and_then(|found| found.id_of("customer_id")) {
            concerned::complete(record, "customer", customer);
            return Ok(());
        }
    }
    Ok(())
}

/// Brings what the concerned records tell into line with a write that has just been stored.
pub fn keep_standing(
    work: &mut Work<'_>,
    standing: Standing,
    (before, after): (Option<&Record>, &Record),
    counts_at: fn(&Record) -> Option<Timestamp>,
) -> Result<(), Problem> {
    let (was, is) = (before.and_then(counts_at), counts_at(after));
    for kind in &KINDS {
        let Some(object) = registry::object(kind.object) else { continue };
        let counted = |time: Option<Timestamp>, record: Option<&Record>| match (time, record) {
            (Some(time), Some(record)) => concerned::ids_of(record, kind.object).into_iter().map(|id| (id, time)).collect(),
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
