//! How right forecasts were: what was forecast when a period began, as the ledger knows it, beside what was won in it.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, field::Op},
    query::predicate::Predicate,
    sales::opportunity::{ForecastCategory, Opportunity, OpportunityStatus},
    values::{
        calendar::{Period, day_of, start_of_day},
        id::Id,
        time::Timestamp,
    },
};
use farley_persistence::{Bound, Cell, Cut, Group, Measure, Reader, StoreError, rounded};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    condition,
    periods::{self, PeriodInterval},
};
use crate::{
    access::{call::Call, principal::Principal},
    http::{problem::Problem, request::parameters},
    records::body,
};

/// The categories that a forecast is made of.
const FORECAST: [ForecastCategory; 3] = [ForecastCategory::Pipeline, ForecastCategory::BestCase, ForecastCategory::Commit];

/// How right forecasts were.
#[derive(Serialize, ToSchema)]
pub struct ForecastAccuracyReport {
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-01-01")]
    pub from: NaiveDate,
    /// The day after the last day.
    #[schema(value_type = String, format = "date", example = "2027-01-01")]
    pub to: NaiveDate,
    /// One for each currency with figures.
    pub data: Vec<ForecastAccuracy>,
}

/// The forecasts in one currency.
#[derive(Serialize, ToSchema)]
pub struct ForecastAccuracy {
    #[schema(example = "CNY")]
    pub currency: String,
    /// In the order of time.
    pub periods: Vec<ForecastAccuracyPeriod>,
    /// How right the figure `commit` was.
    pub commit: ForecastError,
    /// How right the figure `weighted` was.
    pub weighted: ForecastError,
}

/// The error of a forecast over the periods that are over.
#[derive(Serialize, ToSchema)]
pub struct ForecastError {
    /// Σ (forecast − won) ÷ Σ won: above 0 if too much was forecast; null if nothing was won.
    #[schema(example = 0.12)]
    pub bias: Option<f64>,
    /// The mean of |forecast − won| ÷ won over the periods in which something was won (mean absolute percentage error); null without one.
    #[schema(example = 0.25)]
    pub mape: Option<f64>,
    /// How many periods are over.
    #[schema(example = 11)]
    pub periods: usize,
    /// In how many of these nothing was won: they are part of the bias, but not of the mean.
    #[schema(example = 1)]
    pub periods_without: usize,
}

/// One month or quarter.
#[derive(Serialize, ToSchema)]
pub struct ForecastAccuracyPeriod {
    #[schema(example = "2026-Q3")]
    pub period: String,
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-07-01")]
    pub from: NaiveDate,
    /// The day after the last day.
    #[schema(value_type = String, format = "date", example = "2026-10-01")]
    pub to: NaiveDate,
    /// Whether it is over: the errors are of those that are.
    pub is_over: bool,
    /// When it began: the time of the forecast, and the `as_of` that lists it.
    #[schema(value_type = String, format = "date-time")]
    pub as_of: Timestamp,
    /// Open opportunities of the category `pipeline` that were expected to close in the period, when it began.
    pub pipeline: ForecastAccuracyFigure,
    /// The same for the category `best_case`.
    pub best_case: ForecastAccuracyFigure,
    /// The same for the category `commit`.
    pub commit: ForecastAccuracyFigure,
    /// All of these: amount × probability ÷ 100 (0 without a probability), summed exactly and rounded once.
    pub weighted: ForecastAccuracyFigure,
    /// Opportunities won in the period by the day of `closed_at`, whether they were forecast or not, as they are now: listed without `as_of`.
    pub won: ForecastAccuracyFigure,
    /// (commit − won) ÷ won; null if nothing was won, and as long as the period is not over.
    #[schema(example = -0.05)]
    pub commit_error: Option<f64>,
    /// (weighted − won) ÷ won, likewise.
    #[schema(example = 0.08)]
    pub weighted_error: Option<f64>,
}

