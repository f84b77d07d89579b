//! What a list shows beside what it lists: archived records, related records and their fields.

use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// The names of the members of a record.
fn members(record: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

pub async fn archived_and_live_records_come_together(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (position, name) in ["Acme A", "Acme B", "Acme C", "Acme D", "Other"].iter().enumerate() {
        let id = admin.create("customers", json!({"name": name, "industry": "x"})).await;
        if position % 2 == 1 {
            admin.delete(&format!("/v1/customers/{id}")).await.ok(204);
        }
    }
    let names = async |query: &str| admin.names(&format!("/v1/customers?sort=name&{query}")).await;
    assert_eq!(names("archived=any").await, ["Acme A", "Acme B", "Acme C", "Acme D", "Other"]);
    assert_eq!(names("archived=true").await, ["Acme B", "Acme D"]);
    assert_eq!(names("archived=false").await, ["Acme A", "Acme C", "Other"]);
    assert_eq!(names("archived=any&q=acme").await, ["Acme A", "Acme B", "Acme C", "Acme D"]);
    let mut best = admin.names("/v1/customers?archived=any&q=acme").await;
    best.sort();
    assert_eq!(best, ["Acme A", "Acme B", "Acme C", "Acme D"]);
    // Each shows whether it is archived, and pages go through all of them.
    let (mut path, mut seen) = ("/v1/customers?archived=any&sort=-name&limit=2&total=true".to_owned(), Vec::new());
    loop {
        let answer = admin.get(&path).await;
        let next = answer.header("link").trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
        let page = answer.ok(200);
        assert_eq!(page["page"]["total"], 5);
        for record in page["data"].as_array().unwrap() {
            let name = record["name"].as_str().unwrap().to_owned();
            assert_eq!(!record["archived_at"].is_null(), ["Acme B", "Acme D"].contains(&name.as_str()), "{name}");
            seen.push(name);
        }
        if next.is_empty() {
            break;
        }
        path = next;
    }
    assert_eq!(seen, ["Other", "Acme D", "Acme C", "Acme B", "Acme A"]);
    for archived in [json!("any"), json!(true), json!(false)] {
        let body = json!({"archived": archived, "sort": "name"});
        let expected = match archived.as_bool() {
            None => 5,
            Some(true) => 2,
            Some(false) => 3,
        };
        assert_eq!(admin.post("/v1/customers/search", body).await.each("name").len(), expected, "{archived}");
    }
    let summary = admin.get("/v1/customers/summary?archived=any&group_by=industry").await.ok(200);
    assert_eq!(summary["data"][0]["count"], 5);
    assert_eq!(admin.names(summary["data"][0]["list"].as_str().unwrap()).await.len(), 5);
    for archived in [json!("all"), json!(1), json!([])] {
        let faults = admin.post("/v1/customers/search", json!({"archived": archived})).await.faults(400);
        assert_eq!(faults, pairs(&[("/archived", "wrong_type")]));
    }
    let problem = admin.get("/v1/customers?archived=both").await.refused(400, "invalid_request");
    assert_eq!(problem["errors"][0]["message"], "must be true, false or any");
}

/// A record that is referred to is shown though it is archived; one that refers is not.
pub async fn what_is_referred_to_is_shown_archived(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let tags = [admin.create("tags", json!({"name": "old"})).await, admin.create("tags", json!({"name": "new"})).await];
    let contact = admin.create("contacts", json!({"name": "Li", "customer_id": acme, "tag_ids": tags})).await;
    let former = admin.create("contacts", json!({"name": "Wu", "customer_id": acme})).await;
    admin.delete(&format!("/v1/customers/{acme}")).await.ok(204);
    admin.delete(&format!("/v1/tags/{}", tags[0])).await.ok(204);
    admin.delete(&format!("/v1/contacts/{former}")).await.ok(204);
    for path in [format!("/v1/contacts/{contact}?expand=customer,tags"), "/v1/contacts?expand=customer,tags".to_owned()] {
        let answer = admin.get(&path).await.ok(200);
        let shown = if answer["data"].is_array() { &answer["data"][0] } else { &answer };
        assert_eq!(shown["customer"]["name"], "Acme", "{path}");
        assert!(!shown["customer"]["archived_at"].is_null(), "{path}");
        let mut names: Vec<(&str, bool)> = shown["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| (tag["name"].as_str().unwrap(), tag["archived_at"].is_null()))
            .collect();
        names.sort_unstable();
        assert_eq!(names, [("new", true), ("old", false)], "{path}");
    }
    let acme = admin.get(&format!("/v1/customers/{acme}?archived=true&expand=contacts")).await.ok(200);
    assert_eq!(acme["contacts"].as_array().unwrap().len(), 1);
    // Whoever may not read them does not get them in this way either.
    let reader = server.user_who_may(&admin, "reader", &["contact read all"], json!([]), json!({})).await;
    assert_eq!(reader.get("/v1/contacts?expand=customer").await.faults(400), pairs(&[("expand", "not_expandable")]));
    let own = server.user_who_may(&admin, "own", &["contact read all", "customer read own"], json!([]), json!({})).await;
    let shown = own.get("/v1/contacts?expand=customer").await.ok(200);
    assert_eq!(shown["data"][0]["customer"], Value::Null);
}

pub async fn fields_add_to_the_default_and_reach_into_relations(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("tier", "text", json!({})).await;
    let acme = admin.create("customers", json!({"name": "Acme", "industry": "Oil", "custom": {"tier": "gold"}})).await;
    let li = admin.create("contacts", json!({"name": "Li", "customer_id": acme})).await;
    let get = async |path: &str| admin.get(path).await.ok(200);
    let whole = get(&format!("/v1/customers/{acme}")).await;
    assert_eq!(get(&format!("/v1/customers/{acme}?fields=*")).await, whole);
    let mut with_count = whole.clone();
    with_count["contact_count"] = json!(1);
    assert_eq!(get(&format!("/v1/customers/{acme}?fields=*,contact_count")).await, with_count);
    assert_eq!(get("/v1/customers?fields=contact_count,*").await["data"], json!([with_count]));
    let body = json!({"fields": ["*", "contact_count"]});
    assert_eq!(admin.post("/v1/customers/search", body).await.ok(200)["data"], json!([with_count]));

    let customer = json!({"id": acme, "name": "Acme", "industry": "Oil"});
    for query in [
        "expand=customer&fields=id,name,customer.name,customer.industry",
        // What `fields` reaches into is expanded by itself.
        "fields=name,customer.name,customer.industry",
        "fields=customer.industry,name,customer.name,customer.name",
    ] {
        let expected = json!({"id": li, "name": "Li", "customer": customer});
        assert_eq!(get(&format!("/v1/contacts/{li}?{query}")).await, expected, "{query}");
        assert_eq!(get(&format!("/v1/contacts?{query}")).await["data"], json!([expected]), "{query}");
    }
    let shown = get(&format!("/v1/contacts/{li}?fields=name,customer.*,customer.contact_count")).await;
    assert_eq!(shown["customer"], with_count);
    let shown = get(&format!("/v1/contacts/{li}?fields=name,customer.custom.tier,owner.name")).await;
    assert_eq!(shown["customer"], json!({"id": acme, "custom": {"tier": "gold"}}));
    assert_eq!(members(&shown), ["customer", "id", "name", "owner"]);
    assert_eq!(members(&shown["owner"]), ["id", "name"]);
    let shown = get("/v1/customers?fields=*,contacts.name").await;
    assert_eq!(shown["data"][0]["contacts"], json!([{"id": li, "name": "Li"}]));
    assert_eq!(shown["data"][0]["industry"], "Oil");

    for (query, pointer, code) in [
        ("fields=customer.nmae", "fields", "unknown_member"),
        ("fields=custmer.name", "fields", "unknown_member"),
        ("fields=customer.owner.name", "fields", "unknown_member"),
        ("fields=customer", "fields", "unknown_member"),
    ] {
        assert_eq!(admin.get(&format!("/v1/contacts?{query}")).await.faults(400), pairs(&[(pointer, code)]), "{query}");
    }
    // Counts of records that are many themselves are not for a list.
    let faults = admin.get("/v1/customers?fields=children.contact_count").await.faults(400);
    assert_eq!(faults, pairs(&[("fields", "unknown_member")]));
    let problem = admin.get("/v1/contacts?fields=customer.nmae").await.refused(400, "invalid_request");
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains("`customer.name`"), "{problem}");
}

pub async fn objects_go_by_either_name(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    admin.create("contacts", json!({"name": "Acme Li", "customer_id": acme})).await;
    let same = async |client: &Client, one: &str, other: &str| {
        let (one, other) = (client.get(one).await.ok(200), client.get(other).await.ok(200));
        assert_eq!(one, other);
        one
    };
    let found = same(&admin, "/v1/search?q=acme&objects=customer", "/v1/search?q=acme&objects=customers").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let found = same(&admin, "/v1/search?q=acme&objects=customer,contact", "/v1/search?q=acme&objects=contacts,customers").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 2);
    same(&admin, "/v1/changes?object=customer", "/v1/changes?object=customers").await;
    let explain = |object: &str| format!("/v1/access/explain?user_id={}&object={object}&action=read", admin.id);
    same(&admin, &explain("lead_form"), &explain("lead-forms")).await;
    same(&admin, "/v1/metadata/objects/lead_form", "/v1/metadata/objects/lead-forms").await;
    assert_eq!(admin.get("/v1/search?q=acme&objects=custmers").await.faults(400), pairs(&[("objects", "unknown_choice")]));
}
