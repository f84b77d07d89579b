//! The open work of whoever leaves: counted as the lists show it, handed over record by record, and what stays is named.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// Open work by object and field, each count compared with the list that shows it.
async fn open_work(admin: &Client, user: &Client) -> BTreeMap<String, i64> {
    let told = admin.get(&format!("/v1/users/{}/handover", user.id)).await.ok(200);
    let mut counts = BTreeMap::new();
    for entry in told["data"].as_array().unwrap() {
        let (path, count) = (entry["path"].as_str().unwrap(), entry["count"].as_i64().unwrap());
        let listed = admin.get(&format!("{path}&limit=200")).await.each("id").len();
        assert_eq!((i64::try_from(listed).unwrap(), &entry["unreadable_count"]), (count, &json!(0)), "{path}");
        if count > 0 {
            let key = format!("{} {}", entry["object"].as_str().unwrap(), entry["field"].as_str().unwrap());
            counts.insert(key, count);
        }
    }
    counts
}

/// What an answer says was handed over, by object and field.
fn handed(answer: &Value) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for entry in answer["handed_over"].as_array().unwrap() {
        let key = format!("{} {}", entry["object"].as_str().unwrap(), entry["field"].as_str().unwrap());
        *counts.entry(key).or_default() += entry["count"].as_i64().unwrap();
    }
    counts
}

