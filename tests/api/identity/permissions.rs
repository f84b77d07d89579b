//! Who sees and does what: scopes over every way to a record, field rules, and granting.

use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// A team of two with a team below it, and a customer with a contact of each member and of the administrator.
struct Company {
    #[allow(dead_code, reason = "held, so that it serves")]
    server: Server,
    admin: Client,
    /// Leads the upper team, may do what the role says.
    chief: Client,
    peer: Client,
    below: Client,
}

async fn company(db: TestDb, permissions: &[&str], field_rules: Value) -> Company {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let upper = admin.create("teams", json!({"name": "Upper"})).await;
    let lower = admin.create("teams", json!({"name": "Lower", "parent_id": upper})).await;
    let chief = server.user_who_may(&admin, "chief", permissions, field_rules, json!({"team_id": upper})).await;
    let all = &["customer * all", "contact * all", "user read all"];
    let peer = server.user_who_may(&admin, "peer", all, json!([]), json!({"team_id": upper})).await;
    let below = server.user_who_may(&admin, "below", all, json!([]), json!({"team_id": lower})).await;
    for (name, owner) in [("admin's", &admin), ("chief's", &chief), ("peer's", &peer), ("below's", &below)] {
        let body = json!({"name": format!("{name} customer"), "owner_id": owner.id, "industry": "x", "annual_revenue": {"amount": 7, "currency": "CNY"}});
        // Made by the administrator for the owner: the owner's team is taken.
        let customer = admin.create("customers", body).await;
        admin.create("contacts", json!({"name": format!("{name} contact"), "owner_id": owner.id, "customer_id": customer})).await;
    }
    Company { server, admin, chief, peer, below }
}

impl Company {
    async fn customer_of(&self, owner: &Client) -> String {
        self.admin.list(&format!("/v1/customers?owner_id={}", owner.id), "id").await[0].clone()
    }
}

pub async fn scopes_hold_on_every_way_to_a_record(db: TestDb) {
    for (scope, sees) in [
        ("own", &["chief's"][..]),
        ("team", &["below's", "chief's", "peer's"]),
        ("all", &["admin's", "below's", "chief's", "peer's"]),
    ] {
        let may = [format!("customer read {scope}"), format!("contact read {scope}"), "user read all".to_owned()];
        let may: Vec<&str> = may.iter().map(String::as_str).collect();
        let company = company(TestDb::new(db.engine), &may, json!([])).await;
        let chief = &company.chief;
        let customers: Vec<String> = sees.iter().map(|name| format!("{name} customer")).collect();
        let contacts: Vec<String> = sees.iter().map(|name| format!("{name} contact")).collect();
        assert_eq!(chief.names("/v1/customers?sort=name").await, customers, "{scope}");
        assert_eq!(chief.matching(json!({"not": {"field": "name", "value": "nobody"}})).await, customers);
        let page = chief.get("/v1/customers?total=true&limit=1").await.ok(200);
        assert_eq!(page["page"]["total"], sees.len());
        assert_eq!(chief.names("/v1/customers?q=customer").await.len(), sees.len());
        assert_eq!(chief.get("/v1/search?q=customer&limit=100").await.ok(200)["data"].as_array().unwrap().len(), sees.len());
        // Across relations: contacts of customers out of reach are not found by them, nor counted, nor expanded.
        assert_eq!(chief.names("/v1/contacts?customer.industry=x&sort=name").await, contacts);
        let all = company.admin.get("/v1/customers?expand=contacts&fields=contact_count&limit=200").await.ok(200);
        assert_eq!(all["data"].as_array().unwrap().len(), 4);
        for owner in [&company.admin, chief, &company.peer, &company.below] {
            let id = company.customer_of(owner).await;
            let seen = chief.list("/v1/customers", "id").await.contains(&id);
            let path = format!("/v1/customers/{id}");
            for path in [path.clone(), format!("{path}/history"), format!("{path}/timeline")] {
                assert_eq!(chief.get(&path).await.status, if seen { 200 } else { 404 }, "{scope} {path}");
            }
            // To be changed it must be seen; seen, but not to be changed, is another answer.
            let refused = if seen { (403, "forbidden") } else { (404, "not_found") };
            chief.patch(&path, json!({"name": "x"})).await.refused(refused.0, refused.1);
            chief.delete(&path).await.refused(refused.0, refused.1);
            assert_eq!(chief.get(&format!("/v1/customers?id_in={id}")).await.each("id").len(), usize::from(seen));
        }
        // A contact of mine at a customer out of reach: the customer stays out of reach.
        let hidden = company.customer_of(&company.admin).await;
        company.admin.create("contacts", json!({"name": "between", "owner_id": chief.id, "customer_id": hidden})).await;
        let contact = chief.get("/v1/contacts?name=between&expand=customer").await.ok(200);
        assert_eq!(contact["data"][0]["customer"].is_null(), scope != "all", "{contact}");

        assert_eq!(chief.names("/v1/contacts?customer.name=admin's customer").await.len(), if scope == "all" { 2 } else { 0 });
        let mine = company.customer_of(chief).await;
        company.admin.create("contacts", json!({"name": "not mine", "owner_id": company.admin.id, "customer_id": mine})).await;
        let seen = chief.get(&format!("/v1/customers/{mine}?fields=contact_count&expand=contacts")).await.ok(200);
        let expected = if scope == "all" { 2 } else { 1 };
        assert_eq!(seen["contacts"].as_array().unwrap().len(), expected, "{scope}");
        assert_eq!(seen["contact_count"], expected, "{scope}: what cannot be seen is not counted");
        // The feed tells of nothing more.
        let events = chief.get("/v1/changes?limit=200").await;
        assert_eq!(events.text.contains("admin's customer"), scope == "all", "{scope}");
        assert!(events.text.contains("chief's customer"));
        let types = events.each("type");
        assert!(types.contains(&"user.created".to_owned()) && !types.contains(&"role.created".to_owned()), "{types:?}");
    }
}

