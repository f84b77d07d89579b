//! `POST /v1/leads/{id}/claim` and what pools allow.

use serde_json::{Value, json};

use super::{pool, rep, types};
use crate::{client::pairs, server::Server, support::TestDb};

/// Of fifty who claim one lead at once, one gets it.
pub async fn is_granted_to_one_alone(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pool = pool(&admin, json!({})).await;
    let lead = admin.post("/v1/leads", json!({"name": "Everybody's", "pool_id": pool})).await.ok(201);
    assert_eq!(lead["owner_id"], Value::Null);
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    let mut reps = Vec::new();
    for number in 0..5 {
        reps.push(rep(&server, &admin, &format!("Rep {number}")).await);
    }
    let claims = (0..50).map(|number| {
        let request = reps[number % 5].post(&format!("{path}/claim"), json!({}));
        tokio::spawn(async move { request.await })
    });
    let mut won = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        let answer = claim.await.unwrap();
        if answer.status == 200 {
            won.push(answer.body["owner_id"].clone());
        } else {
            let problem = answer.refused(409, "state_conflict");
            assert!(matches!(problem["standing"].as_str(), Some("yours" | "held_by_someone")), "{problem}");
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(admin.get(&path).await.ok(200)["owner_id"], won[0]);
    let holders = admin.get(&format!("{path}/holders")).await.ok(200);
    assert_eq!(holders["data"].as_array().unwrap().len(), 1, "{holders}");
    assert_eq!((&holders["data"][0]["user_id"], &holders["data"][0]["began"]), (&won[0], &json!("claimed")));
    assert_eq!(types(&admin, &path).await, ["lead.claimed", "lead.created"]);
}

pub async fn is_bounded_by_the_quotas_of_the_pool(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pool = pool(&admin, json!({"daily_claims": 3, "holding_cap": 2, "cooldown_days": 7})).await;
    let wang = rep(&server, &admin, "Wang").await;
    let mut leads = Vec::new();
    for number in 0..8 {
        leads.push(admin.create("leads", json!({"name": format!("Lead {number}"), "pool_id": pool})).await);
    }
    // Also of eight claims at once, no more than the cap come through.
    let claims = leads.iter().map(|lead| {
        let request = wang.post(&format!("/v1/leads/{lead}/claim"), json!({}));
        tokio::spawn(async move { request.await })
    });
    let (mut got, mut left) = (Vec::new(), Vec::new());
    for (claim, lead) in claims.collect::<Vec<_>>().into_iter().zip(&leads) {
        let answer = claim.await.unwrap();
        if answer.status == 200 { got.push(lead) } else { left.push((lead, answer.faults(422))) }
    }
    assert_eq!(got.len(), 2);
    assert!(left.iter().all(|(_, faults)| *faults == pairs(&[("", "holding_cap_reached")])), "{left:?}");
    let claim = |lead: &str| wang.post(&format!("/v1/leads/{lead}/claim"), json!({}));
    wang.post(&format!("/v1/leads/{}/release", got[0]), json!({"reason": "x"})).await.ok(200);
    assert_eq!(claim(got[0]).await.faults(422), pairs(&[("", "cooling_down")]));
    assert_eq!(claim(left[0].0).await.ok(200)["owner_id"], wang.id.as_str());
    // What has ended is not held any more.
    wang.post(&format!("/v1/leads/{}/disqualify", got[1]), json!({"reason": "x"})).await.ok(200);
    assert_eq!(claim(left[1].0).await.faults(422), pairs(&[("", "daily_claims_reached")]));
}
