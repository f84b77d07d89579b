//! Work in the background: jobs out of the queue, several at a time, and keys rotated. Every node runs the same workers; leases keep
//! them apart.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use farley_domain::values::{id::Id, time::Timestamp};
use farley_persistence::{JobRow, Lease, Origin, TenantKey};
use futures_util::FutureExt;
use tokio::task::{JoinHandle, JoinSet};
use tracing::Instrument;

use crate::{
    access::{state::State, tokens::NO_TENANT},
    http::{
        clock,
        problem::Problem,
        telemetry::{TRACED, follow},
    },
    records::area::{Area, Follows, Halt, Job, JobKind, LEASE_SECONDS, Lane, installed},
};

/// How often workers say that they are still at it.
const RENEW: Duration = Duration::from_secs(6);
/// How often the queue is looked into for what other nodes put there, and for what has come due.
const IDLE: Duration = Duration::from_millis(500);
/// How often it is looked for tenants where something is due that is no job yet.
const WATCH: Duration = Duration::from_secs(2);
/// How long the logs go on until it is looked for what follows them.
const GATHER: Duration = Duration::from_millis(100);
/// How long a job may go on after the order to stop; then it is handed back.
const GRACE: Duration = Duration::from_secs(5);
/// After how many seconds a job is gone on with that the store did not let end.
const SOON: i64 = 2;
/// How long it is tried to end a job; then whoever leases it next goes on.
const GIVEN_UP: Duration = Duration::from_secs(120);
/// How often a job for what is due is tried; whatever is left is found again.
const ATTEMPTS: i64 = 3;
/// How many jobs that wait for others' servers there are at once, for each that does not.
const OTHERS: usize = 4;
/// For how many days jobs that were done are listed.
const KEPT_DAYS: i64 = 30;
/// For how many days an import that was given up can be gone on with: so long its file is kept.
const FILE_DAYS: i64 = 30;
/// To how many tenants recurring jobs are given in one piece of work.
const TENANTS_AT_ONCE: i64 = 200;

/// What the workers do for themselves.
pub static AREA: Area = Area {
    behaviours: &[],
    // Forgets what nobody asks for any more.
    jobs: &[JobKind {
        kind: "tidy",
        every: Some(3_600),
        lane: Lane::Own,
        may_retry: JobKind::ALWAYS,
        perform: |job| Box::pin(async move { Ok(tidy(&job.state, job.tenant, clock::now()).await?) }),
    }],
    watches: &[],
    beginnings: &[],
};

