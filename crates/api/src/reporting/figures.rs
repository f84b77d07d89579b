//! What the figures of reports are, in the languages Farley speaks: one definition for whoever reads a chart and whoever checks it.

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::sales::{leads::lead::Lead, opportunity::Opportunity};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{parameters, refuse_rest},
    },
};

/// The figures that Farley computes.
#[derive(Serialize, ToSchema)]
pub struct Figures {
    pub data: &'static [FigureDefinition],
}

/// A figure and its exact definition.
#[derive(Serialize, ToSchema)]
pub struct FigureDefinition {
    /// The member of the response that contains it.
    #[schema(example = "velocity")]
    pub name: &'static str,
    /// The schema that contains the member.
    #[schema(example = "FunnelSlice")]
    pub schema: &'static str,
    /// The label.
    pub label: FigureText,
    pub definition: FigureText,
}

/// A text in English and Chinese.
#[derive(Serialize, ToSchema)]
pub struct FigureText {
    #[schema(example = "Sales velocity")]
    pub en: &'static str,
    #[schema(example = "销售速度")]
    pub zh: &'static str,
}

macro_rules! figures {
    ($($schema:literal $name:expr, $label_en:literal $label_zh:literal $en:literal $zh:literal,)*) => {
        /// The English definitions are also those of the schemas; a test holds them equal.
        static FIGURES: &[FigureDefinition] = &[$(FigureDefinition {
            name: $name,
            schema: $schema,
            label: FigureText { en: $label_en, zh: $label_zh },
            definition: FigureText { en: $en, zh: $zh },
        }),*];
    };
}

