//! Sales velocity over time: how much the opportunities opened in each period bring in a day, and what it is made of.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, field::Op},
    query::predicate::Predicate,
    sales::opportunity::{Opportunity, OpportunityStatus},
    values::{
        calendar::{Period, start_of_day},
        id::Id,
    },
};
use farley_persistence::{Bound, Cell, Cut, Group, Measure, Reader, StoreError};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    condition,
    periods::{self, PeriodInterval},
    sales_funnel::{FunnelAmount, FunnelFigure, ratio, velocity},
};
use crate::{
    access::call::Call,
    http::{problem::Problem, request::parameters},
    records::body,
};

/// Sales velocity, period by period.
#[derive(Serialize, ToSchema)]
pub struct SalesVelocityReport {
    /// In the order of time.
    pub periods: Vec<SalesVelocityPeriod>,
}

/// The opportunities opened in one month or quarter.
#[derive(Serialize, ToSchema)]
pub struct SalesVelocityPeriod {
    #[schema(example = "2026-Q3")]
    pub period: String,
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-07-01")]
    pub from: NaiveDate,
    /// The day after the last day.
    #[schema(value_type = String, format = "date", example = "2026-10-01")]
    pub to: NaiveDate,
    /// The opportunities opened in the period (`opened_at`), with whatever became of them since.
    pub all: FunnelFigure,
    /// Those of them that are won, whenever that was.
    pub won: FunnelFigure,
    /// Those of them that are lost.
    pub lost: FunnelFigure,
    /// won ÷ (won + lost), by number of opportunities, 0 to 1; null if none are closed.
    #[schema(example = 0.63)]
    pub win_rate: Option<f64>,
    /// The amount won in each currency ÷ won.count, rounded to a minor unit; won.count includes those won in any currency and those without
    /// an amount.
    pub mean_won_amounts: Vec<FunnelAmount>,
    /// The mean time from `opened_at` to `closed_at` of those that are won, in seconds; null if there are none.
    #[schema(example = 4_147_200)]
    pub mean_cycle_seconds: Option<f64>,
    /// all.count × win_rate × (amount won ÷ won.count) ÷ (mean_cycle_seconds ÷ 86,400), per currency, in minor units per day, rounded.
    /// Empty if nothing was won, and if the cycle is zero.
    pub velocity: Vec<FunnelAmount>,
}

crate::query! {
    /// Which periods, and whose opportunities.
    pub struct SalesVelocityQuery {
        /// A day of the first period, in the tenant's time zone. Defaults to eleven periods before the one of `to`.
        from: Option<NaiveDate> => date().example("2026-01-01"),
        /// The day after a day of the last period. Defaults to tomorrow; periods that have not begun are left out.
        to: Option<NaiveDate> => date().example("2027-01-01"),
        /// How long the periods are; at most 24 of them.
        interval: Option<PeriodInterval> => choice(PeriodInterval::choices()).default("month"),
        /// Only opportunities of this owner.
        owner_id: Option<Id> => reference("user"),
        /// Only opportunities of this team.
        team_id: Option<Id> => reference("team"),
        /// Only opportunities of this pipeline.
        pipeline_id: Option<Id> => reference("pipeline"),
    }
}

/// Get sales velocity over time
///
/// Returns for each month or quarter the opportunities opened in it, their win rate, mean amount won and mean cycle, and the sales velocity
/// that these make: the figures of `GET /v1/reports/sales-funnel` for the cohort of each period. Opportunities that are still open are part
/// of the number, so that the latest periods change until all of theirs are closed.
#[utoipa::path(tag = "reports", operation_id = "getSalesVelocity", params(SalesVelocityQuery),
    responses((status = 200, description = "The velocity.", body = SalesVelocityReport)))]
#[get("/v1/reports/sales-velocity")]
pub async fn sales_velocity(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(Opportunity::object(), Action::Read)?;
    let made_of = [
        Opportunity::amount.field(),
        Opportunity::status.field(),
        Opportunity::opened_at.field(),
        Opportunity::closed_at.field(),
    ];
    call.demand_fields(Opportunity::object(), &made_of)?;
    let query = body::read_query::<SalesVelocityQuery>(&parameters(&request)?)?;
    let filters = periods::narrowed(
        &call,
        [
            (Opportunity::owner_id, query.get(SalesVelocityQuery::owner_id)),
            (Opportunity::team_id, query.get(SalesVelocityQuery::team_id)),
            (Opportunity::pipeline_id, query.get(SalesVelocityQuery::pipeline_id)),
        ],
    )?;
    let days = (query.get(SalesVelocityQuery::from), query.get(SalesVelocityQuery::to));
    let periods = periods::begun(days, query.get(SalesVelocityQuery::interval), &call)?;
    let zone = call.principal.standards(call.now).zone;
    let report = call
        .state
        .store
        .report::<_, Problem>(call.claim(), move |reader| {
            let shared = Predicate::Archived(false).and(rows.clone().now());
            let shared = filters.iter().fold(shared, |shared, filter| shared.and(filter.0.clone()));
            let base = filters.iter().map(|filter| filter.1.clone()).collect();
            let found = read(reader, &shared, &periods, zone)?;
            let asked = Asked { zone, base };
            let periods = periods.iter().zip(&found).map(|(period, counts)| asked.period(*period, counts));
            Ok(SalesVelocityReport { periods: periods.collect::<Result<_, StoreError>>()? })
        })
        .await?;
    Ok(HttpResponse::Ok().json(report))
}