/// A sum of opportunities, and where to list them.
#[derive(Serialize, ToSchema)]
pub struct ForecastAccuracyFigure {
    #[schema(example = 7)]
    pub count: i64,
    /// In minor units.
    #[schema(example = 30_000_000)]
    pub amount: i64,
    /// Lists them: the `filter` of `POST /v1/opportunities/search`.
    #[schema(value_type = Object)]
    pub filter: Value,
}

crate::query! {
    /// Which periods, and whose opportunities.
    pub struct ForecastAccuracyQuery {
        /// A day of the first period, in the tenant's time zone. Defaults to eleven periods before the one of `to`.
        from: Option<NaiveDate> => date().example("2026-01-01"),
        /// The day after a day of the last period. Defaults to tomorrow; periods that have not begun are left out.
        to: Option<NaiveDate> => date().example("2027-01-01"),
        /// How long the periods are; at most 24 of them.
        interval: Option<PeriodInterval> => choice(PeriodInterval::choices()).default("month"),
        /// Only opportunities of this owner: the one at the time of the forecast, and the present one of what was won.
        owner_id: Option<Id> => reference("user"),
        /// Only opportunities of this team, likewise.
        team_id: Option<Id> => reference("team"),
        /// Only opportunities of this pipeline, likewise.
        pipeline_id: Option<Id> => reference("pipeline"),
    }
}

/// Get forecast accuracy
///
/// Compares what was forecast when each month or quarter began, according to the ledger, with what was won in it, per currency: the sums of
/// each forecast category and the weighted sum of the opportunities that were open then and expected to close in the period, the amount won,
/// the error of each period, and the bias and the mean absolute percentage error of those that are over. Rights are those of now. What was
/// opened and won within a period was not in its forecast. Overrides of forecasts do not count.
#[utoipa::path(tag = "reports", operation_id = "getForecastAccuracy", params(ForecastAccuracyQuery),
    responses((status = 200, description = "The accuracy.", body = ForecastAccuracyReport)))]
#[get("/v1/reports/forecast-accuracy")]
pub async fn forecast_accuracy(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(Opportunity::object(), Action::Read)?;
    let made_of = [
        Opportunity::amount.field(),
        Opportunity::probability.field(),
        Opportunity::forecast_category.field(),
        Opportunity::status.field(),
        Opportunity::expected_close_on.field(),
        Opportunity::closed_at.field(),
    ];
    call.demand_fields(Opportunity::object(), &made_of)?;
    let query = body::read_query::<ForecastAccuracyQuery>(&parameters(&request)?)?;
    let filters = periods::narrowed(
        &call,
        [
            (Opportunity::owner_id, query.get(ForecastAccuracyQuery::owner_id)),
            (Opportunity::team_id, query.get(ForecastAccuracyQuery::team_id)),
            (Opportunity::pipeline_id, query.get(ForecastAccuracyQuery::pipeline_id)),
        ],
    )?;
    let days = (query.get(ForecastAccuracyQuery::from), query.get(ForecastAccuracyQuery::to));
    let periods = periods::begun(days, query.get(ForecastAccuracyQuery::interval), &call)?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let report = call
        .state
        .store
        .report::<_, Problem>(call.claim(), move |reader| {
            let shared = Predicate::Archived(false).and(rows.clone().now());
            let shared = filters.iter().fold(shared, |shared, filter| shared.and(filter.0.clone()));
            let base = filters.iter().map(|filter| filter.1.clone()).collect();
            Asked { principal: &principal, now, periods: &periods, shared, base }.report(reader)
        })
        .await?;
    Ok(HttpResponse::Ok().json(report))
}

/// What is added up of a period in one currency.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// Count and amount, in the order of `FORECAST`.
    forecast: [(i64, i64); FORECAST.len()],
    whole: i128,
    hundredths: i128,
    won: (i64, i64),
}

/// The sums of each period, by currency.
type ByCurrency = BTreeMap<String, Vec<Sums>>;

struct Asked<'a> {
    principal: &'a Principal,
    now: Timestamp,
    periods: &'a [Period],
    shared: Predicate,
    base: Vec<Value>,
}

