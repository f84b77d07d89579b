//! Reading the event log.

use diesel::prelude::*;
use farley_domain::values::id::Id;

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::{EventRow, WantedEvents},
        schema::{event_subjects, events},
        sql_types::DbId,
    },
};

/// Those events of a tenant after a position and not after another that somebody wants.
pub fn wanted(
    conn: &mut Conn,
    tenant: Id,
    (after, until): (i64, i64),
    wanted: &WantedEvents,
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    let mut query = events::table
        .filter(events::tenant_id.eq(DbId(tenant)))
        .filter(events::seq.gt(after))
        .filter(events::seq.le(until))
        .into_boxed();
    if !wanted.types.is_empty() {
        query = query.filter(events::kind.eq_any(&wanted.types));
    }
    if let Some(object) = &wanted.object {
        query = query.filter(events::object.eq(object));
    }
    if let Some(record) = wanted.record {
        query = query.filter(events::record_id.eq(DbId(record)));
    }
    let ordered = if wanted.newest { query.order(events::seq.desc()) } else { query.order(events::seq.asc()) };
    Ok(ordered.limit(limit).select(EventRow::as_select()).load(conn)?)
}

/// Events of one record and those that stand on its timeline, newest first.
pub fn timeline(
    conn: &mut Conn,
    tenant: Id,
    (object, record): (&str, Id),
    before: i64,
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    let mut own: Vec<EventRow> = of_record(conn, tenant, (object, record), before, limit)?;
    let others: Vec<i64> = event_subjects::table
        .filter(event_subjects::tenant_id.eq(DbId(tenant)))
        .filter(event_subjects::subject_id.eq(DbId(record)))
        .filter(event_subjects::seq.lt(before))
        .order(event_subjects::seq.desc())
        .limit(limit)
        .select(event_subjects::seq)
        .load(conn)?;
    let others: Vec<EventRow> = events::table
        .filter(events::tenant_id.eq(DbId(tenant)))
        .filter(events::seq.eq_any(others))
        .select(EventRow::as_select())
        .load(conn)?;
    own.extend(others);
    own.sort_by_key(|event| std::cmp::Reverse(event.seq));
    own.dedup_by_key(|event| event.seq);
    own.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(own)
}

/// Events of one record, newest first.
pub fn of_record(
    conn: &mut Conn,
    tenant: Id,
    (object, record): (&str, Id),
    before: i64,
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    Ok(events::table
        .filter(events::tenant_id.eq(DbId(tenant)))
        .filter(events::record_id.eq(DbId(record)))
        .filter(events::object.eq(object))
        .filter(events::seq.lt(before))
        .order(events::seq.desc())
        .limit(limit)
        .select(EventRow::as_select())
        .load(conn)?)
}

/// Events of one record after a version, oldest first: what somebody who holds that version has missed.
pub fn since_version(
    conn: &mut Conn,
    tenant: Id,
    (object, record): (&str, Id),
    version: i64,
) -> Result<Vec<EventRow>, StoreError> {
    Ok(events::table
        .filter(events::tenant_id.eq(DbId(tenant)))
        .filter(events::record_id.eq(DbId(record)))
        .filter(events::object.eq(object))
        .filter(events::version.gt(version))
        .order(events::seq)
        .limit(200)
        .select(EventRow::as_select())
        .load(conn)?)
}

/// Whether there is, or was, a record of another object with an id.
pub fn is_of_another(conn: &mut Conn, tenant: Id, (object, record): (&str, Id)) -> Result<bool, StoreError> {
    let found: Option<i64> = events::table
        .filter(events::tenant_id.eq(DbId(tenant)))
        .filter(events::record_id.eq(DbId(record)))
        .filter(events::object.ne(object))
        .select(events::seq)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}
