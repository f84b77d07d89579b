//! `/v1/customers/{id}/overview`: what a page about a customer shows first.

use serde_json::{Value, json};

use crate::{server::Server, support::TestDb};

/// Each part is what its own list shows, to whoever asks.
pub async fn shows_what_the_lists_show(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let seller = server.user(&admin, "seller", "sales_representative", json!({})).await;
    let customer = json!({"name": "Acme", "owner_id": seller.id, "external_ids": {"sap": "10042"}});
    let customer = admin.create("customers", customer).await;
    let other = admin.create("customers", json!({"name": "Other"})).await;
    for of in [&customer, &other] {
        admin.create("contacts", json!({"name": "王芳", "customer_id": of})).await;
        for number in 0..7 {
            let sale = json!({"name": format!("S{number}"), "customer_id": of, "expected_close_on": format!("2030-01-{:02}", 20 - number)});
            admin.create("opportunities", sale).await;
        }
        let ticket = admin.create("tickets", json!({"subject": "x", "customer_id": of})).await;
        admin.create("tickets", json!({"subject": "solved", "customer_id": of})).await;
        admin.post(&format!("/v1/tickets/{ticket}/solve"), json!({"resolution": "done"})).await.ok(200);
        admin.create("orders", json!({"customer_id": of, "amount": {"amount": 5, "currency": "CNY"}})).await;
        admin.create("work-orders", json!({"subject": "visit", "customer_id": of})).await;
        admin.create("tasks", json!({"subject": "call", "customer_id": of, "due_at": "2030-01-01T00:00:00Z"})).await;
        let call = json!({"kind": "call", "subject": "called", "customer_id": of, "status": "done", "occurred_at": "2026-01-01T00:00:00Z"});
        admin.create("activities", call).await;
    }
    let path = "/v1/customers/ext:sap:10042/overview";
    for who in [&admin, &seller] {
        let shown = who.get(path).await.ok(200);
        assert_eq!(shown["customer"], who.get(&format!("/v1/customers/{customer}")).await.ok(200));
        assert_eq!(shown["value"], Value::Null);
        for (part, total) in [
            ("contacts", 1),
            ("opportunities", 7),
            ("tickets", 1),
            ("orders", 1),
            ("work_orders", 1),
            ("activities", 1),
            ("tasks", 1),
        ] {
            let section = &shown[part];
            if section.is_null() {
                assert!(who.get(&format!("/v1/{}", part.replace('_', "-"))).await.status == 403, "{part}");
                continue;
            }
            let list = section["list"].as_str().unwrap();
            let listed = who.get(&format!("{list}&limit=5&total=true")).await.ok(200);
            assert_eq!((&section["data"], &section["total"]), (&listed["data"], &listed["page"]["total"]), "{part}");
            if who.id == admin.id {
                assert_eq!(section["total"], total, "{part}");
                assert_eq!(section["data"].as_array().unwrap().len(), total.min(5), "{part}");
            }
        }
    }
    assert_eq!(admin.get(path).await.ok(200)["opportunities"]["data"][0]["name"], "S6", "the next to close");
    let technician = server.user(&admin, "wang", "service_technician", json!({})).await;
    let seen = technician.get(path).await.ok(200);
    assert!(seen["customer"].is_object() && seen["opportunities"].is_null() && seen["orders"].is_null(), "{seen}");
    let stranger = server.user(&admin, "other", "sales_representative", json!({})).await;
    stranger.get(path).await.refused(404, "not_found");
}
