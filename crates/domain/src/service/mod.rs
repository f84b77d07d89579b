//! Service: requests of customers, worked until they are solved, and the times promised for it.

pub mod business_time;
pub mod calendar;
pub mod calendar_import;
pub mod clock;
