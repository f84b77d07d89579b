//! `/v1/webhooks`: what endpoints get, in which order and within whose rights, and what becomes of what they do not take.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use farley::http::clock;
use farley_domain::{integration::signature, values::time::Timestamp};
use farley_persistence::{Origin, StoreError, TenantKey};
use serde_json::{Value, json};

use crate::{
    bridge::{Bridge, Post},
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

async fn server(db: TestDb) -> (Server, Client) {
    let server = Server::start_with(db, |settings| settings.webhook_allow = "127.0.0.0/8".to_owned()).await;
    let admin = server.admin().await;
    (server, admin)
}

/// Waits until what is read is as wanted.
async fn until(client: &Client, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let read = client.get(path).await.ok(200);
        if wanted(&read) {
            return read;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path}: {}", client.get(path).await.text);
}

fn body(post: &Post) -> Value {
    serde_json::from_slice(&post.body).expect("JSON")
}

async fn tenant(server: &Server) -> TenantKey {
    let nobody = farley::access::tokens::NO_TENANT;
    let rows = server.app.store.read::<_, StoreError>(nobody, |reader| reader.tenants()).await.expect("tenants");
    TenantKey { id: rows[0].id, number: rows[0].number }
}

/// Lets everything that waits of a webhook be due, as if its pauses had passed.
async fn hasten(server: &Server, webhook: &str) {
    let (id, now) = (webhook.parse().expect("an id"), clock::now());
    let work = server.app.store.write::<_, StoreError>(tenant(server).await, Origin::system(now), move |work| {
        work.hasten_webhook_deliveries(id, now)?;
        work.enqueue_once("webhook_deliveries", &format!("{id}"), &json!({"webhook_id": id}), now, 20).map(drop)
    });
    work.await.expect("hastened");
}

/// What is asked for arrives, signed, as much of it as is asked for; what is not, does not.
pub async fn events_are_posted_as_they_are_asked_for(db: TestDb) {
    let mut bridge = Bridge::open(&[(200, "ok")]).await;
    let (server, admin) = server(db).await;
    let hook = json!({
        "name": "ERP", "url": bridge.url, "types": ["customer.created", "customer.updated"], "object": "customer",
        "filter": {"field": "region", "value": "华东"}, "payload": "full",
    });
    let hook = admin.post("/v1/webhooks", hook).await.ok(201);
    let (id, secret) = (hook["id"].as_str().unwrap(), hook["secret"].clone());
    assert_eq!((&hook["status"], &hook["acting_user_id"]), (&json!("active"), &json!(admin.id)));
    let path = format!("/v1/webhooks/{id}");
    assert!(admin.get(&path).await.ok(200)["secret"].is_null(), "it is shown once");
    // Not what the filter leaves out, nor what is not subscribed to.
    let elsewhere = admin.create("customers", json!({"name": "Elsewhere", "region": "华北"})).await;
    admin.create("contacts", json!({"name": "Nobody"})).await;
    let acme = admin.post("/v1/customers", json!({"name": "Acme", "region": "华东"})).header("Client-Tag", "erp-1").await.ok(201);
    let customer = format!("/v1/customers/{}", acme["id"].as_str().unwrap());
    let post = bridge.post().await;
    assert!(post.holds(&secret), "it is signed");
    let first = body(&post);
    assert_eq!((&first["type"], &first["prev_seq"]), (&json!("customer.created"), &Value::Null));
    assert_eq!((&first["data"]["record"]["name"], &first["data"]["record"]["version"]), (&json!("Acme"), &json!(1)));
    assert_eq!((&first["data"]["client_tag"], &first["data"]["changes"]["name"]["to"]), (&json!("erp-1"), &json!("Acme")));
    assert_eq!(first["data"]["id"], post.header(signature::ID));
    admin.patch(&customer, json!({"website": "https://acme.example"})).await.ok(200);
    let second = body(&bridge.post().await);
    assert_eq!((&second["type"], &second["prev_seq"]), (&json!("customer.updated"), &first["seq"]));
    assert!(second["seq"].as_i64() > first["seq"].as_i64());
    // What was skipped is no gap.
    admin.patch(&format!("/v1/customers/{elsewhere}"), json!({"region": "华东"})).await.ok(200);
    let moved = body(&bridge.post().await);
    assert_eq!((&moved["data"]["record_id"], &moved["prev_seq"]), (&json!(elsewhere), &Value::Null));
    // The cursor of a message goes on in the feed behind it.
    let rest = admin.get(&format!("/v1/changes?cursor={}", first["cursor"].as_str().unwrap())).await.ok(200);
    assert_eq!(rest["data"][0]["id"], second["data"]["id"]);
    let progress = until(&admin, &format!("{path}/progress"), |progress| progress["delivered"] == 3).await;
    assert_eq!((&progress["waiting"], &progress["failed"], &progress["failing_since"]), (&json!(0), &json!(0), &Value::Null));
    let deliveries = admin.get("/v1/webhook-deliveries?sort=seq").await.ok(200)["data"].clone();
    let states: Vec<&str> = deliveries.as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["skipped", "delivered", "delivered", "delivered"]);
    let last = &deliveries[2];
    assert_eq!((&last["attempts"][0]["status"], &last["attempts"][0]["answer"]), (&json!(200), &json!("ok")));
    assert_eq!(last["request"]["webhook_id"], second["data"]["id"]);
    let kept: Vec<&String> = last["request"].as_object().unwrap().keys().collect();
    assert_eq!(kept, ["url", "webhook_id", "webhook_timestamp", "bytes"], "neither what was posted nor its signature is kept");
    // Less of it; and while the secret is replaced, both hold.
    admin.patch(&path, json!({"payload": "thin"})).await.ok(200);
    let rotated = admin.post(&format!("{path}/rotate-secret"), json!({"overlap_hours": 1})).await.ok(200);
    assert_ne!(rotated["secret"], secret);
    admin.patch(&customer, json!({"website": null})).await.ok(200);
    let post = bridge.post().await;
    assert!(post.holds(&secret) && post.holds(&rotated["secret"]));
    let thin = body(&post)["data"].clone();
    let members: Vec<&String> = thin.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "object", "record_id", "version"]);
    admin.post(&format!("{path}/rotate-secret"), json!({})).await.refused(409, "state_conflict");
    // A test is no delivery.
    let tested = admin.post(&format!("{path}/test"), json!({})).await.ok(200);
    assert_eq!((&tested["delivered"], &tested["status"], &tested["answer"]), (&json!(true), &json!(200), &json!("ok")));
    assert_eq!(body(&bridge.post().await)["type"], "webhook.test");
    let trial = admin.post(&format!("{path}/test?validate_only=true"), json!({})).await.ok(200);
    assert_eq!((&trial["delivered"], &trial["status"]), (&json!(false), &Value::Null));
    admin.delete(&path).await.ok(204);
    admin.post(&format!("{path}/test"), json!({})).await.refused(409, "state_conflict");
    // Made by a key of another system, it shows its secret as well.
    let put = json!({"name": "Put", "url": bridge.url, "types": ["role.created"], "from_cursor": "ZTk5OTk5OTk5OTk"});
    let put = admin.put("/v1/webhooks/ext:erp:1", put).await.ok(201);
    assert!(put["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")));
    admin.post("/v1/roles", json!({"name": "Later", "permissions": []})).await.ok(201);
    assert_eq!(body(&bridge.post().await)["type"], "role.created", "nobody waits for what will never be");
    // By a public key, nobody but Farley can sign.
    let open = json!({"name": "Open", "url": bridge.url, "types": ["tag.created"], "signature": "v1a", "payload": "changes"});
    let open = admin.post("/v1/webhooks", open).await.ok(201);
    let public = open["public_key"].as_str().unwrap();
    let progress = admin.get(&format!("/v1/webhooks/{}/progress", open["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(progress["public_key"], public);
    let key = BASE64_STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
    let key = VerifyingKey::from_bytes(&key.try_into().unwrap()).unwrap();
    admin.create("tags", json!({"name": "VIP"})).await;
    let post = bridge.post().await;
    let signed = [post.header(signature::ID), ".", post.header(signature::TIMESTAMP), "."].concat();
    let signed = [signed.as_bytes(), &post.body].concat();
    let given = BASE64_STANDARD.decode(post.header(signature::SIGNATURE).strip_prefix("v1a,").unwrap()).unwrap();
    key.verify(&signed, &Signature::from_slice(&given).unwrap()).expect("the signature holds");
    drop(server);
}

/// An endpoint that refuses one record gets the others all the same, and that record in its order, once it takes it.
pub async fn what_fails_is_tried_again_and_holds_back_its_record_alone(db: TestDb) {
    let refused = Arc::new(AtomicU16::new(500));
    let answer = {
        let refused = Arc::clone(&refused);
        move |_: usize, told: &Value| {
            let is_bad = told["data"]["changes"]["name"]["to"].as_str().is_some_and(|name| name.starts_with("Bad"));
            (if is_bad { refused.load(Ordering::SeqCst) } else { 204 }, None, "")
        }
    };
    let mut bridge = Bridge::answering(answer).await;
    let (server, admin) = server(db).await;
    let hook = admin.create("webhooks", json!({"name": "ERP", "url": bridge.url, "object": "customer"})).await;
    let bad = admin.create("customers", json!({"name": "Bad 1"})).await;
    admin.patch(&format!("/v1/customers/{bad}"), json!({"name": "Good after all"})).await.ok(200);
    let good = admin.create("customers", json!({"name": "Good"})).await;
    let arrived = async |bridge: &mut Bridge| {
        let told = body(&bridge.post().await);
        (told["data"]["record_id"].as_str().unwrap().to_owned(), told["data"]["changes"]["name"]["to"].clone())
    };
    let mut first = [arrived(&mut bridge).await, arrived(&mut bridge).await];
    first.sort_by_key(|(record, _)| *record == good);
    assert_eq!(first, [(bad.clone(), json!("Bad 1")), (good, json!("Good"))]);
    // It is tried ten times; then it is failed, and what stands behind it is held back.
    let deliveries = format!("/v1/webhook-deliveries?webhook_id={hook}&record_id={bad}&sort=seq");
    for attempt in 1..=10 {
        let wanted = |read: &Value| {
            read["data"][0]["failures"] == attempt
                && read["data"][0]["attempts"].as_array().is_some_and(|all| all.len() == attempt)
        };
        let read = until(&admin, &deliveries, wanted).await;
        let pause = read["data"][0]["next_attempt_at"].as_str().and_then(Timestamp::parse);
        let earliest = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        match earliest.get(attempt - 1) {
            Some(seconds) => assert!(pause.is_some_and(|at| at > clock::now().plus_seconds(seconds - 30)), "{attempt}: {read}"),
            None => assert!(pause.is_none()),
        }
        if attempt < 10 {
            assert_eq!(read["data"][1]["state"], "waiting");
            hasten(&server, &hook).await;
            assert_eq!(arrived(&mut bridge).await, (bad.clone(), json!("Bad 1")), "the later one waits");
        }
    }
    let read = admin.get(&deliveries).await.ok(200);
    assert_eq!((&read["data"][0]["state"], &read["data"][1]["state"]), (&json!("failed"), &json!("parked")));
    admin.patch(&format!("/v1/customers/{bad}"), json!({"name": "Better"})).await.ok(200);
    let read = until(&admin, &deliveries, |read| read["data"].as_array().is_some_and(|all| all.len() == 3)).await;
    assert_eq!(read["data"][2]["state"], "parked");
    let progress = admin.get(&format!("/v1/webhooks/{hook}/progress")).await.ok(200);
    assert_eq!((&progress["failed"], &progress["parked"], &progress["failing_since"]).0, &json!(1));
    // Once it is taken, the rest follows in order.
    refused.store(200, Ordering::SeqCst);
    let delivery = json!({"delivery_id": read["data"][0]["id"]});
    admin.post(&format!("/v1/webhooks/{hook}/redeliver"), delivery).await.ok(200);
    for name in ["Bad 1", "Good after all", "Better"] {
        assert_eq!(arrived(&mut bridge).await, (bad.clone(), json!(name)));
    }
    let read = until(&admin, &deliveries, |read| read["data"][2]["state"] == "delivered").await;
    assert_eq!(read["data"][0]["attempts"].as_array().map(Vec::len), Some(11));
    let missing = json!({"delivery_id": hook});
    let faults = admin.post(&format!("/v1/webhooks/{hook}/redeliver"), missing).await.faults(422);
    assert_eq!(faults, pairs(&[("/delivery_id", "reference_not_found")]));
}

/// Paused it stands where it is; resumed it goes on; what was delivered can be had again.
pub async fn paused_they_lose_nothing_and_are_replayed(db: TestDb) {
    let mut bridge = Bridge::open(&[(200, "")]).await;
    let (_server, admin) = server(db).await;
    let begun = clock::now();
    let hook = json!({"name": "ERP", "url": bridge.url, "types": ["tag.created"]});
    let hook = admin.create("webhooks", hook).await;
    let path = format!("/v1/webhooks/{hook}");
    let name = async |bridge: &mut Bridge| body(&bridge.post().await)["data"]["changes"]["name"]["to"].clone();
    admin.create("tags", json!({"name": "one"})).await;
    assert_eq!(name(&mut bridge).await, "one");
    assert_eq!(admin.post(&format!("{path}/pause"), json!({})).await.ok(200)["status"], "paused");
    admin.post(&format!("{path}/pause"), json!({})).await.refused(409, "state_conflict");
    for tag in ["two", "three"] {
        admin.create("tags", json!({"name": tag})).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let progress = admin.get(&format!("{path}/progress")).await.ok(200);
    assert_eq!((&progress["is_behind"], &progress["waiting"]), (&json!(true), &json!(0)));
    assert_eq!(admin.post(&format!("{path}/resume"), json!({})).await.ok(200)["status"], "active");
    let mut rest = [name(&mut bridge).await, name(&mut bridge).await];
    rest.sort_by_key(Value::to_string);
    assert_eq!(rest, ["three", "two"]);
    // From a time on, and from a place in the feed; each of them again with the id that it had.
    let again = json!({"from": begun.to_string()});
    admin.post(&format!("{path}/replay"), again).await.ok(200);
    let mut all = [name(&mut bridge).await, name(&mut bridge).await, name(&mut bridge).await];
    all.sort_by_key(Value::to_string);
    assert_eq!(all, ["one", "three", "two"]);
    let events = admin.get("/v1/changes?types=tag.created").await.ok(200)["data"].clone();
    let page = admin.get("/v1/changes?types=tag.created&limit=2").await.ok(200);
    admin.post(&format!("{path}/replay"), json!({"from_cursor": page["page"]["next"]})).await.ok(200);
    let post = bridge.post().await;
    assert_eq!(post.header(signature::ID), events[2]["id"].as_str().unwrap());
    until(&admin, &format!("{path}/progress"), |progress| progress["delivered"] == 7).await;
    for (wrong, fault) in [
        (json!({}), ("/from", "required")),
        (json!({"from_cursor": "nonsense"}), ("/from_cursor", "invalid_cursor")),
        (json!({"from_cursor": page["page"]["next"], "from": begun.to_string()}), ("/from", "conflicting")),
    ] {
        assert_eq!(admin.post(&format!("{path}/replay"), wrong).await.faults(400), pairs(&[fault]));
    }
    // From the beginning of the feed, if it is told so.
    let whole = json!({"name": "Whole", "url": bridge.url, "types": ["tag.created"], "from_cursor": "ZTA"});
    admin.create("webhooks", whole).await;
    assert_eq!(body(&bridge.post().await)["data"]["id"], events[0]["id"]);
}

/// Nobody sends out what they may not read: not by their own webhook, nor by changing where another's goes.
pub async fn deliver_within_the_rights_of_whoever_set_them_up(db: TestDb) {
    let mut bridge = Bridge::open(&[(200, "")]).await;
    let (server, admin) = server(db).await;
    let permissions = [
        "customer create own",
        "customer read own",
        "webhook create all",
        "webhook read all",
        "webhook update all",
        "webhook_delivery read all",
    ];
    let rules = json!([{"object": "customer", "field": "website", "rule": "hidden"}]);
    let anna = server.user_who_may(&admin, "Anna", &permissions, rules, json!({})).await;
    let hook = json!({"name": "Hers", "url": bridge.url, "types": ["customer.created", "customer.updated"], "payload": "full"});
    let hook = anna.create("webhooks", hook).await;
    admin.create("customers", json!({"name": "Not hers", "website": "https://6666.example"})).await;
    let hers = json!({"name": "Hers", "website": "https://7777.example", "owner_id": anna.id});
    let hers = admin.create("customers", hers).await;
    let post = bridge.post().await;
    assert_eq!(body(&post)["data"]["record"]["name"], "Hers");
    assert!(!String::from_utf8_lossy(&post.body).contains("7777"), "hidden fields stay hidden");
    // The administrator's webhook, turned elsewhere by her, delivers what she may read.
    let other = Bridge::open(&[(200, "")]).await;
    let all = admin.create("webhooks", json!({"name": "All", "url": other.url, "types": ["customer.updated"]})).await;
    anna.patch(&format!("/v1/webhooks/{hook}"), json!({"name": "Renamed"})).await.ok(200);
    anna.patch(&format!("/v1/webhooks/{all}"), json!({"name": "Renamed too"})).await.ok(200);
    assert_eq!(admin.get(&format!("/v1/webhooks/{all}")).await.ok(200)["acting_user_id"], json!(admin.id));
    let turned = anna.patch(&format!("/v1/webhooks/{all}"), json!({"url": bridge.url})).await.ok(200);
    assert_eq!(turned["acting_user_id"], json!(anna.id));
    // A key may no more than its scopes.
    let key = json!({"name": "tags only", "scopes": ["tag:read", "webhook:create", "webhook:read"]});
    let key = admin.post("/v1/api-keys", key).await.ok(201);
    let keyed = server.anybody().with_token(key["key"].as_str().unwrap_or_default());
    keyed.post("/v1/webhooks", json!({"name": "x", "url": bridge.url, "object": "customer"})).await.refused(403, "forbidden");
    let wide = keyed.post("/v1/webhooks", json!({"name": "Keyed", "url": bridge.url})).await.ok(201);
    assert_eq!(wide["acting_api_key_id"], key["id"]);
    admin.create("tags", json!({"name": "by key"})).await;
    assert_eq!(body(&bridge.post().await)["type"], "tag.created");
    // Who is gone sends nothing: the webhook is disabled.
    let before = admin.get("/v1/notifications/unread-count").await.ok(200);
    admin.post(&format!("/v1/users/{}/deactivate", anna.id), json!({})).await.ok(204);
    admin.patch(&format!("/v1/customers/{hers}"), json!({"name": "Theirs"})).await.ok(200);
    let disabled = until(&admin, &format!("/v1/webhooks/{hook}"), |hook| hook["status"] == "disabled").await;
    assert!(disabled["disabled_reason"].as_str().is_some_and(|reason| reason.contains("no longer active")));
    assert_eq!(admin.get("/v1/notifications/unread-count").await.ok(200), before);
}

/// 410 ends it, and so do five days of failing; who set it up is told. `Retry-After` is heeded, and redirects are not followed.
pub async fn are_disabled_when_nobody_wants_them(db: TestDb) {
    let status = Arc::new(AtomicU16::new(410));
    let answer = {
        let status = Arc::clone(&status);
        move |_: usize, _: &Value| {
            let status = status.load(Ordering::SeqCst);
            (status, (status == 503).then_some(3_600), "x")
        }
    };
    let mut bridge = Bridge::answering(answer).await;
    let (server, admin) = server(db).await;
    let hook = admin.create("webhooks", json!({"name": "ERP", "url": bridge.url, "types": ["tag.created"]})).await;
    let path = format!("/v1/webhooks/{hook}");
    admin.create("tags", json!({"name": "one"})).await;
    let gone = until(&admin, &path, |hook| hook["status"] == "disabled").await;
    assert_eq!(gone["disabled_reason"], "The endpoint answered 410");
    bridge.post().await;
    let told = until(&admin, "/v1/notifications?kind=webhook_disabled", |page| page["data"][0]["record_id"] == json!(hook)).await;
    assert_eq!(told["data"][0]["title"], "ERP");
    let events = admin.get("/v1/changes?types=webhook.disabled").await.ok(200);
    assert_eq!(events["data"][0]["record_id"], json!(hook));
    // What waits is not lost.
    status.store(503, Ordering::SeqCst);
    admin.post(&format!("{path}/resume"), json!({})).await.ok(200);
    bridge.post().await;
    let progress = until(&admin, &format!("{path}/progress"), |progress| !progress["rests_until"].is_null()).await;
    let rests = Timestamp::parse(progress["rests_until"].as_str().unwrap()).unwrap();
    assert!(rests > clock::now().plus_seconds(3_500), "{rests}");
    assert_eq!(progress["waiting"], 1);
    // A redirect is no success.
    status.store(302, Ordering::SeqCst);
    admin.post(&format!("{path}/pause"), json!({})).await.ok(200);
    admin.post(&format!("{path}/resume"), json!({})).await.ok(200);
    bridge.post().await;
    until(&admin, "/v1/webhook-deliveries", |page| page["data"][0]["failures"] == 3).await;
    // Five days later.
    let tenant = tenant(&server).await;
    let id = hook.parse().expect("an id");
    let aged = server.app.store.write::<_, StoreError>(tenant, Origin::system(clock::now()), move |work| {
        let cursor = work.reader().webhook_cursor(id)?.expect("a cursor");
        let failing_since = cursor.failing_since.map(|since| since.plus_seconds(-5 * 24 * 3_600));
        work.note_webhook_health(id, failing_since, cursor.rests_until)
    });
    aged.await.expect("aged");
    hasten(&server, &hook).await;
    let failed = until(&admin, &path, |hook| hook["status"] == "disabled").await;
    assert_eq!(failed["disabled_reason"], "Every attempt of the last five days failed");
}

/// What there is not is refused at its place.
pub async fn are_judged_before_they_are_stored(db: TestDb) {
    let (_server, admin) = server(db).await;
    for (wrong, faults) in [
        (json!({"name": "x"}), vec![("/url", "required")]),
        (
            json!({"name": "x", "url": "https://a.example", "types": ["customer.created", "customer.eaten"]}),
            vec![("/types/1", "unknown_choice")],
        ),
        (json!({"name": "x", "url": "https://a.example", "object": "lorry"}), vec![("/object", "unknown_choice")]),
        (
            json!({"name": "x", "url": "https://a.example", "filter": {"field": "name", "value": "x"}}),
            vec![("/object", "required")],
        ),
        (json!({"name": "x", "url": "https://a.example", "from_cursor": "x"}), vec![("/from_cursor", "invalid_cursor")]),
        (
            json!({"name": "x", "url": "https://a.example", "object": "customer", "filter": {"field": "nme", "value": "x"}}),
            vec![("/filter/field", "unknown_member")],
        ),
        (json!({"name": "x", "url": "https://a.example", "status": "paused"}), vec![("/status", "read_only")]),
    ] {
        let answer = admin.post("/v1/webhooks", wrong.clone()).await;
        let status = answer.status;
        assert!(matches!(status, 400 | 422), "{wrong}: {}", answer.text);
        assert_eq!(answer.faults(status), pairs(&faults), "{wrong}");
    }
    // Where nobody may call, nothing is called; that is seen at once.
    for url in ["https://169.254.169.254/x", "http://8.8.8.8/", "https://[::ffff:a9fe:a9fe]/"] {
        let hook = admin.create("webhooks", json!({"name": "x", "url": url, "types": ["tag.created"]})).await;
        let tested = admin.post(&format!("/v1/webhooks/{hook}/test"), json!({})).await.ok(200);
        assert_eq!((&tested["delivered"], &tested["status"]), (&json!(false), &Value::Null), "{url}: {tested}");
        assert!(tested["error"].as_str().is_some_and(|error| error.contains("address")), "{tested}");
    }
}

/// While much waits, the log is the queue: nothing is lost, and each record's events arrive in order.
pub async fn a_long_backlog_stays_in_the_log(db: TestDb) {
    let mut bridge = Bridge::open(&[(200, "")]).await;
    let (_server, admin) = server(db).await;
    let hook = json!({"name": "ERP", "url": bridge.url, "object": "tag", "payload": "changes"});
    let hook = admin.create("webhooks", hook).await;
    let path = format!("/v1/webhooks/{hook}");
    admin.post(&format!("{path}/pause"), json!({})).await.ok(200);
    let rows: Vec<Value> = (0..600).map(|number| json!({"name": format!("tag {number}")})).collect();
    admin.post("/v1/tags/bulk", json!({"records": rows})).await.ok(200);
    let again: Vec<Value> = (0..600).map(|number| json!({"name": format!("tag {number}"), "color": "#d4380d"})).collect();
    admin.post("/v1/tags/bulk", json!({"upsert_by": "name", "records": again})).await.ok(200);
    admin.post(&format!("{path}/resume"), json!({})).await.ok(200);
    let mut seen: HashMap<String, Vec<i64>> = HashMap::new();
    for _ in 0..1_200 {
        let told = body(&bridge.post().await);
        let of = seen.entry(told["data"]["record_id"].as_str().unwrap().to_owned()).or_default();
        assert_eq!(told["prev_seq"].as_i64(), of.last().copied(), "in order, and none is missing");
        of.push(told["seq"].as_i64().unwrap());
    }
    assert_eq!((seen.len(), seen.values().all(|all| all.len() == 2)), (600, true));
    let progress = until(&admin, &format!("{path}/progress"), |progress| progress["delivered"] == 1_200).await;
    assert_eq!((&progress["waiting"], &progress["is_behind"]), (&json!(0), &json!(false)));
}
