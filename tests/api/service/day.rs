//! An agent's day: the lists they work by, the clocks beside the tickets, and the board.

use serde_json::{Value, json};

use super::{
    sla::{clocks, told},
    tickets::{ago, status},
};
use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

async fn subjects(client: &Client, query: &str) -> Vec<String> {
    client.list(&format!("/v1/tickets?{query}"), "subject").await
}

pub async fn the_lists_of_an_agents_day_are_filters(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    let other = server.user(&admin, "other", "service_agent", json!({})).await;
    let mine = admin.create("queues", json!({"name": "硬件", "agent_ids": [agent.id]})).await;
    let theirs = admin.create("queues", json!({"name": "软件", "agent_ids": [other.id]})).await;
    let target = |minutes: i64| json!({"clock": "total_resolution", "minutes": minutes, "business": false});
    admin.create("sla-policies", json!({"name": "Alle", "targets": [target(100)]})).await;
    let open = |subject: &str, minutes: i64, more: Value| {
        let mut body = json!({"subject": subject, "opened_at": ago(minutes)});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.create("tickets", body)
    };
    open("mine late", 10, json!({"owner_id": agent.id})).await;
    open("mine soon", 50, json!({"owner_id": agent.id})).await;
    let broken = open("mine broken", 200, json!({"owner_id": agent.id})).await;
    let solved = open("mine solved", 30, json!({"owner_id": agent.id})).await;
    admin.post(&format!("/v1/tickets/{solved}/solve"), json!({})).await.ok(200);
    open("theirs", 5, json!({"owner_id": other.id})).await;
    open("waits here", 20, json!({"queue_id": mine})).await;
    open("waits there", 20, json!({"queue_id": theirs})).await;
    open("waits nowhere", 20, json!({})).await;

    assert_eq!(told(&admin, &broken, 1).await.len(), 1);
    let unsolved = ["mine broken", "mine soon", "mine late"];
    assert_eq!(subjects(&agent, "owner_id=me&solved_at_null=true&sort=opened_at").await, unsolved);
    assert_eq!(subjects(&agent, "owner_id_in=me&solved_at_null=true&sort=opened_at").await, unsolved);
    let unassigned = "owner_id_null=true&solved_at_null=true&queue.agent_ids_any=me";
    assert_eq!(subjects(&agent, unassigned).await, ["waits here"]);
    assert_eq!(subjects(&other, unassigned).await, ["waits there"]);
    assert_eq!(subjects(&agent, "owner_id=me&sla_due_at_null=false&sort=sla_due_at").await, ["mine soon", "mine late"]);
    assert_eq!(subjects(&agent, "owner_id=me&sla_breached_at_null=false&solved_at_null=true").await, ["mine broken"]);
    let body = json!({"filter": {"field": "owner_id", "value": "me"}, "sort": ["subject"], "fields": ["subject"]});
    let found = other.post("/v1/tickets/search", body).await.ok(200);
    assert_eq!(found["data"][0]["subject"], "theirs");
    let followed = json!({"field": "follower_ids", "op": "any", "value": ["me"]});
    agent.patch(&format!("/v1/tickets/{broken}"), json!({"follower_ids": [other.id]})).await.ok(200);
    let found = other.post("/v1/tickets/search", json!({"filter": followed})).await.ok(200);
    assert_eq!(found["data"][0]["id"], broken);
    // What is kept is asked later, for whoever: nobody is meant by it there.
    let filter = json!({"field": "owner_id", "value": "me"});
    let policy = json!({"name": "x", "filter": filter, "targets": [target(5)]});
    assert_eq!(admin.post("/v1/sla-policies", policy).await.faults(400), pairs(&[("/filter/value", "invalid_id")]));
    let rule = json!({"name": "x", "object": "ticket", "trigger": {"types": ["ticket.created"]}, "filter": filter,
        "actions": [{"type": "set", "fields": {"priority": "high"}}]});
    assert_eq!(admin.post("/v1/rules", rule).await.faults(400), pairs(&[("/filter/value", "invalid_id")]));
    assert_eq!(admin.get("/v1/tickets?queue_id=me").await.faults(400), pairs(&[("queue_id", "invalid_id")]));
}

