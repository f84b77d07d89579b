//! Automation: what Farley does by itself when something happens or time has passed, and what people do with one click.

pub mod action;
pub mod macros;
pub mod rule;
pub mod run;
pub mod trigger;
