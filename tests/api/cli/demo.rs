//! `farley demo`: what it makes must hold together as what people make does.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{
    server::{ADMIN, PASSWORD, Server},
    support::TestDb,
};

pub async fn sales_hold_together(db: TestDb) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
    command.args(["demo", "--customers", "40", "--opportunities", "60"]).env("DATABASE_URL", &db.url);
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
