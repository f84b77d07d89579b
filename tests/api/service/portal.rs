//! `/v1/portals` and `/v1/portal/{token}`: contacts and their own tickets.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, Request, pairs},
    mail::PostOffice,
    server::Server,
    support::TestDb,
};

struct Scene {
    server: Server,
    office: PostOffice,
    admin: Client,
    portal: String,
    path: String,
    acme: String,
    fang: String,
}

async fn scene(db: TestDb, more: Value) -> Scene {
    let office = PostOffice::open().await;
    let url = office.url.clone();
    let server = Server::start_with(db, |settings| settings.smtp_url = Some(url.into())).await;
    let admin = server.admin().await;
    let mailbox = admin.create("mailboxes", json!({"name": "Support", "address": "support@example.cn"})).await;
    let queue = admin.create("queues", json!({"name": "Portal"})).await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let fang = json!({"name": "王芳", "customer_id": acme, "emails": [{"value": "fang@example.cn"}]});
    let fang = admin.create("contacts", fang).await;
    let mut portal = json!({"name": "Acme 服务中心", "mailbox_id": mailbox, "queue_id": queue});
    portal.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let made = admin.post("/v1/portals", portal).await.ok(201);
    let path = format!("/v1/portal/{}", made["token"].as_str().unwrap());
    Scene { server, office, admin, portal: made["id"].as_str().unwrap().to_owned(), path, acme, fang }
}

impl Scene {
    /// The code that was mailed last.
    async fn code(&mut self) -> String {
        let post = self.office.post().await;
        assert_eq!(post.sender, "support@example.cn");
        let text = farley_domain::service::mail::read::read(&post.raw).text.unwrap_or_default();
        let code = text.lines().find(|line| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit()));
        code.unwrap_or_else(|| panic!("no code: {text}")).to_owned()
    }

    fn ask(&self, email: &str) -> Request {
        self.server.anybody().post(&format!("{}/codes", self.path), json!({"email": email}))
    }

    fn enter(&self, email: &str, code: &str) -> Request {
        self.server.anybody().post(&format!("{}/sessions", self.path), json!({"email": email, "code": code}))
    }

    async fn sign_in(&mut self, email: &str) -> (Client, Value) {
        self.ask(email).await.ok(204);
        let code = self.code().await;
        let tokens = self.enter(email, &code).await.ok(200);
        (self.server.anybody().with_token(tokens["access_token"].as_str().unwrap()), tokens)
    }
}

