//! `/v1/rules` on time passed: what is due is done once, for each value of the time that is counted from.

use std::time::Duration;

use farley::http::clock;
use serde_json::{Value, json};

use super::{once, ran, runs};
use crate::{
    server::Server,
    support::{Engine, TestDb},
};

fn ago(minutes: i64) -> String {
    clock::now().plus_seconds(-60 * minutes).to_string()
}

pub async fn what_waits_is_reminded_of_and_then_solved(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    let day = 24 * 60;
    let overdue = admin.create("tickets", json!({"subject": "a", "owner_id": agent.id, "opened_at": ago(4 * day)})).await;
    let old = admin.create("tickets", json!({"subject": "b", "owner_id": agent.id, "opened_at": ago(8 * day)})).await;
    let fresh = admin.create("tickets", json!({"subject": "c", "owner_id": agent.id, "opened_at": ago(day)})).await;
    let ancient = admin.create("tickets", json!({"subject": "d", "owner_id": agent.id, "opened_at": ago(200 * day)})).await;
    let open = json!({"field": "status", "op": "in", "value": ["new", "open"]});
    let remind = json!({"name": "3 days: remind", "object": "ticket", "filter": open,
        "trigger": {"field": "waiting_since", "minutes": 3 * day}, "actions": [{"type": "notify", "to": ["owner"], "message": "waiting: {subject}"}]});
    let remind = admin.create("rules", remind).await;
    let solve = json!({"name": "7 days: solve", "object": "ticket", "filter": open, "sort_order": 200,
        "trigger": {"field": "waiting_since", "minutes": 7 * day}, "actions": [{"type": "perform", "action": "solve"}]});
    let solve = admin.create("rules", solve).await;
    // A second node finds nothing left to do.
    let other = if db.engine == Engine::Postgres { Some(Server::start(db).await) } else { None };
    ran(&admin, &solve, 1).await;
    // The one that was solved may have been reminded of before that.
    let reminded = once(&admin, &format!("/v1/rules/{remind}"), |rule| rule["run_count"].as_i64() >= Some(1)).await;
    assert!(reminded["run_count"].as_i64() <= Some(2), "{reminded}");
    let status = |id: String| {
        let admin = admin.clone();
        async move { admin.get(&format!("/v1/tickets/{id}")).await.ok(200)["status"].clone() }
    };
    let now = [status(overdue.clone()).await, status(old).await, status(fresh).await, status(ancient.clone()).await];
    assert_eq!(now, ["new", "solved", "new", "new"]);
    let reminders = runs(&admin, &remind).await;
    assert!(reminders.iter().any(|run| run["record_id"] == overdue.as_str()), "{reminders:?}");
    assert!(reminders.iter().all(|run| run["record_id"] != ancient.as_str()), "what has passed long ago is not looked for");
    assert_eq!((&reminders[0]["event_id"], &reminders[0]["outcome"]), (&Value::Null, &json!("done")));
    let before = reminders.len();
    // A reply ends the waiting, and a new question begins it anew.
    let messages = format!("/v1/tickets/{overdue}/messages");
    admin.post(&messages, json!({"body": "answer", "sent_at": ago(4 * day - 60)})).await.ok(201);
    admin.post(&messages, json!({"kind": "incoming", "body": "again", "sent_at": ago(3 * day + 60)})).await.ok(201);
    // It is looked at once a minute; a rule that is turned off and on at once.
    for is_active in [false, true] {
        admin.patch(&format!("/v1/rules/{remind}"), json!({"is_active": is_active})).await.ok(200);
    }
    let again = once(&admin, &format!("/v1/rules/{remind}"), |rule| rule["run_count"].as_u64() > Some(before as u64)).await;
    assert_eq!(again["run_count"], before + 1, "{again}");
    drop(other);
}

