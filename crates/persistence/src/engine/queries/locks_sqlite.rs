//! How writers keep out of each other's way. SQLite has one writer: nobody else is under way.

use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::error::StoreError;

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
pub fn horizon(_: &mut Conn, _: Id) -> Result<i64, StoreError> {
    Ok(i64::MAX)
}
