//! `/v1/channels`: what bridges post, what they get, and what they say became of it.

use std::time::Duration;

use farley::http::clock;
use farley_domain::{integration::signature, values::time::Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::satisfaction::run;
use crate::{
    bridge::{Bridge, key},
    client::{Answer, Client},
    server::Server,
    support::{Engine, TestDb},
};

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

/// Two conversations, and the paths of the messages of their tickets.
async fn two_conversations(server: &Server, channel: &Value, inbound: &str) -> [String; 2] {
    let mut paths = Vec::new();
    for number in 1..3 {
        let mut first = message(&format!("m{number}"), "x");
        first["conversation_id"] = json!(format!("c{number}"));
        first["sender"] = json!({"id": format!("wm-{number}"), "name": "x"});
        let taken = signed(&server.anybody(), inbound, &channel["secret"], clock::now(), &first).await.ok(202);
        paths.push(format!("/v1/tickets/{}/messages", taken["ticket_id"].as_str().unwrap()));
    }
    paths.try_into().unwrap()
}

async fn written(client: &Client, path: &str, text: &str) -> String {
    let message = client.post(path, json!({"body": text})).await.ok(201);
    format!("{path}/{}", message["id"].as_str().unwrap())
}

/// A reply that the bridge does not take yet holds up those after it in its conversation, and no others; after an hour it is given up, and
/// the next has its turn.
pub async fn replies_keep_their_order(db: TestDb) {
    let is_up = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let known = std::sync::Arc::clone(&is_up);
    let tried = std::sync::atomic::AtomicBool::new(false);
    let mut bridge = Bridge::answering(move |_, told| match told["data"]["text"].as_str() {
        Some("one") if !tried.swap(true, std::sync::atomic::Ordering::SeqCst) => (503, None, "down"),
        Some("stuck") if !known.load(std::sync::atomic::Ordering::SeqCst) => (503, None, "down"),
        _ => (200, None, "{}"),
    })
    .await;
    let (server, admin, channel, inbound) = desk(db.clone(), &bridge.url).await;
    let [here, there] = two_conversations(&server, &channel, &inbound).await;
    written(&admin, &here, "one").await;
    assert_eq!(bridge.text().await, "one");
    let two = written(&admin, &here, "two").await;
    let three = written(&admin, &here, "three").await;
    written(&admin, &there, "elsewhere").await;
    assert_eq!(bridge.text().await, "elsewhere", "others do not wait");
    let begun = std::time::Instant::now();
    let waiting = loop {
        let waiting = admin.get(&two).await.ok(200);
        if waiting["delivery_error"].is_string() || begun.elapsed() > Duration::from_secs(8) {
            break waiting;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(
        (&waiting["delivery_state"], &waiting["delivery_error"]),
        (&json!("queued"), &json!("it waits for an earlier message of the conversation"))
    );
    for expected in ["one", "two", "three"] {
        assert_eq!(bridge.text().await, expected);
    }
    assert!(once(&admin, &three, "sent").await["delivery_error"].is_null());
    // Held up for longer than an hour.
    let stuck = written(&admin, &here, "stuck").await;
    assert_eq!(bridge.text().await, "stuck");
    let after = written(&admin, &here, "after").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(admin.get(&after).await.ok(200)["delivery_state"], "queued");
    let id = stuck.rsplit('/').next().unwrap();
    run(
        &db,
        &match db.engine {
            Engine::Sqlite => {
                format!("UPDATE ticket_messages SET created_at = created_at - 3600000000 WHERE id = x'{}'", id.replace('-', ""))
            }
            Engine::Postgres => {
                format!("UPDATE ticket_messages SET created_at = created_at - interval '1 hour' WHERE id = '{id}'")
            }
        },
    );
    let failed = once(&admin, &stuck, "failed").await;
    assert!(!failed["delivery_error"].is_null() && failed["failed_at"].is_string(), "{failed}");
    loop {
        match bridge.text().await.as_str() {
            "after" => break,
            other => assert_eq!(other, "stuck", "it may have been tried once more"),
        }
    }
    once(&admin, &after, "sent").await;
    // Sent again by hand, it comes after those that have gone meanwhile.
    is_up.store(true, std::sync::atomic::Ordering::SeqCst);
    let again = json!({"recipients": [{"address": "x@example.cn"}]});
    assert_eq!(
        admin.post(&format!("{stuck}/resend"), again).await.faults(422),
        [("/recipients".to_owned(), "conflicting".to_owned())]
    );
    admin.post(&format!("{stuck}/resend"), json!({})).await.ok(200);
    assert_eq!(bridge.text().await, "stuck");
    once(&admin, &stuck, "sent").await;
    admin.post(&format!("{stuck}/resend"), json!({})).await.refused(409, "state_conflict");
}

/// A bridge that asks to be left alone for a while is left alone, whatever there is for it, and then gets all of it.
pub async fn a_bridge_says_when_to_come_back(db: TestDb) {
    const SECONDS: u32 = 14;
    let mut bridge = Bridge::answering(|turn, _| match turn {
        0 => (429, Some(SECONDS), "slowly"),
        _ => (200, None, "{}"),
    })
    .await;
    let (server, admin, channel, inbound) = desk(db, &bridge.url).await;
    let [here, there] = two_conversations(&server, &channel, &inbound).await;
    let one = written(&admin, &here, "one").await;
    assert_eq!(bridge.text().await, "one");
    let begun = std::time::Instant::now();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(admin.get(&one).await.ok(200)["delivery_error"], "the bridge answered 429: slowly");
    let two = written(&admin, &there, "two").await;
    let mut texts = [bridge.text().await, bridge.text().await];
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(u64::from(SECONDS) - 1), "it came back after {waited:?}");
    texts.sort();
    assert_eq!(texts, ["one", "two"]);
    for path in [one, two] {
        once(&admin, &path, "sent").await;
    }
}
