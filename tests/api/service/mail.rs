//! `POST /v1/channels/email/inbound`: where a mail goes, what is kept of it, and what machines write.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, Request, pairs},
    server::Server,
    support::TestDb,
};

const PATH: &str = "/v1/channels/email/inbound";

fn mail(client: &Client, raw: impl Into<Vec<u8>>) -> Request {
    client.request(Method::POST, PATH).body("message/rfc822", raw.into())
}

/// A mail of somebody to the desk.
fn written(from: &str, id: &str, headers: &str, text: &str) -> String {
    format!(
        "From: {from}\r\nTo: support@example.cn\r\nMessage-ID: <{id}>\r\nSubject: Printer\r\n{headers}\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
}

async fn desk(db: TestDb) -> (Server, Client, String) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let queue = admin.create("queues", json!({"name": "Hardware"})).await;
    admin.create("mailboxes", json!({"name": "Support", "address": "Support@Example.cn", "queue_id": queue})).await;
    (server, admin, queue)
}

async fn message(client: &Client, taken: &Value) -> Value {
    let (ticket, message) = (taken["ticket_id"].as_str().unwrap(), taken["message_id"].as_str().unwrap());
    client.get(&format!("/v1/tickets/{ticket}/messages/{message}")).await.ok(200)
}

async fn ticket(client: &Client, taken: &Value) -> Value {
    client.get(&format!("/v1/tickets/{}", taken["ticket_id"].as_str().unwrap())).await.ok(200)
}

/// The first mail opens a ticket, an answer to it by its ids goes there, whatever its subject; the same mail twice is one message.
pub async fn a_conversation_is_one_ticket(db: TestDb) {
    let (_server, admin, queue) = desk(db).await;
    let first = mail(&admin, written("王芳 <fang@example.cn>", "a@x", "", "打印机无法开机")).await.ok(202);
    assert_eq!((&first["matched_by"], &first["automatic"], &first["loop"]), (&json!("none"), &json!(false), &json!(false)));
    let opened = ticket(&admin, &first).await;
    let told = ["subject", "description", "channel", "queue_id", "status"].map(|name| opened[name].clone());
    assert_eq!(told, [json!("Printer"), json!("打印机无法开机"), json!("email"), json!(queue), json!("new")]);
    let contact = admin.get(&format!("/v1/contacts/{}", opened["contact_id"].as_str().unwrap())).await.ok(200);
    assert_eq!((&contact["name"], &contact["emails"][0]["value"]), (&json!("王芳"), &json!("fang@example.cn")));
    // Delivered again, it is answered as the first time, and changes nothing.
    let again = mail(&admin, written("王芳 <fang@example.cn>", "a@x", "", "打印机无法开机")).await.ok(200);
    assert_eq!(again, first);
    // Another subject, another case of the address, the id somewhere in the middle.
    let headers = "References: <0@x> <a@x> <lost@y>\r\nIn-Reply-To: <lost@y>\r\nSubject: AW: 回复：hello\r\n";
    let answer = mail(&admin, written("FANG@EXAMPLE.CN", "b@x", headers, "急！")).await.ok(202);
    assert_eq!((&answer["ticket_id"], &answer["matched_by"]), (&first["ticket_id"], &json!("references")));
    assert_eq!(answer["from_stranger"], false);
    let kept = message(&admin, &answer).await;
    assert_eq!((&kept["kind"], &kept["contact_id"]), (&json!("incoming"), &opened["contact_id"]));
    // The same subject without the ids is another matter.
    let other = mail(&admin, written("fang@example.cn", "c@x", "", "Another printer")).await.ok(202);
    assert_ne!(other["ticket_id"], first["ticket_id"]);
    assert_eq!(ticket(&admin, &other).await["contact_id"], opened["contact_id"]);
    assert_eq!(admin.list("/v1/contacts", "name").await.len(), 1);
}

