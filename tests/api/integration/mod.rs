//! What comes from other systems and goes to them.

mod changes;
pub mod files;
pub mod imports;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    let changes = tests![
        changes::are_missed_by_no_reader,
        changes::are_read_from_either_end_and_in_part,
        changes::tell_what_happened_in_order
    ];
    changes.into_iter().chain(files::tests()).chain(imports::tests()).collect()
}
