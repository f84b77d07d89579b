//! `/v1/notifications`: kept, streamed and mailed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{field, later, opportunity};
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn are_given_to_those_concerned(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let anna = server.user(&admin, "Anna", "sales_representative", json!({})).await;
    let unread = || async { field(&anna, "/v1/notifications/unread-count", "unread").await };
    let task = admin.create("tasks", json!({"subject": "报价", "owner_id": anna.id})).await;
    // What is one's own doing is no news.
    anna.create("tasks", json!({"subject": "Mine"})).await;
    anna.patch(&format!("/v1/tasks/{task}"), json!({"priority": "high"})).await.ok(200);
    let list = anna.get("/v1/notifications").await.ok(200)["data"].clone();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["kind"], &list[0]["title"]), (1, &json!("assigned"), &json!("报价")));
    assert_eq!(
        (&list[0]["object"], &list[0]["record_id"], &list[0]["actor_id"]),
        (&json!("task"), &json!(task), &json!(admin.id))
    );
    // Mentioned where she may not read: she learns that much.
    let customer = admin.create("customers", json!({"name": "Secret"})).await;
    let body = format!("请 @[Anna](user:{}) 看看", anna.id);
    let note = admin.post("/v1/activities", json!({"kind": "note", "body": body, "customer_id": customer})).await.ok(201);
    assert_eq!((&note["mention_ids"], &note["subject"]), (&json!([anna.id]), &json!("请 @Anna 看看")));
    assert_eq!(admin.list(&format!("/v1/activities?mention_ids_any={}", anna.id), "id").await.len(), 1);
    // Changing something else does not mention her again.
    admin.patch(&format!("/v1/activities/{}", note["id"].as_str().unwrap()), json!({"outcome": "ok"})).await.ok(200);
    let list = anna.get("/v1/notifications?kind=mentioned").await.ok(200)["data"].clone();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["title"]), (1, &Value::Null));
    // Her opportunity moves.
    let acme = anna.create("customers", json!({"name": "Acme"})).await;
    let deal = opportunity(&anna, "Servers", &acme).await;
    admin.post(&format!("/v1/opportunities/{deal}/lose"), json!({"close_reason": "价格"})).await.ok(200);
    assert_eq!(anna.list("/v1/notifications?kind=stage_changed", "title").await, ["Servers"]);
    // They are hers alone.
    assert_eq!(admin.get("/v1/notifications").await.ok(200)["data"], json!([]));
    let id = list[0]["id"].as_str().unwrap();
    admin.get(&format!("/v1/notifications/{id}")).await.refused(404, "not_found");
    admin.post(&format!("/v1/notifications/{id}/read"), json!({})).await.refused(404, "not_found");
    assert_eq!(unread().await, 3);
    assert!(anna.post(&format!("/v1/notifications/{id}/read"), json!({})).await.ok(200)["read_at"].is_string());
    assert_eq!(anna.list("/v1/notifications?read_at_null=true", "id").await.len(), 2);
    assert_eq!(anna.post("/v1/notifications/read-all", json!({})).await.ok(200), json!({"read": 2}));
    assert_eq!(unread().await, 0);
    // What she does not want to hear of.
    let wanted = anna.patch("/v1/me/notification-preferences", json!({"assigned": {"app": false}})).await.ok(200);
    assert_eq!(
        (&wanted["assigned"], &wanted["mentioned"]),
        (&json!({"app": false, "email": false}), &json!({"app": true, "email": false}))
    );
    admin.create("tasks", json!({"subject": "Again", "owner_id": anna.id})).await;
    assert_eq!(unread().await, 0);
    let wrong = anna.patch("/v1/me/notification-preferences", json!({"asigned": {}, "reminder": {"sms": true, "app": 1}})).await;
    assert_eq!(
        wrong.faults(400),
        pairs(&[("/asigned", "unknown_member"), ("/reminder/sms", "unknown_member"), ("/reminder/app", "wrong_type")])
    );
}

