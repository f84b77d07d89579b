//! Orders: what customers bought, line by line, what they paid for it and when, and what they were given back.

pub mod line;
pub mod order;
pub mod payment;
pub mod refund;
pub mod standing;
