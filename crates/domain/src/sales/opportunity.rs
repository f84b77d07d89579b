//! Opportunities: possible sales.

use serde_json::json;

use super::{
    parties::{
        FormerStage, OPPORTUNITY_CONTACTS, OPPORTUNITY_CONTACTS_LINK, OpportunityContact, STAGE_HISTORY, TEAM_MEMBERS,
        TEAM_MEMBERS_LINK, TeamMember,
    },
    stage::StageKind,
};
use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        field::Link,
        object::{Ledger, Reach, Relation},
        record::{Draft, Record},
    },
    values::money::Money,
};

choices! {
    /// How surely an opportunity counts on in a forecast.
    pub enum ForecastCategory {
        Pipeline "pipeline" "Pipeline" "管道",
        BestCase "best_case" "Best case" "最佳情况",
        Commit "commit" "Commit" "承诺",
        Closed "closed" "Closed" "已成交",
        Omitted "omitted" "Omitted" "不计入",
    }
}

choices! {
    /// Whether a sale is still open.
    pub enum OpportunityStatus {
        Open "open" "Open" "进行中",
        Won "won" "Won" "赢单",
        Lost "lost" "Lost" "输单",
    }
}

impl From<StageKind> for OpportunityStatus {
    fn from(kind: StageKind) -> OpportunityStatus {
        match kind {
            StageKind::Open => OpportunityStatus::Open,
            StageKind::Won => OpportunityStatus::Won,
            StageKind::Lost => OpportunityStatus::Lost,
        }
    }
}

/// The category that a stage of the kind sets, unless it says another.
impl From<StageKind> for ForecastCategory {
    fn from(kind: StageKind) -> ForecastCategory {
        match kind {
            StageKind::Open => ForecastCategory::Pipeline,
            StageKind::Won => ForecastCategory::Closed,
            StageKind::Lost => ForecastCategory::Omitted,
        }
    }
}

