//! Which records are meant, in which order and how many: predicates, cursors, lists, and what a search finds a record by.

mod comparison;
pub mod cursor;
pub mod indexing;
pub mod list;
pub mod past;
pub mod predicate;
