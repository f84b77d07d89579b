//! A real B2B sales record, imported whole, must answer what a plain sum over its files answers.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{client::Client, server::Server, support::TestDb};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/b2b-sales");

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{DATA}/{name}")).expect("a file of the record")
}

/// The rows of a file, by column.
fn rows(name: &str) -> Vec<BTreeMap<String, String>> {
    let text = file(name);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// Imports a file with the mapping that stands beside it, and waits for the end.
async fn import(client: &Client, object: &str, content: &str, mapping: &str, match_by: &str) -> Value {
    let mapping: Value = if mapping.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&file(&format!("{mapping}.mapping.json"))).expect("a mapping")
    };
    let body = json!({"object": object, "content": content, "mapping": mapping, "match_by": match_by});
    let import = client.post("/v1/imports", body).await.ok(201);
    let path = format!("/v1/imports/{}", import["id"].as_str().expect("an id"));
    for _ in 0..3_000 {
        let import = client.get(&path).await.ok(200);
        if import["status"] == "done" {
            let faults = client.get(&format!("{path}/faults?level=fault")).await.ok(200);
            assert_eq!(faults["data"], json!([]), "{object}");
            return import;
        }
        assert_ne!(import["status"], "failed", "{import}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the import of {object} never ended");
}

/// Created, updated, unchanged, warned.
fn counts(import: &Value) -> [i64; 4] {
    ["created_count", "updated_count", "unchanged_count", "warned_count"].map(|name| import[name].as_i64().unwrap())
}

/// Count and sum in whole dollars of each group, by its value of a field.
async fn summary(client: &Client, filter: &str, group_by: &str) -> BTreeMap<String, (i64, i64)> {
    let path = format!("/v1/opportunities/summary?{filter}&group_by={group_by}&sum=amount");
    let summary = client.get(&path).await.ok(200);
    let groups = summary["data"].as_array().unwrap().iter();
    let value = |group: &Value| group["group"][group_by].as_str().unwrap_or("-").to_owned();
    let cents = |group: &Value| group["sums"]["amount"][0]["amount"].as_i64().unwrap_or(0);
    groups.map(|group| (value(group), (group["count"].as_i64().unwrap(), cents(group) / 100))).collect()
}

/// The same over the rows of the file.
fn plain(rows: &[BTreeMap<String, String>], key: impl Fn(&BTreeMap<String, String>) -> String) -> BTreeMap<String, (i64, i64)> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let (count, sum) = sums.entry(key(row)).or_insert((0, 0));
        *count += 1;
        *sum += row["close_value"].parse::<i64>().unwrap_or(0);
    }
    sums
}

