//! Answers one looks at: workbooks and charts have exactly the figures of the JSON answer.

use std::io::Cursor;

use calamine::{Data, DataType, Reader, Xlsx};
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Sales of several months, sources and currencies, with gaps and names that would harm.
async fn seeded(server: &Server) -> Client {
    let admin = server.admin().await;
    super::sales(&admin).await;
    for (name, source, currency, amount, month) in [
        ("G", "=cmd()", "USD", 123_450, 1),
        ("H", "</text><script>alert(1)</script>", "JPY", 70, 2),
        ("I", "13800138000", "USD", 99, 5),
        ("J", "web", "CNY", 1, 6),
    ] {
        let amount = json!({"amount": amount, "currency": currency});
        let opened = format!("2017-{month:02}-03T00:00:00Z");
        admin.create("opportunities", json!({"name": name, "source": source, "amount": amount, "opened_at": opened})).await;
    }
    admin
}

fn question(dimensions: Value, more: Value) -> Value {
    let won = json!({"field": "status", "value": "won"});
    let mut question = json!({"object": "opportunities", "dimensions": dimensions, "measures": [
        {"as": "n", "fn": "count"}, {"as": "sum", "fn": "sum", "field": "amount"}, {"as": "first", "fn": "min", "field": "opened_at"},
        {"as": "closing", "fn": "max", "field": "expected_close_on"}, {"as": "share", "of": "n", "within": []},
        {"as": "won", "fn": "count", "filter": won}, {"as": "rate", "ratio": ["won", "n"]}],
        "filter": {"field": "opened_at", "op": "lt", "value": "2018-01-01"}});
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    question
}

fn month() -> Value {
    json!({"field": "opened_at", "as": "month", "bucket": "month", "from": "2017-01-01", "to": "2017-08-01"})
}

async fn file(client: &Client, question: &Value, format: &str, language: &str) -> (reqwest::header::HeaderMap, Vec<u8>) {
    let path = format!("/v1/reports/query?format={format}");
    client.post(&path, question.clone()).header("accept-language", language).raw().await
}

async fn picture(client: &Client, question: &Value, language: &str) -> String {
    let (headers, bytes) = file(client, question, "svg", language).await;
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(headers["content-type"], "image/svg+xml", "{text}");
    text
}

fn book(bytes: Vec<u8>) -> Xlsx<Cursor<Vec<u8>>> {
    Xlsx::new(Cursor::new(bytes)).expect("a workbook")
}

/// The figure of a cell as JSON has it; amounts in minor units.
fn as_written(cell: &Data, value: &Value, kind: &str, currency: Option<&str>) -> bool {
    let number = match cell {
        Data::Float(number) => Some(*number),
        Data::Int(number) => Some(i32::try_from(*number).unwrap().into()),
        Data::DateTime(time) => Some(time.as_f64()),
        _ => None,
    };
    match (kind, currency) {
        ("money", Some(currency)) => {
            let amount = value.as_array().unwrap().iter().find(|amount| amount["currency"] == currency);
            let places = if currency == "JPY" { 1.0 } else { 100.0 };
            let expected = amount.map(|amount| amount["amount"].as_f64().unwrap() / places);
            number == expected && (number.is_some() || *cell == Data::Empty)
        }
        ("date" | "time", _) => match value.as_str() {
            Some(text) => {
                // Hours of Shanghai, in days since the end of 1899.
                let time = farley_domain::values::time::Timestamp::parse(text).map_or_else(
                    || {
                        let day: chrono::NaiveDate = text.parse().unwrap();
                        day.and_time(chrono::NaiveTime::MIN)
                    },
                    |time| time.to_utc().naive_utc() + chrono::Duration::hours(8),
                );
                let since = time - chrono::NaiveDate::from_ymd_opt(1899, 12, 30).unwrap().and_time(chrono::NaiveTime::MIN);
                #[allow(clippy::cast_precision_loss, reason = "some days")]
                let days = since.num_seconds() as f64 / 86_400.0;
                matches!(cell, Data::DateTime(_)) && (number.unwrap() - days).abs() < 1e-6
            }
            None => *cell == Data::Empty,
        },
        _ => match value.as_f64() {
            Some(expected) => number == Some(expected),
            None => *cell == Data::Empty,
        },
    }
}

