//! Figures, computed once more from the records themselves, and what is said of them.

use serde_json::{Value, json};

use super::{is_listed, sales, yuan};
use crate::{server::Server, support::TestDb};

/// A description without its line ends.
fn plain(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub async fn are_defined_in_two_languages(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let figures = admin.get("/v1/metadata/figures").await.ok(200);
    let document = server.anybody().get("/openapi.json").await.ok(200);
    for figure in figures["data"].as_array().unwrap() {
        let (schema, name) = (figure["schema"].as_str().unwrap(), figure["name"].as_str().unwrap());
        // The members of a record are told once, of it as a sparse one.
        let schemas = &document["components"]["schemas"];
        let sparse = schemas.get(format!("Sparse{schema}"));
        let told = &sparse.unwrap_or(&schemas[schema])["properties"][name];
        // Of what may be null, it stands beside the reference.
        let description = if told["oneOf"].is_array() { &told["oneOf"][0]["description"] } else { &told["description"] };
        assert_eq!(plain(description), plain(&figure["definition"]["en"]), "{schema}.{name}: {told}");
        assert!(!figure["definition"]["zh"].as_str().unwrap().is_ascii() && !figure["label"]["zh"].as_str().unwrap().is_ascii());
    }
    for name in ["velocity", "reached_next", "attainment", "response_seconds", "pipeline_id", "weighted"] {
        assert!(figures["data"].as_array().unwrap().iter().any(|figure| figure["name"] == name), "{name}");
    }
    server.anybody().get("/v1/metadata/figures").await.refused(401, "unauthorized");
}

pub async fn are_what_the_records_come_to(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = sales(&admin).await;
    let won = |name: &str, amount: Value, opened: &str| json!({"name": name, "stage_id": stages[4], "amount": amount, "opened_at": opened, "closed_at": "2017-05-01T00:00:00Z", "close_reason": "x"});
    admin.create("opportunities", won("G", json!({"amount": 777, "currency": "USD"}), "2017-04-03T00:00:00Z")).await;
    admin.create("opportunities", won("H", Value::Null, "2017-04-20T00:00:00Z")).await;
    let all = admin.get("/v1/opportunities?limit=200").await.ok(200)["data"].as_array().unwrap().clone();
    let time = |record: &Value, field: &str| {
        farley_domain::values::time::Timestamp::parse(record[field].as_str().unwrap()).unwrap().milliseconds()
    };
    let won: Vec<&Value> = all.iter().filter(|one| one["status"] == "won").collect();
    let lost = all.iter().filter(|one| one["status"] == "lost").count();
    #[allow(clippy::cast_precision_loss, reason = "a handful")]
    let (count, closed) = (won.len() as f64, (won.len() + lost) as f64);
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of a year")]
    let cycle = won.iter().map(|one| time(one, "closed_at") - time(one, "opened_at")).sum::<i64>() as f64 / 1000.0 / count;
    let now = admin.get("/v1/reports/sales-funnel?basis=snapshot").await.ok(200);
    let cohort = admin.get("/v1/reports/sales-funnel").await.ok(200);
    for funnel in [&now, &cohort] {
        let slice = &funnel["slices"][0];
        assert_eq!(
            (&slice["mean_cycle_seconds"], &slice["win_rate"]),
            (&json!(cycle), &json!(count / closed)),
            "{}",
            funnel["basis"]
        );
    }
    assert_eq!(now["slices"][0]["velocity"], json!([]));
    for velocity in cohort["slices"][0]["velocity"].as_array().unwrap() {
        let in_currency = won.iter().filter(|one| one["amount"]["currency"] == velocity["currency"]);
        #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
        let worth = in_currency.map(|one| one["amount"]["amount"].as_i64().unwrap()).sum::<i64>() as f64;
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        let daily = (all.len() as f64 * (count / closed) * (worth / count) / (cycle / 86_400.0)).round();
        assert_eq!(velocity["amount"].as_f64(), Some(daily), "{velocity}");
    }
    assert_eq!(cohort["slices"][0]["velocity"].as_array().unwrap().len(), 2);
    // In the past: won by then.
    let then = admin.get("/v1/reports/sales-funnel?basis=snapshot&as_of=2017-02-15T00:00:00Z").await.ok(200);
    let only = won.iter().find(|one| one["name"] == "A").unwrap();
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of a year")]
    let cycle = (time(only, "closed_at") - time(only, "opened_at")) as f64 / 1000.0;
    assert_eq!(then["slices"][0]["mean_cycle_seconds"], json!(cycle));

    // Whatever can be sliced by gives figures that their own filters list, in either basis.
    let objects = admin.get("/v1/metadata/objects").await.ok(200);
    let object = objects["data"].as_array().unwrap().iter().find(|object| object["name"] == "opportunity").unwrap();
    let mut paths: Vec<String> =
        object["fields"].as_array().unwrap().iter().map(|field| field["path"].as_str().unwrap().to_owned()).collect();
    paths.extend(
        ["amount.currency", "customer.region", "customer.annual_revenue.currency", "owner.name", "stage.kind"].map(str::to_owned),
    );
    let mut sliced = Vec::new();
    for path in &paths {
        for basis in ["cohort", "snapshot"] {
            let funnel = admin.get(&format!("/v1/reports/sales-funnel?basis={basis}&slice={path}")).await;
            if funnel.status != 200 {
                continue;
            }
            sliced.push(path.as_str());
            for slice in funnel.body["slices"].as_array().unwrap() {
                is_listed(&admin, &slice["all"]).await;
                is_listed(&admin, &slice["won"]).await;
            }
        }
    }
    for path in ["amount.currency", "owner_id", "status", "probability", "customer.annual_revenue.currency"] {
        assert!(sliced.contains(&path), "{path}: {sliced:?}");
    }

    // Who has changed the pipeline counts in the new one alone.
    let other = admin.post("/v1/pipelines", json!({"name": "Other"})).await.ok(201)["id"].as_str().unwrap().to_owned();
    let stage = admin.post(&format!("/v1/pipelines/{other}/stages"), json!({"name": "Begun"})).await.ok(201)["id"].clone();
    let moved = all.iter().find(|one| one["name"] == "D").unwrap()["id"].as_str().unwrap().to_owned();
    let before = farley::http::clock::now();
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    admin.patch(&format!("/v1/opportunities/{moved}"), json!({"pipeline_id": other, "stage_id": stage})).await.ok(200);
    let count = async |query: &str| {
        let funnel = admin.get(&format!("/v1/reports/sales-funnel?{query}")).await.ok(200);
        funnel["slices"][0]["all"]["count"].as_u64().unwrap()
    };
    let total = u64::try_from(all.len()).unwrap();
    assert_eq!(count(&format!("pipeline_id={pipeline}")).await, total - 1);
    assert_eq!(count(&format!("pipeline_id={other}")).await, 1);
    assert_eq!(count(&format!("pipeline_id={pipeline}&basis=snapshot&as_of={before}")).await, total);
    let funnel = admin.get(&format!("/v1/reports/sales-funnel?pipeline_id={other}")).await.ok(200);
    assert_eq!(funnel["slices"][0]["stages"].as_array().unwrap().len(), 1, "no stage of the former pipeline");
}

/// Weighted sums are exact, and rounded once: parts that are rounded each would not add up to the whole.
pub async fn are_rounded_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let team = admin.create("teams", json!({"name": "East"})).await;
    let mut expected = 0;
    for number in 0..12 {
        let seller = server.user(&admin, &format!("Rep {number}"), "sales_representative", json!({"team_id": team})).await;
        for (amount, probability) in [(1 + number, 50), (33, 1 + 7 * number % 100)] {
            let body = json!({"name": "x", "owner_id": seller.id, "amount": yuan(amount), "probability": probability,
                "expected_close_on": "2026-11-30", "forecast_category": if number % 2 == 0 { "pipeline" } else { "commit" }});
            expected += amount * probability;
            admin.create("opportunities", body).await;
        }
    }
    let rounded = |hundredths: i64| (hundredths + 50).div_euclid(100);
    let forecast = admin.get("/v1/forecasts?period=2026-Q4").await.ok(200);
    let rows = forecast["data"].as_array().unwrap();
    assert_eq!((&rows[0]["kind"], &rows[0]["computed"]["weighted"]), (&json!("all"), &json!(rounded(expected))));
    assert_eq!((&rows[1]["kind"], &rows[1]["computed"]["weighted"]), (&json!("team"), &json!(rounded(expected))));
    let parts: i64 = admin.get(&format!("/v1/forecasts?period=2026-Q4&team_id={team}")).await.ok(200)["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["kind"] == "user")
        .map(|row| row["computed"]["weighted"].as_i64().unwrap())
        .sum();
    assert_ne!(parts, rounded(expected), "the sample has parts that are rounded up");
    let board = admin.get(&format!("/v1/pipelines/{}/board", pipeline_of(&admin).await)).await.ok(200);
    let weighted: Vec<&Value> =
        board["stages"].as_array().unwrap().iter().flat_map(|stage| stage["totals"].as_array().unwrap()).collect();
    assert_eq!((weighted.len(), &weighted[0]["weighted"]), (1, &json!(rounded(expected))));
}

async fn pipeline_of(admin: &crate::client::Client) -> String {
    admin.get("/v1/pipelines?is_default=true").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned()
}
