//! Who held which record of a pool.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::{
    Conn,
    run::{Keep, Written},
};
use crate::{
    engine::queries::fixed::fixed,
    error::StoreError,
    sql::{
        rows::{Holding, NewHolding},
        schema::pool_holdings,
        sql_types::{DbId, DbTime},
        statement::Statement,
    },
};

pub fn begin(conn: &mut Conn, holding: NewHolding<'_>) -> Result<(), StoreError> {
    diesel::insert_into(pool_holdings::table).values(holding).execute(conn)?;
    Ok(())
}

/// Ends the present holding of a record.
pub fn end(conn: &mut Conn, tenant: Id, record: Id, ended: &str, now: Timestamp) -> Result<(), StoreError> {
    let present = pool_holdings::table
        .filter(pool_holdings::tenant_id.eq(DbId(tenant)))
        .filter(pool_holdings::record_id.eq(DbId(record)))
        .filter(pool_holdings::until.is_null());
    diesel::update(present).set((pool_holdings::until.eq(Some(now)), pool_holdings::ended.eq(ended))).kept().execute(conn)?;
    Ok(())
}

/// Says how the present holding of a record began.
pub fn set_began(conn: &mut Conn, tenant: Id, record: Id, began: &str) -> Result<(), StoreError> {
    let present = pool_holdings::table
        .filter(pool_holdings::tenant_id.eq(DbId(tenant)))
        .filter(pool_holdings::record_id.eq(DbId(record)))
        .filter(pool_holdings::until.is_null());
    diesel::update(present).set(pool_holdings::began.eq(began)).kept().execute(conn)?;
    Ok(())
}

/// Says how a holding ended, and why.
pub fn set_ended(conn: &mut Conn, tenant: Id, holding: Id, ended: &str, reason: Option<&str>) -> Result<(), StoreError> {
    let row = pool_holdings::table.filter(pool_holdings::tenant_id.eq(DbId(tenant))).filter(pool_holdings::id.eq(DbId(holding)));
    diesel::update(row).set((pool_holdings::ended.eq(ended), pool_holdings::reason.eq(reason))).kept().execute(conn)?;
    Ok(())
}

/// Notes that the holder was warned.
pub fn set_warned(conn: &mut Conn, tenant: Id, holding: Id, now: Timestamp) -> Result<(), StoreError> {
    let row = pool_holdings::table.filter(pool_holdings::tenant_id.eq(DbId(tenant))).filter(pool_holdings::id.eq(DbId(holding)));
    diesel::update(row).set(pool_holdings::warned_at.eq(Some(now))).kept().execute(conn)?;
    Ok(())
}

/// The holdings of a record, the latest first.
pub fn of_record(conn: &mut Conn, tenant: Id, record: Id, limit: i64, offset: i64) -> Result<Vec<Holding>, StoreError> {
    Ok(pool_holdings::table
        .filter(pool_holdings::tenant_id.eq(DbId(tenant)))
        .filter(pool_holdings::record_id.eq(DbId(record)))
        .order((pool_holdings::since.desc(), pool_holdings::id.desc()))
        .limit(limit)
        .offset(offset)
        .select(Holding::as_select())
        .load(conn)?)
}

/// When somebody last ceased to hold a record.
pub fn last_until(conn: &mut Conn, tenant: Id, record: Id, user: Id) -> Result<Option<Timestamp>, StoreError> {
    let until = pool_holdings::table
        .filter(pool_holdings::tenant_id.eq(DbId(tenant)))
        .filter(pool_holdings::record_id.eq(DbId(record)))
        .filter(pool_holdings::user_id.eq(DbId(user)))
        .filter(pool_holdings::until.is_not_null())
        .order(pool_holdings::until.desc())
        .select(pool_holdings::until)
        .first::<Option<Timestamp>>(conn)
        .optional()?;
    Ok(until.flatten())
}

/// How many records of a pool somebody has claimed since a time.
pub fn claims_since(conn: &mut Conn, tenant: Id, pool: Id, user: Id, since: Timestamp) -> Result<i64, StoreError> {
    Ok(pool_holdings::table
        .filter(pool_holdings::tenant_id.eq(DbId(tenant)))
        .filter(pool_holdings::user_id.eq(DbId(user)))
        .filter(pool_holdings::pool_id.eq(DbId(pool)))
        .filter(pool_holdings::began.eq(fixed("'claimed'")))
        .filter(pool_holdings::since.ge(DbTime(since)))
        .count()
        .get_result(conn)?)
}

/// Present holdings of a pool that began before a time and meet a condition, in the order of their beginning.
pub fn present(
    conn: &mut Conn,
    tenant: Id,
    pool: Id,
    before: Timestamp,
    condition: Statement,
    limit: i64,
) -> Result<Vec<Holding>, StoreError> {
    Ok(pool_holdings::table
        .filter(pool_holdings::tenant_id.eq(DbId(tenant)))
        .filter(pool_holdings::pool_id.eq(DbId(pool)))
        .filter(pool_holdings::until.is_null())
        .filter(pool_holdings::since.le(DbTime(before)))
        .filter(Written(condition))
        .order((pool_holdings::since, pool_holdings::id))
        .limit(limit)
        .select(Holding::as_select())
        .load(conn)?)
}