/// A code comes by mail, works once, and tells nobody who is known; sessions are good for the portal alone, and end at once.
pub async fn contacts_sign_in_with_a_code(db: TestDb) {
    let mut scene = scene(db, json!({"allowed_origins": ["https://service.example.cn"]})).await;
    let path = scene.path.clone();
    let shown = scene.server.anybody().get(&path).await.ok(200);
    assert_eq!(shown, json!({"name": "Acme 服务中心", "lets_close": true}));
    let (known, unknown) = (scene.ask("Fang@example.cn").await, scene.ask("nobody@example.cn").await);
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    let code = scene.code().await;
    let wrong = format!("{:08}", (code.parse::<u64>().unwrap() + 1) % 100_000_000);
    let refused = |answer: crate::client::Answer| answer.refused(401, "unauthorized")["detail"].clone();
    let (bad, nobody) = (scene.enter("fang@example.cn", &wrong).await, scene.enter("nobody@example.cn", &code).await);
    assert_eq!(refused(bad), refused(nobody));
    let tokens = scene.enter("fang@example.cn", &code).await.ok(200);
    scene.enter("fang@example.cn", &code).await.refused(401, "unauthorized");
    let fang = scene.server.anybody().with_token(tokens["access_token"].as_str().unwrap());
    let me = fang.get(&format!("{path}/me")).await.ok(200);
    assert_eq!(me, json!({"name": "王芳", "email": "fang@example.cn", "sees_organization": false}));

    // Neither kind of token is of any use where the other is meant.
    fang.get("/v1/tickets").await.refused(401, "unauthorized");
    fang.get("/v1/me").await.refused(401, "unauthorized");
    scene.admin.get(&format!("{path}/me")).await.refused(401, "unauthorized");
    let key = scene.admin.post("/v1/api-keys", json!({"name": "K", "scopes": ["*:*"]})).await.ok(201);
    let key = scene.server.anybody().with_token(key["key"].as_str().unwrap());
    key.get(&format!("{path}/tickets")).await.refused(401, "unauthorized");
    let other = scene.server.other_tenant("other").await;
    let theirs = other.post("/v1/portals", json!({"name": "Other"})).await.ok(201);
    fang.get(&format!("/v1/portal/{}/me", theirs["token"].as_str().unwrap())).await.refused(401, "unauthorized");
    let second = scene.admin.post("/v1/portals", json!({"name": "Second"})).await.ok(201);
    fang.get(&format!("/v1/portal/{}/me", second["token"].as_str().unwrap())).await.refused(401, "session_ended");
    let staff = json!({"refresh_token": scene.admin.tokens["refresh_token"]});
    scene.server.anybody().post(&format!("{path}/sessions/refresh"), staff).await.refused(401, "session_ended");
    let ours = json!({"refresh_token": tokens["refresh_token"]});
    scene.server.anybody().post("/v1/auth/refresh", ours.clone()).await.refused(401, "session_ended");

    // Browsers use it from the sites that it allows.
    let preflight = async |origin: &str| {
        let request = scene.server.anybody().request(Method::OPTIONS, &format!("{path}/tickets")).header("Origin", origin);
        request.header("Access-Control-Request-Method", "POST").header("Access-Control-Request-Headers", "authorization").await
    };
    let allowed = preflight("https://service.example.cn").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://service.example.cn");
    assert!(allowed.header("access-control-allow-headers").contains("authorization"));
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), "");
    fang.get(&format!("{path}/me")).header("Origin", "https://evil.example").await.refused(403, "forbidden");

    // The tokens rotate; signing out ends the session at once.
    let next = scene.server.anybody().post(&format!("{path}/sessions/refresh"), ours.clone()).await.ok(200);
    let again = scene.server.anybody().post(&format!("{path}/sessions/refresh"), ours).await.ok(200);
    assert_eq!(next["refresh_token"], again["refresh_token"]);
    let fang = scene.server.anybody().with_token(next["access_token"].as_str().unwrap());
    fang.post(&format!("{path}/sign-out"), json!({})).await.ok(204);
    fang.get(&format!("{path}/me")).await.refused(401, "session_ended");
    let gone = json!({"refresh_token": next["refresh_token"]});
    scene.server.anybody().post(&format!("{path}/sessions/refresh"), gone).await.refused(401, "session_ended");
    let events = scene.admin.get(&format!("/v1/contacts/{}/history", scene.fang)).await.ok(200);
    let events: Vec<Value> =
        events["data"].as_array().unwrap().iter().map(|event| json!([event["type"], event["actor"]])).collect();
    let actor = json!({"kind": "contact", "user_id": null, "api_key_id": null, "contact_id": scene.fang});
    assert_eq!(events[..2], [json!(["contact.signed_out", actor]), json!(["contact.signed_in", actor])]);

    // Whoever is barred, archived or no longer has the address is out at once, and gets no code.
    let contact = format!("/v1/contacts/{}", scene.fang);
    for (out, back) in [
        (json!({"portal_access": "none"}), json!({"portal_access": "own"})),
        (json!({"emails": [{"value": "other@example.cn"}]}), json!({"emails": [{"value": "fang@example.cn"}]})),
    ] {
        let (fang, _) = scene.sign_in("fang@example.cn").await;
        fang.get(&format!("{path}/me")).await.ok(200);
        scene.admin.patch(&contact, out).await.ok(200);
        fang.get(&format!("{path}/me")).await.refused(401, "session_ended");
        scene.admin.patch(&contact, back).await.ok(200);
    }
    let admin = scene.admin.clone();
    admin.delete(&contact).await.ok(204);
    // Asked for too often, it is slowed down; a wrong code often enough too.
    let late = scene.ask("fang@example.cn").await;
    assert!(late.status == 429 && !late.header("retry-after").is_empty(), "{}", late.text);
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(scene.enter("guess@example.cn", "00000000").await.status);
    }
    assert!(statuses.contains(&429) && statuses[0] == 401, "{statuses:?}");
    admin.patch(&format!("/v1/portals/{}", scene.portal), json!({"is_active": false})).await.ok(200);
    scene.server.anybody().get(&path).await.refused(404, "not_found");
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(!scene.office.has_more(), "nobody else got a code");
}

