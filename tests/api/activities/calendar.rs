//! `/v1/calendar` and the feeds for other programs.

use serde_json::{Value, json};

use super::later;
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn shows_what_may_be_known(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let may = ["activity read own", "task read own", "user read all", "customer read own"];
    let anna = server.user_who_may(&admin, "Anna", &may, json!([]), json!({})).await;
    let bert = server.user_who_may(&admin, "Bert", &may, json!([]), json!({})).await;
    let meet = |subject: &str, from: &str, to: &str, owner: &str, attendees: Value| json!({"kind": "meeting", "subject": subject, "occurred_at": from, "ends_at": to, "owner_id": owner, "attendees": attendees, "location": "深圳"});
    let with = |id: &str| json!([{"user_id": id}]);
    for body in [
        meet("Late", "2030-03-04T03:30:00Z", "2030-03-04T05:00:00Z", &anna.id, json!([])),
        meet("Early", "2030-03-04T02:00:00Z", "2030-03-04T04:00:00Z", &anna.id, with(&bert.id)),
        meet("Elsewhere", "2030-03-09T02:00:00Z", "2030-03-09T04:00:00Z", &anna.id, json!([])),
        meet("Over night", "2030-03-03T20:00:00Z", "2030-03-04T01:00:00Z", &bert.id, json!([])),
    ] {
        admin.create("activities", body).await;
    }
    let gone =
        admin.create("activities", meet("Gone", "2030-03-04T06:00:00Z", "2030-03-04T07:00:00Z", &anna.id, json!([]))).await;
    admin.patch(&format!("/v1/activities/{gone}"), json!({"status": "cancelled"})).await.ok(200);
    let task =
        json!({"subject": "Daily", "due_at": "2030-03-02T09:00:00Z", "recurrence": "FREQ=DAILY;COUNT=4", "owner_id": anna.id});
    admin.create("tasks", task).await;
    let range = "from=2030-03-04T00:00:00Z&to=2030-03-06T00:00:00Z";
    let own = anna.get(&format!("/v1/calendar?{range}")).await.ok(200);
    let entries = |calendar: &Value| -> Vec<(String, String, bool)> {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let entries = calendar["data"].as_array().unwrap().iter();
        entries
            .map(|entry| (text(&entry["title"]), text(&entry["starts_at"])[8..16].to_owned(), entry["recurring"] == true))
            .collect()
    };
    let entry = |title: &str, at: &str, later| (title.to_owned(), at.to_owned(), later);
    assert_eq!(
        entries(&own),
        [
            entry("Early", "04T02:00", false),
            entry("Late", "04T03:30", false),
            entry("Daily", "04T09:00", true),
            entry("Daily", "05T09:00", true)
        ]
    );
    assert_eq!(
        own["busy"],
        json!([{"user_id": anna.id, "starts_at": "2030-03-04T02:00:00.000Z", "ends_at": "2030-03-04T05:00:00.000Z"}])
    );
    // What she owns he may not read, except that it takes her time.
    let hers = bert.get(&format!("/v1/calendar?{range}&user_id={}", anna.id)).await.ok(200);
    assert_eq!(entries(&hers), [entry("-", "04T02:00", false), entry("-", "04T03:30", false)]);
    assert_eq!(
        (&hers["data"][0]["kind"], &hers["data"][0]["id"], &hers["data"][0]["location"]),
        (&json!("busy"), &Value::Null, &Value::Null)
    );
    assert_eq!(hers["busy"], own["busy"]);
    // He attends one of them, and one goes on from the day before.
    let his = bert.get(&format!("/v1/calendar?{range}")).await.ok(200);
    assert_eq!(entries(&his), [entry("Over night", "03T20:00", false), entry("-", "04T02:00", false)]);
    let team = admin.create("teams", json!({"name": "South"})).await;
    for user in [&anna, &bert] {
        admin.patch(&format!("/v1/users/{}", user.id), json!({"team_id": team})).await.ok(200);
    }
    let all = admin.get(&format!("/v1/calendar?{range}&team_id={team}")).await.ok(200);
    assert_eq!((entries(&all).len(), all["busy"].as_array().unwrap().len()), (5, 3));
    assert_eq!(all["data"][1]["user_ids"].as_array().unwrap().len(), 2);
    for (query, fault) in [
        ("from=2030-03-04T00:00:00Z&to=2030-03-03T00:00:00Z", ("to", "too_early")),
        ("from=2030-03-04T00:00:00Z&to=2031-03-03T00:00:00Z", ("to", "too_late")),
        ("from=soon", ("from", "invalid_time")),
        ("user_id=7", ("user_id", "invalid_id")),
        (&format!("user_id={}", crate::support::new_id()), ("user_id", "reference_not_found")),
    ] {
        assert_eq!(admin.get(&format!("/v1/calendar?{query}")).await.faults(400), pairs(&[fault]), "{query}");
    }
}

