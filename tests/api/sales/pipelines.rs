//! `/v1/pipelines` and their stages.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::pipeline;
use crate::{client::Client, server::Server, support::TestDb};

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

/// Every stage of a list, page by page, each once.
async fn pages(client: &Client, path: &str, limit: usize) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    let sign = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = client.get(&format!("{path}{sign}limit={limit}{cursor}")).await.ok(200);
        all.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["page"]["next"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

/// What tells the place of a stage: its pipeline, its place there, and its id.
fn place(stage: &Value) -> (String, i64, String) {
    let text = |name: &str| stage[name].as_str().unwrap().to_owned();
    (text("pipeline_id"), stage["sort_order"].as_i64().unwrap(), text("id"))
}

pub async fn stages_come_in_the_order_of_their_boards(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (first, stages) = pipeline(&admin).await;
    let path = format!("/v1/pipelines/{first}/stages");
    assert_eq!(admin.list(&path, "id").await, stages);
    let turned: Vec<&String> = stages.iter().rev().collect();
    admin.post(&format!("{path}/reorder"), json!({"stage_ids": turned})).await.ok(204);
    assert_eq!(admin.list(&path, "id").await.iter().collect::<Vec<_>>(), turned);
    // Several in one place are told apart by their ids.
    for number in 0..5 {
        admin.post(&path, json!({"name": format!("S{number}"), "sort_order": 2})).await.ok(201);
    }
    let all = pages(&admin, &path, 200).await;
    assert!(all.iter().is_sorted_by_key(place), "{all:?}");
    for limit in [1, 2, 3] {
        assert_eq!(pages(&admin, &path, limit).await, all, "{limit}");
    }
    assert_eq!(admin.post(&format!("{path}/search"), json!({})).await.ok(200)["data"], json!(all));
    let expanded = admin.get(&format!("/v1/pipelines/{first}?expand=stages")).await.ok(200);
    let shown: Vec<_> = expanded["stages"].as_array().unwrap().iter().map(place).collect();
    assert_eq!(shown, all.iter().take(shown.len()).map(place).collect::<Vec<_>>());
    // Whoever asks for another order has it.
    let newest = admin.list(&format!("{path}?sort=-created_at"), "name").await;
    assert_eq!(newest[0], "S4");
    let metadata = admin.get("/v1/metadata/objects/stage").await.ok(200);
    assert_eq!(metadata["default_sort"], json!(["pipeline_id", "sort_order"]));
    assert_eq!(admin.get("/v1/metadata/objects/customer").await.ok(200)["default_sort"], json!(["-created_at"]));
    // None is without a place.
    let last = all.iter().map(|stage| stage["sort_order"].as_i64().unwrap()).max().unwrap();
    let moved = admin.patch(&format!("{path}/{}", stages[0]), json!({"sort_order": null})).await.ok(200);
    assert!(moved["sort_order"].as_i64().unwrap() >= last, "{moved}");
}

pub async fn stages_are_read_across_pipelines(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (first, stages) = pipeline(&admin).await;
    let team = admin.create("teams", json!({"name": "East"})).await;
    let mut pipelines = vec![first];
    for name in ["Partners", "Renewals"] {
        let id = admin.create("pipelines", json!({"name": name, "team_id": team})).await;
        for (place, stage) in ["Late", "Early", "Middle"].into_iter().zip([3, 1, 2]) {
            let body = json!({"name": place, "sort_order": stage, "external_ids": {"sap": format!("{name} {place}")}});
            admin.post(&format!("/v1/pipelines/{id}/stages"), body).await.ok(201);
        }
        pipelines.push(id);
    }
    pipelines.sort();
    // All of them are those of each.
    let mut expected = Vec::new();
    for id in &pipelines {
        expected.extend(pages(&admin, &format!("/v1/pipelines/{id}/stages"), 200).await);
    }
    let all = pages(&admin, "/v1/stages", 200).await;
    assert_eq!(all, expected);
    for limit in [1, 4] {
        assert_eq!(pages(&admin, "/v1/stages", limit).await, expected, "{limit}");
    }
    let counted = admin.get("/v1/stages?total=true&limit=1").await.ok(200);
    assert_eq!(counted["page"]["total"], json!(all.len()));
    for id in &pipelines {
        let own: Vec<&Value> = all.iter().filter(|stage| stage["pipeline_id"] == json!(id)).collect();
        let listed = admin.get(&format!("/v1/stages?pipeline_id={id}")).await.ok(200);
        assert_eq!(listed["data"], json!(own));
        let written = json!({"field": "pipeline_id", "value": id}).to_string();
        let written: String = form_urlencoded::byte_serialize(written.as_bytes()).collect();
        assert_eq!(admin.get(&format!("/v1/stages?filter={written}")).await.ok(200)["data"], json!(own));
    }
    let named = admin.get("/v1/stages?name=Early&fields=name,pipeline.name&expand=opportunities").await.ok(200);
    let names: Vec<&str> =
        named["data"].as_array().unwrap().iter().map(|one| one["pipeline"]["name"].as_str().unwrap()).collect();
    assert_eq!(HashSet::from_iter(names), HashSet::from(["Partners", "Renewals"]));
    assert_eq!(named["data"][0]["opportunities"], json!([]));
    // One of them, with the version that a change below its pipeline demands.
    let one = admin.get(&format!("/v1/stages/{}?expand=pipeline", stages[1])).await;
    assert_eq!(one.header("etag"), "\"v1\"");
    let one = one.ok(200);
    assert_eq!((&one["id"], &one["pipeline"]["is_default"]), (&json!(stages[1]), &json!(true)));
    let external = admin.get("/v1/stages/ext:sap:Renewals%20Late").await.ok(200);
    assert_eq!(external["name"], "Late");
    // Archived ones as in any list.
    let path = format!("/v1/pipelines/{}/stages/{}", one["pipeline_id"].as_str().unwrap(), stages[1]);
    admin.delete(&path).await.ok(204);
    admin.get(&format!("/v1/stages/{}", stages[1])).await.refused(404, "not_found");
    admin.get(&format!("/v1/stages/{}?archived=true", stages[1])).await.ok(200);
    assert_eq!(admin.list("/v1/stages?archived=true", "id").await, [stages[1].clone()]);
    assert_eq!(pages(&admin, "/v1/stages?archived=any", 200).await.len(), all.len());
    assert_eq!(pages(&admin, "/v1/stages", 200).await.len(), all.len() - 1);
    // They are only read here, by whoever may read their pipelines.
    for answer in [
        admin.post("/v1/stages", json!({"name": "x", "pipeline_id": pipelines[0]})).await,
        admin.patch(&format!("/v1/stages/{}", stages[0]), json!({"name": "x"})).await,
        admin.delete(&format!("/v1/stages/{}", stages[0])).await,
    ] {
        assert!(answer.header("allow").contains("GET"), "{}", answer.header("allow"));
        answer.refused(405, "method_not_allowed");
    }
    let faults = admin.get("/v1/stages?pipelin_id=x&limit=0").await.faults(400);
    assert_eq!(faults, [("pipelin_id".to_owned(), "unknown_parameter".to_owned()), ("limit".to_owned(), "too_small".to_owned())]);
    let reader = server.user_who_may(&admin, "reader", &["pipeline read all"], json!([]), json!({})).await;
    assert_eq!(pages(&reader, "/v1/stages", 200).await.len(), all.len() - 1);
    let blind = server.user_who_may(&admin, "blind", &["customer read all"], json!([]), json!({})).await;
    blind.get("/v1/stages").await.refused(403, "forbidden");
    blind.get(&format!("/v1/stages/{}", stages[0])).await.refused(403, "forbidden");
    let narrow = server.user_who_may(&admin, "narrow", &["pipeline read team"], json!([]), json!({"team_id": team})).await;
    let theirs: Vec<&Value> =
        all.iter().filter(|stage| stage["external_ids"] != json!({}) || stage["pipeline_id"] != one["pipeline_id"]).collect();
    assert_eq!(json!(pages(&narrow, "/v1/stages", 200).await), json!(theirs));
    narrow.get(&format!("/v1/stages/{}", stages[0])).await.refused(404, "not_found");
    let other = server.other_tenant("other").await;
    assert_eq!(pages(&other, "/v1/stages", 200).await.len(), 6);
    other.get(&format!("/v1/stages/{}", stages[0])).await.refused(404, "not_found");
}
