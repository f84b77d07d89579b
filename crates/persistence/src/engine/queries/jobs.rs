//! The queue of jobs: each is leased to one worker for a time, and comes back if the worker dies.

use diesel::prelude::*;
use farley_domain::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        rows::{JobRow, Lease},
        schema::jobs,
        sql_types::{DbId, DbTime},
    },
};

pub fn insert(conn: &mut Conn, row: &JobRow) -> Result<(), StoreError> {
    diesel::insert_into(jobs::table).values(row).execute(conn)?;
    Ok(())
}

pub fn find(conn: &mut Conn, tenant: Id, id: Id) -> Result<Option<JobRow>, StoreError> {
    Ok(jobs::table
        .filter(jobs::tenant_id.eq(DbId(tenant)))
        .filter(jobs::id.eq(DbId(id)))
        .select(JobRow::as_select())
        .first(conn)
        .optional()?)
}

/// Marks a leased job as running under a lease.
pub fn start(conn: &mut Conn, job: &JobRow, lease: Id, until: Timestamp) -> Result<(), StoreError> {
    let row = jobs::table.filter(jobs::tenant_id.eq(job.tenant_id)).filter(jobs::id.eq(job.id));
    diesel::update(row)
        .set((
            jobs::state.eq("running"),
            jobs::lease.eq(DbId(lease)),
            jobs::leased_until.eq(DbTime(until)),
            jobs::attempts.eq(job.attempts + 1),
        ))
        .execute(conn)?;
    Ok(())
}

/// Lengthens a lease; false if it was lost to another worker.
pub fn renew(conn: &mut Conn, tenant: Id, id: Id, lease: Id, until: Timestamp) -> Result<bool, StoreError> {
    let row =
        jobs::table.filter(jobs::tenant_id.eq(DbId(tenant))).filter(jobs::id.eq(DbId(id))).filter(jobs::lease.eq(DbId(lease)));
    Ok(diesel::update(row).set(jobs::leased_until.eq(DbTime(until))).execute(conn)? == 1)
}

/// Ends a leased job in a state: `done`, `dead`, or `waiting` for `run_at`; with another count of attempts, if one is given.
pub fn finish(
    conn: &mut Conn,
    lease: Lease,
    state: &str,
    error: Option<&str>,
    run_at: Timestamp,
    attempts: Option<i64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = jobs::table.filter(jobs::tenant_id.eq(DbId(lease.tenant))).filter(jobs::id.eq(DbId(lease.job)));
    let touched = diesel::update(row.filter(jobs::lease.eq(DbId(lease.id))))
        .set((
            jobs::state.eq(state),
            jobs::last_error.eq(error),
            jobs::run_at.eq(DbTime(run_at)),
            jobs::lease.eq(None::<DbId>),
            jobs::leased_until.eq(None::<DbTime>),
            jobs::finished_at.eq((state != "waiting").then_some(DbTime(now))),
            attempts.map(|attempts| jobs::attempts.eq(attempts)),
        ))
        .execute(conn)?;
    Ok(touched == 1)
}

/// Forgets the jobs of a tenant that were done before a time.
pub fn purge(conn: &mut Conn, tenant: Id, before: Timestamp) -> Result<usize, StoreError> {
    let done = jobs::table.filter(jobs::tenant_id.eq(DbId(tenant))).filter(jobs::state.eq("done"));
    Ok(diesel::delete(done.filter(jobs::finished_at.lt(DbTime(before)))).execute(conn)?)
}

/// Puts a dead job back into the queue.
pub fn revive(conn: &mut Conn, tenant: Id, id: Id, now: Timestamp) -> Result<bool, StoreError> {
    let row = jobs::table.filter(jobs::tenant_id.eq(DbId(tenant))).filter(jobs::id.eq(DbId(id))).filter(jobs::state.eq("dead"));
    let touched = diesel::update(row)
        .set((
            jobs::state.eq("waiting"),
            jobs::attempts.eq(0),
            jobs::run_at.eq(DbTime(now)),
            jobs::finished_at.eq(None::<DbTime>),
        ))
        .execute(conn)?;
    Ok(touched == 1)
}

/// Jobs of a tenant in a state, newest first, before an id.
pub fn list(conn: &mut Conn, tenant: Id, state: Option<&str>, before: Option<Id>, limit: i64) -> Result<Vec<JobRow>, StoreError> {
    let mut query = jobs::table.filter(jobs::tenant_id.eq(DbId(tenant))).into_boxed();
    if let Some(state) = state {
        query = query.filter(jobs::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(jobs::id.lt(DbId(before)));
    }
    Ok(query.order(jobs::id.desc()).limit(limit).select(JobRow::as_select()).load(conn)?)
}
