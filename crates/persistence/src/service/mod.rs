//! Service: the clocks of tickets, how far mail has been fetched, and what readers of the knowledge base say.

mod channels;
mod clocks;
mod mail_sources;
mod portal;
mod votes;

pub use clocks::MessageOfTicket;
pub use votes::Vote;
