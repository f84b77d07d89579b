//! Who is given work: nobody who is deactivated, on whatever path; and the team goes with the owner.

use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    integration::imports::{faults, import, told},
    server::Server,
    support::TestDb,
};

const REFUSED: &str = "user_deactivated";

async fn deactivate(admin: &Client, user: &Client) {
    admin.post(&format!("/v1/users/{}/deactivate", user.id), json!({})).await.ok(204);
}

pub async fn takes_the_team_along(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = admin.create("teams", json!({"name": "East"})).await;
    let west = admin.create("teams", json!({"name": "West"})).await;
    let li = server.user(&admin, "Li Wei", "sales_representative", json!({"team_id": east})).await;
    let wang = server.user(&admin, "Wang Fang", "sales_representative", json!({"team_id": west})).await;
    let free = server.user(&admin, "Zhao Lei", "sales_representative", json!({})).await;
    for collection in ["customers", "contacts", "leads", "opportunities", "tasks"] {
        let body = if collection == "tasks" {
            json!({"subject": "x", "owner_id": li.id})
        } else {
            json!({"name": "x", "owner_id": li.id})
        };
        let path = format!("/v1/{collection}/{}", admin.create(collection, body).await);
        let place = async |patch: Value| {
            let record = admin.patch(&path, patch).await.ok(200);
            (record["owner_id"].clone(), record["team_id"].clone())
        };
        assert_eq!(place(json!({"owner_id": wang.id})).await, (json!(wang.id), json!(west)), "{collection}");
        // Another team that is said in the same change stays as it is said, and so does none.
        assert_eq!(place(json!({"owner_id": li.id, "team_id": null})).await, (json!(li.id), Value::Null), "{collection}");
        assert_eq!(place(json!({"owner_id": wang.id, "team_id": east})).await, (json!(wang.id), json!(east)), "{collection}");
        // A whole record that is sent back with another owner says no other team.
        let mut whole = admin.get(&path).await.ok(200);
        whole["owner_id"] = json!(li.id);
        assert_eq!(place(whole).await, (json!(li.id), json!(east)), "{collection}");
        let mut whole = admin.get(&path).await.ok(200);
        whole["owner_id"] = json!(wang.id);
        assert_eq!(place(whole).await, (json!(wang.id), json!(west)), "{collection}");
        assert_eq!(place(json!({"owner_id": wang.id, "team_id": null})).await, (json!(wang.id), Value::Null), "{collection}");
        assert_eq!(place(json!({"owner_id": wang.id})).await, (json!(wang.id), Value::Null), "the same owner moves nothing");
        assert_eq!(place(json!({"owner_id": li.id})).await, (json!(li.id), json!(east)), "{collection}");
        assert_eq!(place(json!({"owner_id": null})).await, (Value::Null, json!(east)), "{collection}");
        assert_eq!(place(json!({"owner_id": free.id})).await, (json!(free.id), Value::Null), "{collection}");
    }
}

