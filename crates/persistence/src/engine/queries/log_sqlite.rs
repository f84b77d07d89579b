//! Writing the event log of SQLite: one by one.

use diesel::prelude::*;
use farley_domain::values::id::Id;

use super::{Conn, last_insert_rowid};
use crate::{
    error::StoreError,
    sql::{
        rows::NewEvent,
        schema::{event_subjects, events},
        sql_types::DbId,
    },
};

/// Appends events in their order, and notes on whose timelines each stands besides its own record's.
pub fn append(conn: &mut Conn, events: Vec<(NewEvent, Vec<Id>)>) -> Result<(), StoreError> {
    for (event, subjects) in events {
        let tenant = event.tenant_id;
        diesel::insert_into(events::table).values(event).execute(conn)?;
        for subject in subjects {
            let row = (
                event_subjects::tenant_id.eq(DbId(tenant)),
                event_subjects::subject_id.eq(DbId(subject)),
                event_subjects::seq.eq(last_insert_rowid()),
            );
            diesel::insert_into(event_subjects::table).values(row).execute(conn)?;
        }
    }
    Ok(())
}
