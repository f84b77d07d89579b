//! Leads to which nobody has reached out in time: told once each, by a recurring job.

use std::sync::Arc;

use farley_domain::{
    activities::notification::NotificationKind,
    identity::access::Action,
    model::entity::Entity,
    query::predicate::Predicate,
    sales::leads::{lead::Lead, status::LeadStatus},
    values::time::Timestamp,
};
use farley_persistence::{Origin, TenantKey};

use crate::{
    access::{principal, state::State},
    http::problem::Problem,
    records::{
        lookup,
        named::Named,
        notify::{self, News},
        write::Writer,
    },
};

/// The kind of the recurring job.
pub const KIND: &str = "lead_responses";
/// How many leads are told of in one piece of work.
const AT_ONCE: usize = 100;

/// Tells of every lead that has waited too long: the event `lead.waiting_too_long`, and a notification of whose lead it is.
pub async fn perform(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let object = Lead::object();
    let waiting = Predicate::Archived(false)
        .and(Lead::first_response_due_at.lte(now))
        .and(Lead::first_responded_at.is_null())
        .and(Lead::status.eq(LeadStatus::New))
        .and(Lead::overdue_told_at.is_null());
    loop {
        let waiting = waiting.clone();
        let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
            let leads = lookup::find::<Lead>(work, &waiting, AT_ONCE)?;
            let writer =
                Writer { principal: Arc::new(principal::system(work.reader())?), object, now, parent: None, quiet: false };
            for lead in &leads {
                let loaded = writer.load(work, &Named::Id(lead.id()), Action::Update)?;
                // Somebody may have answered between the list and the lock.
                let mut record = loaded.record.of::<Lead>().clone();
                if !record.is_null(Lead::first_responded_at) || !record.is_null(Lead::overdue_told_at) {
                    continue;
                }
                record.set(Lead::overdue_told_at, now);
                let record = writer.store(work, &loaded, record.into_any(), "waiting_too_long")?;
                let owners: Vec<_> = record.of().get(Lead::owner_id).into_iter().collect();
                notify::tell(
                    work,
                    &News { kind: NotificationKind::LeadWaiting, object, record: &record, actor: None, count: None },
                    &owners,
                )?;
            }
            Ok(leads.len())
        });
        if written.await? < AT_ONCE {
            return Ok(());
        }
    }
}
