//! Every object there is, by name and by collection.

use std::sync::LazyLock;

use crate::{
    activities::{activity::Activity, notification::Notification, task::Task},
    automation::{macros::Macro, rule::Rule, run::RuleRun},
    catalog::product::Product,
    customers::{contact::Contact, customer::Customer, value::customer_value::CustomerValue},
    identity::{api_key::ApiKey, custom_field::CustomField, role::Role, setting::Setting, tag::Tag, team::Team, user::User},
    integration::{Import, export::Export, file::File, webhook::Webhook, webhook_delivery::WebhookDelivery},
    marketing::campaign::Campaign,
    model::{check, entity::Entity, object::Object},
    reporting::{dashboard::Dashboard, exchange_rate::ExchangeRate, saved_report::SavedReport, segment::Segment, view::View},
    sales::{
        cadences::{cadence::Cadence, enrolment::CadenceEnrolment},
        leads::{
            assignment::AssignmentRule, form::LeadForm, lead::Lead, pool::Pool, schedule::WorkSchedule, scoring::ScoringRule,
        },
        line_item::LineItem,
        opportunity::Opportunity,
        orders::{line::OrderLine, order::Order, payment::Payment, refund::Refund},
        pipeline::Pipeline,
        quota::{ForecastOverride, Quota},
        stage::Stage,
    },
    service::{
        calendar::Calendar,
        channel::Channel,
        knowledge::{
            article::Article, article_category::ArticleCategory, article_version::ArticleVersion, help_center::HelpCenter,
        },
        mailbox::Mailbox,
        portal::Portal,
        queue::Queue,
        reply_template::ReplyTemplate,
        satisfaction::{survey::Survey, survey_response::SurveyResponse},
        sla_policy::SlaPolicy,
        ticket::Ticket,
        ticket_category::TicketCategory,
        ticket_merge::TicketMerge,
        ticket_message::TicketMessage,
        ticket_status::TicketStatus,
        work_orders::{checklist_item::ChecklistItem, part::WorkOrderPart, work_order::WorkOrder},
    },
};

const COUNT: usize = 66;

/// All objects, once it has been seen that what they name is there.
static OBJECTS: LazyLock<[&'static Object; COUNT]> = LazyLock::new(|| {
    let objects = [
        of::<Customer>(),
        of::<Contact>(),
        of::<CustomerValue>(),
        of::<Lead>(),
        of::<Pool>(),
        of::<LeadForm>(),
        of::<AssignmentRule>(),
        of::<WorkSchedule>(),
        of::<ScoringRule>(),
        of::<Cadence>(),
        of::<CadenceEnrolment>(),
        of::<Activity>(),
        of::<Task>(),
        of::<Notification>(),
        of::<Opportunity>(),
        of::<LineItem>(),
        of::<Order>(),
        of::<OrderLine>(),
        of::<Payment>(),
        of::<Refund>(),
        of::<Pipeline>(),
        of::<Stage>(),
        of::<Quota>(),
        of::<ForecastOverride>(),
        of::<Ticket>(),
        of::<TicketMessage>(),
        of::<TicketMerge>(),
        of::<WorkOrder>(),
        of::<WorkOrderPart>(),
        of::<ChecklistItem>(),
        of::<TicketStatus>(),
        of::<TicketCategory>(),
        of::<Queue>(),
        of::<Mailbox>(),
        of::<Channel>(),
        of::<Article>(),
        of::<ArticleVersion>(),
        of::<ArticleCategory>(),
        of::<HelpCenter>(),
        of::<Portal>(),
        of::<Survey>(),
        of::<SurveyResponse>(),
        of::<ReplyTemplate>(),
        of::<SlaPolicy>(),
        of::<Calendar>(),
        of::<Product>(),
        of::<Campaign>(),
        of::<ExchangeRate>(),
        of::<SavedReport>(),
        of::<Dashboard>(),
        of::<View>(),
        of::<Segment>(),
        of::<Tag>(),
        of::<User>(),
        of::<Team>(),
        of::<Role>(),
        of::<ApiKey>(),
        of::<CustomField>(),
        of::<Import>(),
        of::<Export>(),
        of::<File>(),
        of::<Webhook>(),
        of::<WebhookDelivery>(),
        of::<Rule>(),
        of::<RuleRun>(),
        of::<Macro>(),
    ];
    let faults = check::faults(&objects);
    assert!(faults.is_empty(), "declarations contradict each other: {}", faults.join("; "));
    objects
});

/// All objects, in the order in which documentation and metadata list them.
///
/// # Panics
/// Where a declaration names what is not there: the program is wrong, and says so when it starts.
#[must_use]
pub fn objects() -> [&'static Object; COUNT] {
    *OBJECTS
}

/// What permissions, scopes of keys and events are of: every object, and settings, which are no records.
pub fn subjects() -> impl Iterator<Item = &'static Object> {
    objects().into_iter().chain([of::<Setting>()])
}

/// One of them, by its own name or by that of its collection.
#[must_use]
pub fn subject(name: &str) -> Option<&'static Object> {
    subjects().find(|subject| subject.name == name).or_else(|| subjects().find(|subject| subject.collection == name))
}

/// The object that an entity declares.
#[must_use]
fn of<E: Entity>() -> &'static Object {
    E::object()
}

#[must_use]
pub fn object(name: &str) -> Option<&'static Object> {
    objects().into_iter().find(|object| object.name == name)
}

/// The object that a client means, by its own name or by that of its collection: `customer`, `customers`.
#[must_use]
pub fn named(name: &str) -> Option<&'static Object> {
    object(name).or_else(|| objects().into_iter().find(|object| object.collection == name))
}

#[must_use]
pub fn collection(collection: &str) -> Option<&'static Object> {
    objects().into_iter().find(|object| object.collection == collection)
}
