//! What people save of reports: exchange rates, ready-made and saved reports, dashboards and views.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::queries::{alike, by_hand, listed};
use crate::{client::Client, server::Server, support::TestDb};

/// Rates to the yuan: currency, day, rate for so many units.
const RATES: &[(&str, &str, f64, i64)] = &[
    ("USD", "2026-01-01", 7.0123, 1),
    ("USD", "2026-02-10", 7.1886, 1),
    ("JPY", "2026-01-01", 4.7312, 100),
    ("JPY", "2026-02-20", 4.59, 100),
];

async fn with_rates(admin: &Client) {
    for (currency, day, rate, per) in RATES {
        let rate = json!({"from_currency": currency, "to_currency": "CNY", "valid_from": day, "rate": rate, "per": per});
        admin.create("exchange-rates", rate).await;
    }
}

/// What an amount comes to in millionths of a fen on a day, in whole numbers alone.
fn in_yuan(amount: i64, currency: &str, day: &str) -> i128 {
    const PARTS: i128 = 1_000_000;
    let Some((_, _, rate, per)) = RATES.iter().rfind(|(code, from, ..)| *code == currency && *from <= day) else {
        assert_eq!(currency, "CNY");
        return i128::from(amount) * PARTS;
    };
    #[allow(clippy::cast_possible_truncation, reason = "four decimals")]
    let digits = (rate * 10_000.0).round() as i128;
    // A yen has no minor units, a yuan has a hundred.
    let fen = if currency == "JPY" { 100 } else { 1 };
    half_up(i128::from(amount) * PARTS * digits * fen, 10_000 * i128::from(*per))
}

fn half_up(above: i128, below: i128) -> i128 {
    (above * 2 + below).div_euclid(below * 2)
}

/// Sums and means of several currencies are those of each amount at the rate of its day.
pub async fn amounts_are_converted_at_the_rate_of_the_day(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    with_rates(&admin).await;
    let refused = |body: Value| admin.post("/v1/exchange-rates", body);
    let faults =
        refused(json!({"from_currency": "XXQ", "to_currency": "cny", "valid_from": "2026-01-01", "rate": 0})).await.faults(422);
    assert_eq!(faults, crate::client::pairs(&[("/from_currency", "unknown_currency"), ("/rate", "too_small")]));
    let again = json!({"from_currency": "usd", "to_currency": "CNY", "valid_from": "2026-02-10", "rate": 8});
    refused(again).await.refused(409, "duplicate");

    let customer = admin.create("customers", json!({"name": "华为"})).await;
    let mut orders = Vec::new();
    for number in 0..60_i64 {
        let (month, day) = (number % 3 + 1, number * 7 % 28 + 1);
        let currency = ["CNY", "USD", "JPY"][usize::try_from(number * 5 % 3).unwrap()];
        let (on, amount) = (format!("2026-{month:02}-{day:02}"), number * number * 37 + 1);
        let order = json!({"customer_id": customer, "ordered_on": on, "status": "confirmed", "amount": {"amount": amount, "currency": currency}});
        admin.create("orders", order).await;
        orders.push((on, currency, amount));
    }
    let month = json!({"as": "month", "field": "ordered_on", "bucket": "month"});
    let question = |currency: &str| {
        json!({
            "object": "orders", "dimensions": [month], "currency": currency, "totals": ["grand"],
            "measures": [{"as": "sum", "fn": "sum", "field": "amount"}, {"as": "mean", "fn": "avg", "field": "amount"}, {"as": "n", "fn": "count"}]
        })
    };
    let answer = admin.post("/v1/reports/query", question("base")).await.ok(200);
    assert_eq!((&answer["meta"]["currency"], &answer["meta"]["rate_date"]), (&json!("CNY"), &json!("ordered_on")));
    let of = |month: Option<&str>| -> (i64, i64) {
        let own: Vec<i128> = orders
            .iter()
            .filter(|(day, ..)| month.is_none_or(|month| day.starts_with(month)))
            .map(|(day, currency, amount)| in_yuan(*amount, currency, day))
            .collect();
        let (sum, count) = (own.iter().sum::<i128>(), i128::try_from(own.len()).unwrap());
        let whole = |amount: i128| i64::try_from(amount).unwrap();
        (whole(half_up(sum, 1_000_000)), whole(half_up(sum, 1_000_000 * count)))
    };
    let money = |amount: i64| json!([{"amount": amount, "currency": "CNY"}]);
    for row in answer["rows"].as_array().unwrap() {
        let (sum, mean) = of(row["key"]["month"].as_str());
        assert_eq!((&row["values"]["sum"], &row["values"]["mean"]), (&money(sum), &money(mean)), "{}", row["key"]);
    }
    let (sum, mean) = of(None);
    let totals = &answer["totals"][0]["values"];
    assert_eq!((&totals["sum"], &totals["mean"], &totals["n"]), (&money(sum), &money(mean), &json!(60)), "rounded once");

    // By the inverse rates.
    let yen = admin.post("/v1/reports/query", question("JPY")).await.ok(200);
    let yen = yen["totals"][0]["values"]["sum"][0]["amount"].as_f64().unwrap();
    #[allow(clippy::cast_precision_loss, reason = "few digits")]
    let near = sum as f64 / 4.65;
    assert!((yen / near - 1.0).abs() < 0.03, "{yen} is about {near}");

    let problem = admin.post("/v1/reports/query", question("EUR")).await.refused(422, "exchange_rate_missing");
    assert!(problem["detail"].as_str().unwrap().contains("EUR"), "{problem}");
    let mut least = question("base");
    least["measures"] = json!([{"fn": "min", "field": "amount"}]);
    least["rate_date"] = json!("status");
    let faults = admin.post("/v1/reports/query", least).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/measures/0/fn", "wrong_type"), ("/rate_date", "wrong_type")]));
}

