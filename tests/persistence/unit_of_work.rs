//! The unit of work: all or nothing, no lost update, no reference out of the tenant.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::{tag::Tag, user::User},
    model::{entity::Entity, record::Record, recurring},
    values::id::Id,
};
use farley_persistence::{StoreError, WantedEvents};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    crm::{Crm, Everything},
    support::{Engine, TestDb},
};

async fn count(crm: &Crm) -> Result<i64, StoreError> {
    crm.read(|reader, _| reader.count(Customer::object(), &farley_domain::query::predicate::Predicate::all())).await
}

async fn events(crm: &Crm) -> Result<usize, StoreError> {
    Ok(crm.read(|reader, _| reader.events((0, i64::MAX), &WantedEvents::default(), 10_000)).await?.len())
}

async fn acme(crm: &Crm) -> Result<Id, StoreError> {
    Ok(crm.create(Customer::object(), json!({"name": "Acme"})).await?.id())
}

pub async fn a_failure_leaves_nothing(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let id = acme(&crm).await?;
    let failed = crm
        .write(move |work, view| {
            view.create(
                work,
                Customer::object(),
                &json!({"name": "Vanishing", "external_ids": {"sap": "1"}, "emails": [{"value": "a@b.cn"}]}),
            )?;
            view.patch(work, Customer::object(), id, &json!({"name": "Changed"}))?;
            Err::<(), _>(StoreError::Reference)
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Reference)), "{failed:?}");
    assert_eq!((count(&crm).await?, events(&crm).await?), (1, 1));
    assert_eq!(crm.list(Customer::object(), &[("q", "vanishing")]).await?.len(), 0);
    assert_eq!(crm.get(Customer::object(), id).await?.expect("it is there").get(recurring::NAME), Some("Acme"));
    // The key is free, and so is the address.
    crm.create(Customer::object(), json!({"name": "Staying", "external_ids": {"sap": "1"}, "emails": [{"value": "a@b.cn"}]}))
        .await?;
    assert_eq!(crm.list(Customer::object(), &[("emails_any", "a@b.cn")]).await?.len(), 1);
    Ok(())
}

