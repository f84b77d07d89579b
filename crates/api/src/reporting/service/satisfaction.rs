//! How satisfied customers were: of whom was asked, who answered, and what they said, each kind of survey by itself.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    model::{entity::Entity, field::Op},
    service::satisfaction::{
        survey::{SurveyKind, detracts, promotes},
        survey_response::SurveyResponse,
    },
};
use farley_persistence::{Bound, Cell, Cut, Group, Measure, Reader, StoreError};
use serde_json::Value;

use super::{
    Asked, ServiceFigure, Slices, Span, condition, given, ratio,
    volume::{Period, ServiceInterval, periods},
};
use crate::{access::call::Call, http::problem::Problem, records::parameters::Filters};

/// How satisfied customers were.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSatisfactionReport {
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-01-01")]
    pub from: NaiveDate,
    /// The day after the last day.
    #[schema(value_type = String, format = "date", example = "2027-01-01")]
    pub to: NaiveDate,
    /// One for each kind of survey that was sent: scores of different scales are never mixed.
    pub kinds: Vec<ServiceSatisfactionKind>,
}

/// What the surveys of one kind say.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSatisfactionKind {
    /// `csat` from 1 to 5, `ces` from 1 to 7, `nps` from 0 to 10.
    #[schema(value_type = String, example = "csat")]
    pub kind: SurveyKind,
    /// One for each value, those with the most surveys first; a single one without a slice.
    pub slices: Vec<ServiceSatisfactionSlice>,
}

/// What the surveys with one value say.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSatisfactionSlice {
    /// The value; null for surveys without one, and without a slice.
    #[schema(value_type = Value)]
    pub value: Value,
    /// Of the whole time.
    pub total: ServiceSatisfaction,
    /// In the order of time, without gaps; none without `interval`.
    pub periods: Vec<ServiceSatisfactionPeriod>,
}

/// A day, week or month.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSatisfactionPeriod {
    /// Its first day that belongs to the report.
    #[schema(value_type = String, format = "date", example = "2026-03-01")]
    pub from: NaiveDate,
    /// The day after its last such day.
    #[schema(value_type = String, format = "date", example = "2026-04-01")]
    pub to: NaiveDate,
    pub figures: ServiceSatisfaction,
}

/// A number of survey responses, and where to list them.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct SurveyFigure {
    #[schema(example = 42)]
    pub count: i64,
    /// Lists them: the `filter` of `POST /v1/survey-responses/search`. Each names its ticket.
    #[schema(value_type = Object)]
    pub filter: Value,
}

impl From<ServiceFigure> for SurveyFigure {
    fn from(ServiceFigure { count, filter }: ServiceFigure) -> SurveyFigure {
        SurveyFigure { count, filter }
    }
}

/// What the surveys sent in a time say.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceSatisfaction {
    /// The surveys sent in it (`asked_at`).
    pub sent: SurveyFigure,
    /// Those of the surveys sent that have been answered, whenever that was. A changed answer counts as it is now.
    pub answered: SurveyFigure,
    /// answered ÷ sent, 0 to 1; null if none was sent.
    #[schema(example = 0.4)]
    pub response_rate: Option<f64>,
    /// The mean of the scores on the scale of the kind; null if none was answered.
    #[schema(example = 4.2)]
    pub mean_score: Option<f64>,
    /// The answers of satisfied customers: for CSAT the scores 4 and 5 of 5, for CES 5, 6 and 7 of 7; null for NPS.
    pub satisfied: Option<SurveyFigure>,
    /// satisfied ÷ answered, 0 to 1; null for NPS, and if none was answered.
    #[schema(example = 0.85)]
    pub satisfied_share: Option<f64>,
    /// The answers with the scores 9 and 10 of NPS; null for other kinds.
    pub promoters: Option<SurveyFigure>,
    /// The answers with the scores 7 and 8 of NPS; null for other kinds.
    pub passives: Option<SurveyFigure>,
    /// The answers with the scores 0 to 6 of NPS; null for other kinds.
    pub detractors: Option<SurveyFigure>,
    /// 100 × (promoters − detractors) ÷ answered, from -100 to 100; null for other kinds, and if none was answered.
    #[schema(example = 38.5)]
    pub net_promoter_score: Option<f64>,
}

