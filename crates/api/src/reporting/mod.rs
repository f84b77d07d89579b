//! Reports: what the records say, taken together.

pub mod figures;
pub mod query;
pub mod sales_funnel;
pub mod service;
