//! The ready-made reports, one after the other.

use farley_domain::{
    activities::activity::Activity,
    customers::{customer::Customer, value::customer_value::CustomerValue},
    model::{
        fault::Language,
        field::Op,
        recurring::{CREATED_AT, OWNER_ID, TEAM_ID},
    },
    reporting::saved_report::Parameter,
    sales::{
        leads::{lead::Lead, status::LeadStatus},
        opportunity::{Opportunity, OpportunityStatus},
        orders::order::{Order, OrderStatus},
    },
    service::ticket::Ticket,
};
use serde_json::{Value, json};

use super::asking::{
    along, by, count, function, given, mean, months, only, parameter, question, ratio, related, relative, share, since, sum,
    until,
};
use crate::reporting::condition;

/// The relations that reports go along.
const CUSTOMER: &str = "customer";
const VALUE: &str = "value";
const ORDERS: &str = "orders";

/// A text in English and Chinese.
type Text = (&'static str, &'static str);

/// A ready-made report.
pub struct Entry {
    pub name: &'static str,
    pub title: Text,
    pub definition: Text,
    pub source: Option<&'static str>,
    /// The operation of a report with a computation of its own.
    pub path: Option<&'static str>,
    pub parameters: fn() -> Vec<Parameter>,
    pub question: Option<fn(Language) -> Value>,
}

/// What is said of a report with a computation of its own.
const fn elsewhere(name: &'static str, path: &'static str, title: Text, definition: Text, source: Option<&'static str>) -> Entry {
    Entry { name, title, definition, source, path: Some(path), parameters: Vec::new, question: None }
}

