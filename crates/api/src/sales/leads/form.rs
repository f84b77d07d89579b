//! Web forms: their description for any site, and which sites may show them.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, http::header, post};
use farley_domain::{
    customers::contact::Contact,
    model::{
        entity::Entity,
        fault::Language,
        field::{Choice, Field, FieldType},
        handle::Handle,
        object::Schema,
        record::Record,
    },
    sales::leads::{
        form::{self, Askable, FormField, FormTarget, LeadForm, OfLead, input_type, target_of},
        lead::Lead,
    },
    service::{ticket::Ticket, ticket_form::OfTicket},
    values::id::Id,
};
use farley_persistence::{Reader, StoreError, Work};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{
        call::Call,
        principal::{self, Principal},
        state::state_of,
    },
    http::{
        problem::{BY_LANGUAGE, Problem},
        request::{Body, language_of, limit_by_address, parameters, refuse_rest},
    },
    records::{
        behaviour::{Behaviour, Writing},
        public::{self, Public},
    },
};

impl Public for LeadForm {
    const PATH: &'static str = "/v1/forms/";
    const PREFIX: &'static str = "lf_";
    const TOKEN: Handle<Self, Option<String>> = LeadForm::token;
    const IS_ACTIVE: Handle<Self, bool> = LeadForm::is_active;
    const ALLOWED_ORIGINS: Handle<Self, Vec<String>> = LeadForm::allowed_origins;

    fn of_token(reader: &mut Reader<'_>, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
        reader.form_of_token(token)
    }
}

impl Behaviour for LeadForm {
    /// A form has a token of its own, and asks only what its leads or tickets can hold.
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        let schemas = Schemas::of(writing.principal);
        let faults = schemas.asks(record, |askable| form::faults(record, askable));
        if !faults.is_empty() {
            return Err(Problem::rule(faults));
        }
        public::give_token(record);
        Ok(())
    }
}

/// What forms are about, with the tenant's own fields.
pub struct Schemas {
    lead: Schema,
    ticket: Schema,
    contact: Schema,
}

impl Schemas {
    #[must_use]
    pub fn of(principal: &Principal) -> Schemas {
        let schema = |object| principal.schema(object);
        Schemas { lead: schema(Lead::object()), ticket: schema(Ticket::object()), contact: schema(Contact::object()) }
    }

    /// What a form can ask for.
    pub fn asks<T>(&self, form: &Record<LeadForm>, work: impl FnOnce(&dyn Askable) -> T) -> T {
        match target_of(form) {
            FormTarget::Lead => work(&OfLead(&self.lead)),
            FormTarget::Ticket => work(&OfTicket { ticket: &self.ticket, contact: &self.contact }),
        }
    }
}

/// Rotate the token of a form
///
/// Gives the form a new token; the old one stops working immediately.
#[utoipa::path(tag = "lead-forms", operation_id = "rotateLeadFormToken",
    params(("id" = String, Path, description = "The id of the form, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The form with its new token.", body = ref("#/components/schemas/LeadForm"))))]
#[post("/v1/lead-forms/{id}/rotate-token")]
pub async fn rotate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    public::rotate::<LeadForm>((call, request, body)).await
}

/// A form to be rendered by a site.
#[derive(Serialize, ToSchema)]
pub struct PublicForm {
    #[schema(example = "官网咨询")]
    name: String,
    fields: Vec<PublicField>,
    /// The consent given with the input `consent`; null if none is requested.
    consent: Option<PublicConsent>,
    /// The honeypot input, to be hidden from people; null if there is none.
    #[schema(example = "website_url")]
    honeypot: Option<String>,
    /// Other accepted inputs: for leads, the UTM parameters of the visit.
    hidden_inputs: Vec<&'static str>,
    /// The URL to POST submissions to, as JSON or as an HTML form.
    #[schema(example = "/v1/forms/lf_3q2-7w")]
    action: String,
}

