//! What comes in, and what of it stays.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use farley_domain::model::fault::FaultCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{id, raw, stored, uploaded};
use crate::{client::pairs, server::Server, support::TestDb};

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub async fn names_are_kept_as_typed(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let long = "报".repeat(500);
    for name in ["../../../etc/passwd", "CON", "C:\\nul.txt", "a\"b'c;d.txt", "报价 单 (终版).pdf", &long, "😀.png", ".", "/"]
    {
        let file = uploaded(&admin, &format!("name={}", encoded(name)), name).await;
        assert_eq!(file["name"], *name);
        let (headers, bytes) = admin.get(&format!("/v1/files/{}/content", id(&file))).raw().await;
        assert_eq!(bytes, name.as_bytes());
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment; filename=\"") && disposition.contains("filename*=UTF-8''"), "{disposition}");
    }
    // Everything is in the folder, under no name of theirs.
    let folder = server.app.settings.data_dir.join("files");
    assert_eq!(stored(&folder), 9);
    assert!(!folder.join("../CON").exists() && !server.app.settings.data_dir.join("CON").exists());
    let disposition = "attachment; filename=\"x.txt\"; filename*=UTF-8''%E6%8A%A5%E4%BB%B7.txt";
    let file = raw(&admin, "", "text/plain", "x").header("Content-Disposition", disposition).await.ok(201);
    assert_eq!(file["name"], "报价.txt");
    assert_eq!(raw(&admin, "name=a%00b", "text/plain", "x").await.faults(400), pairs(&[("name", "invalid_character")]));
    assert_eq!(raw(&admin, "", "text/plain", "x").await.faults(400), pairs(&[("/name", "required")]));
    let too_long = encoded(&"报".repeat(1_001));
    assert_eq!(raw(&admin, &format!("name={too_long}"), "text/plain", "x").await.faults(400), pairs(&[("/name", "too_long")]));
    assert_eq!(stored(&folder), 10);
}

/// A form with parts: name, headers and content of each.
fn form(parts: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, more, content) in parts {
        body += &format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{content}\r\n");
    }
    (body + "--frontier--\r\n").into_bytes()
}

const FORM: &str = "multipart/form-data; boundary=frontier";
const NAMED: &str = "; filename=\"报价.csv\"\r\nContent-Type: text/csv";

pub async fn a_form_says_as_much_as_parameters(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "华为"})).await;
    let tag = admin.create("tags", json!({"name": "VIP"})).await;
    // The members may come before the file and after it.
    let body = form(&[
        ("object", "", "customer"),
        ("content", NAMED, "a,b\r\n1,2"),
        ("record_id", "", &customer),
        ("tag_ids", "", &tag),
    ]);
    let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(&body)));
    let file = raw(&admin, "", FORM, body.clone()).header("Content-Digest", &digest).await.ok(201);
    assert_eq!((&file["name"], &file["media_type"], &file["size_bytes"]), (&json!("报价.csv"), &json!("text/csv"), &json!(8)));
    assert_eq!(file["sha256"], hex(b"a,b\r\n1,2"));
    assert_eq!((&file["object"], &file["record_id"], &file["tag_ids"]), (&json!("customer"), &json!(customer), &json!([tag])));
    assert_eq!(file["scan"], "unscanned");
    assert_eq!(admin.list(&format!("/v1/files?record_id={customer}"), "id").await, [id(&file)]);
    assert_eq!(admin.list("/v1/files?q=报价", "id").await, [id(&file)]);
    let before = stored(&server.app.settings.data_dir.join("files"));
    let refused = async |body: Vec<u8>| raw(&admin, "", FORM, body).await.faults(400);
    assert_eq!(refused(form(&[("name", "", "x")])).await, pairs(&[("/content", "required")]));
    let twice = form(&[("content", NAMED, "1"), ("content", NAMED, "2")]);
    assert_eq!(refused(twice).await, pairs(&[("/content", "repeated")]));
    let unknown = form(&[("content", NAMED, "1"), ("nmae", "", "x")]);
    assert_eq!(refused(unknown).await, pairs(&[("nmae", "unknown_parameter")]));
    let mut cut = form(&[("content", NAMED, "1234567890")]);
    cut.truncate(cut.len() - 20);
    raw(&admin, "", FORM, cut).await.refused(400, "malformed_request");
    let wrong = raw(&admin, "", FORM, body).header("Content-Digest", "sha-256=:AAAA:").await;
    wrong.refused(400, "digest_mismatch");
    assert_eq!(stored(&server.app.settings.data_dir.join("files")), before);
}

