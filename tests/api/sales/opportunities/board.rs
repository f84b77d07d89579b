//! `GET /v1/pipelines/{id}/board`.

use std::collections::{BTreeMap, BTreeSet};

use farley::http::clock;
use serde_json::{Value, json};

use crate::{
    client::Client,
    sales::{pipeline, yuan},
    server::Server,
    support::TestDb,
};

pub async fn cards_stay_where_they_are_dropped(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(admin.create("opportunities", json!({"name": format!("O{number}"), "amount": yuan(100 * number)})).await);
    }
    let board = async || admin.get(&format!("/v1/pipelines/{pipeline}/board?limit=3")).await.ok(200);
    let column = async |stage: &str| admin.names(&format!("/v1/opportunities?stage_id={stage}&sort=position")).await;
    assert_eq!(column(&stages[0]).await, ["O4", "O3", "O2", "O1", "O0"], "the newest is on top");
    let drop = async |card: usize, body: Value| admin.post(&format!("/v1/opportunities/{}/move", ids[card]), body).await.ok(200);
    drop(0, json!({"before_id": ids[3]})).await;
    assert_eq!(column(&stages[0]).await, ["O4", "O0", "O3", "O2", "O1"]);
    drop(4, json!({"after_id": ids[1]})).await;
    assert_eq!(column(&stages[0]).await, ["O0", "O3", "O2", "O1", "O4"]);
    drop(1, json!({"after_id": ids[0], "before_id": ids[3]})).await;
    assert_eq!(column(&stages[0]).await, ["O0", "O1", "O3", "O2", "O4"]);
    drop(2, json!({"stage_id": stages[1]})).await;
    drop(3, json!({"stage_id": stages[1], "after_id": ids[2]})).await;
    assert_eq!(column(&stages[1]).await, ["O2", "O3"]);
    let faults = admin.post(&format!("/v1/opportunities/{}/move", ids[0]), json!({"after_id": ids[2]})).await.faults(422);
    assert_eq!(faults[0].0, "/after_id", "of another stage");
    admin.create("opportunities", json!({"name": "USD", "amount": {"amount": 7, "currency": "USD"}, "probability": 50})).await;
    let board = board().await;
    let shown = board["stages"].as_array().unwrap();
    assert_eq!(shown.len(), 4, "open stages only");
    assert_eq!((&shown[0]["count"], &shown[1]["count"]), (&json!(4), &json!(2)));
    let mut totals = shown[0]["totals"].as_array().unwrap().clone();
    totals.sort_by_key(|total| total["currency"].to_string());
    assert_eq!(totals[0], json!({"currency": "CNY", "count": 3, "amount": 500, "weighted": 50}));
    assert_eq!(totals[1], json!({"currency": "USD", "count": 1, "amount": 7, "weighted": 4}), "half a minor unit is rounded up");
    assert_eq!(shown[0]["opportunities"].as_array().unwrap().len(), 3);
    let cursor = shown[0]["page"]["next"].as_str().unwrap();
    let rest = admin
        .names(&format!("/v1/opportunities?pipeline_id={pipeline}&stage_id={}&sort=position&cursor={cursor}", stages[0]))
        .await;
    assert_eq!(rest, ["O4"]);
    let mine = admin.get(&format!("/v1/pipelines/{pipeline}/board?name=O2")).await.ok(200);
    assert_eq!((&mine["stages"][0]["count"], &mine["stages"][1]["count"]), (&json!(0), &json!(1)));
}

/// The count of opportunities and the sums of their amounts by currency, added up one by one; null last.
fn tally(records: &[&Value]) -> (i64, Vec<Value>) {
    let mut sums: BTreeMap<(bool, String), (i64, i64)> = BTreeMap::new();
    for record in records {
        let currency = record["amount"]["currency"].as_str();
        let sum = sums.entry((currency.is_none(), currency.unwrap_or_default().to_owned())).or_default();
        sum.0 += 1;
        sum.1 += record["amount"]["amount"].as_i64().unwrap_or(0);
    }
    let totals = sums.into_iter().map(|((is_none, currency), (count, amount))| {
        json!({"currency": if is_none { Value::Null } else { json!(currency) }, "count": count, "amount": amount})
    });
    (i64::try_from(records.len()).unwrap(), totals.collect())
}

