//! `POST /v1/leads/check-duplicates`.

use serde_json::{Value, json};

use super::{pool, rep};
use crate::{client::Client, integration::imports, server::Server, support::TestDb};

pub async fn tells_of_similar_records_without_giving_them_away(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pool = pool(&admin, json!({})).await;
    let (wang, chen) = (rep(&server, &admin, "Wang").await, rep(&server, &admin, "Chen").await);
    let body = json!({"name": "A", "company": "深圳大族机器人有限公司", "phones": [{"value": "13800138000"}]});
    let held = wang.create("leads", body).await;
    admin.create("leads", json!({"name": "B", "emails": [{"value": "li.wei@example.cn"}], "pool_id": pool})).await;
    let ask = |client: &Client, body: Value| client.post("/v1/leads/check-duplicates", body);
    let answer = ask(&chen, json!({"phones": ["+86 138 0013 8000"], "company": "深圳大族机器人"})).await.ok(200);
    assert_eq!(answer["standing"], "held_by_someone");
    let found = json!([{"object": "lead", "standing": "held_by_someone", "matched_by": ["phones", "company"], "score": 1.0,
        "reasons": [{"field": "phones", "how": "same"}, {"field": "company", "how": "same"}], "id": null}]);
    assert_eq!(answer["matches"], found);
    let answer = ask(&wang, json!({"phones": ["13800138000"]})).await.ok(200);
    assert_eq!((&answer["standing"], &answer["matches"][0]["id"]), (&json!("yours"), &json!(held)));
    let answer = ask(&chen, json!({"emails": ["LI.WEI@example.cn"]})).await.ok(200);
    assert_eq!((&answer["standing"], answer["matches"][0]["id"].is_string()), (&json!("in_pool"), true));
    assert_eq!(ask(&chen, json!({"company": "别的公司"})).await.ok(200), json!({"standing": "none", "matches": []}));
    admin.create("customers", json!({"name": "深圳大族机器人"})).await;
    let answer = ask(&admin, json!({"company": "深圳大族机器人有限公司"})).await.ok(200);
    let objects: Vec<_> = answer["matches"].as_array().unwrap().iter().map(|found| found["object"].clone()).collect();
    assert_eq!(objects, ["lead", "customer"]);
}

pub async fn knows_names_however_they_are_written(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let namesake = admin.create("customers", json!({"name": "Kingsway Trading Ltd."})).await;
    admin.create("customers", json!({"name": "华为（深圳）", "other_names": ["Huawei Shenzhen"]})).await;
    admin.create("customers", json!({"name": "Müller GmbH"})).await;
    admin.create("leads", json!({"company": "深圳市大族机器人有限公司"})).await;
    // Longer names, of which there are many, hide nobody.
    let lines: String = (0..230).map(|number| format!("Kingsway Trading {number} Partners\n")).collect();
    let done = imports::import(&admin, imports::customers(&format!("name\n{lines}"))).await;
    assert_eq!(done["status"], "done", "{done}");
    let ask = async |company: &str| {
        let answer = admin.post("/v1/leads/check-duplicates", json!({"company": company})).await.ok(200);
        let best = answer["matches"][0].clone();
        (answer["standing"].as_str().unwrap().to_owned(), best)
    };
    for company in ["KINGSWAY TRADING LIMITED", "kingsway-trading", "Kingsway Trading Co., Ltd"] {
        let (standing, best) = ask(company).await;
        assert_eq!(
            (standing.as_str(), &best["id"], &best["score"]),
            ("yours", &json!(namesake), &json!(1.0)),
            "{company} {best}"
        );
        assert_eq!(best["reasons"], json!([{"field": "company", "how": "same"}]));
    }
    for company in ["huawei shenzhen", "華為(深圳)有限公司", "Mueller", "MULLER"] {
        assert_eq!(ask(company).await.1["score"], 1.0, "{company}");
    }
    // Alike is no proof.
    for company in ["Kingswey Trading", "Kingsway Tradings Inc", "大族机器人"] {
        let (standing, best) = ask(company).await;
        let score = best["score"].as_f64().unwrap_or_default();
        assert!(standing == "none" && (0.85..1.0).contains(&score), "{company}: {standing} {best}");
        assert_eq!(best["reasons"], json!([{"field": "company", "how": "similar"}]), "{company}");
    }
    for company in ["华为（北京）", "Acme Trading", "Kingsway"] {
        assert_eq!(ask(company).await, ("none".to_owned(), Value::Null), "{company}");
    }
}

/// Whoever has the customer has what was a lead, be the lead whose it was.
pub async fn takes_converted_leads_for_their_customers(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (wang, chen) = (rep(&server, &admin, "Wang").await, rep(&server, &admin, "Chen").await);
    let lead =
        wang.create("leads", json!({"company": "大族", "person_name": "李伟", "phones": [{"value": "13800138000"}]})).await;
    let done = wang.post(&format!("/v1/leads/{lead}/convert"), json!({"create_contact": false})).await.ok(200);
    let customer = done["customer"]["id"].as_str().unwrap().to_owned();
    admin
        .patch(&format!("/v1/customers/{customer}"), json!({"owner_id": chen.id, "name": "Renamed", "phones": []}))
        .await
        .ok(200);
    let ask = async |client: &Client| {
        let answer =
            client.post("/v1/leads/check-duplicates", json!({"phones": ["13800138000"], "company": "大族"})).await.ok(200);
        let matches = answer["matches"].as_array().unwrap().iter();
        let matches: Vec<(Value, Value)> = matches.map(|found| (found["object"].clone(), found["id"].clone())).collect();
        (answer["standing"].as_str().unwrap().to_owned(), matches)
    };
    assert_eq!(ask(&chen).await, ("yours".to_owned(), vec![(json!("customer"), json!(customer))]));
    let (standing, matches) = ask(&wang).await;
    assert_eq!((standing.as_str(), matches.len(), &matches[0].0), ("held_by_someone", 1, &json!("customer")));
    // Of a customer that is gone the lead is left.
    admin.delete(&format!("/v1/customers/{customer}")).await.ok(204);
    assert_eq!(ask(&wang).await, ("yours".to_owned(), vec![(json!("lead"), json!(lead))]));
}
