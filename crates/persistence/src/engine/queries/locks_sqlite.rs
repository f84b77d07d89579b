//! How writers keep out of each other's way. SQLite has one writer: nobody else is under way.

use diesel::{dsl::max, prelude::*};
use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{rows::LogEnd, schema::events},
};

pub fn wait(_: &mut Conn, _: &str) -> Result<(), StoreError> {
    Ok(())
}

pub fn try_for(_: &mut Conn, _: &str) -> Result<bool, StoreError> {
    Ok(true)
}

pub fn job(_: &mut Conn, _: Id, _: Id) -> Result<(), StoreError> {
    Ok(())
}

pub fn free_job(_: &mut Conn, _: Id, _: Id) -> Result<bool, StoreError> {
    Ok(true)
}

pub fn due_job(_: &mut Conn, _: (Id, Id), _: &[&str], _: Timestamp) -> Result<bool, StoreError> {
    Ok(true)
}

pub fn announce(_: &mut Conn, _: Id) -> Result<(), StoreError> {
    Ok(())
}

/// Writers commit in the order in which they write.
pub fn horizon(conn: &mut Conn, _: Id) -> Result<LogEnd, StoreError> {
    let last: Option<i64> = events::table.select(max(events::seq)).first(conn)?;
    Ok(LogEnd { position: last.unwrap_or(0), is_held_up: false })
}