pub static CATALOG: &[Entry] = &[
    Entry {
        name: "sales-performance",
        title: ("Sales performance", "销售业绩"),
        definition: (
            "Opportunities by owner and the month of `closed_at`, of those won or lost: amount won (each currency apart), number won, number closed, win rate (won ÷ closed, by number), mean amount won. An opportunity counts for its present owner, also if it was handed over after it was won. Open opportunities do not count. Quotas are compared in GET /v1/forecasts.",
            "按负责人和关闭月份（`closed_at`）统计已赢单或已输单的商机：赢单金额（各币种分别列出）、赢单数、关闭数、赢单率（赢单数 ÷ 关闭数）、平均赢单金额。商机计入当前负责人，赢单后移交的也一样。进行中的商机不计。与业绩目标的比较见 GET /v1/forecasts。",
        ),
        source: None,
        path: None,
        parameters: || {
            vec![parameter("owner", OWNER_ID), parameter("team", TEAM_ID), parameter("pipeline", Opportunity::pipeline_id)]
        },
        question: Some(|language| {
            let won = condition(Opportunity::status, Op::Eq, OpportunityStatus::Won);
            question::<Opportunity>(
                [by("owner", OWNER_ID), months(Opportunity::closed_at)],
                [
                    only(sum("won_amount", Opportunity::amount, text(language, ("Amount won", "赢单金额"))), &won),
                    only(count("won_count", text(language, ("Won", "赢单数"))), &won),
                    count("closed_count", text(language, ("Closed", "关闭数"))),
                    ratio("win_rate", ["won_count", "closed_count"], text(language, ("Win rate", "赢单率"))),
                    only(mean("mean_amount", Opportunity::amount, text(language, ("Mean amount won", "平均赢单金额"))), &won),
                ],
                Some(condition(Opportunity::status, Op::In, [OpportunityStatus::Won, OpportunityStatus::Lost])),
            )
        }),
    },
    Entry {
        name: "win-loss-reasons",
        title: ("Win and loss reasons", "赢单与输单原因"),
        definition: (
            "Opportunities won or lost, by status and `close_reason`: number, amount (each currency apart), and the share of the number within the status. Without a reason they are one group. By default those closed in the last twelve months, the present one included.",
            "按状态和关闭原因（`close_reason`）统计已赢单和已输单的商机：数量、金额（各币种分别列出）、在同一状态中的数量占比。没有填写原因的归为一组。默认统计含本月在内最近十二个月关闭的商机。",
        ),
        source: None,
        path: None,
        parameters: || {
            vec![
                since("closed_from", Opportunity::closed_at, "start_of_month-11mo"),
                until("closed_to", Opportunity::closed_at),
                parameter("owner", OWNER_ID),
                parameter("team", TEAM_ID),
                parameter("pipeline", Opportunity::pipeline_id),
            ]
        },
        question: Some(|language| {
            question::<Opportunity>(
                [by("status", Opportunity::status), by("reason", Opportunity::close_reason)],
                [
                    count("count", text(language, ("Opportunities", "商机数"))),
                    sum("amount", Opportunity::amount, text(language, ("Amount", "金额"))),
                    share("share", "count", &["status"], text(language, ("Share", "占比"))),
                ],
                Some(condition(Opportunity::status, Op::In, [OpportunityStatus::Won, OpportunityStatus::Lost])),
            )
        }),
    },
    Entry {
        name: "lead-sources",
        title: ("Lead sources", "线索来源"),
        definition: (
            "Leads by source: number received, number converted, conversion rate (converted ÷ received), number that had a first response, and the median time to it in seconds of elapsed time. A lead counts by when it was received (`received_at`), by default in the last twelve months, whenever it was converted.",
            "按来源统计线索：收到数、转化数、转化率（转化数 ÷ 收到数）、已首次响应数、首次响应耗时的中位数（自然时间，秒）。按收到时间（`received_at`）归属，默认最近十二个月；何时转化不影响归属。",
        ),
        source: None,
        path: None,
        parameters: || {
            vec![
                since("received_from", Lead::received_at, "start_of_month-11mo"),
                until("received_to", Lead::received_at),
                parameter("owner", OWNER_ID),
                parameter("team", TEAM_ID),
                parameter("campaign", Lead::campaign_id),
            ]
        },
        question: Some(|language| question::<Lead>([by("source", Lead::source)], lead_measures(language), None)),
    },
    Entry {
        name: "campaign-leads",
        title: ("Leads by campaign", "市场活动线索"),
        definition: (
            "Leads that name a campaign, by campaign, with the figures of lead-sources. What a campaign costs is in its `cost`; what it won is in campaign-sales.",
            "按市场活动统计有归属活动的线索，指标与线索来源相同。活动成本见其 `cost` 字段，赢单见市场活动赢单。",
        ),
        source: None,
        path: None,
        parameters: || {
            vec![since("received_from", Lead::received_at, "start_of_month-11mo"), until("received_to", Lead::received_at)]
        },
        question: Some(|language| {
            let filter = condition(Lead::campaign_id, Op::Null, false);
            question::<Lead>([by("campaign", Lead::campaign_id)], lead_measures(language), Some(filter))
        }),
    },
    Entry {
        name: "campaign-sales",
        title: ("Sales by campaign", "市场活动赢单"),
        definition: (
            "Opportunities that name a campaign, by campaign: number, number won, win rate among those closed, amount won and amount open (each currency apart). Every opportunity counts for the one campaign it names. The return of a campaign is the amount won against its `cost`.",
            "按市场活动统计有归属活动的商机：数量、赢单数、已关闭商机中的赢单率、赢单金额和进行中金额（各币种分别列出）。每个商机只计入其归属的一个活动。活动回报为赢单金额与活动 `cost` 之比。",
        ),
        source: None,
        path: None,
        parameters: || {
            vec![since("opened_from", Opportunity::opened_at, "start_of_month-11mo"), until("opened_to", Opportunity::opened_at)]
        },
        question: Some(|language| {
            let is = |status: OpportunityStatus| condition(Opportunity::status, Op::Eq, status);
            let closed = condition(Opportunity::status, Op::Ne, OpportunityStatus::Open);
            question::<Opportunity>(
                [by("campaign", Opportunity::campaign_id)],
                [
                    count("count", text(language, ("Opportunities", "商机数"))),
                    only(count("won_count", text(language, ("Won", "赢单数"))), &is(OpportunityStatus::Won)),
                    only(count("closed_count", text(language, ("Closed", "关闭数"))), &closed),
                    ratio("win_rate", ["won_count", "closed_count"], text(language, ("Win rate", "赢单率"))),
                    only(
                        sum("won_amount", Opportunity::amount, text(language, ("Amount won", "赢单金额"))),
                        &is(OpportunityStatus::Won),
                    ),
                    only(
                        sum("open_amount", Opportunity::amount, text(language, ("Amount open", "进行中金额"))),
                        &is(OpportunityStatus::Open),
                    ),
                ],
                Some(condition(Opportunity::campaign_id, Op::Null, false)),
            )
        }),
    },
    Entry {
        name: "lead-response-time",
        title: ("Lead response time", "线索响应时间"),
        definition: (
            "Leads by the month they were received in: number, number that had a first response, their share, and the median and the 90th percentile of the time to it, in seconds of elapsed time, nights and days off included. The first response is the first change of status to contacted or qualified, or the first outbound activity; a conversion is none. Leads without a response are left out of the times.",
            "按收到月份统计线索：数量、已首次响应数及占比、首次响应耗时的中位数和 90 分位数（秒，按自然时间，包括夜间和休息日）。首次响应指状态首次变为已联系或已确认，或首个向外的活动；转化不算。尚未响应的线索不计入耗时。",
        ),
        source: None,
        path: None,
        parameters: || vec![parameter("owner", OWNER_ID), parameter("team", TEAM_ID)],
        question: Some(|language| {
            question::<Lead>(
                [months(Lead::received_at)],
                [
                    count("received", text(language, ("Received", "收到数"))),
                    given("responded", Lead::first_responded_at, text(language, ("Responded to", "已响应数"))),
                    ratio("responded_share", ["responded", "received"], text(language, ("Share responded to", "响应率"))),
                    function("median_seconds", "median", Lead::response_seconds, text(language, ("Median (s)", "中位数（秒）"))),
                    function(
                        "p90_seconds",
                        "p90",
                        Lead::response_seconds,
                        text(language, ("90th percentile (s)", "90 分位数（秒）")),
                    ),
                ],
                None,
            )
        }),
    },
    Entry {
        name: "activity-effort",
        title: ("Activity effort", "活动投入"),
        definition: (
            "Activities by owner and kind, of those that occurred (`occurred_at`) in the last thirty days by default: number, number of different customers, and total duration in seconds of those with a duration. Planned and cancelled activities count too unless `status` says otherwise.",
            "按负责人和类型统计活动，默认为最近三十天内发生（`occurred_at`）的活动：数量、涉及的不同客户数、有时长的活动总时长（秒）。未用 `status` 限定时，计划中和已取消的活动也计入。",
        ),
        source: None,
        path: None,
        parameters: || {
            vec![
                since("occurred_from", Activity::occurred_at, "start_of_day-30d"),
                until("occurred_to", Activity::occurred_at),
                parameter("owner", OWNER_ID),
                parameter("team", TEAM_ID),
                parameter("status", Activity::status),
            ]
        },
        question: Some(|language| {
            question::<Activity>(
                [by("owner", OWNER_ID), by("kind", Activity::kind)],
                [
                    count("count", text(language, ("Activities", "活动数"))),
                    function("customers", "distinct", Activity::customer_id, text(language, ("Customers", "客户数"))),
                    function("seconds", "sum", Activity::duration_seconds, text(language, ("Duration (s)", "时长（秒）"))),
                ],
                None,
            )
        }),
    },
    Entry {
        name: "new-customers",
        title: ("New customers", "新增客户"),
        definition: (
            "Customers by the month in which their record was created (`created_at`): number, number with an owner, the running number over the months shown, and the change against the month before. Archived customers do not count.",
            "按客户记录的创建月份（`created_at`）统计：数量、有负责人的数量、所示月份内的累计数、与上月相比的变化率。已归档的客户不计。",
        ),
        source: None,
        path: None,
        parameters: || vec![parameter("owner", OWNER_ID), parameter("team", TEAM_ID), parameter("region", Customer::region)],
        question: Some(|language| {
            let label = |text_of: Text| text(language, text_of);
            question::<Customer>(
                [months(CREATED_AT)],
                [
                    count("count", label(("Customers", "客户数"))),
                    given("owned", OWNER_ID, label(("With an owner", "有负责人"))),
                    json!({"as": "running", "of": "count", "running": "month", "label": label(("Running total", "累计"))}),
                    json!({"as": "change", "of": "count", "compare": "previous_period", "show": "change", "label": label(("Change", "环比变化"))}),
                ],
                None,
            )
        }),
    },
    Entry {
        name: "customer-loyalty",
        title: ("Customers by loyalty", "客户忠诚度"),
        definition: (
            "Customers that ever ordered, by their loyalty class and churn risk as they were computed last (GET /v1/customer-values/model): number, what they ordered in total in the base currency less refunds, expected purchases, and lifetime value. Customers without an order that counts have no class and are left out.",
            "按最近一次计算的忠诚度类别和流失风险（见 GET /v1/customer-values/model）统计下过单的客户：数量、以本位币计的累计订单金额（扣除退款）、预期购买次数、生命周期价值。没有有效订单的客户没有类别，不计入。",
        ),
        source: Some("Fader, Hardie, Lee (2005), “Counting Your Customers” the Easy Way; Fader, Hardie (2005), RFM and CLV"),
        path: None,
        parameters: Vec::new,
        question: Some(|language| {
            question::<CustomerValue>(
                [by("loyalty", CustomerValue::loyalty_class), by("churn", CustomerValue::churn_risk)],
                [
                    count("count", text(language, ("Customers", "客户数"))),
                    sum("ordered", CustomerValue::order_total, text(language, ("Ordered", "订单金额"))),
                    function(
                        "expected",
                        "sum",
                        CustomerValue::expected_purchases,
                        text(language, ("Expected purchases", "预期购买次数")),
                    ),
                    sum("lifetime", CustomerValue::lifetime_value, text(language, ("Lifetime value", "生命周期价值"))),
                ],
                None,
            )
        }),
    },
    Entry {
        name: "order-revenue",
        title: ("Order revenue", "订单收入"),
        definition: (
            "Confirmed and fulfilled orders by the month of `ordered_on`: number, number of different customers, amount, refunds, and what is outstanding (each currency apart), and the change of the number against the same month of the year before. Drafts and cancelled orders do not count.",
            "按下单月份（`ordered_on`）统计已确认和已完成的订单：数量、不同客户数、金额、退款、未付金额（各币种分别列出），以及数量与去年同月相比的变化率。草稿和已取消的订单不计。",
        ),
        source: None,
        path: None,
        parameters: || vec![parameter("customer", Order::customer_id), parameter("owner", OWNER_ID), parameter("team", TEAM_ID)],
        question: Some(|language| {
            let label = |text_of: Text| text(language, text_of);
            question::<Order>(
                [months(Order::ordered_on)],
                [
                    count("count", label(("Orders", "订单数"))),
                    function("customers", "distinct", Order::customer_id, label(("Customers", "客户数"))),
                    sum("amount", Order::amount, label(("Amount", "金额"))),
                    sum("refunded", Order::refunded_amount, label(("Refunded", "退款"))),
                    sum("outstanding", Order::outstanding_amount, label(("Outstanding", "未付金额"))),
                    json!({"as": "change", "of": "count", "compare": "same_period_last_year", "show": "change", "label": label(("Change on the year before", "同比变化"))}),
                ],
                Some(condition(Order::status, Op::In, OrderStatus::BOUGHT)),
            )
        }),
    },
    Entry {
        name: "customer-cohorts",
        title: ("Retention by cohort", "客户留存（同期群）"),
        definition: (
            "Confirmed and fulfilled orders by the month of the customer's first order (the cohort) and the month of `ordered_on`: number of different customers who ordered, the size of the cohort (those who ordered in its first month), the share of it who ordered (retention), number of orders, and amount (each currency apart). The first order is `first_ordered_on` of customer values as they were computed last; customers without one, whose orders are all in other currencies or later than that, are left out. Orders before the first order that counts have no share. Drafts and cancelled orders do not count. Orders that you cannot see count nowhere, not in the size either.",
            "按客户首次下单月份（同期群）和下单月份（`ordered_on`）统计已确认和已完成的订单：下单的不同客户数、同期群规模（在首月下单的客户数）、其中下单客户的占比（留存率）、订单数、金额（各币种分别列出）。首次下单日取最近一次计算的客户价值中的 `first_ordered_on`；没有该日期的客户（订单均为其他币种，或晚于该次计算）不计入。早于有效首单的订单没有留存率。草稿和已取消的订单不计。您无权查看的订单不计入任何指标，也不计入规模。",
        ),
        source: None,
        path: None,
        parameters: || {
            let customer = |name: &str, field: String| Parameter { field, ..parameter(name, Order::customer_id) };
            vec![
                customer("owner", along(&[CUSTOMER], OWNER_ID)),
                customer("team", along(&[CUSTOMER], TEAM_ID)),
                customer("region", along(&[CUSTOMER], Customer::region)),
            ]
        },
        question: Some(|language| {
            let label = |text_of: Text| text(language, text_of);
            let mut cohort = months(CustomerValue::first_ordered_on);
            cohort["as"] = json!("cohort");
            cohort["field"] = json!(along(&[CUSTOMER, VALUE], CustomerValue::first_ordered_on));
            let mut month = by("month", Order::ordered_on);
            month["bucket"] = json!("month");
            let mut question = question::<Order>(
                [cohort, month],
                [
                    function("customers", "distinct", Order::customer_id, label(("Customers", "客户数"))),
                    json!({"as": "size", "of": "customers", "compare": "first_period", "along": "month", "label": label(("Size of the cohort", "同期群规模"))}),
                    ratio("retained", ["customers", "size"], label(("Retention", "留存率"))),
                    count("count", label(("Orders", "订单数"))),
                    sum("amount", Order::amount, label(("Amount", "金额"))),
                ],
                Some(condition(Order::status, Op::In, OrderStatus::BOUGHT)),
            );
            question["pivot"] = json!({"rows": ["cohort"], "columns": ["month"]});
            question["chart"] = json!({"kind": "heat_map", "category": "month", "series": "cohort", "measures": ["retained"]});
            question
        }),
    },
    Entry {
        name: "customer-lifecycle",
        title: ("Customer lifecycle and churn", "客户生命周期与流失"),
        definition: (
            "Customers by region and by their confirmed and fulfilled orders. A customer is active for 180 days from an order (`ordered_on`). Of the last 90 days: active at their start, new (first order since), returned (ordered since, not active at the start, but a customer before), lost (active at the start, and no more), active now (active at the start − lost + new + returned), and the churn rate (lost ÷ active at the start). Beside these, those without an order for 180 to 365 days (dormant) and for longer (gone). Customers who never ordered are in none of them. For other periods and thresholds, change the days in the question. Archived customers, drafts, cancelled orders, and orders that you cannot see do not count.",
            "按地区和已确认、已完成的订单统计客户。客户自下单（`ordered_on`）起 180 天内为活跃。最近 90 天内：期初活跃数、新增数（此后首次下单）、回流数（此后下单，期初不活跃但此前已是客户）、流失数（期初活跃而现已不活跃）、当前活跃数（期初活跃 − 流失 + 新增 + 回流）、流失率（流失数 ÷ 期初活跃数）。另列 180 至 365 天未下单的客户（休眠）和更久未下单的客户（沉寂）。从未下单的客户不在其中。如需其他期间或阈值，请修改查询中的天数。已归档的客户、草稿、已取消的订单以及您无权查看的订单不计。",
        ),
        source: None,
        path: None,
        parameters: || {
            vec![
                parameter("owner", OWNER_ID),
                parameter("team", TEAM_ID),
                parameter("region", Customer::region),
                parameter("industry", Customer::industry),
            ]
        },
        question: Some(|language| {
            let label = |text_of: Text| text(language, text_of);
            let at_start = ordered(Op::Any, [Some(-270), Some(-90)]);
            let not_at_start = ordered(Op::None, [Some(-270), Some(-90)]);
            let lately = ordered(Op::Any, [Some(-90), None]);
            let is_over = ordered(Op::None, [Some(-180), None]);
            let all = |conditions: &[&Value]| json!({"and": conditions});
            question::<Customer>(
                [by("region", Customer::region)],
                [
                    only(count("active_before", label(("Active 90 days ago", "90 天前活跃数"))), &at_start),
                    only(count("new", label(("New", "新增数"))), &all(&[&lately, &ordered(Op::None, [None, Some(-90)])])),
                    only(
                        count("returned", label(("Returned", "回流数"))),
                        &all(&[&lately, &not_at_start, &ordered(Op::Any, [None, Some(-270)])]),
                    ),
                    only(count("lost", label(("Lost", "流失数"))), &all(&[&at_start, &is_over])),
                    only(count("active", label(("Active now", "当前活跃数"))), &ordered(Op::Any, [Some(-180), None])),
                    ratio("churn_rate", ["lost", "active_before"], label(("Churn rate", "流失率"))),
                    only(
                        count("dormant", label(("Dormant", "休眠数"))),
                        &all(&[&is_over, &ordered(Op::Any, [Some(-365), Some(-180)])]),
                    ),
                    only(
                        count("gone", label(("Gone", "沉寂数"))),
                        &all(&[&ordered(Op::None, [Some(-365), None]), &ordered(Op::Any, [None, Some(-365)])]),
                    ),
                ],
                None,
            )
        }),
    },
    Entry {
        name: "customer-concentration",
        title: ("Customer concentration", "客户集中度"),
        definition: (
            "The twenty customers with the most confirmed and fulfilled orders by amount, and all others as one group: amount, number of orders, and the share of the amount. Amounts are of one currency: choose it by `currency`, or convert them by saving the question with `currency`. By default of the last twelve months.",
            "已确认和已完成订单金额最高的二十个客户，其余客户合为一组：金额、订单数、金额占比。金额须为同一币种：用 `currency` 选择，或另存该查询并指定 `currency` 进行换算。默认统计最近十二个月。",
        ),
        source: Some("Pareto (1896), Cours d’économie politique"),
        path: None,
        parameters: || {
            let currency = format!("{}.currency", Order::amount.name());
            vec![
                since("ordered_from", Order::ordered_on, "start_of_month-11mo"),
                until("ordered_to", Order::ordered_on),
                Parameter { field: currency, ..parameter("currency", Order::amount) },
            ]
        },
        question: Some(|language| {
            let mut customers = by("customer", Order::customer_id);
            customers["top"] = json!({"n": 20, "by": "amount", "other": true});
            let mut question = question::<Order>(
                [customers],
                [
                    sum("amount", Order::amount, text(language, ("Amount", "金额"))),
                    count("count", text(language, ("Orders", "订单数"))),
                    share("share", "amount", &[], text(language, ("Share", "占比"))),
                ],
                Some(condition(Order::status, Op::In, OrderStatus::BOUGHT)),
            );
            question["sort"] = json!(["-amount"]);
            question
        }),
    },
    Entry {
        name: "data-quality",
        title: ("Data quality of customers", "客户数据质量"),
        definition: (
            "Live customers by owner: number; number without an owner's activity or change in 90 days (stale); number without a region, an industry and a source; number without any contact. Duplicates are not looked for.",
            "按负责人统计未归档的客户：数量；90 天内没有活动也没有更改的数量（陈旧）；缺少地区、行业、来源的数量；没有任何联系人的数量。不查找重复客户。",
        ),
        source: None,
        path: None,
        parameters: || vec![parameter("owner", OWNER_ID), parameter("team", TEAM_ID)],
        question: Some(|language| {
            let stale = json!({"and": [
                {"not": condition(Customer::last_activity_at, Op::Gte, relative("-90d"))},
                {"not": condition(Customer::updated_at, Op::Gte, relative("-90d"))},
            ]});
            question::<Customer>(
                [by("owner", OWNER_ID)],
                [
                    count("count", text(language, ("Customers", "客户数"))),
                    only(count("stale", text(language, ("Stale", "陈旧"))), &stale),
                    only(
                        count("no_region", text(language, ("No region", "缺少地区"))),
                        &condition(Customer::region, Op::Null, true),
                    ),
                    only(
                        count("no_industry", text(language, ("No industry", "缺少行业"))),
                        &condition(Customer::industry, Op::Null, true),
                    ),
                    only(
                        count("no_source", text(language, ("No source", "缺少来源"))),
                        &condition(Customer::source, Op::Null, true),
                    ),
                    only(
                        count("no_contact", text(language, ("No contact", "没有联系人"))),
                        &condition(Customer::contact_count, Op::Eq, 0),
                    ),
                ],
                None,
            )
        }),
    },
    Entry {
        name: "tickets-by-category",
        title: ("Tickets by category", "工单分类"),
        definition: (
            "Tickets by the month they were opened in and by category: number, number reopened at least once, number with a broken promise, and the mean satisfaction score of those rated. Merged tickets count as the one they were merged into.",
            "按受理月份和分类统计工单：数量、至少重新打开过一次的数量、有承诺超时的数量、已评价工单的平均满意度评分。被合并的工单以合并后的工单计。",
        ),
        source: None,
        path: None,
        parameters: || {
            vec![
                parameter("queue", Ticket::queue_id),
                parameter("customer", Ticket::customer_id),
                parameter("channel", Ticket::channel),
            ]
        },
        question: Some(|language| {
            question::<Ticket>(
                [months(Ticket::opened_at), by("category", Ticket::category_id)],
                [
                    count("count", text(language, ("Tickets", "工单数"))),
                    only(
                        count("reopened", text(language, ("Reopened", "重新打开"))),
                        &condition(Ticket::reopen_count, Op::Gt, 0),
                    ),
                    given("breached", Ticket::sla_breached_at, text(language, ("Breached", "超时"))),
                    mean("satisfaction", Ticket::satisfaction_score, text(language, ("Satisfaction", "满意度"))),
                ],
                None,
            )
        }),
    },
    elsewhere(
        "sales-funnel",
        "GET /v1/reports/sales-funnel",
        ("Sales funnel, velocity and stage conversion", "销售漏斗、销售速度与阶段转化"),
        (
            "How many opportunities of a cohort entered each stage, how many went on, where they went (the conversion matrix is `left_to`), how long they stayed, win rate and sales velocity. Each figure is defined in GET /v1/metadata/figures.",
            "一批商机进入各阶段的数量、继续推进的数量、去向（转化矩阵见 `left_to`）、停留时间、赢单率和销售速度。各指标的定义见 GET /v1/metadata/figures。",
        ),
        None,
    ),
    elsewhere(
        "forecast",
        "GET /v1/forecasts",
        ("Forecast against quota", "销售预测与目标达成"),
        (
            "What users and teams are expected to close in a period beside their quotas, also as of a past day: the forecast of then against what was closed since shows how accurate it was. Each figure is defined in GET /v1/metadata/figures.",
            "用户和团队在期间内的预计成交与业绩目标，也可查看过去某日的预测：将当时的预测与其后的实际成交相比即可看出预测准确度。各指标的定义见 GET /v1/metadata/figures。",
        ),
        None,
    ),
    elsewhere(
        "sales-velocity",
        "GET /v1/reports/sales-velocity",
        ("Sales velocity over time", "销售速度趋势"),
        (
            "For each month or quarter of `opened_at`, per currency: number of opportunities, win rate (won ÷ closed, by number), mean amount won, mean cycle of those won, and the sales velocity in minor units per day: number × win rate × mean amount won ÷ cycle in days. An opportunity counts in the period in which it was opened, whenever it was closed; archived ones do not count. Stages and slices are in the sales funnel.",
            "按商机开始（`opened_at`）的月份或季度、各币种分别统计：商机数、赢单率（赢单数 ÷ 关闭数）、平均赢单金额、赢单的平均周期，以及销售速度（最小货币单位/天）：商机数 × 赢单率 × 平均赢单金额 ÷ 周期天数。商机计入其开始的期间，不论何时关闭；已归档的不计。阶段和切片见销售漏斗。",
        ),
        None,
    ),
    elsewhere(
        "forecast-accuracy",
        "GET /v1/reports/forecast-accuracy",
        ("Forecast accuracy", "预测准确度"),
        (
            "What was forecast when each month or quarter began, according to the ledger (open opportunities expected to close in it, by category, and weighted by probability), against what was won in it, per currency. Error of a period: (forecast − won) ÷ won. Bias: Σ (forecast − won) ÷ Σ won. MAPE: the mean of |forecast − won| ÷ won over the periods in which something was won. Periods that are not over have no error. What was opened and won within a period was not in its forecast; overrides and the category omitted do not count.",
            "各月或各季度期初的预测（以台账为准：当时进行中、预计在期间内成交的商机，按预测类别及按赢率加权）与期间内实际赢单金额的比较，各币种分别列出。单期误差：（预测 − 赢单）÷ 赢单。偏差：Σ（预测 − 赢单）÷ Σ 赢单。MAPE：有赢单的各期 |预测 − 赢单| ÷ 赢单 的平均值。未结束的期间没有误差。期间内新建并赢单的商机不在其预测中；人工调整和“忽略”类别不计。",
        ),
        Some("Hyndman, Koehler (2006), Another look at measures of forecast accuracy"),
    ),
    elsewhere(
        "service-volume",
        "GET /v1/reports/service-volume",
        ("Ticket volume and backlog", "工单量与积压"),
        (
            "Tickets opened, solved and closed in each period, and the backlog at its end by the ledger. Each figure is defined in GET /v1/metadata/figures.",
            "各期间受理、解决、关闭的工单数，以及以台账为准的期末积压。各指标的定义见 GET /v1/metadata/figures。",
        ),
        None,
    ),
    elsewhere(
        "service-times",
        "GET /v1/reports/service-times",
        ("Response and resolution times", "响应与解决时间"),
        (
            "Median and 90th percentile of the times to the first response and to the solution, elapsed and in business hours, and the reopen rate. Each figure is defined in GET /v1/metadata/figures.",
            "首次响应与解决时长的中位数和 90 分位数（自然时间与工作时间），以及重新打开率。各指标的定义见 GET /v1/metadata/figures。",
        ),
        None,
    ),
    elsewhere(
        "service-sla",
        "GET /v1/reports/service-sla",
        ("SLA attainment", "SLA 达成"),
        (
            "Promises kept and broken, by clock. Each figure is defined in GET /v1/metadata/figures.",
            "按时钟统计兑现和超时的承诺。各指标的定义见 GET /v1/metadata/figures。",
        ),
        None,
    ),
    elsewhere(
        "service-satisfaction",
        "GET /v1/reports/service-satisfaction",
        ("Customer satisfaction", "客户满意度"),
        (
            "Surveys sent and answered, and CSAT, CES and NPS of the answers. Each figure is defined in GET /v1/metadata/figures.",
            "发出和答复的调查，以及答复的 CSAT、CES 和 NPS。各指标的定义见 GET /v1/metadata/figures。",
        ),
        Some("Reichheld (2003), The One Number You Need to Grow"),
    ),
];

