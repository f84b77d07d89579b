//! Pipelines, stages, opportunities and line items: moves with their checks, the ledger, the board, and the past.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{client::Client, server::Server, support::TestDb};

/// The default pipeline of a new tenant and its stages, in their order.
async fn pipeline(client: &Client) -> (String, Vec<String>) {
    let pipelines = client.get("/v1/pipelines?is_default=true").await.ok(200);
    let id = pipelines["data"][0]["id"].as_str().expect("a pipeline").to_owned();
    let stages = client.list(&format!("/v1/pipelines/{id}/stages?sort=sort_order"), "id").await;
    (id, stages)
}

fn yuan(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

pub async fn opportunities_begin_in_the_first_stage(db: TestDb) {
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

pub async fn a_move_is_checked_and_kept(db: TestDb) {
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

pub async fn moves_follow_the_pipeline(db: TestDb) {
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

pub async fn of_two_movers_one_succeeds(db: TestDb) {
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

pub async fn cards_stay_where_they_are_dropped(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(admin.create("opportunities", json!({"name": format!("O{number}"), "amount": yuan(100 * number)})).await);
    }
    let board = async || admin.get(&format!("/v1/pipelines/{pipeline}/board?limit=3")).await.ok(200);
    let column = async |stage: &str| admin.names(&format!("/v1/opportunities?stage_id={stage}&sort=position")).await;
    assert_eq!(column(&stages[0]).await, ["O4", "O3", "O2", "O1", "O0"], "the newest is on top");
    let drop = async |card: usize, body: Value| admin.post(&format!("/v1/opportunities/{}/move", ids[card]), body).await.ok(200);
    drop(0, json!({"before_id": ids[3]})).await;
    assert_eq!(column(&stages[0]).await, ["O4", "O0", "O3", "O2", "O1"]);
    drop(4, json!({"after_id": ids[1]})).await;
    assert_eq!(column(&stages[0]).await, ["O0", "O3", "O2", "O1", "O4"]);
    drop(1, json!({"after_id": ids[0], "before_id": ids[3]})).await;
    assert_eq!(column(&stages[0]).await, ["O0", "O1", "O3", "O2", "O4"]);
    drop(2, json!({"stage_id": stages[1]})).await;
    drop(3, json!({"stage_id": stages[1], "after_id": ids[2]})).await;
    assert_eq!(column(&stages[1]).await, ["O2", "O3"]);
    let faults = admin.post(&format!("/v1/opportunities/{}/move", ids[0]), json!({"after_id": ids[2]})).await.faults(422);
    assert_eq!(faults[0].0, "/after_id", "of another stage");
    admin.create("opportunities", json!({"name": "USD", "amount": {"amount": 7, "currency": "USD"}, "probability": 50})).await;
    let board = board().await;
    let shown = board["stages"].as_array().unwrap();
    assert_eq!(shown.len(), 4, "open stages only");
    assert_eq!((&shown[0]["count"], &shown[1]["count"]), (&json!(4), &json!(2)));
    let mut totals = shown[0]["totals"].as_array().unwrap().clone();
    totals.sort_by_key(|total| total["currency"].to_string());
    assert_eq!(totals[0], json!({"currency": "CNY", "count": 3, "amount": 500, "weighted": 50}));
    assert_eq!(totals[1], json!({"currency": "USD", "count": 1, "amount": 7, "weighted": 4}), "half a minor unit is rounded up");
    assert_eq!(shown[0]["opportunities"].as_array().unwrap().len(), 3);
    let cursor = shown[0]["page"]["next"].as_str().unwrap();
    let rest = admin
        .names(&format!("/v1/opportunities?pipeline_id={pipeline}&stage_id={}&sort=position&cursor={cursor}", stages[0]))
        .await;
    assert_eq!(rest, ["O4"]);
    let mine = admin.get(&format!("/v1/pipelines/{pipeline}/board?name=O2")).await.ok(200);
    assert_eq!((&mine["stages"][0]["count"], &mine["stages"][1]["count"]), (&json!(0), &json!(1)));
}

pub async fn the_past_is_read_from_the_ledger(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (_, stages) = pipeline(&admin).await;
    // A sale of another system, with its stages and their times.
    let body = json!({
        "name": "Old sale", "stage_id": stages[4], "amount": yuan(500), "opened_at": "2017-01-01T00:00:00Z",
        "closed_at": "2017-03-01T00:00:00Z", "close_reason": "price",
        "stage_history": [
            {"stage_id": stages[0], "entered_at": "2017-01-01T00:00:00Z"},
            {"stage_id": stages[2], "entered_at": "2017-02-01T00:00:00Z"},
        ],
    });
    let old = admin.post("/v1/opportunities", body.clone()).await.ok(201);
    assert_eq!((&old["status"], &old["stage_entered_at"]), (&json!("won"), &json!("2017-03-01T00:00:00.000Z")));
    let new = admin.create("opportunities", json!({"name": "New sale", "amount": yuan(100)})).await;
    let ledger = admin.get(&format!("/v1/opportunities/{}/ledger", old["id"].as_str().unwrap())).await.ok(200);
    let times: Vec<&str> = ledger["data"].as_array().unwrap().iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert_eq!(times, ["2017-03-01T00:00:00.000Z", "2017-02-01T00:00:00.000Z", "2017-01-01T00:00:00.000Z"]);
    assert_eq!(ledger["data"][0]["seconds_in_former_step"], 28 * 86_400);
    let as_of = async |time: &str, filter: &str| {
        let list = admin.get(&format!("/v1/opportunities?as_of={time}&total=true{filter}")).await.ok(200);
        (list["page"]["total"].as_i64().unwrap(), list["data"].clone())
    };
    assert_eq!(as_of("2016-12-31T00:00:00Z", "").await.0, 0);
    let (count, then) = as_of("2017-01-15T00:00:00Z", "").await;
    assert_eq!((count, &then[0]["stage_id"], &then[0]["status"]), (1, &json!(stages[0]), &json!("open")));
    assert_eq!(as_of("2017-02-15T00:00:00Z", &format!("&stage_id={}", stages[2])).await.0, 1);
    assert_eq!(as_of("2017-02-15T00:00:00Z", "&status=won").await.0, 0);
    assert_eq!(as_of("2017-03-01T00:00:00Z", "&status=won").await.0, 1);
    // What changes now leaves the past as it was.
    let before = admin.get(&format!("/v1/opportunities/{new}")).await.ok(200)["updated_at"].as_str().unwrap().to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    admin
        .patch(&format!("/v1/opportunities/{new}"), json!({"amount": yuan(900), "expected_close_on": "2027-01-01"}))
        .await
        .ok(200);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    admin.delete(&format!("/v1/opportunities/{new}")).await.ok(204);
    let (_, then) = as_of(&before, "&name=New%20sale").await;
    assert_eq!((&then[0]["amount"], &then[0]["expected_close_on"]), (&yuan(100), &Value::Null));
    assert!(then[0]["archived_at"].is_null(), "not yet archived then");
    let search = json!({"filter": {"field": "status", "op": "eq", "value": "open"}, "as_of": "2017-01-15T00:00:00Z"});
    assert_eq!(admin.post("/v1/opportunities/search", search).await.each("name"), ["Old sale"]);
    let faults = admin.get("/v1/opportunities?as_of=once").await.faults(400);
    assert_eq!(faults[0].0, "as_of");
    assert_eq!(admin.get("/v1/customers?as_of=-1d").await.faults(400)[0].1, "unknown_parameter");
    // A history must be one: in order, past, and of this pipeline.
    for (history, code) in [
        (
            json!([{"stage_id": stages[0], "entered_at": "2017-02-01T00:00:00Z"}, {"stage_id": stages[1], "entered_at": "2017-01-01T00:00:00Z"}]),
            "too_early",
        ),
        (json!([{"stage_id": stages[0], "entered_at": "2999-02-01T00:00:00Z"}]), "too_late"),
        (json!([{"stage_id": stages[5], "entered_at": "2017-02-01T00:00:00Z"}]), "stage_of_other_pipeline"),
    ] {
        let mut bad = body.clone();
        bad["stage_history"] = history;
        let answer = admin.post("/v1/opportunities", bad).await;
        assert!(answer.text.contains(code), "{code}: {}", answer.text);
    }
}

pub async fn lines_add_up_to_the_amount(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let product = admin.create("products", json!({"name": "GTX Pro", "sku": "GTX-PRO", "list_price": usd(482_100)})).await;
    let id = admin.create("opportunities", json!({"name": "x"})).await;
    let (path, lines) = (format!("/v1/opportunities/{id}"), format!("/v1/opportunities/{id}/line-items"));
    let line = admin.post(&lines, json!({"product_id": product, "quantity": 2, "discount": 10})).await.ok(201);
    assert_eq!((&line["name"], &line["unit_price"], &line["amount"]), (&json!("GTX Pro"), &usd(482_100), &usd(867_780)));
    assert_eq!((&line["quantity"], &line["sort_order"]), (&json!(2), &json!(1)));
    admin.post(&lines, json!({"name": "Setup", "quantity": 0.5, "unit_price": usd(1)})).await.ok(201);
    let record = admin.get(&path).await.ok(200);
    assert_eq!((&record["amount"], &record["amount_from_lines"]), (&usd(867_781), &json!(true)));
    for (body, fault) in [
        (json!({"name": "x", "unit_price": yuan(1)}), ("/unit_price/currency", "other_currency")),
        (json!({"name": "x"}), ("/unit_price", "required")),
        (json!({"unit_price": usd(1)}), ("/name", "required")),
        (json!({"product_id": product, "quantity": 0}), ("/quantity", "too_small")),
        (json!({"product_id": product, "discount": 101}), ("/discount", "too_large")),
    ] {
        let faults = admin.post(&lines, body).await.faults(422);
        assert_eq!(faults, [(fault.0.to_owned(), fault.1.to_owned())]);
    }
    let line = format!("{lines}/{}", line["id"].as_str().unwrap());
    admin.patch(&line, json!({"quantity": 1})).await.ok(200);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], usd(433_891));
    admin.delete(&line).await.ok(204);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], usd(1));
    // An amount that is set stays, until it is to follow the lines again.
    admin.patch(&path, json!({"amount": usd(99)})).await.ok(200);
    admin.post(&format!("{line}/restore"), json!({})).await.ok(200);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], usd(99));
    assert_eq!(admin.patch(&path, json!({"amount_from_lines": true})).await.ok(200)["amount"], usd(433_891));
    assert_eq!(admin.get(&format!("{path}?expand=line_items")).await.ok(200)["line_items"].as_array().unwrap().len(), 2);
    // A rebate is a line below zero; the sum is not.
    let rebate = admin.post(&lines, json!({"name": "Rebate", "unit_price": usd(-433_891)})).await.ok(201);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], usd(0));
    let most = 999_999_999_999_999_i64;
    for (body, fault) in [
        (json!({"name": "x", "unit_price": usd(-1)}), ("/unit_price/amount", "sum_too_small")),
        (json!({"name": "x", "unit_price": usd(most), "quantity": 2}), ("/amount/amount", "too_large")),
    ] {
        assert_eq!(admin.post(&lines, body).await.faults(422), [(fault.0.to_owned(), fault.1.to_owned())]);
    }
    assert_eq!(admin.delete(&line).await.faults(422), [(String::new(), "sum_too_small".to_owned())]);
    admin.delete(&format!("{lines}/{}", rebate["id"].as_str().unwrap())).await.ok(204);
    let faults = admin.post(&lines, json!({"name": "x", "unit_price": usd(most)})).await.faults(422);
    assert_eq!(faults, [("/unit_price/amount".to_owned(), "sum_too_large".to_owned())]);
    for (amount, code) in [(json!(most + 1), "too_large"), (json!(-most - 1), "too_small"), (json!(u64::MAX), "too_large")] {
        let body = json!({"name": "x", "list_price": {"amount": amount, "currency": "USD"}});
        let faults = admin.post("/v1/products", body).await.faults(400);
        assert_eq!(faults, [("/list_price/amount".to_owned(), code.to_owned())]);
    }
    // Lines of another opportunity are not found here.
    let other = admin.create("opportunities", json!({"name": "y"})).await;
    admin.get(&line.replace(&id, &other)).await.refused(404, "not_found");
    assert!(admin.names(&format!("/v1/opportunities/{other}/line-items")).await.is_empty());
}

