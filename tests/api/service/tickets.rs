//! `/v1/tickets`: what a desk does with a request from its arrival to its end.

use farley::http::clock;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// A time so many minutes ago.
pub fn ago(minutes: i64) -> String {
    clock::now().plus_seconds(-60 * minutes).to_string()
}

/// The first status of a kind.
pub async fn status(client: &Client, kind: &str) -> String {
    let statuses = client.get(&format!("/v1/ticket-statuses?kind={kind}&sort=sort_order")).await.ok(200);
    statuses["data"][0]["id"].as_str().expect("a status").to_owned()
}

async fn message(client: &Client, ticket: &str, kind: &str, body: &str) -> Value {
    client.post(&format!("/v1/tickets/{ticket}/messages"), json!({"kind": kind, "body": body})).await.ok(201)
}

async fn event_types(client: &Client, record: &str) -> Vec<String> {
    let changes = client.get(&format!("/v1/changes?record_id={record}&limit=200")).await.ok(200);
    changes["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

pub async fn a_request_is_answered_solved_and_opened_again(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "华为技术有限公司"})).await;
    let contact =
        admin.create("contacts", json!({"name": "王芳", "customers": [{"customer_id": customer, "primary": true}]})).await;
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    let ticket = agent
        .post("/v1/tickets", json!({"subject": "打印机无法开机", "contact_id": contact, "channel": "phone", "kind": "incident"}))
        .await
        .ok(201);
    assert_eq!(ticket["customer_id"], customer, "the customer of the contact");
    assert_eq!(ticket["number"], "T-000001");
    assert_eq!(ticket["owner_id"], Value::Null, "nobody's until somebody takes it");
    assert_eq!((&ticket["status"], &ticket["priority"]), (&json!("new"), &json!("normal")));
    assert_eq!(ticket["waiting_since"], ticket["opened_at"]);
    let id = ticket["id"].as_str().unwrap();
    let path = format!("/v1/tickets/{id}");
    let read = || async { agent.get(&path).await.ok(200) };

    message(&agent, id, "note", "Der Drucker ist drei Jahre alt").await;
    let after = read().await;
    assert_eq!((&after["status"], &after["first_responded_at"]), (&json!("new"), &Value::Null), "a note answers nobody");
    let reply = message(&agent, id, "reply", "请检查电源").await;
    let after = read().await;
    assert_eq!(after["status"], "open");
    assert_eq!((&after["first_responded_at"], &after["waiting_since"]), (&reply["sent_at"], &Value::Null));
    let waiting = status(&agent, "waiting_customer").await;
    agent.patch(&path, json!({"status_id": waiting})).await.ok(200);
    let incoming = message(&agent, id, "incoming", "电源没有问题").await;
    assert_eq!(incoming["contact_id"], contact, "by the contact of the ticket");
    let after = read().await;
    assert_eq!(after["status"], "open", "the customer has answered");
    assert_eq!(after["waiting_since"], incoming["sent_at"]);

    let solution = json!({"resolution": "更换电源", "cause": "电源故障"});
    let solved = agent.post(&format!("{path}/solve"), solution.clone()).await.ok(200);
    assert_eq!((&solved["status"], &solved["cause"]), (&json!("solved"), &json!("电源故障")));
    assert_eq!(solved["solved_at"], solved["first_solved_at"]);
    agent.post(&format!("{path}/solve"), solution).await.refused(409, "state_conflict");
    message(&agent, id, "incoming", "又坏了").await;
    let again = read().await;
    assert_eq!((&again["status"], &again["solved_at"], &again["reopen_count"]), (&json!("open"), &Value::Null, &json!(1)));
    assert_eq!(again["first_solved_at"], solved["first_solved_at"]);
    agent.post(&format!("{path}/reopen"), json!({})).await.refused(409, "state_conflict");
    let closed = agent.post(&format!("{path}/close"), json!({})).await.ok(200);
    assert_eq!(closed["status"], "closed");
    assert!(closed["closed_at"].is_string() && closed["solved_at"].is_string());
    agent.post(&format!("{path}/reopen"), json!({})).await.ok(200);
    let types = event_types(&admin, id).await;
    let expected = [
        "ticket.created",
        "ticket.status_changed",
        "ticket.status_changed",
        "ticket.status_changed",
        "ticket.status_changed",
        "ticket.status_changed",
        "ticket.status_changed",
        "ticket.status_changed",
    ];
    assert_eq!(types, expected, "each move is an event of its own");
    let messages = agent.get(&format!("{path}/messages?sort=sent_at&total=true")).await.ok(200);
    assert_eq!(messages["page"]["total"], 4);
    assert_eq!(agent.get(&format!("{path}?fields=message_count")).await.ok(200)["message_count"], 4);

    // As of before the first reply it was new.
    let before = reply["sent_at"].as_str().unwrap();
    let then = agent.get(&format!("/v1/tickets?as_of={before}&fields=status,number")).await.ok(200);
    assert!(then["data"][0]["status"] == "new" || then["data"][0]["status"] == "open", "{then}");
    let ledger = agent.get(&format!("{path}/ledger")).await.ok(200);
    let moves = ledger["data"].as_array().unwrap().iter().filter(|entry| entry["changes"]["status_id"].is_object()).count();
    assert_eq!(moves, 8);
}

