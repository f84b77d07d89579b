//! What is hidden does not tell itself, whichever way it is asked: not by actions, nor by what is made of it.

use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    sales::{pipeline, yuan},
    server::Server,
    support::{TestDb, new_id},
};

const MAY: &[&str] = &[
    "lead * all",
    "customer * all",
    "contact * all",
    "opportunity * all",
    "pipeline read all",
    "user read all",
    "custom_field read all",
];

fn hidden(object: &str, fields: &[&str]) -> Vec<Value> {
    fields.iter().map(|field| json!({"object": object, "field": field, "rule": "hidden"})).collect()
}

async fn who_may(server: &Server, admin: &Client, name: &str, rules: Vec<Value>) -> Client {
    server.user_who_may(admin, name, MAY, Value::Array(rules), json!({})).await
}

pub async fn stays_in_a_lead_that_is_converted(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    pipeline(&admin).await;
    for object in ["lead", "customer"] {
        let field = json!({"object": object, "key": "secret", "field_type": "text"});
        admin.post("/v1/custom-fields", field).await.ok(201);
    }
    let rules = hidden("lead", &["phones", "budget_max", "custom.secret", "job_title", "opportunity_id"]);
    let seller = who_may(&server, &admin, "seller", [rules, hidden("customer", &["website"])].concat()).await;
    let alike = admin.create("customers", json!({"name": "Alike", "phones": [{"value": "13912345678"}]})).await;
    let lead = json!({
        "name": "Robots", "company": "Acme", "person_name": "Li Wei", "job_title": "Buyer of robots", "phones": [{"value": "13912345678"}],
        "emails": [{"value": "li@example.com"}], "budget_max": yuan(424_242), "custom": {"secret": "s3cret"}, "website": "https://acme.example.com",
    });
    let lead = admin.create("leads", lead).await;
    let path = format!("/v1/leads/{lead}/convert");
    let body = json!({"match_customer": true, "opportunity": {"name": "Robots"}});
    for path in [format!("{path}?validate_only=true"), path.clone()] {
        let answer = seller.post(&path, body.clone()).await;
        for told in ["13912345678", "424242", "s3cret", "Buyer of robots", &alike] {
            assert!(!answer.text.contains(told), "{path} tells {told}: {}", answer.text);
        }
        let answer = answer.ok(200);
        assert_eq!((&answer["customer"]["name"], &answer["contact"]["name"]), (&json!("Acme"), &json!("Li Wei")));
        assert_eq!(answer["contact"]["emails"][0]["value"], "li@example.com", "what is seen goes along");
    }
    for url in ["/v1/customers", "/v1/contacts", "/v1/opportunities", "/v1/changes?limit=200"] {
        let answer = seller.get(url).await;
        for told in ["424242", "s3cret", "Buyer of robots"] {
            assert!(!answer.text.contains(told), "{url} tells {told}: {}", answer.text);
        }
    }
    let again = seller.post(&path, body).await.refused(409, "state_conflict");
    assert!(again["customer_id"].is_string() && again.get("opportunity_id").is_none(), "{again}");
    assert_eq!(admin.get(&format!("/v1/leads/{lead}")).await.ok(200)["custom"]["secret"], "s3cret", "it is there still");
}

pub async fn is_not_told_by_what_is_made_of_it(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let secret = admin.custom_field("secret", "text", json!({})).await["id"].as_str().unwrap().to_owned();
    let rules = [hidden("customer", &["phones", "custom.secret"]), hidden("contact", &["customer_id"])].concat();
    let clerk = who_may(&server, &admin, "clerk", rules).await;
    let customer = admin.create("customers", json!({"name": "Acme", "custom": {"secret": "s3cret"}})).await;
    let path = format!("/v1/customers/{customer}");
    admin.patch(&path, json!({"phones": [{"value": "13912345678"}]})).await.ok(200);
    let contact = admin.create("contacts", json!({"name": "Li Wei", "customer_id": customer})).await;
    // A field that the tenant has no more is hidden still.
    admin.delete(&format!("/v1/custom-fields/{secret}")).await.ok(204);
    let contact = format!("/v1/contacts/{contact}");
    let urls = [path.clone(), "/v1/customers".to_owned(), format!("{path}/history"), format!("{path}/timeline"), contact.clone()];
    for url in urls
        .into_iter()
        .chain([format!("{contact}/history"), "/v1/changes?limit=200&types=customer.created,customer.updated".to_owned()])
    {
        let answer = clerk.get(&url).await;
        for told in ["completeness", "phones", "s3cret", "\"customers\""] {
            let own = told == "phones" && url.starts_with("/v1/contacts");
            assert!(own || !answer.text.contains(told), "{url} tells {told}: {}", answer.text);
        }
        answer.ok(200);
    }
    assert_eq!(clerk.get("/v1/customers?fields=completeness").await.faults(400), pairs(&[("fields", "unknown_member")]));
    let stale = clerk.patch(&path, json!({"name": "x"})).header("If-Match", "\"v1\"").await.refused(412, "version_mismatch");
    assert_eq!(stale["changed"], json!([]));
    assert!(admin.get(&path).await.ok(200)["completeness"]["missing"].is_array());
}

