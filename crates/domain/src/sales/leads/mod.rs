//! Leads: unqualified inquiries, the pools they are shared in, and what becomes of them.

pub mod assignment;
pub mod conversion;
pub mod form;
pub mod form_answer;
pub mod lead;
pub mod origin;
pub mod pool;
pub mod schedule;
pub mod scoring;
pub mod status;
