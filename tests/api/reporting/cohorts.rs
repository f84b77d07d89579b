//! Retention by cohort and the lifecycle of customers, computed here anew from the same orders.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};
use farley::http::clock;
use farley_domain::values::calendar::day_of;
use serde_json::{Value, json};

use super::{queries::alike, saved::walk, yuan};
use crate::{client::Client, server::Server, support::TestDb};

fn today() -> NaiveDate {
    day_of(clock::now(), chrono_tz::Asia::Shanghai)
}

fn day(back: u64) -> NaiveDate {
    today() - Days::new(back)
}

fn month(day: NaiveDate) -> String {
    day.format("%Y-%m").to_string()
}

/// An order of a customer some days ago, of an amount, in a status.
async fn order(admin: &Client, customer: &str, back: u64, (amount, status): (Value, &str)) {
    let reason = if status == "cancelled" { json!("changed mind") } else { Value::Null };
    let order = json!({"customer_id": customer, "ordered_on": day(back).to_string(), "status": status, "cancel_reason": reason, "amount": amount});
    admin.create("orders", order).await;
}

async fn compute_values(admin: &Client) {
    admin.post("/v1/customer-values/recompute", json!({})).await.ok(202);
    while admin.get("/v1/customer-values/model").await.ok(200)["progress"]["state"] != "done" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Who bought on which days for how much.
type Bought = BTreeMap<String, Vec<(NaiveDate, i64)>>;

/// Customers who come back at their own pace, with drafts and cancelled orders beside; every fourth is of the region 华东.
async fn shop(admin: &Client) -> Bought {
    let mut bought = Bought::new();
    for number in 0..30_u64 {
        let region = if number % 4 == 0 { "华东" } else { "华南" };
        let customer = admin.create("customers", json!({"name": format!("K{number}"), "region": region})).await;
        let (mut back, pace) = (20 + number * 17, 11 + number * 13 % 90);
        let mut own = Vec::new();
        for time in 0..7_u64 {
            let status =
                ["confirmed", "fulfilled", "draft", "confirmed", "cancelled"][usize::try_from((number + time) % 5).unwrap()];
            let amount = i64::try_from(1_000 + number * 100 + time).unwrap();
            order(admin, &customer, back, (yuan(amount), status)).await;
            if ["confirmed", "fulfilled"].contains(&status) {
                own.push((day(back), amount));
            }
            match back.checked_sub(pace * (1 + time % 3)) {
                Some(earlier) => back = earlier,
                None => break,
            }
        }
        if !own.is_empty() {
            bought.insert(customer, own);
        }
    }
    bought
}

/// What each cell of cohort and month comes to: customers, orders, amount.
fn cells(bought: &Bought) -> BTreeMap<(String, String), (usize, usize, i64)> {
    let mut cells: BTreeMap<(String, String), (BTreeSet<&String>, usize, i64)> = BTreeMap::new();
    for (customer, orders) in bought {
        let first = orders.iter().map(|(day, _)| *day).min().unwrap();
        for (day, amount) in orders {
            let cell = cells.entry((month(first), month(*day))).or_default();
            cell.0.insert(customer);
            cell.1 += 1;
            cell.2 += amount;
        }
    }
    cells.into_iter().map(|(key, (customers, count, amount))| (key, (customers.len(), count, amount))).collect()
}

pub async fn retention_is_that_of_the_orders(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let bought = shop(&admin).await;
    // An order in another currency is no first order, and has no share of a cohort that begins after it.
    let abroad = admin.create("customers", json!({"name": "Weber"})).await;
    order(&admin, &abroad, 150, (json!({"amount": 5, "currency": "USD"}), "confirmed")).await;
    order(&admin, &abroad, 40, (yuan(7), "confirmed")).await;
    compute_values(&admin).await;
    let path = "/v1/reports/customer-cohorts/run";
    let answer = admin.post(path, json!({})).await.ok(200);
    let mut expected = cells(&bought);
    let mine = expected.entry((month(day(40)), month(day(40)))).or_default();
    *mine = (mine.0 + 1, mine.1 + 1, mine.2 + 7);
    let sizes: BTreeMap<String, usize> = expected
        .iter()
        .filter(|((cohort, month), _)| cohort == month)
        .map(|((cohort, _), cell)| (cohort.clone(), cell.0))
        .collect();
    let since = month(today().with_day(1).unwrap() - Months::new(11));
    let mut wanted: BTreeSet<&(String, String)> = expected.keys().filter(|(cohort, _)| *cohort >= since).collect();
    assert!(wanted.len() > 20 && wanted.len() < expected.len(), "{wanted:?}");
    for row in answer["rows"].as_array().unwrap() {
        let key = ["cohort", "month"].map(|name| row["key"][name].as_str().unwrap().to_owned());
        let [cohort, month] = key.clone();
        let (is_before, key) = (month < cohort, (cohort.clone(), month));
        let (customers, count, amount) = expected.get(&key).copied().unwrap_or_default();
        wanted.remove(&key);
        let values = &row["values"];
        if is_before {
            assert_eq!((&values["size"], &values["retained"]), (&Value::Null, &Value::Null), "{row}");
            continue;
        }
        assert_eq!((&values["customers"], &values["count"]), (&json!(customers), &json!(count)), "{row}");
        let amounts = if amount == 0 { json!([]) } else { json!([yuan(amount)]) };
        assert_eq!(values["amount"], amounts, "{row}");
        match sizes.get(&cohort) {
            Some(size) => {
                assert_eq!(values["size"], *size, "{row}");
                #[allow(clippy::cast_precision_loss, reason = "a handful")]
                let share = customers as f64 / *size as f64;
                assert!(alike(&values["retained"], &json!(share)), "{row}");
            }
            None => assert!(values["size"].is_null() && values["retained"].is_null(), "{row}"),
        }
    }
    assert!(wanted.is_empty(), "{wanted:?}");
    assert!(answer["totals"][0]["values"]["size"].is_null());
    let question = admin.get("/v1/reports/customer-cohorts/definition").await.ok(200)["question"].clone();
    assert!(walk(&admin, &question, &answer).await > 60);

    // Cohorts are chosen by `from` and `to`; what they bought since is whole.
    let one = month(day(40));
    let from = day(40).with_day(1).unwrap();
    let chosen = admin.post(path, json!({"from": from.to_string(), "to": (from + Months::new(1)).to_string()})).await.ok(200);
    let of_one = |answer: &Value| -> Vec<(Value, Value)> {
        let rows = answer["rows"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["key"]["cohort"] == one && row["values"]["count"] != 0);
        rows.map(|row| (row["key"].clone(), row["values"].clone())).collect()
    };
    assert_eq!(of_one(&chosen), of_one(&answer));
    assert!(chosen["rows"].as_array().unwrap().iter().all(|row| row["key"]["cohort"] == one));
    let east = admin.post(path, json!({"parameters": {"region": "华东"}})).await.ok(200);
    let total = |answer: &Value| answer["totals"][0]["values"]["count"].as_i64().unwrap();
    assert!(total(&east) > 0 && total(&east) < total(&answer));

    // A heat map, and files.
    let picture = admin.post(&format!("{path}?format=svg"), json!({})).await;
    assert!(picture.status == 200 && picture.text.contains("<svg"), "{}", picture.text);
    for format in ["csv", "xlsx"] {
        assert_eq!(admin.post(&format!("{path}?format={format}"), json!({})).await.status, 200);
    }

    // Who sees no order counts none.
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    let own = seller.post(path, json!({})).await.ok(200);
    assert_eq!((&own["totals"][0]["values"]["customers"], total(&own)), (&json!(0), 0));
}

/// The lifecycle of customers who ordered so many days ago: of these the counts, in the order of the report.
fn lifecycle<'b>(customers: impl Iterator<Item = &'b Vec<u64>>) -> [usize; 7] {
    let mut counts = [0; 7];
    for days in customers {
        let last = days.iter().min().copied();
        // Active at a time for 180 days from an order: as of 90 days ago, and as of today.
        let was_active = days.iter().any(|back| *back > 90 && back - 90 <= 180);
        let is_active = last.is_some_and(|last| last <= 180);
        let was_customer = days.iter().any(|back| *back > 90);
        let came = last.is_some_and(|last| last <= 90);
        let found = [
            was_active,
            came && !was_customer,
            came && was_customer && !was_active,
            was_active && !is_active,
            is_active,
            last.is_some_and(|last| last > 180 && last <= 365),
            last.is_some_and(|last| last > 365),
        ];
        for (count, is_counted) in counts.iter_mut().zip(found) {
            *count += usize::from(is_counted);
        }
    }
    counts
}

