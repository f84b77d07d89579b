//! The board of a pipeline: its open opportunities, stage by stage, and on request those won and lost with their reasons.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    choices,
    identity::access::Action,
    model::{entity::Entity, field::Field, record::Record},
    query::{
        list::{SortBy, SortKey},
        predicate::{Predicate, View},
    },
    sales::{
        opportunity::{Opportunity, OpportunityStatus},
        pipeline::Pipeline,
        stage::{Stage, StageKind},
    },
    values::id::Id,
};
use farley_persistence::{Cell, Group, Measure, Reader, StoreError, rounded};
use serde_json::value::RawValue;

use crate::{
    access::{call::Call, unrestricted::without_custom_fields},
    http::{problem::Problem, request::parameters},
    records::{body, columns, named::Named, parameters::Filters, read::PageInfo, summary},
};

/// How many reasons are told of a stage.
const REASONS: usize = 50;

/// The open opportunities of a pipeline by stage.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Board {
    /// The open stages, in order.
    pub stages: Vec<BoardStage>,
    /// The won and lost stages, in order; only with `include=closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_stages: Option<Vec<BoardClosedStage>>,
}

/// One stage of a board.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct BoardStage {
    #[schema(value_type = String, format = "uuid")]
    pub id: Id,
    #[schema(example = "Proposal")]
    pub name: String,
    pub sort_order: Option<i64>,
    pub rotting_days: Option<i64>,
    /// The number of opportunities in the stage.
    #[schema(example = 42)]
    pub count: i64,
    /// Totals per currency, sorted by currency; opportunities without an amount are listed last, under the currency null. Empty
    /// if amounts or probabilities are hidden from you.
    pub totals: Vec<BoardTotal>,
    /// The first of them, in the order of their `position`.
    #[schema(schema_with = opportunities)]
    pub opportunities: Box<RawValue>,
    /// The cursor for the next opportunities: the `cursor` of `GET /v1/opportunities?stage_id=…&sort=position` with the same
    /// filters.
    pub page: PageInfo,
}

fn opportunities() -> utoipa::openapi::Array {
    utoipa::openapi::Array::new(utoipa::openapi::Ref::from_schema_name("Opportunity"))
}

/// The totals of a stage in one currency.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct BoardTotal {
    #[schema(example = "CNY")]
    pub currency: Option<String>,
    #[schema(example = 42)]
    pub count: i64,
    /// The sum of their amounts, in minor units.
    #[schema(example = 1_234_500)]
    pub amount: i64,
    /// The sum of amount × probability ÷ 100 (0 without a probability), in minor units, rounded once at the end.
    #[schema(example = 617_250)]
    pub weighted: i64,
}

/// A stage whose opportunities are won or lost.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct BoardClosedStage {
    #[serde(flatten)]
    pub stage: BoardStage,
    #[schema(value_type = String, example = "lost")]
    pub kind: StageKind,
    /// Why they were won or lost, the most frequent reasons first, at most 50; null with `as_of`, and if reasons are hidden from
    /// you.
    pub reasons: Option<Vec<BoardReason>>,
}

/// A reason for which opportunities were won or lost.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct BoardReason {
    /// Their `close_reason`; null for those without one.
    #[schema(example = "价格")]
    pub reason: Option<String>,
    #[schema(example = 7)]
    pub count: i64,
    /// Totals per currency, as for the stage.
    pub totals: Vec<BoardReasonTotal>,
}

/// The total of a reason in one currency.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct BoardReasonTotal {
    #[schema(example = "CNY")]
    pub currency: Option<String>,
    #[schema(example = 7)]
    pub count: i64,
    /// The sum of their amounts, in minor units.
    #[schema(example = 1_234_500)]
    pub amount: i64,
}

choices! {
    /// What a board shows beside its open stages.
    pub enum BoardInclude {
        Closed "closed" "Won and lost stages" "赢单与输单阶段",
    }
}

crate::query! {
    /// How much of a board to show.
    pub struct BoardQuery {
        /// The number of opportunities to return per stage, 0 to 200.
        limit: i64 => integer(0, 200).default(50),
        /// `closed` adds the won and lost stages, as `closed_stages`.
        include: Option<BoardInclude> => choice(BoardInclude::choices()),
    }
}

type OpportunityFilters = Filters<Opportunity>;

/// Get the board of a pipeline
///
/// Returns the open opportunities that you can see, by stage: the first ones of each stage, with totals for the whole stage.
/// The filters of `GET /v1/opportunities` apply to both. To load more of a stage, list its opportunities with `sort=position`
/// and the stage's cursor. `include=closed` adds the won and lost stages, with the reasons.
#[utoipa::path(tag = "pipelines", operation_id = "getBoard",
    params(("id" = String, Path, description = "The id of the pipeline, or `ext:{system}:{key}`."),
           BoardQuery, OpportunityFilters),
    responses((status = 200, description = "The board.", body = Board)))]
