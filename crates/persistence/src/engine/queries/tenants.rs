//! Tenants.

use diesel::{dsl::max, prelude::*};
use farley_domain::values::id::Id;

use super::Conn;
use crate::{
    error::StoreError,
    sql::{rows::TenantRow, schema::tenants, sql_types::DbId},
};

pub fn insert(conn: &mut Conn, row: TenantRow) -> Result<(), StoreError> {
    diesel::insert_into(tenants::table).values(row).execute(conn)?;
    Ok(())
}

/// The number the next tenant gets.
pub fn next_number(conn: &mut Conn) -> Result<i64, StoreError> {
    let last: Option<i64> = tenants::table.select(max(tenants::number)).first(conn)?;
    Ok(last.unwrap_or(0) + 1)
}

pub fn find(conn: &mut Conn, id: Id) -> Result<Option<TenantRow>, StoreError> {
    Ok(tenants::table.filter(tenants::id.eq(DbId(id))).select(TenantRow::as_select()).first(conn).optional()?)
}

pub fn find_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<TenantRow>, StoreError> {
    Ok(tenants::table.filter(tenants::slug.eq(slug)).select(TenantRow::as_select()).first(conn).optional()?)
}

/// All tenants, the oldest first.
pub fn all(conn: &mut Conn) -> Result<Vec<TenantRow>, StoreError> {
    Ok(tenants::table.order(tenants::number).select(TenantRow::as_select()).load(conn)?)
}

/// Whether there are tenants to be read at all.
pub fn ping(conn: &mut Conn) -> Result<(), StoreError> {
    tenants::table.select(tenants::id).first::<Id>(conn).optional()?;
    Ok(())
}
