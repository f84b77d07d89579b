//! `/v1/pipelines` and their stages.

use std::collections::HashSet;

use serde_json::json;

use super::pipeline;
use crate::{server::Server, support::TestDb};

pub async fn one_is_the_default(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (first, _) = pipeline(&admin).await;
    let second = admin.create("pipelines", json!({"name": "Partners", "is_default": true})).await;
    let defaults: HashSet<String> = admin.list("/v1/pipelines?is_default=true", "id").await.into_iter().collect();
    assert_eq!(defaults, HashSet::from([second.clone()]));
    let types = admin.list(&format!("/v1/pipelines/{first}/history"), "type").await;
    assert_eq!(types, ["pipeline.updated", "pipeline.created"]);
    let faults = admin.patch(&format!("/v1/pipelines/{second}"), json!({"is_default": false})).await.faults(422);
    assert_eq!(faults, [("/is_default".to_owned(), "default_needed".to_owned())]);
    let stages = format!("/v1/pipelines/{second}/stages");
    for (kind, probability, code) in [("won", 60, "too_small"), ("lost", 60, "too_large")] {
        let faults = admin.post(&stages, json!({"name": kind, "kind": kind, "probability": probability})).await.faults(422);
        assert_eq!(faults, [("/probability".to_owned(), code.to_owned())]);
    }
    admin.delete(&format!("/v1/pipelines/{second}")).await.ok(204);
    let faults = admin.post("/v1/opportunities", json!({"name": "x"})).await.faults(422);
    assert_eq!(faults, [("/pipeline_id".to_owned(), "required".to_owned())]);
    // A pipeline without stages takes none.
    let bare = admin.create("pipelines", json!({"name": "Bare"})).await;
    for stage in admin.list(&format!("/v1/pipelines/{bare}/stages"), "id").await {
        admin.delete(&format!("/v1/pipelines/{bare}/stages/{stage}")).await.ok(204);
    }
    let faults = admin.post("/v1/opportunities", json!({"name": "x", "pipeline_id": bare})).await.faults(422);
    assert_eq!(faults, [("/pipeline_id".to_owned(), "no_stage".to_owned())]);
    // Shares of a sale add up to no more than the whole.
    let wang = server.user(&admin, "Wang Fang", "sales_representative", json!({})).await;
    let members = json!([{"user_id": wang.id, "split": 70}, {"user_id": admin.id, "split": 40}]);
    let faults =
        admin.post("/v1/opportunities", json!({"name": "x", "pipeline_id": first, "team_members": members})).await.faults(422);
    assert_eq!(faults, [("/team_members".to_owned(), "split_too_large".to_owned())]);
    let contact = admin.create("contacts", json!({"name": "李伟"})).await;
    let body = json!({"name": "x", "pipeline_id": first, "contacts": [{"contact_id": contact, "buying_role": "champion"}]});
    let id = admin.create("opportunities", body).await;
    assert_eq!(admin.list(&format!("/v1/opportunities?contacts_any={contact}"), "id").await, [id]);
}