pub async fn lifecycles_are_those_of_the_orders(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    // The days just inside and outside of each bound are among them.
    let histories: [&[u64]; 16] = [
        &[],
        &[0],
        &[90],
        &[91],
        &[180],
        &[181],
        &[270],
        &[271],
        &[365],
        &[366],
        &[10, 91],
        &[10, 270],
        &[10, 271],
        &[85, 500],
        &[120, 300],
        &[200, 260, 400],
    ];
    let mut known: BTreeMap<&str, Vec<Vec<u64>>> = BTreeMap::new();
    for (number, days) in histories.iter().enumerate() {
        for region in ["华东", "华南"].into_iter().take(1 + number % 2) {
            let customer = admin.create("customers", json!({"name": format!("{region} {number}"), "region": region})).await;
            for back in *days {
                order(&admin, &customer, *back, (yuan(100), if back % 2 == 0 { "confirmed" } else { "fulfilled" })).await;
            }
            // These are no purchases.
            order(&admin, &customer, 5, (yuan(1), "draft")).await;
            order(&admin, &customer, 150, (yuan(1), "cancelled")).await;
            known.entry(region).or_default().push(days.to_vec());
        }
    }
    let path = "/v1/reports/customer-lifecycle/run";
    let answer = admin.post(path, json!({})).await.ok(200);
    let names = ["active_before", "new", "returned", "lost", "active", "dormant", "gone"];
    let figures = |row: &Value| names.map(|name| usize::try_from(row["values"][name].as_u64().unwrap()).unwrap());
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let [before, new, returned, lost, active, ..] = figures(row);
        assert_eq!(figures(row), lifecycle(known[row["key"]["region"].as_str().unwrap()].iter()), "{row}");
        assert_eq!(active, before - lost + new + returned, "{row}");
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        let rate = lost as f64 / before as f64;
        assert!(alike(&row["values"]["churn_rate"], &json!(rate)), "{row}");
    }
    let all = lifecycle(known.values().flatten());
    assert_eq!(figures(&answer["totals"][0]), all);
    assert!(all.iter().all(|count| *count > 1), "{all:?}");
    let question = admin.get("/v1/reports/customer-lifecycle/definition").await.ok(200)["question"].clone();
    assert_eq!(walk(&admin, &question, &answer).await, 3 * names.len());
    let south = admin.post(path, json!({"parameters": {"region": "华南"}})).await.ok(200);
    assert_eq!(figures(&south["totals"][0]), lifecycle(known["华南"].iter()));

    // Who sees no customer counts none.
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    let own = seller.post(path, json!({})).await.ok(200);
    assert_eq!(figures(&own["totals"][0]), [0; 7]);
}