impl Asked<'_> {
    fn report(&self, reader: &mut Reader<'_>) -> Result<ForecastAccuracyReport, Problem> {
        let mut found = ByCurrency::new();
        for (place, period) in self.periods.iter().enumerate() {
            self.add_forecast(reader, place, *period, &mut found)?;
        }
        self.add_won(reader, &mut found)?;
        let data = found.iter().map(|(currency, sums)| self.accuracy(currency, sums)).collect::<Result<_, StoreError>>()?;
        let today = day_of(self.now, self.principal.standards(self.now).zone);
        Ok(ForecastAccuracyReport {
            from: self.periods.first().map_or(today, |period| period.start),
            to: self.periods.last().map_or(today, |period| period.end()),
            data,
        })
    }

    fn at(&self, day: NaiveDate) -> Timestamp {
        start_of_day(day, self.principal.standards(self.now).zone)
    }

    fn sums<'f>(&self, found: &'f mut ByCurrency, currency: &str, place: usize) -> Option<&'f mut Sums> {
        let nothing = || vec![Sums::default(); self.periods.len()];
        found.entry(currency.to_owned()).or_insert_with(nothing).get_mut(place)
    }

    /// What was forecast for a period when it began.
    fn add_forecast(&self, reader: &mut Reader<'_>, place: usize, period: Period, found: &mut ByCurrency) -> Result<(), Problem> {
        let open = self
            .shared
            .clone()
            .and(Opportunity::status.eq(OpportunityStatus::Open))
            .and(Opportunity::forecast_category.is_in(FORECAST))
            .and(Opportunity::expected_close_on.gte(period.start))
            .and(Opportunity::expected_close_on.lt(period.end()));
        let (amount, probability) = (Opportunity::amount.field().clone(), Opportunity::probability.field().clone());
        let currency = amount.currency().ok_or_else(Problem::not_found)?;
        let groups = [&currency, Opportunity::forecast_category.field()].map(Group::by);
        let measures = [Measure::Count, Measure::Sum(amount.clone()), Measure::Weighted(amount, probability)];
        let within = (Some(self.at(period.start)), usize::MAX);
        for row in reader.aggregate(Opportunity::object(), &open, &groups, &measures, within)? {
            let (Some(currency), Some(category)) = (row[0].as_text(), row[1].as_text()) else { continue };
            let number = |place: usize| row.get(place).and_then(Cell::as_integer).unwrap_or(0);
            let Some(sums) = self.sums(found, currency, place) else { continue };
            if let Some(own) = FORECAST.iter().position(|known| known.as_str() == category) {
                sums.forecast[own] = (number(2), number(3));
            }
            sums.whole += i128::from(number(4));
            sums.hundredths += i128::from(number(5));
        }
        Ok(())
    }

    /// What was won in each period, read at once.
    fn add_won(&self, reader: &mut Reader<'_>, found: &mut ByCurrency) -> Result<(), Problem> {
        let (Some(first), Some(last)) = (self.periods.first(), self.periods.last()) else { return Ok(()) };
        let won = self
            .shared
            .clone()
            .and(Opportunity::status.eq(OpportunityStatus::Won))
            .and(Opportunity::closed_at.gte(self.at(first.start)))
            .and(Opportunity::closed_at.lt(self.at(last.end())));
        let amount = Opportunity::amount.field().clone();
        let currency = amount.currency().ok_or_else(Problem::not_found)?;
        let bounds = self.periods.iter().skip(1).map(|period| Bound::Time(self.at(period.start))).collect();
        let cut = Group { cut: Some(Cut::at(bounds)), ..Group::by(Opportunity::closed_at.field()) };
        let groups = [cut, Group::by(&currency)];
        let measures = [Measure::Count, Measure::Sum(amount)];
        for row in reader.aggregate(Opportunity::object(), &won, &groups, &measures, (None, usize::MAX))? {
            let number = |place: usize| row.get(place).and_then(Cell::as_integer);
            let place = number(0).and_then(|place| usize::try_from(place).ok());
            let (Some(place), Some(currency)) = (place, row[1].as_text()) else { continue };
            if let Some(sums) = self.sums(found, currency, place) {
                sums.won = (number(2).unwrap_or(0), number(3).unwrap_or(0));
            }
        }
        Ok(())
    }

    fn accuracy(&self, currency: &str, sums: &[Sums]) -> Result<ForecastAccuracy, StoreError> {
        let periods = self.periods.iter().zip(sums).map(|(period, sums)| self.period(currency, *period, sums));
        let periods: Vec<ForecastAccuracyPeriod> = periods.collect::<Result<_, _>>()?;
        let error = |forecast: fn(&ForecastAccuracyPeriod) -> i64| error_of(&periods, forecast);
        let (commit, weighted) = (error(|period| period.commit.amount), error(|period| period.weighted.amount));
        Ok(ForecastAccuracy { currency: currency.to_owned(), periods, commit, weighted })
    }

    fn period(&self, currency: &str, period: Period, sums: &Sums) -> Result<ForecastAccuracyPeriod, StoreError> {
        let (start, end) = (self.at(period.start), self.at(period.end()));
        let listed = |(count, amount): (i64, i64), more: Vec<Value>| {
            let mut filters = self.base.clone();
            let path = format!("{}.currency", Opportunity::amount.name());
            filters.push(json!({"field": path, "op": Op::Eq.as_str(), "value": currency}));
            filters.extend(more);
            ForecastAccuracyFigure { count, amount, filter: json!({"and": filters}) }
        };
        let open = |categories: &[ForecastCategory]| {
            vec![
                condition(Opportunity::status, Op::Eq, OpportunityStatus::Open),
                condition(Opportunity::forecast_category, Op::In, categories),
                condition(Opportunity::expected_close_on, Op::Gte, period.start),
                condition(Opportunity::expected_close_on, Op::Lt, period.end()),
            ]
        };
        let won = vec![
            condition(Opportunity::status, Op::Eq, OpportunityStatus::Won),
            condition(Opportunity::closed_at, Op::Gte, start),
            condition(Opportunity::closed_at, Op::Lt, end),
        ];
        let [pipeline, best_case, commit] = [0, 1, 2].map(|place| listed(sums.forecast[place], open(&FORECAST[place..=place])));
        let count = sums.forecast.iter().map(|(count, _)| count).sum();
        let weighted = listed((count, rounded(sums.whole, sums.hundredths)?), open(&FORECAST));
        let is_over = end <= self.now;
        let error = |forecast: i64| if is_over { share(difference(forecast, sums.won.1), sums.won.1.into()) } else { None };
        Ok(ForecastAccuracyPeriod {
            period: period.to_string(),
            from: period.start,
            to: period.end(),
            is_over,
            as_of: start,
            commit_error: error(commit.amount),
            weighted_error: error(weighted.amount),
            pipeline,
            best_case,
            commit,
            weighted,
            won: listed(sums.won, won),
        })
    }
}

fn difference(forecast: i64, won: i64) -> i128 {
    i128::from(forecast) - i128::from(won)
}

/// A share; none of nothing.
fn share(part: i128, whole: i128) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    (whole != 0).then(|| part as f64 / whole as f64)
}

fn error_of(periods: &[ForecastAccuracyPeriod], forecast: fn(&ForecastAccuracyPeriod) -> i64) -> ForecastError {
    let over: Vec<(i128, i128)> = periods
        .iter()
        .filter(|period| period.is_over)
        .map(|period| (difference(forecast(period), period.won.amount), period.won.amount.into()))
        .collect();
    let errors: Vec<f64> = over.iter().filter_map(|(difference, won)| share(difference.abs(), *won)).collect();
    #[allow(clippy::cast_precision_loss, reason = "a few periods")]
    let mape = (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64);
    ForecastError {
        bias: share(over.iter().map(|one| one.0).sum(), over.iter().map(|one| one.1).sum()),
        mape,
        periods: over.len(),
        periods_without: over.len() - errors.len(),
    }
}
