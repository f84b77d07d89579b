//! `/v1/customers`: one record from its creation to its archiving, and what is refused on the way.

use serde_json::{Value, json};

use crate::{
    client::pairs,
    server::Server,
    support::{TestDb, new_id},
};

pub async fn are_created_read_changed_and_archived(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let created = admin.post("/v1/customers", json!({"name": " 华为技术有限公司 ", "status": "active"})).await;
    let location = created.header("location").to_owned();
    assert_eq!(created.header("etag"), "\"v1\"");
    let record = created.ok(201);
    assert_eq!(location, format!("/v1/customers/{}", record["id"].as_str().unwrap()));
    assert_eq!(record["name"], "华为技术有限公司");
    assert_eq!(record["owner_id"], admin.id.as_str());
    assert_eq!(record["created_by"], admin.id.as_str());
    assert_eq!((&record["version"], &record["archived_at"]), (&json!(1), &Value::Null));

    let read = admin.get(&location).await;
    assert_eq!(read.header("etag"), "\"v1\"");
    assert_eq!(read.ok(200), record);

    let changed = admin.patch(&location, json!({"industry": "通信设备"})).await;
    assert_eq!(changed.header("etag"), "\"v2\"");
    let changed = changed.ok(200);
    assert_eq!((&changed["industry"], &changed["name"]), (&json!("通信设备"), &record["name"]));
    // What changes nothing is no new version.
    assert_eq!(admin.patch(&location, json!({"industry": "通信设备"})).await.ok(200)["version"], 2);

    admin.delete(&location).await.ok(204);
    admin.get(&location).await.refused(404, "not_found");
    assert!(admin.names("/v1/customers").await.is_empty());
    let archived = admin.get(&format!("{location}?archived=true")).await.ok(200);
    assert!(archived["archived_at"].is_string());
    assert_eq!(admin.names("/v1/customers?archived=true").await, ["华为技术有限公司"]);
    let problem = admin.patch(&location, json!({"industry": "x"})).await.refused(409, "state_conflict");
    assert_eq!(problem["allowed"], json!(["restore"]));
    // Twice is once.
    admin.delete(&location).await.ok(204);
    let restored = admin.post(&format!("{location}/restore"), json!({})).await.ok(200);
    assert_eq!(restored["archived_at"], Value::Null);
    assert_eq!(admin.get(&location).await.ok(200), restored);
    let types = admin.list(&format!("{location}/history"), "type").await;
    assert_eq!(types, ["customer.restored", "customer.archived", "customer.updated", "customer.created"]);
}

pub async fn keep_what_a_patch_does_not_name(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("tier", "text", json!({})).await;
    admin.custom_field("budget", "money", json!({})).await;
    let body = json!({
        "name": "Acme", "industry": "Retail", "annual_revenue": {"amount": 100, "currency": "USD"},
        "other_names": ["A", "B"], "custom": {"tier": "gold", "budget": {"amount": 5, "currency": "EUR"}},
    });
    let path = format!("/v1/customers/{}", admin.create("customers", body).await);
    let patched = async |body: Value| admin.patch(&path, body).await.ok(200);
    // Objects merge, at every depth; lists are replaced; null clears.
    let record = patched(json!({"annual_revenue": {"amount": 200}})).await;
    assert_eq!(record["annual_revenue"], json!({"amount": 200, "currency": "USD"}));
    let record = patched(json!({"custom": {"budget": {"amount": 6}}})).await;
    assert_eq!(record["custom"], json!({"tier": "gold", "budget": {"amount": 6, "currency": "EUR"}}));
    let record = patched(json!({"custom": {"tier": null}, "other_names": ["C"]})).await;
    assert_eq!(record["custom"], json!({"budget": {"amount": 6, "currency": "EUR"}}));
    assert_eq!(record["other_names"], json!(["C"]));
    let record = patched(json!({"annual_revenue": null, "industry": null, "custom": null, "other_names": null})).await;
    assert_eq!((&record["annual_revenue"], &record["industry"]), (&Value::Null, &Value::Null));
    assert_eq!((&record["custom"], &record["name"]), (&json!({}), &json!("Acme")));
    let events = admin.get(&format!("{path}/history?limit=1")).await.ok(200);
    let changes = &events["data"][0]["changes"];
    assert_eq!(changes["industry"], json!({"from": "Retail", "to": null}));
    assert_eq!(changes["custom.budget"], json!({"from": {"amount": 6, "currency": "EUR"}, "to": null}));
    // Half a sum of money is none, and a required field cannot be cleared.
    let faults = admin.patch(&path, json!({"annual_revenue": {"amount": 1}, "name": null})).await.faults(400);
    assert_eq!(faults, pairs(&[("/annual_revenue/currency", "required"), ("/name", "required")]));
}

