//! `POST /v1/tickets/bulk-change`.

use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

/// Many tickets are changed alike: each by its own rules, with its own event, and told of by itself.
pub async fn each_ticket_is_changed_by_its_own_rules(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let agent = server.user(&admin, "Agent", "service_agent", json!({})).await;
    let (old, new) = (admin.create("tags", json!({"name": "old"})).await, admin.create("tags", json!({"name": "new"})).await);
    let queue = admin.create("queues", json!({"name": "Hardware"})).await;
    let mut ids = Vec::new();
    for number in 0..120 {
        let ticket = json!({"subject": format!("Ticket {number}"), "kind": "incident", "tag_ids": [old]});
        ids.push(admin.create("tickets", ticket).await);
    }
    let statuses = admin.get("/v1/ticket-statuses?kind=solved").await.ok(200);
    let solved = statuses["data"][0]["id"].as_str().unwrap();
    admin.patch(&format!("/v1/ticket-statuses/{solved}"), json!({"required_fields": ["order_reference"]})).await.ok(200);
    admin.patch(&format!("/v1/tickets/{}", ids[1]), json!({"order_reference": "SO-1"})).await.ok(200);
    let change = "/v1/tickets/bulk-change";
    // What is wrong with the request is told at once.
    let wrong = json!({"ids": ["x"], "changes": {"subjects": "x"}, "add": {"tags": []}});
    let faults = admin.post(change, wrong).await.faults(400);
    let expected = [("/ids/0", "invalid_id"), ("/changes/subjects", "unknown_member"), ("/add/tags", "unknown_member")];
    assert_eq!(faults, pairs(&expected));
    let wrong = json!({"ids": [ids[0]], "filter": {"field": "kind", "value": "incident"}, "changes": {"priority": "high"}});
    assert_eq!(admin.post(change, wrong).await.faults(400), pairs(&[("/filter", "conflicting")]));
    let wrong = json!({"ids": [ids[0]], "changes": {"priority": "soon"}});
    assert_eq!(admin.post(change, wrong).await.faults(400), pairs(&[("/changes/priority", "unknown_choice")]));
    assert_eq!(admin.post(change, json!({"ids": [ids[0]]})).await.faults(400), pairs(&[("/changes", "required")]));

    let all = json!({"filter": {"field": "kind", "value": "incident"}, "preview": true,
        "changes": {"owner_id": agent.id, "queue_id": queue, "priority": "urgent"}, "add": {"tag_ids": [new], "follower_ids": [admin.id]},
        "remove": {"tag_ids": [old]}});
    let preview = admin.post(change, all.clone()).await.ok(200);
    assert_eq!((&preview["count"], &preview["changed"], &preview["failed"]), (&json!(120), &json!(100), &json!(0)));
    assert_eq!(admin.get("/v1/tickets?priority=urgent&total=true").await.ok(200)["page"]["total"], 0);
    let mut all = all;
    all["preview"] = json!(false);
    let cursor = admin.get("/v1/changes?cursor=now").await.ok(200)["page"]["next"].clone();
    let request = |body: &Value| admin.post(change, body.clone()).header("Idempotency-Key", "all");
    let done = request(&all).await.ok(200);
    assert_eq!((&done["count"], &done["changed"], &done["failed"]), (&json!(120), &json!(120), &json!(0)));
    let ticket = admin.get(&format!("/v1/tickets/{}", ids[7])).await.ok(200);
    assert_eq!((&ticket["owner_id"], &ticket["tag_ids"]), (&json!(agent.id), &json!([new])));
    assert_eq!((&ticket["follower_ids"], &ticket["version"]), (&json!([admin.id]), &json!(2)));
    let changes = admin.list(&format!("/v1/changes?limit=200&cursor={}", cursor.as_str().unwrap()), "type").await;
    assert_eq!(changes.iter().filter(|kind| kind.starts_with("ticket.")).count(), 120);
    // The new owner hears of it once; and again it changes nothing.
    let told = agent.get("/v1/notifications").await.ok(200);
    assert_eq!((told["data"].as_array().unwrap().len(), &told["data"][0]["record_count"]), (1, &json!(120)));
    let again = request(&all).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok(200), done);
    let again = admin.post(change, all).await.ok(200);
    assert_eq!((&again["changed"], &again["data"][0]["outcome"]), (&json!(0), &json!("unchanged")));

    // Some fail by the rules of their status, one is not there, one is not theirs.
    let theirs = admin.create("tickets", json!({"subject": "Hers", "owner_id": admin.id})).await;
    admin.delete(&format!("/v1/tickets/{}", ids[2])).await.ok(204);
    let missing = "01890a5d-ac96-774b-bcce-b302099a8057";
    let mixed = json!({"ids": [ids[0], ids[1], missing, ids[2]], "changes": {"status_id": solved}});
    let mixed = admin.post(change, mixed).await.ok(200);
    let outcome = |place: usize| (mixed["data"][place]["outcome"].clone(), mixed["data"][place]["problem"]["code"].clone());
    assert_eq!(outcome(0), (json!("failed"), json!("rule_violated")));
    assert_eq!(mixed["data"][0]["errors"][0]["pointer"], "/order_reference");
    assert_eq!(outcome(1), (json!("updated"), Value::Null));
    assert_eq!((outcome(2).1, outcome(3).1), (json!("not_found"), json!("state_conflict")));
    assert_eq!((mixed["data"].as_array().unwrap().len(), &mixed["failed"]), (4, &json!(3)));
    let ledger = admin.get(&format!("/v1/tickets/{}/ledger", ids[1])).await.ok(200);
    assert!(ledger["data"].as_array().unwrap().iter().any(|row| row["changes"]["status"]["to"] == "solved"), "{ledger}");
    let own = server.user_who_may(&admin, "own", &["ticket read own", "ticket update own"], json!([]), json!({})).await;
    let refused = own.post(change, json!({"ids": [theirs], "changes": {"priority": "low"}})).await.ok(200);
    assert_eq!(refused["data"][0]["problem"]["code"], "not_found");
    let reader = server.user_who_may(&admin, "reader", &["ticket read all"], json!([]), json!({})).await;
    reader.post(change, json!({"ids": [theirs], "changes": {"priority": "low"}})).await.refused(403, "forbidden");
}
