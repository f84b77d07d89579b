//! Clocks of tickets, and what was promised for them.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::{Conn, run::Keep, tenants::keys};
use crate::{
    error::StoreError,
    sql::{
        rows::{ClockRow, PromiseRow},
        schema::{sla_promises, ticket_clocks},
        sql_types::{DbId, DbTime},
    },
};

pub fn promise(conn: &mut Conn, tenant: Id, id: Id) -> Result<Option<PromiseRow>, StoreError> {
    Ok(sla_promises::table
        .filter(sla_promises::tenant_id.eq(DbId(tenant)))
        .filter(sla_promises::id.eq(DbId(id)))
        .select(PromiseRow::as_select())
        .first(conn)
        .optional()?)
}

/// What was promised by a version of a policy and one of its calendar.
pub fn promise_of(conn: &mut Conn, tenant: Id, policy: Id, versions: (i64, i64)) -> Result<Option<PromiseRow>, StoreError> {
    Ok(sla_promises::table
        .filter(sla_promises::tenant_id.eq(DbId(tenant)))
        .filter(sla_promises::policy_id.eq(DbId(policy)))
        .filter(sla_promises::policy_version.eq(versions.0))
        .filter(sla_promises::calendar_version.eq(versions.1))
        .select(PromiseRow::as_select())
        .first(conn)
        .optional()?)
}

/// Keeps a promise, unless it is kept already.
pub fn keep_promise(conn: &mut Conn, row: PromiseRow) -> Result<(), StoreError> {
    diesel::insert_into(sla_promises::table).values(row).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}

/// The clocks of a ticket, in the order of their beginning.
pub fn clocks(conn: &mut Conn, tenant: Id, ticket: Id) -> Result<Vec<ClockRow>, StoreError> {
    Ok(ticket_clocks::table
        .filter(ticket_clocks::tenant_id.eq(DbId(tenant)))
        .filter(ticket_clocks::ticket_id.eq(DbId(ticket)))
        .order((ticket_clocks::started_at, ticket_clocks::clock, ticket_clocks::cycle))
        .select(ClockRow::as_select())
        .load(conn)?)
}

/// The clocks of tickets, each with its promise, in the order of their beginning.
pub fn clocks_of(conn: &mut Conn, tenant: Id, tickets: Vec<Id>) -> Result<Vec<(ClockRow, PromiseRow)>, StoreError> {
    let promised = sla_promises::tenant_id.eq(ticket_clocks::tenant_id).and(sla_promises::id.eq(ticket_clocks::promise_id));
    Ok(ticket_clocks::table
        .inner_join(sla_promises::table.on(promised))
        .filter(ticket_clocks::tenant_id.eq(DbId(tenant)))
        .filter(ticket_clocks::ticket_id.eq_any(tickets.into_iter().map(DbId)))
        .order((ticket_clocks::started_at, ticket_clocks::clock, ticket_clocks::cycle))
        .select((ClockRow::as_select(), PromiseRow::as_select()))
        .load(conn)?)
}

pub fn add_clock(conn: &mut Conn, row: ClockRow) -> Result<(), StoreError> {
    diesel::insert_into(ticket_clocks::table).values(row).execute(conn)?;
    Ok(())
}

/// Forgets the clocks of a ticket, to be kept anew.
pub fn remove_clocks(conn: &mut Conn, tenant: Id, ticket: Id) -> Result<(), StoreError> {
    let of_ticket =
        ticket_clocks::table.filter(ticket_clocks::tenant_id.eq(DbId(tenant))).filter(ticket_clocks::ticket_id.eq(DbId(ticket)));
    diesel::delete(of_ticket).execute(conn)?;
    Ok(())
}

pub fn set_clock(conn: &mut Conn, row: &ClockRow) -> Result<(), StoreError> {
    let present = ticket_clocks::table
        .filter(ticket_clocks::tenant_id.eq(DbId(row.tenant_id)))
        .filter(ticket_clocks::ticket_id.eq(DbId(row.ticket_id)))
        .filter(ticket_clocks::clock.eq(&row.clock))
        .filter(ticket_clocks::cycle.eq(row.cycle));
    diesel::update(present)
        .set((
            ticket_clocks::promise_id.eq(DbId(row.promise_id)),
            ticket_clocks::priority.eq(&row.priority),
            ticket_clocks::started_at.eq(DbTime(row.started_at)),
            ticket_clocks::length.eq(row.length),
            ticket_clocks::elapsed.eq(row.elapsed),
            ticket_clocks::phase.eq(&row.phase),
            ticket_clocks::phase_at.eq(DbTime(row.phase_at)),
            ticket_clocks::due_at.eq(row.due_at),
            ticket_clocks::breached_at.eq(row.breached_at),
            ticket_clocks::told.eq(row.told),
            ticket_clocks::fires_at.eq(row.fires_at),
            ticket_clocks::is_open.eq(row.is_open),
            ticket_clocks::is_belated.eq(row.is_belated),
        ))
        .kept()
        .execute(conn)?;
    Ok(())
}

/// Tickets of a tenant of which an event is due, the longest due first.
pub fn due(conn: &mut Conn, tenant: Id, now: Timestamp, limit: i64) -> Result<Vec<Id>, StoreError> {
    Ok(ticket_clocks::table
        .filter(ticket_clocks::tenant_id.eq(DbId(tenant)))
        .filter(ticket_clocks::fires_at.le(DbTime(now)))
        .order(ticket_clocks::fires_at)
        .limit(limit)
        .select(ticket_clocks::ticket_id)
        .load(conn)?)
}

/// Tenants of whose tickets an event is due.
pub fn due_tenants(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<(Id, i64)>, StoreError> {
    let due = ticket_clocks::table.filter(ticket_clocks::fires_at.le(DbTime(now))).select(ticket_clocks::tenant_id);
    let due = due.distinct().limit(limit).load(conn)?;
    keys(conn, due)
}
