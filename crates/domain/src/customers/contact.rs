//! Contacts: the people at customers.

use serde_json::json;

use super::{
    completeness,
    completeness::Completeness,
    contact_customers::{CONTACT_CUSTOMERS, CONTACT_CUSTOMERS_LINK, ContactCustomer},
    customer::Channel,
};
use crate::{
    choices, entity,
    model::{
        field::Link,
        object::{Reach, Relation},
        record::Draft,
        structures::{addresses::Address, contact_points::ContactPoint},
    },
    values::id::Id,
};

choices! {
    /// Whether a contact can still be reached.
    pub enum ContactStatus {
        Active "active" "Active" "在职",
        Left "left" "Left" "已离职",
        Unreachable "unreachable" "Unreachable" "失联",
    }
}

choices! {
    /// Which tickets a contact sees in the customer portal.
    pub enum PortalAccess {
        None "none" "None" "不可登录",
        Own "own" "Their own" "本人",
        Organization "organization" "Their organization's" "所在单位",
    }
}

/// The contacts of opportunities: the field is theirs, and contacts are found by it from both ends.
pub static OPPORTUNITY_CONTACTS_LINK: Link =
    Link { table: "opportunity_contacts", from: "opportunity_id", to: "contact_id", target: "contact", shared: false };

entity! {
    /// A contact: a person at one or several customers, with a role in the buying decision.
    pub struct Contact("contact", "contacts", "contacts", "Contact", "联系人") [owned, tagged, external, custom] {
        /// The full name.
        name: String => text(200).required().title().indexed().keyed().label("Name", "姓名").example("李伟"),
        /// The family name, if needed separately.
        family_name: Option<String> => text(100).detail().label("Family name", "姓").example("李"),
        /// The given name, if needed separately.
        given_name: Option<String> => text(100).detail().label("Given name", "名").example("伟"),
        /// Other names, such as a nickname or the name in another language.
        other_names: Vec<String> => texts(20).title().detail().opaque().label("Other names", "别名").example(json!(["David Li"])),
        /// The salutation.
        salutation: Option<String> => text(40).detail().label("Salutation", "称谓").example("先生"),
        /// The department the person works in.
        department: Option<String> => text(100).detail().label("Department", "部门").example("采购部"),
        /// Whether the person can still be reached.
        status: Option<ContactStatus> => choice(ContactStatus::choices()).default("active").indexed().label("Status", "状态").example("active"),
        /// The primary customer. Setting it makes that customer the primary one in `customers`.
        customer_id: Option<crate::values::id::Id> => reference("customer").indexed().label("Customer", "客户"),
        /// The customers that the person works for, with the person's role in the buying decision.
        customers: Vec<ContactCustomer> => structure(&CONTACT_CUSTOMERS).default(json!([])).label("Customers", "所属客户").example(json!([{"customer_id": "01890a5d-ac96-774b-bcce-b302099a8057", "role": "采购经理", "buying_role": "decision_maker", "primary": true}])),
        /// Where the contact came from.
        source: Option<String> => text(100).indexed().label("Source", "来源").example("展会"),
        /// E-mail addresses.
        emails: Vec<ContactPoint> => structure(&crate::model::structures::contact_points::EMAILS).default(json!([])).searchable().sensitive().indexed().label("E-mail addresses", "邮箱").example(json!([{"value": "li.wei@example.cn", "label": "work", "primary": true}])),
        /// Phone numbers.
        phones: Vec<ContactPoint> => structure(&crate::model::structures::contact_points::PHONES).default(json!([])).searchable().sensitive().indexed().label("Phone numbers", "电话").example(json!([{"value": "+8613800138000", "label": "mobile", "primary": true}])),
        /// Postal addresses.
        addresses: Vec<Address> => structure(&crate::model::structures::addresses::ADDRESSES).default(json!([])).searchable().opaque().sensitive().label("Addresses", "地址"),
        /// The preferred language.
        language: Option<String> => language().detail().label("Language", "语言").example("zh-CN"),
        /// The person's time zone.
        time_zone: Option<String> => time_zone().detail().label("Time zone", "时区").example("Asia/Shanghai"),
        /// The preferred contact channel.
        preferred_channel: Option<Channel> => choice(Channel::choices()).detail().label("Preferred channel", "偏好渠道").example("wecom"),
        /// Which tickets the contact sees in the customer portal: none, and they cannot sign in; their own; or those of their primary customer,
        /// where the portal shows these.
        portal_access: Option<PortalAccess> => choice(PortalAccess::choices()).default("own").detail().label("Portal access", "门户权限").example("own"),
        /// Date of birth.
        birthday: Option<chrono::NaiveDate> => date().detail().sensitive().label("Birthday", "生日").example("1987-09-15"),
        /// Notes.
        description: Option<String> => long_text(20_000).detail().searchable().label("Description", "备注"),
        /// When the last activity was done; updated with activities, without a new version of the record.
        last_activity_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Last activity at", "最近跟进时间").example("2026-09-01T08:00:00.000Z"),
        /// When the next open task is due; updated with tasks, without a new version of the record.
        next_task_at: Option<crate::values::time::Timestamp> => datetime().server_set().indexed().label("Next task at", "下一任务时间").example("2026-09-05T08:00:00.000Z"),
        /// How complete the record is, and which important fields are still missing.
        completeness: Option<Completeness> => structure(&completeness::COMPLETENESS).filled().server_set().opaque().label("Completeness", "完整度").example(json!({"score": 75, "missing": ["emails"]})),
        /// The number of open opportunities that the contact is involved in; only with `fields`.
        open_opportunity_count: Option<i64> => open_count("opportunities").label("Open opportunities", "进行中商机数").example(2),
        /// The number of open tasks that concern the contact; only with `fields`.
        open_task_count: Option<i64> => open_count("tasks").label("Open tasks", "未完成任务数").example(4),
        /// The segments that it is in: to filter by, as `segments_any`.
        segments: Vec<crate::values::id::Id> => references(&crate::query::predicate::segment::SEGMENT_MEMBERS).filter_only().label("Segments", "客户分群"),
    }
    extend |object| crate::activities::concerned::concerns(object)
        .relations([
            Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } },
            Relation { name: "customers", target: "customer", reach: Reach::Linked { link: &CONTACT_CUSTOMERS_LINK, holder: true } },
            Relation { name: "orders", target: "order", reach: Reach::Inverse { field: "contact_id" } },
            Relation { name: "opportunities", target: "opportunity", reach: Reach::Linked { link: &OPPORTUNITY_CONTACTS_LINK, holder: false } },
            Relation { name: "work_orders", target: "work_order", reach: Reach::Inverse { field: "contact_id" } },
        ])
        .hidden_beside(
            "completeness",
            ["customer_id", "customers", "emails", "phones", "department", "preferred_channel"],
        )
        .hidden_beside("customers", ["customer_id"])
        .hidden_beside("customer_id", ["customers"])
        .rule(primary_customer)
        .rule(tell_completeness)
}

