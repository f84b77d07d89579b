//! The queue of jobs: put in with the work that asks for them, leased to one worker each, ended, tried again.

use farley_domain::{id::Id, time::Timestamp};
use serde_json::Value;

use super::Work;
use crate::{
    error::StoreError,
    on,
    reader::TenantKey,
    sql::{
        rows::{JobRow, Lease},
        sql_types::{DbId, DbJson, DbTime},
        statement::{Bind, ColumnType, Dialect, Statement},
    },
};

/// How many due jobs are looked at for one that may be leased.
const CANDIDATES: &str = " LIMIT 64";

/// What becomes of the time at which the waiting job of a key is due, when the job is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Earlier,
    Moved,
}

impl Work<'_> {
    /// Puts a job into the queue, in the same transaction as the work that asks for it.
    pub fn enqueue(&mut self, kind: &str, payload: &Value, run_at: Timestamp, max_attempts: i64) -> Result<Id, StoreError> {
        let id = self.new_id();
        let row = JobRow {
            tenant_id: DbId(self.tenant().id),
            id: DbId(id),
            kind: kind.to_owned(),
            payload: DbJson(payload.to_string()),
            state: "waiting".to_owned(),
            run_at: DbTime(run_at),
            attempts: 0,
            max_attempts,
            leased_until: None,
            lease: None,
            last_error: None,
            created_at: DbTime(self.origin.now),
            finished_at: None,
            unique_key: None,
            recurring: false,
        };
        on!(&mut self.reader.connection, jobs::insert(&row))?;
        self.queued = true;
        Ok(id)
    }

    /// Puts a job into the queue unless one of the kind waits under the key; that one then takes the payload, and the time if it is
    /// earlier. A job already running is no hindrance: it may not have seen what this one is for.
    pub fn enqueue_once(
        &mut self,
        kind: &str,
        key: &str,
        payload: &Value,
        run_at: Timestamp,
        max_attempts: i64,
    ) -> Result<Id, StoreError> {
        self.enqueue_by_key(kind, key, payload, run_at, max_attempts, Again::Earlier)
    }

    /// As [`Work::enqueue_once`], but the job that waits is moved to the time, be it later or earlier.
    pub fn enqueue_at(
        &mut self,
        kind: &str,
        key: &str,
        payload: &Value,
        run_at: Timestamp,
        max_attempts: i64,
    ) -> Result<Id, StoreError> {
        self.enqueue_by_key(kind, key, payload, run_at, max_attempts, Again::Moved)
    }

    fn enqueue_by_key(
        &mut self,
        kind: &str,
        key: &str,
        payload: &Value,
        run_at: Timestamp,
        max_attempts: i64,
        again: Again,
    ) -> Result<Id, StoreError> {
        let (tenant, id, now) = (self.tenant().id, self.new_id(), self.origin.now);
        let mut sql = self.insert_job();
        sql.id(tenant).sql(", ").id(id).sql(", ").text(kind).sql(", ").bind(Bind::json(payload.to_string()));
        sql.sql(", 'waiting', ").bind(Bind::time(run_at)).sql(", 0, ").integer(max_attempts);
        sql.sql(", ").bind(Bind::time(now)).sql(", ").text(key).sql(", ").bind(Bind::Boolean(false));
        sql.sql(
            ") ON CONFLICT (tenant_id, kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL \
             DO UPDATE SET payload = excluded.payload, attempts = 0, max_attempts = excluded.max_attempts, run_at = ",
        );
        sql.sql(match (again, self.dialect()) {
            (Again::Moved, _) => "excluded.run_at",
            (Again::Earlier, Dialect::Sqlite) => "min(jobs.run_at, excluded.run_at)",
            (Again::Earlier, Dialect::Postgres) => "least(jobs.run_at, excluded.run_at)",
        });
        self.reader.connection.execute(&sql)?;
        self.queued = true;
        let waiting = self.waiting(kind, key)?;
        waiting.ok_or_else(|| StoreError::Internal("a job is not in the queue".to_owned()))
    }

    fn insert_job(&self) -> Statement {
        Statement::of(
            self.dialect(),
            "INSERT INTO jobs (tenant_id, id, kind, payload, state, run_at, attempts, max_attempts, created_at, unique_key, \
             recurring) VALUES (",
        )
    }

    /// The job that waits under a key.
    fn waiting(&mut self, kind: &str, key: &str) -> Result<Option<Id>, StoreError> {
        let mut sql = Statement::of(self.dialect(), "SELECT id FROM jobs WHERE tenant_id = ");
        sql.id(self.tenant().id).sql(" AND kind = ").text(kind).sql(" AND unique_key = ").text(key);
        sql.sql(" AND state = 'waiting'");
        let rows = self.reader.connection.load(&sql, &[ColumnType::Id])?;
        Ok(rows.first().and_then(|cells| cells[0].as_id()))
    }

    /// Takes the job that waits under a key out of the queue; false if none did.
    pub fn cancel_job(&mut self, kind: &str, key: &str) -> Result<bool, StoreError> {
        let mut sql = Statement::of(self.dialect(), "DELETE FROM jobs WHERE tenant_id = ");
        sql.id(self.tenant().id).sql(" AND kind = ").text(kind).sql(" AND unique_key = ").text(key);
        sql.sql(" AND state = 'waiting'");
        Ok(self.reader.connection.execute(&sql)? > 0)
    }

    /// Sees to it that the tenant has the one job of a kind that recurs; first due at a time.
    pub fn keep_recurring(&mut self, kind: &str, first: Timestamp) -> Result<(), StoreError> {
        let (tenant, id, now) = (self.tenant().id, self.new_id(), self.origin.now);
        let mut sql = self.insert_job();
        sql.id(tenant).sql(", ").id(id).sql(", ").text(kind).sql(", ").bind(Bind::json("{}"));
        sql.sql(", 'waiting', ").bind(Bind::time(first)).sql(", 0, 1, ").bind(Bind::time(now));
        sql.sql(", ").bind(Bind::Null(ColumnType::Text)).sql(", ").bind(Bind::Boolean(true));
        sql.sql(") ON CONFLICT (tenant_id, kind) WHERE recurring DO NOTHING");
        self.reader.connection.execute(&sql)?;
        Ok(())
    }

    /// Leases the job of one of the kinds that has been due longest, of any tenant, until a time; none if there is none. Tenants
    /// for whom this worker is busy already (named once for each job) come after the others.
    pub fn lease_job(&mut self, kinds: &[&str], busy: &[Id], lease: Id, until: Timestamp) -> Result<Option<JobRow>, StoreError> {
        let now = self.origin.now;
        let mut sql = Statement::of(self.dialect(), "SELECT tenant_id, id FROM jobs WHERE ");
        is_due(&mut sql, kinds, now);
        sql.sql(" ORDER BY run_at, id").sql(CANDIDATES);
        let rows = self.reader.connection.load(&sql, &[ColumnType::Id, ColumnType::Id])?;
        let mut candidates: Vec<(Id, Id)> =
            rows.iter().filter_map(|cells| Some((cells[0].as_id()?, cells[1].as_id()?))).collect();
        candidates.sort_by_key(|(tenant, _)| busy.iter().filter(|busy| *busy == tenant).count());
        for (tenant, id) in candidates {
            if self.dialect() == Dialect::Postgres {
                // Nobody waits for another worker, and what another took meanwhile is not due any more.
                let mut lock = Statement::of(Dialect::Postgres, "SELECT id FROM jobs WHERE tenant_id = ");
                lock.id(tenant).sql(" AND id = ").id(id).sql(" AND ");
                is_due(&mut lock, kinds, now);
                lock.sql(" FOR UPDATE SKIP LOCKED");
                if self.reader.connection.load(&lock, &[ColumnType::Id])?.is_empty() {
                    continue;
                }
            }
            let Some(job) = on!(&mut self.reader.connection, jobs::find(tenant, id))? else { continue };
            on!(&mut self.reader.connection, jobs::start(&job, lease, until))?;
            return Ok(Some(job));
        }
        Ok(None)
    }

    /// Takes a job for whoever put it into the queue, as if it had been leased; false if somebody is at it.
    pub fn start_job(&mut self, job: Id, lease: Id, until: Timestamp) -> Result<bool, StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        if self.dialect() == Dialect::Postgres {
            let mut lock = Statement::of(Dialect::Postgres, "SELECT id FROM jobs WHERE tenant_id = ");
            lock.id(tenant).sql(" AND id = ").id(job).sql(" FOR UPDATE");
            self.reader.connection.load(&lock, &[ColumnType::Id])?;
        }
        let Some(job) = on!(&mut self.reader.connection, jobs::find(tenant, job))? else { return Ok(false) };
        let free = match job.state.as_str() {
            "waiting" => true,
            "running" => job.leased_until.is_none_or(|until| until.0 < now),
            _ => false,
        };
        if free {
            on!(&mut self.reader.connection, jobs::start(&job, lease, until))?;
        }
        Ok(free)
    }

    /// Lengthens a lease; false if it was lost.
    pub fn renew_lease(&mut self, lease: Lease, until: Timestamp) -> Result<bool, StoreError> {
        on!(&mut self.reader.connection, jobs::renew(lease.tenant, lease.job, lease.id, until))
    }

    /// Lengthens many leases, but waits for no job that is in a transaction of its own just now: nobody can take that one.
    pub fn renew_leases(&mut self, held: &[Lease], until: Timestamp) -> Result<(), StoreError> {
        for lease in held {
            if self.dialect() == Dialect::Postgres {
                let mut lock = Statement::of(Dialect::Postgres, "SELECT id FROM jobs WHERE tenant_id = ");
                lock.id(lease.tenant).sql(" AND id = ").id(lease.job).sql(" FOR UPDATE SKIP LOCKED");
                if self.reader.connection.load(&lock, &[ColumnType::Id])?.is_empty() {
                    continue;
                }
            }
            self.renew_lease(*lease, until)?;
        }
        Ok(())
    }

    /// Gives a leased job back unfinished, to be gone on with at once; it was no attempt.
    pub fn hand_back(&mut self, lease: Lease) -> Result<(), StoreError> {
        let Some(job) = on!(&mut self.reader.connection, jobs::find(lease.tenant, lease.job))? else { return Ok(()) };
        if job.lease != Some(DbId(lease.id)) {
            return Ok(());
        }
        let state = self.waiting_again(&job)?;
        let (now, run_at, attempts) = (self.origin.now, job.run_at.0, Some((job.attempts - 1).max(0)));
        let error = job.last_error.as_deref();
        on!(&mut self.reader.connection, jobs::finish(lease, state, error, run_at, attempts, now))?;
        self.queued = true;
        Ok(())
    }

    /// Ends a leased job: `done`, `dead`, or `waiting` for the next attempt or, without an error, for the next time. False if the
    /// lease was lost.
    pub fn finish_job(&mut self, lease: Lease, state: &str, error: Option<&str>, run_at: Timestamp) -> Result<bool, StoreError> {
        let now = self.origin.now;
        let (mut state, mut attempts) = (state, None);
        if state == "waiting" {
            let Some(job) = on!(&mut self.reader.connection, jobs::find(lease.tenant, lease.job))? else { return Ok(false) };
            state = self.waiting_again(&job)?;
            attempts = error.is_none().then_some(0);
        }
        on!(&mut self.reader.connection, jobs::finish(lease, state, error, run_at, attempts, now))
    }

    /// The state of a job that is to wait again: done with, if another came under its key meanwhile.
    fn waiting_again(&mut self, job: &JobRow) -> Result<&'static str, StoreError> {
        let Some(key) = &job.unique_key else { return Ok("waiting") };
        let here = self.tenant();
        self.enter(TenantKey { id: job.tenant_id.0, ..here });
        let other = self.waiting(&job.kind, key);
        self.enter(here);
        Ok(if other?.is_some() { "done" } else { "waiting" })
    }

    /// Puts a dead job back into the queue; false if it is not dead, or another waits under its key.
    pub fn revive_job(&mut self, job: Id) -> Result<bool, StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        let Some(row) = on!(&mut self.reader.connection, jobs::find(tenant, job))? else { return Ok(false) };
        if self.waiting_again(&row)? != "waiting" {
            return Ok(false);
        }
        self.queued = true;
        on!(&mut self.reader.connection, jobs::revive(tenant, job, now))
    }

    /// Forgets the tenant's jobs that were done before a time.
    pub fn purge_jobs(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        let tenant = self.tenant().id;
        on!(&mut self.reader.connection, jobs::purge(tenant, before))
    }
}

/// The condition under which a job of one of the kinds may be leased.
pub fn is_due(sql: &mut Statement, kinds: &[&str], now: Timestamp) {
    sql.sql("state IN ('waiting', 'running') AND run_at <= ").bind(Bind::time(now));
    sql.sql(" AND (state = 'waiting' OR leased_until < ").bind(Bind::time(now)).sql(") AND kind IN (");
    sql.binds(kinds.iter().map(|kind| Bind::Text((*kind).to_owned()))).sql(")");
}
