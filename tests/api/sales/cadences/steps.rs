//! Steps that become tasks on their days.

use std::sync::Arc;
use std::time::Duration;

use chrono::Datelike;
use farley::http::clock;
use farley::sales::cadences::job;
use farley_domain::values::time::Timestamp;
use serde_json::{Value, json};

use super::{DAY, Enrolment, Stage, is_active, step};
use crate::{
    server::Server,
    support::{Engine, TestDb},
};

pub async fn make_tasks_on_their_days(db: TestDb) {
    let stage = Stage::new(db).await;
    let admin = &stage.admin;
    let mut steps =
        json!([step(3, "email", "给 {company} 发资料"), step(1, "call", "致电 {name}"), step(1, "message", "{company}")]);
    steps[1]["time"] = json!("12:00");
    steps[1]["priority"] = json!("high");
    steps[1]["description"] = json!("问 {name} 的预算");
    let cadence = stage.cadence(json!({"steps": steps, "external_ids": {"sap": "7"}})).await;
    let lead = stage.lead(json!({"external_ids": {"sap": "42"}})).await;
    let path = "/v1/cadences/ext:sap:7/enrol";
    let told = admin.post(path, json!({"record_ids": ["ext:sap:42"]})).await.ok(200);
    let enrolment =
        Enrolment { stage: &stage, path: format!("/v1/cadence-enrolments/{}", told["data"][0]["id"].as_str().unwrap()) };
    let begun = enrolment.get().await;
    assert_eq!((&begun["lead_id"], &begun["status"], &begun["step"]), (&json!(lead), &json!("active"), &json!(1)));
    assert_eq!((&begun["cadence_id"], &begun["created_by"]), (&json!(cadence), &json!(admin.id)));

    let first = enrolment.go_on().await;
    let tasks = enrolment.tasks().await;
    assert_eq!(tasks.len(), 2, "both of the first day: {tasks:?}");
    let call = &tasks[0];
    assert_eq!((&call["subject"], &call["description"]), (&json!("致电 李伟"), &json!("问 李伟 的预算")));
    assert_eq!((&call["kind"], &call["priority"], &call["status"]), (&json!("call"), &json!("high"), &json!("open")));
    assert_eq!((&call["owner_id"], &call["lead_id"]), (&json!(admin.id), &json!(lead)));
    // Made at eight, due at noon; the other in the evening, and what stands for nothing leaves the name.
    assert_eq!(call["due_at"], first.plus_seconds(4 * 3600).to_string());
    assert_eq!((&tasks[1]["due_at"], &tasks[1]["subject"]), (&json!(first.plus_seconds(10 * 3600).to_string()), &json!("李伟")));
    assert_eq!(admin.get(&format!("/v1/leads/{lead}")).await.ok(200)["next_task_at"], call["due_at"]);
    let now = enrolment.get().await;
    assert_eq!((&now["step"], &now["last_step_at"]), (&json!(3), &json!(first.to_string())));

    assert_eq!(enrolment.go_on_at(first.plus_seconds(2 * DAY)).await, 3);
    let done = enrolment.get().await;
    assert_eq!((&done["status"], &done["next_step_at"], &done["step"]), (&json!("finished"), &Value::Null, &json!(3)));
    assert_eq!(done["ended_at"], first.plus_seconds(2 * DAY).to_string());
    stage.run(first.plus_seconds(30 * DAY)).await;
    assert_eq!(enrolment.tasks().await.len(), 3);
    let told = admin.list(&format!("{}/history", enrolment.path), "type").await;
    assert_eq!(told, ["cadence_enrolment.finished", "cadence_enrolment.step_made", "cadence_enrolment.created"]);
    // Found from both ends.
    assert_eq!(admin.names("/v1/leads?cadence_enrolments.status=finished").await, ["李伟"]);
    assert_eq!(admin.list(&format!("/v1/cadence-enrolments?cadence_id={cadence}"), "status").await, ["finished"]);
    let shown = admin.get(&format!("/v1/cadences/{cadence}?fields=enrolment_count&expand=enrolments")).await.ok(200);
    assert_eq!((&shown["enrolment_count"], &shown["enrolments"][0]["lead_id"]), (&json!(1), &json!(lead)));
    assert!(is_active(&stage.enrol(&cadence, &lead).await).await, "what has ended can begin anew by hand");
}

