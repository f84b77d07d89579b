//! `/v1/orders` with their lines, payments and refunds.

use farley::http::clock;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    sales::yuan,
    server::Server,
    support::TestDb,
};

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

async fn customer(client: &Client) -> String {
    client.create("customers", json!({"name": "华为技术有限公司"})).await
}

/// The order, its lines and what they come to are one write: all of it is there, or nothing.
pub async fn an_order_comes_with_its_lines(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = customer(&admin).await;
    let product = json!({"name": "GTX Pro", "unit": "台", "list_price": yuan(482_100)});
    let product = admin.create("products", product).await;
    let lines = json!([
        {"product_id": product, "quantity": 4, "discount": 10, "tax_rate": 13},
        {"name": "安装", "unit_price": yuan(50_000), "tax_rate": 6, "external_ids": {"sap": "4711-20"}},
        {"name": "返利", "unit_price": yuan(-10_000)},
    ]);
    let order = json!({"customer_id": customer, "ordered_on": "2026-03-01", "lines": lines, "external_ids": {"sap": "4711"}});
    let dry = admin.request(Method::POST, "/v1/orders?validate_only=true").json(&order).await.ok(200);
    assert_eq!(dry["amount"], yuan(1_961_183 + 53_000 - 10_000));
    assert_eq!(admin.get("/v1/orders?total=true").await.ok(200)["page"]["total"], 0);
    let made = admin.post("/v1/orders", order.clone()).header("Idempotency-Key", "order-1").await.ok(201);
    assert!(text(&made["number"]).starts_with("O-0000"), "{made}");
    assert_eq!((&made["status"], &made["version"]), (&json!("confirmed"), &json!(1)));
    assert_eq!(made["amount"], yuan(1_735_560 + 225_623 + 50_000 + 3_000 - 10_000));
    assert_eq!((&made["tax_amount"], &made["net_amount"]), (&yuan(228_623), &yuan(1_775_560)));
    assert_eq!((&made["payment_status"], &made["outstanding_amount"]), (&json!("unpaid"), &made["amount"]));
    let again = admin.post("/v1/orders", order).header("Idempotency-Key", "order-1").await.ok(201);
    assert_eq!(again["id"], made["id"], "a repeated request is the same order");
    let path = format!("/v1/orders/{}", text(&made["id"]));
    let shown = admin.get(&format!("{path}?expand=lines")).await.ok(200);
    let shown: Vec<_> =
        shown["lines"].as_array().unwrap().iter().map(|line| (line["name"].clone(), line["sort_order"].clone())).collect();
    assert_eq!(shown, [(json!("GTX Pro"), json!(1)), (json!("安装"), json!(2)), (json!("返利"), json!(3))]);
    let listed = admin.get(&format!("{path}/lines")).await.ok(200)["data"].clone();
    assert_eq!((&listed[0]["unit"], &listed[0]["unit_price"]), (&json!("台"), &yuan(482_100)));
    assert_eq!((&listed[0]["net_amount"], &listed[0]["tax_amount"]), (&yuan(1_735_560), &yuan(225_623)));
    assert_eq!(listed[1]["external_ids"], json!({"sap": "4711-20"}));
    let events = admin.get("/v1/changes?types=order.created,order_line.created,order.updated").await.each("type");
    assert_eq!(events, ["order.created", "order_line.created", "order_line.created", "order_line.created"]);

    // Every fault at its place, and nothing is written.
    let faulty = json!({"customer_id": customer, "amount": 5, "lines": [
        {"name": "x", "unit_price": yuan(1), "quantity": "many"},
        {"name": "x", "unit_price": yuan(1), "colour": "red"},
        {"name": "x", "unit_price": yuan(1), "order_id": made["id"]},
    ]});
    let told = [
        ("/amount", "wrong_type"),
        ("/lines/0/quantity", "invalid_decimal"),
        ("/lines/1/colour", "unknown_member"),
        ("/lines/2/order_id", "reference_not_found"),
    ];
    assert_eq!(admin.post("/v1/orders", faulty).await.faults(400), pairs(&told));
    for (lines, fault) in [
        (json!({"name": "x"}), ("/lines", "wrong_type")),
        (json!(vec![json!({"name": "x", "unit_price": yuan(1)}); 501]), ("/lines", "too_many")),
    ] {
        let order = json!({"customer_id": customer, "lines": lines});
        assert_eq!(admin.post("/v1/orders", order).await.faults(400), pairs(&[fault]));
    }
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (line, fault) in [
        (json!({"name": "x", "unit_price": usd(1)}), ("/lines/1/unit_price/currency", "other_currency")),
        (json!({"name": "x", "unit_price": yuan(-2)}), ("/lines/1/unit_price/amount", "sum_too_small")),
        (json!({"product_id": unknown}), ("/lines/1/product_id", "reference_not_found")),
        (json!({"name": "x"}), ("/lines/1/unit_price", "required")),
        (json!({"unit_price": yuan(1)}), ("/lines/1/name", "required")),
        (json!({"name": "x", "unit_price": yuan(1), "tax_rate": 101}), ("/lines/1/tax_rate", "too_large")),
        (json!({"name": "x", "unit_price": yuan(1), "quantity": 0}), ("/lines/1/quantity", "too_small")),
    ] {
        let order = json!({"customer_id": customer, "lines": [{"name": "first", "unit_price": yuan(1)}, line]});
        assert_eq!(admin.post("/v1/orders", order).await.faults(422), pairs(&[fault]));
    }
    let duplicate =
        json!({"customer_id": customer, "lines": [{"name": "x", "unit_price": yuan(1), "external_ids": {"sap": "4711-20"}}]});
    admin.post("/v1/orders", duplicate).await.refused(409, "duplicate");
    assert_eq!(admin.get("/v1/orders?total=true").await.ok(200)["page"]["total"], 1);

    // Later, lines have endpoints of their own, and the order follows.
    assert_eq!(admin.patch(&path, json!({"lines": []})).await.faults(400), pairs(&[("/lines", "create_only")]));
    let line = format!("{path}/lines/ext:sap:4711-20");
    admin.put(&line, json!({"quantity": 2})).await.ok(200);
    let after = admin.get(&path).await.ok(200);
    assert_eq!((&after["amount"], &after["version"]), (&yuan(1_961_183 + 106_000 - 10_000), &json!(2)));
    admin.delete(&line).await.ok(204);
    assert_eq!(admin.get(&path).await.ok(200)["amount"], yuan(1_961_183 - 10_000));
    // Without lines there is nothing to add up; an amount that is set binds the currency of lines.
    let only =
        admin.post("/v1/orders", json!({"customer_id": customer, "lines": [{"name": "x", "unit_price": yuan(7)}]})).await.ok(201);
    let only = format!("/v1/orders/{}", text(&only["id"]));
    let line = admin.list(&format!("{only}/lines"), "id").await.remove(0);
    admin.delete(&format!("{only}/lines/{line}")).await.ok(204);
    let left = admin.get(&only).await.ok(200);
    assert_eq!((&left["amount"], &left["tax_amount"], &left["net_amount"]), (&Value::Null, &Value::Null, &Value::Null));
    let set = json!({"customer_id": customer, "amount": usd(5), "lines": [{"name": "x", "unit_price": yuan(7)}]});
    assert_eq!(admin.post("/v1/orders", set).await.faults(422), pairs(&[("/lines/0/unit_price/currency", "other_currency")]));
    // A key of another system makes an order once.
    let keyed = json!({"customer_id": customer, "lines": [{"name": "x", "unit_price": yuan(7)}]});
    let first = admin.put("/v1/orders/ext:shop:1", keyed).await.ok(201);
    let second = admin.put("/v1/orders/ext:shop:1", json!({"description": "gift"})).await.ok(200);
    assert_eq!((&first["id"], &first["amount"], &second["amount"]), (&second["id"], &yuan(7), &yuan(7)));
    // Opportunities bring their line items along in the same way.
    let sale = json!({"name": "x", "line_items": [{"product_id": product, "quantity": 2, "discount": 10}, {"name": "y", "unit_price": yuan(-1)}]});
    let sale = admin.post("/v1/opportunities", sale).await.ok(201);
    assert_eq!((&sale["amount"], &sale["amount_from_lines"], &sale["version"]), (&yuan(867_779), &json!(true), &json!(1)));
    let mixed = json!({"name": "x", "line_items": [{"name": "x", "unit_price": yuan(1)}, {"name": "y", "unit_price": usd(1)}]});
    let mixed = admin.post("/v1/opportunities", mixed).await.faults(422);
    assert_eq!(mixed, pairs(&[("/line_items/1/unit_price/currency", "other_currency")]));
}

