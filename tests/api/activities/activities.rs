//! `/v1/activities`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{field, later, opportunity};
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn concern_several_records(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let globex = admin.create("customers", json!({"name": "Globex"})).await;
    let li = admin.create("contacts", json!({"name": "Li", "customer_id": acme})).await;
    let deal = opportunity(&admin, "Servers", &acme).await;
    let call = json!({"kind": "call", "body": "# 报价\n价格谈好了", "opportunity_id": deal, "direction": "outbound", "duration_seconds": 90,
        "occurred_at": "2026-03-01T08:00:00Z", "records": [{"object": "contact", "id": li}]});
    let call = admin.post("/v1/activities", call).await.ok(201);
    // The customer of the opportunity comes along, the subject out of the body.
    assert_eq!((&call["customer_id"], &call["contact_id"], &call["subject"]), (&json!(acme), &json!(li), &json!("报价")));
    assert_eq!((&call["ends_at"], &call["status"]), (&json!("2026-03-01T08:01:30.000Z"), &json!("done")));
    let path = format!("/v1/activities/{}", call["id"].as_str().unwrap());
    for id in [&acme, &li, &deal] {
        assert_eq!(admin.list(&format!("/v1/activities?records_any={id}"), "id").await, [call["id"].as_str().unwrap()]);
    }
    assert_eq!(admin.list("/v1/activities?customer.name=Acme", "subject").await, ["报价"]);
    assert_eq!(admin.names("/v1/customers?activities.kind=call").await, ["Acme"]);
    let both = json!({"records": [{"object": "customer", "id": globex}, {"object": "customer", "id": acme}]});
    let moved = admin.patch(&path, both).await.ok(200);
    assert_eq!((&moved["customer_id"], &moved["opportunity_id"]), (&json!(globex), &Value::Null));
    assert_eq!(admin.names("/v1/customers?activities.kind=call&sort=name").await, ["Acme", "Globex"]);
    let back = admin.patch(&path, json!({"customer_id": acme})).await.ok(200);
    assert_eq!(back["records"], json!([{"object": "customer", "id": acme}]));
    // On the timelines of all it concerned.
    for customer in [&acme, &globex] {
        let timeline = admin.list(&format!("/v1/customers/{customer}/timeline"), "type").await;
        assert_eq!(timeline.iter().filter(|kind| kind.starts_with("activity.")).count(), if *customer == acme { 3 } else { 2 });
    }
    let nobody = crate::support::new_id();
    let wrong = json!({"kind": "note", "subject": "x", "customer_id": nobody, "records": [{"object": "contact", "id": nobody}, {"object": "lorry", "id": nobody}]});
    let wrong = admin.post("/v1/activities", wrong).await;
    assert_eq!(wrong.faults(400), pairs(&[("/records/1/object", "unknown_choice")]));
    let wrong = json!({"kind": "note", "subject": "x", "customer_id": nobody, "records": [{"object": "contact", "id": li}, {"object": "contact", "id": nobody}]});
    let mut faults = admin.post("/v1/activities", wrong).await.faults(422);
    faults.sort();
    assert_eq!(faults, pairs(&[("/customer_id", "reference_not_found"), ("/records/1/id", "reference_not_found")]));
    let wrong = json!({"kind": "meeting", "status": "done", "occurred_at": later(3600), "attendees": [{"user_id": nobody}, {"name": "李伟"}]});
    let mut faults = admin.post("/v1/activities", wrong).await.faults(422);
    faults.sort();
    assert_eq!(faults, pairs(&[("/occurred_at", "too_late"), ("/subject", "required")]));
}

pub async fn are_read_with_what_they_concern(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let may = ["customer read own", "customer create own", "activity read own", "activity create own", "activity update own"];
    let anna = server.user_who_may(&admin, "Anna", &may, json!([]), json!({})).await;
    let bert = server.user_who_may(&admin, "Bert", &may, json!([]), json!({})).await;
    let hers = anna.create("customers", json!({"name": "Hers"})).await;
    let his = bert.create("customers", json!({"name": "His"})).await;
    let note = admin.create("activities", json!({"kind": "note", "subject": "Both", "records": [{"object": "customer", "id": hers}, {"object": "customer", "id": his}]})).await;
    admin.create("activities", json!({"kind": "note", "subject": "Only hers", "customer_id": hers})).await;
    assert_eq!(bert.list("/v1/activities", "subject").await, ["Both"]);
    let mut subjects = anna.list("/v1/activities", "subject").await;
    subjects.sort();
    assert_eq!(subjects, ["Both", "Only hers"]);
    bert.patch(&format!("/v1/activities/{note}"), json!({"subject": "Mine"})).await.refused(403, "forbidden");
    // Nobody attaches to what they cannot see.
    let sneaked = bert.post("/v1/activities", json!({"kind": "note", "subject": "x", "customer_id": hers})).await;
    assert_eq!(sneaked.faults(422), pairs(&[("/customer_id", "reference_not_found")]));
}

