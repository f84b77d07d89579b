//! Rows that are gathered and sent together are as those that are sent one by one.

use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    model::{entity::Entity, recurring},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{StoreError, WantedEvents};
use serde_json::{Value, json};

use crate::{
    crm::{Crm, by_user, now},
    support::TestDb,
};

/// More than one statement takes, and no multiple of it.
const MANY: i64 = 77;

fn at(number: i64) -> Timestamp {
    now().plus_seconds(number * 60)
}

/// Customers with a contact each, every one by another user at another time.
async fn fill(crm: &Crm, gather: bool) -> Result<Vec<Id>, StoreError> {
    let mut users = Vec::new();
    for name in ["anna", "boris"] {
        users.push(crm.user(name, None).await?.id());
    }
    let crew = users.clone();
    crm.write(move |work, view| {
        if gather {
            work.gather();
        }
        for number in 0..MANY {
            let user = crew[usize::try_from(number % 2).unwrap_or(0)];
            work.go_on_as(by_user(user, at(number)));
            let body = json!({
                "name": format!("Firm {number}"), "external_ids": {"sap": number.to_string()},
                "emails": [{"value": format!("info{number}@example.cn")}, {"value": format!("sales{number}@example.cn")}],
            });
            let customer = view.create(work, Customer::object(), &body)?;
            let body = json!({"name": format!("Li {number}"), "customer_id": customer.id()});
            view.create(work, Contact::object(), &body)?;
        }
        Ok(())
    })
    .await?;
    Ok(users)
}

/// All that can be seen of it, without what is drawn by lot.
async fn seen(crm: &Crm, users: &[Id]) -> Result<Value, StoreError> {
    let events = crm.read(|reader, _| reader.events((0, i64::MAX), &WantedEvents::default(), 1_000)).await?;
    let log: Vec<Value> = events
        .iter()
        .map(|event| {
            let user = event.user_id.and_then(|user| users.iter().position(|one| *one == user));
            json!([event.kind, event.at, user, event.version])
        })
        .collect();
    let mut firms = Vec::new();
    for customer in crm.list(Customer::object(), &[("sort", "created_at,name"), ("limit", "200")]).await? {
        let id = customer.id();
        let timeline = crm.read(move |reader, _| reader.timeline(("customer", id), i64::MAX, 10)).await?;
        let kinds: Vec<&str> = timeline.iter().map(|event| event.kind.as_str()).collect();
        let name = customer.get(recurring::NAME).unwrap_or_default().to_owned();
        let found = crm.list(Customer::object(), &[("q", &name)]).await?;
        let number = name.trim_start_matches("Firm ").to_owned();
        let of_mail = crm.list(Customer::object(), &[("emails_any", &format!("sales{number}@example.cn"))]).await?;
        let contacts = crm.list(Contact::object(), &[("customer_id", &id.to_string())]).await?;
        firms.push(json!([
            name,
            customer.get(recurring::CREATED_AT),
            customer.get(recurring::NUMBER),
            customer.get(recurring::EXTERNAL_IDS),
            kinds,
            found.iter().any(|other| other.id() == id),
            of_mail.iter().map(|other| other.id() == id).collect::<Vec<_>>(),
            contacts.iter().map(|contact| contact.get(recurring::CREATED_AT)).collect::<Vec<_>>(),
        ]));
    }
    Ok(json!([log, firms]))
}

pub async fn gathered_rows_are_as_single_ones(db: TestDb) -> Result<(), StoreError> {
    let one = Crm::new(&db).await;
    let other = one.another(2).await;
    let singly = fill(&one, false).await?;
    let together = fill(&other, true).await?;
    let (singly, together) = (seen(&one, &singly).await?, seen(&other, &together).await?);
    assert_eq!(singly, together);
    assert_eq!(together[1].as_array().map(Vec::len), usize::try_from(MANY).ok());
    assert_eq!(together[1][5][4], json!(["contact.created", "customer.created"]));
    assert_eq!((&together[1][5][5], &together[1][5][6]), (&json!(true), &json!([true])));
    Ok(())
}

/// A part that fails takes what it gathered with it, and nothing else.
pub async fn gathered_rows_go_with_their_part(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    crm.write(|work, view| {
        work.gather();
        view.create(work, Customer::object(), &json!({"name": "Before"}))?;
        let failed: Result<(), StoreError> = work.attempt(|work| {
            view.create(work, Customer::object(), &json!({"name": "Vanishing"}))?;
            Err(StoreError::Reference)
        });
        assert!(matches!(failed, Err(StoreError::Reference)));
        work.attempt(|work| view.create(work, Customer::object(), &json!({"name": "Within"})))?;
        view.create(work, Customer::object(), &json!({"name": "After"})).map(drop)
    })
    .await?;
    let mut names: Vec<String> = Vec::new();
    for customer in crm.list(Customer::object(), &[]).await? {
        names.extend(customer.get(recurring::NAME).map(str::to_owned));
    }
    names.sort();
    assert_eq!(names, ["After", "Before", "Within"]);
    let events = crm.read(|reader, _| reader.events((0, i64::MAX), &WantedEvents::default(), 10)).await?;
    assert_eq!(events.len(), 3);
    Ok(())
}
