//! Pipelines, stages, opportunities with their lines, and products.

use serde_json::{Value, json};

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    support::TestDb,
};

fn yuan(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

/// The pipeline that a tenant begins with, and its stages.
async fn pipeline(r: &mut Recorder) -> (String, Vec<String>) {
    let pipelines = r.get("/v1/pipelines?is_default=true").await;
    let id = pipelines["data"][0]["id"].as_str().expect("a pipeline").to_owned();
    let stages = r.get(&format!("/v1/pipelines/{id}/stages?sort=sort_order&fields=name,kind,probability")).await;
    let stages = r
        .admin
        .list(&format!("/v1/pipelines/{id}/stages?sort=sort_order&limit={}", stages["data"].as_array().unwrap().len()), "id")
        .await;
    (id, stages)
}

pub async fn pipelines_and_products(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "pipelines").await;
    let (first, stages) = pipeline(&mut r).await;
    let stage = |position: usize| format!("/v1/pipelines/{first}/stages/{}", stages[position]);
    let rule = json!({"field": "next_step", "op": "null", "value": false});
    r.patch(&stage(0), json!({"exit_rule": rule})).await;
    r.patch(&stage(1), json!({"required_fields": ["amount", "expected_close_on"], "rotting_days": 14})).await;
    r.patch(&stage(1), json!({"required_fields": ["amuont"]})).await;
    r.patch(&stage(1), json!({"exit_rule": {"field": "customer.name", "op": "eq", "value": "x"}})).await;
    r.patch(&stage(4), json!({"probability": 60})).await;
    r.patch(&format!("/v1/pipelines/{first}"), json!({"loss_reasons": ["price", "rival"], "moves": "forward"})).await;
    let body = json!({"name": "Partners", "is_default": true, "moves": "one_step", "reason_required": false, "external_ids": {"sap": "p"}});
    let second = r.create("pipelines", body).await;
    r.patch(&format!("/v1/pipelines/{second}"), json!({"is_default": false})).await;
    r.get(&format!("/v1/pipelines/{first}")).await;
    let path = format!("/v1/pipelines/{second}/stages");
    let mut added = Vec::new();
    for body in [
        json!({"name": "Lead in", "probability": 5}),
        json!({"name": "Proposal", "probability": 50, "forecast_category": "best_case", "rotting_days": 3, "required_fields": ["amount"]}),
        json!({"name": "Gone well", "kind": "won"}),
        json!({"name": "Gone wrong", "kind": "lost"}),
        json!({"name": "proposal"}),
        json!({"name": "x", "kind": "won", "probability": 60}),
        json!({"name": "x", "kind": "lost", "probability": 60}),
        json!({"name": "x", "kind": "nonsense", "probability": 101}),
    ] {
        let made = r.post(&path, body).await;
        added.extend(made["id"].as_str().map(str::to_owned));
    }
    r.post(&format!("{path}/reorder"), json!({"stage_ids": [added[0]]})).await;
    r.post(&format!("{path}/reorder"), json!({"stage_ids": "x"})).await;
    let order: Vec<String> = r.admin.list(&format!("{path}?sort=sort_order"), "id").await.into_iter().rev().collect();
    r.post(&format!("{path}/reorder"), json!({"stage_ids": order})).await;
    r.get(&format!("{path}?sort=sort_order")).await;
    r.get(&format!("/v1/pipelines/{first}/stages/{}", added[0])).await;
    r.delete(&format!("{path}/{}", added[0])).await;
    r.post(&format!("{path}/{}/restore", added[0]), json!({})).await;
    r.get(&format!("{path}/{}/history", added[0])).await;
    r.delete(&format!("/v1/pipelines/{second}")).await;
    r.post("/v1/opportunities", json!({"name": "x"})).await;
    r.post(&format!("/v1/pipelines/{second}/restore"), json!({})).await;

    let product = json!({"name": "GTX Pro", "sku": "GTX-PRO", "family": "GTX", "status": "active", "list_price": {"amount": 482_100, "currency": "USD"}, "unit": "台", "description": "x"});
    let product = r.create("products", product).await;
    r.post("/v1/products", json!({"name": "Twin", "sku": "gtx-pro"})).await;
    r.post("/v1/products", json!({"name": "x", "list_price": {"amount": 1_000_000_000_000_000_i64, "currency": "XXX"}})).await;
    r.patch(&format!("/v1/products/{product}"), json!({"list_price": {"amount": 1, "currency": "JPY"}})).await;
    r.delete(&format!("/v1/products/{product}")).await;
    r.post("/v1/products", json!({"name": "Takes its number", "sku": "GTX-PRO"})).await;
    r.post(&format!("/v1/products/{product}/restore"), json!({})).await;
    r.end().await
}

