//! Writing the event log of PostgreSQL, where a round trip costs more than a row.

use std::collections::HashMap;

use diesel::{
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::Array,
};
use farley_domain::values::id::Id;

use super::{Conn, Db, run::Keep};
use crate::{
    error::StoreError,
    sql::{
        batch::SIZES,
        rows::{EventSubjectRow, NewEvent},
        schema::{event_subjects, events},
        sql_types::{DbId, IdSql},
    },
};

/// Appends events in their order, and notes on whose timelines each stands besides its own record's.
pub fn append(conn: &mut Conn, events: Vec<(NewEvent, Vec<Id>)>) -> Result<(), StoreError> {
    let mut events = events.into_iter();
    for size in SIZES {
        while size > 1 && events.len() >= size {
            append_together(conn, events.by_ref().take(size))?;
        }
    }
    events.try_for_each(|(event, subjects)| append_one(conn, event, subjects))
}

/// Many events with one statement, and their subjects with another.
fn append_together(conn: &mut Conn, events: impl Iterator<Item = (NewEvent, Vec<Id>)>) -> Result<(), StoreError> {
    let told = |(event, subjects): (NewEvent, Vec<Id>)| {
        let key = (event.tenant_id, event.id);
        (event, (key, subjects))
    };
    let (events, subjects): (Vec<NewEvent>, Vec<_>) = events.map(told).unzip();
    let inserted = diesel::insert_into(events::table).values(events).returning((events::id, events::seq));
    let positions: HashMap<Id, i64> = inserted.kept().load::<(Id, i64)>(conn)?.into_iter().collect();
    let rows = subjects.into_iter().filter_map(|((tenant_id, event), subjects)| {
        let seq = *positions.get(&event)?;
        Some(subjects.into_iter().map(move |subject_id| EventSubjectRow { tenant_id, subject_id, seq }))
    });
    let mut rows = rows.flatten().collect::<Vec<_>>().into_iter();
    for size in SIZES {
        while rows.len() >= size {
            let rows: Vec<EventSubjectRow> = rows.by_ref().take(size).collect();
            diesel::insert_into(event_subjects::table).values(rows).on_conflict_do_nothing().kept().execute(conn)?;
        }
    }
    Ok(())
}

fn append_one(conn: &mut Conn, event: NewEvent, subjects: Vec<Id>) -> Result<(), StoreError> {
    let tenant = DbId(event.tenant_id);
    let event = diesel::insert_into(events::table).values(event);
    if subjects.is_empty() {
        event.execute(conn)?;
    } else {
        WithSubjects { event, tenant, subjects: subjects.into_iter().map(DbId).collect() }.execute(conn)?;
    }
    Ok(())
}

/// An event, with on whose timelines it stands besides its own record's, in one round trip.
struct WithSubjects<Event> {
    event: Event,
    tenant: DbId,
    subjects: Vec<DbId>,
}

impl<Event> QueryId for WithSubjects<Event> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Event> RunQueryDsl<Conn> for WithSubjects<Event> {}

impl<Event: QueryFragment<Db>> QueryFragment<Db> for WithSubjects<Event> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.push_sql("WITH event AS (");
        self.event.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING seq) INSERT INTO event_subjects (tenant_id, subject_id, seq) SELECT ");
        out.push_bind_param::<IdSql, _>(&self.tenant)?;
        out.push_sql(", subject, seq FROM event, unnest(");
        out.push_bind_param::<Array<IdSql>, _>(&self.subjects)?;
        out.push_sql(") subject ON CONFLICT DO NOTHING");
        Ok(())
    }
}
