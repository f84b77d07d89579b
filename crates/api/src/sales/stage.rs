//! Stages: their order, their exit rules, and what a change of one means for the opportunities in it.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    entity::Entity,
    fault::{Fault, FaultCode},
    field::{Field, FieldType, Op},
    identity::access::Action,
    predicate::{Operand, Predicate},
    record::Record,
    sales::{opportunity::Opportunity, pipeline::Pipeline, stage::Stage},
};
use farley_persistence::Work;
use serde_json::Value;

use super::{filters, pipeline::refuse_if_used};
use crate::{
    access::{
        call::Call,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{
        problem::Problem,
        request::{Body, parameters, read_form, refuse_rest},
    },
    records::{
        behaviour::{Behaviour, Shown, Writing},
        mutation::{Answer, Mutation},
        named::Named,
        write::Writer,
    },
};

impl Behaviour for Stage {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (writing, record) = (&writing.any(), record.any_mut());
        if record.is_archived() {
            return if writing.before.is_some_and(Record::is_archived) {
                Ok(())
            } else {
                refuse_if_used(work, writing, "stage_id", record)
            };
        }
        filters::check(writing, record, "exit_rule", Opportunity::object())?;
        let siblings = of_pipeline(work, record.get("pipeline_id"))?;
        let live = || siblings.iter().filter(|stage| !stage.is_archived() && stage.id() != record.id());
        if let Some(other) = live().find(|stage| stage.get("name") == record.get("name")) {
            return Err(Problem::duplicate("/name", other.id()));
        }
        if record.get("sort_order").is_null() {
            let last = live().filter_map(|stage| stage.get("sort_order").as_i64()).max().unwrap_or(0);
            record.set("sort_order", (last + 1).min(1_000));
        }
        Ok(())
    }

    /// Opportunities in the stage rot by its present days.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let (writing, record) = (&writing.any(), record.any());
        if let Some(before) = writing.before
            && before.get("rotting_days") != record.get("rotting_days")
        {
            work.rot_by(record.id(), record.get("rotting_days").as_i64())?;
        }
        Ok(Shown::new())
    }
}

/// The stages of a pipeline, retired ones too.
pub fn of_pipeline(work: &mut Work<'_>, pipeline: &Value) -> Result<Vec<Record>, Problem> {
    let (Some(field), Some(id)) = (Stage::object().field("pipeline_id"), pipeline.as_str().and_then(|id| id.parse().ok())) else {
        return Ok(Vec::new());
    };
    let predicate = Predicate::test(field, Op::Eq, Operand::Id(id));
    Ok(work.reader().find(&without_custom_fields(Stage::object()), &Unrestricted, &predicate, 1_000)?)
}

/// A new order of stages.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"stage_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"]}))]
#[allow(dead_code, reason = "documents the body; it is read by its fields")]
pub struct StageOrder {
    /// Every live stage of the pipeline, in the new order.
    #[schema(value_type = Vec<String>, example = json!(["01890a5d-ac96-774b-bcce-b302099a8057"]))]
    stage_ids: Vec<String>,
}

/// Reorder the stages of a pipeline
///
/// Gives every live stage its place in one go. What opportunities went through stays as it was.
#[utoipa::path(tag = "pipelines", operation_id = "reorderStages", request_body = StageOrder,
    params(("pipeline_id" = String, Path, description = "The pipeline: its id, or `ext:{system}:{key}`.")),
    responses((status = 204, description = "The stages are in the new order.")))]
#[post("/v1/pipelines/{pipeline_id}/stages/reorder")]
pub async fn reorder(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let fields = [Field::new("stage_ids", FieldType::Texts { max_items: 1_000 }).required()];
    let form = read_form(&fields, &body.0)?;
    let named = Named::parse(request.match_info().query("pipeline_id"))?;
    let (pipelines, stages) = (Writer::of(&call, Pipeline::object()), Writer::of(&call, Stage::object()));
    mutation
        .run(&call, move |work| {
            let pipeline = pipelines.load(work, &named, Action::Update)?.record;
            if pipeline.is_archived() {
                return Err(Problem::archived());
            }
            let asked: Vec<&str> = form["stage_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let live: Vec<Record> =
                of_pipeline(work, pipeline.get("id"))?.into_iter().filter(|stage| !stage.is_archived()).collect();
            let missing = live.iter().any(|stage| !stage.text("id").is_some_and(|id| asked.contains(&id)));
            if missing || asked.len() != live.len() {
                let fault = Fault::new("/stage_ids", FaultCode::WrongType)
                    .with("expected", "every live stage of the pipeline, each once");
                return Err(Problem::rule(fault.into()));
            }
            for (position, id) in asked.iter().enumerate() {
                let id = id.parse().map_err(|_| Problem::not_found())?;
                let loaded = stages.load(work, &Named::Id(id), Action::Update)?;
                let mut stage = loaded.record.clone();
                stage.set("sort_order", position + 1);
                stages.store(work, &loaded, stage, "updated")?;
            }
            Ok(Answer::no_content())
        })
        .await
}
