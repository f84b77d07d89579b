//! `/v1/customer-values`: what customers are worth, computed here anew from the same orders.

use std::collections::{BTreeMap, BTreeSet};

use farley::http::clock;
use farley_domain::values::calendar::day_of;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// Pseudo-random numbers, the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % sides).unwrap()
    }
}

/// What a customer bought: the days before today, what is left of each order, and the products.
#[derive(Default)]
struct Bought {
    orders: Vec<(i64, i64)>,
    elsewhere: i64,
    products: BTreeSet<usize>,
}

struct Scene {
    admin: Client,
    products: Vec<String>,
    bought: BTreeMap<String, Bought>,
    baskets: Vec<BTreeSet<usize>>,
    _server: Server,
}

fn day(before: i64) -> String {
    let today = day_of(clock::now(), chrono_tz::Asia::Shanghai);
    (today - chrono::Days::new(before.unsigned_abs())).to_string()
}

/// Seventy customers of a shop that sells six products, with refunds, cancelled orders, drafts, and orders in another currency.
async fn scene(db: TestDb) -> Scene {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut dice = Dice(7);
    let mut products = Vec::new();
    for name in 0..6 {
        products.push(admin.create("products", json!({"name": format!("P{name}")})).await);
    }
    let mut scene = Scene { admin, products, bought: BTreeMap::new(), baskets: Vec::new(), _server: server };
    for number in 0..70 {
        let customer = scene.admin.create("customers", json!({"name": format!("K{number}")})).await;
        let mut bought = Bought::default();
        let first = 100 + dice.roll(500);
        let (mut when, pace) = (first, 10 + dice.roll(80));
        // Every other customer never comes back.
        for _ in 0..=(dice.roll(2) * dice.roll(9)) {
            let mut basket = BTreeSet::from([usize::try_from(dice.roll(6)).unwrap()]);
            if basket.contains(&0) && dice.roll(4) > 0 {
                basket.insert(1);
            }
            let lines: Vec<Value> = basket
                .iter()
                .map(|product| json!({"product_id": scene.products[*product], "unit_price": {"amount": 1_000 + dice.roll(9_000), "currency": "CNY"}}))
                .collect();
            let amount: i64 = lines.iter().map(|line| line["unit_price"]["amount"].as_i64().unwrap()).sum();
            let order = json!({"customer_id": customer, "ordered_on": day(when), "lines": lines});
            let order = scene.admin.create("orders", order).await;
            let refunded = if dice.roll(5) == 0 { amount / 3 } else { 0 };
            if refunded > 0 {
                let refund = json!({"amount": {"amount": refunded, "currency": "CNY"}});
                scene.admin.post(&format!("/v1/orders/{order}/refunds"), refund).await.ok(201);
            }
            bought.orders.push((when, amount - refunded));
            bought.products.extend(&basket);
            scene.baskets.push(basket);
            when -= dice.roll(u64::try_from(2 * pace).unwrap());
            if when < 0 {
                break;
            }
        }
        let beside = |status: &str, currency: &str| json!({"customer_id": customer, "status": status, "amount": {"amount": 99, "currency": currency}, "ordered_on": day(3)});
        for (status, currency) in [("draft", "CNY"), ("cancelled", "CNY"), ("confirmed", "USD")] {
            if dice.roll(6) == 0 {
                scene.admin.create("orders", beside(status, currency)).await;
                bought.elsewhere += i64::from(currency == "USD");
            }
        }
        scene.bought.insert(customer, bought);
    }
    scene
}