fn names(record: &Value) -> Vec<&str> {
    record.as_object().unwrap().keys().map(String::as_str).collect()
}

const TICKET: [&str; 14] = [
    "id",
    "number",
    "subject",
    "description",
    "kind",
    "status",
    "is_mine",
    "contact_name",
    "opened_at",
    "last_reply_at",
    "solved_at",
    "closed_at",
    "can_close",
    "can_reopen",
];

/// Contacts open, see, answer, close, open again and rate their tickets; what is the desk's own never leaves.
pub async fn contacts_follow_their_own_tickets(db: TestDb) {
    let mut scene = scene(db, json!({"shows_organization": true})).await;
    let (admin, path) = (scene.admin.clone(), scene.path.clone());
    admin.custom_field("margin", "text", json!({"object": "ticket"})).await;
    let tag = admin.create("tags", json!({"name": "SECRET tag"})).await;
    let open = admin.get("/v1/ticket-statuses?kind=open").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let renamed = json!({"name": "SECRET second level", "public_name": {"en": "Being worked on", "zh": "处理中"}});
    admin.patch(&format!("/v1/ticket-statuses/{open}"), renamed).await.ok(200);
    let (fang, _) = scene.sign_in("fang@example.cn").await;
    let tickets = format!("{path}/tickets");
    // What they ask, with a file, becomes a ticket.
    let file = fang.request(Method::POST, &format!("{path}/files?name=photo.txt")).body("text/plain", "a picture").await.ok(201);
    let asked =
        json!({"subject": "Printer", "description": "It does not start", "kind": "incident", "uploads": [file["upload"]]});
    let made = fang.post(&tickets, asked.clone()).header("Idempotency-Key", "1").await.ok(201);
    let again = fang.post(&tickets, asked.clone()).header("Idempotency-Key", "1").await.ok(201);
    assert_eq!(made["id"], again["id"]);
    let wrong = fang.post(&tickets, asked).await.faults(422);
    assert_eq!(wrong, pairs(&[("/uploads/0", "reference_not_found")]), "it has come with a message");
    let (id, inside) = (made["id"].as_str().unwrap(), format!("/v1/tickets/{}", made["id"].as_str().unwrap()));
    let ticket = admin.get(&inside).await.ok(200);
    assert_eq!((&ticket["channel"], &ticket["contact_id"]), (&json!("portal"), &json!(scene.fang)));
    assert_eq!((&ticket["customer_id"], &ticket["created_by"]), (&json!(scene.acme), &Value::Null));
    assert!(ticket["queue_id"].is_string() && ticket["waiting_since"].is_string());
    let created = admin.get(&format!("/v1/changes?types=ticket.created&record_id={id}&object=ticket")).await.ok(200);
    assert_eq!(created["data"][0]["actor"]["contact_id"], json!(scene.fang));
    assert_eq!(created["data"][0]["origin"], json!({"kind": "contact", "id": scene.fang}));
    // The desk works on it, with much that is its own.
    let own = json!({"status_id": open, "owner_id": admin.id, "priority": "urgent", "tag_ids": [tag], "follower_ids": [admin.id],
        "required_skills": ["SECRET skill"], "resolution": "SECRET resolution", "cause": "SECRET cause", "order_reference": "SECRET-1",
        "custom": {"margin": "SECRET margin"}});
    admin.patch(&inside, own).await.ok(200);
    admin.post(&format!("{inside}/messages"), json!({"kind": "note", "body": "SECRET note"})).await.ok(201);
    admin.post(&format!("{inside}/messages"), json!({"kind": "automatic", "body": "SECRET machine"})).await.ok(201);
    admin.post(&format!("{inside}/messages"), json!({"body": "We send a part"})).await.ok(201);
    let post = scene.office.post().await;
    assert_eq!(post.recipients, ["fang@example.cn"], "who writes in the portal is answered by mail too");
    let seen = fang.get(&format!("{tickets}/{id}")).await;
    let listed = fang.get(&format!("{tickets}?total=true&progress=open")).await;
    let said = fang.get(&format!("{tickets}/{id}/messages?total=true")).await;
    for answer in [&seen, &listed, &said] {
        assert!(!answer.text.contains("SECRET") && !answer.text.contains(&admin.id), "{}", answer.text);
    }
    let (seen, listed, said) = (seen.ok(200), listed.ok(200), said.ok(200));
    assert_eq!(names(&seen), [&TICKET[..], &["survey"]].concat());
    assert_eq!(names(&listed["data"][0]), names(&seen));
    assert_eq!(names(&seen["status"]), ["name", "kind"]);
    assert_eq!(
        (&seen["status"]["name"], &seen["can_close"], &seen["can_reopen"]),
        (&json!("Being worked on"), &json!(true), &json!(false))
    );
    assert_eq!((&listed["page"]["total"], &said["page"]["total"]), (&json!(1), &json!(2)));
    let bodies: Vec<Value> =
        said["data"].as_array().unwrap().iter().map(|one| json!([one["from"], one["author"], one["body"]])).collect();
    assert_eq!(bodies, [json!(["desk", "Acme 服务中心", "We send a part"]), json!(["me", "王芳", "It does not start"])]);
    for message in said["data"].as_array().unwrap() {
        assert_eq!(names(message), ["id", "from", "author", "body", "sent_at", "files"]);
    }
    let sent = &said["data"][1]["files"][0];
    assert_eq!(names(sent), ["id", "name", "media_type", "size_bytes"]);
    let content = format!("{path}/files/{}/content", sent["id"].as_str().unwrap());
    assert_eq!(fang.get(&content).await.text, "a picture");
    let internal = json!({"kind": "note", "body": "with a file", "file_ids": [admin.request(Method::POST, "/v1/files?name=s.txt").body("text/plain", "SECRET").await.ok(201)["id"]]});
    let internal = admin.post(&format!("{inside}/messages"), internal).await.ok(201)["file_ids"][0].clone();
    fang.get(&format!("{path}/files/{}/content", internal.as_str().unwrap())).await.refused(404, "not_found");

    // Somebody of the same organization sees it only if both the portal and their contact allow it; a stranger never.
    for (name, email, more) in [
        ("李伟", "li@example.cn", json!({"customer_id": scene.acme, "portal_access": "organization"})),
        ("赵云", "zhao@example.cn", json!({"customer_id": scene.acme})),
        ("Eve", "eve@example.org", json!({"portal_access": "organization"})),
    ] {
        let mut contact = json!({"name": name, "emails": [{"value": email}]});
        contact.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        admin.create("contacts", contact).await;
        let (visitor, _) = scene.sign_in(email).await;
        let one = visitor.get(&format!("{tickets}/{id}")).await;
        if email == "li@example.cn" {
            let one = one.ok(200);
            assert_eq!((&one["is_mine"], &one["contact_name"]), (&json!(false), &json!("王芳")));
            assert_eq!(visitor.get(&format!("{tickets}?scope=own&total=true")).await.ok(200)["page"]["total"], 0);
            assert_eq!(visitor.get(&content).await.text, "a picture");
            visitor.post(&format!("{tickets}/{id}/messages"), json!({"body": "We need it"})).await.ok(201);
            admin.patch(&format!("/v1/portals/{}", scene.portal), json!({"shows_organization": false})).await.ok(200);
            visitor.get(&format!("{tickets}/{id}")).await.refused(404, "not_found");
            admin.patch(&format!("/v1/portals/{}", scene.portal), json!({"shows_organization": true})).await.ok(200);
        } else {
            one.refused(404, "not_found");
            visitor.get(&format!("{tickets}/{id}/messages")).await.refused(404, "not_found");
            visitor.post(&format!("{tickets}/{id}/messages"), json!({"body": "x"})).await.refused(404, "not_found");
            visitor.post(&format!("{tickets}/{id}/close"), json!({})).await.refused(404, "not_found");
            visitor.get(&content).await.refused(404, "not_found");
            assert_eq!(visitor.get(&format!("{tickets}?total=true")).await.ok(200)["page"]["total"], 0);
            let stolen = fang.request(Method::POST, &format!("{path}/files?name=x.txt")).body("text/plain", "x").await.ok(201);
            let stolen = json!({"subject": "S", "description": "D", "uploads": [stolen["upload"]]});
            visitor.post(&tickets, stolen).await.faults(422);
        }
    }

    // They close it and open it again as far as the desk's rules go, and rate it when asked.
    let closed = fang.post(&format!("{tickets}/{id}/close"), json!({})).await.ok(200);
    assert_eq!((&closed["status"]["kind"], &closed["can_reopen"]), (&json!("closed"), &json!(true)));
    fang.post(&format!("{tickets}/{id}/close"), json!({})).await.refused(409, "state_conflict");
    let opened = fang.post(&format!("{tickets}/{id}/reopen"), json!({})).await.ok(200);
    assert_eq!(opened["status"]["kind"], "open");
    fang.post(&format!("{tickets}/{id}/rating"), json!({"score": 5})).await.refused(409, "state_conflict");
    admin.post(&format!("{inside}/solve"), json!({"resolution": "SECRET part"})).await.ok(200);
    let survey = json!({"name": "CSAT", "kind": "csat", "question": {"en": "Are you satisfied?"}, "sends_mail": false});
    let survey = admin.create("surveys", survey).await;
    admin.post(&format!("{inside}/ask-survey"), json!({"survey_id": survey})).await.ok(201);
    let asked = fang.get(&format!("{tickets}/{id}")).await.ok(200);
    assert_eq!((&asked["survey"]["question"], &asked["survey"]["takes_answer"]), (&json!("Are you satisfied?"), &json!(true)));
    assert_eq!(names(&asked["survey"]), ["kind", "question", "min", "max", "takes_answer", "score", "comment"]);
    let rated = fang.post(&format!("{tickets}/{id}/rating"), json!({"score": 4, "comment": "Good"})).await.ok(200);
    assert_eq!((&rated["survey"]["score"], &rated["survey"]["comment"]), (&json!(4), &json!("Good")));
    assert_eq!(admin.get(&inside).await.ok(200)["satisfaction_score"], 4);
    let answered = fang.post(&format!("{tickets}/{id}/messages"), json!({"body": "It is broken again"})).await.ok(201);
    assert_eq!(answered["from"], "me");
    assert_eq!(admin.get(&inside).await.ok(200)["status"], "open", "an answer opens it again");
    admin.patch(&format!("/v1/portals/{}", scene.portal), json!({"lets_close": false})).await.ok(200);
    fang.post(&format!("{tickets}/{id}/close"), json!({})).await.refused(409, "state_conflict");
    let problem = fang.post(&tickets, json!({"subject": "", "nonsense": 1})).await.faults(400);
    assert_eq!(problem, pairs(&[("/nonsense", "unknown_member"), ("/subject", "blank"), ("/description", "required")]));
}

