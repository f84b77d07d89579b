//! Leads, the pools they wait in, and what becomes of them.

pub mod answers;
pub mod assignment;
pub mod claims;
pub mod conversion;
pub mod duplicates;
pub mod forms;
pub mod lead;
pub mod pools;
pub mod recalls;
pub mod responses;
pub mod scoring;
