//! Web forms: what a site asks visitors, and what becomes of their answers.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::lead::Lead;
use crate::{
    activities::task::Priority,
    choices,
    customers::{customer::Channel, request::TicketKind},
    entity,
    model::{
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, Structure, Writable, when_is},
        object::{Reach, Relation, Schema},
        record::{Draft, Record},
        structures::contact_points::{EMAILS, PHONES},
        value::{Members, list},
    },
    values::id::Id,
};

/// One question of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormField {
    /// The name of the input.
    pub name: String,
    /// The field of the lead or ticket that the answer is saved in; `custom.key` for a custom field.
    pub field: String,
    /// The label shown to visitors.
    pub label: Option<String>,
    pub placeholder: Option<String>,
    /// Whether an answer is required.
    pub required: bool,
}

crate::structures! { FormField }

/// The questions of a form.
pub static FORM_FIELDS: Structure = Structure {
    name: "form_fields",
    accept: |value, standards| {
        list(value, 100, |item| {
            let mut members = Members::read(item, &*FORM_FIELD_FIELDS, standards)?;
            if members.accepted.get("name").is_some_and(Value::is_null) {
                let name = members.accepted.get("field").and_then(Value::as_str).unwrap_or_default().replace('.', "_");
                members.accepted.insert("name".to_owned(), name.into());
            }
            members.finish()
        })
    },
    schema: || {
        json!({
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["field"],
                "additionalProperties": false,
                "properties": {
                    "name": {"type": ["string", "null"], "maxLength": 100, "description": "The name of the input. Defaults to the name of the field.", "examples": ["phone"]},
                    "field": {"type": "string", "maxLength": 100, "description": "The field of the lead or ticket that the answer is saved in; `custom.key` for a custom field. For a ticket also `contact.name`, `contact.emails` and `contact.phones`: who asks.", "examples": ["phones"]},
                    "label": {"type": ["string", "null"], "maxLength": 200, "description": "The label shown to visitors.", "examples": ["手机号"]},
                    "placeholder": {"type": ["string", "null"], "maxLength": 200},
                    "required": {"type": "boolean", "description": "Whether an answer is required."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

static FORM_FIELD_FIELDS: LazyLock<[Field; 5]> = LazyLock::new(|| {
    [
        Field::new("name", FieldType::Text { max: 100 }),
        Field::new("field", FieldType::Text { max: 100 }).required(),
        Field::new("label", FieldType::Text { max: 200 }),
        Field::new("placeholder", FieldType::Text { max: 200 }),
        Field::new("required", FieldType::Boolean).default(false),
    ]
});

choices! {
    /// A channel that a form asks consent for.
    pub enum FormConsent {
        Email "email" "E-mail" "邮件",
        Phone "phone" "Phone" "电话",
        Sms "sms" "SMS" "短信",
        Wecom "wecom" "WeCom" "企业微信",
        Wechat "wechat" "WeChat" "微信",
    }
}

choices! {
    /// What the answers to a form become.
    pub enum FormTarget {
        Lead "lead" "Lead" "线索",
        Ticket "ticket" "Ticket" "工单",
    }
}

impl From<FormConsent> for Channel {
    fn from(consent: FormConsent) -> Channel {
        match consent {
            FormConsent::Email => Channel::Email,
            FormConsent::Phone => Channel::Phone,
            FormConsent::Sms => Channel::Sms,
            FormConsent::Wecom => Channel::Wecom,
            FormConsent::Wechat => Channel::Wechat,
        }
    }
}

entity! {
    /// A web form: the questions a site asks, and how submissions become leads or tickets. Any site can render it from GET
    /// /v1/forms/{token} and submit it to POST /v1/forms/{token}, without logging in.
    pub struct LeadForm("lead_form", "lead-forms", "lead_forms", "Lead form", "线索表单") [owned, external] {
        /// The name of the form; it can be visible to visitors.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("官网咨询"),
        /// The public identifier of the form; POST …/rotate-token replaces it.
        token: Option<String> => text(100).filled().server_set().opaque().label("Token", "令牌").example("lf_3q2-7w"),
        /// Whether it accepts submissions.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// What submissions become: a lead, or a ticket of the service desk.
        target: Option<FormTarget> => choice(FormTarget::choices()).default("lead").label("Target", "提交后生成").example("lead"),
        /// Its inputs, in order.
        fields: Vec<FormField> => structure(&FORM_FIELDS).default(json!([])).opaque().label("Fields", "字段").example(json!([{"name": "name", "field": "person_name", "label": "姓名", "placeholder": null, "required": true}, {"name": "phone", "field": "phones", "label": "手机号", "placeholder": null, "required": true}, {"name": "need", "field": "description", "label": "需求", "placeholder": null, "required": false}])),
        /// The text that visitors consent to. If absent, no consent is requested.
        consent_text: Option<String> => long_text(5_000).label("Consent text", "授权文本").example("同意通过电话和邮件联系我"),
        /// The channel that the consent applies to.
        consent_channel: Option<FormConsent> => choice(FormConsent::choices()).default("phone").label("Consent channel", "授权渠道").example("phone"),
        /// Whether consent is required to submit the form.
        consent_required: bool => boolean().default(false).label("Consent required", "必须授权").example(false),
        /// The queue of its tickets. Defaults to the queue of the category.
        ticket_queue_id: Option<Id> => reference("queue").shown_when(of_tickets()).label("Queue of tickets", "工单队列"),
        /// The category of its tickets.
        ticket_category_id: Option<Id> => reference("ticket_category").shown_when(of_tickets()).label("Category of tickets", "工单分类"),
        /// The kind of its tickets, if the form does not ask for it.
        ticket_kind: Option<TicketKind> => choice(TicketKind::choices()).shown_when(of_tickets()).label("Kind of tickets", "工单类型").example("incident"),
        /// The priority of its tickets. By default it follows from impact and urgency.
        ticket_priority: Option<Priority> => choice(Priority::choices()).shown_when(of_tickets()).label("Priority of tickets", "工单优先级").example("high"),
        /// The mailbox that answers its tickets: it acknowledges them as it does requests that come by mail, and replies are sent from it.
        mailbox_id: Option<Id> => reference("mailbox").shown_when(of_tickets()).label("Mailbox", "客服邮箱"),
        /// The source of its leads.
        source: Option<String> => text(100).label("Source", "来源").example("官网"),
        /// The campaign of its leads.
        campaign_id: Option<Id> => reference("campaign").label("Campaign", "营销活动"),
        /// The owner of its leads. If absent or deactivated, the assignment rules decide, or the leads go into the pool.
        lead_owner_id: Option<Id> => reference("user").gives_work().label("Owner of leads", "线索负责人"),
        /// The pool of its leads.
        pool_id: Option<Id> => reference("pool").label("Pool", "公海"),
        /// Whether the assignment rules choose the owner of its leads.
        assign: bool => boolean().default(true).label("Assign", "自动分配").example(true),
        /// The number of minutes within which its leads should be contacted.
        first_response_minutes: Option<i64> => integer(1, 100_000).label("First response within", "首次响应时限（分钟）").example(30),
        /// The origins of the sites allowed to show it. If empty, any site can.
        allowed_origins: Vec<String> => texts(50).opaque().label("Allowed origins", "允许的来源站点").example(json!(["https://www.example.cn"])),
        /// The name of a hidden input (honeypot) that people do not see: submissions that fill it in are confirmed but
        /// discarded.
        honeypot: Option<String> => text(40).label("Honeypot", "蜜罐字段").example("website_url"),
        /// The page that browsers are redirected to after submitting the form.
        redirect_url: Option<String> => url().opaque().label("Redirect", "跳转地址").example("https://www.example.cn/thanks"),
        /// The message shown after a submission.
        thank_you: Option<String> => long_text(2_000).label("Thank-you", "致谢语").example("感谢您的咨询，我们会尽快联系您。"),
        /// The number of days within which another submission with the same e-mail address or phone number is added to the
        /// existing lead.
        duplicate_days: i64 => integer(0, 3_650).default(30).label("Duplicate window in days", "重复合并天数").example(30),
        /// The maximum number of submissions per minute from one IP address.
        submissions_per_minute: i64 => integer(1, 10_000).default(10).label("Submissions per minute", "每分钟提交上限").example(10),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "campaign", target: "campaign", reach: Reach::ToOne { field: "campaign_id" } },
            Relation { name: "lead_owner", target: "user", reach: Reach::ToOne { field: "lead_owner_id" } },
            Relation { name: "pool", target: "pool", reach: Reach::ToOne { field: "pool_id" } },
            Relation { name: "ticket_queue", target: "queue", reach: Reach::ToOne { field: "ticket_queue_id" } },
            Relation { name: "ticket_category", target: "ticket_category", reach: Reach::ToOne { field: "ticket_category_id" } },
            Relation { name: "mailbox", target: "mailbox", reach: Reach::ToOne { field: "mailbox_id" } },
        ])
        .rule(fits_target)
}

fn of_tickets() -> Value {
    when_is(LeadForm::target.name(), &[FormTarget::Ticket.as_str()])
}

/// What is said of tickets has no meaning for leads, and the other way round.
fn fits_target(draft: &mut Draft<'_, LeadForm>) {
    let form = &draft.after;
    let of_tickets = [
        (LeadForm::ticket_queue_id.pointer(), form.is_null(LeadForm::ticket_queue_id)),
        (LeadForm::ticket_category_id.pointer(), form.is_null(LeadForm::ticket_category_id)),
        (LeadForm::ticket_kind.pointer(), form.is_null(LeadForm::ticket_kind)),
        (LeadForm::ticket_priority.pointer(), form.is_null(LeadForm::ticket_priority)),
        (LeadForm::mailbox_id.pointer(), form.is_null(LeadForm::mailbox_id)),
    ];
    let of_leads = [
        (LeadForm::campaign_id.pointer(), form.is_null(LeadForm::campaign_id)),
        (LeadForm::lead_owner_id.pointer(), form.is_null(LeadForm::lead_owner_id)),
        (LeadForm::pool_id.pointer(), form.is_null(LeadForm::pool_id)),
        (LeadForm::first_response_minutes.pointer(), form.is_null(LeadForm::first_response_minutes)),
    ];
    let others = if target_of(form) == FormTarget::Ticket { &of_leads[..] } else { &of_tickets[..] };
    let given: Vec<String> = others.iter().filter(|(_, is_null)| !is_null).map(|(pointer, _)| pointer.clone()).collect();
    for pointer in given {
        draft.faults.add(Fault::new(pointer, FaultCode::Conflicting).with("other", LeadForm::target.name()));
    }
}

/// What the answers to a form become.
#[must_use]
pub fn target_of(form: &Record<LeadForm>) -> FormTarget {
    form.get(LeadForm::target).unwrap_or(FormTarget::Lead)
}

/// The UTM parameters that a form takes beside its own fields.
pub const UTM_INPUTS: [&str; 5] = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];
/// The input by which consent is given.
pub const CONSENT_INPUT: &str = "consent";

/// How an answer to a form becomes the value of a field; none where forms cannot ask for it.
#[must_use]
pub fn input_type(field: &Field) -> Option<&'static str> {
    if field.writable == Writable::Never {
        return None;
    }
    match &field.kind {
        FieldType::Text { .. } | FieldType::SocialCreditCode => Some("text"),
        FieldType::LongText { .. } => Some("textarea"),
        FieldType::Integer { .. } | FieldType::Decimal => Some("number"),
        FieldType::Boolean => Some("checkbox"),
        FieldType::Date => Some("date"),
        FieldType::Choice(_) | FieldType::Country => Some("select"),
        FieldType::MultiChoice(_) => Some("checkboxes"),
        FieldType::Email => Some("email"),
        FieldType::Phone => Some("tel"),
        FieldType::Url => Some("url"),
        FieldType::Structure(structure) if structure.name == EMAILS.name => Some("email"),
        FieldType::Structure(structure) if structure.name == PHONES.name => Some("tel"),
        FieldType::Id
        | FieldType::Money
        | FieldType::DateTime
        | FieldType::Reference(_)
        | FieldType::References(_)
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::Texts { .. }
        | FieldType::Structure(_)
        | FieldType::Custom
        | FieldType::Count(_) => None,
    }
}

/// What a form can ask for, seen from what its answers become.
pub trait Askable {
    /// The field at a path, if visitors may fill it in.
    fn field(&self, path: &str) -> Option<&Field>;

    /// The paths of all that there are.
    fn paths(&self) -> Vec<String>;

    /// Other inputs that are taken: the UTM parameters of the visit.
    fn others(&self) -> &'static [&'static str];
}

/// What a form can ask for whose answers become leads.
pub struct OfLead<'a>(pub &'a Schema);