pub async fn what_is_repeated_is_bounded_and_outlives_a_stop(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let long = admin.create("tickets", json!({"subject": "long", "opened_at": ago(100)})).await;
    let trigger = json!({"field": "opened_at", "minutes": 30, "repeat": {"every_minutes": 60, "times": 2}});
    let count = json!([{"type": "set", "fields": {"cause": "{cause}+"}}]);
    let rule = admin.create("rules", json!({"name": "r", "object": "ticket", "trigger": trigger, "actions": count})).await;
    // Due 70 and 10 minutes ago, and in 50 minutes: what was missed is done once.
    ran(&admin, &rule, 1).await;
    server.stop_gracefully().await;
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let soon = admin.create("tickets", json!({"subject": "soon", "opened_at": ago(29)})).await;
    let due = admin.create("tickets", json!({"subject": "due", "opened_at": ago(31)})).await;
    for is_active in [false, true] {
        admin.patch(&format!("/v1/rules/{rule}"), json!({"is_active": is_active})).await.ok(200);
    }
    ran(&admin, &rule, 2).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    ran(&admin, &rule, 2).await;
    let cause = |id: &str| format!("/v1/tickets/{id}?fields=cause");
    assert_eq!(admin.get(&cause(&long)).await.ok(200)["cause"], "+");
    assert_eq!(admin.get(&cause(&due)).await.ok(200)["cause"], "+");
    assert_eq!(admin.get(&cause(&soon)).await.ok(200)["cause"], Value::Null);
    // Counted from another time, everything is due anew.
    let trigger = json!({"field": "status_entered_at", "minutes": 0});
    admin.patch(&format!("/v1/rules/{rule}"), json!({"trigger": trigger})).await.ok(200);
    ran(&admin, &rule, 5).await;
}

pub async fn business_time_days_and_times_to_come_are_counted(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let now = clock::now().to_utc();
    let day = |days: i64| (now + chrono::Duration::days(days)).date_naive().to_string();
    let pipeline = admin.get("/v1/pipelines").await.ok(200)["data"][0]["id"].clone();
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    let deal = |name: &str, close: String| json!({"name": name, "pipeline_id": pipeline, "customer_id": customer, "expected_close_on": close});
    let near = admin.create("opportunities", deal("near", day(3))).await;
    let far = admin.create("opportunities", deal("far", day(20))).await;
    // Seven days before a day.
    let before = json!({"name": "before", "object": "opportunity", "trigger": {"field": "expected_close_on", "minutes": -7 * 24 * 60},
        "actions": [{"type": "set", "fields": {"name": "{name}!"}}]});
    let before = admin.create("rules", before).await;
    ran(&admin, &before, 1).await;
    assert_eq!(admin.get(&format!("/v1/opportunities/{near}")).await.ok(200)["name"], "near!");
    assert_eq!(admin.get(&format!("/v1/opportunities/{far}")).await.ok(200)["name"], "far");
    // A desk that is open for one hour a day.
    let open = (now - chrono::Duration::hours(2)).format("%H:00").to_string();
    let close = (now - chrono::Duration::hours(1)).format("%H:00").to_string();
    if close > open {
        let hours = json!({"mon": [[open, close]], "tue": [[open, close]], "wed": [[open, close]], "thu": [[open, close]],
            "fri": [[open, close]], "sat": [[open, close]], "sun": [[open, close]]});
        let calendar = admin.create("calendars", json!({"name": "one hour", "time_zone": "UTC", "week": hours})).await;
        let elapsed = |from: &str| format!("/v1/calendars/{calendar}/elapsed?from={from}&to={}", clock::now());
        let [short, long] = [ago(20 * 60), ago(5 * 24 * 60)];
        let minutes = |answer: &Value| answer["minutes"].as_i64().unwrap();
        assert!(minutes(&admin.get(&elapsed(&short)).await.ok(200)) < 150);
        assert!(minutes(&admin.get(&elapsed(&long)).await.ok(200)) >= 150);
        let early = admin.create("tickets", json!({"subject": "early", "opened_at": short})).await;
        let late = admin.create("tickets", json!({"subject": "late", "opened_at": long})).await;
        let rule = json!({"name": "business", "object": "ticket", "trigger": {"field": "opened_at", "minutes": 150, "calendar_id": calendar},
            "actions": [{"type": "set", "fields": {"priority": "high"}}]});
        let rule = admin.create("rules", rule).await;
        ran(&admin, &rule, 1).await;
        assert_eq!(admin.get(&format!("/v1/tickets/{late}")).await.ok(200)["priority"], "high");
        assert_eq!(admin.get(&format!("/v1/tickets/{early}")).await.ok(200)["priority"], "normal");
    }
}
