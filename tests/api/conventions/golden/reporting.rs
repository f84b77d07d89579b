//! Summaries, the funnel, quotas and forecasts, all over sales of long ago and far ahead.

use serde_json::{Value, json};

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    support::TestDb,
};

fn yuan(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

/// Name, month of 2017 in which it began, the stages it was in (4 won, 5 lost), amount.
const SALES: &[(&str, u32, &[usize], i64)] = &[
    ("A", 1, &[0, 1, 2, 4], 100),
    ("B", 1, &[0, 1, 5], 200),
    ("C", 2, &[0, 2, 3, 4], 400),
    ("D", 2, &[0], 800),
    ("E", 3, &[1, 0, 1], 1_600),
    ("F", 3, &[0, 1, 2, 5], 3_200),
];

pub async fn reports_and_forecasts(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "reporting").await;
    let pipelines = r.admin.get("/v1/pipelines?is_default=true").await.ok(200);
    let pipeline = pipelines["data"][0]["id"].as_str().expect("a pipeline").to_owned();
    let stages = r.admin.list(&format!("/v1/pipelines/{pipeline}/stages?sort=sort_order"), "id").await;
    for (name, month, path, amount) in SALES {
        let time = |place: usize| format!("2017-{:02}-{:02}T04:00:00Z", *month as usize + place / 3, 1 + 10 * (place % 3));
        let history = path.iter().enumerate().filter(|(_, stage)| **stage < 4);
        let history: Vec<Value> =
            history.map(|(place, stage)| json!({"stage_id": stages[*stage], "entered_at": time(place)})).collect();
        let last = path[path.len() - 1];
        let mut body = json!({"name": name, "stage_id": stages[last], "amount": yuan(*amount), "opened_at": time(0), "stage_history": history,
            "source": if *amount > 300 { "web" } else { "fair" }});
        if last >= 4 {
            body["closed_at"] = json!(time(path.len() - 1));
            body["close_reason"] = json!("price");
        }
        r.create("opportunities", body).await;
    }
    for query in [
        "",
        "?from=2017-01-01&to=2017-03-01&slice=source&amount_lt=800",
        "?slice=owner.name&from=2017-02-01&to=2017-02-28",
        "?from=2016-01-01&to=2016-02-01",
        "?basis=x&from=then&slice=amount&pipeline_id=1&sort=name",
        "?basis=snapshot",
        "?basis=snapshot&as_of=2017-02-15T00:00:00Z",
        "?as_of=-1d",
    ] {
        r.get(&format!("/v1/reports/sales-funnel{query}")).await;
    }
    for query in [
        "?group_by=status&sum=amount,probability",
        "?group_by=amount.currency",
        "?group_by=closed_at.quarter,owner.name",
        "?group_by=opened_at.month&opened_at_gte=2017-01-15T00:00:00Z",
        "?group_by=source&q=A",
        "?group_by=stage.name",
        "?as_of=2017-02-15T00:00:00Z&group_by=stage_id",
        "",
        "?group_by=created_at,stat,line_items.name,name.month&sum=name&limit=3",
    ] {
        r.get(&format!("/v1/opportunities/summary{query}")).await;
    }
    let east = r.create("teams", json!({"name": "East"})).await;
    let shanghai = r.create("teams", json!({"name": "Shanghai", "parent_id": east})).await;
    let li = r.server.user(&r.admin, "Li Wei", "sales_representative", json!({"team_id": shanghai})).await;
    let boss = r.server.user(&r.admin, "Zhang Min", "sales_manager", json!({"team_id": east})).await;
    for (category, amount) in [("pipeline", 1_000), ("best_case", 200), ("commit", 30), ("omitted", 77_000)] {
        r.create("opportunities", json!({"name": "x", "owner_id": li.id, "team_id": shanghai, "amount": yuan(amount), "expected_close_on": "2040-11-30", "probability": 50, "forecast_category": category})).await;
    }
    r.create("opportunities", json!({"name": "y", "owner_id": boss.id, "team_id": east, "amount": {"amount": 9, "currency": "USD"}, "expected_close_on": "2040-10-01"})).await;
    let quota = json!({"user_id": li.id, "period": "2040-Q4", "amount": yuan(8), "description": "含续约"});
    for call in [
        boss.post("/v1/quotas", quota.clone()),
        boss.post("/v1/quotas", quota.clone()),
        li.post("/v1/quotas", quota),
        boss.post("/v1/quotas", json!({"period": "2040-Q4", "amount": yuan(1)})),
        boss.post("/v1/quotas", json!({"team_id": shanghai, "period": "2040-Q4", "amount": yuan(10)})),
        boss.post(
            "/v1/forecast-overrides",
            json!({"user_id": li.id, "period": "2040-Q4", "category": "commit", "amount": yuan(25), "comment": "two slip"}),
        ),
        boss.post(
            "/v1/forecast-overrides",
            json!({"user_id": li.id, "period": "2040-Q4", "category": "nonsense", "amount": yuan(-1)}),
        ),
        boss.get(&format!("/v1/forecasts?period=2040-Q4&team_id={east}")),
        li.get(&format!("/v1/forecasts?period=2040-Q4&user_id={}", li.id)),
        li.get("/v1/forecasts?period=2040-Q4"),
    ] {
        r.play(call).await;
    }
    for body in [
        json!({"period": "2040-W03", "amount": yuan(1)}),
        json!({"period": "2040-11", "amount": yuan(-5)}),
        json!({"period": "2040", "amount": yuan(5), "user_id": li.id, "team_id": east}),
    ] {
        r.post("/v1/quotas", body).await;
    }
    for query in
        ["period=2040-11", "period=2017-Q1", "period=2017-Q1&as_of=2017-02-15T00:00:00Z", "period=2040-W4&as_of=x&user_id=1", ""]
    {
        r.get(&format!("/v1/forecasts?{query}")).await;
    }
    r.get("/v1/quotas?sort=period,amount&expand=user,team").await;
    r.end().await
}
