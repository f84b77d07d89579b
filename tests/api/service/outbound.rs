//! Replies that go out as mail: to whom, in which thread, and what becomes of them.

use std::{process::Command, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::crash::Process,
    client::{Client, Request, pairs},
    mail::PostOffice,
    server::Server,
    support::TestDb,
};

fn inbound(client: &Client, raw: impl Into<Vec<u8>>) -> Request {
    client.request(Method::POST, "/v1/channels/email/inbound").body("message/rfc822", raw.into())
}

/// A mail of Fang to the desk.
fn asked(id: &str, headers: &str) -> String {
    format!(
        "From: 王芳 <fang@example.cn>\r\nTo: Support <support@example.cn>, li@example.org\r\nCc: boss@example.cn\r\nMessage-ID: <{id}>\r\n\
         {headers}Content-Type: text/plain; charset=utf-8\r\n\r\n打印机无法开机\r\n"
    )
}

struct Desk {
    server: Server,
    office: PostOffice,
    admin: Client,
    mailbox: String,
}

async fn desk(db: TestDb) -> Desk {
    let office = PostOffice::open().await;
    let url = office.url.clone();
    desk_with(db, office, url).await
}

async fn desk_with(db: TestDb, office: PostOffice, url: String) -> Desk {
    let server = Server::start_with(db, |settings| settings.smtp_url = Some(url.into())).await;
    let admin = server.admin().await;
    let mailbox =
        json!({"name": "Support", "address": "support@example.cn", "sender_name": "Acme 技术支持", "has_plus_addresses": true});
    let mailbox = admin.create("mailboxes", mailbox).await;
    Desk { server, office, admin, mailbox }
}

/// The path of the messages of the ticket that a mail was taken to.
fn messages(taken: &Value) -> String {
    format!("/v1/tickets/{}/messages", taken["ticket_id"].as_str().unwrap())
}