/// Something of everything that ready-made reports are about, of this month and the months before.
async fn a_little_of_everything(admin: &Client) {
    let customer = admin.create("customers", json!({"name": "华为", "region": "华南", "source": "展会"})).await;
    let other = admin.create("customers", json!({"name": "Weber", "industry": "trade"})).await;
    admin.create("contacts", json!({"name": "王芳", "customers": [{"customer_id": customer}]})).await;
    let campaign = admin.create("campaigns", json!({"name": "春季展会"})).await;
    let (_, stages) = super::sales(admin).await;
    let now = farley::http::clock::now();
    let day = |back: i64| now.plus_seconds(-back * 86_400).to_utc().format("%Y-%m-%d").to_string();
    for number in 0..24_i64 {
        // Yesterday at the latest, so that no time of it is still to come.
        let back = 1 + number * 9;
        let at = |count: i64| usize::try_from(number % count).unwrap();
        let closed = number % 3 != 0;
        let mut sale = json!({
            "name": format!("s{number}"), "customer_id": if number % 2 == 0 { &customer } else { &other },
            "opened_at": format!("{}T02:00:00Z", day(back + 3)), "stage_id": stages[if closed { 4 + at(2) } else { 1 }],
            "amount": {"amount": number * 100 + 5, "currency": if number % 5 == 0 { "USD" } else { "CNY" }},
            "campaign_id": if number % 4 == 0 { json!(campaign) } else { Value::Null }
        });
        if closed {
            sale["closed_at"] = json!(format!("{}T03:00:00Z", day(back)));
            sale["close_reason"] = json!((["price", "product", "relationship"][at(3)]));
        }
        admin.create("opportunities", sale).await;
        let lead = json!({
            "person_name": format!("Lead {number}"), "source": (["web", "fair"].get(at(3))),
            "received_at": format!("{}T04:00:00Z", day(back)), "campaign_id": if number % 2 == 0 { json!(campaign) } else { Value::Null }
        });
        let lead = admin.create("leads", lead).await;
        if number % 3 == 0 {
            admin.patch(&format!("/v1/leads/{lead}"), json!({"status": "contacted"})).await.ok(200);
        }
        let order = json!({
            "customer_id": if number % 3 == 0 { &other } else { &customer }, "ordered_on": day(back),
            "status": (["confirmed", "fulfilled", "draft", "cancelled"][at(4)]),
            "cancel_reason": if number % 4 == 3 { json!("changed mind") } else { Value::Null },
            "amount": {"amount": number * 1_000 + 7, "currency": "CNY"}
        });
        admin.create("orders", order).await;
        let ticket =
            json!({"subject": format!("t{number}"), "customer_id": customer, "opened_at": format!("{}T05:00:00Z", day(back))});
        admin.create("tickets", ticket).await;
        let visit = json!({"kind": "visit", "subject": "回访", "customer_id": customer, "occurred_at": format!("{}T06:00:00Z", day(1 + number)), "duration_seconds": 60 * number});
        admin.create("activities", visit).await;
    }
}