/// Raw message and attachments are files; characters are right whatever they are called.
pub async fn nothing_of_a_mail_is_lost(db: TestDb) {
    let (_server, admin, _) = desk(db).await;
    let (gbk, ..) = encoding_rs::GB18030.encode("您好，打印机无法开机。");
    let mut raw = b"From: a@b.cn\r\nTo: support@example.cn\r\nSubject: ".to_vec();
    raw.extend_from_slice(&encoding_rs::GB18030.encode("打印机").0);
    raw.extend_from_slice(b"\r\nMessage-ID: <gbk@x>\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
    raw.extend_from_slice(&gbk);
    raw.extend_from_slice(b"\r\n--m\r\nContent-Type: application/pdf; name=\"=?gb2312?B?sai827WlLnBkZg==?=\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--m--\r\n");
    let taken = mail(&admin, raw.clone()).await.ok(202);
    let opened = ticket(&admin, &taken).await;
    assert_eq!(
        (&opened["subject"], opened["description"].as_str().unwrap().trim()),
        (&json!("打印机"), "您好，打印机无法开机。")
    );
    let files = admin.get(&format!("/v1/files?record_id={}&sort=name", taken["message_id"].as_str().unwrap())).await.ok(200);
    let names: Vec<&str> = files["data"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["message.eml", "报价单.pdf"]);
    let path = format!("/v1/files/{}/content", files["data"][0]["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).raw().await.1, raw);
}

/// What a mail says itself is told from what it quotes, and its HTML does nothing; every word of it stays.
pub async fn a_mail_says_what_is_new_in_it(db: TestDb) {
    let (_server, admin, _) = desk(db).await;
    let raw = "From: fang@example.cn\r\nTo: Support <support@example.cn>, Sales <sales@example.org>\r\nCc: boss@example.cn, BOSS@example.cn\r\n\
        Subject: Re: Printer\r\nMessage-ID: <h@x>\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
        <html><head><style>p{position:fixed}</style></head><body onload=\"x()\"><p style=\"position:fixed\">还是不行 <img src=\"cid:pic%40x\" alt=\"照片\">\
        <img src=\"https://spy.example/pixel\"></p><script>alert(1)</script><a href=\"javascript:alert(1)\">x</a><form action=\"https://spy.example\"><input></form>\
        <div>王芳 &lt;a@b.cn&gt; 于2026年3月1日周日 08:00写道：</div><blockquote>您好</blockquote></body></html>\r\n--r\r\nContent-Type: image/png; name=pic.png\r\n\
        Content-ID: <pic@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--r--\r\n";
    let taken = mail(&admin, raw).await.ok(202);
    let kept = message(&admin, &taken).await;
    let body = "还是不行 照片\n\nx\n王芳 <a@b.cn> 于2026年3月1日周日 08:00写道：\n\n> 您好";
    assert_eq!((&kept["body"], &kept["reply_text"]), (&json!(body), &json!("还是不行 照片\n\nx")));
    let quoted_from = usize::try_from(kept["quoted_from"].as_u64().unwrap()).unwrap();
    assert!(body.chars().skip(quoted_from).collect::<String>().starts_with("王芳"), "{quoted_from}");
    assert_eq!(kept["to_addresses"], json!(["support@example.cn", "sales@example.org"]));
    assert_eq!(kept["cc_addresses"], json!(["boss@example.cn"]));
    let html = kept["body_html"].as_str().unwrap();
    let picture = format!("<img src=\"/v1/files/{}/content\" alt=\"照片\">", kept["file_ids"][1].as_str().unwrap());
    assert!(html.contains(&picture), "{html}");
    for acts in ["script", "style", "onload", "javascript", "form", "spy.example", "cid:"] {
        assert!(!html.contains(acts), "{acts}: {html}");
    }
    // Where nothing would be left, or there is no HTML, all of it is the reply.
    let quoting = mail(&admin, written("fang@example.cn", "q@x", "In-Reply-To: <h@x>\r\n", "> only\r\n> quoted")).await.ok(202);
    let quoting = message(&admin, &quoting).await;
    let told = ["body_html", "reply_text", "quoted_from"].map(|name| quoting[name].clone());
    assert_eq!(told, [Value::Null, json!("> only\n> quoted"), Value::Null]);
}

/// What machines write neither waits for a reply nor opens anything again, and a report marks what it reports on.
pub async fn machines_are_told_from_people(db: TestDb) {
    let (_server, admin, _) = desk(db).await;
    let first = mail(&admin, written("fang@example.cn", "a@x", "", "Help")).await.ok(202);
    let path = format!("/v1/tickets/{}", first["ticket_id"].as_str().unwrap());
    let reply = json!({"body": "Which one?", "channel_message_id": "out-1@example.cn"});
    let reply = admin.post(&format!("{path}/messages"), reply).await.ok(201);
    admin.post(&format!("{path}/solve"), json!({"resolution": "Done"})).await.ok(200);
    let away = written("fang@example.cn", "ooo@x", "In-Reply-To: <out-1@example.cn>\r\nAuto-Submitted: auto-replied\r\n", "Away");
    let away = mail(&admin, away).await.ok(202);
    assert_eq!((&away["automatic"], &away["ticket_id"]), (&json!(true), &first["ticket_id"]));
    assert_eq!(message(&admin, &away).await["kind"], "automatic");
    let report = "From: MAILER-DAEMON@mx.example.cn\r\nTo: support@example.cn\r\nMessage-ID: <dsn@mx>\r\nContent-Type: multipart/report; \
        report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n\
        Final-Recipient: rfc822; fang@example.cn\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n--b\r\n\
        Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <out-1@example.cn>\r\n\r\n--b--\r\n";
    let report = mail(&admin, report).await.ok(202);
    assert_eq!((&report["matched_by"], &report["ticket_id"]), (&json!("report"), &first["ticket_id"]));
    let bounced = admin.get(&format!("{path}/messages/{}", reply["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(bounced["bounce_reason"], "fang@example.cn: 5.1.1 550 no such user");
    assert!(bounced["bounced_at"].is_string());
    let solved = admin.get(&path).await.ok(200);
    assert_eq!((&solved["status"], &solved["waiting_since"]), (&json!("solved"), &Value::Null));
    // A person's answer opens it again.
    mail(&admin, written("fang@example.cn", "b@x", "In-Reply-To: <out-1@example.cn>\r\n", "No")).await.ok(202);
    assert_eq!(admin.get(&path).await.ok(200)["status"], "open");
    // Nobody became a contact by a machine's mail.
    assert_eq!(admin.list("/v1/contacts", "name").await, ["fang"]);
}

/// Who had no part in a conversation is marked, and an agent's mail is no customer's.
pub async fn strangers_are_marked_and_agents_known(db: TestDb) {
    let (_server, admin, _) = desk(db).await;
    let first = mail(&admin, written("fang@example.cn", "a@x", "Cc: boss@example.cn\r\n", "Help")).await.ok(202);
    let answering = |from: &str, id: &str| mail(&admin, written(from, id, "In-Reply-To: <a@x>\r\n", "Me too"));
    let copied = answering("boss@example.cn", "b@x").await.ok(202);
    assert_eq!((&copied["ticket_id"], &copied["from_stranger"]), (&first["ticket_id"], &json!(false)));
    let stranger = answering("stranger@example.org", "c@x").await.ok(202);
    assert_eq!((&stranger["ticket_id"], &stranger["from_stranger"]), (&first["ticket_id"], &json!(true)));
    assert_eq!(message(&admin, &stranger).await["is_from_stranger"], true);
    let agent = answering("admin@example.com", "d@x").await.ok(202);
    assert_eq!(message(&admin, &agent).await["kind"], "note");
    // Two who write at once about the same are two tickets and, being one person, one contact.
    let (left, right) = tokio::join!(
        mail(&admin, written("new@example.cn", "l@x", "", "One")),
        mail(&admin, written("new@example.cn", "r@x", "", "Two"))
    );
    let tickets = [ticket(&admin, &left.ok(202)).await, ticket(&admin, &right.ok(202)).await];
    assert_eq!(tickets[0]["contact_id"], tickets[1]["contact_id"]);
}

/// A mail finds the ticket that its own was merged into, and follows up what can no longer be opened; no rule of a status refuses one.
pub async fn a_mail_always_finds_a_ticket(db: TestDb) {
    let (_server, admin, _) = desk(db).await;
    let first = mail(&admin, written("fang@example.cn", "a@x", "", "Help")).await.ok(202);
    let second = mail(&admin, written("fang@example.cn", "b@x", "", "Help!")).await.ok(202);
    let (from, into) = (first["ticket_id"].as_str().unwrap(), second["ticket_id"].as_str().unwrap());
    admin.post(&format!("/v1/tickets/{from}/merge"), json!({"into": into})).await.ok(200);
    let followed = mail(&admin, written("fang@example.cn", "c@x", "In-Reply-To: <a@x>\r\n", "Hello?")).await.ok(202);
    assert_eq!(followed["ticket_id"], into);
    // A status that nothing leaves.
    let end = admin.create("ticket-statuses", json!({"name": "Gone", "kind": "closed", "reopen_days": 0})).await;
    admin.patch(&format!("/v1/tickets/{into}"), json!({"status_id": end})).await.ok(200);
    let after = mail(&admin, written("fang@example.cn", "d@x", "In-Reply-To: <b@x>\r\n", "Broken again")).await.ok(202);
    let follow_up = ticket(&admin, &after).await;
    assert_eq!((&follow_up["follow_up_of_id"], &follow_up["status"]), (&json!(into), &json!("new")));
}

/// What is refused leaves nothing behind.
pub async fn what_is_refused_leaves_nothing(db: TestDb) {
    let (server, admin, _) = desk(db).await;
    assert_eq!(mail(&admin, "").await.refused(400, "malformed_request")["status"], 400);
    let elsewhere = "From: a@b.cn\r\nTo: nobody@example.org\r\n\r\nHello";
    assert_eq!(mail(&admin, elsewhere).await.faults(400), pairs(&[("/mailbox", "reference_not_found")]));
    let named = |name: &str| admin.request(Method::POST, &format!("{PATH}?mailbox={name}")).body("message/rfc822", elsewhere);
    assert_eq!(named("sales@example.cn").await.faults(400), pairs(&[("/mailbox", "reference_not_found")]));
    let checked = admin.request(Method::POST, &format!("{PATH}?mailbox=support@example.cn&validate_only=true"));
    checked.body("message/rfc822", elsewhere).await.ok(202);
    assert!(admin.list("/v1/tickets", "id").await.is_empty() && admin.list("/v1/files", "id").await.is_empty());
    named("support@example.cn").await.ok(202);
    let box_of = admin.get("/v1/mailboxes").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned();
    admin.patch(&format!("/v1/mailboxes/{box_of}"), json!({"is_active": false})).await.ok(200);
    let closed = admin.request(Method::POST, &format!("{PATH}?mailbox=support@example.cn"));
    closed.body("message/rfc822", format!("{elsewhere} again")).await.faults(400);
    named("support@example.cn").await.ok(200);
    let reader = server.user(&admin, "Rep", "sales_representative", json!({})).await;
    mail(&reader, written("x@y.cn", "z@x", "", "Hello")).await.refused(403, "forbidden");
}