entity! {
    /// An opportunity: a potential sale with an amount, a stage and an expected close date.
    pub struct Opportunity("opportunity", "opportunities", "opportunities", "Opportunity", "商机") [owned, tagged, external, custom] {
        /// The name of the opportunity.
        name: String => text(200).required().title().indexed().keyed().label("Name", "名称").example("华为 2026 服务器采购"),
        /// The customer; optional as long as it is not known.
        customer_id: Option<crate::values::id::Id> => reference("customer").indexed().label("Customer", "客户"),
        /// The pipeline it is in. Defaults to the default pipeline.
        pipeline_id: Option<crate::values::id::Id> => reference("pipeline").filled().indexed().label("Pipeline", "销售管道"),
        /// The stage it is in. Defaults to the first open stage. Setting it moves the opportunity, with all checks of a move.
        stage_id: Option<crate::values::id::Id> => reference("stage").filled().indexed().label("Stage", "阶段"),
        /// Whether it is open, won or lost, according to the kind of its stage.
        status: Option<OpportunityStatus> => choice(OpportunityStatus::choices()).filled().server_set().indexed().label("Status", "状态").example("open"),
        /// Its amount: the sum of its line items, or a value set explicitly.
        amount: Option<Money> => money().indexed().label("Amount", "金额").example(json!({"amount": 1_234_500, "currency": "CNY"})),
        /// Whether the amount is the sum of the line items. Setting the amount turns this off.
        amount_from_lines: bool => boolean().default(true).detail().label("Amount from lines", "金额取自明细").example(true),
        /// The probability of winning, in per cent. Defaults to the probability of the stage.
        probability: Option<i64> => integer(0, 100).label("Probability", "赢率").example(50),
        /// The expected close date.
        expected_close_on: Option<chrono::NaiveDate> => date().indexed().label("Expected close", "预计成交日期").example("2026-12-31"),
        /// When the sale started. Defaults to the time of creation.
        opened_at: Option<crate::values::time::Timestamp> => datetime().filled().on_create().indexed().label("Opened at", "开始时间").example("2026-03-01T08:00:00.000Z"),
        /// When it was won or lost. Defaults to now. Null while it is open.
        closed_at: Option<crate::values::time::Timestamp> => datetime().indexed().label("Closed at", "关闭时间").example("2026-09-30T08:00:00.000Z"),
        /// Why it was won or lost: one of the pipeline's reasons, or any text if the pipeline has none.
        close_reason: Option<String> => text(200).detail().label("Close reason", "赢输原因").example("价格").shown_when(crate::model::field::when_is("status", &["won", "lost"])),
        /// Details of the reason.
        close_comment: Option<String> => long_text(5_000).detail().label("Close comment", "赢输说明"),
        /// The forecast category. Defaults to the category of the stage. Always `closed` when won and `omitted` when lost;
        /// never `closed` while open.
        forecast_category: Option<ForecastCategory> => choice(ForecastCategory::choices()).indexed().label("Forecast category", "预测类别").example("commit"),
        /// The source.
        source: Option<String> => text(100).detail().label("Source", "来源").example("展会"),
        /// The campaign it comes from.
        campaign_id: Option<crate::values::id::Id> => reference("campaign").indexed().label("Campaign", "营销活动"),
        /// The contacts involved in the decision.
        contacts: Vec<OpportunityContact> => structure(&OPPORTUNITY_CONTACTS).default(json!([])).detail().label("Contacts", "联系人").example(json!([{"contact_id": "01890a5d-ac96-774b-bcce-b302099a8057", "buying_role": "decision_maker", "primary": true}])),
        /// The users who sell together with the owner, each with a share in per cent; the remainder is the owner's.
        team_members: Vec<TeamMember> => structure(&TEAM_MEMBERS).gives_work().default(json!([])).detail().label("Team members", "协作成员").example(json!([{"user_id": "01890a5d-ac96-774b-bcce-b302099a8057", "role": "售前", "split": 20}])),
        /// The competitors.
        competitors: Vec<String> => texts(20).detail().label("Competitors", "竞争对手").example(json!(["中兴"])),
        /// The next step.
        next_step: Option<String> => text(500).detail().label("Next step", "下一步").example("周五前发报价"),
        /// Notes.
        description: Option<String> => long_text(20_000).detail().searchable().label("Description", "描述"),
        /// Its position in its stage on the board, ascending. Set with POST …/move.
        position: Option<String> => text(200).filled().server_set().label("Position", "看板位置").example("zzQ3h1aV"),
        /// When it entered its current stage.
        stage_entered_at: Option<crate::values::time::Timestamp> => datetime().filled().server_set().label("Stage entered at", "进入阶段时间").example("2026-09-01T08:00:00.000Z"),
        /// When it becomes rotten without a change of stage or an activity: the time of the last one plus the days that the
        /// stage allows.
        rots_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Rotten at", "停滞时间").example("2026-09-15T08:00:00.000Z"),
        /// When the last activity was done; updated with activities, without a new version of the record.
        last_activity_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Last activity at", "最近跟进时间").example("2026-09-01T08:00:00.000Z"),
        /// When the next open task is due; updated with tasks, without a new version of the record.
        next_task_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Next task at", "下一任务时间").example("2026-09-05T08:00:00.000Z"),
        /// For opportunities from another system: the stages they were in before, oldest first; they form the start of the
        /// ledger. The last one can be the current stage; otherwise the current stage was entered when the opportunity closed
        /// or, if it is open, at the time of creation.
        stage_history: Vec<FormerStage> => structure(&STAGE_HISTORY).default(json!([])).detail().on_create().opaque().label("Stage history", "历史阶段").on_request(),
        /// The stages it is or was in: to filter by.
        entered_stage_ids: Vec<crate::values::id::Id> => references(&ENTERED_STAGES).filter_only().label("Entered stages", "进入过的阶段"),
        /// The segments that it is in: to filter by, as `segments_any`.
        segments: Vec<crate::values::id::Id> => references(&crate::query::predicate::segment::SEGMENT_MEMBERS).filter_only().label("Segments", "客户分群"),
    }
    extend |object| crate::activities::concerned::concerns(object)
        .relations([
            Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } },
            Relation { name: "pipeline", target: "pipeline", reach: Reach::ToOne { field: "pipeline_id" } },
            Relation { name: "stage", target: "stage", reach: Reach::ToOne { field: "stage_id" } },
            Relation { name: "campaign", target: "campaign", reach: Reach::ToOne { field: "campaign_id" } },
            Relation { name: "contacts", target: "contact", reach: Reach::Linked { link: &OPPORTUNITY_CONTACTS_LINK, holder: true } },
            Relation { name: "team_members", target: "user", reach: Reach::Linked { link: &TEAM_MEMBERS_LINK, holder: true } },
            Relation { name: "orders", target: "order", reach: Reach::Inverse { field: "opportunity_id" } },
            Relation { name: "line_items", target: "line_item", reach: Reach::Inverse { field: "opportunity_id" } },
        ])
        .made_with("line_items")
        .open_while("status", &["open"])
        .ledger(&LEDGER)
        .rule(amount_is_set)
        .rule(split_is_whole)
}

