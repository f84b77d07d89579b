//! What is kept, and what is not: memory, crashes, and contents that no file got.

use std::{process::Command, sync::Arc, time::Duration};

use farley::{http::clock, integration::file::orphans};
use farley_domain::values::id::Id;
use farley_persistence::{StoreError, TenantKey};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{id, raw, stored, uploaded};
use crate::{
    app::crash::Process,
    client::Client,
    server::{Server, data_dir},
    support::TestDb,
};

/// The real binary with the folder of a test.
fn process(db: &TestDb) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
    command.env("FARLEY_DATA_DIR", data_dir(&db.url));
    Process::run(db, command)
}

/// The most memory that a process has held since it was last asked, in kB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux tells of processes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").expect("the peak is forgotten");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

const PIECE: usize = 64 * 1024;
const PIECES: usize = 1024;

pub async fn a_large_file_takes_little_memory(db: TestDb) {
    let process = process(&db);
    let admin = process.admin().await;
    let piece = |number: usize| vec![u8::try_from(number % 251).unwrap(); PIECE];
    let send = |pieces: usize| {
        let body = stream::iter((0..pieces).map(move |number| Ok::<_, std::io::Error>(piece(number))));
        raw(&admin, "name=large.bin", "application/octet-stream", reqwest::Body::wrap_stream(body))
    };
    // What any upload needs is there after the first: connections, threads, statements.
    futures_util::future::join_all((0..12).map(|_| async { send(16).await.ok(201) })).await;
    let small = send(16).await.ok(201);
    admin.get(&format!("/v1/files/{}/content", id(&small))).raw().await;
    let mut hasher = Sha256::new();
    (0..PIECES).for_each(|number| hasher.update(piece(number)));
    let hash = hex(&hasher.finalize());
    // What else goes on in the process is in the figure too: of three times the least is the file's.
    let (mut coming_in, mut going_out) = (u64::MAX, u64::MAX);
    for _ in 0..3 {
        peak(process.number());
        let before = peak(process.number());
        let large = send(PIECES).await.ok(201);
        coming_in = coming_in.min(peak(process.number()).saturating_sub(before));
        assert_eq!((large["sha256"].as_str().unwrap(), &large["size_bytes"]), (hash.as_str(), &Value::from(PIECE * PIECES)));
        let before = peak(process.number());
        let (headers, bytes) = admin.get(&format!("/v1/files/{}/content", id(&large))).raw().await;
        going_out = going_out.min(peak(process.number()).saturating_sub(before));
        assert_eq!(headers["content-length"], (PIECE * PIECES).to_string());
        assert_eq!(hex(&Sha256::digest(&bytes)), hash);
    }
    assert!(coming_in.max(going_out) < 16 * 1024, "64 MB took {coming_in} kB in and {going_out} kB out");
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The tenant of the first start.
pub async fn tenant(server: &Server) -> TenantKey {
    let nowhere = TenantKey { id: Id::NIL, number: 0 };
    let reading = server.app.store.read::<_, StoreError>(nowhere, |reader| reader.tenants());
    let rows = reading.await.expect("the tenants");
    TenantKey { id: rows[0].id, number: rows[0].number }
}

/// Looks at the newest contents; how many files there are.
async fn contents_are_whole(client: &Client) -> usize {
    let page = client.get("/v1/files?limit=200&total=true&sort=-created_at").await.ok(200);
    let files = page["data"].as_array().unwrap();
    for file in files {
        let (_, bytes) = client.get(&format!("/v1/files/{}/content", id(file))).raw().await;
        let hash = hex(&Sha256::digest(&bytes));
        assert_eq!((file["sha256"].as_str().unwrap(), &file["size_bytes"]), (hash.as_str(), &Value::from(bytes.len())));
    }
    usize::try_from(page["page"]["total"].as_u64().unwrap()).unwrap()
}

pub async fn killed_at_any_instant_no_row_is_without_content(db: TestDb) {
    let mut least = 0;
    for round in 0..4_u64 {
        let process = process(&db);
        let admin = process.admin().await;
        assert!(contents_are_whole(&admin).await >= least, "what was answered is there");
        let uploads = (0..6_usize).map(|number| {
            let admin = admin.clone();
            tokio::spawn(async move {
                let mut answered = 0;
                loop {
                    let size = if number % 2 == 0 { 40 } else { 3 };
                    let pieces = stream::iter((0..size).map(|piece| Ok::<_, std::io::Error>(vec![piece; 16_384])));
                    let slow = pieces.then(|piece| async {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        piece
                    });
                    let body = reqwest::Body::wrap_stream(slow);
                    match raw(&admin, "name=x", "application/octet-stream", body).try_send().await {
                        Ok(answer) if answer.status == 201 => answered += 1,
                        Ok(_) | Err(_) => return answered,
                    }
                }
            })
        });
        let uploads: Vec<_> = uploads.collect();
        tokio::time::sleep(Duration::from_millis(300 + 137 * round)).await;
        process.kill();
        for upload in uploads {
            least += upload.await.expect("no panic");
        }
    }
    assert!(least > 0, "something was uploaded");
    let server = Server::start_with(db, |settings| settings.jobs = 0).await;
    let admin = server.admin().await;
    let total = contents_are_whole(&admin).await;
    let folder = server.app.settings.data_dir.join("files");
    assert!(stored(&folder) >= total);
    let tomorrow = clock::now().plus_seconds(25 * 3600);
    orphans::perform(&Arc::clone(&server.app), tenant(&server).await, tomorrow).await.unwrap();
    assert_eq!(stored(&folder), total, "what was begun is gone");
    contents_are_whole(&admin).await;
}

pub async fn what_no_file_got_is_removed_after_a_day(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.jobs = 0).await;
    let admin = server.admin().await;
    let (app, key) = (Arc::clone(&server.app), tenant(&server).await);
    let folder = app.settings.data_dir.join("files");
    let file = uploaded(&admin, "name=kept.txt", "kept").await;
    // As a node leaves it that dies before it answers: one content stored, one begun.
    let contents = app.contents().unwrap();
    let (whole, begun) = (clock::new_id(), clock::new_id());
    for content in [whole, begun] {
        let noting = move |work: &mut farley_persistence::Work<'_>| work.expect_content(content);
        let origin = farley_persistence::Origin::system(clock::now());
        app.store.write::<_, StoreError>(key, origin, noting).await.unwrap();
    }
    let mut writing = contents.write(key.id, whole);
    writing.add(vec![7; 1_000].into()).await.unwrap();
    writing.finish().await.unwrap();
    let mut half = contents.write(key.id, begun);
    half.add(vec![7; 600_000].into()).await.unwrap();
    std::mem::forget(half);
    assert_eq!(stored(&folder), 3);
    let at = |hours: i64| clock::now().plus_seconds(hours * 3600);
    orphans::perform(&app, key, at(23)).await.unwrap();
    assert_eq!(stored(&folder), 3, "it may still be wanted");
    orphans::perform(&app, key, at(25)).await.unwrap();
    assert_eq!(stored(&folder), 1);
    orphans::perform(&app, key, at(25)).await.unwrap();
    assert_eq!(admin.get(&format!("/v1/files/{}/content", id(&file))).await.text, "kept");
    // Who comes too late gets nothing.
    let giving = move |work: &mut farley_persistence::Work<'_>| work.give_content(whole, clock::new_id());
    let given = app.store.write::<_, StoreError>(key, farley_persistence::Origin::system(clock::now()), giving).await.unwrap();
    assert!(!given);
    // An archived file keeps its content, for it can be restored.
    admin.delete(&format!("/v1/files/{}", id(&file))).await.ok(204);
    orphans::perform(&app, key, at(1_000)).await.unwrap();
    assert_eq!(stored(&folder), 1);
}
