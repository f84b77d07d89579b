//! Service: what a desk does for customers.

pub mod calendar;

use farley_domain::service::calendar::Calendar;

use crate::records::{area::Area, behaviour::Behaviours};

/// What the area brings along.
pub static AREA: Area = Area { behaviours: &[Behaviours::of::<Calendar>()], jobs: &[], begin_tenant: None };
