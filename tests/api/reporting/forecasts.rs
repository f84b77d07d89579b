//! `/v1/forecasts`, `/v1/quotas` and overrides.

use serde_json::{Value, json};

use super::yuan;
use crate::{server::Server, support::TestDb};

pub async fn stand_beside_quotas(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = admin.create("teams", json!({"name": "East"})).await;
    let shanghai = admin.create("teams", json!({"name": "Shanghai", "parent_id": east})).await;
    let li = server.user(&admin, "Li Wei", "sales_representative", json!({"team_id": shanghai})).await;
    let boss = server.user(&admin, "Zhang Min", "sales_manager", json!({"team_id": east})).await;
    let stages = admin.get("/v1/pipelines?expand=stages").await.ok(200)["data"][0]["stages"].clone();
    let stage = |kind: &str| stages.as_array().unwrap().iter().find(|stage| stage["kind"] == kind).unwrap()["id"].clone();
    let open = json!({"expected_close_on": "2026-11-30", "probability": 50});
    let sale = |more: Value, amount: i64| {
        let mut body = json!({"name": "x", "owner_id": li.id, "team_id": shanghai, "amount": yuan(amount)});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (category, amount) in [("pipeline", 1_000), ("best_case", 200), ("commit", 30), ("omitted", 77_000)] {
        let mut body = sale(open.clone(), amount);
        body["forecast_category"] = json!(category);
        admin.create("opportunities", body).await;
    }
    let closed = |kind: &str, at: &str| json!({"stage_id": stage(kind), "closed_at": at, "opened_at": "2026-01-01T00:00:00Z", "close_reason": "x", "expected_close_on": "2026-11-30"});
    // In Shanghai it is October already, then still December.
    admin.create("opportunities", sale(closed("won", "2026-09-30T17:00:00Z"), 4)).await;
    admin.create("opportunities", sale(closed("won", "2026-09-30T15:00:00Z"), 50_000)).await;
    admin.create("opportunities", sale(closed("lost", "2026-10-30T17:00:00Z"), 60_000)).await;
    let own = json!({"name": "y", "owner_id": boss.id, "team_id": east, "amount": {"amount": 9, "currency": "USD"}, "expected_close_on": "2026-10-01"});
    admin.create("opportunities", own).await;
    let quota = json!({"user_id": li.id, "period": "2026-Q4", "amount": yuan(8)});
    let made = boss.post("/v1/quotas", quota.clone()).await.ok(201);
    assert_eq!(
        (&made["team_id"], &made["starts_on"], &made["ends_on"]),
        (&json!(shanghai), &json!("2026-10-01"), &json!("2026-12-31"))
    );
    boss.post("/v1/quotas", quota.clone()).await.refused(409, "duplicate");
    let faults = boss.post("/v1/quotas", json!({"user_id": li.id, "period": "2027-Q1", "amount": yuan(-5)})).await.faults(422);
    assert_eq!(faults, [("/amount/amount".to_owned(), "too_small".to_owned())]);
    li.post("/v1/quotas", quota).await.refused(403, "forbidden");
    assert_eq!(
        admin.post("/v1/quotas", json!({"period": "2026-W03", "amount": yuan(1)})).await.faults(422)[0].1,
        "invalid_period"
    );
    boss.post("/v1/quotas", json!({"period": "2026-Q4", "amount": yuan(1)})).await.refused(403, "forbidden");
    boss.create("quotas", json!({"team_id": shanghai, "period": "2026-Q4", "amount": yuan(10)})).await;
    for amount in [25, 28] {
        boss.create(
            "forecast-overrides",
            json!({"user_id": li.id, "period": "2026-Q4", "category": "commit", "amount": yuan(amount), "comment": "two slip"}),
        )
        .await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let forecast = boss.get(&format!("/v1/forecasts?period=2026-Q4&team_id={east}")).await.ok(200);
    let rows = forecast["data"].as_array().unwrap();
    let told: Vec<(&str, &str, &str)> = rows
        .iter()
        .map(|row| (row["kind"].as_str().unwrap(), row["name"].as_str().unwrap_or_default(), row["currency"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("team", "East", "CNY"), ("team", "East", "USD"), ("team", "Shanghai", "CNY"), ("user", "Zhang Min", "USD")]
    );
    let figures = json!({"pipeline": 1_000, "best_case": 200, "commit": 30, "closed": 4, "weighted": 619});
    assert_eq!((&rows[0]["computed"], &rows[2]["computed"]), (&figures, &figures));
    assert_eq!((&rows[2]["quota"], &rows[2]["attainment"], &rows[0]["quota"]), (&json!(10), &json!(0.4), &Value::Null));
    let mine = li.get(&format!("/v1/forecasts?period=2026-Q4&user_id={}", li.id)).await.ok(200);
    let row = &mine["data"][0];
    assert_eq!((&row["computed"], &row["quota"], &row["attainment"]), (&figures, &json!(8), &json!(0.5)));
    assert_eq!((&row["overrides"]["commit"]["amount"], &row["overrides"]["commit"]["by"]), (&json!(28), &json!(boss.id)));
    assert!(row["overrides"]["closed"].is_null());
    for part in ["pipeline", "best_case", "commit", "closed"] {
        let list = li.get(row["lists"][part].as_str().unwrap()).await.ok(200);
        let sum: i64 = list["data"].as_array().unwrap().iter().map(|one| one["amount"]["amount"].as_i64().unwrap()).sum();
        assert_eq!(json!(sum), row["computed"][part], "{part}");
    }
    // What was thought before the last changes.
    let then = admin.get("/v1/opportunities?sort=-updated_at&limit=1").await.ok(200)["data"][0]["updated_at"]
        .as_str()
        .unwrap()
        .to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let commit = admin.list("/v1/opportunities?forecast_category=commit", "id").await;
    admin.patch(&format!("/v1/opportunities/{}", commit[0]), json!({"amount": yuan(5_000)})).await.ok(200);
    let now = li.get(&format!("/v1/forecasts?period=2026-Q4&user_id={}", li.id)).await.ok(200);
    assert_eq!(now["data"][0]["computed"]["commit"], 5_000);
    let past = li.get(&format!("/v1/forecasts?period=2026-Q4&user_id={}&as_of={then}", li.id)).await.ok(200);
    assert_eq!((&past["data"][0]["computed"]["commit"], &past["data"][0]["computed"]["closed"]), (&json!(30), &json!(4)));
    assert!(past["data"][0]["overrides"]["commit"].is_null(), "made later");
    let faults = admin.get("/v1/forecasts?period=2026-W4&as_of=x&user_id=1").await.faults(400);
    assert_eq!(faults.len(), 3, "{faults:?}");
    let month = admin.get("/v1/forecasts?period=2026-11").await.ok(200);
    assert_eq!((&month["data"][0]["kind"], &month["data"][0]["computed"]["commit"]), (&json!("all"), &json!(5_000)));
}
