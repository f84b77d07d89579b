//! Other systems and files: imports so far.

pub mod imports;
