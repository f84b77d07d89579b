//! `/v1/tasks`.

use serde_json::{Value, json};

use super::{field, later};
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn are_completed_snoozed_and_delegated(db: TestDb) {
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

pub async fn are_found_by_their_day(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    // Days begin at midnight in Shanghai.
    let day = 24 * 3600;
    let midnight = {
        let now = farley_domain::values::time::Timestamp::parse(&later(0)).unwrap().milliseconds() / 1000;
        (now + 8 * 3600) / day * day - 8 * 3600
    };
    let at = |seconds: i64| farley_domain::values::time::Timestamp::from_milliseconds((midnight + seconds) * 1000).to_string();
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

pub async fn recur_when_completed(db: TestDb) {
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
    for (rule, reason) in [
        ("FREQ=DAILY;COUNT=0", "COUNT 必须是不小于 1 的整数"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20301231", "COUNT 与 UNTIL 不能同时使用"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "没有任何一天符合"),
        ("FREQ=DAILY;UNTIL=someday", "UNTIL 必须是日期或时间，例如 20261231 或 20261231T155959Z"),
    ] {
        let body = json!({"subject": "x", "due_at": "2030-03-01T01:00:00Z", "recurrence": rule});
        let wrong = admin.post("/v1/tasks", body).header("Accept-Language", "zh-CN").await;
        assert!(wrong.text.contains(reason), "{rule}: {}", wrong.text);
        assert_eq!(wrong.faults(422), pairs(&[("/recurrence", "invalid_recurrence")]));
    }
    // A day as the end counts to its end where the tenant is: 1 March 23:30 in Shanghai is its last time.
    let body = json!({"subject": "x", "due_at": "2030-02-28T15:30:00Z", "recurrence": "FREQ=DAILY;UNTIL=20300301"});
    let task = admin.create("tasks", body).await;
    let second = admin.post(&format!("/v1/tasks/{task}/complete"), json!({})).await.ok(200)["next_id"].clone();
    let last = admin.post(&format!("/v1/tasks/{}/complete", second.as_str().expect("a second")), json!({})).await.ok(200);
    assert_eq!((&last["due_at"], &last["next_id"]), (&json!("2030-03-01T15:30:00.000Z"), &Value::Null));
    let wrong = admin.post("/v1/tasks", json!({"subject": "x", "recurrence": "FREQ=DAILY"})).await;
    assert_eq!(wrong.faults(422), pairs(&[("/due_at", "required")]));
}