/// Every cell of the table is that of the JSON answer: labels as text, figures as numbers and dates, totals below.
pub async fn workbooks_have_the_figures_of_the_answer(db: TestDb) {
    let server = Server::start(db).await;
    let admin = seeded(&server).await;
    let question = question(
        json!([month(), {"field": "source"}]),
        json!({"totals": ["subtotals", "grand"], "limit": 9, "chart": {"kind": "bar"}}),
    );
    let answer = admin.post("/v1/reports/query", question.clone()).await.ok(200);
    let (headers, bytes) = file(&admin, &question, "xlsx", "en").await;
    assert_eq!(
        (&headers["content-type"], &headers["x-content-type-options"]),
        (&XLSX.parse().unwrap(), &"nosniff".parse().unwrap())
    );
    assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"report.xlsx\""));
    let mut book = book(bytes);
    assert_eq!(book.sheet_names(), ["Report", "Chart", "About"]);
    let table = book.worksheet_range("Report").unwrap();
    let rows: Vec<&[Data]> = table.rows().collect();
    let header: Vec<String> = rows[0].iter().map(ToString::to_string).collect();
    let names = ["Opened at", "Source", "n", "sum (CNY)", "sum (JPY)", "sum (USD)", "first", "closing", "share", "won", "rate"];
    assert_eq!(header, names);
    let expected: Vec<&Value> = ["rows", "totals"].iter().flat_map(|part| answer[*part].as_array().unwrap()).collect();
    assert_eq!(rows.len(), expected.len() + 1);
    let kinds: Vec<(&str, &str, Option<&str>)> = header[2..]
        .iter()
        .map(|title| {
            let (name, currency) =
                title.split_once(" (").map_or((title.as_str(), None), |(name, code)| (name, code.strip_suffix(')')));
            let column = answer["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap();
            (name, column["type"].as_str().unwrap(), currency)
        })
        .collect();
    for (row, expected) in rows[1..].iter().zip(expected) {
        match expected["key"].get("month").and_then(Value::as_str) {
            Some(month) => assert!(as_written(&row[0], &json!(format!("{month}-01")), "date", None), "{expected}"),
            None => assert_eq!(row[0], Data::String("Total".to_owned())),
        }
        let source = expected["key"].get("source").map_or("Total", |_| expected["labels"]["source"].as_str().unwrap());
        assert_eq!(row[1], Data::String(source.to_owned()), "text as it is, also what looks like a number or a formula");
        for (cell, (name, kind, currency)) in row[2..].iter().zip(&kinds) {
            assert!(as_written(cell, &expected["values"][*name], kind, *currency), "{name}: {cell:?} in {expected}");
        }
    }
    let about = book.worksheet_range("About").unwrap();
    let about: Vec<String> = about.rows().map(|row| format!("{}: {}", row[0], row[1])).collect();
    let has = |text: &str| about.iter().any(|line| line.contains(text));
    assert!(
        has("Time zone: Asia/Shanghai") && has("Filter: {\"field\":\"opened_at\"") && has("Only the first 9 of"),
        "{about:?}"
    );
    assert!(has("Filter · won: {\"field\":\"status\"") && has("Computed at: "), "{about:?}");
    // The chart sheet has a series for each source.
    let chart = book.worksheet_range("Chart").unwrap();
    assert_eq!(chart.rows().next().unwrap()[0], Data::String("Opened at".to_owned()));
    let drawn: f64 = chart.rows().skip(1).flat_map(|row| &row[1..]).filter_map(Data::as_f64).sum();
    let counted: f64 = answer["rows"].as_array().unwrap().iter().filter_map(|row| row["values"]["n"].as_f64()).sum();
    assert!((drawn - counted).abs() < 1e-9, "{drawn} {counted}");
}

