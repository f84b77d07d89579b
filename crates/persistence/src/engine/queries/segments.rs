//! Members of segments, and how far segments have come in the event log.

use diesel::{dsl::exists, prelude::*};
use farley_domain::values::id::Id;

use super::{Conn, tenants::keys};
use crate::{
    error::StoreError,
    sql::{
        rows::{SegmentCursorRow, SegmentMemberRow},
        schema::{events, segment_cursors as cursors, segment_members as members},
        sql_types::DbId,
    },
};

/// The cursors of a tenant.
pub fn cursors(conn: &mut Conn, tenant: Id) -> Result<Vec<SegmentCursorRow>, StoreError> {
    Ok(cursors::table
        .filter(cursors::tenant_id.eq(DbId(tenant)))
        .order(cursors::segment_id)
        .select(SegmentCursorRow::as_select())
        .load(conn)?)
}

/// Tenants whose log goes on behind the place where a segment of theirs is.
pub fn behind(conn: &mut Conn, limit: i64) -> Result<Vec<(Id, i64)>, StoreError> {
    let newer = events::table
        .filter(events::tenant_id.eq(cursors::tenant_id))
        .filter(events::seq.gt(cursors::position))
        .select(events::seq);
    let behind = cursors::table.filter(cursors::is_filled.eq(true)).filter(exists(newer)).select(cursors::tenant_id);
    let behind: Vec<Id> = behind.distinct().limit(limit).load(conn)?;
    keys(conn, behind)
}

/// Puts a cursor in the place of another.
pub fn begin(conn: &mut Conn, row: SegmentCursorRow) -> Result<(), StoreError> {
    forget(conn, row.tenant_id, row.segment_id)?;
    diesel::insert_into(cursors::table).values(row).execute(conn)?;
    Ok(())
}

pub fn place(conn: &mut Conn, tenant: Id, segment: Id, position: i64) -> Result<(), StoreError> {
    let cursor = cursors::table.filter(cursors::tenant_id.eq(DbId(tenant))).filter(cursors::segment_id.eq(DbId(segment)));
    diesel::update(cursor).set(cursors::position.eq(position)).execute(conn)?;
    Ok(())
}

/// Notes that all the first members have been found.
pub fn filled(conn: &mut Conn, tenant: Id, segment: Id) -> Result<(), StoreError> {
    let cursor = cursors::table.filter(cursors::tenant_id.eq(DbId(tenant))).filter(cursors::segment_id.eq(DbId(segment)));
    diesel::update(cursor).set(cursors::is_filled.eq(true)).execute(conn)?;
    Ok(())
}

pub fn forget(conn: &mut Conn, tenant: Id, segment: Id) -> Result<(), StoreError> {
    let cursor = cursors::table.filter(cursors::tenant_id.eq(DbId(tenant))).filter(cursors::segment_id.eq(DbId(segment)));
    diesel::delete(cursor).execute(conn)?;
    Ok(())
}

/// Those of some records that are members.
pub fn among(conn: &mut Conn, tenant: Id, segment: Id, records: &[Id]) -> Result<Vec<Id>, StoreError> {
    let records = records.iter().map(|id| DbId(*id));
    Ok(members::table
        .filter(members::tenant_id.eq(DbId(tenant)))
        .filter(members::segment_id.eq(DbId(segment)))
        .filter(members::record_id.eq_any(records))
        .select(members::record_id)
        .load(conn)?)
}

pub fn count(conn: &mut Conn, tenant: Id, segment: Id) -> Result<i64, StoreError> {
    let own = members::table.filter(members::tenant_id.eq(DbId(tenant))).filter(members::segment_id.eq(DbId(segment)));
    Ok(own.count().get_result(conn)?)
}

/// Puts records in, but for those that are in it.
pub fn add(conn: &mut Conn, rows: Vec<SegmentMemberRow>) -> Result<(), StoreError> {
    for row in rows {
        diesel::insert_into(members::table).values(row).on_conflict_do_nothing().execute(conn)?;
    }
    Ok(())
}

pub fn remove(conn: &mut Conn, tenant: Id, segment: Id, records: &[Id]) -> Result<(), StoreError> {
    let records = records.iter().map(|id| DbId(*id));
    let some = members::table
        .filter(members::tenant_id.eq(DbId(tenant)))
        .filter(members::segment_id.eq(DbId(segment)))
        .filter(members::record_id.eq_any(records));
    diesel::delete(some).execute(conn)?;
    Ok(())
}

pub fn clear(conn: &mut Conn, tenant: Id, segment: Id) -> Result<(), StoreError> {
    let own = members::table.filter(members::tenant_id.eq(DbId(tenant))).filter(members::segment_id.eq(DbId(segment)));
    diesel::delete(own).execute(conn)?;
    Ok(())
}
