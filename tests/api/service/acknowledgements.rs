//! What a desk answers by itself, and with what it signs: acknowledgements, templates, signatures, replies of rules.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, Request, pairs},
    mail::{Post, PostOffice},
    server::Server,
    support::TestDb,
};

fn inbound(client: &Client, raw: impl Into<Vec<u8>>) -> Request {
    client.request(Method::POST, "/v1/channels/email/inbound").body("message/rfc822", raw.into())
}

fn written(from: &str, id: &str, headers: &str, text: &str) -> String {
    format!(
        "From: {from}\r\nTo: support@example.cn\r\nMessage-ID: <{id}>\r\n{headers}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
}

async fn desk(db: TestDb, more: Value) -> (Server, PostOffice, Client, String) {
    let office = PostOffice::open().await;
    let url = office.url.clone();
    let server = Server::start_with(db, |settings| settings.smtp_url = Some(url.into())).await;
    let admin = server.admin().await;
    let template = json!({"name": "Received", "text": {"zh": "您好 {{contact.name}}，{{ticket.number}} 已收到。", "en": "Dear {contact.name}, we have {number}: {{ subject }}."}});
    let template = admin.create("reply-templates", template).await;
    let mut mailbox =
        json!({"name": "Support", "address": "support@example.cn", "signature": {"zh": "Acme 技术支持", "en": "Acme support"}});
    mailbox.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    if mailbox["acknowledgement_template_id"] == true {
        mailbox["acknowledgement_template_id"] = json!(template);
    }
    admin.create("mailboxes", mailbox).await;
    (server, office, admin, template)
}

/// The text of a mail that was handed over.
fn text_of(post: &Post) -> String {
    farley_domain::service::mail::read::read(&post.raw).text.unwrap_or_default().trim().to_owned()
}

/// A new request of somebody is answered at once, once a day, in their language; no machine is answered, and no clock stops.
pub async fn a_new_request_is_acknowledged_once(db: TestDb) {
    let (server, mut office, admin, template) = desk(db, json!({"acknowledgement_template_id": true})).await;
    let first = inbound(
        &admin,
        written("王芳 <fang@example.cn>", "a@x", "Subject: Printer\r\nCc: boss@example.cn\r\n", "打印机无法开机"),
    )
    .await
    .ok(202);
    let post = office.post().await;
    assert_eq!(post.recipients, ["fang@example.cn"], "nobody else gets it");
    assert_eq!(post.header("Auto-Submitted").as_deref(), Some("auto-replied"));
    assert_eq!(post.header("In-Reply-To").as_deref(), Some("<a@x>"));
    assert_eq!(text_of(&post), "您好 王芳，T-000001 已收到。\n\n-- \nAcme 技术支持");
    let path = format!("/v1/tickets/{}", first["ticket_id"].as_str().unwrap());
    let opened = admin.get(&path).await.ok(200);
    assert_eq!(
        (&opened["first_responded_at"], &opened["last_reply_at"], &opened["status"]),
        (&Value::Null, &Value::Null, &json!("new"))
    );
    assert!(opened["waiting_since"].is_string(), "the customer waits as before");
    let messages = admin.get(&format!("{path}/messages?kind=automatic")).await.ok(200);
    let kept = &messages["data"][0];
    assert_eq!((&kept["contact_id"], &kept["reply_to_id"]), (&opened["contact_id"], &first["message_id"]));
    // Another request the same day, an answer, a machine, a list, a colleague, another desk's acknowledgement: nothing.
    for (number, (from, headers)) in [
        ("fang@example.cn", ""),
        ("fang@example.cn", "In-Reply-To: <a@x>\r\n"),
        ("robot@example.cn", "Auto-Submitted: auto-generated\r\n"),
        ("away@example.cn", "Subject: 自动回复：hello\r\n"),
        ("noreply@example.cn", ""),
        ("list@example.cn", "List-Id: <users.example.cn>\r\n"),
        ("quiet@example.cn", "X-Auto-Response-Suppress: All\r\n"),
        ("admin@example.com", ""),
        ("support@example.cn", ""),
    ]
    .into_iter()
    .enumerate()
    {
        inbound(&admin, written(from, &format!("n{number}@x"), headers, "Again")).await.ok(202);
    }
    let other = server.other_tenant("other").await;
    let echo = other.create("reply-templates", json!({"name": "Echo", "text": "Received"})).await;
    other.create("mailboxes", json!({"name": "Fang", "address": "fang@example.cn", "acknowledgement_template_id": echo})).await;
    assert_eq!(inbound(&other, post.raw).await.ok(202)["automatic"], true);
    // Somebody else, in English, is answered; the machines before were not.
    let second = inbound(&admin, written("Li Wei <li@example.org>", "b@x", "Subject: Scanner\r\n", "It is broken")).await.ok(202);
    let post = office.post().await;
    assert_eq!(post.recipients, ["li@example.org"]);
    let number = admin.get(&format!("/v1/tickets/{}", second["ticket_id"].as_str().unwrap())).await.ok(200)["number"].clone();
    assert_eq!(text_of(&post), format!("Dear Li Wei, we have {}: Scanner.\n\n-- \nAcme support", number.as_str().unwrap()));
    // Two first mails of one person at once are acknowledged once; and none is, once the template is out of use.
    let (left, right) = tokio::join!(
        inbound(&admin, written("two@example.org", "l@x", "", "One")),
        inbound(&admin, written("two@example.org", "r@x", "", "Two"))
    );
    left.ok(202);
    right.ok(202);
    assert_eq!(office.post().await.recipients, ["two@example.org"]);
    admin.patch(&format!("/v1/reply-templates/{template}"), json!({"is_active": false})).await.ok(200);
    inbound(&admin, written("late@example.org", "z@x", "", "Late")).await.ok(202);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(!office.has_more());
}

/// Templates are filled in for agents, macros reply with them, rules do so without it being a first response; each mail is signed.
pub async fn templates_and_signatures_are_filled_in(db: TestDb) {
    let (_server, mut office, admin, template) = desk(db, json!({})).await;
    admin.patch("/v1/me", json!({"signature": "**Admin**"})).await.ok(200);
    let taken = inbound(&admin, written("王芳 <fang@example.cn>", "a@x", "Subject: Printer\r\n", "Help")).await.ok(202);
    let ticket = taken["ticket_id"].as_str().unwrap();
    let path = format!("/v1/tickets/{ticket}");
    let filled = admin.get(&format!("/v1/reply-templates/{template}/text?ticket_id={ticket}&language=zh-CN")).await.ok(200);
    assert_eq!(filled, json!({"text": "您好 王芳，T-000001 已收到。", "language": "zh-CN"}));
    let filled = admin.get(&format!("/v1/reply-templates/{template}/text?ticket_id={ticket}")).await.ok(200);
    assert_eq!(filled, json!({"text": "Dear 王芳, we have T-000001: Printer.", "language": "en"}));
    let bare = admin.get(&format!("/v1/reply-templates/{template}/text?language=zh")).await.ok(200);
    assert_eq!(bare["text"], "您好 {{contact.name}}，{{ticket.number}} 已收到。");
    let nowhere = admin.get(&format!("/v1/reply-templates/{template}/text?ticket_id={template}")).await;
    assert_eq!(nowhere.faults(400), pairs(&[("ticket_id", "reference_not_found")]));
    let wrong = json!({"name": "Wrong", "text": {"zh": "{{ticket.nmber}}", "en": "{{nobody.name}}"}});
    assert_eq!(
        admin.post("/v1/reply-templates", wrong).await.faults(400),
        pairs(&[("/text/en", "unknown_member"), ("/text/zh", "unknown_member")])
    );
    let wrong = json!({"name": "Wrong", "address": "w@example.cn", "signature": "{{nobody}}"});
    assert_eq!(admin.post("/v1/mailboxes", wrong).await.faults(400), pairs(&[("/signature", "unknown_member")]));
    // A rule replies by itself.
    let rule = json!({"name": "Reply", "object": "ticket", "trigger": {"types": ["ticket.updated"]}, "filter": {"field": "priority", "value": "urgent"},
        "actions": [{"type": "reply", "template_id": template}]});
    admin.create("rules", rule).await;
    admin.patch(&path, json!({"priority": "urgent"})).await.ok(200);
    let post = office.post().await;
    assert_eq!(
        (post.recipients.as_slice(), post.header("Auto-Submitted").as_deref()),
        (&["fang@example.cn".to_owned()][..], Some("auto-replied"))
    );
    assert_eq!(text_of(&post), "Dear 王芳, we have T-000001: Printer.\n\n-- \nAcme support");
    assert_eq!(admin.get(&path).await.ok(200)["first_responded_at"], Value::Null);
    // A macro is applied by somebody, who signs.
    let made = admin
        .create("macros", json!({"name": "Reply", "object": "ticket", "actions": [{"type": "reply", "template_id": template}]}))
        .await;
    let applied = admin.post(&format!("/v1/macros/{made}/apply"), json!({"record_ids": [ticket]})).await.ok(200);
    assert_eq!(applied["data"][0]["outcome"], "done", "{applied}");
    let post = office.post().await;
    assert!(post.header("Auto-Submitted").is_none());
    assert_eq!(text_of(&post), "Dear 王芳, we have T-000001: Printer.\n\n-- \n**Admin**\nAcme support");
    assert!(admin.get(&path).await.ok(200)["first_responded_at"].is_string());
    let unknown = json!({"name": "None", "object": "ticket", "actions": [{"type": "reply", "template_id": ticket}]});
    assert_eq!(admin.post("/v1/macros", unknown).await.faults(422), pairs(&[("/actions/0/template_id", "reference_not_found")]));
}
