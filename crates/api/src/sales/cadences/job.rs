//! The recurring job of cadences: whom their filters name is enrolled, and steps that have come due become tasks. Each record has a
//! unit of work of its own, so that one that fails keeps nobody else waiting.

use std::sync::Arc;

use farley_domain::{
    model::{
        entity::Entity,
        field::Op,
        handle::{Any, Handle},
        object::Object,
        operand::Operand,
        record::Record,
        recurring,
    },
    query::predicate::{Predicate, Related, parse},
    sales::{
        cadences::{
            cadence::{Cadence, CadenceAssignee, Cadenced},
            enrolment::{CadenceEnrolment, EnrolmentStatus},
        },
        leads::{lead::Lead, status::LeadStatus},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Origin, TenantKey, Work};

use super::{step, stops};
use crate::{
    access::{
        principal::{self, Principal},
        state::State,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::lookup,
};

/// The kind of the recurring job.
pub const KIND: &str = "cadences";
/// How long it rests, in seconds.
pub const EVERY: i64 = 120;
/// How many records are read at once.
const AT_ONCE: usize = 200;
const DAY: i64 = 24 * 3600;

/// One run of the job.
struct Run<'a> {
    state: &'a State,
    tenant: TenantKey,
    now: Timestamp,
    /// Farley itself.
    principal: Arc<Principal>,
}

/// Looks through the cadences of a tenant.
pub async fn perform(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let reading = state.background.read::<_, Problem>(tenant, |reader| {
        let cadences = lookup::all::<Cadence>(reader)?;
        Ok((if cadences.is_empty() { None } else { Some(principal::system(reader)?) }, cadences))
    });
    let (Some(principal), cadences) = reading.await? else { return Ok(()) };
    let run = Run { state, tenant, now, principal: Arc::new(principal) };
    for cadence in cadences {
        if cadence.is_archived() {
            run.let_go(&cadence).await?;
        } else if cadence.get(Cadence::is_active) {
            let cadence = Arc::new(cadence);
            run.enrol(&cadence).await?;
            run.make_due(&cadence).await?;
        }
    }
    Ok(())
}

/// The enrolments of a cadence that have not ended, or that have.
fn enrolments_of(cadence: &Record<Cadence>, ended: bool) -> Predicate {
    let ended_at = CadenceEnrolment::ended_at;
    CadenceEnrolment::cadence_id.eq(cadence.id()).and(if ended { ended_at.is_not_null() } else { ended_at.is_null() })
}

/// A comparison of a field that recurs.
fn test<T>(object: &'static Object, handle: Handle<Any, T>, op: Op, operand: Operand) -> Result<Predicate, Problem> {
    Ok(Predicate::test(handle.of(object).ok_or_else(Problem::not_found)?, op, operand))
}

impl Run<'_> {
    /// Does something with each record that a predicate describes.
    async fn each(
        &self,
        object: &'static Object,
        predicate: &Predicate,
        act: impl Fn(&mut Work<'_>, &Arc<Principal>, &Record) -> Result<(), Problem> + Clone + Send + 'static,
    ) -> Result<(), Problem> {
        let mut after = Id::NIL;
        loop {
            let page = predicate.clone().and(test(object, recurring::ID, Op::Gt, Operand::Id(after))?);
            let reading = self.state.background.read::<_, Problem>(self.tenant, move |reader| {
                Ok(reader.find(&without_custom_fields(object), &Unrestricted, &page, AT_ONCE)?)
            });
            let found = reading.await?;
            let is_last = found.len() < AT_ONCE;
            for record in found {
                after = record.id();
                let (act, principal) = (act.clone(), Arc::clone(&self.principal));
                let origin = Origin::system(self.now);
                let written =
                    self.state.background.write::<_, Problem>(self.tenant, origin, move |work| act(work, &principal, &record));
                match written.await {
                    Err(problem) if problem.inside().is_some() => return Err(problem),
                    Err(problem) => {
                        let told = crate::http::problem::describe(&problem);
                        tracing::warn!(problem = told, object = object.name, record = %after, "a cadence could not go on");
                    }
                    Ok(()) => {}
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Takes everybody off a cadence that was archived.
    async fn let_go(&self, cadence: &Record<Cadence>) -> Result<(), Problem> {
        let (now, live) = (self.now, enrolments_of(cadence, false));
        self.each(CadenceEnrolment::object(), &live, move |work, _, enrolment| stops::let_go(work, now, enrolment.of())).await
    }

    /// Enrols whom the filter of a cadence names and who was not on it, or not for long enough.
    async fn enrol(&self, cadence: &Arc<Record<Cadence>>) -> Result<(), Problem> {
        let asked = cadence.get(Cadence::object).zip(cadence.get(Cadence::enrol_filter));
        let Some((cadenced, filter)) = asked else { return Ok(()) };
        let object = cadenced.object();
        // A field of it may have been retired since: then it names nobody, until it is mended.
        let Ok(filter) = parse::from_json(object, filter, &self.principal.view(self.now)) else { return Ok(()) };
        let relation = *object.relation("cadence_enrolments").ok_or_else(Problem::not_found)?;
        let mut ended = enrolments_of(cadence, true);
        if let Some(days) = cadence.get(Cadence::re_enrol_after_days) {
            ended = ended.and(CadenceEnrolment::ended_at.gt(self.now.plus_seconds(-days * DAY)));
        }
        let known = Box::new(Predicate::Or(vec![enrolments_of(cadence, false), ended]));
        let target = CadenceEnrolment::object();
        let unknown = Predicate::Related(Related { relation, target, none: true, predicate: known });
        let free = Predicate::Archived(false).and(filter).and(unknown);
        let free = match cadenced {
            Cadenced::Lead => free.and(Lead::status.is_not_in([LeadStatus::Converted, LeadStatus::Disqualified])),
            Cadenced::Customer => free,
        };
        let (now, cadence, still) = (self.now, Arc::clone(cadence), free.clone());
        self.each(object, &free, move |work, principal, record| {
            // Under the lock it may not be so any more.
            match work.load(&without_custom_fields(object), &Unrestricted, record.id(), &still)? {
                Some(loaded) => step::start(work, principal, now, (&cadence, cadenced), &loaded.record).map(drop),
                None => Ok(()),
            }
        })
        .await
    }

    /// Makes the tasks that have come due.
    async fn make_due(&self, cadence: &Arc<Record<Cadence>>) -> Result<(), Problem> {
        let enrolment = CadenceEnrolment::object();
        let mut due = CadenceEnrolment::cadence_id
            .eq(cadence.id())
            .and(CadenceEnrolment::status.eq(EnrolmentStatus::Active))
            .and(CadenceEnrolment::next_step_at.lte(self.now));
        if cadence.get(Cadence::assignee) != Some(CadenceAssignee::User) {
            // What nobody owns waits.
            let cadenced = cadence.get(Cadence::object).ok_or_else(Problem::not_found)?;
            let (relation, target) = (enrolment.relation(cadenced.as_str()), cadenced.object());
            let relation = *relation.ok_or_else(Problem::not_found)?;
            let owned = Box::new(test(target, recurring::OWNER_ID, Op::Null, Operand::Boolean(false))?);
            due = due.and(Predicate::Related(Related { relation, target, none: false, predicate: owned }));
        }
        let now = self.now;
        self.each(enrolment, &due, move |work, principal, enrolment| step::advance(work, principal, now, enrolment.of())).await
    }
}
