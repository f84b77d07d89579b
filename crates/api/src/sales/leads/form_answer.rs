//! The answers of visitors to web forms, who need not be known: each becomes a lead, or adds to the one that is there; or it becomes a
//! ticket.

use std::{cmp::Reverse, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::header, post, web};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::access::Action,
    model::{entity::Entity, fault::Language, input, object::Object, record::Record},
    sales::leads::{
        form::{CONSENT_INPUT, FormConsent, FormTarget, LeadForm, UTM_INPUTS, target_of},
        form_answer::{self, Inputs, added, is_machine},
        lead::Lead,
        origin::{Consent, with_consent},
        status::LeadStatus,
    },
    service::ticket_form,
    values::{id::Id, name, time::Timestamp},
};
use farley_persistence::{Loaded, Origin, Work};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, Type, schema::AdditionalProperties},
};

use super::{
    assignment::due,
    duplicates::{Likeness, same},
    form::{Found, Schemas, labels},
};
use crate::{
    access::{
        principal,
        state::{State, state_of},
        unrestricted::record_of,
    },
    http::{
        clock,
        html_form::{self, Sent},
        page,
        problem::{Code, Problem},
        request::{
            OPEN_BODY, client_address, json_body, language_of, limit_by_address, parameters, read_body, refuse_rest,
            request_id_of,
        },
    },
    records::{giving, named::Named, schemas, write::Writer},
    service::web_form,
};

/// The confirmation after a submission.
#[derive(Serialize, ToSchema)]
pub struct FormThanks {
    #[schema(example = "感谢您的咨询，我们会尽快联系您。")]
    message: Option<String>,
    /// Where to continue.
    redirect_url: Option<String>,
    /// The number of the ticket that the submission became, for the visitor to refer to; null if it became none.
    #[schema(example = "T-000042")]
    reference: Option<String>,
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
/// Accepts a visitor's submission, as JSON or as an HTML form in either encoding. It creates a lead; if an open lead of the last
/// days (`duplicate_days`) has the same e-mail address or phone number, the submission is added to that lead. The response is the
/// same either way. A converted lead stays as it is: the new lead refers to its customer and contact.
///
/// A form whose target is a ticket creates one, with the submission as its first message, and returns its number as `reference`. The
/// contact is the one with the e-mail address given (without one, the phone number); of several, the one with the name given. If there is
/// none, one is created; if there are several, the ticket has no contact, and the message keeps the name and the address as they were
/// given. The mailbox of the form acknowledges the ticket as it does mail. The same submission twice within ten minutes is one.
///
/// Inputs of an HTML form that are left blank are absent; of one that is repeated, a list takes all values and anything else the
/// last. The character set is that of the `charset` parameter or of the input `_charset_`; without either, UTF-8, or GB18030 if the
/// text is not UTF-8. Files are refused (`file_not_accepted`), and the body has at most 64 kB.
///
/// To a browser (`Accept` prefers `text/html`) everything is a page: after a submission it is redirected to `redirect_url` if the form
/// has one, and problems are listed under the labels of their inputs.
#[utoipa::path(tag = "lead-forms", operation_id = "answerForm", security(()),
    params(("token" = String, Path, description = "The form's token.")),
    request_body(content((FormAnswer = "application/json"), (FormAnswer = "application/x-www-form-urlencoded"), (FormAnswer = "multipart/form-data"))),
    responses((status = 201, description = "The submission was accepted.", content((FormThanks = "application/json"), (String = "text/html"))),
              (status = 303, description = "The submission was accepted; the browser is redirected to the form's thank-you page."),
              (status = 403, description = "This site is not allowed to show the form.")))]
#[post("/v1/forms/{token}")]
pub async fn answer(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let as_page = page::is_wished(&request);
    if as_page {
        page::Shown::default().on(&request);
    }
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let inputs = read(&request, payload).await?;
    let found = Found::of(&request).await?;
    let language = language_of(&request);
    if as_page {
        page::Shown::with_labels(labels(&found.record, language)).on(&request);
    }
    let state = state_of(&request)?;
    let per_minute = found.record.get(LeadForm::submissions_per_minute);
    let address = client_address(&request);
    state.submissions.take((found.record.id(), address), per_minute, clock::now())?;
    let reference = if is_machine(&found.record, &inputs) { None } else { take(&state, &request, &found, inputs).await? };
    let redirect_url = found.record.get(LeadForm::redirect_url).map(str::to_owned);
    let message = found.record.get(LeadForm::thank_you).map(str::to_owned);
    Ok(match redirect_url {
        Some(url) if as_page => {
            // A header holds no Chinese.
            let location = utf8_percent_encode(&url, CONTROLS).to_string();
            HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
        }
        None if as_page => {
            let thanks = match language {
                Language::English => "Thank you.",
                Language::Chinese => "感谢您的提交。",
            };
            let mut message = message.unwrap_or_else(|| thanks.to_owned());
            if let Some(reference) = &reference {
                message = match language {
                    Language::English => format!("{message}\nNumber: {reference}"),
                    Language::Chinese => format!("{message}\n编号：{reference}"),
                };
            }
            page::of_message(HttpResponse::Created(), language, found.record.get(LeadForm::name), &message)
        }
        redirect_url => HttpResponse::Created().json(FormThanks { message, redirect_url, reference }),
    })
}

