//! `/v1/custom-fields`: declared over the API, in force at once, renamed and retired without losing a value.

use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn of_every_type_are_written_filtered_and_sorted(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let other = admin.create("customers", json!({"name": "Referred"})).await;
    let choices = json!({"choices": [{"value": "gold", "label_zh": "金牌"}, {"value": "silver"}]});
    // Type, more of the declaration, two values in order, one that is refused, a filter for the second alone.
    let cases = [
        ("text", json!({}), json!("Abc"), json!("abd"), json!(7), "f=abd"),
        ("long_text", json!({}), json!("line\nline"), json!("other"), json!([]), "f_contains=OTH"),
        ("integer", json!({}), json!(9), json!(10), json!(1.5), "f_gt=9"),
        ("decimal", json!({}), json!(0.5), json!(10.25), json!("much"), "f_gte=10"),
        (
            "money",
            json!({}),
            json!({"amount": 9, "currency": "CNY"}),
            json!({"amount": 10, "currency": "CNY"}),
            json!(10),
            "f_gt=9",
        ),
        ("boolean", json!({}), json!(false), json!(true), json!("yes"), "f=true"),
        ("date", json!({}), json!("2026-01-31"), json!("2026-02-01"), json!("2026-02-30"), "f_gt=2026-01-31"),
        (
            "datetime",
            json!({}),
            json!("2026-01-31T08:00:00.000Z"),
            json!("2026-01-31T08:00:00.001Z"),
            json!("yesterday"),
            "f_gt=2026-01-31T08:00:00Z",
        ),
        ("choice", choices.clone(), json!("gold"), json!("silver"), json!("bronze"), "f=silver"),
        ("multi_choice", choices, json!(["gold"]), json!(["gold", "silver"]), json!(["bronze"]), "f_any=silver"),
        ("reference", json!({"reference_object": "customer"}), Value::Null, json!(other), json!("x"), "f_null=false"),
        ("email", json!({}), json!("a@example.com"), json!("b@example.com"), json!("a@"), "f=B@example.com"),
        ("phone", json!({}), json!("+8613800138000"), json!("+8613800138001"), json!("12"), "f=138 0013 8001"),
        ("url", json!({}), json!("https://a.example"), json!("https://b.example"), json!("javascript:x"), "f_contains=b.ex"),
    ];
    for (kind, more, first, second, wrong, filter) in cases {
        for indexed in [false, true] {
            let key = format!("{kind}_{indexed}");
            let mut more = more.clone();
            more["indexed"] = json!(indexed);
            admin.custom_field(&key, kind, more).await;
            let one = admin.post("/v1/customers", json!({"name": format!("{key} 1"), "custom": {&key: first}})).await.ok(201);
            let two = admin.post("/v1/customers", json!({"name": format!("{key} 2"), "custom": {&key: second}})).await.ok(201);
            if kind != "text" && kind != "reference" {
                assert_eq!((&one["custom"][&key], &two["custom"][&key]), (&first, &second), "{key}");
            }
            let faults = admin.post("/v1/customers", json!({"name": "x", "custom": {&key: wrong}})).await.faults(400);
            assert!(faults[0].0.starts_with(&format!("/custom/{key}")), "{faults:?}");
            let filter = filter.replacen('f', &format!("custom.{key}"), 1);
            assert_eq!(admin.names(&format!("/v1/customers?{filter}")).await, [format!("{key} 2")], "{filter}");
            let absent = admin.names(&format!("/v1/customers?custom.{key}_null=true&name_starts={key}")).await;
            assert_eq!(absent.len(), usize::from(kind == "reference"), "{key}");
            if !matches!(kind, "long_text" | "multi_choice" | "reference") {
                let sorted = admin.names(&format!("/v1/customers?name_starts={key}&sort=-custom.{key}")).await;
                assert_eq!(sorted, [format!("{key} 2"), format!("{key} 1")]);
                // Across both ends of a page, with those that have none.
                let page = admin.get(&format!("/v1/customers?sort=custom.{key}&limit=1&fields=name")).await.ok(200);
                let next = page["page"]["next"].as_str().unwrap();
                let page = admin.get(&format!("/v1/customers?sort=custom.{key}&limit=2&fields=name&cursor={next}")).await.ok(200);
                assert_eq!(page["data"][0]["name"], format!("{key} 2"));
            }
        }
    }
}

