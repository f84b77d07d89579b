//! The queue of jobs: each is leased to one worker for a time, and comes back if the worker dies.

use diesel::{
    dsl::{exists, not},
    prelude::*,
    sql_types::{Bool, Nullable, Text},
};
use farley_domain::values::{id::Id, time::Timestamp};

use super::{
    Conn, Db,
    run::{Ending, Keep},
};
use crate::{
    engine::queries::fixed::{Fixed, fixed},
    error::StoreError,
    sql::{
        rows::{JobRow, Lease},
        schema::{jobs, tenants},
        sql_types::{DbId, DbTime},
    },
};

const WAITING: Fixed<Text> = fixed("'waiting'");

/// What becomes of the job that waits under the key of a new one. Diesel names the index of a part of a table on PostgreSQL alone.
const TAKE_THE_NEW: &str = " ON CONFLICT (tenant_id, kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL \
     DO UPDATE SET payload = excluded.payload, attempts = 0, max_attempts = excluded.max_attempts, run_at = excluded.run_at";
const TAKE_THE_EARLIER: &str = " ON CONFLICT (tenant_id, kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL \
     DO UPDATE SET payload = excluded.payload, attempts = 0, max_attempts = excluded.max_attempts, \
     run_at = CASE WHEN jobs.run_at < excluded.run_at THEN jobs.run_at ELSE excluded.run_at END";

pub fn insert(conn: &mut Conn, row: JobRow) -> Result<(), StoreError> {
    diesel::insert_into(jobs::table).values(row).execute(conn)?;
    Ok(())
}

/// Puts a job into the queue unless one of the kind waits under its key; that one then takes the payload, and is moved to the time, or
/// with `only_earlier` to the earlier of both.
pub fn insert_by_key(conn: &mut Conn, row: JobRow, only_earlier: bool) -> Result<(), StoreError> {
    let inserted = diesel::insert_into(jobs::table).values(row);
    Ending(inserted, if only_earlier { TAKE_THE_EARLIER } else { TAKE_THE_NEW }).execute(conn)?;
    Ok(())
}

/// Puts the one job of its kind that recurs into the queue, unless it is there.
pub fn insert_recurring(conn: &mut Conn, row: JobRow) -> Result<(), StoreError> {
    let inserted = diesel::insert_into(jobs::table).values(row);
    Ending(inserted, " ON CONFLICT (tenant_id, kind) WHERE recurring DO NOTHING").execute(conn)?;
    Ok(())
}

/// The job of a kind that waits under a key.
pub fn waiting(conn: &mut Conn, tenant: Id, kind: &str, key: &str) -> Result<Option<Id>, StoreError> {
    Ok(jobs::table
        .filter(jobs::tenant_id.eq(DbId(tenant)))
        .filter(jobs::kind.eq(kind))
        .filter(jobs::unique_key.eq(key))
        .filter(jobs::state.eq(WAITING))
        .select(jobs::id)
        .first(conn)
        .optional()?)
}

/// Takes the job of a kind that waits under a key out of the queue; false if none did.
pub fn cancel(conn: &mut Conn, tenant: Id, kind: &str, key: &str) -> Result<bool, StoreError> {
    let waiting = jobs::table
        .filter(jobs::tenant_id.eq(DbId(tenant)))
        .filter(jobs::kind.eq(kind))
        .filter(jobs::unique_key.eq(key))
        .filter(jobs::state.eq(WAITING));
    Ok(diesel::delete(waiting).execute(conn)? > 0)
}

/// Lets the recurring job of a kind come next.
pub fn hasten(conn: &mut Conn, tenant: Id, kind: &str, now: Timestamp) -> Result<(), StoreError> {
    let later = jobs::table
        .filter(jobs::tenant_id.eq(DbId(tenant)))
        .filter(jobs::kind.eq(kind))
        .filter(jobs::recurring)
        .filter(jobs::state.eq(WAITING))
        .filter(jobs::run_at.gt(DbTime(now)));
    diesel::update(later).set(jobs::run_at.eq(DbTime(now))).kept().execute(conn)?;
    Ok(())
}

