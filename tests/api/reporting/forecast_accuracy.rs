//! `GET /v1/reports/forecast-accuracy`, computed here anew from the opportunities as they were listed when each period began.

use chrono::{Months, NaiveDate};
use farley_domain::values::{calendar::start_of_day, time::Timestamp};
use serde_json::{Value, json};

use super::{queries::alike, yuan};
use crate::{client::Client, server::Server, support::TestDb};

fn first(month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 1, 1).unwrap() + Months::new(month)
}

fn start(day: NaiveDate) -> Timestamp {
    start_of_day(day, chrono_tz::Asia::Shanghai)
}

/// Every opportunity, as it is or was at a time.
async fn all(client: &Client, filter: Value, as_of: Option<Timestamp>) -> Vec<Value> {
    let mut body = json!({"filter": filter, "limit": 200});
    if let Some(as_of) = as_of {
        body["as_of"] = json!(as_of);
    }
    client.post("/v1/opportunities/search", body).await.ok(200)["data"].as_array().unwrap().clone()
}

fn amount(record: &Value) -> i64 {
    record["amount"]["amount"].as_i64().unwrap_or(0)
}

/// Hundredths of a minor unit.
fn weight(record: &Value) -> i64 {
    amount(record) * record["probability"].as_i64().unwrap_or(0)
}

/// Sales that were opened in the first months of 2025, expected some months later, and won, lost or left in another month than that.
async fn sales(admin: &Client) {
    let pipelines = admin.get("/v1/pipelines?is_default=true").await.ok(200);
    let pipeline = pipelines["data"][0]["id"].as_str().unwrap().to_owned();
    let stages = admin.list(&format!("/v1/pipelines/{pipeline}/stages?sort=sort_order"), "id").await;
    for number in 0..48_u32 {
        let opened = first(number % 6);
        let expected = opened + Months::new(1 + number % 3);
        let money = json!({"amount": 1_001 + 37 * i64::from(number), "currency": if number % 7 == 6 { "USD" } else { "CNY" }});
        let closed = number % 4 != 0;
        let mut sale = json!({
            "name": format!("s{number}"), "amount": money, "opened_at": format!("{opened}T02:00:00Z"),
            "expected_close_on": (expected + chrono::Days::new(u64::from(number % 28))).to_string(),
            "stage_id": stages[if !closed { 1 } else if number % 4 == 3 { 5 } else { 4 }],
        });
        if closed {
            // On the last evening of the month in UTC it is the next one already in Shanghai.
            let at = opened + Months::new(2 + number % 2);
            sale["closed_at"] = json!(format!("{}T17:00:00Z", at - chrono::Days::new(u64::from(number % 5))));
            sale["close_reason"] = json!("price");
            sale["stage_history"] =
                json!([{"stage_id": stages[usize::try_from(number % 4).unwrap()], "entered_at": format!("{opened}T02:00:00Z")}]);
        } else {
            sale["forecast_category"] =
                json!((["pipeline", "best_case", "commit", "omitted"][usize::try_from(number / 4 % 4).unwrap()]));
            sale["probability"] = json!(35 + number);
        }
        admin.create("opportunities", sale).await;
    }
}

/// Checks one period; what was forecast as commitment and by weight, and won.
async fn check(admin: &Client, currency: &str, period: &Value) -> [i64; 3] {
    let day = |name: &str| period[name].as_str().unwrap().parse::<NaiveDate>().unwrap();
    let (from, to) = (day("from"), day("to"));
    let begin = start(from);
    assert_eq!(period["as_of"], json!(begin));
    let own = |records: Vec<Value>| -> Vec<Value> {
        records.into_iter().filter(|record| record["amount"]["currency"] == currency).collect()
    };
    let then = own(all(admin, json!({"and": []}), Some(begin)).await);
    let is_expected = |record: &&Value| {
        let expected = record["expected_close_on"].as_str().unwrap().parse::<NaiveDate>().unwrap();
        record["status"] == "open" && record["forecast_category"] != "omitted" && (from..to).contains(&expected)
    };
    let open: Vec<&Value> = then.iter().filter(is_expected).collect();
    for category in ["pipeline", "best_case", "commit"] {
        let of_it: Vec<&&Value> = open.iter().filter(|record| record["forecast_category"] == category).collect();
        let sum: i64 = of_it.iter().map(|record| amount(record)).sum();
        let figure = &period[category];
        assert_eq!((&figure["count"], &figure["amount"]), (&json!(of_it.len()), &json!(sum)), "{category} of {period}");
        let listed = all(admin, figure["filter"].clone(), Some(begin)).await;
        let mut ids: [Vec<&Value>; 2] =
            [listed.iter().map(|one| &one["id"]).collect(), of_it.iter().map(|one| &one["id"]).collect()];
        ids.iter_mut().for_each(|ids| ids.sort_by_key(|id| id.to_string()));
        assert_eq!(ids[0], ids[1], "{category} of {period}");
    }
    let hundredths: i64 = open.iter().map(|record| weight(record)).sum();
    let weighted = (hundredths + 50) / 100;
    assert_eq!((&period["weighted"]["count"], &period["weighted"]["amount"]), (&json!(open.len()), &json!(weighted)), "{period}");
    assert_eq!(all(admin, period["weighted"]["filter"].clone(), Some(begin)).await.len(), open.len());
    let now = own(all(admin, json!({"and": []}), None).await);
    let is_won = |record: &&Value| {
        record["status"] == "won" && {
            let at = Timestamp::parse(record["closed_at"].as_str().unwrap()).unwrap();
            start(from) <= at && at < start(to)
        }
    };
    let won: Vec<&Value> = now.iter().filter(is_won).collect();
    let sum: i64 = won.iter().map(|record| amount(record)).sum();
    assert_eq!((&period["won"]["count"], &period["won"]["amount"]), (&json!(won.len()), &json!(sum)), "{period}");
    assert_eq!(all(admin, period["won"]["filter"].clone(), None).await.len(), won.len());
    [period["commit"]["amount"].as_i64().unwrap(), weighted, sum]
}

