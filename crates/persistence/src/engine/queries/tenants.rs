//! Tenants.

use diesel::{dsl::max, prelude::*};
use farley_domain::values::id::Id;

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::TenantRow,
        schema::{known_objects, tenants},
        sql_types::DbId,
    },
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

/// The oldest tenant.
pub fn first(conn: &mut Conn) -> Result<Option<TenantRow>, StoreError> {
    Ok(tenants::table.order(tenants::number).select(TenantRow::as_select()).first(conn).optional()?)
}

/// All tenants, the oldest first.
pub fn all(conn: &mut Conn) -> Result<Vec<TenantRow>, StoreError> {
    Ok(tenants::table.order(tenants::number).select(TenantRow::as_select()).load(conn)?)
}

/// The keys of tenants, the oldest first.
pub fn keys(conn: &mut Conn, ids: Vec<Id>) -> Result<Vec<(Id, i64)>, StoreError> {
    let ids = ids.into_iter().map(DbId);
    Ok(tenants::table.filter(tenants::id.eq_any(ids)).order(tenants::number).select((tenants::id, tenants::number)).load(conn)?)
}

/// Whether there are tenants to be read at all.
pub fn ping(conn: &mut Conn) -> Result<(), StoreError> {
    tenants::table.select(tenants::id).first::<Id>(conn).optional()?;
    Ok(())
}

/// The objects that a tenant knows of.
pub fn known_objects(conn: &mut Conn, tenant: Id) -> Result<Vec<String>, StoreError> {
    Ok(known_objects::table.filter(known_objects::tenant_id.eq(DbId(tenant))).select(known_objects::object).load(conn)?)
}

/// Notes that a tenant knows of an object.
pub fn note_known_object(conn: &mut Conn, tenant: Id, object: &str) -> Result<(), StoreError> {
    diesel::insert_into(known_objects::table)
        .values((known_objects::tenant_id.eq(DbId(tenant)), known_objects::object.eq(object)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// Tenants that know of fewer objects than so many.
pub fn that_know_less(conn: &mut Conn, count: i64, limit: i64) -> Result<Vec<(Id, i64)>, StoreError> {
    let theirs = known_objects::table.filter(known_objects::tenant_id.eq(tenants::id)).count().single_value();
    Ok(tenants::table
        .filter(theirs.assume_not_null().lt(count))
        .order(tenants::number)
        .limit(limit)
        .select((tenants::id, tenants::number))
        .load(conn)?)
}
