//! Tickets that open a stream each.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::StreamTicketRow,
        schema::stream_tickets,
        sql_types::{DbId, DbTime},
    },
};

pub fn add(conn: &mut Conn, row: StreamTicketRow) -> Result<(), StoreError> {
    diesel::insert_into(stream_tickets::table).values(row).execute(conn)?;
    Ok(())
}

/// Takes the ticket with this hash, if it is still good: nobody else gets it.
pub fn take(conn: &mut Conn, hash: &[u8], now: Timestamp) -> Result<Option<StreamTicketRow>, StoreError> {
    let ticket = stream_tickets::table.filter(stream_tickets::token_hash.eq(hash));
    let found = ticket.select(StreamTicketRow::as_select()).first(conn).optional()?;
    let is_taken = diesel::delete(ticket).execute(conn)? == 1;
    Ok(found.filter(|found| is_taken && found.expires_at > now))
}

/// Forgets those that nobody has used in time.
pub fn purge(conn: &mut Conn, tenant: Id, now: Timestamp) -> Result<(), StoreError> {
    let own = stream_tickets::table.filter(stream_tickets::tenant_id.eq(DbId(tenant)));
    diesel::delete(own.filter(stream_tickets::expires_at.le(DbTime(now)))).execute(conn)?;
    Ok(())
}
