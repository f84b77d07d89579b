//! `POST /v1/leads/check-duplicates`.

use serde_json::{Value, json};

use super::{pool, rep};
use crate::{client::Client, server::Server, support::TestDb};

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
    let found = json!([{"object": "lead", "standing": "held_by_someone", "matched_by": ["phones", "company"], "id": null}]);
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
