//! Forecasts: what users and teams will win in a period, computed from their opportunities, beside their quotas and what managers
//! think of it.

mod computation;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
    },
    sales::{opportunity::Opportunity, quota::sales_period},
    values::{id::Id, time::Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;

use self::computation::Question;
use crate::{
    access::call::Call,
    http::{problem::Problem, request::parameters},
    records::body,
};

/// A forecast of a period.
#[derive(Serialize, ToSchema)]
pub struct Forecast {
    #[schema(example = "2026-Q4")]
    pub period: String,
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-10-01")]
    pub starts_on: chrono::NaiveDate,
    /// The last day.
    #[schema(value_type = String, format = "date", example = "2026-12-31")]
    pub ends_on: chrono::NaiveDate,
    /// The time of the forecast; null means now.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub as_of: Option<Timestamp>,
    /// The requested scope first, then its teams, then its users; one row for each currency with figures.
    pub data: Vec<ForecastRow>,
}

/// The forecast of one user, one team with the teams below it, or everything you can see, in one currency.
#[derive(Clone, Serialize, ToSchema)]
pub struct ForecastRow {
    /// `all`, `team` or `user`.
    #[schema(example = "team")]
    pub kind: &'static str,
    /// The id of the team or user; null for all.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub id: Option<Id>,
    #[schema(example = "华东销售部")]
    pub name: Option<String>,
    #[schema(example = "CNY")]
    pub currency: String,
    /// Sums over the opportunities that belong to the user, or to the team and the teams below it, by their current `owner_id` and
    /// `team_id`, or those at the time `as_of`. An opportunity handed over counts for its new owner and team alone, including if
    /// it was won before. A user's row below a team counts only the user's opportunities of that team. Quota attainment,
    /// funnels and summaries count in the same way.
    pub computed: ForecastFigures,
    /// The latest overrides of the computed figures; null if there is none.
    pub overrides: ForecastOverrides,
    /// The quota set for exactly this user, team or company, period, pipeline and currency, in minor units; null if there is
    /// none. Quotas of members or of shorter periods are not summed.
    #[schema(example = 100_000_000)]
    pub quota: Option<i64>,
    /// closed ÷ quota: 1 if the quota is met, more if it is exceeded; null without a quota or if the quota is 0. Open
    /// opportunities do not count.
    #[schema(example = 0.42)]
    pub attainment: Option<f64>,
    /// The paths that list the opportunities counted.
    pub lists: ForecastLists,
}

/// Sums of amounts, in minor units. Each opportunity counts in one of the first four; a lost one in none.
#[derive(Clone, Copy, Default, Serialize, ToSchema)]
pub struct ForecastFigures {
    /// Open opportunities of the category `pipeline` that are expected to close in the period.
    #[schema(example = 50_000_000)]
    pub pipeline: i64,
    /// The same for the category `best_case`.
    #[schema(example = 20_000_000)]
    pub best_case: i64,
    /// The same for the category `commit`.
    #[schema(example = 30_000_000)]
    pub commit: i64,
    /// Opportunities won in the period, by the day of `closed_at` in the tenant's time zone.
    #[schema(example = 42_000_000)]
    pub closed: i64,
    /// closed, plus amount × probability ÷ 100 of the open opportunities of the three categories (0 without a probability):
    /// summed exactly and rounded once to a minor unit.
    #[schema(example = 81_500_000)]
    pub weighted: i64,
}

/// Overrides shown alongside the computed figures.
#[derive(Clone, Default, Serialize, ToSchema)]
pub struct ForecastOverrides {
    pub pipeline: Option<ForecastOpinion>,
    pub best_case: Option<ForecastOpinion>,
    pub commit: Option<ForecastOpinion>,
    pub closed: Option<ForecastOpinion>,
}

/// An override of a figure.
#[derive(Clone, Serialize, ToSchema)]
pub struct ForecastOpinion {
    /// The forecast override.
    #[schema(value_type = String, format = "uuid")]
    pub id: Id,
    /// Minor units.
    #[schema(example = 28_000_000)]
    pub amount: i64,
    pub comment: Option<String>,
    #[schema(value_type = Option<String>, format = "uuid")]
    pub by: Option<Id>,
    #[schema(value_type = String, format = "date-time", example = "2026-10-05T08:00:00.000Z")]
    pub at: String,
}

/// The paths that list the opportunities behind each figure.
#[derive(Clone, Serialize, ToSchema)]
pub struct ForecastLists {
    #[schema(
        example = "/v1/opportunities?status=open&forecast_category=pipeline&expected_close_on_gte=2026-10-01&expected_close_on_lt=2027-01-01&amount.currency=CNY"
    )]
    pub pipeline: String,
    pub best_case: String,
    pub commit: String,
    pub closed: String,
}