/// The workers of a node, and what they are at.
pub struct Workers {
    state: Arc<State>,
    held: Mutex<HashMap<Id, (Lease, Lane)>>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Workers {
    fn held(&self) -> Vec<Lease> {
        self.held.lock().map(|held| held.values().map(|(lease, _)| *lease).collect()).unwrap_or_default()
    }

    fn hold(&self, lease: Lease, lane: Lane) {
        if let Ok(mut held) = self.held.lock() {
            held.insert(lease.id, (lease, lane));
        }
    }

    /// The kinds of jobs for which there is a place; none if there is a place for none.
    fn free(&self) -> Option<Arc<[&'static str]>> {
        let jobs = self.state.settings.jobs;
        let lanes = self.held.lock().map(|held| held.values().map(|(_, lane)| *lane).collect::<Vec<_>>()).unwrap_or_default();
        let has_place = |lane: Lane| {
            let places = match lane {
                Lane::Own => jobs,
                Lane::Others => OTHERS * jobs,
            };
            lanes.iter().filter(|held| **held == lane).count() < places
        };
        let kinds: Arc<[&str]> = installed().ok()?.jobs.iter().filter(|job| has_place(job.lane)).map(|job| job.kind).collect();
        Some(kinds).filter(|kinds| !kinds.is_empty())
    }

    fn let_go(&self, lease: Lease) {
        if let Ok(mut held) = self.held.lock() {
            held.remove(&lease.id);
        }
    }
}

/// Starts the workers; they end with the runtime, or in good order with [`stop`].
pub fn start(state: &Arc<State>) -> Arc<Workers> {
    tokio::spawn(housekeeping(Arc::clone(state)));
    if state.settings.jobs > 0 {
        tokio::spawn(watch(Arc::clone(state)));
    }
    let workers = Arc::new(Workers { state: Arc::clone(state), held: Mutex::default(), running: Mutex::default() });
    if state.settings.jobs > 0 {
        let worker = tokio::spawn(work_off(Arc::clone(&workers)));
        if let Ok(mut running) = workers.running.lock() {
            *running = Some(worker);
        }
    }
    workers
}

/// Takes no more jobs, gives those under way a moment, and hands the rest back, so that any node goes on with them at once.
pub async fn stop(workers: &Workers) {
    workers.state.stopping.begin();
    let running = workers.running.lock().ok().and_then(|mut running| running.take());
    if let Some(running) = running {
        drop(running.await);
    }
}

async fn housekeeping(state: Arc<State>) {
    loop {
        if let Err(problem) = give_recurring_jobs(&state).await {
            tracing::warn!(%problem, "recurring jobs could not be put into the queue");
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        if let Err(problem) = state.tokens.refresh(&state.store).await {
            tracing::warn!(%problem, "signing keys could not be read");
        }
        state.limits.tidy();
    }
}

/// Puts jobs into the queue for what has come due that is no job yet.
async fn watch(state: Arc<State>) {
    let mut pulse = state.background.pulse().follow_all();
    let mut all_at = tokio::time::Instant::now();
    while !state.stopping.is_begun() {
        let now = tokio::time::Instant::now();
        let is_all = now >= all_at;
        if is_all {
            all_at = now + WATCH;
        }
        if let Err(problem) = give_due_jobs(&state, |follows| is_all || follows == Follows::Log).await {
            tracing::warn!(%problem, "what is due could not be looked for");
            tokio::time::sleep(WATCH).await;
        }
        tokio::select! {
            () = tokio::time::sleep_until(all_at) => {}
            // What tells of it lives as long as the store.
            _ = pulse.changed() => tokio::time::sleep(GATHER).await,
        }
        pulse.mark_unchanged();
    }
}

async fn give_due_jobs(state: &State, is_looked_for: impl Fn(Follows) -> bool) -> Result<(), Problem> {
    for watch in installed()?.watches.iter().filter(|watch| is_looked_for(watch.follows)) {
        let (now, settings) = (clock::now(), state.settings.clone());
        let reading = state.background.read::<_, Problem>(NO_TENANT, move |reader| Ok((watch.due)(&settings, reader, now)?));
        let due = reading.await?;
        if due.is_empty() {
            continue;
        }
        let written = state.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
            for tenant in &due {
                work.enter(*tenant);
                work.enqueue_once(watch.kind, watch.kind, &serde_json::json!({}), now, ATTEMPTS)?;
            }
            Ok(())
        });
        written.await?;
    }
    Ok(())
}

/// Gives every tenant its recurring jobs: those that are new, and new tenants.
async fn give_recurring_jobs(state: &State) -> Result<(), Problem> {
    for (kind, every) in installed()?.jobs.iter().filter_map(|job| Some((job.kind, job.every?))) {
        loop {
            let reading =
                state.background.read::<_, Problem>(NO_TENANT, |reader| Ok(reader.tenants_without(kind, TENANTS_AT_ONCE)?));
            let tenants = reading.await?;
            if tenants.is_empty() {
                break;
            }
            let now = clock::now();
            let first = now.plus_seconds(every);
            let written = state.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
                for tenant in &tenants {
                    work.enter(*tenant);
                    work.keep_recurring(kind, first)?;
                }
                Ok(())
            });
            written.await?;
        }
    }
    Ok(())
}