/// The reasons of a stage: the most frequent first, then by name, null last; at most 50.
fn reasons(records: &[&Value]) -> Vec<Value> {
    let names: BTreeSet<Option<&str>> = records.iter().map(|record| record["close_reason"].as_str()).collect();
    let mut reasons: Vec<(i64, bool, Option<&str>, Vec<Value>)> = names
        .into_iter()
        .map(|name| {
            let own: Vec<&Value> = records.iter().copied().filter(|record| record["close_reason"].as_str() == name).collect();
            let (count, totals) = tally(&own);
            (-count, name.is_none(), name, totals)
        })
        .collect();
    reasons.sort_by_key(|(count, is_none, name, _)| (*count, *is_none, *name));
    let told = reasons.into_iter().map(|(count, _, name, totals)| json!({"reason": name, "count": -count, "totals": totals}));
    told.take(50).collect()
}

/// A column of the board against the opportunities themselves.
async fn agrees(client: &Client, column: &Value, all: &[Value], filters: &str) {
    let stage = column["id"].as_str().unwrap();
    let own: Vec<&Value> = all.iter().filter(|record| record["stage_id"] == stage).collect();
    let (count, totals) = tally(&own);
    assert_eq!(column["count"], count, "{column}");
    let told: Vec<Value> = column["totals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|total| json!({"currency": total["currency"], "count": total["count"], "amount": total["amount"]}))
        .collect();
    assert_eq!(told, totals, "{column}");
    assert_eq!(column["reasons"], json!(reasons(&own)), "{column}");
    // The first of them, and the rest after the cursor.
    let names = |value: &Value| value.as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    let mut shown = names(&column["opportunities"]);
    if let Some(cursor) = column["page"]["next"].as_str() {
        let rest =
            client.get(&format!("/v1/opportunities?stage_id={stage}&sort=position&limit=200&cursor={cursor}{filters}")).await;
        shown.extend(names(&rest.ok(200)["data"]));
    }
    let mut placed = own;
    placed.sort_by_key(|record| (record["position"].as_str().unwrap().to_owned(), record["id"].as_str().unwrap().to_owned()));
    assert_eq!(shown, placed.iter().map(|record| record["id"].clone()).collect::<Vec<_>>());
}

pub async fn closed_stages_tell_why(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    admin.patch(&format!("/v1/pipelines/{pipeline}"), json!({"reason_required": false})).await.ok(200);
    let path = format!("/v1/pipelines/{pipeline}/board");
    let second =
        admin.post(&format!("/v1/pipelines/{pipeline}/stages"), json!({"name": "Lost early", "kind": "lost"})).await.ok(201);
    let second = second["id"].as_str().unwrap().to_owned();
    let empty = admin.get(&format!("{path}?include=closed")).await.ok(200);
    let kinds: Vec<&Value> = empty["closed_stages"].as_array().unwrap().iter().map(|column| &column["kind"]).collect();
    assert_eq!(kinds, ["won", "lost", "lost"]);
    // More reasons than are told, in several currencies, some without an amount or a reason.
    for number in 0..150_i64 {
        let stage =
            if number % 10 == 0 { &stages[0] } else { [&stages[4], &stages[5], &second][usize::try_from(number % 3).unwrap()] };
        let mut body = json!({"name": format!("O{}", number % 4), "stage_id": stage});
        if number % 7 != 0 {
            body["amount"] = json!({"amount": number * 101, "currency": if number % 5 == 0 { "USD" } else { "CNY" }});
        }
        if stage != &stages[0] && number % 11 != 0 {
            let reason = if number % 3 == 1 {
                format!("原因 {number}")
            } else {
                ["价格", "price", "Price", "关系"][usize::try_from(number % 4).unwrap()].to_owned()
            };
            body["close_reason"] = json!(reason);
        }
        admin.create("opportunities", body).await;
    }
    for number in 0..30 {
        admin
            .create("opportunities", json!({"name": "more", "stage_id": stages[5], "close_reason": format!("and {number}")}))
            .await;
    }
    let gone = admin.create("opportunities", json!({"name": "gone", "stage_id": stages[5], "close_reason": "价格"})).await;
    admin.delete(&format!("/v1/opportunities/{gone}")).await.ok(204);
    let all = admin.get("/v1/opportunities?limit=200").await.ok(200)["data"].as_array().unwrap().clone();
    for filters in ["", "&name=O2", "&name_in=O1,more"] {
        let matching: Vec<Value> =
            admin.get(&format!("/v1/opportunities?limit=200{filters}")).await.ok(200)["data"].as_array().unwrap().clone();
        let board = admin.get(&format!("{path}?limit=4&include=closed{filters}")).await.ok(200);
        let columns = board["closed_stages"].as_array().unwrap();
        let ids: Vec<&str> = columns.iter().map(|column| column["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [&stages[4], &stages[5], &second]);
        for column in columns {
            agrees(&admin, column, &matching, filters).await;
        }
        // All else is as without them.
        let plain = admin.get(&format!("{path}?limit=4{filters}")).await.ok(200);
        assert_eq!(plain.as_object().unwrap().keys().collect::<Vec<_>>(), ["stages"]);
        assert_eq!(plain["stages"], board["stages"]);
    }
    let board = admin.get(&format!("{path}?limit=0&include=closed")).await.ok(200);
    assert_eq!(board["closed_stages"][1]["reasons"].as_array().unwrap().len(), 50, "at most so many");
    assert_eq!(board["closed_stages"][1]["opportunities"], json!([]));
    // A closed stage that is retired is shown as long as something is in it.
    let fresh = admin.post(&format!("/v1/pipelines/{pipeline}/stages"), json!({"name": "Unused", "kind": "won"})).await.ok(201);
    admin.delete(&format!("/v1/pipelines/{pipeline}/stages/{}", fresh["id"].as_str().unwrap())).await.ok(204);
    assert_eq!(admin.get(&format!("{path}?include=closed")).await.ok(200)["closed_stages"].as_array().unwrap().len(), 3);
    // Of the past the reasons were not kept, and the latest to come are the first.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let then = clock::now();
    let past = admin.get(&format!("{path}?include=closed&as_of={then}")).await.ok(200);
    let won = all.iter().filter(|record| record["status"] == "won").count();
    assert_eq!((&past["closed_stages"][0]["count"], &past["closed_stages"][0]["reasons"]), (&json!(won), &Value::Null));
    let entered: Vec<&str> = past["closed_stages"][0]["opportunities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["stage_entered_at"].as_str().unwrap())
        .collect();
    assert!(entered.is_sorted_by(|left, right| left >= right), "{entered:?}");
    // What a role hides is told by nothing.
    let may = &["pipeline read all", "opportunity read all"];
    for (name, hidden) in [("no amounts", "amount"), ("no reasons", "close_reason")] {
        let rules = json!([{"object": "opportunity", "field": hidden, "rule": "hidden"}]);
        let clerk = server.user_who_may(&admin, name, may, rules, json!({})).await;
        let column = clerk.get(&format!("{path}?include=closed")).await.ok(200)["closed_stages"][0].clone();
        assert_eq!(column["count"], won);
        if hidden == "amount" {
            assert_eq!(column["totals"], json!([]));
            assert!(column["reasons"].as_array().unwrap().iter().all(|reason| reason["totals"] == json!([])), "{column}");
        } else {
            assert_eq!(column["reasons"], Value::Null);
        }
    }
    assert_eq!(
        admin.get(&format!("{path}?include=open")).await.faults(400),
        [("include".to_owned(), "unknown_choice".to_owned())]
    );
}