/// What is due, paid, overdue and given back, and how the order shows it.
pub async fn payments_and_refunds_settle_an_order(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = customer(&admin).await;
    let order =
        admin.create("orders", json!({"customer_id": customer, "amount": yuan(100_000), "ordered_on": "2026-01-05"})).await;
    let path = format!("/v1/orders/{order}");
    let standing = async || {
        let order = admin.get(&path).await.ok(200);
        let amount = |name: &str| order[name]["amount"].as_i64().unwrap();
        let (status, due) = (text(&order["payment_status"]).to_owned(), order["next_due_on"].clone());
        (amount("paid_amount"), amount("refunded_amount"), amount("outstanding_amount"), status, due)
    };
    let told = |paid: i64, refunded: i64, left: i64, status: &str, due: Option<&str>| {
        (paid, refunded, left, status.to_owned(), json!(due))
    };
    assert_eq!(standing().await, told(0, 0, 100_000, "unpaid", None));
    let payments = format!("{path}/payments");
    let first = admin.post(&payments, json!({"amount": yuan(60_000), "due_on": "2026-02-01"})).await.ok(201);
    admin.post(&payments, json!({"amount": yuan(40_000), "due_on": "2026-03-01"})).await.ok(201);
    assert_eq!(standing().await, told(0, 0, 100_000, "unpaid", Some("2026-02-01")));
    assert_eq!(admin.list("/v1/orders?next_due_on_lt=2026-02-02&fields=id", "id").await, std::slice::from_ref(&order));
    admin
        .patch(&format!("{payments}/{}", text(&first["id"])), json!({"paid_on": "2026-02-09", "method": "bank_transfer"}))
        .await
        .ok(200);
    assert_eq!(standing().await, told(60_000, 0, 40_000, "partly_paid", Some("2026-03-01")));
    let tomorrow = clock::now().plus_seconds(3 * 86_400).to_string()[..10].to_owned();
    for (body, fault) in [
        (json!({"amount": yuan(1)}), ("/due_on", "required")),
        (json!({"amount": yuan(0), "due_on": "2026-03-01"}), ("/amount/amount", "too_small")),
        (json!({"amount": usd(1), "due_on": "2026-03-01"}), ("/amount/currency", "other_currency")),
        (json!({"amount": yuan(999_999_999_999_999), "due_on": "2026-03-01"}), ("/amount/amount", "sum_too_large")),
        (json!({"amount": yuan(1), "paid_on": tomorrow}), ("/paid_on", "too_late")),
    ] {
        assert_eq!(admin.post(&payments, body).await.faults(422), pairs(&[fault]));
    }
    let refunds = format!("{path}/refunds");
    let given = admin.post(&refunds, json!({"amount": yuan(10_000), "reason": "包装破损"})).await.ok(201);
    assert!(given["refunded_on"].is_string(), "today by default");
    assert_eq!(standing().await, told(60_000, 10_000, 40_000, "partly_refunded", Some("2026-03-01")));
    let much = admin.post(&refunds, json!({"amount": yuan(90_001)})).await.faults(422);
    assert_eq!(much, pairs(&[("/amount/amount", "too_large")]));
    // What is paid and given back binds the order.
    for (body, fault) in [
        (json!({"amount": yuan(9_999)}), ("/amount/amount", "too_small")),
        (json!({"amount": usd(100_000)}), ("/amount/currency", "other_currency")),
        (json!({"customer_id": null}), ("/customer_id", "required")),
        (json!({"number": null}), ("/number", "required")),
    ] {
        assert_eq!(admin.patch(&path, body).await.faults(422), pairs(&[fault]));
    }
    // Nobody pays for what was cancelled.
    let cancelled = admin.patch(&path, json!({"status": "cancelled", "cancel_reason": "客户改期"})).await.ok(200);
    assert_eq!((&cancelled["outstanding_amount"], &cancelled["next_due_on"]), (&yuan(0), &Value::Null));
    admin.patch(&path, json!({"status": "fulfilled"})).await.ok(200);
    assert_eq!(standing().await, told(60_000, 10_000, 40_000, "partly_refunded", Some("2026-03-01")));
    let events = admin.get("/v1/changes?types=order.status_changed").await.ok(200)["data"].clone();
    assert_eq!(events[0]["changes"]["status"], json!({"from": "confirmed", "to": "cancelled"}));
    admin.delete(&format!("{refunds}/{}", text(&given["id"]))).await.ok(204);
    // Payments that arrive at once all count.
    let other = admin.create("orders", json!({"customer_id": customer, "amount": yuan(100_000)})).await;
    let at_once = (0..20).map(|_| {
        let (admin, other) = (admin.clone(), other.clone());
        async move {
            admin
                .post(&format!("/v1/orders/{other}/payments"), json!({"amount": yuan(5_000), "paid_on": "2026-02-01"}))
                .await
                .ok(201)
        }
    });
    join_all(at_once).await;
    let paid = admin.get(&format!("/v1/orders/{other}")).await.ok(200);
    assert_eq!(
        (&paid["paid_amount"], &paid["outstanding_amount"], &paid["payment_status"]),
        (&yuan(100_000), &yuan(0), &json!("paid"))
    );
}