/// On SQLite these share commits, on PostgreSQL connections.
pub async fn failures_and_panics_spare_their_neighbours(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    // While the first one dawdles the others queue up behind it, to be committed together.
    let dawdling = tokio::spawn({
        let crm = crm.clone();
        async move {
            crm.write(|_, _| {
                std::thread::sleep(Duration::from_millis(100));
                Ok(())
            })
            .await
        }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut writers = JoinSet::new();
    for number in 0..60 {
        let crm = crm.clone();
        writers.spawn(async move {
            let write = move |work: &mut farley_persistence::Work<'_>, view: &Everything| {
                view.create(work, Customer::object(), &json!({"name": format!("Firm {number}")}))?;
                match number % 6 {
                    1 => Err(StoreError::Reference),
                    // A statement that fails within the transaction.
                    2 => view.create(work, Customer::object(), &json!({"name": "x", "parent_id": Id::NIL.to_string()})).map(drop),
                    3 => panic!("on purpose"),
                    _ => Ok(()),
                }
            };
            (number, crm.write(write).await)
        });
    }
    while let Some(done) = writers.join_next().await {
        let (number, result) = done.expect("only the work panics");
        match number % 6 {
            1 | 2 => assert!(matches!(result, Err(StoreError::Reference)), "{number}: {result:?}"),
            3 => assert!(matches!(result, Err(StoreError::Internal(_))), "{number}: {result:?}"),
            _ => result?,
        }
    }
    dawdling.await.expect("no panic")?;
    assert_eq!((count(&crm).await?, events(&crm).await?), (30, 30));
    acme(&crm).await?;
    Ok(())
}

pub async fn a_panicking_read_is_an_error(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    for _ in 0..3 {
        let read: Result<(), _> = crm.read(|_, _| panic!("on purpose")).await;
        assert!(matches!(read, Err(StoreError::Internal(_))), "{read:?}");
    }
    assert_eq!(count(&crm).await?, 0);
    Ok(())
}

pub async fn what_does_not_differ_is_not_written(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let body = json!({"name": "Acme", "annual_revenue": {"amount": 5, "currency": "CNY"}, "other_names": ["A"], "birthday": "1987-09-15"});
    let id = crm.create(Customer::object(), body.clone()).await?.id();
    assert!(!crm.patch(Customer::object(), id, body).await?);
    assert_eq!((crm.get(Customer::object(), id).await?.expect("it is there").version(), events(&crm).await?), (1, 1));
    assert!(crm.patch(Customer::object(), id, json!({"annual_revenue": null, "birthday": null, "other_names": null})).await?);
    let record = crm.get(Customer::object(), id).await?.expect("it is there");
    assert_eq!(
        (
            record.version(),
            record.of::<Customer>().get(Customer::annual_revenue),
            record.of::<Customer>().get(Customer::birthday)
        ),
        (2, None, None)
    );
    Ok(())
}

pub async fn no_update_is_lost(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let node = if db.engine == Engine::Postgres { Crm { store: db.open(), ..crm.clone() } } else { crm.clone() };
    let id = crm.create(Customer::object(), json!({"name": "Acme", "employee_count": 0})).await?.id();
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let crm = if writer % 2 == 0 { crm.clone() } else { node.clone() };
        writers.spawn(async move {
            for _ in 0..10 {
                crm.write(move |work, view| {
                    let schema = view.of(Customer::object());
                    let loaded =
                        work.load(&schema, view, id, &farley_domain::query::predicate::Predicate::all())?.expect("it is there");
                    let mut record = loaded.record.clone();
                    let customer = record.of_mut::<Customer>();
                    customer.set(Customer::employee_count, customer.get(Customer::employee_count).unwrap_or(0) + 1);
                    work.update(&schema, &loaded, &mut record, &farley_persistence::Change::new("updated"))
                })
                .await?;
            }
            Ok::<(), StoreError>(())
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.expect("no writer panics")?;
    }
    let record = crm.get(Customer::object(), id).await?.expect("it is there");
    assert_eq!((record.of::<Customer>().get(Customer::employee_count), record.version()), (Some(160), 161));
    Ok(())
}

/// Two that lock two records in opposite order: one of them is done again.
pub async fn a_deadlock_is_tried_again(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let (first, second) = (acme(&crm).await?, acme(&crm).await?);
    let mut writers = JoinSet::new();
    for round in 0..6 {
        let crm = crm.clone();
        let ids = if round % 2 == 0 { [first, second] } else { [second, first] };
        writers.spawn(async move {
            crm.write(move |work, view| {
                for id in ids {
                    view.patch(work, Customer::object(), id, &json!({"employee_count": round}))?;
                    std::thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            })
            .await
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.expect("no writer panics")?;
    }
    Ok(())
}

pub async fn references_stay_within_the_tenant(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let other = crm.another(2).await;
    let customer = acme(&other).await?.to_string();
    let user = other.user("Anna", None).await?.id().to_string();
    let tag = other.tag("VIP").await?.id().to_string();
    let team = other.team("North").await?.id().to_string();
    for (object, body) in [
        (Customer::object(), json!({"name": "x", "parent_id": customer})),
        (Customer::object(), json!({"name": "x", "owner_id": user})),
        (Customer::object(), json!({"name": "x", "team_id": team})),
        (Customer::object(), json!({"name": "x", "tag_ids": [tag]})),
        (Contact::object(), json!({"name": "x", "customer_id": customer})),
        (Contact::object(), json!({"name": "x", "customers": [{"customer_id": customer}]})),
        (User::object(), json!({"name": "x", "email": "x@example.cn", "team_id": team})),
    ] {
        let written = crm.create(object, body.clone()).await;
        assert!(matches!(written, Err(StoreError::Reference)), "{body}: {written:?}");
    }
    // Nor can they be read or changed from outside.
    let id: Id = customer.parse().expect("an id");
    assert!(crm.get(Customer::object(), id).await?.is_none());
    let loaded = crm.write(move |work, view| {
        let loaded = work.load(&view.of(Customer::object()), view, id, &farley_domain::query::predicate::Predicate::all())?;
        Ok(loaded.is_some())
    });
    assert!(!loaded.await?);
    assert_eq!(events(&crm).await?, 0);
    Ok(())
}

fn taken(result: Result<Record, StoreError>, db: &TestDb, index: &str, columns: &str) {
    let expected = if db.engine == Engine::Postgres { index } else { columns };
    match result {
        Err(StoreError::Taken(name)) => assert!(name.contains(expected), "{name} names {expected}"),
        other => panic!("{expected} was to be taken: {other:?}"),
    }
}

pub async fn unique_values_are_refused_by_name(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let code = json!({"name": "x", "social_credit_code": "914403001922038216"});
    let first = crm.create(Customer::object(), code.clone()).await?.id();
    let again = crm.create(Customer::object(), code.clone()).await;
    taken(again, &db, "customers_social_credit_code_key", "customers.social_credit_code");
    crm.archive(Customer::object(), first, true).await?;
    let second = crm.create(Customer::object(), code).await?.id();
    taken(
        crm.archive(Customer::object(), first, false).await,
        &db,
        "customers_social_credit_code_key",
        "customers.social_credit_code",
    );
    crm.archive(Customer::object(), second, true).await?;
    crm.archive(Customer::object(), first, false).await?;

    crm.tag("VIP").await?;
    taken(crm.tag("VIP").await, &db, "tags_name_key", "tags.name");
    crm.user("anna", None).await?;
    taken(crm.user("Anna", None).await, &db, "users_email_key", "users.email");
    let same = first.to_string();
    // PostgreSQL writes the row and its search text with one statement: which of the two is refused first is its own affair.
    match crm.create(Customer::object(), json!({"id": same, "name": "x"})).await {
        Err(StoreError::Taken(name)) => assert!(
            ["customers_pkey", "search_documents_record"].contains(&name.as_str()) || name.contains("customers.id"),
            "{name}"
        ),
        other => panic!("the id was to be taken: {other:?}"),
    }
    Ok(())
}

pub async fn external_ids_are_free_after_archiving(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let sap = || json!({"name": "x", "external_ids": {"sap": "1"}});
    let find = |crm: &Crm| {
        let crm = crm.clone();
        async move { crm.read(|reader, _| reader.by_external_id("customer", "sap", "1")).await }
    };
    let first = crm.create(Customer::object(), sap()).await?.id();
    assert_eq!(find(&crm).await?, Some(first));
    taken(crm.create(Customer::object(), sap()).await, &db, "external_ids_pkey", "external_ids.key");
    // Another object and another tenant have keys of their own.
    crm.create(Contact::object(), sap()).await?;
    let other = crm.another(2).await;
    assert_eq!(find(&other).await?, None);
    other.create(Customer::object(), sap()).await?;

    crm.archive(Customer::object(), first, true).await?;
    assert_eq!(find(&crm).await?, None);
    let second = crm.create(Customer::object(), sap()).await?.id();
    assert_eq!(find(&crm).await?, Some(second));
    taken(crm.archive(Customer::object(), first, false).await, &db, "external_ids_pkey", "external_ids.key");
    crm.patch(Customer::object(), second, json!({"external_ids": {"sap": null}})).await?;
    crm.archive(Customer::object(), first, false).await?;
    assert_eq!(find(&crm).await?, Some(first));
    Ok(())
}

pub async fn custom_fields_keep_their_values(db: TestDb) -> Result<(), StoreError> {
    use farley_domain::identity::custom_field::CustomField;
    let mut crm = Crm::new(&db).await;
    let field = crm.add_custom_field(json!({"object": "customer", "key": "tier", "field_type": "text"})).await?.id();
    crm.add_custom_field(json!({"object": "customer", "key": "rank", "field_type": "integer"})).await?;
    let id = crm.create(Customer::object(), json!({"name": "Acme", "custom": {"tier": "gold", "rank": 1}})).await?.id();
    let custom = |crm: &Crm| {
        let crm = crm.clone();
        async move {
            Ok::<_, StoreError>(Value::Object(crm.get(Customer::object(), id).await?.expect("it is there").custom().clone()))
        }
    };
    crm.patch(<CustomField as Entity>::object(), field, json!({"key": "level"})).await?;
    crm.reload_catalog().await?;
    assert_eq!(custom(&crm).await?, json!({"level": "gold", "rank": 1}));
    assert_eq!(crm.list(Customer::object(), &[("custom.level", "gold")]).await?.len(), 1);

    crm.archive(<CustomField as Entity>::object(), field, true).await?;
    crm.reload_catalog().await?;
    assert_eq!(custom(&crm).await?, json!({"rank": 1}));
    crm.patch(Customer::object(), id, json!({"custom": {"rank": 2}})).await?;
    // A new field of the old name does not take over its values.
    let second = crm.add_custom_field(json!({"object": "customer", "key": "level", "field_type": "text"})).await?.id();
    assert_eq!(custom(&crm).await?, json!({"rank": 2}));
    crm.archive(<CustomField as Entity>::object(), second, true).await?;

    crm.archive(<CustomField as Entity>::object(), field, false).await?;
    crm.reload_catalog().await?;
    assert_eq!(custom(&crm).await?, json!({"level": "gold", "rank": 2}));
    crm.patch(Customer::object(), id, json!({"custom": {"level": null}})).await?;
    assert_eq!(custom(&crm).await?, json!({"rank": 2}));
    Ok(())
}

pub async fn numbers_are_given_once(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let node = if db.engine == Engine::Postgres { Crm { store: db.open(), ..crm.clone() } } else { crm.clone() };
    let other = crm.another(2).await;
    let mut writers = JoinSet::new();
    for writer in 0..12 {
        let crm = if writer % 2 == 0 { crm.clone() } else { node.clone() };
        writers.spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..15 {
                let record = crm.create(Customer::object(), json!({"name": "x"})).await?;
                numbers.push(record.get(recurring::NUMBER).expect("a number").to_owned());
            }
            assert!(numbers.is_sorted(), "numbers rise");
            Ok::<_, StoreError>(numbers)
        });
    }
    let mut all = Vec::new();
    while let Some(numbers) = writers.join_next().await {
        all.extend(numbers.expect("no writer panics")?);
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 12 * 15);
    let first = other.create(Customer::object(), json!({"name": "x"})).await?;
    assert_eq!(first.get(recurring::NUMBER), Some("C-000001"), "each tenant counts for itself");
    Ok(())
}

/// What was accepted before the store closed is done, and what comes after is refused.
pub async fn closing_finishes_what_was_accepted(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let accepted = Arc::new(AtomicBool::new(false));
    let slow = tokio::spawn({
        let (crm, accepted) = (crm.clone(), Arc::clone(&accepted));
        async move {
            crm.write(move |work, view| {
                accepted.store(true, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(100));
                view.create(work, Customer::object(), &json!({"name": "Acme"}))
            })
            .await
        }
    });
    while !accepted.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let store = crm.store.clone();
    tokio::task::spawn_blocking(move || store.close()).await.expect("no panic");
    slow.await.expect("no panic")?;
    assert!(matches!(count(&crm).await, Err(StoreError::Unavailable(_))));
    let again = Crm { store: db.open(), ..crm };
    assert_eq!(count(&again).await?, 1);
    assert_eq!(again.list(Tag::object(), &[]).await?.len(), 0);
    Ok(())
}

/// A closed database is its file alone: who copies the file then has all of it.
pub async fn closing_leaves_the_file_whole(db: TestDb) -> Result<(), StoreError> {
    let log = format!("{}-wal", db.path());
    let mut crm = Crm::new(&db).await;
    for round in 1..=10 {
        acme(&crm).await?;
        assert_eq!(count(&crm).await?, round);
        let store = crm.store.clone();
        tokio::task::spawn_blocking(move || store.close()).await.expect("no panic");
        assert!(!std::fs::exists(&log).unwrap_or(true), "a log is left beside the file");
        crm.store = db.open();
    }
    Ok(())
}