pub async fn scopes_hold_for_writes(db: TestDb) {
    let may = [
        "customer read all",
        "customer create own",
        "customer update team",
        "customer archive own",
        "contact * own",
        "user read all",
    ];
    let company = company(db, &may, json!([])).await;
    let (chief, peer) = (&company.chief, &company.peer);
    let path = async |owner: &Client| format!("/v1/customers/{}", company.customer_of(owner).await);
    chief.patch(&path(peer).await, json!({"industry": "y"})).await.ok(200);
    chief.patch(&path(&company.below).await, json!({"industry": "y"})).await.ok(200);
    chief.patch(&path(&company.admin).await, json!({"industry": "y"})).await.refused(403, "forbidden");
    chief.delete(&path(peer).await).await.refused(403, "forbidden");
    chief.delete(&path(chief).await).await.ok(204);
    chief.post("/v1/customers", json!({"name": "mine"})).await.ok(201);
    chief.post("/v1/customers", json!({"name": "hers", "owner_id": peer.id})).await.refused(403, "forbidden");
    chief.put("/v1/customers/ext:sap:1", json!({"name": "hers", "owner_id": peer.id})).await.refused(403, "forbidden");
    // Nor are records handed to where they could not be created; to oneself they could.
    let handed = path(&company.below).await;
    for to in [json!({"owner_id": company.admin.id, "team_id": null}), json!({"owner_id": peer.id}), json!({"owner_id": null})] {
        chief.patch(&handed, to).await.refused(403, "forbidden");
    }
    chief.patch(&handed, json!({"owner_id": chief.id, "team_id": null})).await.ok(200);
    chief.patch(&handed, json!({"industry": "z"})).await.ok(200);
    // The record in the way is named to whom it may be known.
    let code = json!({"name": "x", "social_credit_code": "914403001922038216"});
    company.admin.create("contacts", json!({"name": "taken", "external_ids": {"sap": "7"}})).await;
    let problem = chief.post("/v1/contacts", json!({"name": "x", "external_ids": {"sap": "7"}})).await.refused(409, "duplicate");
    assert_eq!((problem.get("existing_id"), &problem["errors"][0]["message"]), (None, &json!("is already used")));
    let taken = company.admin.create("customers", code.clone()).await;
    assert_eq!(chief.post("/v1/customers", code).await.refused(409, "duplicate")["existing_id"], taken.as_str());
    // A contact needs a customer that can be seen; a reference to what cannot is one to nothing.
    let contact = json!({"name": "x", "customer_id": company.customer_of(&company.admin).await});
    chief.post("/v1/contacts", contact).await.ok(201);
    chief.post("/v1/tags", json!({"name": "x"})).await.refused(403, "forbidden");
    chief.get("/v1/roles").await.refused(403, "forbidden");
}