/// The condition under which a job of one of the kinds may be leased.
pub(crate) fn is_due<'a>(
    kinds: &'a [&'a str],
    now: Timestamp,
) -> Box<dyn BoxableExpression<jobs::table, Db, SqlType = Nullable<Bool>> + 'a> {
    let is_free = jobs::state.eq(WAITING).nullable().or(jobs::leased_until.lt(Some(now)));
    let is_open = fixed::<Bool>("state IN ('waiting', 'running')").and(jobs::run_at.le(DbTime(now)));
    Box::new(is_open.nullable().and(is_free).and(jobs::kind.eq_any(kinds)))
}

/// Whether any job of one of the kinds, of any tenant, is due.
pub fn has_due(conn: &mut Conn, kinds: &[&str], now: Timestamp) -> Result<bool, StoreError> {
    let due = jobs::table.filter(is_due(kinds, now)).select(jobs::id);
    Ok(due.limit(1).kept().load::<Id>(conn)?.pop().is_some())
}

/// The jobs of any tenant that have been due longest: their tenants and ids.
pub fn due(conn: &mut Conn, kinds: &[&str], now: Timestamp, most: i64) -> Result<Vec<(Id, Id)>, StoreError> {
    let due = jobs::table.filter(is_due(kinds, now)).order((jobs::run_at, jobs::id)).limit(most);
    Ok(due.select((jobs::tenant_id, jobs::id)).kept().load(conn)?)
}

/// Tenants that have no job of a recurring kind, with their numbers.
pub fn tenants_without(conn: &mut Conn, kind: &str, limit: i64) -> Result<Vec<(Id, i64)>, StoreError> {
    let theirs = jobs::table.filter(jobs::tenant_id.eq(tenants::id)).filter(jobs::recurring).filter(jobs::kind.eq(kind));
    Ok(tenants::table
        .filter(not(exists(theirs)))
        .order(tenants::number)
        .limit(limit)
        .select((tenants::id, tenants::number))
        .load(conn)?)
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
    let row = jobs::table.filter(jobs::tenant_id.eq(DbId(job.tenant_id))).filter(jobs::id.eq(DbId(job.id)));
    diesel::update(row)
        .set((
            jobs::state.eq("running"),
            jobs::lease.eq(Some(lease)),
            jobs::leased_until.eq(Some(until)),
            jobs::attempts.eq(job.attempts + 1),
        ))
        .kept()
        .execute(conn)?;
    Ok(())
}

/// Lengthens a lease; false if it was lost to another worker.
pub fn renew(conn: &mut Conn, tenant: Id, id: Id, lease: Id, until: Timestamp) -> Result<bool, StoreError> {
    let row =
        jobs::table.filter(jobs::tenant_id.eq(DbId(tenant))).filter(jobs::id.eq(DbId(id))).filter(jobs::lease.eq(Some(lease)));
    Ok(diesel::update(row).set(jobs::leased_until.eq(Some(until))).kept().execute(conn)? == 1)
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
    let touched = diesel::update(row.filter(jobs::lease.eq(Some(lease.id))))
        .set((
            jobs::state.eq(state),
            jobs::last_error.eq(error),
            jobs::run_at.eq(DbTime(run_at)),
            jobs::lease.eq(None::<Id>),
            jobs::leased_until.eq(None::<Timestamp>),
            jobs::finished_at.eq((state != "waiting").then_some(now)),
            attempts.map(|attempts| jobs::attempts.eq(attempts)),
        ))
        .kept()
        .execute(conn)?;
    Ok(touched == 1)
}

/// Forgets the jobs of a tenant that were done before a time.
pub fn purge(conn: &mut Conn, tenant: Id, before: Timestamp) -> Result<usize, StoreError> {
    let done = jobs::table.filter(jobs::tenant_id.eq(DbId(tenant))).filter(jobs::state.eq("done"));
    Ok(diesel::delete(done.filter(jobs::finished_at.lt(Some(before)))).execute(conn)?)
}

/// Puts a failed job back into the queue.
pub fn revive(conn: &mut Conn, tenant: Id, id: Id, now: Timestamp) -> Result<bool, StoreError> {
    let row = jobs::table.filter(jobs::tenant_id.eq(DbId(tenant))).filter(jobs::id.eq(DbId(id))).filter(jobs::state.eq("dead"));
    let touched = diesel::update(row)
        .set((
            jobs::state.eq("waiting"),
            jobs::attempts.eq(0),
            jobs::run_at.eq(DbTime(now)),
            jobs::finished_at.eq(None::<Timestamp>),
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
