//! Cadences: leads and customers are put on them, their steps become tasks, and what happens to a record stops them.

pub mod cadence;
pub mod enrolment;
pub mod job;
pub mod step;
pub mod stops;
