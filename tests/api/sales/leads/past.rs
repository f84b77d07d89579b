//! Leads of another system: when they came, how and when they ended.

use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn is_loaded_as_it_was(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    let (received, ended) = ("2025-03-01T08:00:00.000Z", "2025-04-11T09:30:00.000Z");
    for (status, more) in [
        ("converted", json!({"customer_id": customer, "first_responded_at": "2025-03-01T08:10:30.500Z"})),
        ("disqualified", json!({"disqualify_reason": "无预算"})),
        ("qualified", json!({})),
    ] {
        let mut body = json!({"name": status, "status": status, "received_at": received, "status_entered_at": ended});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let lead = admin.post("/v1/leads", body).await.ok(201);
        assert_eq!(
            (&lead["status"], &lead["received_at"], &lead["status_entered_at"]),
            (&json!(status), &json!(received), &json!(ended))
        );
        let (id, total) = (lead["id"].as_str().unwrap(), "total=true");
        let as_of = async |time: &str| {
            let list = admin.get(&format!("/v1/leads?id={id}&as_of={time}&{total}")).await.ok(200);
            let states: Vec<Value> = list["data"].as_array().unwrap().iter().map(|lead| lead["status"].clone()).collect();
            assert_eq!(list["page"]["total"], states.len());
            states
        };
        assert_eq!(as_of("2025-02-28T00:00:00Z").await, Vec::<Value>::new());
        assert_eq!(as_of("2025-03-02T00:00:00Z").await, [json!("new")]);
        assert_eq!(as_of("2025-04-12T00:00:00Z").await, [json!(status)]);
        let ledger = admin.get(&format!("/v1/leads/{id}/ledger")).await.ok(200);
        assert_eq!(ledger["data"][0]["seconds_in_former_step"], 41 * 86_400 + 5_400);
    }
    let lead = admin.get("/v1/leads?name=converted").await.ok(200)["data"][0].clone();
    assert_eq!((&lead["customer_id"], &lead["response_seconds"]), (&json!(customer), &json!(630)));
    let months = admin.get("/v1/leads/summary?group_by=received_at.month").await.ok(200);
    assert_eq!((&months["data"][0]["group"]["received_at.month"], &months["data"][0]["count"]), (&json!("2025-03"), &json!(3)));
    // A lead that comes now came now.
    let now = admin.post("/v1/leads", json!({"name": "now"})).await.ok(201);
    assert_eq!((&now["received_at"], &now["status_entered_at"]), (&now["created_at"], &now["created_at"]));
    let path = format!("/v1/leads/{}", now["id"].as_str().unwrap());
    let faults = admin.patch(&path, json!({"received_at": received})).await.faults(400);
    assert_eq!(faults, pairs(&[("/received_at", "create_only")]));
    for (body, fault) in [
        (json!({"received_at": "2999-01-01T00:00:00Z"}), ("/received_at", "too_late")),
        (json!({"received_at": ended, "status_entered_at": received}), ("/status_entered_at", "too_early")),
        (json!({"received_at": ended, "first_responded_at": received}), ("/first_responded_at", "too_early")),
        (json!({"status": "converted"}), ("/status", "step_not_allowed")),
        (json!({"customer_id": customer, "opportunity_id": customer}), ("/opportunity_id", "conflicting")),
    ] {
        let mut whole = body.clone();
        whole["name"] = json!("x");
        assert_eq!(admin.post("/v1/leads", whole).await.faults(422), pairs(&[fault]), "{body}");
    }
    // A conversion is no first response; a step to contacted is, counted from when the lead came.
    let old = admin.create("leads", json!({"name": "old", "company": "Old", "received_at": received})).await;
    let lead = admin.post(&format!("/v1/leads/{old}/convert"), json!({})).await.ok(200)["lead"].clone();
    assert_eq!(
        (&lead["status"], &lead["first_responded_at"], &lead["response_seconds"]),
        (&json!("converted"), &Value::Null, &Value::Null)
    );
    let late = admin.create("leads", json!({"name": "late", "received_at": received})).await;
    let lead = admin.patch(&format!("/v1/leads/{late}"), json!({"status": "contacted"})).await.ok(200);
    let at = |name: &str| farley_domain::values::time::Timestamp::parse(lead[name].as_str().unwrap()).unwrap().milliseconds();
    assert_eq!(lead["response_seconds"].as_i64(), Some((at("first_responded_at") - at("received_at")) / 1000));
}
