//! Merging tickets, undoing it, splitting, and tickets that belong together.

use std::time::Duration;

use farley::http::clock;
use serde_json::{Value, json};

use super::{
    sla::{clocks, of_kind, told},
    tickets::{ago, status},
};
use crate::{
    client::{Client, pairs},
    integration::files::uploaded,
    server::Server,
    support::TestDb,
};

fn seconds_ago(seconds: i64) -> String {
    clock::now().plus_seconds(-seconds).to_string()
}

async fn says(client: &Client, ticket: &str, kind: &str, at: &str) -> String {
    let body = json!({"kind": kind, "body": format!("{kind} of {at}"), "sent_at": at});
    client.post(&format!("/v1/tickets/{ticket}/messages"), body).await.ok(201)["id"].as_str().unwrap().to_owned()
}

async fn read(client: &Client, ticket: &str) -> Value {
    client.get(&format!("/v1/tickets/{ticket}")).await.ok(200)
}

async fn messages(client: &Client, ticket: &str) -> Vec<String> {
    client.list(&format!("/v1/tickets/{ticket}/messages?sort=sent_at&archived=any"), "id").await
}

async fn merge(client: &Client, ticket: &str, into: &str) -> Value {
    client.post(&format!("/v1/tickets/{ticket}/merge"), json!({"into": into})).await.ok(200)
}

/// Promises of every clock for every ticket.
async fn promise(client: &Client, minutes: i64) -> String {
    let clocks = ["first_response", "next_response", "update", "first_resolution", "total_resolution"];
    let target = |clock| json!({"clock": clock, "minutes": minutes, "business": false, "pause_in": ["waiting_customer"]});
    client.create("sla-policies", json!({"name": "Alle", "targets": clocks.map(target)})).await
}

/// What a ticket's clocks say, but for what passes with time.
fn told_of(clocks: &[Value]) -> Vec<Value> {
    let mut told: Vec<Value> = clocks
        .iter()
        .map(|clock| {
            let elapsed = (clock["elapsed_minutes"].as_f64().unwrap() * 2.0).round();
            let times = ["clock", "cycle", "state", "target_minutes", "started_at", "due_at", "breached_at"];
            json!([times.map(|name| clock[name].clone()), elapsed])
        })
        .collect();
    told.sort_by_key(ToString::to_string);
    told
}

