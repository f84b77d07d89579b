//! The answers of visitors to web forms, who need not be known: each becomes a lead, or adds to the one that is there.

use std::sync::Arc;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, post};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, input, record::Record},
    query::predicate::Predicate,
    sales::leads::{
        form::{self, CONSENT_INPUT, FormConsent, LeadForm, UTM_INPUTS, added, is_machine},
        lead::Lead,
        origin::{Consent, with_consent},
        status::LeadStatus,
    },
    values::time::Timestamp,
};
use farley_persistence::{Loaded, Origin, Work};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, Type, schema::AdditionalProperties},
};

use super::{
    assignment::due,
    duplicates::{Likeness, same},
    form::Found,
};
use crate::{
    access::{
        principal,
        state::{State, state_of},
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{OPEN_BODY, client_address, json_body, limit_by_address, parameters, read_body, refuse_rest, request_id_of},
    },
    records::{giving, named::Named, schemas, write::Writer},
};

/// The confirmation after a submission.
#[derive(Serialize, ToSchema)]
pub struct FormThanks {
    #[schema(example = "感谢您的咨询，我们会尽快联系您。")]
    message: Option<String>,
    /// Where to continue.
    redirect_url: Option<String>,
}

/// The answers of a visitor, by the names of the inputs: those of the form, and the few that all forms take.
pub struct FormAnswer;

impl PartialSchema for FormAnswer {
    fn schema() -> RefOr<Schema> {
        let inputs = schemas::of_type(Type::Object).description(Some("A visitor's submission, by input name."));
        let consents = schemas::of_type(Type::Boolean).description(Some("Whether the visitor consents to the text of the form."));
        let inputs = inputs.property(CONSENT_INPUT, schemas::nullable(consents.into()));
        let text = || schemas::nullable(schemas::text().into());
        let inputs = UTM_INPUTS.iter().fold(inputs, |inputs, name| inputs.property(*name, text()));
        let [source, ..] = UTM_INPUTS;
        let shown =
            json!({"name": "李伟", "phone": "13800138000", "need": "六轴机器人报价", CONSENT_INPUT: true, source: "baidu"});
        inputs.additional_properties(Some(AdditionalProperties::FreeForm(true))).examples([shown]).into()
    }
}

impl ToSchema for FormAnswer {}

/// Submit a web form
///
/// Accepts a visitor's submission, as JSON or as an HTML form. It creates a lead; if an open lead of the last days
/// (`duplicate_days`) has the same e-mail address or phone number, the submission is added to that lead. The response is the
/// same either way. An HTML form is redirected to `redirect_url` (303), if the form has one.
#[utoipa::path(tag = "lead-forms", operation_id = "answerForm", security(()),
    params(("token" = String, Path, description = "The form's token.")),
    request_body(content((FormAnswer = "application/json"), (FormAnswer = "application/x-www-form-urlencoded"))),
    responses((status = 201, description = "The submission was accepted.", body = FormThanks),
              (status = 303, description = "The submission was accepted; the browser is redirected to the form's thank-you page."),
              (status = 403, description = "This site is not allowed to show the form.")))]
#[post("/v1/forms/{token}")]
pub async fn answer(request: HttpRequest, inputs: Inputs) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let state = state_of(&request)?;
    let per_minute = found.form.get(LeadForm::submissions_per_minute);
    let address = client_address(&request);
    state.submissions.take((found.form.id(), address), per_minute, clock::now())?;
    if !is_machine(&found.form, &inputs.members) {
        take(&state, &request, &found, inputs.members).await?;
    }
    let redirect_url = found.form.get(LeadForm::redirect_url).map(str::to_owned);
    if let Some(url) = redirect_url.as_ref().filter(|_| inputs.is_html) {
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, url.as_str())).finish());
    }
    let message = found.form.get(LeadForm::thank_you).map(str::to_owned);
    Ok(HttpResponse::Created().json(FormThanks { message, redirect_url }))
}

async fn take(state: &State, request: &HttpRequest, found: &Found, inputs: Map<String, Value>) -> Result<(), Problem> {
    let now = clock::now();
    let origin = Origin { request_id: Some(request_id_of(request)), ..Origin::system(now) };
    let (form, inputs) = (Arc::clone(&found.form), Arc::new(inputs));
    let written = state.store.write::<_, Problem>(found.tenant, origin, move |work| {
        let principal = Arc::new(principal::system(work.reader())?);
        let writer = Writer { principal, object: Lead::object(), now, parent: None, quiet: false };
        let answered = form::read(&form, &writer.schema(), &inputs, &writer.principal.standards(now))?;
        let consent = consent(&form, answered.consented, now);
        match known(work, &writer, &form, &answered.lead)? {
            Some(loaded) => add(work, &writer, &loaded, &answered.lead, &consent),
            None => create(work, &writer, &form, answered.lead, consent),
        }
    });
    written.await
}