/// The inputs of an answer, whether sent as JSON or as an HTML form.
async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Inputs, Problem> {
    let bytes = read_body(request, &mut payload.into_inner(), OPEN_BODY).await?.freeze();
    if let Some(sent) = Sent::of(request) {
        return Ok(Inputs::of_html(html_form::read(request, sent, bytes).await?));
    }
    match json_body(request, &bytes)? {
        Value::Object(members) => Ok(Inputs::of_json(members)),
        _ => Err(Problem::new(Code::MalformedBody).with("reason", "an object is required")),
    }
}

/// Takes an answer in; the number of the ticket that it becomes, if it becomes one.
async fn take(state: &State, request: &HttpRequest, found: &Found, inputs: Inputs) -> Result<Option<String>, Problem> {
    let now = clock::now();
    let origin = Origin { request_id: Some(request_id_of(request)), ..Origin::system(now) };
    let (form, inputs) = (Arc::clone(&found.record), Arc::new(inputs));
    let written = state.store.write::<_, Problem>(found.tenant, origin, move |work| {
        let principal = Arc::new(principal::system(work.reader())?);
        let (schemas, standards) = (Schemas::of(&principal), principal.standards(now));
        match target_of(&form) {
            FormTarget::Ticket => {
                let (asked, consented) = schemas.asks(&form, |askable| {
                    let answered = form_answer::read(&form, askable, &inputs, &standards)?;
                    Ok::<_, Problem>((ticket_form::asked(&form, &answered), answered.consented))
                })?;
                let consent = form.get(LeadForm::consent_text).filter(|_| consented);
                let request = web_form::Request { form: &form, asked, consent, text: inputs.text(), now };
                web_form::open(work, &principal, &request).map(Some)
            }
            FormTarget::Lead => {
                let (lead, consented) = schemas.asks(&form, |askable| {
                    let answered = form_answer::read(&form, askable, &inputs, &standards)?;
                    Ok::<_, Problem>((answered.lead(), answered.consented))
                })?;
                let consent = consent(&form, consented, now);
                let writer =
                    Writer { principal: Arc::clone(&principal), object: Lead::object(), now, parent: None, quiet: false };
                match known(work, &writer, &form, &lead)? {
                    Some(loaded) => add(work, &writer, &loaded, &lead, &consent)?,
                    None => {
                        let former = former(work, &writer, &lead)?;
                        create(work, &writer, &form, lead, consent, former)?;
                    }
                }
                Ok(None)
            }
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
    let open = Lead::status.is_not_in(LeadStatus::ENDED).and(Lead::created_at.gte(since));
    let found = same(work.reader(), Lead::object(), &open, &asked, &writer.principal.standards(writer.now), &|_| true)?;
    let leads = found.into_iter().map(|alike| alike.record.into_entity::<Lead>());
    match leads.max_by_key(|lead| lead.get(Lead::created_at)) {
        Some(lead) => writer.load(work, &Named::Id(lead.id()), Action::Update).map(Some),
        None => Ok(None),
    }
}

/// What a lead of the same person has become.
struct Former {
    customer: Id,
    contact: Option<Id>,
}

/// What the lead with the same e-mail address or phone number that was converted last has become, as far as it is still there: one of
/// the same name before others, who may only share a telephone.
fn former(work: &mut Work<'_>, writer: &Writer, answered: &Record<Lead>) -> Result<Option<Former>, Problem> {
    let converted = Lead::status.eq(LeadStatus::Converted);
    let (asked, standards) = (Likeness::of_points(answered), writer.principal.standards(writer.now));
    let found = same(work.reader(), Lead::object(), &converted, &asked, &standards, &|_| true)?;
    let mut leads: Vec<Record<Lead>> = found.into_iter().map(|alike| alike.record.into_entity()).collect();
    let name = |lead: &Record<Lead>| lead.get(Lead::person_name).or(lead.get(Lead::name)).map(name::person_key);
    let own = name(answered);
    leads.sort_by_key(|lead| Reverse((own.is_some() && name(lead) == own, lead.get(Lead::status_entered_at))));
    for lead in leads {
        if let Some(customer) = live(work, Customer::object(), lead.get(Lead::customer_id))? {
            return Ok(Some(Former { customer, contact: live(work, Contact::object(), lead.get(Lead::contact_id))? }));
        }
    }
    Ok(None)
}

fn live(work: &mut Work<'_>, object: &'static Object, id: Option<Id>) -> Result<Option<Id>, Problem> {
    let record = id.map(|id| record_of(work.reader(), object, id)).transpose()?.flatten();
    Ok(record.filter(|record| !record.is_archived()).map(|record| record.id()))
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
    former: Option<Former>,
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
        if let Some(Former { customer, contact }) = former {
            lead.set(Lead::customer_id, customer);
            lead.set(Lead::contact_id, contact);
        }
        due(lead, form.get(LeadForm::first_response_minutes), writer.now);
    })?;
    Ok(())
}