fn text(language: Language, (en, zh): Text) -> &'static str {
    match language {
        Language::English => en,
        Language::Chinese => zh,
    }
}

/// That a customer has some, or no, purchase from one day until before another, in days from today.
fn ordered(op: Op, [from, to]: [Option<i32>; 2]) -> Value {
    let day = |op: Op, days: i32| condition(Order::ordered_on, op, relative(&format!("{days}d")));
    let mut conditions = vec![condition(Order::status, Op::In, OrderStatus::BOUGHT)];
    conditions.extend(from.map(|days| day(Op::Gte, days)));
    conditions.extend(to.map(|days| day(Op::Lt, days)));
    related(ORDERS, op, conditions)
}

/// The figures of leads of a source or campaign.
fn lead_measures(language: Language) -> [Value; 5] {
    let converted = condition(Lead::status, Op::Eq, LeadStatus::Converted);
    [
        count("received", text(language, ("Received", "收到数"))),
        only(count("converted", text(language, ("Converted", "转化数"))), &converted),
        ratio("conversion_rate", ["converted", "received"], text(language, ("Conversion rate", "转化率"))),
        given("responded", Lead::first_responded_at, text(language, ("Responded to", "已响应数"))),
        function(
            "median_seconds",
            "median",
            Lead::response_seconds,
            text(language, ("Median response (s)", "响应耗时中位数（秒）")),
        ),
    ]
}
