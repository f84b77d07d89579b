//! Activities, tasks, notifications and calendars.

use farley::activities::notices;
use serde_json::json;

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    support::TestDb,
};

pub async fn activities_and_tasks(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "activities").await;
    let anna = r.server.user(&r.admin, "Anna", "sales_representative", json!({})).await;
    let acme = r.create("customers", json!({"name": "Acme"})).await;
    let globex = r.create("customers", json!({"name": "Globex"})).await;
    let li = r.create("contacts", json!({"name": "Li", "customer_id": acme})).await;
    let deal = r.create("opportunities", json!({"name": "Servers", "customer_id": acme})).await;
    let lead = r.create("leads", json!({"name": "Lead"})).await;
    let call = json!({
        "kind": "call", "body": "# 报价\n价格谈好了", "opportunity_id": deal, "direction": "outbound", "duration_seconds": 900, "outcome": "ok", "location": "深圳",
        "occurred_at": "2017-03-01T08:00:00Z", "records": [{"object": "contact", "id": li}], "attendees": [{"user_id": anna.id}, {"name": "李伟"}], "external_ids": {"pbx": "1"},
    });
    let call = r.create("activities", call).await;
    let path = format!("/v1/activities/{call}");
    r.get(&format!("{path}?expand=customer,contact,opportunity,customers,owner")).await;
    r.patch(&path, json!({"records": [{"object": "customer", "id": globex}, {"object": "customer", "id": acme}]})).await;
    r.patch(&path, json!({"customer_id": acme, "occurred_at": "2017-03-02T08:00:00Z"})).await;
    r.create("activities", json!({"kind": "meeting", "subject": "Ahead", "occurred_at": "2040-03-04T02:00:00Z", "ends_at": "2040-03-04T04:00:00Z", "lead_id": lead, "attendees": [{"user_id": anna.id}]})).await;
    for body in [
        json!({"kind": "note", "subject": "x", "customer_id": li, "records": [{"object": "contact", "id": li}, {"object": "lorry", "id": li}]}),
        json!({"kind": "note", "subject": "x", "customer_id": li, "records": [{"object": "contact", "id": acme}]}),
        json!({"kind": "meeting", "status": "done", "occurred_at": "2040-03-04T02:00:00Z", "attendees": [{"user_id": acme}]}),
        json!({"kind": "nonsense", "duration_seconds": -1, "occurred_at": "x"}),
        json!({"kind": "meeting", "subject": "x", "occurred_at": "2017-03-04T02:00:00Z", "ends_at": "2017-03-03T02:00:00Z"}),
    ] {
        r.post("/v1/activities", body).await;
    }
    let mention = json!({"kind": "note", "body": format!("请 @[Anna](user:{}) 看看", anna.id), "customer_id": globex});
    r.create("activities", mention).await;
    for id in [&acme, &globex] {
        r.get(&format!("/v1/customers/{id}?fields=name,version,last_activity_at,next_task_at")).await;
        r.get(&format!("/v1/customers/{id}/timeline")).await;
    }
    r.delete(&path).await;
    r.get(&format!("/v1/customers/{acme}?fields=last_activity_at")).await;
    r.post(&format!("{path}/restore"), json!({})).await;
    for query in [
        "records_any={id}",
        "customer.name=Acme&sort=occurred_at",
        "kind=meeting&occurred_at_gte=2040-01-01T00:00:00Z",
        "mention_ids_null=false",
    ] {
        r.get(&format!("/v1/activities?fields=subject,kind&{}", query.replace("{id}", &acme))).await;
    }

    let first = r.create("tasks", json!({"subject": "First", "due_at": "2040-03-05T08:00:00Z", "customer_id": acme, "kind": "call", "priority": "high", "reminder_at": "2040-03-05T07:00:00Z"})).await;
    let second = r
        .create("tasks", json!({"subject": "Second", "depends_on_id": first, "priority": "urgent", "opportunity_id": deal}))
        .await;
    let (one, two) = (format!("/v1/tasks/{first}"), format!("/v1/tasks/{second}"));
    r.get(&format!("/v1/customers/{acme}?fields=next_task_at")).await;
    r.post(&format!("{two}/complete"), json!({})).await;
    r.patch(&one, json!({"depends_on_id": second})).await;
    for (path, verb, body) in [
        (&one, "complete?validate_only=true", json!({})),
        (&one, "complete", json!({})),
        (&one, "complete", json!({})),
        (&two, "complete", json!({})),
        (&one, "reopen", json!({})),
        (&one, "reopen", json!({})),
        (&one, "snooze", json!({"until": "2041-03-05T08:00:00Z"})),
        (&one, "snooze", json!({"until": "2017-03-05T08:00:00Z"})),
        (&one, "snooze", json!({})),
        (&one, "snooze", json!({"until": "x", "nonsense": 1})),
        (&one, "delegate", json!({"user_id": anna.id})),
        (&one, "delegate", json!({"user_id": acme})),
        (&one, "delegate", json!({"user": 1})),
    ] {
        r.post(&format!("{path}/{verb}"), body).await;
    }
    r.patch(&one, json!({"status": "cancelled"})).await;
    r.get(&format!("{one}/history")).await;
    let foreign = anna.post(&format!("{two}/complete"), json!({}));
    r.play(foreign).await;
    let weekly = json!({"subject": "周报", "due_at": "2040-03-01T01:00:00Z", "reminder_at": "2040-03-01T00:00:00Z", "recurrence": "rrule:freq=monthly;count=2", "customer_id": acme});
    let weekly = r.create("tasks", weekly).await;
    let done = r.post(&format!("/v1/tasks/{weekly}/complete"), json!({})).await;
    let next = done["next_id"].as_str().expect("the next").to_owned();
    r.get(&format!("/v1/tasks/{next}")).await;
    r.post(&format!("/v1/tasks/{next}/complete"), json!({})).await;
    for body in [
        json!({"subject": "x", "due_at": "2040-03-01T01:00:00Z", "recurrence": "FREQ=HOURLY"}),
        json!({"subject": "x", "recurrence": "FREQ=DAILY"}),
        json!({"kind": "nonsense", "depends_on_id": acme}),
    ] {
        r.post("/v1/tasks", body).await;
    }

    // What Anna is told.
    let given = r.create("tasks", json!({"subject": "报价", "owner_id": anna.id})).await;
    r.create(
        "tasks",
        json!({"subject": "Daily", "due_at": "2040-03-02T09:00:00Z", "recurrence": "FREQ=DAILY;COUNT=4", "owner_id": anna.id}),
    )
    .await;
    let hers = anna.create("opportunities", json!({"name": "Hers"})).await;
    r.post(&format!("/v1/opportunities/{hers}/lose"), json!({"close_reason": "价格"})).await;
    let due = farley::http::clock::now().plus_seconds(-60).to_string();
    r.create("tasks", json!({"subject": "Due", "owner_id": anna.id, "due_at": due, "reminder_at": due})).await;
    let tenant = r.tenant().await;
    notices::perform(&r.server.app, tenant, farley::http::clock::now()).await.expect("notices are given");
    let list = anna.get("/v1/notifications?sort=created_at,kind&kind_nin=task_due,reminder");
    let list = r.play(list).await.body;
    let id = list["data"][0]["id"].as_str().expect("a notification").to_owned();
    for call in [
        anna.get("/v1/notifications?sort=kind&kind_in=task_due,reminder"),
        anna.get("/v1/notifications/unread-count"),
        r.admin.post(&format!("/v1/notifications/{id}/read"), json!({})),
        anna.post(&format!("/v1/notifications/{id}/read"), json!({})),
        anna.post("/v1/notifications/read-all", json!({})),
        anna.get("/v1/notifications/unread-count"),
        anna.patch("/v1/me/notification-preferences", json!({"assigned": {"app": false}})),
        anna.patch("/v1/me/notification-preferences", json!({"asigned": {}, "reminder": {"sms": true, "app": 1}})),
        anna.get("/v1/me/notification-preferences"),
        anna.get("/v1/calendar?from=2040-03-01T00:00:00Z&to=2040-03-06T00:00:00Z"),
        r.admin.get(&format!("/v1/calendar?from=2040-03-01T00:00:00Z&to=2040-03-06T00:00:00Z&user_id={}", anna.id)),
        r.admin.get("/v1/calendar?from=2040-03-04T00:00:00Z&to=2040-03-03T00:00:00Z"),
        r.admin.get("/v1/calendar?from=soon&user_id=7"),
        anna.patch(&format!("/v1/tasks/{given}"), json!({"status": "cancelled"})),
        anna.post("/v1/tasks", json!({"subject": "For you", "owner_id": r.admin.id})),
    ] {
        r.play(call).await;
    }
    let feed = anna.post("/v1/me/calendar-feed", json!({}));
    r.play(feed).await;
    r.end().await
}
