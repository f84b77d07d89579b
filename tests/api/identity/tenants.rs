//! `/v1/tenants`, and the walls between tenants: what is another tenant's is not there, wherever it is named.

use serde_json::{Value, json};

use crate::{
    client::pairs,
    server::{ADMIN, OPERATOR_KEY, PASSWORD, Server},
    support::TestDb,
};

pub async fn are_made_by_the_operator(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = json!({"slug": "acme", "name": "Acme", "country": "US", "currency": "usd", "time_zone": "America/New_York",
        "admin_email": ADMIN, "admin_password": PASSWORD});
    for client in [server.anybody(), admin.clone(), server.anybody().with_token("x")] {
        client.post("/v1/tenants", body.clone()).await.refused(401, "unauthorized");
        client.get("/v1/tenants").await.refused(401, "unauthorized");
    }
    let operator = server.anybody().with_token(OPERATOR_KEY);
    let made = operator.post("/v1/tenants", body.clone()).await.ok(201);
    assert_eq!((&made["slug"], &made["currency"]), (&json!("acme"), &json!("USD")));
    operator.post("/v1/tenants", body.clone()).await.refused(409, "duplicate");
    let mut wrong = body;
    wrong["slug"] = json!("A b");
    wrong["country"] = json!("XX");
    wrong["time_zone"] = json!("Nowhere");
    wrong["admin_password"] = json!("short");
    wrong["currency"] = json!("XXY");
    let mut weak = wrong.clone();
    let mut faults = operator.post("/v1/tenants", wrong.clone()).await.faults(400);
    faults.sort();
    let all = [
        ("/admin_password", "weak_password"),
        ("/country", "unknown_country"),
        ("/currency", "unknown_currency"),
        ("/slug", "wrong_type"),
        ("/time_zone", "unknown_time_zone"),
    ];
    assert_eq!(faults, pairs(&all));
    for (member, good) in [("slug", "weak"), ("country", "us"), ("currency", "USD"), ("time_zone", "Asia/Shanghai")] {
        weak[member] = json!(good);
    }
    assert_eq!(operator.post("/v1/tenants", weak).await.faults(422), pairs(&all[..1]));
    assert_eq!(operator.get("/v1/tenants").await.each("slug"), ["default", "acme"]);
    // The key opens nothing else.
    operator.get("/v1/customers").await.refused(401, "unauthorized");
    let other = server.anybody().login(json!({"email": ADMIN, "password": PASSWORD, "tenant": "acme"})).await;
    let me = other.get("/v1/me").await.ok(200);
    assert_eq!((&me["tenant"]["slug"], &me["tenant"]["country"]), (&json!("acme"), &json!("US")));
    // A tenant's own country and currency count.
    let record = other.post("/v1/customers", json!({"name": "x", "phones": [{"value": "(212) 555-0100"}]})).await.ok(201);
    assert_eq!((&record["phones"][0]["value"], &record["number"]), (&json!("+12125550100"), &json!("C-000001")));
}

