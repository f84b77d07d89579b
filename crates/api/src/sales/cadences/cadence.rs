//! Cadences as they are written, and putting records on one.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    query::predicate::Predicate,
    sales::{
        cadences::{
            cadence::{Cadence, Cadenced},
            enrolment::CadenceEnrolment,
        },
        leads::lead::Lead,
    },
    values::id::Id,
};
use farley_persistence::Work;
use serde_json::{Value, json};

use super::{enrolment, job, step, stops};
use crate::{
    access::{call::Call, principal::Principal},
    body,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        behaviour::{Behaviour, Shown, Writing},
        body, filters, lookup,
        mutation::{Answer, Mutation, if_match},
        named::Named,
        versions,
        write::Writer,
    },
};

/// How many records are put on a cadence at once.
const AT_ONCE: usize = 200;

impl Behaviour for Cadence {
    /// A cadence's filter must be one over the records it is for.
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        match record.get(Cadence::object).filter(|_| !record.is_archived()) {
            Some(cadenced) => filters::check(writing, record, Cadence::enrol_filter.name(), cadenced.object()),
            None => Ok(()),
        }
    }

    /// What a change asks for is done soon: whom its filter names is enrolled, and who was on an archived one is let go.
    fn after(work: &mut Work<'_>, _: &Writing<'_, Self>, _: &Record<Self>) -> Result<Shown, Problem> {
        work.hasten(job::KIND)?;
        Ok(Shown::new())
    }
}

body! {
    /// The records to enrol in a cadence.
    pub struct CadenceEnrolling {
        /// The ids of 1 to 200 leads or customers, or `ext:{system}:{key}`.
        record_ids: Vec<String> => texts(AT_ONCE).required().example(json!(["01890a5d-ac96-774b-bcce-b302099a8057", "ext:sap:10042"])),
    }
    example json!({"record_ids": ["01890a5d-ac96-774b-bcce-b302099a8057", "ext:sap:10042"]})
}

/// The enrolled records.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct CadenceEnrolled {
    /// The new enrolments, in the order of the records.
    #[schema(schema_with = enrolments_schema)]
    data: Vec<Value>,
}

fn enrolments_schema() -> utoipa::openapi::schema::Array {
    let item = utoipa::openapi::Ref::from_schema_name("CadenceEnrolment");
    utoipa::openapi::schema::ArrayBuilder::new().items(item).build()
}

/// Put records on a cadence
///
/// Enrols all of the records or none. You need permission to update each of them. A record that is already on the cadence, a
/// converted or disqualified lead, and a missing record are each reported as a fault; a record whose earlier enrolment has
/// ended can be enrolled again. Tasks are created on the days of their steps, as described in the cadence's `steps`.
#[utoipa::path(tag = "cadences", operation_id = "enrolInCadence", request_body = CadenceEnrolling,
    params(("id" = String, Path, description = "The id of the cadence, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The enrolments.", body = CadenceEnrolled)))]
#[post("/v1/cadences/{id}/enrol")]
pub async fn enrol(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = body::read::<CadenceEnrolling>(&body.0, &call.principal.standards(call.now))?;
    let named = asked.get(CadenceEnrolling::record_ids);
    let (expected, cadence) = (if_match(&request), Named::parse(request.match_info().query("id"))?);
    let writer = Writer::of(&call, <Cadence as Entity>::object());
    let rows = call.rows(writer.object, Action::Read)?;
    permit_update(&call.principal)?;
    mutation
        .run(&call, move |work| {
            let (principal, now) = (&writer.principal, writer.now);
            let id = cadence.find(work.reader(), principal, writer.object)?.ok_or_else(Problem::not_found)?;
            work.hold(writer.object, id)?;
            let row = work.reader().get(&Work::layout(&writer.schema()), &principal.view(now), id, &rows)?;
            let cadence = row.ok_or_else(Problem::not_found)?.to_record()?;
            if let Some(expected) = &expected {
                versions::check(work, principal, writer.object, &cadence, expected, None)?;
            }
            if cadence.is_archived() {
                return Err(Problem::archived());
            }
            let cadence = cadence.into_entity::<Cadence>();
            if !cadence.get(Cadence::is_active) {
                return Err(Problem::state("inactive", &["update"]));
            }
            let cadenced = cadence.get(Cadence::object).ok_or_else(Problem::not_found)?;
            let records = enrollable(work, &writer.on(cadenced.object()), (&cadence, cadenced), &named)?;
            let mut ids = Vec::with_capacity(records.len());
            for record in &records {
                ids.push(step::start(work, principal, now, (&cadence, cadenced), record)?.id());
            }
            work.hasten(job::KIND)?;
            answer(work, &writer, &ids)
        })
        .await
}

