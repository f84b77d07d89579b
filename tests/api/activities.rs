//! Activities, tasks, and what follows from them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// A time so many seconds from now.
fn later(seconds: i64) -> String {
    farley::http::clock::now().plus_seconds(seconds).to_string()
}

async fn field(client: &Client, path: &str, name: &str) -> Value {
    client.get(path).await.ok(200)[name].clone()
}

/// The first stage of the default pipeline, with the pipeline.
async fn opportunity(client: &Client, name: &str, customer: &str) -> String {
    client.create("opportunities", json!({"name": name, "customer_id": customer})).await
}

pub async fn concern_several_records(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let globex = admin.create("customers", json!({"name": "Globex"})).await;
    let li = admin.create("contacts", json!({"name": "Li", "customer_id": acme})).await;
    let deal = opportunity(&admin, "Servers", &acme).await;
    let call = json!({"kind": "call", "body": "# 报价\n价格谈好了", "opportunity_id": deal, "direction": "outbound", "duration_seconds": 90,
        "occurred_at": "2026-03-01T08:00:00Z", "records": [{"object": "contact", "id": li}]});
    let call = admin.post("/v1/activities", call).await.ok(201);
    // The customer of the opportunity comes along, the subject out of the body.
    assert_eq!((&call["customer_id"], &call["contact_id"], &call["subject"]), (&json!(acme), &json!(li), &json!("报价")));
    assert_eq!((&call["ends_at"], &call["status"]), (&json!("2026-03-01T08:01:30.000Z"), &json!("done")));
    let path = format!("/v1/activities/{}", call["id"].as_str().unwrap());
    for id in [&acme, &li, &deal] {
        assert_eq!(admin.list(&format!("/v1/activities?records_any={id}"), "id").await, [call["id"].as_str().unwrap()]);
    }
    assert_eq!(admin.list("/v1/activities?customer.name=Acme", "subject").await, ["报价"]);
    assert_eq!(admin.names("/v1/customers?activities.kind=call").await, ["Acme"]);
    let both = json!({"records": [{"object": "customer", "id": globex}, {"object": "customer", "id": acme}]});
    let moved = admin.patch(&path, both).await.ok(200);
    assert_eq!((&moved["customer_id"], &moved["opportunity_id"]), (&json!(globex), &Value::Null));
    assert_eq!(admin.names("/v1/customers?activities.kind=call&sort=name").await, ["Acme", "Globex"]);
    let back = admin.patch(&path, json!({"customer_id": acme})).await.ok(200);
    assert_eq!(back["records"], json!([{"object": "customer", "id": acme}]));
    // On the timelines of all it concerned.
    for customer in [&acme, &globex] {
        let timeline = admin.list(&format!("/v1/customers/{customer}/timeline"), "type").await;
        assert_eq!(timeline.iter().filter(|kind| kind.starts_with("activity.")).count(), if *customer == acme { 3 } else { 2 });
    }
    let nobody = crate::support::new_id();
    let wrong = json!({"kind": "note", "subject": "x", "customer_id": nobody, "records": [{"object": "contact", "id": nobody}, {"object": "lorry", "id": nobody}]});
    let wrong = admin.post("/v1/activities", wrong).await;
    assert_eq!(wrong.faults(400), pairs(&[("/records/1/object", "unknown_choice")]));
    let wrong = json!({"kind": "note", "subject": "x", "customer_id": nobody, "records": [{"object": "contact", "id": li}, {"object": "contact", "id": nobody}]});
    let mut faults = admin.post("/v1/activities", wrong).await.faults(422);
    faults.sort();
    assert_eq!(faults, pairs(&[("/customer_id", "reference_not_found"), ("/records/1/id", "reference_not_found")]));
    let wrong = json!({"kind": "meeting", "status": "done", "occurred_at": later(3600), "attendees": [{"user_id": nobody}, {"name": "李伟"}]});
    let mut faults = admin.post("/v1/activities", wrong).await.faults(422);
    faults.sort();
    assert_eq!(faults, pairs(&[("/occurred_at", "too_late"), ("/subject", "required")]));
}

