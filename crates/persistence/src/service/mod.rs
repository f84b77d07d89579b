//! Service: the clocks of tickets.

mod clocks;

pub use clocks::MessageOfTicket;