pub async fn gives_each_kind_of_open_work_to_somebody_else(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = admin.create("teams", json!({"name": "East"})).await;
    let west = admin.create("teams", json!({"name": "West"})).await;
    let gone = server.user(&admin, "Gone", "sales_representative", json!({"team_id": east})).await;
    let heir = server.user(&admin, "Heir", "sales_representative", json!({"team_id": west})).await;
    let of = |title: &str| json!({title: "x", "owner_id": gone.id});
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for (collection, title) in [("customers", "name"), ("contacts", "name"), ("leads", "name"), ("opportunities", "name")] {
        open.push(format!("/v1/{collection}/{}", admin.create(collection, of(title)).await));
    }
    for (collection, title) in [("tasks", "subject"), ("tickets", "subject"), ("campaigns", "name")] {
        open.push(format!("/v1/{collection}/{}", admin.create(collection, of(title)).await));
    }
    let visit = json!({"subject": "x", "kind": "visit", "occurred_at": "2090-01-01T08:00:00Z", "owner_id": gone.id});
    open.push(format!("/v1/activities/{}", admin.create("activities", visit).await));
    let form =
        json!({"name": "F", "owner_id": gone.id, "lead_owner_id": gone.id, "fields": [{"name": "name", "field": "person_name"}]});
    let form = format!("/v1/lead-forms/{}", admin.create("lead-forms", form).await);
    let steps = json!([{"day": 1, "kind": "call", "subject": "a"}]);
    let cadence = json!({"name": "C", "assignee": "user", "user_id": gone.id, "steps": steps});
    let cadence = format!("/v1/cadences/{}", admin.create("cadences", cadence).await);
    let queue = format!(
        "/v1/queues/{}",
        admin.create("queues", json!({"name": "Q", "manager_id": gone.id, "agent_ids": [gone.id]})).await
    );
    admin.patch(&format!("/v1/teams/{east}"), json!({"manager_id": gone.id})).await.ok(200);
    // Lists that name the user among others.
    let rule = admin.create("assignment-rules", json!({"name": "R", "target": "user", "user_ids": [gone.id]})).await;
    let rule = format!("/v1/assignment-rules/{rule}");
    let members = json!([{"user_id": admin.id, "split": 10}, {"user_id": gone.id, "role": "售前", "split": 20}]);
    let shared = admin.create("opportunities", json!({"name": "x", "owner_id": admin.id, "team_members": members})).await;
    let followed = |id| format!("/v1/tickets/{id}");
    let mut tickets = Vec::new();
    for _ in 0..2 {
        let ticket = json!({"subject": "x", "owner_id": admin.id, "follower_ids": [admin.id, gone.id, heir.id]});
        tickets.push(followed(admin.create("tickets", ticket).await));
    }
    admin.post(&format!("{}/solve", tickets[1]), json!({"resolution": "x"})).await.ok(200);
    // What is done stays with whoever did it.
    let lead = admin.create("leads", of("name")).await;
    admin.post(&format!("/v1/leads/{lead}/disqualify"), json!({"reason": "x"})).await.ok(200);
    closed.push(format!("/v1/leads/{lead}"));
    let sale = admin.create("opportunities", of("name")).await;
    admin.post(&format!("/v1/opportunities/{sale}/lose"), json!({"close_reason": "price"})).await.ok(200);
    closed.push(format!("/v1/opportunities/{sale}"));
    let task = admin.create("tasks", of("subject")).await;
    admin.post(&format!("/v1/tasks/{task}/complete"), json!({})).await.ok(200);
    closed.push(format!("/v1/tasks/{task}"));
    let ticket = admin.create("tickets", of("subject")).await;
    admin.post(&format!("/v1/tickets/{ticket}/solve"), json!({"resolution": "x"})).await.ok(200);
    closed.push(format!("/v1/tickets/{ticket}"));
    let call = json!({"subject": "x", "kind": "call", "owner_id": gone.id});
    closed.push(format!("/v1/activities/{}", admin.create("activities", call).await));
    let archived = admin.create("customers", of("name")).await;
    admin.delete(&format!("/v1/customers/{archived}")).await.ok(204);
    closed.push(format!("/v1/customers/{archived}"));
    admin.post(&format!("/v1/users/{}/deactivate", gone.id), json!({})).await.ok(204);

    let keys = [
        "activity owner_id",
        "assignment_rule user_ids",
        "cadence user_id",
        "campaign owner_id",
        "contact owner_id",
        "customer owner_id",
        "lead owner_id",
        "lead_form lead_owner_id",
        "lead_form owner_id",
        "opportunity owner_id",
        "opportunity team_members",
        "queue agent_ids",
        "queue manager_id",
        "task owner_id",
        "team manager_id",
        "ticket follower_ids",
        "ticket owner_id",
    ];
    let expected: BTreeMap<String, i64> = keys.iter().map(|key| ((*key).to_owned(), 1)).collect();
    assert_eq!(open_work(&admin, &gone).await, expected);
    let path = format!("/v1/users/{}/handover", gone.id);
    let cursor = admin.get("/v1/changes?cursor=now").await.ok(200)["page"]["next"].as_str().unwrap().to_owned();
    // The preview says the same as the handover, and leaves everything as it is.
    let body = json!({"user_ids": [heir.id]});
    let preview = admin.post(&format!("{path}?validate_only=true"), body.clone()).await.ok(200);
    assert_eq!((handed(&preview), &preview["refused"]), (expected.clone(), &json!([])));
    assert_eq!(open_work(&admin, &gone).await, expected);
    assert_eq!(heir.list("/v1/notifications?kind=handed_over", "id").await.len(), 0);
    let done = admin.post(&path, body).await.ok(200);
    assert_eq!(done, preview);
    assert_eq!((&done["page"]["next"], &done["page"]["has_more"]), (&Value::Null, &json!(false)));
    assert_eq!(open_work(&admin, &gone).await, BTreeMap::new());
    for path in &open {
        let record = admin.get(path).await.ok(200);
        assert_eq!((&record["owner_id"], &record["team_id"]), (&json!(heir.id), &json!(west)), "{path}");
        let history = admin.get(&format!("{path}/history")).await.ok(200);
        let change = &history["data"][0]["changes"]["owner_id"];
        assert_eq!((&change["from"], &change["to"]), (&json!(gone.id), &json!(heir.id)), "{path}");
    }
    for path in &closed {
        assert_eq!(admin.get(&format!("{path}?archived=true")).await.ok(200)["owner_id"], json!(gone.id), "{path}");
    }
    assert_eq!(admin.get(&cadence).await.ok(200)["user_id"], json!(heir.id));
    assert_eq!(admin.get(&queue).await.ok(200)["manager_id"], json!(heir.id));
    // In lists the successor takes the place, or keeps their own.
    assert_eq!(admin.get(&queue).await.ok(200)["agent_ids"], json!([heir.id]));
    assert_eq!(admin.get(&rule).await.ok(200)["user_ids"], json!([heir.id]));
    let members = json!([{"user_id": admin.id, "role": null, "split": 10}, {"user_id": heir.id, "role": "售前", "split": 20}]);
    assert_eq!(admin.get(&format!("/v1/opportunities/{shared}")).await.ok(200)["team_members"], members);
    assert_eq!(admin.get(&tickets[0]).await.ok(200)["follower_ids"], json!([admin.id, heir.id]));
    let solved = admin.get(&tickets[1]).await.ok(200);
    assert_eq!(solved["follower_ids"].as_array().map(Vec::len), Some(3), "what is done stays as it was");
    let form = admin.get(&form).await.ok(200);
    assert_eq!((&form["owner_id"], &form["lead_owner_id"]), (&json!(heir.id), &json!(heir.id)));
    for path in [&open[2], &open[3], &open[5]] {
        let ledger = admin.get(&format!("{path}/ledger")).await.ok(200);
        let owners: Vec<&Value> =
            ledger["data"].as_array().unwrap().iter().map(|row| &row["changes"]["owner_id"]["to"]).collect();
        assert_eq!(owners, [&json!(heir.id), &json!(gone.id)], "{path}");
    }
    // One event each, and one that sums up; one notification for all.
    let events = admin.get(&format!("/v1/changes?cursor={cursor}&limit=200")).await.ok(200);
    let types: Vec<&str> = events["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types.len(), keys.len() + 1, "{types:?}");
    assert_eq!(types.last(), Some(&"user.handed_over"));
    let news = heir.get("/v1/notifications").await.ok(200);
    let news = news["data"].as_array().unwrap();
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!((&news[0]["kind"], &news[0]["record_count"]), (&json!("handed_over"), &json!(keys.len())));
    assert_eq!(
        (&news[0]["object"], &news[0]["record_id"], &news[0]["actor_id"]),
        (&json!("user"), &json!(gone.id), &json!(admin.id))
    );
    // Nothing is left, so nothing is told of.
    let again = admin.post(&path, json!({"user_ids": [heir.id]})).await.ok(200);
    assert_eq!((&again["handed_over"], &again["refused"]), (&json!([]), &json!([])));
}

pub async fn goes_on_from_page_to_page_in_turn(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let gone = server.user(&admin, "Gone", "sales_representative", json!({})).await;
    let mut heirs = Vec::new();
    for name in ["One", "Two", "Three"] {
        heirs.push(server.user(&admin, name, "sales_representative", json!({})).await);
    }
    let mut customers = Vec::new();
    for name in 0..7 {
        customers.push(
            admin
                .create(
                    "customers",
                    json!({"name": format!("{name}"), "owner_id": gone.id, "region": if name < 2 { "华东" } else { "华北" }}),
                )
                .await,
        );
    }
    for (place, customer) in customers.iter().enumerate() {
        for _ in 0..place % 3 {
            admin.create("contacts", json!({"name": "x", "owner_id": gone.id, "customer_id": customer})).await;
        }
    }
    for _ in 0..5 {
        admin.create("leads", json!({"name": "x", "owner_id": gone.id})).await;
    }
    let agents = json!({"name": "Q", "agent_ids": [heirs[0].id, gone.id, heirs[1].id]});
    let queue = admin.create("queues", agents).await;
    let path = format!("/v1/users/{}/handover", gone.id);
    let ids: Vec<&str> = heirs.iter().map(|heir| heir.id.as_str()).collect();
    // A filter is one on one object, and only what it lets through goes.
    let filter = json!({"user_ids": [ids[0]], "objects": ["customers"], "filter": {"field": "region", "value": "华东"}});
    let preview = admin.post(&format!("{path}?validate_only=true"), filter).await.ok(200);
    assert_eq!(handed(&preview), BTreeMap::from([("customer owner_id".to_owned(), 2)]));
    let mut body = json!({"user_ids": ids, "objects": ["lead", "customer", "contacts"], "limit": 4});
    let mut total = BTreeMap::new();
    let mut pages = 0;
    loop {
        let page = admin.post(&path, body.clone()).await.ok(200);
        pages += 1;
        let counts = handed(&page);
        assert!(counts.values().sum::<i64>() <= 4 && page["refused"] == json!([]), "{page}");
        for (key, count) in counts {
            *total.entry(key).or_insert(0) += count;
        }
        assert_eq!(page["page"]["has_more"], !page["page"]["next"].is_null());
        if page["page"]["next"].is_null() {
            break;
        }
        body["cursor"] = page["page"]["next"].clone();
    }
    let expected = [("customer owner_id", 7), ("contact owner_id", 6), ("lead owner_id", 5)];
    assert_eq!(total, expected.into_iter().map(|(key, count)| (key.to_owned(), count)).collect());
    assert_eq!(pages, 5, "18 records by 4");
    let done = admin.post(&path, json!({"user_ids": ids, "objects": ["queues"]})).await.ok(200);
    assert_eq!(handed(&done), BTreeMap::from([("queue agent_ids".to_owned(), 1)]));
    let agents = admin.get(&format!("/v1/queues/{queue}")).await.ok(200)["agent_ids"].clone();
    assert_eq!(agents, json!([heirs[0].id, heirs[2].id, heirs[1].id]), "who is not in a list yet comes first");
    assert_eq!(open_work(&admin, &gone).await, BTreeMap::new());
    let mut turns = Vec::new();
    for collection in ["customers", "leads"] {
        turns.extend(admin.list(&format!("/v1/{collection}?sort=created_at&limit=200"), "owner_id").await);
    }
    // Customers and leads in the order of their making, each to the next in turn.
    let in_turn: Vec<&str> = ids.iter().copied().cycle().take(12).collect();
    assert_eq!(turns, in_turn);
    let contacts = admin.get("/v1/contacts?expand=customer&limit=200").await.ok(200);
    for contact in contacts["data"].as_array().unwrap() {
        assert_eq!(contact["owner_id"], contact["customer"]["owner_id"], "a contact goes where its customer goes");
    }
}

pub async fn names_what_stays(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = admin.create("teams", json!({"name": "East"})).await;
    let west = admin.create("teams", json!({"name": "West"})).await;
    let gone = server.user(&admin, "Gone", "sales_representative", json!({"team_id": east})).await;
    let near = server.user(&admin, "Near", "sales_representative", json!({"team_id": east})).await;
    let far = server.user(&admin, "Far", "sales_representative", json!({"team_id": west})).await;
    let may = ["user read all", "user update all", "team read all", "customer * team", "lead read all", "contact * all"];
    let rules = json!([{"object": "contact", "field": "owner_id", "rule": "hidden"}]);
    let chief = server.user_who_may(&admin, "Chief", &may, rules, json!({"team_id": east})).await;
    let own = admin.create("customers", json!({"name": "In the team", "owner_id": gone.id})).await;
    let other = admin.create("customers", json!({"name": "Elsewhere", "owner_id": gone.id, "team_id": west})).await;
    let lead = admin.create("leads", json!({"name": "Only read", "owner_id": gone.id})).await;
    let contact = admin.create("contacts", json!({"name": "By a hidden field", "owner_id": gone.id})).await;
    let task = admin.create("tasks", json!({"subject": "Not read at all", "owner_id": gone.id})).await;
    let path = format!("/v1/users/{}/handover", gone.id);
    let told = chief.get(&path).await.ok(200);
    let of = |object: &str| {
        let entries = told["data"].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["object"] == object && entry["field"] == "owner_id").unwrap();
        (entry["count"].as_i64().unwrap(), entry["unreadable_count"].as_i64().unwrap(), entry["path"].is_null())
    };
    assert_eq!(of("customer"), (1, 1, false));
    assert_eq!(of("lead"), (1, 0, false));
    assert_eq!((of("contact"), of("task")), ((0, 1, true), (0, 1, true)));
    // Nobody hands a record to where they could not make one.
    let away = chief.post(&path, json!({"user_ids": [far.id]})).await.ok(200);
    let stays = |answer: &Value| -> Vec<(String, String)> {
        let refused = answer["refused"].as_array().unwrap().iter();
        refused.map(|one| (one["id"].as_str().unwrap().to_owned(), one["problem"]["code"].as_str().unwrap().to_owned())).collect()
    };
    assert_eq!(away["handed_over"], json!([]));
    assert_eq!(stays(&away), pairs(&[(&own, "forbidden"), (&lead, "forbidden")]));
    let problem = &away["refused"][0]["problem"];
    assert_eq!((&problem["status"], &problem["detail"]), (&json!(403), &json!("You do not have permission to create customer.")));
    let done = chief.post(&path, json!({"user_ids": [near.id]})).await.ok(200);
    assert_eq!(handed(&done), BTreeMap::from([("customer owner_id".to_owned(), 1)]));
    assert_eq!(stays(&done), pairs(&[(&lead, "forbidden")]));
    let owner = async |path: String| admin.get(&path).await.ok(200)["owner_id"].clone();
    assert_eq!(owner(format!("/v1/customers/{own}")).await, json!(near.id));
    for path in [
        format!("/v1/customers/{other}"),
        format!("/v1/leads/{lead}"),
        format!("/v1/contacts/{contact}"),
        format!("/v1/tasks/{task}"),
    ] {
        assert_eq!(owner(path.clone()).await, json!(gone.id), "{path}");
    }
    // What is refused does not stand in the way of what comes after it.
    let mut body = json!({"user_ids": [near.id], "objects": ["lead", "customer"], "limit": 1});
    admin.create("customers", json!({"name": "Next", "owner_id": gone.id})).await;
    for _ in 0..2 {
        let page = chief.post(&path, body.clone()).await.ok(200);
        body["cursor"] = page["page"]["next"].clone();
    }
    assert_eq!(body["cursor"], Value::Null);
    let left = admin.get(&path).await.ok(200);
    let customers = left["data"].as_array().unwrap().iter().find(|entry| entry["object"] == "customer").unwrap();
    assert_eq!(customers["count"], 1);
    // Whoever may not update users does not do it at all.
    near.get(&path).await.refused(403, "forbidden");
    near.post(&path, json!({"user_ids": [near.id]})).await.refused(403, "forbidden");
}

