//! Every object there is, by name and by collection.

use crate::{
    activities::{activity::Activity, notification::Notification, task::Task},
    catalog::product::Product,
    customers::{contact::Contact, customer::Customer},
    identity::{api_key::ApiKey, custom_field::CustomField, role::Role, tag::Tag, team::Team, user::User},
    integration::Import,
    marketing::campaign::Campaign,
    model::{entity::Entity, object::Object},
    sales::{
        cadences::{cadence::Cadence, enrolment::CadenceEnrolment},
        leads::{
            assignment::AssignmentRule, form::LeadForm, lead::Lead, pool::Pool, schedule::WorkSchedule, scoring::ScoringRule,
        },
        line_item::LineItem,
        opportunity::Opportunity,
        pipeline::Pipeline,
        quota::{ForecastOverride, Quota},
        stage::Stage,
    },
};

/// All objects, in the order in which documentation and metadata list them.
#[must_use]
pub fn objects() -> [&'static Object; 28] {
    [
        Customer::object(),
        Contact::object(),
        Lead::object(),
        Pool::object(),
        LeadForm::object(),
        AssignmentRule::object(),
        WorkSchedule::object(),
        ScoringRule::object(),
        Cadence::object(),
        CadenceEnrolment::object(),
        Activity::object(),
        Task::object(),
        Notification::object(),
        Opportunity::object(),
        LineItem::object(),
        Pipeline::object(),
        Stage::object(),
        Quota::object(),
        ForecastOverride::object(),
        Product::object(),
        Campaign::object(),
        Tag::object(),
        User::object(),
        Team::object(),
        Role::object(),
        ApiKey::object(),
        CustomField::object(),
        Import::object(),
    ]
}

#[must_use]
pub fn object(name: &str) -> Option<&'static Object> {
    objects().into_iter().find(|object| object.name == name)
}

#[must_use]
pub fn collection(collection: &str) -> Option<&'static Object> {
    objects().into_iter().find(|object| object.collection == collection)
}
