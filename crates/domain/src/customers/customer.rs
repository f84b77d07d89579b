//! Customers: the organizations and persons we sell to or serve.

use super::{completeness, completeness::Completeness, contact_customers::CONTACT_CUSTOMERS_LINK};
use crate::{
    choices, entity,
    model::{
        object::{Reach, Relation},
        record::Draft,
        structures::{addresses::Address, contact_points::ContactPoint},
    },
};

choices! {
    /// What a customer is.
    pub enum CustomerKind {
        Organization "organization" "Organization" "组织",
        Person "person" "Person" "个人",
    }
}

choices! {
    /// Whether we do business with a customer.
    pub enum CustomerStatus {
        Active "active" "Active" "正常",
        Inactive "inactive" "Inactive" "停用",
        Blocked "blocked" "Blocked" "黑名单",
    }
}

choices! {
    /// How far a customer has come with us.
    pub enum LifecycleStage {
        Prospect "prospect" "Prospect" "潜在客户",
        Engaged "engaged" "Engaged" "跟进中",
        Customer "customer" "Customer" "成交客户",
        Repeat "repeat" "Repeat customer" "复购客户",
        Dormant "dormant" "Dormant" "沉睡客户",
        Lost "lost" "Lost" "流失客户",
    }
}

choices! {
    /// How a customer likes to be reached.
    pub enum Channel {
        Email "email" "E-mail" "邮件",
        Phone "phone" "Phone" "电话",
        Sms "sms" "SMS" "短信",
        Wecom "wecom" "WeCom" "企业微信",
        Wechat "wechat" "WeChat" "微信",
        Post "post" "Post" "信函",
    }
}

