//! `POST /v1/reports/query`: every figure of every row is what the records come to that its own drill lists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// Seventy sales over fifteen months, in three currencies, of three owners, with gaps: some without an amount, a source or a customer.
async fn seeded(server: &Server) -> (Client, Client) {
    let admin = server.admin().await;
    let own = ["opportunity read own", "opportunity create own", "customer read all", "user read all"];
    let rep = server.user_who_may(&admin, "Rui", &own, json!([]), json!({})).await;
    let other = server.user(&admin, "Ole", "sales_representative", json!({})).await;
    let choices = json!({"object": "opportunity", "choices": [{"value": "gold", "label_zh": "金"}, {"value": "tin"}]});
    admin.custom_field("tier", "choice", choices).await;
    let tags = [admin.create("tags", json!({"name": "VIP"})).await, admin.create("tags", json!({"name": "续约"})).await];
    let mut customers = Vec::new();
    for (name, industry) in [("华为", "ict"), ("Kingsway", "trade"), ("Weber", "trade")] {
        customers.push(admin.create("customers", json!({"name": name, "industry": industry})).await);
    }
    let (_, stages) = super::sales(&admin).await;
    let me = admin_id(&admin).await;
    for number in 0..70_usize {
        let (month, hour) = (number * 15 / 70, (number * 7) % 24);
        let (year, month) = (2024 + (month + 9) / 12, (month + 9) % 12 + 1);
        let opened = format!("{year}-{month:02}-{:02}T{hour:02}:30:00Z", number * 5 % 28 + 1);
        let currency = ["CNY", "CNY", "CNY", "USD", "JPY"][number % 5];
        let amount = i64::try_from(number * number * 97 % 50_000).unwrap() - 5_000;
        let owner = [&me, &rep.id, &other.id][number % 3];
        let source = ["web", "fair", "phone"].get(number % 4);
        let mut body = json!({
            "name": format!("d{number}"), "opened_at": opened, "expected_close_on": format!("{year}-{month:02}-28"),
            "owner_id": owner,
            "stage_id": stages[if number % 4 == 1 { 4 } else { number % 3 }],
            "source": source, "amount": if number % 9 == 8 { Value::Null } else { json!({"amount": amount.max(0), "currency": currency}) },
            "customer_id": customers.get(number % 4), "custom": if number % 3 == 0 { json!({}) } else { json!({"tier": if number % 2 == 0 { "gold" } else { "tin" }}) },
            "tag_ids": tags.iter().take(number % 3).collect::<Vec<_>>(),
        });
        if number % 4 == 1 {
            body["closed_at"] = json!(format!("{year}-{month:02}-28T23:30:00Z"));
            body["close_reason"] = json!("price");
        }
        admin.create("opportunities", body).await;
    }
    (admin, rep)
}

async fn admin_id(admin: &Client) -> String {
    admin.get("/v1/me").await.ok(200)["id"].as_str().unwrap().to_owned()
}

/// All records that a filter lists.
pub async fn listed(client: &Client, collection: &str, filter: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let body = json!({"filter": filter, "limit": 200, "cursor": cursor});
        let page = client.post(&format!("/v1/{collection}/search"), body).await.ok(200);
        found.extend(page["data"].as_array().unwrap().iter().cloned());
        cursor = page["page"]["next"].clone();
        if cursor.is_null() {
            return found;
        }
    }
}

