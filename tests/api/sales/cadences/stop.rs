//! What stops, pauses and resumes an enrolment.

use farley::http::clock;
use serde_json::{Value, json};

use super::{DAY, Stage, is_active, step, stopped};
use crate::{client::pairs, support::TestDb};

pub async fn comes_with_a_reply(db: TestDb) {
    let stage = Stage::new(db).await;
    let admin = &stage.admin;
    let steps = json!([step(1, "call", "a"), step(3, "email", "b")]);
    let cadence = stage.cadence(json!({"steps": steps})).await;
    let stubborn = stage.cadence(json!({"name": "不停", "steps": steps, "stop_on_reply": false})).await;
    let short = stage.cadence(json!({"name": "一步"})).await;
    let lead = stage.lead(json!({})).await;
    let (enrolment, other, finished) =
        (stage.enrol(&cadence, &lead).await, stage.enrol(&stubborn, &lead).await, stage.enrol(&short, &lead).await);
    enrolment.go_on_once().await;
    assert_eq!(finished.stands().await.0, "finished");
    let now = clock::now();
    for (kind, direction, more) in [
        ("email", "outbound", json!({})),
        ("note", "inbound", json!({})),
        ("call", "inbound", json!({"occurred_at": now.plus_seconds(-DAY).to_string()})),
        ("call", "inbound", json!({"occurred_at": now.plus_seconds(DAY).to_string()})),
    ] {
        let mut body = json!({"kind": kind, "direction": direction, "subject": "x", "lead_id": lead});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        admin.create("activities", body).await;
    }
    assert!(is_active(&enrolment).await, "none of these is a reply since the enrolment");
    assert_eq!(enrolment.statuses().await, ["open"]);
    let reply =
        json!({"kind": "email", "direction": "inbound", "subject": "请发报价", "records": [{"object": "lead", "id": lead}]});
    let checked = admin.post("/v1/activities?validate_only=true", reply.clone()).await;
    checked.ok(200);
    assert!(is_active(&enrolment).await);
    admin.create("activities", reply).await;
    assert_eq!(enrolment.stands().await, stopped("reply"));
    assert_eq!(enrolment.statuses().await, ["cancelled"]);
    assert!(is_active(&other).await);
    assert_eq!((other.statuses().await, finished.statuses().await), (vec![json!("open")], vec![json!("cancelled")]));
    let told = admin.list(&format!("{}/history", enrolment.path), "type").await;
    assert_eq!(told[0], "cadence_enrolment.stopped");
    stage.run(now.plus_seconds(30 * DAY)).await;
    assert_eq!(enrolment.tasks().await.len(), 1);

    // Of customers, also by way of a contact; and what becomes a reply later on is one.
    let calls = stage.cadence(json!({"name": "客户", "object": "customer"})).await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let li = admin.create("contacts", json!({"name": "Li", "customer_id": acme})).await;
    let enrolment = stage.enrol(&calls, &acme).await;
    let call = admin.create("activities", json!({"kind": "call", "subject": "x", "contact_id": li})).await;
    assert!(is_active(&enrolment).await);
    admin.patch(&format!("/v1/activities/{call}"), json!({"direction": "inbound"})).await.ok(200);
    assert_eq!(enrolment.stands().await, stopped("reply"));
}

pub async fn comes_with_what_becomes_of_the_record(db: TestDb) {
    let stage = Stage::new(db).await;
    let admin = &stage.admin;
    let steps = json!([step(1, "call", "致电 {name}"), step(3, "email", "b")]);
    let cadence = stage.cadence(json!({"steps": steps})).await;
    let (converted, lost, gone) = (stage.lead(json!({})).await, stage.lead(json!({})).await, stage.lead(json!({})).await);
    let enrolments =
        [stage.enrol(&cadence, &converted).await, stage.enrol(&cadence, &lost).await, stage.enrol(&cadence, &gone).await];
    enrolments[0].go_on_once().await;
    let what = admin.post(&format!("/v1/leads/{converted}/convert"), json!({"customer": {"kind": "person"}})).await.ok(200);
    admin.post(&format!("/v1/leads/{lost}/disqualify"), json!({"reason": "无预算"})).await.ok(200);
    admin.delete(&format!("/v1/leads/{gone}")).await.ok(204);
    for (enrolment, reason) in enrolments.iter().zip(["converted", "disqualified", "archived"]) {
        assert_eq!(enrolment.stands().await, stopped(reason));
        assert_eq!(enrolment.statuses().await, ["cancelled"]);
    }
    // The tasks go along with the lead; that it was on a cadence stays its own.
    let tasks = enrolments[0].tasks().await;
    assert_eq!(tasks[0]["customer_id"], what["customer"]["id"]);
    assert_eq!(enrolments[0].get().await["customer_id"], Value::Null);
    for (lead, code) in [(&converted, "cannot_enrol"), (&lost, "cannot_enrol"), (&gone, "reference_not_found")] {
        let answer = admin.post(&format!("/v1/cadences/{cadence}/enrol"), json!({"record_ids": [lead]})).await;
        assert_eq!(answer.faults(422), pairs(&[("/record_ids/0", code)]));
    }
    admin.post(&format!("/v1/leads/{lost}/reopen"), json!({})).await.ok(200);
    assert_eq!(enrolments[1].stands().await, stopped("disqualified"), "what was stopped stays so");

    let all = stage.cadence(json!({"name": "客户", "object": "customer", "stop_on_lost": true})).await;
    let won = stage.cadence(json!({"name": "赢单", "object": "customer"})).await;
    let neither = stage.cadence(json!({"name": "售后", "object": "customer", "stop_on_won": false})).await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let (all, won, neither) =
        (stage.enrol(&all, &acme).await, stage.enrol(&won, &acme).await, stage.enrol(&neither, &acme).await);
    let deal = admin.create("opportunities", json!({"name": "a", "customer_id": acme})).await;
    admin.post(&format!("/v1/opportunities/{deal}/lose"), json!({"close_reason": "价格"})).await.ok(200);
    assert_eq!(all.stands().await, stopped("lost"));
    assert!(is_active(&won).await);
    let deal = admin.create("opportunities", json!({"name": "b", "customer_id": acme})).await;
    admin.post(&format!("/v1/opportunities/{deal}/win"), json!({"close_reason": "价格"})).await.ok(200);
    assert_eq!(won.stands().await, stopped("won"));
    assert!(is_active(&neither).await);
    admin.delete(&format!("/v1/customers/{acme}")).await.ok(204);
    assert_eq!(neither.stands().await, stopped("archived"));
}

