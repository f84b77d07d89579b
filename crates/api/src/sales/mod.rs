//! Sales: how pipelines, stages, opportunities and line items are written, moved and shown.

pub mod board;
pub mod cadences;
pub mod forecast;
pub mod leads;
pub mod line_item;
pub mod opportunity;
mod orders;
pub mod pipeline;
pub mod quota;
pub mod stage;

use farley_domain::{
    model::entity::Entity,
    sales::{
        cadences::cadence::Cadence,
        leads::{
            assignment::AssignmentRule, form::LeadForm, lead::Lead, pool::Pool, schedule::WorkSchedule, scoring::ScoringRule,
        },
        line_item::LineItem,
        opportunity::Opportunity,
        orders::{line::OrderLine, order::Order, payment::Payment, refund::Refund},
        pipeline::Pipeline,
        quota::Quota,
        stage::Stage,
    },
};

use crate::{
    http::clock,
    records::{
        area::{Area, Beginning, JobKind, Lane},
        behaviour::Behaviours,
    },
};
use leads::{recalls, responses, scoring};

pub use cadences::stops::{after_activity, after_record as after_enrolled};
pub use leads::{
    lead::answered as lead_answered,
    pool::{after_pooled, before_pooled},
};

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[
        Behaviours::of::<Lead>(),
        Behaviours::of::<Pool>(),
        Behaviours::of::<Cadence>(),
        Behaviours::of::<LeadForm>(),
        Behaviours::of::<AssignmentRule>(),
        Behaviours::of::<ScoringRule>(),
        Behaviours::of::<WorkSchedule>(),
        Behaviours::of::<Pipeline>(),
        Behaviours::of::<Stage>(),
        Behaviours::of::<Quota>(),
        Behaviours::of::<Opportunity>(),
        Behaviours::of::<LineItem>(),
        Behaviours::of::<Order>(),
        Behaviours::of::<OrderLine>(),
        Behaviours::of::<Payment>(),
        Behaviours::of::<Refund>(),
    ],
    jobs: &[
        JobKind {
            kind: recalls::KIND,
            every: Some(900),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(recalls::perform(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: responses::KIND,
            every: Some(60),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(responses::perform(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: scoring::KIND,
            every: Some(3_600),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(scoring::perform(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: cadences::job::KIND,
            every: Some(cadences::job::EVERY),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(cadences::job::perform(&job.state, job.tenant, clock::now()).await?) }),
        },
    ],
    watches: &[],
    beginnings: &[Beginning { object: Pipeline::NAME, make: pipeline::create_first }],
};
