//! Who is editing what.

use diesel::{prelude::*, query_dsl::methods};
use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::RecordLockRow,
        schema::record_locks,
        sql_types::{DbId, DbTime},
    },
};

/// Who holds a record now.
pub fn of_record(conn: &mut Conn, tenant: Id, record: Id, now: Timestamp) -> Result<Option<RecordLockRow>, StoreError> {
    Ok(record_locks::table
        .filter(record_locks::tenant_id.eq(DbId(tenant)))
        .filter(record_locks::record_id.eq(DbId(record)))
        .filter(record_locks::expires_at.gt(DbTime(now)))
        .select(RecordLockRow::as_select())
        .first(conn)
        .optional()?)
}

/// Takes a lock, or keeps one's own for longer; false if another holds it.
pub fn hold(conn: &mut Conn, row: RecordLockRow, takes_over: bool, now: Timestamp) -> Result<bool, StoreError> {
    let (user, expires_at) = (row.user_id, row.expires_at);
    let lock = record_locks::table
        .filter(record_locks::tenant_id.eq(DbId(row.tenant_id)))
        .filter(record_locks::record_id.eq(DbId(row.record_id)));
    if takes_over {
        diesel::delete(lock.filter(record_locks::user_id.ne(DbId(user)))).execute(conn)?;
    }
    diesel::delete(lock.filter(record_locks::expires_at.le(DbTime(now)))).execute(conn)?;
    let held = diesel::insert_into(record_locks::table)
        .values(row)
        .on_conflict((record_locks::tenant_id, record_locks::record_id))
        .do_update()
        .set(record_locks::expires_at.eq(DbTime(expires_at)));
    Ok(methods::FilterDsl::filter(held, record_locks::user_id.eq(DbId(user))).execute(conn)? == 1)
}

/// Gives a lock up; false if its user held none.
pub fn give_up(conn: &mut Conn, tenant: Id, record: Id, user: Id) -> Result<bool, StoreError> {
    let lock = record_locks::table
        .filter(record_locks::tenant_id.eq(DbId(tenant)))
        .filter(record_locks::record_id.eq(DbId(record)))
        .filter(record_locks::user_id.eq(DbId(user)));
    Ok(diesel::delete(lock).execute(conn)? == 1)
}

/// How many records a user holds now.
pub fn held_by(conn: &mut Conn, tenant: Id, user: Id, now: Timestamp) -> Result<i64, StoreError> {
    let own = record_locks::table.filter(record_locks::tenant_id.eq(DbId(tenant))).filter(record_locks::user_id.eq(DbId(user)));
    Ok(own.filter(record_locks::expires_at.gt(DbTime(now))).count().get_result(conn)?)
}

/// Those of a tenant, or of one object, after that of a record, in the order of the records' ids.
pub fn held(
    conn: &mut Conn,
    tenant: Id,
    object: Option<&str>,
    after: Id,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<RecordLockRow>, StoreError> {
    let mut locks = record_locks::table
        .filter(record_locks::tenant_id.eq(DbId(tenant)))
        .filter(record_locks::record_id.gt(DbId(after)))
        .filter(record_locks::expires_at.gt(DbTime(now)))
        .into_boxed();
    if let Some(object) = object {
        locks = locks.filter(record_locks::object.eq(object));
    }
    Ok(locks.order(record_locks::record_id).limit(limit).select(RecordLockRow::as_select()).load(conn)?)
}

/// Forgets those that have run out.
pub fn purge(conn: &mut Conn, tenant: Id, now: Timestamp) -> Result<(), StoreError> {
    let own = record_locks::table.filter(record_locks::tenant_id.eq(DbId(tenant)));
    diesel::delete(own.filter(record_locks::expires_at.le(DbTime(now)))).execute(conn)?;
    Ok(())
}
