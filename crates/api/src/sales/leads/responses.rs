//! Leads to which nobody has reached out in time: told once each, by a recurring job.

use std::sync::Arc;

use farley_domain::{
    activities::notification::NotificationKind,
    entity::Entity,
    field::Op,
    identity::access::Action,
    predicate::{Operand, Predicate},
    sales::leads::{lead::Lead, status::LeadStatus},
    time::Timestamp,
};
use farley_persistence::{Origin, TenantKey};

use crate::{
    access::{
        principal,
        state::State,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::{
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
    let field = |name: &str| object.field(name).ok_or_else(Problem::not_found);
    let waiting = Predicate::Archived(false)
        .and(Predicate::test(field("first_response_due_at")?, Op::Lte, Operand::Time(now)))
        .and(Predicate::test(field("first_responded_at")?, Op::Null, Operand::Boolean(true)))
        .and(Predicate::test(field("status")?, Op::Eq, Operand::Text(LeadStatus::New.as_str().to_owned())))
        .and(Predicate::test(field("overdue_told_at")?, Op::Null, Operand::Boolean(true)));
    loop {
        let waiting = waiting.clone();
        let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
            let leads = work.reader().find(&without_custom_fields(object), &Unrestricted, &waiting, AT_ONCE)?;
            let writer =
                Writer { principal: Arc::new(principal::system(work.reader())?), object, now, parent: None, quiet: false };
            for lead in &leads {
                let loaded = writer.load(work, &Named::Id(lead.id()), Action::Update)?;
                // Somebody may have answered between the list and the lock.
                if !loaded.record.get("first_responded_at").is_null() || !loaded.record.get("overdue_told_at").is_null() {
                    continue;
                }
                let mut record = loaded.record.clone();
                record.set("overdue_told_at", now.to_string());
                let record = writer.store(work, &loaded, record, "waiting_too_long")?;
                let owners: Vec<_> = record.id_of("owner_id").into_iter().collect();
                notify::tell(work, &News { kind: NotificationKind::LeadWaiting, object, record: &record, actor: None }, &owners)?;
            }
            Ok(leads.len())
        });
        if written.await? < AT_ONCE {
            return Ok(());
        }
    }
}
