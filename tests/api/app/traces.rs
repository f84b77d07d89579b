//! Traces: what a collector gets.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    sync::{Arc, Mutex},
};

use serde_json::json;

use super::{crash::Process, start::eventually};
use crate::{client::Client, server::PASSWORD, support::TestDb};

/// Takes what is sent to `/v1/traces` and keeps the bytes.
fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeper = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, keeper) = (stream.unwrap(), Arc::clone(&keeper));
            std::thread::spawn(move || {
                let (mut request, mut buffer) = (Vec::new(), [0; 65_536]);
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    request.extend_from_slice(&buffer[..read]);
                    let text = String::from_utf8_lossy(&request).to_lowercase();
                    let Some(head) = text.find("\r\n\r\n") else { continue };
                    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
                    let begins = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                    if request.len() < begins + length.unwrap_or(0_usize) {
                        continue;
                    }
                    assert!(text.starts_with("post /v1/traces ") && head > 0, "{text}");
                    assert!(text.contains("content-type: application/x-protobuf"), "{text}");
                    keeper.lock().unwrap().append(&mut request);
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                }
            });
        }
    });
    (url, kept)
}

fn holds(kept: &Mutex<Vec<u8>>, bytes: &[u8]) -> bool {
    kept.lock().unwrap().windows(bytes.len()).any(|window| window == bytes)
}

/// A request, its database work and the job it asks for are one trace: that of the caller. Nothing in it is personal.
pub async fn are_sent_to_a_collector(db: TestDb) {
    let (url, kept) = collector();
    let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
    command.env("FARLEY_OTEL_ENDPOINT", url).env("FARLEY_OTEL_SERVICE_NAME", "farley-of-the-test");
    command.env("OTEL_BSP_SCHEDULE_DELAY", "200");
    let mut process = Process::run(&db, command);
    let admin = process.admin().await;
    let id = admin.create("customers", json!({"name": "Personal Name", "emails": [{"value": "personal@example.com"}]})).await;
    let trace: Vec<u8> = (1..=16).collect();
    let traceparent = |span: &str| format!("00-0102030405060708090a0b0c0d0e0f10-{span}-01");
    let span = [0xAA, 0xBB, 0xCC, 0xDD, 1, 2, 3, 4];
    let path = format!("/v1/customers/{id}?q=Personal%20Query");
    admin.get(&path).header("traceparent", &traceparent("aabbccdd01020304")).await.refused(400, "invalid_request");
    let import = json!({"object": "customer", "content": "name\nPersonal Row\n"});
    admin.post("/v1/imports", import).header("traceparent", &traceparent("1122334455667788")).await.ok(201);
    // Not a trace, and no reason to refuse anything.
    Client::new(&process.url).get("/healthz").header("traceparent", "nonsense").await.ok(200);
    eventually(|| async { holds(&kept, b"job import") }).await;
    process.tell_to_end();
    process.ends_well();
    for told in [
        b"farley-of-the-test".as_slice(),
        b"GET /v1/customers/{id}",
        b"POST /v1/imports",
        b"GET /healthz",
        b"http.response.status_code",
        b"write",
        trace.as_slice(),
        span.as_slice(),
        db.engine.name().as_bytes(),
    ] {
        assert!(holds(&kept, told), "{}", String::from_utf8_lossy(told));
    }
    let spans_of_the_trace = kept.lock().unwrap().windows(16).filter(|window| *window == trace).count();
    assert!(spans_of_the_trace >= 5, "{spans_of_the_trace} spans are of the caller's trace");
    for personal in ["Personal", "personal@", "admin@", PASSWORD, admin.token(), &id] {
        assert!(!holds(&kept, personal.as_bytes()), "{personal}");
    }
}
