//! Service: the clocks of tickets.

mod clocks;
