//! The sales funnel: how many, and how much, get from each stage to the next.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::{Field, Op},
        handle::Handle,
        record::Record,
    },
    query::{
        past::AsOf,
        predicate::{Predicate, parse::parameter_as_json},
    },
    sales::{
        opportunity::{Opportunity, OpportunityStatus},
        pipeline::Pipeline,
        stage::{Stage, StageKind},
    },
    values::{calendar::start_of_day, id::Id, time::Timestamp},
};
use farley_persistence::{Cell, Group, MAX_STAGES, Measure, Moves, Reader, StoreError, Travelled, Travels};
use serde_json::{Value, json};

use crate::{
    access::{call::Call, unrestricted::without_custom_fields},
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
#[derive(serde::Serialize, utoipa::ToSchema)]
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
                self::snapshot(reader, &predicate, group, query.as_of)?
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
            let values = self::slices(&found, making.slice.is_none()).into_iter();
            let slices = values.map(|value| making.slice(&found, &value)).collect::<Result<_, _>>()?;
            Ok(SalesFunnel { pipeline_id: pipeline, basis: basis.as_str(), from, to, as_of: query.as_of, slices })
        })
        .await?;
    Ok(HttpResponse::Ok().json(funnel))
}

/// The pipeline named, if the caller may see it; else the default one.
fn find_pipeline(
    reader: &mut Reader<'_>,
    principal: &crate::access::principal::Principal,
    now: Timestamp,
    named: Option<Id>,
) -> Result<Id, Problem> {
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

/// The stages of a pipeline in their order, retired ones too: open ones first, then won, then lost.
fn stages_of(reader: &mut Reader<'_>, pipeline: Id) -> Result<Vec<Record<Stage>>, Problem> {
    let found = reader.find(
        &without_custom_fields(Stage::object()),
        &crate::access::unrestricted::Unrestricted,
        &Stage::pipeline_id.eq(pipeline),
        MAX_STAGES,
    )?;
    let mut stages: Vec<Record<Stage>> = found.into_iter().map(Record::into_entity).collect();
    let kind = |stage: &Record<Stage>| match stage.get(Stage::kind) {
        None => 0,
        Some(StageKind::Open) => 1,
        Some(StageKind::Won) => 2,
        Some(StageKind::Lost) => 3,
    };
    stages.sort_by_key(|stage| (kind(stage), stage.get(Stage::sort_order), stage.id()));
    Ok(stages)
}

/// How the opportunities of a cohort fared.
fn cohort(
    reader: &mut Reader<'_>,
    cohort: &Predicate,
    slice: Option<&Group>,
    stages: &[Record<Stage>],
) -> Result<Travels, Problem> {
    let ids: Vec<Id> = stages.iter().map(Record::id).collect();
    Ok(reader.travels(Opportunity::object(), cohort, slice, &ids)?)
}

/// Where opportunities are, or were.
fn snapshot(
    reader: &mut Reader<'_>,
    predicate: &Predicate,
    slice: Option<&Group>,
    as_of: Option<Timestamp>,
) -> Result<Travels, Problem> {
    let object = Opportunity::object();
    let amount = Opportunity::amount.field();
    let currency = amount.currency().ok_or_else(Problem::not_found)?;
    let mut groups = vec![Group::by(&currency), Group::by(Opportunity::status.field()), Group::by(Opportunity::stage_id.field())];
    groups.extend(slice.cloned());
    let lasted = Measure::Between(Opportunity::opened_at.field().clone(), Opportunity::closed_at.field().clone());
    let measures = [Measure::Count, Measure::Sum(amount.clone()), lasted];
    let rows = reader.aggregate(object, predicate, &groups, &measures, (as_of, usize::MAX))?;
    let travelled = rows.into_iter().map(|row| {
        let count = groups.len();
        let status = row[1].as_text().map(|name| {
            let unknown = || Problem::internal("an opportunity has a status that is none");
            OpportunityStatus::from_wire(name).ok_or_else(unknown)
        });
        let status = status.transpose()?;
        let won = status == Some(OpportunityStatus::Won);
        Ok::<_, Problem>(Travelled {
            slice: if slice.is_some() { row[3].clone() } else { Cell::Null },
            currency: row[0].as_text().map(str::to_owned),
            status,
            stage_id: row[2].as_id().unwrap_or(Id::NIL),
            entered: 0,
            count: row[count].as_integer().unwrap_or(0),
            amount: i128::from(row[count + 1].as_integer().unwrap_or(0)),
            won_milliseconds: row[count + 2].as_integer().filter(|_| won).unwrap_or(0),
        })
    });
    Ok(Travels { travelled: travelled.collect::<Result<_, _>>()?, ..Travels::default() })
}

/// The values of the slice, those with most opportunities first; without a slice one, also of nothing.
fn slices(found: &Travels, whole: bool) -> Vec<Cell> {
    if whole {
        return vec![Cell::Null];
    }
    let mut slices: Vec<(i64, Cell)> = Vec::new();
    for travelled in &found.travelled {
        match slices.iter_mut().find(|(_, slice)| *slice == travelled.slice) {
            Some((count, _)) => *count += travelled.count,
            None => slices.push((travelled.count, travelled.slice.clone())),
        }
    }
    slices.sort_by(|(left, left_value), (right, right_value)| {
        right.cmp(left).then_with(|| format!("{left_value:?}").cmp(&format!("{right_value:?}")))
    });
    slices.into_iter().map(|(_, slice)| slice).collect()
}

/// What is sliced by.
struct Slice<'a> {
    name: &'a str,
    field: &'a Field,
}

