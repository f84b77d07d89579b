//! Satisfaction: surveys are asked, answered through links that are their own credential, and followed up.

pub mod answering;
pub mod asking;
pub mod following_up;
pub mod invitation;
pub mod results;

pub use asking::{ask, link_of_ticket};

/// The placeholder in texts about a ticket that stands for the link to its survey.
pub const SURVEY_LINK: &str = "survey_link";