/// Compares every cell of a report with the records that it lists; how many there were.
pub async fn walk(client: &Client, question: &Value, answer: &Value) -> usize {
    let filters: BTreeMap<&str, &Value> = answer["columns"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|column| Some((column["name"].as_str()?, column.get("filter")?)))
        .collect();
    let mut cells = 0;
    for row in answer["rows"].as_array().unwrap().iter().chain(answer["totals"].as_array().unwrap()) {
        let drill = &row["drill"];
        assert!(!drill.is_null(), "{row}");
        let collection = drill["collection"].as_str().unwrap();
        let records = listed(client, collection, &drill["filter"]).await;
        for measure in question["measures"].as_array().unwrap() {
            let Some(function) = measure["fn"].as_str() else { continue };
            let name = measure["as"].as_str().unwrap();
            let own = match filters.get(name) {
                Some(filter) => listed(client, collection, &json!({"and": [drill["filter"], filter]})).await,
                None => records.clone(),
            };
            let field = measure["field"].as_str();
            let mut expected = by_hand(function, field, &own);
            if let Value::Array(amounts) = &mut expected {
                amounts.sort_by_key(|amount| amount["currency"].to_string());
            }
            assert!(
                alike(&row["values"][name], &expected),
                "{name} of {} is {expected}, not {}",
                row["key"],
                row["values"][name]
            );
            cells += 1;
        }
    }
    cells
}

/// Each ready-made report is defined in two languages, and each of its cells is what its own drill lists.
pub async fn ready_reports_are_what_their_records_come_to(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    a_little_of_everything(&admin).await;
    let list = admin.get("/v1/reports").await.ok(200);
    let reports = list["data"].as_array().unwrap();
    assert!(reports.len() > 15);
    for report in reports {
        let name = report["name"].as_str().unwrap();
        assert_eq!(admin.get(&format!("/v1/reports/{name}/definition")).await.ok(200), *report);
        for language in ["en", "zh"] {
            assert!(report["definition"][language].as_str().is_some_and(|text| text.chars().count() > 15), "{report}");
        }
        let operation = report["operation"].as_str().unwrap();
        let question = &report["question"];
        if question.is_null() {
            assert!(operation.starts_with("GET /v1/"), "{operation}");
            continue;
        }
        assert_eq!(operation, format!("POST /v1/reports/{name}/run"));
        let currency = if name == "customer-concentration" { json!({"currency": "CNY"}) } else { json!({}) };
        let answer = admin.post(&format!("/v1/reports/{name}/run"), json!({"parameters": currency})).await.ok(200);
        let asked = admin.post("/v1/reports/query", question.clone()).await;
        assert!(asked.status == 200 || asked.status == 422, "the question can be asked as it stands: {}", asked.text);
        let cells = walk(&admin, question, &answer).await;
        // Customer values are computed in tests of their own.
        let is_empty = ["customer-loyalty", "customer-cohorts"].contains(&name);
        assert!(cells > 4 || is_empty, "{name} has {cells} cells: {answer}");
        let chinese =
            admin.post(&format!("/v1/reports/{name}/run"), json!({"parameters": currency})).header("accept-language", "zh-CN");
        let labels = |answer: &Value| {
            answer["columns"].as_array().unwrap().iter().map(|column| column["label"].clone()).collect::<Vec<_>>()
        };
        let (english, chinese) = (labels(&answer), labels(&chinese.await.ok(200)));
        assert!(english.iter().zip(&chinese).all(|(en, zh)| en != zh), "{name}: {english:?} {chinese:?}");
    }
    let performance = json!({"from": "2017-01-01", "to": "2018-01-01", "filter": {"field": "name", "value": "A"}});
    let answer = admin.post("/v1/reports/sales-performance/run", performance).await.ok(200);
    assert_eq!(answer["totals"][0]["values"]["won_count"], 1, "{answer}");
    let faults = admin.post("/v1/reports/data-quality/run", json!({"from": "gestern", "to": "today"})).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/from", "invalid_date")]));
    let faults =
        admin.post("/v1/reports/data-quality/run", json!({"to": "today", "parameters": {"ownr": "me"}})).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/to", "wrong_type"), ("/parameters/ownr", "unknown_parameter")]));
    admin.post("/v1/reports/nothing/run", json!({})).await.refused(404, "not_found");
}

