//! What comes from other systems and goes to them.

mod changes;
mod exports;
pub mod files;
pub mod imports;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    let changes = tests![
        exports::are_asked_for_as_lists_are,
        exports::are_files_of_what_may_be_seen,
        exports::imported_again_change_nothing,
        changes::are_missed_by_no_reader,
        changes::are_read_from_either_end_and_in_part,
        changes::tell_what_happened_in_order
    ];
    changes.into_iter().chain(files::tests()).chain(imports::tests()).collect()
}
