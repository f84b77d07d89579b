//! What customers and contacts have beside the generic endpoints.

pub mod timeline;
