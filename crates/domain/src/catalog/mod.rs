//! What is sold.

pub mod product;
