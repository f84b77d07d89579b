//! Work in the background: jobs out of the queue, keys rotated, old answers forgotten. Every node runs the same workers; leases keep
//! them apart.

use std::{sync::Arc, time::Duration};

use farley_persistence::{Origin, TenantKey, queries::rows::JobRow};

use crate::{app::App, clock, identity::tokens::NO_TENANT, integration, problem::Problem};

/// How long a job belongs to a worker that does not say it is still at it, in seconds.
pub const LEASE_SECONDS: i64 = 60;
/// How long the queue rests when it is empty.
const IDLE: Duration = Duration::from_millis(500);

/// The right to work at a job, until it is lost by silence.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub job: farley_domain::id::Id,
    pub id: farley_domain::id::Id,
}

/// Starts the workers; they end with the runtime.
pub fn start(app: &Arc<App>) {
    tokio::spawn(housekeeping(Arc::clone(app)));
    tokio::spawn(work_off(Arc::clone(app)));
}

async fn housekeeping(app: Arc<App>) {
    let mut hourly = 0_u32;
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if let Err(problem) = app.tokens.refresh(&app.store).await {
            tracing::warn!(%problem, "signing keys could not be read");
        }
        app.limits.tidy();
        hourly += 1;
        if hourly.is_multiple_of(60) {
            let before = clock::now().plus_seconds(-25 * 3600);
            let purged = app
                .store
                .write::<_, Problem>(NO_TENANT, Origin::system(clock::now()), move |work| Ok(work.purge_answers(before)?));
            if let Err(problem) = purged.await {
                tracing::warn!(%problem, "old answers could not be forgotten");
            }
        }
    }
}

async fn work_off(app: Arc<App>) {
    loop {
        match lease(&app).await {
            Ok(Some((job, lease))) => run(&app, job, lease).await,
            Ok(None) => tokio::time::sleep(IDLE).await,
            Err(problem) => {
                tracing::warn!(%problem, "no job could be leased");
                tokio::time::sleep(IDLE * 4).await;
            }
        }
    }
}

async fn lease(app: &Arc<App>) -> Result<Option<(JobRow, farley_domain::id::Id)>, Problem> {
    let (now, lease) = (clock::now(), clock::new_id());
    let due = app.store.read::<_, Problem>(NO_TENANT, move |reader| Ok(reader.has_due_jobs(now)?)).await?;
    if !due {
        return Ok(None);
    }
    let until = now.plus_seconds(LEASE_SECONDS);
    let job =
        app.store.write::<_, Problem>(NO_TENANT, Origin::system(now), move |work| Ok(work.lease_job(lease, until)?)).await?;
    Ok(job.map(|job| (job, lease)))
}

async fn run(app: &Arc<App>, job: JobRow, lease: farley_domain::id::Id) {
    let id = job.id.0;
    let tenant = match app.store.read::<_, Problem>(NO_TENANT, move |reader| Ok(reader.tenant(job.tenant_id.0)?)).await {
        Ok(Some(row)) => TenantKey { id: row.id.0, number: row.number },
        Ok(None) | Err(_) => return,
    };
    let attempts = job.attempts + 1;
    let outcome = perform(app, tenant, &job, lease).await;
    let now = clock::now();
    let (state, error, run_at) = match &outcome {
        Ok(()) => ("done", None, now),
        Err(error) if attempts >= job.max_attempts => ("dead", Some(error.clone()), now),
        // Twice as long each time: 5 s, 10 s, 20 s …
        Err(error) => ("waiting", Some(error.clone()), now.plus_seconds(5_i64 << attempts.min(10))),
    };
    if let Err(error) = &outcome {
        tracing::warn!(job = %id, kind = job.kind, attempts, error, "a job failed");
    }
    let finished = app.store.write::<_, Problem>(tenant, Origin::system(now), move |work| {
        Ok(work.finish_job(id, lease, state, error.as_deref(), run_at)?)
    });
    if let Err(problem) = finished.await {
        tracing::warn!(%problem, job = %id, "a job could not be ended");
    }
}

/// Does a job by its kind.
async fn perform(app: &Arc<App>, tenant: TenantKey, job: &JobRow, lease: farley_domain::id::Id) -> Result<(), String> {
    match job.kind.as_str() {
        integration::imports::KIND => {
            let last = job.attempts + 1 >= job.max_attempts;
            let lease = Lease { job: job.id.0, id: lease };
            integration::imports::run::perform(app, tenant, lease, &job.payload.0, last, &|_| ()).await
        }
        other => Err(format!("there is no job of the kind {other}")),
    }
}