/// Whatever lines there are, the order is their sum, computed here anew.
pub async fn amounts_are_the_sums_of_lines_by_brute_force(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = customer(&admin).await;
    let mut seed = 20_260_301_u64;
    let mut dice = |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % sides
    };
    for includes in [false, true] {
        for count in [1, 7, 60] {
            let lines: Vec<Value> = (0..count)
                .map(|place| {
                    let price = i64::try_from(dice(1_000_000)).unwrap() + 1;
                    let rate = [0.0, 3.0, 6.0, 8.375, 13.0][usize::try_from(dice(5)).unwrap()];
                    json!({"name": format!("{place}"), "unit_price": yuan(price), "quantity": (dice(2_000) + 1) as f64 / 100.0,
                        "discount": dice(10_001) as f64 / 100.0, "tax_rate": rate})
                })
                .collect();
            let (mut gross, mut tax) = (0, 0);
            for line in &lines {
                // In whole numbers of millionths of a fen.
                let hundredths = |name: &str| (line[name].as_f64().unwrap() * 1000.0).round() as i128;
                let base = hundredths("quantity")
                    * i128::from(line["unit_price"]["amount"].as_i64().unwrap())
                    * (100_000 - hundredths("discount"));
                let half = |number: i128, divisor: i128| (2 * number + divisor) / (2 * divisor);
                let base = half(base, 100_000_000);
                let rate = hundredths("tax_rate");
                let own = if includes { half(base * rate, 100_000 + rate) } else { half(base * rate, 100_000) };
                tax += own;
                gross += if includes { base } else { base + own };
            }
            let order = json!({"customer_id": customer, "prices_include_tax": includes, "lines": lines});
            let made = admin.post("/v1/orders", order).await.ok(201);
            assert_eq!((&made["amount"]["amount"], &made["tax_amount"]["amount"]), (&json!(gross), &json!(tax)), "{lines:?}");
            assert_eq!(made["net_amount"]["amount"], json!(gross - tax));
        }
    }
}

