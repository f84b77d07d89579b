//! `POST /v1/rules/dry-run`: what is told is what happens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{once, ran, runs};
use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides).unwrap()
    }
}

const REGIONS: [&str; 3] = ["a", "b", "c"];
const CUSTOMERS: usize = 12;
const ROUNDS: usize = 5;

/// What is done to each customer in each round: a new region, a new industry, or nothing.
fn history() -> Vec<Vec<Value>> {
    let mut dice = Dice(20_261_129);
    (0..ROUNDS)
        .map(|_| {
            let change = |dice: &mut Dice| match dice.roll(3) {
                0 => json!({"region": REGIONS[dice.roll(3)]}),
                1 => json!({"industry": REGIONS[dice.roll(3)]}),
                _ => json!({}),
            };
            (0..CUSTOMERS).map(|_| change(&mut dice)).collect()
        })
        .collect()
}

/// Waits until the rules have come so far in the log: until a rule that is there for nothing else has acted.
async fn caught_up(client: &Client, marker: &str, times: i64) {
    client.create("products", json!({"name": format!("marker {times}")})).await;
    ran(client, marker, times).await;
}

/// Lives through the history; the ids of the customers.
async fn live(client: &Client, marker: Option<(&str, i64)>) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..CUSTOMERS {
        ids.push(client.create("customers", json!({"name": format!("C{number}"), "region": REGIONS[number % 3]})).await);
    }
    let mut times = marker.map_or(0, |(_, times)| times);
    for round in history() {
        if let Some((marker, _)) = marker {
            times += 1;
            caught_up(client, marker, times).await;
        }
        for (id, change) in ids.iter().zip(round) {
            client.patch(&format!("/v1/customers/{id}"), change).await.ok(200);
        }
    }
    if let Some((marker, _)) = marker {
        caught_up(client, marker, times + 1).await;
    }
    ids
}

/// How often a rule acts on each customer, by their place, and on which types of events.
fn by_place(ids: &[String], runs: &[Value]) -> BTreeMap<(usize, String), usize> {
    let mut counts = BTreeMap::new();
    for run in runs {
        let place = ids.iter().position(|id| run["record_id"] == id.as_str());
        if let Some(place) = place {
            *counts.entry((place, run["event_type"].as_str().unwrap().to_owned())).or_insert(0) += 1;
        }
    }
    counts
}

