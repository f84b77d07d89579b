//! `/v1/customers`: one record from its creation to its archiving.

use serde_json::{Value, json};

use crate::{
    client::pairs,
    server::Server,
    support::{TestDb, new_id},
};

pub async fn are_created_read_changed_and_archived(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let created = admin.post("/v1/customers", json!({"name": " 华为技术有限公司 ", "status": "active"})).await;
    let location = created.header("location").to_owned();
    assert_eq!(created.header("etag"), "\"v1\"");
    let record = created.ok(201);
    assert_eq!(location, format!("/v1/customers/{}", record["id"].as_str().unwrap()));
    assert_eq!(record["name"], "华为技术有限公司");
    assert_eq!(record["owner_id"], admin.id.as_str());
    assert_eq!(record["created_by"], admin.id.as_str());
    assert_eq!((&record["version"], &record["archived_at"]), (&json!(1), &Value::Null));

    let read = admin.get(&location).await;
    assert_eq!(read.header("etag"), "\"v1\"");
    assert_eq!(read.ok(200), record);

    let changed = admin.patch(&location, json!({"industry": "通信设备"})).await;
    assert_eq!(changed.header("etag"), "\"v2\"");
    let changed = changed.ok(200);
    assert_eq!((&changed["industry"], &changed["name"]), (&json!("通信设备"), &record["name"]));
    // What changes nothing is no new version.
    assert_eq!(admin.patch(&location, json!({"industry": "通信设备"})).await.ok(200)["version"], 2);

    admin.delete(&location).await.ok(204);
    admin.get(&location).await.refused(404, "not_found");
    assert!(admin.names("/v1/customers").await.is_empty());
    let archived = admin.get(&format!("{location}?archived=true")).await.ok(200);
    assert!(archived["archived_at"].is_string());
    assert_eq!(admin.names("/v1/customers?archived=true").await, ["华为技术有限公司"]);
    admin.patch(&location, json!({"industry": "x"})).await.refused(409, "state_conflict");
    // Twice is once.
    admin.delete(&location).await.ok(204);
    let restored = admin.post(&format!("{location}/restore"), json!({})).await.ok(200);
    assert_eq!(restored["archived_at"], Value::Null);
    assert_eq!(admin.get(&location).await.ok(200), restored);
    let types = admin.list(&format!("{location}/history"), "type").await;
    assert_eq!(types, ["customer.restored", "customer.archived", "customer.updated", "customer.created"]);
    let _ = (pairs(&[]), new_id());
}
