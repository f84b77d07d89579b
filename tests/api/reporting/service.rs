//! `/v1/reports/service-…`: every cell is what its own list counts, and what the tickets themselves come to.

use farley::http::clock;
use farley_domain::values::{
    calendar::{day_of, start_of_day},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    client::Client,
    server::Server,
    service::satisfaction::{asked, id, long_ago, survey},
    support::TestDb,
};

const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;

/// A time so many hours ago.
fn ago(hours: i64) -> String {
    clock::now().plus_seconds(-3_600 * hours).to_string()
}

fn day(hours: i64) -> String {
    day_of(clock::now().plus_seconds(-3_600 * hours), ZONE).to_string()
}

/// Forty tickets of the last sixty days: some answered, some solved, some reopened, some late; the desk's calendar.
async fn desk(server: &Server, admin: &Client) -> (String, Vec<Client>) {
    let week = json!({"mon": [["09:00", "12:00"], ["13:30", "18:00"]], "tue": [["09:00", "18:00"]], "wed": [["09:00", "18:00"]], "fri": [["00:00", "24:00"]]});
    let calendar = admin.create("calendars", json!({"name": "Desk", "week": week})).await;
    let target = |clock: &str, minutes: i64| json!({"clock": clock, "minutes": minutes, "business": false});
    let targets = json!([target("first_response", 600), target("next_response", 600), target("total_resolution", 6_000)]);
    let filter = json!({"field": "kind", "op": "ne", "value": "return"});
    admin.create("sla-policies", json!({"name": "Alle", "filter": filter, "targets": targets})).await;
    let mut agents = Vec::new();
    for name in ["Ana", "Bo"] {
        agents.push(server.user(admin, name, "service_agent", json!({})).await);
    }
    let queues = [admin.create("queues", json!({"name": "A"})).await, admin.create("queues", json!({"name": "B"})).await];
    let customer = admin.create("customers", json!({"name": "华为"})).await;
    for number in 0..40_i64 {
        let opened = 24 * 60 - 36 * number;
        let owner = agents.get(usize::try_from(number % 3).unwrap()).map(|agent| agent.id.clone());
        let kind = ["question", "incident", "return", "complaint"][usize::try_from(number % 4).unwrap()];
        let body = json!({"subject": format!("t{number}"), "opened_at": ago(opened), "owner_id": owner, "kind": kind,
            "queue_id": queues.get(usize::try_from(number % 5).unwrap()), "channel": if number % 2 == 0 { "phone" } else { "email" },
            "customer_id": if number % 7 == 0 { json!(customer) } else { Value::Null }, "priority": if number % 6 == 0 { "high" } else { "low" }});
        let id = admin.create("tickets", body).await;
        let message = |kind: &str, hours: i64| {
            admin.post(&format!("/v1/tickets/{id}/messages"), json!({"kind": kind, "body": "x", "sent_at": ago(hours.max(0))}))
        };
        if number % 8 != 7 {
            message("reply", opened - 1 - number % 13).await.ok(201);
        }
        if number % 3 != 2 {
            let solved = ago((opened - 30 - 5 * (number % 11)).max(0));
            admin.post(&format!("/v1/tickets/{id}/solve"), json!({"solved_at": solved})).await.ok(200);
        }
        if number % 9 == 1 {
            message("incoming", 1).await.ok(201);
        }
        if number % 10 == 3 {
            let path = format!("/v1/tickets/{id}/close");
            admin.post(&path, json!({})).await.ok(200);
        }
    }
    // What was broken at birth is told by then.
    let begun = std::time::Instant::now();
    loop {
        let due = admin.get("/v1/changes?types=ticket.sla_breached&limit=200").await.ok(200)["data"].as_array().unwrap().len();
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        let now = admin.get("/v1/changes?types=ticket.sla_breached&limit=200").await.ok(200)["data"].as_array().unwrap().len();
        if (due == now && due > 0) || begun.elapsed() > std::time::Duration::from_secs(40) {
            return (calendar, agents);
        }
    }
}

/// The tickets that a figure's filter lists.
async fn listed(client: &Client, figure: &Value) -> Vec<Value> {
    let mut body = json!({"filter": figure["filter"], "limit": 200, "total": true});
    if figure["as_of"].is_string() {
        body["as_of"] = figure["as_of"].clone();
    }
    let found = client.post("/v1/tickets/search", body).await.ok(200);
    assert_eq!(found["page"]["total"], figure["count"], "{figure}");
    found["data"].as_array().unwrap().clone()
}