#[get("/v1/pipelines/{id}/board")]
pub async fn board(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let opportunity = Opportunity::object();
    let pipelines = call.rows(Pipeline::object(), Action::Read)?;
    call.rows(opportunity, Action::Read)?;
    call.demand_fields(opportunity, &[Opportunity::stage_id.field(), Opportunity::status.field()])?;
    let named = Named::parse(request.match_info().query("id"))?;
    let mut parameters = parameters(&request)?;
    let asked = body::take_query::<BoardQuery>(&mut parameters);
    let found = asked.as_ref().err().cloned().unwrap_or_default();
    let query = summary::filters(opportunity, &mut parameters, found, &call.view())?;
    let asked = asked?;
    let limit = usize::try_from(asked.get(BoardQuery::limit)).unwrap_or(0);
    let with_closed = asked.get(BoardQuery::include) == Some(BoardInclude::Closed);
    // Of the past places are not known: there the latest to come into a stage are the first.
    let (order, descending) = match query.as_of {
        None => (Opportunity::position.field(), false),
        Some(_) => (Opportunity::stage_entered_at.field(), true),
    };
    let key = |field: &Field| SortKey { by: SortBy::Field(field.clone()), descending };
    let sort = vec![key(order), key(Opportunity::id.field())];
    let sees = |fields: &[&Field]| call.demand_fields(opportunity, fields).is_ok();
    let asked = Asked {
        board: columns::Asked::of(&call.principal, opportunity, query, sort, limit),
        // What a role hides is not told by its sum either.
        sees_amounts: sees(&[Opportunity::amount.field(), Opportunity::probability.field()]),
        sees_reasons: sees(&[Opportunity::close_reason.field()]),
    };
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let board = call
        .state
        .store
        .read_heavily::<_, Problem>(call.claim(), move |reader| {
            let view = principal.view(now);
            let id = named.find(reader, &principal, Pipeline::object())?.ok_or_else(Problem::not_found)?;
            reader.get(&principal.layout(Pipeline::object()), &view, id, &pipelines)?.ok_or_else(Problem::not_found)?;
            let stages = asked.columns(reader, &view, id, OpportunityStatus::Open)?.into_iter().map(|(stage, _)| stage).collect();
            let mut closed_stages = None;
            if with_closed {
                let mut columns = asked.columns(reader, &view, id, OpportunityStatus::Won)?;
                columns.extend(asked.columns(reader, &view, id, OpportunityStatus::Lost)?);
                columns.sort_by_key(|(stage, _)| (stage.sort_order, stage.id));
                let mut closed = Vec::with_capacity(columns.len());
                for (stage, kind) in columns {
                    let reasons = asked.reasons(reader, stage.id)?;
                    closed.push(BoardClosedStage { stage, kind, reasons });
                }
                closed_stages = Some(closed);
            }
            Ok(Board { stages, closed_stages })
        })
        .await?;
    Ok(HttpResponse::Ok().json(board))
}

/// What a board is asked for.
struct Asked {
    /// Which opportunities, and how many of each stage in which order.
    board: columns::Asked,
    sees_amounts: bool,
    sees_reasons: bool,
}

impl Asked {
    /// The stages of a pipeline in which opportunities have a status, in their order, each with its kind. Retired ones are shown as
    /// long as something is in them.
    fn columns(
        &self,
        reader: &mut Reader<'_>,
        view: &dyn View,
        pipeline: Id,
        status: OpportunityStatus,
    ) -> Result<Vec<(BoardStage, StageKind)>, Problem> {
        let opportunity = Opportunity::object();
        let of_status = self.board.query.predicate.clone().and(Opportunity::status.eq(status));
        let of_pipeline = of_status.clone().and(Opportunity::pipeline_id.eq(pipeline));
        let (amount, probability) = (Opportunity::amount.field().clone(), Opportunity::probability.field().clone());
        let currency = amount.currency().ok_or_else(Problem::not_found)?;
        let groups = [Group::by(Opportunity::stage_id.field()), Group::by(&currency)];
        let measures = [Measure::Count, Measure::Sum(amount.clone()), Measure::Weighted(amount, probability)];
        let totals = reader.aggregate(opportunity, &of_pipeline, &groups, &measures, (self.board.query.as_of, 10_000))?;
        let mut columns = Vec::new();
        let kind = StageKind::ALL.iter().copied().find(|kind| OpportunityStatus::from(*kind) == status);
        let kind = kind.ok_or_else(Problem::not_found)?;
        for stage in stages_of(reader, view, pipeline, kind)? {
            let stage_id = stage.id();
            let mut totals = totals_of(&totals, stage_id)?;
            let count = totals.iter().map(|total| total.count).sum();
            if stage.is_archived() && totals.is_empty() {
                continue;
            }
            if !self.sees_amounts {
                totals.clear();
            }
            // Its stage tells the pipeline; to ask for both would lead SQLite to the index of the totals, and to sort.
            let cards = self.board.cards(reader, view, of_status.clone().and(Opportunity::stage_id.eq(stage_id)))?;
            let column = BoardStage {
                id: stage_id,
                name: stage.get(Stage::name).to_owned(),
                sort_order: stage.get(Stage::sort_order),
                rotting_days: stage.get(Stage::rotting_days),
                count,
                opportunities: cards.records,
                page: cards.page,
                totals,
            };
            columns.push((column, kind));
        }
        Ok(columns)
    }