pub async fn keep_their_values_when_renamed_and_retired(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let field = admin.custom_field("tier", "text", json!({"label_zh": "等级"})).await;
    let path = format!("/v1/custom-fields/{}", field["id"].as_str().unwrap());
    let customer = admin.create("customers", json!({"name": "Acme", "custom": {"tier": "gold"}})).await;
    let customer = format!("/v1/customers/{customer}");
    admin.patch(&path, json!({"key": "level"})).await.ok(200);
    assert_eq!(admin.get(&customer).await.ok(200)["custom"], json!({"level": "gold"}));
    assert_eq!(admin.names("/v1/customers?custom.level=gold").await, ["Acme"]);
    assert_eq!(admin.get("/v1/customers?custom.tier=gold").await.faults(400), pairs(&[("custom.tier", "unknown_parameter")]));
    // Retired: gone from answers, filters and metadata, kept underneath, also through edits.
    admin.delete(&path).await.ok(204);
    assert_eq!(admin.get(&customer).await.ok(200)["custom"], json!({}));
    assert_eq!(admin.get("/v1/customers?custom.level=gold").await.faults(400), pairs(&[("custom.level", "unknown_parameter")]));
    assert!(!admin.get("/v1/metadata/objects").await.text.contains("custom.level"));
    admin.patch(&customer, json!({"name": "Acme 2", "custom": null})).await.ok(200);
    // A new field of the old name has values of its own.
    let again = admin.custom_field("level", "integer", json!({})).await;
    admin.patch(&customer, json!({"custom": {"level": 3}})).await.ok(200);
    admin.post(&format!("{path}/restore"), json!({})).await.refused(409, "duplicate");
    admin.delete(&format!("/v1/custom-fields/{}", again["id"].as_str().unwrap())).await.ok(204);
    admin.post(&format!("{path}/restore"), json!({})).await.ok(200);
    assert_eq!(admin.get(&customer).await.ok(200)["custom"], json!({"level": "gold"}));
}

pub async fn are_checked_when_declared(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let refused = async |body: Value| admin.post("/v1/custom-fields", body).await.faults(422);
    let mut faults = refused(json!({"object": "custmer", "key": "x') --", "field_type": "choice"})).await;
    faults.sort();
    assert_eq!(faults, pairs(&[("/choices", "required"), ("/key", "invalid_key"), ("/object", "unknown_choice")]));
    let body = json!({"object": "customer", "key": "r", "field_type": "reference"});
    assert_eq!(refused(body).await, pairs(&[("/reference_object", "required")]));
    let body =
        json!({"object": "customer", "key": "r", "field_type": "text", "choices": [{"value": "a"}], "reference_object": "user"});
    assert_eq!(refused(body).await.len(), 2);
    let faults =
        admin.post("/v1/custom-fields", json!({"object": "customer", "key": "t", "field_type": "txt"})).await.faults(400);
    assert_eq!(faults, pairs(&[("/field_type", "unknown_choice")]));
    admin.custom_field("tier", "text", json!({"required": true})).await;
    let body = json!({"object": "customer", "key": "tier", "field_type": "integer"});
    admin.post("/v1/custom-fields", body).await.refused(409, "duplicate");
    // The same key on another object is another field.
    admin.post("/v1/custom-fields", json!({"object": "contact", "key": "tier", "field_type": "integer"})).await.ok(201);
    let faults = admin.post("/v1/customers", json!({"name": "x"})).await.faults(400);
    assert_eq!(faults, pairs(&[("/custom/tier", "required")]));
    let metadata = admin.get("/v1/metadata/objects").await.ok(200);
    let customer = metadata["data"].as_array().unwrap().iter().find(|object| object["name"] == "customer").unwrap();
    let tier = customer["fields"].as_array().unwrap().iter().find(|field| field["path"] == "custom.tier").unwrap();
    assert_eq!((&tier["type"], &tier["required"]), (&json!("text"), &json!(true)));
}

/// A field that is marked searchable, and one of another object than customers.
pub async fn serve_every_object_and_search(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("slogan", "text", json!({"searchable": true})).await;
    admin.create("customers", json!({"name": "Acme", "custom": {"slogan": "万物互联"}})).await;
    assert_eq!(admin.names("/v1/customers?q=物互").await, ["Acme"]);
    for (object, collection) in [("user", "users"), ("team", "teams"), ("tag", "tags"), ("contact", "contacts")] {
        admin.post("/v1/custom-fields", json!({"object": object, "key": "shelf", "field_type": "integer"})).await.ok(201);
        let mut body = json!({"name": "Somebody", "custom": {"shelf": 3}});
        if object == "user" {
            body["email"] = json!("somebody@example.com");
        }
        admin.create(collection, body).await;
        assert_eq!(admin.names(&format!("/v1/{collection}?custom.shelf_gte=3")).await, ["Somebody"], "{object}");
    }
}

