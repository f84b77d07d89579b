//! Reports: what the records say, taken together.

pub mod dashboard;
pub mod figures;
pub mod forecast_accuracy;
mod periods;
pub mod query;
pub mod ready;
pub mod sales_funnel;
pub mod sales_velocity;
pub mod saved_report;
pub mod segment;
pub mod service;
mod view;

use farley_domain::{
    model::{field::Op, handle::Handle},
    reporting::{dashboard::Dashboard, saved_report::SavedReport, segment::Segment, view::View},
};
use serde_json::{Value, json};

use crate::{
    http::clock,
    records::{
        area::{Area, Follows, JobKind, Lane, Watch},
        behaviour::Behaviours,
    },
};

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[
        Behaviours::of::<SavedReport>(),
        Behaviours::of::<Dashboard>(),
        Behaviours::of::<View>(),
        Behaviours::of::<Segment>(),
    ],
    jobs: &[
        JobKind {
            kind: segment::following::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { segment::following::follow(&job.state, job.tenant).await }),
        },
        JobKind {
            kind: segment::following::COMPARISON,
            every: Some(segment::following::EVERY),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { segment::following::compare(&job.state, job.tenant, clock::now()).await }),
        },
    ],
    watches: &[Watch { kind: segment::following::KIND, follows: Follows::Log, due: segment::following::due }],
    beginnings: &[],
};

/// A comparison as a client writes it.
fn condition<E, T>(handle: Handle<E, T>, op: Op, value: impl serde::Serialize) -> Value {
    json!({"field": handle.name(), "op": op.as_str(), "value": value})
}
