//! `POST /v1/{collection}/bulk`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    app::crash::Process,
    client::{Client, pairs},
    server::Server,
    support::{TestDb, new_id},
};

const CUSTOMERS: &str = "/v1/customers/bulk";

/// Created, updated, unchanged, failed.
fn counts(answer: &Value) -> [i64; 4] {
    ["created", "updated", "unchanged", "failed"].map(|name| answer[name].as_i64().unwrap())
}

fn outcomes(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

/// Place and code of what is wrong with a row.
fn faults(row: &Value) -> Vec<(String, String)> {
    let told = row["errors"].as_array().unwrap().iter();
    told.map(|fault| (fault["pointer"].as_str().unwrap().to_owned(), fault["code"].as_str().unwrap().to_owned())).collect()
}

async fn cursor(client: &Client) -> String {
    client.get("/v1/changes?cursor=now").await.ok(200)["page"]["next"].as_str().unwrap().to_owned()
}

/// Type and record of each event since a cursor.
async fn events(client: &Client, cursor: &str) -> Vec<(String, String)> {
    let (mut cursor, mut events) = (cursor.to_owned(), Vec::new());
    loop {
        let page = client.get(&format!("/v1/changes?limit=200&cursor={cursor}")).await.ok(200);
        let data = page["data"].as_array().unwrap();
        if data.is_empty() {
            return events;
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        events.extend(data.iter().map(|event| (text(&event["type"]), text(&event["record_id"]))));
        cursor = text(&page["page"]["next"]);
    }
}

async fn total(client: &Client) -> i64 {
    client.get("/v1/customers?total=true&limit=1").await.ok(200)["page"]["total"].as_i64().unwrap()
}

/// Each record has its own outcome and its own event, in the order of the request; what fails tells why, at its place.
pub async fn each_record_has_its_own_outcome(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let taken = admin.create("customers", json!({"name": "Taken", "social_credit_code": "914403001922038216"})).await;
    let mut records: Vec<Value> = (0..250).map(|place| json!({"name": format!("Bulk {place}")})).collect();
    records[3] = json!({"name": "x", "emails": [{"value": "a@example.com"}, {"value": "nonsense"}], "nmae": 1});
    records[120] = json!({"name": "x", "social_credit_code": "914403001922038216"});
    records[121] = json!({"name": "x", "owner_id": new_id().to_string()});
    records[249] = json!("x");
    let since = cursor(&admin).await;
    let answer = admin.post(CUSTOMERS, json!({"records": records})).await.ok(200);
    assert_eq!(counts(&answer), [246, 0, 0, 4]);
    let data = answer["data"].as_array().unwrap();
    assert_eq!(data.len(), 250);
    for (place, row) in data.iter().enumerate() {
        assert_eq!(row["index"], place);
        let failed = [3, 120, 121, 249].contains(&place);
        assert_eq!((row["outcome"] == "failed", row["id"].is_null()), (failed, failed), "{row}");
    }
    let wrong = [("/records/3/emails/1/value", "invalid_email"), ("/records/3/nmae", "unknown_member")];
    assert_eq!(faults(&data[3]), pairs(&wrong));
    assert_eq!((&data[3]["problem"]["code"], &data[3]["problem"]["status"]), (&json!("invalid_request"), &json!(400)));
    assert_eq!(faults(&data[120]), pairs(&[("/records/120/social_credit_code", "taken")]));
    assert_eq!(data[120]["problem"]["existing_id"], json!(taken));
    assert_eq!(faults(&data[121]), pairs(&[("/records/121/owner_id", "reference_not_found")]));
    assert_eq!(faults(&data[249]), pairs(&[("/records/249", "wrong_type")]));
    let events = events(&admin, &since).await;
    let made: Vec<(String, String)> = data
        .iter()
        .filter(|row| row["outcome"] == "created")
        .map(|row| ("customer.created".to_owned(), row["id"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(events, made);
    assert_eq!(total(&admin).await, 247);
    let found = admin.get("/v1/customers?q=Bulk%20248").await.ok(200);
    assert_eq!(found["data"][0]["id"], data[248]["id"]);
    let chinese = admin.post(CUSTOMERS, json!({"records": [{}]})).header("Accept-Language", "zh").await.ok(200);
    assert_eq!(chinese["data"][0]["errors"][0]["message"], "为必填项");
}

/// What is wrong with the request as a whole is told at once, and writes nothing.
pub async fn requests_are_judged_first(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let post = async |body: Value| admin.post(CUSTOMERS, body).await.faults(400);
    assert_eq!(post(json!({})).await, pairs(&[("/records", "required")]));
    assert_eq!(post(json!({"records": []})).await, pairs(&[("/records", "required")]));
    assert_eq!(post(json!({"records": {}})).await, pairs(&[("/records", "wrong_type")]));
    assert_eq!(post(json!({"records": vec![json!({}); 1_001]})).await, pairs(&[("/records", "too_many")]));
    assert_eq!(post(json!({"records": [{}], "upsert_by": "name"})).await, pairs(&[("/upsert_by", "unknown_choice")]));
    assert_eq!(post(json!({"records": [{}], "atomc": true})).await, pairs(&[("/atomc", "unknown_member")]));
    for path in ["/v1/nonsense/bulk", "/v1/auth/bulk"] {
        admin.post(path, json!({"records": [{"name": "x"}]})).await.refused(404, "not_found");
    }
    admin.post("/v1/notifications/bulk", json!({"records": [{}]})).await.refused(405, "method_not_allowed");
    admin.get(CUSTOMERS).await.refused(405, "method_not_allowed");
    // More than other bodies, and not without end.
    let long = "x".repeat(5_000);
    let records = |count: usize| json!({"records": vec![json!({"name": "x", "description": long}); count]});
    assert_eq!(counts(&admin.post(CUSTOMERS, records(300)).await.ok(200)), [300, 0, 0, 0]);
    admin
        .post("/v1/customers/bulk?validate_only=true", json!({"records": [{"name": "y".repeat(9_000_000)}]}))
        .await
        .refused(413, "payload_too_large");
    // At most a thousand faults are told, and of each record one.
    let wrong: Vec<Value> =
        (0..20).map(|_| Value::Object((0..90).map(|one| (format!("wrong_{one}"), json!(1))).collect())).collect();
    let answer = admin.post(CUSTOMERS, json!({"records": wrong})).await.ok(200);
    let told: Vec<usize> = answer["data"].as_array().unwrap().iter().map(|row| row["errors"].as_array().unwrap().len()).collect();
    assert!(told.iter().sum::<usize>() <= 1_000 + 20 && told.iter().all(|count| *count > 0), "{told:?}");
    assert_eq!((told[19], &answer["data"][19]["problem"]["truncated"]), (1, &json!(true)));
}

/// Records are found again by a key in another system, a unique field or their id: created, updated, or unchanged.
pub async fn records_are_found_by_their_keys(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let row = |key: &str, name: &str| json!({"name": name, "external_ids": {"sap": key}});
    let post = async |by: &str, records: Value| admin.post(CUSTOMERS, json!({"upsert_by": by, "records": records})).await.ok(200);
    let first = post("ext:sap", json!([row("1", "One"), row("2", "Two")])).await;
    assert_eq!(counts(&first), [2, 0, 0, 0]);
    let again =
        post("ext:sap", json!([row("2", "Two"), row(" 1 ", "First"), row("3", "Three"), row("1", "x"), {"name": "x"}])).await;
    assert_eq!(outcomes(&again), ["unchanged", "updated", "created", "failed", "failed"]);
    assert_eq!((&again["data"][1]["id"], &again["data"][0]["id"]), (&first["data"][0]["id"], &first["data"][1]["id"]));
    assert_eq!(faults(&again["data"][3]), pairs(&[("/records/3/external_ids/sap", "duplicate_in_request")]));
    assert_eq!(faults(&again["data"][4]), pairs(&[("/records/4/external_ids/sap", "required")]));
    assert_eq!(admin.get("/v1/customers/ext:sap:1").await.ok(200)["name"], "First");
    let codes = ["914403001922038216", "91310000132200821H"];
    let by_code = json!([{"name": "Huawei", "social_credit_code": codes[0]}, {"social_credit_code": "nonsense"}]);
    let made = post("social_credit_code", by_code).await;
    assert_eq!(outcomes(&made), ["created", "failed"]);
    let changed = post("social_credit_code", json!([{"social_credit_code": "91440300-1922038216", "region": "华南"}])).await;
    assert_eq!((outcomes(&changed), &changed["data"][0]["id"]), (vec!["updated"], &made["data"][0]["id"]));
    let tags =
        admin.post("/v1/tags/bulk", json!({"upsert_by": "name", "records": [{"name": "VIP"}, {"name": "vip"}]})).await.ok(200);
    assert_eq!(outcomes(&tags), ["created", "failed"]);
    // Offline first: ids that clients choose.
    let id = new_id().to_string();
    let by_id = post("id", json!([{"id": id, "name": "Mine"}, {"id": first["data"][0]["id"], "name": "First"}])).await;
    assert_eq!((outcomes(&by_id), &by_id["data"][0]["id"]), (vec!["created", "unchanged"], &json!(id)));
    // Parts name the record they belong to.
    let pipeline = admin.list("/v1/pipelines", "id").await.remove(0);
    let stages = json!({"records": [{"pipeline_id": pipeline, "name": "Bulk", "kind": "open"}, {"name": "x", "kind": "open"}]});
    let stages = admin.post("/v1/stages/bulk", stages).await.ok(200);
    assert_eq!(outcomes(&stages), ["created", "failed"]);
    assert_eq!(faults(&stages["data"][1]), pairs(&[("/records/1/pipeline_id", "required")]));
}

/// What is only validated, or to be written whole or not at all, leaves nothing.
pub async fn nothing_is_left_of_what_is_undone(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut records: Vec<Value> =
        (0..300).map(|place| json!({"name": format!("Undone {place}"), "external_ids": {"sap": place.to_string()}})).collect();
    let since = cursor(&admin).await;
    let all = json!({"upsert_by": "ext:sap", "atomic": true, "records": records});
    let validated = admin.post("/v1/customers/bulk?validate_only=true", all.clone()).await.ok(200);
    assert_eq!(counts(&validated), [300, 0, 0, 0]);
    records[7] = json!({"name": "", "external_ids": {"sap": "7"}});
    records[250] = json!({"name": "x", "external_ids": {"sap": "250"}, "owner_id": new_id().to_string()});
    let wrong = json!({"upsert_by": "ext:sap", "atomic": true, "records": records});
    let problem = admin.post(CUSTOMERS, wrong).await.refused(422, "batch_rolled_back");
    assert_eq!((&problem["committed"], problem["data"].as_array().unwrap().len()), (&json!(false), 300));
    let count = |outcome: &str| outcomes(&problem).iter().filter(|one| **one == outcome).count();
    assert_eq!((count("rolled_back"), count("failed")), (298, 2));
    assert_eq!(faults(&problem["data"][7]), pairs(&[("/records/7/name", "blank")]));
    assert_eq!(faults(&problem["data"][250]), pairs(&[("/records/250/owner_id", "reference_not_found")]));
    assert_eq!((events(&admin, &since).await.len(), total(&admin).await), (0, 0));
    assert_eq!(admin.get("/v1/search?q=Undone").await.ok(200)["data"], json!([]));
    assert_eq!(counts(&admin.post(CUSTOMERS, all).await.ok(200)), [300, 0, 0, 0]);
    assert_eq!((events(&admin, &since).await.len(), total(&admin).await), (300, 300));
}

/// Rights, rows and hidden fields are those of each record.
pub async fn rights_are_those_of_each_record(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let hers =
        json!({"name": "Hers", "external_ids": {"sap": "1"}, "owner_id": admin.id, "social_credit_code": "914403001922038216"});
    let hers = admin.create("customers", hers).await;
    let rights = ["customer read own", "customer create own", "customer update own"];
    let rules = json!([{"object": "customer", "field": "annual_revenue", "rule": "hidden"}]);
    let own = server.user_who_may(&admin, "own", &rights, rules, json!({})).await;
    let mine = own.create("customers", json!({"name": "Mine", "external_ids": {"sap": "2"}})).await;
    let money = json!({"amount": 1, "currency": "CNY"});
    let records = json!([
        {"name": "x", "external_ids": {"sap": "1"}},
        {"name": "Mine too", "external_ids": {"sap": "2"}},
        {"name": "x", "external_ids": {"sap": "3"}, "annual_revenue": money},
        {"name": "x", "external_ids": {"sap": "4"}, "owner_id": admin.id},
        {"name": "New", "external_ids": {"sap": "5"}},
    ]);
    let answer = own.post(CUSTOMERS, json!({"upsert_by": "ext:sap", "records": records})).await.ok(200);
    assert_eq!(outcomes(&answer), ["failed", "updated", "failed", "failed", "created"]);
    assert_eq!((&answer["data"][0]["problem"]["code"], &answer["data"][1]["id"]), (&json!("not_found"), &json!(mine)));
    assert_eq!(faults(&answer["data"][2]), pairs(&[("/records/2/annual_revenue", "unknown_member")]));
    assert_eq!(answer["data"][3]["problem"]["code"], "forbidden");
    let seen = json!({"upsert_by": "social_credit_code", "records": [{"name": "x", "social_credit_code": "914403001922038216"}]});
    let answer = own.post(CUSTOMERS, seen).await.ok(200);
    assert_eq!(faults(&answer["data"][0]), pairs(&[("/records/0/social_credit_code", "taken")]));
    assert!(!answer.to_string().contains(&hers), "{answer}");
    let rules = json!([{"object": "customer", "field": "social_credit_code", "rule": "hidden"}]);
    let blind = server.user_who_may(&admin, "blind", &rights, rules, json!({})).await;
    let by_hidden = json!({"upsert_by": "social_credit_code", "records": [{"name": "x"}]});
    assert_eq!(blind.post(CUSTOMERS, by_hidden).await.faults(400), pairs(&[("/upsert_by", "unknown_choice")]));
    let reader = server.user_who_may(&admin, "reader", &["customer read all"], json!([]), json!({})).await;
    reader.post(CUSTOMERS, json!({"records": [{"name": "x"}]})).await.refused(403, "forbidden");
    let updater =
        server.user_who_may(&admin, "updater", &["customer read all", "customer update all"], json!([]), json!({})).await;
    updater.post(CUSTOMERS, json!({"records": [{"name": "x"}]})).await.refused(403, "forbidden");
    let records = json!([{"name": "Hers now", "external_ids": {"sap": "1"}}, {"name": "x", "external_ids": {"sap": "9"}}]);
    let answer = updater.post(CUSTOMERS, json!({"upsert_by": "ext:sap", "records": records})).await.ok(200);
    assert_eq!((outcomes(&answer), &answer["data"][1]["problem"]["code"]), (vec!["updated", "failed"], &json!("forbidden")));
}

/// A repeated request tells what became of its records, and writes none twice; a new owner hears of all of them once.
pub async fn repeated_requests_tell_the_truth(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let seller = server.user(&admin, "Seller", "sales_manager", json!({})).await;
    let records: Vec<Value> = (0..250).map(|place| json!({"name": format!("Again {place}"), "owner_id": seller.id})).collect();
    let body = json!({"records": records});
    let post = || admin.post(CUSTOMERS, body.clone()).header("Idempotency-Key", "again");
    let first = post().await.ok(200);
    let again = post().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((again.ok(200), total(&admin).await), (first, 250));
    admin
        .post(CUSTOMERS, json!({"records": [{"name": "x"}]}))
        .header("Idempotency-Key", "again")
        .await
        .refused(422, "idempotency_key_reused");
    let told = seller.get("/v1/notifications").await.ok(200);
    assert_eq!((told["data"].as_array().unwrap().len(), &told["data"][0]["record_count"]), (1, &json!(250)));
    // What is shown once is not shown again.
    let role = admin.role("sales_representative").await;
    let users = json!({"records": [{"name": "Invited", "email": "invited@example.com", "role_ids": [role]}]});
    let invite = || admin.post("/v1/users/bulk", users.clone()).header("Idempotency-Key", "invite");
    let invited = invite().await.ok(200);
    assert!(invited["data"][0]["shown_once"]["invitation_token"].is_string(), "{invited}");
    let again = invite().await.ok(200);
    assert_eq!((&again["data"][0]["id"], &again["data"][0]["shown_once"]), (&invited["data"][0]["id"], &Value::Null));
}

/// Many who write records with the same keys at once make none twice, and none of them is refused.
pub async fn many_write_the_same_keys_at_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let clients = (0..16).map(|client: usize| {
        let admin = admin.clone();
        async move {
            let mut keys: Vec<usize> = (0..120).collect();
            keys.rotate_left(client * 7);
            let row = |key: usize| json!({"name": format!("Client {client}"), "external_ids": {"sap": key.to_string()}});
            let records: Vec<Value> = keys.into_iter().map(row).collect();
            let one = format!("/v1/customers/ext:sap:{client}");
            let many = async { admin.post(CUSTOMERS, json!({"upsert_by": "ext:sap", "records": records})).await };
            let one = async { admin.put(&one, json!({"name": "One"})).await };
            let (many, one) = tokio::join!(many, one);
            assert!(one.status < 300, "{}", one.text);
            many.ok(200)
        }
    });
    let answers = futures_util::future::join_all(clients).await;
    let mut created = 0;
    for answer in &answers {
        let [made, updated, unchanged, failed] = counts(answer);
        assert_eq!((made + updated + unchanged, failed), (120, 0), "{answer}");
        created += made;
    }
    assert_eq!(total(&admin).await, 120);
    assert!((104..=120).contains(&created), "{created}");
}

/// `kill -9`: what was written stays, and the same request goes on and tells what became of every record.
pub async fn a_killed_request_goes_on_when_it_is_repeated(db: TestDb) {
    let process = Process::start(&db);
    let admin = process.admin().await;
    let records: Vec<Value> = (0..1_000).map(|place| json!({"name": format!("Killed {place}")})).collect();
    let body = json!({"records": records});
    let running = tokio::spawn({
        let request = admin.post(CUSTOMERS, body.clone()).header("Idempotency-Key", "killed");
        async move { request.try_send().await.is_ok() }
    });
    while total(&admin).await < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    process.kill();
    assert!(!running.await.unwrap(), "it was answered before the end");
    let process = Process::start(&db);
    let admin = Client::new(&process.url).with_token(admin.token());
    let before = total(&admin).await;
    assert!((500..1_000).contains(&before) && before % 500 == 0, "{before}");
    let answer = admin.post(CUSTOMERS, body).header("Idempotency-Key", "killed").await.ok(200);
    assert_eq!((counts(&answer), total(&admin).await), ([1_000, 0, 0, 0], 1_000));
    let mut ids: Vec<&Value> = answer["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1_000);
}
