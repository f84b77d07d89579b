//! `/v1/contacts`: people at several customers, seen from both ends.

use serde_json::{Value, json};

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn belong_to_several_customers_one_of_them_primary(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let globex = admin.create("customers", json!({"name": "Globex"})).await;
    let body = json!({"name": "Li Wei", "customers": [
        {"customer_id": acme, "role": "CTO", "buying_role": "decision_maker"},
        {"customer_id": globex, "buying_role": "influencer", "primary": true},
    ]});
    let contact = admin.post("/v1/contacts", body).await.ok(201);
    assert_eq!(contact["customer_id"], globex.as_str());
    let path = format!("/v1/contacts/{}", contact["id"].as_str().unwrap());
    let primaries = |contact: &Value| {
        let customers = contact["customers"].as_array().unwrap().iter();
        customers.filter(|item| item["primary"] == true).map(|item| item["customer_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(primaries(&contact), [json!(globex)]);
    // Writing the one writes the other.
    let contact = admin.patch(&path, json!({"customer_id": acme})).await.ok(200);
    assert_eq!((primaries(&contact), contact["customers"].as_array().unwrap().len()), (vec![json!(acme)], 2));
    let contact = admin.patch(&path, json!({"customer_id": null})).await.ok(200);
    assert_eq!((primaries(&contact), &contact["customer_id"]), (vec![json!(globex)], &json!(globex)));
    let contact = admin.patch(&path, json!({"customers": []})).await.ok(200);
    assert_eq!((&contact["customers"], &contact["customer_id"]), (&json!([]), &Value::Null));
    let twice = json!({"customers": [{"customer_id": acme}, {"customer_id": acme}]});
    assert_eq!(admin.patch(&path, twice).await.faults(400), pairs(&[("/customers/1", "repeated")]));
    let both = json!({"customers": [{"customer_id": acme, "primary": true}, {"customer_id": globex, "primary": true}]});
    assert_eq!(admin.patch(&path, both).await.faults(400), pairs(&[("/customers/1/primary", "one_primary")]));
    let wrong = json!({"customers": [{"customer_id": acme, "buying_role": "boss", "rolle": "x"}]});
    let mut faults = admin.patch(&path, wrong).await.faults(400);
    faults.sort();
    assert_eq!(faults, pairs(&[("/customers/0/buying_role", "unknown_choice"), ("/customers/0/rolle", "unknown_member")]));
    // What may not be known of is told under the name that was sent, and no other.
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (more, pointer) in [
        (json!({"customer_id": unknown}), "/customer_id"),
        (json!({"customers": [{"customer_id": unknown}]}), "/customers/0/customer_id"),
    ] {
        let told = pairs(&[(pointer, "reference_not_found")]);
        assert_eq!(admin.patch(&path, more.clone()).await.faults(422), told);
        let mut body = more;
        body["name"] = json!("x");
        assert_eq!(admin.post("/v1/contacts", body).await.faults(422), told);
    }
}

pub async fn are_reached_from_both_ends(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme", "region": "华东"})).await;
    let globex = admin.create("customers", json!({"name": "Globex", "region": "华南"})).await;
    admin.create("customers", json!({"name": "Nobody's"})).await;
    let li = admin
        .create(
            "contacts",
            json!({"name": "Li", "status": "left", "customers": [{"customer_id": acme}, {"customer_id": globex}]}),
        )
        .await;
    admin.create("contacts", json!({"name": "Wang", "department": "IT", "customer_id": acme})).await;
    admin.create("contacts", json!({"name": "Free"})).await;

    let names = async |path: &str| admin.names(&format!("{path}&sort=name")).await;
    assert_eq!(names("/v1/contacts?customer.region=华东").await, ["Li", "Wang"]);
    assert_eq!(names("/v1/contacts?customers.region=华南").await, ["Li"]);
    assert_eq!(names(&format!("/v1/contacts?customers_any={globex}")).await, ["Li"]);
    assert_eq!(names(&format!("/v1/contacts?customers_none={acme},{globex}")).await, ["Free"]);
    assert_eq!(names("/v1/contacts?customers_null=true").await, ["Free"]);
    assert_eq!(names(&format!("/v1/contacts?customer_id={acme}")).await, ["Li", "Wang"]);
    assert_eq!(names("/v1/customers?contacts.status=left").await, ["Acme", "Globex"]);
    assert_eq!(names("/v1/customers?contacts.department=IT&contacts.status=left").await, ["Acme"]);
    assert_eq!(names(&format!("/v1/customers?contacts_any={li}")).await, ["Acme", "Globex"]);
    assert_eq!(names("/v1/customers?contacts_null=true").await, ["Nobody's"]);
    assert_eq!(names("/v1/customers?contacts.customers.name=Globex").await, ["Acme", "Globex"]);
    // Of one and the same contact, which two parameters do not say.
    let both = json!({"field": "contacts", "op": "any", "value": {"and": [
        {"field": "department", "value": "IT"}, {"field": "status", "value": "left"},
    ]}});
    assert!(admin.matching(both).await.is_empty());
    let none = json!({"field": "contacts", "op": "none", "value": {"field": "status", "value": "left"}});
    assert_eq!(admin.matching(none).await, ["Nobody's"]);

    // Archived contacts are nobody's.
    admin.delete(&format!("/v1/contacts/{li}")).await.ok(204);
    assert_eq!(names("/v1/customers?contacts_null=true").await, ["Globex", "Nobody's"]);
    let counts = admin.list("/v1/customers?fields=contact_count,child_count&sort=name", "contact_count").await;
    assert_eq!(counts, ["1", "0", "0"]);
}

pub async fn are_expanded_where_asked_for(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme"})).await;
    let child = admin.create("customers", json!({"name": "Child", "parent_id": acme})).await;
    let tag = admin.create("tags", json!({"name": "重点"})).await;
    admin.create("contacts", json!({"name": "Li", "customer_id": acme, "tag_ids": [tag]})).await;
    admin.create("contacts", json!({"name": "Wang", "customer_id": acme})).await;
    let record = admin.get(&format!("/v1/customers/{acme}?expand=owner,contacts,children,parent&fields=name")).await.ok(200);
    assert_eq!(record["owner"]["id"], admin.id.as_str());
    assert_eq!(record["parent"], Value::Null);
    let names = |value: &Value| {
        let mut names: Vec<String> =
            value.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(
        (names(&record["contacts"]), names(&record["children"])),
        (vec!["Li".to_owned(), "Wang".to_owned()], vec!["Child".to_owned()])
    );
    assert!(record.get("industry").is_none(), "only the fields asked for: {record}");
    let list = admin.get("/v1/contacts?expand=customer,tags&sort=name&fields=name,customer_id").await.ok(200);
    assert_eq!(list["data"][0]["customer"]["name"], "Acme");
    assert_eq!(list["data"][0]["tags"][0]["name"], "重点");
    assert_eq!(list["data"][1]["tags"], json!([]));
    let parent = admin.get(&format!("/v1/customers/{child}?expand=parent")).await.ok(200);
    assert_eq!(parent["parent"]["name"], "Acme");
    let faults = admin.get("/v1/customers?expand=contcats").await.faults(400);
    assert_eq!(faults, pairs(&[("expand", "not_expandable")]));
}
