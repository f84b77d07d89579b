//! `/v1/rules` on events: what they do, in which order, and what comes of it when something is in the way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{once, ran, runs};
use crate::{
    app::crash::Process,
    client::{Client, pairs},
    server::Server,
    support::{Engine, TestDb},
};

async fn rule(client: &Client, name: &str, object: &str, types: &[&str], actions: Value) -> String {
    let body = json!({"name": name, "object": object, "trigger": {"types": types}, "actions": actions});
    client.create("rules", body).await
}

pub async fn every_action_is_done_and_noted(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    let manager = server.user(&admin, "boss", "service_manager", json!({})).await;
    let team = admin.create("teams", json!({"name": "Desk", "manager_id": manager.id})).await;
    for user in [&agent, &manager] {
        admin.patch(&format!("/v1/users/{}", user.id), json!({"team_id": team})).await.ok(200);
    }
    let [one, two] = [admin.create("tags", json!({"name": "VIP"})).await, admin.create("tags", json!({"name": "neu"})).await];
    let contact = admin.create("contacts", json!({"name": "王芳", "language": "zh-CN"})).await;
    let actions = json!([
        {"type": "set", "fields": {"priority": "urgent", "cause": "von {contact.name}: {subject}"}},
        {"type": "add_tags", "tag_ids": [one, two]},
        {"type": "remove_tags", "tag_ids": [two]},
        {"type": "assign", "user_id": agent.id},
        {"type": "add_note", "text": "{priority} {number} {nothing_like_it}"},
    ]);
    let bad = json!({"name": "x", "object": "ticket", "trigger": {"types": ["ticket.created"]}, "actions": actions});
    assert_eq!(admin.post("/v1/rules", bad).await.faults(400), pairs(&[("/actions/4/text", "unknown_member")]));
    let mut actions = actions;
    actions[4]["text"] = json!("{priority} {number}");
    actions.as_array_mut().unwrap().extend([
        json!({"type": "reply", "text": {"zh": "您好，{contact.name}", "en": "hello"}}),
        json!({"type": "create_task", "subject": "Call {contact.name}", "kind": "call", "priority": "high", "due_in_minutes": 60}),
        json!({"type": "notify", "to": ["owner", "manager"], "message": "{number} wartet"}),
        json!({"type": "perform", "action": "solve"}),
    ]);
    let body = json!({
        "name": "alles", "object": "ticket", "trigger": {"types": ["ticket.created"]}, "actions": actions,
        "filter": {"and": [{"field": "kind", "op": "eq", "value": "complaint"}, {"field": "contact.name", "op": "eq", "value": "王芳"}]},
    });
    let rule = admin.post("/v1/rules", body).await.ok(201);
    assert!(rule["active_since"].is_string(), "{rule}");
    let id = rule["id"].as_str().unwrap();
    let other = admin.create("tickets", json!({"subject": "y", "kind": "complaint"})).await;
    let ticket = admin.create("tickets", json!({"subject": "x", "kind": "complaint", "contact_id": contact})).await;
    let rule = ran(&admin, id, 1).await;
    assert_eq!((&rule["failed_count"], &rule["version"]), (&json!(0), &json!(1)), "counted without a new version");
    assert!(rule["last_run_at"].is_string());
    let run = &runs(&admin, id).await[0];
    assert_eq!((&run["outcome"], &run["problem"], &run["depth"]), (&json!("done"), &Value::Null, &json!(1)), "{run}");
    assert_eq!((&run["record_id"], &run["event_type"]), (&json!(ticket), &json!("ticket.created")));

    let shown = admin.get(&format!("/v1/tickets/{ticket}")).await.ok(200);
    assert_eq!((&shown["priority"], &shown["cause"]), (&json!("urgent"), &json!("von 王芳: x")));
    assert_eq!((&shown["tag_ids"], &shown["owner_id"], &shown["team_id"]), (&json!([one]), &json!(agent.id), &json!(team)));
    assert_eq!(shown["status"], "solved");
    let messages = admin.get(&format!("/v1/tickets/{ticket}/messages?sort=created_at")).await.ok(200);
    let said: Vec<(&str, &str)> = messages["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["kind"].as_str().unwrap(), message["body"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [("note", "紧急 T-000002"), ("automatic", "您好，王芳")],
        "in the language of the tenant and of the customer"
    );
    let tasks = admin.get("/v1/tasks").await.ok(200);
    let task = &tasks["data"][0];
    assert_eq!(
        (&task["subject"], &task["owner_id"], &task["contact_id"]),
        (&json!("Call 王芳"), &json!(agent.id), &json!(contact))
    );
    for user in [&agent, &manager] {
        let heard = user.get("/v1/notifications?limit=50").await.ok(200);
        let heard = heard["data"].as_array().unwrap().iter().find(|one| one["kind"] == "automation").cloned().unwrap();
        assert_eq!((&heard["title"], &heard["actor_id"]), (&json!("T-000002 wartet"), &Value::Null));
    }
    // What it changed is in the run by its fields, and in the history with its values and where it comes from.
    let events = admin.get(&format!("/v1/changes?record_id={ticket}&limit=200")).await.ok(200);
    let events = events["data"].as_array().unwrap();
    assert_eq!(events[0]["origin"], json!({"kind": "user", "id": admin.id}));
    assert!(events.len() >= 3, "{events:?}");
    for event in &events[1..] {
        assert_eq!(event["origin"], json!({"kind": "rule", "id": id}), "{event}");
        assert_eq!(event["actor"]["kind"], "system");
    }
    let changed = run["changes"].as_array().unwrap();
    assert_eq!(changed[0]["type"], "ticket.updated");
    let fields: Vec<&str> = changed[0]["fields"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect();
    for field in ["priority", "cause", "tag_ids", "owner_id"] {
        assert!(fields.contains(&field), "{field}: {run}");
    }
    let of_ticket = changed.iter().filter(|change| change["record_id"] == ticket.as_str()).count();
    assert_eq!(of_ticket, events.len() - 1, "as many changes as events: {run}");
    let untouched = admin.get(&format!("/v1/tickets/{other}")).await.ok(200);
    assert_eq!((&untouched["priority"], &untouched["version"]), (&json!("normal"), &json!(1)), "its filter passed it over");
    // Members of a team take turns.
    let turns = json!([{"type": "assign", "team_id": team}]);
    let turns = self::rule(&admin, "reihum", "lead", &["lead.created"], turns).await;
    for number in 0..4 {
        admin.create("leads", json!({"name": format!("L{number}")})).await;
    }
    ran(&admin, &turns, 4).await;
    let owners = admin.list("/v1/leads?sort=created_at", "owner_id").await;
    assert_eq!((&owners[0], &owners[1]), (&owners[2], &owners[3]), "{owners:?}");
    assert_ne!(owners[0], owners[1], "{owners:?}");
}

pub async fn a_later_rule_sees_what_an_earlier_one_did(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let set = |region: &str| json!([{"type": "set", "fields": {"region": region}}]);
    let body = |name: &str, order: i64, from: Value, to: &str| {
        json!({"name": name, "object": "customer", "sort_order": order, "trigger": {"types": ["customer.created"]},
               "filter": {"field": "region", "op": "eq", "value": from}, "actions": set(to)})
    };
    // Written in another order than they act in.
    let third = admin.create("rules", body("third", 30, json!("c"), "d")).await;
    let first = admin.create("rules", body("first", 10, json!("a"), "b")).await;
    let second = admin.create("rules", body("second", 20, json!("b"), "c")).await;
    assert_eq!(admin.names("/v1/rules").await, ["first", "second", "third"]);
    let customer = admin.create("customers", json!({"name": "Acme", "region": "a"})).await;
    ran(&admin, &third, 1).await;
    let shown = admin.get(&format!("/v1/customers/{customer}")).await.ok(200);
    assert_eq!((&shown["region"], &shown["version"]), (&json!("d"), &json!(4)));
    let mut all = Vec::new();
    for rule in [&first, &second, &third] {
        all.push(runs(&admin, rule).await[0]["depth"].clone());
    }
    assert_eq!(all, [1, 1, 1], "all were set off by the same event");
}

pub async fn rules_that_set_each_other_off_come_to_an_end(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    // Each makes the other's condition true, for ever.
    let flip = |name: &str, from: &str, to: &str| {
        json!({"name": name, "object": "customer", "trigger": {"types": ["customer.updated"], "changed": ["region"]},
               "filter": {"field": "region", "op": "eq", "value": from},
               "actions": [{"type": "set", "fields": {"region": to}}]})
    };
    let ping = admin.create("rules", flip("ping", "a", "b")).await;
    let pong = admin.create("rules", flip("pong", "b", "a")).await;
    // One that would go on by itself.
    let counts = json!([{"type": "set", "fields": {"industry": "{industry}+"}}]);
    let alone = rule(&admin, "alone", "customer", &["customer.updated"], counts).await;
    admin
        .patch(&format!("/v1/rules/{alone}"), json!({"trigger": {"types": ["customer.updated"], "changed": ["industry"]}}))
        .await
        .ok(200);
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    let path = format!("/v1/customers/{customer}");
    admin.patch(&path, json!({"region": "a"})).await.ok(200);
    // Both act on what the person did; then each on what the other did, until the sixth in line is stopped.
    let stopped = ran(&admin, &ping, 4).await;
    assert_eq!(stopped["failed_count"], 1);
    ran(&admin, &pong, 3).await;
    let outcomes = |runs: Vec<Value>| -> Vec<(i64, String)> {
        runs.iter().map(|run| (run["depth"].as_i64().unwrap(), run["outcome"].as_str().unwrap().to_owned())).collect()
    };
    let told = |pairs: &[(i64, &str)]| -> Vec<(i64, String)> {
        pairs.iter().map(|(depth, outcome)| (*depth, (*outcome).to_owned())).collect()
    };
    assert_eq!(outcomes(runs(&admin, &ping).await), told(&[(1, "done"), (2, "done"), (4, "done"), (6, "stopped")]));
    assert_eq!(outcomes(runs(&admin, &pong).await), told(&[(1, "done"), (3, "done"), (5, "done")]));
    assert_eq!(admin.get(&path).await.ok(200)["region"], "a", "as the last run left it");
    admin.patch(&path, json!({"industry": "x"})).await.ok(200);
    ran(&admin, &alone, 1).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(admin.get(&path).await.ok(200)["industry"], "x+", "no rule is set off by itself");
    ran(&admin, &alone, 1).await;
    ran(&admin, &ping, 4).await;
}

pub async fn a_run_that_fails_leaves_nothing_and_stops_nobody(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let leaving = server.user(&admin, "leaving", "sales_representative", json!({})).await;
    let fails = json!([{"type": "create_task", "subject": "vorher"}, {"type": "set", "fields": {"region": "x"}}, {"type": "assign", "user_id": leaving.id}]);
    let failing = rule(&admin, "failing", "customer", &["customer.created"], fails).await;
    let follows = json!([{"type": "set", "fields": {"industry": "y"}}]);
    let body = json!({"name": "following", "object": "customer", "sort_order": 200, "trigger": {"types": ["customer.created"]}, "actions": follows});
    let following = admin.create("rules", body).await;
    admin.post(&format!("/v1/users/{}/deactivate", leaving.id), json!({})).await.ok(204);
    let again = json!({"name": "again", "object": "customer", "trigger": {"types": ["customer.created"]}, "actions": [{"type": "assign", "user_id": leaving.id}]});
    assert_eq!(admin.post("/v1/rules", again).await.faults(422), pairs(&[("/actions/0/user_id", "user_deactivated")]));
    for name in ["Acme", "Emca"] {
        admin.create("customers", json!({"name": name})).await;
    }
    assert_eq!(ran(&admin, &failing, 2).await["failed_count"], 2);
    assert_eq!(ran(&admin, &following, 2).await["failed_count"], 0);
    let run = &runs(&admin, &failing).await[0];
    assert_eq!((&run["outcome"], &run["changes"]), (&json!("failed"), &json!([])), "{run}");
    assert_eq!(
        (&run["problem"]["code"], &run["problem"]["errors"][0]["pointer"]),
        (&json!("rule_violated"), &json!("/owner_id")),
        "{run}"
    );
    assert_eq!(admin.list("/v1/tasks", "id").await, [""; 0], "what came before it is not there either");
    for customer in admin.get("/v1/customers").await.ok(200)["data"].as_array().unwrap() {
        assert_eq!((&customer["region"], &customer["industry"], &customer["version"]), (&Value::Null, &json!("y"), &json!(2)));
    }
    let failed = admin.get("/v1/rule-runs?outcome=failed&total=true").await.ok(200);
    assert_eq!(failed["page"]["total"], 2);
    admin.delete(&format!("/v1/rules/{failing}")).await.ok(204);
    admin.create("customers", json!({"name": "Third"})).await;
    ran(&admin, &following, 3).await;
    assert_eq!(runs(&admin, &failing).await.len(), 2, "what is archived does nothing more");
}

pub async fn what_does_not_fit_is_told_at_its_place(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = |change: Value| {
        let mut body = json!({"name": "x", "object": "ticket", "trigger": {"types": ["ticket.created"]}, "actions": [{"type": "set", "fields": {"priority": "high"}}]});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    let cases = [
        (json!({"object": "rule"}), 422, vec![("/object", "unknown_choice")]),
        (json!({"object": "user"}), 422, vec![("/object", "unknown_choice")]),
        (json!({"trigger": {"types": ["ticket.solved"]}}), 400, vec![("/trigger/types/0", "unknown_choice")]),
        (json!({"trigger": {"types": ["customer.created"]}}), 400, vec![("/trigger/types/0", "unknown_choice")]),
        (
            json!({"trigger": {"types": ["ticket.updated"], "changed": ["prio"]}}),
            400,
            vec![("/trigger/changed/0", "unknown_member")],
        ),
        (json!({"trigger": {"field": "subject", "minutes": 5}}), 400, vec![("/trigger/field", "unknown_choice")]),
        (
            json!({"trigger": {"field": "waiting_since", "minutes": 5, "calendar_id": unknown}}),
            422,
            vec![("/trigger/calendar_id", "reference_not_found")],
        ),
        (json!({"trigger": {}}), 400, vec![("/trigger/types", "required")]),
        (json!({"filter": {"field": "prio", "op": "eq", "value": 1}}), 400, vec![("/filter/field", "unknown_member")]),
        (json!({"actions": []}), 422, vec![("/actions", "required")]),
        (json!({"actions": [{"type": "sett"}]}), 400, vec![("/actions/0/type", "unknown_choice")]),
        (
            json!({"actions": [{"type": "set", "fields": {"prio": 1, "priority": "higher", "number": "7", "opened_at": "2026-01-01T00:00:00Z"}}]}),
            400,
            vec![
                ("/actions/0/fields/prio", "unknown_member"),
                ("/actions/0/fields/priority", "unknown_choice"),
                ("/actions/0/fields/number", "read_only"),
                ("/actions/0/fields/opened_at", "create_only"),
            ],
        ),
        (
            json!({"actions": [{"type": "set", "fields": {"queue_id": unknown}}]}),
            422,
            vec![("/actions/0/fields/queue_id", "reference_not_found")],
        ),
        (
            json!({"actions": [{"type": "set", "fields": {"cause": "{contact.nmae}"}}]}),
            400,
            vec![("/actions/0/fields/cause", "unknown_member")],
        ),
        (
            json!({"actions": [{"type": "add_tags", "tag_ids": [unknown]}]}),
            422,
            vec![("/actions/0/tag_ids/0", "reference_not_found")],
        ),
        (json!({"actions": [{"type": "assign", "team_id": unknown}]}), 422, vec![("/actions/0/team_id", "reference_not_found")]),
        (
            json!({"actions": [{"type": "notify", "user_ids": [unknown]}]}),
            422,
            vec![("/actions/0/user_ids/0", "reference_not_found")],
        ),
        (json!({"actions": [{"type": "perform", "action": "explode"}]}), 400, vec![("/actions/0/action", "unknown_choice")]),
        (
            json!({"object": "customer", "trigger": {"types": ["customer.created"]}, "actions": [{"type": "reply", "text": "x"}]}),
            400,
            vec![("/actions/0/type", "wrong_type")],
        ),
        (
            json!({"object": "product", "trigger": {"types": ["product.created"]}, "actions": [{"type": "assign", "user_id": admin.id}]}),
            400,
            vec![("/actions/0/type", "wrong_type")],
        ),
    ];
    for (change, status, faults) in cases {
        assert_eq!(admin.post("/v1/rules", body(change.clone())).await.faults(status), pairs(&faults), "{change}");
    }
    admin.post("/v1/rules", body(json!({}))).await.ok(201);
}

pub async fn nobody_has_done_what_they_may_not_do(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let rights = ["rule create all", "rule read all", "rule update all", "ticket read all", "ticket update all"];
    let rules = json!([{"object": "ticket", "field": "cause", "rule": "read_only"}, {"object": "ticket", "field": "resolution", "rule": "hidden"}]);
    let limited = server.user_who_may(&admin, "limited", &rights, rules, json!({})).await;
    let body = |name: &str, object: &str, actions: Value| json!({"name": name, "object": object, "trigger": {"types": [format!("{object}.created")]}, "actions": actions});
    let refused = |answer: crate::client::Answer| {
        answer.refused(403, "permission_not_held")["errors"][0]["pointer"].as_str().unwrap().to_owned()
    };
    let own =
        limited.post("/v1/rules", body("own", "ticket", json!([{"type": "set", "fields": {"priority": "high"}}]))).await.ok(201);
    let task = json!([{"type": "set", "fields": {"priority": "high"}}, {"type": "create_task", "subject": "x"}]);
    assert_eq!(refused(limited.post("/v1/rules", body("task", "ticket", task)).await), "/actions/1");
    let customers = json!([{"type": "set", "fields": {"region": "x"}}]);
    assert_eq!(refused(limited.post("/v1/rules", body("customers", "customer", customers)).await), "/trigger");
    let frozen = json!([{"type": "set", "fields": {"cause": "x"}}]);
    assert_eq!(
        limited.post("/v1/rules", body("frozen", "ticket", frozen)).await.faults(400),
        pairs(&[("/actions/0/fields/cause", "field_not_permitted")])
    );
    for actions in [
        json!([{"type": "set", "fields": {"resolution": "x"}}]),
        json!([{"type": "set", "fields": {"priority": "low", "order_reference": "{resolution}"}}]),
    ] {
        let faults = limited.post("/v1/rules", body("hidden", "ticket", actions)).await.faults(400);
        assert_eq!(faults[0].1, "unknown_member", "{faults:?}");
    }
    // A filter or a text that asks for the records of others tells of them.
    let mut asks = body("asks", "ticket", json!([{"type": "set", "fields": {"priority": "high"}}]));
    asks["filter"] = json!({"field": "customer.name", "op": "eq", "value": "Acme"});
    assert_eq!(limited.post("/v1/rules", asks).await.faults(400)[0].1, "unknown_member");
    // Whoever may update rules may turn off what they could not have written, and not turn it on again.
    let others = admin.create("rules", body("others", "customer", json!([{"type": "set", "fields": {"region": "x"}}]))).await;
    let path = format!("/v1/rules/{others}");
    limited.patch(&path, json!({"is_active": false, "name": "off"})).await.ok(200);
    assert_eq!(refused(limited.patch(&path, json!({"is_active": true})).await), "/trigger");
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    agent.get("/v1/rules").await.refused(403, "forbidden");
    agent.get("/v1/rule-runs").await.refused(403, "forbidden");
    limited.get(&format!("/v1/rules/{}", own["id"].as_str().unwrap())).await.ok(200);
}

pub async fn what_happens_while_a_rule_is_inactive_is_not_made_up_for(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let first = admin.create("customers", json!({"name": "before"})).await;
    let set = json!([{"type": "set", "fields": {"region": "x"}}]);
    let rule = rule(&admin, "r", "customer", &["customer.created"], set).await;
    let path = format!("/v1/rules/{rule}");
    admin.create("customers", json!({"name": "active"})).await;
    ran(&admin, &rule, 1).await;
    let off = admin.patch(&path, json!({"is_active": false})).await.ok(200);
    assert_eq!(off["active_since"], Value::Null);
    admin.create("customers", json!({"name": "inactive"})).await;
    admin.patch(&path, json!({"is_active": true})).await.ok(200);
    let last = admin.create("customers", json!({"name": "active again"})).await;
    ran(&admin, &rule, 2).await;
    let regions: Vec<Value> = admin.get("/v1/customers?sort=created_at").await.ok(200)["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|customer| customer["region"].clone())
        .collect();
    assert_eq!(regions, [Value::Null, json!("x"), Value::Null, json!("x")]);
    assert_eq!(admin.get(&format!("/v1/customers/{first}")).await.ok(200)["version"], 1);
    once(&admin, &format!("/v1/customers/{last}"), |customer| customer["version"] == 2).await;
    // What an import brings in is history, unless the rule says otherwise.
    let csv = "name,industry\nImported,Steel\n";
    let imports = json!({"name": "imports too", "object": "customer", "trigger": {"types": ["customer.created"], "imports": true}, "actions": [{"type": "set", "fields": {"description": "seen"}}]});
    let imports = admin.create("rules", imports).await;
    let import = admin.post("/v1/imports", json!({"object": "customer", "content": csv})).await.ok(201);
    let done =
        once(&admin, &format!("/v1/imports/{}", import["id"].as_str().unwrap()), |import| import["status"] == "done").await;
    ran(&admin, &imports, 1).await;
    ran(&admin, &rule, 2).await;
    let imported = admin.get("/v1/customers?name=Imported").await.ok(200);
    assert_eq!((&imported["data"][0]["region"], &imported["data"][0]["description"]), (&Value::Null, &json!("seen")));
    let event = admin.get(&format!("/v1/changes?record_id={}", imported["data"][0]["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(event["data"][0]["origin"], json!({"kind": "import", "id": done["id"]}));
}

/// How many records are made while nodes come and go.
const MANY: usize = 1_000;

pub async fn killed_in_between_each_event_is_worked_off_once(db: TestDb) {
    let process = Process::start(&db);
    let admin = process.admin().await;
    let (set, task) = (json!({"type": "set", "fields": {"region": "x"}}), json!({"type": "create_task", "subject": "{name}"}));
    let rule = rule(&admin, "once", "customer", &["customer.created"], json!([set, task])).await;
    let mut process = Some(process);
    let mut client = admin.clone();
    let mut done = 0;
    let begun = Instant::now();
    while done < MANY {
        let batch = (0..50).map(|number| {
            let client = client.clone();
            async move { client.post("/v1/customers", json!({"name": format!("C{:05}", done + number)})).await.ok(201) }
        });
        futures_util::future::join_all(batch).await;
        done += 50;
        // Its rules are being worked off when it goes.
        if done == 300 || done == 700 {
            if let Some(process) = process.take() {
                process.kill();
            }
            let next = Process::start(&db);
            client = next.admin().await;
            process = Some(next);
        }
    }
    // On PostgreSQL another node helps; one of the two is killed in the middle.
    if db.engine == Engine::Postgres {
        let other = Process::start(&db);
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(process) = process.take() {
            process.kill();
        }
        client = other.admin().await;
        process = Some(other);
    }
    let path = format!("/v1/rules/{rule}");
    let worked = once(&client, &path, |rule| rule["run_count"] == json!(MANY)).await;
    assert_eq!((&worked["run_count"], &worked["failed_count"]), (&json!(MANY), &json!(0)), "after {:?}", begun.elapsed());
    for (list, count) in [
        ("/v1/customers?region=x&version=2", MANY),
        ("/v1/customers?region_null=true", 0),
        ("/v1/tasks?limit=1", MANY),
        ("/v1/rule-runs?outcome=done", MANY),
    ] {
        let page = client.get(&format!("{list}{}total=true", if list.contains('?') { "&" } else { "?" })).await.ok(200);
        assert_eq!(page["page"]["total"], json!(count), "{list}");
    }
    drop(process);
}