/// Who may update neither leads nor customers puts nothing on a cadence.
pub fn permit_update(principal: &Principal) -> Result<(), Problem> {
    let mut objects = Cadenced::ALL.iter().map(|cadenced| cadenced.object().name);
    let permitted = objects.any(|object| principal.asker.grants.scope(object, Action::Update).is_some());
    if permitted { Ok(()) } else { Err(Problem::forbidden(Action::Update.as_str(), Lead::NAME)) }
}

/// The records named, each locked and free to be enrolled; every fault at once.
fn enrollable(
    work: &mut Work<'_>,
    writer: &Writer,
    (cadence, cadenced): (&Record<Cadence>, Cadenced),
    named: &[String],
) -> Result<Vec<Record>, Problem> {
    let pointer = |position: usize| format!("{}/{position}", CadenceEnrolling::record_ids.pointer());
    let object = writer.object;
    writer.permit(Action::Update)?;
    let mut faults = Faults::default();
    let mut ids: Vec<(usize, Id)> = Vec::with_capacity(named.len());
    for (position, name) in named.iter().enumerate() {
        let fault = |code| Fault::new(pointer(position), code);
        match Named::parse(name) {
            Err(_) => faults.add(fault(FaultCode::InvalidId)),
            Ok(name) => match name.find(work.reader(), &writer.principal, object)? {
                None => faults.add(fault(FaultCode::NotFound)),
                Some(id) if ids.iter().any(|(_, known)| *known == id) => faults.add(fault(FaultCode::Repeated)),
                Some(id) => ids.push((position, id)),
            },
        }
    }
    // Always in the same order, so that no two writers wait for each other.
    ids.sort_by_key(|(_, id)| *id);
    let rows = writer.principal.asker.rows(object, Action::Read).unwrap_or_else(Predicate::nothing);
    let within = Predicate::Archived(false).and(rows);
    let (schema, mut forbidden) = (writer.schema(), false);
    let mut records = Vec::with_capacity(ids.len());
    for (position, id) in ids {
        let fault = |code| Fault::new(pointer(position), code);
        let Some(loaded) = work.load(&schema, &writer.principal.view(writer.now), id, &within)? else {
            faults.add(fault(FaultCode::NotFound));
            continue;
        };
        let record = loaded.record;
        if !writer.principal.asker.reaches(object, Action::Update, &record) {
            forbidden = true;
            faults.add(fault(FaultCode::NotPermitted));
        } else if let Some(reason) = stops::ended(object, &record) {
            faults.add(fault(FaultCode::CannotEnrol).with("state", reason.as_str()));
        } else if let Some(enrolment) = live(work, cadence, cadenced, id)? {
            faults.add(fault(FaultCode::AlreadyEnrolled).with("id", enrolment));
        }
        records.push((position, record));
    }
    records.sort_by_key(|(position, _)| *position);
    if forbidden {
        let mut problem = Problem::forbidden(Action::Update.as_str(), object.name);
        problem.faults = faults;
        return Err(problem);
    }
    if faults.is_empty() { Ok(records.into_iter().map(|(_, record)| record).collect()) } else { Err(Problem::rule(faults)) }
}

/// The enrolment by which a record is in a cadence now.
fn live(work: &mut Work<'_>, cadence: &Record<Cadence>, cadenced: Cadenced, id: Id) -> Result<Option<Id>, Problem> {
    let within = cadenced
        .enrolled_as()
        .eq(id)
        .and(CadenceEnrolment::cadence_id.eq(cadence.id()))
        .and(CadenceEnrolment::ended_at.is_null());
    Ok(lookup::find::<CadenceEnrolment>(work, &within, 1)?.first().map(Record::id))
}

fn answer(work: &mut Work<'_>, writer: &Writer, ids: &[Id]) -> Result<Answer, Problem> {
    let data: Vec<Value> = enrolment::shown(work, writer, ids)?;
    Answer::json(200, &CadenceEnrolled { data })
}
