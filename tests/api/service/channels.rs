//! `/v1/channels`: what bridges post, what they get, and what they say became of it.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use farley::http::clock;
use farley_domain::{integration::signature, values::time::Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    client::{Answer, Client},
    server::Server,
    support::TestDb,
};

/// A bridge that keeps what it gets and answers what it is told to, in turn; the last answer again and again.
struct Bridge {
    url: String,
    posts: tokio::sync::mpsc::UnboundedReceiver<Post>,
}

struct Post {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Post {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether it is signed with a secret.
    fn holds(&self, secret: &Value) -> bool {
        let told = [signature::ID, signature::TIMESTAMP, signature::SIGNATURE].map(|name| self.header(name));
        signature::verify(&[key(secret)], told, &self.body, clock::now()).is_ok()
    }
}

impl Bridge {
    async fn open(answers: &'static [(u16, &'static str)]) -> Bridge {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (sender, posts) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            for turn in 0.. {
                let Ok((mut socket, _)) = listener.accept().await else { return };
                let mut read = Vec::new();
                let (head, length) = loop {
                    if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                        break (0, 0);
                    }
                    let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                    let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
                    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                    break (head, length.unwrap_or(0));
                };
                while read.len() < head + 4 + length && socket.read_buf(&mut read).await.unwrap_or(0) > 0 {}
                let text = String::from_utf8_lossy(&read[..head]).into_owned();
                let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
                let headers = text.lines().skip(1).filter_map(pair).collect();
                let (status, body) = answers[answers.len().min(turn + 1) - 1];
                let _ = sender.send(Post { headers, body: read.get(head + 4..).unwrap_or_default().to_vec() });
                let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
                let _ = socket.write_all(head.as_bytes()).await;
            }
        });
        Bridge { url, posts }
    }

    async fn post(&mut self) -> Post {
        tokio::time::timeout(Duration::from_secs(60), self.posts.recv()).await.expect("a post in time").expect("a post")
    }
}

fn key(secret: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(secret.as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap()
}

/// Posts as a bridge does.
pub async fn signed(anybody: &Client, path: &str, secret: &Value, at: Timestamp, body: &Value) -> Answer {
    let text = body.to_string();
    let headers = signature::headers(&[key(secret)], &crate::support::new_id().to_string(), at, text.as_bytes());
    let request = anybody.request(Method::POST, path).body("application/json", text);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).await
}

fn message(id: &str, text: &str) -> Value {
    let sender = json!({"id": "wm-fang", "name": "王芳", "phone": "138 0013 8000"});
    json!({"channel_message_id": id, "conversation_id": "c1", "sender": sender, "text": text, "client_tag": format!("tag of {id}")})
}

