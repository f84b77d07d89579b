//! Satisfaction: surveys are asked once a ticket is solved, answered by links, changed for a while, and followed up.

use std::time::Duration;

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use serde_json::{Value, json};

use crate::{
    automation::{once, ran, runs},
    client::{Client, pairs},
    server::Server,
    support::{Engine, TestDb},
};

const PAGE: &str = "https://help.example.cn/rate?token={token}";

pub fn survey(kind: &str, more: Value) -> Value {
    let question = json!({"en": "How satisfied are you?", "zh": "您满意吗？"});
    let mut body = json!({"name": kind, "kind": kind, "question": question, "page_url": PAGE, "sends_mail": false});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    body
}

/// Past the API: what only time could do.
pub fn run(db: &TestDb, sql: &str) {
    match db.engine {
        Engine::Sqlite => SqliteConnection::establish(db.path())
            .expect("it opens")
            .batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}")),
        Engine::Postgres => PgConnection::establish(&db.url).expect("it opens").batch_execute(sql),
    }
    .expect("SQL");
}

/// Moves a time of all responses into the past, by days.
pub fn long_ago(db: &TestDb, column: &str, days: i64) {
    let sql = match db.engine {
        Engine::Sqlite => format!("UPDATE survey_responses SET {column} = {column} - {}", days * 86_400_000_000),
        Engine::Postgres => format!("UPDATE survey_responses SET {column} = {column} - interval '{days} days'"),
    };
    run(db, &sql);
}

pub fn id(record: &Value) -> &str {
    record["id"].as_str().expect("an id")
}

/// A ticket of a contact, and the path of a survey asked about it.
pub async fn asked(admin: &Client, survey: &str, ticket: Value) -> (Value, Value, String) {
    let ticket = admin.post("/v1/tickets", ticket).await.ok(201);
    let path = format!("/v1/tickets/{}/ask-survey", id(&ticket));
    let response = admin.post(&path, json!({"survey_id": survey})).await.ok(201);
    let link = admin.post(&format!("/v1/survey-responses/{}/link", id(&response)), json!({})).await.ok(200);
    let token = link["token"].as_str().expect("a token");
    assert_eq!(link["url"], PAGE.replace("{token}", token));
    (ticket, response.clone(), format!("/v1/survey-answers/{token}"))
}

