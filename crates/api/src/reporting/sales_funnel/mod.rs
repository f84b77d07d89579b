//! The sales funnel: how many, and how much, get from each stage to the next.

mod computation;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::Op,
        handle::Handle,
        record::Record,
    },
    query::{
        past::AsOf,
        predicate::{Predicate, parse::parameter_as_json},
    },
    sales::{opportunity::Opportunity, pipeline::Pipeline},
    values::{calendar::start_of_day, id::Id, time::Timestamp},
};
use farley_persistence::Reader;
use serde_json::Value;

use self::computation::{Making, Slice, cohort, condition, stages_of};
pub(super) use self::computation::{ratio, velocity};
use crate::{
    access::{call::Call, principal::Principal, unrestricted::without_custom_fields},
    http::{problem::Problem, request::parameters},
    records::{body, parameters::Filters, summary},
};

/// A funnel.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct SalesFunnel {
    /// The pipeline. An opportunity that has changed pipelines counts only in the pipeline it is in now, or was in at the time
    /// of the snapshot, with the stages it has been in there.
    #[schema(value_type = String, format = "uuid")]
    pub pipeline_id: Id,
    /// `cohort` or `snapshot`.
    #[schema(example = "cohort")]
    pub basis: &'static str,
    /// The first day of the cohort.
    #[schema(value_type = Option<String>, format = "date", example = "2026-01-01")]
    pub from: Option<NaiveDate>,
    /// The day after the last day of the cohort.
    #[schema(value_type = Option<String>, format = "date", example = "2027-01-01")]
    pub to: Option<NaiveDate>,
    /// The time of the snapshot, if it is in the past.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub as_of: Option<Timestamp>,
    /// One funnel for each value of the slice field; a single one if the funnel is not sliced.
    pub slices: Vec<FunnelSlice>,
}

/// The funnel of the opportunities with one value.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct FunnelSlice {
    /// The value; null for opportunities without a value, and if the funnel is not sliced.
    #[schema(value_type = Value)]
    pub value: Value,
    /// All opportunities of the cohort or snapshot.
    pub all: FunnelFigure,
    pub won: FunnelFigure,
    pub lost: FunnelFigure,
    /// won ÷ (won + lost), by number of opportunities, 0 to 1; null if none are closed.
    #[schema(example = 0.63)]
    pub win_rate: Option<f64>,
    /// The mean time from `opened_at` to `closed_at` of won opportunities, in seconds; null if there are none. In a snapshot of
    /// the past, of those that were won at that time.
    #[schema(example = 4_147_200)]
    pub mean_cycle_seconds: Option<f64>,
    /// Sales velocity: all.count × win_rate × (won amount in the currency ÷ won.count) ÷ (mean_cycle_seconds ÷ 86,400), per
    /// currency, in minor units per day, rounded. all.count includes open, won and lost opportunities; won.count includes those
    /// won in any currency and those without an amount. Empty if nothing was won, if the cycle is zero, and in a snapshot.
    pub velocity: Vec<FunnelAmount>,
    /// The stages in order; archived stages only if they contain any opportunities.
    pub stages: Vec<FunnelStage>,
}

/// One stage of a funnel.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct FunnelStage {
    #[schema(value_type = String, format = "uuid")]
    pub id: Id,
    #[schema(example = "Proposal")]
    pub name: String,
    /// `open`, `won` or `lost`.
    #[schema(example = "open")]
    pub kind: String,
    /// The opportunities in the stage now, or at the time of the snapshot.
    pub current: FunnelFigure,
    /// The opportunities of the cohort that have ever been in the stage. Null in a snapshot, as are all of the following
    /// figures.
    pub entered: Option<FunnelFigure>,
    /// Of the opportunities that entered, those that have also been in a later open stage, whether before or after this one, or
    /// in a stage of the kind `won`. “Later” refers to the current order of the stages, including archived ones. For a stage
    /// that ends a sale, only later stages of the kind `won` count.
    pub reached_next: Option<FunnelFigure>,
    /// reached_next ÷ entered, by number of opportunities, 0 to 1; null if none entered, and for stages that end a sale.
    #[schema(example = 0.58)]
    pub conversion_to_next: Option<f64>,
    /// Of the opportunities that entered, those that are now won.
    pub won: Option<FunnelFigure>,
    /// won ÷ entered, by number of opportunities, 0 to 1; null if none entered.
    #[schema(example = 0.31)]
    pub conversion_to_won: Option<f64>,
    /// Moves out of the stage, by destination stage, which can belong to another pipeline. An opportunity that left twice
    /// counts twice.
    pub left_to: Vec<FunnelMove>,
    /// The mean time from entering the stage to leaving it, over all moves out of it, in seconds. Opportunities still in the
    /// stage do not count.
    #[schema(example = 1_036_800.0)]
    pub mean_seconds: Option<f64>,
    /// The median of the same times, in seconds.
    #[schema(example = 864_000.0)]
    pub median_seconds: Option<f64>,
}

