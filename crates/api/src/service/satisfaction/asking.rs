//! Asking a survey about a ticket, and the link under which it is answered.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        record::Record,
    },
    query::predicate::Predicate,
    service::{
        satisfaction::{
            survey::{Survey, SurveyKind, TOKEN},
            survey_response::{SurveyResponse, expiry, rested_since, takes_answer},
        },
        ticket::Ticket,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Work};
use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;

use super::invitation;
use crate::{
    access::{
        call::Call,
        principal::Principal,
        sealed::{Form, seal},
        unrestricted::without_custom_fields,
    },
    http::{clock, problem::Problem, request::Body},
    records::{action::act, body::Nothing, lookup, mutation::Answer, write::Writer},
    service::merging::refuse_merged,
};

/// How many responses of a ticket are looked at for one that can be answered.
const MOST: usize = 100;

crate::body! {
    /// What to ask.
    pub struct SurveyAsking {
        /// The survey.
        survey_id: Option<Id> => reference("survey").required().example("01890a5d-ac96-774b-bcce-b302099a8057"),
    }
    example serde_json::json!({"survey_id": "01890a5d-ac96-774b-bcce-b302099a8057"})
}

/// The link of a response.
#[derive(Serialize, ToSchema)]
pub struct SurveyLink {
    /// The token for GET and POST /v1/survey-answers/{token}. Whoever has it can answer.
    #[schema(example = "AgGJCl2slndLvM6zAgmagFcBiQpdrJZ3S7zOswIJmoBXAAAAAGmiw0A")]
    token: String,
    /// The page of the survey with the token; null if the survey has none.
    #[schema(format = "uri", example = "https://help.example.cn/rate?token=AgGJCl2slnd")]
    url: Option<String>,
    /// Until when it can be answered.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// What became of asking.
pub enum Asked {
    /// Asked, or asked before and not answered yet.
    Response(Id),
    /// The survey is not asked at present.
    Inactive,
    /// The contact was asked a short time ago.
    Resting,
}

/// Ask a survey about a ticket
///
/// Asks the contact of the ticket, and mails the link if the survey says so. A response that waits for an answer already is returned as it
/// is. Returns 409 if the survey is inactive or the contact was asked within its `rest_days`. Requires the permission to create survey
/// responses.
#[utoipa::path(tag = "tickets", operation_id = "askSurvey", request_body = SurveyAsking,
    params(("id" = String, Path, description = "The id of the ticket, or `ext:{system}:{key}`.")),
    responses((status = 201, description = "The response, to be answered.", body = ref("#/components/schemas/SurveyResponse"))))]
#[post("/v1/tickets/{id}/ask-survey")]
pub async fn ask_survey(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    permit(&call).await?;
    act::<Ticket, SurveyAsking>((call, request, body), Action::Read, |work, asked| {
        let survey = asked.body.get(SurveyAsking::survey_id).ok_or_else(Problem::not_found)?;
        match ask(work, &asked.writer, asked.record(), survey)? {
            Asked::Response(id) => asked.writer.on(SurveyResponse::object()).answer_as_stored(work, 201, id),
            Asked::Inactive => Err(Problem::state("inactive", &[])),
            Asked::Resting => Err(Problem::state("asked a short time ago", &[])),
        }
    })
    .await
}

/// Get the link of a survey response
///
/// Returns the link under which the customer answers, to be sent by whatever means. Requires the permission to create survey responses.
#[utoipa::path(tag = "survey-responses", operation_id = "linkSurveyResponse", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the response.")),
    responses((status = 200, description = "The link.", body = SurveyLink)))]
#[post("/v1/survey-responses/{id}/link")]
pub async fn link(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    permit(&call).await?;
    act::<SurveyResponse, Nothing>((call, request, body), Action::Read, |work, asked| {
        let response = asked.record();
        let survey = match response.get(SurveyResponse::survey_id) {
            Some(survey) => lookup::one::<Survey>(work, survey)?,
            None => None,
        };
        let token = token_of(work, response)?;
        let url = survey.and_then(|survey| page(&survey, &token));
        work.event(SurveyResponse::NAME, "linked", response.id(), response.version(), Map::new(), &[]);
        let expires_at = response.get(SurveyResponse::expires_at).unwrap_or(asked.writer.now);
        Answer::json(200, &SurveyLink { token, url, expires_at })
    })
    .await
}

/// Before anything is looked at: whoever asks creates responses.
async fn permit(call: &Call) -> Result<(), Problem> {
    let judged = |call: Call| async move { Writer::of(&call, SurveyResponse::object()).permit(Action::Create) };
    call.clone().judged(judged).await
}

