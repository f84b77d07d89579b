//! Records of declared objects as SQL, built from the field table: what they are read, counted, searched and written with.

pub mod aggregate;
pub mod filter;
pub mod ledger;
pub mod page;
pub mod ranking;
pub mod related;
pub mod search;
pub mod statements;
pub mod values;
