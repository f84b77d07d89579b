//! Lists as of a time, and the ledger.

use serde_json::{Value, json};

use crate::{
    sales::{pipeline, yuan},
    server::Server,
    support::TestDb,
};

pub async fn is_read_from_the_ledger(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (_, stages) = pipeline(&admin).await;
    // A sale of another system, with its stages and their times.
    let body = json!({
        "name": "Old sale", "stage_id": stages[4], "amount": yuan(500), "opened_at": "2017-01-01T00:00:00Z",
        "closed_at": "2017-03-01T00:00:00Z", "close_reason": "price",
        "stage_history": [
            {"stage_id": stages[0], "entered_at": "2017-01-01T00:00:00Z"},
            {"stage_id": stages[2], "entered_at": "2017-02-01T00:00:00Z"},
        ],
    });
    let old = admin.post("/v1/opportunities", body.clone()).await.ok(201);
    assert_eq!((&old["status"], &old["stage_entered_at"]), (&json!("won"), &json!("2017-03-01T00:00:00.000Z")));
    let new = admin.create("opportunities", json!({"name": "New sale", "amount": yuan(100)})).await;
    let ledger = admin.get(&format!("/v1/opportunities/{}/ledger", old["id"].as_str().unwrap())).await.ok(200);
    let times: Vec<&str> = ledger["data"].as_array().unwrap().iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert_eq!(times, ["2017-03-01T00:00:00.000Z", "2017-02-01T00:00:00.000Z", "2017-01-01T00:00:00.000Z"]);
    assert_eq!(ledger["data"][0]["seconds_in_former_step"], 28 * 86_400);
    let as_of = async |time: &str, filter: &str| {
        let list = admin.get(&format!("/v1/opportunities?as_of={time}&total=true{filter}")).await.ok(200);
        (list["page"]["total"].as_i64().unwrap(), list["data"].clone())
    };
    assert_eq!(as_of("2016-12-31T00:00:00Z", "").await.0, 0);
    let (count, then) = as_of("2017-01-15T00:00:00Z", "").await;
    assert_eq!((count, &then[0]["stage_id"], &then[0]["status"]), (1, &json!(stages[0]), &json!("open")));
    assert_eq!(as_of("2017-02-15T00:00:00Z", &format!("&stage_id={}", stages[2])).await.0, 1);
    assert_eq!(as_of("2017-02-15T00:00:00Z", "&status=won").await.0, 0);
    assert_eq!(as_of("2017-03-01T00:00:00Z", "&status=won").await.0, 1);
    // What changes now leaves the past as it was.
    let before = admin.get(&format!("/v1/opportunities/{new}")).await.ok(200)["updated_at"].as_str().unwrap().to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    admin
        .patch(&format!("/v1/opportunities/{new}"), json!({"amount": yuan(900), "expected_close_on": "2027-01-01"}))
        .await
        .ok(200);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    admin.delete(&format!("/v1/opportunities/{new}")).await.ok(204);
    let (_, then) = as_of(&before, "&name=New%20sale").await;
    assert_eq!((&then[0]["amount"], &then[0]["expected_close_on"]), (&yuan(100), &Value::Null));
    assert!(then[0]["archived_at"].is_null(), "not yet archived then");
    let search = json!({"filter": {"field": "status", "op": "eq", "value": "open"}, "as_of": "2017-01-15T00:00:00Z"});
    assert_eq!(admin.post("/v1/opportunities/search", search).await.each("name"), ["Old sale"]);
    let faults = admin.get("/v1/opportunities?as_of=once").await.faults(400);
    assert_eq!(faults[0].0, "as_of");
    assert_eq!(admin.get("/v1/customers?as_of=-1d").await.faults(400)[0].1, "unknown_parameter");
    // A history must be one: in order, past, and of this pipeline.
    for (history, code) in [
        (
            json!([{"stage_id": stages[0], "entered_at": "2017-02-01T00:00:00Z"}, {"stage_id": stages[1], "entered_at": "2017-01-01T00:00:00Z"}]),
            "too_early",
        ),
        (json!([{"stage_id": stages[0], "entered_at": "2999-02-01T00:00:00Z"}]), "too_late"),
        (json!([{"stage_id": stages[5], "entered_at": "2017-02-01T00:00:00Z"}]), "stage_of_other_pipeline"),
    ] {
        let mut bad = body.clone();
        bad["stage_history"] = history;
        let answer = admin.post("/v1/opportunities", bad).await;
        assert!(answer.text.contains(code), "{code}: {}", answer.text);
    }
}
