//! The event log.

use std::collections::HashMap;

use diesel::prelude::*;
use farley_domain::id::Id;

use super::{Conn, DIALECT, run};
use crate::{
    error::StoreError,
    sql::{
        batch::SIZES,
        rows::{EventRow, NewEvent},
        schema::{event_subjects, events},
        sql_types::DbId,
        statement::{Bind, ColumnType, Dialect, Statement},
    },
};

const COLUMNS: &str = "INSERT INTO events (tenant_id, id, type, at, actor_kind, user_id, api_key_id, object, record_id, version, changes, request_id) VALUES ";

/// Appends events in their order, and notes on whose timelines each stands besides its own record's.
pub fn append(conn: &mut Conn, mut events: &[(NewEvent, Vec<Id>)]) -> Result<(), StoreError> {
    for size in SIZES {
        while DIALECT == Dialect::Postgres && size > 1 && events.len() >= size {
            let (together, rest) = events.split_at(size);
            append_together(conn, together)?;
            events = rest;
        }
    }
    events.iter().try_for_each(|(event, subjects)| append_one(conn, event, subjects))
}

/// PostgreSQL: many events with one statement, and their subjects with another.
fn append_together(conn: &mut Conn, events: &[(NewEvent, Vec<Id>)]) -> Result<(), StoreError> {
    let mut sql = Statement::of(DIALECT, COLUMNS);
    for (position, (event, _)) in events.iter().enumerate() {
        sql.sql(if position > 0 { ", (" } else { "(" }).binds(values(event)).sql(")");
    }
    sql.sql(" RETURNING id, seq");
    let rows = run::load(conn, &sql, &[ColumnType::Id, ColumnType::Integer])?;
    let positions: HashMap<Id, i64> = rows.iter().filter_map(|row| Some((row[0].as_id()?, row[1].as_integer()?))).collect();
    let subjects = events.iter().filter_map(|(event, subjects)| Some((event, subjects, *positions.get(&event.id.0)?)));
    let rows: Vec<[Bind; 3]> = subjects
        .flat_map(|(event, subjects, seq)| {
            subjects.iter().map(move |subject| [Bind::Id(event.tenant_id), Bind::id(*subject), Bind::Integer(seq)])
        })
        .collect();
    let mut rows = rows.into_iter();
    for size in SIZES {
        while rows.len() >= size {
            let mut sql = Statement::of(DIALECT, "INSERT INTO event_subjects (tenant_id, subject_id, seq) VALUES ");
            for (position, row) in rows.by_ref().take(size).enumerate() {
                sql.sql(if position > 0 { ", (" } else { "(" }).binds(row).sql(")");
            }
            sql.sql(" ON CONFLICT DO NOTHING");
            run::execute(conn, &sql)?;
        }
    }
    Ok(())
}

/// Diesel would prepare its inserts anew each time.
fn append_one(conn: &mut Conn, event: &NewEvent, subjects: &[Id]) -> Result<(), StoreError> {
    let tenant = event.tenant_id.0;
    let mut sql = Statement::new(DIALECT);
    let with_subjects = DIALECT == Dialect::Postgres && !subjects.is_empty();
    if with_subjects {
        sql.sql("WITH event AS (");
    }
    sql.sql(COLUMNS).sql("(").binds(values(event)).sql(")");
    if with_subjects {
        sql.sql(" RETURNING seq) INSERT INTO event_subjects (tenant_id, subject_id, seq) SELECT ").id(tenant);
        sql.sql(", subject, seq FROM event, unnest(ARRAY[").id_list(subjects).sql("]) subject ON CONFLICT DO NOTHING");
    }
    run::execute(conn, &sql)?;
    if DIALECT == Dialect::Sqlite {
        for subject in subjects {
            let mut sql = Statement::of(DIALECT, "INSERT INTO event_subjects (tenant_id, subject_id, seq) VALUES (");
            sql.id(tenant).sql(", ").id(*subject).sql(", last_insert_rowid())");
            run::execute(conn, &sql)?;
        }
    }
    Ok(())
}

/// The values of an event's columns.
fn values(event: &NewEvent) -> [Bind; 12] {
    let optional = |id: Option<DbId>| id.map_or(Bind::Null(ColumnType::Id), Bind::Id);
    [
        Bind::Id(event.tenant_id),
        Bind::Id(event.id),
        Bind::Text(event.kind.clone()),
        Bind::Time(event.at),
        Bind::Text(event.actor_kind.to_owned()),
        optional(event.user_id),
        optional(event.api_key_id),
        Bind::Text(event.object.clone()),
        Bind::Id(event.record_id),
        Bind::Integer(event.version),
        Bind::Json(event.changes.clone()),
        event.request_id.clone().map_or(Bind::Null(ColumnType::Text), Bind::Text),
    ]
}

/// Events of a tenant after a position and not after another, oldest first.
pub fn between(
    conn: &mut Conn,
    tenant: Id,
    after: i64,
    until: i64,
    types: &[String],
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    let mut query = events::table
        .filter(events::tenant_id.eq(DbId(tenant)))
        .filter(events::seq.gt(after))
        .filter(events::seq.le(until))
        .into_boxed();
    if !types.is_empty() {
        query = query.filter(events::kind.eq_any(types));
    }
    Ok(query.order(events::seq).limit(limit).select(EventRow::as_select()).load(conn)?)
}

/// Events of one record and those that stand on its timeline, newest first.
pub fn timeline(conn: &mut Conn, tenant: Id, record: Id, before: i64, limit: i64) -> Result<Vec<EventRow>, StoreError> {
    let mut own: Vec<EventRow> = of_record(conn, tenant, record, before, limit)?;
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
pub fn of_record(conn: &mut Conn, tenant: Id, record: Id, before: i64, limit: i64) -> Result<Vec<EventRow>, StoreError> {
    Ok(events::table
        .filter(events::tenant_id.eq(DbId(tenant)))
        .filter(events::record_id.eq(DbId(record)))
        .filter(events::seq.lt(before))
        .order(events::seq.desc())
        .limit(limit)
        .select(EventRow::as_select())
        .load(conn)?)
}

/// Events of one record after a version, oldest first: what somebody who holds that version has missed.
pub fn since_version(conn: &mut Conn, tenant: Id, record: Id, version: i64) -> Result<Vec<EventRow>, StoreError> {
    Ok(events::table
        .filter(events::tenant_id.eq(DbId(tenant)))
        .filter(events::record_id.eq(DbId(record)))
        .filter(events::version.gt(version))
        .order(events::seq)
        .limit(200)
        .select(EventRow::as_select())
        .load(conn)?)
}
