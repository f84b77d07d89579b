//! Sales: how pipelines, stages, opportunities and line items are written, moved and shown.

pub mod board;
pub mod cadences;
pub mod filters;
pub mod forecasts;
pub mod leads;
pub mod line_items;
pub mod opportunities;
pub mod pipelines;
pub mod quotas;
pub mod stages;
