//! Files as spreadsheets of several countries write them.

use serde_json::{Value, json};

use super::{counts, faults, import, told};
use crate::{server::Server, support::TestDb};

fn columns(preview: &Value, name: &str) -> Value {
    let columns = preview["mapping"]["columns"].as_array().unwrap();
    columns.iter().find(|column| column["column"] == name).unwrap_or(&Value::Null).clone()
}

pub async fn are_told_from_all_rows(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("since", "date", json!({"label_en": "Since"})).await;
    admin.custom_field("load", "decimal", json!({"label_en": "Load"})).await;
    // What tells the form stands in the last of many rows.
    let mut content = "sep=;\nname;revenue;Since;Load;phone\n".to_owned();
    for row in 0..30 {
        content += &format!("F{row};1.234,50;03/08/2026;1.500;=\"01067\"\n");
    }
    content += "Last;7;25/12/2026;2,5;'13800138000/13900139000\n";
    let body = json!({"object": "customer", "content": content, "mapping": {"columns": [{"column": "revenue", "field": "annual_revenue", "currency": "EUR"}, {"column": "phone", "field": "external_ids.erp"}, {"column": "Load", "field": "custom.load"}]}});
    let shown = admin.post("/v1/imports/preview", body.clone()).await.ok(200);
    assert_eq!(shown["delimiter"], ";");
    assert_eq!((&columns(&shown, "revenue")["decimal"], &columns(&shown, "Load")["decimal"]), (&json!(","), &json!(",")));
    assert_eq!(columns(&shown, "Since")["date_format"], "dmy");
    let first = &shown["rows"][0]["record"];
    assert_eq!((&first["annual_revenue"]["amount"], &first["custom"]["since"]), (&json!(123_450), &json!("2026-08-03")));
    assert_eq!((first["custom"]["load"].to_string().trim_matches('"'), &first["external_ids"]["erp"]), ("1500", &json!("01067")));
    // What is said wins.
    let mut said = body.clone();
    said["mapping"]["columns"]
        .as_array_mut()
        .unwrap()
        .extend([json!({"column": "Since", "field": "custom.since", "date_format": "MM/DD/YYYY"})]);
    let shown = admin.post("/v1/imports/preview", said).await.ok(200);
    assert_eq!(shown["rows"][0]["record"]["custom"]["since"], "2026-03-08");
    let mut wrong = body;
    wrong["mapping"]["columns"][0]["date_format"] = json!("european");
    assert_eq!(admin.post("/v1/imports/preview", wrong).await.faults(400)[0].1, "malformed");
    // Numbers and dates that can be read in two ways, where nothing tells which, stop their rows.
    let content = "name,Load,Since,erp\nA,\"1,500\",03/08/2026,4.2E+17\nB,7,2026-03-08,1\n";
    let body = json!({"object": "customer", "content": content, "match_by": "ext:erp", "mapping": {"columns": [{"column": "erp", "field": "external_ids.erp"}]}});
    let done = import(&admin, body).await;
    assert_eq!(counts(&done), [1, 0, 0, 1]);
    assert_eq!(
        faults(&admin, &done).await,
        told(&[(2, "Load", "ambiguous_number"), (2, "Since", "ambiguous_date"), (2, "erp", "precision_lost")])
    );
    // Days of a spreadsheet, times of two clocks, and several phones in a cell.
    let content = "name,Since,phone\nC,46295,13800138000/13900139000\n";
    let done = import(&admin, json!({"object": "customer", "content": content})).await;
    assert_eq!(counts(&done), [1, 0, 0, 0]);
    let record = admin.get("/v1/customers?name=C").await.ok(200)["data"][0].clone();
    assert_eq!(record["custom"]["since"], "2026-09-30");
    let phones: Vec<&Value> = record["phones"].as_array().unwrap().iter().map(|phone| &phone["value"]).collect();
    assert_eq!(phones, [&json!("+8613800138000"), &json!("+8613900139000")]);
    let content = "name,opened_at\nD,03/08/2026 5:06 PM\nE,03/25/2026 5:06 AM\n";
    let done = import(&admin, json!({"object": "opportunity", "content": content})).await;
    assert_eq!((counts(&done), &done["mapping"]["columns"][1]["date_format"]), ([2, 0, 0, 0], &json!("mdy")));
    assert_eq!(admin.get("/v1/opportunities?name=D").await.ok(200)["data"][0]["opened_at"], "2026-03-08T09:06:00.000Z");
}

/// Rows are told to be of one record by the key as the record has it.
pub async fn of_a_key_are_one_key(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let content = "name,phone\nOne,13800138000\nTwo,+86 138 0013 8000\nThree,138-0013-8000\nFour,13900139000\n";
    let done = import(&admin, json!({"object": "customer", "content": content, "match_by": "phones"})).await;
    assert_eq!(counts(&done), [2, 0, 0, 2]);
    assert_eq!(faults(&admin, &done).await, told(&[(3, "phone", "repeated_row"), (4, "phone", "repeated_row")]));
    assert_eq!(admin.names("/v1/customers?sort=name").await, ["Four", "One"]);
    let distinct = json!({"object": "customer", "content": "name,email\nA,Info@X.cn\nB, info@x.cn \n", "match_by": "emails", "mapping": {"distinct": true, "columns": []}});
    assert_eq!(counts(&import(&admin, distinct).await), [1, 0, 1, 0]);
    assert_eq!(admin.names("/v1/customers?emails_any=info@x.cn").await, ["A"]);
}