/// Numbers are given by whoever has them; those that Farley gives pass over them.
pub async fn numbers_are_given_or_made(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = customer(&admin).await;
    let given = json!({"customer_id": customer, "number": "O-000002"});
    admin.post("/v1/orders", given.clone()).await.ok(201);
    admin.post("/v1/orders", given).await.refused(409, "duplicate");
    let mut made = Vec::new();
    for _ in 0..3 {
        let order = admin.post("/v1/orders", json!({"customer_id": customer})).await.ok(201);
        made.push(text(&order["number"]).to_owned());
    }
    assert!(!made.contains(&"O-000002".to_owned()) && made.windows(2).all(|two| two[0] < two[1]), "{made:?}");
    // Customers come from whom or what the order is for.
    let contact = admin.create("contacts", json!({"name": "李伟", "customer_id": customer})).await;
    let sale = admin.create("opportunities", json!({"name": "x", "customer_id": customer})).await;
    for body in [json!({"contact_id": contact}), json!({"opportunity_id": sale})] {
        assert_eq!(admin.post("/v1/orders", body).await.ok(201)["customer_id"], json!(customer));
    }
    assert_eq!(admin.post("/v1/orders", json!({})).await.faults(422), pairs(&[("/customer_id", "required")]));
    let counted = admin.get(&format!("/v1/customers/{customer}?fields=order_count")).await.ok(200);
    assert_eq!(counted["order_count"], 6);
}

