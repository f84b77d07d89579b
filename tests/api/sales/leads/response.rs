//! How long a lead waits for its first response.

use farley::sales::leads::responses;
use serde_json::json;

use super::{in_days, tenant, types};
use crate::{server::Server, support::TestDb};

pub async fn too_late_is_told_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let tenant = tenant(&server).await;
    let due = json!({"name": "L", "first_response_due_at": "2026-01-01T00:00:00Z"});
    let waiting = format!("/v1/leads/{}", admin.create("leads", due.clone()).await);
    let answered = format!("/v1/leads/{}", admin.create("leads", due).await);
    admin.patch(&answered, json!({"status": "contacted"})).await.ok(200);
    let later = format!(
        "/v1/leads/{}",
        admin.create("leads", json!({"name": "L", "first_response_due_at": "2090-01-01T00:00:00Z"})).await
    );
    for _ in 0..2 {
        responses::perform(&server.app, tenant, in_days(1)).await.expect("the job is done");
    }
    assert_eq!(types(&admin, &waiting).await, ["lead.waiting_too_long", "lead.created"]);
    assert_eq!(types(&admin, &answered).await, ["lead.contacted", "lead.created"]);
    assert_eq!(types(&admin, &later).await, ["lead.created"]);
}
