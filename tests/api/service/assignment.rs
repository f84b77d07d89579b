//! Queues that give their tickets to agents: in what order, to whom, and never to two.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::tickets::ago;
use crate::{
    client::Client,
    server::Server,
    support::{Engine, TestDb},
};

/// Agents with ready-made roles; `more` for each.
async fn agents(server: &Server, admin: &Client, more: &[Value]) -> Vec<Client> {
    let mut agents = Vec::new();
    for (number, more) in more.iter().enumerate() {
        agents.push(server.user(admin, &format!("agent {number}"), "service_agent", more.clone()).await);
    }
    agents
}

fn ids(agents: &[Client]) -> Vec<String> {
    agents.iter().map(|agent| agent.id.clone()).collect()
}

/// Who owns the tickets with these subjects, once so many of the queue are owned; null for nobody.
async fn owners(admin: &Client, queue: &str, owned: usize) -> BTreeMap<String, Value> {
    let begun = Instant::now();
    loop {
        let found = admin.get(&format!("/v1/tickets?queue_id={queue}&limit=200")).await.ok(200);
        let rows = found["data"].as_array().unwrap();
        let given = rows.iter().filter(|row| !row["owner_id"].is_null()).count();
        if given >= owned || begun.elapsed() > Duration::from_secs(30) {
            let own = |row: &Value| (row["subject"].as_str().unwrap().to_owned(), row["owner_id"].clone());
            return rows.iter().map(own).collect();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Time enough for a round that gives nothing.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(1_500)).await;
}

pub async fn agents_get_tickets_in_turn_in_one_order(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let agents = agents(&server, &admin, &[json!({}), json!({}), json!({})]).await;
    let ids = ids(&agents);
    // They wait first, so that all are given in one round.
    let queue = admin.create("queues", json!({"name": "热线", "agent_ids": ids})).await;
    let mut expected = Vec::new();
    for (number, priority) in ["low", "urgent", "normal", "urgent", "high", "normal", "low"].into_iter().enumerate() {
        let opened = [30, 10, 20, 40, 5, 25, 60][number];
        let subject = format!("t{number}");
        admin
            .create("tickets", json!({"subject": subject, "priority": priority, "opened_at": ago(opened), "queue_id": queue}))
            .await;
        let rank = ["urgent", "high", "normal", "low"].iter().position(|known| *known == priority).unwrap();
        expected.push((rank, -opened, subject));
    }
    a_while().await;
    assert!(owners(&admin, &queue, 0).await.values().all(Value::is_null), "nothing is given that agents take");
    admin.post(&format!("/v1/users/{}/deactivate", ids[1]), json!({})).await.ok(204);
    admin.patch(&format!("/v1/queues/{queue}"), json!({"assignment": "round_robin"})).await.ok(200);
    let owners = owners(&admin, &queue, 7).await;
    expected.sort();
    for (turn, (_, _, subject)) in expected.iter().enumerate() {
        let owner = &ids[[0, 2][turn % 2]];
        assert_eq!(owners[subject], **owner, "{subject} in turn, and nothing for the one deactivated: {owners:?}");
    }
    let told = agents[0].get("/v1/notifications?limit=200").await.ok(200);
    let about = told["data"].as_array().unwrap().iter().filter(|one| one["kind"] == "assigned").count();
    assert_eq!(about, 4, "{told}");
    let ticket = admin.get(&format!("/v1/tickets?queue_id={queue}&limit=1")).await.ok(200)["data"][0]["id"].clone();
    let events = admin.get(&format!("/v1/changes?record_id={}", ticket.as_str().unwrap())).await.ok(200);
    assert!(events["data"].as_array().unwrap().iter().any(|event| event["type"] == "ticket.assigned"), "{events}");
}

pub async fn capacity_skills_hours_and_habit_decide(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let more = [
        json!({"skills": ["VPN", "日语"]}),
        json!({"skills": ["ｖｐｎ"], "ticket_capacity": 3}),
        json!({"skills": ["日语"], "ticket_capacity": 0}),
        json!({}),
    ];
    let agents = agents(&server, &admin, &more).await;
    let ids = ids(&agents);
    let queue = json!({"name": "热线", "agent_ids": ids, "assignment": "least_loaded", "ticket_capacity": 2});
    let queue = admin.create("queues", queue).await;
    let absent = json!([{"user_id": ids[3], "starts_at": ago(60), "ends_at": ago(-600)}]);
    let schedule = admin.create("work-schedules", json!({"name": "x", "user_ids": [ids[3]], "absences": absent})).await;
    let open = |subject: &str, more: Value| {
        let mut body = json!({"subject": subject, "queue_id": queue, "opened_at": ago(30)});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.create("tickets", body)
    };
    // One after the other, each of them given before the next comes.
    let mut given = Vec::new();
    for (number, skills) in [json!(["日语"]), json!(["vpn"]), json!([]), json!(["vpn", "日语"])].into_iter().enumerate() {
        let subject = format!("t{number}");
        open(&subject, json!({"required_skills": skills})).await;
        given.push(owners(&admin, &queue, number + 1).await[&subject].clone());
    }
    assert_eq!(given[0], ids[0], "the only one with Japanese who may have any");
    assert_eq!(given[1], ids[1], "the one with fewer");
    assert_eq!(given[2], ids[0], "of equals the first");
    a_while().await;
    assert!(owners(&admin, &queue, 0).await["t3"].is_null(), "the only one who could has two");
    // A ticket that nobody can have holds up no other.
    open("t4", json!({})).await;
    assert_eq!(owners(&admin, &queue, 4).await["t4"], ids[1], "the absent one gets nothing");
    // It is given as soon as somebody is free.
    let first = admin.get(&format!("/v1/tickets?queue_id={queue}&subject=t0")).await.ok(200)["data"][0]["id"].clone();
    agents[0].post(&format!("/v1/tickets/{}/solve", first.as_str().unwrap()), json!({})).await.ok(200);
    assert_eq!(owners(&admin, &queue, 5).await["t3"], ids[0]);
    // Whoever had the last ticket of the contact has this one too, if they are free.
    admin.patch(&format!("/v1/queues/{queue}"), json!({"prefers_last_agent": true, "ticket_capacity": 10})).await.ok(200);
    let customer = admin.create("customers", json!({"name": "华为"})).await;
    let contact = admin.create("contacts", json!({"name": "王芳"})).await;
    admin.create("tickets", json!({"subject": "old", "contact_id": contact, "owner_id": ids[1]})).await;
    admin.create("tickets", json!({"subject": "older", "customer_id": customer, "owner_id": ids[0]})).await;
    open("t5", json!({"contact_id": contact, "customer_id": customer})).await;
    // Agent 1 has three already, their own most: so it goes by the least.
    assert_eq!(owners(&admin, &queue, 6).await["t5"], ids[0]);
    admin.patch(&format!("/v1/users/{}", ids[1]), json!({"ticket_capacity": null})).await.ok(200);
    let next = admin.create("contacts", json!({"name": "李伟"})).await;
    admin.create("tickets", json!({"subject": "his", "contact_id": next, "owner_id": ids[1]})).await;
    open("t6", json!({"contact_id": next})).await;
    assert_eq!(owners(&admin, &queue, 7).await["t6"], ids[1], "though others have fewer");
    // Back at work, the third has nothing yet and gets the next, without anybody writing to the ticket: hours are looked at again.
    admin.patch(&format!("/v1/queues/{queue}"), json!({"prefers_last_agent": false, "ticket_capacity": 1})).await.ok(200);
    open("t7", json!({})).await;
    a_while().await;
    assert!(owners(&admin, &queue, 0).await["t7"].is_null());
    admin.patch(&format!("/v1/work-schedules/{schedule}"), json!({"absences": []})).await.ok(200);
    assert_eq!(owners(&admin, &queue, 8).await["t7"], ids[3]);
}

pub async fn no_ticket_is_given_twice(db: TestDb) {
    // Two nodes on one database, where there can be two, each with workers that give out tickets.
    let two = db.engine == Engine::Postgres;
    let server = Server::start(db.clone()).await;
    let other = if two { Some(Server::start(db).await) } else { None };
    let admin = server.admin().await;
    let there = other.as_ref().unwrap_or(&server).anybody().with_token(admin.token());
    let agents = agents(&server, &admin, &vec![json!({}); 4]).await;
    let ids = ids(&agents);
    let queue = json!({"name": "热线", "agent_ids": ids, "assignment": "round_robin", "ticket_capacity": 5});
    let queue = admin.create("queues", queue).await;
    let all = 24;
    let opened = (0..all).map(|number| {
        [&admin, &there][number % 2].create("tickets", json!({"subject": format!("t{number:02}"), "queue_id": queue}))
    });
    let next = format!("/v1/queues/{queue}/next");
    let pulls: Vec<_> = agents.iter().map(|agent| agent.post(&next, json!({}))).collect();
    let pulling = async {
        let mut taken = Vec::new();
        for pull in pulls {
            let answer = pull.await;
            if answer.status == 200 {
                taken.push(answer.ok(200)["id"].as_str().unwrap().to_owned());
            }
        }
        taken
    };
    let (created, pulled) = tokio::join!(futures_util::future::join_all(opened), pulling);
    assert_eq!(created.into_iter().collect::<BTreeSet<_>>().len(), all);
    assert_eq!(pulled.iter().collect::<BTreeSet<_>>().len(), pulled.len());
    let owners = owners(&admin, &queue, 20).await;
    a_while().await;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in owners.values().filter_map(Value::as_str) {
        *counts.entry(owner).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == 5) && counts.len() == 4, "as many as each may have: {counts:?}");
    // Each was given once: no ticket has changed hands.
    let changes = admin.get("/v1/changes?types=ticket.assigned&limit=200").await.ok(200);
    let mut assigned: Vec<&str> =
        changes["data"].as_array().unwrap().iter().map(|event| event["record_id"].as_str().unwrap()).collect();
    let given = assigned.len();
    assigned.sort_unstable();
    assigned.dedup();
    assert_eq!((assigned.len(), given), (counts.values().sum::<usize>(), assigned.len()));
}

