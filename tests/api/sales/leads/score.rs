//! `/v1/scoring-rules` and `GET /v1/leads/{id}/score`.

use farley::http::clock;
use farley::sales::leads::scoring;
use serde_json::{Value, json};

use super::{in_days, tenant, types};
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn follows_the_rules(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.jobs = 0).await;
    let admin = server.admin().await;
    let tenant = tenant(&server).await;
    let rule = async |body: Value| admin.create("scoring-rules", body).await;
    let fair = rule(json!({"name": "Fair", "points": 30, "filter": {"field": "source", "value": "展会"}})).await;
    rule(json!({"name": "Fresh", "points": 40, "decay_field": "created_at", "half_life_days": 30})).await;
    rule(json!({"name": "Nameless", "points": -15, "filter": {"field": "person_name", "op": "null", "value": true}})).await;
    let lead = admin.post("/v1/leads", json!({"name": "A", "source": "展会"})).await.ok(201);
    assert_eq!(lead["score"], 55);
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"person_name": "李伟"})).await.ok(200)["score"], 70);
    admin.create("leads", json!({"name": "B"})).await;
    assert_eq!(admin.names("/v1/leads?sort=-score&score_gt=0").await, ["A", "B"]);
    let told = admin.get(&format!("{path}/score")).await.ok(200);
    assert_eq!((&told["score"], &told["learned"]), (&json!(70), &Value::Null));
    let counted: Vec<_> = told["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["name"].clone(), rule["meets"].clone(), rule["counted"].clone()))
        .collect();
    let expected = [("Fair", true, 30), ("Fresh", true, 40), ("Nameless", false, 0)];
    assert_eq!(counted, expected.map(|(name, meets, points)| (json!(name), json!(meets), json!(points))));
    scoring::perform(&server.app, tenant, in_days(30)).await.expect("the job is done");
    assert_eq!(admin.list("/v1/leads?sort=-score", "score").await, ["50", "5"]);
    admin.patch(&format!("/v1/scoring-rules/{fair}"), json!({"points": 100})).await.ok(200);
    scoring::perform(&server.app, tenant, clock::now()).await.expect("the job is done");
    assert_eq!(admin.list("/v1/leads?sort=-score", "score").await, ["140", "25"]);
    assert_eq!(types(&admin, &path).await, ["lead.updated", "lead.created"], "scores are no changes");
    let faults =
        admin.post("/v1/scoring-rules", json!({"name": "X", "decay_field": "nmae", "half_life_days": 3})).await.faults(422);
    assert_eq!(faults, pairs(&[("/decay_field", "unknown_member")]));
    assert_eq!(
        admin.post("/v1/scoring-rules", json!({"name": "X", "half_life_days": 3})).await.faults(422),
        pairs(&[("/decay_field", "required")])
    );
}

/// What is kept while leads end, are opened again, changed and archived is what counting them all anew gives.
pub async fn learns_from_how_leads_end(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("fit", "boolean", json!({"object": "lead"})).await;
    let sources = ["展会", "官网", "名单"];
    let (mut last, mut ends) = (String::new(), Vec::new());
    for number in 0..56_usize {
        let source = sources[(number * 7 + number / 5) % 3];
        let body = json!({"name": format!("L {number}"), "source": source, "custom": {"fit": number % 4 == 0}, "company": if number % 3 == 0 { json!("Acme") } else { Value::Null }});
        let id = admin.create("leads", body).await;
        let path = format!("/v1/leads/{id}");
        if number % 2 == 0 || (source == "展会" && number % 5 == 0) {
            admin.post(&format!("{path}/convert"), json!({"create_contact": false})).await.ok(200);
        } else {
            admin.post(&format!("{path}/disqualify"), json!({"reason": "x"})).await.ok(200);
            ends.push(path.clone());
        }
        if number == 10 {
            let told = admin.get(&format!("{path}/score")).await.ok(200);
            assert_eq!((&told["learned"], &told["history"]["needed"]), (&Value::Null, &json!(20)), "too little to learn from");
        }
        last = path;
    }
    admin.post(&format!("{}/reopen", ends[0]), json!({})).await.ok(200);
    admin.patch(&ends[1], json!({"source": "转介绍", "custom": {"fit": true}})).await.ok(200);
    admin.delete(&ends[2]).await.ok(204);
    admin.delete(&ends[3]).await.ok(204);
    admin.post(&format!("{}/restore", ends[3]), json!({})).await.ok(200);

    let all = admin.get("/v1/leads?limit=200&status_in=converted,disqualified").await.ok(200);
    let leads: Vec<Value> = all["data"].as_array().unwrap().clone();
    let asked = admin.get(&last).await.ok(200);
    let known = |lead: &Value| {
        let has = |name: &str| json!(!(lead[name].is_null() || lead[name] == json!([])));
        [lead["source"].clone(), lead["custom"]["fit"].clone(), has("company"), has("phones"), has("emails")]
    };
    let of = |end: &str| leads.iter().filter(|lead| lead["status"] == end).map(known).collect::<Vec<_>>();
    let (won, lost) = (of("converted"), of("disqualified"));
    let mut odds = won.len() as f64 / lost.len() as f64;
    for (field, value) in known(&asked).iter().enumerate() {
        let mut values: Vec<String> = won.iter().chain(&lost).map(|lead| lead[field].to_string()).collect();
        values.sort();
        values.dedup();
        let share = |leads: &[[Value; 5]]| {
            let with = leads.iter().filter(|lead| lead[field] == *value).count();
            (with as f64 + 1.0) / (leads.len() + values.len()) as f64
        };
        odds *= share(&won) / share(&lost);
    }
    let told = admin.get(&format!("{last}/score")).await.ok(200);
    assert_eq!((&told["history"]["won"], &told["history"]["lost"]), (&json!(won.len()), &json!(lost.len())));
    let probability = told["learned"]["probability"].as_f64().expect("enough to learn from");
    assert!((probability - odds / (1.0 + odds)).abs() < 1e-3, "{told}");
    let reasons = told["learned"]["reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 5, "{told}");
    let sum: f64 = reasons.iter().map(|reason| reason["log_odds"].as_f64().unwrap()).sum();
    let sum = sum + told["learned"]["prior_log_odds"].as_f64().unwrap();
    assert!((1.0 / (1.0 + (-sum).exp()) - probability).abs() < 1e-3, "{told}");
}