crate::query! {
    /// Of which surveys.
    pub struct ServiceSatisfactionQuery {
        /// The first day on which surveys were sent, in the tenant's time zone.
        from: Option<NaiveDate> => date().required().example("2026-01-01"),
        /// The day after the last day. Defaults to tomorrow.
        to: Option<NaiveDate> => date().example("2027-01-01"),
        /// How long the periods are; at most 120 of them. Without it there are no periods.
        interval: Option<ServiceInterval> => choice(ServiceInterval::choices()),
        /// The field to slice by, of the response or of a related record: `agent_id` is who had the ticket when the customer was asked,
        /// `customer_id` whose it was; `ticket.team_id`, `ticket.queue_id`, `ticket.category_id` and `ticket.channel` are those of the
        /// ticket as it is now.
        slice: Option<String> => text(300).example("agent_id"),
    }
}

type ResponseFilters = Filters<SurveyResponse>;

/// Get customer satisfaction
///
/// Returns what customers answered to the surveys sent in a period, for each kind of survey by itself: how many answered, the mean score,
/// the share of the satisfied (CSAT, CES) or the net promoter score (NPS). The filters of `GET /v1/survey-responses` apply.
#[utoipa::path(tag = "reports", operation_id = "getServiceSatisfaction", params(ServiceSatisfactionQuery, ResponseFilters),
    responses((status = 200, description = "The satisfaction.", body = ServiceSatisfactionReport)))]
#[get("/v1/reports/service-satisfaction")]
pub async fn service_satisfaction(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let needed = [
        SurveyResponse::kind.field(),
        SurveyResponse::score.field(),
        SurveyResponse::asked_at.field(),
        SurveyResponse::answered_at.field(),
    ];
    let (query, asked) = Asked::read::<SurveyResponse, ServiceSatisfactionQuery>(&call, &request, &needed)?;
    let zone = call.principal.standards(call.now).zone;
    let days = (query.get(ServiceSatisfactionQuery::from), query.get(ServiceSatisfactionQuery::to));
    let span = Span::of(days, zone, call.now)?;
    let whole = Period { from: span.from, to: span.to };
    let (periods, has_periods) = match query.get(ServiceSatisfactionQuery::interval) {
        Some(interval) => (periods(&span, interval)?, true),
        None => (vec![whole], false),
    };
    let report = call
        .state
        .store
        .report::<_, Problem>(call.claim(), move |reader| {
            let mut kinds = Vec::new();
            let found = counted(reader, &asked, &span, &periods)?;
            for (kind, slices) in SurveyKind::ALL.iter().zip(found) {
                let slices = slices.sorted(|periods| periods.iter().map(Scores::sent).sum())?;
                if slices.iter().all(|(_, counted)| counted.is_empty()) {
                    continue;
                }
                let place = Place { asked: &asked, span: &span, kind: *kind };
                let slices =
                    slices.into_iter().map(|(value, counted)| place.slice(&value, whole, &periods, counted, has_periods));
                kinds.push(ServiceSatisfactionKind { kind: *kind, slices: slices.collect::<Result<_, StoreError>>()? });
            }
            Ok(ServiceSatisfactionReport { from: span.from, to: span.to, kinds })
        })
        .await?;
    Ok(HttpResponse::Ok().json(report))
}

/// How many gave each score from 0 to 10, and how many have given none.
#[derive(Clone, Copy, Default)]
struct Scores {
    given: [usize; 11],
    none: usize,
}

impl Scores {
    fn answered(&self) -> usize {
        self.given.iter().sum()
    }

    fn sent(&self) -> usize {
        self.answered() + self.none
    }

    fn of(&self, counts: impl Fn(i64) -> bool) -> usize {
        (0..).zip(self.given).filter(|(score, _)| counts(*score)).map(|(_, count)| count).sum()
    }

    fn total(&self) -> usize {
        self.given.iter().enumerate().map(|(score, count)| score * count).sum()
    }
}

impl std::iter::Sum for Scores {
    fn sum<I: Iterator<Item = Scores>>(all: I) -> Scores {
        let mut sum = Scores::default();
        for scores in all {
            sum.none += scores.none;
            for (place, count) in scores.given.into_iter().enumerate() {
                sum.given[place] += count;
            }
        }
        sum
    }
}

