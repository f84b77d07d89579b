//! The answers of customers, who need not be known: the link is the credential. Getting a link answers nothing, as mail scanners get
//! every link there is; only posting to it does.

use std::sync::Arc;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    get,
    http::{Method, header},
    middleware::Next,
    post,
};
use farley_domain::{
    model::{entity::Entity, fault::Faults, record::Record, structures::by_language::ByLanguage},
    query::predicate::Predicate,
    service::satisfaction::{
        survey::{Survey, SurveyKind},
        survey_response::{COMMENT, Refusal, SurveyResponse, answered, takes_answer},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Origin, Reader, TenantKey, Work};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::following_up;
use crate::{
    access::{
        principal,
        sealed::{Form, Sealed},
        state::{State, state_of},
        tokens::NO_TENANT,
        unrestricted::{Unrestricted, entity_of, without_custom_fields},
    },
    http::{
        clock, origins,
        problem::Problem,
        request::{OpenBody, limit_by_address, parameters, refuse_rest, request_id_of},
    },
    records::body::read_plain,
};

/// What paths of answers begin with.
const PUBLIC: &str = "/v1/survey-answers/";

crate::body! {
    /// What the customer says.
    pub struct SurveyAnswer {
        /// The score, on the scale of the survey.
        score: Option<i64> => integer(0, 10).required().example(5),
        /// An additional comment. If absent, a comment given before is removed.
        comment: Option<String> => long_text(COMMENT),
    }
    example json!({"score": 5, "comment": "处理很快，谢谢！"})
}

/// A survey as its customer sees it.
#[derive(Serialize, ToSchema)]
pub struct PublicSurvey {
    /// The company that asks.
    #[schema(example = "华信机电")]
    company: String,
    /// `csat`, `ces` or `nps`.
    #[schema(value_type = String, example = "csat")]
    kind: SurveyKind,
    #[schema(example = "您对本次服务满意吗？")]
    question: String,
    /// The question for a comment, if there is one.
    #[schema(example = "我们哪里可以做得更好？")]
    comment_question: Option<String>,
    /// The lowest score.
    #[schema(example = 1)]
    min: i64,
    /// The highest and best score.
    #[schema(example = 5)]
    max: i64,
    /// Whether an answer would be taken now.
    takes_answer: bool,
    /// The score given; null before.
    #[schema(example = json!(null))]
    score: Option<i64>,
    comment: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    answered_at: Option<Timestamp>,
    /// Until when it can be answered first.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// Until when an answer can be changed.
    #[schema(value_type = Option<String>, format = "date-time")]
    changeable_until: Option<Timestamp>,
}

/// Get a survey to answer
///
/// Returns the question behind a link, and the answer given so far. Reading it answers nothing, so that programs that look at links in mails do
/// no harm. No log-in is required: the link is the credential. Any site can request it.
#[utoipa::path(tag = "survey-responses", operation_id = "getPublicSurvey", security(()),
    params(("token" = String, Path, description = "The token of the link.")),
    responses((status = 200, description = "The question.", body = PublicSurvey)))]
#[get("/v1/survey-answers/{token}")]
pub async fn show(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let state = state_of(&request)?;
    let found = Found::of(&state, &request).await?;
    Ok(shown(&found, clock::now()))
}

/// Answer a survey
///
/// Takes the customer's answer. The first one must come before `expires_at`; it can be changed until `changeable_until`, and then the
/// response is 409. The same answer sent twice is one. A low score opens a task for the owner of the ticket. No log-in is required.
#[utoipa::path(tag = "survey-responses", operation_id = "answerSurvey", request_body = SurveyAnswer, security(()),
    params(("token" = String, Path, description = "The token of the link.")),
    responses((status = 200, description = "The survey with the answer.", body = PublicSurvey)))]
#[post("/v1/survey-answers/{token}")]
pub async fn answer(request: HttpRequest, body: OpenBody) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let state = state_of(&request)?;
    let found = Found::of(&state, &request).await?;
    let asked = read_plain::<SurveyAnswer>(&body.0)?;
    let now = clock::now();
    let origin = Origin { request_id: Some(request_id_of(&request)), ..Origin::system(now) };
    let (id, ticket, survey) = (found.response.id(), found.response.get(SurveyResponse::ticket_id), Arc::clone(&found.survey));
    let written =
        state.store.write::<_, Problem>(found.tenant, origin, move |work| take(work, now, (id, ticket, &survey), &asked));
    let response = written.await?;
    Ok(shown(&Found { response, ..found }, now))
}

