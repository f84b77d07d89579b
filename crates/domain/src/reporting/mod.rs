//! Reporting: what reports are asked by, and what is worked out of their figures.

pub mod bucket;
pub mod chart;
pub mod question;
pub mod table;