/// A saved report is run with what is chosen, by whoever it is shared with, within their own rights.
pub async fn saved_reports_are_run_with_what_is_chosen(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    super::sales(&admin).await;
    let month = json!({"as": "month", "field": "opened_at", "bucket": "month", "from": "2017-01-01", "to": "2018-01-01"});
    let question = json!({
        "object": "opportunities", "dimensions": [month], "measures": [{"as": "n", "fn": "count"}, {"as": "sum", "fn": "sum", "field": "amount"}],
        "filter": {"field": "status", "op": "ne", "value": "lost"}
    });
    let parameters =
        json!([{"name": "source", "field": "source"}, {"name": "least", "field": "amount", "op": "gte", "default": 150}]);
    let body = json!({"name": "月度赢单", "question": question, "parameters": parameters});
    let wrong = json!({
        "name": "x", "question": {"object": "opportunities", "measures": [{"fn": "sum", "field": "amuont"}]},
        "parameters": [{"name": "a", "field": "source"}, {"name": "a", "field": "sorce", "op": "like"}]
    });
    let faults = admin.post("/v1/saved-reports", wrong).await.faults(400);
    assert!(faults.iter().any(|(place, _)| place == "/parameters/1/op"), "{faults:?}");
    let mut typed = body.clone();
    typed["question"]["measures"][1]["field"] = json!("amuont");
    typed["parameters"][0]["field"] = json!("sorce");
    let faults = admin.post("/v1/saved-reports", typed).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/question/measures/1/field", "unknown_choice")]));
    let mut typed = body.clone();
    typed["parameters"][1]["default"] = json!("much");
    let faults = admin.post("/v1/saved-reports", typed).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/parameters/1/default", "wrong_type")]));
    let id = admin.create("saved-reports", body).await;
    let path = format!("/v1/saved-reports/{id}/run");
    let run = async |client: &Client, body: Value| client.post(&path, body).await.ok(200)["rows"].clone();
    let mut direct = question.clone();
    direct["dimensions"][0]["from"] = json!("2017-02-01");
    direct["filter"] = json!({"and": [question["filter"], {"field": "source", "value": "web"}, {"field": "amount", "op": "gte", "value": 150}, {"field": "name", "op": "in", "value": ["C", "D", "F"]}]});
    let expected = admin.post("/v1/reports/query", direct).await.ok(200)["rows"].clone();
    assert_eq!(expected[0]["values"]["n"], 2, "C and D");
    let chosen = json!({"from": "2017-02-01", "parameters": {"source": "web"}, "filter": {"field": "name", "op": "in", "value": ["C", "D", "F"]}});
    let found = run(&admin, chosen).await;
    for (found, expected) in found.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
        assert_eq!((&found["key"], &found["values"]), (&expected["key"], &expected["values"]));
    }
    let faults =
        admin.post(&path, json!({"parameters": {"least": "much"}, "filter": {"field": "nmae", "value": 1}})).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/parameters/least", "wrong_type"), ("/filter/field", "unknown_member")]));
    let drawn = admin.post(&format!("{path}?format=svg"), json!({})).await;
    assert!(drawn.header("content-type") == "image/svg+xml" && drawn.text.contains("<svg"), "{}", drawn.text);
    let csv = admin.post(&path, json!({})).header("accept", "text/csv").await;
    assert!(csv.text.contains("Jan 2017"), "{}", csv.text);

    // Shared with a team, and with everyone.
    let team = admin.create("teams", json!({"name": "华东"})).await;
    let mate = server.user(&admin, "Mei", "sales_representative", json!({"team_id": team})).await;
    let stranger = server.user(&admin, "Sam", "sales_representative", json!({})).await;
    mate.post(&path, json!({})).await.refused(404, "not_found");
    let share = async |with: &str| {
        admin.patch(&format!("/v1/saved-reports/{id}"), json!({"shared_with": with, "team_id": team})).await.ok(200);
    };
    share("team").await;
    let own = run(&mate, json!({})).await;
    assert!(own.as_array().unwrap().iter().all(|row| row["values"]["n"] == 0), "whoever runs it sees their own: {own}");
    stranger.post(&path, json!({})).await.refused(404, "not_found");
    share("everyone").await;
    run(&stranger, json!({})).await;
    assert_eq!(stranger.names("/v1/saved-reports").await, ["月度赢单"]);
    stranger.patch(&format!("/v1/saved-reports/{id}"), json!({"name": "mine"})).await.refused(403, "forbidden");
    admin.delete(&format!("/v1/saved-reports/{id}")).await.ok(204);
    admin.post(&path, json!({})).await.refused(404, "not_found");
}