/// A number of opportunities, their current amounts, and where to list them.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct FunnelFigure {
    #[schema(example = 42)]
    pub count: i64,
    /// The sum of their current amounts per currency, or of their amounts at the time of a past snapshot. Empty if amounts are
    /// hidden from you.
    pub amounts: Vec<FunnelAmount>,
    /// Lists them: the `filter` of `POST /v1/opportunities/search` (with the same `as_of`).
    #[schema(value_type = Object, example = json!({"and": [{"field": "status", "op": "eq", "value": "won"}]}))]
    pub filter: Value,
}

/// An amount in minor units of one currency.
#[derive(Clone, serde::Serialize, utoipa::ToSchema)]
pub struct FunnelAmount {
    #[schema(example = 1_234_500)]
    pub amount: i64,
    #[schema(example = "CNY")]
    pub currency: String,
}

/// Moves to one stage.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct FunnelMove {
    #[schema(value_type = String, format = "uuid")]
    pub stage_id: Id,
    #[schema(example = 17)]
    pub count: i64,
}

farley_domain::choices! {
    /// The opportunities that a funnel covers.
    pub enum FunnelBasis {
        Cohort "cohort" "Opened in a period" "期间内开始的商机",
        Snapshot "snapshot" "Current state" "当前商机",
    }
}

crate::query! {
    /// Which funnel.
    pub struct FunnelQuery {
        /// The basis of the funnel. Defaults to a cohort.
        basis: Option<FunnelBasis> => choice(FunnelBasis::choices()).example("cohort"),
        /// The first day of the cohort. Defaults to the very first opportunity.
        from: Option<NaiveDate> => date().example("2026-01-01"),
        /// The day after the last day of the cohort. Defaults to now.
        to: Option<NaiveDate> => date().example("2027-01-01"),
        /// The pipeline. Defaults to the default pipeline.
        pipeline_id: Option<Id> => reference("pipeline"),
        /// A field to slice by: a single-valued field of the opportunity, including `custom.key`, or of a related record.
        slice: Option<String> => text(300).example("owner_id"),
    }
}

type OpportunityFilters = Filters<Opportunity>;

/// Get the sales funnel
///
/// Shows how the opportunities that you can see progress through the stages of one pipeline. With the basis **cohort**, it
/// covers opportunities opened (`opened_at`) from the day `from` to the day before `to`, in the tenant's time zone, including
/// everything that has happened to them since. With the basis **snapshot**, it covers all opportunities of the pipeline as they
/// are now, or were at `as_of`. An opportunity that has changed pipelines counts only in the pipeline it is in now, or was in
/// at the time of the snapshot, with the stages it has been in there. The filters of `GET /v1/opportunities` apply to both.
/// Amounts are summed per currency. Each figure is defined in the schema, and in English and Chinese at `GET
/// /v1/metadata/figures`.
#[utoipa::path(tag = "reports", operation_id = "getSalesFunnel",
    params(FunnelQuery, OpportunityFilters),
    responses((status = 200, description = "The funnel.", body = SalesFunnel)))]
