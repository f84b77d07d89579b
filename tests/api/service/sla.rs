//! Promises: what is due when, what is told of it, and what later changes leave as it was.

use std::time::{Duration, Instant};

use chrono::{DateTime, Timelike, Utc};
use chrono_tz::Tz;
use farley::http::clock;
use farley_domain::values::calendar::{day_of, start_of_day};
use serde_json::{Value, json};

use super::tickets::{ago, status};
use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

fn target(clock: &str, minutes: i64) -> Value {
    json!({"clock": clock, "minutes": minutes, "business": false})
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap_or_else(|| panic!("a time: {value}")).parse().unwrap()
}

pub async fn clocks(client: &Client, ticket: &str, how: &str) -> Vec<Value> {
    client.get(&format!("/v1/tickets/{ticket}/sla{how}")).await.ok(200)["clocks"].as_array().unwrap().clone()
}

pub fn of_kind<'a>(clocks: &'a [Value], kind: &str) -> &'a Value {
    clocks.iter().rev().find(|clock| clock["clock"] == kind).unwrap_or_else(|| panic!("no {kind} in {clocks:?}"))
}

/// The events of a ticket that tell of its clocks, once there are so many.
pub async fn told(client: &Client, ticket: &str, count: usize) -> Vec<(String, String)> {
    let begun = Instant::now();
    loop {
        let events = client.get(&format!("/v1/changes?record_id={ticket}&limit=200")).await.ok(200);
        let told: Vec<(String, String)> = events["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["type"].as_str().unwrap().starts_with("ticket.sla_"))
            .map(|event| {
                let clock = event["changes"]["clock"]["to"].as_str().unwrap().to_owned();
                (event["type"].as_str().unwrap().trim_start_matches("ticket.").to_owned(), clock)
            })
            .collect();
        if told.len() >= count || begun.elapsed() > Duration::from_secs(30) {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub async fn clocks_follow_messages_and_statuses(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pausing = |clock: &str, minutes: i64| json!({"clock": clock, "minutes": minutes, "business": false, "pause_in": ["waiting_customer"]});
    let targets = json!([
        target("first_response", 60),
        target("next_response", 120),
        target("update", 600),
        pausing("first_resolution", 1_000),
        pausing("total_resolution", 2_000)
    ]);
    let policy = admin.create("sla-policies", json!({"name": "Alle", "targets": targets})).await;
    let ticket = admin.post("/v1/tickets", json!({"subject": "x", "opened_at": ago(50)})).await.ok(201);
    let id = ticket["id"].as_str().unwrap();
    assert_eq!((&ticket["sla_policy_id"], &ticket["sla_policy_version"]), (&json!(policy), &json!(1)));
    assert_eq!(time(&ticket["sla_due_at"]) - time(&ticket["opened_at"]), chrono::Duration::minutes(60));
    let shown = clocks(&admin, id, "").await;
    assert_eq!(shown.len(), 3, "a reply and two solutions are owed: {shown:?}");
    let response = of_kind(&shown, "first_response");
    assert_eq!((&response["state"], &response["target_minutes"]), (&json!("running"), &json!(60)));
    let (elapsed, remaining) = (response["elapsed_minutes"].as_f64().unwrap(), response["remaining_minutes"].as_f64().unwrap());
    assert!((50.0..52.0).contains(&elapsed) && (elapsed + remaining - 60.0).abs() < 1e-9, "{response}");

    let messages = format!("/v1/tickets/{id}/messages");
    admin.post(&messages, json!({"body": "answer", "sent_at": ago(40)})).await.ok(201);
    let shown = clocks(&admin, id, "").await;
    let response = of_kind(&shown, "first_response");
    assert_eq!(response["state"], "met");
    assert!((response["elapsed_minutes"].as_f64().unwrap() - 10.0).abs() < 0.1, "{response}");
    assert_eq!(of_kind(&shown, "update")["state"], "running", "an agent wrote last");
    admin.post(&messages, json!({"kind": "incoming", "body": "more", "sent_at": ago(30)})).await.ok(201);
    admin.post(&messages, json!({"kind": "incoming", "body": "and more", "sent_at": ago(20)})).await.ok(201);
    let shown = clocks(&admin, id, "").await;
    assert_eq!(of_kind(&shown, "update")["state"], "stopped");
    let next = of_kind(&shown, "next_response");
    assert_eq!((&next["state"], &next["cycle"]), (&json!("running"), &json!(1)));
    assert!((time(&next["started_at"]) - time(&json!(ago(30)))).num_seconds().abs() < 5, "since the first message unanswered");
    let replies =
        shown.iter().filter(|clock| clock["clock"].as_str().unwrap().ends_with("response") || clock["clock"] == "update");
    assert_eq!(replies.filter(|clock| clock["ended_at"].is_null()).count(), 1, "one reply clock at a time");
    let waiting = status(&admin, "waiting_customer").await;
    admin.post(&messages, json!({"body": "question", "status_id": waiting})).await.ok(201);
    let shown = clocks(&admin, id, "/explain").await;
    let resolution = of_kind(&shown, "first_resolution");
    assert_eq!(resolution["state"], "paused");
    assert!(resolution["paused_since"].is_string() && resolution["due_at"].is_null());
    for clock in &shown {
        let counted = clock["segments"].as_array().unwrap().iter().filter(|segment| segment["kind"] == "counted");
        let sum: f64 = counted.map(|segment| segment["minutes"].as_f64().unwrap()).sum();
        assert!((sum - clock["elapsed_minutes"].as_f64().unwrap()).abs() < 1e-6, "the segments add up: {clock}");
    }
    let solved = admin.post(&format!("/v1/tickets/{id}/solve"), json!({})).await.ok(200);
    assert_eq!(solved["sla_due_at"], Value::Null);
    let shown = clocks(&admin, id, "").await;
    assert_eq!(
        (&of_kind(&shown, "first_resolution")["state"], &of_kind(&shown, "total_resolution")["state"]),
        (&json!("met"), &json!("met"))
    );
    let total = of_kind(&shown, "total_resolution")["elapsed_minutes"].as_f64().unwrap();
    admin.post(&format!("/v1/tickets/{id}/reopen"), json!({})).await.ok(200);
    let shown = clocks(&admin, id, "").await;
    assert_eq!(of_kind(&shown, "first_resolution")["state"], "met", "the first solution stays the first");
    let resumed = of_kind(&shown, "total_resolution");
    assert_eq!(resumed["state"], "running");
    assert!(resumed["elapsed_minutes"].as_f64().unwrap() - total < 0.2, "the time it was solved is not counted");
    admin.delete(&format!("/v1/tickets/{id}")).await.ok(204);
    let after = admin.get(&format!("/v1/tickets/{id}/sla")).await.ok(200);
    assert!(after["clocks"].as_array().unwrap().iter().all(|clock| !clock["ended_at"].is_null()), "nothing is owed any more");
}

pub async fn warnings_and_breaches_are_told_on_time_and_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    let owner = agent.get("/v1/me").await.ok(200)["id"].clone();
    let warning = json!([{"clock": "first_response", "minutes": 60, "business": false, "warn_before_minutes": 15}]);
    admin.create("sla-policies", json!({"name": "Alle", "targets": warning})).await;
    let ticket = |minutes: i64| json!({"subject": "x", "opened_at": ago(minutes), "owner_id": owner});
    let quiet = admin.create("tickets", ticket(10)).await;
    let warned = admin.create("tickets", ticket(50)).await;
    // It is broken in a moment.
    let opened = clock::now().plus_seconds(-3_597).to_string();
    let late = admin.create("tickets", json!({"subject": "x", "opened_at": opened, "owner_id": owner})).await;
    // Of what was broken before it came here nobody is alarmed, but it is told.
    let belated = admin.create("tickets", ticket(90)).await;
    assert_eq!(told(&admin, &belated, 1).await, [("sla_breached".to_owned(), "first_response".to_owned())]);
    let event = admin.get(&format!("/v1/changes?record_id={belated}&types=ticket.sla_breached")).await.ok(200);
    assert_eq!(event["data"][0]["changes"]["belated"]["to"], true);
    admin.delete(&format!("/v1/tickets/{belated}")).await.ok(204);
    assert_eq!(told(&admin, &warned, 1).await, [("sla_warned".to_owned(), "first_response".to_owned())]);
    assert_eq!(
        told(&admin, &late, 2).await,
        [("sla_warned".to_owned(), "first_response".to_owned()), ("sla_breached".to_owned(), "first_response".to_owned())]
    );
    let before = admin.get(&format!("/v1/tickets/{late}")).await.ok(200);
    assert_eq!(time(&before["sla_breached_at"]) - time(&before["opened_at"]), chrono::Duration::minutes(60));
    assert_eq!((&before["version"], &before["sla_due_at"]), (&json!(1), &Value::Null), "no edit is in the way of anybody's");
    let breached = admin.list("/v1/tickets?sla_breached_at_null=false", "id").await;
    assert_eq!(breached, std::slice::from_ref(&late));
    // An answer after the end does not make it good, and is not told again.
    admin.post(&format!("/v1/tickets/{late}/messages"), json!({"body": "sorry"})).await.ok(201);
    admin.post(&format!("/v1/tickets/{warned}/messages"), json!({"body": "in time"})).await.ok(201);
    assert_eq!(clocks(&admin, &late, "").await[0]["state"], "breached");
    assert_eq!(clocks(&admin, &warned, "").await[0]["state"], "met");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((told(&admin, &warned, 1).await.len(), told(&admin, &late, 2).await.len()), (1, 2));
    assert_eq!(told(&admin, &quiet, 0).await.len(), 0);
    let notices = agent.get("/v1/notifications?sort=created_at").await.ok(200);
    let kinds: Vec<&str> = notices["data"].as_array().unwrap().iter().map(|notice| notice["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "sla_warning").count(), 2, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "sla_breached").count(), 1, "{kinds:?}");
}

/// A desk that was open for four days until yesterday, is closed today and open tomorrow: an hour of the promise is left for then.
pub async fn warnings_come_while_the_desk_is_closed_if_they_may(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    // Where it is not late in the evening: one warning is for ten minutes to midnight.
    let zone = [chrono_tz::UTC, chrono_tz::Asia::Shanghai].into_iter();
    let now = time(&json!(clock::now().to_string()));
    let hour = |zone: &Tz| now.with_timezone(zone).hour();
    let zone = zone.min_by_key(hour).unwrap();
    let today = day_of(clock::now(), zone);
    let dates: Vec<Value> = [-4, -3, -2, -1, 0, 1]
        .into_iter()
        .map(|days| {
            let intervals = if days == 0 { json!([]) } else { json!([["00:00", "24:00"]]) };
            json!({"on": (today + chrono::Duration::days(days)).to_string(), "intervals": intervals})
        })
        .collect();
    // Every calendar is open at some time.
    let later = (today + chrono::Duration::days(2)).format("%a").to_string().to_lowercase();
    let calendar = admin
        .create(
            "calendars",
            json!({"name": "x", "time_zone": zone.name(), "week": {later: [["09:00", "18:00"]]}, "dates": dates}),
        )
        .await;
    let policies = [
        ("question", json!({"warn_before_minutes": 70})),
        ("incident", json!({"warn_before_minutes": 70, "warn_always": true})),
        ("complaint", json!({"warn_before_minutes": 1_500, "warn_always": true})),
    ];
    let opened = start_of_day(today - chrono::Duration::days(4), zone);
    let mut tickets = Vec::new();
    for (kind, more) in policies {
        let mut target = json!({"clock": "total_resolution", "minutes": 4 * 1_440 + 60});
        target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let filter = json!({"field": "kind", "op": "eq", "value": kind});
        admin.create("sla-policies", json!({"name": kind, "filter": filter, "calendar_id": calendar, "targets": [target]})).await;
        let ticket =
            admin.post("/v1/tickets", json!({"subject": "x", "kind": kind, "opened_at": opened.to_string()})).await.ok(201);
        let due = start_of_day(today + chrono::Duration::days(1), zone).plus_seconds(3_600);
        assert_eq!(ticket["sla_due_at"], due.to_string());
        tickets.push(ticket["id"].as_str().unwrap().to_owned());
    }
    let warned = [("sla_warned".to_owned(), "total_resolution".to_owned())];
    assert_eq!(told(&admin, &tickets[0], 1).await, warned, "seventy minutes of open time are left since yesterday");
    assert_eq!(told(&admin, &tickets[2], 1).await, warned, "though nobody is at the desk");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(told(&admin, &tickets[1], 0).await.is_empty(), "not before ten minutes to midnight");
}

pub async fn what_was_promised_stays_promised(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let day = json!([["00:00", "24:00"]]);
    let week = json!({"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": day, "sun": day});
    let calendar = admin.create("calendars", json!({"name": "Immer", "week": week, "time_zone": "Asia/Shanghai"})).await;
    let business = |minutes: i64, priority: Value| json!({"clock": "first_resolution", "minutes": minutes, "priority": priority, "pause_in": ["waiting_customer"]});
    let body =
        json!({"name": "Alle", "calendar_id": calendar, "targets": [business(600, Value::Null), business(240, json!("urgent"))]});
    let policy = admin.create("sla-policies", body).await;
    let first = admin.create("tickets", json!({"subject": "x", "opened_at": ago(100)})).await;
    let reading = &admin;
    let due = |ticket: String| async move { reading.get(&format!("/v1/tickets/{ticket}")).await.ok(200)["sla_due_at"].clone() };
    let promised = due(first.clone()).await;
    // A new version of both: nothing changes for the first, and the second gets the new one.
    admin.patch(&format!("/v1/sla-policies/{policy}"), json!({"targets": [business(60, Value::Null)]})).await.ok(200);
    let holiday = json!({"dates": [{"on": day_of(clock::now(), Tz::Asia__Shanghai), "intervals": []}]});
    admin.patch(&format!("/v1/calendars/{calendar}"), holiday).await.ok(200);
    admin.patch(&format!("/v1/tickets/{first}"), json!({"subject": "y"})).await.ok(200);
    assert_eq!(due(first.clone()).await, promised);
    let shown = clocks(&admin, &first, "").await;
    assert_eq!((&shown[0]["policy"]["version"], &shown[0]["calendar"]["version"]), (&json!(1), &json!(1)));
    let second = admin.create("tickets", json!({"subject": "z", "opened_at": ago(100)})).await;
    let shown = clocks(&admin, &second, "").await;
    assert_eq!((&shown[0]["policy"]["version"], &shown[0]["calendar"]["version"]), (&json!(2), &json!(2)));
    assert_eq!(shown[0]["target_minutes"], 60);

    // A pause stays a pause when the priority changes while it lasts.
    admin
        .patch(
            &format!("/v1/sla-policies/{policy}"),
            json!({"targets": [business(600, Value::Null), business(240, json!("urgent"))]}),
        )
        .await
        .ok(200);
    admin.patch(&format!("/v1/calendars/{calendar}"), json!({"dates": []})).await.ok(200);
    let third = admin.create("tickets", json!({"subject": "z", "opened_at": ago(100)})).await;
    let path = format!("/v1/tickets/{third}");
    let waiting = status(&admin, "waiting_customer").await;
    admin.patch(&path, json!({"status_id": waiting})).await.ok(200);
    let before = clocks(&admin, &third, "").await[0]["elapsed_minutes"].as_f64().unwrap();
    admin.patch(&path, json!({"priority": "urgent"})).await.ok(200);
    let shown = clocks(&admin, &third, "").await;
    assert_eq!(
        (&shown[0]["state"], &shown[0]["target_minutes"], &shown[0]["priority"]),
        (&json!("paused"), &json!(240), &json!("urgent"))
    );
    assert!((shown[0]["elapsed_minutes"].as_f64().unwrap() - before).abs() < 1e-6, "{shown:?}");
    let open = status(&admin, "open").await;
    let resumed = admin.patch(&path, json!({"status_id": open})).await.ok(200);
    let left = time(&resumed["sla_due_at"]) - time(&resumed["status_entered_at"]);
    assert!((left.num_milliseconds() as f64 / 60_000.0 - (240.0 - before)).abs() < 1e-3, "the rest of the new target: {left}");
}

pub async fn the_first_policy_that_fits_applies(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let policy = |name: &str, order: i64, filter: Value| json!({"name": name, "sort_order": order, "filter": filter, "targets": [target("first_response", order)]});
    let all = admin.create("sla-policies", policy("Alle", 100, Value::Null)).await;
    let incidents =
        admin.create("sla-policies", policy("Störungen", 10, json!({"field": "kind", "op": "eq", "value": "incident"}))).await;
    let ticket = admin.post("/v1/tickets", json!({"subject": "x", "kind": "incident"})).await.ok(201);
    assert_eq!(ticket["sla_policy_id"], incidents);
    let path = format!("/v1/tickets/{}", ticket["id"].as_str().unwrap());
    let other = admin.patch(&path, json!({"kind": "question"})).await.ok(200);
    assert_eq!(other["sla_policy_id"], all);
    assert_eq!(
        time(&other["sla_due_at"]) - time(&other["opened_at"]),
        chrono::Duration::minutes(100),
        "counted from the beginning"
    );
    assert_eq!(admin.patch(&path, json!({"subject": "y"})).await.ok(200)["sla_policy_id"], all);
    let faulty = json!({"name": "x", "filter": {"field": "customer.name", "op": "eq", "value": "x"}, "targets": [
        {"clock": "first_response", "minutes": 0, "warn_before_minutes": 5, "pause_in": ["solved"]},
        {"clock": "reply", "priority": "top", "minutes": 10, "warn_before_minutes": 10},
        {"minutes": 10, "x": 1}
    ]});
    let mut faults = admin.post("/v1/sla-policies", faulty).await.faults(400);
    faults.sort();
    let mut expected = pairs(&[
        ("/targets/0/minutes", "too_small"),
        ("/targets/0/pause_in/0", "unknown_choice"),
        ("/targets/1/clock", "unknown_choice"),
        ("/targets/1/priority", "unknown_choice"),
        ("/targets/1/warn_before_minutes", "too_large"),
        ("/targets/2/clock", "required"),
        ("/targets/2/x", "unknown_member"),
    ]);
    expected.sort();
    assert_eq!(faults, expected);
    let twice =
        json!({"name": "x", "targets": [target("update", 5), target("update", 6), {"clock": "first_response", "minutes": 5}]});
    let faults = admin.post("/v1/sla-policies", twice).await.faults(422);
    assert_eq!(faults, pairs(&[("/targets/1/clock", "repeated"), ("/targets/2/business", "calendar_needed")]));
    let beyond = policy("y", 5, json!({"field": "customer.name", "op": "eq", "value": "x"}));
    assert_eq!(admin.post("/v1/sla-policies", beyond).await.faults(400), pairs(&[("/filter", "wrong_type")]));
}

pub async fn simulations_say_what_would_be_due(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let day = json!([["09:00", "12:00"], ["13:00", "18:00"]]);
    let week = json!({"mon": day, "tue": day, "wed": day, "thu": day, "fri": day});
    let calendar = admin.create("calendars", json!({"name": "Büro", "week": week, "time_zone": "Europe/Berlin"})).await;
    let targets = json!([
        {"clock": "first_response", "minutes": 60},
        {"clock": "next_response", "minutes": 120},
        {"clock": "first_resolution", "minutes": 960, "pause_in": ["waiting_customer"]}
    ]);
    let policy = admin.create("sla-policies", json!({"name": "Büro", "calendar_id": calendar, "targets": targets})).await;
    // Friday, 2026-03-06, 17:30 in Berlin is 16:30 UTC; the desk opens again on Monday at 08:00 UTC.
    let moves = json!([
        {"at": "2026-03-09T08:20:00Z", "message": "agent"},
        {"at": "2026-03-09T08:20:00Z", "status": "waiting_customer"},
        {"at": "2026-03-10T10:00:00Z", "message": "customer", "status": "open"},
        {"at": "2026-03-10T13:30:00Z", "message": "agent"}
    ]);
    let body = json!({"policy_id": policy, "opened_at": "2026-03-06T16:30:00Z", "moves": moves, "at": "2026-03-11T08:30:00Z"});
    let answer = admin.post("/v1/sla/simulate", body.clone()).await.ok(200);
    let shown = answer["clocks"].as_array().unwrap();
    let response = of_kind(shown, "first_response");
    assert_eq!(
        (&response["state"], response["elapsed_minutes"].as_f64()),
        (&json!("met"), Some(50.0)),
        "30 on Friday, 20 on Monday"
    );
    assert_eq!(response["due_at"], "2026-03-09T08:30:00.000Z");
    let kinds: Vec<&str> =
        response["segments"].as_array().unwrap().iter().map(|segment| segment["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["counted", "closed_hours", "counted"]);
    let next = of_kind(shown, "next_response");
    assert_eq!(
        (&next["state"], next["elapsed_minutes"].as_f64()),
        (&json!("breached"), Some(150.0)),
        "11:00 to 12:00 and 13:00 to 14:30"
    );
    assert_eq!((&next["due_at"], &next["breached_at"]), (&json!("2026-03-10T13:00:00.000Z"), &json!("2026-03-10T13:00:00.000Z")));
    let resolution = of_kind(shown, "first_resolution");
    // 50 minutes before the pause; from Tuesday 11:00 until 18:00 without lunch 360; on Wednesday 30 minutes.
    assert_eq!((&resolution["state"], resolution["elapsed_minutes"].as_f64()), (&json!("running"), Some(440.0)));
    assert_eq!(resolution["due_at"], "2026-03-12T09:10:00.000Z", "520 minutes more: 450 on Wednesday, 70 on Thursday");
    let unordered = json!([{"at": "2026-03-09T08:20:00Z", "status": "open"}, {"at": "2026-03-05T08:20:00Z"}]);
    let mut faulty = body;
    faulty["moves"] = unordered;
    faulty["at"] = json!("2026-03-07T00:00:00Z");
    let faults = admin.post("/v1/sla/simulate", faulty).await.faults(422);
    assert_eq!(faults, pairs(&[("/moves/1/at", "too_early"), ("/at", "too_early")]));
}
