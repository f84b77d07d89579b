//! Who reads a file, attaches it and takes it away.

use farley_domain::integration::file::MOST_OF_RECORD;
use serde_json::json;

use super::{id, uploaded};
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn a_file_is_read_with_its_record_alone(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let may = ["customer * own", "activity * own", "file * all"];
    let anna = server.user_who_may(&admin, "anna", &may, json!([]), json!({})).await;
    let bert = server.user_who_may(&admin, "bert", &may, json!([]), json!({})).await;
    let reader = server.user_who_may(&admin, "reader", &["customer read all", "file * all"], json!([]), json!({})).await;
    let without = server.user_who_may(&admin, "without", &["customer * all"], json!([]), json!({})).await;
    let customer = anna.create("customers", json!({"name": "华为"})).await;

    // Of nothing yet: its uploader's alone, also before the administrator.
    let file = uploaded(&anna, "name=a.txt", "secret").await;
    let path = format!("/v1/files/{}", id(&file));
    let content = format!("{path}/content");
    assert_eq!(anna.get(&content).await.text, "secret");
    for stranger in [&admin, &bert, &reader] {
        stranger.get(&path).await.refused(404, "not_found");
        stranger.get(&content).await.refused(404, "not_found");
        assert_eq!(stranger.get("/v1/files?q=a").await.ok(200)["data"], json!([]));
        stranger.patch(&path, json!({"name": "b"})).await.refused(404, "not_found");
        stranger.delete(&path).await.refused(404, "not_found");
    }

    // With a record: whoever reads that.
    bert.patch(&path, json!({"object": "customer", "record_id": customer})).await.refused(404, "not_found");
    assert_eq!(anna.patch(&path, json!({"record_id": customer})).await.faults(422), pairs(&[("/object", "required")]));
    anna.patch(&path, json!({"object": "customer", "record_id": customer})).await.ok(200);
    for known in [&anna, &admin, &reader] {
        assert_eq!(known.get(&content).await.text, "secret");
        assert_eq!(known.list(&format!("/v1/files?record_id={customer}"), "id").await, [id(&file)]);
    }
    bert.get(&content).await.refused(404, "not_found");
    assert_eq!(bert.get(&format!("/v1/files?record_id={customer}")).await.ok(200)["data"], json!([]));
    assert_eq!(bert.get("/v1/changes?types=file.created&limit=200").await.ok(200)["data"], json!([]));
    assert_eq!(bert.get("/v1/search?q=a.txt").await.ok(200)["data"], json!([]));
    without.get(&content).await.refused(403, "forbidden");
    server.other_tenant("other").await.get(&content).await.refused(404, "not_found");

    // Attaching, renaming and archiving need the right to change the record.
    reader.patch(&path, json!({"name": "b"})).await.refused(403, "forbidden");
    reader.delete(&path).await.refused(403, "forbidden");
    let attach = |client: &crate::client::Client, name: &str| {
        super::raw(client, &format!("name={name}&object=customer&record_id={customer}"), "text/plain", "x")
    };
    attach(&reader, "r").await.refused(403, "forbidden");
    assert_eq!(attach(&bert, "b").await.faults(422), pairs(&[("/record_id", "reference_not_found")]));
    let theirs = uploaded(&bert, "name=b.txt", "bert").await;
    let to = json!({"object": "customer", "record_id": customer});
    assert_eq!(
        bert.patch(&format!("/v1/files/{}", id(&theirs)), to).await.faults(422),
        pairs(&[("/record_id", "reference_not_found")])
    );
    // An id that another object has too is no way around.
    drop(bert.post("/v1/activities", json!({"id": customer, "kind": "note", "subject": "decoy"})).await);
    bert.get(&content).await.refused(404, "not_found");

    // It is as visible as its record.
    admin.patch(&format!("/v1/customers/{customer}"), json!({"owner_id": bert.id})).await.ok(200);
    assert_eq!(bert.get(&content).await.text, "secret");
    anna.get(&content).await.refused(404, "not_found");
    admin.delete(&format!("/v1/customers/{customer}")).await.ok(204);
    for former in [&bert, &reader, &admin] {
        former.get(&path).await.refused(404, "not_found");
    }
    admin.post(&format!("/v1/customers/{customer}/restore"), json!({})).await.ok(200);
    assert_eq!(bert.get(&content).await.text, "secret");
    bert.delete(&path).await.ok(204);
    bert.get(&content).await.refused(404, "not_found");
    assert_eq!(bert.list(&format!("/v1/files?record_id={customer}&archived=true"), "id").await, [id(&file)]);
    // A key does what its scopes name.
    let made = bert.post("/v1/api-keys", json!({"name": "k", "scopes": ["customer:read"]})).await;
    assert_eq!(made.status, 403, "no key of theirs");
    let key = admin.post("/v1/api-keys", json!({"name": "k", "scopes": ["customer:read", "file:read"]})).await.ok(201);
    let key = server.anybody().with_token(key["key"].as_str().unwrap());
    bert.post(&format!("{path}/restore"), json!({})).await.ok(200);
    assert_eq!(key.get(&content).await.text, "secret");
    super::raw(&key, "name=k", "text/plain", "x").await.refused(403, "forbidden");
    let blind = admin.post("/v1/api-keys", json!({"name": "f", "scopes": ["file:read"]})).await.ok(201);
    let blind = server.anybody().with_token(blind["key"].as_str().unwrap());
    blind.get(&content).await.refused(404, "not_found");
}

pub async fn a_record_has_so_many_files(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "华为"})).await;
    let query = format!("object=customer&record_id={customer}");
    let mut first = None;
    for number in 0..MOST_OF_RECORD {
        let file = uploaded(&admin, &format!("name={number}&{query}"), "").await;
        first.get_or_insert(file);
    }
    let more = || super::raw(&admin, &format!("name=more&{query}"), "text/plain", "");
    assert_eq!(more().await.faults(422), pairs(&[("/record_id", "too_many")]));
    let path = format!("/v1/files/{}", id(&first.unwrap()));
    admin.delete(&path).await.ok(204);
    more().await.ok(201);
    assert_eq!(admin.post(&format!("{path}/restore"), json!({})).await.faults(422), pairs(&[("/record_id", "too_many")]));
}
