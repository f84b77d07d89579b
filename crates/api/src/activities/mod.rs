//! Activities, tasks, and what tells users of them.

pub mod activity;
pub mod calendar;
pub mod calendar_feed;
pub mod call;
pub mod concerned;
pub mod lookup;
pub mod mail;
pub mod notices;
pub mod notification;
mod numbers;
pub mod preferences;
pub mod stream;
pub mod task;

use farley_domain::activities::{activity::Activity, task::Task};

use crate::{
    http::clock,
    records::{
        area::{Area, Halt, JobKind, Lane},
        behaviour::Behaviours,
        notify,
    },
};

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[Behaviours::of::<Activity>(), Behaviours::of::<Task>()],
    jobs: &[
        JobKind {
            kind: notices::KIND,
            every: Some(notices::EVERY),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(notices::perform(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: notify::MAIL,
            every: None,
            lane: Lane::Others,
            may_retry: JobKind::ALWAYS,
            perform: |job| {
                Box::pin(
                    async move { mail::perform(&job.state, job.tenant, job.lease.job, &job.payload).await.map_err(Halt::Failed) },
                )
            },
        },
    ],
    watches: &[],
    beginnings: &[],
};
