//! The knowledge base: writing, reviewing and publishing articles, the help centers that show them, votes and suggestions.

pub mod article;
pub mod help_center;
pub mod preview;
pub mod publishing;
pub mod reading;
pub mod suggestions;
pub mod voting;