fn time(ticket: &Value, field: &str) -> Option<i64> {
    Some(Timestamp::parse(ticket[field].as_str()?).unwrap().milliseconds())
}

/// A percentile by its definition.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a handful")]
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

#[allow(clippy::cast_precision_loss, reason = "a handful")]
fn agrees(spread: &Value, seconds: &[f64]) {
    if seconds.is_empty() {
        assert!(spread.is_null());
        return;
    }
    let expected = [
        ("mean_seconds", seconds.iter().sum::<f64>() / seconds.len() as f64),
        ("median_seconds", percentile(seconds, 0.5)),
        ("p90_seconds", percentile(seconds, 0.9)),
    ];
    for (name, expected) in expected {
        assert!((spread[name].as_f64().unwrap() - expected).abs() < 0.01, "{name} {expected}: {spread}");
    }
}

pub async fn figures_are_what_their_lists_count(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (calendar, _) = desk(&server, &admin).await;
    let from = day(24 * 70);
    let all = admin.get("/v1/tickets?limit=200").await.ok(200)["data"].as_array().unwrap().clone();
    assert_eq!(all.len(), 40);
    for slice in [
        "",
        "&slice=owner.name",
        "&slice=queue_id",
        "&slice=channel&kind_ne=return",
        "&slice=customer_id",
        "&priority=high",
        "&slice=team_id",
    ] {
        let times = admin.get(&format!("/v1/reports/service-times?from={from}&calendar_id={calendar}{slice}")).await.ok(200);
        assert_eq!(times["calendar_version"], 1);
        for cell in times["slices"].as_array().unwrap() {
            let opened = listed(&admin, &cell["opened"]).await;
            for (name, end) in
                [("first_response", "first_responded_at"), ("first_resolution", "first_solved_at"), ("resolution", "solved_at")]
            {
                let own = listed(&admin, &cell[name]).await;
                let expected: Vec<&Value> = opened.iter().filter(|ticket| !ticket[end].is_null()).collect();
                assert_eq!(own.len(), expected.len());
                let mut plain = Vec::new();
                let mut business = Vec::new();
                for ticket in &own {
                    #[allow(clippy::cast_precision_loss, reason = "milliseconds of two months")]
                    plain.push((time(ticket, end).unwrap() - time(ticket, "opened_at").unwrap()) as f64 / 1000.0);
                    if slice.is_empty() {
                        let path = format!(
                            "/v1/calendars/{calendar}/elapsed?from={}&to={}",
                            ticket["opened_at"].as_str().unwrap(),
                            ticket[end].as_str().unwrap()
                        );
                        business.push(admin.get(&path).await.ok(200)["seconds"].as_f64().unwrap());
                    }
                }
                agrees(&cell[name]["plain"], &plain);
                if slice.is_empty() {
                    // The calendar tells whole seconds.
                    let spread = &cell[name]["business"];
                    let median = percentile(&business, 0.5);
                    assert!((spread["median_seconds"].as_f64().unwrap() - median).abs() <= 1.0, "{median}: {spread}");
                    assert!((spread["p90_seconds"].as_f64().unwrap() - percentile(&business, 0.9)).abs() <= 1.0, "{spread}");
                }
            }
            let reopened = listed(&admin, &cell["reopened"]).await;
            let solved = opened.iter().filter(|ticket| !ticket["first_solved_at"].is_null());
            let (again, solved) =
                (solved.clone().filter(|ticket| ticket["reopen_count"].as_i64() > Some(0)).count(), solved.count());
            assert_eq!(reopened.len(), again);
            #[allow(clippy::cast_precision_loss, reason = "a handful")]
            let rate = if solved == 0 { Value::Null } else { json!(again as f64 / solved as f64) };
            assert_eq!(cell["reopen_rate"], rate);
        }
        let sla = admin.get(&format!("/v1/reports/service-sla?from={from}{slice}")).await.ok(200);
        for cell in sla["slices"].as_array().unwrap() {
            let opened = listed(&admin, &cell["opened"]).await;
            for told in cell["clocks"].as_array().unwrap() {
                let mut counted = [0, 0];
                for ticket in &opened {
                    // By the clocks themselves: the worst of the kind.
                    let clocks = admin.get(&format!("/v1/tickets/{}/sla", ticket["id"].as_str().unwrap())).await.ok(200);
                    let own = clocks["clocks"].as_array().unwrap().iter().filter(|clock| clock["clock"] == told["clock"]);
                    let states: Vec<&str> = own.map(|clock| clock["state"].as_str().unwrap()).collect();
                    let is_breached = states.contains(&"breached");
                    let is_open = states.iter().any(|state| ["running", "paused"].contains(state));
                    counted[0] += usize::from(!is_breached && !is_open && states.contains(&"met"));
                    counted[1] += usize::from(is_breached);
                }
                let (met, breached) = (listed(&admin, &told["met"]).await.len(), listed(&admin, &told["breached"]).await.len());
                assert_eq!([met, breached], counted, "{told}");
                listed(&admin, &told["open"]).await;
                #[allow(clippy::cast_precision_loss, reason = "a handful")]
                let share = if met + breached == 0 { Value::Null } else { json!(met as f64 / (met + breached) as f64) };
                assert_eq!(told["attainment"], share);
            }
        }
        if slice.is_empty() {
            let kinds: Vec<&str> =
                sla["slices"][0]["clocks"].as_array().unwrap().iter().map(|clock| clock["clock"].as_str().unwrap()).collect();
            assert_eq!(kinds, ["first_response", "next_response", "total_resolution"]);
            assert_eq!(sla["slices"][0]["opened"]["count"], 40);
        }
    }
    let faults = admin.get("/v1/reports/service-times?to=2026-01-01&slice=opened_at&calendar_id=1&colour=red").await.faults(400);
    let mut pointers: Vec<String> = faults.into_iter().map(|fault| fault.0).collect();
    pointers.sort();
    assert_eq!(pointers, ["calendar_id", "colour", "from", "slice"]);
    let missing =
        admin.get(&format!("/v1/reports/service-times?from={from}&calendar_id=01890a5d-ac96-774b-bcce-b302099a8057")).await;
    assert_eq!(missing.faults(400)[0].0, "calendar_id");
    assert_eq!(admin.get(&format!("/v1/reports/service-sla?from={from}&to={from}")).await.faults(400)[0].0, "to");
    assert_eq!(admin.get(&format!("/v1/reports/service-sla?from={from}&as_of=-1d")).await.faults(400)[0].0, "as_of");
}