pub async fn the_priority_follows_impact_and_urgency_until_it_is_set(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let degrees = ["low", "medium", "high"];
    // The matrix, row by row: impact low, medium, high; each with urgency low, medium, high.
    let matrix = [["low", "low", "normal"], ["low", "normal", "high"], ["normal", "high", "urgent"]];
    for (impact, row) in degrees.iter().zip(matrix) {
        for (urgency, priority) in degrees.iter().zip(row) {
            let body = json!({"subject": "x", "impact": impact, "urgency": urgency});
            assert_eq!(admin.post("/v1/tickets", body).await.ok(201)["priority"], priority, "{impact} {urgency}");
        }
    }
    let id = admin.create("tickets", json!({"subject": "x"})).await;
    let path = format!("/v1/tickets/{id}");
    let patched = |body: Value| async { admin.patch(&path, body).await.ok(200)["priority"].clone() };
    assert_eq!(patched(json!({"impact": "high"})).await, "high", "a missing one counts as medium");
    assert_eq!(patched(json!({"urgency": "high"})).await, "urgent");
    assert_eq!(patched(json!({"priority": "low"})).await, "low");
    assert_eq!(patched(json!({"impact": "medium"})).await, "low", "it was set");
    assert_eq!(patched(json!({"priority": null})).await, "high", "and follows again");
}

pub async fn moves_keep_to_the_rules_of_statuses(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (new, open, solved, closed) = (
        status(&admin, "new").await,
        status(&admin, "open").await,
        status(&admin, "solved").await,
        status(&admin, "closed").await,
    );
    admin.patch(&format!("/v1/ticket-statuses/{new}"), json!({"next_status_ids": [open]})).await.ok(200);
    let solved_path = format!("/v1/ticket-statuses/{solved}");
    admin.patch(&solved_path, json!({"required_fields": ["resolution", "cause"], "reopen_days": 7})).await.ok(200);
    let id = admin.create("tickets", json!({"subject": "x", "opened_at": ago(30 * 24 * 60)})).await;
    let path = format!("/v1/tickets/{id}");
    let faults = admin.post(&format!("{path}/solve"), json!({})).await.faults(422);
    let expected = [("/status_id", "step_not_allowed"), ("/resolution", "needed_by_status"), ("/cause", "needed_by_status")];
    assert_eq!(faults, pairs(&expected), "every fault at once");
    admin.patch(&path, json!({"status_id": open})).await.ok(200);
    assert_eq!(
        admin.patch(&path, json!({"solved_at": ago(60)})).await.faults(422),
        pairs(&[("/solved_at", "unsolved_has_none")])
    );
    let solution = |at: String| json!({"resolution": "r", "cause": "c", "solved_at": at});
    let faults = admin.post(&format!("{path}/solve"), solution(ago(40 * 24 * 60))).await.faults(422);
    assert_eq!(faults, pairs(&[("/solved_at", "too_early")]));
    let faults = admin.post(&format!("{path}/solve"), solution(ago(-10))).await.faults(422);
    assert_eq!(faults, pairs(&[("/solved_at", "too_late")]));
    // A ticket of the past: it came and went before it was written down.
    let old = json!({"subject": "alt", "opened_at": ago(30 * 24 * 60), "status_id": solved, "solved_at": ago(20 * 24 * 60), "resolution": "r", "cause": "c"});
    let old = admin.post("/v1/tickets", old).await.ok(201);
    assert_eq!(old["status_entered_at"], old["solved_at"]);
    let old = format!("/v1/tickets/{}", old["id"].as_str().unwrap());
    assert_eq!(admin.post(&format!("{old}/reopen"), json!({})).await.faults(422), pairs(&[("/status_id", "reopen_too_late")]));
    let follow_up = admin.post(&format!("{old}/follow-up"), json!({"description": "又坏了"})).await.ok(201);
    assert_eq!(follow_up["follow_up_of_id"], old.rsplit('/').next().unwrap());
    assert_eq!((&follow_up["subject"], &follow_up["status"]), (&json!("alt"), &json!("new")));
    assert_eq!(admin.patch(&old, json!({"solved_at": ago(60)})).await.faults(422), pairs(&[("/solved_at", "already_solved")]));
    // Nothing can be put where nobody can get any more, and one status of each kind stays.
    admin.request(reqwest::Method::DELETE, &format!("/v1/ticket-statuses/{closed}")).await.refused(409, "state_conflict");
    let mine = admin.create("ticket-statuses", json!({"name": "Geschlossen", "kind": "closed"})).await;
    admin.delete(&format!("/v1/ticket-statuses/{closed}")).await.ok(204);
    assert_eq!(
        admin.patch(&path, json!({"status_id": closed})).await.faults(422),
        pairs(&[("/status_id", "reference_not_found")])
    );
    assert_eq!(admin.patch(&path, json!({"status_id": mine})).await.ok(200)["status"], "closed");
}

