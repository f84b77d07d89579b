//! `GET /v1/pipelines/{id}/board`.

use serde_json::{Value, json};

use crate::{
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
