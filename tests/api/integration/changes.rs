//! `/v1/changes`: everything that happened, in order, with no gap.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn tell_what_happened_in_order(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let start = admin.get("/v1/changes?limit=200").await.ok(200)["page"]["next"].as_str().unwrap().to_owned();
    let id = admin.create("customers", json!({"name": "Acme"})).await;
    let path = format!("/v1/customers/{id}");
    admin.patch(&path, json!({"name": "Acme 2", "industry": "IT"})).header("X-Request-Id", "mine").await.ok(200);
    admin.delete(&path).await.ok(204);
    let page = admin.get(&format!("/v1/changes?cursor={start}")).await.ok(200);
    let events = page["data"].as_array().unwrap();
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["customer.created", "customer.updated", "customer.archived"]);
    assert_eq!(events[1]["changes"]["name"], json!({"from": "Acme", "to": "Acme 2"}));
    assert_eq!(
        (&events[1]["version"], &events[1]["record_id"], &events[1]["request_id"]),
        (&json!(2), &json!(id), &json!("mine"))
    );
    assert_eq!(events[1]["actor"], json!({"kind": "user", "user_id": admin.id, "api_key_id": null}));
    assert!(events[2]["changes"]["archived_at"]["to"].is_string(), "a tombstone: {}", events[2]);
    // Nothing new: the same place, to come back to.
    let next = page["page"]["next"].as_str().unwrap();
    let empty = admin.get(&format!("/v1/changes?cursor={next}")).await.ok(200);
    assert_eq!(empty, json!({"data": [], "page": {"next": next, "has_more": false}}));
    let chosen = admin.list(&format!("/v1/changes?cursor={start}&types=customer.archived,customer.created"), "type").await;
    assert_eq!(chosen, ["customer.created", "customer.archived"]);
    for (query, fault) in
        [("cursor=x", ("cursor", "invalid_cursor")), ("limit=0", ("limit", "too_small")), ("limit=500", ("limit", "too_large"))]
    {
        assert_eq!(admin.get(&format!("/v1/changes?{query}")).await.faults(400), pairs(&[fault]));
    }
}

/// From now on, the latest first, of one object or record; and what is filtered out is passed over, not waited for.
pub async fn are_read_from_either_end_and_in_part(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let id = admin.create("customers", json!({"name": "Acme"})).await;
    let now = admin.get("/v1/changes?cursor=now").await.ok(200);
    assert_eq!((&now["data"], &now["page"]["has_more"]), (&json!([]), &json!(false)));
    let now = now["page"]["next"].as_str().unwrap().to_owned();
    let path = format!("/v1/customers/{id}");
    admin.patch(&path, json!({"name": "Acme 2"})).await.ok(200);
    let tag = admin.create("tags", json!({"name": "x"})).await;
    admin.patch(&path, json!({"name": "Acme 3"})).await.ok(200);
    let types = async |query: &str| admin.list(&format!("/v1/changes?{query}"), "type").await;
    assert_eq!(types(&format!("cursor={now}")).await, ["customer.updated", "tag.created", "customer.updated"]);
    assert_eq!(types(&format!("cursor={now}&object=tag")).await, ["tag.created"]);
    assert_eq!(types(&format!("record_id={tag}")).await, ["tag.created"]);
    let newest = admin.get(&format!("/v1/changes?order=newest&record_id={id}&limit=2")).await.ok(200);
    let versions =
        |page: &Value| page["data"].as_array().unwrap().iter().map(|event| event["version"].clone()).collect::<Vec<_>>();
    assert_eq!((versions(&newest), &newest["page"]["has_more"]), (vec![json!(3), json!(2)], &json!(true)));
    let next = newest["page"]["next"].as_str().unwrap();
    let older = admin.get(&format!("/v1/changes?order=newest&record_id={id}&limit=2&cursor={next}")).await.ok(200);
    assert_eq!((versions(&older), &older["page"]["has_more"]), (vec![json!(1)], &json!(false)));
    // The whole log backwards is the whole log forwards.
    let mut forwards = types("limit=200").await;
    forwards.reverse();
    assert_eq!(types("limit=200&order=newest").await, forwards);
    // A filter without hits goes on all the same: what comes later is read from there.
    let page = admin.get(&format!("/v1/changes?cursor={now}&types=customer.archived")).await.ok(200);
    let next = page["page"]["next"].as_str().unwrap();
    assert_ne!(next, now);
    assert_eq!(types(&format!("cursor={next}")).await, Vec::<String>::new());
    admin.delete(&path).await.ok(204);
    assert_eq!(types(&format!("cursor={next}&types=customer.archived")).await, ["customer.archived"]);
    for (query, fault) in [
        ("types=customer.created,customer.exploded", ("types", "unknown_choice")),
        ("types=custmer.created", ("types", "unknown_choice")),
        ("object=custmer", ("object", "unknown_choice")),
        ("record_id=x", ("record_id", "invalid_id")),
        ("order=latest", ("order", "unknown_choice")),
    ] {
        assert_eq!(admin.get(&format!("/v1/changes?{query}")).await.faults(400), pairs(&[fault]), "{query}");
    }
}

/// A reader that follows the feed while many write misses none of their events.
pub async fn are_missed_by_no_reader(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let done = Arc::new(AtomicBool::new(false));
    let reading = {
        let (admin, done) = (admin.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let last = done.load(Ordering::SeqCst);
                let page = admin.get(&format!("/v1/changes?types=customer.created&limit=10{cursor}")).await.ok(200);
                let events = page["data"].as_array().unwrap();
                seen.extend(events.iter().map(|event| event["record_id"].as_str().unwrap().to_owned()));
                cursor = format!("&cursor={}", page["page"]["next"].as_str().unwrap());
                if last && page["page"]["has_more"] == false {
                    return seen;
                }
            }
        })
    };
    let writers = (0..6).map(|writer| {
        let admin = admin.clone();
        tokio::spawn(async move {
            let mut made = Vec::new();
            for number in 0..10 {
                made.push(admin.create("customers", json!({"name": format!("{writer} {number}")})).await);
            }
            made
        })
    });
    let mut made = HashSet::new();
    for writer in writers.collect::<Vec<_>>() {
        made.extend(writer.await.unwrap());
    }
    done.store(true, Ordering::SeqCst);
    let seen = reading.await.unwrap();
    let distinct: HashSet<String> = seen.iter().cloned().collect();
    assert_eq!((distinct.len(), seen.len()), (60, 60), "something was missed, or came twice to one reader");
    assert_eq!(distinct, made);
    let _: Value = admin.get("/v1/changes").await.ok(200);
}
