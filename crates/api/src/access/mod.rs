//! Who asks, and what they may do: credentials, principals, grants, and the state that every request works on.

pub mod call;
pub mod contents;
pub mod grants;
pub mod lane;
pub mod pass;
pub mod passwords;
pub mod principal;
pub mod sealed;
pub mod state;
pub mod tail;
pub mod throttle;
pub mod tokens;
pub mod turns;
pub mod unrestricted;
pub mod unwritten;