    /// Why the opportunities of a stage were won or lost; none where that may not be told, or was not kept of the past.
    fn reasons(&self, reader: &mut Reader<'_>, stage: Id) -> Result<Option<Vec<BoardReason>>, Problem> {
        if !self.sees_reasons || self.board.query.as_of.is_some() {
            return Ok(None);
        }
        let opportunity = Opportunity::object();
        let reason = Group::by(Opportunity::close_reason.field());
        let closed = Opportunity::status.is_in([OpportunityStatus::Won, OpportunityStatus::Lost]);
        let of_stage = self.board.query.predicate.clone().and(closed).and(Opportunity::stage_id.eq(stage));
        let largest =
            reader.largest_groups(opportunity, &of_stage, std::slice::from_ref(&reason), &[Measure::Count], (None, REASONS))?;
        let text = |row: &[Cell]| row.first().and_then(Cell::as_text).map(str::to_owned);
        let mut reasons: Vec<BoardReason> =
            largest.iter().map(|row| BoardReason { reason: text(row), count: number(row.get(1)), totals: Vec::new() }).collect();
        if !self.sees_amounts || reasons.is_empty() {
            return Ok(Some(reasons));
        }
        let given = Opportunity::close_reason.is_in(reasons.iter().filter_map(|one| one.reason.clone()));
        let shown = Predicate::Or(vec![given, Opportunity::close_reason.is_null()]);
        let amount = Opportunity::amount.field();
        let currency = amount.currency().ok_or_else(Problem::not_found)?;
        let groups = [reason, Group::by(&currency)];
        let measures = [Measure::Count, Measure::Sum(amount.clone())];
        for row in reader.aggregate(opportunity, &of_stage.and(shown), &groups, &measures, (None, 10_000))? {
            let own = text(&row);
            let Some(reason) = reasons.iter_mut().find(|one| one.reason == own) else { continue };
            let currency = row.get(1).and_then(Cell::as_text).map(str::to_owned);
            reason.totals.push(BoardReasonTotal { currency, count: number(row.get(2)), amount: number(row.get(3)) });
        }
        for reason in &mut reasons {
            reason.totals.sort_by(|left, right| by_currency(left.currency.as_ref(), right.currency.as_ref()));
        }
        Ok(Some(reasons))
    }
}

/// The stages of a pipeline of one kind in their order, retired ones too.
fn stages_of(reader: &mut Reader<'_>, view: &dyn View, pipeline: Id, kind: StageKind) -> Result<Vec<Record<Stage>>, Problem> {
    let predicate = Stage::pipeline_id.eq(pipeline).and(Stage::kind.eq(kind));
    let found = reader.find(&without_custom_fields(Stage::object()), view, &predicate, 1_000)?;
    let mut stages: Vec<Record<Stage>> = found.into_iter().map(Record::into_entity).collect();
    stages.sort_by_key(|stage| (stage.get(Stage::sort_order), stage.id()));
    Ok(stages)
}

fn number(cell: Option<&Cell>) -> i64 {
    cell.and_then(Cell::as_integer).unwrap_or(0)
}

/// The engines differ in where they put null.
fn by_currency(left: Option<&String>, right: Option<&String>) -> std::cmp::Ordering {
    (left.is_none(), left).cmp(&(right.is_none(), right))
}

fn totals_of(totals: &[Vec<Cell>], stage: Id) -> Result<Vec<BoardTotal>, StoreError> {
    let own = totals.iter().filter(|row| row.first().and_then(Cell::as_id) == Some(stage));
    let mut totals: Vec<BoardTotal> = own
        .map(|row| {
            Ok(BoardTotal {
                currency: row.get(1).and_then(Cell::as_text).map(str::to_owned),
                count: number(row.get(2)),
                amount: number(row.get(3)),
                weighted: rounded(number(row.get(4)).into(), number(row.get(5)).into())?,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    totals.sort_by(|left, right| by_currency(left.currency.as_ref(), right.currency.as_ref()));
    Ok(totals)
}
