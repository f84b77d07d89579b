//! The queue of jobs: each is one worker's at a time.

use std::collections::HashSet;

use farley_domain::values::{id::Id, time::Timestamp};
use farley_persistence::{Lease, Origin, StoreError, TenantKey};
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
async fn lease(crm: &Crm, at: Timestamp, seconds: i64) -> Result<Option<Lease>, StoreError> {
    lease_of(crm, at, seconds, &["mail.send"], Vec::new()).await
}

async fn lease_of(
    crm: &Crm,
    at: Timestamp,
    seconds: i64,
    kinds: &'static [&'static str],
    busy: Vec<Id>,
) -> Result<Option<Lease>, StoreError> {
    let id = new_id();
    let until = at.plus_seconds(seconds);
    let job = crm.write_at(Origin::system(at), move |work, _| work.lease_job(kinds, &busy, id, until)).await?;
    Ok(job.map(|job| Lease { tenant: job.tenant_id, job: job.id, id }))
}

async fn finish(crm: &Crm, at: Timestamp, lease: Lease, state: &'static str) -> Result<bool, StoreError> {
    crm.write_at(Origin::system(at), move |work, _| work.finish_job(lease, state, None, at, None)).await
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
            while let Some(held) = lease(&crm, now(), 60).await? {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                assert!(finish(&crm, now(), held, "done").await?, "the lease holds");
                done.push(held.job);
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
    let (leased, has_leased) = tokio::sync::watch::channel(false);
    let slow = tokio::spawn({
        let crm = crm.clone();
        async move {
            crm.write(move |work, _| {
                let job = work.lease_job(&["mail.send"], &[], new_id(), now().plus_seconds(60))?;
                leased.send_replace(true);
                std::thread::sleep(std::time::Duration::from_millis(300));
                Ok(job.map(|job| job.id))
            })
            .await
        }
    });
    has_leased.clone().wait_for(|leased| *leased).await.expect("the job is leased");
    let other = lease(&crm, now().plus_seconds(2), 60).await?;
    // SQLite has one writer: there the second comes after the first, and still gets the other job.
    assert!(db.engine == Engine::Sqlite || !slow.is_finished(), "nobody waited");
    assert_eq!(other.map(|lease| lease.job), Some(second));
    assert_eq!(slow.await.expect("no panic")?, Some(first));
    Ok(())
}

pub async fn a_lease_that_ran_out_is_taken_over(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let job = enqueue(&crm, now()).await?;
    assert_eq!(lease(&crm, now().plus_seconds(-1), 60).await?, None, "it is not due yet");
    let first = lease(&crm, now(), 60).await?.expect("it is due");
    assert_eq!(lease(&crm, now().plus_seconds(59), 60).await?, None);
    assert!(crm.write(move |work, _| work.renew_lease(first, now().plus_seconds(120))).await?);
    assert_eq!(lease(&crm, now().plus_seconds(61), 60).await?, None, "the lease was renewed");
    let second = lease(&crm, now().plus_seconds(121), 60).await?.expect("the lease ran out");
    // Whoever lost it cannot end it any more.
    assert!(!finish(&crm, now(), first, "done").await?);
    assert!(!crm.write(move |work, _| work.renew_lease(first, now().plus_seconds(999))).await?);
    let attempts = crm.read(move |reader, _| reader.job(job)).await?.expect("it is there").attempts;
    assert_eq!(attempts, 2);

    assert!(finish(&crm, now(), second, "dead").await?);
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
    assert_eq!(lease(&worker, now(), 60).await?.map(|lease| lease.job), Some(job));
    Ok(())
}

/// A node takes only what it knows: in a rolling upgrade, the new kinds wait for the new nodes.
pub async fn unknown_kinds_are_left_alone(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let newer = crm.write(|work, _| work.enqueue("invented.later", &json!({}), now(), 3)).await?;
    assert!(!crm.read(|reader, _| reader.has_due_jobs(&["mail.send"], now())).await?);
    assert_eq!(lease(&crm, now(), 60).await?, None);
    let known = enqueue(&crm, now().plus_seconds(1)).await?;
    assert_eq!(lease(&crm, now().plus_seconds(1), 60).await?.map(|lease| lease.job), Some(known));
    let taken = lease_of(&crm, now(), 60, &["mail.send", "invented.later"], Vec::new()).await?;
    assert_eq!(taken.map(|lease| lease.job), Some(newer));
    Ok(())
}

/// A tenant with much to do does not keep the others waiting.
pub async fn tenants_take_turns(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    for _ in 0..10 {
        enqueue(&crm, now()).await?;
    }
    let other = crm.another(2).await;
    let late = enqueue(&other, now().plus_seconds(1)).await?;
    let at = now().plus_seconds(2);
    let taken = lease_of(&crm, at, 60, &["mail.send"], vec![crm.tenant.id]).await?;
    assert_eq!(taken.map(|lease| lease.job), Some(late));
    let taken = lease_of(&crm, at, 60, &["mail.send"], vec![crm.tenant.id]).await?;
    assert_eq!(taken.map(|lease| lease.tenant), Some(crm.tenant.id), "nobody else has anything to do");
    Ok(())
}

/// One job waits under a key, however often and by however many it is asked for.
pub async fn one_job_waits_under_a_key(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let mut asking = JoinSet::new();
    for number in 0..20 {
        let crm = crm.clone();
        let run_at = now().plus_seconds(100 - number);
        asking.spawn(async move {
            crm.write(move |work, _| work.enqueue_once("mail.send", "li", &json!({"number": number}), run_at, 3)).await
        });
    }
    let mut ids = HashSet::new();
    while let Some(asked) = asking.join_next().await {
        ids.insert(asked.expect("no panic")?);
    }
    assert_eq!(ids.len(), 1);
    let waiting = crm.read(|reader, _| reader.jobs(Some("waiting"), None, 9)).await?;
    assert_eq!((waiting.len(), waiting[0].run_at), (1, now().plus_seconds(81)), "the earliest time holds");
    // Other keys, kinds and tenants are others.
    crm.write(|work, _| work.enqueue_once("mail.send", "wang", &json!({}), now().plus_seconds(500), 3)).await?;
    crm.write(|work, _| work.enqueue_once("mail.read", "li", &json!({}), now().plus_seconds(500), 3)).await?;
    crm.another(2).await.write(|work, _| work.enqueue_once("mail.send", "li", &json!({}), now(), 3)).await?;
    assert_eq!(crm.read(|reader, _| reader.jobs(Some("waiting"), None, 9)).await?.len(), 3);
    // A time can be put off, and the job taken out again.
    let moved = crm.write(|work, _| work.enqueue_at("mail.send", "wang", &json!({"new": 1}), now().plus_seconds(900), 3)).await?;
    let job = crm.read(move |reader, _| reader.job(moved)).await?.expect("it waits");
    assert_eq!((job.run_at, job.payload.contains("new")), (now().plus_seconds(900), true));
    assert!(crm.write(|work, _| work.cancel_job("mail.send", "wang")).await?);
    assert!(!crm.write(|work, _| work.cancel_job("mail.send", "wang")).await?);
    Ok(())
}

/// A job that runs under a key does not stop the next from waiting; when it is tried again, there is still but one.
pub async fn a_job_that_fails_gives_way_to_the_next(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let ask = || crm.write(|work, _| work.enqueue_once("mail.send", "li", &json!({}), now(), 3));
    let first = ask().await?;
    let held = lease(&crm, now(), 60).await?.expect("it is due");
    let second = ask().await?;
    assert_ne!(first, second);
    let at = now().plus_seconds(9);
    assert!(crm.write(move |work, _| work.finish_job(held, "waiting", Some("no mail today"), at, None)).await?);
    assert_eq!(crm.read(move |reader, _| reader.job(first)).await?.map(|job| job.state), Some("done".to_owned()));
    // Alone, it waits for its next attempt.
    let held = lease(&crm, now(), 60).await?.expect("the second is due");
    assert!(crm.write(move |work, _| work.finish_job(held, "waiting", Some("no mail today"), at, None)).await?);
    let job = crm.read(move |reader, _| reader.job(second)).await?.expect("it is there");
    assert_eq!((job.state.as_str(), job.attempts, job.run_at), ("waiting", 1, at));
    Ok(())
}

/// A recurring job is there once in each tenant, and waits again with its attempts forgotten.
pub async fn recurring_jobs_are_there_once(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    crm.another(2).await;
    let without = crm.read(|reader, _| reader.tenants_without("mail.send", 9)).await?;
    assert_eq!(without.len(), 2);
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        let (crm, without) = (crm.clone(), without.clone());
        nodes.spawn(async move {
            crm.write(move |work, _| {
                without.iter().try_for_each(|tenant| {
                    work.enter(*tenant);
                    work.keep_recurring("mail.send", now())
                })
            })
            .await
        });
    }
    while let Some(node) = nodes.join_next().await {
        node.expect("no panic")?;
    }
    assert_eq!(crm.read(|reader, _| reader.tenants_without("mail.send", 9)).await?, []);
    let (one, two) = (lease(&crm, now(), 60).await?.expect("due"), lease(&crm, now(), 60).await?.expect("due"));
    assert_ne!(one.tenant, two.tenant);
    assert_eq!(lease(&crm, now(), 60).await?, None);
    // While it runs no other comes; done, it waits for its next time.
    let tenant = TenantKey { id: one.tenant, number: 1 };
    crm.write(move |work, _| {
        work.enter(tenant);
        work.keep_recurring("mail.send", now())
    })
    .await?;
    assert_eq!(lease(&crm, now(), 60).await?, None);
    let next = now().plus_seconds(3600);
    assert!(crm.write(move |work, _| work.finish_job(two, "waiting", None, next.plus_seconds(1), None)).await?);
    assert!(crm.write(move |work, _| work.finish_job(one, "waiting", None, next, None)).await?);
    let again = lease(&crm, next, 60).await?.expect("due again");
    assert_eq!((again.tenant, again.job), (one.tenant, one.job));
    Ok(())
}

