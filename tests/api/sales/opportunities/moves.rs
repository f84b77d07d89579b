//! `POST /v1/opportunities/{id}/move`, `win` and `lose`.

use serde_json::{Value, json};

use crate::{
    sales::{pipeline, yuan},
    server::Server,
    support::TestDb,
};

pub async fn are_checked_and_kept(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    let stage = |position: usize| format!("/v1/pipelines/{pipeline}/stages/{}", stages[position]);
    let rule = json!({"field": "next_step", "op": "null", "value": false});
    admin.patch(&stage(0), json!({"exit_rule": rule})).await.ok(200);
    admin.patch(&stage(1), json!({"required_fields": ["amount", "expected_close_on"], "rotting_days": 14})).await.ok(200);
    let faults = admin.patch(&stage(1), json!({"required_fields": ["amuont"]})).await.faults(422);
    assert_eq!(faults, [("/required_fields/0".to_owned(), "unknown_member".to_owned())]);
    let faults =
        admin.patch(&stage(1), json!({"exit_rule": {"field": "customer.name", "op": "eq", "value": "x"}})).await.faults(400);
    assert_eq!(faults[0].0, "/exit_rule");
    let id = admin.create("opportunities", json!({"name": "Servers"})).await;
    let path = format!("/v1/opportunities/{id}");
    let to = |position: usize| json!({"stage_id": stages[position]});
    let faults = admin.post(&format!("{path}/move"), to(1)).await.faults(422);
    assert_eq!(faults, [("/stage_id".to_owned(), "exit_rule".to_owned())]);
    // One request may meet the rule and move; every demand of the new stage is told at once.
    let faults = admin.patch(&path, json!({"stage_id": stages[1], "next_step": "call"})).await.faults(422);
    let expected = ["/amount", "/expected_close_on"].map(|pointer| (pointer.to_owned(), "needed_by_stage".to_owned()));
    assert_eq!(faults, expected);
    let patch = json!({"stage_id": stages[1], "next_step": "call", "amount": yuan(100), "expected_close_on": "2027-01-31"});
    let record = admin.patch(&path, patch).await.ok(200);
    assert_eq!((&record["probability"], &record["amount_from_lines"]), (&json!(25), &json!(false)));
    assert!(record["rots_at"].as_str() > record["stage_entered_at"].as_str());
    // Giving up asks for no exit rule, but for a reason.
    admin.patch(&stage(1), json!({"exit_rule": {"field": "amount", "op": "gt", "value": 1_000_000}})).await.ok(200);
    assert_eq!(admin.post(&format!("{path}/win"), json!({"close_reason": "price"})).await.faults(422)[0].1, "exit_rule");
    assert_eq!(
        admin.post(&format!("{path}/lose"), json!({})).await.faults(422),
        [("/close_reason".to_owned(), "reason_needed".to_owned())]
    );
    admin.patch(&format!("/v1/pipelines/{pipeline}"), json!({"loss_reasons": ["price", "rival"]})).await.ok(200);
    assert_eq!(admin.post(&format!("{path}/lose"), json!({"close_reason": "x"})).await.faults(422)[0].1, "unknown_choice");
    let record = admin.post(&format!("{path}/lose"), json!({"close_reason": "rival"})).await.ok(200);
    assert_eq!(
        (&record["status"], &record["probability"], &record["forecast_category"]),
        (&json!("lost"), &json!(0), &json!("omitted"))
    );
    assert!(record["closed_at"].is_string() && record["rots_at"].is_null());
    for verb in ["lose", "win"] {
        admin.post(&format!("{path}/{verb}"), json!({"close_reason": "rival"})).await.refused(409, "state_conflict");
    }
    // Reopened, it has no end any more.
    let record = admin.post(&format!("{path}/move"), to(2)).await.ok(200);
    assert_eq!((&record["status"], &record["closed_at"], &record["close_reason"]), (&json!("open"), &Value::Null, &Value::Null));
    assert_eq!(record["probability"], 50);
    // What is open is closed in no forecast.
    let refused = [("/forecast_category".to_owned(), "open_is_not_closed".to_owned())];
    assert_eq!(admin.patch(&path, json!({"forecast_category": "closed"})).await.faults(422), refused);
    let body = json!({"name": "x", "forecast_category": "closed", "next_step": "call"});
    assert_eq!(admin.post("/v1/opportunities", body).await.faults(422), refused);
    let types = admin.list(&format!("{path}/history"), "type").await;
    assert_eq!(types, ["stage_changed", "stage_changed", "stage_changed", "created"].map(|verb| format!("opportunity.{verb}")));
    let ledger = admin.get(&format!("{path}/ledger")).await.ok(200);
    let entries = ledger["data"].as_array().unwrap();
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0]["changes"]["stage_id"], json!({"from": stages[5], "to": stages[2]}));
    assert!(entries[0]["seconds_in_former_step"].is_i64() && entries[3]["seconds_in_former_step"].is_null());
    assert_eq!(entries[2]["changes"]["amount"], json!({"from": null, "to": yuan(100)}));
    let first = admin.get(&format!("{path}/ledger?limit=3")).await.ok(200);
    let rest = admin.get(&format!("{path}/ledger?limit=3&cursor={}", first["page"]["next"].as_str().unwrap())).await.ok(200);
    assert_eq!(rest["data"], json!([entries[3]]));
}