pub async fn types_are_looked_at(db: TestDb) {
    let server =
        Server::start_with(db, |settings| settings.file_types = "image/*, text/plain, application/octet-stream".to_owned()).await;
    let admin = server.admin().await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    let honest = raw(&admin, "name=a.png", "image/png", png.clone()).await.ok(201);
    assert_eq!((&honest["detected_type"], &honest["type_mismatch"]), (&json!("image/png"), &json!(false)));
    let lying = raw(&admin, "name=a.txt", "text/plain", png.clone()).await.ok(201);
    assert_eq!((&lying["media_type"], &lying["type_mismatch"]), (&json!("text/plain"), &json!(true)));
    let open = raw(&admin, "name=a", "application/octet-stream", png).await.ok(201);
    assert_eq!(open["type_mismatch"], false, "nothing was declared");
    let refused = pairs(&[("/media_type", FaultCode::FileTypeNotAccepted.as_str())]);
    assert_eq!(raw(&admin, "name=a.html", "text/html", "<p>").await.faults(422), refused);
    let program = [b"\x7fELF\x02\x01\x01\0".to_vec(), vec![0; 100]].concat();
    assert_eq!(raw(&admin, "name=a.txt", "text/plain", program).await.faults(422), refused, "by its looks");
    assert_eq!(stored(&server.app.settings.data_dir.join("files")), 3);
}

/// Chunks without a length before them.
fn chunked(chunks: usize) -> reqwest::Body {
    reqwest::Body::wrap_stream(futures_util::stream::iter((0..chunks).map(|_| Ok::<_, std::io::Error>(vec![7_u8; 10_000]))))
}

pub async fn what_is_refused_leaves_nothing(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.max_file = 1_000_000).await;
    let admin = server.admin().await;
    let folder = server.app.settings.data_dir.join("files");
    raw(&admin, "name=a", "text/plain", vec![7; 1_000_001]).await.refused(413, "payload_too_large");
    raw(&admin, "name=a", "text/plain", chunked(101)).await.refused(413, "payload_too_large");
    let right = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(b"content")));
    let send = |digest: &str| raw(&admin, "name=a", "text/plain", "content").header("Content-Digest", digest);
    send("sha-256=:AAAA:").await.refused(400, "digest_mismatch");
    send("sha-512=:AAAA:").await.refused(400, "digest_mismatch");
    send("sha-256=nonsense").await.refused(400, "malformed_request");
    let missing = raw(&admin, "name=a&object=customer&record_id=01890a5d-ac96-774b-bcce-b302099a8057", "text/plain", "x").await;
    assert_eq!(missing.faults(422), pairs(&[("/record_id", "reference_not_found")]));
    assert_eq!(raw(&admin, "name=a&object=customer", "text/plain", "x").await.faults(422), pairs(&[("/record_id", "required")]));
    let only = raw(&admin, "name=a&validate_only=true", "text/plain", "x").await.ok(200);
    assert_eq!(only["name"], "a");
    // A client that hangs up in the middle.
    let address = server.url.trim_start_matches("http://");
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/files?name=half HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Length: 900000\r\n\r\n",
        admin.token()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&vec![7; 500_000]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(stored(&folder) > 0, "it has begun");
    drop(line);
    for _ in 0..100 {
        if stored(&folder) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(stored(&folder), 0);
    assert_eq!(admin.get("/v1/files").await.ok(200)["data"], json!([]));
    // A slow one that goes on is waited for.
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    line.write_all(head.replace("900000", "30").replace("half", "slow").as_bytes()).await.unwrap();
    for _ in 0..3 {
        line.write_all(b"0123456789").await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut answer = vec![0; 12];
    line.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 201");
    let accepted = send(&format!("md5=:AAAA:, {right}")).await.ok(201);
    assert_eq!(accepted["sha256"], hex(b"content"));
    let whole = raw(&admin, "name=a", "text/plain", chunked(100)).await.ok(201);
    assert_eq!((&whole["size_bytes"], &whole["sha256"]), (&json!(1_000_000), &json!(hex(&vec![7; 1_000_000]))));
    assert_eq!(stored(&folder), 3);
}

pub async fn a_key_replays_the_same_bytes(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let send = |query: &str, body: &str| raw(&admin, query, "text/plain", body.to_owned()).header("Idempotency-Key", "k1");
    let first = send("name=a", "one").await.ok(201);
    let again = send("name=a", "one").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok(201), first);
    send("name=a", "two").await.refused(422, "idempotency_key_reused");
    send("name=b", "one").await.refused(422, "idempotency_key_reused");
    let files = admin.get("/v1/files?total=true").await.ok(200);
    assert_eq!(files["page"]["total"], 1);
    assert_eq!(stored(&server.app.settings.data_dir.join("files")), 1);
    assert_eq!(admin.get(&format!("/v1/files/{}", id(&first))).await.ok(200), first);
    let events: Vec<Value> =
        admin.get(&format!("/v1/files/{}/history", id(&first))).await.ok(200)["data"].as_array().unwrap().clone();
    assert_eq!(events.len(), 1);
}