/// Two nodes on one database: each task is told of once, and the stream of one tells of what the other did.
pub async fn are_given_once_for_each_task(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let anna = server.user(&admin, "Anna", "sales_representative", json!({})).await;
    for number in 0..5 {
        admin
            .create(
                "tasks",
                json!({"subject": format!("T{number}"), "owner_id": anna.id, "due_at": later(-60), "reminder_at": later(-90)}),
            )
            .await;
    }
    admin.create("tasks", json!({"subject": "old", "owner_id": anna.id, "due_at": "2020-01-01T00:00:00Z"})).await;
    admin.create("tasks", json!({"subject": "ahead", "owner_id": anna.id, "due_at": later(3600)})).await;
    let tenant = {
        let id = field(&admin, "/v1/me", "tenant").await["id"].as_str().unwrap().parse().unwrap();
        farley_persistence::TenantKey { id, number: 1 }
    };
    let now = farley_domain::values::time::Timestamp::parse(&later(0)).unwrap();
    let notices = || farley::activities::notices::perform(&server.app, tenant, now);
    let (one, two, three) = tokio::join!(notices(), notices(), notices());
    one.and(two).and(three).expect("notices are given");
    for kind in ["task_due", "reminder"] {
        let mut titles = anna.list(&format!("/v1/notifications?kind={kind}"), "title").await;
        titles.sort();
        assert_eq!(titles, ["T0", "T1", "T2", "T3", "T4"], "{kind}");
    }
}

pub async fn are_streamed(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let anna = server.user(&admin, "Anna", "sales_representative", json!({})).await;
    let mut stream = anna.stream("/v1/notifications/stream", None).await;
    let ready = stream.event().await;
    assert_eq!((ready.kind.as_str(), ready.data.as_str()), ("ready", "{\"unread\":0}"));
    admin.create("tasks", json!({"subject": "One", "owner_id": anna.id})).await;
    admin.create("tasks", json!({"subject": "Not hers"})).await;
    let first = stream.event().await;
    let shown: Value = serde_json::from_str(&first.data).expect("JSON");
    assert_eq!((first.kind.as_str(), &shown["title"]), ("notification", &json!("One")));
    drop(stream);
    // What came meanwhile is there on coming back.
    admin.create("tasks", json!({"subject": "Two", "owner_id": anna.id})).await;
    admin.create("tasks", json!({"subject": "Three", "owner_id": anna.id})).await;
    let mut stream = anna.stream("/v1/notifications/stream", Some(&first.id)).await;
    stream.event().await;
    for wanted in ["Two", "Three"] {
        let shown: Value = serde_json::from_str(&stream.event().await.data).expect("JSON");
        assert_eq!(shown["title"], wanted);
    }
}

pub async fn are_mailed_where_wanted(db: TestDb) {
    let (url, mut mails) = crate::mail::mail_server().await;
    let server = Server::start_with(db, |settings| {
        settings.smtp_url = Some(url.into());
        settings.mail_from = "Farley <crm@example.cn>".to_owned();
    })
    .await;
    let admin = server.admin().await;
    let anna = server.user(&admin, "Anna", "sales_representative", json!({"language": "en"})).await;
    anna.patch("/v1/me/notification-preferences", json!({"assigned": {"email": true, "app": false}})).await.ok(200);
    admin.create("tasks", json!({"subject": "Send the quote", "owner_id": anna.id})).await;
    let mail = tokio::time::timeout(Duration::from_secs(40), mails.recv()).await.expect("a mail in time").expect("a mail");
    for part in ["From: Farley <crm@example.cn>", "To: Anna <anna@example.com>", "Send the quote", "Task"] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    assert_eq!(anna.get("/v1/notifications").await.ok(200)["data"], json!([]));
    assert!(mails.try_recv().is_err(), "sent once");
}
