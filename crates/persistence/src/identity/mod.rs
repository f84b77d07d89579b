//! What belongs to tenants and users and is no record.

mod settings;