#[get("/v1/reports/sales-funnel")]
pub async fn sales_funnel(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let object = Opportunity::object();
    call.rows(object, Action::Read)?;
    call.demand_fields(object, &[Opportunity::stage_id.field(), Opportunity::status.field()])?;
    let mut parameters = parameters(&request)?;
    let present = call.view();
    let view = AsOf::of_parameters(&present, object, &parameters);
    let mut faults = Faults::default();
    let slice = parameters.iter().find(|(name, _)| name == FunnelQuery::slice.name()).map(|(_, name)| name.clone());
    let asked = match body::take_query::<FunnelQuery>(&mut parameters) {
        Ok(asked) => asked,
        Err(mut found) => {
            // What is wrong with the slice and the filters is told as well.
            found.keep(slice.map(|name| summary::group(object, &name, FunnelQuery::slice.name(), &view)).transpose());
            summary::filters(object, &mut parameters, found.clone(), &view)?;
            return Err(found.into());
        }
    };
    let basis = asked.get(FunnelQuery::basis).unwrap_or(FunnelBasis::Cohort);
    let snapshot = basis == FunnelBasis::Snapshot;
    let day = |handle: Handle<FunnelQuery, Option<NaiveDate>>, faults: &mut Faults| {
        let day = asked.get(handle);
        if snapshot && day.is_some() {
            faults.add(Fault::new(handle.name(), FaultCode::UnknownParameter));
        }
        day
    };
    let (from, to) = (day(FunnelQuery::from, &mut faults), day(FunnelQuery::to, &mut faults));
    let pipeline = asked.get(FunnelQuery::pipeline_id);
    let slice = asked.get(FunnelQuery::slice).map(str::to_owned);
    let slice = slice.and_then(|name| {
        let group = summary::group(object, &name, FunnelQuery::slice.name(), &view);
        Some((faults.keep(group)?, name))
    });
    let query = summary::filters(object, &mut parameters, faults, &view)?;
    if query.as_of.is_some() && !snapshot {
        return Err(Fault::new("as_of", FaultCode::Conflicting).with("other", "basis=cohort").into());
    }
    let given: Vec<Value> = parameters.iter().filter_map(|(name, text)| parameter_as_json(object, name, text, &view)).collect();
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let funnel = call
        .state
        .store
        .report::<_, Problem>(call.claim(), move |reader| {
            let pipeline = find_pipeline(reader, &principal, now, pipeline)?;
            let stages = stages_of(reader, pipeline)?;
            let zone = principal.standards(now).zone;
            let start = |day: Option<NaiveDate>| day.map(|day| start_of_day(day, zone));
            let mut predicate = query.predicate.clone().and(Opportunity::pipeline_id.eq(pipeline));
            let mut base = vec![condition(Opportunity::pipeline_id, Op::Eq, pipeline)];
            if let Some(time) = start(from) {
                predicate = predicate.and(Opportunity::opened_at.gte(time));
                base.push(condition(Opportunity::opened_at, Op::Gte, time));
            }
            if let Some(time) = start(to) {
                predicate = predicate.and(Opportunity::opened_at.lt(time));
                base.push(condition(Opportunity::opened_at, Op::Lt, time));
            }
            base.extend(given);
            let group = slice.as_ref().map(|(group, _)| group);
            let found = if snapshot {
                computation::snapshot(reader, &predicate, group, query.as_of)?
            } else {
                cohort(reader, &predicate, group, &stages)?
            };
            let slice = slice.as_ref().map(|(group, name)| Slice { name, field: &group.field });
            // What a role hides is not told by its sum either.
            let mut found = found;
            if !principal.asker.sees(object, Opportunity::amount.field()) {
                found.travelled.iter_mut().for_each(|one| one.currency = None);
            }
            let making = Making { stages: &stages, base: &base, slice, snapshot };
            let values = computation::slices(&found, making.slice.is_none()).into_iter();
            let slices = values.map(|value| making.slice(&found, &value)).collect::<Result<_, _>>()?;
            Ok(SalesFunnel { pipeline_id: pipeline, basis: basis.as_str(), from, to, as_of: query.as_of, slices })
        })
        .await?;
    Ok(HttpResponse::Ok().json(funnel))
}

/// The pipeline named, if the caller may see it; else the default one.
fn find_pipeline(reader: &mut Reader<'_>, principal: &Principal, now: Timestamp, named: Option<Id>) -> Result<Id, Problem> {
    let object = Pipeline::object();
    let rows =
        principal.asker.rows(object, Action::Read).ok_or_else(|| Problem::forbidden(Action::Read.as_str(), Pipeline::NAME))?;
    let which = match named {
        Some(id) => Pipeline::id.eq(id),
        None => Pipeline::is_default.eq(true).and(Predicate::Archived(false)),
    };
    let found = reader.find(&without_custom_fields(object), &principal.view(now), &rows.and(which), 1)?;
    found.first().map(Record::id).ok_or_else(|| Fault::new(FunnelQuery::pipeline_id.name(), FaultCode::NotFound).into())
}