async fn work_off(workers: Arc<Workers>) {
    let renewing = tokio::spawn(renew(Arc::clone(&workers)));
    let mut stopping = workers.state.stopping.watch();
    let mut jobs = JoinSet::new();
    while !workers.state.stopping.is_begun() {
        let mut rest = IDLE;
        while let Some(kinds) = workers.free() {
            match lease(&workers, kinds).await {
                Ok(Some((job, lease))) => {
                    jobs.spawn(run(Arc::clone(&workers), job, lease));
                }
                Ok(None) => break,
                Err(problem) => {
                    tracing::warn!(%problem, "no job could be leased");
                    rest = IDLE * 4;
                    break;
                }
            }
        }
        let is_full = workers.free().is_none();
        tokio::select! {
            _ = stopping.changed() => {}
            Some(_) = jobs.join_next() => {}
            () = workers.state.background.job_queued(), if !is_full && rest == IDLE => {}
            () = tokio::time::sleep(rest), if !is_full => {}
        }
    }
    let ending = async { while jobs.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, ending).await.is_err() {
        jobs.shutdown().await;
    }
    renewing.abort();
    let left = workers.held();
    let handing_back = workers.state.background.write::<_, Problem>(NO_TENANT, Origin::system(clock::now()), move |work| {
        left.iter().try_for_each(|lease| Ok(work.hand_back(*lease)?))
    });
    if let Err(problem) = handing_back.await {
        tracing::warn!(%problem, "jobs could not be handed back");
    }
}

/// Keeps the leases of the jobs under way.
async fn renew(workers: Arc<Workers>) {
    loop {
        tokio::time::sleep(RENEW).await;
        let held = workers.held();
        if held.is_empty() {
            continue;
        }
        let now = clock::now();
        let renewed = workers.state.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
            Ok(work.renew_leases(&held, clock::now().plus_seconds(LEASE_SECONDS))?)
        });
        if let Err(problem) = renewed.await {
            tracing::warn!(%problem, "leases could not be renewed");
        }
    }
}

/// Leases a job of one of the kinds.
async fn lease(workers: &Workers, kinds: Arc<[&'static str]>) -> Result<Option<(JobRow, Lease)>, Problem> {
    let (now, id) = (clock::now(), clock::new_id());
    let wanted = Arc::clone(&kinds);
    let due =
        workers.state.background.read::<_, Problem>(NO_TENANT, move |reader| Ok(reader.has_due_jobs(&wanted, now)?)).await?;
    if !due {
        return Ok(None);
    }
    let busy: Vec<Id> = workers.held().iter().map(|lease| lease.tenant).collect();
    let leased = workers.state.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
        Ok(work.lease_job(&kinds, &busy, id, clock::now().plus_seconds(LEASE_SECONDS))?)
    });
    let leased = leased.await?.map(|job| (Lease { tenant: job.tenant_id, job: job.id, id }, job));
    Ok(leased.map(|(lease, job)| {
        workers.hold(lease, kind_of(&job).map_or(Lane::Own, |kind| kind.lane));
        (job, lease)
    }))
}

