//! Reports: what the records say, taken together.

pub mod sales_funnel;