/// Handed back, a job is gone on with at once, and it was no attempt.
pub async fn a_job_handed_back_is_due_at_once(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let job = enqueue(&crm, now()).await?;
    let held = lease(&crm, now(), 60).await?.expect("it is due");
    crm.write(move |work, _| work.hand_back(held)).await?;
    assert_eq!(crm.read(move |reader, _| reader.job(job)).await?.map(|job| job.attempts), Some(0));
    let other = lease(&crm, now(), 60).await?.expect("it is due");
    // Whoever has it no more cannot hand it back.
    crm.write(move |work, _| work.hand_back(held)).await?;
    assert!(crm.write(move |work, _| work.renew_lease(other, now().plus_seconds(90))).await?);
    assert!(!crm.write(move |work, _| work.start_job(job, new_id(), now().plus_seconds(90))).await?, "somebody is at it");
    crm.write(move |work, _| work.renew_leases(&[other], now().plus_seconds(200))).await?;
    assert_eq!(lease(&crm, now().plus_seconds(150), 60).await?, None);
    Ok(())
}

/// Whoever waits for a job hears of it when it is committed, and not before.
pub async fn a_job_that_is_queued_wakes_the_workers(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let soon = std::time::Duration::from_millis(200);
    let failed: Result<(), _> = crm
        .write(|work, _| {
            work.enqueue("mail.send", &json!({}), now(), 3)?;
            Err(StoreError::Reference)
        })
        .await;
    assert!(failed.is_err());
    assert!(tokio::time::timeout(soon, crm.store.job_queued()).await.is_err());
    enqueue(&crm, now()).await?;
    assert!(tokio::time::timeout(soon * 10, crm.store.job_queued()).await.is_ok());
    Ok(())
}
