//! `/v1/pools`: who sees what lies there, and what falls back.

use farley::sales::leads::recalls;
use serde_json::{Value, json};

use super::{in_days, pool, rep, tenant, types};
use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

pub async fn show_leads_to_those_entitled(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = admin.create("teams", json!({"name": "East"})).await;
    let shanghai = admin.create("teams", json!({"name": "Shanghai", "parent_id": east})).await;
    let west = admin.create("teams", json!({"name": "West"})).await;
    let pool = pool(&admin, json!({"team_ids": [east]})).await;
    let customers = admin.create("pools", json!({"name": "客户公海", "object": "customer", "is_default": true})).await;
    let wang = server.user(&admin, "Wang", "sales_representative", json!({"team_id": shanghai})).await;
    let chen = server.user(&admin, "Chen", "sales_representative", json!({"team_id": west})).await;
    let lead = admin.create("leads", json!({"name": "Ours", "pool_id": pool})).await;
    let mine = admin.create("leads", json!({"name": "Held", "pool_id": pool, "owner_id": admin.id})).await;
    assert_eq!(wang.names("/v1/leads").await, ["Ours"]);
    assert!(chen.names("/v1/leads").await.is_empty());
    assert_eq!(wang.names("/v1/leads?pool.name=公海&owner_id_null=true").await, ["Ours"]);
    let claim = |client: &Client, id: &str| client.post(&format!("/v1/leads/{id}/claim"), json!({}));
    claim(&chen, &lead).await.refused(404, "not_found");
    // Seen is not owned.
    wang.patch(&format!("/v1/leads/{lead}"), json!({"name": "x"})).await.refused(403, "forbidden");
    let problem = claim(&wang, &mine).await.refused(409, "state_conflict");
    assert_eq!(problem["standing"], "held_by_someone");
    wang.get(&format!("/v1/leads/{mine}")).await.refused(404, "not_found");
    let claimed = claim(&wang, &lead).await.ok(200);
    assert_eq!((&claimed["owner_id"], &claimed["team_id"]), (&json!(wang.id), &json!(shanghai)));
    wang.patch(&format!("/v1/leads/{lead}"), json!({"name": "Mine now"})).await.ok(200);
    // Who is entitled may put something there.
    wang.post("/v1/leads", json!({"name": "Given away", "pool_id": pool})).await.ok(201);
    chen.post("/v1/leads", json!({"name": "Not there", "pool_id": pool})).await.refused(403, "forbidden");
    // Customers alike: the default pool is theirs from the beginning.
    let acme = admin.post("/v1/customers", json!({"name": "Acme"})).await.ok(201);
    assert_eq!((&acme["pool_id"], &acme["owner_id"]), (&json!(customers), &json!(admin.id)));
    let acme = format!("/v1/customers/{}", acme["id"].as_str().unwrap());
    assert!(chen.names("/v1/customers").await.is_empty());
    admin.post(&format!("{acme}/release"), json!({"reason": "暂无需求"})).await.ok(200);
    assert_eq!(chen.names("/v1/customers").await, ["Acme"]);
    chen.post(&format!("{acme}/claim"), json!({})).await.ok(200);
    let holders = chen.get(&format!("{acme}/holders")).await.ok(200);
    let told: Vec<_> =
        holders["data"].as_array().unwrap().iter().map(|held| (&held["user_id"], &held["ended"], &held["reason"])).collect();
    assert_eq!(told, [(&json!(chen.id), &Value::Null, &Value::Null), (&json!(admin.id), &json!("released"), &json!("暂无需求"))]);
    let faults = admin.patch(&acme, json!({"pool_id": pool})).await.faults(422);
    assert_eq!(faults, pairs(&[("/pool_id", "reference_not_found")]));
    admin.delete(&format!("/v1/pools/{pool}")).await.refused(409, "state_conflict");
    assert_eq!(types(&chen, &acme).await, ["customer.claimed", "customer.released", "customer.created"]);
}

pub async fn take_back_leads_left_alone(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let tenant = tenant(&server).await;
    let pool = pool(&admin, json!({"is_default": true, "recall_after_days": 10, "warn_days": 2, "protection_days": 1})).await;
    let wang = rep(&server, &admin, "Wang").await;
    let lead = wang.post("/v1/leads", json!({"name": "Idle"})).await.ok(201);
    assert_eq!(lead["pool_id"], pool.as_str());
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    let ended = wang.create("leads", json!({"name": "Ended", "status": "disqualified", "disqualify_reason": "x"})).await;
    let run = async |days: i64| recalls::perform(&server.app, tenant, in_days(days)).await.expect("the job is done");
    run(7).await;
    assert_eq!(types(&admin, &path).await, ["lead.created"]);
    run(9).await;
    run(9).await;
    assert_eq!(types(&admin, &path).await, ["lead.recall_warned", "lead.created"]);
    run(11).await;
    run(11).await;
    assert_eq!(types(&admin, &path).await, ["lead.recalled", "lead.recall_warned", "lead.created"]);
    let back = admin.get(&path).await.ok(200);
    assert_eq!((&back["owner_id"], &back["team_id"], &back["pool_id"]), (&Value::Null, &Value::Null, &json!(pool)));
    let holders = admin.get(&format!("{path}/holders")).await.ok(200);
    assert_eq!((&holders["data"][0]["ended"], &holders["data"][0]["reason"]), (&json!("recalled"), &json!("no_follow_up")));
    assert_eq!(admin.get(&format!("/v1/leads/{ended}")).await.ok(200)["owner_id"], wang.id.as_str());
    wang.post(&format!("{path}/claim"), json!({})).await.ok(200);
}
