//! Lets SQLite look up while it runs a statement, and end it. Diesel does not lend the connection that SQLite wants for this; SQLite
//! itself does, as it opens one.

#![allow(unsafe_code, reason = "SQLite's own interface")]

use std::{
    ffi::{c_char, c_int, c_void},
    ptr,
    sync::Once,
};

use libsqlite3_sys::{SQLITE_OK, sqlite3, sqlite3_api_routines, sqlite3_auto_extension, sqlite3_progress_handler};

use super::leash;

/// How many of SQLite's own instructions run between two looks: some tenth of a millisecond.
const INSTRUCTIONS: c_int = 4_000;

/// Has every connection opened from now on look up.
pub fn watch_connections() {
    static REGISTERED: Once = Once::new();
    // SAFETY: the function has the signature that SQLite documents for entry points, lives as long as the process, and calls
    // nothing but SQLite.
    REGISTERED.call_once(|| unsafe {
        if sqlite3_auto_extension(Some(opened)) != SQLITE_OK {
            tracing::error!("SQLite takes no time limits");
        }
    });
}

unsafe extern "C" fn opened(connection: *mut sqlite3, _: *mut *mut c_char, _: *const sqlite3_api_routines) -> c_int {
    // SAFETY: SQLite lends the connection that it opens; the handler takes no data that could go before it.
    unsafe { sqlite3_progress_handler(connection, INSTRUCTIONS, Some(look_up), ptr::null_mut()) };
    SQLITE_OK
}

/// Called on the thread that runs the statement; anything but 0 ends it.
unsafe extern "C" fn look_up(_: *mut c_void) -> c_int {
    c_int::from(leash::must_end())
}