pub async fn is_fed_to_other_programs(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let long = "很长的主题".repeat(20);
    let body = json!({"kind": "visit", "subject": long, "occurred_at": later(3600), "duration_seconds": 1800, "location": "A; B, C\\D", "body": "第一行\n@[Li](user:01890a5d-ac96-774b-bcce-b302099a8057)"});
    admin.create("activities", body).await;
    admin
        .create(
            "activities",
            json!({"kind": "call", "subject": "Another's", "occurred_at": later(60), "owner_id": admin.id, "body": "x"}),
        )
        .await;
    admin.create("tasks", json!({"subject": "周报", "due_at": later(86_400), "recurrence": "FREQ=WEEKLY;COUNT=3"})).await;
    let made = admin.post("/v1/me/calendar-feed", json!({})).header("Idempotency-Key", "feed").await.ok(201);
    let url = made["url"].as_str().expect("a URL");
    let again = admin.post("/v1/me/calendar-feed", json!({})).header("Idempotency-Key", "feed").await.ok(201);
    assert!(again.get("url").is_none(), "shown once");
    let path = url.strip_prefix(&server.url).expect("of this server");
    let answer = server.anybody().get(path).await;
    assert_eq!(answer.header("content-type"), "text/calendar; charset=utf-8");
    let text = answer.text.clone();
    answer.ok(200);
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
    let unfolded = text.replace("\r\n ", "");
    assert_eq!(unfolded.matches("BEGIN:VEVENT").count(), 5);
    assert!(unfolded.contains(&format!("SUMMARY:{long}")), "{unfolded}");
    assert!(
        unfolded.contains("LOCATION:A\\; B\\, C\\\\D\r\n") && unfolded.contains("DESCRIPTION:第一行\\n@Li\r\n"),
        "{unfolded}"
    );
    assert_eq!(unfolded.matches("SUMMARY:☐ 周报").count(), 3);
    // Each occurrence keeps its name when the one before is completed, or it is put off.
    let uids = |text: &str| -> Vec<String> {
        let text = text.replace("\r\n ", "");
        let events = text.split("BEGIN:VEVENT").filter(|event| event.contains("周报"));
        events.filter_map(|event| Some(event.split("UID:").nth(1)?.lines().next()?.to_owned())).collect()
    };
    let before = uids(&text);
    let task = admin.get("/v1/tasks?status=open&limit=1").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let next = admin.post(&format!("/v1/tasks/{task}/complete"), json!({})).await.ok(200)["next_id"].clone();
    let next = next.as_str().expect("the next");
    let after = uids(&server.anybody().get(path).await.text);
    assert_eq!((after.len(), after.as_slice()), (2, &before[1..]));
    admin.post(&format!("/v1/tasks/{next}/snooze"), json!({"until": later(8 * 86_400 + 3_600)})).await.ok(200);
    assert_eq!(uids(&server.anybody().get(path).await.text), after);
    if let Ok(folder) = std::env::var("FARLEY_TEST_FEEDS") {
        std::fs::write(format!("{folder}/{}.ics", server.app.store.engine_name()), &text).expect("it is written");
    }
    // Of what one attends and may not read, the time is known.
    let bert = server.user_who_may(&admin, "Bert", &["activity read own"], json!([]), json!({})).await;
    for (subject, attendees) in [("Secret", json!([{"user_id": bert.id}])), ("Elsewhere", json!([]))] {
        let body = json!({"kind": "meeting", "subject": subject, "occurred_at": later(7200), "duration_seconds": 1800, "attendees": attendees});
        admin.create("activities", body).await;
    }
    let made = bert.post("/v1/me/calendar-feed", json!({})).await.ok(201);
    let busy = server.anybody().get(made["url"].as_str().unwrap().strip_prefix(&server.url).unwrap()).await.text.clone();
    assert_eq!((busy.matches("BEGIN:VEVENT").count(), busy.matches("SUMMARY:Busy").count()), (1, 1), "{busy}");
    assert!(!busy.contains("Secret") && busy.contains("DTEND"), "{busy}");
    // A new address makes the former void.
    let new = admin.post("/v1/me/calendar-feed", json!({})).await.ok(201);
    let new = new["url"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
    server.anybody().get(path).await.refused(404, "not_found");
    server.anybody().get(&new).await.ok(200);
    admin.delete("/v1/me/calendar-feed").await.ok(204);
    server.anybody().get(&new).await.refused(404, "not_found");
}
