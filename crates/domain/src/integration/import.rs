//! Imports: rows of a file become records. The columns are mapped to fields ([`mapping`], guessed by [`guess`], checked by
//! [`plan`]), their cells read in the forms people and programs write ([`cell`]; [`forms`] tells those apart that mean
//! different things to different people), and each row becomes the body of a create or a patch ([`row`]), in an order in which
//! parents come before their children ([`order`]).

pub mod cell;
pub mod forms;
pub mod guess;
pub mod key;
pub mod mapping;
pub mod merge;
pub mod order;
pub mod plan;
pub mod record;
pub mod row;
pub mod template;
#[cfg(test)]
mod tests;