/// Whoever has the address of a ticket that was merged gets to the one in which it goes on, if they may see both.
pub async fn merged_tickets_lead_to_the_one_they_went_into(db: TestDb) {
    let mut scene = scene(db, json!({})).await;
    let (admin, path) = (scene.admin.clone(), scene.path.clone());
    let zhao = json!({"name": "赵云", "emails": [{"value": "zhao@example.cn"}]});
    let zhao_id = admin.create("contacts", zhao).await;
    let (fang, _) = scene.sign_in("fang@example.cn").await;
    let (zhao, _) = scene.sign_in("zhao@example.cn").await;
    let tickets = format!("{path}/tickets");
    let mut own = Vec::new();
    for subject in ["A", "B", "C", "D"] {
        let made = fang.post(&tickets, json!({"subject": subject, "description": format!("about {subject}")})).await.ok(201);
        own.push(made["id"].as_str().unwrap().to_owned());
    }
    let theirs = admin.create("tickets", json!({"subject": "X", "contact_id": zhao_id})).await;
    let merge = async |from: &str, into: &str| {
        admin.post(&format!("/v1/tickets/{from}/merge"), json!({"into": into})).await.ok(200)["merge_id"].clone()
    };
    let first = merge(&own[0], &own[1]).await;
    let second = merge(&own[1], &own[2]).await;
    for id in &own[..3] {
        let shown = fang.get(&format!("{tickets}/{id}")).await.ok(200);
        assert_eq!((&shown["id"], &shown["subject"]), (&json!(own[2]), &json!("C")));
        let said = fang.get(&format!("{tickets}/{id}/messages?total=true")).await.ok(200);
        assert_eq!(said["page"]["total"], 3, "what was written to all three");
    }
    assert_eq!(fang.get(&format!("{tickets}?total=true")).await.ok(200)["page"]["total"], 2);
    let written = fang.post(&format!("{tickets}/{}/messages", own[0]), json!({"body": "One thing more"})).await.ok(201);
    let message = admin.get(&format!("/v1/tickets/{}/messages/{}", own[2], written["id"].as_str().unwrap())).await.ok(200);
    assert_eq!((&message["ticket_id"], &message["body"]), (&json!(own[2]), &json!("One thing more")));
    // What changes the ticket itself is not done to another unseen.
    for (action, body) in [("close", json!({})), ("reopen", json!({})), ("rating", json!({"score": 5}))] {
        let refused = fang.post(&format!("{tickets}/{}/{action}", own[0]), body).await.refused(409, "state_conflict");
        assert_eq!(refused["merged_into_id"], own[2], "{action}");
    }
    assert_eq!(admin.get(&format!("/v1/tickets/{}", own[2])).await.ok(200)["status"], "new");
    // Neither who sees only the one that was merged nor who sees only the other gets from one to the other.
    merge(&own[3], &theirs).await;
    for visitor in [&fang, &zhao] {
        visitor.get(&format!("{tickets}/{}", own[3])).await.refused(404, "not_found");
        visitor.get(&format!("{tickets}/{}/messages", own[3])).await.refused(404, "not_found");
        visitor.post(&format!("{tickets}/{}/messages", own[3]), json!({"body": "x"})).await.refused(404, "not_found");
    }
    zhao.get(&format!("{tickets}/{}", own[0])).await.refused(404, "not_found");
    assert_eq!(zhao.get(&format!("{tickets}/{theirs}")).await.ok(200)["subject"], "X");
    // Parted again, each is itself.
    for merge in [second, first] {
        let path = format!("/v1/ticket-merges/{}/undo", merge.as_str().unwrap());
        admin.post(&path, json!({"leave_later": true})).await.ok(200);
    }
    assert_eq!(fang.get(&format!("{tickets}/{}", own[0])).await.ok(200)["subject"], "A");
    fang.post(&format!("{tickets}/{}/close", own[0]), json!({})).await.ok(200);
}

