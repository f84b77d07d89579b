//! Reports that need statements of their own.

mod sales_funnel;
mod segments;

pub use sales_funnel::{MAX_STAGES, Median, Moves, Travelled, Travels};
