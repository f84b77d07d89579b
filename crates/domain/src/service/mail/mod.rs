//! E-mail as it reaches a service desk: what a raw message says, who wrote it, what it answers, and whether a machine wrote it.
//!
//! Nothing here fails: whatever cannot be read is left out, and the raw message is kept beside what was read of it.

pub mod addresses;
pub mod automatic;
pub mod bounce;
mod charset;
pub mod html;
pub mod quotation;
pub mod read;

#[cfg(test)]
mod tests;