/// Takes an answer to a survey about a ticket: the response with it.
pub fn take(
    work: &mut Work<'_>,
    now: Timestamp,
    (id, ticket, survey): (Id, Option<Id>, &Record<Survey>),
    asked: &Record<SurveyAnswer>,
) -> Result<Record<SurveyResponse>, Problem> {
    let (score, comment) = (asked.get(SurveyAnswer::score).unwrap_or(0), asked.get(SurveyAnswer::comment));
    let system = Arc::new(principal::system(work.reader())?);
    // The ticket before what is said of it, as whoever asks does.
    let ticket = match ticket {
        Some(ticket) => following_up::locked(work, &system, now, ticket)?,
        None => None,
    };
    let schema = without_custom_fields(SurveyResponse::object());
    let loaded = work.load(&schema, &Unrestricted, id, &Predicate::all())?.ok_or_else(Problem::not_found)?;
    let before = loaded.record.of::<SurveyResponse>();
    let at = loaded.record.next_change_at(now);
    let taken = answered(before, survey, (score, comment), at).map_err(refused)?;
    let Some(mut response) = taken else { return Ok(before.clone()) };
    following_up::follow_up(work, &system, (survey, &mut response), ticket.as_ref(), at)?;
    let verb = if before.is_null(SurveyResponse::answered_at) { "answered" } else { "changed" };
    work.update(&schema, &loaded, response.any_mut(), &Change::new(verb))?;
    Ok(response)
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Expired => Problem::state("expired", &[]),
        Refusal::Final => Problem::state("answered", &[]),
        Refusal::Score(fault) => Faults::from(fault).into(),
    }
}

fn shown(found: &Found, now: Timestamp) -> HttpResponse {
    let (response, survey) = (&found.response, &found.survey);
    let kind = response.get(SurveyResponse::kind).unwrap_or(SurveyKind::Csat);
    let (min, max) = kind.scale();
    let language = response.get(SurveyResponse::language);
    let in_language = |text: Option<ByLanguage>| text.map(|text| text.in_language(language).to_owned());
    let shown = PublicSurvey {
        company: found.company.clone(),
        kind,
        question: in_language(survey.get(Survey::question)).unwrap_or_default(),
        comment_question: in_language(survey.get(Survey::comment_question)),
        min,
        max,
        takes_answer: takes_answer(response, now).is_ok(),
        score: response.get(SurveyResponse::score),
        comment: response.get(SurveyResponse::comment).map(str::to_owned),
        answered_at: response.get(SurveyResponse::answered_at),
        expires_at: response.get(SurveyResponse::expires_at).unwrap_or(now),
        changeable_until: response.get(SurveyResponse::changeable_until),
    };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(shown)
}

/// A response found by its link.
struct Found {
    tenant: TenantKey,
    company: String,
    response: Record<SurveyResponse>,
    survey: Arc<Record<Survey>>,
}

impl Found {
    async fn of(state: &State, request: &HttpRequest) -> Result<Found, Problem> {
        let refused = Problem::not_found;
        let asked = Sealed::read(Form::SurveyAnswer, request.match_info().query("token")).ok_or_else(refused)?;
        let reading = state.store.read::<_, Problem>(NO_TENANT, move |reader| {
            let row = reader.tenant(asked.tenant)?.ok_or_else(refused)?;
            let tenant = TenantKey { id: row.id, number: row.number };
            reader.tenant = tenant;
            let key = reader.link_key()?.ok_or_else(refused)?;
            if !asked.is_signed(&key) {
                return Err(refused());
            }
            let response = live::<SurveyResponse>(reader, asked.record)?.ok_or_else(refused)?;
            let survey = match response.get(SurveyResponse::survey_id) {
                Some(survey) => entity_of::<Survey>(reader, survey)?,
                None => None,
            };
            let survey = Arc::new(survey.ok_or_else(refused)?);
            Ok(Found { tenant, company: row.name, response, survey })
        });
        reading.await
    }
}

fn live<E: Entity>(reader: &mut Reader<'_>, id: Id) -> Result<Option<Record<E>>, Problem> {
    Ok(entity_of::<E>(reader, id)?.filter(|record| !record.is_archived()))
}

/// Lets the page of a survey be on any site: who has the link may answer, wherever that is.
pub async fn cors<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let origin = origins::origin_of(request.headers()).filter(|_| request.path().starts_with(PUBLIC));
    let Some(origin) = origin else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    if request.method() == Method::OPTIONS {
        return Ok(request.into_response(origins::preflight(Some(origin), origins::HEADERS)).map_into_right_body());
    }
    origins::allow(request.request(), origin);
    let mut response = next.call(request).await?;
    origins::say_allowed(&mut response);
    Ok(response.map_into_left_body())
}
