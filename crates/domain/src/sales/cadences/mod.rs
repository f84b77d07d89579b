//! Cadences: named series of steps that leads and customers are put on, and which of them are on which.

pub mod cadence;
pub mod enrolment;
pub mod plan;
pub mod step;
