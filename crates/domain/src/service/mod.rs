//! Service: requests of customers, worked until they are solved, and the times promised for it.

pub mod assignment;
pub mod business_time;
pub mod calendar;
pub mod calendar_import;
pub mod channel;
pub mod clock;
pub mod knowledge;
pub mod mail;
pub mod mailbox;
pub mod moves;
pub mod outcome;
pub mod portal;
pub mod progress;
pub mod queue;
pub mod replay;
pub mod reply_template;
pub mod satisfaction;
pub mod sla_policy;
pub mod ticket;
pub mod ticket_category;
pub mod ticket_form;
pub mod ticket_merge;
pub mod ticket_message;
pub mod ticket_status;
pub mod turn;
pub mod work_orders;
