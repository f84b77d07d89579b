//! `POST /v1/batch`.

use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::{TestDb, new_id},
};

const BATCH: &str = "/v1/batch";

fn outcomes(answer: &Value) -> Vec<(&str, i64)> {
    let results = answer["operations"].as_array().unwrap().iter();
    results.map(|result| (result["outcome"].as_str().unwrap(), result["status"].as_i64().unwrap_or(0))).collect()
}

async fn kinds_since(client: &Client, cursor: &str) -> Vec<String> {
    client.list(&format!("/v1/changes?limit=200&cursor={cursor}"), "type").await
}

async fn cursor(client: &Client) -> String {
    client.get("/v1/changes?cursor=now").await.ok(200)["page"]["next"].as_str().unwrap().to_owned()
}

/// Operations are performed in order, each as by itself; later ones see and name what earlier ones made.
pub async fn later_operations_refer_to_earlier_ones(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pipeline = admin.list("/v1/pipelines", "id").await.remove(0);
    let since = cursor(&admin).await;
    let operations = json!({"operations": [
        {"ref": "c", "method": "POST", "path": "/v1/customers", "body": {"name": "Acme", "emails": [{"value": "a@example.com"}]}},
        {"ref": "p", "method": "POST", "path": "/v1/contacts",
            "body": {"name": "Dear {{contact.name}} of {{c.name}}", "customer_id": "{{c.id}}", "emails": [{"value": "{{c.emails.0.value}}"}]}},
        {"method": "GET", "path": "/v1/customers/{{c.id}}?fields=id,name,contact_count"},
        {"method": "PATCH", "path": "/v1/customers/{{c.id}}", "if_match": "v{{c.version}}", "body": {"name": "Acme 2"}},
        {"method": "PATCH", "path": "/v1/customers/{{ops.0.id}}", "if_match": "v1", "body": {"name": "x"}},
        {"method": "PATCH", "path": "/v1/customers/{{c.id}}?on_conflict=fields", "if_match": "\"v1\"", "body": {"region": "east"}},
        {"method": "PUT", "path": "/v1/customers/ext:sap:7", "body": {"name": "Seven", "parent_id": "{{c.id}}"}},
        {"ref": "s", "method": "POST", "path": format!("/v1/pipelines/{pipeline}/stages"), "body": {"name": "Batch", "kind": "open"}},
        {"method": "DELETE", "path": "/v1/contacts/{{p.id}}"},
        {"method": "POST", "path": "/v1/contacts/{{p.id}}/restore"},
    ]});
    let post = || admin.post(BATCH, operations.clone()).header("Idempotency-Key", "batch");
    let answer = post().await.ok(200);
    let expected = [
        ("done", 201),
        ("done", 201),
        ("done", 200),
        ("done", 200),
        ("failed", 412),
        ("done", 200),
        ("done", 201),
        ("done", 201),
        ("done", 204),
        ("done", 200),
    ];
    assert_eq!(outcomes(&answer), expected, "{answer}");
    let result = |place: usize| &answer["operations"][place];
    let id = result(0)["id"].as_str().unwrap();
    assert_eq!((&answer["committed"], &result(0)["ref"]), (&json!(true), &json!("c")));
    assert_eq!((&result(0)["location"], &result(0)["version"]), (&json!(format!("/v1/customers/{id}")), &json!(1)));
    assert_eq!(result(1)["body"]["name"], "Dear {{contact.name}} of Acme");
    assert_eq!(result(1)["body"]["emails"][0]["value"], "a@example.com");
    assert_eq!(result(2)["body"], json!({"id": id, "name": "Acme", "contact_count": 1}));
    assert_eq!((&result(3)["version"], &result(4)["problem"]["current_version"]), (&json!(2), &json!(2)));
    assert_eq!((&result(5)["body"]["region"], &result(5)["version"]), (&json!("east"), &json!(3)));
    assert_eq!(result(7)["body"]["pipeline_id"], json!(pipeline));
    let kinds = kinds_since(&admin, &since).await;
    let expected = [
        "customer.created",
        "contact.created",
        "customer.updated",
        "customer.updated",
        "customer.created",
        "stage.created",
        "contact.archived",
        "contact.restored",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(admin.get(&format!("/v1/customers/{id}")).await.ok(200)["name"], "Acme 2");
    let again = post().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((again.ok(200), kinds_since(&admin, &since).await.len()), (answer.clone(), 8));
}

/// What depends on a failure is not tried; what does not goes on. With `atomic`, nothing at all stays.
pub async fn failures_undo_what_they_are_to(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let operations = json!([
        {"ref": "ok", "method": "POST", "path": "/v1/customers", "body": {"name": "Undone", "external_ids": {"sap": "1"}}},
        {"ref": "bad", "method": "POST", "path": "/v1/customers", "body": {"name": "x", "external_ids": {"sap": "1"}}},
        {"method": "POST", "path": "/v1/contacts", "body": {"name": "x", "customer_id": "{{bad.id}}"}},
        {"method": "POST", "path": "/v1/contacts", "body": {"name": "x"}, "needs": ["bad"]},
        {"method": "POST", "path": "/v1/contacts", "body": {"name": "", "customer_id": "{{ok.id}}"}},
        {"method": "POST", "path": "/v1/contacts", "body": {"name": "Kept", "customer_id": "{{ok.id}}"}},
        {"method": "GET", "path": "/v1/customers/ext:sap:nobody"},
        {"method": "PATCH", "path": "/v1/customers/{{ok.id}}", "body": {"name": "{{ok.nmae}}"}},
    ]);
    let since = cursor(&admin).await;
    let atomic = json!({"operations": operations, "atomic": true});
    let problem = admin.post(BATCH, atomic.clone()).await.refused(422, "batch_rolled_back");
    let mut expected = vec![("rolled_back", 0), ("failed", 409)];
    expected.extend([("not_tried", 0); 6]);
    assert_eq!((outcomes(&problem), &problem["committed"]), (expected, &json!(false)));
    assert!(problem["operations"][0]["id"].is_null() && problem["operations"][0]["body"].is_null());
    assert_eq!(problem["operations"][1]["problem"]["errors"][0]["pointer"], "/external_ids/sap");
    // Who validates learns all of it.
    let tried = admin.post("/v1/batch?validate_only=true", atomic).await.refused(422, "batch_rolled_back");
    let failed = [("failed", 409), ("failed", 424), ("failed", 424), ("failed", 400)];
    assert_eq!((&outcomes(&tried)[1..5], outcomes(&tried)[5]), (&failed[..], ("rolled_back", 0)));
    let validated = admin.post(BATCH, json!({"operations": operations, "validate_only": true})).await.ok(200);
    assert_eq!((outcomes(&validated)[0], &validated["committed"]), (("done", 200), &json!(false)));
    assert!(validated["operations"][0]["location"].is_null());
    assert_eq!(kinds_since(&admin, &since).await, [""; 0]);
    assert_eq!(admin.get("/v1/search?q=Undone").await.ok(200)["data"], json!([]));
    assert_eq!(admin.get("/v1/customers?archived=any").await.ok(200)["data"], json!([]));
    let answer = admin.post(BATCH, json!({"operations": operations})).await.ok(200);
    let expected = [
        ("done", 201),
        ("failed", 409),
        ("failed", 424),
        ("failed", 424),
        ("failed", 400),
        ("done", 201),
        ("failed", 404),
        ("failed", 400),
    ];
    assert_eq!((outcomes(&answer), &answer["committed"]), (expected.to_vec(), &json!(true)));
    let result = |place: usize| &answer["operations"][place]["problem"];
    assert_eq!((&result(2)["code"], &result(3)["needed"]), (&json!("failed_dependency"), &json!("bad")));
    assert_eq!(result(1)["existing_id"], answer["operations"][0]["id"]);
    assert_eq!(
        (&result(7)["errors"][0]["pointer"], &result(7)["errors"][0]["code"]),
        (&json!("/body/name"), &json!("no_such_result"))
    );
    assert_eq!(kinds_since(&admin, &since).await, ["customer.created", "contact.created"]);
}

/// What is wrong with the envelope is told at once; what an operation may do is told with it.
pub async fn envelopes_are_judged_first(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let create = json!({"method": "POST", "path": "/v1/customers", "body": {"name": "x"}});
    let faults = async |operations: Value| admin.post(BATCH, json!({"operations": operations})).await.faults(400);
    assert_eq!(faults(json!([])).await, pairs(&[("/operations", "required")]));
    assert_eq!(faults(Value::Array(vec![create.clone(); 101])).await, pairs(&[("/operations", "too_many")]));
    let named = |name: &str| json!({"ref": name, "method": "POST", "path": "/v1/customers", "body": {"name": "x"}});
    let wrong = json!([
        named("a"),
        named("a"),
        named("ops"),
        {"method": "POST", "path": "/v1/customers", "body": {"name": "{{late.id}}"}},
        {"ref": "late", "method": "POST", "path": "/v1/customers", "body": {"name": "x"}, "needs": ["nobody"], "wait": 1},
        {"method": "POST", "path": "/v1/batch", "body": {}},
        {"method": "POST", "path": "/v1/auth/login", "body": {}},
        {"method": "POST", "path": "/v1/leads/{{a.id}}/convert", "body": {}},
        {"method": "GET", "path": "/v1/customers"},
        {"method": "GET", "path": "/v1/customers/{{a.id}}", "if_match": "v1", "body": {}},
        {"method": "PATCH", "path": "/v1/customers/{{a.id}}"},
        {"path": 1},
        7,
        {"method": "DELETE", "path": format!("/v1/customers/{{{{a.id}}}}?{}", "x".repeat(2_000)), "if_match": "1".repeat(201)},
    ]);
    let expected = [
        ("/operations/1/ref", "duplicate_in_request"),
        ("/operations/2/ref", "invalid_key"),
        ("/operations/3", "not_earlier"),
        ("/operations/4/wait", "unknown_member"),
        ("/operations/4/needs/0", "not_earlier"),
        ("/operations/5/path", "not_in_batch"),
        ("/operations/6/path", "not_in_batch"),
        ("/operations/7/path", "not_in_batch"),
        ("/operations/8/path", "not_in_batch"),
        ("/operations/9/body", "conflicting"),
        ("/operations/9/if_match", "conflicting"),
        ("/operations/10/body", "required"),
        ("/operations/11/method", "required"),
        ("/operations/11/path", "wrong_type"),
        ("/operations/12", "wrong_type"),
        ("/operations/13/path", "too_long"),
        ("/operations/13/if_match", "too_long"),
    ];
    assert_eq!(faults(wrong).await, pairs(&expected));
    // Short references do not stand for more than a request may bring.
    let operations = json!({"operations": [
        {"ref": "c", "method": "POST", "path": "/v1/customers", "body": {"name": "Long", "description": "x".repeat(20_000)}},
        {"method": "PATCH", "path": "/v1/customers/{{c.id}}", "body": {"other_names": vec!["{{c.description}}"; 60]}},
    ]});
    let answer = admin.post(BATCH, operations).await.ok(200);
    assert_eq!(answer["operations"][1]["problem"]["errors"][0]["code"], "too_long", "{answer}");
    assert_eq!(answer["operations"][1]["problem"]["errors"][0]["pointer"], "/body");
    // Each by its own rights, as by itself.
    let hers = admin.create("customers", json!({"name": "Hers"})).await;
    let rights = ["customer read own", "customer create own", "customer update own"];
    let rules = json!([{"object": "customer", "field": "region", "rule": "hidden"}]);
    let own = server.user_who_may(&admin, "own", &rights, rules, json!({})).await;
    let operations = json!({"operations": [
        {"ref": "c", "method": "POST", "path": "/v1/customers", "body": {"name": "Mine"}},
        {"method": "PATCH", "path": format!("/v1/customers/{hers}"), "body": {"name": "x"}},
        {"method": "DELETE", "path": "/v1/customers/{{c.id}}"},
        {"method": "PATCH", "path": "/v1/customers/{{c.id}}", "body": {"region": "x"}},
        {"method": "POST", "path": "/v1/tags", "body": {"name": "x"}},
        {"method": "GET", "path": format!("/v1/customers/{}", new_id())},
        {"method": "PATCH", "path": "/v1/customers/{{c.id}}?nonsense=1", "body": {}},
    ]});
    let answer = own.post(BATCH, operations).await.ok(200);
    let failed = [("failed", 404), ("failed", 403), ("failed", 400), ("failed", 403), ("failed", 404), ("failed", 400)];
    assert_eq!((outcomes(&answer)[0], &outcomes(&answer)[1..]), (("done", 201), &failed[..]), "{answer}");
    assert_eq!(answer["operations"][3]["problem"]["errors"][0]["code"], "unknown_member");
    assert_eq!(answer["operations"][0]["body"].get("region"), None);
}