pub async fn opportunities(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "opportunities").await;
    let (pipeline, stages) = pipeline(&mut r).await;
    let stage = |position: usize| format!("/v1/pipelines/{pipeline}/stages/{}", stages[position]);
    let seller = r.server.user(&r.admin, "Li Wei", "sales_representative", json!({})).await;
    let customer = r.create("customers", json!({"name": "Acme"})).await;
    let contact = r.create("contacts", json!({"name": "李伟", "customer_id": customer})).await;
    let rule = json!({"field": "next_step", "op": "null", "value": false});
    r.patch(&stage(0), json!({"exit_rule": rule})).await;
    r.patch(&stage(1), json!({"required_fields": ["amount", "expected_close_on"], "rotting_days": 14})).await;
    let body = json!({
        "name": "Servers", "customer_id": customer, "contacts": [{"contact_id": contact, "buying_role": "champion", "primary": true}],
        "team_members": [{"user_id": seller.id, "split": 40}], "competitors": ["IBM"], "source": "展会", "description": "x", "external_ids": {"sap": "1"},
    });
    let id = r.create("opportunities", body).await;
    let path = format!("/v1/opportunities/{id}");
    let to = |position: usize| json!({"stage_id": stages[position]});
    r.post(&format!("{path}/move"), to(1)).await;
    r.patch(&path, json!({"stage_id": stages[1], "next_step": "call"})).await;
    let patch = json!({"stage_id": stages[1], "next_step": "call", "amount": yuan(100), "expected_close_on": "2040-01-31"});
    r.patch(&path, patch).await;
    r.patch(
        &path,
        json!({"stage_id": customer, "probability": 101, "contacts": [{"contact_id": contact}, {"contact_id": contact}]}),
    )
    .await;
    r.patch(&path, json!({"team_members": [{"user_id": seller.id, "split": 70}, {"user_id": r.admin.id, "split": 40}]})).await;
    for (verb, body) in [
        ("move", json!({"stage_id": stages[2], "from_stage_id": stages[0]})),
        ("move?validate_only=true", to(2)),
        ("move", to(2)),
        ("move", to(2)),
        ("move", json!({"stage_id": "x", "nonsense": 1})),
        ("lose", json!({})),
        ("lose", json!({"close_reason": "价格", "close_comment": "too dear", "closed_at": "2999-01-01T00:00:00Z"})),
        ("lose", json!({"close_reason": "价格", "close_comment": "too dear"})),
        ("lose", json!({"close_reason": "价格"})),
        ("win", json!({"close_reason": "价格"})),
        ("move", to(2)),
        ("win", json!({"close_reason": "价格"})),
        ("move", to(0)),
    ] {
        r.post(&format!("{path}/{verb}"), body).await;
    }
    r.patch(&path, json!({"forecast_category": "closed"})).await;
    r.get(&format!("{path}?expand=customer,pipeline,stage,owner,line_items")).await;
    r.patch(&format!("/v1/pipelines/{pipeline}"), json!({"moves": "one_step"})).await;
    r.post(&format!("{path}/move"), to(3)).await;
    r.patch(&format!("/v1/pipelines/{pipeline}"), json!({"moves": "any"})).await;
    r.delete(&stage(0)).await;
    r.delete(&format!("/v1/pipelines/{pipeline}")).await;

    let old = json!({
        "name": "Old sale", "stage_id": stages[4], "amount": yuan(500), "opened_at": "2017-01-01T00:00:00Z", "closed_at": "2017-03-01T00:00:00Z", "close_reason": "price",
        "stage_history": [{"stage_id": stages[0], "entered_at": "2017-01-01T00:00:00Z"}, {"stage_id": stages[2], "entered_at": "2017-02-01T00:00:00Z"}],
    });
    r.create("opportunities", old.clone()).await;
    for history in [
        json!([{"stage_id": stages[0], "entered_at": "2017-02-01T00:00:00Z"}, {"stage_id": stages[1], "entered_at": "2017-01-01T00:00:00Z"}]),
        json!([{"stage_id": stages[0], "entered_at": "2999-02-01T00:00:00Z"}]),
        json!([{"stage_id": stages[5], "entered_at": "2017-02-01T00:00:00Z"}]),
        json!([{"stage_id": "x"}]),
    ] {
        let mut bad = old.clone();
        bad["stage_history"] = history;
        r.post("/v1/opportunities", bad).await;
    }
    for query in [
        "2016-12-31T00:00:00Z",
        "2017-01-15T00:00:00Z",
        "2017-02-15T00:00:00Z&status=won",
        "2017-03-01T00:00:00Z&status=won",
        "once",
        "2017-02-15T00:00:00Z&sort=-amount&limit=1",
        "2017-02-15T00:00:00Z&sort=name&source=x&fields=description",
    ] {
        r.get(&format!("/v1/opportunities?as_of={query}&total=true")).await;
    }
    let search = json!({"filter": {"field": "status", "op": "eq", "value": "open"}, "as_of": "2017-01-15T00:00:00Z", "fields": ["amount", "stage_id"]});
    r.post("/v1/opportunities/search", search).await;

    // Lines.
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let product = r.create("products", json!({"name": "GTX Pro", "sku": "GTX-PRO", "list_price": usd(482_100)})).await;
    let sale = r.create("opportunities", json!({"name": "With lines"})).await;
    let (sale, lines) = (format!("/v1/opportunities/{sale}"), format!("/v1/opportunities/{sale}/line-items"));
    let line = r.post(&lines, json!({"product_id": product, "quantity": 2, "discount": 10})).await;
    let line = format!("{lines}/{}", line["id"].as_str().unwrap());
    for body in [
        json!({"name": "Setup", "quantity": 0.5, "unit_price": usd(1)}),
        json!({"name": "x", "unit_price": yuan(1)}),
        json!({"name": "x"}),
        json!({"unit_price": usd(1)}),
        json!({"product_id": product, "quantity": 0, "discount": 101}),
        json!({"name": "x", "unit_price": usd(-999_999)}),
        json!({"name": "x", "unit_price": usd(999_999_999_999_999), "quantity": 2}),
        json!({"name": "Rebate", "unit_price": usd(-1)}),
    ] {
        r.post(&lines, body).await;
    }
    r.get(&sale).await;
    r.patch(&line, json!({"quantity": 1})).await;
    r.delete(&line).await;
    r.patch(&sale, json!({"amount": usd(99)})).await;
    r.post(&format!("{line}/restore"), json!({})).await;
    r.patch(&sale, json!({"amount_from_lines": true})).await;
    r.get(&format!("{sale}?expand=line_items&fields=name,amount")).await;
    r.get(&format!("{lines}?sort=sort_order&fields=name,amount,quantity")).await;
    r.get(&format!("{line}/history")).await;
    let foreign = seller.get(&line);
    r.play(foreign).await;

    // The board.
    let mut cards = Vec::new();
    for number in 0..3 {
        cards.push(
            r.create("opportunities", json!({"name": format!("O{number}"), "amount": yuan(100 * number), "stage_id": stages[3]}))
                .await,
        );
    }
    for (card, body) in [
        (0, json!({"before_id": cards[1]})),
        (2, json!({"after_id": cards[1]})),
        (1, json!({"stage_id": stages[1], "after_id": cards[0]})),
        (1, json!({"after_id": id, "before_id": "x"})),
    ] {
        r.post(&format!("/v1/opportunities/{}/move", cards[card]), body).await;
    }
    r.get(&format!("/v1/pipelines/{pipeline}/board?limit=2")).await;
    r.get(&format!("/v1/pipelines/{pipeline}/board?name=O2&limit=x")).await;
    r.get(&format!("/v1/pipelines/{pipeline}/board?name=O2")).await;
    r.get(&format!("/v1/opportunities?stage_id={}&sort=position&fields=name", stages[3])).await;
    r.get(&format!("{path}/history")).await;
    r.get(&format!("{path}/ledger?limit=2")).await;
    let mine = seller.post("/v1/opportunities", json!({"name": "Mine", "owner_id": seller.id}));
    let mine = r.play(mine).await.body["id"].as_str().unwrap().to_owned();
    r.post(&format!("/v1/opportunities/{mine}/move"), to(1)).await;
    let told = seller.get("/v1/notifications?fields=kind,title,record_id,actor_id");
    r.play(told).await;
    r.delete(&path).await;
    r.post(&format!("{path}/win"), json!({"close_reason": "x"})).await;
    r.post(&format!("{path}/restore"), json!({})).await;
    let put = r.admin.put("/v1/opportunities/ext:sap:2", json!({"name": "Upserted"}));
    r.play(put).await;
    let put = r.admin.put("/v1/opportunities/ext:sap:2", json!({"amount": yuan(7), "expected_close_on": "2040-02-01"}));
    r.play(put).await;
    r.get("/v1/customers?fields=name,contact_count,child_count&expand=contacts&limit=1").await;
    r.get(&format!("/v1/customers/{customer}/timeline")).await;
    r.end().await
}
