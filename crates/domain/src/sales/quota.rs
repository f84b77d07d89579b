//! Quotas: what users and teams are to sell in a period; and what managers think will come instead of what is computed.

use chrono::NaiveDate;
use serde_json::json;

use crate::{
    choices, entity,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        handle::Handle,
        object::{Reach, Relation},
        record::Draft,
    },
    values::{
        calendar::{Period, Span},
        id::Id,
        money::Money,
        time::Timestamp,
    },
};

entity! {
    /// A quota: the sales target of a user, a team or the whole company for a period.
    pub struct Quota("quota", "quotas", "quotas", "Quota", "业绩目标") [external, custom] {
        /// The user the quota is for. If absent, it is for the team or, without a team, for the whole company.
        user_id: Option<crate::values::id::Id> => reference("user").gives_work().on_create().indexed().label("User", "用户"),
        /// The team. For a user's quota, defaults to the user's team.
        team_id: Option<crate::values::id::Id> => reference("team").on_create().indexed().label("Team", "团队"),
        /// The month, quarter or year: `2026-10`, `2026-Q4`, `2026`.
        period: String => text(10).required().title().on_create().indexed().label("Period", "期间").example("2026-Q4"),
        /// The first day of the period.
        starts_on: Option<chrono::NaiveDate> => date().server_set().indexed().label("Starts on", "开始日期").example("2026-10-01"),
        /// The last day of the period.
        ends_on: Option<chrono::NaiveDate> => date().server_set().label("Ends on", "结束日期").example("2026-12-31"),
        /// The pipeline it applies to. If absent, it applies to all pipelines.
        pipeline_id: Option<crate::values::id::Id> => reference("pipeline").on_create().label("Pipeline", "销售管道"),
        /// The target amount; must not be negative.
        amount: Option<Money> => money().required().label("Amount", "目标金额").example(json!({"amount": 100_000_000, "currency": "CNY"})),
        /// Notes.
        description: Option<String> => long_text(2_000).label("Description", "说明").example("含续约"),
    }
    extend |object| object
        .titled("period")
        .relations([
            Relation { name: "user", target: "user", reach: Reach::ToOne { field: "user_id" } },
            Relation { name: "team", target: "team", reach: Reach::ToOne { field: "team_id" } },
            Relation { name: "pipeline", target: "pipeline", reach: Reach::ToOne { field: "pipeline_id" } },
        ])
        .rule(has_a_period::<Quota>)
        .rule(is_not_negative)
}

choices! {
    /// A part of a forecast that a manager may put a figure of their own beside.
    pub enum ForecastPart {
        Pipeline "pipeline" "Pipeline" "管道",
        BestCase "best_case" "Best case" "最佳情况",
        Commit "commit" "Commit" "承诺",
        Closed "closed" "Closed" "已成交",
    }
}

entity! {
    /// A forecast override: a manual estimate for a part of a forecast, shown alongside the computed figure. The latest one
    /// applies; archive it to return to the previous one.
    pub struct ForecastOverride("forecast_override", "forecast-overrides", "forecast_overrides", "Forecast override", "预测调整") [] {
        /// The user whose forecast it applies to. If absent, it applies to the team or, without a team, to the whole company.
        user_id: Option<crate::values::id::Id> => reference("user").on_create().indexed().label("User", "用户"),
        /// The team. For a user's forecast, defaults to the user's team.
        team_id: Option<crate::values::id::Id> => reference("team").on_create().indexed().label("Team", "团队"),
        /// The month, quarter or year: `2026-10`, `2026-Q4`, `2026`.
        period: String => text(10).required().title().on_create().indexed().label("Period", "期间").example("2026-Q4"),
        /// The first day of the period.
        starts_on: Option<chrono::NaiveDate> => date().server_set().label("Starts on", "开始日期").example("2026-10-01"),
        /// The last day of the period.
        ends_on: Option<chrono::NaiveDate> => date().server_set().label("Ends on", "结束日期").example("2026-12-31"),
        /// The pipeline it applies to. If absent, it applies to all pipelines.
        pipeline_id: Option<crate::values::id::Id> => reference("pipeline").on_create().label("Pipeline", "销售管道"),
        /// The part of the forecast.
        category: Option<ForecastPart> => choice(ForecastPart::choices()).required().on_create().label("Category", "类别").example("commit"),
        /// The estimated amount.
        amount: Option<Money> => money().required().on_create().label("Amount", "金额").example(json!({"amount": 90_000_000, "currency": "CNY"})),
        /// Why.
        comment: Option<String> => long_text(2_000).label("Comment", "说明").example("两个大单推迟到下季度"),
    }
    extend |object| object
        .titled("period")
        .relations([
            Relation { name: "user", target: "user", reach: Reach::ToOne { field: "user_id" } },
            Relation { name: "team", target: "team", reach: Reach::ToOne { field: "team_id" } },
        ])
        .rule(has_a_period::<ForecastOverride>)
}

