//! Rows that go into the database together.

/// How many rows go with one statement. Few sizes make few statements, which stay prepared.
pub const SIZES: [usize; 3] = [64, 8, 1];