/// What figures are made with.
struct Making<'a> {
    stages: &'a [Record<Stage>],
    /// The filters that all figures share.
    base: &'a [Value],
    slice: Option<Slice<'a>>,
    snapshot: bool,
}

impl Making<'_> {
    fn slice(&self, found: &Travels, value: &Cell) -> Result<FunnelSlice, StoreError> {
        let own: Vec<&Travelled> = found.travelled.iter().filter(|travelled| travelled.slice == *value).collect();
        let json = value.to_value().unwrap_or(Value::Null);
        let mut base = self.base.to_vec();
        if let Some(slice) = &self.slice {
            base.push(match value {
                // Also where there is no related record to have a value. A currency is missing where the amount is, and only that can be asked.
                Cell::Null => {
                    let field = slice.field.money().and_then(|_| slice.name.strip_suffix(".currency")).unwrap_or(slice.name);
                    json!({"not": {"field": field, "op": "null", "value": false}})
                }
                _ => json!({"field": slice.name, "op": "eq", "value": json}),
            });
        }
        let status = |wanted: OpportunityStatus| {
            figure(&base, &own, |one| one.status == Some(wanted), vec![condition(Opportunity::status, Op::Eq, wanted)])
        };
        let all = figure(&base, &own, |_| true, Vec::new())?;
        let (won, lost) = (status(OpportunityStatus::Won)?, status(OpportunityStatus::Lost)?);
        let win_rate = ratio(won.count, won.count + lost.count);
        let milliseconds: i64 = own.iter().map(|one| one.won_milliseconds).sum();
        let cycle = ratio(milliseconds, won.count * 1000);
        let stages = (0..self.stages.len()).filter_map(|place| self.stage(found, value, &own, &base, place).transpose());
        Ok(FunnelSlice {
            velocity: velocity(&all, &won, win_rate, cycle.filter(|_| !self.snapshot))?,
            stages: stages.collect::<Result<_, _>>()?,
            value: json,
            all,
            won,
            lost,
            win_rate,
            mean_cycle_seconds: cycle,
        })
    }

    fn stage(
        &self,
        found: &Travels,
        slice: &Cell,
        own: &[&Travelled],
        base: &[Value],
        place: usize,
    ) -> Result<Option<FunnelStage>, StoreError> {
        let stage = &self.stages[place];
        let (id, kind) = (stage.id(), stage.get(Stage::kind));
        let is_open = kind == Some(StageKind::Open);
        let current = figure(base, own, |one| one.stage_id == id, vec![condition(Opportunity::stage_id, Op::Eq, id)])?;
        let entered = |one: &Travelled| one.entered & (1 << place) != 0;
        let was = any_stage(&[id]);
        let figures = (!self.snapshot).then(|| -> Result<_, StoreError> {
            let leads_to = |other: &Record<Stage>| match other.get(Stage::kind) {
                Some(StageKind::Open) => is_open,
                Some(StageKind::Won) => true,
                Some(StageKind::Lost) | None => false,
            };
            let later = self.stages.iter().enumerate().skip(place + 1).filter(|(_, other)| leads_to(other));
            let later: Vec<(usize, Id)> = later.map(|(place, other)| (place, other.id())).collect();
            let mask: i64 = later.iter().map(|(place, _)| 1_i64 << place).sum();
            let ids: Vec<Id> = later.iter().map(|(_, id)| *id).collect();
            Ok((
                figure(base, own, entered, vec![was.clone()])?,
                figure(base, own, |one| entered(one) && one.entered & mask != 0, vec![was.clone(), any_stage(&ids)])?,
                figure(
                    base,
                    own,
                    |one| entered(one) && one.status == Some(OpportunityStatus::Won),
                    vec![was.clone(), condition(Opportunity::status, Op::Eq, OpportunityStatus::Won)],
                )?,
            ))
        });
        let figures = figures.transpose()?;
        let moves: Vec<&Moves> = found.moves.iter().filter(|moves| moves.slice == *slice && moves.from == id).collect();
        let (times, seconds) =
            moves.iter().fold((0, 0), |(count, seconds), moves| (count + moves.count, seconds + moves.seconds));
        let median = found.medians.iter().find(|median| median.slice == *slice && median.stage_id == id);
        let counted = current.count > 0 || figures.as_ref().is_some_and(|(entered, _, _)| entered.count > 0);
        if stage.is_archived() && !counted {
            return Ok(None);
        }
        let (entered, reached_next, won) = match figures {
            Some((entered, reached, won)) => (Some(entered), Some(reached), Some(won)),
            None => (None, None, None),
        };
        let share = |part: &Option<FunnelFigure>| ratio(part.as_ref()?.count, entered.as_ref()?.count);
        Ok(Some(FunnelStage {
            id,
            name: stage.get(Stage::name).to_owned(),
            conversion_to_next: share(&reached_next).filter(|_| is_open),
            conversion_to_won: share(&won),
            kind: kind.map_or_else(String::new, |kind| kind.as_str().to_owned()),
            current,
            left_to: self.left_to(&moves),
            mean_seconds: ratio(seconds, times),
            median_seconds: median.map(|median| median.seconds),
            entered,
            reached_next,
            won,
        }))
    }

    fn left_to(&self, moves: &[&Moves]) -> Vec<FunnelMove> {
        let mut left: Vec<FunnelMove> = moves.iter().map(|moves| FunnelMove { stage_id: moves.to, count: moves.count }).collect();
        left.sort_by_key(|moves| self.stages.iter().position(|stage| stage.id() == moves.stage_id));
        left
    }
}

