//! `/v1/cadences` and `/v1/cadence-enrolments`: steps that become tasks, and what stops them.

mod enrol;
mod steps;
mod stop;

use farley::sales::cadences::job;
use farley_domain::values::time::Timestamp;
use farley_persistence::TenantKey;
use serde_json::{Value, json};

use crate::{
    client::Client,
    server::Server,
    support::{Test, TestDb},
    tests,
};

pub const DAY: i64 = 24 * 3600;

/// A server whose jobs are done when the test says so.
pub struct Stage {
    pub server: Server,
    pub admin: Client,
    pub tenant: TenantKey,
}

impl Stage {
    pub async fn new(db: TestDb) -> Stage {
        let server = Server::start_with(db, |settings| settings.jobs = 0).await;
        let admin = server.admin().await;
        let nobody = TenantKey { id: farley_domain::values::id::Id::NIL, number: 0 };
        let read = server.app.store.read::<_, farley_persistence::StoreError>(nobody, |reader| reader.tenants());
        let row = read.await.expect("tenants").into_iter().next().expect("a tenant");
        Stage { server, admin, tenant: TenantKey { id: row.id, number: row.number } }
    }

    pub async fn run(&self, at: Timestamp) {
        job::perform(&self.server.app, self.tenant, at).await.expect("the job is done");
    }

    /// A cadence that counts every day, with more or other members.
    pub async fn cadence(&self, more: Value) -> String {
        let mut body = json!({"name": "跟进", "working_days_only": false, "steps": [step(1, "call", "致电 {name}")]});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.admin.create("cadences", body).await
    }

    pub async fn lead(&self, more: Value) -> String {
        let mut body = json!({"name": "李伟"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.admin.create("leads", body).await
    }

    pub async fn enrol(&self, cadence: &str, record: &str) -> Enrolment<'_> {
        let told = self.admin.post(&format!("/v1/cadences/{cadence}/enrol"), json!({"record_ids": [record]})).await.ok(200);
        Enrolment { stage: self, path: format!("/v1/cadence-enrolments/{}", told["data"][0]["id"].as_str().unwrap()) }
    }
}

pub struct Enrolment<'a> {
    pub stage: &'a Stage,
    pub path: String,
}

impl Enrolment<'_> {
    pub async fn get(&self) -> Value {
        self.stage.admin.get(&self.path).await.ok(200)
    }

    pub async fn next(&self) -> Timestamp {
        let enrolment = self.get().await;
        enrolment["next_step_at"].as_str().and_then(Timestamp::parse).unwrap_or_else(|| panic!("{enrolment}"))
    }

    /// Does the next step when its time has come; when that was.
    pub async fn go_on(&self) -> Timestamp {
        let at = self.next().await;
        self.stage.run(at.plus_seconds(-1)).await;
        assert_eq!(self.next().await, at, "nothing is done before");
        self.stage.run(at).await;
        at
    }

    pub async fn tasks(&self) -> Vec<Value> {
        let id = self.path.rsplit('/').next().unwrap();
        let tasks = self.stage.admin.get(&format!("/v1/tasks?cadence_enrolment_id={id}&sort=due_at,created_at")).await.ok(200);
        tasks["data"].as_array().unwrap().clone()
    }

    pub async fn stands(&self) -> (Value, Value) {
        let enrolment = self.get().await;
        (enrolment["status"].clone(), enrolment["stopped_reason"].clone())
    }

    pub async fn statuses(&self) -> Vec<Value> {
        self.tasks().await.into_iter().map(|task| task["status"].clone()).collect()
    }
}

pub fn step(day: i64, kind: &str, subject: &str) -> Value {
    json!({"day": day, "kind": kind, "subject": subject})
}

pub fn stopped(reason: &str) -> (Value, Value) {
    (json!("stopped"), json!(reason))
}

pub async fn is_active(enrolment: &Enrolment<'_>) -> bool {
    let (status, reason) = enrolment.stands().await;
    status == "active" && reason.is_null()
}

impl Enrolment<'_> {
    /// Does the next step, which must come at a time; how many tasks there are then.
    pub async fn go_on_at(&self, at: Timestamp) -> usize {
        assert_eq!(self.go_on_once().await, at);
        self.tasks().await.len()
    }

    pub async fn go_on_once(&self) -> Timestamp {
        let at = self.next().await;
        self.stage.run(at.plus_seconds(-1)).await;
        self.stage.run(at).await;
        at
    }
}

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        enrol::follows_the_filter,
        enrol::waits_for_an_owner,
        enrol::is_for_those_who_may_update_the_record,
        enrol::tells_all_faults,
        steps::make_tasks_on_their_days,
        steps::repeat_every_week,
        steps::wait_for_working_days,
        steps::make_each_task_once,
        stop::comes_with_a_reply,
        stop::comes_with_what_becomes_of_the_record,
        stop::pause_and_resume_by_hand
    ]
}
