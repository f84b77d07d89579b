//! Logging in, users and what they may do.

pub mod administrators;
pub mod api_key;
pub mod auth;
pub mod bootstrap;
pub mod custom_field;
pub mod explain;
pub mod forgotten;
pub mod handover;
pub mod learning;
pub mod me;
pub mod open_work;
pub mod role;
pub mod session;
pub mod setting;
pub mod team;
pub mod tenant;
pub mod user;

use farley_domain::identity::{api_key::ApiKey, custom_field::CustomField, role::Role, team::Team, user::User};

use crate::records::{
    area::{Area, JobKind, Lane},
    behaviour::Behaviours,
    reindex,
};

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[
        Behaviours::of::<User>(),
        Behaviours::of::<Role>(),
        Behaviours::of::<Team>(),
        Behaviours::of::<ApiKey>(),
        Behaviours::of::<CustomField>(),
    ],
    jobs: &[
        JobKind {
            kind: reindex::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(reindex::perform(job)),
        },
        JobKind {
            kind: forgotten::KIND,
            every: None,
            lane: Lane::Others,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(forgotten::perform(job)),
        },
    ],
    watches: &[],
    beginnings: &[],
};
