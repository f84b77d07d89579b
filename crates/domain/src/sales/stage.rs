//! Stages: the steps of a pipeline.

use serde_json::{Value, json};

use super::opportunity::{ForecastCategory, Opportunity};
use crate::{
    choices, entity,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, unknown},
        object::{Reach, Relation, rising},
        record::Draft,
    },
};

choices! {
    /// What being in a stage means for a sale.
    pub enum StageKind {
        Open "open" "Open" "进行中",
        Won "won" "Won" "赢单",
        Lost "lost" "Lost" "输单",
    }
}

entity! {
    /// A stage: a step of a pipeline. Once it is archived, no opportunity can enter it any more, but its history is kept.
    pub struct Stage("stage", "stages", "stages", "Stage", "阶段") [external] {
        /// The pipeline it belongs to, from the path.
        pipeline_id: Option<crate::values::id::Id> => reference("pipeline").on_create().indexed().label("Pipeline", "销售管道"),
        /// The name; unique within its pipeline.
        name: String => text(120).required().title().keyed().label("Name", "名称").example("Proposal"),
        /// Whether opportunities in this stage are open, won or lost.
        kind: Option<StageKind> => choice(StageKind::choices()).default("open").on_create().label("Kind", "类型").example("open"),
        /// Its position among the stages, starting from 1. By default a new stage is added at the end. POST …/stages/reorder
        /// sets all positions at once.
        sort_order: Option<i64> => integer(1, 1_000).filled().label("Order", "顺序").example(3),
        /// The probability of winning in this stage, in per cent, set on opportunities that enter it. Always 100 for won and 0
        /// for lost stages.
        probability: Option<i64> => integer(0, 100).label("Probability", "赢率").example(50),
        /// The forecast category set on opportunities that enter it; `closed` for won and `omitted` for lost stages.
        forecast_category: Option<ForecastCategory> => choice(ForecastCategory::choices()).label("Forecast category", "预测类别").example("pipeline"),
        /// The opportunity fields that must have a value to enter the stage; custom fields as `custom.key`.
        required_fields: Vec<String> => texts(30).opaque().label("Required fields", "必填字段").example(json!(["amount", "expected_close_on"])),
        /// The condition that an opportunity must meet to move to another open stage or to be won: a filter on its own fields.
        exit_rule: Option<Value> => structure(&crate::model::structures::filter::FILTER).opaque().label("Exit rule", "离开条件").example(json!({"field": "amount", "op": "gt", "value": 0})),
        /// The number of days without a change of stage or an activity after which an opportunity in this stage is rotten.
        rotting_days: Option<i64> => integer(1, 3_650).label("Rotting days", "停滞天数").example(14),
        /// What to do in this stage.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
    }
    extend |object| object
        .configuration()
        .below("pipeline", "pipeline_id")
        .also_alone()
        .ordered_by([rising("pipeline_id"), rising("sort_order")])
        .relations([Relation { name: "opportunities", target: "opportunity", reach: Reach::Inverse { field: "stage_id" } }])
        .rule(follow_the_kind)
        .rule(required_fields_exist)
}

/// Won is certain and lost is out; an open stage has a category of its own.
fn follow_the_kind(draft: &mut Draft<'_, Stage>) {
    let kind = draft.after.get(Stage::kind).unwrap_or(StageKind::Open);
    let category = ForecastCategory::from(kind);
    let probability = match kind {
        StageKind::Won => Some(100),
        StageKind::Lost => Some(0),
        StageKind::Open => None,
    };
    match probability {
        Some(probability) => {
            let told = draft.after.get(Stage::probability).filter(|_| draft.changes(Stage::probability));
            let code = if probability == 0 { FaultCode::TooLarge } else { FaultCode::TooSmall };
            let fault = Fault::new(Stage::probability.pointer(), code);
            if told.is_some_and(|told| told != probability) {
                draft.faults.add(fault.with(if probability == 0 { "max" } else { "min" }, probability));
            }
            draft.after.set(Stage::probability, probability);
            draft.after.set(Stage::forecast_category, category);
        }
        None => {
            if draft.after.is_null(Stage::probability) {
                draft.after.set(Stage::probability, 10);
            }
            if draft.after.is_null(Stage::forecast_category) {
                draft.after.set(Stage::forecast_category, category);
            }
            if draft.after.get(Stage::forecast_category) == Some(ForecastCategory::Closed) {
                draft.fault(Stage::forecast_category.pointer(), FaultCode::OpenIsNotClosed);
            }
        }
    }
}

fn required_fields_exist(draft: &mut Draft<'_, Stage>) {
    let object = Opportunity::object();
    for (position, path) in draft.after.get(Stage::required_fields).iter().enumerate() {
        // A custom field may be declared later; until then nothing is demanded of it.
        if !path.starts_with("custom.") && !object.has(path) {
            let names = object.fields.iter().map(|field| field.name.as_ref());
            let pointer = format!("{}/{position}", Stage::required_fields.pointer());
            draft.faults.add(unknown(pointer, FaultCode::UnknownMember, path, names));
        }
    }
}
