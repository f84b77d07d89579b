//! Service: requests of customers, worked until they are solved, and the times promised for it.

pub mod business_time;
pub mod clock;