pub async fn fields_are_hidden_and_frozen_everywhere(db: TestDb) {
    let rules = json!([
        {"object": "customer", "field": "annual_revenue", "rule": "hidden"},
        {"object": "customer", "field": "custom.secret", "rule": "hidden"},
        {"object": "customer", "field": "industry", "rule": "read_only"},
        {"object": "customer", "field": "phones", "rule": "hidden"},
        {"object": "customer", "field": "external_ids", "rule": "hidden"},
        {"object": "opportunity", "field": "amount", "rule": "hidden"},
    ]);
    let may = ["customer * all", "contact * all", "user read all", "custom_field read all", "lead read all", "opportunity * all"];
    let company = company(db, &may, rules).await;
    let (admin, chief) = (&company.admin, &company.chief);
    admin.custom_field("secret", "text", json!({"searchable": true})).await;
    let path = format!("/v1/customers/{}", company.customer_of(chief).await);
    let body = json!({"custom": {"secret": "s3cret"}, "annual_revenue": {"amount": 424_242, "currency": "CNY"}, "phones": [{"value": "13912345678"}], "external_ids": {"hid": "K1"}});
    admin.patch(&path, body).await.ok(200);
    for url in [
        path.as_str(),
        "/v1/customers",
        "/v1/contacts?expand=customer",
        &format!("{path}/history"),
        &format!("{path}/timeline"),
        "/v1/changes?limit=200",
        "/v1/search?q=customer",
    ] {
        let answer = chief.get(url).await;
        for hidden in ["annual_revenue", "424242", "s3cret", "secret\"", "13912345678"] {
            let declared = url == "/v1/changes?limit=200" && hidden == "secret\"";
            assert!(declared || !answer.text.contains(hidden), "{url} shows {hidden}: {}", answer.text);
        }
        answer.ok(200);
    }
    // Nor is it confirmed to who guesses it.
    chief.get("/v1/customers/ext:hid:K1").await.refused(404, "not_found");
    assert_eq!(chief.put("/v1/customers/ext:hid:K1", json!({"name": "x"})).await.status, 400);
    admin.get("/v1/customers/ext:hid:K1").await.ok(200);
    let question = json!({"phones": ["13912345678"]});
    let answer = chief.post("/v1/leads/check-duplicates", question.clone()).await.ok(200);
    assert_eq!(answer, json!({"standing": "none", "matches": []}));
    assert_eq!(admin.post("/v1/leads/check-duplicates", question).await.ok(200)["matches"][0]["object"], "customer");
    let problem = chief.get("/v1/customers/summary?sum=annual_revenue").await.refused(400, "invalid_request");
    assert!(!problem.to_string().contains("annual_revenue"), "{problem}");
    for parameter in ["annual_revenue_gt", "annual_revenue.currency", "custom.secret", "phones_any"] {
        let faults = chief.get(&format!("/v1/customers?{parameter}=1")).await.faults(400);
        assert_eq!(faults, pairs(&[(parameter, "unknown_parameter")]));
        let faults = chief.get(&format!("/v1/contacts?customer.{parameter}=1")).await.faults(400);
        assert_eq!(faults[0].1, "unknown_parameter");
    }
    for field in ["annual_revenue", "custom.secret"] {
        assert_eq!(chief.get(&format!("/v1/customers?sort={field}")).await.faults(400), pairs(&[("sort", "unknown_member")]));
        assert_eq!(chief.get(&format!("/v1/customers?fields={field}")).await.faults(400), pairs(&[("fields", "unknown_member")]));
    }
    // Search does not answer what may not be asked.
    for q in ["s3cret", "13912345678"] {
        assert!(chief.names(&format!("/v1/customers?q={q}")).await.is_empty(), "{q} is found");
        assert!(chief.get(&format!("/v1/search?q={q}")).await.ok(200)["data"].as_array().unwrap().is_empty(), "{q} is found");
    }
    let faults =
        chief.patch(&path, json!({"annual_revenue": null, "custom": {"secret": "x"}, "industry": "y"})).await.faults(400);
    assert_eq!(
        faults,
        pairs(&[
            ("/annual_revenue", "unknown_member"),
            ("/custom/secret", "unknown_member"),
            ("/industry", "field_not_permitted")
        ])
    );
    chief.patch(&path, json!({"name": "renamed", "custom": null})).await.ok(200);
    let record = admin.get(&path).await.ok(200);
    assert_eq!(
        (&record["custom"]["secret"], &record["annual_revenue"]["amount"]),
        (&json!("s3cret"), &json!(424_242)),
        "what is hidden is not cleared"
    );
    let metadata = chief.get("/v1/metadata/objects").await;
    assert!(!metadata.text.contains("annual_revenue") && !metadata.text.contains("custom.secret"));
    let metadata = metadata.ok(200);
    let customer = metadata["data"].as_array().unwrap().iter().find(|object| object["name"] == "customer").unwrap();
    let industry = customer["fields"].as_array().unwrap().iter().find(|field| field["path"] == "industry").unwrap();
    assert_eq!(industry["writable"], "never");
    let problem = chief.patch(&path, json!({"name": "x"})).header("If-Match", "\"v1\"").await.refused(412, "version_mismatch");
    assert!(!problem.to_string().contains("annual_revenue"), "{problem}");
    parts_tell_nothing_hidden_of_their_whole(admin, chief).await;
}

