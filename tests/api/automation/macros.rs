//! `/v1/macros`: several changes applied to records by hand.

use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn macros_are_applied_as_whoever_applies_them(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let team = admin.create("teams", json!({"name": "Sales"})).await;
    let seller = server.user(&admin, "seller", "sales_representative", json!({"team_id": team})).await;
    let body = json!({"name": "m", "object": "customer", "actions": [
        {"type": "set", "fields": {"region": "x", "industry": "{name}"}},
        {"type": "create_task", "subject": "Call {name}", "due_in_minutes": 60},
    ]});
    let found = admin.create("macros", body).await;
    let path = format!("/v1/macros/{found}/apply");
    let own = seller.create("customers", json!({"name": "own", "external_ids": {"sap": "1"}})).await;
    let others = admin.create("customers", json!({"name": "others"})).await;
    let colleague = server.user(&admin, "colleague", "sales_representative", json!({"team_id": team})).await;
    let colleagues = colleague.create("customers", json!({"name": "colleagues"})).await;
    let applied = seller.post(&path, json!({"record_ids": ["ext:sap:1", others, colleagues]})).await.ok(200);
    let outcomes: Vec<(&Value, &Value)> =
        applied["data"].as_array().unwrap().iter().map(|one| (&one["outcome"], &one["problem"]["code"])).collect();
    assert_eq!(
        outcomes,
        [(&json!("done"), &Value::Null), (&json!("failed"), &json!("not_found")), (&json!("failed"), &json!("forbidden"))]
    );
    let changes = applied["data"][0]["changes"].as_array().unwrap();
    assert_eq!(changes[0]["type"], "customer.updated");
    assert_eq!(changes[0]["changes"]["region"], json!({"from": null, "to": "x"}));
    assert!(changes.iter().any(|change| change["type"] == "task.created"), "{changes:?}");
    let shown = seller.get(&format!("/v1/customers/{own}")).await.ok(200);
    assert_eq!((&shown["region"], &shown["industry"], &shown["updated_by"]), (&json!("x"), &json!("own"), &json!(seller.id)));
    let tasks = seller.get("/v1/tasks").await.ok(200);
    assert_eq!((&tasks["data"][0]["owner_id"], &tasks["data"][0]["customer_id"]), (&json!(seller.id), &json!(own)));
    let events = seller.get(&format!("/v1/changes?record_id={own}")).await.ok(200);
    assert_eq!(events["data"][1]["origin"], json!({"kind": "macro", "id": found}));
    assert_eq!(events["data"][1]["actor"]["user_id"], json!(seller.id), "it was they who did it");
    // Whoever has an older version in mind changes nothing.
    let version = shown["version"].as_i64().unwrap();
    let stale = seller.post(&path, json!({"record_ids": [own], "versions": [version - 1]})).await.ok(200);
    assert_eq!(stale["data"][0]["problem"]["code"], "version_mismatch", "{stale}");
    let fresh = seller.post(&path, json!({"record_ids": [own], "versions": [version]})).await.ok(200);
    assert_eq!(fresh["data"][0]["outcome"], "done");
    assert_eq!(
        seller.post(&path, json!({"record_ids": [own, others], "versions": [1]})).await.faults(400),
        pairs(&[("/versions", "wrong_type")])
    );
    assert_eq!(seller.post(&path, json!({"record_ids": []})).await.faults(400)[0].0, "/record_ids");
    admin.patch(&format!("/v1/macros/{found}"), json!({"is_active": false})).await.ok(200);
    seller.post(&path, json!({"record_ids": [own]})).await.refused(409, "state_conflict");
    seller
        .post("/v1/macros", json!({"name": "y", "object": "customer", "actions": [{"type": "set", "fields": {"region": "x"}}]}))
        .await
        .refused(403, "forbidden");
}

pub async fn what_a_macro_would_do_is_told_first(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = json!({"name": "m", "object": "ticket", "actions": [
        {"type": "set", "fields": {"priority": "high"}},
        {"type": "reply", "text": "您好 {subject}"},
        {"type": "perform", "action": "solve"},
    ]});
    let found = admin.create("macros", body).await;
    let ticket = admin.create("tickets", json!({"subject": "x"})).await;
    let path = format!("/v1/macros/{found}/apply");
    let preview = admin.post(&format!("{path}?validate_only=true"), json!({"record_ids": [ticket]})).await.ok(200);
    let shown = admin.get(&format!("/v1/tickets/{ticket}")).await.ok(200);
    assert_eq!((&shown["version"], &shown["priority"]), (&json!(1), &json!("normal")), "nothing was written");
    let applied = admin.post(&path, json!({"record_ids": [ticket]})).await.ok(200);
    let told = |answer: &Value| -> Vec<(String, Vec<String>)> {
        let changes = answer["data"][0]["changes"].as_array().unwrap().iter();
        let fields = |change: &Value| change["changes"].as_object().unwrap().keys().cloned().collect();
        changes.map(|change| (change["type"].as_str().unwrap().to_owned(), fields(change))).collect()
    };
    assert_eq!(told(&preview), told(&applied), "what was told is what is done");
    assert_eq!(applied["data"][0]["outcome"], "done", "{applied}");
    let shown = admin.get(&format!("/v1/tickets/{ticket}")).await.ok(200);
    assert_eq!((&shown["priority"], &shown["status"]), (&json!("high"), &json!("solved")));
    // A second time it fails where it is solved already, and leaves nothing of what came before.
    let again = admin.post(&path, json!({"record_ids": [ticket]})).await.ok(200);
    assert_eq!((&again["data"][0]["outcome"], &again["data"][0]["changes"]), (&json!("failed"), &json!([])));
    assert_eq!(admin.get(&format!("/v1/tickets/{ticket}/messages?total=true")).await.ok(200)["page"]["total"], 1);
}
