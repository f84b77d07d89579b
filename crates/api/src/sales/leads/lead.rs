//! Leads: what every write of one brings along, and the steps that are actions.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, record::Record},
    query::predicate::Predicate,
    sales::leads::{
        lead::Lead,
        status::{LeadStatus, respond},
    },
    values::id::Id,
};
use farley_persistence::Work;
use serde_json::json;

use super::{assignment, pool, scoring};
use crate::{
    access::call::Call,
    http::{problem::Problem, request::Body},
    records::{
        action::act,
        behaviour::{Behaviour, Shown, Writing},
        body::Nothing,
    },
    sales::cadences::stops,
};

impl Behaviour for Lead {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if writing.before.is_none() && record.get(Lead::assign) {
            assignment::assign(work, writing.principal, writing.now, record)?;
        }
        pool::before_pooled(work, &writing.any(), Lead::object(), record.any_mut())?;
        if record.is_archived() { Ok(()) } else { scoring::score(work, writing, record) }
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        pool::after_pooled(work, &writing.any(), Lead::object(), record.any())?;
        scoring::learn(work, writing, record)?;
        stops::after_record(work, &writing.any(), Lead::object(), record.any())?;
        Ok(Shown::new())
    }

    /// A step is an event of its own kind.
    fn verb(before: &Record<Self>, after: &Record<Self>) -> Option<&'static str> {
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

crate::body! {
    /// Why a lead is disqualified.
    pub struct LeadDisqualification {
        /// The reason, in a few words.
        reason: String => text(200).required(),
        /// Details of the reason.
        comment: Option<String> => long_text(5_000),
    }
    example json!({"reason": "无预算", "comment": "明年再联系"})
}

/// Disqualify a lead
///
/// Disqualifies the lead, with a reason. It can be reopened. Equivalent to a PATCH of `status` and `disqualify_reason`.
#[utoipa::path(tag = "leads", operation_id = "disqualifyLead", request_body = LeadDisqualification,
    params(("id" = String, Path, description = "The id of the lead, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The disqualified lead.", body = ref("#/components/schemas/Lead"))))]
#[post("/v1/leads/{id}/disqualify")]
pub async fn disqualify(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Lead, LeadDisqualification>((call, request, body), Action::Update, |work, asked| {
        let mut lead = asked.record().clone();
        let status = LeadStatus::of(&lead);
        if !status.next().contains(&LeadStatus::Disqualified) {
            return Err(not_from(status));
        }
        lead.set(Lead::status, LeadStatus::Disqualified);
        lead.set(Lead::disqualify_reason, asked.body.get(LeadDisqualification::reason).to_owned());
        lead.set(Lead::disqualify_comment, asked.body.get(LeadDisqualification::comment).map(str::to_owned));
        asked.store(work, lead, "updated")
    })
    .await
}

/// Reopen a lead
///
/// Reopens a disqualified lead with the status `new`. Its reason is cleared but remains in the history.
#[utoipa::path(tag = "leads", operation_id = "reopenLead",
    params(("id" = String, Path, description = "The id of the lead, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The reopened lead.", body = ref("#/components/schemas/Lead"))))]
#[post("/v1/leads/{id}/reopen")]
pub async fn reopen(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Lead, Nothing>((call, request, body), Action::Update, |work, asked| {
        let mut lead = asked.record().clone();
        let status = LeadStatus::of(&lead);
        if status != LeadStatus::Disqualified {
            return Err(not_from(status));
        }
        lead.set(Lead::status, LeadStatus::New);
        asked.store(work, lead, "updated")
    })
    .await
}

/// What a lead in this status does not allow, told with what it does.
fn not_from(status: LeadStatus) -> Problem {
    let next: Vec<&str> = status.next().iter().map(|status| status.as_str()).collect();
    Problem::state(status.as_str(), &next)
}

/// Notes that somebody reached out to a lead: for whatever stores an outgoing activity, in the same work. The first answer is
/// noted with its time, and a new lead is contacted by it.
pub fn answered(work: &mut Work<'_>, writing: &Writing<'_>, lead: Id) -> Result<(), Problem> {
    let schema = writing.principal.schema(Lead::object());
    let view = writing.principal.view(writing.now);
    let Some(loaded) = work.load(&schema, &view, lead, &Predicate::all())? else { return Ok(()) };
    let mut lead = loaded.record.of::<Lead>().clone();
    let status = LeadStatus::of(&lead);
    if lead.is_archived() || !status.is_open() {
        return Ok(());
    }
    respond(&mut lead, writing.now);
    if status == LeadStatus::New {
        lead.set(Lead::status, LeadStatus::Contacted);
    }
    let writer = writing.writer(Lead::object());
    let record = writer.apply_rules(&schema, Some(&loaded.record), lead.into_any())?;
    writer.store(work, &loaded, record, "updated").map(drop)
}