/// The figures of records, computed by hand. Amounts by currency; other numbers under no currency.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a handful")]
pub fn by_hand(function: &str, field: Option<&str>, records: &[Value]) -> Value {
    let Some(field) = field else { return json!(records.len()) };
    let at = |record: &Value| field.split('.').fold(record.clone(), |value, part| value[part].clone());
    let given: Vec<Value> = records.iter().map(at).filter(|value| !value.is_null()).collect();
    match function {
        "count" => return json!(given.len()),
        "distinct" => return json!(given.iter().map(Value::to_string).collect::<BTreeSet<_>>().len()),
        _ => {}
    }
    const MONEY: [&str; 5] = ["amount", "refunded_amount", "outstanding_amount", "order_total", "lifetime_value"];
    let is_money = MONEY.contains(&field);
    let mut parts: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for value in given {
        let currency = value["currency"].as_str().unwrap_or_default().to_owned();
        let number = if is_money { value["amount"].as_f64() } else { value.as_f64() };
        parts.entry(currency).or_default().push(number.unwrap());
    }
    // In hundredths, so that halves of minor units are halves.
    let percentile = |values: &mut Vec<f64>, percent: usize| {
        values.sort_by(f64::total_cmp);
        let place = percent * (values.len() - 1);
        let (low, high) = (values[place / 100], values[place.div_ceil(100)]);
        (low * 100.0 + (high - low) * (place % 100) as f64) / 100.0
    };
    let figure = |mut values: Vec<f64>| match function {
        "sum" => values.iter().sum::<f64>(),
        "avg" => values.iter().sum::<f64>() / values.len() as f64,
        "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "median" => percentile(&mut values, 50),
        "p90" => percentile(&mut values, 90),
        other => panic!("{other}"),
    };
    if is_money {
        let each =
            parts.into_iter().map(|(currency, values)| json!({"amount": figure(values).round() as i64, "currency": currency}));
        return Value::Array(each.collect());
    }
    match parts.remove("") {
        Some(values) => json!(figure(values)),
        None if function == "sum" => json!(0),
        None => Value::Null,
    }
}

pub fn alike(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => (left - right).abs() < 1e-5 * right.abs().max(1.0),
        _ => left == right,
    }
}

fn measures() -> Value {
    let won = json!({"field": "status", "value": "won"});
    json!([
        {"as": "n", "fn": "count"}, {"as": "with_amount", "fn": "count", "field": "amount"},
        {"as": "sum", "fn": "sum", "field": "amount"}, {"as": "mean", "fn": "avg", "field": "amount"},
        {"as": "least", "fn": "min", "field": "amount"}, {"as": "most", "fn": "max", "field": "amount"},
        {"as": "middle", "fn": "median", "field": "amount"}, {"as": "high", "fn": "p90", "field": "amount"},
        {"as": "customers", "fn": "distinct", "field": "customer_id"}, {"as": "odds", "fn": "avg", "field": "probability"},
        {"as": "odds_middle", "fn": "median", "field": "probability"}, {"as": "odds_sum", "fn": "sum", "field": "probability"},
        {"as": "won", "fn": "count", "filter": won}, {"as": "won_sum", "fn": "sum", "field": "amount", "filter": won},
        {"as": "won_high", "fn": "p90", "field": "amount", "filter": won},
        {"as": "rate", "ratio": ["won", "n"]}
    ])
}

