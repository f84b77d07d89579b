//! `POST /v1/opportunities`.

use serde_json::json;

use crate::{sales::pipeline, server::Server, support::TestDb};

pub async fn begins_in_the_first_stage(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    assert_eq!(stages.len(), 6);
    let record = admin.post("/v1/opportunities", json!({"name": "Servers"})).await.ok(201);
    assert_eq!((&record["pipeline_id"], &record["stage_id"]), (&json!(pipeline), &json!(stages[0])));
    assert_eq!(
        (&record["status"], &record["probability"], &record["forecast_category"]),
        (&json!("open"), &json!(10), &json!("pipeline"))
    );
    assert_eq!(record["opened_at"], record["created_at"]);
    assert_eq!(record["stage_entered_at"], record["created_at"]);
    // What a client says wins over what the stage says.
    let told = json!({"name": "x", "stage_id": stages[2], "probability": 60, "forecast_category": "commit"});
    let record = admin.post("/v1/opportunities", told).await.ok(201);
    assert_eq!((&record["probability"], &record["forecast_category"]), (&json!(60), &json!("commit")));
    // A pipeline takes sales once it has stages, and a stage of another one is none of its own.
    let other = admin.create("pipelines", json!({"name": "Renewals"})).await;
    let faults = admin.post("/v1/opportunities", json!({"name": "x", "pipeline_id": other})).await.faults(422);
    assert_eq!(faults, [("/pipeline_id".to_owned(), "no_stage".to_owned())]);
    let stage = admin.create(&format!("pipelines/{other}/stages"), json!({"name": "Due"})).await;
    let body = json!({"name": "x", "pipeline_id": pipeline, "stage_id": stage});
    assert_eq!(admin.post("/v1/opportunities", body).await.faults(422)[0].1, "stage_of_other_pipeline");
    // The stage alone tells the pipeline.
    let record = admin.post("/v1/opportunities", json!({"name": "x", "stage_id": stage})).await.ok(201);
    assert_eq!(record["pipeline_id"], json!(other));
    for path in [format!("/v1/pipelines/{pipeline}/stages/{stage}"), format!("/v1/pipelines/{stage}/stages/{stage}")] {
        admin.get(&path).await.refused(404, "not_found");
        admin.patch(&path, json!({"name": "y"})).await.refused(404, "not_found");
    }
}
