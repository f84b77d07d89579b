//! What a record is: objects declared with their fields, the values and structures that fields take, drafts, and faults.

pub mod entity;
pub mod event;
pub mod fault;
pub mod field;
pub mod field_rule;
pub mod input;
pub mod object;
pub mod record;
pub mod registry;
pub mod structures;
pub mod value;