/// A comparison as a client writes it.
fn condition<T>(handle: Handle<Opportunity, T>, op: Op, value: impl serde::Serialize) -> Value {
    json!({"field": handle.name(), "op": op.as_str(), "value": value})
}

fn any_stage(ids: &[Id]) -> Value {
    condition(Opportunity::entered_stage_ids, Op::Any, ids)
}

fn figure(
    base: &[Value],
    own: &[&Travelled],
    wanted: impl Fn(&Travelled) -> bool,
    more: Vec<Value>,
) -> Result<FunnelFigure, StoreError> {
    let mut amounts: BTreeMap<&str, i128> = BTreeMap::new();
    let mut count = 0;
    for one in own.iter().filter(|one| wanted(one)) {
        count += one.count;
        let Some(currency) = &one.currency else { continue };
        *amounts.entry(currency).or_default() += one.amount;
    }
    let told = amounts.into_iter().map(|(currency, sum)| {
        let amount = i64::try_from(sum).map_err(|_| StoreError::SumTooLarge)?;
        Ok(FunnelAmount { amount, currency: currency.to_owned() })
    });
    let amounts = told.collect::<Result<_, StoreError>>()?;
    let filters: Vec<Value> = base.iter().cloned().chain(more).collect();
    Ok(FunnelFigure { count, amounts, filter: json!({"and": filters}) })
}

/// A share; none of nothing.
fn ratio(part: i64, whole: i64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    (whole != 0).then(|| part as f64 / whole as f64)
}

fn velocity(
    all: &FunnelFigure,
    won: &FunnelFigure,
    win_rate: Option<f64>,
    cycle: Option<f64>,
) -> Result<Vec<FunnelAmount>, StoreError> {
    let (Some(win_rate), Some(cycle)) = (win_rate, cycle.filter(|cycle| *cycle > 0.0)) else { return Ok(Vec::new()) };
    let of = |amount: &FunnelAmount| {
        let mean = ratio(amount.amount, won.count)?;
        #[allow(clippy::cast_precision_loss, reason = "a rate, rounded to a minor unit")]
        let daily = (all.count as f64 * win_rate * mean / (cycle / 86_400.0)).round();
        if daily.abs() >= 9.2e18 {
            return Some(Err(StoreError::SumTooLarge));
        }
        #[allow(clippy::cast_possible_truncation, reason = "it was looked at before")]
        let daily = daily as i64;
        Some(Ok(FunnelAmount { amount: daily, currency: amount.currency.clone() }))
    };
    won.amounts.iter().filter_map(of).collect()
}