#[allow(clippy::cast_precision_loss, reason = "small amounts")]
fn share(part: i64, whole: i64) -> Value {
    if whole == 0 { Value::Null } else { json!(part as f64 / whole as f64) }
}

pub async fn errors_are_those_of_the_records_of_then(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    sales(&admin).await;
    let path = "/v1/reports/forecast-accuracy";
    for (asked, periods) in [("from=2025-01-01&to=2026-01-01", 12), ("from=2025-02-10&to=2025-09-01&interval=quarter", 3)] {
        let report = admin.get(&format!("{path}?{asked}")).await.ok(200);
        let data = report["data"].as_array().unwrap();
        assert_eq!(data.iter().map(|one| &one["currency"]).collect::<Vec<_>>(), ["CNY", "USD"]);
        for one in data {
            let mut found = Vec::new();
            assert_eq!(one["periods"].as_array().unwrap().len(), periods);
            for period in one["periods"].as_array().unwrap() {
                let sums = check(&admin, one["currency"].as_str().unwrap(), period).await;
                for (name, forecast) in [("commit_error", sums[0]), ("weighted_error", sums[1])] {
                    assert!(alike(&period[name], &share(forecast - sums[2], sums[2])), "{name} of {period}");
                }
                found.push(sums);
            }
            let whole: i64 = found.iter().map(|sums| sums[2]).sum();
            for (name, place) in [("commit", 0), ("weighted", 1)] {
                let error = &one[name];
                let differences: i64 = found.iter().map(|sums| sums[place] - sums[2]).sum();
                assert!(alike(&error["bias"], &share(differences, whole)), "{error}");
                let errors: Vec<f64> =
                    found.iter().filter_map(|sums| share((sums[place] - sums[2]).abs(), sums[2]).as_f64()).collect();
                #[allow(clippy::cast_precision_loss, reason = "a dozen")]
                let mean = errors.iter().sum::<f64>() / errors.len() as f64;
                assert!(alike(&error["mape"], &json!(mean)), "{error} is not {mean}");
                assert_eq!((&error["periods"], &error["periods_without"]), (&json!(periods), &json!(periods - errors.len())));
            }
            let is_there = |place: usize| found.iter().any(|sums| sums[place] > 0);
            assert!(is_there(1) && is_there(2), "{found:?}");
        }
        let committed = data[0]["periods"].as_array().unwrap().iter().filter(|period| period["commit"]["count"] != 0).count();
        assert!(committed > 0, "{data:?}");
    }
    // The forecast as of that time says the same.
    let quarter = admin.get(&format!("{path}?from=2025-04-01&to=2025-07-01&interval=quarter")).await.ok(200);
    let quarter = &quarter["data"][0]["periods"][0];
    let forecast = admin.get(&format!("/v1/forecasts?period=2025-Q2&as_of={}", quarter["as_of"].as_str().unwrap())).await.ok(200);
    for name in ["pipeline", "best_case", "commit", "weighted"] {
        assert_eq!(forecast["data"][0]["computed"][name], quarter[name]["amount"], "{name}");
    }

    // By default twelve months, of which the present one is not over, and has no error.
    let won = json!({"name": "now", "amount": yuan(9), "expected_close_on": farley::http::clock::now().to_utc().format("%Y-%m-%d").to_string()});
    let won = admin.create("opportunities", won).await;
    admin.post(&format!("/v1/opportunities/{won}/win"), json!({"close_reason": "价格"})).await.ok(200);
    let report = admin.get(path).await.ok(200);
    assert_eq!(report["from"].as_str().map(|day| &day[8..]), Some("01"));
    let one = &report["data"][0];
    let periods = one["periods"].as_array().unwrap();
    assert_eq!((periods.len(), &one["commit"]["periods"]), (12, &json!(11)));
    assert_eq!((&periods[11]["is_over"], &periods[11]["commit_error"]), (&json!(false), &Value::Null));
    assert_eq!(periods[11]["won"]["count"], 1);
    let mine = admin.get("/v1/me").await.ok(200)["id"].as_str().unwrap().to_owned();
    let whole = admin.get(&format!("{path}?from=2025-01-01&to=2026-01-01")).await.ok(200);
    let narrowed = admin.get(&format!("{path}?from=2025-01-01&to=2026-01-01&owner_id={mine}")).await.ok(200);
    assert_eq!(narrowed["data"][0]["commit"], whole["data"][0]["commit"]);
    let period = &narrowed["data"][0]["periods"][5];
    let listed = all(&admin, period["won"]["filter"].clone(), None).await;
    assert_eq!(period["won"]["count"], listed.len());

    // Who sees none is told of none, who may see none is refused; every fault is named.
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    assert_eq!(seller.get(&format!("{path}?from=2025-01-01&to=2026-01-01")).await.ok(200)["data"], json!([]));
    let faults = admin.get(&format!("{path}?interval=week&from=gestern&pipeline_id=1&sort=name")).await.faults(400);
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.0.as_str()).collect();
    assert_eq!(pointers, ["sort", "from", "interval", "pipeline_id"]);
    let faults = admin.get(&format!("{path}?from=2026-02-01&to=2026-02-01")).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("to", "too_early")]));
    let faults = admin.get(&format!("{path}?from=2020-01-01")).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("interval", "too_many")]));
}
