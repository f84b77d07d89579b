//! Commands of the binary.

mod archive;
mod demo;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        archive::a_tenant_moves_in_with_others,
        archive::files_that_are_not_whole_are_refused,
        demo::sales_hold_together,
        demo::tickets_hold_together;
        both:
            archive::a_tenant_moves_to_the_other_engine_and_back;
        sqlite:
            archive::a_backup_is_taken_under_load => "PostgreSQL is backed up by its own means"
    ]
}
