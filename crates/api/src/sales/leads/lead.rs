//! Leads: what every write of one brings along, and the steps that are actions.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    entity::Entity,
    field::{Field, FieldType},
    identity::access::Action,
    record::Record,
    sales::leads::{
        lead::Lead,
        status::{LeadStatus, respond},
    },
};
use farley_persistence::Work;
use serde_json::Value;

use super::{assignment, pool, scoring};
use crate::{
    access::call::Call,
    http::{problem::Problem, request::Body},
    records::{
        action::{AskedByName, act_by_name},
        behaviour::{Behaviour, Shown, Writing},
    },
    sales::cadences::stops,
};

impl Behaviour for Lead {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (writing, record) = (&writing.any(), record.any_mut());
        if writing.before.is_none() && record.get("assign") == true {
            assignment::assign(work, writing.principal, writing.now, record)?;
        }
        pool::before_pooled(work, writing, Lead::object(), record)?;
        if record.is_archived() { Ok(()) } else { scoring::score(work, writing, record) }
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let (writing, record) = (&writing.any(), record.any());
        pool::after_pooled(work, writing, Lead::object(), record)?;
        scoring::learn(work, writing, record)?;
        stops::after_record(work, writing, Lead::object(), record)?;
        Ok(Shown::new())
    }

    /// A step is an event of its own kind.
    fn verb(before: &Record<Self>, after: &Record<Self>) -> Option<&'static str> {
        let (before, after) = (before.any(), after.any());
        let (from, to) = (LeadStatus::of(before), LeadStatus::of(after));
        if from == to {
            return None;
        }
        Some(match (from, to) {
            (LeadStatus::Disqualified, LeadStatus::New | LeadStatus::Contacted | LeadStatus::Qualified) => "reopened",
            (_, LeadStatus::New) => "status_changed",
            (_, LeadStatus::Contacted) => "contacted",
            (_, LeadStatus::Qualified) => "qualified",
            (_, LeadStatus::Converted) => "converted",
            (_, LeadStatus::Disqualified) => "disqualified",
        })
    }
}

/// Why a lead is given up.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"reason": "无预算", "comment": "明年再联系"}))]
#[allow(dead_code, reason = "documents the body; it is read by its fields")]
pub struct LeadDisqualification {
    /// Why, in a few words.
    reason: String,
    comment: Option<String>,
}

/// Disqualify a lead
///
/// Gives it up, with a reason. It can be opened again. The same as a PATCH of `status` and `disqualify_reason`.
#[utoipa::path(tag = "leads", operation_id = "disqualifyLead", request_body = LeadDisqualification,
    params(("id" = String, Path, description = "The lead: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The lead, disqualified.", body = ref("#/components/schemas/Lead"))))]
#[post("/v1/leads/{id}/disqualify")]
pub async fn disqualify(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let fields = [
        Field::new("reason", FieldType::Text { max: 200 }).required(),
        Field::new("comment", FieldType::LongText { max: 5_000 }),
    ];
    act_by_name(Lead::object(), (call, request, body), &fields, Action::Update, |work, asked| {
        let mut record = asked.loaded.record.clone();
        let status = LeadStatus::of(&record);
        if !status.next().contains(&LeadStatus::Disqualified) {
            return Err(not_from(status));
        }
        record.set("status", LeadStatus::Disqualified.as_str());
        record.set("disqualify_reason", asked.get("reason").clone());
        record.set("disqualify_comment", asked.get("comment").clone());
        write(work, asked, record)
    })
    .await
}

/// Reopen a lead
///
/// Takes up a disqualified lead again, as a new one. Its reason is cleared; the history keeps it.
#[utoipa::path(tag = "leads", operation_id = "reopenLead",
    params(("id" = String, Path, description = "The lead: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The lead, open again.", body = ref("#/components/schemas/Lead"))))]
#[post("/v1/leads/{id}/reopen")]
pub async fn reopen(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act_by_name(Lead::object(), (call, request, body), &[], Action::Update, |work, asked| {
        let mut record = asked.loaded.record.clone();
        let status = LeadStatus::of(&record);
        if status != LeadStatus::Disqualified {
            return Err(not_from(status));
        }
        record.set("status", LeadStatus::New.as_str());
        write(work, asked, record)
    })
    .await
}

/// What a lead in this status does not allow, told with what it does.
fn not_from(status: LeadStatus) -> Problem {
    let next: Vec<&str> = status.next().iter().map(|status| status.as_str()).collect();
    Problem::state(status.as_str(), &next)
}

fn write(work: &mut Work<'_>, asked: &AskedByName, record: Record) -> Result<crate::records::mutation::Answer, Problem> {
    let record = asked.writer.apply_rules(&asked.writer.shape(), Some(&asked.loaded.record), record)?;
    let record = asked.writer.store(work, &asked.loaded, record, "updated")?;
    asked.writer.answer(work, 200, record.id(), Shown::new())
}

/// Notes that somebody reached out to a lead: for whatever stores an outgoing activity, in the same work. The first answer is
/// noted with its time, and a new lead is contacted by it.
pub fn answered(work: &mut Work<'_>, writing: &Writing<'_>, lead: farley_domain::id::Id) -> Result<(), Problem> {
    let shape = writing.principal.shape(Lead::object());
    let view = writing.principal.view(writing.now);
    let all = farley_domain::predicate::Predicate::all();
    let Some(loaded) = work.load(&shape, &view, lead, &all)? else { return Ok(()) };
    let mut record = loaded.record.clone();
    let status = LeadStatus::of(&record);
    if record.is_archived() || !status.is_open() {
        return Ok(());
    }
    respond(&mut record, writing.now);
    if status == LeadStatus::New {
        record.set("status", LeadStatus::Contacted.as_str());
    }
    let writer = writing.writer(Lead::object());
    let record = writer.apply_rules(&shape, Some(&loaded.record), record)?;
    writer.store(work, &loaded, record, "updated").map(drop)
}

/// Whether a value of a lead says nothing.
#[must_use]
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