/// What was consented to, as it is kept.
fn consent(form: &Record<LeadForm>, consented: bool, now: Timestamp) -> Vec<Consent> {
    let text = form.get(LeadForm::consent_text).filter(|_| consented);
    let channel = form.get(LeadForm::consent_channel).unwrap_or(FormConsent::Phone).into();
    let source = Some(form.get(LeadForm::name).to_owned());
    text.map(|text| Consent { channel, given_at: now, text: Some(text.to_owned()), source }).into_iter().collect()
}

/// The open lead of the last days that has the same e-mail address or phone number.
fn known(
    work: &mut Work<'_>,
    writer: &Writer,
    form: &Record<LeadForm>,
    answered: &Record<Lead>,
) -> Result<Option<Loaded>, Problem> {
    let days = form.get(LeadForm::duplicate_days);
    if days == 0 {
        return Ok(None);
    }
    let asked = Likeness::of_points(answered);
    for value in asked.emails.iter().chain(&asked.phones) {
        // Two answers of one visitor at once must see each other.
        work.lock(&format!("form answer {value}"))?;
    }
    let since = writer.now.plus_seconds(-days * 24 * 3600);
    let everywhere = Predicate::all();
    let found = same(work.reader(), Lead::object(), &everywhere, &asked, &writer.principal.standards(writer.now), &|_| true)?;
    let leads = found.into_iter().map(|alike| alike.record.into_entity::<Lead>());
    let recent = |lead: &Record<Lead>| lead.get(Lead::created_at).is_some_and(|created| created >= since);
    let open = leads.filter(|lead| LeadStatus::of(lead).is_open() && recent(lead));
    match open.max_by_key(|lead| lead.get(Lead::created_at)) {
        Some(lead) => writer.load(work, &Named::Id(lead.id()), Action::Update).map(Some),
        None => Ok(None),
    }
}

/// Adds an answer to the lead that is there.
fn add(
    work: &mut Work<'_>,
    writer: &Writer,
    loaded: &Loaded,
    answered: &Record<Lead>,
    consent: &[Consent],
) -> Result<(), Problem> {
    let mut lead = added(loaded.record.of(), answered);
    lead.set(Lead::consent, with_consent(lead.get(Lead::consent), consent));
    let record = writer.apply_rules(&writer.schema(), Some(&loaded.record), lead.into_any())?;
    writer.store(work, loaded, record, "answered_again").map(drop)
}

fn create(
    work: &mut Work<'_>,
    writer: &Writer,
    form: &Record<LeadForm>,
    mut lead: Record<Lead>,
    consent: Vec<Consent>,
) -> Result<(), Problem> {
    if lead.is_null(Lead::source) {
        lead.set(Lead::source, form.get(LeadForm::source).map(str::to_owned));
    }
    for (ours, given) in [(Lead::campaign_id, LeadForm::campaign_id), (Lead::pool_id, LeadForm::pool_id)] {
        lead.set(ours, form.get(given));
    }
    // A visitor's answer is not lost because the owner has left: then it goes the way of those of forms without one.
    let owner = form.get(LeadForm::lead_owner_id).map(|owner| giving::taker(work, owner)).transpose()?.flatten();
    lead.set(Lead::owner_id, owner.map(|owner| owner.id()));
    if !consent.is_empty() {
        lead.set(Lead::consent, consent);
    }
    lead.set(Lead::assign, form.get(LeadForm::assign) && lead.is_null(Lead::owner_id));
    let anonymous = [Lead::name, Lead::company, Lead::person_name].into_iter().all(|name| lead.is_null(name));
    if anonymous {
        let first = lead.get(Lead::phones).into_iter().chain(lead.get(Lead::emails)).next();
        let name = first.map(|point| point.value);
        lead.set(Lead::name, name.unwrap_or_else(|| form.get(LeadForm::name).to_owned()));
    }
    writer.create_with(work, &input::body_of(&lead), |record| {
        let lead = record.of_mut::<Lead>();
        lead.set(Lead::lead_form_id, form.id());
        due(lead, form.get(LeadForm::first_response_minutes), writer.now);
    })?;
    Ok(())
}

/// The inputs of an answer, whether sent as JSON or as an HTML form.
pub struct Inputs {
    members: Map<String, Value>,
    is_html: bool,
}

impl FromRequest for Inputs {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Inputs, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let bytes = read_body(&request, &mut payload, OPEN_BODY).await?;
            let media_type =
                request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if media_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
                let pairs = form_urlencoded::parse(&bytes).into_owned();
                return Ok(Inputs { members: pairs.map(|(name, value)| (name, value.into())).collect(), is_html: true });
            }
            match json_body(&request, &bytes)? {
                Value::Object(members) => Ok(Inputs { members, is_html: false }),
                _ => Err(Problem::new(Code::MalformedBody).with("reason", "an object is required")),
            }
        })
    }
}
