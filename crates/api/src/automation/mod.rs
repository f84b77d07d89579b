//! Automation: rules that act by themselves on events and as time passes, and macros that people apply.

mod check;
mod doing;
pub mod dry_run;
mod events;
mod log;
pub mod macros;
mod rehearsal;
mod rule;
mod times;

use farley_domain::automation::{macros::Macro, rule::Rule};

use crate::{
    http::clock,
    records::{
        area::{Area, Follows, JobKind, Lane, Watch},
        behaviour::Behaviours,
    },
};

/// The name under which the workers of one tenant's rules keep out of each other's way.
const LOCK: &str = "automation";

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[Behaviours::of::<Rule>(), Behaviours::of::<Macro>()],
    jobs: &[
        JobKind {
            kind: events::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { events::work_off(&job.state, job.tenant, clock::now).await }),
        },
        JobKind {
            kind: times::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { times::work_off(&job.state, job.tenant, clock::now()).await }),
        },
        JobKind {
            kind: log::TIDY,
            every: Some(3_600),
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(log::tidy(&job.state, job.tenant, clock::now()).await?) }),
        },
    ],
    watches: &[
        Watch { kind: events::KIND, follows: Follows::Log, due: events::due },
        Watch { kind: times::KIND, follows: Follows::Time, due: times::due },
    ],
    beginnings: &[],
};
