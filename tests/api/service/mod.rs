//! Calendars of service desks.

mod calendars;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        calendars::business_time_is_counted_and_added,
        calendars::hours_are_checked_at_their_place,
        calendars::holidays_and_make_up_days_are_imported,
        calendars::imports_keep_to_versions_and_permissions,
    ]
}