pub async fn is_refused_for_what_is_wrong(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let gone = server.user(&admin, "Gone", "sales_representative", json!({})).await;
    let out = server.user(&admin, "Out", "sales_representative", json!({})).await;
    let there = server.user(&admin, "There", "sales_representative", json!({"external_ids": {"sap": "8"}})).await;
    let archived = server.user(&admin, "Archived", "sales_representative", json!({})).await;
    admin.post(&format!("/v1/users/{}/deactivate", out.id), json!({})).await.ok(204);
    admin.delete(&format!("/v1/users/{}", archived.id)).await.ok(204);
    let path = format!("/v1/users/{}/handover", gone.id);
    let receivers = json!({"user_ids": [gone.id, there.id, "ext:sap:8", out.id, archived.id, "nobody", "ext:sap:7"]});
    let expected = [
        ("/user_ids/0", "own_work"),
        ("/user_ids/2", "repeated"),
        ("/user_ids/4", "reference_not_found"),
        ("/user_ids/5", "reference_not_found"),
        ("/user_ids/6", "reference_not_found"),
        ("/user_ids/3", "user_deactivated"),
    ];
    assert_eq!(admin.post(&path, receivers).await.faults(422), pairs(&expected));
    let filter = json!({"field": "nam", "value": "x"});
    for (body, expected) in [
        (json!({}), &[("/user_ids", "required")][..]),
        (json!({"user_ids": [there.id, there.id]}), &[("/user_ids/1", "repeated")]),
        (json!({"user_ids": []}), &[("/user_ids", "required")]),
        (
            json!({"user_ids": [there.id], "objects": ["custmer", "notification"]}),
            &[("/objects/0", "unknown_choice"), ("/objects/1", "unknown_choice")],
        ),
        (json!({"user_ids": [there.id], "filter": filter}), &[("/objects", "required")]),
        (json!({"user_ids": [there.id], "filter": filter, "objects": ["lead", "task"]}), &[("/objects", "too_many")]),
        (json!({"user_ids": [there.id], "filter": filter, "objects": ["lead"]}), &[("/filter/field", "unknown_member")]),
        (json!({"user_ids": [there.id], "cursor": "x"}), &[("/cursor", "invalid_cursor")]),
        (json!({"user_ids": [there.id], "limit": 201}), &[("/limit", "too_large")]),
        (json!({"user_ids": [there.id], "to": 1}), &[("/to", "unknown_member")]),
    ] {
        assert_eq!(admin.post(&path, body.clone()).await.faults(400), pairs(expected), "{body}");
    }
    admin.post(&path, json!({"user_ids": [there.id]})).header("If-Match", "\"v99\"").await.refused(412, "version_mismatch");
    admin.get("/v1/users/01890a5d-ac96-774b-bcce-b302099a8057/handover").await.refused(404, "not_found");
    // An archived user's work is handed over all the same.
    let lead = admin.create("leads", json!({"name": "x", "owner_id": gone.id})).await;
    admin.delete(&format!("/v1/users/{}", gone.id)).await.ok(204);
    let key = |request: crate::client::Request| request.header("Idempotency-Key", "once");
    let done = key(admin.post(&path, json!({"user_ids": [there.id]}))).await.ok(200);
    assert_eq!(handed(&done), BTreeMap::from([("lead owner_id".to_owned(), 1)]));
    let again = key(admin.post(&path, json!({"user_ids": [there.id]}))).await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &done));
    assert_eq!(admin.get(&format!("/v1/leads/{lead}")).await.ok(200)["owner_id"], json!(there.id));
}
