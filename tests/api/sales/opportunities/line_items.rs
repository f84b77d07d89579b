//! `/v1/opportunities/{id}/line-items`.

use serde_json::json;

use crate::{
    client::Client,
    sales::{pipeline, yuan},
    server::Server,
    support::TestDb,
};

pub async fn add_up_to_the_amount(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let product = admin.create("products", json!({"name": "GTX Pro", "sku": "GTX-PRO", "list_price": usd(482_100)})).await;
    let id = admin.create("opportunities", json!({"name": "x"})).await;
    let (path, lines) = (format!("/v1/opportunities/{id}"), format!("/v1/opportunities/{id}/line-items"));
    let line = admin.post(&lines, json!({"product_id": product, "quantity": 2, "discount": 10})).await.ok(201);
    assert_eq!((&line["name"], &line["unit_price"], &line["amount"]), (&json!("GTX Pro"), &usd(482_100), &usd(867_780)));
    assert_eq!((&line["quantity"], &line["sort_order"]), (&json!(2), &json!(1)));
    admin.post(&lines, json!({"name": "Setup", "quantity": 0.5, "unit_price": usd(1)})).await.ok(201);
    let record = admin.get(&path).await.ok(200);
    assert_eq!((&record["amount"], &record["amount_from_lines"]), (&usd(867_781), &json!(true)));
    for (body, fault) in [
        (json!({"name": "x", "unit_price": yuan(1)}), ("/unit_price/currency", "other_currency")),
        (json!({"name": "x"}), ("/unit_price", "required")),
        (json!({"unit_price": usd(1)}), ("/name", "required")),
        (json!({"product_id": product, "quantity": 0}), ("/quantity", "too_small")),
        (json!({"product_id": product, "discount": 101}), ("/discount", "too_large")),
    ] {
        let faults = admin.post(&lines, body).await.faults(422);
        assert_eq!(faults, [(fault.0.to_owned(), fault.1.to_owned())]);
    }
    let line = format!("{lines}/{}", line["id"].as_str().unwrap());
    admin.patch(&line, json!({"quantity": 1})).await.ok(200);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], usd(433_891));
    admin.delete(&line).await.ok(204);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], usd(1));
    // Half a cent is rounded away from zero, so that a price and the same rebate cancel.
    let half = admin.create("opportunities", json!({"name": "half"})).await;
    for price in [1, -1] {
        let line = json!({"name": "x", "unit_price": usd(price), "discount": 50});
        let line = admin.post(&format!("/v1/opportunities/{half}/line-items"), line).await.ok(201);
        assert_eq!(line["amount"], usd(price));
    }
    assert_eq!(admin.get(&format!("/v1/opportunities/{half}")).await.ok(200)["amount"], usd(0));
    // An amount that is set stays, until it is to follow the lines again.
    admin.patch(&path, json!({"amount": usd(99)})).await.ok(200);
    admin.post(&format!("{line}/restore"), json!({})).await.ok(200);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], usd(99));
    assert_eq!(admin.patch(&path, json!({"amount_from_lines": true})).await.ok(200)["amount"], usd(433_891));
    assert_eq!(admin.get(&format!("{path}?expand=line_items")).await.ok(200)["line_items"].as_array().unwrap().len(), 2);
    // A rebate is a line below zero; the sum is not.
    let rebate = admin.post(&lines, json!({"name": "Rebate", "unit_price": usd(-433_891)})).await.ok(201);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], usd(0));
    let most = 999_999_999_999_999_i64;
    for (body, fault) in [
        (json!({"name": "x", "unit_price": usd(-1)}), ("/unit_price/amount", "sum_too_small")),
        (json!({"name": "x", "unit_price": usd(most), "quantity": 2}), ("/amount/amount", "too_large")),
    ] {
        assert_eq!(admin.post(&lines, body).await.faults(422), [(fault.0.to_owned(), fault.1.to_owned())]);
    }
    assert_eq!(admin.delete(&line).await.faults(422), [(String::new(), "sum_too_small".to_owned())]);
    admin.delete(&format!("{lines}/{}", rebate["id"].as_str().unwrap())).await.ok(204);
    let faults = admin.post(&lines, json!({"name": "x", "unit_price": usd(most)})).await.faults(422);
    assert_eq!(faults, [("/unit_price/amount".to_owned(), "sum_too_large".to_owned())]);
    for (amount, code) in [(json!(most + 1), "too_large"), (json!(-most - 1), "too_small"), (json!(u64::MAX), "too_large")] {
        let body = json!({"name": "x", "list_price": {"amount": amount, "currency": "USD"}});
        let faults = admin.post("/v1/products", body).await.faults(400);
        assert_eq!(faults, [("/list_price/amount".to_owned(), code.to_owned())]);
    }
    // Lines of another opportunity are not found here.
    let other = admin.create("opportunities", json!({"name": "y"})).await;
    admin.get(&line.replace(&id, &other)).await.refused(404, "not_found");
    assert!(admin.names(&format!("/v1/opportunities/{other}/line-items")).await.is_empty());
}

pub async fn are_reached_as_their_opportunity(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    let other = server.user(&admin, "Wang Fang", "sales_representative", json!({})).await;
    let id = seller.create("opportunities", json!({"name": "Mine"})).await;
    let lines = format!("/v1/opportunities/{id}/line-items");
    let line = json!({"name": "x", "unit_price": yuan(5)});
    let line = seller.post(&lines, line).await.ok(201)["id"].as_str().unwrap().to_owned();
    for request in [
        other.get(&lines),
        other.get(&format!("{lines}/{line}")),
        other.post(&lines, json!({"name": "x", "unit_price": yuan(1)})),
    ] {
        request.await.refused(404, "not_found");
    }
    other.patch(&format!("{lines}/{line}"), json!({"quantity": 9})).await.refused(404, "not_found");
    // Who may only read the whole may only read its parts.
    let reader = server.user(&admin, "Reader", "read_only", json!({})).await;
    assert_eq!(reader.names(&lines).await, ["x"]);
    reader.patch(&format!("{lines}/{line}"), json!({"quantity": 9})).await.refused(403, "forbidden");
    let changes = other.get("/v1/changes?types=line_item.created").await.ok(200);
    assert_eq!(changes["data"], json!([]));
    let (pipeline, _) = pipeline(&seller).await;
    seller.post(&format!("/v1/pipelines/{pipeline}/stages"), json!({"name": "x"})).await.refused(403, "forbidden");
    let explained =
        |user: &Client, line: &str| format!("/v1/access/explain?user_id={}&object=line_item&action=update&id={line}", user.id);
    assert_eq!(admin.get(&explained(&seller, &line)).await.ok(200)["allowed"], true);
    assert_eq!(admin.get(&explained(&other, &line)).await.ok(200)["reason"], "out_of_scope");
}
