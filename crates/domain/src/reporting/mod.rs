//! Reporting: what reports are asked by, and what is worked out of their figures.

pub mod bucket;
pub mod chart;
pub mod conversion;
pub mod dashboard;
pub mod exchange_rate;
pub mod question;
pub mod saved_report;
pub mod segment;
pub mod table;
pub mod view;