/// A place on the board, and an id, are asked for without learning of records that are not one's own.
pub async fn records_of_others_are_not_confirmed(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    let may = &["opportunity * own", "customer * own", "pipeline read all"];
    let seller = server.user_who_may(&admin, "seller", may, json!([]), json!({})).await;
    let mine = seller.create("opportunities", json!({"name": "mine", "stage_id": stages[1]})).await;
    let theirs = admin.create("opportunities", json!({"name": "theirs", "stage_id": stages[1]})).await;
    let path = format!("/v1/opportunities/{mine}/move");
    for member in ["before_id", "after_id"] {
        for id in [theirs.clone(), new_id().to_string()] {
            let faults = seller.post(&path, json!({member: id})).await.faults(422);
            assert_eq!(faults, pairs(&[(&format!("/{member}"), "reference_not_found")]));
        }
    }
    let other = seller.create("opportunities", json!({"name": "other", "stage_id": stages[1]})).await;
    seller.post(&path, json!({"before_id": other})).await.ok(200);
    // An id that is taken is named to whom its record may be known.
    let theirs = admin.create("customers", json!({"name": "theirs"})).await;
    let problem = seller.post("/v1/customers", json!({"id": theirs, "name": "x"})).await.refused(409, "duplicate");
    assert!(!problem.to_string().contains(&theirs), "{problem}");
    let own = seller.create("customers", json!({"name": "own"})).await;
    assert_eq!(
        seller.post("/v1/customers", json!({"id": own, "name": "x"})).await.refused(409, "duplicate")["existing_id"],
        own.as_str()
    );

    // Whoever may not see stages is told of none, and whoever may not change them changes none.
    let blind = who_may(&server, &admin, "blind", hidden("opportunity", &["stage_id"])).await;
    for body in [json!({"from_stage_id": stages[0]}), json!({"before_id": other}), json!({"stage_id": stages[2]})] {
        let answer = blind.post(&path, body).await;
        assert!(!answer.text.contains(stages[1].as_str()), "{}", answer.text);
        assert_eq!(answer.faults(400)[0].1, "unknown_member");
    }
    for url in [format!("/v1/pipelines/{pipeline}/board"), "/v1/reports/sales-funnel".to_owned()] {
        blind.get(&url).await.refused(403, "forbidden");
    }
    let entry = &blind.get(&format!("/v1/opportunities/{mine}/ledger")).await.ok(200)["data"][0];
    assert!(entry["seconds_in_former_step"].is_null() && entry["changes"].get("stage_id").is_none(), "{entry}");
    let frozen = json!([{"object": "opportunity", "field": "stage_id", "rule": "read_only"}, {"object": "opportunity", "field": "close_reason", "rule": "read_only"}]);
    let bound = server.user_who_may(&admin, "bound", MAY, frozen, json!({})).await;
    let faults = bound.post(&path, json!({"stage_id": stages[2], "close_reason": "price"})).await.faults(400);
    assert_eq!(faults, pairs(&[("/stage_id", "field_not_permitted"), ("/close_reason", "field_not_permitted")]));
    bound.post(&path, json!({"before_id": other})).await.ok(200);
    let blind = who_may(&server, &admin, "blinder", hidden("opportunity", &["probability"])).await;
    blind.get("/v1/forecasts?period=2026-Q4").await.refused(403, "forbidden");
    let board = blind.get(&format!("/v1/pipelines/{pipeline}/board")).await.ok(200);
    assert!(board["stages"].as_array().unwrap().iter().all(|stage| stage["totals"] == json!([])), "{board}");
}

/// Whoever may write and not read learns what they wrote, and no more.
pub async fn answers_of_writes_show_what_may_be_read(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let key = async |scopes: Value| {
        let made = admin.post("/v1/api-keys", json!({"name": "k", "scopes": scopes})).await.ok(201);
        server.anybody().with_token(made["key"].as_str().unwrap())
    };
    let names = |record: &Value| record.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let maker = key(json!(["customer:create"])).await;
    let answer = maker.post("/v1/customers", json!({"name": "Acme"})).await;
    assert_eq!(answer.header("etag"), "\"v1\"");
    assert_eq!(names(&answer.ok(201)), ["id", "version"]);
    let answer = maker.put("/v1/customers/ext:sap:1", json!({"name": "Acme"})).await.ok(201);
    assert_eq!(names(&answer), ["id", "version"]);
    let converter = key(json!(["lead:*", "customer:create"])).await;
    let lead = converter.create("leads", json!({"name": "Robots", "phones": [{"value": "13912345678"}]})).await;
    let answer = converter.post(&format!("/v1/leads/{lead}/convert"), json!({})).await.ok(200);
    assert_eq!(
        (&answer["lead"]["status"], names(&answer["customer"])),
        (&json!("converted"), vec!["id".to_owned(), "version".to_owned()])
    );
}

