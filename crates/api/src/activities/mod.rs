//! Activities, tasks, and what tells users of them.

pub mod activity;
pub mod calendar;
pub mod calendar_feed;
pub mod concern;
pub mod mail;
pub mod notices;
pub mod notifications;
pub mod notify;
pub mod preferences;
pub mod stream;
pub mod tasks;