/// Whoever may not see the amount of an opportunity may not see what it adds up from.
async fn parts_tell_nothing_hidden_of_their_whole(admin: &Client, chief: &Client) {
    let path = format!("/v1/opportunities/{}", admin.create("opportunities", json!({"name": "x"})).await);
    let line = json!({"name": "y", "quantity": 2, "unit_price": {"amount": 31_415, "currency": "CNY"}});
    let lines = format!("{path}/line-items");
    let line = admin.post(&lines, line).await.ok(201)["id"].as_str().unwrap().to_owned();
    for url in [
        path.clone(),
        format!("{path}?expand=line_items"),
        format!("{path}/history"),
        lines.clone(),
        format!("{lines}/{line}"),
        format!("{lines}/{line}/history"),
        "/v1/changes?limit=200".to_owned(),
    ] {
        let answer = chief.get(&url).await;
        for hidden in ["31415", "62830", "unit_price"] {
            assert!(!answer.text.contains(hidden), "{url} shows {hidden}: {}", answer.text);
        }
        answer.ok(200);
    }
    assert_eq!(chief.list(&lines, "quantity").await, ["2"]);
    for query in ["?amount_gt=1", "?unit_price_gt=1", "?sort=amount", "?fields=amount", "/summary?sum=amount"] {
        assert_eq!(chief.get(&format!("{lines}{query}")).await.status, 400, "{query}");
        assert_eq!(admin.get(&format!("{lines}{query}")).await.status, 200, "{query}");
    }
    assert_eq!(chief.get("/v1/opportunities?line_items.unit_price_gt=1").await.status, 400);
    assert_eq!(chief.patch(&format!("{lines}/{line}"), json!({"unit_price": null})).await.status, 400);
}

