//! The change feed: a reader that follows it sees every committed event once, and never passes one still to come.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use farley_domain::{customers::customer::Customer, model::entity::Entity, values::id::Id};
use farley_persistence::{StoreError, WantedEvents};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    crm::{Crm, Everything},
    support::{Engine, TestDb},
};

/// Reads on from a position, as the feed does: a page up to the end of what may be read.
async fn follow(crm: &Crm, position: i64) -> Result<Vec<(i64, Id, i64)>, StoreError> {
    crm.read(move |reader, _| {
        let end = reader.log_end()?;
        let events = reader.events((position, end), &WantedEvents::default(), 7)?;
        Ok(events.iter().map(|event| (event.seq, event.record_id, event.version)).collect())
    })
    .await
}

pub async fn nothing_is_missed(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    // Another node on PostgreSQL; on SQLite there is one process.
    let node = if db.engine == Engine::Postgres { Crm { store: db.open(), ..crm.clone() } } else { crm.clone() };
    let shared = crm.create(Customer::object(), json!({"name": "Everybody's"})).await?.id();
    let written = Arc::new(AtomicU64::new(1));
    let finished = Arc::new(AtomicBool::new(false));

    let mut writers = JoinSet::new();
    for writer in 0..10_u64 {
        let (crm, written) = (if writer % 2 == 0 { crm.clone() } else { node.clone() }, Arc::clone(&written));
        writers.spawn(async move {
            for round in 0..12_u64 {
                let slow = writer < 4;
                let events = crm.write(move |work, view| write_some(work, view, shared, slow, writer * 100 + round)).await?;
                written.fetch_add(events, Ordering::Relaxed);
            }
            Ok::<(), StoreError>(())
        });
    }
    let reader = tokio::spawn(read_all(crm.clone(), Arc::clone(&finished)));
    while let Some(writer) = writers.join_next().await {
        writer.expect("no writer panics")?;
    }
    finished.store(true, Ordering::Relaxed);
    let seen = reader.await.expect("the reader does not panic")?;

    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "positions rise");
    let all = crm.read(|reader, _| reader.events((0, i64::MAX), &WantedEvents::default(), 10_000)).await?;
    let all: Vec<i64> = all.iter().map(|event| event.seq).collect();
    assert_eq!(all.len() as u64, written.load(Ordering::Relaxed), "every write left its event");
    assert_eq!(seen.iter().map(|event| event.0).collect::<Vec<_>>(), all, "all events were seen, each once");
    let mut versions: HashMap<Id, i64> = HashMap::new();
    for (_, record, version) in seen {
        let before = versions.insert(record, version).unwrap_or(0);
        assert_eq!(version, before + 1, "events of a record come in the order of its versions");
    }
    Ok(())
}

/// One to three events; how many. Slow writers dawdle between the first row and the commit.
fn write_some(
    work: &mut farley_persistence::Work<'_>,
    view: &Everything,
    shared: Id,
    slow: bool,
    number: u64,
) -> Result<u64, StoreError> {
    let record = view.create(work, Customer::object(), &json!({"name": format!("Firm {number}")}))?;
    if slow {
        std::thread::sleep(Duration::from_millis(10 + number % 7 * 5));
    }
    let mut events = 1;
    if number.is_multiple_of(3) {
        view.patch(work, Customer::object(), record.id(), &json!({"region": "华东"}))?;
        events += 1;
    }
    if number.is_multiple_of(2) && view.patch(work, Customer::object(), shared, &json!({"employee_count": number}))? {
        events += 1;
    }
    Ok(events)
}