impl Askable for OfLead<'_> {
    fn field(&self, path: &str) -> Option<&Field> {
        // What somebody here says of a lead, no visitor does.
        let ours = [Lead::status.name(), Lead::rating.name(), Lead::assign.name()];
        self.0.field(path).filter(|field| input_type(field).is_some() && !ours.contains(&path))
    }

    fn paths(&self) -> Vec<String> {
        self.0.fields().filter(|field| input_type(field).is_some()).map(Field::path).collect()
    }

    fn others(&self) -> &'static [&'static str] {
        &UTM_INPUTS
    }
}

/// What is wrong with the fields of a form.
#[must_use]
pub fn faults(form: &Record<LeadForm>, askable: &dyn Askable) -> Faults {
    let mut faults = Faults::default();
    let mut names: Vec<&str> = vec![CONSENT_INPUT];
    names.extend(askable.others());
    names.extend(form.get(LeadForm::honeypot));
    let items = form.get(LeadForm::fields);
    for (position, item) in items.iter().enumerate() {
        let pointer = |member: &str| format!("{}/{position}/{member}", LeadForm::fields.pointer());
        let path = item.field.as_str();
        if askable.field(path).is_none() {
            let paths = askable.paths();
            faults.add(unknown(pointer("field"), FaultCode::UnknownMember, path, paths.iter().map(String::as_str)));
        }
        if names.contains(&item.name.as_str()) {
            faults.add(Fault::new(pointer("name"), FaultCode::Repeated));
        }
        names.push(&item.name);
    }
    faults
}
