//! Work orders: what technicians do at the customer's, when and where, with what, and what has to be checked.

pub mod checklist_item;
pub mod part;
pub mod position;
pub mod scheduling;
pub mod work_order;