pub async fn a_dry_run_tells_what_then_happens(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let past = live(&admin, None).await;
    let tag = admin.create("tags", json!({"name": "seen"})).await;
    let rules = [
        json!({"name": "one", "object": "customer", "trigger": {"types": ["customer.created", "customer.updated"]},
               "filter": {"field": "region", "op": "eq", "value": "a"}, "actions": [{"type": "add_tags", "tag_ids": [tag]}]}),
        json!({"name": "two", "object": "customer", "trigger": {"types": ["customer.updated"], "changed": ["industry"]},
               "filter": {"and": [{"field": "region", "op": "in", "value": ["a", "b"]}, {"field": "industry", "op": "ne", "value": "c"}]},
               "actions": [{"type": "create_task", "subject": "{name}"}]}),
        json!({"name": "three", "object": "customer", "trigger": {"types": ["customer.created"], "changed": ["region"]}, "actions": [{"type": "notify", "to": ["owner"]}]}),
    ];
    let before = admin.get("/v1/changes?cursor=now").await.ok(200)["page"]["next"].clone();
    let mut told = Vec::new();
    for rule in &rules {
        let rehearsed = admin.post("/v1/rules/dry-run", json!({"rule": rule, "limit": 200})).await.ok(200);
        assert_eq!(rehearsed["has_more"], false);
        let data = rehearsed["data"].as_array().unwrap().clone();
        assert!(!data.is_empty(), "{rule}");
        assert!(data.iter().all(|run| run["outcome"] == "done"), "{data:?}");
        told.push(by_place(&past, &data));
    }
    let first = admin.post("/v1/rules/dry-run", json!({"rule": rules[0], "limit": 1})).await.ok(200);
    assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (1, &json!(true)));
    assert_eq!(first["data"][0]["changes"][0]["type"], "customer.updated");
    assert_eq!(first["data"][0]["changes"][0]["changes"]["tag_ids"]["to"], json!([tag]));
    let after = admin.get(&format!("/v1/changes?cursor={}", before.as_str().unwrap())).await.ok(200);
    assert_eq!(after["data"], json!([]), "nothing was written");
    assert_eq!(admin.list("/v1/tasks", "id").await, [""; 0]);
    assert_eq!(admin.list("/v1/rules", "id").await, [""; 0]);
    // The same history once more, with the rules at work.
    let marker = json!({"name": "marker", "object": "product", "sort_order": 0, "trigger": {"types": ["product.created"]}, "actions": [{"type": "notify", "to": ["owner"], "user_ids": [admin.id]}]});
    let marker = admin.create("rules", marker).await;
    let mut ids = Vec::new();
    for rule in &rules {
        ids.push(admin.create("rules", rule.clone()).await);
    }
    let lived = live(&admin, Some((&marker, 0))).await;
    for (rule, told) in ids.iter().zip(&told) {
        let happened = by_place(&lived, &runs(&admin, rule).await);
        assert_eq!(&happened, told, "{}", admin.get(&format!("/v1/rules/{rule}")).await.ok(200)["name"]);
    }
    // Of a saved rule the same is told; of a part of the past, that part.
    let saved = admin.post(&format!("/v1/rules/{}/dry-run", ids[1]), json!({"limit": 200})).await.ok(200);
    assert_eq!(by_place(&past, saved["data"].as_array().unwrap()), told[1]);
    let none = json!({"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"});
    assert_eq!(admin.post(&format!("/v1/rules/{}/dry-run", ids[1]), none).await.ok(200)["data"], json!([]));
    let wrong =
        json!({"rule": {"object": "customer", "trigger": {"types": ["x"]}, "actions": [{"type": "set", "fields": {"x": 1}}]}});
    let faults = admin.post("/v1/rules/dry-run", wrong).await.faults(400);
    assert_eq!(faults, pairs(&[("/rule/trigger/types/0", "unknown_choice"), ("/rule/actions/0/fields/x", "unknown_member")]));
    let failing = json!({"object": "customer", "trigger": {"types": ["customer.created"]}, "actions": [{"type": "set", "fields": {"parent_id": past[0]}}]});
    let failing = admin.post("/v1/rules/dry-run", json!({"rule": failing, "limit": 200})).await.ok(200);
    let failed: Vec<&Value> = failing["data"].as_array().unwrap().iter().filter(|run| run["outcome"] == "failed").collect();
    assert_eq!((failed.len(), &failed[0]["record_id"]), (1, &json!(past[0])), "nobody is their own parent");
}

pub async fn a_dry_run_tells_what_comes_due(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let ago = |minutes: i64| farley::http::clock::now().plus_seconds(-60 * minutes).to_string();
    let [due, _] = [
        admin.create("tickets", json!({"subject": "due", "opened_at": ago(90)})).await,
        admin.create("tickets", json!({"subject": "not yet", "opened_at": ago(10)})).await,
    ];
    let rule = json!({"object": "ticket", "trigger": {"field": "waiting_since", "minutes": 60}, "actions": [{"type": "perform", "action": "solve"}]});
    let told = admin.post("/v1/rules/dry-run", json!({"rule": rule})).await.ok(200);
    let data = told["data"].as_array().unwrap();
    assert_eq!((data.len(), &data[0]["record_id"], &data[0]["event_id"]), (1, &json!(due), &Value::Null), "{told}");
    assert_eq!(data[0]["changes"][0]["type"], "ticket.status_changed");
    assert_eq!(admin.get(&format!("/v1/tickets/{due}")).await.ok(200)["version"], 1);
    let mut rule = rule;
    rule["name"] = json!("now for real");
    let rule = admin.create("rules", rule).await;
    ran(&admin, &rule, 1).await;
    once(&admin, &format!("/v1/tickets/{due}"), |ticket| ticket["status"] == "solved").await;
    // Whoever may not do what the rule does is not told what it would do.
    let reader = server
        .user_who_may(&admin, "reader", &["rule read all", "rule update all", "ticket read all"], json!([]), json!({}))
        .await;
    reader.post(&format!("/v1/rules/{rule}/dry-run"), json!({})).await.refused(403, "permission_not_held");
}
