//! `/v1/cadences` and `/v1/cadence-enrolments`: steps that become tasks, and what stops them.

use std::{sync::Arc, time::Duration};

use chrono::Datelike;
use farley::{http::clock, sales::cadences::job};
use farley_domain::time::Timestamp;
use farley_persistence::TenantKey;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::{Engine, TestDb},
};

const DAY: i64 = 24 * 3600;

/// A server whose jobs are done when the test says so.
struct Stage {
    server: Server,
    admin: Client,
    tenant: TenantKey,
}

impl Stage {
    async fn new(db: TestDb) -> Stage {
        let server = Server::start_with(db, |settings| settings.jobs = 0).await;
        let admin = server.admin().await;
        let nobody = TenantKey { id: farley_domain::id::Id::NIL, number: 0 };
        let read = server.app.store.read::<_, farley_persistence::StoreError>(nobody, |reader| reader.tenants());
        let row = read.await.expect("tenants").into_iter().next().expect("a tenant");
        Stage { server, admin, tenant: TenantKey { id: row.id, number: row.number } }
    }

    async fn run(&self, at: Timestamp) {
        job::perform(&self.server.app, self.tenant, at).await.expect("the job is done");
    }

    /// A cadence that counts every day, with more or other members.
    async fn cadence(&self, more: Value) -> String {
        let mut body = json!({"name": "跟进", "working_days_only": false, "steps": [step(1, "call", "致电 {name}")]});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.admin.create("cadences", body).await
    }

    async fn lead(&self, more: Value) -> String {
        let mut body = json!({"name": "李伟"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.admin.create("leads", body).await
    }

    async fn enrol(&self, cadence: &str, record: &str) -> Enrolment<'_> {
        let told = self.admin.post(&format!("/v1/cadences/{cadence}/enrol"), json!({"record_ids": [record]})).await.ok(200);
        Enrolment { stage: self, path: format!("/v1/cadence-enrolments/{}", told["data"][0]["id"].as_str().unwrap()) }
    }
}

struct Enrolment<'a> {
    stage: &'a Stage,
    path: String,
}

impl Enrolment<'_> {
    async fn get(&self) -> Value {
        self.stage.admin.get(&self.path).await.ok(200)
    }

    async fn next(&self) -> Timestamp {
        let enrolment = self.get().await;
        enrolment["next_step_at"].as_str().and_then(Timestamp::parse).unwrap_or_else(|| panic!("{enrolment}"))
    }

    /// Does the next step when its time has come; when that was.
    async fn go_on(&self) -> Timestamp {
        let at = self.next().await;
        self.stage.run(at.plus_seconds(-1)).await;
        assert_eq!(self.next().await, at, "nothing is done before");
        self.stage.run(at).await;
        at
    }

    async fn tasks(&self) -> Vec<Value> {
        let id = self.path.rsplit('/').next().unwrap();
        let tasks = self.stage.admin.get(&format!("/v1/tasks?cadence_enrolment_id={id}&sort=due_at,created_at")).await.ok(200);
        tasks["data"].as_array().unwrap().clone()
    }

    async fn stands(&self) -> (Value, Value) {
        let enrolment = self.get().await;
        (enrolment["status"].clone(), enrolment["stopped_reason"].clone())
    }

    async fn statuses(&self) -> Vec<Value> {
        self.tasks().await.into_iter().map(|task| task["status"].clone()).collect()
    }
}

fn step(day: i64, kind: &str, subject: &str) -> Value {
    json!({"day": day, "kind": kind, "subject": subject})
}

fn stopped(reason: &str) -> (Value, Value) {
    (json!("stopped"), json!(reason))
}

async fn is_active(enrolment: &Enrolment<'_>) -> bool {
    let (status, reason) = enrolment.stands().await;
    status == "active" && reason.is_null()
}

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

impl Enrolment<'_> {
    /// Does the next step, which must come at a time; how many tasks there are then.
    async fn go_on_at(&self, at: Timestamp) -> usize {
        assert_eq!(self.go_on_once().await, at);
        self.tasks().await.len()
    }

    async fn go_on_once(&self) -> Timestamp {
        let at = self.next().await;
        self.stage.run(at.plus_seconds(-1)).await;
        self.stage.run(at).await;
        at
    }
}

pub async fn come_again_every_week(db: TestDb) {
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

pub async fn stop_on_replies(db: TestDb) {
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

pub async fn stop_with_what_becomes_of_a_record(db: TestDb) {
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

pub async fn are_paused_resumed_and_stopped(db: TestDb) {
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

pub async fn enrol_by_a_filter(db: TestDb) {
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

pub async fn wait_for_an_owner(db: TestDb) {
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

pub async fn take_those_who_may_update_the_record(db: TestDb) {
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

pub async fn are_told_all_their_faults(db: TestDb) {
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
