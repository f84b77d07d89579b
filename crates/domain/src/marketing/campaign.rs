//! Campaigns: marketing efforts with dates and cost.

use serde_json::json;

use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        record::Draft,
    },
    values::money::Money,
};

choices! {
    /// What kind of effort a campaign is.
    pub enum CampaignKind {
        Event "event" "Event" "活动",
        TradeShow "trade_show" "Trade show" "展会",
        Webinar "webinar" "Webinar" "线上研讨会",
        Email "email" "E-mail" "邮件",
        Sms "sms" "SMS" "短信",
        Advertising "advertising" "Advertising" "广告",
        Content "content" "Content" "内容营销",
        Referral "referral" "Referral" "转介绍",
        Other "other" "Other" "其他",
    }
}

choices! {
    /// How far a campaign has come.
    pub enum CampaignStatus {
        Planned "planned" "Planned" "计划中",
        Active "active" "Active" "进行中",
        Completed "completed" "Completed" "已完成",
        Cancelled "cancelled" "Cancelled" "已取消",
    }
}

entity! {
    /// A campaign: a marketing effort that generates leads and opportunities.
    pub struct Campaign("campaign", "campaigns", "campaigns", "Campaign", "营销活动") [owned, tagged, external, custom] {
        /// The name of the campaign.
        name: String => text(200).required().title().indexed().keyed().label("Name", "名称").example("2026 上海工博会"),
        /// The kind of campaign.
        kind: Option<CampaignKind> => choice(CampaignKind::choices()).default("other").indexed().label("Kind", "类型").example("trade_show"),
        /// The status.
        status: Option<CampaignStatus> => choice(CampaignStatus::choices()).default("planned").indexed().label("Status", "状态").example("active"),
        /// The first day.
        starts_on: Option<chrono::NaiveDate> => date().indexed().label("Starts on", "开始日期").example("2026-09-22"),
        /// The last day; must not be before the first day.
        ends_on: Option<chrono::NaiveDate> => date().label("Ends on", "结束日期").example("2026-09-26"),
        /// The budget.
        budget: Option<Money> => money().label("Budget", "预算").example(json!({"amount": 20_000_000, "currency": "CNY"})),
        /// The actual cost.
        cost: Option<Money> => money().label("Cost", "实际成本").example(json!({"amount": 18_650_000, "currency": "CNY"})),
        /// Notes.
        description: Option<String> => long_text(20_000).searchable().label("Description", "描述"),
    }
    extend |object| object.open_while("status", &["planned", "active"]).rule(ends_after_start)
}

fn ends_after_start(draft: &mut Draft<'_, Campaign>) {
    if let (Some(start), Some(end)) = (draft.after.get(Campaign::starts_on), draft.after.get(Campaign::ends_on))
        && end < start
    {
        draft.faults.add(Fault::new(Campaign::ends_on.pointer(), FaultCode::TooEarly).with("min", start));
    }
}