pub async fn follow_the_pipeline(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    let path = format!("/v1/opportunities/{}", admin.create("opportunities", json!({"name": "x", "stage_id": stages[1]})).await);
    let refused = |position: usize| {
        let request = admin.post(&format!("{path}/move"), json!({"stage_id": stages[position]}));
        async move { assert_eq!(request.await.faults(422)[0].1, "move_not_allowed") }
    };
    admin.patch(&format!("/v1/pipelines/{pipeline}"), json!({"moves": "one_step"})).await.ok(200);
    refused(3).await;
    admin.post(&format!("{path}/move"), json!({"stage_id": stages[0]})).await.ok(200);
    admin.patch(&format!("/v1/pipelines/{pipeline}"), json!({"moves": "forward"})).await.ok(200);
    admin.post(&format!("{path}/move"), json!({"stage_id": stages[2]})).await.ok(200);
    refused(1).await;
    admin.post(&format!("{path}/win"), json!({"close_reason": "x"})).await.ok(200);
    // A stage in use cannot be retired; one that is not keeps its place in the past.
    let other = admin.create("opportunities", json!({"name": "y", "stage_id": stages[3]})).await;
    let retired = format!("/v1/pipelines/{pipeline}/stages/{}", stages[3]);
    admin.delete(&retired).await.refused(409, "state_conflict");
    admin.delete(&format!("/v1/pipelines/{pipeline}")).await.refused(409, "state_conflict");
    admin.post(&format!("/v1/opportunities/{other}/lose"), json!({"close_reason": "x"})).await.ok(200);
    admin.delete(&retired).await.ok(204);
    let faults = admin.post("/v1/opportunities", json!({"name": "z", "stage_id": stages[3]})).await.faults(422);
    assert!(faults.iter().any(|fault| fault.0 == "/stage_id"));
    let ledger = admin.get(&format!("/v1/opportunities/{other}/ledger")).await.ok(200);
    assert_eq!(ledger["data"][0]["changes"]["stage_id"]["from"], json!(stages[3]));
    // The order of what is left is written at once.
    let order: Vec<&String> = [2, 1, 0, 4, 5].iter().map(|position| &stages[*position]).collect();
    let reorder = format!("/v1/pipelines/{pipeline}/stages/reorder");
    admin.post(&reorder, json!({"stage_ids": [stages[0]]})).await.faults(422);
    admin.post(&reorder, json!({"stage_ids": order})).await.ok(204);
    let listed = admin.list(&format!("/v1/pipelines/{pipeline}/stages?sort=sort_order"), "id").await;
    assert_eq!(listed.iter().collect::<Vec<_>>(), order);
    let twin = admin.post(&format!("/v1/pipelines/{pipeline}/stages"), json!({"name": "Won / 赢单"})).await;
    twin.refused(409, "duplicate");
}

pub async fn succeed_for_one_of_two(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (_, stages) = pipeline(&admin).await;
    let id = admin.create("opportunities", json!({"name": "x"})).await;
    let path = format!("/v1/opportunities/{id}/move");
    let moves = (0..12).map(|number| {
        let body = json!({"stage_id": stages[1 + number % 3], "from_stage_id": stages[0]});
        let request = admin.post(&path, body);
        tokio::spawn(async move { request.await })
    });
    let mut statuses = Vec::new();
    for answer in moves.collect::<Vec<_>>() {
        statuses.push(answer.await.unwrap().status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    let ledger = admin.get(&format!("/v1/opportunities/{id}/ledger")).await.ok(200);
    assert_eq!(ledger["data"].as_array().unwrap().len(), 2);
    // It is won or lost, never one after the other.
    let closing = (0..12).map(|number| {
        let verb = if number % 2 == 0 { "win" } else { "lose" };
        let request = admin.post(&format!("/v1/opportunities/{id}/{verb}"), json!({"close_reason": "x"}));
        tokio::spawn(async move { request.await })
    });
    let mut statuses = Vec::new();
    for answer in closing.collect::<Vec<_>>() {
        statuses.push(answer.await.unwrap().status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
}