/// Keeps `customer_id` and the primary item of `customers` the same, whichever of the two was written.
fn primary_customer(draft: &mut Draft<'_, Contact>) {
    let customers = draft.after.get(Contact::customers);
    let written = draft.after.get(Contact::customer_id);
    if draft.changes(Contact::customers) && !(draft.before.is_none() && customers.is_empty()) {
        let primary = primary_of(&customers);
        let written_apart = draft.changes(Contact::customer_id) && written != primary;
        if let Some(customer) = written.filter(|_| written_apart) {
            draft.after.set(Contact::customers, with_primary(customers, customer));
        } else {
            draft.after.set(Contact::customer_id, primary);
        }
    } else if draft.changes(Contact::customer_id) {
        let former = draft.before.and_then(|before| before.get(Contact::customer_id));
        let customers = match written {
            Some(customer) => with_primary(customers, customer),
            // Clearing the primary customer takes that one away; the next becomes primary.
            None => without(customers, former),
        };
        draft.after.set(Contact::customer_id, primary_of(&customers));
        draft.after.set(Contact::customers, customers);
    }
}

fn primary_of(customers: &[ContactCustomer]) -> Option<Id> {
    customers.iter().find(|item| item.primary).map(|item| item.customer_id)
}

fn with_primary(mut customers: Vec<ContactCustomer>, customer: Id) -> Vec<ContactCustomer> {
    if !customers.iter().any(|item| item.customer_id == customer) {
        customers.push(ContactCustomer { customer_id: customer, role: None, buying_role: None, primary: true });
    }
    for item in &mut customers {
        item.primary = item.customer_id == customer;
    }
    customers
}

fn without(mut customers: Vec<ContactCustomer>, customer: Option<Id>) -> Vec<ContactCustomer> {
    customers.retain(|item| Some(item.customer_id) != customer);
    if let Some(first) = customers.first_mut() {
        first.primary = true;
    }
    customers
}

fn tell_completeness(draft: &mut Draft<'_, Contact>) {
    let important = [
        Contact::customer_id.field(),
        Contact::emails.field(),
        Contact::phones.field(),
        Contact::department.field(),
        Contact::preferred_channel.field(),
    ];
    let completeness = completeness::of(&draft.after, &important);
    draft.after.set(Contact::completeness, completeness);
}
