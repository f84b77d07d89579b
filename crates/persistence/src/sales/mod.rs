//! Sales: the board, its stages, and leads.

mod board;
pub mod leads;
mod stages;
