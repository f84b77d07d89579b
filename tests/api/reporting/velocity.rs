//! `GET /v1/reports/sales-velocity`: each period is the cohort of a funnel, and what its opportunities come to.

use chrono::NaiveDate;
use farley_domain::values::{calendar::start_of_day, time::Timestamp};
use serde_json::{Value, json};

use super::{is_listed, queries::alike, sales};
use crate::{server::Server, support::TestDb};

#[allow(clippy::cast_precision_loss, reason = "small figures")]
fn quotient(above: i64, below: i64) -> Value {
    if below == 0 { Value::Null } else { json!(above as f64 / below as f64) }
}

pub async fn is_that_of_each_cohort(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = sales(&admin).await;
    let won = |name: &str, amount: Value, opened: &str| json!({"name": name, "stage_id": stages[4], "amount": amount, "opened_at": opened, "closed_at": "2017-05-01T00:00:00Z", "close_reason": "x"});
    admin.create("opportunities", won("G", json!({"amount": 777, "currency": "USD"}), "2017-02-03T00:00:00Z")).await;
    admin.create("opportunities", won("H", Value::Null, "2017-03-20T00:00:00Z")).await;
    // In Shanghai it is April already.
    admin.create("opportunities", won("I", json!({"amount": 55, "currency": "CNY"}), "2017-03-31T17:00:00Z")).await;
    let all = admin.get("/v1/opportunities?limit=200").await.ok(200)["data"].as_array().unwrap().clone();
    let time = |record: &Value, field: &str| Timestamp::parse(record[field].as_str().unwrap()).unwrap();
    for (asked, count) in [("from=2017-01-01&to=2017-07-01", 6), ("from=2017-02-10&to=2017-06-30&interval=quarter", 2)] {
        let report = admin.get(&format!("/v1/reports/sales-velocity?{asked}&pipeline_id={pipeline}")).await.ok(200);
        let periods = report["periods"].as_array().unwrap();
        assert_eq!(periods.len(), count);
        let mut seen = 0;
        for period in periods {
            let [from, to] = ["from", "to"].map(|name| period[name].as_str().unwrap().parse::<NaiveDate>().unwrap());
            let [start, end] = [from, to].map(|day| start_of_day(day, chrono_tz::Asia::Shanghai));
            let own: Vec<&Value> =
                all.iter().filter(|one| start <= time(one, "opened_at") && time(one, "opened_at") < end).collect();
            let of = |status: &str| own.iter().filter(|one| one["status"] == status).copied().collect::<Vec<&Value>>();
            let whole = |number: usize| i64::try_from(number).unwrap();
            let (won, lost) = (of("won"), of("lost"));
            assert_eq!(period["all"]["count"], own.len(), "{period}");
            assert_eq!((&period["won"]["count"], &period["lost"]["count"]), (&json!(won.len()), &json!(lost.len())), "{period}");
            for figure in ["all", "won", "lost"] {
                is_listed(&admin, &period[figure]).await;
            }
            let rate = quotient(whole(won.len()), whole(won.len() + lost.len()));
            let lasted: i64 =
                won.iter().map(|one| time(one, "closed_at").milliseconds() - time(one, "opened_at").milliseconds()).sum();
            let cycle = quotient(lasted, 1000 * whole(won.len()));
            assert!(alike(&period["win_rate"], &rate) && alike(&period["mean_cycle_seconds"], &cycle), "{period}");
            let mut expected = Vec::new();
            for currency in ["CNY", "USD"] {
                let amounts: Vec<i64> = won
                    .iter()
                    .filter(|one| one["amount"]["currency"] == currency)
                    .map(|one| one["amount"]["amount"].as_i64().unwrap())
                    .collect();
                if amounts.is_empty() {
                    continue;
                }
                let mean = quotient(amounts.iter().sum(), whole(won.len())).as_f64().unwrap();
                let days = cycle.as_f64().unwrap() / 86_400.0;
                #[allow(clippy::cast_precision_loss, reason = "a handful")]
                let daily = own.len() as f64 * rate.as_f64().unwrap() * mean / days;
                expected.push((currency, mean.round(), daily.round()));
            }
            let told = |name: &str, place: usize| {
                let one = &period[name][place];
                (one["currency"].as_str().unwrap().to_owned(), one["amount"].as_f64().unwrap())
            };
            assert_eq!(period["velocity"].as_array().unwrap().len(), expected.len(), "{period}");
            for (place, (currency, mean, daily)) in expected.into_iter().enumerate() {
                assert_eq!(told("mean_won_amounts", place), (currency.to_owned(), mean), "{period}");
                assert_eq!(told("velocity", place), (currency.to_owned(), daily), "{period}");
                seen += 1;
            }
            let funnel = admin.get(&format!("/v1/reports/sales-funnel?from={from}&to={to}")).await.ok(200);
            for name in ["win_rate", "mean_cycle_seconds", "velocity"] {
                assert_eq!(funnel["slices"][0][name], period[name], "{name} of {from}");
            }
        }
        assert!(seen > 2);
    }
    let mine = admin.get("/v1/me").await.ok(200)["id"].as_str().unwrap().to_owned();
    let owned = admin.get(&format!("/v1/reports/sales-velocity?from=2017-01-01&to=2017-04-01&owner_id={mine}")).await.ok(200);
    assert_eq!((&owned["periods"][0]["period"], &owned["periods"][0]["all"]["count"]), (&json!("2017-01"), &json!(2)));
    is_listed(&admin, &owned["periods"][0]["won"]).await;
    // Twelve months by default; who sees no opportunity counts none.
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    assert_eq!(seller.get("/v1/reports/sales-velocity").await.ok(200)["periods"].as_array().unwrap().len(), 12);
    let none = seller.get("/v1/reports/sales-velocity?from=2017-01-01&to=2017-04-01").await.ok(200);
    assert!(none["periods"].as_array().unwrap().iter().all(|period| period["all"]["count"] == 0));
    let faults = admin.get("/v1/reports/sales-velocity?from=2017-01-01").await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("interval", "too_many")]));
}