pub async fn is_refused_at_its_place(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let gone = server.user(&admin, "Gone", "sales_representative", json!({})).await;
    let there = server.user(&admin, "There", "sales_representative", json!({})).await;
    let rule = json!({"name": "Turns", "user_ids": [gone.id, there.id]});
    let rule = format!("/v1/assignment-rules/{}", admin.create("assignment-rules", rule).await);
    let regions = json!({"name": "Regions", "target": "territory", "territories": [{"region": "华东", "user_id": gone.id}]});
    let regions = format!("/v1/assignment-rules/{}", admin.create("assignment-rules", regions).await);
    let customer = admin.create("customers", json!({"name": "Kept", "owner_id": gone.id})).await;
    let mentions = format!("@[Gone](user:{})", gone.id);
    let visited = json!({"kind": "visit", "body": mentions, "attendees": [{"user_id": gone.id}]});
    let visited = format!("/v1/activities/{}", admin.create("activities", visited).await);
    deactivate(&admin, &gone).await;
    let at = |pointer: &str| pairs(&[(pointer, REFUSED)]);
    for collection in ["customers", "contacts", "leads", "opportunities", "tasks", "activities"] {
        let title = if ["tasks", "activities"].contains(&collection) { "subject" } else { "name" };
        let mut body = json!({title: "x", "owner_id": gone.id});
        if collection == "activities" {
            body["kind"] = json!("call");
        }
        assert_eq!(admin.post(&format!("/v1/{collection}"), body.clone()).await.faults(422), at("/owner_id"), "{collection}");
        body["owner_id"] = json!(there.id);
        let path = format!("/v1/{collection}/{}", admin.create(collection, body).await);
        assert_eq!(admin.patch(&path, json!({"owner_id": gone.id})).await.faults(422), at("/owner_id"), "{collection}");
        assert_eq!(admin.get(&path).await.ok(200)["owner_id"], json!(there.id), "{collection}");
    }
    let upsert = json!({"name": "x", "owner_id": gone.id});
    assert_eq!(admin.put("/v1/customers/ext:sap:1", upsert).await.faults(422), at("/owner_id"));
    let file = json!({"object": "customer", "content": format!("name,owner_id\nImported,{}\nWell,{}\n", gone.id, there.id)});
    let done = import(&admin, file).await;
    assert_eq!(faults(&admin, &done).await, told(&[(2, "owner_id", REFUSED)]));
    let task = admin.create("tasks", json!({"subject": "x"})).await;
    let delegated = admin.post(&format!("/v1/tasks/{task}/delegate"), json!({"user_id": gone.id})).await;
    assert_eq!(delegated.faults(422), at("/user_id"));
    let form = json!({"name": "F", "lead_owner_id": gone.id, "fields": [{"name": "name", "field": "person_name"}]});
    assert_eq!(admin.post("/v1/lead-forms", form).await.faults(422), at("/lead_owner_id"));
    let steps = json!([{"day": 1, "kind": "call", "subject": "a"}]);
    let cadence = json!({"name": "C", "assignee": "user", "user_id": gone.id, "steps": steps});
    assert_eq!(admin.post("/v1/cadences", cadence).await.faults(422), at("/user_id"));
    let body = json!({"name": "X", "user_ids": [there.id, gone.id]});
    assert_eq!(admin.post("/v1/assignment-rules", body).await.faults(422), at("/user_ids/1"));
    let body = json!({"name": "X", "target": "territory", "territories": [{"region": "华北", "user_id": gone.id}]});
    assert_eq!(admin.post("/v1/assignment-rules", body).await.faults(422), at("/territories/0/user_id"));
    // Nor does whoever is gone join a team, lead one, take part, follow, or get told of anything.
    let team = admin.create("teams", json!({"name": "East"})).await;
    let path = format!("/v1/users/{}", gone.id);
    assert_eq!(admin.patch(&path, json!({"team_id": team})).await.faults(422), at("/team_id"));
    admin.patch(&path, json!({"title": "Gone"})).await.ok(200);
    assert_eq!(admin.post("/v1/teams", json!({"name": "West", "manager_id": gone.id})).await.faults(422), at("/manager_id"));
    let quota = json!({"user_id": gone.id, "period": "2027-Q1", "amount": {"amount": 100, "currency": "CNY"}});
    assert_eq!(admin.post("/v1/quotas", quota).await.faults(422), at("/user_id"));
    let queue = json!({"name": "Q", "agent_ids": [there.id, gone.id], "manager_id": gone.id});
    let both = pairs(&[("/agent_ids/1", REFUSED), ("/manager_id", REFUSED)]);
    assert_eq!(admin.post("/v1/queues", queue).await.faults(422), both);
    let ticket = json!({"subject": "x", "follower_ids": [gone.id]});
    assert_eq!(admin.post("/v1/tickets", ticket).await.faults(422), at("/follower_ids/0"));
    let sale = json!({"name": "x", "team_members": [{"user_id": there.id}, {"user_id": gone.id}]});
    assert_eq!(admin.post("/v1/opportunities", sale).await.faults(422), at("/team_members/1/user_id"));
    let visit = json!({"kind": "visit", "subject": "x", "attendees": [{"name": "Guest"}, {"user_id": gone.id}]});
    assert_eq!(admin.post("/v1/activities", visit).await.faults(422), at("/attendees/1/user_id"));
    let note = json!({"kind": "note", "body": format!("请 @[Gone](user:{}) 看一下", gone.id)});
    assert_eq!(admin.post("/v1/activities", note).await.faults(422), at("/body"));
    let ticket = admin.create("tickets", json!({"subject": "x"})).await;
    let note = json!({"kind": "note", "body": format!("@[Gone](user:{})", gone.id)});
    assert_eq!(admin.post(&format!("/v1/tickets/{ticket}/messages"), note).await.faults(422), at("/body"));
    admin.patch(&visited, json!({"body": format!("{mentions} !"), "outcome": "x"})).await.ok(200);
    let lead = admin.create("leads", json!({"name": "L", "company": "L"})).await;
    let conversion = json!({"opportunity": {"owner_id": gone.id}});
    assert_eq!(admin.post(&format!("/v1/leads/{lead}/convert"), conversion).await.faults(422), at("/opportunity/owner_id"));
    // Whoever was there before stays until somebody says otherwise.
    admin.patch(&format!("/v1/customers/{customer}"), json!({"name": "Kept on", "owner_id": gone.id})).await.ok(200);
    admin.patch(&rule, json!({"user_ids": [there.id, gone.id]})).await.ok(200);
    let more = json!({"territories": [{"region": "华东", "user_id": gone.id}, {"region": "华北", "user_id": there.id}]});
    admin.patch(&regions, more).await.ok(200);
    // The caller is told in their language, and a colleague who is only invited may be given work.
    let said = admin.post("/v1/customers", json!({"name": "x", "owner_id": gone.id})).header("Accept-Language", "zh").await;
    assert_eq!(said.refused(422, "rule_violated")["errors"][0]["message"], "已停用，不能再分配工作");
    let invited = admin.create("users", json!({"name": "New", "email": "new@example.com", "role_ids": []})).await;
    admin.create("customers", json!({"name": "x", "owner_id": invited})).await;
    admin.post(&format!("/v1/users/{}/activate", gone.id), json!({})).await.ok(204);
    admin.create("customers", json!({"name": "x", "owner_id": gone.id})).await;
}