pub async fn parts_are_reached_as_their_whole(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    let other = server.user(&admin, "Wang Fang", "sales_representative", json!({})).await;
    let id = seller.create("opportunities", json!({"name": "Mine"})).await;
    let lines = format!("/v1/opportunities/{id}/line-items");
    let line = json!({"name": "x", "unit_price": yuan(5)});
    let line = seller.post(&lines, line).await.ok(201)["id"].as_str().unwrap().to_owned();
    for request in [
        other.get(&lines),
        other.get(&format!("{lines}/{line}")),
        other.post(&lines, json!({"name": "x", "unit_price": yuan(1)})),
    ] {
        request.await.refused(404, "not_found");
    }
    other.patch(&format!("{lines}/{line}"), json!({"quantity": 9})).await.refused(404, "not_found");
    // Who may only read the whole may only read its parts.
    let reader = server.user(&admin, "Reader", "read_only", json!({})).await;
    assert_eq!(reader.names(&lines).await, ["x"]);
    reader.patch(&format!("{lines}/{line}"), json!({"quantity": 9})).await.refused(403, "forbidden");
    let changes = other.get("/v1/changes?types=line_item.created").await.ok(200);
    assert_eq!(changes["data"], json!([]));
    let (pipeline, _) = pipeline(&seller).await;
    seller.post(&format!("/v1/pipelines/{pipeline}/stages"), json!({"name": "x"})).await.refused(403, "forbidden");
    let explained =
        |user: &Client, line: &str| format!("/v1/access/explain?user_id={}&object=line_item&action=update&id={line}", user.id);
    assert_eq!(admin.get(&explained(&seller, &line)).await.ok(200)["allowed"], true);
    assert_eq!(admin.get(&explained(&other, &line)).await.ok(200)["reason"], "out_of_scope");
}

pub async fn one_pipeline_is_the_default(db: TestDb) {
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