/// Compares each row with the records that it lists; how many records there are in all rows.
async fn check(client: &Client, question: &Value, answer: &Value, rows: &Value) -> usize {
    let mut all = 0;
    for row in rows.as_array().unwrap() {
        let drill = &row["drill"];
        let records = listed(client, drill["collection"].as_str().unwrap(), &drill["filter"]).await;
        all += records.len();
        for measure in question["measures"].as_array().unwrap() {
            let name = measure["as"].as_str().unwrap();
            let column = answer["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap();
            let expected = if let Some(pair) = measure["ratio"].as_array() {
                let [above, below] = [0, 1].map(|place| row["values"][pair[place].as_str().unwrap()].as_f64().unwrap());
                if below == 0.0 { Value::Null } else { json!(above / below) }
            } else {
                let own = match column.get("filter") {
                    Some(filter) => listed(client, "opportunities", &json!({"and": [drill["filter"], filter]})).await,
                    None => records.clone(),
                };
                by_hand(measure["fn"].as_str().unwrap(), measure["field"].as_str(), &own)
            };
            assert!(
                alike(&row["values"][name], &expected),
                "{name} of {} is {expected}, not {}",
                row["key"],
                row["values"][name]
            );
        }
    }
    all
}

/// Each figure of each row, however the records are grouped, and of the totals.
pub async fn figures_are_what_the_records_come_to(db: TestDb) {
    let server = Server::start(db).await;
    let (admin, _) = seeded(&server).await;
    let all = listed(&admin, "opportunities", &json!({"and": []})).await.len();
    let month = json!({"field": "opened_at", "as": "month", "bucket": "month", "from": "2024-10-01", "to": "2026-01-01"});
    let owner = json!({"field": "owner_id", "as": "owner", "top": {"n": 1, "by": "n"}});
    for (dimensions, more, whole) in [
        (json!([]), json!({}), true),
        (json!([month]), json!({"totals": ["grand"]}), false),
        (json!([{"field": "source"}]), json!({}), true),
        (json!([{"field": "customer.industry"}, {"field": "custom.tier"}]), json!({"totals": ["subtotals", "grand"]}), true),
        (
            json!([owner, {"field": "opened_at", "bucket": "quarter", "fill": false}]),
            json!({"fiscal_start_month": 4, "pivot": {"rows": ["owner"], "columns": ["opened_at.quarter"]}, "totals": ["rows", "columns", "grand"]}),
            true,
        ),
        (json!([{"field": "expected_close_on", "bucket": "week", "fill": false}]), json!({"week_start": "sun"}), true),
        (json!([{"field": "opened_at", "bucket": "weekday"}]), json!({"time_zone": "America/New_York"}), false),
        (json!([{"field": "opened_at", "bucket": "month_of_year"}]), json!({}), true),
        (json!([{"field": "amount", "ranges": [0, 1_000, 20_000]}]), json!({}), true),
        (
            json!([{"field": "amount.currency"}]),
            json!({"filter": {"field": "opened_at", "op": "gte", "value": "2025-01-01"}}),
            false,
        ),
        (json!([{"field": "source", "top": {"n": 1, "by": "n", "other": false}}]), json!({"totals": ["grand"]}), false),
    ] {
        let mut question = json!({"object": "opportunities", "dimensions": dimensions, "measures": measures()});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = admin.post("/v1/reports/query", question.clone()).await.ok(200);
        let rows: Vec<&Value> = answer["rows"].as_array().unwrap().iter().filter(|row| !row["drill"].is_null()).collect();
        let counted = check(&admin, &question, &answer, &json!(rows)).await;
        if whole {
            assert_eq!(counted, all, "each record is in one row: {}", question["dimensions"]);
        }
        check(&admin, &question, &answer, &answer["totals"]).await;
        if let Some(pivot) = answer["pivot"].as_object() {
            for (row, cells) in pivot["rows"].as_array().unwrap().iter().zip(pivot["cells"].as_array().unwrap()) {
                for (column, cell) in pivot["columns"].as_array().unwrap().iter().zip(cells.as_array().unwrap()) {
                    let mut key: Map<String, Value> = row.as_object().unwrap().clone();
                    key.extend(column.as_object().unwrap().clone());
                    let found = answer["rows"].as_array().unwrap().iter().position(|row| row["key"] == json!(key));
                    assert_eq!(cell.as_u64(), found.map(|place| place as u64), "{key:?}");
                }
            }
        }
    }
}

/// Empty buckets are there, in order; keys are for programs, labels for people; weeks and years begin as asked.
pub async fn buckets_have_keys_and_labels(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (name, opened) in [("A", "2026-03-31T15:59:00Z"), ("B", "2026-03-31T16:00:00Z"), ("C", "2026-06-30T03:00:00Z")] {
        admin.create("opportunities", json!({"name": name, "opened_at": opened})).await;
    }
    let keys = async |dimension: Value, more: Value, chinese: bool| -> Vec<(String, String, i64)> {
        let mut question = json!({"object": "opportunity", "dimensions": [dimension], "measures": [{"fn": "count"}]});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let language = if chinese { "zh-CN" } else { "en" };
        let answer = admin.post("/v1/reports/query", question).header("accept-language", language).await.ok(200);
        let rows = answer["rows"].as_array().unwrap().iter().map(|row| {
            let only = |part: &str| row[part].as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
            (only("key"), only("labels"), row["values"]["count"].as_i64().unwrap())
        });
        rows.collect()
    };
    let row = |key: &str, label: &str, count: i64| (key.to_owned(), label.to_owned(), count);
    let month = json!({"field": "opened_at", "bucket": "month", "from": "2026-03-01", "to": "2026-07-01"});
    assert_eq!(
        keys(month.clone(), json!({}), true).await,
        [
            row("2026-03", "2026年3月", 1),
            row("2026-04", "2026年4月", 1),
            row("2026-05", "2026年5月", 0),
            row("2026-06", "2026年6月", 1)
        ],
        "in the tenant's time zone"
    );
    let utc = keys(month, json!({"time_zone": "UTC"}), false).await;
    assert_eq!(utc[..2], [row("2026-03", "Mar 2026", 2), row("2026-04", "Apr 2026", 0)]);
    let quarter = json!({"field": "opened_at", "bucket": "quarter"});
    assert_eq!(
        keys(quarter, json!({"fiscal_start_month": 4}), false).await,
        [row("FY2026-Q4", "Q4 FY2026", 1), row("FY2027-Q1", "Q1 FY2027", 2)]
    );
    let weekday = json!({"field": "opened_at", "bucket": "weekday"});
    let days = keys(weekday, json!({"week_start": "sun"}), true).await;
    assert_eq!(
        days[..4],
        [row("dow:7", "星期日", 0), row("dow:1", "星期一", 0), row("dow:2", "星期二", 2), row("dow:3", "星期三", 1)]
    );
    assert_eq!(keys(json!({"field": "status"}), json!({}), true).await, [row("open", "进行中", 3)]);
    let ranges = json!({"field": "probability", "ranges": [0, 50.5]});
    assert_eq!(keys(ranges, json!({}), false).await.iter().map(|row| row.1.clone()).collect::<Vec<_>>(), ["0 – 50.5"]);
}

/// Running totals, shares and comparisons follow from the plain figures.
pub async fn figures_are_worked_out_of_others(db: TestDb) {
    let server = Server::start(db).await;
    let (admin, _) = seeded(&server).await;
    let month = |from: &str, to: &str| json!({"field": "opened_at", "as": "month", "bucket": "month", "from": from, "to": to});
    let source = json!({"field": "source"});
    let ask = async |dimensions: Value, measures: Value| {
        let question = json!({"object": "opportunities", "dimensions": dimensions, "measures": measures});
        admin.post("/v1/reports/query", question).await.ok(200)["rows"].as_array().unwrap().clone()
    };
    let plain = ask(json!([month("2024-10-01", "2026-01-01"), source]), json!([{"as": "n", "fn": "count"}])).await;
    let number = |month: &str, source: &Value| -> i64 {
        let found = plain.iter().find(|row| row["key"]["month"] == month && row["key"]["source"] == *source);
        found.map_or(0, |row| row["values"]["n"].as_i64().unwrap())
    };
    let months: Vec<String> =
        plain.iter().map(|row| row["key"]["month"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>().into_iter().collect();
    let derived = ask(
        json!([month("2025-10-01", "2026-01-01"), source]),
        json!([
            {"as": "n", "fn": "count"}, {"as": "running", "of": "n", "running": "month"},
            {"as": "share", "of": "n", "within": ["month"]}, {"as": "before", "of": "n", "compare": "previous_period"},
            {"as": "last_year", "of": "n", "compare": "same_period_last_year"},
            {"as": "more", "of": "n", "compare": "previous_period", "show": "difference"},
            {"as": "growth", "of": "n", "compare": "same_period_last_year", "show": "change"}
        ]),
    )
    .await;
    assert_eq!(
        derived.iter().map(|row| row["key"]["month"].as_str().unwrap()).collect::<BTreeSet<_>>(),
        BTreeSet::from(["2025-10", "2025-11", "2025-12"])
    );
    for row in &derived {
        let (month, source) = (row["key"]["month"].as_str().unwrap(), &row["key"]["source"]);
        let at = months.iter().position(|known| known == month).unwrap();
        let now = number(month, source);
        let values = &row["values"];
        assert_eq!(values["n"], now);
        assert_eq!(
            values["running"],
            months[12..=at].iter().map(|month| number(month, source)).sum::<i64>(),
            "from the first month asked for"
        );
        let (before, last_year) = (number(&months[at - 1], source), number(&months[at - 12], source));
        assert_eq!((&values["before"], &values["last_year"]), (&json!(before), &json!(last_year)));
        assert_eq!(values["more"], now - before);
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        let ratio = |above: i64, below: i64| if below == 0 { Value::Null } else { json!(above as f64 / below as f64) };
        assert!(alike(&values["growth"], &ratio(now - last_year, last_year)), "{row}");
        let sources: BTreeSet<String> = plain.iter().map(|row| row["key"]["source"].to_string()).collect();
        let all = sources.iter().map(|source| number(month, &serde_json::from_str(source).unwrap())).sum();
        assert!(alike(&values["share"], &ratio(now, all)), "{row}");
    }
    let question = json!({"object": "opportunities", "dimensions": [source], "measures": [{"as": "n", "fn": "count"}, {"as": "sum", "fn": "sum", "field": "amount"}],
        "having": {"not": {"field": "n", "op": "lt", "value": 18}}, "sort": ["-n"], "limit": 1});
    let answer = admin.post("/v1/reports/query", question.clone()).await.ok(200);
    let counts = ask(json!([source]), json!([{"as": "n", "fn": "count"}])).await;
    let mut kept: Vec<i64> = counts.iter().filter_map(|row| row["values"]["n"].as_i64()).filter(|n| *n >= 18).collect();
    kept.sort_unstable();
    assert_eq!((&answer["meta"]["row_count"], &answer["meta"]["truncated"]), (&json!(kept.len()), &json!(kept.len() > 1)));
    assert_eq!(answer["rows"][0]["values"]["n"], *kept.last().unwrap());
    let mut mixed = question;
    mixed["sort"] = json!(["sum"]);
    let problem = admin.post("/v1/reports/query", mixed).await.refused(422, "mixed_currencies");
    assert_eq!(problem["currencies"], json!(["CNY", "JPY", "USD"]));
}

/// A question counts what the asker may see, of fields and rows.
pub async fn rights_are_those_of_the_asker(db: TestDb) {
    let server = Server::start(db).await;
    let (admin, rep) = seeded(&server).await;
    let question =
        json!({"object": "opportunities", "dimensions": [{"field": "owner_id"}], "measures": [{"as": "n", "fn": "count"}]});
    let all = admin.post("/v1/reports/query", question.clone()).await.ok(200);
    let own = rep.post("/v1/reports/query", question).await.ok(200);
    assert_eq!(own["rows"].as_array().unwrap().len(), 1);
    let same = all["rows"].as_array().unwrap().iter().find(|row| row["key"]["owner_id"] == rep.id.as_str()).unwrap();
    assert_eq!(own["rows"][0]["values"], same["values"]);
    assert_eq!(own["rows"][0]["labels"]["owner_id"], "Rui");
    // Parts count with what they are parts of.
    let product = admin.create("products", json!({"name": "GTX"})).await;
    let parts = ["opportunity read own", "product read all"];
    let half = server.user_who_may(&admin, "Half", &parts, json!([]), json!({})).await;
    for (name, owner, quantity) in [("mine", &half.id, 3), ("yours", &rep.id, 5)] {
        let sale = admin.create("opportunities", json!({"name": name, "owner_id": owner})).await;
        let line = json!({"product_id": product, "quantity": quantity, "unit_price": {"amount": 10, "currency": "CNY"}});
        admin.post(&format!("/v1/opportunities/{sale}/line-items"), line).await.ok(201);
    }
    let lines = json!({"object": "line-items", "dimensions": [{"field": "product.name"}], "measures": [{"as": "q", "fn": "sum", "field": "quantity"}]});
    for (client, quantity) in [(&half, 3.0), (&admin, 8.0)] {
        let answer = client.post("/v1/reports/query", lines.clone()).await.ok(200);
        assert_eq!((&answer["rows"][0]["values"]["q"], &answer["rows"][0]["drill"]), (&json!(quantity), &Value::Null));
    }
    let tickets = json!({"object": "tickets", "measures": [{"fn": "count"}]});
    rep.post("/v1/reports/query", tickets).await.refused(403, "forbidden");
    let blind = server.user_who_may(&admin, "Blind", &["opportunity read all"], json!([]), json!({})).await;
    let through =
        json!({"object": "opportunities", "dimensions": [{"field": "customer.industry"}], "measures": [{"fn": "count"}]});
    assert_eq!(blind.post("/v1/reports/query", through).await.faults(400)[0].0, "/dimensions/0/field");
    server.anybody().post("/v1/reports/query", json!({})).await.refused(401, "unauthorized");
}

/// What is wrong with a question is named at its place.
pub async fn faults_are_named_at_their_place(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let count = json!([{"as": "n", "fn": "count"}]);
    let date = json!({"field": "opened_at", "bucket": "month"});
    for (question, expected) in [
        (json!({"measures": count}), vec![("/object", "required")]),
        (json!({"object": "oportunities", "measures": count}), vec![("/object", "unknown_choice")]),
        (json!({"object": "leads", "measures": []}), vec![("/measures", "required")]),
        (json!({"object": "leads", "measures": count, "dimension": []}), vec![("/dimension", "unknown_member")]),
        (json!({"object": "leads", "measures": [{"as": "x"}]}), vec![("/measures/0/fn", "required")]),
        (
            json!({"object": "leads", "measures": [{"fn": "count", "ratio": ["a", "b"]}]}),
            vec![("/measures/0/ratio", "conflicting")],
        ),
        (json!({"object": "leads", "measures": [{"fn": "sum", "field": "name"}]}), vec![("/measures/0/field", "unknown_choice")]),
        (json!({"object": "leads", "measures": [{"fn": "median"}]}), vec![("/measures/0/field", "required")]),
        (
            json!({"object": "opportunities", "measures": count, "dimensions": [{"field": "opened_at"}, {"field": "status", "bucket": "day"}]}),
            vec![("/dimensions/0/bucket", "wrong_type"), ("/dimensions/1/bucket", "wrong_type")],
        ),
        (
            json!({"object": "opportunities", "measures": count, "dimensions": [{"field": "stauts"}, {"field": "amount"}, {"field": "tag_ids"}]}),
            vec![
                ("/dimensions/0/field", "unknown_member"),
                ("/dimensions/1/ranges", "wrong_type"),
                ("/dimensions/2/field", "wrong_type"),
            ],
        ),
        (
            json!({"object": "opportunities", "measures": [{"as": "n", "fn": "count"}, {"as": "r", "of": "n", "running": "status"}, {"as": "s", "of": "m", "within": []}], "dimensions": [{"field": "status"}]}),
            vec![("/measures/1/running", "wrong_type"), ("/measures/2/of", "unknown_choice")],
        ),
        (
            json!({"object": "opportunities", "measures": count, "dimensions": [date], "sort": ["-m"], "totals": ["rows", "sum"], "having": {"field": "m", "op": "like"}}),
            vec![
                ("/sort/0", "unknown_choice"),
                ("/pivot", "required"),
                ("/totals/1", "unknown_choice"),
                ("/having/field", "unknown_choice"),
            ],
        ),
        (
            json!({"object": "opportunities", "measures": count, "dimensions": [date, {"field": "status"}], "pivot": {"rows": ["status"]}}),
            vec![("/pivot", "wrong_type")],
        ),
        (
            json!({"object": "opportunities", "measures": count, "dimensions": [{"field": "probability", "ranges": [5, 5]}]}),
            vec![("/dimensions/0/ranges/1", "too_small")],
        ),
        (
            json!({"object": "opportunities", "measures": count, "time_zone": "Mars", "fiscal_start_month": 13}),
            vec![("/fiscal_start_month", "too_large"), ("/time_zone", "unknown_time_zone")],
        ),
        (
            json!({"object": "opportunities", "measures": count, "filter": {"field": "amout", "value": 1}}),
            vec![("/filter/field", "unknown_member")],
        ),
        (json!({"object": "customers", "measures": count, "as_of": "2026-01-01T00:00:00Z"}), vec![("/as_of", "unknown_member")]),
        (
            json!({"object": "opportunities", "measures": [{"as": "n", "fn": "count"}, {"as": "n", "fn": "count", "field": "amount"}]}),
            vec![("/measures", "repeated")],
        ),
    ] {
        let mut faults = admin.post("/v1/reports/query", question.clone()).await.faults(400);
        faults.sort();
        let mut expected = pairs(&expected);
        expected.sort();
        assert_eq!(faults, expected, "{question}");
    }
    let years = json!({"object": "opportunities", "measures": count, "dimensions": [{"field": "opened_at", "bucket": "day", "from": "1900-01-01", "to": "2026-01-01"}]});
    assert_eq!(admin.post("/v1/reports/query", years).await.faults(400), pairs(&[("/dimensions", "too_many")]));
}

/// A question of the past is answered by the ledger, and its drill lists the records of that time.
pub async fn the_past_is_that_of_the_ledger(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    super::sales(&admin).await;
    for time in ["2017-01-15T00:00:00Z", "2017-02-25T00:00:00Z", "2017-12-01T00:00:00Z"] {
        let question = json!({"object": "opportunities", "as_of": time, "dimensions": [{"field": "stage_id"}],
            "measures": [{"as": "n", "fn": "count"}, {"as": "sum", "fn": "sum", "field": "amount"}], "totals": ["grand"]});
        let answer = admin.post("/v1/reports/query", question).await.ok(200);
        for row in answer["rows"].as_array().unwrap().iter().chain(answer["totals"].as_array().unwrap()) {
            let body = json!({"filter": row["drill"]["filter"], "as_of": row["drill"]["as_of"], "limit": 200});
            let found = admin.post("/v1/opportunities/search", body).await.ok(200)["data"].as_array().unwrap().clone();
            assert_eq!(row["values"]["n"], found.len(), "{time} {row}");
            assert_eq!(row["values"]["sum"], by_hand("sum", Some("amount"), &found), "{time} {row}");
        }
    }
}

/// As a file for spreadsheets: labels, amounts in major units by currency, totals below; what looks like a formula is text.
pub async fn answers_are_files_for_spreadsheets(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (name, source, amount) in [
        ("A", Some("=cmd()"), Some(json!({"amount": 123_450, "currency": "CNY"}))),
        ("B", Some("web"), Some(json!({"amount": 70, "currency": "JPY"}))),
        ("C", Some("web"), Some(json!({"amount": -5, "currency": "CNY"}))),
        ("D", None, None),
    ] {
        let amount = amount.filter(|amount| amount["amount"].as_i64().unwrap() > 0);
        admin
            .create(
                "opportunities",
                json!({"name": name, "source": source, "amount": amount, "opened_at": "2026-03-05T00:00:00Z"}),
            )
            .await;
    }
    let question = json!({"object": "opportunities", "dimensions": [{"field": "source"}, {"field": "opened_at", "as": "m", "bucket": "month"}],
        "measures": [{"fn": "count"}, {"as": "won", "fn": "sum", "field": "amount"}], "totals": ["grand", "rows", "columns"],
        "pivot": {"rows": ["source"], "columns": ["m"]}});
    let file = async |question: &Value, path: &str, language: &str| {
        let request = admin.post(path, question.clone()).header("accept", "text/csv").header("accept-language", language);
        request.raw().await
    };
    let mut long = question.clone();
    long.as_object_mut().unwrap().remove("pivot");
    long["totals"] = json!(["grand"]);
    let (headers, bytes) = file(&long, "/v1/reports/query?bom=false", "en").await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "Source,Opened at,Number of records,won (CNY),won (JPY)\n\
         '=cmd(),Mar 2026,1,1234.50,\n\
         web,Mar 2026,2,,70\n\
         (none),Mar 2026,1,,\n\
         Total,Total,4,1234.50,70\n"
    );
    let (_, bytes) = file(&question, "/v1/reports/query", "zh-CN").await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with('\u{feff}'), "{text}");
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(
        lines[0].split(',').skip(1).collect::<Vec<_>>(),
        [
            "2026年3月 · 记录数",
            "2026年3月 · won (CNY)",
            "2026年3月 · won (JPY)",
            "合计 · 记录数",
            "合计 · won (CNY)",
            "合计 · won (JPY)"
        ]
    );
    assert_eq!(
        lines[1..],
        ["'=cmd(),1,1234.50,,1,1234.50,", "web,2,,70,2,,70", "（空）,1,,,1,,", "合计,4,1234.50,70,4,1234.50,70"]
    );
}
