//! Logging in, users and what they may do.

pub mod administrators;
pub mod api_keys;
pub mod auth;
pub mod bootstrap;
pub mod custom_fields;
pub mod explain;
pub mod me;
pub mod passwords;
pub mod roles;
pub mod tenants;
pub mod throttle;
pub mod tokens;
pub mod users;
