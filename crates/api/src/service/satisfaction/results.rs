//! What all the answers to a survey say together. Every figure is counted from the responses that its filter lists.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::access::Action,
    model::entity::Entity,
    query::predicate::Predicate,
    service::satisfaction::{
        survey::{Survey, SurveyKind, detracts, promotes},
        survey_response::SurveyResponse,
    },
    values::time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::call::Call,
    http::{problem::Problem, request::parameters},
    records::{body, named::Named},
};

crate::query! {
    /// Which responses count.
    pub struct SurveyResultsQuery {
        /// Only those asked at this time or later.
        from: Option<Timestamp> => datetime().example("2026-03-01T00:00:00.000Z"),
        /// Only those asked before this time.
        to: Option<Timestamp> => datetime().example("2026-04-01T00:00:00.000Z"),
    }
}

/// What the answers to a survey say together.
#[derive(Serialize, ToSchema)]
pub struct SurveyResults {
    #[schema(value_type = String, example = "csat")]
    kind: SurveyKind,
    /// The number of responses asked for, among those that you can read.
    #[schema(example = 200)]
    asked: i64,
    /// The number of those that were answered.
    #[schema(example = 80)]
    answered: i64,
    /// `answered` / `asked`; null if none was asked.
    #[schema(example = 0.4)]
    response_rate: Option<f64>,
    /// How many gave each score, from the lowest to the highest.
    scores: Vec<ScoreCount>,
    /// The mean score; null without an answer.
    #[schema(example = 4.2)]
    average: Option<f64>,
    /// CSAT: the share of the scores 4 and 5. CES: that of 5, 6 and 7. Null for NPS, and without an answer.
    #[schema(example = 0.85)]
    satisfied: Option<f64>,
    /// NPS: the percentage of the scores 9 and 10 less that of 0 to 6, from -100 to 100. Null for others, and without an answer.
    #[schema(example = json!(null))]
    net_promoter_score: Option<f64>,
}

/// How many gave a score.
#[derive(Serialize, ToSchema)]
pub struct ScoreCount {
    #[schema(example = 5)]
    score: i64,
    #[schema(example = 48)]
    count: i64,
}

/// Get the results of a survey
///
/// Counts the responses to a survey that you can read: how many answered, with which scores, and the usual measure of its kind, rounded to four
/// decimal places.
#[utoipa::path(tag = "surveys", operation_id = "getSurveyResults",
    params(SurveyResultsQuery, ("id" = String, Path, description = "The id of the survey, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The results.", body = SurveyResults)))]
#[get("/v1/surveys/{id}/results")]
pub async fn results(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let surveys = call.rows(Survey::object(), Action::Read)?;
    let rows = call.rows(SurveyResponse::object(), Action::Read)?;
    let counted = [
        SurveyResponse::score.field(),
        SurveyResponse::survey_id.field(),
        SurveyResponse::asked_at.field(),
        SurveyResponse::answered_at.field(),
    ];
    call.demand_fields(SurveyResponse::object(), &counted)?;
    call.demand_fields(Survey::object(), &[Survey::kind.field()])?;
    let asked = body::read_query::<SurveyResultsQuery>(&parameters(&request)?)?;
    let (from, to) = (asked.get(SurveyResultsQuery::from), asked.get(SurveyResultsQuery::to));
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let object = Survey::object();
        let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
        let row = reader.get(&principal.layout(object), &principal.view(now), id, &surveys)?;
        let survey = row.ok_or_else(Problem::not_found)?.to_record()?.into_entity::<Survey>();
        let kind = survey.get(Survey::kind).unwrap_or(SurveyKind::Csat);
        let mut within = Predicate::Archived(false).and(rows).and(SurveyResponse::survey_id.eq(id));
        if let Some(from) = from {
            within = within.and(SurveyResponse::asked_at.gte(from));
        }
        if let Some(to) = to {
            within = within.and(SurveyResponse::asked_at.lt(to));
        }
        let mut count = |predicate: Predicate| reader.count(SurveyResponse::object(), &predicate);
        let all = count(within.clone())?;
        let (min, max) = kind.scale();
        let mut scores = Vec::new();
        for score in min..=max {
            scores.push((score, count(within.clone().and(SurveyResponse::score.eq(score)))?));
        }
        Ok(told(kind, all, &scores))
    });
    Ok(HttpResponse::Ok().json(reading.await?))
}

#[allow(clippy::cast_precision_loss, reason = "there are not that many answers")]
fn told(kind: SurveyKind, asked: i64, scores: &[(i64, i64)]) -> SurveyResults {
    let sum = |of: &dyn Fn(i64) -> bool| -> i64 { scores.iter().filter(|(score, _)| of(*score)).map(|(_, count)| count).sum() };
    let answered = sum(&|_| true);
    let share = |part: i64, of: i64| (of > 0).then(|| rounded(part as f64 / of as f64));
    let total: i64 = scores.iter().map(|(score, count)| score * count).sum();
    let satisfied = match kind {
        SurveyKind::Csat | SurveyKind::Ces => share(sum(&|score| kind.satisfies(score)), answered),
        SurveyKind::Nps => None,
    };
    let net = match kind {
        SurveyKind::Nps => share(100 * (sum(&promotes) - sum(&detracts)), answered),
        SurveyKind::Csat | SurveyKind::Ces => None,
    };
    SurveyResults {
        kind,
        asked,
        answered,
        response_rate: share(answered, asked),
        scores: scores.iter().map(|(score, count)| ScoreCount { score: *score, count: *count }).collect(),
        average: share(total, answered),
        satisfied,
        net_promoter_score: net,
    }
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}