/// A pivot table is one in the workbook too, in the language of the request; the same answer is the same table.
pub async fn workbooks_have_pivot_tables(db: TestDb) {
    let server = Server::start(db).await;
    let admin = seeded(&server).await;
    let mut question = question(
        json!([{"field": "source"}, month()]),
        json!({"totals": ["rows", "columns", "grand"], "pivot": {"rows": ["source"], "columns": ["month"]}}),
    );
    question["measures"] = json!([{"fn": "count"}, {"as": "sum", "fn": "sum", "field": "amount"}]);
    let (_, bytes) = file(&admin, &question, "xlsx", "zh-CN").await;
    let mut book = book(bytes);
    assert_eq!(book.sheet_names(), ["报表", "图表", "说明"]);
    let table = book.worksheet_range("报表").unwrap();
    let (_, text) = file(&admin, &question, "csv", "zh-CN").await;
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(table.height(), lines.len());
    for (row, line) in table.rows().zip(lines) {
        for (cell, text) in row.iter().zip(line.split(',')) {
            let same = match cell {
                Data::Empty => text.is_empty(),
                Data::String(own) => *own == text.trim_start_matches('\''),
                number => text.parse::<f64>().ok() == number.as_f64(),
            };
            assert!(same, "{cell:?} is not {text}");
        }
    }
}