/// An input of a form.
#[derive(Serialize, ToSchema)]
pub struct PublicField {
    #[schema(example = "phone")]
    name: String,
    #[schema(example = "手机号")]
    label: String,
    placeholder: Option<String>,
    required: bool,
    /// `text`, `textarea`, `number`, `checkbox`, `checkboxes`, `date`, `select`, `email`, `tel` or `url`.
    #[schema(example = "tel")]
    r#type: &'static str,
    /// The options of a select input, or of checkboxes of one name.
    choices: Option<Vec<PublicChoice>>,
    max_length: Option<usize>,
}

/// An option of a select input.
#[derive(Serialize, ToSchema)]
pub struct PublicChoice {
    value: String,
    label: String,
}

/// The consent requested from a visitor.
#[derive(Serialize, ToSchema)]
pub struct PublicConsent {
    text: String,
    required: bool,
}

/// Get a web form
///
/// Returns the description of a form by its token, so that any site can render it. No log-in is required; browsers can request
/// it from the form's allowed origins.
#[utoipa::path(tag = "lead-forms", operation_id = "getPublicForm", security(()),
    params(("token" = String, Path, description = "The form's token.")),
    responses((status = 200, description = "The form to render.", body = PublicForm),
              (status = 403, description = "This site is not allowed to show the form.")))]
#[get("/v1/forms/{token}")]
pub async fn describe(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let found = Found::of(&request).await?;
    let state = state_of(&request)?;
    let schemas = state.store.read::<_, Problem>(found.tenant, |reader| Ok(Schemas::of(&principal::system(reader)?))).await?;
    let language = language_of(&request);
    let form = &found.record;
    let (fields, hidden_inputs) = schemas.asks(form, |askable| {
        let shown = |FormField { name, field, label, placeholder, required }| {
            let field = askable.field(&field)?;
            Some(PublicField {
                name,
                label: label.unwrap_or_else(|| said(&field.label, language)),
                placeholder,
                required,
                r#type: input_type(field)?,
                choices: choices(field, language),
                max_length: longest(field),
            })
        };
        (form.get(LeadForm::fields).into_iter().filter_map(shown).collect(), askable.others().to_vec())
    });
    let consent = form.get(LeadForm::consent_text);
    let consent = consent.map(|text| PublicConsent { text: text.to_owned(), required: form.get(LeadForm::consent_required) });
    Ok(HttpResponse::Ok().insert_header((header::VARY, BY_LANGUAGE)).json(PublicForm {
        name: form.get(LeadForm::name).to_owned(),
        fields,
        consent,
        honeypot: form.get(LeadForm::honeypot).map(str::to_owned),
        hidden_inputs,
        action: format!("{}{}", LeadForm::PATH, form.get(LeadForm::token).unwrap_or_default()),
    }))
}

/// What the inputs of a form are called, by name.
pub fn labels(form: &Record<LeadForm>, language: Language) -> Vec<(String, String)> {
    let without = |object| Schema { object, custom: Arc::from([]) };
    let schemas =
        Schemas { lead: without(Lead::object()), ticket: without(Ticket::object()), contact: without(Contact::object()) };
    let own = |item: &FormField| schemas.asks(form, |askable| Some(said(&askable.field(&item.field)?.label, language)));
    let label = |item: &FormField| item.label.clone().or_else(|| own(item));
    let items = form.get(LeadForm::fields).into_iter();
    items.filter_map(|item| label(&item).map(|label| (item.name, label))).collect()
}

fn said(label: &farley_domain::model::field::Label, language: Language) -> String {
    match language {
        Language::English => label.en.to_string(),
        Language::Chinese => label.zh.to_string(),
    }
}

fn choices(field: &Field, language: Language) -> Option<Vec<PublicChoice>> {
    let (FieldType::Choice(choices) | FieldType::MultiChoice(choices)) = &field.kind else { return None };
    let shown = |choice: &Choice| PublicChoice { value: choice.value.to_string(), label: said(&choice.label, language) };
    Some(choices.iter().filter(|choice| !choice.retired).map(shown).collect())
}

fn longest(field: &Field) -> Option<usize> {
    match &field.kind {
        FieldType::Text { max } | FieldType::LongText { max } => Some(*max),
        _ => None,
    }
}

/// The form of the token in a path.
pub type Found = public::Found<LeadForm>;
