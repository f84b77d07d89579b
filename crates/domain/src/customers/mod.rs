//! Customers and the people at them.

pub mod completeness;
pub mod contact;
pub mod contact_customers;
pub mod customer;
pub mod request;
pub mod value;