/// What was answered, by kind, slice and period.
fn counted(reader: &mut Reader<'_>, asked: &Asked, span: &Span, periods: &[Period]) -> Result<Vec<Slices<Vec<Scores>>>, Problem> {
    let bounds = periods.iter().skip(1).map(|period| Bound::Time(period.start(span))).collect();
    let mut groups = vec![
        Group::by(SurveyResponse::kind.field()),
        Group::by(SurveyResponse::score.field()),
        Group { cut: Some(Cut::at(bounds)), ..Group::by(SurveyResponse::asked_at.field()) },
    ];
    groups.extend(asked.group().cloned());
    let sent = SurveyResponse::asked_at.gte(span.start()).and(SurveyResponse::asked_at.lt(span.end()));
    let within = asked.query.predicate.clone().and(sent);
    let rows = reader.aggregate(SurveyResponse::object(), &within, &groups, &[Measure::Count], (None, usize::MAX))?;
    let mut kinds: Vec<Slices<Vec<Scores>>> = SurveyKind::ALL.iter().map(|_| Slices::of(asked)).collect();
    let number = |cell: Option<&Cell>| cell.and_then(Cell::as_integer).and_then(|number| usize::try_from(number).ok());
    for row in rows {
        let Some(kind) = row.first().and_then(Cell::as_text).and_then(SurveyKind::from_wire) else { continue };
        let (Some(place), Some(count)) = (number(row.get(2)), number(row.get(groups.len()))) else { continue };
        let slice = if groups.len() > 3 { row[3].clone() } else { Cell::Null };
        let counts = kinds[kind as usize].at(slice)?;
        counts.resize(periods.len(), Scores::default());
        match number(row.get(1)).and_then(|score| counts[place].given.get_mut(score)) {
            Some(given) => *given += count,
            None => counts[place].none += count,
        }
    }
    Ok(kinds)
}

/// Where figures belong.
struct Place<'a> {
    asked: &'a Asked,
    span: &'a Span,
    kind: SurveyKind,
}

impl Place<'_> {
    fn slice(
        &self,
        value: &Cell,
        whole: Period,
        periods: &[Period],
        counted: Vec<Scores>,
        has_periods: bool,
    ) -> Result<ServiceSatisfactionSlice, StoreError> {
        let shown = |(period, scores): (&Period, &Scores)| {
            let figures = self.figures(value, *period, scores)?;
            Ok::<_, StoreError>(ServiceSatisfactionPeriod { from: period.from, to: period.to, figures })
        };
        let told = periods.iter().zip(&counted).filter(|_| has_periods).map(shown).collect::<Result<_, _>>()?;
        let total = self.figures(value, whole, &counted.into_iter().sum())?;
        Ok(ServiceSatisfactionSlice { value: value.to_value()?, total, periods: told })
    }

    fn figures(&self, value: &Cell, period: Period, scores: &Scores) -> Result<ServiceSatisfaction, StoreError> {
        let (answered, kind) = (scores.answered(), self.kind);
        let figure = |count: usize, more: Vec<Value>| {
            let sent = [
                condition(SurveyResponse::kind, Op::Eq, kind),
                condition(SurveyResponse::asked_at, Op::Gte, period.start(self.span)),
                condition(SurveyResponse::asked_at, Op::Lt, period.end(self.span)),
            ];
            Ok::<_, StoreError>(SurveyFigure::from(self.asked.figure(value, count, sent.into_iter().chain(more))?))
        };
        // What is counted and what lists it come from one rule.
        let (min, max) = kind.scale();
        let scored = |applies: bool, counts: &dyn Fn(i64) -> bool| {
            let listed: Vec<i64> = (min..=max).filter(|score| counts(*score)).collect();
            applies.then(|| figure(scores.of(counts), vec![condition(SurveyResponse::score, Op::In, listed)])).transpose()
        };
        let (is_nps, satisfies) = (kind == SurveyKind::Nps, |score| kind.satisfies(score));
        let share = |part: usize| ratio(part, answered);
        #[allow(clippy::cast_precision_loss, reason = "answers are far from 2^52")]
        let net =
            (is_nps && answered > 0).then(|| 100.0 * (scores.of(promotes) as f64 - scores.of(detracts) as f64) / answered as f64);
        Ok(ServiceSatisfaction {
            sent: figure(scores.sent(), Vec::new())?,
            answered: figure(answered, vec![given(SurveyResponse::score)])?,
            response_rate: ratio(answered, scores.sent()),
            mean_score: ratio(scores.total(), answered),
            satisfied: scored(!is_nps, &satisfies)?,
            satisfied_share: share(scores.of(satisfies)).filter(|_| !is_nps),
            promoters: scored(is_nps, &promotes)?,
            passives: scored(is_nps, &|score| !promotes(score) && !detracts(score))?,
            detractors: scored(is_nps, &detracts)?,
            net_promoter_score: net,
        })
    }
}
