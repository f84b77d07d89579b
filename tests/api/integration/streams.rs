//! `/v1/changes/stream` and its tickets: what listeners hear, in which order, within whose rights, and how it ends.

use std::collections::BTreeSet;

use farley::{access::tokens, http::clock};
use farley_persistence::{Origin, StoreError, StreamTicketRow};
use serde_json::{Value, json};

use crate::{
    app::start::eventually,
    client::{Client, Stream, pairs},
    server::Server,
    support::TestDb,
};

const CHANGES: &str = "/v1/changes/stream";

async fn next(stream: &mut Stream) -> Value {
    let event = stream.event().await;
    assert_eq!(event.kind, "change", "{}", event.data);
    let mut shown: Value = serde_json::from_str(&event.data).expect("JSON");
    shown["cursor"] = json!(event.id);
    shown
}

async fn ticket(client: &Client) -> String {
    let made = client.post("/v1/changes/stream-tickets", json!({})).await.ok(201);
    made["ticket"].as_str().expect("a ticket").to_owned()
}

/// The events of the feed after a cursor, all of them.
async fn feed(client: &Client, cursor: &str) -> Vec<Value> {
    let (mut events, mut cursor) = (Vec::new(), cursor.to_owned());
    loop {
        let page = client.get(&format!("/v1/changes?limit=200&cursor={cursor}")).await.ok(200);
        events.extend(page["data"].as_array().expect("events").iter().cloned());
        cursor = page["page"]["next"].as_str().expect("a cursor").to_owned();
        if page["page"]["has_more"] == false {
            return events;
        }
    }
}

