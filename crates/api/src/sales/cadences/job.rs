//! The recurring job of cadences: whom their filters name is enrolled, and steps that have come due become tasks. Each record has a
//! unit of work of its own, so that one that fails keeps nobody else waiting.

use std::sync::Arc;

use farley_domain::{
    entity::Entity,
    field::Op,
    id::Id,
    object::Object,
    predicate::{Operand, Predicate, Related, parse},
    record::Record,
    registry,
    sales::{
        cadences::{
            cadence::Cadence,
            enrolment::{CadenceEnrolment, EnrolmentStatus},
        },
        leads::{lead::Lead, status::LeadStatus},
    },
    time::Timestamp,
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
        let cadences = reader.all(<Cadence as Entity>::object())?;
        Ok((if cadences.is_empty() { None } else { Some(principal::system(reader)?) }, cadences))
    });
    let (Some(principal), cadences) = reading.await? else { return Ok(()) };
    let run = Run { state, tenant, now, principal: Arc::new(principal) };
    for cadence in cadences {
        if cadence.is_archived() {
            run.let_go(&cadence).await?;
        } else if cadence.get("is_active") == true {
            let cadence = Arc::new(cadence);
            run.enrol(&cadence).await?;
            run.make_due(&cadence).await?;
        }
    }
    Ok(())
}

fn test(object: &'static Object, name: &str, op: Op, operand: Operand) -> Result<Predicate, Problem> {
    Ok(Predicate::test(object.field(name).ok_or_else(Problem::not_found)?, op, operand))
}

/// The enrolments of a cadence that have not ended, or that have.
fn enrolments_of(cadence: &Record, ended: bool) -> Result<Predicate, Problem> {
    let object = CadenceEnrolment::object();
    let of = test(object, "cadence_id", Op::Eq, Operand::Id(cadence.id()))?;
    Ok(of.and(test(object, "ended_at", Op::Null, Operand::Boolean(!ended))?))
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
            let page = predicate.clone().and(test(object, "id", Op::Gt, Operand::Id(after))?);
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
    async fn let_go(&self, cadence: &Record) -> Result<(), Problem> {
        let now = self.now;
        let live = enrolments_of(cadence, false)?;
        self.each(CadenceEnrolment::object(), &live, move |work, _, enrolment| stops::let_go(work, now, enrolment)).await
    }

    /// Enrols whom the filter of a cadence names and who was not on it, or not for long enough.
    async fn enrol(&self, cadence: &Arc<Record>) -> Result<(), Problem> {
        let filter = cadence.get("enrol_filter");
        let Some(object) = cadence.text("object").and_then(registry::object).filter(|_| !filter.is_null()) else { return Ok(()) };
        // A field of it may have been retired since: then it names nobody, until it is mended.
        let Ok(filter) = parse::from_json(object, filter, &self.principal.view(self.now)) else { return Ok(()) };
        let relation = *object.relation("cadence_enrolments").ok_or_else(Problem::not_found)?;
        let target = CadenceEnrolment::object();
        let mut ended = enrolments_of(cadence, true)?;
        if let Some(days) = cadence.get("re_enrol_after_days").as_i64() {
            ended = ended.and(test(target, "ended_at", Op::Gt, Operand::Time(self.now.plus_seconds(-days * DAY)))?);
        }
        let known = Box::new(Predicate::Or(vec![enrolments_of(cadence, false)?, ended]));
        let unknown = Predicate::Related(Related { relation, target, none: true, predicate: known });
        let mut free = Predicate::Archived(false).and(filter).and(unknown);
        if object.name == Lead::object().name {
            let ended = [LeadStatus::Converted, LeadStatus::Disqualified].map(|status| Operand::Text(status.as_str().to_owned()));
            free = free.and(test(object, "status", Op::Nin, Operand::List(ended.to_vec()))?);
        }
        let (now, cadence, still) = (self.now, Arc::clone(cadence), free.clone());
        self.each(object, &free, move |work, principal, record| {
            // Under the lock it may not be so any more.
            match work.load(&without_custom_fields(object), &Unrestricted, record.id(), &still)? {
                Some(loaded) => step::start(work, principal, now, &cadence, object, &loaded.record).map(drop),
                None => Ok(()),
            }
        })
        .await
    }

    /// Makes the tasks that have come due.
    async fn make_due(&self, cadence: &Arc<Record>) -> Result<(), Problem> {
        let enrolment = CadenceEnrolment::object();
        let active = Operand::Text(EnrolmentStatus::Active.as_str().to_owned());
        let mut due = test(enrolment, "cadence_id", Op::Eq, Operand::Id(cadence.id()))?
            .and(test(enrolment, "status", Op::Eq, active)?)
            .and(test(enrolment, "next_step_at", Op::Lte, Operand::Time(self.now))?);
        if cadence.get("assignee") != "user" {
            // What nobody owns waits.
            let name = cadence.text("object").unwrap_or_default();
            let relation = *enrolment.relation(name).ok_or_else(Problem::not_found)?;
            let target = registry::object(name).ok_or_else(Problem::not_found)?;
            let owned = test(target, "owner_id", Op::Null, Operand::Boolean(false))?;
            due = due.and(Predicate::Related(Related { relation, target, none: false, predicate: Box::new(owned) }));
        }
        let now = self.now;
        self.each(enrolment, &due, move |work, principal, enrolment| step::advance(work, principal, now, enrolment)).await
    }
}
