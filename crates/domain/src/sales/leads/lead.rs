//! Leads: unqualified inquiries.

use serde_json::json;

use super::{
    origin::{CONSENT, Consent, UTM, Utm},
    status::{LeadStatus, follow_status},
};
use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Ledger, Reach, Relation},
        record::{Draft, Record},
        structures::{addresses::Address, contact_points::ContactPoint},
    },
    values::money::Money,
};

choices! {
    /// How promising somebody thinks a lead is.
    pub enum LeadRating {
        Hot "hot" "Hot" "高意向",
        Warm "warm" "Warm" "中意向",
        Cold "cold" "Cold" "低意向",
    }
}

entity! {
    /// A lead: an unqualified inquiry. Once qualified, it is converted into a customer, a contact and an opportunity.
    pub struct Lead("lead", "leads", "leads", "Lead", "线索") [owned, tagged, external, custom] {
        /// The name of the lead: a person or a topic. Defaults to the company or the person.
        name: Option<String> => text(200).title().indexed().keyed().label("Name", "名称").example("李伟 咨询工业机器人").required_when(crate::model::field::when_missing(&["company", "person_name"])),
        /// The company that made the inquiry.
        company: Option<String> => text(200).title().indexed().company_name().label("Company", "公司").example("深圳市大族机器人有限公司"),
        /// The person who made the inquiry.
        person_name: Option<String> => text(200).title().detail().label("Person", "联系人姓名").example("李伟"),
        /// The person's job title.
        job_title: Option<String> => text(100).detail().label("Job title", "职务").example("采购经理"),
        /// E-mail addresses.
        emails: Vec<ContactPoint> => structure(&crate::model::structures::contact_points::EMAILS).default(json!([])).searchable().sensitive().indexed().label("E-mail addresses", "邮箱").example(json!([{"value": "li.wei@example.cn", "label": "work", "primary": true}])),
        /// Phone numbers.
        phones: Vec<ContactPoint> => structure(&crate::model::structures::contact_points::PHONES).default(json!([])).searchable().sensitive().indexed().label("Phone numbers", "电话").example(json!([{"value": "+8613800138000", "label": "mobile", "primary": true}])),
        /// Postal addresses.
        addresses: Vec<Address> => structure(&crate::model::structures::addresses::ADDRESSES).default(json!([])).detail().searchable().opaque().sensitive().label("Addresses", "地址"),
        /// The web site.
        website: Option<String> => url().detail().label("Website", "网站").example("https://www.example.cn"),
        /// The sales region. Defaults to the region of the primary address.
        region: Option<String> => text(100).indexed().label("Region", "区域").example("华南"),
        /// Line of business.
        industry: Option<String> => text(100).detail().label("Industry", "行业").example("机器人"),
        /// The request, in the person's own words.
        description: Option<String> => long_text(20_000).detail().searchable().label("Description", "需求描述").example("想了解六轴机器人的报价"),
        /// The minimum budget.
        budget_min: Option<Money> => money().detail().label("Budget from", "预算下限").example(json!({"amount": 10_000_000, "currency": "CNY"})),
        /// The maximum budget, in the same currency as the minimum.
        budget_max: Option<Money> => money().detail().label("Budget to", "预算上限").example(json!({"amount": 50_000_000, "currency": "CNY"})),
        /// The source of the lead.
        source: Option<String> => text(100).indexed().label("Source", "来源").example("官网"),
        /// The campaign it comes from.
        campaign_id: Option<crate::values::id::Id> => reference("campaign").indexed().label("Campaign", "营销活动"),
        /// The UTM parameters of the visit it came from.
        utm: Option<Utm> => structure(&UTM).detail().opaque().label("UTM", "UTM 参数").example(json!({"source": "baidu", "medium": "cpc", "campaign": "spring-2026", "term": null, "content": null})),
        /// The channels they consented to, when, and with which consent text.
        consent: Vec<Consent> => structure(&CONSENT).default(json!([])).detail().label("Consent", "授权同意").example(json!([{"channel": "email", "given_at": "2026-09-01T08:00:00.000Z", "text": "同意接收产品资讯", "source": "官网表单"}])),
        /// The status. `converted` is set only by POST …/convert or, together with `status_entered_at`, on creation for leads
        /// converted in another system. `disqualified` requires a reason and can be reopened.
        status: Option<LeadStatus> => choice(LeadStatus::choices()).default("new").indexed().label("Status", "状态").example("new"),
        /// When it was received. Defaults to the time of creation; set it for leads that were received earlier in another
        /// system.
        received_at: Option<crate::values::time::Timestamp> => datetime().on_create().filled().indexed().label("Received at", "收到时间").example("2026-09-01T08:00:00.000Z"),
        /// When it entered its current status. On creation, it can be set for leads from another system, such as when they were
        /// converted or disqualified.
        status_entered_at: Option<crate::values::time::Timestamp> => datetime().filled().on_create().label("Status entered at", "进入状态时间").example("2026-09-01T08:00:00.000Z"),
        /// Why it was disqualified.
        disqualify_reason: Option<String> => text(200).detail().label("Disqualification reason", "无效原因").example("无预算").only_when(crate::model::field::when_is("status", &["disqualified"])),
        /// Details of the reason.
        disqualify_comment: Option<String> => long_text(5_000).detail().label("Disqualification comment", "无效说明").shown_when(crate::model::field::when_is("status", &["disqualified"])),
        /// A manual rating of how promising it is.
        rating: Option<LeadRating> => choice(LeadRating::choices()).detail().label("Rating", "意向等级").example("warm"),
        /// The sum of the points from the scoring rules.
        score: i64 => integer(-1_000_000, 1_000_000).default(0).server_set().indexed().label("Score", "评分").example(35),
        /// The pool it is in while it has no owner, and to which it returns otherwise. Defaults to the default pool. A lead
        /// created with a pool and no owner goes into the pool.
        pool_id: Option<crate::values::id::Id> => reference("pool").indexed().label("Pool", "公海"),
        /// The customer it was converted into. Until then, the known customer who inquires again, which a conversion uses by
        /// default: set on creation, or by a web form if a lead with the same e-mail address or phone number was converted before.
        customer_id: Option<crate::values::id::Id> => reference("customer").on_create().indexed().label("Customer", "客户"),
        /// The contact it was converted into; until then, the known contact who inquires again.
        contact_id: Option<crate::values::id::Id> => reference("contact").on_create().indexed().label("Contact", "联系人"),
        /// The opportunity it was converted into. On creation, allowed only for leads converted in another system.
        opportunity_id: Option<crate::values::id::Id> => reference("opportunity").on_create().indexed().label("Opportunity", "商机"),
        /// On creation: whether the assignment rules choose the owner. If no rule finds one, the given owner or the user who
        /// creates it remains the owner.
        assign: bool => boolean().default(false).on_create().detail().opaque().label("Assign", "自动分配").example(false),
        /// The rule that assigned it to its current owner.
        assigned_by_rule_id: Option<crate::values::id::Id> => reference("assignment_rule").server_set().detail().label("Assigned by rule", "分配规则"),
        /// The web form it came from.
        lead_form_id: Option<crate::values::id::Id> => reference("lead_form").server_set().detail().label("Form", "表单"),
        /// When the first response is due.
        first_response_due_at: Option<crate::values::time::Timestamp> => datetime().indexed().label("First response due at", "首次响应期限").example("2026-09-01T08:30:00.000Z"),
        /// When the first response was made: the first change of status to contacted or qualified, or the first outbound
        /// activity. A conversion does not count.
        first_responded_at: Option<crate::values::time::Timestamp> => datetime().on_create().indexed().label("First responded at", "首次响应时间").example("2026-09-01T08:10:00.000Z"),
        /// When the overdue response was reported (the event `lead.waiting_too_long`).
        overdue_told_at: Option<crate::values::time::Timestamp> => datetime().server_set().detail().label("Overdue reported at", "超时提醒时间"),
        /// The time from `received_at` to `first_responded_at`, in whole seconds of elapsed time, including nights and days
        /// off; null until there is a response.
        response_seconds: Option<i64> => integer(0, i64::MAX).server_set().detail().label("Response time", "响应耗时").example(600),
        /// When the last activity on it took place.
        last_activity_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Last activity at", "最近跟进时间").example("2026-09-01T08:00:00.000Z"),
        /// When the next open task on it is due.
        next_task_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Next task at", "下一任务时间").example("2026-09-05T08:00:00.000Z"),
        /// The segments that it is in: to filter by, as `segments_any`.
        segments: Vec<crate::values::id::Id> => references(&crate::query::predicate::segment::SEGMENT_MEMBERS).filter_only().label("Segments", "客户分群"),
    }
    extend |object| crate::activities::concerned::concerns(object)
        .relations([
            Relation { name: "campaign", target: "campaign", reach: Reach::ToOne { field: "campaign_id" } },
            Relation { name: "cadence_enrolments", target: "cadence_enrolment", reach: Reach::Inverse { field: "lead_id" } },
            Relation { name: "pool", target: "pool", reach: Reach::ToOne { field: "pool_id" } },
            Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } },
            Relation { name: "contact", target: "contact", reach: Reach::ToOne { field: "contact_id" } },
            Relation { name: "opportunity", target: "opportunity", reach: Reach::ToOne { field: "opportunity_id" } },
        ])
        .open_while("status", &["new", "contacted", "qualified"])
        .ledger(&LEDGER)
        .rule(name_from_who)
        .rule(region_from_address)
        .rule(budget_is_a_range)
        .rule(follow_status)
        .rule(given_by_hand)
}

