//! Sales: leads, cadences, pipelines with their stages, and the opportunities that move through them.

pub mod cadences;
pub mod leads;
pub mod line_item;
pub mod opportunity;
pub mod parties;
pub mod pipeline;
pub mod position;
pub mod progress;
pub mod quota;
pub mod stage;
