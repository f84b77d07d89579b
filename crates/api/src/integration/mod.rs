//! Other systems and files: imports so far.

pub mod import;

use crate::records::area::{Area, JobKind};

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[],
    jobs: &[JobKind {
        kind: import::KIND,
        every: None,
        may_retry: import::run::may_retry,
        perform: |job| {
            Box::pin(
                async move { import::run::perform(&job.state, job.tenant, job.lease, &job.payload, job.last, &|_| ()).await },
            )
        },
    }],
    watches: &[],
    beginnings: &[],
};
