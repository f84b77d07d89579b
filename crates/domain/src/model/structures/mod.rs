//! Structures: values of fields that have members of their own.

pub mod addresses;
pub mod by_language;
pub mod contact_points;
pub mod external_ids;
pub mod filter;
pub mod ids;
pub mod object_of_values;
pub mod wording;
