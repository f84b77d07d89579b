//! The virus scanner: a clamd that finds what is called EICAR.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{id, raw, uploaded};
use crate::{client::Client, server::Server, support::TestDb};

/// Answers `INSTREAM` as clamd does; hangs up while it is out of order.
async fn clamd(out_of_order: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (line, _) = listener.accept().await.unwrap();
            if out_of_order.load(Ordering::SeqCst) {
                continue;
            }
            tokio::spawn(scan(line));
        }
    });
    format!("tcp://{address}")
}

async fn scan(mut line: TcpStream) {
    let mut command = [0; 10];
    line.read_exact(&mut command).await.unwrap();
    assert_eq!(&command, b"zINSTREAM\0");
    let mut content = Vec::new();
    loop {
        let length = line.read_u32().await.unwrap() as usize;
        if length == 0 {
            break;
        }
        let start = content.len();
        content.resize(start + length, 0);
        line.read_exact(&mut content[start..]).await.unwrap();
    }
    let found = content.windows(5).any(|window| window == b"EICAR");
    let answer: &[u8] = if found { b"stream: Eicar-Test-Signature FOUND\0" } else { b"stream: OK\0" };
    line.write_all(answer).await.unwrap();
}

/// A file once it has been scanned.
async fn scanned(client: &Client, file: &str) -> Value {
    for _ in 0..300 {
        let now = client.get(&format!("/v1/files/{file}")).await.ok(200);
        if now["scan"] != "pending" {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it is never scanned");
}

pub async fn nothing_is_served_before_it_is_found_clean(db: TestDb) {
    let out_of_order = Arc::new(AtomicBool::new(true));
    let address = clamd(Arc::clone(&out_of_order)).await;
    let server = Server::start_with(db, |settings| settings.file_scanner = Some(address)).await;
    let admin = server.admin().await;
    let clean = uploaded(&admin, "name=clean.txt", "harmless").await;
    assert_eq!(clean["scan"], "pending");
    let content = format!("/v1/files/{}/content", id(&clean));
    let waiting = admin.get(&content).await;
    assert_eq!(waiting.header("retry-after"), "2");
    waiting.refused(409, "file_not_scanned");
    out_of_order.store(false, Ordering::SeqCst);
    assert_eq!(scanned(&admin, id(&clean)).await["scan"], "clean");
    assert_eq!(admin.get(&content).await.text, "harmless");
    let mut body = vec![7; 300_000];
    body.extend(b"X5O!EICAR");
    let bad = raw(&admin, "name=bad.bin", "application/octet-stream", body).await.ok(201);
    let bad = scanned(&admin, id(&bad)).await;
    assert_eq!((&bad["scan"], &bad["scan_finding"]), (&json!("infected"), &json!("Eicar-Test-Signature")));
    let content = format!("/v1/files/{}/content", id(&bad));
    admin.get(&content).await.refused(403, "file_infected");
    admin.get(&content).header("Range", "bytes=0-1").await.refused(403, "file_infected");
    let link = admin.post(&format!("/v1/files/{}/link", id(&bad)), json!({})).await.ok(200);
    let link = link["url"].as_str().unwrap();
    server.anybody().get(&link[link.find("/v1/").unwrap()..]).await.refused(403, "file_infected");
    let events = admin.get(&format!("/v1/files/{}/history", id(&bad))).await.ok(200);
    let types: Vec<&Value> = events["data"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["file.linked", "file.scanned", "file.created"]);
}
