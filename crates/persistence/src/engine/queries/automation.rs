//! How far the rules of tenants have come, in the event log and in time.

use diesel::{dsl::exists, prelude::*};
use farley_domain::values::{id::Id, time::Timestamp};

use super::{Conn, tenants::keys};
use crate::{
    error::StoreError,
    sql::{
        rows::{RuleCursorRow, TimerRow},
        schema::{automation_clocks, automation_cursors, automation_runs, automation_timers, events},
        sql_types::{DbId, DbTime},
    },
};

pub fn cursor(conn: &mut Conn, tenant: Id) -> Result<Option<RuleCursorRow>, StoreError> {
    Ok(automation_cursors::table
        .filter(automation_cursors::tenant_id.eq(DbId(tenant)))
        .select(RuleCursorRow::as_select())
        .first(conn)
        .optional()?)
}

/// Begins to follow the log of a tenant, unless it is followed.
pub fn begin_cursor(conn: &mut Conn, row: RuleCursorRow) -> Result<(), StoreError> {
    diesel::insert_into(automation_cursors::table).values(row).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}

/// Moves the cursor of a tenant, if it is still there.
pub fn move_cursor(conn: &mut Conn, row: RuleCursorRow) -> Result<(), StoreError> {
    let cursor = automation_cursors::table.filter(automation_cursors::tenant_id.eq(DbId(row.tenant_id)));
    diesel::update(cursor)
        .set((automation_cursors::position.eq(row.position), automation_cursors::attempts.eq(row.attempts)))
        .execute(conn)?;
    Ok(())
}

pub fn forget_cursor(conn: &mut Conn, tenant: Id) -> Result<(), StoreError> {
    diesel::delete(automation_cursors::table.filter(automation_cursors::tenant_id.eq(DbId(tenant)))).execute(conn)?;
    Ok(())
}

/// Tenants whose log goes on behind the place where their rules are.
pub fn behind(conn: &mut Conn, limit: i64) -> Result<Vec<(Id, i64)>, StoreError> {
    let newer = events::table
        .filter(events::tenant_id.eq(automation_cursors::tenant_id))
        .filter(events::seq.gt(automation_cursors::position))
        .select(events::seq);
    let behind: Vec<Id> =
        automation_cursors::table.filter(exists(newer)).select(automation_cursors::tenant_id).limit(limit).load(conn)?;
    keys(conn, behind)
}

/// Tenants with a rule whose time has come to be looked at.
pub fn due_tenants(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<(Id, i64)>, StoreError> {
    let due = automation_clocks::table.filter(automation_clocks::next_at.le(DbTime(now))).select(automation_clocks::tenant_id);
    let due = due.distinct().limit(limit).load(conn)?;
    keys(conn, due)
}

/// The rules of a tenant whose time has come.
pub fn due_rules(conn: &mut Conn, tenant: Id, now: Timestamp) -> Result<Vec<Id>, StoreError> {
    Ok(automation_clocks::table
        .filter(automation_clocks::tenant_id.eq(DbId(tenant)))
        .filter(automation_clocks::next_at.le(DbTime(now)))
        .order(automation_clocks::next_at)
        .select(automation_clocks::rule_id)
        .load(conn)?)
}

pub fn set_clock(conn: &mut Conn, tenant: Id, rule: Id, at: Timestamp) -> Result<(), StoreError> {
    forget_clock(conn, tenant, rule)?;
    let row = (
        automation_clocks::tenant_id.eq(DbId(tenant)),
        automation_clocks::rule_id.eq(DbId(rule)),
        automation_clocks::next_at.eq(DbTime(at)),
    );
    diesel::insert_into(automation_clocks::table).values(row).execute(conn)?;
    Ok(())
}

pub fn forget_clock(conn: &mut Conn, tenant: Id, rule: Id) -> Result<(), StoreError> {
    let clock = automation_clocks::table
        .filter(automation_clocks::tenant_id.eq(DbId(tenant)))
        .filter(automation_clocks::rule_id.eq(DbId(rule)));
    diesel::delete(clock).execute(conn)?;
    Ok(())
}

/// What a rule has done to records.
pub fn timers(conn: &mut Conn, tenant: Id, rule: Id, records: &[Id]) -> Result<Vec<TimerRow>, StoreError> {
    let records = records.iter().copied().map(DbId);
    Ok(automation_timers::table
        .filter(automation_timers::tenant_id.eq(DbId(tenant)))
        .filter(automation_timers::rule_id.eq(DbId(rule)))
        .filter(automation_timers::record_id.eq_any(records))
        .select(TimerRow::as_select())
        .load(conn)?)
}

pub fn set_timer(conn: &mut Conn, row: TimerRow) -> Result<(), StoreError> {
    let known = automation_timers::table
        .filter(automation_timers::tenant_id.eq(DbId(row.tenant_id)))
        .filter(automation_timers::rule_id.eq(DbId(row.rule_id)))
        .filter(automation_timers::record_id.eq(DbId(row.record_id)));
    diesel::delete(known).execute(conn)?;
    diesel::insert_into(automation_timers::table).values(row).execute(conn)?;
    Ok(())
}

/// Forgets what a rule has done, as it counts from another time now.
pub fn forget_timers(conn: &mut Conn, tenant: Id, rule: Id) -> Result<(), StoreError> {
    let of_rule = automation_timers::table
        .filter(automation_timers::tenant_id.eq(DbId(tenant)))
        .filter(automation_timers::rule_id.eq(DbId(rule)));
    diesel::delete(of_rule).execute(conn)?;
    Ok(())
}

/// Forgets what was done for times before one.
pub fn purge_timers(conn: &mut Conn, tenant: Id, before: Timestamp) -> Result<usize, StoreError> {
    let old = automation_timers::table
        .filter(automation_timers::tenant_id.eq(DbId(tenant)))
        .filter(automation_timers::since.lt(DbTime(before)));
    Ok(diesel::delete(old).execute(conn)?)
}

/// Forgets runs of before a time.
pub fn purge_runs(conn: &mut Conn, tenant: Id, before: Timestamp) -> Result<usize, StoreError> {
    let old = automation_runs::table
        .filter(automation_runs::tenant_id.eq(DbId(tenant)))
        .filter(automation_runs::created_at.lt(DbTime(before)));
    Ok(diesel::delete(old).execute(conn)?)
}

/// When the run was that has so many after it; none, if there are not so many.
pub fn run_before(conn: &mut Conn, tenant: Id, most: i64) -> Result<Option<Timestamp>, StoreError> {
    let rest = automation_runs::table
        .filter(automation_runs::tenant_id.eq(DbId(tenant)))
        .order(automation_runs::created_at.desc())
        .select(automation_runs::created_at)
        .offset(most)
        .limit(1);
    Ok(rest.load(conn)?.pop())
}