/// A rule asks once a ticket is solved and tells the link; whoever scans mails answers nothing, and the customer's score stands in the ticket.
pub async fn a_rule_asks_and_the_customer_answers(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let anybody = server.anybody();
    let survey = admin.create("surveys", survey("csat", json!({}))).await;
    let rule = json!({"name": "Ask", "object": "ticket", "trigger": {"types": ["ticket.status_changed"]},
        "filter": {"field": "status", "op": "eq", "value": "solved"},
        "actions": [{"type": "ask_survey", "survey_id": survey}, {"type": "reply", "text": {"en": "Rate us: {survey_link}"}}]});
    let rule = admin.create("rules", rule).await;
    let contact = admin.create("contacts", json!({"name": "Anna", "language": "en"})).await;
    let ticket = admin.create("tickets", json!({"subject": "Printer", "contact_id": contact})).await;
    admin.post(&format!("/v1/tickets/{ticket}/solve"), json!({"resolution": "x"})).await.ok(200);
    ran(&admin, &rule, 1).await;
    let run = runs(&admin, &rule).await.remove(0);
    assert_eq!(run["outcome"], "done", "{run}");
    let changes: Vec<&str> = run["changes"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert!(changes.contains(&"survey_response.created"), "{changes:?}");
    // The link is in the reply, and nowhere else.
    let messages = admin.get(&format!("/v1/tickets/{ticket}/messages?kind=automatic")).await.ok(200);
    let text = messages["data"][0]["body"].as_str().unwrap();
    let token = text.strip_prefix("Rate us: https://help.example.cn/rate?token=").unwrap_or_else(|| panic!("{text}"));
    let page = admin.get(&format!("/v1/survey-responses?ticket_id={ticket}")).await.ok(200);
    let response = &page["data"][0];
    assert!(!page.to_string().contains(token));
    assert_eq!(
        (&response["contact_id"], &response["language"], &response["score"]),
        (&json!(contact), &json!("en"), &Value::Null)
    );
    let path = format!("/v1/survey-answers/{token}");
    for _ in 0..3 {
        let shown = anybody.get(&path).await;
        assert_eq!(shown.header("cache-control"), "no-store");
        let shown = shown.ok(200);
        assert_eq!((&shown["question"], &shown["min"], &shown["max"]), (&json!("How satisfied are you?"), &json!(1), &json!(5)));
        assert_eq!((&shown["takes_answer"], &shown["score"]), (&json!(true), &Value::Null));
    }
    anybody.request(reqwest::Method::HEAD, &path).await;
    let before = admin.get(&format!("/v1/survey-responses/{}", id(response))).await.ok(200);
    assert_eq!((&before["answered_at"], &before["version"]), (&Value::Null, &json!(1)), "reading answers nothing");
    // Answered, changed, sent twice.
    let answered = anybody.post(&path, json!({"score": 4, "comment": "Quick"})).await.ok(200);
    assert_eq!((&answered["score"], &answered["comment"], &answered["takes_answer"]), (&json!(4), &json!("Quick"), &json!(true)));
    anybody.post(&path, json!({"score": 4, "comment": "Quick"})).await.ok(200);
    anybody.post(&path, json!({"score": 5})).await.ok(200);
    let kept = admin.get(&format!("/v1/survey-responses/{}", id(response))).await.ok(200);
    assert_eq!(
        (&kept["score"], &kept["comment"], &kept["change_count"], &kept["version"]),
        (&json!(5), &Value::Null, &json!(1), &json!(3))
    );
    let history = admin.get(&format!("/v1/survey-responses/{}/history", id(response))).await.each("type");
    assert_eq!(history, ["survey_response.changed", "survey_response.answered", "survey_response.created"]);
    let rated = admin.get(&format!("/v1/tickets/{ticket}")).await.ok(200);
    assert_eq!((&rated["satisfaction_kind"], &rated["satisfaction_score"]), (&json!("csat"), &json!(5)));
    assert_eq!(rated["status"], "solved");
    assert_eq!(admin.list("/v1/tickets?satisfaction_score_gte=5", "id").await, std::slice::from_ref(&ticket));
    assert!(admin.list("/v1/tickets?satisfaction_score_lt=5", "id").await.is_empty());
    assert_eq!(admin.list("/v1/tickets?survey_responses.score=5", "id").await, std::slice::from_ref(&ticket));
    // Solved again, a customer who has answered is asked again.
    admin.post(&format!("/v1/tickets/{ticket}/reopen"), json!({})).await.ok(200);
    admin.post(&format!("/v1/tickets/{ticket}/solve"), json!({"resolution": "y"})).await.ok(200);
    let all = format!("/v1/survey-responses?ticket_id={ticket}&total=true");
    let all = once(&admin, &all, |page| page["page"]["total"] == 2).await;
    assert_eq!(all["page"]["total"], 2);
    // What was said of the first time does not stand for the second once that is answered.
    let second = admin.list(&format!("/v1/survey-responses?ticket_id={ticket}&answered_at_null=true"), "id").await;
    let link = admin.post(&format!("/v1/survey-responses/{}/link", second[0]), json!({})).await.ok(200);
    anybody.post(&format!("/v1/survey-answers/{}", link["token"].as_str().unwrap()), json!({"score": 2})).await.ok(200);
    anybody.post(&path, json!({"score": 3})).await.ok(200);
    assert_eq!(admin.get(&format!("/v1/tickets/{ticket}")).await.ok(200)["satisfaction_score"], 2);
}

/// What a link is not, and when it is no longer one.
pub async fn links_hold_for_a_while(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let anybody = server.anybody();
    let survey_id = admin.create("surveys", survey("nps", json!({"valid_days": 5, "change_days": 3}))).await;
    let (_, _, path) = asked(&admin, &survey_id, json!({"subject": "A"})).await;
    let (_, _, late) = asked(&admin, &survey_id, json!({"subject": "B"})).await;
    // The scale, and what is missing, each at its place.
    assert_eq!(anybody.post(&path, json!({"score": 11})).await.faults(400), pairs(&[("/score", "too_large")]));
    assert_eq!(anybody.post(&path, json!({"score": -1, "x": 1})).await.faults(400).len(), 2);
    assert_eq!(anybody.post(&path, json!({})).await.faults(400), pairs(&[("/score", "required")]));
    anybody.post(&path, json!({"score": 9, "comment": "x".repeat(5_001)})).await.faults(400);
    // Tokens: forged, of another form, of nothing.
    let token = path.rsplit('/').next().unwrap();
    let mut forged = token.to_owned();
    forged.replace_range(40..41, if &token[40..41] == "A" { "B" } else { "A" });
    let file = admin.request(reqwest::Method::POST, "/v1/files?name=a.txt").body("text/plain", "x").await.ok(201);
    let link = admin.post(&format!("/v1/files/{}/link", id(&file)), json!({})).await.ok(200);
    let of_file = link["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for wrong in [forged.as_str(), of_file.as_str(), "x", "", &"A".repeat(300)] {
        anybody.get(&format!("/v1/survey-answers/{wrong}")).await.refused(404, "not_found");
        if !wrong.is_empty() {
            anybody.post(&format!("/v1/survey-answers/{wrong}"), json!({"score": 9})).await.refused(404, "not_found");
        }
    }
    anybody.get(&format!("/v1/file-links/{token}")).await.refused(404, "not_found");
    // In time, then no more: it can still be seen.
    anybody.post(&path, json!({"score": 9})).await.ok(200);
    long_ago(&db, "expires_at", 6);
    assert_eq!(anybody.get(&late).await.ok(200)["takes_answer"], false);
    assert_eq!(anybody.post(&late, json!({"score": 9})).await.refused(409, "state_conflict")["allowed"], json!([]));
    anybody.post(&path, json!({"score": 8})).await.ok(200);
    long_ago(&db, "changeable_until", 4);
    anybody.post(&path, json!({"score": 7})).await.refused(409, "state_conflict");
    assert_eq!(anybody.post(&path, json!({"score": 8})).await.ok(200)["takes_answer"], false, "nothing new");
    // An inactive survey is not asked, but who was asked can answer.
    admin.patch(&format!("/v1/surveys/{survey_id}"), json!({"is_active": false})).await.ok(200);
    let ticket = admin.create("tickets", json!({"subject": "C"})).await;
    admin.post(&format!("/v1/tickets/{ticket}/ask-survey"), json!({"survey_id": survey_id})).await.refused(409, "state_conflict");
    // Any site may show it.
    let seen = anybody.get(&path).header("Origin", "https://anywhere.example").await;
    assert_eq!(seen.header("access-control-allow-origin"), "https://anywhere.example");
}

/// A low score opens one task for whoever has the ticket, also where it is answered twice at once.
pub async fn low_scores_are_followed_up(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let anybody = server.anybody();
    let agent = server.user(&admin, "Agent", "service_agent", json!({})).await;
    let manager = server.user(&admin, "Manager", "service_manager", json!({})).await;
    let queue = admin.create("queues", json!({"name": "Q", "manager_id": manager.id})).await;
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    let survey_id = admin.create("surveys", survey("csat", json!({"low_score": 2, "follow_up_minutes": 60}))).await;
    let body = json!({"subject": "Slow", "owner_id": agent.id, "customer_id": customer, "queue_id": queue});
    let (ticket, response, path) = asked(&admin, &survey_id, body).await;
    assert_eq!((&response["agent_id"], &response["customer_id"]), (&json!(agent.id), &json!(customer)));
    let answer =
        |score: i64| std::future::IntoFuture::into_future(anybody.post(&path, json!({"score": score, "comment": "Took a week"})));
    let (left, right) = tokio::join!(tokio::spawn(answer(1)), tokio::spawn(answer(2)));
    left.expect("an answer").ok(200);
    right.expect("an answer").ok(200);
    anybody.post(&path, json!({"score": 1})).await.ok(200);
    let tasks = admin.get("/v1/tasks").await.ok(200);
    let tasks = tasks["data"].as_array().unwrap();
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    let told = [&tasks[0]["owner_id"], &tasks[0]["customer_id"], &tasks[0]["priority"], &tasks[0]["description"]];
    assert_eq!(told, [&json!(agent.id), &json!(customer), &json!("high"), &json!("Took a week")]);
    assert!(tasks[0]["due_at"].is_string() && tasks[0]["subject"].as_str().unwrap().contains(ticket["number"].as_str().unwrap()));
    let kept = admin.get(&format!("/v1/survey-responses/{}", id(&response))).await.ok(200);
    assert_eq!(kept["follow_up_task_id"], tasks[0]["id"]);
    // Nobody's ticket is the manager's, and a good score nobody's matter.
    let (_, _, path) = asked(&admin, &survey_id, json!({"subject": "Nobody's", "queue_id": queue})).await;
    anybody.post(&path, json!({"score": 2})).await.ok(200);
    assert_eq!(admin.list(&format!("/v1/tasks?owner_id={}", manager.id), "id").await.len(), 1);
    let (good, _, path) = asked(&admin, &survey_id, json!({"subject": "Fine", "owner_id": agent.id})).await;
    anybody.post(&path, json!({"score": 3})).await.ok(200);
    assert_eq!(admin.list("/v1/tasks", "id").await.len(), 2);
    // What was merged says it to the ticket that it went to, and what is archived keeps its peace.
    let into = admin.create("tickets", json!({"subject": "Into"})).await;
    admin.post(&format!("/v1/tickets/{}/merge", id(&good)), json!({"into": into})).await.ok(200);
    anybody.post(&path, json!({"score": 5})).await.ok(200);
    assert_eq!(admin.get(&format!("/v1/tickets/{into}")).await.ok(200)["satisfaction_score"], 5);
    admin.delete(&format!("/v1/tickets/{into}")).await.ok(204);
    anybody.post(&path, json!({"score": 4})).await.ok(200);
    assert_eq!(admin.get(&format!("/v1/tickets/{into}?archived=true")).await.ok(200)["satisfaction_score"], 5);
    // Surveys themselves are checked.
    let wrong = survey("ces", json!({"low_score": 8, "page_url": "https://help.example.cn", "name": "x"}));
    assert_eq!(
        admin.post("/v1/surveys", wrong).await.faults(422),
        pairs(&[("/low_score", "too_large"), ("/page_url", "token_missing")])
    );
    let wrong = survey("ces", json!({"name": "y", "question": {"klingon!": "x", "en": ""}}));
    assert_eq!(
        admin.post("/v1/surveys", wrong).await.faults(400),
        pairs(&[("/question/klingon!", "unknown_language"), ("/question/en", "blank")])
    );
    admin.patch(&format!("/v1/surveys/{survey_id}"), json!({"kind": "nps"})).await.faults(400);
}

/// Who may ask, link, read and count; and whom nobody asks twice.
pub async fn asking_is_a_right_and_has_its_limits(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let survey_id = admin.create("surveys", survey("csat", json!({"rest_days": 30}))).await;
    let contact = admin.create("contacts", json!({"name": "Anna"})).await;
    let ticket = async || admin.create("tickets", json!({"subject": "T", "contact_id": contact})).await;
    let first = ticket().await;
    let ask =
        |client: &Client, ticket: &str| client.post(&format!("/v1/tickets/{ticket}/ask-survey"), json!({"survey_id": survey_id}));
    // Two at once ask once.
    let (left, right) = tokio::join!(ask(&admin, &first), ask(&admin, &first));
    assert_eq!(left.ok(201)["id"], right.ok(201)["id"]);
    let other = ticket().await;
    ask(&admin, &other).await.refused(409, "state_conflict");
    long_ago(&db, "asked_at", 31);
    ask(&admin, &other).await.ok(201);
    let unknown = json!({"survey_id": crate::support::new_id().to_string()});
    let faults = admin.post(&format!("/v1/tickets/{first}/ask-survey"), unknown).await.faults(422);
    assert_eq!(faults, pairs(&[("/survey_id", "reference_not_found")]));
    // Readers of tickets read responses, and do not get the link.
    let reader = server
        .user_who_may(&admin, "Reader", &["ticket read all", "survey_response read own", "survey read all"], json!([]), json!({}))
        .await;
    let responses = reader.list("/v1/survey-responses", "id").await;
    assert_eq!(responses.len(), 2);
    for nowhere in [responses[0].clone(), crate::support::new_id().to_string()] {
        reader.post(&format!("/v1/survey-responses/{nowhere}/link"), json!({})).await.refused(403, "forbidden");
    }
    ask(&reader, &first).await.refused(403, "forbidden");
    let none = server.user_who_may(&admin, "None", &["customer read all"], json!([]), json!({})).await;
    for path in ["/v1/survey-responses", "/v1/surveys", &format!("/v1/surveys/{survey_id}/results")] {
        none.get(path).await.refused(403, "forbidden");
    }
    // Nobody has a rule ask what they may not ask, nor tell a link they may not have.
    let may = ["ticket read,update all", "rule read,create,update all", "survey read all"].map(str::to_owned);
    let may: Vec<String> = may
        .iter()
        .flat_map(|grant| {
            let mut words = grant.split(' ');
            let (object, actions) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
            actions.split(',').map(move |action| format!("{object} {action} all")).collect::<Vec<_>>()
        })
        .collect();
    let may: Vec<&str> = may.iter().map(String::as_str).collect();
    let ruler = server.user_who_may(&admin, "Ruler", &may, json!([]), json!({})).await;
    let rule = |name: &str, actions: Value| json!({"name": name, "object": "ticket", "trigger": {"types": ["ticket.created"]}, "actions": actions});
    let asks = json!([{"type": "ask_survey", "survey_id": survey_id}]);
    let tells = json!([{"type": "reply", "text": "{survey_link}"}]);
    for actions in [&asks, &tells] {
        ruler.post("/v1/rules", rule("No", actions.clone())).await.refused(403, "permission_not_held");
    }
    admin.post("/v1/rules", rule("Yes", json!([asks[0], tells[0]]))).await.ok(201);
    let wrong = json!([{"type": "ask_survey", "survey_id": crate::support::new_id().to_string()}]);
    assert_eq!(
        admin.post("/v1/rules", rule("Gone", wrong)).await.faults(422),
        pairs(&[("/actions/0/survey_id", "reference_not_found")])
    );
    let of_leads = json!({"name": "L", "object": "lead", "trigger": {"types": ["lead.created"]}, "actions": asks});
    assert_eq!(admin.post("/v1/rules", of_leads).await.faults(400), pairs(&[("/actions/0/type", "wrong_type")]));
    // By a macro, whoever applies it asks.
    let asking = admin.create("macros", json!({"name": "M", "object": "ticket", "actions": asks})).await;
    let applied = json!({"record_ids": [ticket().await]});
    let result = reader.post(&format!("/v1/macros/{asking}/apply"), applied).await;
    assert!(result.status == 403 || result.body["data"][0]["outcome"] == "failed", "{}", result.text);
}

/// The figures are those of a count by hand, over all kinds.
pub async fn results_are_counted(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (kind, min, max, good) in [("csat", 1_i64, 5_i64, 4_i64), ("ces", 1, 7, 5), ("nps", 0, 10, 9)] {
        let survey_id = admin.create("surveys", survey(kind, json!({}))).await;
        let empty = admin.get(&format!("/v1/surveys/{survey_id}/results")).await.ok(200);
        assert_eq!((&empty["asked"], &empty["average"], &empty["response_rate"]), (&json!(0), &Value::Null, &Value::Null));
        let scores: Vec<i64> = (0..9).map(|number| min + (number * 5 + 2) % (max - min + 1)).collect();
        for (number, score) in scores.iter().enumerate() {
            let (_, _, path) = asked(&admin, &survey_id, json!({"subject": format!("T{number}")})).await;
            if number % 3 != 0 {
                server.anybody().post(&path, json!({"score": score})).await.ok(200);
            }
        }
        let answered: Vec<i64> =
            scores.iter().enumerate().filter(|(number, _)| number % 3 != 0).map(|(_, score)| *score).collect();
        let results = admin.get(&format!("/v1/surveys/{survey_id}/results")).await.ok(200);
        let count = |test: &dyn Fn(i64) -> bool| answered.iter().filter(|score| test(**score)).count() as f64;
        let share = |part: f64| (part / answered.len() as f64 * 10_000.0).round() / 10_000.0;
        assert_eq!((&results["asked"], &results["answered"]), (&json!(9), &json!(answered.len())));
        assert_eq!(results["response_rate"], json!((6.0_f64 / 9.0 * 10_000.0).round() / 10_000.0));
        assert_eq!(results["average"], json!(share(answered.iter().sum::<i64>() as f64)));
        for one in results["scores"].as_array().unwrap() {
            let score = one["score"].as_i64().unwrap();
            assert_eq!(one["count"], json!(answered.iter().filter(|known| **known == score).count()));
        }
        if kind == "nps" {
            let net = 100.0 * (count(&|score| score >= good) - count(&|score| score <= 6));
            assert_eq!((&results["net_promoter_score"], &results["satisfied"]), (&json!(share(net)), &Value::Null));
        } else {
            assert_eq!(
                (&results["satisfied"], &results["net_promoter_score"]),
                (&json!(share(count(&|score| score >= good))), &Value::Null)
            );
        }
        let later = admin.get(&format!("/v1/surveys/{survey_id}/results?from=2090-01-01T00:00:00Z")).await.ok(200);
        assert_eq!(later["asked"], 0);
    }
}

/// The link is mailed once to the contact, in their language, though the mail server refuses at first.
pub async fn invitations_are_mailed_once(db: TestDb) {
    let (url, mut mails) = crate::mail::mail_server().await;
    let server = Server::start_with(db, |settings| {
        settings.smtp_url = Some(url.into());
        settings.mail_from = "Farley <crm@example.cn>".to_owned();
    })
    .await;
    let admin = server.admin().await;
    let survey_id = admin.create("surveys", survey("csat", json!({"sends_mail": true}))).await;
    let contact = json!({"name": "Anna", "language": "en", "emails": [{"value": "old@example.com"}, {"value": "anna@example.com", "primary": true}]});
    let contact = admin.create("contacts", contact).await;
    let (_, response, path) = asked(&admin, &survey_id, json!({"subject": "A", "contact_id": contact})).await;
    let mail = tokio::time::timeout(Duration::from_secs(60), mails.recv()).await.expect("a mail in time").expect("a mail");
    // Lines of a mail are folded, also in the middle of a link.
    let unfolded = mail.replace("=\n", "").replace("=3D", "=");
    let token = path.rsplit('/').next().unwrap();
    for part in ["From: Farley <crm@example.cn>", "To: Anna <anna@example.com>", "How satisfied are you?", token] {
        assert!(unfolded.contains(part), "{part}: {mail}");
    }
    let noted = once(&admin, &format!("/v1/survey-responses/{}", id(&response)), |one| one["mailed_at"].is_string()).await;
    assert!(noted["mailed_at"].is_string());
    // Asked again while it waits for an answer, nobody is written to again; nor is who has no address.
    asked_again(&admin, &response, &survey_id).await;
    asked(&admin, &survey_id, json!({"subject": "B"})).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(mails.try_recv().is_err(), "sent once");
}

async fn asked_again(admin: &Client, response: &Value, survey_id: &str) {
    let path = format!("/v1/tickets/{}/ask-survey", response["ticket_id"].as_str().unwrap());
    let again = admin.post(&path, json!({"survey_id": survey_id})).await.ok(201);
    assert_eq!(again["id"], response["id"]);
}
