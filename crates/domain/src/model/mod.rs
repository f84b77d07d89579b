//! What a record is: objects declared with their fields, the values and structures that fields take, drafts, and faults.

pub mod cell;
pub mod check;
pub mod entity;
pub mod event;
pub mod fault;
pub mod field;
pub mod field_rule;
pub mod handle;
pub mod help;
pub mod input;
pub mod object;
pub mod operand;
pub mod record;
pub mod recurring;
pub mod registry;
pub mod structures;
pub mod template;
pub mod value;