/// Retired or taken out of search, a field is found by no more; brought back, it is again.
pub async fn leave_search_with_their_field(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let field = admin.custom_field("slogan", "text", json!({"searchable": true})).await;
    let path = format!("/v1/custom-fields/{}", field["id"].as_str().unwrap());
    admin.create("customers", json!({"name": "Acme", "custom": {"slogan": "万物互联"}})).await;
    let found = async || admin.names("/v1/customers?q=万物").await.len();
    assert_eq!(found().await, 1);
    admin.delete(&path).await.ok(204);
    assert_eq!(found().await, 0);
    assert_eq!(admin.names("/v1/customers?q=acme").await, ["Acme"]);
    admin.post(&format!("{path}/restore"), json!({})).await.ok(200);
    assert_eq!(found().await, 1);
    admin.patch(&path, json!({"searchable": false})).await.ok(200);
    assert_eq!(found().await, 0);
    admin.patch(&path, json!({"searchable": true})).await.ok(200);
    assert_eq!(found().await, 1);
}

/// Choices are any text, and those that records still have can be asked for after they have been taken off.
pub async fn keep_retired_choices_filterable(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let long = "长".repeat(100);
    let all =
        json!([{"value": "in-contract"}, {"value": "重点, 客户", "label_en": "Key"}, {"value": "3½ \"x\""}, {"value": long}]);
    let field = admin.custom_field("tier", "choice", json!({"choices": all})).await;
    let many = admin.custom_field("marks", "multi_choice", json!({"choices": all, "indexed": true})).await;
    let path = |field: &Value| format!("/v1/custom-fields/{}", field["id"].as_str().unwrap());
    for (name, value) in [("One", "in-contract"), ("Two", "重点, 客户"), ("Three", "3½ \"x\""), ("Four", &long)] {
        let customer =
            admin.post("/v1/customers", json!({"name": name, "custom": {"tier": value, "marks": [value]}})).await.ok(201);
        assert_eq!(customer["custom"], json!({"tier": value, "marks": [value]}));
        let filter = json!({"field": "custom.tier", "value": value});
        assert_eq!(admin.matching(filter).await, [name]);
        assert_eq!(admin.matching(json!({"field": "custom.marks", "op": "any", "value": [value]})).await, [name]);
    }
    let refused = admin
        .post(
            "/v1/custom-fields",
            json!({"object": "customer", "key": "x", "field_type": "choice",
        "choices": [{"value": "VIP"}, {"value": "vip"}, {"value": "长".repeat(101)}, {"value": " "}]}),
        )
        .await
        .faults(400);
    assert_eq!(refused, pairs(&[("/choices/1", "repeated"), ("/choices/2/value", "too_long"), ("/choices/3/value", "blank")]));

    let rest = json!([{"value": "重点, 客户", "label_en": "Key", "label_zh": null}, {"value": "new", "label_en": null, "label_zh": null}]);
    for field in [&field, &many] {
        let changed = admin.patch(&path(field), json!({"choices": rest})).await.ok(200);
        assert_eq!(changed["choices"], rest);
        assert_eq!(changed["retired_choices"].as_array().unwrap().len(), 3, "{changed}");
    }
    assert_eq!(admin.names("/v1/customers?custom.tier=in-contract").await, ["One"]);
    assert_eq!(admin.names("/v1/customers?custom.tier_in=in-contract,new").await, ["One"]);
    assert_eq!(admin.names("/v1/customers?custom.marks_any=in-contract").await, ["One"]);
    assert_eq!(admin.get("/v1/customers?custom.tier=nothing").await.status, 400);
    // What a record has may stay, also when all of it is sent back; no other gets it.
    let one = admin.get("/v1/customers?custom.tier=in-contract").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let one = format!("/v1/customers/{one}");
    let kept = json!({"custom": {"tier": "in-contract", "marks": ["in-contract", "new"]}});
    assert_eq!(admin.patch(&one, kept.clone()).await.ok(200)["custom"], kept["custom"]);
    let faults = admin.post("/v1/customers", json!({"name": "x", "custom": {"tier": "in-contract"}})).await.faults(400);
    assert_eq!(faults, pairs(&[("/custom/tier", "unknown_choice")]));
    // Nobody has it any more: with the next change it is gone, and asking for it is a mistake.
    admin.patch(&one, json!({"custom": {"tier": "new"}})).await.ok(200);
    let changed = admin
        .patch(&path(&field), json!({"choices": [{"value": "new"}, {"value": "重点, 客户"}, {"value": "more"}]}))
        .await
        .ok(200);
    assert_eq!(changed["retired_choices"].as_array().unwrap().len(), 2, "{changed}");
    assert_eq!(admin.get("/v1/customers?custom.tier=in-contract").await.status, 400);
    // Taken back, it is a choice again.
    let back = json!({"choices": [{"value": "new"}, {"value": "重点, 客户"}, {"value": long}]});
    let changed = admin.patch(&path(&field), back).await.ok(200);
    assert_eq!(changed["retired_choices"].as_array().unwrap().len(), 1, "{changed}");
    admin.post("/v1/customers", json!({"name": "y", "custom": {"tier": long}})).await.ok(201);
}
