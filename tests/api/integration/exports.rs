//! `/v1/exports`: records as files, in the background.

use std::time::Duration;

use farley::{http::clock, integration::export::run};
use serde_json::{Value, json};

use super::{files::tenant, imports};
use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// Waits until an export has ended.
async fn exported(client: &Client, body: Value) -> Value {
    let export = client.post("/v1/exports", body).await.ok(201);
    let id = export["id"].as_str().unwrap().to_owned();
    for _ in 0..600 {
        let export = client.get(&format!("/v1/exports/{id}")).await.ok(200);
        if export["status"] == "done" || export["status"] == "failed" {
            return export;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the export never ended");
}

async fn file_of(client: &Client, export: &Value) -> Vec<u8> {
    assert_eq!(export["status"], "done", "{export}");
    let path = format!("/v1/files/{}/content", export["file_id"].as_str().unwrap());
    client.get(&path).raw().await.1
}

async fn csv_of(client: &Client, body: Value) -> String {
    let export = exported(client, body).await;
    String::from_utf8(file_of(client, &export).await).unwrap()
}

/// The customers of a company, with what makes files difficult.
async fn customers(admin: &Client) {
    admin.custom_field("tier", "choice", json!({"object": "customer", "choices": [{"value": "gold", "label_zh": "金牌"}]})).await;
    let tag = admin.create("tags", json!({"name": "VIP"})).await;
    for (number, (name, more)) in [
        (
            "华为技术有限公司",
            json!({"region": "华南", "annual_revenue": {"amount": 123_450, "currency": "CNY"}, "custom": {"tier": "gold"}}),
        ),
        ("=HYPERLINK(\"http://evil\")", json!({"phones": [{"value": "+86 755 2878 0808"}, {"value": "+49 30 901820"}]})),
        ("O'Neil, \"Sons\"; & Co.\nLtd", json!({"annual_revenue": {"amount": 99, "currency": "USD"}, "tag_ids": [tag]})),
        ("@at", json!({"emails": [{"value": "a@example.com"}], "description": "-1 = x\r\nzwei Zeilen"})),
        ("Ünïcode ½ ①² 𠮷野家", json!({"external_ids": {"sap": "0042"}, "other_names": ["a; b", "c"]})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = json!({"name": name, "employee_count": number});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.create("customers", body).await;
    }
}

/// A file has every record that may be seen, in the columns, order and form that are asked for.
pub async fn are_files_of_what_may_be_seen(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    customers(&admin).await;
    let columns = json!(["name", "employee_count", "annual_revenue", "phones", "custom.tier", "owner.name"]);
    let body = json!({"object": "customers", "columns": columns, "sort": ["-employee_count"], "filter": {"field": "employee_count", "op": "lt", "value": 3}});
    let text = csv_of(&admin, body.clone()).await;
    let me = admin.get("/v1/me").await.ok(200)["name"].as_str().unwrap().to_owned();
    let expected = [
        "\u{feff}name,employee_count,annual_revenue,phones,custom.tier,owner.name".to_owned(),
        format!("\"O'Neil, \"\"Sons\"\"; & Co. Ltd\",2,USD 0.99,,,{me}"),
        format!("\"'=HYPERLINK(\"\"http://evil\"\")\",1,,'+8675528780808; +4930901820,,{me}"),
        format!("华为技术有限公司,0,1234.50,,gold,{me}"),
    ];
    assert_eq!(text.trim_end().split("\r\n").collect::<Vec<_>>(), expected);

    let mut labelled = body.clone();
    labelled.as_object_mut().unwrap().extend(json!({"header": "labels", "encoding": "gb18030"}).as_object().unwrap().clone());
    let export = admin.post("/v1/exports", labelled).header("accept-language", "zh-CN").await.ok(201);
    let mut done = export.clone();
    while done["status"] != "done" {
        tokio::time::sleep(Duration::from_millis(100)).await;
        done = admin.get(&format!("/v1/exports/{}", export["id"].as_str().unwrap())).await.ok(200);
    }
    assert_eq!((&done["rows_done"], &done["rows_total"]), (&json!(3), &json!(3)));
    let bytes = file_of(&admin, &done).await;
    let text = encoding_rs::GB18030.decode(&bytes).0.into_owned();
    assert!(text.starts_with("名称,员工人数,年营业额,电话,tier,负责人 / 姓名") && text.contains("金牌"), "{text}");

    let lines =
        csv_of(&admin, json!({"object": "customer", "format": "ndjson", "columns": ["name", "owner.name", "custom"]})).await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        (&lines[0]["name"], &lines[0]["custom"]["tier"], &lines[0]["owner"]["name"]),
        (&json!("华为技术有限公司"), &json!("gold"), &json!(me))
    );

    // By a view, and its columns.
    let view = json!({"name": "v", "object": "customer", "filter": {"field": "employee_count", "op": "gte", "value": 3}, "sort": ["-employee_count"], "columns": ["employee_count"]});
    let view = admin.create("views", view).await;
    let text = csv_of(&admin, json!({"object": "customers", "view": view, "bom": false})).await;
    assert_eq!(text, "employee_count\r\n4\r\n3\r\n");

    // The file is read in parts, and by its author alone.
    let export = exported(&admin, body.clone()).await;
    let path = format!("/v1/files/{}/content", export["file_id"].as_str().unwrap());
    let part = admin.get(&path).header("range", "bytes=3-6").await;
    assert_eq!((part.status, part.text.as_str()), (206, "name"));
    let other = server.user(&admin, "Mia", "sales_manager", json!({})).await;
    other.get(&path).await.refused(404, "not_found");
    other.get(&format!("/v1/exports/{}", export["id"].as_str().unwrap())).await.refused(404, "not_found");
    let own = exported(&other, body.clone()).await;
    assert_eq!(own["rows_done"], 0, "what somebody else may not see is not in their file");
    let rep = server.user(&admin, "Rui", "sales_representative", json!({})).await;
    rep.post("/v1/exports", body).await.refused(403, "forbidden");
}

/// What is exported is unchanged when it is imported again.
pub async fn imported_again_change_nothing(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    customers(&admin).await;
    for encoding in ["utf-8", "gb18030"] {
        let export = exported(&admin, json!({"object": "customers", "encoding": encoding})).await;
        let bytes = file_of(&admin, &export).await;
        let path = "/v1/imports?object=customers&match_by=id&mode=upsert";
        let started = admin.request(reqwest::Method::POST, path).body("text/csv", bytes.clone()).await.ok(201);
        let import = imports::ended(&admin, started["id"].as_str().unwrap()).await;
        assert_eq!(
            imports::counts(&import),
            [0, 0, 5, 0],
            "{import} {:?}\n{}",
            imports::faults(&admin, &import).await,
            String::from_utf8_lossy(&bytes)
        );
    }
}

/// Files of exports are archived after a week, and nobody reads them any more.
pub async fn files_expire_after_a_week(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let export = exported(&admin, json!({"object": "users", "columns": ["name"]})).await;
    let (id, file) = (export["id"].as_str().unwrap(), export["file_id"].as_str().unwrap());
    let at = async |days: i64| {
        run::expire(&server.app, tenant(&server).await, clock::now().plus_seconds(days * 86_400)).await.unwrap();
        admin.get(&format!("/v1/exports/{id}")).await.ok(200)["file_id"].clone()
    };
    assert_eq!(at(6).await, file);
    assert_eq!(at(8).await, Value::Null);
    admin.get(&format!("/v1/files/{file}/content")).await.refused(404, "not_found");
    let types = admin.get(&format!("/v1/exports/{id}/history")).await.each("type");
    assert_eq!(types, ["export.expired", "export.finished", "export.progressed", "export.created"]);
}

/// What cannot be exported is refused at its place; what is asked again is answered again.
pub async fn are_asked_for_as_lists_are(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    customers(&admin).await;
    let wrong = json!({"object": "customers", "filter": {"field": "nmae", "value": 1}, "sort": ["nam"], "columns": ["name", "owner.nmae"], "format": "xls"});
    let faults = admin.post("/v1/exports", wrong).await.faults(400);
    assert_eq!(faults, pairs(&[("/format", "unknown_choice")]));
    let wrong = json!({"object": "customers", "filter": {"field": "nmae", "value": 1}, "sort": ["nam"], "columns": ["name", "owner.nmae"]});
    let faults = admin.post("/v1/exports", wrong).await.faults(400);
    let places: Vec<&str> = faults.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["/filter/field", "/sort/0", "/columns/1"], "{faults:?}");
    let faults = admin.post("/v1/exports", json!({"object": "customer", "columns": ["owner.*"]})).await.faults(400);
    assert_eq!(faults, pairs(&[("/columns/0", "wrong_type")]));
    admin.post("/v1/exports", json!({"object": "custmer"})).await.refused(400, "invalid_request");
    let once = admin.post("/v1/exports", json!({"object": "customer"})).header("idempotency-key", "x1").await.ok(201);
    let again = admin.post("/v1/exports", json!({"object": "customer"})).header("idempotency-key", "x1").await.ok(201);
    assert_eq!(once["id"], again["id"]);
    let many: Vec<String> = (0..1_200).map(|number| format!("n{number}")).collect();
    for names in many.chunks(400) {
        let content = format!("name\n{}\n", names.join("\n"));
        imports::import(&admin, json!({"object": "tag", "content": content})).await;
    }
    let text = csv_of(
        &admin,
        json!({"object": "tags", "columns": ["name"], "bom": false, "filter": {"field": "name", "op": "starts", "value": "n"}}),
    )
    .await;
    let mut found: Vec<&str> = text.lines().skip(1).collect();
    found.sort_unstable();
    let mut expected: Vec<&str> = many.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(found, expected, "over several pages each record is there once");
}
