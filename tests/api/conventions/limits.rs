//! What one request may cost: faults, names, parameters, bodies and their time.

use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{server::Server, support::TestDb};

fn unknown_members(count: usize) -> Value {
    Value::Object((0..count).map(|number| (format!("nam{number}"), json!(1))).collect::<Map<String, Value>>())
}

pub async fn faults_are_told_up_to_a_hundred(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let many = unknown_members(70_000);
    let items: Vec<Value> = (0..15_000).map(|_| json!({"valeu": 1, "lable": 2})).collect();
    for (path, body) in [
        ("/v1/customers", many.clone()),
        ("/v1/customers", json!({"name": "x", "custom": many})),
        ("/v1/customers", json!({"name": "x", "external_ids": many})),
        ("/v1/customers", json!({"name": "x", "emails": items})),
        ("/v1/opportunities", json!({"name": "x", "amount": many})),
        ("/v1/customers/search", many.clone()),
        ("/v1/customers/search", json!({"filter": {"and": items}})),
        ("/v1/me/password", many.clone()),
    ] {
        let begun = Instant::now();
        let answer = admin.post(path, body).await;
        let taken = begun.elapsed();
        assert!(answer.text.len() < 60_000, "{path}: {} bytes", answer.text.len());
        let problem = answer.refused(400, "invalid_request");
        let told = problem["errors"].as_array().unwrap().len();
        assert!(told <= 100 && (problem["truncated"] == true) == (told == 100), "{path}: {told} {}", problem["truncated"]);
        assert!(taken < Duration::from_secs(2), "{path} took {taken:?}");
    }
    let problem = admin.post("/v1/customers", unknown_members(100)).await.refused(400, "invalid_request");
    // The name that is missing is one more.
    assert_eq!((problem["errors"].as_array().unwrap().len(), &problem["truncated"]), (100, &json!(true)));
    assert_eq!(problem["detail"], "The request is invalid. Number of faults: 100+; see `errors`.");
    let problem = admin.post("/v1/customers", unknown_members(3)).await.refused(400, "invalid_request");
    assert!(problem["truncated"].is_null());
    // Long names are told shortly, and nothing near them is looked for.
    let long = Map::from_iter([("n".repeat(100_000), json!(1)), ("name".to_owned(), json!("x"))]);
    let answer = admin.post("/v1/customers", Value::Object(long)).await;
    assert!(answer.text.len() < 2_000, "{}", answer.text.len());
    answer.refused(400, "invalid_request");
    let parameters: Vec<String> = (0..8_000).map(|number| format!("a{number}=1")).collect();
    let begun = Instant::now();
    admin.get(&format!("/v1/customers?{}", parameters.join("&"))).await.refused(400, "invalid_request");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

pub async fn bodies_of_strangers_are_small(db: TestDb) {
    let server = Server::start(db).await;
    let anybody = server.anybody();
    let many = unknown_members(90_000);
    for path in ["/v1/auth/login", "/v1/auth/refresh", "/v1/auth/logout", "/v1/auth/accept", "/v1/customers", "/v1/forms/x"] {
        for client in [&anybody, &anybody.with_token("nonsense")] {
            let answer = client.post(path, many.clone()).await;
            assert!(matches!(answer.status, 413 | 401), "{path}: {}", answer.status);
            assert!(answer.text.len() < 1_000);
            assert!(!path.starts_with("/v1/auth") || answer.status == 413, "{path}");
        }
    }
    // Below the limit a stranger hears what is wrong, as anybody.
    let problem = anybody.post("/v1/auth/login", unknown_members(4_000)).await.refused(400, "invalid_request");
    assert_eq!((problem["errors"].as_array().unwrap().len(), &problem["truncated"]), (100, &json!(true)));
}

pub async fn bodies_arrive_in_time_and_as_they_are(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.body_timeout = 1).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let slow = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
            .write_all(
                b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"em",
            )
            .unwrap();
        let mut answer = [0; 4_096];
        let read = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    });
    let begun = Instant::now();
    let answer = slow.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let admin = server.admin().await;
    for encoding in ["gzip", "br", "nonsense"] {
        let request =
            admin.request(Method::POST, "/v1/customers").header("Content-Encoding", encoding).json(&json!({"name": "x"}));
        request.await.refused(415, "unsupported_media_type");
    }
    let request = admin.request(Method::POST, "/v1/customers").header("Content-Encoding", "identity").json(&json!({"name": "x"}));
    request.await.ok(201);
}

pub async fn data_is_not_kept_by_caches_nor_documentation_framed(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let made = admin.post("/v1/customers", json!({"name": "x"})).await;
    assert_eq!(made.header("cache-control"), "no-store");
    for path in ["/v1/customers", "/v1/me", "/v1/customers/none"] {
        assert_eq!(admin.get(path).await.header("cache-control"), "no-store", "{path}");
    }
    let docs = server.anybody().get("/docs/").await;
    assert!(docs.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!((docs.status, docs.header("x-frame-options")), (200, "DENY"));
    // The page runs no script of its own text, which the policy would stop.
    assert!(!docs.text.contains("<script>"), "{}", docs.text);
}

pub async fn what_nobody_sees_is_blank(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for name in ["\u{200b}\u{200d}", "\u{200c}", "\u{3164}", "\u{2060}\u{feff} "] {
        let faults = admin.post("/v1/customers", json!({"name": name})).await.faults(400);
        assert_eq!(faults, [("/name".to_owned(), "blank".to_owned())], "{name:?}");
    }
}
