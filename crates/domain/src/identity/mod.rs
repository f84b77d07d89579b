//! Who works here and what they may do: tenants, users, teams, roles, keys and the tenant's own fields.

pub mod access;
pub mod api_key;
pub mod custom_field;
pub mod password;
pub mod role;
pub mod setting;
pub mod sharing;
pub mod tag;
pub mod team;
pub mod tenant;
pub mod user;
