//! What follows from activities and tasks, and what tells their users of them.

mod calendar_feed;
mod notices;
mod notifications;
mod numbers;
mod preferences;
mod standing;

pub use notices::Notice;
pub use standing::{Shift, Standing};