pub async fn tell_what_the_feed_tells(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.create("customers", json!({"name": "Before"})).await;
    let mut stream = admin.stream(CHANGES, None).await;
    let ready = stream.event().await;
    let begun = serde_json::from_str::<Value>(&ready.data).expect("JSON")["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!((ready.kind.as_str(), &ready.id), ("ready", &begun));
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let first = next(&mut stream).await;
    assert_eq!((&first["type"], &first["record_id"]), (&json!("customer.created"), &json!(acme)));
    admin.patch(&format!("/v1/customers/{acme}"), json!({"name": "Acme AG"})).await.ok(200);
    admin.delete(&format!("/v1/customers/{acme}")).await.ok(204);
    let mut heard = vec![first];
    heard.push(next(&mut stream).await);
    heard.push(next(&mut stream).await);
    drop(stream);
    // What comes meanwhile is there for whoever comes back, by its own id, by a cursor, and by the id rather than the cursor.
    admin.create("contacts", json!({"name": "Li"})).await;
    let all = feed(&admin, &begun).await;
    let behind = heard[0]["cursor"].as_str().expect("an id").to_owned();
    for (path, last, rest) in [
        (CHANGES.to_owned(), Some(&behind), 1),
        (format!("{CHANGES}?cursor={begun}"), None, 0),
        (format!("{CHANGES}?cursor=now"), Some(&behind), 1),
    ] {
        let mut stream = admin.stream(&path, last.map(String::as_str)).await;
        stream.event().await;
        for wanted in &all[rest..] {
            let mut shown = next(&mut stream).await;
            shown.as_object_mut().expect("an object").remove("cursor");
            assert_eq!(&shown, wanted, "{path}");
        }
    }
    // Only what is asked for.
    let filtered = format!("{CHANGES}?cursor={begun}&object=customers&types=customer.updated,customer.archived");
    let mut stream = admin.stream(&filtered, None).await;
    stream.event().await;
    assert_eq!(next(&mut stream).await["type"], "customer.updated");
    assert_eq!(next(&mut stream).await["type"], "customer.archived");
    let wrong = admin.get(&format!("{CHANGES}?types=customer.eaten&object=cheese&colour=red")).await;
    assert_eq!(wrong.faults(400), pairs(&[("colour", "unknown_parameter")]));
    let wrong = admin.get(&format!("{CHANGES}?types=customer.eaten&object=cheese")).await;
    assert_eq!(wrong.faults(400), pairs(&[("object", "unknown_choice"), ("types", "unknown_choice")]));
}

pub async fn miss_nothing_of_many_writers(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut stream = admin.stream(CHANGES, None).await;
    let begun = stream.event().await.id;
    let writing = (0..8).map(|writer| {
        let admin = admin.clone();
        async move {
            for number in 0..40 {
                admin.create("customers", json!({"name": format!("{writer} {number}")})).await;
            }
            // More than a listener takes at once.
            let many: Vec<Value> = (0..100).map(|number| json!({"name": format!("{writer} {number} at once")})).collect();
            admin.post("/v1/customers/bulk", json!({"records": many})).await.ok(200);
        }
    });
    futures_util::future::join_all(writing).await;
    let wanted: Vec<Value> = feed(&admin, &begun).await.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(wanted.len(), 8 * 140);
    let mut heard = Vec::new();
    while heard.len() < wanted.len() {
        heard.push(next(&mut stream).await["id"].clone());
    }
    assert_eq!(heard, wanted);
    // One who comes late hears the same of the log itself.
    let mut late = admin.stream(&format!("{CHANGES}?cursor={begun}"), None).await;
    late.event().await;
    for wanted in &wanted {
        assert_eq!(&next(&mut late).await["id"], wanted);
    }
}

pub async fn show_what_their_caller_may_know(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let rules = json!([{"object": "customer", "field": "industry", "rule": "hidden"}]);
    let may = ["customer read own", "customer create own", "customer update own"];
    let rep = server.user_who_may(&admin, "Rep", &may, rules, json!({})).await;
    let elsewhere = server.other_tenant("elsewhere").await;
    let mut stream = rep.stream(CHANGES, None).await;
    stream.event().await;
    admin.create("customers", json!({"name": "Not theirs"})).await;
    elsewhere.create("customers", json!({"name": "Another company's"})).await;
    let theirs = rep.create("customers", json!({"name": "Theirs"})).await;
    let shown = next(&mut stream).await;
    assert_eq!((&shown["record_id"], shown["changes"]["name"]["to"].as_str()), (&json!(theirs), Some("Theirs")));
    let change = json!({"industry": "secret", "name": "Theirs still"});
    admin.patch(&format!("/v1/customers/{theirs}"), change).await.ok(200);
    let shown = next(&mut stream).await;
    assert_eq!(shown["changes"], json!({"name": {"from": "Theirs", "to": "Theirs still"}}));
    // What they may do changes while they listen.
    let role = admin.get(&format!("/v1/users/{}", rep.id)).await.ok(200)["role_ids"][0].as_str().expect("a role").to_owned();
    let all = json!([{"object": "customer", "action": "read", "scope": "all"}]);
    admin.patch(&format!("/v1/roles/{role}"), json!({"permissions": all, "field_rules": []})).await.ok(200);
    let other = admin.create("customers", json!({"name": "Theirs to read now", "industry": "x"})).await;
    let shown = next(&mut stream).await;
    assert_eq!((&shown["record_id"], &shown["changes"]["industry"]["to"]), (&json!(other), &json!("x")));
    // And whether they are anybody at all.
    admin.post(&format!("/v1/users/{}/deactivate", rep.id), json!({})).await.ok(204);
    let last = stream.event().await;
    assert_eq!((last.kind.as_str(), last.data.as_str()), ("reauth", "{\"code\":\"session_ended\"}"));
    assert!(stream.ends().await);
}

pub async fn are_opened_by_a_ticket_each(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let anybody = server.anybody();
    let first = ticket(&admin).await;
    // What is refused spends none.
    let wrong = anybody.get(&format!("{CHANGES}?ticket={first}&colour=red")).await;
    assert_eq!(wrong.faults(400), pairs(&[("colour", "unknown_parameter")]));
    let mut stream = anybody.stream(&format!("{CHANGES}?ticket={first}"), None).await;
    stream.event().await;
    anybody.get(&format!("{CHANGES}?ticket={first}")).await.refused(401, "unauthorized");
    anybody.get(&format!("{CHANGES}?ticket=ft_guessed")).await.refused(401, "unauthorized");
    anybody.get(CHANGES).await.refused(401, "unauthorized");
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    assert_eq!(next(&mut stream).await["record_id"], json!(acme));
    let second = ticket(&admin).await;
    let mut notices = anybody.stream(&format!("/v1/notifications/stream?ticket={second}"), None).await;
    assert_eq!(notices.event().await.kind, "ready");
    // A key's tickets have the rights of the key.
    let key = json!({"name": "Listener", "scopes": ["contact:read"]});
    let key = admin.post("/v1/api-keys", key).await.ok(201);
    let listener = anybody.with_token(key["key"].as_str().expect("a key"));
    let third = ticket(&listener).await;
    let mut contacts = anybody.stream(&format!("{CHANGES}?ticket={third}"), None).await;
    contacts.event().await;
    admin.create("customers", json!({"name": "Not for the key"})).await;
    let li = admin.create("contacts", json!({"name": "Li"})).await;
    assert_eq!(next(&mut contacts).await["record_id"], json!(li));
    admin.delete(&format!("/v1/api-keys/{}", key["id"].as_str().expect("an id"))).await.ok(204);
    assert_eq!(contacts.event().await.kind, "reauth");
    // Too late.
    let (tenant, now) = (admin.get("/v1/me").await.ok(200)["tenant"]["id"].clone(), clock::now());
    let tenant = tenant.as_str().expect("a tenant").parse().expect("an id");
    let row = StreamTicketRow {
        tenant_id: tenant,
        token_hash: tokens::secret_hash("ft_late"),
        session_id: Some(clock::new_id()),
        key_hash: None,
        holds_until: None,
        expires_at: now,
    };
    let written =
        server.app.store.write::<_, StoreError>(tokens::NO_TENANT, Origin::system(now), move |work| work.add_stream_ticket(&row));
    written.await.expect("it is kept");
    anybody.get(&format!("{CHANGES}?ticket=ft_late")).await.refused(401, "unauthorized");
    // With the session ends what its tickets have opened.
    let user = server.user(&admin, "Leaver", "sales_representative", json!({})).await;
    let fourth = ticket(&user).await;
    let mut stream = anybody.stream(&format!("{CHANGES}?ticket={fourth}"), None).await;
    stream.event().await;
    anybody.post("/v1/auth/logout", json!({"refresh_token": user.tokens["refresh_token"]})).await.ok(204);
    assert_eq!(stream.event().await.kind, "reauth");
}

pub async fn begin_anew_where_there_is_no_such_place(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let end = admin.get("/v1/changes?cursor=now").await.ok(200)["page"]["next"].as_str().expect("a cursor").to_owned();
    assert!(!end.is_empty());
    let beyond = farley::records::events::cursor(1_000_000_000);
    for (path, last) in [
        (format!("{CHANGES}?cursor=nonsense"), None),
        (format!("{CHANGES}?cursor={beyond}"), None),
        (CHANGES.to_owned(), Some("nonsense!")),
        ("/v1/notifications/stream".to_owned(), Some(beyond.as_str())),
    ] {
        let mut stream = admin.stream(&path, last).await;
        let event = stream.event().await;
        assert_eq!((event.kind.as_str(), event.data.as_str()), ("reset", "{\"code\":\"cursor_expired\"}"), "{path}");
        assert!(stream.ends().await, "{path}");
    }
}

pub async fn are_not_too_many(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut stream = admin.stream(CHANGES, None).await;
        stream.event().await;
        open.push(stream);
    }
    admin.get(CHANGES).await.refused(429, "too_many_streams");
    // Another's are counted apart.
    let anna = server.user(&admin, "Anna", "administrator", json!({})).await;
    anna.stream(CHANGES, None).await.event().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let mut heard = BTreeSet::new();
    for stream in &mut open {
        loop {
            let event = next(stream).await;
            if event["record_id"] == json!(acme) {
                heard.insert(event["cursor"].to_string());
                break;
            }
        }
    }
    assert_eq!(heard.len(), 1);
    drop(open);
    eventually(|| async {
        let answer = admin.request(reqwest::Method::GET, CHANGES).opened().await;
        answer == 200
    })
    .await;
}

pub async fn hear_other_nodes(db: TestDb) {
    let first = Server::start(db.clone()).await;
    let second = Server::start(db).await;
    let admin = first.admin().await;
    let there = second.anybody().with_token(admin.token());
    let mut stream = there.stream(CHANGES, None).await;
    stream.event().await;
    for number in 0..20 {
        let made = admin.create("customers", json!({"name": format!("{number}")})).await;
        assert_eq!(next(&mut stream).await["record_id"], json!(made));
    }
}
