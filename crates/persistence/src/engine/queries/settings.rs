//! Settings by key, of a tenant or of one of its users. The row whose key is empty is no setting: its version is the highest of those
//! that were deleted.

use diesel::prelude::*;
use farley_domain::values::id::Id;

use super::{Conn, Db};
use crate::{
    error::StoreError,
    sql::{
        rows::{KeptRow, SettingHead, SettingRow},
        schema::{kept, settings},
        sql_types::{DbId, DbJson, DbTime},
    },
};

const NO_KEY: &str = "";
/// Follows every sign of a key.
const LAST: char = '~';

/// What belongs to a user, or to the tenant alone.
fn of(tenant: Id, user: Option<Id>) -> settings::BoxedQuery<'static, Db> {
    let theirs = settings::table.filter(settings::tenant_id.eq(DbId(tenant))).into_boxed();
    match user {
        Some(user) => theirs.filter(settings::user_id.eq(DbId(user))),
        None => theirs.filter(settings::user_id.is_null()),
    }
}

/// Those whose keys begin with a text: a range of the index.
fn beginning(tenant: Id, user: Option<Id>, prefix: &str) -> settings::BoxedQuery<'static, Db> {
    let within = of(tenant, user).filter(settings::key.gt(NO_KEY)).filter(settings::key.ge(prefix.to_owned()));
    within.filter(settings::key.lt(format!("{prefix}{LAST}")))
}

pub fn find(conn: &mut Conn, tenant: Id, user: Option<Id>, key: &str) -> Result<Option<SettingRow>, StoreError> {
    let found = of(tenant, user).filter(settings::key.eq(key.to_owned())).select(SettingRow::as_select());
    Ok(found.first(conn).optional()?)
}

pub fn list(
    conn: &mut Conn,
    tenant: Id,
    user: Option<Id>,
    prefix: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<SettingHead>, StoreError> {
    let mut found = beginning(tenant, user, prefix);
    if let Some(after) = after {
        found = found.filter(settings::key.gt(after.to_owned()));
    }
    Ok(found.order(settings::key).limit(limit).select(SettingHead::as_select()).load(conn)?)
}

pub fn count(conn: &mut Conn, tenant: Id, user: Option<Id>, prefix: &str) -> Result<i64, StoreError> {
    Ok(beginning(tenant, user, prefix).count().get_result(conn)?)
}

/// The highest version of those that were deleted; 0 where none was.
pub fn floor(conn: &mut Conn, tenant: Id, user: Option<Id>) -> Result<i64, StoreError> {
    let floor = of(tenant, user).filter(settings::key.eq(NO_KEY)).select(settings::version);
    Ok(floor.first(conn).optional()?.unwrap_or(0))
}

pub fn raise_floor(conn: &mut Conn, tenant: Id, user: Option<Id>, version: i64) -> Result<(), StoreError> {
    let Some(row) = find(conn, tenant, user, NO_KEY)? else { return Ok(()) };
    update(conn, SettingRow { version, ..row })
}

pub fn insert(conn: &mut Conn, row: SettingRow) -> Result<(), StoreError> {
    diesel::insert_into(settings::table).values(row).execute(conn)?;
    Ok(())
}

pub fn update(conn: &mut Conn, row: SettingRow) -> Result<(), StoreError> {
    let stored = settings::table.filter(settings::tenant_id.eq(DbId(row.tenant_id))).filter(settings::id.eq(DbId(row.id)));
    diesel::update(stored)
        .set((
            settings::value.eq(DbJson(row.value)),
            settings::version.eq(row.version),
            settings::updated_at.eq(DbTime(row.updated_at)),
            settings::updated_by.eq(row.updated_by),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut Conn, tenant: Id, id: Id) -> Result<(), StoreError> {
    let stored = settings::table.filter(settings::tenant_id.eq(DbId(tenant))).filter(settings::id.eq(DbId(id)));
    diesel::delete(stored).execute(conn)?;
    Ok(())
}

/// What Farley keeps for itself under a name.
pub fn kept(conn: &mut Conn, tenant: Id, name: &str) -> Result<Option<KeptRow>, StoreError> {
    let found = kept::table.filter(kept::tenant_id.eq(DbId(tenant))).filter(kept::name.eq(name));
    Ok(found.select(KeptRow::as_select()).first(conn).optional()?)
}

pub fn keep(conn: &mut Conn, row: KeptRow) -> Result<(), StoreError> {
    let there = kept::table.filter(kept::tenant_id.eq(DbId(row.tenant_id))).filter(kept::name.eq(row.name.clone()));
    if diesel::update(there).set(row.clone()).execute(conn)? == 0 {
        diesel::insert_into(kept::table).values(row).execute(conn)?;
    }
    Ok(())
}
