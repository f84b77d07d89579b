//! `POST /v1/{collection}/bulk-change`.

use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

const CHANGE: &str = "/v1/customers/bulk-change";

fn outcomes(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

/// Any records are changed or archived many at once, by ids and keys or by a filter, each by its own rights.
pub async fn any_records_are_changed_alike(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let tag = admin.create("tags", json!({"name": "new"})).await;
    admin.custom_field("tier", "text", json!({"object": "customer"})).await;
    let records: Vec<Value> = (0..150)
        .map(|place| json!({"name": format!("C {place}"), "region": "east", "external_ids": {"sap": place.to_string()}}))
        .collect();
    let made = admin.post("/v1/customers/bulk", json!({"records": records})).await.ok(200);
    let id = |place: usize| made["data"][place]["id"].clone();
    let body = json!({"ids": [id(2), "ext:sap:1", id(0)], "changes": {"region": "west", "custom": {"tier": "gold"}}, "add": {"tag_ids": [tag]}});
    let changed = admin.post(CHANGE, body.clone()).await.ok(200);
    assert_eq!((outcomes(&changed), &changed["changed"]), (vec!["updated"; 3], &json!(3)));
    let one = admin.get("/v1/customers/ext:sap:1").await.ok(200);
    assert_eq!((&one["region"], &one["tag_ids"], &one["custom"]["tier"]), (&json!("west"), &json!([tag]), &json!("gold")));
    assert_eq!(outcomes(&admin.post(CHANGE, body).await.ok(200)), ["unchanged"; 3]);
    let twice = json!({"ids": [id(0), id(1), id(0)], "changes": {"region": "west"}});
    assert_eq!(admin.post(CHANGE, twice).await.faults(400), pairs(&[("/ids/2", "repeated")]));
    let both = json!({"ids": [id(0)], "changes": {"region": "x"}, "archive": true});
    assert_eq!(admin.post(CHANGE, both).await.faults(400), pairs(&[("/archive", "conflicting")]));
    let both = json!({"ids": [id(0)], "changes": {"tag_ids": []}, "add": {"tag_ids": [tag]}});
    assert_eq!(admin.post(CHANGE, both).await.faults(400), pairs(&[("/add/tag_ids", "conflicting")]));
    // What is hidden or frozen is so here too.
    let rights = ["customer read all", "customer update all"];
    let rules = json!([{"object": "customer", "field": "tag_ids", "rule": "read_only"},
        {"object": "customer", "field": "region", "rule": "hidden"}]);
    let bound = server.user_who_may(&admin, "bound", &rights, rules, json!({})).await;
    let wrong = json!({"ids": [id(0)], "changes": {"region": "x"}, "remove": {"tag_ids": [tag]}});
    let faults = [("/changes/region", "unknown_member"), ("/remove/tag_ids", "field_not_permitted")];
    assert_eq!(bound.post(CHANGE, wrong).await.faults(400), pairs(&faults));
    bound.post(CHANGE, json!({"ids": [id(0)], "archive": true})).await.refused(403, "forbidden");
    // Archived many at once, and each tells of it.
    let cursor = admin.get("/v1/changes?cursor=now").await.ok(200)["page"]["next"].clone();
    let east = json!({"filter": {"field": "region", "value": "east"}, "archive": true});
    let archived = admin.post(CHANGE, east.clone()).await.ok(200);
    assert_eq!((&archived["count"], &archived["changed"], &archived["failed"]), (&json!(147), &json!(147), &json!(0)));
    assert_eq!(outcomes(&archived), ["archived"; 147]);
    let kinds = admin.list(&format!("/v1/changes?limit=200&cursor={}", cursor.as_str().unwrap()), "type").await;
    assert_eq!(kinds, ["customer.archived"; 147]);
    assert_eq!(admin.get("/v1/customers?total=true").await.ok(200)["page"]["total"], 3);
    assert_eq!(admin.post(CHANGE, east).await.ok(200)["count"], 0);
}

/// What a preview has counted is what is changed, or nothing is.
pub async fn the_number_expected_is_the_number_changed(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let records = json!({"records": (0..120).map(|place| json!({"name": format!("C {place}")})).collect::<Vec<_>>()});
    admin.post("/v1/customers/bulk", records).await.ok(200);
    let filter = json!({"field": "status", "value": "active"});
    let preview = json!({"filter": filter, "changes": {"status": "inactive"}, "preview": true});
    let preview = admin.post(CHANGE, preview).await.ok(200);
    assert_eq!(
        (&preview["count"], &preview["changed"], preview["data"].as_array().unwrap().len()),
        (&json!(120), &json!(100), 100)
    );
    admin.create("customers", json!({"name": "Meanwhile"})).await;
    let change = json!({"filter": filter, "changes": {"status": "inactive"}, "expected_count": preview["count"]});
    let refused = admin.post(CHANGE, change).await.refused(409, "count_changed");
    assert_eq!((&refused["count"], &refused["expected_count"]), (&json!(121), &json!(120)));
    assert_eq!(admin.get("/v1/customers?status=active&total=true").await.ok(200)["page"]["total"], 121);
    let change = json!({"filter": filter, "changes": {"status": "inactive"}, "expected_count": 121});
    assert_eq!(admin.post(CHANGE, change).await.ok(200)["changed"], 121);
    assert_eq!(admin.get("/v1/customers?status=active&total=true").await.ok(200)["page"]["total"], 0);
}