pub async fn clocks_stand_beside_their_tickets(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let target = |clock: &str, minutes: i64| json!({"clock": clock, "minutes": minutes, "business": false});
    let targets = json!([target("first_response", 60), target("total_resolution", 600)]);
    let calendar = admin.create("calendars", json!({"name": "Desk", "week": {"mon": [["09:00", "18:00"]]}})).await;
    let mut policy = json!({"name": "Alle", "targets": targets, "calendar_id": calendar});
    policy["targets"][1]["business"] = true.into();
    admin.create("sla-policies", policy).await;
    let mut ids = Vec::new();
    for minutes in [10, 90, 3] {
        ids.push(admin.create("tickets", json!({"subject": "x", "opened_at": ago(minutes)})).await);
    }
    admin.post(&format!("/v1/tickets/{}/messages", ids[2]), json!({"body": "ok"})).await.ok(201);
    assert!(admin.get(&format!("/v1/tickets/{}", ids[0])).await.ok(200)["sla"].is_null(), "only where it is asked for");
    let listed = admin.get("/v1/tickets?fields=*,sla&sort=created_at").await.ok(200);
    let rows = listed["data"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    // What passes between two readings is no difference.
    let still = |clocks: &[Value]| {
        let mut clocks = clocks.to_vec();
        for clock in &mut clocks {
            for name in ["elapsed_minutes", "remaining_minutes"] {
                clock[name] = clock[name].as_f64().unwrap().round().into();
            }
        }
        clocks
    };
    for (row, id) in rows.iter().zip(&ids) {
        assert_eq!(row["id"], *id);
        let alone = clocks(&admin, id, "").await;
        assert_eq!(alone.len(), 2);
        assert_eq!(still(row["sla"].as_array().unwrap()), still(&alone));
        let one = admin.get(&format!("/v1/tickets/{id}?fields=sla,subject")).await.ok(200);
        assert_eq!(still(one["sla"].as_array().unwrap()), still(&alone));
    }
    assert_eq!(rows[1]["sla"][0]["state"], "breached");
    assert_eq!(rows[2]["sla"][0]["state"], "met");
    let expanded = admin.get("/v1/tickets?fields=sla&expand=customer&limit=1").await.ok(200);
    assert!(expanded["data"][0]["sla"].is_array() && expanded["data"][0]["customer"].is_null(), "{expanded}");
    assert_eq!(admin.get("/v1/tickets?sort=sla").await.faults(400), pairs(&[("sort", "not_sortable")]));
    assert_eq!(admin.get("/v1/tickets?sla_null=true").await.faults(400), pairs(&[("sla_null", "not_filterable")]));
    assert_eq!(admin.patch(&format!("/v1/tickets/{}", ids[0]), json!({"sla": []})).await.faults(400).len(), 1);
    // Whoever may not see what they are told by is not told them.
    let permissions = ["ticket read all"];
    let rules = json!([{"object": "ticket", "field": "priority", "rule": "hidden"}]);
    let blind = server.user_who_may(&admin, "blind", &permissions, rules, json!({})).await;
    let listed = blind.get("/v1/tickets?fields=sla").await.ok(200);
    assert!(listed["data"][0]["sla"].is_null() && listed["data"][0].as_object().unwrap().contains_key("sla"), "{listed}");
}

/// The tickets of a column as a list gives them.
async fn of_column(client: &Client, filter: &str) -> Vec<Value> {
    client.get(&format!("/v1/tickets?{filter}&limit=200")).await.ok(200)["data"].as_array().unwrap().clone()
}

pub async fn the_board_counts_what_lists_show(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let queues = [admin.create("queues", json!({"name": "B"})).await, admin.create("queues", json!({"name": "A"})).await];
    let (open, waiting) = (status(&admin, "open").await, status(&admin, "waiting_customer").await);
    let mut moved = Vec::new();
    for number in 0..14 {
        let queue = [Some(&queues[0]), Some(&queues[1]), None][number % 3];
        let priority = ["low", "high"][number % 2];
        let body = json!({"subject": format!("t{number}"), "queue_id": queue, "priority": priority, "opened_at": ago(100)});
        let id = admin.create("tickets", body).await;
        let path = format!("/v1/tickets/{id}");
        match number % 4 {
            0 => drop(admin.patch(&path, json!({"status_id": open})).await.ok(200)),
            1 => drop(admin.patch(&path, json!({"status_id": waiting})).await.ok(200)),
            2 => drop(admin.post(&format!("{path}/solve"), json!({})).await.ok(200)),
            _ => {}
        }
        moved.push(id);
    }
    let mut seen = 0;
    for (query, column, filter) in [
        ("by=status", "status_id", ""),
        ("by=status&priority=high&include=done", "status_id", "&priority=high"),
        ("by=queue", "queue_id", "&status_in=new,open,waiting_customer,waiting_third_party"),
        ("by=queue&include=done&priority=low", "queue_id", "&priority=low"),
    ] {
        let board = admin.get(&format!("/v1/tickets/board?{query}&limit=2")).await.ok(200);
        for shown in board["columns"].as_array().unwrap() {
            let of = match shown["id"].as_str() {
                Some(id) => format!("{column}={id}{filter}"),
                None => format!("{column}_null=true{filter}"),
            };
            let all = of_column(&admin, &of).await;
            assert_eq!(shown["count"], all.len(), "{query} {shown}");
            let first = shown["tickets"].as_array().unwrap();
            assert_eq!(first[..], all[..all.len().min(2)], "{query}");
            assert_eq!(shown["page"]["has_more"], all.len() > 2);
            if let Some(cursor) = shown["page"]["next"].as_str() {
                assert_eq!(of_column(&admin, &format!("{of}&cursor={cursor}")).await[..], all[2..]);
            }
            seen += all.len();
        }
    }
    assert_eq!(seen, 11 + 7 + 11 + 7, "each ticket in one column of each board");
    let board = admin.get("/v1/tickets/board?by=queue").await.ok(200);
    let names: Vec<&Value> = board["columns"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
    assert_eq!(names, [&json!("A"), &json!("B"), &Value::Null], "by name, and without one last");

    // What was, is told as of then.
    let before = admin.get("/v1/changes?order=newest&limit=1").await.ok(200)["data"][0]["at"].as_str().unwrap().to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let then = admin.get("/v1/tickets/board?include=done&limit=0").await.ok(200);
    for id in &moved {
        admin.post(&format!("/v1/tickets/{id}/close"), json!({})).await.ok(200);
    }
    let counts = |board: &Value| -> Vec<(Value, Value)> {
        board["columns"].as_array().unwrap().iter().map(|column| (column["id"].clone(), column["count"].clone())).collect()
    };
    let past = admin.get(&format!("/v1/tickets/board?include=done&as_of={before}")).await.ok(200);
    assert_eq!(counts(&past), counts(&then));
    let id = past["columns"][1]["id"].as_str().unwrap();
    let listed = of_column(&admin, &format!("status_id={id}&as_of={before}")).await;
    assert_eq!(past["columns"][1]["tickets"].as_array().unwrap(), &listed);
    assert_ne!(counts(&admin.get("/v1/tickets/board?include=done").await.ok(200)), counts(&then));

    // Within what one may see, of what one may ask.
    let agent = server.user_who_may(&admin, "own", &["ticket read own", "ticket_status read all"], json!([]), json!({})).await;
    let own = agent.get("/v1/tickets/board?include=done").await.ok(200);
    assert!(own["columns"].as_array().unwrap().iter().all(|column| column["count"] == 0), "{own}");
    let faults = admin.get("/v1/tickets/board?by=owner&limit=201&sort=subject&colour=red").await.faults(400);
    let expected =
        [("by", "unknown_choice"), ("limit", "too_large"), ("sort", "unknown_parameter"), ("colour", "unknown_parameter")];
    let mut expected = pairs(&expected);
    let mut faults = faults;
    expected.sort();
    faults.sort();
    assert_eq!(faults, expected);
}