pub async fn repeat_every_week(db: TestDb) {
    let stage = Stage::new(db).await;
    let steps = json!([step(1, "call", "a"), step(3, "email", "b")]);
    let cadence = stage.cadence(json!({"steps": steps, "repeat_every_days": 7, "max_rounds": 3})).await;
    let enrolment = stage.enrol(&cadence, &stage.lead(json!({})).await).await;
    let first = enrolment.next().await;
    let mut days = Vec::new();
    for count in 1..=5 {
        let at = enrolment.go_on_once().await;
        days.push((at.milliseconds() - first.milliseconds()) / 1000 / DAY);
        assert_eq!(enrolment.tasks().await.len(), count);
        if count == 3 {
            // What a cadence becomes holds from the next round on.
            let path = format!("/v1/cadences/{cadence}");
            stage.admin.patch(&path, json!({"steps": [step(2, "visit", "c")]})).await.ok(200);
        }
    }
    assert_eq!(days, [0, 2, 7, 9, 15]);
    let subjects: Vec<Value> = enrolment.tasks().await.into_iter().map(|task| task["subject"].clone()).collect();
    assert_eq!(subjects, ["a", "b", "a", "b", "c"]);
    let done = enrolment.get().await;
    assert_eq!((&done["status"], &done["round"]), (&json!("finished"), &json!(3)));
}

pub async fn wait_for_working_days(db: TestDb) {
    let stage = Stage::new(db).await;
    let now = clock::now();
    let weekly: Vec<Value> = (1..=5).map(|weekday| json!({"weekday": weekday, "from": "09:00", "to": "18:00"})).collect();
    let holiday = json!([{"user_id": null, "starts_at": now.plus_seconds(-2 * DAY), "ends_at": now.plus_seconds(9 * DAY)}]);
    let schedule = json!({"name": "上海", "user_ids": [stage.admin.id], "time_zone": "Asia/Shanghai", "weekly": weekly, "absences": holiday});
    stage.admin.create("work-schedules", schedule).await;
    stage.admin.patch("/v1/me", json!({"time_zone": "Asia/Shanghai"})).await.ok(200);
    let steps: Vec<Value> = (1..=7).map(|day| step(day, "call", "a")).collect();
    let cadence = stage.cadence(json!({"working_days_only": true, "steps": steps})).await;
    let enrolment = stage.enrol(&cadence, &stage.lead(json!({})).await).await;
    assert!(enrolment.next().await > now.plus_seconds(8 * DAY), "after the holiday");
    let mut weekdays = Vec::new();
    for _ in 0..7 {
        let at = enrolment.go_on_once().await.to_utc().with_timezone(&chrono_tz::Asia::Shanghai);
        assert_eq!(at.format("%H:%M").to_string(), "08:00");
        weekdays.push(at.weekday().number_from_monday());
    }
    let first = weekdays[0];
    let expected: Vec<u32> = (0..7).map(|step| (first - 1 + step) % 5 + 1).collect();
    assert_eq!(weekdays, expected, "Monday to Friday, one after the other");
}

/// Two nodes at the same steps, one of them dying again and again: each step makes one task.
pub async fn make_each_task_once(db: TestDb) {
    let stage = Stage::new(db.clone()).await;
    // A file has one node, on which several do the same.
    let second = match db.engine {
        Engine::Postgres => Some(Server::start_with(db, |settings| settings.jobs = 0).await),
        Engine::Sqlite => None,
    };
    let nodes = [&stage.server.app, second.as_ref().map_or(&stage.server.app, |second| &second.app)];
    let cadence = stage.cadence(json!({"steps": [step(1, "call", "a"), step(2, "email", "b")]})).await;
    let mut leads = Vec::new();
    for _ in 0..20 {
        leads.push(stage.lead(json!({})).await);
    }
    let told = stage.admin.post(&format!("/v1/cadences/{cadence}/enrol"), json!({"record_ids": leads})).await.ok(200);
    assert_eq!(told["data"].as_array().unwrap().len(), 20);
    let next = told["data"][0]["next_step_at"].as_str().and_then(Timestamp::parse).unwrap();
    for (day, count) in [(0, 20), (1, 40)] {
        let at = next.plus_seconds(day * DAY);
        let perform = |node: usize| {
            let (app, tenant) = (Arc::clone(nodes[node % 2]), stage.tenant);
            tokio::spawn(async move { job::perform(&app, tenant, at).await })
        };
        for (node, milliseconds) in [0, 2, 5, 9, 20, 40].into_iter().enumerate() {
            let dying = perform(node);
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            dying.abort();
        }
        for node in [perform(0), perform(1), perform(2)] {
            node.await.expect("the node lives").expect("the job is done");
        }
        let tasks = stage.admin.get("/v1/tasks?total=true&status=open&limit=1").await.ok(200);
        assert_eq!(tasks["page"]["total"], count);
        for lead in &leads {
            let own = stage.admin.get(&format!("/v1/tasks?lead_id={lead}&total=true")).await.ok(200);
            assert_eq!(own["page"]["total"], day + 1);
        }
    }
    let left = stage.admin.get("/v1/cadence-enrolments?status_ne=finished").await.ok(200);
    assert_eq!(left["data"], json!([]));
}