pub async fn keep_last_activity_and_next_task_of_records(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let globex = admin.create("customers", json!({"name": "Globex"})).await;
    let deal = opportunity(&admin, "Servers", &acme).await;
    let stage = field(&admin, &format!("/v1/opportunities/{deal}"), "stage_id").await;
    let pipeline = field(&admin, &format!("/v1/opportunities/{deal}"), "pipeline_id").await;
    let stage = format!("/v1/pipelines/{}/stages/{}", pipeline.as_str().unwrap(), stage.as_str().unwrap());
    admin.patch(&stage, json!({"rotting_days": 10})).await.ok(200);
    let (acme, globex, deal) =
        (format!("/v1/customers/{acme}"), format!("/v1/customers/{globex}"), format!("/v1/opportunities/{deal}"));
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let note = |at: &str, path: &str| {
        let record = if path.contains("customers") { "customer_id" } else { "opportunity_id" };
        json!({"kind": "note", "subject": "x", "occurred_at": at, record: id(path)})
    };
    let first = admin.create("activities", note("2026-03-01T08:00:00Z", &deal)).await;
    let second = admin.create("activities", note("2026-03-05T08:00:00Z", &acme)).await;
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-03-05T08:00:00.000Z");
    assert_eq!(field(&admin, &deal, "last_activity_at").await, "2026-03-01T08:00:00.000Z");
    assert_eq!(field(&admin, &acme, "version").await, 1);
    // What is planned is not done.
    admin
        .create("activities", json!({"kind": "meeting", "subject": "x", "occurred_at": later(3600), "customer_id": id(&acme)}))
        .await;
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-03-05T08:00:00.000Z");
    admin.delete(&format!("/v1/activities/{second}")).await.ok(204);
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-03-01T08:00:00.000Z");
    admin.post(&format!("/v1/activities/{second}/restore"), json!({})).await.ok(200);
    admin.patch(&format!("/v1/activities/{second}"), json!({"customer_id": id(&globex)})).await.ok(200);
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-03-01T08:00:00.000Z");
    assert_eq!(field(&admin, &globex, "last_activity_at").await, "2026-03-05T08:00:00.000Z");
    admin.patch(&format!("/v1/activities/{first}"), json!({"occurred_at": "2026-02-01T08:00:00Z"})).await.ok(200);
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-02-01T08:00:00.000Z");
    // Rotting follows an activity after the stage was entered.
    let rots = field(&admin, &deal, "rots_at").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now = admin.post("/v1/activities", json!({"kind": "note", "subject": "x", "opportunity_id": id(&deal)})).await.ok(201);
    let (rotting, at) = (field(&admin, &deal, "rots_at").await, now["occurred_at"].clone());
    let time = |value: &Value| farley_domain::values::time::Timestamp::parse(value.as_str().unwrap()).unwrap();
    assert_eq!(time(&rotting), time(&at).plus_seconds(10 * 24 * 3600));
    assert!(time(&rotting) > time(&rots));
    // Tasks.
    let task = |due: &str| json!({"subject": "x", "due_at": due, "opportunity_id": id(&deal)});
    let late = admin.create("tasks", task("2030-03-05T08:00:00Z")).await;
    let early = admin.create("tasks", task("2030-03-01T08:00:00Z")).await;
    for path in [&acme, &deal] {
        assert_eq!(field(&admin, path, "next_task_at").await, "2030-03-01T08:00:00.000Z");
    }
    admin.post(&format!("/v1/tasks/{early}/complete"), json!({})).await.ok(200);
    assert_eq!(field(&admin, &acme, "next_task_at").await, "2030-03-05T08:00:00.000Z");
    admin.post(&format!("/v1/tasks/{early}/reopen"), json!({})).await.ok(200);
    assert_eq!(field(&admin, &acme, "next_task_at").await, "2030-03-01T08:00:00.000Z");
    admin.patch(&format!("/v1/tasks/{early}"), json!({"status": "cancelled"})).await.ok(200);
    admin.delete(&format!("/v1/tasks/{late}")).await.ok(204);
    assert_eq!(field(&admin, &deal, "next_task_at").await, Value::Null);
    assert_eq!(
        admin.names("/v1/customers?next_task_at_null=true&last_activity_at_gte=2026-01-01T00:00:00Z&sort=name").await,
        ["Acme", "Globex"]
    );
}

/// Many at once, on records in different orders: what they tell is exact in the end.
pub async fn keep_them_exactly_under_load(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut customers = Vec::new();
    for number in 0..3 {
        customers.push(admin.create("customers", json!({"name": format!("C{number}")})).await);
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6_usize {
        let (admin, mut customers) = (admin.clone(), customers.clone());
        customers.rotate_left(writer % 3);
        writers.spawn(async move {
            for number in 0..8_usize {
                let records: Vec<Value> = customers.iter().map(|id| json!({"object": "customer", "id": id})).collect();
                let at = format!("2026-03-{:02}T{writer:02}:00:00Z", number + 1);
                let id = admin
                    .create("activities", json!({"kind": "note", "subject": "x", "occurred_at": at, "records": records}))
                    .await;
                if number > 3 {
                    admin.delete(&format!("/v1/activities/{id}")).await.ok(204);
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.expect("a writer ends well");
    }
    for id in &customers {
        assert_eq!(field(&admin, &format!("/v1/customers/{id}"), "last_activity_at").await, "2026-03-04T05:00:00.000Z");
    }
}