/// What `POST …/next` answers to somebody: the ticket, or why there is none.
fn answer(answer: &crate::client::Answer) -> Result<Value, (String, Value)> {
    match answer.status {
        200 => Ok(answer.body.clone()),
        204 => Err(("empty".to_owned(), Value::Null)),
        status => {
            assert_eq!(status, 409, "{}", answer.body);
            let code = answer.body["code"].as_str().unwrap().to_owned();
            Err((code, answer.body["missing_skills"].clone()))
        }
    }
}

/// Agents who take tickets one after the other get what a walk through the waiting tickets by hand gives them.
pub async fn whoever_asks_gets_what_they_can_have(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let sets: [&[&str]; 4] = [&["VPN", "日语"], &["ｖｐｎ"], &["日语"], &[]];
    let own = [None, Some(4), None, Some(3)];
    let more: Vec<Value> =
        sets.iter().zip(own).map(|(skills, capacity)| json!({"skills": skills, "ticket_capacity": capacity})).collect();
    let agents = agents(&server, &admin, &more).await;
    let queue = json!({"name": "热线", "agent_ids": ids(&agents), "ticket_capacity": 6});
    let queue = admin.create("queues", queue).await;
    // Most of what is urgent is for nobody here, more than are looked at at once.
    let required: [&[&str]; 6] = [&[], &["vpn"], &["日语"], &["VPN", "日语"], &["法语"], &["vpn", "德语"]];
    let mut waiting = Vec::new();
    for number in 0..64_usize {
        let place = if number < 44 { 4 + number % 2 } else { (number * 5 + number / 7) % 4 };
        let priority = if number < 44 { "urgent" } else { ["low", "normal", "high"][number % 3] };
        let opened = 10 + (i64::try_from(number).unwrap() * 37) % 101;
        let body = json!({"subject": format!("t{number}"), "queue_id": queue, "priority": priority, "opened_at": ago(opened), "required_skills": required[place]});
        admin.create("tickets", body).await;
        let rank = ["urgent", "high", "normal", "low"].iter().position(|known| *known == priority).unwrap();
        waiting.push((rank, -opened, format!("t{number}"), place));
    }
    waiting.sort();
    let has = |agent: usize, place: usize| {
        let skills: Vec<String> = sets[agent].iter().map(|skill| skill.replace("ｖｐｎ", "VPN").to_lowercase()).collect();
        required[place].iter().all(|skill| skills.contains(&skill.to_lowercase()))
    };
    let next = format!("/v1/queues/{queue}/next");
    let mut loads = [0; 4];
    let (mut full, mut lacking) = (0, 0);
    for turn in 0..26 {
        let place = (turn * 3 + turn / 4) % 4;
        let told = answer(&agents[place].post(&next, json!({})).await);
        if loads[place] >= own[place].unwrap_or(6) {
            full += 1;
            assert_eq!(told.unwrap_err().0, "at_capacity");
            continue;
        }
        match waiting.iter().position(|(_, _, _, required)| has(place, *required)) {
            Some(found) => {
                let (_, _, subject, _) = waiting.remove(found);
                let ticket = told.unwrap();
                assert_eq!((&ticket["subject"], &ticket["owner_id"]), (&json!(subject), &json!(agents[place].id)));
                loads[place] += 1;
            }
            None => {
                lacking += 1;
                let (code, missing) = told.unwrap_err();
                assert_eq!(code, "skill_missing");
                assert!(missing.as_array().unwrap().contains(&json!("法语")), "{missing}");
            }
        }
    }
    assert!(full > 2 && loads[0] == 6, "{loads:?} {full} {lacking}");
    // Whoever has solved one gets another.
    let mine = admin.list(&format!("/v1/tickets?owner_id={}&limit=1", agents[3].id), "id").await;
    agents[3].post(&format!("/v1/tickets/{}/solve", mine[0]), json!({})).await.ok(200);
    let told = answer(&agents[3].post(&next, json!({})).await);
    assert_eq!(told.is_ok(), waiting.iter().any(|(_, _, _, place)| has(3, *place)));
    // What others may not be told of is not told.
    let rules = json!([{"object": "ticket", "field": "required_skills", "rule": "hidden"}]);
    let grants = &["ticket read all", "ticket update all", "queue read all"];
    let blind = server.user_who_may(&admin, "blind", grants, rules, json!({})).await;
    let lonely = admin.create("queues", json!({"name": "二线"})).await;
    let next = format!("/v1/queues/{lonely}/next");
    assert_eq!(answer(&blind.post(&next, json!({})).await).unwrap_err().0, "empty");
    let ticket = json!({"subject": "x", "queue_id": lonely, "required_skills": ["法语"]});
    let ticket = admin.create("tickets", ticket).await;
    assert_eq!(answer(&blind.post(&next, json!({})).await).unwrap_err(), ("skill_missing".to_owned(), Value::Null));
    admin.patch(&format!("/v1/tickets/{ticket}"), json!({"required_skills": []})).await.ok(200);
    assert_eq!(answer(&blind.post(&next, json!({})).await).unwrap()["id"], *ticket);
}