/// Every change of status, owner and pool, with the time spent in each status.
pub static LEDGER: Ledger = Ledger {
    table: "lead_ledger",
    fields: &[
        Lead::status.name(),
        Lead::owner_id.name(),
        Lead::team_id.name(),
        Lead::pool_id.name(),
        Lead::status_entered_at.name(),
    ],
    fixed: &[Lead::received_at.name()],
    step: Lead::status.name(),
    since: Lead::status_entered_at.name(),
    past,
};

/// One that came elsewhere was new from when it came until it entered its status: of the steps between, nobody told.
fn past(record: &Record) -> Vec<Record> {
    let record = record.of::<Lead>();
    let (received, entered) = (record.get(Lead::received_at), record.get(Lead::status_entered_at));
    if record.get(Lead::status) == Some(LeadStatus::New) || received >= entered {
        return Vec::new();
    }
    let mut new = record.clone();
    new.set(Lead::status, LeadStatus::New);
    new.set(Lead::status_entered_at, received);
    vec![new.into_any()]
}

/// Whoever gives a lead to somebody else is not the rule that assigned it before.
fn given_by_hand(draft: &mut Draft<'_, Lead>) {
    if draft.before.is_some() && draft.changes(Lead::owner_id) {
        draft.after.clear(Lead::assigned_by_rule_id);
    }
}

