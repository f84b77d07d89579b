//! `GET /v1/reports/sales-funnel`.

use serde_json::{Value, json};

use super::{is_listed, sales, yuan};
use crate::{server::Server, support::TestDb};

pub async fn counts_a_cohort(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = sales(&admin).await;
    let funnel = admin.get("/v1/reports/sales-funnel").await.ok(200);
    assert_eq!((&funnel["pipeline_id"], &funnel["basis"]), (&json!(pipeline), &json!("cohort")));
    let all = &funnel["slices"][0];
    assert_eq!((&all["all"]["count"], &all["won"]["count"], &all["lost"]["count"]), (&json!(6), &json!(2), &json!(2)));
    assert_eq!((&all["win_rate"], &all["won"]["amounts"]), (&json!(0.5), &json!([yuan(500)])));
    // A took a month and C took a month of 28 days.
    let cycle = f64::from(31 + 28) / 2.0 * 86_400.0;
    assert_eq!(all["mean_cycle_seconds"], json!(cycle));
    let velocity = (6.0 * 0.5 * 250.0 / (cycle / 86_400.0)).round();
    assert_eq!(all["velocity"][0]["amount"].as_f64(), Some(velocity));
    let columns =
        |name: &str| -> Vec<Value> { all["stages"].as_array().unwrap().iter().map(|stage| stage[name].clone()).collect() };
    let counts = |name: &str| -> Vec<i64> { columns(name).iter().map(|figure| figure["count"].as_i64().unwrap()).collect() };
    assert_eq!(columns("id"), stages.iter().map(|stage| json!(stage)).collect::<Vec<_>>());
    assert_eq!(counts("entered"), [6, 4, 3, 1, 2, 2]);
    assert_eq!(counts("reached_next"), [5, 2, 2, 1, 0, 0]);
    assert_eq!(counts("won"), [2, 1, 2, 1, 2, 0]);
    assert_eq!(counts("current"), [1, 1, 0, 0, 2, 2]);
    assert_eq!(columns("conversion_to_next")[1], json!(0.5));
    assert_eq!(columns("conversion_to_won")[0], json!(2.0 / 6.0));
    assert_eq!(columns("conversion_to_next")[4], Value::Null);
    // From the second stage: A and F went on, B was lost, E went back once.
    let left: Vec<(Value, i64)> = all["stages"][1]["left_to"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["stage_id"].clone(), one["count"].as_i64().unwrap()))
        .collect();
    assert_eq!(left, [(json!(stages[0]), 1), (json!(stages[2]), 2), (json!(stages[5]), 1)]);
    let ten_days = 864_000.0;
    assert_eq!(columns("median_seconds")[1], json!(ten_days));
    assert!(columns("mean_seconds")[4].is_null());
    for stage in all["stages"].as_array().unwrap() {
        for figure in ["current", "entered", "reached_next", "won"] {
            is_listed(&admin, &stage[figure]).await;
        }
    }
    for figure in ["all", "won", "lost"] {
        is_listed(&admin, &all[figure]).await;
    }
    // A cohort of two months, sliced, and filtered; days are those of the tenant's zone.
    let funnel = admin.get("/v1/reports/sales-funnel?from=2017-01-01&to=2017-03-01&slice=source&amount_lt=800").await.ok(200);
    let slices: Vec<(Value, Value)> = funnel["slices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slice| (slice["value"].clone(), slice["all"]["count"].clone()))
        .collect();
    assert_eq!(slices, [(json!("fair"), json!(2)), (json!("web"), json!(1))]);
    for slice in funnel["slices"].as_array().unwrap() {
        is_listed(&admin, &slice["all"]).await;
        is_listed(&admin, &slice["stages"][2]["entered"]).await;
    }
    let related = admin.get("/v1/reports/sales-funnel?slice=owner.name&from=2017-02-01&to=2017-02-28").await.ok(200);
    assert_eq!((&related["slices"][0]["value"], &related["slices"][0]["all"]["count"]), (&json!("Administrator"), &json!(2)));
    // Nothing is zero, not an error.
    let nothing = admin.get("/v1/reports/sales-funnel?from=2016-01-01&to=2016-02-01").await.ok(200);
    assert_eq!((&nothing["slices"][0]["all"]["count"], &nothing["slices"][0]["win_rate"]), (&json!(0), &Value::Null));
    let faults = admin.get("/v1/reports/sales-funnel?basis=x&from=then&slice=amount&pipeline_id=1&sort=name").await.faults(400);
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.0.as_str()).collect();
    assert_eq!(pointers, ["basis", "from", "pipeline_id", "slice", "sort"]);
}

pub async fn shows_a_snapshot(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    sales(&admin).await;
    let counts = |funnel: &Value| -> Vec<i64> {
        funnel["slices"][0]["stages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stage| stage["current"]["count"].as_i64().unwrap())
            .collect()
    };
    let now = admin.get("/v1/reports/sales-funnel?basis=snapshot").await.ok(200);
    assert_eq!(counts(&now), [1, 1, 0, 0, 2, 2]);
    assert_eq!(now["slices"][0]["stages"][0]["entered"], Value::Null);
    let then = admin.get("/v1/reports/sales-funnel?basis=snapshot&as_of=2017-02-15T00:00:00Z").await.ok(200);
    // A is won, B lost; C has been in the third stage since the 11th; D has just begun.
    assert_eq!(counts(&then), [1, 0, 1, 0, 1, 1]);
    let third = &then["slices"][0]["stages"][2]["current"];
    let listed = json!({"filter": third["filter"], "as_of": "2017-02-15T00:00:00Z"});
    let listed = admin.post("/v1/opportunities/search", listed).await.each("id").join(",");
    assert_eq!(admin.names(&format!("/v1/opportunities?id_in={listed}")).await, ["C"]);
    assert_eq!(admin.get("/v1/reports/sales-funnel?as_of=-1d").await.faults(400)[0].0, "as_of");
    // Who sees no opportunity counts none; who sees the team's counts those.
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    let own = seller.get("/v1/reports/sales-funnel?basis=snapshot").await.ok(200);
    assert_eq!(own["slices"][0]["all"]["count"], 0);
}
