//! The queue of jobs: put in with the work that asks for them, leased to one worker each, ended, tried again.

use farley_domain::values::{id::Id, time::Timestamp};
use serde_json::{Map, Value};

use super::Work;
use crate::{
    error::StoreError,
    on,
    reader::TenantKey,
    sql::rows::{JobRow, Lease},
};

/// How many due jobs are looked at for one that may be leased.
const CANDIDATES: i64 = 64;

/// What becomes of the time at which the waiting job of a key is due, when the job is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Earlier,
    Moved,
}

impl Work<'_> {
    /// Puts a job into the queue, in the same transaction as the work that asks for it.
    pub fn enqueue(&mut self, kind: &str, payload: &Value, run_at: Timestamp, max_attempts: i64) -> Result<Id, StoreError> {
        let row = self.new_job(kind, payload, run_at, max_attempts);
        let id = row.id;
        on!(&mut self.reader.connection, jobs::insert(row))?;
        self.queued = true;
        Ok(id)
    }

    fn new_job(&self, kind: &str, payload: &Value, run_at: Timestamp, max_attempts: i64) -> JobRow {
        JobRow {
            tenant_id: self.tenant().id,
            id: self.new_id(),
            kind: kind.to_owned(),
            payload: payload.to_string(),
            state: "waiting".to_owned(),
            run_at,
            attempts: 0,
            max_attempts,
            leased_until: None,
            lease: None,
            last_error: None,
            created_at: self.origin.now,
            finished_at: None,
            unique_key: None,
            recurring: false,
        }
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
        let row = JobRow { unique_key: Some(key.to_owned()), ..self.new_job(kind, payload, run_at, max_attempts) };
        on!(&mut self.reader.connection, jobs::insert_by_key(row, again == Again::Earlier))?;
        self.queued = true;
        let waiting = self.waiting(kind, key)?;
        waiting.ok_or_else(|| StoreError::Internal("a job is not in the queue".to_owned()))
    }

    /// The job that waits under a key.
    fn waiting(&mut self, kind: &str, key: &str) -> Result<Option<Id>, StoreError> {
        let tenant = self.tenant().id;
        on!(&mut self.reader.connection, jobs::waiting(tenant, kind, key))
    }

    /// Takes the job that waits under a key out of the queue; false if none did.
    pub fn cancel_job(&mut self, kind: &str, key: &str) -> Result<bool, StoreError> {
        let tenant = self.tenant().id;
        on!(&mut self.reader.connection, jobs::cancel(tenant, kind, key))
    }

    /// Sees to it that the tenant has the one job of a kind that recurs; first due at a time.
    pub fn keep_recurring(&mut self, kind: &str, first: Timestamp) -> Result<(), StoreError> {
        let row = JobRow { recurring: true, ..self.new_job(kind, &Value::Object(Map::new()), first, 1) };
        on!(&mut self.reader.connection, jobs::insert_recurring(row))
    }

    /// Leases the job of one of the kinds that has been due longest, of any tenant, until a time; none if there is none. Tenants
    /// for whom this worker is busy already (named once for each job) come after the others.
    pub fn lease_job(&mut self, kinds: &[&str], busy: &[Id], lease: Id, until: Timestamp) -> Result<Option<JobRow>, StoreError> {
        let now = self.origin.now;
        let mut candidates = on!(&mut self.reader.connection, jobs::due(kinds, now, CANDIDATES))?;
        candidates.sort_by_key(|(tenant, _)| busy.iter().filter(|busy| *busy == tenant).count());
        for (tenant, id) in candidates {
            // Nobody waits for another worker, and what another took meanwhile is not due any more.
            if !on!(&mut self.reader.connection, locks::due_job((tenant, id), kinds, now))? {
                continue;
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
        on!(&mut self.reader.connection, locks::job(tenant, job))?;
        let Some(job) = on!(&mut self.reader.connection, jobs::find(tenant, job))? else { return Ok(false) };
        let free = match job.state.as_str() {
            "waiting" => true,
            "running" => job.leased_until.is_none_or(|until| until < now),
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
            if !on!(&mut self.reader.connection, locks::free_job(lease.tenant, lease.job))? {
                continue;
            }
            self.renew_lease(*lease, until)?;
        }
        Ok(())
    }

    /// Gives a leased job back unfinished, to be gone on with at once; it was no attempt.
    pub fn hand_back(&mut self, lease: Lease) -> Result<(), StoreError> {
        let Some(job) = on!(&mut self.reader.connection, jobs::find(lease.tenant, lease.job))? else { return Ok(()) };
        if job.lease != Some(lease.id) {
            return Ok(());
        }
        let state = self.waiting_again(&job)?;
        let (now, run_at, attempts) = (self.origin.now, job.run_at, Some((job.attempts - 1).max(0)));
        let error = job.last_error.as_deref();
        on!(&mut self.reader.connection, jobs::finish(lease, state, error, run_at, attempts, now))?;
        self.queued = true;
        Ok(())
    }

    /// Ends a leased job: `done`, `dead`, or `waiting` for the next attempt or, without an error, for the next time. `attempts` says how many have
    /// been made, if not as many as were begun. False if the lease was lost.
    pub fn finish_job(
        &mut self,
        lease: Lease,
        state: &str,
        error: Option<&str>,
        run_at: Timestamp,
        attempts: Option<i64>,
    ) -> Result<bool, StoreError> {
        let now = self.origin.now;
        let (mut state, mut attempts) = (state, attempts);
        if state == "waiting" {
            let Some(job) = on!(&mut self.reader.connection, jobs::find(lease.tenant, lease.job))? else { return Ok(false) };
            state = self.waiting_again(&job)?;
            attempts = attempts.or(error.is_none().then_some(0));
        }
        on!(&mut self.reader.connection, jobs::finish(lease, state, error, run_at, attempts, now))
    }

    /// The state of a job that is to wait again: done with, if another came under its key meanwhile.
    fn waiting_again(&mut self, job: &JobRow) -> Result<&'static str, StoreError> {
        let Some(key) = &job.unique_key else { return Ok("waiting") };
        let here = self.tenant();
        self.enter(TenantKey { id: job.tenant_id, ..here });
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