fn name_from_who(draft: &mut Draft<'_, Lead>) {
    if draft.after.is_null(Lead::name) {
        let who = draft.after.get(Lead::company).or(draft.after.get(Lead::person_name)).map(str::to_owned);
        if who.is_none() {
            draft.fault(Lead::name.pointer(), FaultCode::Required);
        }
        draft.after.set(Lead::name, who);
    }
}

/// The region of the primary address is the sales region until somebody sets another.
fn region_from_address(draft: &mut Draft<'_, Lead>) {
    let cleared_on_purpose = draft.before.is_some_and(|before| !before.is_null(Lead::region));
    if draft.after.is_null(Lead::region) && !cleared_on_purpose {
        let primary = draft.after.get(Lead::addresses).into_iter().find(|address| address.primary);
        draft.after.set(Lead::region, primary.and_then(|address| address.region));
    }
}

fn budget_is_a_range(draft: &mut Draft<'_, Lead>) {
    let (Some(min), Some(max)) = (draft.after.get(Lead::budget_min), draft.after.get(Lead::budget_max)) else { return };
    let pointer = |member: &str| format!("{}/{member}", Lead::budget_max.pointer());
    if min.currency != max.currency {
        draft.faults.add(Fault::new(pointer("currency"), FaultCode::OtherCurrency).with("currency", min.currency));
    } else if max.amount < min.amount {
        draft.faults.add(Fault::new(pointer("amount"), FaultCode::TooSmall).with("min", min.amount));
    }
}
