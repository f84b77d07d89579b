//! The steps of a lead.

use serde_json::{Value, json};

use super::types;
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn goes_step_by_step(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let lead = admin
        .post(
            "/v1/leads",
            json!({"company": "大族机器人", "person_name": "李伟", "phones": [{"value": "13800138000"}],
                   "addresses": [{"country": "CN", "region": "广东省"}], "utm": {"source": "baidu"},
                   "consent": [{"channel": "email", "given_at": "2026-09-01T08:00:00Z", "text": "同意"}],
                   "budget_min": {"amount": 100, "currency": "CNY"}, "budget_max": {"amount": 300, "currency": "CNY"}}),
        )
        .await
        .ok(201);
    assert_eq!((&lead["name"], &lead["status"], &lead["region"]), (&json!("大族机器人"), &json!("new"), &json!("广东省")));
    assert_eq!((&lead["owner_id"], &lead["utm"]["source"]), (&json!(admin.id), &json!("baidu")));
    assert_eq!(lead["phones"][0]["value"], "+8613800138000");
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());

    let nameless = admin.post("/v1/leads", json!({"source": "官网"})).await.faults(422);
    assert_eq!(nameless, pairs(&[("/name", "required")]));
    let body =
        json!({"name": "x", "budget_min": {"amount": 5, "currency": "CNY"}, "budget_max": {"amount": 4, "currency": "CNY"}});
    assert_eq!(admin.post("/v1/leads", body).await.faults(422), pairs(&[("/budget_max/amount", "too_small")]));
    assert_eq!(admin.patch(&path, json!({"status": "converted"})).await.faults(422), pairs(&[("/status", "step_not_allowed")]));
    assert_eq!(
        admin.patch(&path, json!({"status": "disqualified"})).await.faults(422),
        pairs(&[("/disqualify_reason", "required")])
    );
    let lead = admin.patch(&path, json!({"status": "contacted"})).await.ok(200);
    assert!(lead["first_responded_at"].is_string() && lead["response_seconds"].is_i64(), "{lead}");
    admin.patch(&path, json!({"status": "qualified"})).await.ok(200);
    let gone = admin.post(&format!("{path}/disqualify"), json!({"reason": "无预算"})).await.ok(200);
    assert_eq!((&gone["status"], &gone["disqualify_reason"]), (&json!("disqualified"), &json!("无预算")));
    admin.post(&format!("{path}/disqualify"), json!({"reason": "无预算"})).await.refused(409, "state_conflict");
    let back = admin.post(&format!("{path}/reopen"), json!({})).await.ok(200);
    assert_eq!((&back["status"], &back["disqualify_reason"]), (&json!("new"), &Value::Null));
    admin.post(&format!("{path}/reopen"), json!({})).await.refused(409, "state_conflict");
    let told = types(&admin, &path).await;
    assert_eq!(told, ["lead.reopened", "lead.disqualified", "lead.qualified", "lead.contacted", "lead.created"]);
    let ledger = admin.get(&format!("{path}/ledger")).await.ok(200);
    let steps: Vec<&str> =
        ledger["data"].as_array().unwrap().iter().map(|entry| entry["changes"]["status"]["to"].as_str().unwrap()).collect();
    assert_eq!(steps, ["new", "disqualified", "qualified", "contacted", "new"]);
    // Money and consent are filtered on where they are kept.
    assert_eq!(admin.names("/v1/leads?budget_max_gte=300&budget_max.currency=CNY").await, ["大族机器人"]);
    assert_eq!(admin.names("/v1/leads?consent_any=email&person_name_contains=李").await, ["大族机器人"]);
    assert!(admin.names("/v1/leads?budget_max_gt=300").await.is_empty());
    assert_eq!(admin.names("/v1/leads?q=13800138000").await, ["大族机器人"]);
}