async fn read_all(crm: Crm, finished: Arc<AtomicBool>) -> Result<Vec<(i64, Id, i64)>, StoreError> {
    let mut seen: Vec<(i64, Id, i64)> = Vec::new();
    let started = Instant::now();
    loop {
        let done = finished.load(Ordering::Relaxed);
        let events = follow(&crm, seen.last().map_or(0, |event| event.0)).await?;
        if done && events.is_empty() {
            return Ok(seen);
        }
        seen.extend(events);
        assert!(started.elapsed() < Duration::from_secs(60), "the feed ends");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What is committed is in the feed at once when nobody else is writing.
pub async fn a_write_is_seen_by_the_next_read(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let mut position = 0;
    for number in 0..50 {
        crm.create(Customer::object(), json!({"name": format!("Firm {number}")})).await?;
        let events = follow(&crm, position).await?;
        assert_eq!(events.len(), 1);
        position = events[0].0;
    }
    Ok(())
}

pub async fn timelines_tell_of_a_record_and_those_about_it(db: TestDb) -> Result<(), StoreError> {
    use farley_domain::customers::contact::Contact;
    let crm = Crm::new(&db).await;
    let other = crm.another(2).await;
    let customer = crm.create(Customer::object(), json!({"name": "Acme"})).await?.id();
    let contact = crm.create(Contact::object(), json!({"name": "Li", "customer_id": customer.to_string()})).await?.id();
    crm.patch(Contact::object(), contact, json!({"name": "Li Wei"})).await?;
    crm.patch(Contact::object(), contact, json!({"customer_id": null})).await?;
    crm.patch(Contact::object(), contact, json!({"name": "Li"})).await?;
    crm.patch(Customer::object(), customer, json!({"region": "华东"})).await?;
    let kinds = |crm: &Crm| {
        let crm = crm.clone();
        async move {
            let events = crm.read(move |reader, _| reader.timeline(("customer", customer), i64::MAX, 50)).await?;
            Ok::<_, StoreError>(events.into_iter().map(|event| event.kind).collect::<Vec<_>>())
        }
    };
    let expected = ["customer.updated", "contact.updated", "contact.updated", "contact.created", "customer.created"];
    assert_eq!(kinds(&crm).await?, expected);
    assert!(kinds(&other).await?.is_empty(), "nothing of another tenant");
    let history = crm.read(move |reader, _| reader.history(("contact", contact), i64::MAX, 50)).await?;
    assert_eq!(history.iter().map(|event| event.version).collect::<Vec<_>>(), [4, 3, 2, 1]);
    let since = crm.read(move |reader, _| reader.events_since_version(("contact", contact), 2)).await?;
    assert_eq!(since.iter().map(|event| event.version).collect::<Vec<_>>(), [3, 4]);
    let wanted = WantedEvents { types: vec!["contact.created".to_owned()], ..WantedEvents::default() };
    let only = crm.read(move |reader, _| reader.events((0, i64::MAX), &wanted, 50)).await?;
    assert_eq!(only.len(), 1);
    Ok(())
}

/// A transaction that hangs holds up the feeds of those tenants in which it writes, and of no others.
pub async fn a_tenant_waits_for_its_own_writers_alone(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let (second, third) = (crm.another(2).await, crm.another(3).await);
    let name = |name: &'static str| json!({"name": name});
    for crm in [&crm, &second, &third] {
        crm.create(Customer::object(), name("before")).await?;
    }
    let start = follow(&third, 0).await?[0].0;
    // It writes in two tenants, and hangs before its commit.
    let (inside, let_go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let hanging = tokio::spawn({
        let (crm, second, inside, let_go) = (crm.clone(), second.tenant, Arc::clone(&inside), Arc::clone(&let_go));
        async move {
            crm.write(move |work, view| {
                view.create(work, Customer::object(), &json!({"name": "hung"}))?;
                work.enter(second);
                view.create(work, Customer::object(), &json!({"name": "hung too"}))?;
                inside.store(true, Ordering::Relaxed);
                let begun = Instant::now();
                while !let_go.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(10) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(())
            })
            .await
        }
    });
    while !inside.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut positions = Vec::new();
    for crm in [&crm, &second, &third] {
        positions.push(follow(crm, 0).await?.last().expect("the first event").0);
        for _ in 0..3 {
            crm.create(Customer::object(), name("meanwhile")).await?;
        }
    }
    assert!(follow(&crm, positions[0]).await?.is_empty(), "its own tenant waits");
    assert!(follow(&second, positions[1]).await?.is_empty(), "and the other in which it writes");
    assert_eq!(follow(&third, start).await?.len(), 3, "a tenant that it has nothing to do with goes on");
    let_go.store(true, Ordering::Relaxed);
    hanging.await.expect("no panic")?;
    for (crm, position) in [&crm, &second].into_iter().zip(positions) {
        let seen = follow(crm, position).await?;
        assert_eq!(seen.len(), 4, "nothing was passed");
        assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
    Ok(())
}
