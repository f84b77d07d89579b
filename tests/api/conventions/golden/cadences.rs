//! Cadences and those enrolled in them.

use farley::sales::cadences::job;
use serde_json::{Value, json};

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    support::TestDb,
};

fn step(day: i64, kind: &str, subject: &str) -> Value {
    json!({"day": day, "kind": kind, "subject": subject})
}

pub async fn cadences_and_enrolments(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "cadences").await;
    // Steps are done at eight in the morning, none of them on the day on which the test runs.
    r.is_coarse = true;
    let tenant = r.tenant().await;
    let whole = json!({
        "name": "跟进", "description": "x", "object": "lead", "working_days_only": false, "assignee": "owner", "external_ids": {"sap": "7"}, "repeat_every_days": 7, "max_rounds": 2,
        "steps": [step(3, "email", "给 {company} 发资料"), {"day": 2, "kind": "call", "subject": "致电 {name}", "description": "问 {name} 的预算", "priority": "high", "time": "12:00"}],
    });
    let cadence = r.create("cadences", whole).await;
    let short = r
        .create(
            "cadences",
            json!({"name": "一步", "working_days_only": false, "stop_on_reply": false, "steps": [step(2, "call", "a")]}),
        )
        .await;
    let own = r.create("cadences", json!({"name": "客户", "object": "customer", "working_days_only": false, "stop_on_lost": true, "steps": [step(2, "visit", "b"), step(5, "visit", "c")]})).await;
    for body in [
        json!({"name": "x", "steps": []}),
        json!({"name": "x", "steps": [step(0, "nonsense", "")], "max_rounds": 0}),
        json!({"name": "x", "steps": [step(9, "call", "{nonsense}")], "repeat_every_days": 3, "assignee": "user"}),
        json!({"name": "x", "steps": [step(2, "call", "a")], "enrol_filter": {"field": "nmae", "value": 1}, "user_id": cadence}),
    ] {
        r.post("/v1/cadences", body).await;
    }
    let lead = r.create("leads", json!({"name": "李伟", "company": "Acme", "external_ids": {"sap": "42"}})).await;
    let lost = r.create("leads", json!({"name": "王芳"})).await;
    let acme = r.create("customers", json!({"name": "Acme"})).await;
    let enrol = |id: &str| format!("/v1/cadences/{id}/enrol");
    r.post(&format!("{}?validate_only=true", enrol(&cadence)), json!({"record_ids": [lead]})).await;
    let told = r.post(&enrol("ext:sap:7"), json!({"record_ids": ["ext:sap:42", lost]})).await;
    let ids: Vec<String> = told["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    r.post(&enrol(&cadence), json!({"record_ids": [lead]})).await;
    r.post(&enrol(&cadence), json!({"record_ids": [acme, "x"]})).await;
    r.post(&enrol(&cadence), json!({"record_ids": [], "nonsense": 1})).await;
    r.post(&enrol(&short), json!({"record_ids": [lead]})).await;
    let told = r.post(&enrol(&own), json!({"record_ids": [acme]})).await;
    let of_acme = told["data"][0]["id"].as_str().unwrap().to_owned();
    let path = |id: &str| format!("/v1/cadence-enrolments/{id}");
    // In the evening of each of the next days, so that no two steps are done at once.
    let (day_long, shanghai, at_eight) = (86_400, 8 * 3_600, 20 * 3_600);
    let now = farley::http::clock::now();
    let today = (now.milliseconds() / 1_000 + shanghai).rem_euclid(day_long);
    let evening = now.plus_seconds(at_eight - today);
    for day in 1..=5 {
        job::perform(&r.server.app, tenant, evening.plus_seconds(day * day_long)).await.expect("the job is done");
        if day == 2 {
            for verb in ["resume", "pause", "pause", "resume"] {
                r.post(&format!("{}/{verb}", path(&ids[0])), json!({})).await;
            }
            r.post(&format!("/v1/leads/{lost}/disqualify"), json!({"reason": "无预算"})).await;
        }
        r.get("/v1/tasks?sort=created_at,subject&fields=subject,description,kind,priority,status,lead_id,customer_id,cadence_enrolment_id&limit=200").await;
    }
    for id in &ids {
        r.get(&format!("{}?expand=cadence,lead,tasks", path(id))).await;
    }
    let reply =
        json!({"kind": "email", "direction": "inbound", "subject": "请发报价", "records": [{"object": "lead", "id": lead}]});
    r.create("activities", reply).await;
    r.get(&path(&ids[0])).await;
    r.post(&format!("{}/stop", path(&of_acme)), json!({})).await;
    r.post(&format!("{}/stop", path(&of_acme)), json!({})).await;
    r.patch(&format!("/v1/cadences/{cadence}"), json!({"steps": [step(2, "visit", "c")], "is_active": false})).await;
    r.post(&enrol(&cadence), json!({"record_ids": [lead]})).await;
    r.get(&format!("/v1/cadences/{cadence}?fields=name,enrolment_count&expand=enrolments")).await;
    r.get("/v1/leads?cadence_enrolments.status=stopped&fields=name&sort=name").await;
    r.get(&format!("{}/history", path(&ids[0]))).await;
    r.get("/v1/cadence-enrolments?sort=created_at&fields=status,stopped_reason,step,round").await;
    r.delete(&format!("/v1/cadences/{short}")).await;
    r.end().await
}
