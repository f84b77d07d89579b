//! Counts beside customers and contacts, and orders that related records give: recomputed from the records themselves.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{client::Client, server::Server, support::TestDb};

const COUNTS: [&str; 4] = ["contact_count", "child_count", "open_opportunity_count", "open_task_count"];

/// Everything a client can read of a collection, however many pages that takes.
async fn all(client: &Client, path: &str) -> Vec<Value> {
    let (mut path, mut records) = (path.to_owned(), Vec::new());
    loop {
        let answer = client.get(&path).await;
        let next = answer.header("link").trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
        records.extend(answer.ok(200)["data"].as_array().unwrap().iter().cloned());
        if next.is_empty() {
            return records;
        }
        path = next;
    }
}

fn names(records: &[Value]) -> Vec<String> {
    records.iter().map(|record| record["name"].as_str().unwrap().to_owned()).collect()
}

/// Customers with contacts, children, opportunities and tasks of all states, some of them another user's.
async fn filled(admin: &Client, other: &Client) {
    let mut customers: Vec<String> = Vec::new();
    for number in 0..7 {
        let owner = if number % 3 == 0 { &other.id } else { &admin.id };
        let parent = customers.first().filter(|_| number > 3);
        let industry = ["Oil", "oil", "茶"].get(number % 4);
        let body = json!({"name": format!("C{number}"), "owner_id": owner, "parent_id": parent, "industry": industry});
        customers.push(admin.create("customers", body).await);
    }
    for number in 0..24 {
        let customer = &customers[number * number % 6];
        let owner = if number % 2 == 0 { &admin.id } else { &other.id };
        let contact =
            admin.create("contacts", json!({"name": format!("K{number:02}"), "customer_id": customer, "owner_id": owner})).await;
        let sale = json!({"name": format!("O{number:02}"), "customer_id": if number % 5 == 0 { Value::Null } else { json!(customer) },
            "owner_id": owner, "contacts": [{"contact_id": contact}]});
        let sale = admin.create("opportunities", sale).await;
        let task = json!({"subject": format!("T{number:02}"), "owner_id": owner, "records": [
            {"object": "customer", "id": customer}, {"object": "customer", "id": customers[[6, 5, 2][number % 3]]}, {"object": "contact", "id": contact}]});
        let task = admin.create("tasks", task).await;
        match number % 8 {
            1 => drop(admin.post(&format!("/v1/opportunities/{sale}/win"), json!({"close_reason": "价格"})).await.ok(200)),
            2 => drop(admin.post(&format!("/v1/opportunities/{sale}/lose"), json!({"close_reason": "价格"})).await.ok(200)),
            3 => drop(admin.delete(&format!("/v1/opportunities/{sale}")).await.ok(204)),
            4 => drop(admin.patch(&format!("/v1/tasks/{task}"), json!({"status": "completed"})).await.ok(200)),
            5 => drop(admin.delete(&format!("/v1/tasks/{task}")).await.ok(204)),
            6 => drop(admin.delete(&format!("/v1/contacts/{contact}")).await.ok(204)),
            _ => {}
        }
    }
    admin.delete(&format!("/v1/customers/{}", customers[5])).await.ok(204);
}

/// The counts that a client must see, from all the records that they can read.
async fn expected(client: &Client, object: &str) -> HashMap<String, HashMap<&'static str, i64>> {
    let contacts = all(client, "/v1/contacts?limit=200").await;
    let customers = all(client, "/v1/customers?limit=200").await;
    let sales = all(client, "/v1/opportunities?limit=200").await;
    let tasks = all(client, "/v1/tasks?limit=200").await;
    let open = |record: &&Value| record["status"] == "open";
    let counted = |id: &Value| {
        let concerns = |task: &&Value| task["records"].as_array().unwrap().contains(&json!({"object": object, "id": id}));
        let named = |list: &Value, member: &str| list.as_array().unwrap().iter().any(|item| item[member] == *id);
        let number = |count: usize| i64::try_from(count).unwrap();
        let of_sale = |sale: &&Value| match object {
            "customer" => sale["customer_id"] == *id,
            _ => named(&sale["contacts"], "contact_id"),
        };
        HashMap::from([
            ("contact_count", number(contacts.iter().filter(|contact| named(&contact["customers"], "customer_id")).count())),
            ("child_count", number(customers.iter().filter(|child| child["parent_id"] == *id).count())),
            ("open_opportunity_count", number(sales.iter().filter(open).filter(of_sale).count())),
            ("open_task_count", number(tasks.iter().filter(open).filter(concerns).count())),
        ])
    };
    let records = if object == "customer" { &customers } else { &contacts };
    records.iter().map(|record| (record["name"].as_str().unwrap().to_owned(), counted(&record["id"]))).collect()
}

