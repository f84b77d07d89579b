//! The contents of files: which of them a file has, and which nobody has.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::{Conn, Db};
use crate::{
    error::StoreError,
    sql::{
        schema::{file_contents, file_link_keys},
        sql_types::{DbId, DbTime},
    },
};

fn of(tenant: Id) -> file_contents::BoxedQuery<'static, Db> {
    file_contents::table.filter(file_contents::tenant_id.eq(DbId(tenant))).into_boxed()
}

/// Notes a content that is about to be stored.
pub fn expect(conn: &mut Conn, tenant: Id, content: Id, now: Timestamp) -> Result<(), StoreError> {
    diesel::insert_into(file_contents::table)
        .values((
            file_contents::tenant_id.eq(DbId(tenant)),
            file_contents::id.eq(DbId(content)),
            file_contents::abandoned.eq(false),
            file_contents::created_at.eq(DbTime(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Gives a content to a file; false if it has been given up or has a file.
pub fn give(conn: &mut Conn, tenant: Id, content: Id, file: Id) -> Result<bool, StoreError> {
    let one = file_contents::table
        .filter(file_contents::tenant_id.eq(DbId(tenant)))
        .filter(file_contents::id.eq(DbId(content)))
        .filter(file_contents::file_id.is_null())
        .filter(file_contents::abandoned.eq(false));
    Ok(diesel::update(one).set(file_contents::file_id.eq(DbId(file))).execute(conn)? == 1)
}

/// The content of a file.
pub fn of_file(conn: &mut Conn, tenant: Id, file: Id) -> Result<Option<Id>, StoreError> {
    Ok(of(tenant).filter(file_contents::file_id.eq(DbId(file))).select(file_contents::id).first(conn).optional()?)
}

/// Gives up contents that no file got before a time; no file gets them any more.
pub fn abandon(conn: &mut Conn, tenant: Id, before: Timestamp) -> Result<(), StoreError> {
    let old = file_contents::table
        .filter(file_contents::tenant_id.eq(DbId(tenant)))
        .filter(file_contents::file_id.is_null())
        .filter(file_contents::created_at.lt(DbTime(before)));
    diesel::update(old).set(file_contents::abandoned.eq(true)).execute(conn)?;
    Ok(())
}

/// Gives up one content, if no file has got it.
pub fn abandon_one(conn: &mut Conn, tenant: Id, content: Id) -> Result<bool, StoreError> {
    let one = file_contents::table
        .filter(file_contents::tenant_id.eq(DbId(tenant)))
        .filter(file_contents::id.eq(DbId(content)))
        .filter(file_contents::file_id.is_null());
    Ok(diesel::update(one).set(file_contents::abandoned.eq(true)).execute(conn)? == 1)
}

/// Some of the contents that were given up.
pub fn abandoned(conn: &mut Conn, tenant: Id, limit: i64) -> Result<Vec<Id>, StoreError> {
    let found = of(tenant).filter(file_contents::abandoned.eq(true)).filter(file_contents::file_id.is_null());
    Ok(found.order(file_contents::id).limit(limit).select(file_contents::id).load(conn)?)
}

/// Forgets contents that are gone.
pub fn forget(conn: &mut Conn, tenant: Id, contents: &[Id]) -> Result<(), StoreError> {
    let ids: Vec<DbId> = contents.iter().copied().map(DbId).collect();
    let gone = file_contents::table.filter(file_contents::tenant_id.eq(DbId(tenant))).filter(file_contents::id.eq_any(ids));
    diesel::delete(gone).execute(conn)?;
    Ok(())
}

/// What the links of a tenant are signed with.
pub fn link_key(conn: &mut Conn, tenant: Id) -> Result<Option<Vec<u8>>, StoreError> {
    let theirs = file_link_keys::table.filter(file_link_keys::tenant_id.eq(DbId(tenant)));
    Ok(theirs.select(file_link_keys::secret).first(conn).optional()?)
}

/// Keeps a key for a tenant that has none.
pub fn keep_link_key(conn: &mut Conn, tenant: Id, secret: &[u8], now: Timestamp) -> Result<(), StoreError> {
    diesel::insert_into(file_link_keys::table)
        .values((
            file_link_keys::tenant_id.eq(DbId(tenant)),
            file_link_keys::secret.eq(secret),
            file_link_keys::created_at.eq(DbTime(now)),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}