/// What is counted of opportunities.
#[derive(Clone, Default)]
struct Counts {
    count: i64,
    amounts: BTreeMap<String, i128>,
}

impl Counts {
    fn add(&mut self, count: i64, amount: Option<(&str, i64)>) {
        self.count += count;
        if let Some((currency, amount)) = amount {
            *self.amounts.entry(currency.to_owned()).or_default() += i128::from(amount);
        }
    }
}

/// What is counted of a period.
#[derive(Clone, Default)]
struct Found {
    all: Counts,
    won: Counts,
    lost: Counts,
    /// From beginning to end, of those won.
    milliseconds: i64,
}

/// Counts all periods at once.
fn read(reader: &mut Reader<'_>, shared: &Predicate, periods: &[Period], zone: chrono_tz::Tz) -> Result<Vec<Found>, Problem> {
    let mut found = vec![Found::default(); periods.len()];
    let (Some(first), Some(last)) = (periods.first(), periods.last()) else { return Ok(found) };
    let opened = shared
        .clone()
        .and(Opportunity::opened_at.gte(start_of_day(first.start, zone)))
        .and(Opportunity::opened_at.lt(start_of_day(last.end(), zone)));
    let amount = Opportunity::amount.field().clone();
    let currency = amount.currency().ok_or_else(Problem::not_found)?;
    let bounds = periods.iter().skip(1).map(|period| Bound::Time(start_of_day(period.start, zone))).collect();
    let cut = Group { cut: Some(Cut::at(bounds)), ..Group::by(Opportunity::opened_at.field()) };
    let groups = [cut, Group::by(Opportunity::status.field()), Group::by(&currency)];
    let lasted = Measure::Between(Opportunity::opened_at.field().clone(), Opportunity::closed_at.field().clone());
    let measures = [Measure::Count, Measure::Sum(amount), lasted];
    for row in reader.aggregate(Opportunity::object(), &opened, &groups, &measures, (None, usize::MAX))? {
        let number = |place: usize| row.get(place).and_then(Cell::as_integer);
        let place = number(0).and_then(|place| usize::try_from(place).ok());
        let Some(own) = place.and_then(|place| found.get_mut(place)) else { continue };
        let count = number(3).unwrap_or(0);
        let amount = row[2].as_text().map(|currency| (currency, number(4).unwrap_or(0)));
        own.all.add(count, amount);
        match row[1].as_text().and_then(OpportunityStatus::from_wire) {
            Some(OpportunityStatus::Won) => {
                own.won.add(count, amount);
                own.milliseconds += number(5).unwrap_or(0);
            }
            Some(OpportunityStatus::Lost) => own.lost.add(count, amount),
            Some(OpportunityStatus::Open) | None => {}
        }
    }
    Ok(found)
}

struct Asked {
    zone: chrono_tz::Tz,
    base: Vec<Value>,
}

impl Asked {
    fn period(&self, period: Period, found: &Found) -> Result<SalesVelocityPeriod, StoreError> {
        let figure = |counts: &Counts, status: Option<OpportunityStatus>| {
            let mut filters = self.base.clone();
            filters.push(condition(Opportunity::opened_at, Op::Gte, start_of_day(period.start, self.zone)));
            filters.push(condition(Opportunity::opened_at, Op::Lt, start_of_day(period.end(), self.zone)));
            filters.extend(status.map(|status| condition(Opportunity::status, Op::Eq, status)));
            let amounts = counts.amounts.iter().map(|(currency, amount)| {
                let amount = i64::try_from(*amount).map_err(|_| StoreError::SumTooLarge)?;
                Ok(FunnelAmount { amount, currency: currency.clone() })
            });
            Ok::<_, StoreError>(FunnelFigure {
                count: counts.count,
                amounts: amounts.collect::<Result<_, StoreError>>()?,
                filter: json!({"and": filters}),
            })
        };
        let all = figure(&found.all, None)?;
        let won = figure(&found.won, Some(OpportunityStatus::Won))?;
        let lost = figure(&found.lost, Some(OpportunityStatus::Lost))?;
        let win_rate = ratio(won.count, won.count + lost.count);
        let cycle = ratio(found.milliseconds, won.count * 1000);
        let mean = |amount: &FunnelAmount| {
            #[allow(clippy::cast_possible_truncation, reason = "a mean is no larger than what it is of")]
            ratio(amount.amount, won.count).map(|mean| FunnelAmount { amount: mean.round() as i64, ..amount.clone() })
        };
        Ok(SalesVelocityPeriod {
            period: period.to_string(),
            from: period.start,
            to: period.end(),
            win_rate,
            mean_won_amounts: won.amounts.iter().filter_map(mean).collect(),
            mean_cycle_seconds: cycle,
            velocity: velocity(&all, &won, win_rate, cycle)?,
            all,
            won,
            lost,
        })
    }
}
