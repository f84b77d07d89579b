//! `POST /v1/cadences/{id}/enrol` and enrolment by a filter.

use farley::http::clock;
use serde_json::{Value, json};

use super::{DAY, Stage, step};
use crate::{client::pairs, support::TestDb};

pub async fn follows_the_filter(db: TestDb) {
    let stage = Stage::new(db).await;
    let admin = &stage.admin;
    let tag = admin.create("tags", json!({"name": "高意向"})).await;
    let filter = json!({"field": "tag_ids", "op": "any", "value": [tag]});
    let cadence = stage.cadence(json!({"enrol_filter": filter, "repeat_every_days": 7})).await;
    let tagged = stage.lead(json!({"name": "Tagged", "tag_ids": [tag]})).await;
    let plain = stage.lead(json!({"name": "Plain"})).await;
    let lost = stage.lead(json!({"name": "Lost", "tag_ids": [tag]})).await;
    admin.post(&format!("/v1/leads/{lost}/disqualify"), json!({"reason": "x"})).await.ok(200);
    let now = clock::now();
    let nodes = [stage.run(now), stage.run(now)];
    futures_util::future::join_all(nodes).await;
    stage.run(now).await;
    let list = format!("/v1/cadence-enrolments?cadence_id={cadence}&sort=created_at");
    let enrolled = admin.get(&list).await.ok(200);
    assert_eq!(enrolled["data"].as_array().unwrap().len(), 1, "{enrolled}");
    assert_eq!((&enrolled["data"][0]["lead_id"], &enrolled["data"][0]["created_by"]), (&json!(tagged), &Value::Null));
    admin.patch(&format!("/v1/leads/{plain}"), json!({"tag_ids": [tag]})).await.ok(200);
    stage.run(now).await;
    assert_eq!(admin.list(&list, "lead_id").await, [tagged.clone(), plain.clone()]);
    let taken = admin.post(&format!("/v1/cadences/{cadence}/enrol"), json!({"record_ids": [plain]})).await;
    assert_eq!(taken.faults(422), pairs(&[("/record_ids/0", "already_enrolled")]));

    // Once ended, not again; but by hand, or when the cadence says so.
    admin.create("activities", json!({"kind": "call", "direction": "inbound", "subject": "x", "lead_id": tagged})).await;
    stage.run(clock::now().plus_seconds(60)).await;
    assert_eq!(admin.list(&list, "status").await, ["stopped", "active"]);
    admin.patch(&format!("/v1/cadences/{cadence}"), json!({"re_enrol_after_days": 2})).await.ok(200);
    stage.run(clock::now().plus_seconds(DAY)).await;
    assert_eq!(admin.list(&list, "status").await, ["stopped", "active"]);
    stage.run(clock::now().plus_seconds(2 * DAY + 60)).await;
    assert_eq!(admin.list(&list, "status").await, ["stopped", "active", "active"]);
    let wrong = json!({"enrol_filter": {"field": "pool.name", "op": "eq", "value": "x"}});
    assert_eq!(
        admin.patch(&format!("/v1/cadences/{cadence}"), wrong).await.faults(400),
        pairs(&[("/enrol_filter", "wrong_type")])
    );
    let wrong = json!({"enrol_filter": {"field": "kind", "op": "eq", "value": "x"}});
    assert!(!admin.patch(&format!("/v1/cadences/{cadence}"), wrong).await.faults(400).is_empty());
}

pub async fn waits_for_an_owner(db: TestDb) {
    let stage = Stage::new(db).await;
    let admin = &stage.admin;
    let pool = admin.create("pools", json!({"name": "公海"})).await;
    let wang = stage.server.user(admin, "Wang", "sales_representative", json!({})).await;
    let cadence = stage.cadence(json!({"steps": [step(1, "call", "a"), step(2, "email", "b")]})).await;
    let fixed = stage.cadence(json!({"name": "指定", "assignee": "user", "user_id": wang.id})).await;
    let lead = stage.lead(json!({"pool_id": pool})).await;
    let (enrolment, named) = (stage.enrol(&cadence, &lead).await, stage.enrol(&fixed, &lead).await);
    let first = enrolment.next().await;
    stage.run(first.plus_seconds(3 * DAY)).await;
    assert!(enrolment.tasks().await.is_empty(), "nobody owns it");
    assert_eq!(named.tasks().await[0]["owner_id"], wang.id.as_str());
    wang.post(&format!("/v1/leads/{lead}/claim"), json!({})).await.ok(200);
    stage.run(first.plus_seconds(3 * DAY)).await;
    let tasks = enrolment.tasks().await;
    assert_eq!((tasks.len(), &tasks[0]["owner_id"]), (1, &json!(wang.id)));
    assert_eq!(enrolment.next().await, first.plus_seconds(4 * DAY));
    // Whoever gets a task is told; whoever is not active gets none.
    assert!(wang.list("/v1/notifications", "kind").await.contains(&"assigned".to_owned()));
    admin.post(&format!("/v1/users/{}/deactivate", wang.id), json!({})).await.ok(204);
    stage.run(first.plus_seconds(5 * DAY)).await;
    assert_eq!(enrolment.tasks().await.len(), 1);
}