pub async fn nobody_grants_what_they_do_not_hold(db: TestDb) {
    let may = ["user * all", "role * all", "team * all", "api_key * all", "customer read team", "customer update own"];
    let company = company(db, &may, json!([{"object": "customer", "field": "industry", "rule": "read_only"}])).await;
    let (admin, chief) = (&company.admin, &company.chief);
    let role = |permission: Value| json!({"name": "r", "permissions": [permission], "field_rules": [{"object": "customer", "field": "industry", "rule": "read_only"}]});
    for (object, action, scope) in [
        ("customer", "read", "all"),
        ("customer", "update", "team"),
        ("contact", "read", "own"),
        ("*", "read", "own"),
        ("customer", "*", "own"),
    ] {
        let body = role(json!({"object": object, "action": action, "scope": scope}));
        let problem = chief.post("/v1/roles", body).await.refused(403, "permission_not_held");
        assert_eq!(problem["errors"][0]["pointer"], "/permissions");
    }
    let made = chief.post("/v1/roles", role(json!({"object": "customer", "action": "read", "scope": "team"}))).await.ok(201);
    // Nor without the rule that binds oneself, nor by widening or stripping a role.
    let path = format!("/v1/roles/{}", made["id"].as_str().unwrap());
    chief.patch(&path, json!({"field_rules": []})).await.refused(403, "permission_not_held");
    chief
        .patch(&path, json!({"permissions": [{"object": "tag", "action": "read", "scope": "all"}]}))
        .await
        .refused(403, "permission_not_held");
    let administrator = admin.role("administrator").await;
    chief.patch(&format!("/v1/roles/{administrator}"), json!({"permissions": []})).await.refused(409, "state_conflict");
    chief
        .patch(&format!("/v1/users/{}", chief.id), json!({"role_ids": [administrator]}))
        .await
        .refused(403, "permission_not_held");
    chief
        .post("/v1/users", json!({"name": "x", "email": "x@example.com", "role_ids": [administrator]}))
        .await
        .refused(403, "permission_not_held");
    // Nor take over an account, or act for it, that holds more.
    for action in ["reset-password", "deactivate"] {
        chief.post(&format!("/v1/users/{}/{action}", admin.id), json!({})).await.refused(403, "permission_not_held");
    }
    chief
        .patch(&format!("/v1/users/{}", admin.id), json!({"email": "mine@example.com"}))
        .await
        .refused(403, "permission_not_held");
    chief.delete(&format!("/v1/users/{}", admin.id)).await.refused(403, "permission_not_held");
    chief.post("/v1/api-keys", json!({"name": "x", "user_id": admin.id})).await.refused(403, "permission_not_held");
    // The administrator's role stays, for the administrator too.
    admin.delete(&format!("/v1/roles/{administrator}")).await.refused(409, "state_conflict");
    chief.post("/v1/users", json!({"name": "y", "email": "y@example.com", "role_ids": [made["id"]]})).await.ok(201);
}

/// Nobody shuts out the last one who could let anybody in again: not themselves, nor by their role, nor two each other.
pub async fn an_administrator_stays(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let me = format!("/v1/users/{}", admin.id);
    admin.patch(&me, json!({"role_ids": []})).await.refused(409, "state_conflict");
    let problem = admin.patch(&me, json!({"role_ids": [admin.role("read_only").await]})).header("Accept-Language", "zh-CN");
    assert_eq!(problem.await.refused(409, "state_conflict")["detail"], "记录当前状态：最后一位管理员。");
    // By another role as well.
    let all = json!([{"object": "*", "action": "*", "scope": "all"}]);
    let role = admin.create("roles", json!({"name": "Everything", "permissions": all})).await;
    admin.patch(&me, json!({"role_ids": [role]})).await.ok(200);
    let role = format!("/v1/roles/{role}");
    let less = json!({"permissions": [{"object": "*", "action": "read", "scope": "all"}]});
    admin.patch(&role, less).await.refused(409, "state_conflict");
    admin.delete(&role).await.refused(409, "state_conflict");
    admin.patch(&role, json!({"name": "All"})).await.ok(200);
    // Somebody invited is not there yet.
    let administrator = admin.role("administrator").await;
    admin.post("/v1/users", json!({"name": "y", "email": "y@example.com", "role_ids": [administrator]})).await.ok(201);
    admin.patch(&me, json!({"role_ids": []})).await.refused(409, "state_conflict");
    let other = server.user(&admin, "Wang Fang", "administrator", json!({})).await;
    let them = format!("/v1/users/{}", other.id);
    for round in 0..5 {
        let body = || json!({"role_ids": []});
        let (mine, theirs) = match round {
            4 => (admin.post(&format!("{them}/deactivate"), json!({})), other.post(&format!("{me}/deactivate"), json!({}))),
            _ => (admin.patch(&them, body()), other.patch(&me, body())),
        };
        let (mine, theirs) = tokio::join!(async { mine.await }, async { theirs.await });
        let left = match (mine.status, theirs.status) {
            (200 | 204, 401 | 403 | 404 | 409) => (&admin, &them),
            (401 | 403 | 404 | 409, 200 | 204) => (&other, &me),
            _ => panic!("{round}: {} and {}", mine.text, theirs.text),
        };
        left.0.patch(left.1, json!({"role_ids": [administrator]})).await.ok(200);
    }
}

