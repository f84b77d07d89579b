//! `farley export` and `farley import-all`: a whole tenant as one file, from one database to another, of either engine. `farley backup`
//! and `farley restore`: a whole database of SQLite with its files, while it is served.
//!
//! The file is a compressed tar archive: `farley.json` says what it is, `tables/` has the rows in lines of JSON, `files/` the contents of
//! files, and `checksums.json`, the last entry, the SHA-256 of each entry before it. A file that was cut off has none and is refused as a
//! whole.

mod backup;
mod moving;
mod packing;

pub use backup::{BackupArgs, RestoreArgs, backup, restore};
pub use moving::{ExportArgs, ImportAllArgs, export, import_all};
