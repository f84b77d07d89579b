//! Several nodes: what one has just changed holds on the others at once, though each keeps what it knows of its callers for a moment.

use serde_json::json;

use crate::{server::Server, support::TestDb};

pub async fn what_another_has_just_made_is_known(db: TestDb) {
    let first = Server::start(db.clone()).await;
    let second = Server::start(db).await;
    let admin = first.admin().await;
    let team = admin.create("teams", json!({"name": "East"})).await;
    let rep = first.user(&admin, "Rep", "sales_representative", json!({"team_id": team})).await;
    let reader = first.user_who_may(&admin, "Reader", &["customer read own"], json!([]), json!({})).await;
    let lead = admin.create("leads", json!({"name": "Waiting", "owner_id": admin.id})).await;
    let [rep, reader, there] = [&rep, &reader, &admin].map(|client| second.anybody().with_token(client.token()));
    // The second node knows its callers from now on, and the fields there are.
    for client in [&rep, &reader, &there] {
        client.get("/v1/me").await.ok(200);
    }
    rep.get(&format!("/v1/leads/{lead}")).await.refused(404, "not_found");
    // A pool, what is in it, a field and a role of the first node.
    let pool = admin.create("pools", json!({"name": "New", "team_ids": [team]})).await;
    admin.patch(&format!("/v1/leads/{lead}"), json!({"pool_id": pool, "owner_id": null, "team_id": null})).await.ok(200);
    assert_eq!(rep.get(&format!("/v1/leads/{lead}")).await.ok(200)["pool_id"], json!(pool));
    let more = admin.create("pools", json!({"name": "Newer", "team_ids": [team]})).await;
    assert_eq!(rep.post("/v1/leads", json!({"name": "Made there", "pool_id": more})).await.ok(201)["owner_id"], json!(null));
    let third = admin.create("pools", json!({"name": "Newest", "team_ids": [team]})).await;
    admin.patch(&format!("/v1/leads/{lead}"), json!({"pool_id": third})).await.ok(200);
    rep.post(&format!("/v1/leads/{lead}/claim"), json!({})).await.ok(200);
    admin.custom_field("tier", "text", json!({})).await;
    there.post("/v1/customers", json!({"name": "Acme", "custom": {"tier": "gold"}})).await.ok(201);
    admin.custom_field("size", "text", json!({})).await;
    assert_eq!(there.names("/v1/customers?custom.size_null=true").await, ["Acme"]);
    admin.custom_field("colour", "text", json!({})).await;
    let search = json!({"filter": {"field": "custom.colour", "op": "null", "value": true}});
    assert_eq!(there.post("/v1/customers/search", search).await.each("name"), ["Acme"]);
    reader.post("/v1/customers", json!({"name": "x"})).await.refused(403, "forbidden");
    let role = admin
        .post("/v1/roles", json!({"name": "Maker", "permissions": [{"object": "customer", "action": "create", "scope": "own"}]}))
        .await
        .ok(201);
    let me = reader.get("/v1/me").await.ok(200);
    let mut roles = me["role_ids"].as_array().cloned().unwrap_or_default();
    roles.push(role["id"].clone());
    admin.patch(&format!("/v1/users/{}", me["id"].as_str().unwrap()), json!({"role_ids": roles})).await.ok(200);
    reader.post("/v1/customers", json!({"name": "x"})).await.ok(201);
    // What was wrong stays wrong.
    there.get("/v1/customers?custom.none=1").await.refused(400, "invalid_request");
    rep.get("/v1/leads/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404, "not_found");
}