pub async fn backlogs_are_those_of_their_time(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    desk(&server, &admin).await;
    let all = admin.get("/v1/tickets?limit=200").await.ok(200)["data"].as_array().unwrap().clone();
    let from = day(24 * 70);
    for (interval, slice) in [
        ("week", ""),
        ("month", "&slice=priority"),
        ("week", "&slice=channel&kind_ne=return"),
        ("month", "&slice=queue.name"),
        ("month", "&slice=customer_id"),
    ] {
        let volume = admin.get(&format!("/v1/reports/service-volume?from={from}&interval={interval}{slice}")).await.ok(200);
        let mut sums = [0; 3];
        for cell in volume["slices"].as_array().unwrap() {
            let mut until: Option<String> = None;
            for period in cell["periods"].as_array().unwrap() {
                assert!(until.is_none_or(|until| period["from"] == *until), "without gaps");
                until = period["to"].as_str().map(str::to_owned);
                for (place, name) in ["opened", "solved", "closed"].into_iter().enumerate() {
                    sums[place] += listed(&admin, &period[name]).await.len();
                }
                let backlog = &period["backlog"];
                if slice.contains("queue.name") && backlog.is_null() {
                    continue;
                }
                let left = listed(&admin, backlog).await;
                assert!(left.iter().all(|ticket| !["solved", "closed"].contains(&ticket["status"].as_str().unwrap())));
                if slice.is_empty() {
                    // By hand, from the lists of that time and the ledger of each ticket.
                    let end = Timestamp::parse(period["backlog"]["as_of"].as_str().unwrap_or(&clock::now().to_string())).unwrap();
                    let mut expected = 0;
                    for ticket in &all {
                        let ledger =
                            admin.get(&format!("/v1/tickets/{}/ledger?limit=200", ticket["id"].as_str().unwrap())).await.ok(200);
                        let mut status = None;
                        let mut rows = ledger["data"].as_array().unwrap().clone();
                        rows.sort_by_key(|row| time(row, "at"));
                        for row in rows.iter().filter(|row| time(row, "at").unwrap() <= end.milliseconds()) {
                            if let Some(to) = row["changes"]["status"]["to"].as_str() {
                                status = Some(to.to_owned());
                            }
                        }
                        expected += usize::from(status.is_some_and(|status| !["solved", "closed"].contains(&status.as_str())));
                    }
                    assert_eq!(left.len(), expected, "{period}");
                }
            }
        }
        let of = |field: &str| {
            let counted = all.iter().filter(|ticket| !slice.contains("kind_ne") || ticket["kind"] != "return");
            counted.filter(|ticket| !ticket[field].is_null()).count()
        };
        assert_eq!(sums, [of("opened_at"), of("first_solved_at"), of("closed_at")], "each once: {slice}");
    }
    // What the ledger does not keep has no past.
    let volume = admin.get(&format!("/v1/reports/service-volume?from={from}&subject_contains=t")).await.ok(200);
    assert!(
        volume["slices"][0]["periods"][0]["backlog"].is_null() && volume["slices"][0]["periods"][0]["opened"]["count"].is_i64()
    );
    // Days are the tenant's, and periods are cut to what was asked for.
    let days = admin.get("/v1/reports/service-volume?from=2026-03-30&to=2026-04-02&interval=month").await.ok(200);
    let days: Vec<(&str, &str)> = days["slices"][0]["periods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|period| (period["from"].as_str().unwrap(), period["to"].as_str().unwrap()))
        .collect();
    assert_eq!(days, [("2026-03-30", "2026-04-01"), ("2026-04-01", "2026-04-02")]);
    let one = admin.get("/v1/reports/service-volume?from=2026-03-30&to=2026-03-31&interval=day").await.ok(200);
    let begins = start_of_day("2026-03-30".parse().unwrap(), ZONE).to_string();
    assert_eq!(one["slices"][0]["periods"][0]["opened"]["filter"]["and"][0]["value"], begins);
    let faults = admin.get("/v1/reports/service-volume?from=2020-01-01&to=2026-01-01&interval=day").await.faults(400);
    assert_eq!(faults, [("interval".to_owned(), "too_many".to_owned())]);
}

pub async fn what_may_not_be_seen_is_not_counted(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (calendar, agents) = desk(&server, &admin).await;
    let from = day(24 * 70);
    let own = server.user_who_may(&admin, "own", &["ticket read own"], json!([]), json!({})).await;
    let role = admin.get("/v1/roles?name=role of own").await.ok(200)["data"][0]["id"].clone();
    admin.patch(&format!("/v1/users/{}", agents[0].id), json!({"role_ids": [role]})).await.ok(200);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let mine = agents[0].get("/v1/tickets?total=true&limit=1").await.ok(200)["page"]["total"].clone();
    assert!(mine.as_i64() > Some(5) && mine.as_i64() < Some(20), "{mine}");
    for report in ["service-sla", "service-times"] {
        let seen = agents[0].get(&format!("/v1/reports/{report}?from={from}")).await.ok(200);
        assert_eq!(seen["slices"][0]["opened"]["count"], mine, "{report}");
        let nothing = own.get(&format!("/v1/reports/{report}?from={from}")).await.ok(200);
        assert_eq!(nothing["slices"][0]["opened"]["count"], 0, "{report}");
    }
    let seen = agents[0].get(&format!("/v1/reports/service-volume?from={from}")).await.ok(200);
    let opened: i64 =
        seen["slices"][0]["periods"].as_array().unwrap().iter().map(|one| one["opened"]["count"].as_i64().unwrap()).sum();
    assert_eq!(json!(opened), mine);
    for period in seen["slices"][0]["periods"].as_array().unwrap() {
        listed(&agents[0], &period["backlog"]).await;
    }
    // Hours that may not be seen are not told by their sums, and hidden fields make no report.
    let refused = own.get(&format!("/v1/reports/service-times?from={from}&calendar_id={calendar}")).await;
    assert_eq!(refused.faults(400), [("calendar_id".to_owned(), "reference_not_found".to_owned())]);
    let rules = json!([{"object": "ticket", "field": "solved_at", "rule": "hidden"}]);
    let blind = server.user_who_may(&admin, "blind", &["ticket read all"], rules, json!({})).await;
    blind.get(&format!("/v1/reports/service-times?from={from}")).await.refused(403, "forbidden");
    let nobody = server.user_who_may(&admin, "nobody", &["customer read all"], json!([]), json!({})).await;
    for report in ["service-sla", "service-times", "service-volume"] {
        nobody.get(&format!("/v1/reports/{report}?from={from}")).await.refused(403, "forbidden");
    }
}

/// Surveys of three kinds about forty tickets, sent in three batches weeks apart; three of four are answered.
async fn surveyed(db: &TestDb, server: &Server, admin: &Client) {
    let mut agents = Vec::new();
    for name in ["Ana", "Bo"] {
        agents.push(server.user(admin, name, "service_agent", json!({})).await.id);
    }
    let team = admin.create("teams", json!({"name": "一组"})).await;
    admin.patch(&format!("/v1/users/{}", agents[0]), json!({"team_id": team})).await.ok(200);
    let queues = [admin.create("queues", json!({"name": "A"})).await, admin.create("queues", json!({"name": "B"})).await];
    let category = admin.create("ticket-categories", json!({"name": "硬件"})).await;
    let customer = admin.create("customers", json!({"name": "华为"})).await;
    let mut surveys = Vec::new();
    for kind in ["csat", "ces", "nps"] {
        surveys.push(admin.create("surveys", survey(kind, json!({}))).await);
    }
    for number in 0..42_usize {
        if number % 14 == 0 {
            long_ago(db, "asked_at", 23);
        }
        let ticket = json!({"subject": format!("t{number}"), "owner_id": agents.get(number % 3), "queue_id": queues.get(number % 5),
            "category_id": if number % 2 == 0 { json!(category) } else { Value::Null }, "channel": if number % 4 == 0 { "phone" } else { "email" },
            "customer_id": if number % 7 == 0 { json!(customer) } else { Value::Null }});
        let (_, _, path) = asked(admin, &surveys[number % 3], ticket).await;
        if number % 4 != 3 {
            let (min, max) = [(1, 5), (1, 7), (0, 10)][number % 3];
            let score = min + (number * 7 + number / 5) % (max - min + 1);
            server.anybody().post(&path, json!({"score": score})).await.ok(200);
        }
    }
}

/// What responses come to, by hand.
#[allow(clippy::cast_precision_loss, reason = "a handful")]
fn comes_to(kind: &str, responses: &[&Value]) -> Vec<(&'static str, Value)> {
    let scores: Vec<i64> = responses.iter().filter_map(|response| response["score"].as_i64()).collect();
    let count = |counts: &dyn Fn(i64) -> bool| scores.iter().filter(|score| counts(**score)).count();
    let of = |part: f64, whole: usize| if whole == 0 { Value::Null } else { json!(part / whole as f64) };
    let only = |applies: bool, value: Value| if applies { value } else { Value::Null };
    let nps = kind == "nps";
    let satisfied = count(&|score| if kind == "csat" { score == 4 || score == 5 } else { score >= 5 });
    let (promoters, detractors) = (count(&|score| score == 9 || score == 10), count(&|score| score < 7));
    vec![
        ("sent", json!(responses.len())),
        ("answered", json!(scores.len())),
        ("response_rate", of(scores.len() as f64, responses.len())),
        ("mean_score", of(scores.iter().sum::<i64>() as f64, scores.len())),
        ("satisfied", only(!nps, json!(satisfied))),
        ("satisfied_share", only(!nps, of(satisfied as f64, scores.len()))),
        ("promoters", only(nps, json!(promoters))),
        ("passives", only(nps, json!(scores.len() - promoters - detractors))),
        ("detractors", only(nps, json!(detractors))),
        ("net_promoter_score", only(nps, of(100.0 * (promoters as f64 - detractors as f64), scores.len()))),
    ]
}

pub async fn satisfaction_is_what_the_answers_come_to(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    surveyed(&db, &server, &admin).await;
    let from = day(24 * 90);
    let all = admin.get("/v1/survey-responses?limit=200").await.ok(200)["data"].as_array().unwrap().clone();
    assert_eq!(all.len(), 42);
    let tickets = admin.get("/v1/tickets?limit=200").await.ok(200)["data"].as_array().unwrap().clone();
    let ticket_of = |response: &Value| tickets.iter().find(|ticket| ticket["id"] == response["ticket_id"]).unwrap();
    let starts = |day: &Value| start_of_day(day.as_str().unwrap().parse().unwrap(), ZONE).milliseconds();
    for (slice, filter, interval) in [
        ("", "", ""),
        ("agent_id", "", ""),
        ("ticket.team_id", "", "month"),
        ("ticket.queue_id", "", "week"),
        ("ticket.category_id", "&ticket.channel=email", ""),
        ("ticket.channel", "&score_null=false", "month"),
        ("customer_id", "&kind=nps", ""),
        ("", "&kind_ne=ces", "week"),
    ] {
        let value_of = |response: &Value| match slice.strip_prefix("ticket.") {
            Some(field) => ticket_of(response)[field].clone(),
            None if slice.is_empty() => Value::Null,
            None => response[slice].clone(),
        };
        let passes = |response: &Value| match filter {
            "&ticket.channel=email" => ticket_of(response)["channel"] == "email",
            "&score_null=false" => !response["score"].is_null(),
            "&kind=nps" => response["kind"] == "nps",
            "&kind_ne=ces" => response["kind"] != "ces",
            _ => true,
        };
        let mut path = format!("/v1/reports/service-satisfaction?from={from}{filter}");
        if !slice.is_empty() {
            path += &format!("&slice={slice}");
        }
        if !interval.is_empty() {
            path += &format!("&interval={interval}");
        }
        let report = admin.get(&path).await.ok(200);
        let mut seen = 0;
        for told in report["kinds"].as_array().unwrap() {
            let kind = told["kind"].as_str().unwrap();
            for cell in told["slices"].as_array().unwrap() {
                let mut parts = vec![(report["from"].clone(), report["to"].clone(), &cell["total"])];
                parts.extend(
                    cell["periods"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|one| (one["from"].clone(), one["to"].clone(), &one["figures"])),
                );
                assert_eq!(parts.len() > 1, !interval.is_empty(), "{path}");
                for (place, (from, to, figures)) in parts.into_iter().enumerate() {
                    let is_in = |response: &&Value| {
                        let asked = time(response, "asked_at").unwrap();
                        response["kind"] == kind
                            && (starts(&from)..starts(&to)).contains(&asked)
                            && value_of(response) == cell["value"]
                            && passes(response)
                    };
                    let own: Vec<&Value> = all.iter().filter(is_in).collect();
                    seen += if place == 0 { own.len() } else { 0 };
                    for (name, expected) in comes_to(kind, &own) {
                        let figure = &figures[name];
                        if figure["filter"].is_null() {
                            let is_close = match (figure.as_f64(), expected.as_f64()) {
                                (Some(told), Some(expected)) => (told - expected).abs() < 1e-9,
                                (told, expected) => told.is_none() && expected.is_none(),
                            };
                            assert!(is_close, "{path} {name}: {figure}, not {expected}");
                            continue;
                        }
                        assert_eq!(figure["count"], expected, "{path} {name}");
                        let listed = admin
                            .post("/v1/survey-responses/search", json!({"filter": figure["filter"], "limit": 200, "total": true}))
                            .await
                            .ok(200);
                        assert_eq!(listed["page"]["total"], expected, "{path} {name}: {figure}");
                        for response in listed["data"].as_array().unwrap() {
                            assert!(own.iter().any(|known| id(known) == id(response)), "{path} {name}");
                        }
                    }
                }
            }
        }
        assert_eq!(seen, all.iter().filter(|response| passes(response)).count(), "each once: {path}");
    }
    let report = admin.get(&format!("/v1/reports/service-satisfaction?from={from}")).await.ok(200);
    let kinds: Vec<&str> = report["kinds"].as_array().unwrap().iter().map(|told| told["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["csat", "ces", "nps"], "never mixed");
    // Whoever reads no ticket reads no answer, and hidden scores make no report.
    let own = server.user_who_may(&admin, "own", &["ticket read own", "survey_response read own"], json!([]), json!({})).await;
    assert_eq!(own.get(&format!("/v1/reports/service-satisfaction?from={from}")).await.ok(200)["kinds"], json!([]));
    let rules = json!([{"object": "survey_response", "field": "score", "rule": "hidden"}]);
    let grants = &["ticket read all", "survey_response read all"];
    let blind = server.user_who_may(&admin, "blind", grants, rules, json!({})).await;
    blind.get(&format!("/v1/reports/service-satisfaction?from={from}")).await.refused(403, "forbidden");
    let nobody = server.user_who_may(&admin, "nobody", &["customer read all"], json!([]), json!({})).await;
    nobody.get(&format!("/v1/reports/service-satisfaction?from={from}")).await.refused(403, "forbidden");
    let faults = admin.get("/v1/reports/service-satisfaction?interval=day&slice=asked_at&colour=red").await.faults(400);
    let mut pointers: Vec<String> = faults.into_iter().map(|fault| fault.0).collect();
    pointers.sort();
    assert_eq!(pointers, ["colour", "from", "slice"]);
}