/// Parts are as visible as their order, and what is hidden of it is hidden of them.
pub async fn orders_keep_to_rights(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = customer(&admin).await;
    let seller = server.user(&admin, "seller", "sales_representative", json!({})).await;
    let other = server.user(&admin, "other", "sales_representative", json!({})).await;
    let theirs = json!({"customer_id": admin.create("customers", json!({"name": "Own", "owner_id": seller.id})).await, "lines": [{"name": "x", "unit_price": yuan(500)}]});
    let order = seller.post("/v1/orders", theirs).await.ok(201);
    let path = format!("/v1/orders/{}", text(&order["id"]));
    assert_eq!(order["owner_id"], json!(seller.id));
    seller.post(&format!("{path}/payments"), json!({"amount": yuan(500), "paid_on": "2026-02-01"})).await.ok(201);
    for below in ["", "/lines", "/payments", "/refunds"] {
        other.get(&format!("{path}{below}")).await.refused(404, "not_found");
        admin.get(&format!("{path}{below}")).await.ok(200);
    }
    other.post(&format!("{path}/lines"), json!({"name": "y", "unit_price": yuan(1)})).await.refused(404, "not_found");
    let hidden = json!({"name": "Blind", "permissions": [{"object": "order", "action": "*", "scope": "all"}, {"object": "customer", "action": "read", "scope": "all"}],
        "field_rules": [{"object": "order", "field": "amount", "rule": "hidden"}]});
    let role = admin.create("roles", hidden).await;
    let blind = server.user_with(&admin, "blind", json!([role]), json!({})).await;
    let seen = blind.get(&path).await.ok(200);
    assert!(
        seen.get("amount").is_none() && seen.get("outstanding_amount").is_none() && seen.get("net_amount").is_none(),
        "{seen}"
    );
    let line = blind.get(&format!("{path}/lines")).await.ok(200)["data"][0].clone();
    assert!(["unit_price", "amount", "net_amount", "tax_amount"].iter().all(|name| line.get(name).is_none()), "{line}");
    let unseen = json!({"customer_id": customer, "lines": [{"name": "x", "unit_price": yuan(1)}]});
    assert_eq!(blind.post("/v1/orders", unseen).await.faults(400), pairs(&[("/lines/0/unit_price", "unknown_member")]));
}
