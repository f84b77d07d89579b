//! A day of a desk's mailbox: forty-odd mails as they come, through the API and a mail server, worked off by an agent.

mod mails;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, Request},
    mail::PostOffice,
    mail_servers::MailServers,
    server::Server,
    support::TestDb,
};

fn inbound(client: &Client, raw: impl Into<Vec<u8>>) -> Request {
    client.request(Method::POST, "/v1/channels/email/inbound?mailbox=support@example.cn").body("message/rfc822", raw.into())
}

async fn message(client: &Client, taken: &Value) -> Value {
    let (ticket, message) = (taken["ticket_id"].as_str().unwrap(), taken["message_id"].as_str().unwrap());
    client.get(&format!("/v1/tickets/{ticket}/messages/{message}")).await.ok(200)
}

async fn total(client: &Client, list: &str) -> Value {
    let asked = if list.contains('?') { format!("{list}&total=true&limit=1") } else { format!("{list}?total=true&limit=1") };
    client.get(&asked).await.ok(200)["page"]["total"].clone()
}

/// Every mail of the morning opens a ticket and keeps its words and files, every request is answered once, the answers come back to their
/// tickets with what is new in them, and no machine is answered.
pub async fn is_worked_off(db: TestDb) {
    let mut office = PostOffice::open().await;
    let url = office.url.clone();
    let server = Server::start_with(db, |settings| settings.smtp_url = Some(url.into())).await;
    let admin = server.admin().await;
    let template = json!({"name": "Received", "text": {"zh": "{{ticket.number}} 已收到", "en": "We have {{ticket.number}}"}});
    let template = admin.create("reply-templates", template).await;
    let mailbox = json!({"name": "Support", "address": "support@example.cn", "has_plus_addresses": true, "acknowledgement_template_id": template});
    admin.create("mailboxes", mailbox).await;

    let morning = mails::morning();
    let mut tickets = BTreeSet::new();
    let mut first = Value::Null;
    for mail in &morning {
        let taken = inbound(&admin, mail.raw.clone()).await.ok(202);
        assert_eq!((&taken["matched_by"], &taken["automatic"]), (&json!("none"), &json!(false)), "{}", mail.id);
        assert!(tickets.insert(taken["ticket_id"].as_str().unwrap().to_owned()), "{}", mail.id);
        let kept = message(&admin, &taken).await;
        assert!(kept["body"].as_str().unwrap().contains(mail.says), "{}: {}", mail.id, kept["body"]);
        assert_eq!(kept["subject"], mail.subject, "{}", mail.id);
        assert_eq!(kept["channel_message_id"], mail.id);
        let html = kept["body_html"].as_str().unwrap_or_default();
        assert!(
            !["<script", "style=", "tracker", "onload", "cid:"].iter().any(|acts| html.contains(acts)),
            "{}: {html}",
            mail.id
        );
        // The raw message first, as it came, then what came along.
        let files =
            admin.get(&format!("/v1/files?record_id={}&sort=created_at", taken["message_id"].as_str().unwrap())).await.ok(200);
        let names: Vec<&str> = files["data"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
        let expected: Vec<&str> = ["message.eml"].into_iter().chain(mail.files.iter().copied()).collect();
        assert_eq!(BTreeSet::from_iter(names), BTreeSet::from_iter(expected), "{}", mail.id);
        let raw = files["data"].as_array().unwrap().iter().find(|file| file["name"] == "message.eml").unwrap();
        assert_eq!(raw["size_bytes"], json!(mail.raw.len()), "{}", mail.id);
        // Delivered again, it is the same.
        assert_eq!(inbound(&admin, mail.raw.clone()).await.ok(200), taken, "{}", mail.id);
        if first.is_null() {
            first = taken;
        }
    }
    assert_eq!(total(&admin, "/v1/tickets").await, json!(morning.len()));
    // Each was acknowledged, to its sender alone.
    let mut thanked = BTreeSet::new();
    for _ in &morning {
        let post = office.post().await;
        assert_eq!((post.recipients.len(), post.header("Auto-Submitted").as_deref()), (1, Some("auto-replied")));
        assert!(post.header("Bcc").is_none());
        thanked.insert(post.recipients[0].clone());
    }
    assert_eq!(thanked.len(), morning.len(), "{thanked:?}");

    // The agent answers what is new, oldest first.
    let list = admin.get("/v1/tickets?status=new&sort=opened_at&limit=200&fields=id").await.ok(200);
    let mut replies = Vec::new();
    for ticket in list["data"].as_array().unwrap() {
        let path = format!("/v1/tickets/{}/messages", ticket["id"].as_str().unwrap());
        replies.push(admin.post(&path, json!({"body": "Please clean the heads."})).await.ok(201));
    }
    assert_eq!(replies.len(), morning.len());
    let mut answered = BTreeSet::new();
    for _ in &replies {
        let post = office.post().await;
        answered.extend(post.recipients.iter().cloned());
        assert!(post.header("In-Reply-To").is_some() && post.header("Bcc").is_none());
    }
    assert_eq!(answered, thanked, "exactly those who asked");
    assert_eq!(total(&admin, "/v1/tickets?status=new").await, 0);

    // Answers come back, whatever is left of the thread in them.
    let ticket = first["ticket_id"].as_str().unwrap();
    let path = format!("/v1/tickets/{ticket}");
    let reply = replies.iter().find(|reply| reply["ticket_id"] == json!(ticket)).unwrap();
    let (sent, subject) = (reply["channel_message_id"].as_str().unwrap(), reply["subject"].as_str().unwrap());
    let token = sent.split('@').next().unwrap().split('.').nth(1).unwrap();
    let answers = mails::answers(sent, subject.trim_start_matches("Re: "), &format!("support+{token}@example.cn"));
    for (program, raw, says) in answers {
        let taken = inbound(&admin, raw).await.ok(202);
        assert_eq!((&taken["ticket_id"], &taken["matched_by"]), (&json!(ticket), &json!("token")), "{program}");
        assert_eq!(taken["from_stranger"], false, "{program}");
        assert_eq!(message(&admin, &taken).await["reply_text"], says, "{program}");
    }
    assert!(admin.get(&path).await.ok(200)["waiting_since"].is_string());
    admin.post(&format!("{path}/solve"), json!({"resolution": "Cleaned"})).await.ok(200);

    // Machines open nothing again and get no answer; what they report is told.
    for (kind, raw) in mails::machines(sent) {
        let taken = inbound(&admin, raw).await.ok(202);
        assert_eq!(taken["automatic"], true, "{kind}");
        let state =
            admin.get(&format!("{path}/messages/{}", reply["id"].as_str().unwrap())).await.ok(200)["delivery_state"].clone();
        assert_eq!(state, if kind == "delayed" { "sent" } else { "bounced" }, "{kind}");
    }
    assert_eq!(admin.get(&path).await.ok(200)["status"], "solved");
    assert_eq!(
        total(&admin, "/v1/tickets").await,
        json!(morning.len() + 3),
        "two of machines that answer nothing, and one away without a thread"
    );
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(!office.has_more(), "no machine was answered");
}

/// Waits until something is so.
macro_rules! until {
    ($is_so:expr) => {
        let mut tries = 0;
        while !$is_so {
            tries += 1;
            assert!(tries < 600, "it does not become so: {}", stringify!($is_so));
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
}

/// The same day through the mail servers of the system: mail is handed over by SMTP, fetched by IMAP, and replies go out by SMTP.
pub async fn goes_through_mail_servers(db: TestDb) {
    const DESK: &str = "support@example.cn";
    let servers = MailServers::start(DESK).await;
    let morning = mails::morning();
    // What was read before is dealt with; what is there unread when the folder is first looked at is not.
    let (early, late) = morning.split_at(morning.len() / 2);
    for mail in early {
        servers.deliver(DESK, &mail.raw).await;
    }
    let (smtp, imap) = (servers.smtp_url(), servers.imap_url(DESK));
    let server = Server::start_with(db, |settings| {
        settings.smtp_url = Some(smtp.into());
        settings.imap_urls = Some(imap.into());
        settings.imap_interval = 1;
    })
    .await;
    let admin = server.admin().await;
    let template = json!({"name": "Received", "text": {"zh": "{{ticket.number}} 已收到", "en": "We have {{ticket.number}}"}});
    let template = admin.create("reply-templates", template).await;
    let mailbox =
        json!({"name": "Support", "address": DESK, "has_plus_addresses": true, "acknowledgement_template_id": template});
    let mailbox = admin.create("mailboxes", mailbox).await;
    until!(total(&admin, "/v1/tickets").await == json!(early.len()));
    for mail in late {
        servers.deliver(DESK, &mail.raw).await;
    }
    // One of 30 MB, and one that is too large for the desk.
    let large = |id: &str, megabytes: usize| {
        let line = format!("{}\r\n", "QUJD".repeat(19));
        let head = format!(
            "From: Big <big@customers.example>\r\nTo: {DESK}\r\nSubject: Pictures\r\nMessage-ID: <{id}@customers.example>\r\n\
             Content-Type: application/zip; name=\"pictures.zip\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        );
        [head.into_bytes(), line.repeat(megabytes * 1_000_000 / line.len()).into_bytes()].concat()
    };
    servers.deliver(DESK, &large("large", 30)).await;
    servers.deliver(DESK, &large("too-large", 51)).await;
    until!(total(&admin, "/v1/tickets").await == json!(morning.len() + 1));
    until!({
        let folders = admin.get("/v1/channels/email/folders").await.ok(200);
        let folder = &folders["data"][0];
        let reason = folder["skipped"][0]["reason"].as_str().unwrap_or_default();
        folder["mailbox_id"] == json!(mailbox) && folder["error"].is_null() && reason.contains("50000000")
    });
    // Each was acknowledged, and nothing was fetched twice: what was taken in is marked as read.
    until!(servers.customers_box().len() == morning.len() + 1);
    assert_eq!(servers.desk_box(), (morning.len() + 1, 1));

    // A reply goes to the customer, who answers it.
    let list = admin.get("/v1/tickets?status=new&sort=opened_at&limit=1&fields=id").await.ok(200);
    let ticket = list["data"][0]["id"].as_str().unwrap();
    let path = format!("/v1/tickets/{ticket}");
    let reply = admin.post(&format!("{path}/messages"), json!({"body": "Please clean the heads."})).await.ok(201);
    until!(servers.customers_box().len() == morning.len() + 2);
    let sent = reply["channel_message_id"].as_str().unwrap();
    let arrived: Vec<String> = servers.customers_box().iter().map(|mail| String::from_utf8_lossy(mail).into_owned()).collect();
    let arrived = arrived.iter().find(|mail| mail.contains(&format!("Message-ID: <{sent}>"))).expect("the reply");
    assert!(arrived.contains("\nIn-Reply-To: <"), "{arrived}");
    let token = sent.split('@').next().unwrap().split('.').nth(1).unwrap();
    let plus = format!("support+{token}@example.cn");
    let answers = mails::answers(sent, reply["subject"].as_str().unwrap().trim_start_matches("Re: "), &plus);
    for (_, raw, _) in &answers {
        servers.deliver(&plus, raw).await;
    }
    for (_, raw) in mails::machines(sent) {
        servers.deliver(DESK, &raw).await;
    }
    until!({
        let incoming = total(&admin, &format!("{path}/messages?kind=incoming")).await;
        let state = admin.get(&format!("{path}/messages/{}", reply["id"].as_str().unwrap())).await.ok(200);
        incoming == json!(answers.len() + 1) && state["delivery_state"] == "bounced"
    });
    until!(total(&admin, "/v1/tickets").await == json!(morning.len() + 1 + 3));
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(servers.customers_box().len(), morning.len() + 2, "no machine was answered");

    // With other ids in the folder nothing is fetched twice, and what could not be taken in is looked at again.
    servers.give_other_ids();
    servers.deliver(DESK, &large("anew", 1)).await;
    until!(total(&admin, "/v1/tickets").await == json!(morning.len() + 1 + 3 + 1));
    until!(servers.desk_box().1 == 1);
    let folders = admin.get("/v1/channels/email/folders").await.ok(200);
    assert_eq!(folders["data"][0]["skipped"].as_array().map(Vec::len), Some(1), "{folders}");
}