/// Everybody asks two queues at once, on two nodes where there can be two: no ticket is given twice, and nobody gets too many, or one
/// that they are not fit for.
pub async fn whoever_asks_in_a_crowd_gets_no_more_than_they_can_have(db: TestDb) {
    let two = db.engine == Engine::Postgres;
    let server = Server::start(db.clone()).await;
    let other = if two { Some(Server::start(db).await) } else { None };
    let admin = server.admin().await;
    let more = [json!({"skills": ["a"]}), json!({"skills": ["b"], "ticket_capacity": 3}), json!({"skills": ["a", "b"]})];
    let agents = agents(&server, &admin, &more).await;
    let mut queues = Vec::new();
    for name in ["A", "B"] {
        queues.push(admin.create("queues", json!({"name": name, "ticket_capacity": 5})).await);
    }
    for number in 0..60_usize {
        let skills = [json!(["a"]), json!(["b"]), json!([]), json!(["a", "b"])][number % 4].clone();
        admin
            .create(
                "tickets",
                json!({"subject": format!("t{number}"), "queue_id": queues[(number / 4) % 2], "required_skills": skills}),
            )
            .await;
    }
    let mut pulls = Vec::new();
    for round in 0..8_usize {
        for (place, agent) in agents.iter().enumerate() {
            let there = other.as_ref().filter(|_| round % 2 == 1).unwrap_or(&server).anybody().with_token(agent.token());
            let next = format!("/v1/queues/{}/next", queues[(round + place) % 2]);
            pulls.push(async move { answer(&there.post(&next, json!({})).await).ok().map(|ticket| (place, ticket)) });
        }
    }
    let given: Vec<(usize, Value)> = futures_util::future::join_all(pulls).await.into_iter().flatten().collect();
    let distinct: BTreeSet<String> = given.iter().map(|(_, ticket)| ticket["id"].to_string()).collect();
    assert_eq!(distinct.len(), given.len(), "no ticket twice");
    for (place, capacity) in [5, 3, 5].into_iter().enumerate() {
        let own = given.iter().filter(|(owner, _)| *owner == place).count();
        assert_eq!(own, capacity, "eight times asked, each gets what they may have");
        let found = admin.get(&format!("/v1/tickets?owner_id={}&total=true&limit=1", agents[place].id)).await.ok(200);
        assert_eq!(found["page"]["total"], capacity);
    }
    for (place, ticket) in &given {
        let skills: Vec<&str> = ticket["required_skills"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let own = more[*place]["skills"].as_array().unwrap();
        assert!(skills.iter().all(|skill| own.contains(&json!(skill))), "{place}: {skills:?}");
    }
}

pub async fn what_waits_too_long_is_escalated(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let manager = server.user(&admin, "manager", "service_agent", json!({})).await;
    let second = admin.create("queues", json!({"name": "二线"})).await;
    let first = admin.create("queues", json!({"name": "一线", "manager_id": manager.id})).await;
    let trigger = json!({"field": "queue_entered_at", "minutes": 60});
    let waits = |queue: &str| {
        json!({"and": [{"field": "owner_id", "op": "null", "value": true}, {"field": "queue_id", "value": queue},
        {"field": "priority", "value": if queue == first { "normal" } else { "high" }}]})
    };
    let rule = |name: &str, filter: Value, action: Value| json!({"name": name, "object": "ticket", "trigger": trigger, "filter": filter, "actions": [action]});
    admin.create("rules", rule("to the manager", waits(&first), json!({"type": "perform", "action": "escalate"}))).await;
    let elsewhere = json!({"and": [{"field": "owner_id", "op": "null", "value": true}, {"field": "queue_id", "value": first},
        {"field": "priority", "value": "urgent"}]});
    admin.create("rules", rule("to the second line", elsewhere, json!({"type": "set", "fields": {"queue_id": second}}))).await;
    let open = |priority: &str, minutes: i64| {
        admin.post("/v1/tickets", json!({"subject": "x", "queue_id": first, "priority": priority, "opened_at": ago(minutes)}))
    };
    let old = open("normal", 90).await.ok(201);
    let urgent = open("urgent", 90).await.ok(201);
    let fresh = open("normal", 10).await.ok(201);
    assert_eq!(old["queue_entered_at"], old["opened_at"], "since it was opened");
    let read = |ticket: &Value| admin.get(&format!("/v1/tickets/{}", ticket["id"].as_str().unwrap()));
    let begun = Instant::now();
    while read(&old).await.ok(200)["owner_id"].is_null() || read(&urgent).await.ok(200)["queue_id"] == first {
        assert!(begun.elapsed() < Duration::from_secs(90), "the rules act within their minute");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(read(&old).await.ok(200)["owner_id"], manager.id);
    let moved = read(&urgent).await.ok(200);
    assert_eq!((&moved["queue_id"], &moved["owner_id"]), (&json!(second), &Value::Null));
    assert!(moved["queue_entered_at"].as_str() > urgent["queue_entered_at"].as_str());
    assert!(read(&fresh).await.ok(200)["owner_id"].is_null());
    // Without a manager it is refused, with the reason.
    let makro = json!({"name": "Eskalieren", "object": "ticket", "actions": [{"type": "perform", "action": "escalate"}]});
    let makro = admin.create("macros", makro).await;
    let applied = admin.post(&format!("/v1/macros/{makro}/apply"), json!({"record_ids": [urgent["id"]]})).await;
    assert!(applied.body.to_string().contains("no_manager"), "{}", applied.body);
}