crate::query! {
    /// Which period, and whose opportunities.
    pub struct ForecastQuery {
        /// A month, quarter or year: `2026-10`, `2026-Q4`, `2026`.
        period: String => text(20).required().example("2026-Q4"),
        /// The forecast of one user.
        user_id: Option<Id> => reference("user"),
        /// The forecast of a team: its own figures, those of each team directly below it, and those of each user in it.
        team_id: Option<Id> => reference("team"),
        /// Only opportunities and quotas of this pipeline.
        pipeline_id: Option<Id> => reference("pipeline"),
        /// Returns the forecast as of that time (RFC 3339).
        as_of: Option<Timestamp> => datetime().example("2026-10-01T00:00:00Z"),
    }
}

/// Get the forecast of a period
///
/// Returns the forecast for a month, quarter or year from the opportunities that you can see: for a user, for a team with its
/// subteams and users, or for everyone. Lost opportunities are not counted. Quotas and overrides are shown alongside the
/// computed figures and do not change them. With `as_of`, the figures are those of that time according to the ledger, with the
/// overrides made by then; quotas are today's.
#[utoipa::path(tag = "forecasts", operation_id = "getForecast",
    params(ForecastQuery),
    responses((status = 200, description = "The forecast.", body = Forecast)))]
#[get("/v1/forecasts")]
pub async fn forecast(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(Opportunity::object(), Action::Read)?;
    // A forecast is nothing but sums of amounts, by what else is said of them here.
    let made_of = [
        Opportunity::amount.field(),
        Opportunity::probability.field(),
        Opportunity::forecast_category.field(),
        Opportunity::status.field(),
        Opportunity::expected_close_on.field(),
        Opportunity::closed_at.field(),
    ];
    call.demand_fields(Opportunity::object(), &made_of)?;
    let given = parameters(&request)?;
    // A period is a text of its own kind, told of with whatever else is at fault.
    let period_of =
        |text: &str| sales_period(text).ok_or_else(|| Fault::new(ForecastQuery::period.name(), FaultCode::InvalidPeriod));
    let asked = match body::read_query::<ForecastQuery>(&given) {
        Ok(asked) => asked,
        Err(mut faults) => {
            let text = given.iter().find(|(name, text)| name == ForecastQuery::period.name() && !text.trim().is_empty());
            faults.keep(text.map(|(_, text)| period_of(text)).transpose());
            return Err(faults.into());
        }
    };
    let mut faults = Faults::default();
    let (user, team) = (asked.get(ForecastQuery::user_id), asked.get(ForecastQuery::team_id));
    let (pipeline, as_of) = (asked.get(ForecastQuery::pipeline_id), asked.get(ForecastQuery::as_of));
    let period = faults.keep(period_of(asked.get(ForecastQuery::period)));
    if user.is_some() && team.is_some() {
        let fault = Fault::new(ForecastQuery::team_id.name(), FaultCode::Conflicting);
        faults.add(fault.with("other", ForecastQuery::user_id.name()));
    }
    let Some(period) = period.filter(|_| faults.is_empty()) else { return Err(faults.into()) };
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let forecast = call
        .state
        .store
        .read_heavily::<_, Problem>(call.claim(), move |reader| {
            let asked = Question { principal: &principal, now, period, pipeline, as_of, rows: rows.clone().now() };
            let data = asked.answer(reader, user, team)?;
            let ends_on = period.end().pred_opt().unwrap_or(period.start);
            Ok(Forecast { period: period.to_string(), starts_on: period.start, ends_on, as_of, data })
        })
        .await?;
    Ok(HttpResponse::Ok().json(forecast))
}