/// Which stages an opportunity was in, as its ledger has them.
pub static ENTERED_STAGES: Link =
    Link { table: "opportunity_ledger", from: "record_id", to: "stage_id", target: "stage", shared: false };

/// Every change of stage, amount, close date, owner and category, with the time spent in each stage.
pub static LEDGER: Ledger = Ledger {
    table: "opportunity_ledger",
    fields: &[
        Opportunity::pipeline_id.name(),
        Opportunity::stage_id.name(),
        Opportunity::status.name(),
        Opportunity::amount.name(),
        Opportunity::probability.name(),
        Opportunity::expected_close_on.name(),
        Opportunity::forecast_category.name(),
        Opportunity::owner_id.name(),
        Opportunity::team_id.name(),
        Opportunity::closed_at.name(),
        Opportunity::stage_entered_at.name(),
    ],
    fixed: &[Opportunity::opened_at.name()],
    step: Opportunity::stage_id.name(),
    since: Opportunity::stage_entered_at.name(),
    past,
};

/// The stages of another system, as far as they are told: what else was true then, nobody knows but from the record itself.
fn past(record: &Record) -> Vec<Record> {
    let record = record.of::<Opportunity>();
    let mut stages = record.get(Opportunity::stage_history);
    // The last of them may be the stage it is still in.
    stages.pop_if(|last| record.get(Opportunity::stage_id) == Some(last.stage_id));
    let state = |former: FormerStage| {
        let mut state = record.clone();
        state.set(Opportunity::stage_id, former.stage_id);
        state.set(Opportunity::stage_entered_at, former.entered_at);
        state.set(Opportunity::status, OpportunityStatus::Open);
        state.set(Opportunity::probability, former.probability);
        state.set(Opportunity::forecast_category, former.forecast_category);
        state.clear(Opportunity::closed_at);
        state.into_any()
    };
    stages.into_iter().map(state).collect()
}

/// Who writes an amount means that one, and not the sum of the lines, unless they say so.
fn amount_is_set(draft: &mut Draft<'_, Opportunity>) {
    let told = draft.before.is_some() && draft.changes(Opportunity::amount_from_lines);
    if draft.changes(Opportunity::amount) && !told {
        draft.after.set(Opportunity::amount_from_lines, false);
    }
    if draft.after.get(Opportunity::amount).is_some_and(|amount| amount.amount < 0) {
        let pointer = format!("{}/amount", Opportunity::amount.pointer());
        draft.faults.add(Fault::new(pointer, FaultCode::TooSmall).with("min", 0));
    }
}

fn split_is_whole(draft: &mut Draft<'_, Opportunity>) {
    let sum: i64 = draft.after.get(Opportunity::team_members).iter().filter_map(|member| member.split).sum();
    if sum > 100 {
        draft.faults.add(Fault::new(Opportunity::team_members.pointer(), FaultCode::SplitTooLarge).with("sum", sum));
    }
}