pub async fn goes_to_the_next_or_to_nobody(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = admin.create("teams", json!({"name": "East"})).await;
    let gone = server.user(&admin, "Gone", "sales_representative", json!({"team_id": east})).await;
    let there = server.user(&admin, "There", "sales_representative", json!({"team_id": east})).await;
    let recurring =
        json!({"subject": "Weekly call", "owner_id": gone.id, "due_at": "2030-03-01T01:00:00Z", "recurrence": "FREQ=WEEKLY"});
    let task = admin.create("tasks", recurring).await;
    let lead = admin.create("leads", json!({"name": "L", "company": "Acme", "person_name": "Li Lei", "owner_id": gone.id})).await;
    let rule = async |body: Value| format!("/v1/assignment-rules/{}", admin.create("assignment-rules", body).await);
    let hours =
        |target: &str| json!({"name": target, "target": target, "respects_hours": false, "user_ids": [gone.id, there.id]});
    let mut rules = Vec::new();
    for target in ["round_robin", "least_loaded"] {
        let mut body = hours(target);
        body["is_active"] = json!(false);
        rules.push((target, rule(body).await));
    }
    let form =
        json!({"name": "F", "lead_owner_id": gone.id, "assign": true, "fields": [{"name": "name", "field": "person_name"}]});
    let form = admin.post("/v1/lead-forms", form).await.ok(201);
    let visitor = server.anybody();
    let answered = format!("/v1/forms/{}", form["token"].as_str().unwrap());
    deactivate(&admin, &gone).await;
    // A series waits with the team.
    let done = admin.post(&format!("/v1/tasks/{task}/complete"), json!({})).await.ok(200);
    let next = admin.get(&format!("/v1/tasks/{}", done["next_id"].as_str().unwrap())).await.ok(200);
    assert_eq!((&next["owner_id"], &next["team_id"], &next["status"]), (&Value::Null, &json!(east), &json!("open")));
    // What becomes of a lead belongs to whoever converts it.
    let me = admin.get("/v1/me").await.ok(200)["id"].clone();
    let made = admin.post(&format!("/v1/leads/{lead}/convert"), json!({"opportunity": {}})).await.ok(200);
    for part in ["customer", "contact", "opportunity"] {
        assert_eq!(made[part]["owner_id"], me, "{part}");
    }
    // A form answers its visitors: without a rule nobody gets the lead, with one the next in turn.
    visitor.post(&answered, json!({"name": "First"})).await.ok(201);
    let owner =
        async |name: &str| admin.get(&format!("/v1/leads?person_name={name}")).await.ok(200)["data"][0]["owner_id"].clone();
    assert_eq!(owner("First").await, Value::Null);
    for (target, path) in rules {
        admin.patch(&path, json!({"is_active": true})).await.ok(200);
        for name in ["one", "two", "three"] {
            let lead = admin.post("/v1/leads", json!({"name": format!("{target} {name}"), "assign": true})).await.ok(201);
            assert_eq!((&lead["owner_id"], &lead["team_id"]), (&json!(there.id), &json!(east)), "{target} {name}");
        }
        if target == "round_robin" {
            visitor.post(&answered, json!({"name": "Second"})).await.ok(201);
            assert_eq!(owner("Second").await, json!(there.id));
        }
        admin.delete(&path).await.ok(204);
    }
    // Everybody of a team: those who have left are not among them.
    let path = rule(json!({"name": "Team", "team_id": east, "respects_hours": false})).await;
    for _ in 0..3 {
        let lead = admin.post("/v1/leads", json!({"name": "x", "assign": true})).await.ok(201);
        assert_eq!(lead["owner_id"], json!(there.id));
    }
    admin.delete(&path).await.ok(204);
    admin.post(&format!("/v1/users/{}/activate", gone.id), json!({})).await.ok(204);
    for target in ["user", "territory"] {
        let body = match target {
            "user" => json!({"name": target, "target": target, "respects_hours": false, "user_ids": [gone.id]}),
            _ => {
                json!({"name": target, "target": target, "respects_hours": false, "territories": [{"region": "华东", "user_id": gone.id, "team_id": east}]})
            }
        };
        let path = rule(body).await;
        deactivate(&admin, &gone).await;
        let lead =
            admin.post("/v1/leads", json!({"name": "x", "region": "华东", "assign": true, "owner_id": there.id})).await.ok(201);
        let expected = if target == "user" { json!(there.id) } else { Value::Null };
        assert_eq!((&lead["owner_id"], &lead["team_id"]), (&expected, &json!(east)), "{target}");
        admin.delete(&path).await.ok(204);
        admin.post(&format!("/v1/users/{}/activate", gone.id), json!({})).await.ok(204);
    }
}
