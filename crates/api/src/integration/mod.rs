//! Other systems and files: imports and exports.

pub mod export;
pub mod file;
pub mod import;

use farley_domain::integration::file::File;

use crate::{
    http::clock,
    records::{
        area::{Area, JobKind},
        behaviour::Behaviours,
    },
};

pub use file::attach::{move_all, move_some, take_along};

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[Behaviours::of::<File>()],
    jobs: &[
        JobKind {
            kind: file::orphans::KIND,
            every: Some(file::orphans::EVERY),
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(file::orphans::perform(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: file::scan::KIND,
            every: None,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { file::scan::perform(&job.state, job.tenant, &job.payload).await }),
        },
        JobKind {
            kind: export::KIND,
            every: None,
            may_retry: JobKind::ALWAYS,
            perform: |job| {
                Box::pin(async move { export::run::perform(&job.state, job.tenant, job.lease, &job.payload, job.last).await })
            },
        },
        JobKind {
            kind: export::EXPIRY,
            every: Some(export::EXPIRES_EVERY),
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(export::run::expire(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: import::KIND,
            every: None,
            may_retry: import::run::may_retry,
            perform: |job| {
                Box::pin(
                    async move { import::run::perform(&job.state, job.tenant, job.lease, &job.payload, job.last, &|_| ()).await },
                )
            },
        },
    ],
    watches: &[],
    beginnings: &[],
};