pub async fn are_read_with_what_they_concern(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let may = ["customer read own", "customer create own", "activity read own", "activity create own", "activity update own"];
    let anna = server.user_who_may(&admin, "Anna", &may, json!([]), json!({})).await;
    let bert = server.user_who_may(&admin, "Bert", &may, json!([]), json!({})).await;
    let hers = anna.create("customers", json!({"name": "Hers"})).await;
    let his = bert.create("customers", json!({"name": "His"})).await;
    let note = admin.create("activities", json!({"kind": "note", "subject": "Both", "records": [{"object": "customer", "id": hers}, {"object": "customer", "id": his}]})).await;
    admin.create("activities", json!({"kind": "note", "subject": "Only hers", "customer_id": hers})).await;
    assert_eq!(bert.list("/v1/activities", "subject").await, ["Both"]);
    let mut subjects = anna.list("/v1/activities", "subject").await;
    subjects.sort();
    assert_eq!(subjects, ["Both", "Only hers"]);
    bert.patch(&format!("/v1/activities/{note}"), json!({"subject": "Mine"})).await.refused(403, "forbidden");
    // Nobody attaches to what they cannot see.
    let sneaked = bert.post("/v1/activities", json!({"kind": "note", "subject": "x", "customer_id": hers})).await;
    assert_eq!(sneaked.faults(422), pairs(&[("/customer_id", "reference_not_found")]));
}

pub async fn keep_what_records_tell(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let globex = admin.create("customers", json!({"name": "Globex"})).await;
    let deal = opportunity(&admin, "Servers", &acme).await;
    let stage = field(&admin, &format!("/v1/opportunities/{deal}"), "stage_id").await;
    let pipeline = field(&admin, &format!("/v1/opportunities/{deal}"), "pipeline_id").await;
    let stage = format!("/v1/pipelines/{}/stages/{}", pipeline.as_str().unwrap(), stage.as_str().unwrap());
    admin.patch(&stage, json!({"rotting_days": 10})).await.ok(200);
    let (acme, globex, deal) =
        (format!("/v1/customers/{acme}"), format!("/v1/customers/{globex}"), format!("/v1/opportunities/{deal}"));
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let note = |at: &str, path: &str| {
        let record = if path.contains("customers") { "customer_id" } else { "opportunity_id" };
        json!({"kind": "note", "subject": "x", "occurred_at": at, record: id(path)})
    };
    let first = admin.create("activities", note("2026-03-01T08:00:00Z", &deal)).await;
    let second = admin.create("activities", note("2026-03-05T08:00:00Z", &acme)).await;
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-03-05T08:00:00.000Z");
    assert_eq!(field(&admin, &deal, "last_activity_at").await, "2026-03-01T08:00:00.000Z");
    assert_eq!(field(&admin, &acme, "version").await, 1);
    // What is planned is not done.
    admin
        .create("activities", json!({"kind": "meeting", "subject": "x", "occurred_at": later(3600), "customer_id": id(&acme)}))
        .await;
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-03-05T08:00:00.000Z");
    admin.delete(&format!("/v1/activities/{second}")).await.ok(204);
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-03-01T08:00:00.000Z");
    admin.post(&format!("/v1/activities/{second}/restore"), json!({})).await.ok(200);
    admin.patch(&format!("/v1/activities/{second}"), json!({"customer_id": id(&globex)})).await.ok(200);
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-03-01T08:00:00.000Z");
    assert_eq!(field(&admin, &globex, "last_activity_at").await, "2026-03-05T08:00:00.000Z");
    admin.patch(&format!("/v1/activities/{first}"), json!({"occurred_at": "2026-02-01T08:00:00Z"})).await.ok(200);
    assert_eq!(field(&admin, &acme, "last_activity_at").await, "2026-02-01T08:00:00.000Z");
    // Rotting follows an activity after the stage was entered.
    let rots = field(&admin, &deal, "rots_at").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now = admin.post("/v1/activities", json!({"kind": "note", "subject": "x", "opportunity_id": id(&deal)})).await.ok(201);
    let (rotting, at) = (field(&admin, &deal, "rots_at").await, now["occurred_at"].clone());
    let time = |value: &Value| farley_domain::time::Timestamp::parse(value.as_str().unwrap()).unwrap();
    assert_eq!(time(&rotting), time(&at).plus_seconds(10 * 24 * 3600));
    assert!(time(&rotting) > time(&rots));
    // Tasks.
    let task = |due: &str| json!({"subject": "x", "due_at": due, "opportunity_id": id(&deal)});
    let late = admin.create("tasks", task("2030-03-05T08:00:00Z")).await;
    let early = admin.create("tasks", task("2030-03-01T08:00:00Z")).await;
    for path in [&acme, &deal] {
        assert_eq!(field(&admin, path, "next_task_at").await, "2030-03-01T08:00:00.000Z");
    }
    admin.post(&format!("/v1/tasks/{early}/complete"), json!({})).await.ok(200);
    assert_eq!(field(&admin, &acme, "next_task_at").await, "2030-03-05T08:00:00.000Z");
    admin.post(&format!("/v1/tasks/{early}/reopen"), json!({})).await.ok(200);
    assert_eq!(field(&admin, &acme, "next_task_at").await, "2030-03-01T08:00:00.000Z");
    admin.patch(&format!("/v1/tasks/{early}"), json!({"status": "cancelled"})).await.ok(200);
    admin.delete(&format!("/v1/tasks/{late}")).await.ok(204);
    assert_eq!(field(&admin, &deal, "next_task_at").await, Value::Null);
    assert_eq!(
        admin.names("/v1/customers?next_task_at_null=true&last_activity_at_gte=2026-01-01T00:00:00Z&sort=name").await,
        ["Acme", "Globex"]
    );
}