entity! {
    /// A customer: an organization or a person we sell to or serve.
    pub struct Customer("customer", "customers", "customers", "Customer", "客户") [owned, tagged, external, custom] {
        /// Whether the customer is an organization or a person.
        kind: Option<CustomerKind> => choice(CustomerKind::choices()).label("Kind", "类型").default("organization").example("organization"),
        /// The name of the customer.
        name: String => text(200).required().title().indexed().company_name().label("Name", "名称").example("华为技术有限公司"),
        /// Other names, such as a short name, a former name or the name in another language.
        other_names: Vec<String> => texts(20).title().detail().opaque().company_name().label("Other names", "别名").example(serde_json::json!(["Huawei"])),
        /// The customer number, assigned by the server and unique within the tenant. Numbers can be skipped, and several nodes
        /// assign them from separate ranges; use `created_at` for the order of creation.
        number: Option<String> => text(40).server_set().title().indexed().label("Number", "编号").example("C-000042"),
        /// Whether we do business with the customer.
        status: Option<CustomerStatus> => choice(CustomerStatus::choices()).default("active").indexed().label("Status", "状态").example("active"),
        /// The customer's lifecycle stage.
        lifecycle_stage: Option<LifecycleStage> => choice(LifecycleStage::choices()).default("prospect").indexed().label("Lifecycle stage", "生命周期阶段").example("customer"),
        /// Line of business.
        industry: Option<String> => text(100).indexed().label("Industry", "行业").example("通信设备"),
        /// The number of employees.
        employee_count: Option<i64> => integer(0, 100_000_000).detail().label("Employees", "员工人数").example(207_000),
        /// Annual revenue.
        annual_revenue: Option<crate::values::money::Money> => money().label("Annual revenue", "年营业额").example(serde_json::json!({"amount": 1_234_500, "currency": "CNY"})),
        /// The founding year.
        founded_year: Option<i64> => integer(1000, 2200).detail().label("Founded in", "成立年份").example(1987),
        /// Where the customer came from.
        source: Option<String> => text(100).indexed().label("Source", "来源").example("展会"),
        /// The sales region. Defaults to the region of the primary address.
        region: Option<String> => text(100).indexed().label("Region", "区域").example("华南"),
        /// The web site.
        website: Option<String> => url().detail().label("Website", "网站").example("https://www.huawei.com"),
        /// The unified social credit code of a Chinese organization (GB 32100-2015), with a valid check digit.
        social_credit_code: Option<String> => social_credit_code().indexed().searchable().label("Social credit code", "统一社会信用代码").example("914403001922038216"),
        /// The parent customer; must not be one of its own descendants.
        parent_id: Option<crate::values::id::Id> => reference("customer").indexed().label("Parent customer", "上级客户"),
        /// The pool it is in while it has no owner, and to which it returns otherwise. Defaults to the default pool. A customer
        /// created with a pool and no owner goes into the pool.
        pool_id: Option<crate::values::id::Id> => reference("pool").indexed().label("Pool", "公海"),
        /// E-mail addresses.
        emails: Vec<ContactPoint> => structure(&crate::model::structures::contact_points::EMAILS).default(serde_json::json!([])).searchable().sensitive().indexed().label("E-mail addresses", "邮箱").example(serde_json::json!([{"value": "info@example.cn", "label": "work", "primary": true}])),
        /// Phone numbers.
        phones: Vec<ContactPoint> => structure(&crate::model::structures::contact_points::PHONES).default(serde_json::json!([])).searchable().sensitive().indexed().label("Phone numbers", "电话").example(serde_json::json!([{"value": "+8675528780808", "label": "work", "primary": true}])),
        /// Postal addresses.
        addresses: Vec<Address> => structure(&crate::model::structures::addresses::ADDRESSES).default(serde_json::json!([])).searchable().opaque().sensitive().label("Addresses", "地址").example(serde_json::json!([{"kind": "office", "country": "CN", "region": "广东省", "city": "深圳市", "district": "龙岗区", "street": "坂田街道 1 号", "postal_code": "518129", "primary": true}])),
        /// The preferred language.
        language: Option<String> => language().detail().label("Language", "语言").example("zh-CN"),
        /// The customer's time zone.
        time_zone: Option<String> => time_zone().detail().label("Time zone", "时区").example("Asia/Shanghai"),
        /// The preferred contact channel.
        preferred_channel: Option<Channel> => choice(Channel::choices()).detail().label("Preferred channel", "偏好渠道").example("wecom"),
        /// A person's date of birth, or an organization's founding date.
        birthday: Option<chrono::NaiveDate> => date().detail().sensitive().label("Birthday", "生日").example("1987-09-15"),
        /// Notes.
        description: Option<String> => long_text(20_000).detail().searchable().label("Description", "备注").example("Key account"),
        /// When the last activity was done; updated with activities, without a new version of the record.
        last_activity_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Last activity at", "最近跟进时间").example("2026-09-01T08:00:00.000Z"),
        /// When the next open task is due; updated with tasks, without a new version of the record.
        next_task_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Next task at", "下一任务时间").example("2026-09-05T08:00:00.000Z"),
        /// How complete the record is, and which important fields are still missing.
        completeness: Option<Completeness> => structure(&completeness::COMPLETENESS).server_set().detail().opaque().label("Completeness", "完整度").example(serde_json::json!({"score": 75, "missing": ["emails"]})),
        /// The number of live contacts of the customer; only with `fields`.
        contact_count: Option<i64> => count("contacts").label("Contacts", "联系人数").example(3),
        /// The number of live customers with this one as their parent; only with `fields`.
        child_count: Option<i64> => count("children").label("Child customers", "下级客户数").example(2),
        /// The number of open opportunities of the customer; only with `fields`.
        open_opportunity_count: Option<i64> => open_count("opportunities").label("Open opportunities", "进行中商机数").example(2),
        /// The number of open tasks that concern the customer; only with `fields`.
        open_task_count: Option<i64> => open_count("tasks").label("Open tasks", "未完成任务数").example(4),
        /// The number of live orders of the customer; only with `fields`.
        order_count: Option<i64> => count("orders").label("Orders", "订单数").example(6),
        /// The number of open work orders of the customer; only with `fields`.
        open_work_order_count: Option<i64> => open_count("work_orders").label("Open work orders", "未完成现场服务单数").example(1),
        /// The segments that it is in: to filter by, as `segments_any`.
        segments: Vec<crate::values::id::Id> => references(&crate::query::predicate::segment::SEGMENT_MEMBERS).filter_only().label("Segments", "客户分群"),
    }
    extend |object| crate::activities::concerned::concerns(object)
        .relations([
            Relation { name: "parent", target: "customer", reach: Reach::ToOne { field: "parent_id" } },
            Relation { name: "cadence_enrolments", target: "cadence_enrolment", reach: Reach::Inverse { field: "customer_id" } },
            Relation { name: "pool", target: "pool", reach: Reach::ToOne { field: "pool_id" } },
            Relation { name: "children", target: "customer", reach: Reach::Inverse { field: "parent_id" } },
            Relation { name: "contacts", target: "contact", reach: Reach::Linked { link: &CONTACT_CUSTOMERS_LINK, holder: false } },
            Relation { name: "opportunities", target: "opportunity", reach: Reach::Inverse { field: "customer_id" } },
            Relation { name: "value", target: "customer_value", reach: Reach::ToOne { field: "id" } },
            Relation { name: "orders", target: "order", reach: Reach::Inverse { field: "customer_id" } },
            Relation { name: "work_orders", target: "work_order", reach: Reach::Inverse { field: "customer_id" } },
        ])
        .unique("customers_number_key", "number")
        .unique("customers_social_credit_code_key", "social_credit_code")
        .numbered("C-")
        .hidden_beside(
            "completeness",
            [
                "kind", "industry", "employee_count", "source", "region", "website", "emails", "phones", "addresses", "birthday",
                "preferred_channel",
            ],
        )
        .rule(region_from_address)
        .rule(tell_completeness)
}

/// The region of the primary address is the sales region until somebody sets another.
fn region_from_address(draft: &mut Draft<'_, Customer>) {
    if draft.after.is_null(Customer::region)
        && let Some(region) = primary_address_region(draft)
    {
        draft.after.set(Customer::region, region);
    }
}

fn primary_address_region(draft: &Draft<'_, Customer>) -> Option<String> {
    let cleared_on_purpose = draft.before.is_some_and(|before| !before.is_null(Customer::region));
    let primary = draft.after.get(Customer::addresses).into_iter().find(|address| address.primary)?;
    if cleared_on_purpose { None } else { primary.region }
}

fn tell_completeness(draft: &mut Draft<'_, Customer>) {
    let (source, region) = (Customer::source.field(), Customer::region.field());
    let (emails, phones, addresses) = (Customer::emails.field(), Customer::phones.field(), Customer::addresses.field());
    let completeness = match draft.after.get(Customer::kind) {
        Some(CustomerKind::Person) => {
            let (birthday, channel) = (Customer::birthday.field(), Customer::preferred_channel.field());
            completeness::of(&draft.after, &[source, region, emails, phones, addresses, birthday, channel])
        }
        Some(CustomerKind::Organization) | None => {
            let (industry, size, website) =
                (Customer::industry.field(), Customer::employee_count.field(), Customer::website.field());
            completeness::of(&draft.after, &[industry, size, source, region, website, emails, phones, addresses])
        }
    };
    draft.after.set(Customer::completeness, completeness);
}
