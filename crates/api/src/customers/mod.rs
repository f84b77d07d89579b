//! What customers and contacts have beside the generic endpoints.

pub mod customer;
pub mod overview;
pub mod timeline;
pub mod value;

use farley_domain::customers::customer::Customer;

use crate::{
    http::clock,
    records::{
        area::{Area, JobKind, Lane},
        behaviour::Behaviours,
    },
};
use value::job;

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[Behaviours::of::<Customer>()],
    jobs: &[JobKind {
        kind: job::KIND,
        every: Some(job::EVERY),
        lane: Lane::Own,
        may_retry: JobKind::ALWAYS,
        perform: |job| Box::pin(async move { Ok(job::perform(&job.state, job.tenant, clock::now()).await?) }),
    }],
    watches: &[],
    beginnings: &[],
};
