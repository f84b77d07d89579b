//! `Idempotency-Key` and `validate_only`: a write done once, or not at all.

use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn the_first_answer_is_replayed(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let create = |body: Value, key: &str| admin.post("/v1/customers", body).header("Idempotency-Key", key);
    let first = create(json!({"name": "Acme"}), "a").await;
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = create(json!({"name": "Acme"}), "a").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    for name in ["etag", "location", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!((again.status, &again.text), (201, &first.text));
    create(json!({"name": "Other"}), "a").await.refused(422, "idempotency_key_reused");
    let path = format!("/v1/customers/{}", first.ok(201)["id"].as_str().unwrap());
    // Another path or method is another request too.
    admin.patch(&path, json!({"name": "Acme"})).header("Idempotency-Key", "a").await.refused(422, "idempotency_key_reused");
    admin.delete(&path).header("Idempotency-Key", "b").await.ok(204);
    let again = admin.delete(&path).header("Idempotency-Key", "b").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (204, "true"));
    // What failed is not kept: mended, it goes through under its key.
    create(json!({"nme": "Acme"}), "c").await.refused(400, "invalid_request");
    create(json!({"name": "Acme"}), "c").await.ok(201);
    // Keys are kept per credential.
    let other = server.user(&admin, "Wang Fang", "administrator", json!({})).await;
    other.post("/v1/customers", json!({"name": "Hers"})).header("Idempotency-Key", "a").await.ok(201);
    assert_eq!(admin.get("/v1/customers?total=true").await.ok(200)["page"]["total"], 2);
    for (key, code) in [("x".repeat(256).as_str(), "too_long"), ("", "blank"), (" ", "blank"), ("键", "invalid_character")] {
        assert_eq!(create(json!({"name": "x"}), key).await.faults(400), pairs(&[("Idempotency-Key", code)]));
    }
}

pub async fn many_at_once_make_one_record(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let writes = (0..16).map(|_| {
        let request = admin.post("/v1/customers", json!({"name": "Acme"})).header("Idempotency-Key", "once");
        tokio::spawn(async move { request.await })
    });
    let mut ids = Vec::new();
    for write in writes.collect::<Vec<_>>() {
        let answer = write.await.unwrap();
        if answer.status == 409 {
            assert_eq!(answer.header("retry-after"), "1");
            answer.refused(409, "idempotency_in_progress");
        } else {
            ids.push(answer.ok(201)["id"].clone());
        }
    }
    assert!(!ids.is_empty() && ids.iter().all(|id| id == &ids[0]), "{ids:?}");
    assert_eq!(admin.names("/v1/customers").await, ["Acme"]);
    let answer = admin.post("/v1/customers", json!({"name": "Acme"})).header("Idempotency-Key", "once").await;
    assert_eq!(answer.ok(201)["id"], ids[0]);
}

pub async fn secrets_are_not_replayed(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let create = || admin.post("/v1/api-keys", json!({"name": "ERP"})).header("Idempotency-Key", "k");
    let first = create().await.ok(201);
    assert!(first["key"].as_str().unwrap().starts_with("fk_"));
    let again = create().await.ok(201);
    assert_eq!((&again["id"], again.get("key")), (&first["id"], None));
}

pub async fn validation_writes_nothing(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let seen = admin.get("/v1/changes?limit=200").await.ok(200)["page"]["next"].as_str().unwrap().to_owned();
    let answer = admin.post("/v1/customers?validate_only=true", json!({"name": "Acme"})).await;
    assert_eq!((answer.header("location"), answer.header("etag")), ("", ""));
    assert_eq!(answer.ok(200)["name"], "Acme");
    admin.post("/v1/customers?validate_only=true", json!({})).await.refused(400, "invalid_request");
    let user = admin.post("/v1/users?validate_only=true", json!({"name": "W", "email": "w@example.com"})).await.ok(200);
    assert!(user.get("invitation_token").is_none(), "no secret of what is not there");
    admin
        .post(
            "/v1/custom-fields?validate_only=true",
            json!({"object": "customer", "key": "t", "field_type": "text", "indexed": true}),
        )
        .await
        .ok(200);
    for collection in ["customers", "custom-fields"] {
        assert_eq!(admin.get(&format!("/v1/{collection}?total=true")).await.ok(200)["page"]["total"], 0, "{collection}");
    }
    assert_eq!(admin.get(&format!("/v1/changes?cursor={seen}")).await.ok(200)["data"], json!([]));
    let path = format!("/v1/customers/{}", admin.create("customers", json!({"name": "Real"})).await);
    assert_eq!(admin.patch(&format!("{path}?validate_only=true"), json!({"name": "Unreal"})).await.ok(200)["name"], "Unreal");
    admin.delete(&format!("{path}?validate_only=true")).await.ok(204);
    admin.put("/v1/customers/ext:sap:1?validate_only=true", json!({"name": "x"})).await.ok(200);
    assert_eq!(admin.names("/v1/customers").await, ["Real"]);
    // Nor is the key used up.
    let key = |path: &str| admin.post(path, json!({"name": "Keyed"})).header("Idempotency-Key", "v");
    key("/v1/customers?validate_only=true").await.ok(200);
    key("/v1/customers").await.ok(201);
    // A number given to nobody is no record: the next one rises all the same.
    let faults = admin.post("/v1/customers?validate_only=yes", json!({"name": "x"})).await.faults(400);
    assert_eq!(faults, pairs(&[("validate_only", "wrong_type")]));
}