pub async fn is_for_those_who_may_update_the_record(db: TestDb) {
    let stage = Stage::new(db).await;
    let (server, admin) = (&stage.server, &stage.admin);
    let team = admin.create("teams", json!({"name": "East"})).await;
    let wang = server.user(admin, "Wang", "sales_representative", json!({"team_id": team})).await;
    let chen = server.user(admin, "Chen", "sales_representative", json!({"team_id": team})).await;
    let cadence = stage.cadence(json!({})).await;
    let other = stage.cadence(json!({"name": "客户", "object": "customer"})).await;
    let enrol = format!("/v1/cadences/{cadence}/enrol");
    let own = wang.create("leads", json!({"name": "Own"})).await;
    let hidden = stage.lead(json!({"name": "Hidden"})).await;
    let theirs = chen.create("leads", json!({"name": "Theirs"})).await;
    // Reps use cadences and do not make them.
    let body = json!({"name": "x", "steps": [step(1, "call", "a")]});
    wang.post("/v1/cadences", body).await.refused(403, "forbidden");
    let answer = wang.post(&enrol, json!({"record_ids": [theirs, own]})).await;
    assert_eq!(answer.clone().refused(403, "forbidden")["errors"][0]["pointer"], "/record_ids/0");
    assert_eq!(
        wang.post(&enrol, json!({"record_ids": [own, hidden]})).await.faults(422),
        pairs(&[("/record_ids/1", "reference_not_found")])
    );
    assert!(admin.list("/v1/cadence-enrolments", "id").await.is_empty(), "all or none");
    let told = wang.post(&enrol, json!({"record_ids": [own]})).await.ok(200);
    let path = format!("/v1/cadence-enrolments/{}", told["data"][0]["id"].as_str().unwrap());
    // Who may read the lead sees it; who may not update it does not steer it.
    assert_eq!(chen.list("/v1/cadence-enrolments", "lead_id").await, std::slice::from_ref(&own));
    chen.post(&format!("{path}/stop"), json!({})).await.refused(403, "forbidden");
    let li = server.user(admin, "Li", "sales_representative", json!({})).await;
    li.get(&path).await.refused(404, "not_found");
    li.post(&format!("{path}/stop"), json!({})).await.refused(404, "not_found");
    wang.post(&format!("{path}/stop"), json!({})).await.ok(200);
    let reader = server.user(admin, "Reader", "read_only", json!({})).await;
    reader.post(&enrol, json!({"record_ids": [own]})).await.refused(403, "forbidden");
    reader.post(&format!("{path}/pause"), json!({})).await.refused(403, "forbidden");
    assert_eq!(reader.list("/v1/cadence-enrolments", "status").await, ["stopped"]);
    wang.patch(&path, json!({"status": "active"})).await.refused(405, "method_not_allowed");

    let doubles = json!({"record_ids": [own, "ext:sap:1", "nonsense", hidden]});
    assert_eq!(
        admin.post(&enrol, doubles).await.faults(422),
        pairs(&[("/record_ids/1", "reference_not_found"), ("/record_ids/2", "invalid_id")])
    );
    for body in [json!({}), json!({"record_ids": []})] {
        assert_eq!(admin.post(&enrol, body).await.faults(400), pairs(&[("/record_ids", "required")]));
    }
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    assert_eq!(
        admin.post(&enrol, json!({"record_ids": [customer]})).await.faults(422),
        pairs(&[("/record_ids/0", "reference_not_found")])
    );
    admin.post(&format!("/v1/cadences/{other}/enrol"), json!({"record_ids": [customer]})).await.ok(200);
}

pub async fn tells_all_faults(db: TestDb) {
    let stage = Stage::new(db).await;
    let wrong = json!({"name": " ", "object": "contact", "assignee": "me", "repeat_every_days": 0, "frequency": 7,
        "steps": [{"day": 0, "kind": "fax", "subject": "a", "time": "9 am"}, {"day": 1, "kind": "call"}]});
    let faults = stage.admin.post("/v1/cadences", wrong).await.faults(400);
    for fault in [
        ("/frequency", "unknown_member"),
        ("/name", "blank"),
        ("/object", "unknown_choice"),
        ("/assignee", "unknown_choice"),
        ("/repeat_every_days", "too_small"),
        ("/steps/0/day", "too_small"),
        ("/steps/0/kind", "unknown_choice"),
        ("/steps/0/time", "wrong_type"),
        ("/steps/1/subject", "required"),
    ] {
        assert!(faults.contains(&(fault.0.to_owned(), fault.1.to_owned())), "{fault:?} in {faults:?}");
    }
    assert_eq!(faults.len(), 9, "{faults:?}");
    let unfit = json!({"name": "x", "assignee": "user", "repeat_every_days": 3,
        "steps": [{"day": 1, "kind": "call", "subject": "致电 {nmae}"}, {"day": 5, "kind": "call", "subject": "{company}"}]});
    let faults = stage.admin.post("/v1/cadences", unfit).await.faults(422);
    let expected = [("/steps/0/subject", "unknown_member"), ("/user_id", "required"), ("/repeat_every_days", "too_small")];
    assert_eq!(faults, pairs(&expected));
    let without = json!({"name": "x", "steps": [], "max_rounds": 2});
    assert_eq!(stage.admin.post("/v1/cadences", without).await.faults(422), pairs(&[("/steps", "required")]));
    let cadence = stage.cadence(json!({})).await;
    let path = format!("/v1/cadences/{cadence}");
    assert_eq!(
        stage.admin.patch(&path, json!({"max_rounds": 2})).await.faults(422),
        pairs(&[("/repeat_every_days", "required")])
    );
    assert_eq!(stage.admin.patch(&path, json!({"object": "customer"})).await.faults(400), pairs(&[("/object", "create_only")]));
}
