//! The contract: what the OpenAPI document says, walked operation by operation. A new endpoint is covered the day it appears.

pub mod actions;
pub mod codes;
mod document;
mod examples;

use std::collections::BTreeSet;

use farley::app::server;
use farley_domain::{
    customers::contact::Contact,
    model::{
        entity::Entity,
        field::{Storage, Writable},
        registry,
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use self::{
    document::{Contract, Operation},
    examples::Examples,
};
use crate::{
    client::pairs,
    server::{OPERATOR_KEY, Server},
    support::{TestDb, new_id},
};

/// How many objects have a life that is walked through.
const OBJECTS: usize = 55;

/// Without a token 401, in the language asked for; open operations take no token into account.
pub async fn everything_else_needs_a_token(db: TestDb) {
    let server = Server::start(db).await;
    let mut contract = Contract::new();
    for operation in contract.operations() {
        for client in [server.anybody(), server.anybody().with_token("nonsense")] {
            let answer = operation.send(&client, &operation.path_of(&new_id().to_string())).header("Accept-Language", "zh").await;
            contract.check(&operation, &answer);
            if operation.is_open() {
                // What is named by a token that is not there is not found, wherever it is routed.
                assert!(answer.status != 404 || operation.path.contains("{token}"), "{} is not routed", operation.id);
                continue;
            }
            assert_eq!(answer.header("content-language"), "zh-CN");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{}", operation.id);
            answer.refused(401, "unauthorized");
        }
    }
}

/// Who has no role may do what concerns themselves alone.
pub async fn everything_else_needs_a_permission(db: TestDb) {
    const OF_ONESELF: &[&str] = &[
        "getMe",
        "updateMe",
        "changeMyPassword",
        "listMySessions",
        "endMySession",
        "explainAccess",
        "listMySettings",
        "getMySetting",
        "putMySetting",
        "deleteMySetting",
        // These answer with what one may see: nothing.
        "search",
        "listChanges",
        "createStreamTicket",
        "listLocks",
        "listObjects",
        // Tells of each operation whether one may do it.
        "performBatch",
        // The same for everybody.
        "listSettings",
        "getSetting",
        "listCountries",
        "listCurrencies",
        "listFigures",
        "listReports",
        "getReportDefinition",
        "listLanguages",
        "listTimeZones",
    ];
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let nobody = server.user_with(&admin, "Nobody", json!([]), json!({})).await;
    let mut contract = Contract::new();
    for operation in contract.operations().into_iter().filter(is_of_users) {
        let answer = operation.send(&nobody, &operation.path_of(&new_id().to_string())).await;
        contract.check(&operation, &answer);
        if OF_ONESELF.contains(&operation.id.as_str()) {
            assert_ne!(answer.status, 403, "{}", operation.id);
        } else {
            answer.refused(403, "forbidden");
        }
    }
    for path in ["/v1/changes", "/v1/search?q=a", "/v1/metadata/objects"] {
        assert_eq!(nobody.get(path).await.ok(200)["data"], json!([]), "{path}");
    }
}

/// Whether an operation is for users and keys. A stream of changes, which has no end, shows what the feed does.
fn is_of_users(operation: &Operation) -> bool {
    !operation.is_open() && !operation.is_of_the_operator() && operation.id != "streamChanges"
}

/// A key with one scope does what that says, on every endpoint, though its user may do everything.
pub async fn everything_else_needs_a_scope(db: TestDb) {
    const OF_THE_SCOPE: &[&str] = &[
        "listCustomers",
        "searchCustomers",
        "summarizeCustomers",
        "getCustomer",
        "listCustomerHistory",
        "getCustomerOverview",
        "listCustomerTimeline",
        "listCustomerHolders",
        // These answer with what the scope lets be seen.
        "getMe",
        "performBatch",
        "search",
        "lookUpNumber",
        "listChanges",
        "createStreamTicket",
        "listLocks",
        "listObjects",
        "getObject",
        // The same for everybody.
        "listCountries",
        "listCurrencies",
        "listFigures",
        "listReports",
        "getReportDefinition",
        "listLanguages",
        "listTimeZones",
    ];
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    let made = admin.post("/v1/api-keys", json!({"name": "reader", "scopes": ["customer:read"]})).await.ok(201);
    let key = server.anybody().with_token(made["key"].as_str().expect("a key"));
    let mut contract = Contract::new();
    let mut served = 0;
    for operation in contract.operations().into_iter().filter(is_of_users) {
        let unknown = new_id().to_string();
        let id = if operation.path.starts_with("/v1/customers/") { &customer } else { &unknown };
        let answer = operation.send(&key, &operation.path_of(id)).await;
        contract.check(&operation, &answer);
        if OF_THE_SCOPE.contains(&operation.id.as_str()) {
            assert!([200, 201, 400].contains(&answer.status), "{}: {}", operation.id, answer.text);
            served += 1;
        } else {
            assert_eq!(answer.status, 403, "{}: {}", operation.id, answer.text);
        }
    }
    assert_eq!(served, OF_THE_SCOPE.len());
    let me = key.get("/v1/me").await.ok(200);
    assert_eq!((&me["id"], &me["email"], &me["name"]), (&json!(admin.id), &Value::Null, &Value::Null));
    for path in ["/v1/changes?limit=200", "/v1/search?q=a"] {
        assert!(key.get(path).await.each("object").iter().all(|object| object == "customer"), "{path}");
    }
    assert_eq!(key.get("/v1/metadata/objects").await.each("name"), ["customer"]);
}

pub async fn unknown_records_are_not_found(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut contract = Contract::new();
    // Who cannot sign for a channel is not told whether it is there.
    let named = |operation: &Operation| operation.names_a_record() && !operation.is_open();
    for operation in contract.operations().into_iter().filter(named) {
        for id in
            [new_id().to_string(), "ext:sap:unknown".to_owned(), "ext:sap".to_owned(), "nonsense".to_owned(), "7".to_owned()]
        {
            let answer = operation.send(&admin, &operation.path_of(&id)).await;
            contract.check(&operation, &answer);
            answer.refused(404, "not_found");
        }
    }
}

pub async fn unknown_parameters_are_refused(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let operator = server.anybody().with_token(OPERATOR_KEY);
    let mut contract = Contract::new();
    for operation in contract.operations() {
        let client = if operation.is_of_the_operator() { &operator } else { &admin };
        let path = operation.path_of(&new_id().to_string());
        let path = format!("{path}{}nonsense_parameter=1", if path.contains('?') { '&' } else { '?' });
        let answer = operation.send(client, &path).await;
        contract.check(&operation, &answer);
        let problem = answer.refused(400, "invalid_request");
        let fault = json!({"pointer": "nonsense_parameter", "code": "unknown_parameter"});
        let faults = problem["errors"].as_array().expect("faults").iter();
        let mut faults = faults.map(|found| json!({"pointer": found["pointer"], "code": found["code"]}));
        assert!(faults.any(|found| found == fault), "{}: {problem}", operation.id);
    }
}

/// A key that cannot be kept is refused by whatever documents the header, also where nothing is written.
pub async fn unusable_idempotency_keys_are_refused(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let operator = server.anybody().with_token(OPERATOR_KEY);
    let mut contract = Contract::new();
    let mut tried = 0;
    for operation in contract.operations().into_iter().filter(|operation| operation.takes("IdempotencyKey")) {
        let client = if operation.is_of_the_operator() { &operator } else { &admin };
        let request = operation.send(client, &operation.path_of(&new_id().to_string()));
        let answer = request.header("Idempotency-Key", &"x".repeat(256)).await;
        contract.check(&operation, &answer);
        let faults = answer.faults(400);
        assert_eq!(faults, pairs(&[("Idempotency-Key", "too_long")]), "{}", operation.id);
        tried += 1;
    }
    assert!(tried > 100, "{tried}");
}

/// Each parameter of each list works with the value that the document shows, and with one of its schema.
pub async fn documented_parameters_work_as_shown(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let contract = Contract::new();
    let mut tried = 0;
    for operation in contract.operations() {
        let is_read =
            operation.id.starts_with("list") || operation.id.starts_with("summarize") || operation.id == "getSalesFunnel";
        if !is_read || operation.names_a_record() || operation.is_of_the_operator() || operation.method != Method::GET {
            continue;
        }
        let parameters = operation.declared["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in parameters.iter().map(|parameter| contract.resolve(parameter)).filter(|one| one["in"] == "query") {
            let name = parameter["name"].as_str().expect("a name");
            let schema = contract.resolve(&parameter["schema"]);
            assert!(parameter.get("example").is_none(), "{name}: the documentation page would fill it in");
            let shown = match (&schema["examples"][0], &schema["enum"][0]) {
                (Value::Null, Value::Null) => match (schema["type"].as_str(), schema["format"].as_str(), name) {
                    (_, _, "cursor" | "offset") => continue,
                    (Some("boolean"), _, _) => json!("true"),
                    (Some("integer"), _, _) => schema["maximum"].clone(),
                    (_, Some("uuid"), _) => json!(new_id().to_string()),
                    (Some("array"), _, _) => json!(new_id().to_string()),
                    _ => json!("x"),
                },
                (Value::Null, first) => first.clone(),
                (shown, _) => shown.clone(),
            };
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let shown = match &shown {
                Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
                other => text(other),
            };
            let written: String = form_urlencoded::byte_serialize(shown.as_bytes()).collect();
            let answer = admin.get(&format!("{}?{name}={written}", operation.path)).await;
            let unknown = answer.status == 400 && answer.text.contains("not_found");
            assert!(answer.status == 200 || unknown, "{} {name}={shown}: {}", operation.id, answer.text);
            tried += 1;
        }
    }
    assert!(tried > 500, "only {tried} tries");
}

/// Every read without a record, as documented.
pub async fn reads_answer_as_documented(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.create("customers", json!({"name": "Acme", "emails": [{"value": "a@example.com"}]})).await;
    for settings in ["/v1/settings/777", "/v1/me/settings/777"] {
        admin.put(settings, json!({"value": {"columns": []}})).await.ok(201);
    }
    let operator = server.anybody().with_token(OPERATOR_KEY);
    let mut contract = Contract::new();
    for operation in contract.operations() {
        let reads = operation.method == Method::GET || operation.id.starts_with("search");
        // A stream has no end.
        if !reads || operation.names_a_record() || operation.id.starts_with("stream") || operation.path.contains("{token}") {
            continue;
        }
        let client = if operation.is_of_the_operator() { &operator } else { &admin };
        let required = match operation.id.as_str() {
            "search" => "?q=acme".to_owned(),
            "lookUpNumber" => "?phone=13800138000".to_owned(),
            "getForecast" => "?period=2026-Q4".to_owned(),
            "getServiceSatisfaction" | "getServiceSla" | "getServiceTimes" | "getServiceVolume" => "?from=2026-01-01".to_owned(),
            "explainAccess" => format!("?user_id={}&object=customer&action=read", admin.id),
            _ => String::new(),
        };
        let answer = operation.send(client, &format!("{}{required}", operation.path.replace("{key}", "777"))).await;
        contract.check(&operation, &answer);
        answer.ok(200);
    }
}

/// The life of a record of every object, out of the examples: each write is as documented, leaves its event, is replayed
/// under its key, and writes nothing when only validated. What is no part of that life is walked through by hand, so that every
/// write is.
pub async fn every_write_leaves_its_event(db: TestDb) {
    // What jobs write comes at a time of its own.
    let server = Server::start_with(db, |settings| settings.jobs = 0).await;
    let admin = server.admin().await;
    let mut contract = Contract::new();
    let operations = contract.operations();
    let mut examples = Examples::new(&admin, &operations);
    let (mut walked, mut exercised) = (0, BTreeSet::new());
    for create in operations.iter().filter(|operation| operation.id.starts_with("create") && has_restore(&operations, operation))
    {
        let mut id = String::new();
        let object = registry::object(&create.object()).expect("what can be restored is an object");
        let parent = examples.parent(object).await;
        let (created, upserted) = (examples.body(object).await, examples.body(object).await);
        let feed = admin.get("/v1/changes?cursor=now").await.ok(200);
        let mut cursor = feed["page"]["next"].as_str().expect("a cursor").to_owned();
        for verb in ["create", "update", "archive", "restore", "upsert"] {
            let wanted = create.id.replacen("create", verb, 1);
            let Some(operation) = operations.iter().find(|operation| operation.id == wanted) else { continue };
            let path = operation.path_below(&parent, &id);
            let what = format!("{} {path}", operation.id);
            let body = match verb {
                "create" => created.clone().into(),
                "upsert" => upserted.clone().into(),
                "update" => examples::patch(object, operation),
                _ => json!({}),
            };
            let send = |path: &str| {
                let request = admin.request(operation.method.clone(), path);
                if operation.method == Method::DELETE { request } else { request.json(&body) }
            };
            let validated = send(&format!("{path}?validate_only=true")).await;
            contract.check(operation, &validated);
            exercised.insert(operation.id.clone());
            assert!(validated.status < 300, "{what}: {}", validated.text);
            let feed = admin.get(&format!("/v1/changes?cursor={cursor}")).await.ok(200);
            assert_eq!(feed["data"], json!([]), "{what}: validation wrote something");

            let first = send(&path).header("Idempotency-Key", &what).await;
            contract.check(operation, &first);
            assert!(first.status < 300, "{what}: {}", first.text);
            let again = send(&path).header("Idempotency-Key", &what).await;
            assert_eq!((again.status, again.header("idempotency-replayed")), (first.status, "true"), "{what}");
            let feed = admin.get(&format!("/v1/changes?cursor={cursor}")).await.ok(200);
            let events = feed["data"].as_array().expect("events");
            let past = match verb {
                "create" | "upsert" => "created",
                "update" => "updated",
                "archive" => "archived",
                _ => "restored",
            };
            let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap_or_default()).collect();
            // What a part does to the record it belongs to comes after it.
            let own: Vec<&str> = types.iter().copied().filter(|name| name.split('.').next() == Some(object.name)).collect();
            assert_eq!(own, [format!("{}.{past}", object.name)], "{what}");
            // So does the making of parts that come along with it.
            let parts = object.made_with.and_then(|parts| object.relation(parts)).filter(|_| past == "created");
            let made = parts.map(|parts| format!("{}.created", parts.target));
            let is_of_part = |name: &&str| object.parent.is_some() || made.as_deref() == Some(*name);
            assert!(types.iter().skip(1).all(is_of_part), "{what}: {types:?}");
            assert_eq!(events[0]["request_id"], first.header("x-request-id"), "{what}");
            assert_eq!(events[0]["actor"]["user_id"], admin.id.as_str(), "{what}");
            cursor = feed["page"]["next"].as_str().expect("a cursor").to_owned();
            if verb == "create" {
                id = first.body["id"].as_str().expect("an id").to_owned();
            }
        }
        for operation in operations
            .iter()
            .filter(|operation| operation.method == Method::GET && operation.path.starts_with(&format!("{}/{{id}}", create.path)))
        {
            let answer = admin.get(&operation.path_below(&parent, &id)).await;
            contract.check(operation, &answer);
            answer.ok(200);
        }
        walked += 1;
    }
    assert_eq!(walked, OBJECTS, "the number of objects is kept exactly");
    actions::walk(&server, &admin, &mut contract, &operations, &mut exercised).await;
    let mut left: BTreeSet<&str> =
        operations.iter().filter(|operation| operation.writes()).map(|operation| operation.id.as_str()).collect();
    exercised.iter().for_each(|id| assert!(left.remove(id.as_str()), "{id} is no write"));
    for (id, reason) in actions::WITHOUT_EVENT {
        assert!(left.remove(id), "{id} leaves an event, or is not there: it need not be excepted ({reason})");
    }
    assert_eq!(left, BTreeSet::new(), "nothing shows that these leave their events");
}

fn has_restore(operations: &[Operation], create: &Operation) -> bool {
    operations.iter().any(|operation| operation.id == create.id.replacen("create", "restore", 1))
}

/// Whoever chooses an id cannot choose that of a record of another object: what goes by ids, as history does, tells them apart.
pub async fn an_id_names_one_record(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "Acme", "external_ids": {"sap": "4711"}})).await;
    let operations = Contract::new().operations();
    let mut examples = Examples::new(&admin, &operations);
    let mut tried = 0;
    for create in operations.iter().filter(|operation| operation.id.starts_with("create") && has_restore(&operations, operation))
    {
        let object = registry::object(&create.object()).expect("what can be restored is an object");
        let parent = examples.parent(object).await;
        let mut body = examples.body(object).await;
        body.insert("id".to_owned(), json!(customer));
        let refused = admin.post(&create.path_below(&parent, ""), body.into()).await.refused(409, "duplicate");
        assert_eq!(refused["errors"][0]["pointer"], "/id", "{}", object.name);
        tried += 1;
    }
    assert_eq!(tried, OBJECTS);
    assert_eq!(admin.names("/v1/customers?q=Acme").await, ["Acme"]);
    assert_eq!(admin.get("/v1/customers/ext:sap:4711").await.ok(200)["id"], json!(customer));
}

/// What an example must refer to is made for it, whatever it is: users, teams, customers.
pub async fn examples_refer_to_records_made_for_them(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let operations = Contract::new().operations();
    let mut examples = Examples::new(&admin, &operations);
    let contact = Contact::object();
    let first = examples.make(contact).await;
    let mut body = examples.body(contact).await;
    assert_eq!(body["name"], "李伟2", "{first} is called so");
    let mut referred = 0;
    for field in contact.fields.iter().filter(|field| field.writable == Writable::Always && field.storage == Storage::Column) {
        let before = body.len();
        examples.refer(&mut body, field).await;
        referred += body.len() - before;
    }
    assert_eq!(referred, 4, "{body:?}");
    let made = admin.post("/v1/contacts", Value::Object(body.clone())).await.ok(201);
    for name in ["customer_id", "owner_id", "team_id", "tag_ids"] {
        assert_eq!(made[name], body[name], "{name}");
    }
}

/// `openapi/farley.json` is what the binary prints.
pub async fn the_document_is_checked_in(_db: TestDb) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/farley.json");
    let checked_in = std::fs::read_to_string(path).expect("openapi/farley.json");
    assert!(checked_in == server::document_text(), "openapi/farley.json is out of date: farley openapi > openapi/farley.json");
}