pub async fn take_themselves_back_whole(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = json!({"name": "Acme", "industry": "Retail", "emails": [{"value": "Li@example.cn"}], "external_ids": {"sap": "1"},
        "annual_revenue": {"amount": 100, "currency": "CNY"}, "addresses": [{"city": "上海"}]});
    let id = admin.create("customers", customer).await;
    for (collection, body) in [
        ("contacts", json!({"name": "Li", "customer_id": id})),
        ("opportunities", json!({"name": "Deal", "customer_id": id, "amount": {"amount": 5, "currency": "CNY"}})),
        ("tasks", json!({"subject": "Call", "customer_id": id, "due_at": "2030-01-01T00:00:00Z"})),
        ("activities", json!({"kind": "note", "subject": "Call", "customer_id": id})),
        ("leads", json!({"name": "Wang", "company": "Acme"})),
        ("products", json!({"name": "Box"})),
        ("teams", json!({"name": "North"})),
        ("tags", json!({"name": "VIP"})),
    ] {
        let path = format!("/v1/{collection}/{}", admin.create(collection, body).await);
        let record = admin.get(&path).await.ok(200);
        let answer = admin.patch(&path, record.clone()).await.ok(200);
        assert_eq!(answer, record, "{collection}");
        let mut changed = record;
        changed["version"] = 99.into();
        changed["created_at"] = "2020-01-01T00:00:00Z".into();
        let mut faults = admin.patch(&path, changed).await.faults(400);
        faults.sort();
        assert_eq!(faults, pairs(&[("/created_at", "read_only"), ("/version", "read_only")]), "{collection}");
    }
    let path = format!("/v1/customers/{id}");
    let record = admin.get(&path).await.ok(200);
    assert_eq!(admin.put("/v1/customers/ext:sap:1", record.clone()).await.ok(200), record);
    // Forms say by empty texts that there is no value.
    let empty = json!({"industry": "", "website": " ", "annual_revenue": {"amount": null, "currency": null}, "addresses": [{"city": "上海", "street": ""}]});
    let record = admin.patch(&path, empty).await.ok(200);
    assert_eq!((&record["industry"], &record["website"], &record["annual_revenue"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(admin.patch(&path, json!({"name": ""})).await.faults(400), pairs(&[("/name", "blank")]));
}

pub async fn are_told_all_their_faults_at_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = json!({
        "nmae": "x", "status": "actve", "employee_count": -1, "annual_revenue": {"amount": 1.5, "currency": "XXQ"},
        "emails": [{"value": "nobody"}], "phones": [{"value": "12"}], "website": "ftp://x", "birthday": "2026-02-30",
        "language": "klingon!", "time_zone": "Mars/Olympus", "social_credit_code": "914403001922038217",
        "parent_id": "7", "number": "C-1", "custom": {"tier": 1},
    });
    let answer = admin.post("/v1/customers", body.clone()).await;
    assert_eq!(answer.header("content-language"), "en");
    let mut faults = answer.clone().faults(400);
    faults.sort();
    let mut expected = pairs(&[
        ("/annual_revenue/amount", "wrong_type"),
        ("/annual_revenue/currency", "unknown_currency"),
        ("/birthday", "invalid_date"),
        ("/custom/tier", "unknown_member"),
        ("/emails/0/value", "invalid_email"),
        ("/employee_count", "too_small"),
        ("/language", "unknown_language"),
        ("/name", "required"),
        ("/nmae", "unknown_member"),
        ("/number", "read_only"),
        ("/parent_id", "invalid_id"),
        ("/phones/0/value", "invalid_phone"),
        ("/social_credit_code", "invalid_social_credit_code"),
        ("/status", "unknown_choice"),
        ("/time_zone", "unknown_time_zone"),
        ("/website", "invalid_url"),
    ]);
    expected.sort();
    assert_eq!(faults, expected);
    let message = |body: &Value, pointer: &str| {
        let faults = body["errors"].as_array().unwrap().iter();
        faults
            .filter(|fault| fault["pointer"] == pointer)
            .map(|fault| fault["message"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    assert_eq!(message(&answer.body, "/nmae"), "is not a known field; did you mean `name`?");
    assert_eq!(message(&answer.body, "/status"), "must be one of: active, inactive, blocked");

    let chinese = admin.post("/v1/customers", body).header("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8").await;
    assert_eq!(chinese.header("content-language"), "zh-CN");
    assert_eq!(message(&chinese.body, "/nmae"), "不是已知字段；您是否想写“name”？");
    assert_eq!(chinese.body["title"], "请求有误");
    assert_eq!(chinese.body["detail"], "请求中有 16 处错误。");
    assert!(admin.names("/v1/customers").await.is_empty());
}

pub async fn are_standardised_on_the_way_in(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = json!({
        "name": "  Ａｃｍｅ   公司 ",
        "emails": [{"value": "Li.Wei@Example.COM", "label": "work"}],
        "phones": [{"value": "138 0013 8000", "label": "mobile"}],
        "social_credit_code": "914403001922038216",
    });
    let record = admin.post("/v1/customers", body).await.ok(201);
    assert_eq!(record["name"], "Ａｃｍｅ   公司", "what was typed is kept");
    assert_eq!(record["emails"][0]["value"], "li.wei@example.com");
    assert_eq!((&record["phones"][0]["value"], &record["phones"][0]["primary"]), (&json!("+8613800138000"), &json!(true)));
    assert!(record["phones"][0].to_string().contains("138 0013 8000"), "what was typed stays readable: {}", record["phones"]);
    assert!(record["completeness"]["missing"].as_array().unwrap().contains(&json!("industry")));
    // The first number of a tenant; the next one is higher.
    let first = record["number"].as_str().unwrap().to_owned();
    let second = admin.post("/v1/customers", json!({"name": "B"})).await.ok(201)["number"].as_str().unwrap().to_owned();
    assert!(first.starts_with("C-") && second > first, "{first} {second}");
}

pub async fn may_have_ids_their_creator_chose(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let id = new_id().to_string();
    let record = admin.post("/v1/customers", json!({"id": id, "name": "Offline"})).await.ok(201);
    assert_eq!(record["id"], id.as_str());
    let problem = admin.post("/v1/customers", json!({"id": id, "name": "Again"})).await.refused(409, "duplicate");
    assert_eq!(problem["existing_id"], id.as_str());
    // Other systems make theirs at random, or out of a name.
    for other in
        ["3b241101-e2bb-4255-8caf-4136c566a962", "2ed6657d-e927-568b-95e1-2665a8aea6a2", "1ec9414c-232a-6b00-b3c8-9f6bdeced846"]
    {
        admin.post("/v1/customers", json!({"id": other, "name": other})).await.ok(201);
        assert_eq!(admin.get(&format!("/v1/customers/{other}")).await.ok(200)["name"], other);
    }
    for none in
        ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "3b241101e2bb42558caf4136c566a962"]
    {
        let faults = admin.post("/v1/customers", json!({"id": none, "name": "x"})).await.faults(400);
        assert_eq!(faults, pairs(&[("/id", "invalid_id")]), "{none}");
    }
    let faults = admin.patch(&format!("/v1/customers/{id}"), json!({"id": new_id().to_string()})).await.faults(400);
    assert_eq!(faults, pairs(&[("/id", "create_only")]));
    // An id that is taken stays taken when its record is archived: it would be two records in one history.
    admin.delete(&format!("/v1/customers/{id}")).await.ok(204);
    admin.post("/v1/customers", json!({"id": id, "name": "Again"})).await.refused(409, "duplicate");
}

pub async fn are_known_by_keys_of_other_systems(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let path = "/v1/customers/ext:sap:10042";
    admin.get(path).await.refused(404, "not_found");
    let created = admin.put(path, json!({"name": "Acme"})).await.ok(201);
    assert_eq!(created["external_ids"], json!({"sap": "10042"}));
    let patched = admin.put(path, json!({"industry": "Retail", "external_ids": {"shop": "a:b/c"}})).await.ok(200);
    assert_eq!((&patched["id"], &patched["name"], &patched["version"]), (&created["id"], &json!("Acme"), &json!(2)));
    assert_eq!(patched["external_ids"], json!({"sap": "10042", "shop": "a:b/c"}));
    assert_eq!(admin.put(path, json!({"industry": "Retail"})).await.ok(200)["version"], 2);
    // The path says which key it is; a body that says otherwise is refused, not bent.
    for other in [json!("other"), json!(null)] {
        let faults = admin.put(path, json!({"external_ids": {"sap": other}})).await.faults(400);
        assert_eq!(faults, pairs(&[("/external_ids/sap", "conflicting")]));
    }
    assert_eq!(admin.put(path, json!({"external_ids": null})).await.faults(400), pairs(&[("/external_ids", "conflicting")]));
    assert_eq!(admin.put(path, json!({"external_ids": {"sap": " 10042 "}})).await.ok(200)["version"], 2);
    // Keys may hold colons and, escaped, slashes.
    for path in [path, "/v1/customers/ext:shop:a:b%2Fc"] {
        assert_eq!(admin.get(path).await.ok(200)["id"], created["id"], "{path}");
    }
    admin.patch("/v1/customers/ext:sap:10042", json!({"name": "Acme 2"})).await.ok(200);
    admin.get("/v1/customers/ext:sap:10042/history").await.ok(200);
    let problem =
        admin.post("/v1/customers", json!({"name": "B", "external_ids": {"sap": "10042"}})).await.refused(409, "duplicate");
    assert_eq!(problem["existing_id"], created["id"]);
    assert_eq!(problem["errors"][0]["pointer"], "/external_ids/sap");
    // Archiving sets the key free; restoring asks for it back.
    admin.delete(path).await.ok(204);
    admin.get(path).await.refused(404, "not_found");
    let second = admin.put(path, json!({"name": "Second"})).await.ok(201);
    let restore = format!("/v1/customers/{}/restore", created["id"].as_str().unwrap());
    let problem = admin.post(&restore, json!({})).await.refused(409, "duplicate");
    assert_eq!(problem["existing_id"], second["id"]);
    admin.delete(path).await.ok(204);
    admin.post(&restore, json!({})).await.ok(200);
    // An upsert by id is not one.
    let by_id = format!("/v1/customers/{}", created["id"].as_str().unwrap());
    let refused = admin.put(&format!("{by_id}?what=1"), json!({"name": "x"})).await;
    assert_eq!(refused.header("allow"), "DELETE, GET, HEAD, PATCH");
    refused.refused(405, "method_not_allowed");
}

pub async fn set_their_values_free_when_archived(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = json!({"name": "Acme", "social_credit_code": "914403001922038216"});
    let first = admin.create("customers", body.clone()).await;
    let problem = admin.post("/v1/customers", body.clone()).await.refused(409, "duplicate");
    assert_eq!((&problem["existing_id"], &problem["errors"][0]["pointer"]), (&json!(first), &json!("/social_credit_code")));
    admin.delete(&format!("/v1/customers/{first}")).await.ok(204);
    let second = admin.create("customers", body).await;
    let problem = admin.post(&format!("/v1/customers/{first}/restore"), json!({})).await.refused(409, "duplicate");
    assert_eq!(problem["existing_id"], second.as_str());
    let user = json!({"name": "Wang", "email": "wang@example.cn"});
    let path = format!("/v1/users/{}", admin.create("users", user.clone()).await);
    admin.post("/v1/users", user.clone()).await.refused(409, "duplicate");
    admin.delete(&path).await.ok(204);
    admin.create("users", user).await;
}

pub async fn form_no_cycles(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let top = admin.create("customers", json!({"name": "Top"})).await;
    let middle = admin.create("customers", json!({"name": "Middle", "parent_id": top})).await;
    let low = admin.create("customers", json!({"name": "Low", "parent_id": middle})).await;
    for parent in [&top, &middle, &low] {
        let faults = admin.patch(&format!("/v1/customers/{top}"), json!({"parent_id": parent})).await.faults(422);
        assert_eq!(faults, pairs(&[("/parent_id", "cycle")]));
    }
    admin.patch(&format!("/v1/customers/{low}"), json!({"parent_id": top})).await.ok(200);
    let unknown = new_id().to_string();
    let body = json!({"name": "x", "parent_id": unknown, "owner_id": unknown, "tag_ids": [unknown]});
    let mut faults = admin.post("/v1/customers", body).await.faults(422);
    faults.sort();
    let expected =
        [("/owner_id", "reference_not_found"), ("/parent_id", "reference_not_found"), ("/tag_ids/0", "reference_not_found")];
    assert_eq!(faults, pairs(&expected));
}

pub async fn have_a_timeline(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    let contact = admin.create("contacts", json!({"name": "Li", "customer_id": customer})).await;
    admin.create("contacts", json!({"name": "Somebody else"})).await;
    admin.patch(&format!("/v1/contacts/{contact}"), json!({"department": "IT"})).await.ok(200);
    admin.patch(&format!("/v1/customers/{customer}"), json!({"industry": "IT"})).await.ok(200);
    let path = format!("/v1/customers/{customer}/timeline");
    let expected = ["customer.updated", "contact.updated", "contact.created", "customer.created"];
    assert_eq!(admin.list(&path, "type").await, expected);
    // In pages of one, each once.
    let (mut seen, mut next) = (Vec::new(), format!("{path}?limit=1"));
    loop {
        let page = admin.get(&next).await.ok(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["page"]["next"].as_str() else { break };
        next = format!("{path}?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, expected);
}