/// A figure that people set for a subject and a period: a quota, or what somebody thinks a forecast will come to. The subject is a
/// user, a team or, without both, the whole company.
pub trait SetFigure: Entity {
    const USER_ID: Handle<Self, Option<Id>>;
    const TEAM_ID: Handle<Self, Option<Id>>;
    const PERIOD: Handle<Self, String>;
    const STARTS_ON: Handle<Self, Option<NaiveDate>>;
    const ENDS_ON: Handle<Self, Option<NaiveDate>>;
    const PIPELINE_ID: Handle<Self, Option<Id>>;
    const AMOUNT: Handle<Self, Option<Money>>;
    const CREATED_AT: Handle<Self, Option<Timestamp>>;
    const ARCHIVED_AT: Handle<Self, Option<Timestamp>>;
}

macro_rules! set_figures {
    ($($entity:ident)+) => {$(
        impl SetFigure for $entity {
            const USER_ID: Handle<Self, Option<Id>> = $entity::user_id;
            const TEAM_ID: Handle<Self, Option<Id>> = $entity::team_id;
            const PERIOD: Handle<Self, String> = $entity::period;
            const STARTS_ON: Handle<Self, Option<NaiveDate>> = $entity::starts_on;
            const ENDS_ON: Handle<Self, Option<NaiveDate>> = $entity::ends_on;
            const PIPELINE_ID: Handle<Self, Option<Id>> = $entity::pipeline_id;
            const AMOUNT: Handle<Self, Option<Money>> = $entity::amount;
            const CREATED_AT: Handle<Self, Option<Timestamp>> = $entity::created_at;
            const ARCHIVED_AT: Handle<Self, Option<Timestamp>> = $entity::archived_at;
        }
    )+};
}

set_figures! { Quota ForecastOverride }

/// The period a quota or a forecast may be for.
#[must_use]
pub fn sales_period(text: &str) -> Option<Period> {
    Period::parse(text).filter(|period| matches!(period.span, Span::Month | Span::Quarter | Span::Year))
}

fn is_not_negative(draft: &mut Draft<'_, Quota>) {
    if draft.after.get(Quota::amount).is_some_and(|amount| amount.amount < 0) {
        let pointer = format!("{}/amount", Quota::amount.pointer());
        draft.faults.add(Fault::new(pointer, FaultCode::TooSmall).with("min", 0));
    }
}

fn has_a_period<E: SetFigure>(draft: &mut Draft<'_, E>) {
    let Some(period) = sales_period(draft.after.get(E::PERIOD)) else {
        draft.faults.add(Fault::new(E::PERIOD.pointer(), FaultCode::InvalidPeriod));
        return;
    };
    draft.after.set(E::STARTS_ON, period.start);
    draft.after.set(E::ENDS_ON, period.end().pred_opt().unwrap_or(period.start));
}