/// Widgets are answered one by one: what fails leaves the others as they are.
pub async fn dashboards_answer_each_widget(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    super::sales(&admin).await;
    let count = json!([{"as": "n", "fn": "count"}]);
    let saved = json!({"name": "按来源", "question": {"object": "opportunities", "dimensions": [{"field": "source"}], "measures": count},
        "parameters": [{"name": "source", "field": "source"}], "shared_with": "everyone"});
    let saved = admin.create("saved-reports", saved).await;
    let widgets = json!([
        {"report": "sales-performance", "parameters": {"owner": "me"}},
        {"saved_report_id": saved, "title": "来源", "x": 6},
        {"question": {"object": "tickets", "measures": count}},
        {"report": "customer-concentration"},
    ]);
    let wrong = json!({"name": "x", "widgets": [{"report": "sales"}, {"report": "lead-sources", "saved_report_id": saved}, {"x": 1}, {"question": {"object": "nix"}}]});
    let faults = admin.post("/v1/dashboards", wrong).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/widgets/1/saved_report_id", "conflicting"), ("/widgets/2/report", "required")]));
    let wrong = json!({"name": "x", "widgets": [{"report": "sales"}, {"saved_report_id": "01890a5d-ac96-774b-bcce-b302099a8057"}, {"question": {"object": "nix", "measures": count}}]});
    let refused = admin.post("/v1/dashboards", wrong).await;
    assert!(!refused.text.contains("{choices}") && refused.text.contains("sales-performance"), "{}", refused.text);
    let faults = refused.faults(400);
    assert_eq!(
        faults,
        crate::client::pairs(&[
            ("/widgets/0/report", "unknown_choice"),
            ("/widgets/1/saved_report_id", "reference_not_found"),
            ("/widgets/2/question/object", "unknown_choice"),
        ])
    );
    let dashboard = admin.create("dashboards", json!({"name": "总览", "widgets": widgets, "shared_with": "everyone"})).await;
    let path = format!("/v1/dashboards/{dashboard}/run");
    let body = json!({"from": "2017-01-01", "to": "2018-01-01", "parameters": {"source": "web"}});
    let answer = admin.post(&path, body.clone()).header("accept-language", "zh-CN").await.ok(200);
    let widgets = answer["data"].as_array().unwrap();
    let of = |part: &str| widgets.iter().map(|widget| widget[part].clone()).collect::<Vec<Value>>();
    assert_eq!(of("status"), ["ok", "ok", "ok", "ok"], "{answer}");
    assert_eq!(of("title"), ["销售业绩", "来源", "", "客户集中度"]);
    assert_eq!(widgets[0]["report"]["totals"][0]["values"]["closed_count"], 4, "{answer}");
    let rows = widgets[1]["report"]["rows"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["key"]["source"], &rows[0]["values"]["n"]),
        (1, &json!("web"), &json!(4)),
        "its parameter is given"
    );

    let rep = server
        .user_who_may(
            &admin,
            "Rui",
            &["opportunity read all", "dashboard read own", "saved_report read own"],
            json!([]),
            json!({}),
        )
        .await;
    let answer = rep.post(&path, body).await.ok(200);
    let statuses: Vec<&Value> = answer["data"].as_array().unwrap().iter().map(|widget| &widget["status"]).collect();
    assert_eq!(statuses, ["ok", "ok", "forbidden", "forbidden"], "{answer}");
    assert_eq!(answer["data"][2]["problem"]["code"], "forbidden");
    let faults = admin.post(&path, json!({"from": "x", "budget_ms": 1})).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/budget_ms", "too_small")]));
}