/// A conversation that is spread over two tickets is, once they are merged, the same to the clocks as one that was never spread.
pub async fn clocks_of_merged_tickets_are_those_of_one_conversation(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let policy = promise(&admin, 90).await;
    let at = |minutes: i64| ago(minutes);
    let (opened, other_opened) = (at(500), at(450));
    let target = admin.create("tickets", json!({"subject": "Drucker", "opened_at": opened})).await;
    let source = admin.create("tickets", json!({"subject": "noch einmal Drucker", "opened_at": other_opened})).await;
    let told = [
        (&source, "incoming", at(440)),
        (&target, "reply", at(400)),
        (&source, "incoming", at(300)),
        (&target, "incoming", at(250)),
        (&source, "reply", at(240)),
        (&target, "reply", at(100)),
        (&source, "incoming", at(60)),
    ];
    for (ticket, kind, time) in &told {
        says(&admin, ticket, kind, time).await;
    }
    let before = (clocks(&admin, &target, "").await, read(&admin, &target).await, messages(&admin, &target).await);
    let own = messages(&admin, &source).await;
    let merged = merge(&admin, &source, &target).await;
    assert_eq!((&merged["moved"]["messages"], &merged["clocks"]), (&json!(4), &json!("stopped")));

    // The target was opened by its first reply at 400 minutes.
    let mut moves = vec![json!({"at": other_opened, "message": "customer"})];
    for (_, kind, time) in &told {
        moves.push(json!({"at": time, "message": if *kind == "incoming" { "customer" } else { "agent" }}));
        if *time == told[1].2 {
            moves.push(json!({"at": time, "status": "open"}));
        }
    }
    let asked = json!({"policy_id": policy, "opened_at": opened, "moves": moves, "at": clock::now().to_string()});
    let expected = admin.post("/v1/sla/simulate", asked).await.ok(200);
    let shown = clocks(&admin, &target, "").await;
    let states = |clocks: &[Value]| clocks.iter().map(|clock| clock["state"].clone()).collect::<Vec<_>>();
    assert_eq!(told_of(&shown), told_of(expected["clocks"].as_array().unwrap()), "{:?}", states(&shown));
    assert!(shown.iter().filter(|clock| clock["clock"] == "next_response").count() == 2, "{shown:?}");

    let grown = read(&admin, &target).await;
    assert_eq!(
        (&grown["last_customer_message_at"], &grown["last_reply_at"], &grown["waiting_since"], &grown["first_responded_at"]),
        (&json!(told[6].2), &json!(told[5].2), &json!(told[6].2), &json!(told[1].2))
    );
    // Undone, all is as it was.
    let undo = format!("/v1/ticket-merges/{}/undo", merged["merge_id"].as_str().unwrap());
    let parted = admin.post(&undo, json!({})).await.ok(200);
    assert_eq!((&parted["moved"]["messages"], &parted["stays"], &parted["elsewhere"]), (&json!(4), &json!([]), &json!([])));
    assert_eq!(told_of(&clocks(&admin, &target, "").await), told_of(&before.0));
    let after = read(&admin, &target).await;
    for name in
        ["last_customer_message_at", "last_reply_at", "waiting_since", "first_responded_at", "sla_due_at", "sla_breached_at"]
    {
        assert_eq!(after[name], before.1[name], "{name}");
    }
    assert_eq!((messages(&admin, &target).await, messages(&admin, &source).await), (before.2, own));
    admin.post(&undo, json!({})).await.refused(409, "state_conflict");
}

