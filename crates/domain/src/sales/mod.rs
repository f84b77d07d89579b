//! Sales: leads, cadences, pipelines with their stages, the opportunities that move through them, and the orders that come of them.

pub mod cadences;
pub mod leads;
pub mod line_item;
pub mod opportunity;
pub mod orders;
pub mod parties;
pub mod pipeline;
pub mod position;
pub mod progress;
pub mod quota;
pub mod stage;
