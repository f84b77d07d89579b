//! What customers and contacts have beside the generic endpoints.

pub mod customer;
pub mod timeline;

use farley_domain::customers::customer::Customer;

use crate::records::{area::Area, behaviour::Behaviours};

/// What the area brings along.
pub static AREA: Area = Area { behaviours: &[Behaviours::of::<Customer>()], jobs: &[], watches: &[], beginnings: &[] };
