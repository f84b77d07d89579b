//! The clocks of tickets beside the tickets themselves: one read for all of a page.

use std::collections::{HashMap, hash_map::Entry};

use farley_domain::{
    model::entity::Entity,
    service::ticket::Ticket,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Reader, Row};
use serde_json::Value;

use super::{
    promises::{SlaClock, shown_as_kept},
    sla::Promised,
};
use crate::{access::principal::Principal, http::problem::Problem};

/// Adds its clocks to each ticket, for those who may see what they are told by; null for others.
pub fn add(reader: &mut Reader<'_>, principal: &Principal, now: Timestamp, rows: &mut [Row]) -> Result<(), Problem> {
    let told_by = [Ticket::status.field(), Ticket::priority.field(), Ticket::sla_policy_id.field(), Ticket::sla.field()];
    let sees = told_by.iter().all(|field| principal.asker.sees(Ticket::object(), field));
    let mut clocks: HashMap<Id, Vec<SlaClock>> = HashMap::new();
    if sees {
        let mut promises: HashMap<Id, Promised> = HashMap::new();
        for (clock, promise) in reader.clocks_of_tickets(rows.iter().map(Row::id).collect())? {
            let id = promise.id;
            let promised = match promises.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Promised::of(promise)?),
            };
            clocks.entry(clock.ticket_id).or_default().extend(shown_as_kept(&clock, promised, now, None));
        }
    }
    for row in rows {
        let own = clocks.remove(&row.id()).unwrap_or_default();
        let value = if sees { serde_json::to_value(own)? } else { Value::Null };
        row.expanded.push((Ticket::sla.name().to_owned(), value));
    }
    Ok(())
}
