//! `POST /v1/imports/preview`.

use serde_json::json;

use super::{counts, customers, ended, total};
use crate::{server::Server, support::TestDb};

pub async fn columns_are_guessed_and_shown(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("tier", "text", json!({"label_zh": "客户等级"})).await;
    let content = "客户名称,所属行业,手机,邮箱,客户等级,来路不明\n华为技术有限公司,通信设备,13800138000,Info@Huawei.com,金,x\n,,,,,\n坏,,,nope,,\n";
    let shown = admin.post("/v1/imports/preview", customers(content)).await.ok(200);
    let columns = shown["mapping"]["columns"].as_array().unwrap().iter();
    let guessed: Vec<(&str, Option<&str>)> =
        columns.map(|column| (column["column"].as_str().unwrap(), column["field"].as_str())).collect();
    let wanted = [
        ("客户名称", Some("name")),
        ("所属行业", Some("industry")),
        ("手机", Some("phones")),
        ("邮箱", Some("emails")),
        ("客户等级", Some("custom.tier")),
        ("来路不明", None),
    ];
    assert_eq!(guessed, wanted);
    assert_eq!((&shown["rows_total"], &shown["encoding"], &shown["delimiter"]), (&json!(2), &json!("UTF-8"), &json!(",")));
    let first = &shown["rows"][0]["record"];
    assert_eq!((&first["name"], &first["custom"]["tier"]), (&json!("华为技术有限公司"), &json!("金")));
    assert_eq!((&shown["faults"][0]["row"], &shown["faults"][0]["code"]), (&json!(4), &json!("invalid_email")));
    assert_eq!(total(&admin).await, 0, "a preview writes nothing");
    // What is said wins over what is guessed, and is checked.
    let mut body = customers(content);
    body["mapping"] = json!({"columns": [{"column": "来路不明", "field": "region", "values": {"x": "华东"}}]});
    let shown = admin.post("/v1/imports/preview", body.clone()).await.ok(200);
    assert_eq!(shown["rows"][0]["record"]["region"], "华东");
    body["mapping"] = json!({"columns": [{"column": "nowhere", "field": "name"}]});
    assert_eq!(admin.post("/v1/imports/preview", body.clone()).await.status, 400);
    body["mapping"] = json!({"columns": [{"column": "来路不明", "field": "nmae"}]});
    assert_eq!(admin.post("/v1/imports/preview", body).await.status, 400);
    // As a file with parameters it is the same.
    let as_file = admin.request(reqwest::Method::POST, "/v1/imports?object=customer&file_name=k.csv").body("text/csv", content);
    let id = as_file.await.ok(201)["id"].as_str().unwrap().to_owned();
    let done = ended(&admin, &id).await;
    assert_eq!((counts(&done), &done["file_name"]), ([1, 0, 0, 1], &json!("k.csv")));
    assert_eq!(admin.names("/v1/customers?custom.tier=金&phones_any=%2B8613800138000").await, ["华为技术有限公司"]);
}

/// A preview says what an import would, for it does the same.
pub async fn rows_are_tried_by_the_rules(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = crate::sales::pipeline(&admin).await;
    let second = format!("/v1/pipelines/{pipeline}/stages/{}", stages[1]);
    admin.patch(&second, json!({"required_fields": ["amount"]})).await.ok(200);
    let stage = admin.get(&second).await.ok(200)["name"].as_str().unwrap().to_owned();
    let content = format!("name,stage,owner\nA,{stage},\nB,{stage},nobody\nC,,\n");
    let body =
        json!({"object": "opportunity", "content": content, "mapping": {"columns": [{"column": "stage", "field": "stage_id"}]}});
    let shown = admin.post("/v1/imports/preview", body.clone()).await.ok(200);
    let found: Vec<(i64, String)> = shown["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (fault["row"].as_i64().unwrap(), fault["code"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(found, [(2, "needed_by_stage".to_owned()), (3, "reference_not_found".to_owned())]);
    assert_eq!(shown["rows"][1]["record"]["owner_id"], json!({"user": "nobody"}));
    assert_eq!(admin.get("/v1/opportunities?total=true").await.ok(200)["page"]["total"], 0, "nothing is kept");
    assert_eq!(super::counts(&super::import(&admin, body).await), [1, 0, 0, 2]);
    assert!(admin.list("/v1/changes?types=opportunity.created", "type").await.len() == 1, "nor told of");
    // Parents further down than the rows that are tried are no fault.
    let mut content = "name,parent\n".to_owned();
    (0..30).for_each(|row| content.push_str(&format!("F{row},{}\n", if row == 29 { String::new() } else { "F29".to_owned() })));
    let shown = admin.post("/v1/imports/preview", customers(&content)).await.ok(200);
    assert_eq!((&shown["faults"], shown["rows"].as_array().unwrap().len()), (&json!([]), 20));
    // A file of which no column is known is shown with its columns.
    let shown = admin.post("/v1/imports/preview", customers("甲,乙\n1,2\n")).await.ok(200);
    let columns: Vec<_> =
        shown["mapping"]["columns"].as_array().unwrap().iter().map(|column| (&column["column"], &column["field"])).collect();
    assert_eq!(columns, [(&json!("甲"), &json!(null)), (&json!("乙"), &json!(null))]);
    assert_eq!((&shown["faults"][0]["pointer"], &shown["faults"][0]["code"]), (&json!("/mapping"), &json!("required")));
    assert_eq!(admin.post("/v1/imports", customers("甲,乙\n1,2\n")).await.faults(400)[0].1, "required");
    let mut keyed = customers("name,乙\n1,2\n");
    keyed["match_by"] = json!("emails");
    let shown = admin.post("/v1/imports/preview", keyed).await.ok(200);
    assert_eq!((&shown["faults"][0]["pointer"], &shown["faults"][0]["code"]), (&json!("/match_by"), &json!("unmapped")));
}