/// Many at once, on records in different orders: what they tell is exact in the end.
pub async fn keep_it_also_under_load(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut customers = Vec::new();
    for number in 0..3 {
        customers.push(admin.create("customers", json!({"name": format!("C{number}")})).await);
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6_usize {
        let (admin, mut customers) = (admin.clone(), customers.clone());
        customers.rotate_left(writer % 3);
        writers.spawn(async move {
            for number in 0..8_usize {
                let records: Vec<Value> = customers.iter().map(|id| json!({"object": "customer", "id": id})).collect();
                let at = format!("2026-03-{:02}T{writer:02}:00:00Z", number + 1);
                let id = admin
                    .create("activities", json!({"kind": "note", "subject": "x", "occurred_at": at, "records": records}))
                    .await;
                if number > 3 {
                    admin.delete(&format!("/v1/activities/{id}")).await.ok(204);
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.expect("a writer ends well");
    }
    for id in &customers {
        assert_eq!(field(&admin, &format!("/v1/customers/{id}"), "last_activity_at").await, "2026-03-04T05:00:00.000Z");
    }
}

pub async fn tasks_are_done_put_off_and_given_away(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let anna = server.user(&admin, "Anna", "sales_representative", json!({})).await;
    let first = admin.create("tasks", json!({"subject": "First", "due_at": later(-60)})).await;
    let second = admin.create("tasks", json!({"subject": "Second", "depends_on_id": first, "priority": "urgent"})).await;
    let (first, second) = (format!("/v1/tasks/{first}"), format!("/v1/tasks/{second}"));
    let complete = |path: &str| admin.post(&format!("{path}/complete"), json!({}));
    assert_eq!(complete(&second).await.faults(422), pairs(&[("/status", "waits_for_task")]));
    let id = second.rsplit('/').next().unwrap();
    let circle = admin.patch(&first, json!({"depends_on_id": id})).await;
    assert_eq!(circle.faults(422), pairs(&[("/depends_on_id", "dependency_cycle")]));
    let done = complete(&first).await.ok(200);
    assert!(done["completed_at"].is_string());
    complete(&first).await.refused(409, "state_conflict");
    complete(&second).await.ok(200);
    assert_eq!(admin.post(&format!("{first}/reopen"), json!({})).await.ok(200)["completed_at"], Value::Null);
    let until = later(7200);
    let snoozed = admin.post(&format!("{first}/snooze"), json!({"until": until})).await.ok(200);
    assert_eq!((&snoozed["due_at"], &snoozed["reminder_at"]), (&json!(until), &json!(until)));
    assert_eq!(
        admin.post(&format!("{first}/snooze"), json!({"until": later(-5)})).await.faults(422),
        pairs(&[("/until", "too_early")])
    );
    let given = admin.post(&format!("{first}/delegate"), json!({"user_id": anna.id})).await.ok(200);
    assert_eq!((&given["owner_id"], &given["created_by"]), (&json!(anna.id), &json!(admin.id)));
    assert_eq!(anna.list("/v1/tasks?status=open", "subject").await, ["First"]);
    let events = admin.list(&format!("{first}/history"), "type").await;
    assert_eq!(events, ["task.delegated", "task.updated", "task.reopened", "task.completed", "task.created"]);
    anna.post(&format!("{second}/complete"), json!({})).await.refused(404, "not_found");
    // A representative may give a task to anybody.
    let given = anna.create("tasks", json!({"subject": "For you", "owner_id": admin.id})).await;
    // Who gave it may follow it, and no more.
    assert_eq!(field(&anna, &format!("/v1/tasks/{given}"), "status").await, "open");
    anna.post(&format!("/v1/tasks/{given}/complete"), json!({})).await.refused(403, "forbidden");
}

pub async fn tasks_are_found_by_their_day(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    // Days begin at midnight in Shanghai.
    let day = 24 * 3600;
    let midnight = {
        let now = farley_domain::time::Timestamp::parse(&later(0)).unwrap().milliseconds() / 1000;
        (now + 8 * 3600) / day * day - 8 * 3600
    };
    let at = |seconds: i64| farley_domain::time::Timestamp::from_milliseconds((midnight + seconds) * 1000).to_string();
    for (subject, due_at) in
        [("yesterday", at(-1)), ("morning", at(0)), ("night", at(day - 1)), ("tomorrow", at(day)), ("later", at(2 * day))]
    {
        admin.create("tasks", json!({"subject": subject, "due_at": due_at})).await;
    }
    let found = |query: &str| {
        let path = format!("/v1/tasks?status=open&sort=due_at&{query}");
        let admin = admin.clone();
        async move { admin.list(&path, "subject").await }
    };
    assert_eq!(found("due_at_lt=today").await, ["yesterday"]);
    assert_eq!(found("due_at_gte=today&due_at_lt=tomorrow").await, ["morning", "night"]);
    assert_eq!(found("due_at_gte=tomorrow&due_at_lt=start_of_day%2B2d").await, ["tomorrow"]);
    let overdue = found("due_at_lt=now").await;
    assert!(overdue.contains(&"yesterday".to_owned()) && !overdue.contains(&"tomorrow".to_owned()), "{overdue:?}");
    let filter = json!({"filter": {"and": [
        {"field": "due_at", "op": "gte", "value": {"relative": "start_of_day"}}, {"field": "due_at", "op": "lt", "value": {"relative": "tomorrow"}},
    ]}, "sort": "due_at"});
    assert_eq!(admin.post("/v1/tasks/search", filter).await.each("subject"), ["morning", "night"]);
}

pub async fn recurring_tasks_come_again(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let body = json!({"subject": "周报", "due_at": "2030-03-01T01:00:00Z", "reminder_at": "2030-03-01T00:00:00Z", "recurrence": "rrule:freq=monthly;count=2", "customer_id": acme});
    let first = admin.create("tasks", body).await;
    let done = admin.post(&format!("/v1/tasks/{first}/complete"), json!({})).await.ok(200);
    let next = format!("/v1/tasks/{}", done["next_id"].as_str().expect("the next"));
    let record = admin.get(&next).await.ok(200);
    assert_eq!(
        (&record["due_at"], &record["reminder_at"]),
        (&json!("2030-04-01T01:00:00.000Z"), &json!("2030-04-01T00:00:00.000Z"))
    );
    assert_eq!(
        (&record["status"], &record["recurrence"], &record["customer_id"]),
        (&json!("open"), &json!("FREQ=MONTHLY;COUNT=2"), &json!(acme))
    );
    assert_eq!(field(&admin, &format!("/v1/customers/{acme}"), "next_task_at").await, "2030-04-01T01:00:00.000Z");
    // Done again after being reopened, it is not followed twice.
    admin.post(&format!("/v1/tasks/{first}/reopen"), json!({})).await.ok(200);
    admin.post(&format!("/v1/tasks/{first}/complete"), json!({})).await.ok(200);
    assert_eq!(admin.list("/v1/tasks?status=open", "subject").await.len(), 1);
    // The series ends.
    let last = admin.post(&format!("{next}/complete"), json!({})).await.ok(200);
    assert_eq!(last["next_id"], Value::Null);
    let wrong =
        admin.post("/v1/tasks", json!({"subject": "x", "due_at": "2030-03-01T01:00:00Z", "recurrence": "FREQ=HOURLY"})).await;
    assert_eq!(wrong.faults(422), pairs(&[("/recurrence", "invalid_recurrence")]));
    let wrong = admin.post("/v1/tasks", json!({"subject": "x", "recurrence": "FREQ=DAILY"})).await;
    assert_eq!(wrong.faults(422), pairs(&[("/due_at", "required")]));
}

pub async fn users_are_notified(db: TestDb) {
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
pub async fn each_task_is_told_of_once(db: TestDb) {
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
    let now = farley_domain::time::Timestamp::parse(&later(0)).unwrap();
    let notices = || farley::activities::notices::perform(&server.app, tenant, now);
    let (one, two, three) = tokio::join!(notices(), notices(), notices());
    one.and(two).and(three).expect("notices are given");
    for kind in ["task_due", "reminder"] {
        let mut titles = anna.list(&format!("/v1/notifications?kind={kind}"), "title").await;
        titles.sort();
        assert_eq!(titles, ["T0", "T1", "T2", "T3", "T4"], "{kind}");
    }
}

pub async fn notifications_are_streamed(db: TestDb) {
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
    let wrong = anna.get("/v1/notifications/stream").header("Last-Event-ID", "nonsense!").await;
    assert_eq!(wrong.faults(400), pairs(&[("Last-Event-ID", "invalid_cursor")]));
}

pub async fn calendars_show_what_may_be_known(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let may = ["activity read own", "task read own", "user read all", "customer read own"];
    let anna = server.user_who_may(&admin, "Anna", &may, json!([]), json!({})).await;
    let bert = server.user_who_may(&admin, "Bert", &may, json!([]), json!({})).await;
    let meet = |subject: &str, from: &str, to: &str, owner: &str, attendees: Value| json!({"kind": "meeting", "subject": subject, "occurred_at": from, "ends_at": to, "owner_id": owner, "attendees": attendees, "location": "深圳"});
    let with = |id: &str| json!([{"user_id": id}]);
    for body in [
        meet("Late", "2030-03-04T03:30:00Z", "2030-03-04T05:00:00Z", &anna.id, json!([])),
        meet("Early", "2030-03-04T02:00:00Z", "2030-03-04T04:00:00Z", &anna.id, with(&bert.id)),
        meet("Elsewhere", "2030-03-09T02:00:00Z", "2030-03-09T04:00:00Z", &anna.id, json!([])),
        meet("Over night", "2030-03-03T20:00:00Z", "2030-03-04T01:00:00Z", &bert.id, json!([])),
    ] {
        admin.create("activities", body).await;
    }
    let gone =
        admin.create("activities", meet("Gone", "2030-03-04T06:00:00Z", "2030-03-04T07:00:00Z", &anna.id, json!([]))).await;
    admin.patch(&format!("/v1/activities/{gone}"), json!({"status": "cancelled"})).await.ok(200);
    let task =
        json!({"subject": "Daily", "due_at": "2030-03-02T09:00:00Z", "recurrence": "FREQ=DAILY;COUNT=4", "owner_id": anna.id});
    admin.create("tasks", task).await;
    let range = "from=2030-03-04T00:00:00Z&to=2030-03-06T00:00:00Z";
    let own = anna.get(&format!("/v1/calendar?{range}")).await.ok(200);
    let entries = |calendar: &Value| -> Vec<(String, String, bool)> {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let entries = calendar["data"].as_array().unwrap().iter();
        entries
            .map(|entry| (text(&entry["title"]), text(&entry["starts_at"])[8..16].to_owned(), entry["recurring"] == true))
            .collect()
    };
    let entry = |title: &str, at: &str, later| (title.to_owned(), at.to_owned(), later);
    assert_eq!(
        entries(&own),
        [
            entry("Early", "04T02:00", false),
            entry("Late", "04T03:30", false),
            entry("Daily", "04T09:00", true),
            entry("Daily", "05T09:00", true)
        ]
    );
    assert_eq!(
        own["busy"],
        json!([{"user_id": anna.id, "starts_at": "2030-03-04T02:00:00.000Z", "ends_at": "2030-03-04T05:00:00.000Z"}])
    );
    // What she owns he may not read, except that it takes her time.
    let hers = bert.get(&format!("/v1/calendar?{range}&user_id={}", anna.id)).await.ok(200);
    assert_eq!(entries(&hers), [entry("-", "04T02:00", false), entry("-", "04T03:30", false)]);
    assert_eq!(
        (&hers["data"][0]["kind"], &hers["data"][0]["id"], &hers["data"][0]["location"]),
        (&json!("busy"), &Value::Null, &Value::Null)
    );
    assert_eq!(hers["busy"], own["busy"]);
    // He attends one of them, and one goes on from the day before.
    let his = bert.get(&format!("/v1/calendar?{range}")).await.ok(200);
    assert_eq!(entries(&his), [entry("Over night", "03T20:00", false), entry("-", "04T02:00", false)]);
    let team = admin.create("teams", json!({"name": "South"})).await;
    for user in [&anna, &bert] {
        admin.patch(&format!("/v1/users/{}", user.id), json!({"team_id": team})).await.ok(200);
    }
    let all = admin.get(&format!("/v1/calendar?{range}&team_id={team}")).await.ok(200);
    assert_eq!((entries(&all).len(), all["busy"].as_array().unwrap().len()), (5, 3));
    assert_eq!(all["data"][1]["user_ids"].as_array().unwrap().len(), 2);
    for (query, fault) in [
        ("from=2030-03-04T00:00:00Z&to=2030-03-03T00:00:00Z", ("to", "too_early")),
        ("from=2030-03-04T00:00:00Z&to=2031-03-03T00:00:00Z", ("to", "too_late")),
        ("from=soon", ("from", "invalid_time")),
        ("user_id=7", ("user_id", "invalid_id")),
        (&format!("user_id={}", crate::support::new_id()), ("user_id", "reference_not_found")),
    ] {
        assert_eq!(admin.get(&format!("/v1/calendar?{query}")).await.faults(400), pairs(&[fault]), "{query}");
    }
}

pub async fn calendars_are_fed_to_other_programs(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let long = "很长的主题".repeat(20);
    let body = json!({"kind": "visit", "subject": long, "occurred_at": later(3600), "duration_seconds": 1800, "location": "A; B, C\\D", "body": "第一行\n@[Li](user:01890a5d-ac96-774b-bcce-b302099a8057)"});
    admin.create("activities", body).await;
    admin
        .create(
            "activities",
            json!({"kind": "call", "subject": "Another's", "occurred_at": later(60), "owner_id": admin.id, "body": "x"}),
        )
        .await;
    admin.create("tasks", json!({"subject": "周报", "due_at": later(86_400), "recurrence": "FREQ=WEEKLY;COUNT=3"})).await;
    let made = admin.post("/v1/me/calendar-feed", json!({})).header("Idempotency-Key", "feed").await.ok(201);
    let url = made["url"].as_str().expect("a URL");
    let again = admin.post("/v1/me/calendar-feed", json!({})).header("Idempotency-Key", "feed").await.ok(201);
    assert!(again.get("url").is_none(), "shown once");
    let path = url.strip_prefix(&server.url).expect("of this server");
    let answer = server.anybody().get(path).await;
    assert_eq!(answer.header("content-type"), "text/calendar; charset=utf-8");
    let text = answer.text.clone();
    answer.ok(200);
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
    let unfolded = text.replace("\r\n ", "");
    assert_eq!(unfolded.matches("BEGIN:VEVENT").count(), 5);
    assert!(unfolded.contains(&format!("SUMMARY:{long}")), "{unfolded}");
    assert!(
        unfolded.contains("LOCATION:A\\; B\\, C\\\\D\r\n") && unfolded.contains("DESCRIPTION:第一行\\n@Li\r\n"),
        "{unfolded}"
    );
    assert_eq!(unfolded.matches("SUMMARY:☐ 周报").count(), 3);
    if let Ok(folder) = std::env::var("FARLEY_TEST_FEEDS") {
        std::fs::write(format!("{folder}/{}.ics", server.app.store.engine_name()), &text).expect("it is written");
    }
    // Of what one attends and may not read, the time is known.
    let bert = server.user_who_may(&admin, "Bert", &["activity read own"], json!([]), json!({})).await;
    for (subject, attendees) in [("Secret", json!([{"user_id": bert.id}])), ("Elsewhere", json!([]))] {
        let body = json!({"kind": "meeting", "subject": subject, "occurred_at": later(7200), "duration_seconds": 1800, "attendees": attendees});
        admin.create("activities", body).await;
    }
    let made = bert.post("/v1/me/calendar-feed", json!({})).await.ok(201);
    let busy = server.anybody().get(made["url"].as_str().unwrap().strip_prefix(&server.url).unwrap()).await.text.clone();
    assert_eq!((busy.matches("BEGIN:VEVENT").count(), busy.matches("SUMMARY:Busy").count()), (1, 1), "{busy}");
    assert!(!busy.contains("Secret") && busy.contains("DTEND"), "{busy}");
    // A new address makes the former void.
    let new = admin.post("/v1/me/calendar-feed", json!({})).await.ok(201);
    let new = new["url"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
    server.anybody().get(path).await.refused(404, "not_found");
    server.anybody().get(&new).await.ok(200);
    admin.delete("/v1/me/calendar-feed").await.ok(204);
    server.anybody().get(&new).await.refused(404, "not_found");
}

/// A mail server that takes what it is told, after refusing it once.
async fn mail_server() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let (sender, mails) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut refused = false;
        while let Ok((socket, _)) = listener.accept().await {
            let (reader, mut writer) = socket.into_split();
            let mut lines = BufReader::new(reader).lines();
            let _ = writer.write_all(b"220 mail ready\r\n").await;
            while let Ok(Some(line)) = lines.next_line().await {
                let answer: &[u8] = match line.split([' ', ':']).next().unwrap_or_default() {
                    "MAIL" if !refused => {
                        refused = true;
                        b"451 try again\r\n"
                    }
                    "DATA" => {
                        let _ = writer.write_all(b"354 go on\r\n").await;
                        let mut mail = String::new();
                        while let Ok(Some(line)) = lines.next_line().await {
                            if line == "." {
                                break;
                            }
                            mail.push_str(&line);
                            mail.push('\n');
                        }
                        let _ = sender.send(mail);
                        b"250 taken\r\n"
                    }
                    _ => b"250 fine\r\n",
                };
                let _ = writer.write_all(answer).await;
            }
        }
    });
    (url, mails)
}

pub async fn notifications_are_mailed_where_wanted(db: TestDb) {
    let (url, mut mails) = mail_server().await;
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