pub async fn messages_stay_as_they_were_written(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let id = admin.create("tickets", json!({"subject": "x", "opened_at": ago(600)})).await;
    let other = admin.create("tickets", json!({"subject": "y"})).await;
    let messages = format!("/v1/tickets/{id}/messages");
    let post = |body: Value| admin.post(&messages, body);
    let first = post(json!({"kind": "incoming", "body": "  hello\n\n> quoted ", "sent_at": ago(500), "channel": "chat", "channel_message_id": "m1"})).await.ok(201);
    assert_eq!(first["body"], "hello\n\n> quoted", "as texts are kept everywhere");
    let again = post(json!({"kind": "incoming", "body": "hello", "channel": "chat", "channel_message_id": "m1"})).await;
    assert_eq!(again.refused(409, "duplicate")["existing_id"], first["id"], "a repeat is one message");
    let faults = post(json!({"body": "late", "sent_at": ago(550), "contact_id": null})).await.faults(422);
    assert_eq!(faults, pairs(&[("/sent_at", "too_early")]));
    assert_eq!(post(json!({"body": "soon", "sent_at": ago(-60)})).await.faults(422), pairs(&[("/sent_at", "too_late")]));
    let reply = post(json!({"body": "answer", "sent_at": ago(400), "reply_to_id": first["id"]})).await.ok(201);
    let elsewhere = admin.post(&format!("/v1/tickets/{other}/messages"), json!({"body": "z", "reply_to_id": reply["id"]})).await;
    assert_eq!(elsewhere.faults(422), pairs(&[("/reply_to_id", "message_of_other_ticket")]));
    let path = format!("{messages}/{}", reply["id"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"body": "another answer"})).await.faults(422), pairs(&[("/body", "create_only")]));
    let note = post(json!({"kind": "note", "body": "nota"})).await.ok(201);
    let path = format!("{messages}/{}", note["id"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"body": "Nota bene"})).await.ok(200)["body"], "Nota bene");
    let ticket = admin.get(&format!("/v1/tickets/{id}")).await.ok(200);
    assert_eq!(ticket["first_responded_at"], reply["sent_at"]);
    // A message may move its ticket, and does so with all checks.
    let solved = status(&admin, "solved").await;
    post(json!({"body": "done", "status_id": solved})).await.ok(201);
    assert_eq!(admin.get(&format!("/v1/tickets/{id}")).await.ok(200)["status"], "solved");
    assert_eq!(post(json!({"body": "x", "status_id": other})).await.faults(422).len(), 1);
}

pub async fn a_queue_gives_each_ticket_to_one_agent(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let first = server.user(&admin, "first", "service_agent", json!({})).await;
    let second = server.user(&admin, "second", "service_agent", json!({})).await;
    let stranger = server.user(&admin, "stranger", "service_agent", json!({})).await;
    let mut agents = Vec::new();
    for agent in [&first, &second] {
        agents.push(agent.get("/v1/me").await.ok(200)["id"].clone());
    }
    let queue = admin.create("queues", json!({"name": "硬件支持", "agent_ids": agents})).await;
    let category = admin.create("ticket-categories", json!({"name": "硬件", "queue_id": queue})).await;
    let printers = admin.create("ticket-categories", json!({"name": "打印机", "parent_id": category})).await;
    let next = format!("/v1/queues/{queue}/next");
    first.post(&next, json!({})).await.ok(204);
    stranger.post(&next, json!({})).await.refused(403, "forbidden");
    let mut expected = Vec::new();
    for (subject, priority, opened) in [("c", "normal", 30), ("b", "high", 10), ("a", "high", 20), ("d", "low", 90)] {
        let body = json!({"subject": subject, "priority": priority, "opened_at": ago(opened), "category_id": printers});
        let ticket = admin.post("/v1/tickets", body).await.ok(201);
        assert_eq!(ticket["queue_id"], queue, "of the nearest category that has one");
        expected.push(subject);
    }
    let counted = admin.get(&format!("/v1/queues/{queue}?fields=open_ticket_count")).await.ok(200);
    assert_eq!(counted["open_ticket_count"], 4);
    expected.sort_unstable();
    let (left, right) = tokio::join!(first.post(&next, json!({})), second.post(&next, json!({})));
    let (left, right) = (left.ok(200), right.ok(200));
    let mut taken = [left["subject"].clone(), right["subject"].clone()];
    taken.sort_by_key(ToString::to_string);
    assert_eq!(taken, [json!("a"), json!("b")], "the most urgent, each once");
    assert_eq!((&left["owner_id"], &right["owner_id"]), (&agents[0], &agents[1]));
    assert_eq!(first.post(&next, json!({})).await.ok(200)["subject"], "c");
    assert_eq!(first.post(&next, json!({})).await.ok(200)["subject"], "d");
    first.post(&next, json!({})).await.ok(204);
}