/// Rules look at every field; what they refuse names none that is hidden, nor its value, nor the record that has the same.
pub async fn is_not_told_by_refusals(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (_, stages) = pipeline(&admin).await;
    let hides = [hidden("opportunity", &["description", "opened_at"]), hidden("customer", &["number", "external_ids"])].concat();
    let hides = [hides, hidden("lead", &["budget_min"])].concat();
    let seller = who_may(&server, &admin, "seller", hides).await;
    let may = &["team * all"];
    let builder = server.user_who_may(&admin, "builder", may, Value::Array(hidden("team", &["name"])), json!({})).await;
    let told = |answer: &Value, secrets: &[&str]| {
        let text = answer.to_string();
        secrets.iter().for_each(|secret| assert!(!text.contains(secret), "tells {secret}: {text}"));
    };
    // A stage demands what the seller may not know of.
    let stage = admin.get(&format!("/v1/stages/{}", stages[2])).await.ok(200);
    let path = format!("/v1/pipelines/{}/stages/{}", stage["pipeline_id"].as_str().unwrap(), stages[2]);
    admin.patch(&path, json!({"required_fields": ["description", "expected_close_on"]})).await.ok(200);
    let sale = json!({"name": "Sale", "stage_id": stages[1], "opened_at": "2026-03-07T01:02:03Z"});
    let sale = format!("/v1/opportunities/{}", admin.create("opportunities", sale).await);
    for (request, at) in [
        (seller.post(&format!("{sale}/move"), json!({"stage_id": stages[2]})), "/expected_close_on"),
        (seller.patch(&sale, json!({"stage_id": stages[2]})), "/expected_close_on"),
    ] {
        let refused = request.await;
        told(&refused.body, &["description"]);
        assert_eq!(refused.faults(422), pairs(&[(at, "needed_by_stage"), ("", "hidden_field")]));
    }
    // A time that must not be before a hidden one.
    let refused =
        seller.post(&format!("{sale}/lose"), json!({"closed_at": "2026-03-01T00:00:00Z", "close_reason": "price"})).await;
    told(&refused.body, &["2026-03-07", "opened_at"]);
    assert_eq!(refused.faults(422), pairs(&[("/closed_at", "hidden_field")]));
    let refused =
        admin.post(&format!("{sale}/lose"), json!({"closed_at": "2026-03-01T00:00:00Z", "close_reason": "price"})).await;
    assert!(refused.text.contains("2026-03-07"), "who sees it is told: {}", refused.text);
    // An amount that must not be below a hidden one, in the currency of that.
    let lead = json!({"name": "Lead", "budget_min": {"amount": 424_242, "currency": "EUR"}});
    let lead = format!("/v1/leads/{}", admin.create("leads", lead).await);
    let refused = seller.patch(&lead, json!({"budget_max": {"amount": 5, "currency": "EUR"}})).await;
    told(&refused.body, &["424242"]);
    assert_eq!(refused.faults(422), pairs(&[("/budget_max/amount", "hidden_field")]));
    // What comes back may be in the way of another by what is hidden.
    let old = json!({"name": "Old", "external_ids": {"sap": "S-4711"}});
    let old = format!("/v1/customers/{}", admin.create("customers", old).await);
    admin.delete(&old).await.ok(204);
    let new = admin.create("customers", json!({"name": "New", "external_ids": {"sap": "S-4711"}})).await;
    let refused = seller.post(&format!("{old}/restore"), json!({})).await.refused(409, "duplicate");
    told(&refused, &["S-4711", "sap", &new]);
    assert_eq!(refused["errors"][0]["code"], "hidden_field");
    let refused = admin.post(&format!("{old}/restore"), json!({})).await.refused(409, "duplicate");
    assert_eq!((&refused["existing_id"], &refused["errors"][0]["pointer"]), (&json!(new), &json!("/external_ids/sap")));
    let team = format!("/v1/teams/{}", admin.create("teams", json!({"name": "Secret"})).await);
    admin.delete(&team).await.ok(204);
    let other = admin.create("teams", json!({"name": "Secret"})).await;
    let refused = builder.post(&format!("{team}/restore"), json!({})).await.refused(409, "duplicate");
    told(&refused, &["name\"", &other]);
}
