//! Users, teams, roles, keys, sessions, custom fields.

use serde_json::json;

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    server::{ADMIN, OPERATOR_KEY, PASSWORD},
    support::TestDb,
};

pub async fn users_and_roles(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "identity").await;
    let anybody = r.server.anybody();
    for call in [
        anybody.post("/v1/auth/login", json!({"email": ADMIN, "password": PASSWORD})),
        anybody.post("/v1/auth/login", json!({"email": ADMIN, "password": "wrong"})),
        anybody.post("/v1/auth/login", json!({"emial": ADMIN})),
        anybody.post("/v1/auth/refresh", json!({"refresh_token": r.admin.tokens["refresh_token"]})),
        anybody.post("/v1/auth/refresh", json!({"refresh_token": "nonsense"})),
        anybody.get("/v1/me"),
        anybody.with_token("nonsense").get("/v1/customers"),
        anybody.get("/.well-known/nonsense"),
    ] {
        r.play(call).await;
    }
    let east = r.create("teams", json!({"name": "East", "external_ids": {"sap": "1"}})).await;
    let shanghai = r.create("teams", json!({"name": "Shanghai", "parent_id": east})).await;
    r.patch(&format!("/v1/teams/{east}"), json!({"parent_id": shanghai})).await;
    r.post("/v1/teams", json!({"name": "East"})).await;
    let role = json!({
        "name": "Team reader", "permissions": [
            {"object": "customer", "action": "read", "scope": "team"}, {"object": "customer", "action": "create", "scope": "own"}, {"object": "customer", "action": "update", "scope": "own"},
            {"object": "user", "action": "read", "scope": "all"}],
        "field_rules": [{"object": "customer", "field": "annual_revenue", "rule": "hidden"}, {"object": "customer", "field": "industry", "rule": "read_only"}],
    });
    let role = r.create("roles", role).await;
    for body in [
        json!({"name": "x", "permissions": [{"object": "lorry", "action": "drive", "scope": "far"}], "field_rules": [{"object": "customer", "field": "nmae", "rule": "hidden"}]}),
        json!({"name": "Team reader"}),
        json!({}),
    ] {
        r.post("/v1/roles", body).await;
    }
    let user = json!({"name": "王芳", "email": "Wang.Fang@example.cn", "phone": "13800138000", "title": "销售经理", "language": "zh-CN", "time_zone": "Asia/Shanghai", "role_ids": [role], "team_id": shanghai});
    let user = r.post("/v1/users", user).await;
    let path = format!("/v1/users/{}", user["id"].as_str().unwrap());
    r.post("/v1/users", json!({"name": "Twin", "email": "wang.fang@EXAMPLE.cn"})).await;
    r.post("/v1/users", json!({"name": "", "email": "x", "role_ids": [east], "time_zone": "Mars"})).await;
    for (token, password) in [
        ("nonsense", PASSWORD),
        (user["invitation_token"].as_str().unwrap(), "short"),
        (user["invitation_token"].as_str().unwrap(), PASSWORD),
        (user["invitation_token"].as_str().unwrap(), PASSWORD),
    ] {
        let accepted = anybody.post("/v1/auth/accept", json!({"token": token, "password": password}));
        r.play(accepted).await;
    }
    let wang = r.server.login("wang.fang@example.cn", PASSWORD).await;
    let peer = r.server.user_with(&r.admin, "Peer", json!([role]), json!({"team_id": shanghai})).await;
    let theirs = r
        .create(
            "customers",
            json!({"name": "Peer's", "owner_id": peer.id, "industry": "IT", "annual_revenue": {"amount": 7, "currency": "CNY"}}),
        )
        .await;
    let ours = r.create("customers", json!({"name": "Admin's"})).await;
    let fetch = |id: &str| format!("/v1/customers/{id}");
    for call in [
        wang.get("/v1/me"),
        wang.get("/v1/customers"),
        wang.get(&fetch(&theirs)),
        wang.get(&fetch(&ours)),
        wang.patch(&fetch(&theirs), json!({"name": "x"})),
        wang.patch(&fetch(&ours), json!({"name": "x"})),
        wang.delete(&fetch(&theirs)),
        wang.post("/v1/customers", json!({"name": "Mine", "industry": "IT"})),
        wang.post("/v1/customers", json!({"name": "Mine"})),
        wang.post("/v1/customers", json!({"name": "Not mine", "owner_id": peer.id})),
        wang.get("/v1/customers?annual_revenue_gt=1"),
        wang.get("/v1/customers?sort=annual_revenue"),
        wang.get("/v1/customers/summary?sum=annual_revenue"),
        wang.get(&format!("{}/history", fetch(&theirs))),
        wang.get("/v1/contacts"),
        wang.get("/v1/roles"),
        wang.get("/v1/metadata/objects"),
        wang.get("/v1/changes?types=customer.created"),
        wang.post("/v1/roles", json!({"name": "x"})),
        wang.patch("/v1/me", json!({"title": "总监", "time_zone": "Europe/Berlin", "language": "en"})),
        wang.patch("/v1/me", json!({"email": "x@example.com", "time_zone": "Mars"})),
        wang.post("/v1/me/password", json!({"current_password": "wrong", "new_password": "another good passphrase"})),
        wang.post("/v1/me/password", json!({"current_password": PASSWORD, "new_password": "x"})),
        wang.get("/v1/me/sessions"),
    ] {
        r.play(call).await;
    }
    for (id, action) in [(&theirs, "read"), (&ours, "read"), (&theirs, "update"), (&theirs, "nonsense")] {
        r.get(&format!("/v1/access/explain?user_id={}&object=customer&id={id}&action={action}", wang.id)).await;
    }
    for body in [
        json!({"title": "CEO"}),
        json!({"role_ids": []}),
        json!({"email": ADMIN}),
        json!({"team_id": null, "external_ids": {"hr": "7"}}),
    ] {
        r.patch(&path, body).await;
    }
    let admin = format!("/v1/users/{}", r.admin.id);
    r.patch(&admin, json!({"role_ids": []})).await;
    r.delete(&admin).await;
    r.post(&format!("{admin}/deactivate"), json!({})).await;
    for verb in ["deactivate", "deactivate", "activate", "activate", "reset-password"] {
        r.post(&format!("{path}/{verb}"), json!({})).await;
    }
    r.get(&format!("{path}/sessions")).await;
    r.get(&format!("{path}/history")).await;
    r.delete(&format!("/v1/roles/{role}")).await;
    r.delete(&format!("/v1/teams/{east}")).await;
    let key = r
        .post(
            "/v1/api-keys",
            json!({"name": "ERP sync", "scopes": ["customer:read", "contact:*"], "expires_at": "2040-01-01T00:00:00.000Z"}),
        )
        .await;
    for body in [
        json!({"name": "x", "scopes": ["lorry:drive", 7]}),
        json!({"name": "x", "scopes": [], "expires_at": "2017-01-01T00:00:00Z"}),
    ] {
        r.post("/v1/api-keys", body).await;
    }
    let secret = ["key", "secret", "token"].iter().find_map(|name| key[*name].as_str()).expect("a secret").to_owned();
    let machine = anybody.with_token(&secret);
    for call in [
        machine.get("/v1/customers?fields=name&sort=name"),
        machine.post("/v1/customers", json!({"name": "x"})),
        machine.post("/v1/contacts", json!({"name": "By the key"})),
        machine.get("/v1/me"),
    ] {
        r.play(call).await;
    }
    r.get("/v1/api-keys").await;
    r.delete(&format!("/v1/api-keys/{}", key["id"].as_str().unwrap())).await;
    let late = machine.get("/v1/customers");
    r.play(late).await;
    let operator = anybody.with_token(OPERATOR_KEY);
    for call in [
        operator.post("/v1/tenants", json!({"slug": "second", "name": "Second", "admin_email": ADMIN, "admin_password": PASSWORD, "country": "DE", "currency": "EUR", "time_zone": "Europe/Berlin"})),
        operator.post("/v1/tenants", json!({"slug": "second", "name": "Second", "admin_email": ADMIN, "admin_password": PASSWORD})),
        operator.post("/v1/tenants", json!({"slug": "No!", "name": "", "admin_email": "x", "admin_password": "x", "country": "XX", "currency": "X"})),
        operator.get("/v1/tenants"),
        anybody.post("/v1/tenants", json!({})),
    ] {
        r.play(call).await;
    }
    r.end().await
}

