//! Leads, the pools they wait in, and what becomes of them.

pub mod assignment;
pub mod claims;
pub mod conversion;
pub mod duplicates;
pub mod form;
pub mod form_answer;
pub mod lead;
pub mod pool;
pub mod recalls;
pub mod responses;
pub mod schedule;
pub mod scoring;