/// Lists and searches by a view: its filter beside another, its order unless another is given.
pub async fn lists_are_seen_by_views(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (name, region) in [("C", "华东"), ("A", "华东"), ("B", "华东"), ("D", "华南")] {
        admin
            .create("customers", json!({"name": name, "region": region, "industry": if name == "A" { "ict" } else { "trade" }}))
            .await;
    }
    let body = json!({"name": "华东", "object": "customers", "filter": {"field": "region", "value": "华东"}, "sort": ["-name"], "columns": ["name", "owner.name", "custom"]});
    let wrong = json!({"name": "x", "object": "customer", "filter": {"field": "regoin", "value": 1}, "sort": ["nam"], "columns": ["name", "nmae"]});
    let faults = admin.post("/v1/views", wrong).await.faults(400);
    let places: Vec<&str> = faults.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["/filter/field", "/sort/0", "/columns/1"], "{faults:?}");
    let id = admin.create("views", body).await;
    assert_eq!(admin.get(&format!("/v1/views/{id}")).await.ok(200)["object"], "customer");
    let names = async |query: &str| admin.names(&format!("/v1/customers?view={id}{query}")).await;
    assert_eq!(names("").await, ["C", "B", "A"]);
    assert_eq!(names("&sort=name").await, ["A", "B", "C"]);
    assert_eq!(names("&industry=ict").await, ["A"]);
    let filter = json!({"field": "industry", "value": "trade"});
    assert_eq!(
        names(&format!(
            "&filter={}",
            percent_encoding::utf8_percent_encode(&filter.to_string(), percent_encoding::NON_ALPHANUMERIC)
        ))
        .await,
        ["C", "B"]
    );
    let search = async |body: Value| {
        let found = admin.post("/v1/customers/search", body).await.ok(200);
        found["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search(json!({"view": id, "filter": filter})).await, ["C", "B"]);
    assert_eq!(search(json!({"view": id, "sort": ["name"], "limit": 1})).await, ["A"]);
    // A page goes on where it ended.
    let page = admin.get(&format!("/v1/customers?view={id}&limit=2")).await.ok(200);
    let next = page["page"]["next"].as_str().unwrap();
    assert_eq!(names(&format!("&limit=2&cursor={next}")).await, ["A"]);

    let other = server.user(&admin, "Ole", "sales_representative", json!({})).await;
    let faults = other.get(&format!("/v1/customers?view={id}")).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("view", "reference_not_found")]));
    let faults = admin.get(&format!("/v1/contacts?view={id}")).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("view", "wrong_type")]));
    let faults = admin.post("/v1/contacts/search", json!({"view": 7})).await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("/view", "wrong_type")]));
    admin.patch(&format!("/v1/views/{id}"), json!({"shared_with": "everyone"})).await.ok(200);
    let seen = other.names(&format!("/v1/customers?view={id}")).await;
    assert_eq!(seen, [""; 0], "within the rights of whoever looks");
}
