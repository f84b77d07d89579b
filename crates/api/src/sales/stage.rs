//! Stages: their order, their exit rules, and what a change of one means for the opportunities in it.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        record::Record,
    },
    sales::{opportunity::Opportunity, pipeline::Pipeline, stage::Stage},
    values::{id::Id, text::meet},
};
use farley_persistence::Work;
use serde_json::json;

use super::pipeline::refuse_if_used;
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        behaviour::{Behaviour, Shown, Writing},
        body, filters, lookup,
        mutation::{Answer, Mutation},
        named::Named,
        write::Writer,
    },
};

impl Behaviour for Stage {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return if writing.before.is_some_and(Record::is_archived) {
                Ok(())
            } else {
                refuse_if_used(work, writing, Opportunity::stage_id, record.id())
            };
        }
        filters::check(writing, record, Stage::exit_rule.name(), Opportunity::object())?;
        let siblings = match record.get(Stage::pipeline_id) {
            Some(pipeline) => of_pipeline(work, pipeline)?,
            None => Vec::new(),
        };
        let live = || siblings.iter().filter(|stage| !stage.is_archived() && stage.id() != record.id());
        if let Some(other) = live().find(|stage| meet(stage.get(Stage::name), record.get(Stage::name))) {
            return Err(Problem::duplicate(&Stage::name.pointer(), other.id()));
        }
        if record.is_null(Stage::sort_order) {
            let last = live().filter_map(|stage| stage.get(Stage::sort_order)).max().unwrap_or(0);
            record.set(Stage::sort_order, (last + 1).min(1_000));
        }
        Ok(())
    }

    /// Opportunities in the stage rot by its present days.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.before.is_some_and(|before| !before.agrees(Stage::rotting_days, record)) {
            work.rot_by(record.id(), record.get(Stage::rotting_days))?;
        }
        Ok(Shown::new())
    }
}

/// The stages of a pipeline, retired ones too.
pub fn of_pipeline(work: &mut Work<'_>, pipeline: Id) -> Result<Vec<Record<Stage>>, Problem> {
    lookup::find(work, &Stage::pipeline_id.eq(pipeline), 1_000)
}

crate::body! {
    /// A new order for the stages.
    pub struct StageOrder {
        /// All live stages of the pipeline, in the new order.
        stage_ids: Vec<String> => texts(1_000).required().example(json!(["01890a5d-ac96-774b-bcce-b302099a8057"])),
    }
    example json!({"stage_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"]})
}

/// Reorder the stages of a pipeline
///
/// Sets the order of all live stages at once. The stage history of opportunities is not affected.
#[utoipa::path(tag = "pipelines", operation_id = "reorderStages", request_body = StageOrder,
    params(("pipeline_id" = String, Path, description = "The id of the pipeline, or `ext:{system}:{key}`.")),
    responses((status = 204, description = "The stages were reordered.")))]
#[post("/v1/pipelines/{pipeline_id}/stages/reorder")]
pub async fn reorder(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let order = body::read::<StageOrder>(&body.0, &call.principal.standards(call.now))?;
    let named = Named::parse(request.match_info().query(Stage::pipeline_id.name()))?;
    let (pipelines, stages) = (Writer::of(&call, Pipeline::object()), Writer::of(&call, Stage::object()));
    mutation
        .run(&call, move |work| {
            let pipeline = pipelines.load(work, &named, Action::Update)?.record;
            if pipeline.is_archived() {
                return Err(Problem::archived());
            }
            let asked = order.get(StageOrder::stage_ids);
            let live: Vec<Record<Stage>> =
                of_pipeline(work, pipeline.id())?.into_iter().filter(|stage| !stage.is_archived()).collect();
            let missing = live.iter().any(|stage| !asked.contains(&stage.id().to_string()));
            if missing || asked.len() != live.len() {
                let fault = Fault::new(StageOrder::stage_ids.pointer(), FaultCode::WrongType)
                    .with("expected", "all live stages of the pipeline, each exactly once");
                return Err(Problem::rule(fault.into()));
            }
            for (id, order) in asked.iter().zip(1..) {
                let id = id.parse().map_err(|_| Problem::not_found())?;
                let loaded = stages.load(work, &Named::Id(id), Action::Update)?;
                let mut stage = loaded.record.of::<Stage>().clone();
                stage.set(Stage::sort_order, order);
                stages.store(work, &loaded, stage.into_any(), "updated")?;
            }
            Ok(Answer::no_content())
        })
        .await
}
