//! E-mail of a service desk. What reaches it is [read]: what a raw message says, who wrote it, what it answers, and whether a machine
//! wrote it; nothing of that fails, whatever cannot be read is left out, and the raw message is kept beside what was read of it. What
//! leaves it tells whom it [answers](reply), in [headers](header) that nobody can add to, and carries [tokens](token) by which its answers
//! find their way.

pub mod addresses;
pub mod automatic;
pub mod bounce;
mod charset;
pub mod header;
pub mod html;
pub mod quotation;
pub mod read;
pub mod recipients;
pub mod reply;
pub mod token;

#[cfg(test)]
mod tests;