/// Names by id of all records of a list.
async fn names(client: &Client, collection: &str) -> BTreeMap<String, String> {
    let page = client.get(&format!("/v1/{collection}?limit=200")).await.ok(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    page["data"].as_array().unwrap().iter().map(|record| (text(&record["id"]), text(&record["name"]))).collect()
}

pub async fn a_whole_record_answers_as_its_files_do(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let steps = [
        ("pipelines", "pipelines.csv", "", "name", 1),
        ("stages", "stages.csv", "", "name", 4),
        ("teams", "sales_teams.csv", "offices", "name", 3),
        ("teams", "sales_teams.csv", "teams", "name", 6),
        ("users", "sales_teams.csv", "users", "email", 35),
        ("products", "products.csv", "products", "name", 7),
        ("customers", "accounts.csv", "accounts", "name", 85),
        ("opportunities", "sales_pipeline.csv", "opportunities", "ext:crm", 8_800),
    ];
    for (object, name, mapping, match_by, created) in steps {
        let import = import(&admin, object, &file(name), mapping, match_by).await;
        let warned = if object == "opportunities" { 1_425 } else { 0 };
        let rows = import["rows_total"].as_i64().unwrap();
        assert_eq!(counts(&import), [created, 0, rows - created, warned], "{object}");
    }
    answers(&admin).await;
    people_and_parts(&admin).await;
    // Once more changes nothing.
    for (object, name, mapping, match_by, _) in steps {
        let whole = file(name);
        let some: Vec<&str> = whole.lines().take(1_001).collect();
        let import = import(&admin, object, &some.join("\n"), mapping, match_by).await;
        let unchanged = import["rows_total"].as_i64().unwrap();
        assert_eq!(counts(&import)[..3], [0, 0, unchanged], "{object}");
    }
}

async fn answers(admin: &Client) {
    let rows = rows("sales_pipeline.csv");
    let won: Vec<_> = rows.iter().filter(|row| row["deal_stage"] == "Won").cloned().collect();
    let stages: BTreeMap<String, String> = {
        let pipeline = admin.list("/v1/pipelines?name=Hardware", "id").await.remove(0);
        names(admin, &format!("pipelines/{pipeline}/stages")).await
    };
    let by_stage: BTreeMap<String, (i64, i64)> = summary(admin, "pipeline.name=Hardware", "stage_id")
        .await
        .into_iter()
        .map(|(id, sums)| (stages[&id].clone(), sums))
        .collect();
    assert_eq!(by_stage, plain(&rows, |row| row["deal_stage"].clone()));
    assert_eq!(by_stage["Won"], (4_238, 10_005_534));
    assert_eq!(["Lost", "Engaging", "Prospecting"].map(|stage| by_stage[stage].0), [2_473, 1_589, 500]);
    // The days of the file are days of the tenant, so that quarters are whole.
    let quarters = summary(admin, "status=won", "closed_at.quarter").await;
    let counted: Vec<(&str, i64)> = quarters.iter().map(|(quarter, (count, _))| (quarter.as_str(), *count)).collect();
    assert_eq!(counted, [("2017-Q1", 531), ("2017-Q2", 1_254), ("2017-Q3", 1_257), ("2017-Q4", 1_196)]);
    let quarter = |row: &BTreeMap<String, String>| {
        let month: i64 = row["close_date"][5..7].parse().unwrap();
        format!("{}-Q{}", &row["close_date"][..4], (month + 2) / 3)
    };
    assert_eq!(quarters, plain(&won, quarter));
    let managers: BTreeMap<String, String> = self::rows("sales_teams.csv")
        .into_iter()
        .map(|row| (row["sales_agent"].clone(), format!("Team {}", row["manager"])))
        .collect();
    let teams = names(admin, "teams").await;
    let by_team = summary(admin, "status=won", "team_id").await.into_iter().map(|(id, sums)| (teams[&id].clone(), sums));
    assert_eq!(by_team.collect::<BTreeMap<_, _>>(), plain(&won, |row| managers[&row["sales_agent"]].clone()));
    let users = names(admin, "users").await;
    let by_agent = summary(admin, "status=won", "owner_id").await.into_iter().map(|(id, sums)| (users[&id].clone(), sums));
    assert_eq!(by_agent.collect::<BTreeMap<_, _>>(), plain(&won, |row| row["sales_agent"].clone()));
    let mut by_product = BTreeMap::new();
    for (id, name) in names(admin, "products").await {
        let sums = summary(admin, &format!("line_items.product_id={id}"), "status").await;
        by_product.extend(sums.get("won").map(|sums| (name, *sums)));
    }
    let product = |row: &BTreeMap<String, String>| row["product"].replace("GTXPro", "GTX Pro");
    assert_eq!(by_product, plain(&won, product));
}

async fn people_and_parts(admin: &Client) {
    // Teams are a tree: an office, and below it a team for each manager.
    let central = admin.list("/v1/teams?name=Central", "id").await.remove(0);
    let below = admin.names(&format!("/v1/teams?parent_id={central}&sort=name")).await;
    assert_eq!(below, ["Team Dustin Brinkmann", "Team Melvin Marxen"]);
    let anna = admin.get("/v1/users?email=anna.snelling@example.com&expand=team").await.ok(200)["data"][0].clone();
    assert_eq!((&anna["status"], &anna["team"]["name"]), (&json!("invited"), &json!("Team Dustin Brinkmann")));
    assert_eq!(anna["role_ids"], json!([]));
    // A sale keeps its dates, also in its ledger.
    let sale = admin.get("/v1/opportunities/ext:crm:1C1I7A6R?expand=stage,customer,owner").await.ok(200);
    assert_eq!((&sale["name"], &sale["status"]), (&json!("Cancity – GTX Plus Basic"), &json!("won")));
    assert_eq!((&sale["customer"]["name"], &sale["owner"]["name"]), (&json!("Cancity"), &json!("Moses Frase")));
    assert_eq!(
        (&sale["opened_at"], &sale["closed_at"]),
        (&json!("2016-10-19T16:00:00.000Z"), &json!("2017-02-28T16:00:00.000Z"))
    );
    assert_eq!(sale["amount"], json!({"amount": 105_400, "currency": "USD"}));
    let id = sale["id"].as_str().unwrap();
    let lines = admin.get(&format!("/v1/opportunities/{id}/line-items")).await.ok(200);
    assert_eq!(lines["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&lines["data"][0]["name"], &lines["data"][0]["unit_price"]["amount"]),
        (&json!("GTX Plus Basic"), &json!(109_600))
    );
    let ledger = admin.get(&format!("/v1/opportunities/{id}/ledger")).await.ok(200);
    let entries: Vec<&Value> = ledger["data"].as_array().unwrap().iter().map(|entry| &entry["at"]).collect();
    assert_eq!(entries, [&sale["closed_at"], &sale["opened_at"]]);
    let nameless = admin.get("/v1/opportunities?customer_id_null=true&total=true&limit=1").await.ok(200);
    assert_eq!(nameless["page"]["total"], 1_425);
}

pub async fn rows_change_parts_and_warn(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (name, price) in [("GTX", 10_000), ("MG", 300)] {
        admin.create("products", json!({"name": name, "list_price": {"amount": price, "currency": "CNY"}})).await;
    }
    let mapping = json!({"columns": [
        {"column": "key", "field": "external_ids.crm"},
        {"column": "owner", "field": "owner_id", "if_unknown": "warn"},
        {"column": "product", "field": "line_items.0.product_id"},
        {"value": "2", "field": "line_items.0.quantity"},
    ]});
    let run = async |content: &str| {
        let body = json!({"object": "opportunities", "content": content, "mapping": mapping, "match_by": "ext:crm"});
        let id = admin.create("imports", body).await;
        for _ in 0..600 {
            let import = admin.get(&format!("/v1/imports/{id}")).await.ok(200);
            if import["status"] == "done" {
                return import;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the import never ended");
    };
    let import = run("key,name,product,owner\n1,A,GTX,Nobody\n2,B,,\n3,C,XYZ,\n").await;
    assert_eq!((counts(&import), &import["failed_count"]), ([2, 0, 0, 1], &json!(1)));
    let path = format!("/v1/imports/{}/faults", import["id"].as_str().unwrap());
    let told = |page: Value| {
        let one = page["data"][0].clone();
        assert_eq!(page["data"].as_array().unwrap().len(), 1, "{page}");
        ["level", "column", "code"].map(|name| one[name].as_str().unwrap().to_owned())
    };
    let warnings = admin.get(&format!("{path}?level=warning")).await.ok(200);
    assert_eq!(told(warnings), ["warning", "owner", "reference_not_found"]);
    let faults = admin.get(&format!("{path}?level=fault")).await.ok(200);
    assert_eq!(told(faults), ["fault", "product", "reference_not_found"]);
    admin.get(&format!("{path}?level=worse")).await.refused(400, "invalid_request");
    // Without an amount of its own an opportunity is worth its lines; the line there is becomes another.
    let amount =
        async |key: &str| admin.get(&format!("/v1/opportunities/ext:crm:{key}")).await.ok(200)["amount"]["amount"].clone();
    assert_eq!((amount("1").await, amount("2").await), (json!(20_000), Value::Null));
    let changed = "key,name,product,owner\n1,A,MG,\n2,B,GTX,\n";
    assert_eq!(counts(&run(changed).await), [0, 2, 0, 0]);
    assert_eq!((amount("1").await, amount("2").await), (json!(600), json!(20_000)));
    assert_eq!(counts(&run(changed).await), [0, 0, 2, 0]);
    let body = json!({"object": "tags", "content": "name\nA\nA\n", "mapping": {"columns": [], "distinct": true}});
    assert_eq!(admin.post("/v1/imports", body).await.faults(400), [("/match_by".to_owned(), "required".to_owned())]);
}