/// Asks a survey about a ticket, once until it is answered.
pub fn ask(work: &mut Work<'_>, writer: &Writer, ticket: &Record<Ticket>, survey: Id) -> Result<Asked, Problem> {
    writer.on(SurveyResponse::object()).permit(Action::Create)?;
    refuse_merged(work, ticket)?;
    let found = lookup::one::<Survey>(work, survey)?.filter(|survey| !survey.is_archived());
    let Some(found) = found else {
        return Err(Problem::rule(Fault::new(SurveyAsking::survey_id.pointer(), FaultCode::NotFound).into()));
    };
    if !found.get(Survey::is_active) {
        return Ok(Asked::Inactive);
    }
    let now = writer.now;
    let contact = ticket.get(Ticket::contact_id);
    // Two who ask at once ask once: of the contact, or of the ticket where there is none.
    work.lock(&format!("survey {survey} {}", contact.unwrap_or_else(|| ticket.id())))?;
    let of_survey = SurveyResponse::survey_id.eq(survey);
    let waiting = of_survey
        .clone()
        .and(SurveyResponse::ticket_id.eq(ticket.id()))
        .and(SurveyResponse::answered_at.is_null())
        .and(SurveyResponse::expires_at.gt(now));
    if let Some(response) = lookup::find::<SurveyResponse>(work, &waiting, 1)?.first() {
        return Ok(Asked::Response(response.id()));
    }
    if let (Some(contact), Some(since)) = (contact, rested_since(&found, now)) {
        let lately = of_survey.and(SurveyResponse::contact_id.eq(contact)).and(SurveyResponse::asked_at.gt(since));
        if !lookup::find::<SurveyResponse>(work, &lately, 1)?.is_empty() {
            return Ok(Asked::Resting);
        }
    }
    let mut response = Record::new(SurveyResponse::object()).into_entity::<SurveyResponse>();
    response.set(SurveyResponse::survey_id, survey);
    response.set(SurveyResponse::kind, found.get(Survey::kind).unwrap_or(SurveyKind::Csat));
    response.set(SurveyResponse::ticket_id, ticket.id());
    response.set(SurveyResponse::contact_id, contact);
    response.set(SurveyResponse::customer_id, ticket.get(Ticket::customer_id));
    response.set(SurveyResponse::agent_id, ticket.get(Ticket::owner_id));
    let language = language_of(work, &writer.principal, ticket)?;
    response.set(SurveyResponse::language, language);
    response.set(SurveyResponse::change_count, 0);
    response.set(SurveyResponse::asked_at, now);
    response.set(SurveyResponse::expires_at, expiry(&found, now));
    work.insert(&without_custom_fields(SurveyResponse::object()), response.any_mut(), &Change::new("created"))?;
    if found.get(Survey::sends_mail) && !found.is_null(Survey::page_url) && contact.is_some() {
        invitation::enqueue(work, response.id())?;
    }
    Ok(Asked::Response(response.id()))
}

/// The language of the contact, else of the customer, else of the company's country.
fn language_of(work: &mut Work<'_>, principal: &Principal, ticket: &Record<Ticket>) -> Result<Option<String>, Problem> {
    if let Some(contact) = ticket.get(Ticket::contact_id)
        && let Some(contact) = lookup::one::<Contact>(work, contact)?
        && let Some(language) = contact.get(Contact::language)
    {
        return Ok(Some(language.to_owned()));
    }
    if let Some(customer) = ticket.get(Ticket::customer_id)
        && let Some(customer) = lookup::one::<Customer>(work, customer)?
        && let Some(language) = customer.get(Customer::language)
    {
        return Ok(Some(language.to_owned()));
    }
    let is_chinese = matches!(principal.tenant.country.as_str(), "CN" | "HK" | "MO" | "TW");
    Ok(is_chinese.then(|| "zh".to_owned()))
}

/// The token of a response: it is kept nowhere, but can be made again.
pub fn token_of(work: &mut Work<'_>, response: &Record<SurveyResponse>) -> Result<String, Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    let expires = response.get(SurveyResponse::expires_at).unwrap_or(Timestamp::from_milliseconds(0));
    seal(&key, Form::SurveyAnswer, work.tenant().id, response.id(), expires)
}

/// The page of a survey where a token is answered.
#[must_use]
pub fn page(survey: &Record<Survey>, token: &str) -> Option<String> {
    survey.get(Survey::page_url).map(|page| page.replace(TOKEN, token))
}

/// The link to the survey that was asked last about a ticket and that can be answered, for whoever may ask; none, if there is none.
pub fn link_of_ticket(work: &mut Work<'_>, principal: &Principal, now: Timestamp, ticket: Id) -> Result<Option<String>, Problem> {
    if principal.asker.grants.scope(SurveyResponse::NAME, Action::Create).is_none() {
        return Ok(None);
    }
    let of_ticket = Predicate::Archived(false).and(SurveyResponse::ticket_id.eq(ticket));
    let mut responses = lookup::find::<SurveyResponse>(work, &of_ticket, MOST)?;
    responses.retain(|response| takes_answer(response, now).is_ok());
    let Some(last) = responses.iter().max_by_key(|response| response.get(SurveyResponse::asked_at)) else { return Ok(None) };
    let survey = match last.get(SurveyResponse::survey_id) {
        Some(survey) => lookup::one::<Survey>(work, survey)?,
        None => None,
    };
    let token = token_of(work, last)?;
    Ok(survey.and_then(|survey| page(&survey, &token)))
}
