//! Other systems and files: imports and exports.

pub mod export;
pub mod file;
pub mod import;
pub mod webhook;

use farley_domain::integration::{file::File, webhook::Webhook};

use crate::{
    http::clock,
    records::{
        area::{Area, Follows, JobKind, Lane, Watch},
        behaviour::Behaviours,
    },
};

pub use file::attach::{move_all, move_some, take_along};

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[Behaviours::of::<File>(), Behaviours::of::<Webhook>()],
    jobs: &[
        JobKind {
            kind: file::orphans::KIND,
            every: Some(file::orphans::EVERY),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(file::orphans::perform(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: file::scan::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { file::scan::perform(&job.state, job.tenant, &job.payload).await }),
        },
        JobKind {
            kind: export::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| {
                Box::pin(async move { export::run::perform(&job.state, job.tenant, job.lease, &job.payload, job.last).await })
            },
        },
        JobKind {
            kind: export::EXPIRY,
            every: Some(export::EXPIRES_EVERY),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(export::run::expire(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: import::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: import::run::may_retry,
            perform: |job| {
                Box::pin(
                    async move { import::run::perform(&job.state, job.tenant, job.lease, &job.payload, job.last, &|_| ()).await },
                )
            },
        },
        JobKind {
            kind: webhook::feeding::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { webhook::feeding::work_off(&job.state, job.tenant).await }),
        },
        JobKind {
            kind: webhook::feeding::TIDY,
            every: Some(3_600),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(webhook::feeding::tidy(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: webhook::sending::KIND,
            every: None,
            lane: Lane::Others,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(webhook::sending::perform(job)),
        },
    ],
    watches: &[Watch { kind: webhook::feeding::KIND, follows: Follows::Log, due: webhook::feeding::due }],
    beginnings: &[],
};
