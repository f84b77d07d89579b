//! Pipelines: the ordered steps of a kind of sale.

use serde_json::json;

use super::stage::StageKind;
use crate::{
    choices, entity,
    model::object::{Reach, Relation},
};

choices! {
    /// Which moves between open stages a pipeline allows. Winning, losing and reopening are always allowed.
    pub enum Moves {
        Any "any" "Any" "任意",
        Forward "forward" "Forward only" "只能向前",
        OneStep "one_step" "One step at a time" "逐级移动",
    }
}

entity! {
    /// A pipeline: the ordered stages of one kind of sale. Its stages are at /v1/pipelines/{pipeline_id}/stages.
    pub struct Pipeline("pipeline", "pipelines", "pipelines", "Pipeline", "销售管道") [external, custom] {
        /// The name; unique among live pipelines.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("Direct sales"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The team that uses the pipeline. If absent, everyone uses it.
        team_id: Option<crate::values::id::Id> => reference("team").indexed().label("Team", "团队"),
        /// Whether opportunities without a given pipeline go into this one. Making a pipeline the default replaces the previous
        /// default; other than that, a pipeline stops being the default only when it is archived.
        is_default: bool => boolean().default(false).label("Default", "默认").example(false),
        /// Which moves between open stages are allowed.
        moves: Option<Moves> => choice(Moves::choices()).default("any").label("Moves", "移动规则").example("any"),
        /// Whether a reason is required when an opportunity is won or lost.
        reason_required: bool => boolean().default(true).label("Reason required", "须填原因").example(true),
        /// The reasons to choose from when an opportunity is won. If empty, any text is accepted.
        win_reasons: Vec<String> => texts(50).opaque().label("Win reasons", "赢单原因").example(json!(["价格", "关系", "产品功能"])),
        /// The reasons to choose from when an opportunity is lost. If empty, any text is accepted.
        loss_reasons: Vec<String> => texts(50).opaque().label("Loss reasons", "输单原因").example(json!(["价格", "竞争对手", "预算取消"])),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "team", target: "team", reach: Reach::ToOne { field: "team_id" } },
            Relation { name: "stages", target: "stage", reach: Reach::Inverse { field: "pipeline_id" } },
            Relation { name: "opportunities", target: "opportunity", reach: Reach::Inverse { field: "pipeline_id" } },
        ])
        .unique("pipelines_name_key", "name")
}

/// The stages of the pipeline that a new tenant begins with: name, kind, probability in per cent.
pub const READY_MADE: &[(&str, StageKind, i64)] = &[
    ("Prospecting / 初步接触", StageKind::Open, 10),
    ("Qualification / 需求确认", StageKind::Open, 25),
    ("Proposal / 方案报价", StageKind::Open, 50),
    ("Negotiation / 商务谈判", StageKind::Open, 75),
    ("Won / 赢单", StageKind::Won, 100),
    ("Lost / 输单", StageKind::Lost, 0),
];