async fn once(client: &Client, path: &str, state: &str) -> Value {
    for _ in 0..300 {
        let message = client.get(path).await.ok(200);
        if message["delivery_state"] == state {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{path} is not {state}: {}", client.get(path).await.text);
}

fn path_of(messages: &str, message: &Value) -> String {
    format!("{messages}/{}", message["id"].as_str().unwrap())
}

/// A reply goes to the sender and to whom the message names besides, in their thread, and its answers find the ticket by whatever is left
/// of its token; in another tenant the token says nothing.
pub async fn a_reply_goes_to_whom_it_answers(db: TestDb) {
    let Desk { server, mut office, admin, mailbox } = desk(db).await;
    let taken = inbound(&admin, asked("a@x", "Subject: Printer\r\nReferences: <0@x>\r\n")).await.ok(202);
    let messages = messages(&taken);
    let reply = admin.post(&messages, json!({"body": "您好 **王芳**，\n请重启。"})).await.ok(201);
    assert_eq!((&reply["delivery_state"], &reply["mailbox_id"]), (&json!("queued"), &json!(mailbox)));
    assert_eq!((&reply["channel"], &reply["reply_to_id"]), (&json!("email"), &taken["message_id"]));
    let post = office.post().await;
    assert_eq!(
        (post.sender.as_str(), post.recipients.as_slice()),
        ("support@example.cn", &["fang@example.cn", "li@example.org", "boss@example.cn"].map(str::to_owned)[..])
    );
    assert_eq!(
        (&reply["to_addresses"], &reply["cc_addresses"]),
        (&json!(["fang@example.cn"]), &json!(["li@example.org", "boss@example.cn"]))
    );
    assert_eq!(post.header("In-Reply-To").as_deref(), Some("<a@x>"));
    assert_eq!(post.header("References").as_deref(), Some("<a@x>"));
    let id = reply["channel_message_id"].as_str().unwrap();
    assert_eq!(post.header("Message-ID"), Some(format!("<{id}>")));
    assert!(post.header("Auto-Submitted").is_none() && post.header("Bcc").is_none());
    let subject = post.header("Subject").unwrap();
    assert!(subject.starts_with("Re: Printer [T-000001.") && reply["subject"] == json!(subject), "{subject}");
    let text = String::from_utf8_lossy(&post.raw).into_owned();
    assert!(text.contains("multipart/alternative") && text.contains("text/plain") && text.contains("text/html"), "{text}");
    let reply_to = post.header("Reply-To").unwrap();
    let plus = reply_to.split(['<', '>']).nth(1).unwrap().to_owned();
    assert!(plus.starts_with("support+") && plus.ends_with("@example.cn"), "{reply_to}");
    let sent = once(&admin, &path_of(&messages, &reply), "sent").await;
    assert!(sent["mailed_at"].is_string() && sent["delivery_error"].is_null());
    let told =
        admin.get(&format!("/v1/changes?types=ticket_message.sent&record_id={}", reply["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(told["data"].as_array().unwrap().len(), 1);
    // It comes back to the mailbox, as it was sent: it is the message that it was.
    let looped = inbound(&admin, post.raw.clone()).await.ok(200);
    assert_eq!((&looped["message_id"], &looped["loop"]), (&reply["id"], &json!(true)));
    // Answers by each of what carries the token; the mail program of the last has rewritten the ids.
    let by = |id: &str, to: &str, headers: &str| {
        format!("From: fang@example.cn\r\nTo: {to}\r\nMessage-ID: <{id}>\r\n{headers}\r\n还是不行\r\n")
    };
    let other = server.other_tenant("other").await;
    other.create("mailboxes", json!({"name": "Support", "address": "support@example.cn"})).await;
    for (number, (to, headers)) in [
        ("support@example.cn", format!("In-Reply-To: <{id}>\r\n")),
        ("support@example.cn", format!("References: <lost@y> <{}>\r\n", id.to_uppercase())),
        (plus.as_str(), String::new()),
        ("support@example.cn", format!("Subject: 回复：{subject}\r\n")),
    ]
    .into_iter()
    .enumerate()
    {
        let raw = by(&format!("answer{number}@x"), to, &headers);
        let answer = inbound(&admin, raw.clone()).await.ok(202);
        assert_eq!((&answer["ticket_id"], &answer["matched_by"]), (&taken["ticket_id"], &json!("token")), "{headers}");
        assert_eq!(answer["from_stranger"], false);
        let elsewhere = inbound(&other, raw).await.ok(202);
        assert_eq!(elsewhere["matched_by"], "none", "{headers}");
    }
    // The number alone, or with another signature, is a text as any.
    let forged =
        inbound(&admin, by("forged@x", "support@example.cn", "Subject: Re: Printer [T-000001.aaaaaaaa]\r\n")).await.ok(202);
    assert_eq!(forged["matched_by"], "none");
    // A stranger who has the token is marked, however often they write.
    for id in ["s1@x", "s2@x"] {
        let raw = by(id, &plus, "").replace("fang@", "stranger@");
        let strange = inbound(&admin, raw).await.ok(202);
        assert_eq!((&strange["ticket_id"], &strange["from_stranger"]), (&taken["ticket_id"], &json!(true)));
    }
    // The next reply does not go to them, refers to all before it, and has one number.
    let second = admin.post(&messages, json!({"body": "我们派人来。"})).await.ok(201);
    let post = office.post().await;
    assert_eq!(
        (post.recipients.as_slice(), post.header("Subject").as_ref()),
        (&["fang@example.cn".to_owned()][..], Some(&subject))
    );
    let references = post.header("References").unwrap();
    assert!(references.starts_with("<a@x>") && references.ends_with("<answer3@x>") && references.contains(id), "{references}");
    assert_eq!(second["cc_addresses"], json!([]));
    // What was moved by a split is answered where it is now.
    let moved = admin.post(&messages.replace("/messages", "/split"), json!({"message_ids": [reply["id"]]})).await.ok(201);
    let answer = inbound(&admin, by("after@x", "support@example.cn", &format!("In-Reply-To: <{id}>\r\n"))).await.ok(202);
    assert_eq!(answer["ticket_id"], moved["id"]);
}

/// Who is written to can be told, and is checked; what was sent elsewhere is not sent again.
pub async fn recipients_are_whom_the_agent_names(db: TestDb) {
    let Desk { server: _server, mut office, admin, .. } = desk(db).await;
    let taken = inbound(&admin, asked("a@x", "")).await.ok(202);
    let messages = messages(&taken);
    let file = admin.request(Method::POST, "/v1/files?name=%E6%8A%A5%E4%BB%B7.txt").body("text/plain", "100 元").await.ok(201);
    let named = json!({"body": "See\r\n.\r\nbelow", "to_addresses": ["New@Example.org"], "cc_addresses": ["li@例子.公司"],
        "subject": "Offer\r\nBcc: spy@example.org", "file_ids": [file["id"]]});
    admin.post(&messages, named).await.ok(201);
    let post = office.post().await;
    assert_eq!(post.recipients, ["new@example.org", "li@xn--fsqu00a.xn--55qx5d"]);
    assert!(
        post.header("Bcc").is_none() && post.header("Subject").unwrap().starts_with("Re: Offer Bcc: spy@example.org [T-000001.")
    );
    assert!(String::from_utf8_lossy(&post.raw).contains("filename*"), "its name goes along");
    // Who was written to takes part.
    let answer = "From: new@example.org\r\nTo: support@example.cn\r\nMessage-ID: <n@x>\r\nIn-Reply-To: <a@x>\r\n\r\nThanks\r\n";
    let answer = inbound(&admin, answer).await.ok(202);
    assert_eq!(answer["from_stranger"], false);
    let latest = admin.get(&format!("{messages}/{}", answer["message_id"].as_str().unwrap())).await.ok(200);
    for (body, faults) in [
        (json!({"body": "x", "to_addresses": ["a@b.cn", "nobody"]}), pairs(&[("/to_addresses/1", "invalid_email")])),
        (json!({"body": "x", "to_addresses": ["a@b.cn", "A@B.cn"]}), pairs(&[("/to_addresses/1", "repeated")])),
    ] {
        assert_eq!(admin.post(&messages, body).await.faults(400), faults);
    }
    for (body, faults) in [
        (json!({"body": "x", "to_addresses": ["support+vip@example.cn"]}), pairs(&[("/to_addresses/0", "own_mailbox")])),
        (json!({"body": "x", "kind": "note", "to_addresses": ["a@b.cn"]}), pairs(&[("/to_addresses", "conflicting")])),
    ] {
        assert_eq!(admin.post(&messages, body).await.faults(422), faults);
    }
    let large = admin
        .request(Method::POST, "/v1/files?name=large.bin")
        .body("application/octet-stream", vec![0_u8; 18_000_001])
        .await
        .ok(201);
    let body = json!({"body": "x", "file_ids": [large["id"]]});
    assert_eq!(admin.post(&messages, body).await.faults(422), pairs(&[("/file_ids", "mail_too_large")]));
    // Written down after the fact, on another channel, or as a note: nothing goes out.
    for body in [
        json!({"body": "x", "sent_at": latest["sent_at"]}),
        json!({"body": "x", "channel_message_id": "elsewhere@x"}),
        json!({"body": "x", "channel": "phone"}),
        json!({"body": "x", "kind": "note"}),
    ] {
        assert_eq!(admin.post(&messages, body).await.ok(201)["delivery_state"], Value::Null);
    }
    // A ticket of another channel is answered by mail to its contact, if that is asked for; who has no address is asked for.
    let contact = admin.create("contacts", json!({"name": "Li", "emails": [{"value": "li@example.cn"}]})).await;
    let ticket = admin.create("tickets", json!({"subject": "Called", "channel": "phone", "contact_id": contact})).await;
    let path = format!("/v1/tickets/{ticket}/messages");
    assert_eq!(admin.post(&path, json!({"body": "x"})).await.ok(201)["delivery_state"], Value::Null);
    let mailed = admin.post(&path, json!({"body": "x", "channel": "email"})).await.ok(201);
    assert_eq!(mailed["to_addresses"], json!(["li@example.cn"]));
    let post = office.post().await;
    assert!(post.header("Subject").unwrap().starts_with("Called [T-000002."), "it answers nothing");
    assert!(post.header("In-Reply-To").is_none());
    let nobody = admin.create("tickets", json!({"subject": "Web", "channel": "email"})).await;
    let refused = admin.post(&format!("/v1/tickets/{nobody}/messages"), json!({"body": "x"})).await;
    assert_eq!(refused.faults(422), pairs(&[("/to_addresses", "required")]));
    assert!(!office.has_more());
}

/// A refusal for good is told at the message at once, one for now is tried again; a report that comes later is told too.
pub async fn what_becomes_of_a_mail_is_told(db: TestDb) {
    let later = std::sync::atomic::AtomicBool::new(true);
    let office = PostOffice::answering("127.0.0.1:0", move |command| match command {
        "RCPT TO:<gone@example.cn>" => Some("550 5.1.1 no such user".to_owned()),
        "RCPT TO:<full@example.cn>" if later.swap(false, std::sync::atomic::Ordering::SeqCst) => {
            Some("452 4.2.2 mailbox full".to_owned())
        }
        _ => None,
    })
    .await;
    let url = office.url.clone();
    let Desk { server: _server, mut office, admin, .. } = desk_with(db, office, url).await;
    let taken = inbound(&admin, asked("a@x", "Subject: Printer\r\n")).await.ok(202);
    let messages = messages(&taken);
    let write = |to: &str| admin.post(&messages, json!({"body": "x", "to_addresses": [to]}));
    let (gone, full) = (write("gone@example.cn").await.ok(201), write("full@example.cn").await.ok(201));
    let failed = once(&admin, &path_of(&messages, &gone), "failed").await;
    assert!(
        failed["delivery_error"].as_str().unwrap().contains("5.1.1 no such user") && failed["failed_at"].is_string(),
        "{failed}"
    );
    let told = admin.get(&format!("/v1/changes?record_id={}", gone["id"].as_str().unwrap())).await.ok(200);
    let types: Vec<&str> = told["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["ticket_message.created", "ticket_message.failed"]);
    let post = office.post().await;
    assert_eq!(post.recipients, ["full@example.cn"]);
    let sent = once(&admin, &path_of(&messages, &full), "sent").await;
    assert_eq!((&sent["delivery_error"], &sent["failed_at"]), (&Value::Null, &Value::Null));
    // Reported later, by the id that was sent.
    let report = format!(
        "From: MAILER-DAEMON@mx.example.cn\r\nTo: support@example.cn\r\nMessage-ID: <dsn@mx>\r\nContent-Type: multipart/report; report-type=delivery-status; \
         boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; \
         full@example.cn\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {}\r\n\r\n--b--\r\n",
        post.header("Message-ID").unwrap()
    );
    let report = inbound(&admin, report).await.ok(202);
    assert_eq!((&report["matched_by"], &report["ticket_id"]), (&json!("report"), &taken["ticket_id"]));
    let bounced = admin.get(&path_of(&messages, &full)).await.ok(200);
    assert_eq!((&bounced["delivery_state"], &bounced["bounce_reason"]), (&json!("bounced"), &json!("full@example.cn: 5.2.2")));
}

/// What became of a mail with each recipient: address, state, whether it was refused for good.
fn states(message: &Value) -> Vec<(String, String, Value)> {
    let told = message["recipients"].as_array().unwrap().iter().map(|one| {
        (one["address"].as_str().unwrap().to_owned(), one["state"].as_str().unwrap().to_owned(), one["permanent"].clone())
    });
    told.collect()
}

fn triple(address: &str, state: &str, permanent: impl Into<Value>) -> (String, String, Value) {
    (format!("{address}@example.cn"), state.to_owned(), permanent.into())
}

/// A server that refuses one of several does not keep the mail from the others; who was refused for now is tried again alone, and who was
/// refused for good is written to once more at another address.
pub async fn each_recipient_gets_it_for_themselves(db: TestDb) {
    let left = std::sync::atomic::AtomicUsize::new(1);
    let office = PostOffice::answering("127.0.0.1:0", move |command| match command {
        "RCPT TO:<gone@example.cn>" | "RCPT TO:<lost@example.cn>" => Some("550 5.1.1 no such user".to_owned()),
        "RCPT TO:<full@example.cn>" => {
            let turn = left.fetch_update(std::sync::atomic::Ordering::SeqCst, std::sync::atomic::Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
            turn.is_ok().then(|| "452 4.2.2 mailbox full".to_owned())
        }
        _ => None,
    })
    .await;
    let url = office.url.clone();
    let Desk { server, mut office, admin, .. } = desk_with(db, office, url).await;
    let taken = inbound(&admin, asked("a@x", "Subject: Printer\r\n")).await.ok(202);
    let messages = messages(&taken);
    let to = json!(["fang@example.cn", "gone@example.cn", "full@example.cn"]);
    let reply =
        admin.post(&messages, json!({"body": "x", "to_addresses": to, "cc_addresses": ["boss@example.cn"]})).await.ok(201);
    let queued = ["fang", "gone", "full", "boss"].map(|name| triple(name, "queued", Value::Null));
    assert_eq!(states(&reply), queued);
    let path = path_of(&messages, &reply);
    let message_id = format!("<{}>", reply["channel_message_id"].as_str().unwrap());
    let id = Some(message_id.clone());
    for name in ["fang@example.cn", "boss@example.cn"] {
        let post = office.post().await;
        assert_eq!((post.recipients.as_slice(), post.header("Message-ID")), (&[name.to_owned()][..], id.clone()));
        assert!(post.header("To").unwrap().contains("gone@example.cn"), "it tells whom it was written to");
    }
    let mut waiting = Value::Null;
    for _ in 0..50 {
        waiting = admin.get(&path).await.ok(200);
        if waiting["mailed_at"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(waiting["delivery_state"], "queued");
    let expected = [
        triple("fang", "sent", Value::Null),
        triple("gone", "failed", true),
        triple("full", "queued", false),
        triple("boss", "sent", Value::Null),
    ];
    assert_eq!(states(&waiting), expected);
    assert!(waiting["recipients"][1]["error"].as_str().unwrap().contains("5.1.1 no such user"), "{waiting}");
    // Whoever was refused for now is tried alone.
    let post = office.post().await;
    assert_eq!((post.recipients.as_slice(), post.header("Message-ID")), (&["full@example.cn".to_owned()][..], id.clone()));
    let partly = once(&admin, &path, "partly_failed").await;
    let error = partly["delivery_error"].as_str().unwrap();
    assert!(error.starts_with("gone@example.cn: ") && !error.contains("full@"), "{error}");
    assert!(partly["failed_at"].is_string() && partly["mailed_at"] == waiting["mailed_at"]);
    let types = admin.get(&format!("/v1/changes?record_id={}", reply["id"].as_str().unwrap())).await.each("type");
    assert_eq!(types, ["ticket_message.created", "ticket_message.updated", "ticket_message.partly_failed"]);
    assert_eq!(admin.list(&format!("{messages}?delivery_state=partly_failed"), "id").await.len(), 1);

    // Sent again, at another address: to nobody else, and once, however often it is asked for.
    let resend = format!("{path}/resend");
    let body = |address: &str, corrected: Value| json!({"recipients": [{"address": address, "corrected_to": corrected}]});
    for (body, faults) in [
        (body("fang@example.cn", Value::Null), pairs(&[("/recipients/0/address", "not_failed")])),
        (body("who@example.cn", Value::Null), pairs(&[("/recipients/0/address", "reference_not_found")])),
        (body("gone@example.cn", json!("boss@example.cn")), pairs(&[("/recipients/0/corrected_to", "repeated")])),
        (body("gone@example.cn", json!("support@example.cn")), pairs(&[("/recipients/0/corrected_to", "own_mailbox")])),
    ] {
        assert_eq!(admin.post(&resend, body).await.faults(422), faults);
    }
    assert_eq!(
        admin.post(&resend, body("gone", Value::Null)).await.faults(400),
        pairs(&[("/recipients/0/address", "invalid_email")])
    );
    let reader = server.user_who_may(&admin, "reader", &["ticket read all"], json!([]), json!({})).await;
    reader.post(&resend, json!({})).await.refused(403, "forbidden");
    let corrected = body("gone@example.cn", json!("Found@Example.cn"));
    let first = admin.post(&resend, corrected.clone()).header("Idempotency-Key", "again").await.ok(200);
    let again = admin.post(&resend, corrected).header("Idempotency-Key", "again").await.ok(200);
    assert_eq!(first, again);
    assert_eq!(
        (&first["delivery_state"], &first["to_addresses"]),
        (&json!("queued"), &json!(["fang@example.cn", "found@example.cn", "full@example.cn"]))
    );
    let post = office.post().await;
    assert_eq!((post.recipients.as_slice(), post.header("Message-ID")), (&["found@example.cn".to_owned()][..], id.clone()));
    assert!(post.header("To").unwrap().contains("found@example.cn") && !post.header("To").unwrap().contains("gone@"));
    let sent = once(&admin, &path, "sent").await;
    assert_eq!(states(&sent), ["fang", "found", "full", "boss"].map(|name| triple(name, "sent", Value::Null)));
    assert_eq!((&sent["recipients"][1]["instead_of"], &sent["delivery_error"]), (&json!("gone@example.cn"), &Value::Null));
    admin.post(&resend, json!({})).await.refused(409, "state_conflict");
    // Whoever has the new address takes part.
    let answer = format!(
        "From: found@example.cn\r\nTo: support@example.cn\r\nMessage-ID: <n@x>\r\nIn-Reply-To: {}\r\n\r\nThanks\r\n",
        message_id
    );
    assert_eq!(inbound(&admin, answer).await.ok(202)["from_stranger"], false);
    // What bounced later goes to that one alone.
    let report = format!(
        "From: MAILER-DAEMON@mx.example.cn\r\nTo: support@example.cn\r\nMessage-ID: <dsn@mx>\r\nContent-Type: multipart/report; report-type=delivery-status; \
         boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; \
         boss@example.cn\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {}\r\n\r\n--b--\r\n",
        message_id
    );
    inbound(&admin, report).await.ok(202);
    let bounced = admin.get(&path).await.ok(200);
    assert_eq!((&bounced["delivery_state"], &bounced["recipients"][3]["state"]), (&json!("bounced"), &json!("bounced")));
    admin.post(&resend, json!({})).await.ok(200);
    assert_eq!(office.post().await.recipients, ["boss@example.cn"]);
    assert!(once(&admin, &path, "sent").await["bounced_at"].is_null());

    // Refused for all of them, it has failed; notes and what was never mailed are not sent again.
    let none = admin.post(&messages, json!({"body": "x", "to_addresses": ["gone@example.cn", "lost@example.cn"]})).await.ok(201);
    let failed = once(&admin, &path_of(&messages, &none), "failed").await;
    assert_eq!(states(&failed), ["gone", "lost"].map(|name| triple(name, "failed", true)));
    assert!(failed["mailed_at"].is_null());
    let one = json!({"recipients": [{"address": "lost@example.cn", "corrected_to": "last@example.cn"}]});
    admin.post(&format!("{}/resend", path_of(&messages, &none)), one).await.ok(200);
    assert_eq!(office.post().await.recipients, ["last@example.cn"]);
    let partly = once(&admin, &path_of(&messages, &none), "partly_failed").await;
    assert_eq!(states(&partly)[0], triple("gone", "failed", true));
    let note = admin.post(&messages, json!({"kind": "note", "body": "x"})).await.ok(201);
    admin.post(&format!("{}/resend", path_of(&messages, &note)), json!({})).await.refused(409, "state_conflict");
    assert!(!office.has_more());
}

/// While the mail server is away replies wait, and say why; where there is none, they say that.
pub async fn a_mail_server_that_is_away_loses_nothing(db: TestDb) {
    // A port where nobody listens.
    let office = PostOffice::open().await;
    let url = office.url.clone();
    drop(office);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let server = Server::start_with(db.clone(), |settings| settings.smtp_url = Some(url.clone().into())).await;
    let admin = server.admin().await;
    admin.create("mailboxes", json!({"name": "Support", "address": "support@example.cn"})).await;
    let taken = inbound(&admin, asked("a@x", "Subject: Printer\r\n")).await.ok(202);
    let messages = messages(&taken);
    let reply = admin.post(&messages, json!({"body": "x"})).await.ok(201);
    let path = path_of(&messages, &reply);
    let mut waiting = Value::Null;
    for _ in 0..100 {
        waiting = admin.get(&path).await.ok(200);
        if waiting["delivery_error"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(waiting["delivery_state"], "queued");
    assert!(waiting["delivery_error"].as_str().is_some_and(|error| error.to_lowercase().contains("connect")), "{waiting}");
    let mut office = PostOffice::answering(url.strip_prefix("smtp://").unwrap(), |_| None).await;
    let post = office.post().await;
    assert_eq!(post.header("Message-ID"), Some(format!("<{}>", reply["channel_message_id"].as_str().unwrap())));
    assert!(post.header("Reply-To").is_none(), "the mailbox has no plus addresses");
    assert!(once(&admin, &path, "sent").await["delivery_error"].is_null());
    drop(server);
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let reply = admin.post(&messages, json!({"body": "x"})).await.ok(201);
    let failed = once(&admin, &path_of(&messages, &reply), "failed").await;
    assert!(failed["delivery_error"].as_str().unwrap().contains("FARLEY_SMTP_URL"), "{failed}");
}

/// How many replies are written.
const MANY: usize = 30;

/// Killed between the commit and sending, and again while it sends: each reply is sent, once but for those under way at the blow.
pub async fn killed_before_sending_nothing_is_lost_or_doubled(db: TestDb) {
    let mut office = PostOffice::open().await;
    let url = office.url.clone();
    let node = |jobs: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
        command.env("FARLEY_SMTP_URL", &url).env("FARLEY_JOBS", jobs);
        Process::run(&db, command)
    };
    let writer = node("0");
    let admin = writer.admin().await;
    admin.create("mailboxes", json!({"name": "Support", "address": "support@example.cn"})).await;
    let taken = inbound(&admin, asked("a@x", "Subject: Printer\r\n")).await.ok(202);
    let messages = messages(&taken);
    let mut ids = Vec::new();
    for number in 0..MANY {
        let reply = admin.post(&messages, json!({"body": format!("reply {number}")})).await.ok(201);
        ids.push(format!("<{}>", reply["channel_message_id"].as_str().unwrap()));
    }
    writer.kill();
    assert!(!office.has_more());
    let sender = node("4");
    let mut sent: Vec<String> = Vec::new();
    while sent.len() < MANY / 3 {
        sent.push(office.post().await.header("Message-ID").unwrap());
    }
    sender.kill();
    let next = node("4");
    let admin = next.admin().await;
    while ids.iter().any(|id| !sent.contains(id)) {
        sent.push(office.post().await.header("Message-ID").unwrap());
    }
    for _ in 0..100 {
        let waiting = admin.get(&format!("{messages}?delivery_state=queued&total=true")).await.ok(200)["page"]["total"].clone();
        if waiting == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    while let Ok(post) = office.posts.try_recv() {
        sent.push(post.header("Message-ID").unwrap());
    }
    assert_eq!(admin.get(&format!("{messages}?delivery_state=sent&total=true")).await.ok(200)["page"]["total"], json!(MANY));
    assert!(sent.iter().all(|id| ids.contains(id)));
    // So many are under way at a time at most, and those have the id that they had.
    assert!(sent.len() <= MANY + 16, "{} were sent", sent.len());
}
