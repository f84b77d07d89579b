//! Who is editing what: `/v1/{collection}/{id}/lock` and `/v1/locks`.

use farley_domain::values::time::Timestamp;
use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn say_who_is_editing(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let [anna, bert] = [
        server.user(&admin, "Anna", "administrator", json!({})).await,
        server.user(&admin, "Bert", "administrator", json!({})).await,
    ];
    let acme = admin.create("customers", json!({"name": "Acme", "external_ids": {"sap": "1"}})).await;
    let path = format!("/v1/customers/{acme}/lock");
    let held = anna.put(&path, json!({"ttl_seconds": 600})).await.ok(200);
    assert_eq!((&held["user_id"], &held["user_name"], &held["record_id"]), (&json!(anna.id), &json!("Anna"), &json!(acme)));
    let seconds = |lock: &Value| {
        let time = |name: &str| Timestamp::parse(lock[name].as_str().expect("a time")).expect("a time").milliseconds();
        (time("expires_at") - time("since")) / 1_000
    };
    assert_eq!(seconds(&held), 600);
    // Held once more, it is held since then, for longer.
    let longer = anna.put("/v1/customers/ext:sap:1/lock", json!({"ttl_seconds": 3_600})).await.ok(200);
    assert_eq!(longer["since"], held["since"]);
    assert!(seconds(&longer) >= 3_600);
    let refused = bert.put(&path, json!({})).await.refused(409, "record_locked");
    assert_eq!(refused["lock"]["user_id"], json!(anna.id));
    // It is advice.
    bert.patch(&format!("/v1/customers/{acme}"), json!({"industry": "x"})).await.ok(200);
    bert.delete(&path).await.ok(204);
    let listed = bert.get("/v1/locks").await.ok(200);
    assert_eq!((listed["data"].as_array().map(Vec::len), &listed["data"][0]["user_name"]), (Some(1), &json!("Anna")));
    let tried = bert.request(reqwest::Method::PUT, &format!("{path}?validate_only=true")).json(&json!({"take_over": true})).await;
    assert_eq!(tried.ok(200)["user_id"], json!(bert.id));
    assert_eq!(bert.get("/v1/locks").await.ok(200)["data"][0]["user_id"], json!(anna.id));
    let taken = bert.put(&path, json!({"take_over": true})).await.ok(200);
    assert_eq!((&taken["user_id"], seconds(&taken)), (&json!(bert.id), 60));
    anna.put(&path, json!({})).await.refused(409, "record_locked");
    bert.delete(&path).await.ok(204);
    assert_eq!(bert.get("/v1/locks").await.ok(200)["data"], json!([]));
    anna.put(&path, json!({})).await.ok(200);
    // An archived record is not edited; what was held is listed no more where it cannot be read.
    let other = admin.create("contacts", json!({"name": "Li"})).await;
    admin.put(&format!("/v1/contacts/{other}/lock"), json!({})).await.ok(200);
    assert_eq!(anna.list("/v1/locks?object=contacts", "record_id").await, std::slice::from_ref(&other));
    assert_eq!(anna.list(&format!("/v1/locks?record_id={acme}"), "object").await, ["customer"]);
    admin.delete(&format!("/v1/contacts/{other}")).await.ok(204);
    admin.put(&format!("/v1/contacts/{other}/lock"), json!({})).await.refused(409, "state_conflict");
    let wrong = anna.put(&path, json!({"ttl_seconds": 5, "colour": "red"})).await;
    assert_eq!(wrong.faults(400), pairs(&[("/colour", "unknown_member"), ("/ttl_seconds", "too_small")]));
    let wrong = anna.get("/v1/locks?object=cheese&limit=0").await;
    assert_eq!(wrong.faults(400), pairs(&[("limit", "too_small")]));
    assert_eq!(anna.get("/v1/locks?object=cheese").await.faults(400), pairs(&[("object", "unknown_choice")]));
}

pub async fn are_within_rights(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let elsewhere = server.other_tenant("elsewhere").await;
    let may = ["customer read own", "customer update own", "contact read all"];
    let rep = server.user_who_may(&admin, "Rep", &may, json!([]), json!({})).await;
    let theirs = admin.create("customers", json!({"name": "Theirs", "owner_id": rep.id})).await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let contact = admin.create("contacts", json!({"name": "Li"})).await;
    for record in [&theirs, &acme] {
        admin.put(&format!("/v1/customers/{record}/lock"), json!({})).await.ok(200);
    }
    // Not who holds what they cannot read, and not the name of a user they cannot read.
    let listed = rep.get("/v1/locks").await.ok(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    assert_eq!((&listed["data"][0]["record_id"], &listed["data"][0]["user_name"]), (&json!(theirs), &Value::Null));
    rep.put(&format!("/v1/customers/{acme}/lock"), json!({"take_over": true})).await.refused(404, "not_found");
    rep.delete(&format!("/v1/customers/{acme}/lock")).await.refused(404, "not_found");
    rep.put(&format!("/v1/contacts/{contact}/lock"), json!({})).await.refused(403, "forbidden");
    elsewhere.put(&format!("/v1/customers/{acme}/lock"), json!({})).await.refused(404, "not_found");
    assert_eq!(elsewhere.get("/v1/locks").await.ok(200)["data"], json!([]));
    admin.put("/v1/cheeses/1/lock", json!({})).await.refused(404, "not_found");
}

pub async fn are_listed_page_by_page(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let records: Vec<Value> = (0..201).map(|number| json!({"name": format!("{number}")})).collect();
    let made = admin.post("/v1/customers/bulk", json!({"records": records})).await.ok(200);
    let ids: Vec<&str> =
        made["data"].as_array().expect("outcomes").iter().map(|one| one["id"].as_str().expect("an id")).collect();
    for id in &ids[..200] {
        admin.put(&format!("/v1/customers/{id}/lock"), json!({})).await.ok(200);
    }
    let too_many = admin.put(&format!("/v1/customers/{}/lock", ids[200]), json!({})).await;
    assert_eq!(too_many.faults(422), pairs(&[("", "too_many")]));
    let (mut found, mut path) = (Vec::new(), "/v1/locks?limit=77".to_owned());
    loop {
        let page = admin.get(&path).await.ok(200);
        found.extend(
            page["data"].as_array().expect("locks").iter().map(|lock| lock["record_id"].as_str().expect("an id").to_owned()),
        );
        let Some(next) = page["page"]["next"].as_str() else { break };
        path = format!("/v1/locks?limit=77&cursor={next}");
    }
    let mut wanted: Vec<&str> = ids[..200].to_vec();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    assert_eq!(admin.get("/v1/locks?cursor=!").await.faults(400), pairs(&[("cursor", "invalid_cursor")]));
}