pub async fn pause_and_resume_by_hand(db: TestDb) {
    let stage = Stage::new(db).await;
    let admin = &stage.admin;
    let steps = json!([step(1, "call", "a"), step(3, "email", "b"), step(4, "visit", "c")]);
    let cadence = stage.cadence(json!({"steps": steps})).await;
    let lead = stage.lead(json!({})).await;
    let enrolment = stage.enrol(&cadence, &lead).await;
    let verb = async |name: &str| admin.post(&format!("{}/{name}", enrolment.path), json!({})).await;
    let first = enrolment.go_on_once().await;
    verb("resume").await.refused(409, "state_conflict");
    let paused = verb("pause").await.ok(200);
    assert_eq!((&paused["status"], &paused["next_step_at"]), (&json!("paused"), &json!(first.plus_seconds(2 * DAY).to_string())));
    let twice = admin.post(&format!("{}/pause", enrolment.path), json!({})).header("Accept-Language", "zh-CN").await;
    let twice = twice.refused(409, "state_conflict");
    assert_eq!(
        (&twice["allowed"], &twice["detail"]),
        (&json!(["resume", "stop"]), &json!("记录当前状态：已暂停；此时允许：resume, stop。"))
    );
    stage.run(first.plus_seconds(5 * DAY)).await;
    assert_eq!(enrolment.tasks().await.len(), 1);
    assert_eq!(verb("resume").await.ok(200)["status"], "active");
    // What was missed comes at once, and the rest as much later.
    stage.run(first.plus_seconds(5 * DAY)).await;
    assert_eq!(enrolment.statuses().await, ["open", "open"]);
    assert_eq!(enrolment.next().await, first.plus_seconds(6 * DAY));
    let version = enrolment.get().await["version"].clone();
    let stale = admin.post(&format!("{}/stop", enrolment.path), json!({})).header("If-Match", "\"v1\"").await;
    stale.refused(412, "version_mismatch");
    let current = format!("\"v{version}\"");
    let done = admin.post(&format!("{}/stop", enrolment.path), json!({})).header("If-Match", &current).await.ok(200);
    assert_eq!((&done["status"], &done["stopped_reason"]), (&json!("stopped"), &json!("manual")));
    assert_eq!(enrolment.statuses().await, ["cancelled", "cancelled"]);
    for name in ["pause", "resume", "stop"] {
        assert_eq!(verb(name).await.refused(409, "state_conflict")["allowed"], json!([]));
    }

    // While it is not active nobody is put on it and nothing is made; archived, it lets everybody go.
    let path = format!("/v1/cadences/{cadence}");
    let again = stage.enrol(&cadence, &lead).await;
    admin.patch(&path, json!({"is_active": false})).await.ok(200);
    let next = again.next().await;
    stage.run(next.plus_seconds(DAY)).await;
    assert!(again.tasks().await.is_empty());
    let other = stage.lead(json!({})).await;
    let refused = admin.post(&format!("{path}/enrol"), json!({"record_ids": [other]})).header("Accept-Language", "zh").await;
    assert!(refused.refused(409, "state_conflict")["detail"].as_str().unwrap().contains("未启用"));
    admin.patch(&path, json!({"is_active": true})).await.ok(200);
    stage.run(next.plus_seconds(DAY)).await;
    assert_eq!(again.statuses().await, ["open"]);
    admin.delete(&path).await.ok(204);
    stage.run(next.plus_seconds(DAY)).await;
    assert_eq!((again.stands().await, again.statuses().await), (stopped("cadence_archived"), vec![json!("cancelled")]));
    admin.post(&format!("{path}/enrol"), json!({"record_ids": [other]})).await.refused(409, "state_conflict");
}
