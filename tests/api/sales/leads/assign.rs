//! `/v1/assignment-rules` and `POST /v1/leads/{id}/assign`.

use serde_json::{Value, json};

use super::{pool, types};
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn follows_the_rules(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let team = admin.create("teams", json!({"name": "East"})).await;
    let mut reps = Vec::new();
    for number in 0..3 {
        reps.push(server.user(&admin, &format!("Rep {number}"), "sales_representative", json!({"team_id": team})).await);
    }
    let ids: Vec<&str> = reps.iter().map(|rep| rep.id.as_str()).collect();
    admin.post("/v1/leads", json!({"name": "No rules yet", "assign": true})).await.ok(201);
    let pool = pool(&admin, json!({})).await;
    let rule = async |body: Value| admin.post("/v1/assignment-rules", body).await.ok(201)["id"].clone();
    let junk = rule(json!({"name": "Junk", "sort_order": 1, "target": "pool", "pool_id": pool, "filter": {"field": "source", "value": "名单"}})).await;
    let south = json!({"name": "South", "sort_order": 2, "target": "territory", "territories": [{"region": "华南", "user_id": ids[2]}, {"region": "华北", "team_id": team}]});
    let south = rule(south).await;
    let turns =
        rule(json!({"name": "Turns", "sort_order": 3, "target": "round_robin", "user_ids": ids, "first_response_minutes": 15}))
            .await;
    let create = async |body: Value| {
        let mut whole = json!({"name": "L", "assign": true});
        whole.as_object_mut().unwrap().extend(body.as_object().cloned().unwrap());
        admin.post("/v1/leads", whole).await.ok(201)
    };
    let lead = create(json!({"source": "名单"})).await;
    assert_eq!((&lead["owner_id"], &lead["pool_id"], &lead["assigned_by_rule_id"]), (&Value::Null, &json!(pool), &junk));
    let lead = create(json!({"region": "华南"})).await;
    assert_eq!(
        (&lead["owner_id"], &lead["assigned_by_rule_id"], &lead["first_response_due_at"]),
        (&json!(ids[2]), &south, &Value::Null)
    );
    let lead = create(json!({"region": "华北"})).await;
    assert_eq!((&lead["owner_id"], &lead["team_id"]), (&Value::Null, &json!(team)));
    // Thirty at once, ten each.
    let made = (0..30).map(|number| {
        let request = reps[0].post("/v1/leads", json!({"name": format!("L {number}"), "assign": true, "region": "西南"}));
        tokio::spawn(async move { request.await.ok(201) })
    });
    let mut owners = Vec::new();
    for lead in made.collect::<Vec<_>>() {
        let lead = lead.await.unwrap();
        assert_eq!((&lead["assigned_by_rule_id"], lead["first_response_due_at"].is_string()), (&turns, true));
        owners.push(lead["owner_id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        assert_eq!(owners.iter().filter(|owner| owner == id).count(), 10, "{owners:?}");
    }
    // Who is away gets nothing; the rest take their turns.
    let away = json!({"name": "Away", "user_ids": [ids[0], ids[1]], "absences": [
        {"user_id": ids[0], "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}]});
    let schedule = admin.create("work-schedules", away).await;
    for _ in 0..4 {
        assert_ne!(create(json!({})).await["owner_id"], ids[0]);
    }
    // Of four with two away, the other two get as many each; it begins with the first.
    let fourth = server.user(&admin, "Rep 3", "sales_representative", json!({"team_id": team})).await;
    let round = json!({"name": "Round", "sort_order": 0, "target": "round_robin", "filter": {"field": "source", "value": "round"},
        "user_ids": [ids[2], ids[0], ids[1], fourth.id]});
    rule(round).await;
    let away = |id: &str| json!({"user_id": id, "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"});
    let two = json!({"absences": [away(ids[0]), away(ids[1])]});
    admin.patch(&format!("/v1/work-schedules/{schedule}"), two).await.ok(200);
    let mut got = Vec::new();
    for _ in 0..40 {
        got.push(create(json!({"source": "round"})).await["owner_id"].as_str().unwrap().to_owned());
    }
    let due = [ids[2], fourth.id.as_str()];
    assert!(got.iter().zip(due.iter().cycle()).all(|(got, due)| got == due), "{got:?}");
    let all = json!({"absences": [{"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}], "user_ids": ids});
    admin.patch(&format!("/v1/work-schedules/{schedule}"), all).await.ok(200);
    let lead = create(json!({})).await;
    assert_eq!((&lead["owner_id"], &lead["assigned_by_rule_id"]), (&json!(admin.id), &Value::Null), "nobody is at work");
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    assert_eq!(admin.post(&format!("{path}/assign"), json!({})).await.faults(422), pairs(&[("", "no_rule")]));
    admin.delete(&format!("/v1/work-schedules/{schedule}")).await.ok(204);
    let lead = admin.post(&format!("{path}/assign"), json!({})).await.ok(200);
    assert!(ids.contains(&lead["owner_id"].as_str().unwrap()) && lead["assigned_by_rule_id"] == turns);
    assert_eq!(types(&admin, &path).await, ["lead.assigned", "lead.created"]);
    let lead = admin.patch(&path, json!({"owner_id": admin.id})).await.ok(200);
    assert_eq!(lead["assigned_by_rule_id"], Value::Null);

    // By load: who has least gets the next ones.
    admin.patch(&format!("/v1/assignment-rules/{}", turns.as_str().unwrap()), json!({"target": "least_loaded"})).await.ok(200);
    let mine = admin.names(&format!("/v1/leads?owner_id={}&limit=200", ids[1])).await.len();
    let list = admin.get(&format!("/v1/leads?owner_id={}&limit=200", ids[1])).await.ok(200);
    for lead in list["data"].as_array().unwrap() {
        let path = format!("/v1/leads/{}/disqualify", lead["id"].as_str().unwrap());
        admin.post(&path, json!({"reason": "x"})).await.ok(200);
    }
    assert!(mine >= 10);
    for _ in 0..3 {
        assert_eq!(create(json!({})).await["owner_id"], ids[1]);
    }
    let faults = admin.post("/v1/assignment-rules", json!({"name": "X", "target": "user"})).await.faults(422);
    assert_eq!(faults, pairs(&[("/user_ids", "required")]));
    let body = json!({"name": "X", "filter": {"field": "campaign.name", "value": "x"}});
    assert_eq!(admin.post("/v1/assignment-rules", body).await.faults(400), pairs(&[("/filter", "wrong_type")]));
}
