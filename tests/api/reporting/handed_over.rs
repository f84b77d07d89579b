//! Whose a sale is that has been handed over: every figure agrees, and each is what the records themselves come to.

use std::collections::BTreeMap;

use farley::http::clock;
use serde_json::{Value, json};

use super::yuan;
use crate::{client::Client, server::Server, support::TestDb};

/// Sums of closed and open sales by owner or team, added up one by one.
fn tally(records: &[Value], by: &str, status: &str) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for record in records.iter().filter(|record| record["status"] == status) {
        *sums.entry(record[by].as_str().unwrap().to_owned()).or_default() += record["amount"]["amount"].as_i64().unwrap();
    }
    sums
}

/// Forecast, attainment, funnel and summary, each against the tally of the same records.
async fn agree(admin: &Client, records: &[Value], as_of: &str) {
    for (kind, by) in [("user", "owner_id"), ("team", "team_id")] {
        let (won, open) = (tally(records, by, "won"), tally(records, by, "open"));
        for id in won.keys().chain(open.keys()) {
            let forecast =
                admin.get(&format!("/v1/forecasts?period=2026-Q4&{by}={id}{as_of}").replace("owner_id", "user_id")).await.ok(200);
            let row = &forecast["data"][0];
            let closed = won.get(id).copied().unwrap_or(0);
            assert_eq!((&row["kind"], &row["computed"]["closed"]), (&json!(kind), &json!(closed)), "{id}");
            assert_eq!(row["computed"]["pipeline"], json!(open.get(id).copied().unwrap_or(0)), "{id}");
            if let Some(quota) = row["quota"].as_i64() {
                #[allow(clippy::cast_precision_loss, reason = "small numbers")]
                let share = closed as f64 / quota as f64;
                assert_eq!(row["attainment"], json!(share), "{id}");
            }
        }
        for (status, sums) in [("won", &won), ("open", &open)] {
            let path = format!("/v1/opportunities/summary?group_by={by}&sum=amount&status={status}{as_of}");
            let groups = admin.get(&path).await.ok(200);
            let told: BTreeMap<String, i64> = groups["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| (one["group"][by].as_str().unwrap().to_owned(), one["sums"]["amount"][0]["amount"].as_i64().unwrap()))
                .collect();
            assert_eq!(&told, sums, "{path}");
        }
        let funnel = admin.get(&format!("/v1/reports/sales-funnel?basis=snapshot&slice={by}{as_of}")).await.ok(200);
        let told: BTreeMap<String, i64> = funnel["slices"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|slice| Some((slice["value"].as_str()?.to_owned(), slice["won"]["amounts"][0]["amount"].as_i64()?)))
            .collect();
        assert_eq!(told, won, "{by}");
    }
}

pub async fn count_for_their_new_owner_and_team(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (_, stages) = super::sales(&admin).await;
    for id in admin.list("/v1/opportunities", "id").await {
        admin.delete(&format!("/v1/opportunities/{id}")).await.ok(204);
    }
    let east = admin.create("teams", json!({"name": "East"})).await;
    let west = admin.create("teams", json!({"name": "West"})).await;
    let li = server.user(&admin, "Li Wei", "sales_representative", json!({"team_id": east})).await;
    let wang = server.user(&admin, "Wang Fang", "sales_representative", json!({"team_id": west})).await;
    for (user, amount) in [(&li, 1_000), (&wang, 400)] {
        admin.create("quotas", json!({"user_id": user.id, "period": "2026-Q4", "amount": yuan(amount)})).await;
    }
    for team in [&east, &west] {
        admin.create("quotas", json!({"team_id": team, "period": "2026-Q4", "amount": yuan(800)})).await;
    }
    let mut handed = Vec::new();
    for (place, (user, amount)) in
        [(&li, 100), (&li, 20), (&li, 3), (&wang, 5_000), (&wang, 600), (&li, 7)].into_iter().enumerate()
    {
        let mut body = json!({"name": format!("{place}"), "owner_id": user.id, "amount": yuan(amount), "expected_close_on": "2026-11-15",
            "opened_at": "2026-10-02T00:00:00Z", "stage_id": stages[0], "forecast_category": "pipeline"});
        if place % 2 == 0 {
            body["stage_id"] = json!(stages[4]);
            body["forecast_category"] = json!("closed");
            body["closed_at"] = json!("2026-10-20T00:00:00Z");
            body["close_reason"] = json!("price");
        }
        let id = admin.create("opportunities", body).await;
        if place < 2 {
            handed.push(id);
        }
    }
    let all = "/v1/opportunities?limit=200";
    let before = admin.get(all).await.ok(200)["data"].as_array().unwrap().clone();
    agree(&admin, &before, "").await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let then = clock::now();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    // In the middle of the period, one of them won already.
    for id in &handed {
        let record = admin.patch(&format!("/v1/opportunities/{id}"), json!({"owner_id": wang.id})).await.ok(200);
        assert_eq!((&record["owner_id"], &record["team_id"]), (&json!(wang.id), &json!(west)));
    }
    let after = admin.get(all).await.ok(200)["data"].as_array().unwrap().clone();
    assert_ne!(tally(&before, "team_id", "won"), tally(&after, "team_id", "won"));
    agree(&admin, &after, "").await;
    agree(&admin, &before, &format!("&as_of={then}")).await;
}
