//! Marketing: efforts that bring in customers.

pub mod campaign;
