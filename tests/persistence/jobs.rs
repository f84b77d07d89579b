//! The queue of jobs: each is one worker's at a time.

use std::collections::HashSet;

use farley_domain::{id::Id, time::Timestamp};
use farley_persistence::{Origin, StoreError, TenantKey};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    crm::{Crm, now},
    support::{Engine, TestDb, new_id},
};

async fn enqueue(crm: &Crm, run_at: Timestamp) -> Result<Id, StoreError> {
    crm.write(move |work, _| work.enqueue("mail.send", &json!({"to": "li"}), run_at, 3)).await
}

/// Leases the next job as a worker at a time does: of any tenant.
async fn lease(crm: &Crm, at: Timestamp, seconds: i64) -> Result<Option<(Id, Id)>, StoreError> {
    let lease = new_id();
    let job = crm.write_at(Origin::system(at), move |work, _| work.lease_job(lease, at.plus_seconds(seconds))).await?;
    Ok(job.map(|job| (job.id.0, lease)))
}

async fn finish(crm: &Crm, at: Timestamp, job: Id, lease: Id, state: &'static str) -> Result<bool, StoreError> {
    crm.write_at(Origin::system(at), move |work, _| work.finish_job(job, lease, state, None, at)).await
}

pub async fn each_job_is_done_once(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    for _ in 0..100 {
        enqueue(&crm, now()).await?;
    }
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let crm = crm.clone();
        workers.spawn(async move {
            let mut done = Vec::new();
            while let Some((job, held)) = lease(&crm, now(), 60).await? {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                assert!(finish(&crm, now(), job, held, "done").await?, "the lease holds");
                done.push(job);
            }
            Ok::<_, StoreError>(done)
        });
    }
    let mut done = Vec::new();
    while let Some(worker) = workers.join_next().await {
        done.extend(worker.expect("no worker panics")?);
    }
    assert_eq!((done.len(), done.iter().collect::<HashSet<_>>().len()), (100, 100));
    assert_eq!(crm.read(|reader, _| reader.jobs(Some("done"), None, 200)).await?.len(), 100);
    Ok(())
}

/// Workers do not wait for each other's transactions.
pub async fn a_locked_job_is_skipped(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let (first, second) = (enqueue(&crm, now()).await?, enqueue(&crm, now().plus_seconds(1)).await?);
    let slow = tokio::spawn({
        let crm = crm.clone();
        async move {
            crm.write(move |work, _| {
                let job = work.lease_job(new_id(), now().plus_seconds(60))?;
                std::thread::sleep(std::time::Duration::from_millis(300));
                Ok(job.map(|job| job.id.0))
            })
            .await
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let other = lease(&crm, now().plus_seconds(2), 60).await?;
    // SQLite has one writer: there the second comes after the first, and still gets the other job.
    assert!(db.engine == Engine::Sqlite || !slow.is_finished(), "nobody waited");
    assert_eq!(other.map(|(job, _)| job), Some(second));
    assert_eq!(slow.await.expect("no panic")?, Some(first));
    Ok(())
}

pub async fn a_lease_that_ran_out_is_taken_over(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let job = enqueue(&crm, now()).await?;
    assert_eq!(lease(&crm, now().plus_seconds(-1), 60).await?, None, "it is not due yet");
    let (_, first) = lease(&crm, now(), 60).await?.expect("it is due");
    assert_eq!(lease(&crm, now().plus_seconds(59), 60).await?, None);
    assert!(crm.write(move |work, _| work.renew_lease(job, first, now().plus_seconds(120))).await?);
    assert_eq!(lease(&crm, now().plus_seconds(61), 60).await?, None, "the lease was renewed");
    let (_, second) = lease(&crm, now().plus_seconds(121), 60).await?.expect("the lease ran out");
    // Whoever lost it cannot end it any more.
    assert!(!finish(&crm, now(), job, first, "done").await?);
    assert!(!crm.write(move |work, _| work.renew_lease(job, first, now().plus_seconds(999))).await?);
    let attempts = crm.read(move |reader, _| reader.job(job)).await?.expect("it is there").attempts;
    assert_eq!(attempts, 2);

    assert!(finish(&crm, now(), job, second, "dead").await?);
    assert_eq!(lease(&crm, now().plus_seconds(999), 60).await?, None, "the dead are left alone");
    assert!(crm.write(move |work, _| work.revive_job(job)).await?);
    assert!(lease(&crm, now(), 60).await?.is_some());
    Ok(())
}

/// A job is enqueued with the work that asks for it, and leased whoever's it is.
pub async fn jobs_belong_to_their_tenant(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let failed: Result<(), _> = crm
        .write(|work, _| {
            work.enqueue("mail.send", &json!({}), now(), 3)?;
            Err(StoreError::Reference)
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(lease(&crm, now(), 60).await?, None);

    let other = crm.another(2).await;
    let job = enqueue(&other, now()).await?;
    assert!(crm.read(move |reader, _| reader.job(job)).await?.is_none());
    let worker = Crm { tenant: TenantKey { id: Id::NIL, number: 0 }, ..crm };
    assert_eq!(lease(&worker, now(), 60).await?.map(|(job, _)| job), Some(job));
    Ok(())
}
