//! Files: their contents, which are kept elsewhere.

mod files;
