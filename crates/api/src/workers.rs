//! Work in the background: jobs out of the queue, several at a time, and keys rotated. Every node runs the same workers; leases keep
//! them apart.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use farley_domain::{id::Id, time::Timestamp};
use farley_persistence::{Lease, Origin, TenantKey, queries::rows::JobRow};
use futures_util::FutureExt;
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tracing::Instrument;

use crate::{
    activities::{mail, notices, notify},
    app::App,
    clock,
    identity::tokens::NO_TENANT,
    integration,
    problem::Problem,
    sales::{
        cadences,
        leads::{recalls, responses, scoring},
    },
    telemetry::{TRACED, follow},
};

/// How long a job belongs to a worker that does not say it is still at it, in seconds: so long nobody goes on with the jobs of a
/// node that died.
pub const LEASE_SECONDS: i64 = 20;
/// How often workers say that they are still at it.
const RENEW: Duration = Duration::from_secs(6);
/// How often the queue is looked into for what other nodes put there, and for what has come due.
const IDLE: Duration = Duration::from_millis(500);
/// How long a job may go on after the order to stop; then it is handed back.
const GRACE: Duration = Duration::from_secs(5);
/// For how many days jobs that were done are listed.
const KEPT_DAYS: i64 = 30;
/// To how many tenants recurring jobs are given in one piece of work.
const TENANTS_AT_ONCE: i64 = 200;

/// A job that each tenant has one of, in the table of jobs itself: whichever node leases it when it is due does it.
struct Recurring {
    kind: &'static str,
    /// How long it rests, in seconds.
    every: i64,
}

/// Forgets what nobody asks for any more.
const TIDY: &str = "tidy";

/// The jobs that recur.
const RECURRING: [Recurring; 6] = [
    Recurring { kind: TIDY, every: 3_600 },
    Recurring { kind: recalls::KIND, every: 900 },
    Recurring { kind: responses::KIND, every: 60 },
    Recurring { kind: scoring::KIND, every: 3_600 },
    Recurring { kind: cadences::job::KIND, every: cadences::job::EVERY },
    Recurring { kind: notices::KIND, every: notices::EVERY },
];

/// The kinds of jobs that this binary knows. Others are left to nodes that know them: while a new version is rolled out, old nodes
/// see jobs of the new one.
const KINDS: [&str; 8] = [
    integration::imports::KIND,
    TIDY,
    recalls::KIND,
    responses::KIND,
    scoring::KIND,
    cadences::job::KIND,
    notices::KIND,
    notify::MAIL,
];

/// Why a job is not done.
#[derive(Clone, Debug)]
pub enum Halt {
    /// The node is stopping; another goes on where this one was.
    Stopped,
    /// To be tried again, or not any more.
    Failed(String),
}

/// What the workers of a node are at.
pub struct Workers {
    stopping: watch::Sender<bool>,
    held: Mutex<HashMap<Id, Lease>>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Default for Workers {
    fn default() -> Workers {
        Workers { stopping: watch::Sender::new(false), held: Mutex::default(), running: Mutex::default() }
    }
}

impl Workers {
    /// Whether the node is stopping: long jobs ask this between their parts, and end with [`Halt::Stopped`].
    #[must_use]
    pub fn are_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Tells jobs to come to an end.
    pub fn tell_to_stop(&self) {
        self.stopping.send_replace(true);
    }

    fn held(&self) -> Vec<Lease> {
        self.held.lock().map(|held| held.values().copied().collect()).unwrap_or_default()
    }

    fn hold(&self, lease: Lease) {
        if let Ok(mut held) = self.held.lock() {
            held.insert(lease.id, lease);
        }
    }