figures! {
    "FunnelSlice" "win_rate", "Win rate" "赢单率"
        "won ÷ (won + lost), by number of opportunities, 0 to 1; null if none are closed."
        "赢单数 ÷（赢单数 + 输单数），按商机个数计算，取值 0 到 1；没有任何已关闭的商机时为 null。",
    "FunnelSlice" "mean_cycle_seconds", "Mean sales cycle" "平均销售周期"
        "The mean time from `opened_at` to `closed_at` of won opportunities, in seconds; null if there are none. In a snapshot of the past, of those that were won at that time."
        "已赢单商机从 `opened_at` 到 `closed_at` 的平均时长（秒）；没有赢单时为 null。对过去时点的快照，取当时已赢单的商机。",
    "FunnelSlice" "velocity", "Sales velocity" "销售速度"
        "Sales velocity: all.count × win_rate × (won amount in the currency ÷ won.count) ÷ (mean_cycle_seconds ÷ 86,400), per currency, in minor units per day, rounded. all.count includes open, won and lost opportunities; won.count includes those won in any currency and those without an amount. Empty if nothing was won, if the cycle is zero, and in a snapshot."
        "销售速度：all.count × win_rate ×（该币种的赢单金额 ÷ won.count）÷（mean_cycle_seconds ÷ 86,400），按币种计算，单位为每天的最小货币单位，四舍五入。all.count 包括进行中、赢单和输单的商机；won.count 包括所有币种以及没有金额的赢单。没有赢单、周期为零或快照时为空。",
    "FunnelStage" "entered", "Entered" "进入数"
        "The opportunities of the cohort that have ever been in the stage. Null in a snapshot, as are all of the following figures."
        "该批商机中曾经处于此阶段的商机。快照中为 null，其后各项亦然。",
    "FunnelStage" "reached_next", "Reached a later stage" "到达后续阶段"
        "Of the opportunities that entered, those that have also been in a later open stage, whether before or after this one, or in a stage of the kind `won`. “Later” refers to the current order of the stages, including archived ones. For a stage that ends a sale, only later stages of the kind `won` count."
        "进入此阶段的商机中，还曾处于后面的某个进行中阶段（无论在进入此阶段之前还是之后）或某个类型为 `won` 的阶段的商机。“后面”按阶段目前的顺序，包括已停用的阶段。对结束销售的阶段，只看其后类型为 `won` 的阶段。",
    "FunnelStage" "conversion_to_next", "Conversion to a later stage" "阶段转化率"
        "reached_next ÷ entered, by number of opportunities, 0 to 1; null if none entered, and for stages that end a sale."
        "reached_next ÷ entered，按商机个数计算，取值 0 到 1；没有商机进入时以及对结束销售的阶段为 null。",
    "FunnelStage" "conversion_to_won", "Conversion to won" "赢单转化率"
        "won ÷ entered, by number of opportunities, 0 to 1; null if none entered."
        "won ÷ entered，按商机个数计算，取值 0 到 1；没有商机进入时为 null。",
    "FunnelStage" "left_to", "Moves out" "离开去向"
        "Moves out of the stage, by destination stage, which can belong to another pipeline. An opportunity that left twice counts twice."
        "离开此阶段的移动，按去往的阶段统计，去往的阶段可以属于另一个销售管道。离开两次的商机计两次。",
    "FunnelStage" "mean_seconds", "Mean time in the stage" "平均停留时间"
        "The mean time from entering the stage to leaving it, over all moves out of it, in seconds. Opportunities still in the stage do not count."
        "从进入到离开此阶段的平均时长（秒），对所有离开计算。仍在此阶段的不计。",
    "FunnelStage" "median_seconds", "Median time in the stage" "停留时间中位数"
        "The median of the same times, in seconds."
        "上述时长的中位数（秒）。",
    "SalesFunnel" Opportunity::pipeline_id.name(), "Pipeline" "销售管道"
        "The pipeline. An opportunity that has changed pipelines counts only in the pipeline it is in now, or was in at the time of the snapshot, with the stages it has been in there."
        "销售管道。换过管道的商机只计入其目前所在的管道（快照则为当时所在的管道），并只按它在该管道中经过的阶段统计，不计入其他管道。",
    "ForecastRow" "computed", "Whose opportunities count" "商机归属"
        "Sums over the opportunities that belong to the user, or to the team and the teams below it, by their current `owner_id` and `team_id`, or those at the time `as_of`. An opportunity handed over counts for its new owner and team alone, including if it was won before. A user's row below a team counts only the user's opportunities of that team. Quota attainment, funnels and summaries count in the same way."
        "属于该用户，或属于该团队及其下级团队的商机合计，按商机目前的 `owner_id` 和 `team_id`（或 `as_of` 时点的值）计算。移交后的商机只计入新的负责人和团队，移交前已赢单的也一样。团队之下的用户行只计该用户属于该团队的商机。目标达成、漏斗和汇总采用相同口径。",
    "ForecastFigures" "pipeline", "Pipeline" "管道"
        "Open opportunities of the category `pipeline` that are expected to close in the period."
        "类别为 `pipeline`、预计在期间内成交的进行中商机。",
    "ForecastFigures" "closed", "Closed" "已成交"
        "Opportunities won in the period, by the day of `closed_at` in the tenant's time zone."
        "期间内赢单的商机，按租户时区中 `closed_at` 的日期计算。",
    "ForecastFigures" "weighted", "Weighted" "加权金额"
        "closed, plus amount × probability ÷ 100 of the open opportunities of the three categories (0 without a probability): summed exactly and rounded once to a minor unit."
        "closed，加上三个类别中进行中商机的 金额 × 赢率 ÷ 100（没有赢率按 0 计）：精确求和，最后只按最小货币单位四舍五入一次。",
    "ForecastRow" "quota", "Quota" "业绩目标"
        "The quota set for exactly this user, team or company, period, pipeline and currency, in minor units; null if there is none. Quotas of members or of shorter periods are not summed."
        "恰好为该用户、团队或公司、该期间、该管道和该币种设定的目标，以最小货币单位表示；没有设定时为 null。不对成员的目标或更短期间的目标求和。",
    "ForecastRow" "attainment", "Attainment" "达成率"
        "closed ÷ quota: 1 if the quota is met, more if it is exceeded; null without a quota or if the quota is 0. Open opportunities do not count."
        "closed ÷ quota：达成为 1，超额则大于 1；没有目标或目标为 0 时为 null。进行中的商机不计。",
    "BoardTotal" "weighted", "Weighted" "加权金额"
        "The sum of amount × probability ÷ 100 (0 without a probability), in minor units, rounded once at the end."
        "金额 × 赢率 ÷ 100 之和（没有赢率按 0 计），以最小货币单位表示，最后只四舍五入一次。",
    "ServicePeriod" "opened", "Opened" "新建工单"
        "The tickets opened in it (`opened_at`)."
        "期间内受理的工单（`opened_at`）。",
    "ServicePeriod" "solved", "Solved" "解决工单"
        "The tickets first solved in it (`first_solved_at`), even if they were reopened."
        "期间内首次解决的工单（`first_solved_at`），之后重新打开的也计入。",
    "ServicePeriod" "closed", "Closed" "关闭工单"
        "The tickets closed in it (`closed_at`) that are closed now."
        "期间内关闭（`closed_at`）且目前仍为关闭状态的工单。",
    "ServicePeriod" "backlog", "Backlog" "积压工单"
        "The tickets that were neither solved nor closed when it ended, according to the ledger; of a period that has not ended, those that are so now. Null if a filter or the slice asks for something that the ledger does not keep."
        "期间结束时既未解决也未关闭的工单，以台账为准；期间尚未结束时为目前未解决的工单。筛选或分组用到台账未保存的内容时为 null。",
    "ServiceTimesSlice" "first_response", "First response" "首次响应"
        "From `opened_at` to `first_responded_at`, of those that were answered."
        "已回复的工单从 `opened_at` 到 `first_responded_at` 的时长。",
    "ServiceTimesSlice" "first_resolution", "First resolution" "首次解决"
        "From `opened_at` to `first_solved_at`, of those that were ever solved, even if they were reopened."
        "曾经解决过的工单从 `opened_at` 到 `first_solved_at` 的时长，之后重新打开的也计入。",
    "ServiceTimesSlice" "resolution", "Resolution" "最终解决"
        "From `opened_at` to `solved_at`, of those that are solved or closed now."
        "目前已解决或已关闭的工单从 `opened_at` 到 `solved_at` 的时长。",
    "ServiceTimesSlice" "reopen_rate", "Reopen rate" "重新打开率"
        "reopened ÷ first_resolution, by number of tickets, 0 to 1; null if none was ever solved."
        "reopened ÷ first_resolution，按工单数计算，取值 0 到 1；没有解决过的工单时为 null。",
    "ServiceTimes" "business", "Business time" "工作时间"
        "The time during which the desk was open by the calendar asked for; null without one, and if there are none. Pauses of SLA clocks do not count here."
        "按所选日历的工作时间计算的时长；未选日历或没有工单时为 null。此处不扣除 SLA 时钟的暂停。",
    "ServiceSpread" "median_seconds", "Median" "中位数"
        "The median: half take no longer. Between two values it lies in the middle."
        "中位数：半数工单不超过此时长。落在两个值之间时取中间值。",
    "ServiceSpread" "p90_seconds", "90th percentile" "90 分位数"
        "The 90th percentile: nine of ten take no longer. Between two values it is interpolated linearly, as PostgreSQL's percentile_cont does."
        "90 分位数：十分之九的工单不超过此时长。落在两个值之间时线性插值，与 PostgreSQL 的 percentile_cont 相同。",
    "ServiceSlaClock" "met", "Met" "达成"
        "The tickets of which every promise of this kind was kept in time."
        "此类承诺全部按时兑现的工单。",
    "ServiceSlaClock" "breached", "Breached" "超时"
        "The tickets of which a promise of this kind was broken, even if it was kept later."
        "此类承诺曾经超时的工单，之后兑现的也计入。",
    "ServiceSlaClock" "attainment", "SLA attainment" "SLA 达成率"
        "met ÷ (met + breached), by number of tickets, 0 to 1; null if neither was."
        "met ÷（met + breached），按工单数计算，取值 0 到 1；两者皆无时为 null。",
    "ServiceSatisfaction" "sent", "Surveys sent" "发出的调查"
        "The surveys sent in it (`asked_at`)."
        "期间内发出的调查（`asked_at`）。",
    "ServiceSatisfaction" "answered", "Answers" "答复"
        "Those of the surveys sent that have been answered, whenever that was. A changed answer counts as it is now."
        "所发出的调查中已答复的，不论何时答复；修改过的答复按目前的内容计算。",
    "ServiceSatisfaction" "response_rate", "Response rate" "答复率"
        "answered ÷ sent, 0 to 1; null if none was sent."
        "answered ÷ sent，取值 0 到 1；没有发出调查时为 null。",
    "ServiceSatisfaction" "mean_score", "Mean score" "平均分"
        "The mean of the scores on the scale of the kind; null if none was answered."
        "按该类调查的评分范围计算的平均分；没有答复时为 null。",
    "ServiceSatisfaction" "satisfied", "Satisfied" "满意答复"
        "The answers of satisfied customers: for CSAT the scores 4 and 5 of 5, for CES 5, 6 and 7 of 7; null for NPS."
        "满意客户的答复：CSAT 为 5 分制的 4、5 分，CES 为 7 分制的 5、6、7 分；NPS 为 null。",
    "ServiceSatisfaction" "satisfied_share", "CSAT, CES" "满意率（CSAT、CES）"
        "satisfied ÷ answered, 0 to 1; null for NPS, and if none was answered."
        "satisfied ÷ answered，取值 0 到 1；NPS 以及没有答复时为 null。",
    "ServiceSatisfaction" "promoters", "Promoters" "推荐者"
        "The answers with the scores 9 and 10 of NPS; null for other kinds."
        "NPS 评分为 9、10 的答复；其他类型为 null。",
    "ServiceSatisfaction" "passives", "Passives" "中立者"
        "The answers with the scores 7 and 8 of NPS; null for other kinds."
        "NPS 评分为 7、8 的答复；其他类型为 null。",
    "ServiceSatisfaction" "detractors", "Detractors" "贬损者"
        "The answers with the scores 0 to 6 of NPS; null for other kinds."
        "NPS 评分为 0 至 6 的答复；其他类型为 null。",
    "ServiceSatisfaction" "net_promoter_score", "Net promoter score (NPS)" "净推荐值（NPS）"
        "100 × (promoters − detractors) ÷ answered, from -100 to 100; null for other kinds, and if none was answered."
        "100 ×（promoters − detractors）÷ answered，取值 -100 到 100；其他类型以及没有答复时为 null。",
    "Lead" Lead::first_responded_at.name(), "First response" "首次响应"
        "When the first response was made: the first change of status to contacted or qualified, or the first outbound activity. A conversion does not count."
        "首次联系的时间：状态首次变为已联系或已确认，或首个向外的活动。转化不算首次响应。",
    "Lead" Lead::response_seconds.name(), "Response time" "响应耗时"
        "The time from `received_at` to `first_responded_at`, in whole seconds of elapsed time, including nights and days off; null until there is a response."
        "从 `received_at` 到 `first_responded_at` 的整秒数，按自然时间计算，包括夜间和休息日；尚无响应时为 null。",
}

/// List the definitions of report figures
///
/// Returns the exact definition of each figure in forecasts, funnels, boards and reports of the service desk, in English and Chinese.
#[utoipa::path(tag = "metadata", operation_id = "listFigures",
    responses((status = 200, description = "The figures.", body = Figures)))]
#[get("/v1/metadata/figures")]
pub async fn figures(_: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    Ok(HttpResponse::Ok().json(Figures { data: FIGURES }))
}