pub async fn a_merged_ticket_can_be_read_and_nothing_else(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    let other = server.user(&admin, "other", "service_agent", json!({})).await;
    let mut users = Vec::new();
    for user in [&agent, &other] {
        users.push(user.get("/v1/me").await.ok(200)["id"].clone());
    }
    promise(&admin, 60).await;
    let contact = admin.create("contacts", json!({"name": "王芳"})).await;
    let queue = admin.create("queues", json!({"name": "Drucker"})).await;
    let body = |subject: &str, follower: &Value| json!({"subject": subject, "follower_ids": [follower], "queue_id": queue});
    let a =
        admin.create("tickets", json!({"subject": "a", "opened_at": ago(90), "contact_id": contact, "queue_id": queue})).await;
    let b = admin.create("tickets", body("b", &users[0])).await;
    let c = admin.create("tickets", body("c", &users[1])).await;
    let first = says(&admin, &a, "incoming", &ago(80)).await;
    let breached = || admin.list("/v1/tickets?sla_breached_at_null=false", "id");
    let faults = admin.post(&format!("/v1/tickets/{a}/merge"), json!({"into": a})).await.faults(422);
    assert_eq!(faults, pairs(&[("/into", "cycle")]));
    let faults = admin.post(&format!("/v1/tickets/{a}/merge"), json!({"into": contact})).await.faults(422);
    assert_eq!(faults, pairs(&[("/into", "reference_not_found")]));
    let foreign = json!({"into": b, "message_ids": [first, c]});
    let faults = admin.post(&format!("/v1/tickets/{a}/merge"), foreign).await.faults(422);
    assert_eq!(faults, pairs(&[("/message_ids/1", "message_of_other_ticket")]));
    let only_asked = admin.post(&format!("/v1/tickets/{a}/merge?validate_only=true"), json!({"into": b})).await.ok(200);
    assert_eq!(only_asked["moved"]["messages"], 1);
    assert_eq!(read(&admin, &a).await["merged_into_id"], Value::Null, "nothing was written");

    let merge_ab = merge(&admin, &a, &b).await;
    let merged = read(&admin, &a).await;
    assert_eq!((&merged["merged_into_id"], &merged["sla_due_at"], &merged["status"]), (&json!(b), &Value::Null, &json!("new")));
    assert!(merged["merged_at"].is_string());
    let sla = clocks(&admin, &a, "").await;
    assert!(sla.iter().all(|clock| clock["ended_at"].is_string()), "nothing is owed for it: {sla:?}");
    let moved = admin.get(&format!("/v1/tickets/{b}/messages/{first}")).await.ok(200);
    assert_eq!((&moved["from_ticket_id"], &moved["contact_id"]), (&json!(a), &json!(contact)), "the answer goes to who asked");
    assert!(messages(&admin, &a).await.is_empty());
    // Lists, counts and queues leave it out.
    assert_eq!(admin.list("/v1/tickets?sort=subject", "subject").await, ["b", "c"]);
    assert_eq!(admin.list("/v1/tickets?merged=true", "subject").await, ["a"]);
    assert_eq!(admin.list("/v1/tickets?merged=any&sort=subject", "subject").await, ["a", "b", "c"]);
    let found = admin.post("/v1/tickets/search", json!({"merged": "any", "total": true})).await.ok(200);
    assert_eq!(found["page"]["total"], 3);
    assert_eq!(admin.get("/v1/tickets/summary?group_by=status").await.ok(200)["data"][0]["count"], 2);
    let counted = admin.get(&format!("/v1/queues/{queue}?fields=open_ticket_count&expand=tickets")).await.ok(200);
    assert_eq!((&counted["open_ticket_count"], counted["tickets"].as_array().unwrap().len()), (&json!(2), 2));
    let expanded = admin.get(&format!("/v1/tickets/{b}?expand=merged_tickets")).await.ok(200);
    assert_eq!(expanded["merged_tickets"][0]["id"], json!(a));
    assert_eq!(breached().await, std::slice::from_ref(&b), "the other ticket owes the answer that is late, and it alone");
    // Of the past lists tell what was so then.
    let past = admin.get(&format!("/v1/tickets?as_of={}&total=true", merged["merged_at"].as_str().unwrap())).await.ok(200);
    assert_eq!(past["page"]["total"], 2);
    assert_eq!(read(&admin, &b).await["follower_ids"], json!([users[0]]));

    // What is written to it goes on, or says where to go.
    let refused = |answer: Value, end: &str| assert_eq!(answer["merged_into_id"], json!(end), "{answer}");
    let path = format!("/v1/tickets/{a}");
    refused(admin.patch(&path, json!({"subject": "x"})).await.refused(409, "state_conflict"), &b);
    for action in ["solve", "close", "reopen", "follow-up"] {
        refused(admin.post(&format!("{path}/{action}"), json!({})).await.refused(409, "state_conflict"), &b);
    }
    refused(admin.post(&format!("{path}/messages"), json!({"body": "answer"})).await.refused(409, "state_conflict"), &b);
    refused(admin.post(&format!("{path}/merge"), json!({"into": c})).await.refused(409, "state_conflict"), &b);
    refused(admin.request(reqwest::Method::DELETE, &path).await.refused(409, "state_conflict"), &b);

    // A ticket that others were merged into is merged in its turn, and the chain is followed to its end.
    let merge_bc = merge(&admin, &b, &c).await;
    assert_eq!(merge_bc["into_id"], json!(c));
    assert_eq!(read(&admin, &c).await["follower_ids"], json!([users[1], users[0]]), "followers are united");
    let body = json!({"kind": "incoming", "body": "hello?", "channel": "email", "channel_message_id": "m1"});
    let answer = admin.post(&format!("{path}/messages"), body).await;
    assert!(answer.header("Location").starts_with(&format!("/v1/tickets/{c}/messages/")), "{}", answer.header("Location"));
    let late = answer.ok(201);
    assert_eq!(late["ticket_id"], json!(c), "replies to the old number reach the ticket that is worked on");
    refused(admin.post(&format!("{path}/messages"), json!({"body": "answer"})).await.refused(409, "state_conflict"), &c);
    let d = admin.create("tickets", json!({"subject": "d"})).await;
    assert_eq!(merge(&admin, &d, &a).await["into_id"], json!(c), "who is merged into it goes to the end as well");
    let faults = admin.post(&format!("/v1/tickets/{c}/merge"), json!({"into": a})).await.faults(422);
    assert_eq!(faults, pairs(&[("/into", "cycle")]));
    assert_eq!(admin.list(&format!("/v1/ticket-merges?into_id={c}&sort=created_at"), "ticket_id").await, [b.clone(), d]);
    assert_eq!(agent.list(&format!("/v1/ticket-merges?ticket_id={a}"), "into_id").await, std::slice::from_ref(&b));

    // The later merge is undone first; messages that came since are named.
    let undo =
        |merge: &Value, body: Value| admin.post(&format!("/v1/ticket-merges/{}/undo", merge["merge_id"].as_str().unwrap()), body);
    let first_of_all = undo(&merge_ab, json!({})).await.refused(409, "state_conflict");
    assert_eq!(first_of_all["undo_first"], merge_bc["merge_id"]);
    let refused = undo(&merge_bc, json!({})).await.refused(409, "later_messages");
    assert_eq!(refused["stays"], json!([late["id"]]));
    assert!(refused["detail"].as_str().unwrap().contains(": 1,"), "{refused}");
    let parted = undo(&merge_bc, json!({"leave_later": true})).await.ok(200);
    assert_eq!((&parted["stays"], &parted["moved"]["messages"]), (&json!([late["id"]]), &json!(1)));
    assert_eq!(messages(&admin, &b).await, std::slice::from_ref(&first), "exactly what had been merged");
    assert_eq!(messages(&admin, &c).await, [late["id"].as_str().unwrap().to_owned()]);
    assert_eq!(read(&admin, &c).await["follower_ids"], json!([users[1]]));
    undo(&merge_ab, json!({})).await.ok(200);
    assert_eq!(messages(&admin, &a).await, std::slice::from_ref(&first));
    let back = read(&admin, &a).await;
    assert_eq!((&back["merged_into_id"], &back["merged_at"]), (&Value::Null, &Value::Null));
    let own = admin.get(&format!("/v1/tickets/{a}/messages/{first}")).await.ok(200);
    assert_eq!((&own["from_ticket_id"], &own["ticket_id"]), (&Value::Null, &json!(a)));
    assert_eq!(admin.patch(&path, json!({"subject": "again"})).await.ok(200)["subject"], "again");
    let events = admin.get(&format!("/v1/changes?record_id={a}&limit=200")).await.ok(200);
    let types: Vec<&str> = events["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert!(types.contains(&"ticket.merged") && types.contains(&"ticket.merge_undone"), "{types:?}");
    // Who may not change one of the tickets parts none.
    let reader = server.user(&admin, "reader", "read_only", json!({})).await;
    let again = merge(&admin, &a, &c).await;
    let undo = format!("/v1/ticket-merges/{}/undo", again["merge_id"].as_str().unwrap());
    reader.post(&undo, json!({})).await.refused(403, "forbidden");
    reader.post(&format!("/v1/tickets/{b}/merge"), json!({"into": c})).await.refused(403, "forbidden");
}

pub async fn nobody_is_told_of_a_merged_ticket_until_it_is_back(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let target = |clock| json!({"clock": clock, "minutes": 1, "business": false});
    admin.create("sla-policies", json!({"name": "Alle", "targets": [target("first_response")]})).await;
    let into = admin.create("tickets", json!({"subject": "into", "opened_at": seconds_ago(2)})).await;
    let merged = admin.create("tickets", json!({"subject": "merged", "opened_at": seconds_ago(56)})).await;
    let undo = format!("/v1/ticket-merges/{}/undo", merge(&admin, &merged, &into).await["merge_id"].as_str().unwrap());
    assert_eq!(
        told(&admin, &into, 1).await,
        [("sla_breached".to_owned(), "first_response".to_owned())],
        "it owes the first word now"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(told(&admin, &merged, 0).await, [], "its own clock was stopped in time");
    admin.post(&undo, json!({})).await.ok(200);
    let shown = clocks(&admin, &merged, "/explain").await;
    let clock = of_kind(&shown, "first_response");
    let rested: Vec<&Value> =
        clock["segments"].as_array().unwrap().iter().filter(|segment| segment["rest"] == "merged").collect();
    assert_eq!(rested.len(), 1, "{clock}");
    assert_eq!(rested[0]["kind"], "paused");
    assert!(rested[0]["minutes"].as_f64().unwrap() * 60.0 > 3.0, "{clock}");
    let history = admin.get(&format!("/v1/changes?record_id={merged}&types=ticket.merged")).await.ok(200);
    assert_eq!(rested[0]["event_id"], history["data"][0]["id"], "the event that began it is named");
    let counted = clock["elapsed_minutes"].as_f64().unwrap() * 60.0;
    assert!((55.0..60.0).contains(&counted) || clock["state"] == "breached", "{clock}");
    assert_eq!(told(&admin, &merged, 1).await, [("sla_breached".to_owned(), "first_response".to_owned())]);
    assert_eq!(clocks(&admin, &into, "").await[0]["state"], "running", "what it owed for the other is owed there again");
    assert_eq!(read(&admin, &into).await["sla_breached_at"], Value::Null);
}

pub async fn what_rests_in_the_archive_is_not_counted(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    promise(&admin, 60).await;
    let id = admin.create("tickets", json!({"subject": "x", "opened_at": ago(30)})).await;
    admin.delete(&format!("/v1/tickets/{id}")).await.ok(204);
    let archived = admin.get(&format!("/v1/tickets/{id}?archived=true")).await.ok(200);
    assert_eq!(archived["sla_due_at"], Value::Null);
    tokio::time::sleep(Duration::from_secs(2)).await;
    admin.post(&format!("/v1/tickets/{id}/restore"), json!({})).await.ok(200);
    let shown = clocks(&admin, &id, "/explain").await;
    assert_eq!(shown.len(), 3, "the same clocks go on: {shown:?}");
    for clock in &shown {
        let counted = clock["elapsed_minutes"].as_f64().unwrap() * 60.0;
        let segments = clock["segments"].as_array().unwrap();
        let seconds = |kind: &str| -> f64 {
            let of_kind = segments.iter().filter(|segment| segment["kind"] == kind);
            of_kind.map(|segment| segment["minutes"].as_f64().unwrap() * 60.0).sum()
        };
        assert!((seconds("counted") - counted).abs() < 1e-6 && seconds("paused") > 1.9, "{clock}");
        assert!(segments.iter().any(|segment| segment["rest"] == "archived"), "{clock}");
        assert_eq!(clock["state"], "running");
    }
    // A new priority keeps what was not counted.
    admin.patch(&format!("/v1/tickets/{id}"), json!({"priority": "urgent"})).await.ok(200);
    let again = clocks(&admin, &id, "/explain").await;
    for (before, after) in shown.iter().zip(&again) {
        let passed = after["elapsed_minutes"].as_f64().unwrap() - before["elapsed_minutes"].as_f64().unwrap();
        assert!((0.0..0.03).contains(&passed), "{before} {after}");
    }
    // A message from before it was archived is told of late, and counts from when it was written.
    says(&admin, &id, "reply", &ago(20)).await;
    let shown = clocks(&admin, &id, "").await;
    let (response, update) = (of_kind(&shown, "first_response"), of_kind(&shown, "update"));
    assert_eq!((&response["state"], &update["state"]), (&json!("met"), &json!("running")));
    assert!((response["elapsed_minutes"].as_f64().unwrap() - 10.0).abs() < 0.1, "{response}");
    assert!((update["elapsed_minutes"].as_f64().unwrap() - 20.0).abs() < 0.2, "{update}");
}

pub async fn messages_become_a_ticket_of_their_own(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let policy = promise(&admin, 90).await;
    let customer = admin.create("customers", json!({"name": "华为技术有限公司"})).await;
    let contact =
        admin.create("contacts", json!({"name": "王芳", "customers": [{"customer_id": customer, "primary": true}]})).await;
    let guest = admin.create("contacts", json!({"name": "Gast"})).await;
    let queue = admin.create("queues", json!({"name": "Drucker"})).await;
    let body = json!({"subject": "Drucker", "opened_at": ago(300), "contact_id": contact, "priority": "high", "queue_id": queue});
    let id = admin.create("tickets", body).await;
    let path = format!("/v1/tickets/{id}");
    let kept = says(&admin, &id, "reply", &ago(290)).await;
    let (asked_at, replied_at) = (ago(200), ago(150));
    let asked =
        json!({"kind": "incoming", "body": "Und der Scanner?", "subject": "Scanner", "sent_at": asked_at, "contact_id": guest});
    let asked = admin.post(&format!("{path}/messages"), asked).await.ok(201)["id"].clone();
    let replied = says(&admin, &id, "reply", &replied_at).await;
    let split = |body: Value| admin.post(&format!("{path}/split"), body);
    assert_eq!(split(json!({"message_ids": []})).await.faults(400), pairs(&[("/message_ids", "required")]));
    let faults = split(json!({"message_ids": [asked, contact]})).await.faults(422);
    assert_eq!(faults, pairs(&[("/message_ids/1", "message_of_other_ticket")]));
    let new = split(json!({"message_ids": [replied, asked]})).await.ok(201);
    let new_id = new["id"].as_str().unwrap();
    assert_eq!((&new["subject"], &new["contact_id"], &new["customer_id"]), (&json!("Scanner"), &json!(guest), &Value::Null));
    assert_eq!((&new["priority"], &new["queue_id"], &new["status"]), (&json!("high"), &json!(queue), &json!("open")));
    assert_eq!((&new["opened_at"], &new["first_responded_at"]), (&json!(asked_at), &json!(replied_at)));
    assert_eq!(messages(&admin, new_id).await, [asked.as_str().unwrap().to_owned(), replied.clone()]);
    assert_eq!(messages(&admin, &id).await, std::slice::from_ref(&kept));
    let moved = admin.get(&format!("/v1/tickets/{new_id}/messages/{replied}")).await.ok(200);
    assert_eq!((&moved["from_ticket_id"], &moved["sent_at"]), (&json!(id), &json!(replied_at)));
    assert_eq!((&new["related_ids"], &read(&admin, &id).await["related_ids"]), (&json!([id]), &json!([new_id])));
    // The clocks of both are those of what is in each now.
    let left = read(&admin, &id).await;
    assert_eq!((&left["waiting_since"], &left["last_customer_message_at"]), (&Value::Null, &left["opened_at"]));
    let shown = clocks(&admin, &id, "").await;
    assert!(shown.iter().all(|clock| clock["clock"] != "next_response"), "nobody waits for a second answer here: {shown:?}");
    let moves = json!([{"at": replied_at, "message": "agent"}, {"at": replied_at, "status": "open"}]);
    let asked =
        json!({"policy_id": policy, "opened_at": asked_at, "priority": "high", "moves": moves, "at": clock::now().to_string()});
    let expected = admin.post("/v1/sla/simulate", asked).await.ok(200);
    assert_eq!(told_of(&clocks(&admin, new_id, "").await), told_of(expected["clocks"].as_array().unwrap()));
    let events = admin.get(&format!("/v1/changes?record_id={id}&types=ticket.split")).await.ok(200);
    assert_eq!(events["data"][0]["changes"]["new_ticket_id"]["to"], json!(new_id));
    // What was split off does not come back with a merge that is undone.
    let other = admin.create("tickets", json!({"subject": "o", "opened_at": ago(100)})).await;
    let lone = says(&admin, &other, "incoming", &ago(90)).await;
    let merged = merge(&admin, &other, &id).await;
    split(json!({"message_ids": [lone], "subject": "allein"})).await.ok(201);
    let parted = admin.post(&format!("/v1/ticket-merges/{}/undo", merged["merge_id"].as_str().unwrap()), json!({})).await.ok(200);
    assert_eq!((&parted["elsewhere"], &parted["moved"]["messages"]), (&json!([lone]), &json!(0)));
}

pub async fn related_tickets_name_each_other(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let first = admin.create("tickets", json!({"subject": "first"})).await;
    let second = admin.create("tickets", json!({"subject": "second", "related_ids": [first]})).await;
    let third = admin.create("tickets", json!({"subject": "third"})).await;
    let related = |id: &str| {
        let path = format!("/v1/tickets/{id}");
        let admin = &admin;
        async move { admin.get(&path).await.ok(200)["related_ids"].clone() }
    };
    assert_eq!(related(&first).await, json!([second]));
    admin.patch(&format!("/v1/tickets/{first}"), json!({"related_ids": [second, third]})).await.ok(200);
    assert_eq!((related(&second).await, related(&third).await), (json!([first]), json!([first])));
    admin.patch(&format!("/v1/tickets/{second}"), json!({"related_ids": []})).await.ok(200);
    assert_eq!((related(&first).await, related(&second).await), (json!([third]), json!([])));
    let faults = admin.patch(&format!("/v1/tickets/{first}"), json!({"related_ids": [third, first]})).await.faults(422);
    assert_eq!(faults, pairs(&[("/related_ids/1", "cycle")]));
    assert_eq!(admin.list("/v1/tickets?related.subject=third", "subject").await, ["first"]);
    let expanded = admin.get(&format!("/v1/tickets/{third}?expand=related&fields=subject,related.subject")).await.ok(200);
    assert_eq!(expanded["related"][0]["subject"], "first");
    let status = status(&admin, "open").await;
    admin.patch(&format!("/v1/tickets/{third}"), json!({"status_id": status})).await.ok(200);
    assert_eq!(related(&first).await, json!([third]), "other changes leave it as it is");
}

/// A ticket's own files go along, and come back with it; what was moved elsewhere since stays there.
pub async fn files_go_with_the_ticket(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (ticket, into) =
        (admin.create("tickets", json!({"subject": "first"})).await, admin.create("tickets", json!({"subject": "second"})).await);
    let other = admin.create("tickets", json!({"subject": "other"})).await;
    let mut files = Vec::new();
    for name in ["kept", "given"] {
        let file = uploaded(&admin, &format!("object=ticket&record_id={ticket}&name={name}"), name).await;
        files.push(file["id"].as_str().unwrap().to_owned());
    }
    let place = async |file: &str| admin.get(&format!("/v1/files/{file}")).await.ok(200)["record_id"].clone();
    let merge = merge(&admin, &ticket, &into).await;
    assert_eq!(merge["moved"], json!({"messages": 0, "files": 2}));
    assert_eq!((place(&files[0]).await, place(&files[1]).await), (json!(into), json!(into)));
    admin.patch(&format!("/v1/files/{}", files[1]), json!({"record_id": other})).await.ok(200);
    let undo = format!("/v1/ticket-merges/{}/undo", merge["merge_id"].as_str().unwrap());
    assert_eq!(admin.post(&undo, json!({})).await.ok(200)["moved"], json!({"messages": 0, "files": 1}));
    assert_eq!((place(&files[0]).await, place(&files[1]).await), (json!(ticket), json!(other)));
}
