//! `farley demo`: what it makes must hold together as what people make does.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{
    server::{ADMIN, PASSWORD, Server},
    support::TestDb,
};

pub async fn sales_hold_together(db: TestDb) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
    command.args(["demo", "--customers", "40", "--opportunities", "60", "--tickets", "120"]).env("DATABASE_URL", &db.url);
    command.env("FARLEY_ADMIN_EMAIL", ADMIN).env("FARLEY_ADMIN_PASSWORD", PASSWORD);
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).stderr(Stdio::null());
    let made = tokio::task::block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success() && said.contains("created 40 customers"), "{said}");
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let page = admin.get("/v1/opportunities?limit=200&total=true&expand=stage,customer,line_items").await.ok(200);
    assert_eq!(page["page"]["total"], 60);
    let mut open = 0;
    for sale in page["data"].as_array().unwrap() {
        assert_eq!(sale["status"], sale["stage"]["kind"], "{sale}");
        assert!(sale["opened_at"].as_str() >= sale["customer"]["created_at"].as_str(), "{sale}");
        let sum: i64 = lines(&sale["line_items"]).iter().filter_map(|line| line["amount"]["amount"].as_i64()).sum();
        assert_eq!(sale["amount"]["amount"], sum, "{sale}");
        if sale["status"] == "open" {
            open += 1;
        } else {
            assert!(sale["close_reason"].is_string() && sale["closed_at"].as_str() >= sale["opened_at"].as_str(), "{sale}");
        }
        let path = format!("/v1/opportunities/{}/ledger", sale["id"].as_str().unwrap());
        let ledger = admin.get(&path).await.ok(200);
        let entries = ledger["data"].as_array().unwrap();
        assert_eq!(entries[0]["at"], sale["stage_entered_at"], "{sale}");
        assert_eq!(entries[entries.len() - 1]["at"], sale["opened_at"], "{sale}");
    }
    assert!((4..=24).contains(&open), "{open} of 60 are open");
}

fn lines(expanded: &Value) -> &[Value] {
    expanded.as_array().or_else(|| expanded["data"].as_array()).map_or(&[], Vec::as_slice)
}

pub async fn tickets_hold_together(db: TestDb) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
    command.args(["demo", "--customers", "40", "--opportunities", "0", "--tickets", "150"]).env("DATABASE_URL", &db.url);
    command.env("FARLEY_ADMIN_EMAIL", ADMIN).env("FARLEY_ADMIN_PASSWORD", PASSWORD);
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).stderr(Stdio::null());
    let made = tokio::task::block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success() && said.contains("150 tickets with"), "{said}");
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let page = admin.get("/v1/tickets?limit=200&total=true&fields=*,sla,message_count&expand=category").await.ok(200);
    assert_eq!(page["page"]["total"], 150);
    let tickets = page["data"].as_array().unwrap();
    let (mut messages, mut broken, mut reopened, mut open) = (0, 0, 0, 0);
    for ticket in tickets {
        assert_eq!(ticket["queue_id"], ticket["category"]["queue_id"], "{ticket}");
        assert_eq!(ticket["created_at"], ticket["opened_at"], "written down when it came: {ticket}");
        for later in ["first_responded_at", "first_solved_at", "solved_at", "closed_at", "updated_at"] {
            assert!(ticket[later].is_null() || ticket[later].as_str() >= ticket["opened_at"].as_str(), "{later}: {ticket}");
        }
        let is_done = ["solved", "closed"].contains(&ticket["status"].as_str().unwrap());
        assert_eq!(is_done, ticket["solved_at"].is_string(), "{ticket}");
        assert_eq!(ticket["sla"].as_array().unwrap().iter().filter(|clock| clock["clock"] == "first_response").count(), 1);
        messages += ticket["message_count"].as_i64().unwrap();
        broken += i64::from(!ticket["sla_breached_at"].is_null());
        reopened += i64::from(ticket["reopen_count"].as_i64() > Some(0));
        open += i64::from(!is_done);
    }
    assert!(said.contains(&format!("150 tickets with {messages} messages")), "{said}");
    assert!(
        (10..=120).contains(&broken) && (2..=30).contains(&reopened) && (1..=40).contains(&open),
        "{broken} {reopened} {open}"
    );
    // What was broken was told then, and nobody hears of it now.
    let told = admin.get("/v1/changes?types=ticket.sla_breached&limit=200").await.ok(200);
    let now = page["data"][0]["updated_at"].as_str().unwrap();
    let told = told["data"].as_array().unwrap();
    assert!(
        told.len() >= usize::try_from(broken).unwrap()
            && told.iter().filter(|event| event["at"].as_str() < Some(now)).count() > 5
    );
    // A backlog of half a year ago is one of tickets that were there then.
    let half = admin.get("/v1/tickets/board?as_of=-180d&include=done").await.ok(200);
    let count: i64 = half["columns"].as_array().unwrap().iter().map(|column| column["count"].as_i64().unwrap()).sum();
    assert!((20..=110).contains(&count), "{count}");
    let agents = admin.get("/v1/reports/service-times?from=-0").await;
    assert_eq!(agents.status, 400);
    let times = admin.get("/v1/reports/service-times?from=2020-01-01&slice=owner_id").await.ok(200);
    assert!(times["slices"].as_array().unwrap().len() >= 4, "{times}");
}
