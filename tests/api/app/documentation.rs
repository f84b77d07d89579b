//! The documentation as it is served.

use serde_json::Value;

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn is_served_whole_and_in_parts(db: TestDb) {
    let server = Server::start(db).await;
    let anybody = server.anybody();
    let whole = anybody.get("/openapi.json").await;
    // It may grow with the number of objects, and not faster.
    let objects = farley_domain::model::registry::objects().len();
    assert!(whole.text.len() < 1_000_000.max(29_200 * objects), "{} bytes for {objects} objects", whole.text.len());
    assert_eq!(whole.body["info"]["title"], "Farley");
    let tag = whole.header("etag").to_owned();
    let again = anybody.get("/openapi.json").header("If-None-Match", &tag).await;
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag.as_str()));
    let leads = anybody.get("/openapi.json?tag=leads").await;
    assert_ne!(leads.header("etag"), tag);
    let known = leads.header("etag").to_owned();
    assert_eq!(anybody.get("/openapi.json?tag=leads").header("If-None-Match", &known).await.status, 304);
    let paths: Vec<&String> = leads.body["paths"].as_object().unwrap().keys().collect();
    // What people look for first comes first: list, create, one record.
    assert_eq!(paths[..2], ["/v1/leads", "/v1/leads/{id}"]);
    let first: Vec<&String> = leads.body["paths"]["/v1/leads"].as_object().unwrap().keys().collect();
    assert_eq!(first, ["get", "post"]);
    let body = |path: &str| whole.body["paths"][path]["post"]["requestBody"]["required"].clone();
    assert_eq!(
        (body("/v1/leads"), body("/v1/leads/check-duplicates")),
        (true.into(), Value::Null),
        "what needs nothing needs no body"
    );
    assert!(paths.iter().any(|path| *path == "/v1/leads") && paths.iter().all(|path| path.starts_with("/v1/leads")), "{paths:?}");
    assert!(leads.body["components"]["schemas"].get("Lead").is_some(), "what is referred to is there");
    assert!(leads.body["components"]["schemas"].get("QuotaCreate").is_none(), "what is not is not");
    let two = anybody.get("/openapi.json?tag=leads,quotas").await.ok(200);
    assert!(two["paths"].get("/v1/leads").is_some() && two["paths"].get("/v1/quotas").is_some());
    assert_eq!(two["tags"].as_array().map(Vec::len), Some(2));
    assert_eq!(anybody.get("/openapi.json?tag=leds").await.faults(400), pairs(&[("tag", "unknown_choice")]));
    assert_eq!(anybody.get("/openapi.json?tga=leads").await.faults(400), pairs(&[("tga", "unknown_parameter")]));
    // The page resolves an operation with all that it refers to, which must come to an end soon.
    let drawn = anybody.get("/docs/openapi.json").await.ok(200);
    assert_eq!(
        drawn["paths"].as_object().map(|paths| paths.len()),
        anybody.get("/openapi.json").await.body["paths"].as_object().map(|paths| paths.len())
    );
    for path in drawn["paths"].as_object().expect("paths").values() {
        for operation in path.as_object().expect("operations").values() {
            let size = resolved(operation, &drawn, &mut Vec::new());
            assert!(size < 6_000, "{}: {size} values", operation["operationId"]);
        }
    }
    assert!(anybody.get("/docs/openapi.json?tag=leads").await.ok(200)["paths"].get("/v1/leads").is_some());
    let refused = anybody.request(reqwest::Method::POST, "/openapi.json").await;
    assert_eq!(refused.header("allow"), "GET, HEAD");
    refused.refused(405, "method_not_allowed");
    let page = anybody.get("/docs/").await;
    assert!(page.status == 200 && matches!(page.body, Value::Null | Value::String(_)), "{}", page.status);
    assert!(page.text.contains("<title>Farley</title>") && page.header("content-security-policy").contains("default-src 'self'"));
    for script in page.text.split("src=\"./").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(anybody.get(&format!("/docs/{script}")).await.status, 200, "{script}");
    }
}

/// How many values a part of a document has with all that it refers to, but for what refers to itself.
fn resolved<'a>(part: &'a Value, document: &'a Value, within: &mut Vec<&'a str>) -> usize {
    match part {
        Value::Object(members) => match members.get("$ref").and_then(Value::as_str) {
            Some(reference) if within.contains(&reference) => 1,
            Some(reference) => {
                within.push(reference);
                let found = document.pointer(reference.trim_start_matches('#')).expect("what is referred to");
                let size = resolved(found, document, within);
                within.pop();
                size
            }
            None => 1 + members.values().map(|member| resolved(member, document, within)).sum::<usize>(),
        },
        Value::Array(items) => 1 + items.iter().map(|item| resolved(item, document, within)).sum::<usize>(),
        _ => 1,
    }
}

/// A caller who traces hears under which span its request was worked on.
pub async fn traces_are_answered(db: TestDb) {
    let server = Server::start(db).await;
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = server.anybody().get("/healthz").header("traceparent", given).await;
    let answered = answer.header("traceparent");
    assert!(answered.starts_with(&given[..36]) && answered.ends_with("-01") && answered != given, "{answered}");
    let refused = server.anybody().get("/v1/customers").header("traceparent", given).await;
    assert!(refused.header("traceparent").starts_with(&given[..36]), "what is refused is answered too");
    assert_eq!(server.anybody().get("/healthz").header("traceparent", "nonsense").await.header("traceparent"), "");
}
