//! Starting and stopping: first starts, several nodes, and requests that are under way.

use std::collections::HashSet;

use serde_json::json;

use crate::{server::Server, support::TestDb};

/// Two nodes find an empty database at once: one tenant, one administrator, and either takes the other's tokens.
pub async fn two_nodes_start_at_once_on_an_empty_database(db: TestDb) {
    let (one, two) = tokio::join!(Server::start(db.clone()), Server::start(db));
    let (first, second) = (one.admin().await, two.admin().await);
    assert_eq!(first.id, second.id);
    let operator = two.anybody().with_token(crate::server::OPERATOR_KEY);
    assert_eq!(operator.get("/v1/tenants").await.each("slug"), ["default"]);
    assert_eq!(second.list("/v1/users", "name").await, ["Administrator"]);
    // A token of the one is good at the other, and what ends here ends there within five seconds.
    let there = two.anybody().with_token(first.token());
    there.get("/v1/me").await.ok(200);
    first.post("/v1/auth/logout", json!({})).await.ok(204);
    eventually(|| async { there.get("/v1/me").await.status == 401 }).await;
    let id = second.create("customers", json!({"name": "Acme"})).await;
    one.admin().await.get(&format!("/v1/customers/{id}")).await.ok(200);
}

/// Polls until it is so; fails after longer than anything promised.
pub async fn eventually<F: Future<Output = bool>>(so: impl Fn() -> F) {
    for _ in 0..100 {
        if so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it never came to be so");
}

/// What was accepted before the order to stop is finished and answered.
pub async fn stopping_finishes_what_was_accepted(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let writing: Vec<_> = (0..40)
        .map(|number| {
            let admin = admin.clone();
            tokio::spawn(async move {
                let sent = admin.post("/v1/customers", json!({"name": format!("{number}")})).try_send().await;
                sent.ok().filter(|answer| answer.status == 201).map(|answer| answer.body["id"].as_str().unwrap().to_owned())
            })
        })
        .collect();
    admin.get("/v1/me").await.ok(200);
    server.stop_gracefully().await;
    let mut acknowledged = HashSet::new();
    for write in writing {
        acknowledged.extend(write.await.unwrap());
    }
    let again = Server::start(db).await;
    let there: HashSet<String> = again.admin().await.list("/v1/customers?limit=200", "id").await.into_iter().collect();
    assert!(acknowledged.is_subset(&there), "an answered write is not there");
}

/// A second start finds what the first made, and makes nothing.
pub async fn the_second_start_makes_nothing(db: TestDb) {
    let server = Server::start(db.clone()).await;
    server.admin().await.create("customers", json!({"name": "Acme"})).await;
    server.stop_gracefully().await;
    let server = Server::start(db).await;
    let admin = server.admin().await;
    assert_eq!(admin.names("/v1/customers").await, ["Acme"]);
    assert_eq!(admin.get("/v1/roles?total=true").await.ok(200)["page"]["total"], farley_domain::identity::role::READY_MADE.len());
}

/// Recurring jobs wait in the table of jobs, one of a kind, however often and by however many nodes they are asked for.
pub async fn recurring_jobs_wait_once(db: TestDb) {
    for _ in 0..2 {
        let server = Server::start(db.clone()).await;
        let admin = server.admin().await;
        let recurring = [
            "cadences",
            "customer_values",
            "export_expiry",
            "file_orphans",
            "lead_responses",
            "lead_scores",
            "pool_recalls",
            "rule_runs_tidy",
            "segment_comparison",
            "task_notices",
            "tidy",
            "webhook_deliveries_tidy",
        ];
        eventually(|| async {
            let mut waiting = admin.list("/v1/jobs?state=waiting", "kind").await;
            waiting.sort();
            waiting == recurring
        })
        .await;
        server.stop_gracefully().await;
    }
}

/// Whoever opens the address learns what it is: a page in a browser, JSON elsewhere.
pub async fn the_address_says_what_it_is(db: TestDb) {
    let server = Server::start(db).await;
    let said = server.anybody().get("/").await.ok(200);
    assert_eq!([&said["name"], &said["documentation"], &said["readiness"]], ["Farley", "/docs", "/readyz"]);
    let page = server.anybody().get("/").header("Accept", "text/html,application/xhtml+xml").await;
    assert!(page.status == 200 && page.text.contains("<a href=\"/docs/\">"), "{}", page.text);
}

/// The password of the administrator is printed once, by a start that serves.
pub async fn a_start_that_cannot_listen_makes_nothing(db: TestDb) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_farley"));
    command.env("DATABASE_URL", &db.url).env("FARLEY_LISTEN", taken.local_addr().unwrap().to_string());
    let ended = tokio::task::block_in_place(|| command.current_dir(std::env::temp_dir()).output()).unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && said.contains("cannot listen on") && !said.contains("log in as"), "{said}");
    // Had it made an administrator, nobody could log in as this one.
    Server::start(db).await.admin().await.get("/v1/me").await.ok(200);
}