async fn counts_are_right(client: &Client, object: &str, counts: &[&'static str]) {
    let collection = format!("{object}s");
    let expected = expected(client, object).await;
    assert!(!expected.is_empty());
    let fields = counts.join(",");
    for record in all(client, &format!("/v1/{collection}?limit=200&fields=name,{fields}")).await {
        let name = record["name"].as_str().unwrap();
        for count in counts {
            assert_eq!(record[*count], expected[name][count], "{count} of {name}");
        }
        let one = client.get(&format!("/v1/{collection}/{}?fields=name,{fields}", record["id"].as_str().unwrap())).await.ok(200);
        assert_eq!(one, record);
    }
    for count in counts {
        // Filters, as parameters and as JSON.
        let check = |suffix: &str, number: i64, has: i64| match suffix {
            "" => has == number,
            "_ne" => has != number,
            "_gt" => has > number,
            "_gte" => has >= number,
            "_lt" => has < number,
            _ => has <= number,
        };
        for suffix in ["", "_ne", "_gt", "_gte", "_lt", "_lte"] {
            for number in 0..4 {
                let path = format!("/v1/{collection}?limit=200&sort=name&{count}{suffix}={number}");
                let mut fitting: Vec<String> = expected
                    .iter()
                    .filter(|(_, counts)| check(suffix, number, counts[count]))
                    .map(|(name, _)| name.clone())
                    .collect();
                fitting.sort();
                assert_eq!(client.names(&path).await, fitting, "{path}");
            }
        }
        let mut listed = client.names(&format!("/v1/{collection}?limit=200&sort=name&{count}_in=0,2")).await;
        listed.extend(client.names(&format!("/v1/{collection}?limit=200&sort=name&{count}_nin=0,2")).await);
        assert_eq!(listed.len(), expected.len());
        let filter = json!({"filter": {"not": {"field": count, "op": "gte", "value": 1}}, "limit": 200, "total": true});
        let none = client.post(&format!("/v1/{collection}/search"), filter).await.ok(200);
        assert_eq!(none["page"]["total"], expected.values().filter(|counts| counts[count] == 0).count());
        // The order, page by page.
        for sign in ["", "-"] {
            let sort = format!("{sign}{count},name");
            let mut ordered: Vec<(i64, &String)> = expected.iter().map(|(name, counts)| (counts[count], name)).collect();
            ordered.sort_by(|left, right| {
                let by_count = if sign.is_empty() { left.0.cmp(&right.0) } else { right.0.cmp(&left.0) };
                by_count.then_with(|| left.1.cmp(right.1))
            });
            let ordered: Vec<String> = ordered.into_iter().map(|(_, name)| name.clone()).collect();
            assert_eq!(
                names(&all(client, &format!("/v1/{collection}?limit=2&fields=name&sort={sort}")).await),
                ordered,
                "{sort}"
            );
        }
    }
}

pub async fn are_those_of_the_records_that_one_may_read(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let may = ["customer read all", "contact read all", "opportunity read own", "task read own", "user read all"];
    let seller = server.user_who_may(&admin, "seller", &may, json!([]), json!({})).await;
    filled(&admin, &seller).await;
    counts_are_right(&admin, "customer", &COUNTS).await;
    counts_are_right(&admin, "contact", &COUNTS[2..]).await;
    // Who reads only their own counts only their own.
    counts_are_right(&seller, "customer", &COUNTS).await;
    counts_are_right(&seller, "contact", &COUNTS[2..]).await;
    let fields = "fields=open_opportunity_count,open_task_count";
    let (whole, own) =
        (admin.get(&format!("/v1/customers?{fields}")).await, seller.get(&format!("/v1/customers?{fields}")).await);
    assert_ne!(whole.ok(200)["data"], own.ok(200)["data"]);
    // Who may read none of them, or not whether they are open, learns nothing from a filter or an order either.
    let hidden = json!([{"object": "opportunity", "field": "status", "rule": "hidden"}]);
    for (name, may, rules) in [
        ("blind", vec!["customer read all"], json!([])),
        ("half blind", vec!["customer read all", "opportunity read all"], hidden),
    ] {
        let client = server.user_who_may(&admin, name, &may, rules, json!({})).await;
        let counts = all(&client, "/v1/customers?fields=open_opportunity_count").await;
        assert!(counts.iter().all(|record| record["open_opportunity_count"] == 0), "{name}");
        client.get("/v1/customers?open_opportunity_count_gte=1").await.refused(400, "invalid_request");
        client.get("/v1/customers?sort=open_opportunity_count").await.refused(400, "invalid_request");
    }
}

pub async fn related_records_give_the_order(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let other = server.user_who_may(&admin, "Zoe", &["customer read all"], json!([]), json!({})).await;
    filled(&admin, &other).await;
    let customers = all(&admin, "/v1/customers?limit=200&archived=any").await;
    let by_id: HashMap<&str, &Value> = customers.iter().map(|customer| (customer["id"].as_str().unwrap(), customer)).collect();
    let sales = all(&admin, "/v1/opportunities?limit=200").await;
    for (field, sign) in [("name", ""), ("name", "-"), ("industry", ""), ("industry", "-"), ("created_at", ""), ("parent_id", "")]
    {
        if field == "parent_id" {
            admin.get("/v1/opportunities?sort=customer.parent_id").await.refused(400, "invalid_request");
            continue;
        }
        // Nulls come last, whichever way: of no customer, and of a customer without a value.
        let key = |sale: &Value| {
            let customer = sale["customer_id"].as_str().and_then(|id| by_id.get(id));
            customer.and_then(|customer| customer[field].as_str()).map(str::to_owned)
        };
        let mut ordered: Vec<(Option<String>, String)> =
            sales.iter().map(|sale| (key(sale), sale["name"].as_str().unwrap().to_owned())).collect();
        ordered.sort_by(|(left, left_name), (right, right_name)| {
            let by_key = match (left, right) {
                (Some(left), Some(right)) if sign.is_empty() => left.cmp(right),
                (Some(left), Some(right)) => right.cmp(left),
                (left, right) => left.is_none().cmp(&right.is_none()),
            };
            by_key.then_with(|| left_name.cmp(right_name))
        });
        let ordered: Vec<String> = ordered.into_iter().map(|(_, name)| name).collect();
        for limit in [1, 3, 200] {
            let path = format!("/v1/opportunities?fields=name,customer.{field}&sort={sign}customer.{field},name&limit={limit}");
            assert_eq!(names(&all(&admin, &path).await), ordered, "{path}");
        }
        let skipped = admin.names(&format!("/v1/opportunities?sort={sign}customer.{field},name&offset=4&limit=200")).await;
        assert_eq!(skipped, ordered[4..], "{sign}{field}");
    }
    // By the order of the board, then by the owner.
    let mut by_stage = names(&all(&admin, "/v1/opportunities?sort=stage.sort_order,-owner.name,name&limit=4").await);
    assert_eq!(by_stage.len(), sales.len());
    by_stage.dedup();
    assert_eq!(by_stage.len(), sales.len());
    // What one may not read gives no order: it is as if there were nothing.
    let may = ["opportunity read all", "customer read own"];
    let blind = server.user_who_may(&admin, "blind", &may, json!([]), json!({})).await;
    let mut all_names = names(&sales);
    all_names.sort();
    assert_eq!(names(&all(&blind, "/v1/opportunities?sort=customer.name,name&limit=5").await), all_names);
    let blinder = server.user_who_may(&admin, "blinder", &may[..1], json!([]), json!({})).await;
    blinder.get("/v1/opportunities?sort=customer.name").await.refused(400, "invalid_request");
    for (sort, code) in [
        ("customer.nmae", "unknown_member"),
        ("custmer.name", "unknown_member"),
        ("customer.owner.name", "unknown_member"),
        ("customer.contact_count", "not_sortable"),
        ("customer.emails", "not_sortable"),
        ("line_items.name", "not_sortable"),
        ("customer", "unknown_member"),
        ("customer.name,-customer.name", "repeated"),
    ] {
        let problem = admin.get(&format!("/v1/opportunities?sort={sort}")).await.refused(400, "invalid_request");
        assert_eq!(problem["errors"][0]["code"], code, "{sort}");
    }
    let page = admin.get("/v1/opportunities?sort=customer.name&limit=1").await.ok(200);
    let cursor = page["page"]["next"].as_str().unwrap();
    admin.get(&format!("/v1/opportunities?sort=customer.industry&cursor={cursor}")).await.refused(400, "invalid_request");
    // So do searches, with relevance left out.
    let body = json!({"q": "O0", "sort": ["-customer.name", "name"], "limit": 200});
    assert!(!admin.post("/v1/opportunities/search", body).await.each("name").is_empty());
}