pub async fn cannot_reach_each_other(db: TestDb) {
    let server = Server::start(db).await;
    let (here, there) = (server.admin().await, server.other_tenant("there").await);
    there.custom_field("secret", "text", json!({})).await;
    let customer =
        there.create("customers", json!({"name": "foreign", "external_ids": {"sap": "1"}, "custom": {"secret": "s"}})).await;
    let contact = there.create("contacts", json!({"name": "foreign contact", "customer_id": customer})).await;
    let tag = there.create("tags", json!({"name": "foreign tag"})).await;
    let team = there.create("teams", json!({"name": "foreign team"})).await;
    let role = there.role("read_only").await;
    let user = there.id.clone();
    let field = there.list("/v1/custom-fields", "id").await[0].clone();
    let key = there.create("api-keys", json!({"name": "foreign key"})).await;

    // In the path.
    let records = [
        ("customers", &customer),
        ("contacts", &contact),
        ("tags", &tag),
        ("teams", &team),
        ("roles", &role),
        ("users", &user),
        ("custom-fields", &field),
        ("api-keys", &key),
    ];
    for (collection, id) in records {
        let path = format!("/v1/{collection}/{id}");
        here.get(&path).await.refused(404, "not_found");
        here.get(&format!("{path}?archived=true")).await.refused(404, "not_found");
        here.get(&format!("{path}/history")).await.refused(404, "not_found");
        here.patch(&path, json!({"name": "mine"})).await.refused(404, "not_found");
        here.delete(&path).await.refused(404, "not_found");
        here.post(&format!("{path}/restore"), json!({})).await.refused(404, "not_found");
        assert!(here.list(&format!("/v1/{collection}?id_in={id}"), "id").await.is_empty(), "{collection}");
    }
    here.get("/v1/customers/ext:sap:1").await.refused(404, "not_found");
    here.get(&format!("/v1/customers/{customer}/timeline")).await.refused(404, "not_found");
    for action in ["deactivate", "activate", "reset-password"] {
        here.post(&format!("/v1/users/{user}/{action}"), json!({})).await.refused(404, "not_found");
    }
    let session = there.get("/v1/me/sessions").await.each("id")[0].clone();
    here.delete(&format!("/v1/me/sessions/{session}")).await.refused(404, "not_found");
    here.delete(&format!("/v1/users/{user}/sessions/{session}")).await.refused(404, "not_found");
    here.get(&format!("/v1/access/explain?user_id={user}&object=customer&action=read")).await.refused(404, "not_found");
    here.get(&format!("/v1/access/explain?user_id={}&object=customer&action=read&id={customer}", here.id))
        .await
        .refused(404, "not_found");

    // In bodies.
    let body = json!({"name": "x", "parent_id": customer, "owner_id": user, "team_id": team, "tag_ids": [tag]});
    let mut faults = here.post("/v1/customers", body).await.faults(422);
    faults.sort();
    let expected = [
        ("/owner_id", "reference_not_found"),
        ("/parent_id", "reference_not_found"),
        ("/tag_ids/0", "reference_not_found"),
        ("/team_id", "reference_not_found"),
    ];
    assert_eq!(faults, pairs(&expected));
    let faults = here.post("/v1/contacts", json!({"name": "x", "customers": [{"customer_id": customer}]})).await.faults(422);
    assert!(faults.contains(&("/customers/0/customer_id".to_owned(), "reference_not_found".to_owned())), "{faults:?}");
    let faults = here.post("/v1/users", json!({"name": "x", "email": "x@example.com", "role_ids": [role]})).await.faults(422);
    assert_eq!(faults, pairs(&[("/role_ids/0", "reference_not_found")]));
    here.post("/v1/api-keys", json!({"name": "x", "user_id": user})).await.faults(422);
    let mine = here.create("customers", json!({"name": "mine", "external_ids": {"sap": "1"}})).await;
    assert_eq!(here.get("/v1/customers/ext:sap:1").await.ok(200)["id"], mine.as_str());
    let field_of = json!({"object": "customer", "key": "ref", "field_type": "reference", "reference_object": "customer"});
    here.post("/v1/custom-fields", field_of).await.ok(201);
    let faults = here.patch(&format!("/v1/customers/{mine}"), json!({"custom": {"ref": customer}})).await.faults(422);
    assert_eq!(faults, pairs(&[("/custom/ref", "reference_not_found")]));

    // In filters, searches and the feed; nor do declarations of fields cross.
    for filter in [
        format!("parent_id={customer}"),
        format!("contacts_any={contact}"),
        format!("tags_any={tag}"),
        "contacts.name=foreign contact".to_owned(),
    ] {
        assert!(here.names(&format!("/v1/customers?{filter}")).await.is_empty(), "{filter}");
    }
    assert_eq!(here.names("/v1/customers").await, ["mine"]);
    assert_eq!(here.get("/v1/customers?custom.secret=s").await.faults(400)[0].1, "unknown_parameter");
    assert!(here.names("/v1/customers?q=foreign").await.is_empty());
    assert_eq!(here.get("/v1/search?q=foreign").await.ok(200)["data"], json!([]));
    let feed = here.get("/v1/changes?limit=200").await;
    assert!(!feed.text.contains("foreign") && !feed.text.contains(&customer), "{}", feed.text);
    // An id may be the same in both: they are two records.
    here.post("/v1/customers", json!({"id": customer, "name": "same id"})).await.ok(201);
    assert_eq!(there.get(&format!("/v1/customers/{customer}")).await.ok(200)["name"], "foreign");
    // The same e-mail is two accounts; a token of one is none of the other.
    assert_ne!(here.id, there.id);
    assert_eq!(here.get("/v1/me").await.ok(200)["tenant"]["slug"], "default");
    let forgotten = json!({"email": ADMIN, "password": PASSWORD, "tenant": "nowhere"});
    server.anybody().post("/v1/auth/login", forgotten).await.refused(401, "wrong_credentials");
    assert_eq!(there.get(&format!("/v1/customers/{customer}")).await.ok(200)["custom"], json!({"secret": "s"}));
    let _: Value = there.get("/v1/me").await.ok(200);
}