/// Computes the values and waits for them; the model they were computed with.
async fn computed(admin: &Client, body: Value) -> Value {
    admin.post("/v1/customer-values/recompute", body).await.ok(202);
    loop {
        let model = admin.get("/v1/customer-values/model").await.ok(200);
        if model["progress"]["state"] == "done" {
            return model;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// 1 and a whole fifth for each of those who are worse.
fn score(own: i64, all: &[i64]) -> i64 {
    let worse = all.iter().filter(|other| **other < own).count();
    1 + i64::try_from(5 * worse / all.len()).unwrap()
}

fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 2e-6, "{found} is not {expected}");
}

pub async fn figures_are_those_of_the_orders_by_brute_force(db: TestDb) {
    let scene = scene(db).await;
    let admin = &scene.admin;
    let model = computed(admin, json!({})).await;
    assert_eq!((&model["customers"], &model["currency"]), (&json!(70), &json!("CNY")));
    let rows = admin.get("/v1/customer-values?limit=200").await.ok(200)["data"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 70);
    let last = |bought: &Bought| bought.orders.iter().map(|(before, _)| *before).min().unwrap();
    let total = |bought: &Bought| bought.orders.iter().map(|(_, value)| value).sum::<i64>();
    let all = |measure: &dyn Fn(&Bought) -> i64| scene.bought.values().map(measure).collect::<Vec<i64>>();
    let (recencies, frequencies, totals) =
        (all(&|bought| -last(bought)), all(&|bought| i64::try_from(bought.orders.len()).unwrap()), all(&total));
    let mean = |name: &str| model["rfm"][name].as_f64().unwrap();
    for row in &rows {
        let bought = &scene.bought[row["customer_id"].as_str().unwrap()];
        assert_eq!(row["id"], row["customer_id"]);
        let count = i64::try_from(bought.orders.len()).unwrap();
        let first = bought.orders.iter().map(|(before, _)| *before).max().unwrap();
        assert_eq!(
            (&row["first_ordered_on"], &row["last_ordered_on"], &row["days_since_order"]),
            (&json!(day(first)), &json!(day(last(bought))), &json!(last(bought)))
        );
        assert_eq!((&row["order_count"], &row["order_total"]["amount"]), (&json!(count), &json!(total(bought))));
        assert_eq!(row["other_currency_order_count"], json!(bought.elsewhere));
        let average = (2 * total(bought) + count) / (2 * count);
        assert_eq!(row["average_order"]["amount"], json!(average));
        let scores = [score(-last(bought), &recencies), score(count, &frequencies), score(total(bought), &totals)];
        assert_eq!(
            [&row["recency_score"], &row["frequency_score"], &row["monetary_score"]],
            scores.each_ref().map(|score| json!(score)).each_ref()
        );
        let high = [0, 1, 2].map(|place| scores[place] as f64 > mean(["mean_recency", "mean_frequency", "mean_monetary"][place]));
        let class = match high {
            [true, true, true] => "important_value",
            [true, false, true] => "important_develop",
            [false, true, true] => "important_retain",
            [false, false, true] => "important_win_back",
            [true, true, false] => "general_value",
            [true, false, false] => "general_develop",
            [false, true, false] => "general_retain",
            [false, false, false] => "general_win_back",
        };
        assert_eq!(row["rfm_class"], class, "{row}");
        let days: BTreeSet<i64> = bought.orders.iter().map(|(before, _)| *before).collect();
        assert_eq!(row["purchase_count"], json!(days.len()));
        assert_eq!(row["alive_probability"], Value::Null, "of so few nothing can be learnt: {model}");
        assert_eq!(row["credit_risk"], "none_known");
    }
    // Customers are found and ordered by their values.
    let best = rows.iter().max_by_key(|row| row["order_total"]["amount"].as_i64()).unwrap();
    let found = admin.list("/v1/customers?sort=-value.order_total&limit=1&fields=id", "id").await;
    assert_eq!(found, [best["id"].as_str().unwrap()]);
    let important = rows.iter().filter(|row| row["rfm_class"] == "important_value").count();
    let counted = admin.get("/v1/customers?value.rfm_class=important_value&total=true&limit=1").await.ok(200);
    assert_eq!(counted["page"]["total"], json!(important));
    let none = admin.create("customers", json!({"name": "Nothing"})).await;
    assert_eq!(admin.list("/v1/customers?value_null=true&fields=id", "id").await, [none]);
    // What is bought together.
    let together = model["bought_together"].as_array().unwrap();
    let of = |product: usize| scene.baskets.iter().filter(|basket| basket.contains(&product)).count();
    let (one, both) = (of(0), scene.baskets.iter().filter(|basket| basket.contains(&0) && basket.contains(&1)).count());
    let pair = together
        .iter()
        .find(|pair| pair["product_id"] == json!(scene.products[0]) && pair["with_product_id"] == json!(scene.products[1]))
        .expect("the pair");
    assert_eq!((&pair["orders"], &model["baskets"]), (&json!(both), &json!(scene.baskets.len())));
    near(&pair["support"], both as f64 / scene.baskets.len() as f64);
    near(&pair["confidence"], both as f64 / one as f64);
    near(&pair["lift"], both as f64 * scene.baskets.len() as f64 / (one * of(1)) as f64);
    for row in &rows {
        let bought = &scene.bought[row["customer_id"].as_str().unwrap()].products;
        let offered =
            row["next_products"].as_array().unwrap().iter().any(|offer| offer["product_id"] == json!(scene.products[1]));
        assert!(!offered || !bought.contains(&1), "nobody is offered what they have");
    }

    // What changes is computed anew, and what is gone goes.
    let (customer, _) = scene.bought.iter().next().unwrap();
    for order in admin.list(&format!("/v1/orders?customer_id={customer}&limit=200&fields=id"), "id").await {
        admin.patch(&format!("/v1/orders/{order}"), json!({"status": "cancelled"})).await.ok(200);
    }
    let kept = rows.iter().find(|row| row["customer_id"] != json!(customer)).unwrap();
    computed(admin, json!({})).await;
    admin.get(&format!("/v1/customer-values/{customer}")).await.refused(404, "not_found");
    let after = admin.get(&format!("/v1/customer-values/{}", kept["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(after["order_total"], kept["order_total"]);
    // As of a day, what came later is not known.
    let model = computed(admin, json!({"as_of": day(90)})).await;
    assert_eq!(model["today"], json!(day(90)));
    for row in admin.get("/v1/customer-values?limit=200").await.ok(200)["data"].as_array().unwrap() {
        let orders = scene.bought[row["customer_id"].as_str().unwrap()].orders.iter().filter(|(before, _)| *before >= 90).count();
        assert_eq!(row["order_count"], json!(orders));
    }
}

/// The first customers of the CDNOW sample, whose model is fitted here too.
pub async fn models_are_learnt_from_all_customers(db: TestDb) {
    const CUSTOMERS: u32 = 150;
    const CALIBRATED: i64 = 272;
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let start = "1997-01-01".parse::<chrono::NaiveDate>().unwrap();
    let on = |day: i64| (start + chrono::Days::new(day.unsigned_abs())).to_string();
    let mut bought: BTreeMap<u32, (String, Vec<i64>)> = BTreeMap::new();
    for line in include_str!("../../data/cdnow.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (number, day): (u32, i64) = (cells[0].parse().unwrap(), cells[1].parse().unwrap());
        if number > CUSTOMERS {
            break;
        }
        let cents = cells[3].replace('.', "").parse::<i64>().unwrap();
        if let std::collections::btree_map::Entry::Vacant(new) = bought.entry(number) {
            let id = admin.create("customers", json!({"name": cells[0], "kind": "person"})).await;
            new.insert((id, Vec::new()));
        }
        let (id, days) = bought.get_mut(&number).unwrap();
        let order = json!({"customer_id": id, "ordered_on": on(day), "amount": {"amount": cents, "currency": "CNY"}});
        admin.create("orders", order).await;
        days.extend(Some(day).filter(|day| *day <= CALIBRATED));
    }
    let model = computed(&admin, json!({"as_of": on(CALIBRATED)})).await;
    let parameter = |name: &str| model["purchasing"][name].as_f64().unwrap_or_else(|| panic!("{model}"));
    let (r, alpha, a, b) = (parameter("r"), parameter("alpha"), parameter("a"), parameter("b"));
    let mut likelihood = 0.0;
    let mut returned = 0;
    for (id, days) in bought.values() {
        let days: BTreeSet<i64> = days.iter().copied().collect();
        let (first, last) = (*days.first().unwrap(), *days.last().unwrap());
        let (x, t, age) = ((days.len() - 1) as f64, (last - first) as f64 / 7.0, (CALIBRATED - first) as f64 / 7.0);
        let gone = if x > 0.0 { a / (b + x - 1.0) * ((alpha + age) / (alpha + t)).powf(r + x) } else { 0.0 };
        let value = admin.get(&format!("/v1/customer-values/{id}")).await.ok(200);
        near(&value["alive_probability"], 1.0 / (1.0 + gone));
        assert!(value["expected_purchases"].as_f64().unwrap() > 0.0 && value["lifetime_value"]["amount"].as_i64().unwrap() > 0);
        returned += usize::from(x > 0.0);
        // Equation 6 of Fader, Hardie and Lee; products in place of gamma functions.
        let rising = |from: f64, count: f64| (0..count as u32).map(|step| (from + f64::from(step)).ln()).sum::<f64>();
        let common = rising(r, x) + r * alpha.ln() - rising(a + b, x);
        let alive = rising(b, x) - (r + x) * (alpha + age).ln();
        let left = if x > 0.0 { a.ln() + rising(b, x - 1.0) - (r + x) * (alpha + t).ln() } else { f64::NEG_INFINITY };
        let most = alive.max(left);
        likelihood += common + most + ((alive - most).exp() + (left - most).exp()).ln();
    }
    let told = model["purchasing"]["log_likelihood"].as_f64().unwrap();
    assert!((told - likelihood).abs() < 1e-6 * likelihood.abs(), "{told} {likelihood}");
    let bars = model["purchasing"]["histogram"].as_array().unwrap();
    assert_eq!(bars[0]["actual"], json!(bought.len() - returned));
    assert_eq!(bars.iter().map(|bar| bar["actual"].as_u64().unwrap()).sum::<u64>(), u64::from(CUSTOMERS));
    let expected: f64 = bars.iter().map(|bar| bar["expected"].as_f64().unwrap()).sum();
    assert!((expected - f64::from(CUSTOMERS)).abs() < 0.01, "{expected}");
}

pub async fn bounds_are_the_tenants_own(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    let yuan = |amount: i64| json!({"amount": amount, "currency": "CNY"});
    let order = admin.create("orders", json!({"customer_id": customer, "amount": yuan(100_000), "ordered_on": day(40)})).await;
    let payments = format!("/v1/orders/{order}/payments");
    admin.post(&payments, json!({"amount": yuan(40_000), "due_on": day(30), "paid_on": day(20)})).await.ok(201);
    admin.post(&payments, json!({"amount": yuan(60_000), "due_on": day(10)})).await.ok(201);
    admin.create("tickets", json!({"subject": "x", "customer_id": customer, "kind": "complaint"})).await;
    let model = computed(&admin, json!({})).await;
    assert_eq!(model["purchasing"], Value::Null);
    let reasons: Vec<&str> = model["not_fitted"].as_array().unwrap().iter().map(|one| one["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["too_few_customers", "nobody_returned"]);
    let path = format!("/v1/customer-values/{customer}");
    let value = admin.get(&path).await.ok(200);
    assert_eq!(
        (&value["alive_probability"], &value["lifetime_value"], &value["churn_risk"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!((&value["overdue"], &value["longest_overdue_days"]), (&yuan(60_000), &json!(10)));
    near(&value["mean_days_late"], 10.0);
    near(&value["share_late"], 1.0);
    assert_eq!((&value["credit_risk"], &value["loyalty_class"]), (&json!("high"), &json!("ordinary")));
    assert_eq!(value["churn_reasons"], json!([{"reason": "troubles", "open_complaints": 1, "late_tickets": 0}]));

    let settings = "/v1/customer-values/settings";
    assert_eq!(admin.get(settings).await.ok(200)["lost_days"], 365);
    let set = json!({"lost_days": 30, "credit_high_share_late": 1, "credit_high_days_late": 60, "credit_high_overdue": 100_000,
        "rfm_monetary": [1, 1, 200_000, 300_000], "sales_levels": [100_000, 100_001]});
    admin.put(settings, set).await.ok(200);
    computed(&admin, json!({})).await;
    let value = admin.get(&path).await.ok(200);
    assert_eq!(
        (&value["loyalty_class"], &value["monetary_score"], &value["sales_class"]),
        (&json!("lost"), &json!(3), &json!("middle"))
    );
    assert_eq!(value["credit_risk"], "high", "all of it is late");
    for (body, fault) in
        [(json!({"lost_below": 1.5}), ("/lost_below", "too_large")), (json!({"decline": -1}), ("/decline", "too_small"))]
    {
        assert_eq!(admin.put(settings, body).await.faults(422), pairs(&[fault]));
    }
    for (body, fault) in [
        (json!({"rfm_recency": [1, 2, 3]}), ("/rfm_recency", "wrong_type")),
        (json!({"rfm_recency": [1, 3, 2, 4]}), ("/rfm_recency/2", "too_small")),
        (json!({"sales_levels": [1, "many"]}), ("/sales_levels/1", "wrong_type")),
        (json!({"colour": 1}), ("/colour", "unknown_member")),
    ] {
        assert_eq!(admin.put(settings, body).await.faults(400), pairs(&[fault]));
    }
    assert_eq!(admin.get(settings).await.ok(200)["lost_days"], 30, "what is refused changes nothing");
    // Whoever sees the customer sees the value, if their role lets them see values at all; only who administers computes.
    let seller = server.user(&admin, "seller", "sales_representative", json!({})).await;
    seller.get(&path).await.refused(404, "not_found");
    admin.patch(&format!("/v1/customers/{customer}"), json!({"owner_id": seller.id})).await.ok(200);
    seller.get(&path).await.ok(200);
    seller.post("/v1/customer-values/recompute", json!({})).await.refused(403, "forbidden");
    seller.put(settings, json!({})).await.refused(403, "forbidden");
    let technician = server.user(&admin, "wang", "service_technician", json!({})).await;
    technician.get(&path).await.refused(403, "forbidden");
    assert_eq!(technician.get("/v1/customers?value.order_count=1").await.status, 400, "nor by a filter");
    admin.request(Method::DELETE, &path).await.refused(405, "method_not_allowed");
}