    fn let_go(&self, lease: Lease) {
        if let Ok(mut held) = self.held.lock() {
            held.remove(&lease.id);
        }
    }
}

/// Starts the workers; they end with the runtime, or in good order with [`stop`].
pub fn start(app: &Arc<App>) {
    tokio::spawn(housekeeping(Arc::clone(app)));
    if app.settings.jobs > 0 {
        let worker = tokio::spawn(work_off(Arc::clone(app)));
        if let Ok(mut running) = app.workers.running.lock() {
            *running = Some(worker);
        }
    }
}

/// Takes no more jobs, gives those under way a moment, and hands the rest back, so that any node goes on with them at once.
pub async fn stop(app: &Arc<App>) {
    app.workers.tell_to_stop();
    let running = app.workers.running.lock().ok().and_then(|mut running| running.take());
    if let Some(running) = running {
        drop(running.await);
    }
}

async fn housekeeping(app: Arc<App>) {
    loop {
        if let Err(problem) = give_recurring_jobs(&app).await {
            tracing::warn!(%problem, "recurring jobs could not be put into the queue");
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        if let Err(problem) = app.tokens.refresh(&app.store).await {
            tracing::warn!(%problem, "signing keys could not be read");
        }
        app.limits.tidy();
    }
}

/// Gives every tenant its recurring jobs: those that are new, and new tenants.
async fn give_recurring_jobs(app: &App) -> Result<(), Problem> {
    for Recurring { kind, every } in &RECURRING {
        loop {
            let reading =
                app.background.read::<_, Problem>(NO_TENANT, |reader| Ok(reader.tenants_without(kind, TENANTS_AT_ONCE)?));
            let tenants = reading.await?;
            if tenants.is_empty() {
                break;
            }
            let now = clock::now();
            let first = now.plus_seconds(*every);
            let written = app.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
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

async fn work_off(app: Arc<App>) {
    let renewing = tokio::spawn(renew(Arc::clone(&app)));
    let mut stopping = app.workers.stopping.subscribe();
    let mut jobs = JoinSet::new();
    while !app.workers.are_stopping() {
        let mut rest = IDLE;
        while jobs.len() < app.settings.jobs {
            match lease(&app).await {
                Ok(Some((job, lease))) => {
                    jobs.spawn(run(Arc::clone(&app), job, lease));
                }
                Ok(None) => break,
                Err(problem) => {
                    tracing::warn!(%problem, "no job could be leased");
                    rest = IDLE * 4;
                    break;
                }
            }
        }
        let is_full = jobs.len() >= app.settings.jobs;
        tokio::select! {
            _ = stopping.changed() => {}
            Some(_) = jobs.join_next() => {}
            () = app.background.job_queued(), if !is_full && rest == IDLE => {}
            () = tokio::time::sleep(rest), if !is_full => {}
        }
    }
    let ending = async { while jobs.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, ending).await.is_err() {
        jobs.shutdown().await;
    }
    renewing.abort();
    let left = app.workers.held();
    let handing_back = app.background.write::<_, Problem>(NO_TENANT, Origin::system(clock::now()), move |work| {
        left.iter().try_for_each(|lease| Ok(work.hand_back(*lease)?))
    });
    if let Err(problem) = handing_back.await {
        tracing::warn!(%problem, "jobs could not be handed back");
    }
}

/// Keeps the leases of the jobs under way.
async fn renew(app: Arc<App>) {
    loop {
        tokio::time::sleep(RENEW).await;
        let held = app.workers.held();
        if held.is_empty() {
            continue;
        }
        let now = clock::now();
        let renewed = app.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
            Ok(work.renew_leases(&held, clock::now().plus_seconds(LEASE_SECONDS))?)
        });
        if let Err(problem) = renewed.await {
            tracing::warn!(%problem, "leases could not be renewed");
        }
    }
}

async fn lease(app: &App) -> Result<Option<(JobRow, Lease)>, Problem> {
    let (now, id) = (clock::now(), clock::new_id());
    let due = app.background.read::<_, Problem>(NO_TENANT, move |reader| Ok(reader.has_due_jobs(&KINDS, now)?)).await?;
    if !due {
        return Ok(None);
    }
    let busy: Vec<Id> = app.workers.held().iter().map(|lease| lease.tenant).collect();
    let leased = app.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
        Ok(work.lease_job(&KINDS, &busy, id, clock::now().plus_seconds(LEASE_SECONDS))?)
    });
    let leased = leased.await?.map(|job| (Lease { tenant: job.tenant_id.0, job: job.id.0, id }, job));
    Ok(leased.map(|(lease, job)| {
        app.workers.hold(lease);
        (job, lease)
    }))
}

async fn run(app: Arc<App>, job: JobRow, lease: Lease) {
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
        let payload: serde_json::Value = serde_json::from_str(&job.payload.0).unwrap_or_default();
        follow(&traced, payload["traceparent"].as_str());
    }
    let performing = AssertUnwindSafe(perform(&app, &job, lease)).catch_unwind();
    let outcome = match performing.instrument(traced.clone()).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Halt::Failed("the job panicked".to_owned())),
    };
    let now = clock::now();
    let (state, error, run_at) = match (outcome, recurring) {
        // It stays among those held, to be handed back.
        (Err(Halt::Stopped), _) => return,
        (Ok(()), None) => ("done", None, now),
        (Ok(()), Some(every)) => ("waiting", None, now.plus_seconds(every)),
        (Err(Halt::Failed(error)), None) if attempts >= job.max_attempts => ("dead", Some(error), now),
        (Err(Halt::Failed(error)), every) => {
            // Twice as long each time: 10 s, 20 s, 40 s …; what recurs is never given up.
            let pause = 5_i64 << attempts.clamp(1, 10);
            ("waiting", Some(error), now.plus_seconds(every.map_or(pause, |every| pause.min(every))))
        }
    };
    let outcome = if error.is_some() { "failed" } else { "done" };
    let labels = [("kind", job.kind.clone()), ("outcome", outcome.to_owned())];
    metrics::histogram!("farley_job_duration_seconds", &labels).record(begun.elapsed().as_secs_f64());
    if let Some(error) = &error {
        traced.record("otel.status_code", "ERROR");
        tracing::warn!(job = %lease.job, kind = job.kind, attempts, error, "a job failed");
    }
    let finished = app.background.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| {
        Ok(work.finish_job(lease, state, error.as_deref(), run_at)?)
    });
    match finished.await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(job = %lease.job, kind = job.kind, "the lease of a job was lost"),
        Err(problem) => tracing::warn!(%problem, job = %lease.job, "a job could not be ended"),
    }
    app.workers.let_go(lease);
}