async fn run(workers: Arc<Workers>, job: JobRow, lease: Lease) {
    let begun = Instant::now();
    let (attempts, recurring) = (job.attempts + 1, recurring(&job));
    let traced = tracing::trace_span!(
        target: TRACED,
        "job",
        otel.kind = "consumer",
        otel.name = format!("job {}", job.kind),
        otel.status_code = tracing::field::Empty,
        farley.job_id = %lease.job,
        farley.attempt = attempts
    );
    if !traced.is_disabled() {
        // It goes on with the trace of the request that asked for it.
        let payload: serde_json::Value = serde_json::from_str(&job.payload).unwrap_or_default();
        follow(&traced, payload["traceparent"].as_str());
    }
    let performing = AssertUnwindSafe(perform(&workers.state, &job, lease)).catch_unwind();
    let outcome = match performing.instrument(traced.clone()).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Halt::Failed("the job panicked".to_owned())),
    };
    let now = clock::now();
    // How many attempts have been made, where this one does not count as others do.
    let counted = match &outcome {
        Err(Halt::Unreached(_) | Halt::Waits(_)) => Some(job.attempts),
        Err(Halt::Progressed(_)) => Some(1),
        Ok(()) | Err(Halt::Stopped | Halt::Failed(_) | Halt::Throttled { .. }) => None,
    };
    let asked_to_wait = match &outcome {
        Err(Halt::Throttled { seconds, .. }) => *seconds,
        _ => 0,
    };
    let (ending, error, run_at) = match (outcome, recurring) {
        // It stays among those held, to be handed back.
        (Err(Halt::Stopped), _) => return,
        (Err(Halt::Unreached(error) | Halt::Progressed(error)), _) => ("waiting", Some(error), now.plus_seconds(SOON)),
        (Err(Halt::Waits(seconds)), _) => ("waiting", None, now.plus_seconds(seconds)),
        (Ok(()), None) => ("done", None, now),
        (Ok(()), Some(every)) => ("waiting", None, now.plus_seconds(every)),
        (Err(Halt::Failed(error) | Halt::Throttled { reason: error, .. }), None) if attempts >= job.max_attempts => {
            ("dead", Some(error), now)
        }
        (Err(Halt::Failed(error) | Halt::Throttled { reason: error, .. }), every) => {
            // Twice as long each time: 10 s, 20 s, 40 s …; what recurs is never given up.
            let pause = 5_i64 << attempts.clamp(1, 10);
            ("waiting", Some(error), now.plus_seconds(every.map_or(pause, |every| pause.min(every)).max(asked_to_wait)))
        }
    };
    let outcome = if error.is_some() { "failed" } else { "done" };
    let labels = [("kind", job.kind.clone()), ("outcome", outcome.to_owned())];
    metrics::histogram!("farley_job_duration_seconds", &labels).record(begun.elapsed().as_secs_f64());
    if let Some(error) = &error {
        traced.record("otel.status_code", "ERROR");
        tracing::warn!(job = %lease.job, kind = job.kind, attempts, error, "a job failed");
    }
    let deadline = Instant::now() + GIVEN_UP;
    loop {
        let error = error.clone();
        let finished = workers.state.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
            Ok(work.finish_job(lease, ending, error.as_deref(), run_at, counted)?)
        });
        match finished.await {
            Ok(true) => break,
            Ok(false) => {
                tracing::warn!(job = %lease.job, kind = job.kind, "the lease of a job was lost");
                break;
            }
            // What made the job fail may keep it from being said: it is held until then.
            Err(problem) if problem.inside().is_some() && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(problem) => {
                tracing::warn!(%problem, job = %lease.job, "a job could not be ended");
                break;
            }
        }
    }
    workers.let_go(lease);
}

/// How long a recurring job rests, in seconds.
fn recurring(job: &JobRow) -> Option<i64> {
    kind_of(job).and_then(|kind| kind.every).filter(|_| job.recurring)
}

/// What the area of a job says of its kind.
fn kind_of(job: &JobRow) -> Option<&'static JobKind> {
    installed().ok()?.jobs.iter().copied().find(|kind| kind.kind == job.kind)
}

/// Does a job by its kind.
async fn perform(state: &Arc<State>, job: &JobRow, lease: Lease) -> Result<(), Halt> {
    let reading = state.background.read::<_, Problem>(NO_TENANT, move |reader| Ok(reader.tenant(lease.tenant)?));
    let row = reading.await?.ok_or_else(|| Halt::Failed("the tenant is gone".to_owned()))?;
    let kind = kind_of(job).ok_or_else(|| Halt::Failed(format!("there is no job of the kind {}", job.kind)))?;
    let asked = Job {
        state: Arc::clone(state),
        tenant: TenantKey { id: row.id, number: row.number },
        lease,
        payload: job.payload.clone(),
        last: job.attempts + 1 >= job.max_attempts,
    };
    (kind.perform)(asked).await
}

async fn tidy(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
        work.purge_answers(now.plus_seconds(-25 * 3_600))?;
        work.purge_stream_tickets(now)?;
        work.purge_record_locks(now)?;
        work.purge_jobs(now.plus_seconds(-KEPT_DAYS * 24 * 3_600))?;
        work.forget_old_import_files(now.plus_seconds(-FILE_DAYS * 24 * 3_600))?;
        Ok(())
    });
    written.await
}