/// The figures that a picture says it draws.
fn figures(svg: &str) -> Vec<f64> {
    let mut found: Vec<f64> =
        svg.split("data-value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
    found.sort_by(f64::total_cmp);
    found
}

/// Pictures draw the figures of the answer, of each currency for itself, in the language and theme asked for.
pub async fn charts_draw_the_figures_of_the_answer(db: TestDb) {
    let server = Server::start(db).await;
    let admin = seeded(&server).await;
    let plain = question(json!([month()]), json!({}));
    let answer = admin.post("/v1/reports/query", plain.clone()).await.ok(200);
    let values = |name: &str| -> Vec<f64> {
        let rows = answer["rows"].as_array().unwrap().iter().map(|row| &row["values"][name]);
        let amounts = rows.flat_map(|value| match value {
            Value::Array(amounts) => amounts.iter().map(|amount| amount["amount"].as_f64().unwrap()).collect(),
            value => value.as_f64().into_iter().collect::<Vec<_>>(),
        });
        let mut amounts: Vec<f64> = amounts.collect();
        amounts.sort_by(f64::total_cmp);
        amounts
    };
    // By default a line of what counts like the first measure.
    let svg = picture(&admin, &plain, "en").await;
    let mut counts = [values("n"), values("won")].concat();
    counts.sort_by(f64::total_cmp);
    assert_eq!(figures(&svg), counts);
    assert!(
        svg.contains("role=\"img\"")
            && svg.contains("<title>n, won · Opened at</title>")
            && svg.contains("Line chart of 7 categories"),
        "{svg}"
    );
    assert_eq!(svg, picture(&admin, &plain, "en").await, "the same answer is the same picture");
    for kind in ["bar", "stacked_bar", "line", "area", "gauge", "heat_map"] {
        for measure in ["sum", "rate"] {
            let mut asked = plain.clone();
            asked["chart"] =
                json!({"kind": kind, "measures": [measure], "theme": "dark", "title": "标题 <&>", "width": 900, "height": 600});
            let svg = picture(&admin, &asked, "zh-CN").await;
            let mut drawn = figures(&svg);
            drawn.dedup();
            let mut expected = values(measure);
            expected.dedup();
            if kind == "gauge" {
                // Twelve dials at most.
                assert!(drawn.iter().all(|figure| expected.contains(figure)), "{svg}");
            } else {
                assert_eq!(drawn, expected, "{kind} of {measure}");
            }
            assert!(
                svg.contains("width=\"900\" height=\"600\"") && svg.contains("标题 &lt;&amp;&gt;") && svg.contains("#15191f"),
                "{svg}"
            );
            if measure == "sum" {
                for currency in ["CNY", "JPY", "USD"] {
                    assert!(svg.contains(&format!("sum ({currency})")), "{kind} {svg}");
                }
            }
        }
    }
    let by_source = question(json!([{"field": "source"}]), json!({"sort": ["-n"]}));
    for (kind, measures) in [("funnel", json!(["n"])), ("donut", json!(["n"])), ("scatter", json!(["n", "won"]))] {
        let mut asked = by_source.clone();
        asked["chart"] = json!({"kind": kind, "measures": measures});
        let svg = picture(&admin, &asked, "en").await;
        assert!(!svg.contains("<script") && svg.contains("&lt;/text&gt;&lt;script&gt;"), "{svg}");
        assert!(!figures(&svg).is_empty());
    }
    // Two dimensions: the periods along the axis, the others told apart.
    let both = question(json!([{"field": "source"}, month()]), json!({"limit": 4}));
    let svg = picture(&admin, &both, "zh-CN").await;
    assert!(svg.contains("折线图") && svg.contains("仅包含前 4 行"), "{svg}");
    // None: the measures themselves.
    let whole = question(json!([]), json!({"chart": {"kind": "funnel", "measures": ["n", "won"]}}));
    assert_eq!(figures(&picture(&admin, &whole, "en").await).len(), 2);
    let nothing =
        question(json!([month()]), json!({"filter": {"field": "name", "value": "nobody"}, "chart": {"measures": ["sum"]}}));
    assert!(picture(&admin, &nothing, "en").await.contains("No data"));
}

/// The parameter decides, else the header; files bear names and are not taken for anything else.
pub async fn formats_are_asked_for_by_parameter_or_header(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let question = json!({"object": "leads", "measures": [{"fn": "count"}]});
    for (parameter, accept, expected) in [
        ("", "*/*", "application/json"),
        ("", "text/csv", "text/csv; charset=utf-8"),
        ("", XLSX, XLSX),
        ("", "image/svg+xml", "image/svg+xml"),
        ("?format=json", "image/svg+xml", "application/json"),
        ("?format=csv", "application/json", "text/csv; charset=utf-8"),
    ] {
        let request = admin.post(&format!("/v1/reports/query{parameter}"), question.clone()).header("accept", accept);
        let (headers, _) = request.raw().await;
        assert_eq!(headers["content-type"], expected, "{parameter} {accept}");
        assert!(headers["vary"].to_str().unwrap().contains("accept") && headers["x-content-type-options"] == "nosniff");
        if expected == "image/svg+xml" {
            assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
            assert!(headers["content-disposition"].to_str().unwrap().starts_with("inline; filename=\"report.svg\""));
        }
    }
    let refused = admin.post("/v1/reports/query?format=pdf", question).await.faults(400);
    assert_eq!(refused, pairs(&[("format", "unknown_choice")]));
}

/// What is wrong with a chart is named at its place.
pub async fn faults_of_charts_are_named_at_their_place(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (chart, expected) in [
        (json!({"kind": "pie"}), vec![("/chart/kind", "unknown_choice")]),
        (json!({"theme": "pink", "width": 10}), vec![("/chart/theme", "unknown_choice"), ("/chart/width", "too_small")]),
        (json!({"height": 5_000, "colour": "red"}), vec![("/chart/colour", "unknown_member"), ("/chart/height", "too_large")]),
        (
            json!({"category": "owner", "series": "mont"}),
            vec![("/chart/category", "unknown_choice"), ("/chart/series", "unknown_choice")],
        ),
        (json!({"category": "month", "series": "month"}), vec![("/chart/series", "conflicting")]),
        (json!({"measures": ["n", "n"]}), vec![("/chart/measures/1", "repeated")]),
        (json!({"measures": ["first", "m"]}), vec![("/chart/measures/0", "wrong_type"), ("/chart/measures/1", "unknown_choice")]),
        (
            json!({"kind": "scatter", "series": "source", "measures": ["n"]}),
            vec![("/chart/measures", "wrong_type"), ("/chart/series", "wrong_type")],
        ),
    ] {
        let question = question(json!([month(), {"field": "source"}]), json!({"chart": chart}));
        let mut faults = admin.post("/v1/reports/query", question).await.faults(400);
        faults.sort();
        assert_eq!(faults, pairs(&expected), "{chart}");
    }
}