/// Orders are seen by who placed them, or by their whole organization, as they are: no drafts, no notes, nobody else's.
pub async fn contacts_see_their_orders(db: TestDb) {
    let mut scene = scene(db, json!({"shows_organization": true})).await;
    let yuan = |amount: i64| json!({"amount": amount, "currency": "CNY"});
    let (acme, fang, path) = (scene.acme.clone(), scene.fang.clone(), scene.path.clone());
    let lines = json!([{"name": "GTX Pro", "unit": "台", "quantity": 2, "unit_price": yuan(500), "description": "internal"}]);
    let own =
        json!({"customer_id": acme, "contact_id": fang, "ordered_on": "2026-03-01", "lines": lines, "description": "internal"});
    let own = scene.admin.create("orders", own).await;
    let below = format!("/v1/orders/{own}");
    scene
        .admin
        .post(&format!("{below}/payments"), json!({"amount": yuan(600), "due_on": "2026-04-01", "paid_on": "2026-03-20"}))
        .await
        .ok(201);
    scene.admin.post(&format!("{below}/payments"), json!({"amount": yuan(400), "due_on": "2026-05-01"})).await.ok(201);
    scene
        .admin
        .post(&format!("{below}/refunds"), json!({"amount": yuan(100), "refunded_on": "2026-04-10", "reason": "包装破损"}))
        .await
        .ok(201);
    let draft = json!({"customer_id": acme, "contact_id": fang, "status": "draft", "amount": yuan(1)});
    let draft = scene.admin.create("orders", draft).await;
    let firm = scene.admin.create("orders", json!({"customer_id": acme, "ordered_on": "2026-02-01", "amount": yuan(7)})).await;
    let other = scene.admin.create("customers", json!({"name": "Other"})).await;
    let other = scene.admin.create("orders", json!({"customer_id": other, "amount": yuan(9)})).await;
    let (fang_client, _) = scene.sign_in("fang@example.cn").await;
    let orders = format!("{path}/orders");
    assert_eq!(fang_client.list(&format!("{orders}?total=true"), "id").await, std::slice::from_ref(&own));
    let shown = fang_client.get(&format!("{orders}/{own}")).await.ok(200);
    let number = shown["number"].clone();
    let whole = json!({
        "id": own, "number": number, "ordered_on": "2026-03-01", "status": "confirmed", "is_mine": true, "amount": yuan(1_000),
        "tax_amount": yuan(0), "paid_amount": yuan(600), "refunded_amount": yuan(100), "outstanding_amount": yuan(400),
        "payment_status": "partly_refunded", "next_due_on": "2026-05-01",
        "lines": [{"name": "GTX Pro", "quantity": 2.0, "unit": "台", "unit_price": yuan(500), "discount": 0.0, "tax_rate": 0.0, "amount": yuan(1_000)}],
        "payments": [
            {"amount": yuan(600), "due_on": "2026-04-01", "paid_on": "2026-03-20", "method": null},
            {"amount": yuan(400), "due_on": "2026-05-01", "paid_on": null, "method": null},
        ],
        "refunds": [{"amount": yuan(100), "refunded_on": "2026-04-10", "reason": "包装破损"}],
    });
    assert_eq!(shown, whole);
    for hidden in [&draft, &firm, &other] {
        fang_client.get(&format!("{orders}/{hidden}")).await.refused(404, "not_found");
    }
    // Whoever may see the organization's tickets sees its orders too.
    scene.admin.patch(&format!("/v1/contacts/{fang}"), json!({"portal_access": "organization"})).await.ok(200);
    assert_eq!(fang_client.list(&orders, "id").await, [own.clone(), firm.clone()]);
    assert_eq!(fang_client.list(&format!("{orders}?scope=own"), "id").await, std::slice::from_ref(&own));
    assert_eq!(fang_client.get(&format!("{orders}/{firm}")).await.ok(200)["is_mine"], false);
    let first = fang_client.get(&format!("{orders}?limit=1")).await.ok(200);
    let next = first["page"]["next"].as_str().unwrap();
    assert_eq!(fang_client.list(&format!("{orders}?limit=1&cursor={next}"), "id").await, std::slice::from_ref(&firm));
    scene.server.anybody().get(&orders).await.refused(401, "unauthorized");
}
