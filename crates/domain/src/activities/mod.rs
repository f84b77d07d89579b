//! What was done with customers and what is to be done: activities, tasks, and what tells their users of them.

pub mod activity;
pub mod attendees;
pub mod calendar;
pub mod call;
pub mod concerned;
pub mod mentions;
pub mod notification;
pub mod recurrence;
pub mod task;
