//! The board of a pipeline: its open opportunities, stage by stage.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, field::Field, record::Record},
    query::list::{ListQuery, SortBy, SortKey, Start},
    sales::{
        opportunity::{Opportunity, OpportunityStatus},
        pipeline::Pipeline,
        stage::{Stage, StageKind},
    },
    values::id::Id,
};
use farley_persistence::{Cell, Group, Measure, StoreError, rounded};
use serde_json::value::RawValue;

use crate::{
    access::call::Call,
    http::{problem::Problem, request::parameters},
    records::{
        body,
        named::Named,
        parameters::Filters,
        read::{PageInfo, layout_for},
        summary,
    },
};

/// The open opportunities of a pipeline by stage.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Board {
    /// The open stages, in order.
    pub stages: Vec<BoardStage>,
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

crate::query! {
    /// How much of a board to show.
    pub struct BoardQuery {
        /// The number of opportunities to return per stage, 0 to 200.
        limit: i64 => integer(0, 200).default(50),
    }
}

type OpportunityFilters = Filters<Opportunity>;

/// Get the board of a pipeline
///
/// Returns the open opportunities that you can see, by stage: the first ones of each stage, with totals for the whole stage.
/// The filters of `GET /v1/opportunities` apply to both. To load more of a stage, list its opportunities with `sort=position`
/// and the stage's cursor.
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
    let limit = asked?.get(BoardQuery::limit);
    // What a role hides is not told by its sum either.
    let sees_amounts = call.demand_fields(opportunity, &[Opportunity::amount.field(), Opportunity::probability.field()]).is_ok();
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    // Of the past places are not known: there the latest to come into a stage are the first.
    let (order, descending) = match query.as_of {
        None => (Opportunity::position.field(), false),
        Some(_) => (Opportunity::stage_entered_at.field(), true),
    };
    let key = |field: &Field| SortKey { by: SortBy::Field(field.clone()), descending };
    let sort = vec![key(order), key(Opportunity::id.field())];
    let layout = layout_for(&principal, opportunity, None, &[], (&sort, query.as_of.is_some()));
    let board = call
        .state
        .store
        .read_heavily::<_, Problem>(call.claim(), move |reader| {
            let view = principal.view(now);
            let id = named.find(reader, &principal, Pipeline::object())?.ok_or_else(Problem::not_found)?;
            reader.get(&principal.layout(Pipeline::object()), &view, id, &pipelines)?.ok_or_else(Problem::not_found)?;
            let open = query.predicate.clone().and(Opportunity::status.eq(OpportunityStatus::Open));
            let of_pipeline = open.clone().and(Opportunity::pipeline_id.eq(id));
            let (amount, probability) = (Opportunity::amount.field().clone(), Opportunity::probability.field().clone());
            let currency = amount.currency().ok_or_else(Problem::not_found)?;
            let groups = [Group::by(Opportunity::stage_id.field()), Group::by(&currency)];
            let measures = [Measure::Count, Measure::Sum(amount.clone()), Measure::Weighted(amount, probability)];
            let totals = reader.aggregate(opportunity, &of_pipeline, &groups, &measures, (query.as_of, 10_000))?;
            let mut stages = Vec::new();
            for stage in stages_of(reader, &view, id)? {
                let stage_id = stage.id();
                let mut totals = totals_of(&totals, stage_id)?;
                let count = totals.iter().map(|total| total.count).sum();
                if stage.is_archived() && totals.is_empty() {
                    continue;
                }
                if !sees_amounts {
                    totals.clear();
                }
                let limit = usize::try_from(limit).unwrap_or(0);
                // Its stage tells the pipeline; to ask for both would lead SQLite to the index of the totals, and to sort.
                let list = ListQuery {
                    predicate: open.clone().and(Opportunity::stage_id.eq(stage_id)),
                    sort: sort.clone(),
                    limit,
                    start: Start::First,
                    ..query.clone()
                };
                let page = reader.list_written(&layout, &view, &list, b"[".to_vec())?;
                let next = page.next.as_ref().map(|cursor| cursor.encode(opportunity, &list.sort));
                let mut shown = page.rows;
                shown.push(b']');
                let shown = String::from_utf8(shown).map_err(|_| Problem::internal("a record is no UTF-8"))?;
                stages.push(BoardStage {
                    id: stage_id,
                    name: stage.get(Stage::name).to_owned(),
                    sort_order: stage.get(Stage::sort_order),
                    rotting_days: stage.get(Stage::rotting_days),
                    count,
                    opportunities: RawValue::from_string(shown)?,
                    page: PageInfo { has_more: next.is_some(), next, total: None },
                    totals,
                });
            }
            Ok(Board { stages })
        })
        .await?;
    Ok(HttpResponse::Ok().json(board))
}

/// The open stages of a pipeline in their order, retired ones too.
fn stages_of(
    reader: &mut farley_persistence::Reader<'_>,
    view: &dyn farley_domain::query::predicate::View,
    pipeline: Id,
) -> Result<Vec<Record<Stage>>, Problem> {
    let predicate = Stage::pipeline_id.eq(pipeline).and(Stage::kind.eq(StageKind::Open));
    let found = reader.find(&crate::access::unrestricted::without_custom_fields(Stage::object()), view, &predicate, 1_000)?;
    let mut stages: Vec<Record<Stage>> = found.into_iter().map(Record::into_entity).collect();
    stages.sort_by_key(|stage| (stage.get(Stage::sort_order), stage.id()));
    Ok(stages)
}

fn totals_of(totals: &[Vec<Cell>], stage: Id) -> Result<Vec<BoardTotal>, StoreError> {
    let number = |cell: Option<&Cell>| cell.and_then(Cell::as_integer).unwrap_or(0);
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
    // The engines differ in where they put null.
    totals.sort_by(|left, right| (left.currency.is_none(), &left.currency).cmp(&(right.currency.is_none(), &right.currency)));
    Ok(totals)
}
