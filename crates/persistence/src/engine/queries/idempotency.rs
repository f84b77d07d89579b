//! Answers already given to requests with an Idempotency-Key.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::IdempotencyRow,
        schema::idempotency_keys,
        sql_types::{DbId, DbTime},
    },
};

pub fn find(conn: &mut Conn, tenant: Id, credential: Id, key: &str) -> Result<Option<IdempotencyRow>, StoreError> {
    Ok(idempotency_keys::table
        .filter(idempotency_keys::tenant_id.eq(DbId(tenant)))
        .filter(idempotency_keys::credential_id.eq(DbId(credential)))
        .filter(idempotency_keys::key.eq(key))
        .select(IdempotencyRow::as_select())
        .first(conn)
        .optional()?)
}

/// Remembers an answer.
pub fn insert(conn: &mut Conn, row: IdempotencyRow) -> Result<(), StoreError> {
    diesel::insert_into(idempotency_keys::table).values(row).execute(conn)?;
    Ok(())
}

/// Forgets one key, when it is too old to be replayed.
pub fn forget(conn: &mut Conn, tenant: Id, credential: Id, key: &str) -> Result<(), StoreError> {
    let row = idempotency_keys::table
        .filter(idempotency_keys::tenant_id.eq(DbId(tenant)))
        .filter(idempotency_keys::credential_id.eq(DbId(credential)))
        .filter(idempotency_keys::key.eq(key));
    diesel::delete(row).execute(conn)?;
    Ok(())
}

/// Forgets every key of a tenant that is older than a time.
pub fn purge(conn: &mut Conn, tenant: Id, before: Timestamp) -> Result<usize, StoreError> {
    let old = idempotency_keys::table.filter(idempotency_keys::created_at.lt(DbTime(before)));
    Ok(diesel::delete(old.filter(idempotency_keys::tenant_id.eq(DbId(tenant)))).execute(conn)?)
}