async fn once(client: &Client, path: &str, state: &str) -> Value {
    for _ in 0..300 {
        let message = client.get(path).await.ok(200);
        if message["delivery_state"] == state {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} does not become {state}: {}", client.get(path).await.text);
}

async fn desk(db: TestDb, url: &str) -> (Server, Client, Value, String) {
    let server = Server::start_with(db, |settings| settings.webhook_allow = "127.0.0.0/8".to_owned()).await;
    let admin = server.admin().await;
    let queue = admin.create("queues", json!({"name": "Chat"})).await;
    let channel = json!({"name": "WeCom", "kind": "wecom", "queue_id": queue, "outbound_url": url});
    let channel = admin.post("/v1/channels", channel).await.ok(201);
    let inbound = format!("/v1/channels/{}/inbound", channel["id"].as_str().unwrap());
    (server, admin, channel, inbound)
}

/// What a customer writes opens one ticket, whatever is repeated; replies go back to where it came from, and what became of them is told.
pub async fn a_conversation_goes_to_and_fro(db: TestDb) {
    let mut bridge = Bridge::open(&[(200, r#"{"channel_message_id": "out-1"}"#)]).await;
    let (server, admin, channel, inbound) = desk(db, &bridge.url).await;
    let (anybody, secret, id) = (server.anybody(), &channel["secret"], channel["id"].as_str().unwrap());
    assert!(admin.get(&format!("/v1/channels/{id}")).await.ok(200)["secret"].is_null(), "it is shown once");
    // A contact whom nobody else shares the number with is known by the channel from here on.
    let known = admin.create("contacts", json!({"name": "Fang", "phones": [{"value": "+86 138 0013 8000"}]})).await;
    let mut first = message("m1", "打印机无法开机");
    first["attachments"] = json!([{"name": "a.txt", "media_type": "text/plain", "content": "SGVsbG8="}, {"url": "https://bridge.example.cn/media/1"}]);
    let taken = signed(&anybody, &inbound, secret, clock::now(), &first).await.ok(202);
    assert_eq!(taken["contact_id"], json!(known));
    assert_eq!(signed(&anybody, &inbound, secret, clock::now(), &first).await.ok(200), taken);
    let ticket = format!("/v1/tickets/{}", taken["ticket_id"].as_str().unwrap());
    let opened = admin.get(&ticket).await.ok(200);
    let told = ["channel", "queue_id", "contact_id", "subject"].map(|name| opened[name].clone());
    assert_eq!(told, [json!("wecom"), channel["queue_id"].clone(), json!(known), json!("打印机无法开机")]);
    let system = channel["sender_system"].as_str().unwrap();
    let contact = admin.get(&format!("/v1/contacts/ext:{system}:wm-fang")).await.ok(200);
    assert_eq!(contact["id"], json!(known));
    let kept = admin.get(&format!("{ticket}/messages/{}", taken["message_id"].as_str().unwrap())).await.ok(200);
    let told = ["body", "channel_id", "conversation_id", "channel_message_id", "channel_sender_id", "client_tag"];
    let told = told.map(|name| kept[name].clone());
    assert_eq!(told, [json!("打印机无法开机"), json!(id), json!("c1"), json!("m1"), json!("wm-fang"), json!("tag of m1")]);
    assert_eq!(kept["links"], json!([{"name": null, "media_type": null, "url": "https://bridge.example.cn/media/1"}]));
    let file = format!("/v1/files/{}/content", kept["file_ids"][0].as_str().unwrap());
    assert_eq!(admin.get(&file).raw().await.1, b"Hello");
    let events = admin.get("/v1/changes?types=ticket_message.created").await.ok(200)["data"].clone();
    assert_eq!(events[0]["origin"], json!({"kind": "channel", "id": id}));
    assert_eq!(events[0]["client_tag"], "tag of m1");
    // The same twice at once is one message.
    let second = message("m2", "急");
    let twice = tokio::join!(
        signed(&anybody, &inbound, secret, clock::now(), &second),
        signed(&anybody, &inbound, secret, clock::now(), &second)
    );
    let mut statuses = [twice.0.status, twice.1.status];
    statuses.sort_unstable();
    assert_eq!((statuses, &twice.0.body), ([200, 202], &twice.1.body));
    assert_eq!(twice.0.body["ticket_id"], taken["ticket_id"]);
    // The reply goes to the bridge, signed, and is what it says.
    let reply =
        admin.post(&format!("{ticket}/messages"), json!({"body": "请重启"})).header("Client-Tag", "agent-7").await.ok(201);
    assert_eq!((&reply["channel"], &reply["delivery_state"]), (&json!("wecom"), &json!("queued")));
    let post = bridge.post().await;
    assert!(post.holds(secret) && post.header(signature::ID) == reply["id"].as_str().unwrap());
    let told: Value = serde_json::from_slice(&post.body).unwrap();
    assert_eq!(told["type"], "ticket_message.created");
    let data = ["conversation_id", "text", "kind", "reply_to", "client_tag"].map(|name| told["data"][name].clone());
    assert_eq!(data, [json!("c1"), json!("请重启"), json!("reply"), json!("m2"), json!("agent-7")]);
    assert_eq!(told["data"]["recipient"], json!({"id": "wm-fang", "name": "王芳"}));
    let path = format!("{ticket}/messages/{}", reply["id"].as_str().unwrap());
    assert_eq!(once(&admin, &path, "sent").await["channel_message_id"], "out-1");
    let receipts = format!("/v1/channels/{id}/receipts");
    for (receipt, state) in [("read", "read"), ("delivered", "read"), ("failed", "read")] {
        let receipt = json!({"channel_message_id": "out-1", "state": receipt});
        assert_eq!(signed(&anybody, &receipts, secret, clock::now(), &receipt).await.ok(200)["delivery_state"], state);
    }
    let unknown = json!({"channel_message_id": "m1", "state": "read"});
    assert_eq!(signed(&anybody, &receipts, secret, clock::now(), &unknown).await.status, 404);
    // Solved, it is opened again by the next message; somebody else's is another ticket.
    admin.post(&format!("{ticket}/solve"), json!({"resolution": "x"})).await.ok(200);
    let again = signed(&anybody, &inbound, secret, clock::now(), &message("m3", "还是不行")).await.ok(202);
    assert_eq!(again["ticket_id"], taken["ticket_id"]);
    assert_eq!(admin.get(&ticket).await.ok(200)["status"], "open");
    let mut other = message("m4", "我也是");
    other["sender"] = json!({"id": "wm-li", "name": "Li"});
    let other = signed(&anybody, &inbound, secret, clock::now(), &other).await.ok(202);
    assert_ne!((&other["ticket_id"], &other["contact_id"]), (&taken["ticket_id"], &taken["contact_id"]));
    assert_eq!(admin.names("/v1/contacts?sort=name").await, ["Fang", "Li"]);
}

/// Nothing is believed that is not signed just now, with a secret that holds; nothing is lost while a bridge is away, and nobody is called who
/// must not be.
pub async fn only_what_is_signed_is_believed(db: TestDb) {
    let mut bridge = Bridge::open(&[(503, "down"), (200, "{}"), (422, "no such user")]).await;
    let (server, admin, channel, inbound) = desk(db, &bridge.url).await;
    let (anybody, secret, id) = (server.anybody(), &channel["secret"], channel["id"].as_str().unwrap());
    let now = clock::now();
    let first = message("m1", "x");
    anybody.post(&inbound, first.clone()).await.refused(401, "unauthorized");
    let forged = json!(signature::secret(b"another secret of thirty-two bytes"));
    signed(&anybody, &inbound, &forged, now, &first).await.refused(401, "invalid_signature");
    signed(&anybody, &inbound, secret, now.plus_seconds(-400), &first).await.refused(401, "invalid_signature");
    let nobody = format!("/v1/channels/{}/inbound", crate::support::new_id());
    signed(&anybody, &nobody, secret, now, &first).await.refused(401, "unauthorized");
    let wrong =
        json!({"channel_message_id": "m1", "conversation_id": "c1", "sender": {"name": "x"}, "attachments": [{"content": "*"}]});
    let problem = signed(&anybody, &inbound, secret, now, &wrong).await.refused(400, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/sender/id", "{problem}");
    assert!(admin.list("/v1/tickets", "id").await.is_empty());
    // The former secret holds until its time is over, and both sign.
    let rotate = format!("/v1/channels/{id}/rotate-secret");
    let new = admin.post(&rotate, json!({})).await.ok(200)["secret"].clone();
    assert_ne!(new, *secret);
    admin.post(&rotate, json!({})).await.refused(409, "state_conflict");
    let taken = signed(&anybody, &inbound, secret, now, &first).await.ok(202);
    let ticket = format!("/v1/tickets/{}", taken["ticket_id"].as_str().unwrap());
    let reply = admin.post(&format!("{ticket}/messages"), json!({"body": "eins"})).await.ok(201);
    let path = format!("{ticket}/messages/{}", reply["id"].as_str().unwrap());
    let post = bridge.post().await;
    assert!(post.holds(secret) && post.holds(&new));
    let again = bridge.post().await;
    assert_eq!((again.header(signature::ID), &again.body), (post.header(signature::ID), &post.body));
    assert!(once(&admin, &path, "sent").await["delivery_error"].is_null());
    let newest = admin.post(&rotate, json!({"overlap_hours": 0})).await.ok(200)["secret"].clone();
    for former in [secret, &new] {
        signed(&anybody, &inbound, former, now, &message("m2", "y")).await.refused(401, "invalid_signature");
    }
    signed(&anybody, &inbound, &newest, now, &message("m2", "y")).await.ok(202);
    // What the bridge refuses for good is told at once.
    let reply = admin.post(&format!("{ticket}/messages"), json!({"body": "zwei"})).await.ok(201);
    let path = format!("{ticket}/messages/{}", reply["id"].as_str().unwrap());
    let failed = once(&admin, &path, "failed").await;
    assert_eq!(failed["delivery_error"], "the bridge answered 422: no such user");
    for (url, reason) in [("http://169.254.169.254/latest", "is never called"), ("https://10.0.0.1/x", "is private")] {
        admin.patch(&format!("/v1/channels/{id}"), json!({"outbound_url": url})).await.ok(200);
        let reply = admin.post(&format!("{ticket}/messages"), json!({"body": url})).await.ok(201);
        let failed = once(&admin, &format!("{ticket}/messages/{}", reply["id"].as_str().unwrap()), "failed").await;
        assert!(failed["delivery_error"].as_str().unwrap().contains(reason), "{failed}");
    }
    // A note stays inside, and what was said elsewhere is not sent; a channel that is not in use takes nothing.
    for body in [json!({"kind": "note", "body": "x"}), json!({"body": "x", "channel": "phone"})] {
        assert!(admin.post(&format!("{ticket}/messages"), body).await.ok(201)["delivery_state"].is_null());
    }
    admin.patch(&format!("/v1/channels/{id}"), json!({"is_active": false})).await.ok(200);
    signed(&anybody, &inbound, &newest, now, &message("m9", "z")).await.refused(401, "unauthorized");
}
