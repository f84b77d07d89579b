//! Service: the clocks of tickets, and what readers of the knowledge base say.

mod clocks;
mod votes;

pub use clocks::MessageOfTicket;
pub use votes::Vote;
