//! Pausing, resuming and stopping an enrolment.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, input, record::Record},
    sales::cadences::enrolment::{CadenceEnrolment, EnrolmentStatus, StoppedReason, enrolled},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Work};
use serde_json::Value;

use super::{cadence::permit_update, job, step, stops};
use crate::{
    access::{
        call::Call,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        mutation::{Mutation, if_match},
        named::Named,
        versions,
        write::Writer,
    },
};

/// Pause an enrolment
///
/// No tasks are created until it is resumed; events that stop it, such as a reply, still do. Open tasks remain.
#[utoipa::path(tag = "cadence-enrolments", operation_id = "pauseCadenceEnrolment",
    params(("id" = String, Path, description = "The id of the enrolment.")),
    responses((status = 200, description = "The paused enrolment.", body = ref("#/components/schemas/CadenceEnrolment"))))]
#[post("/v1/cadence-enrolments/{id}/pause")]
pub async fn pause(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    steer(call, request, body, Verb::Pause).await
}

/// Resume an enrolment
///
/// Continues where it was paused: a step whose day has passed in the meantime is due now, and the following steps are postponed
/// by as many days.
#[utoipa::path(tag = "cadence-enrolments", operation_id = "resumeCadenceEnrolment",
    params(("id" = String, Path, description = "The id of the enrolment.")),
    responses((status = 200, description = "The resumed enrolment.", body = ref("#/components/schemas/CadenceEnrolment"))))]
#[post("/v1/cadence-enrolments/{id}/resume")]
pub async fn resume(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    steer(call, request, body, Verb::Resume).await
}

/// Stop an enrolment
///
/// Removes the record from the cadence permanently. Its open tasks are cancelled.
#[utoipa::path(tag = "cadence-enrolments", operation_id = "stopCadenceEnrolment",
    params(("id" = String, Path, description = "The id of the enrolment.")),
    responses((status = 200, description = "The stopped enrolment.", body = ref("#/components/schemas/CadenceEnrolment"))))]
#[post("/v1/cadence-enrolments/{id}/stop")]
pub async fn stop(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    steer(call, request, body, Verb::Stop).await
}

#[derive(Clone, Copy)]
enum Verb {
    Pause,
    Resume,
    Stop,
}

impl Verb {
    /// Whether it fits the state of an enrolment; the problem tells what does.
    fn check(self, status: EnrolmentStatus) -> Result<(), Problem> {
        let allowed: &[&str] = match status {
            EnrolmentStatus::Active => &["pause", "stop"],
            EnrolmentStatus::Paused => &["resume", "stop"],
            EnrolmentStatus::Finished | EnrolmentStatus::Stopped => &[],
        };
        let own = match self {
            Verb::Pause => "pause",
            Verb::Resume => "resume",
            Verb::Stop => "stop",
        };
        if allowed.contains(&own) { Ok(()) } else { Err(Problem::state(status.as_str(), allowed)) }
    }
}

async fn steer(call: Call, request: HttpRequest, body: Body, verb: Verb) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    input::form(&[], &body.0, &call.principal.standards(call.now))?;
    let (expected, named) = (if_match(&request), Named::parse(request.match_info().query("id"))?);
    let writer = Writer::of(&call, CadenceEnrolment::object());
    let rows = call.rows(writer.object, Action::Read)?;
    permit_update(&call.principal)?;
    mutation
        .run(&call, move |work| {
            let (principal, now, object) = (&writer.principal, writer.now, writer.object);
            let id = named.find(work.reader(), principal, object)?.ok_or_else(Problem::not_found)?;
            let row = work.reader().get(&Work::layout(&without_custom_fields(object)), &principal.view(now), id, &rows)?;
            let seen = row.ok_or_else(Problem::not_found)?.to_record()?;
            let (cadenced, record) = enrolled(seen.of()).ok_or_else(Problem::not_found)?;
            let of = cadenced.object();
            // The record is locked before what hangs on it, as everywhere.
            let record = step::lock(work, of, record)?.ok_or_else(Problem::not_found)?;
            if !principal.asker.reaches(of, Action::Update, &record) {
                return Err(Problem::forbidden(Action::Update.as_str(), of.name));
            }
            let loaded = work.load(&without_custom_fields(object), &Unrestricted, id, &rows)?.ok_or_else(Problem::not_found)?;
            if let Some(expected) = &expected {
                versions::check(work, principal, object, &loaded.record, expected, None)?;
            }
            verb.check(EnrolmentStatus::of(loaded.record.of()))?;
            let set = |work: &mut Work<'_>, status: EnrolmentStatus, verb: &str| -> Result<(), Problem> {
                let mut enrolment = loaded.record.clone();
                enrolment.of_mut::<CadenceEnrolment>().set(CadenceEnrolment::status, status);
                work.update(&without_custom_fields(object), &loaded, &mut enrolment, &Change { verb, about: &[record.id()] })?;
                Ok(())
            };
            match verb {
                Verb::Pause => set(work, EnrolmentStatus::Paused, "paused")?,
                Verb::Resume => {
                    set(work, EnrolmentStatus::Active, "resumed")?;
                    work.hasten(job::KIND)?;
                }
                Verb::Stop => stops::stop(work, now, id, StoppedReason::Manual)?,
            }
            writer.answer_as_stored(work, 200, id)
        })
        .await
}

/// Enrolments as the caller sees them, in the order of their ids given.
pub fn shown(work: &mut Work<'_>, writer: &Writer, ids: &[Id]) -> Result<Vec<Value>, Problem> {
    let writer = writer.on(CadenceEnrolment::object());
    let mut shown = Vec::with_capacity(ids.len());
    for id in ids {
        shown.push(serde_json::to_value(writer.shown(work, *id)?)?);
    }
    Ok(shown)
}

/// Whether an enrolment waits for its next step at a time.
#[must_use]
pub fn is_due(enrolment: &Record<CadenceEnrolment>, now: Timestamp) -> bool {
    let next = enrolment.get(CadenceEnrolment::next_step_at);
    EnrolmentStatus::of(enrolment) == EnrolmentStatus::Active && next.is_some_and(|at| at <= now)
}
