//! Commands of the binary.

mod demo;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![demo::sales_hold_together, demo::tickets_hold_together]
}