pub async fn are_explained(db: TestDb) {
    let company =
        company(db, &["customer read team"], json!([{"object": "customer", "field": "industry", "rule": "hidden"}])).await;
    let (admin, chief) = (&company.admin, &company.chief);
    let explain = async |user: &Client, action: &str, id: Option<String>| {
        let id = id.map(|id| format!("&id={id}")).unwrap_or_default();
        let path = format!("/v1/access/explain?user_id={}&object=customer&action={action}{id}", user.id);
        admin.get(&path).await.ok(200)
    };
    let said = explain(chief, "read", None).await;
    assert_eq!(
        (&said["allowed"], &said["scope"], &said["hidden_fields"]),
        (&json!(true), &json!("team"), &json!(["industry", "completeness"]))
    );
    assert_eq!(said["roles"][0]["name"], "role of chief");
    assert_eq!(explain(chief, "read", Some(company.customer_of(&company.below).await)).await["allowed"], true);
    let said = explain(chief, "read", Some(company.customer_of(admin).await)).await;
    assert_eq!((&said["allowed"], &said["reason"]), (&json!(false), &json!("out_of_scope")));
    assert_eq!(explain(chief, "update", None).await["reason"], "no_role_grants_it");
    admin.post(&format!("/v1/users/{}/deactivate", chief.id), json!({})).await.ok(204);
    assert_eq!(explain(chief, "read", None).await["reason"], "user_not_active");
    // Of oneself always, of others only who may read users and roles.
    let peer = &company.peer;
    let path = |user: &Client| format!("/v1/access/explain?user_id={}&object=customer&action=read", user.id);
    peer.get(&path(peer)).await.ok(200);
    peer.get(&path(chief)).await.refused(403, "forbidden");
    let faults = admin.get("/v1/access/explain?user_id=me&object=customer&action=read").await.faults(400);
    assert_eq!(faults, pairs(&[("user_id", "invalid_id")]));
}

/// Without leave to read the other end, a relation is not there: not in filters, nor expanded, nor counted.
pub async fn relations_end_where_permission_does(db: TestDb) {
    let company = company(db, &["customer read all"], json!([])).await;
    let chief = &company.chief;
    for parameter in ["contacts.name", "contacts_null", "owner.name", "tags_any"] {
        let faults = chief.get(&format!("/v1/customers?{parameter}=true")).await.faults(400);
        assert_eq!(faults, pairs(&[(parameter, "unknown_parameter")]));
    }
    for relation in ["contacts", "owner", "tags"] {
        assert_eq!(
            chief.get(&format!("/v1/customers?expand={relation}")).await.faults(400),
            pairs(&[("expand", "not_expandable")])
        );
    }
    let counted = chief.get("/v1/customers?fields=name,contact_count").await;
    if counted.status == 200 {
        assert!(counted.each("contact_count").iter().all(|count| count == "null" || count == "0"), "contacts are counted");
    }
    let path = format!("/v1/customers/{}", company.customer_of(chief).await);
    assert_eq!(chief.list(&format!("{path}/timeline"), "object").await, ["customer"]);
    assert_eq!(chief.get("/v1/search?q=chief").await.each("object"), ["customer"]);
    let metadata = chief.get("/v1/metadata/objects").await;
    assert_eq!(metadata.clone().each("name"), ["customer"]);
    assert!(!metadata.text.contains("\"contacts\""), "a relation that cannot be followed is described");
    // What is refused is named by its own name.
    let refused = chief.get("/v1/jobs").await.refused(403, "forbidden");
    assert_eq!(refused["detail"], "You do not have permission to read job.");
    // Nor does a search in one collection answer for another.
    chief.get("/v1/contacts?q=chief").await.refused(403, "forbidden");
    chief.post("/v1/contacts/search", json!({})).await.refused(403, "forbidden");
}