pub async fn custom_fields(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "custom_fields").await;
    let choices = json!([{"value": "gold", "label_en": "Gold", "label_zh": "金牌"}, {"value": "silver"}]);
    let field = r
        .post(
            "/v1/custom-fields",
            json!({"object": "customer", "key": "tier", "field_type": "choice", "label_zh": "等级", "choices": choices}),
        )
        .await;
    let path = format!("/v1/custom-fields/{}", field["id"].as_str().unwrap());
    for body in [
        json!({"object": "custmer", "key": "x') --", "field_type": "choice"}),
        json!({"object": "customer", "key": "r", "field_type": "reference"}),
        json!({"object": "customer", "key": "r", "field_type": "text", "choices": [{"value": "a"}], "reference_object": "user"}),
        json!({"object": "customer", "key": "t", "field_type": "txt"}),
        json!({"object": "customer", "key": "tier", "field_type": "integer"}),
        json!({"object": "customer", "key": "f", "field_type": "choice", "choices": [{"value": "a"}, {"value": "a"}]}),
        json!({"object": "contact", "key": "tier", "field_type": "integer", "indexed": true}),
        json!({"object": "opportunity", "key": "needed", "field_type": "boolean", "required": true}),
    ] {
        r.post("/v1/custom-fields", body).await;
    }
    let acme = r.create("customers", json!({"name": "Acme", "custom": {"tier": "gold"}})).await;
    let acme = format!("/v1/customers/{acme}");
    r.post("/v1/customers", json!({"name": "x", "custom": {"tier": "bronze", "none": 1}})).await;
    r.post("/v1/customers", json!({"name": "x", "custom": 7})).await;
    r.post("/v1/opportunities", json!({"name": "x"})).await;
    r.create("opportunities", json!({"name": "x", "custom": {"needed": false}})).await;
    r.create("contacts", json!({"name": "x", "custom": {"tier": 3}})).await;
    r.patch(&path, json!({"key": "level", "label_en": "Level"})).await;
    r.get(&format!("{acme}?fields=name,custom")).await;
    r.get("/v1/customers?custom.level=gold&fields=name").await;
    r.get("/v1/customers?custom.tier=gold").await;
    r.patch(&path, json!({"field_type": "integer", "object": "contact"})).await;
    r.patch(&path, json!({"choices": [{"value": "gold"}]})).await;
    r.delete(&path).await;
    r.get(&format!("{acme}?fields=name,custom")).await;
    let again = r.create("custom-fields", json!({"object": "customer", "key": "level", "field_type": "integer"})).await;
    r.patch(&acme, json!({"custom": {"level": 3}})).await;
    r.post(&format!("{path}/restore"), json!({})).await;
    r.delete(&format!("/v1/custom-fields/{again}")).await;
    r.post(&format!("{path}/restore"), json!({})).await;
    r.get(&format!("{acme}?fields=name,custom")).await;
    r.get(&format!("{acme}/history")).await;
    r.get("/v1/custom-fields?sort=key").await;
    r.end().await
}