/// How long a recurring job rests, in seconds.
fn recurring(job: &JobRow) -> Option<i64> {
    let declared = RECURRING.iter().find(|recurring| job.recurring && recurring.kind == job.kind);
    declared.map(|recurring| recurring.every)
}

/// Does a job by its kind.
async fn perform(app: &Arc<App>, job: &JobRow, lease: Lease) -> Result<(), Halt> {
    let failed = |problem: Problem| Halt::Failed(crate::server::describe(&problem));
    let reading = app.background.read::<_, Problem>(NO_TENANT, move |reader| Ok(reader.tenant(lease.tenant)?));
    let row = reading.await.map_err(failed)?.ok_or_else(|| Halt::Failed("the tenant is gone".to_owned()))?;
    let tenant = TenantKey { id: row.id.0, number: row.number };
    match job.kind.as_str() {
        integration::imports::KIND => {
            let last = job.attempts + 1 >= job.max_attempts;
            integration::imports::run::perform(app, tenant, lease, &job.payload.0, last, &|_| ()).await
        }
        recalls::KIND => recalls::perform(app, tenant, clock::now()).await.map_err(failed),
        responses::KIND => responses::perform(app, tenant, clock::now()).await.map_err(failed),
        scoring::KIND => scoring::perform(app, tenant, clock::now()).await.map_err(failed),
        cadences::job::KIND => cadences::job::perform(app, tenant, clock::now()).await.map_err(failed),
        notices::KIND => notices::perform(app, tenant, clock::now()).await.map_err(failed),
        notify::MAIL => mail::perform(app, tenant, lease.job, &job.payload.0).await.map_err(Halt::Failed),
        TIDY => tidy(app, tenant, clock::now()).await.map_err(failed),
        other => Err(Halt::Failed(format!("there is no job of the kind {other}"))),
    }
}

async fn tidy(app: &App, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let written = app.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
        work.purge_answers(now.plus_seconds(-25 * 3_600))?;
        work.purge_jobs(now.plus_seconds(-KEPT_DAYS * 24 * 3_600))?;
        Ok(())
    });
    written.await
}
