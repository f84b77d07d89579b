//! Files: taken in as a stream ([`upload`]), served in parts ([`content`]) and by links that expire ([`link`]), shown to a virus
//! scanner ([`scan`]), attached to records ([`attach`]); what was stored for nothing is removed ([`orphans`]).

pub mod attach;
pub mod content;
pub mod disposition;
pub mod kept;
pub mod link;
pub mod orphans;
mod parts;
mod range;
pub mod scan;
pub mod storing;
pub mod upload;
