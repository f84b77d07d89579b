//! Sales of another system: their history comes in order, and at any time they are in one state.

use serde_json::{Value, json};

use crate::{
    sales::{pipeline, yuan},
    server::Server,
    support::TestDb,
};

/// What it is called, the stages told with their days, the present stage, and the day on which it closed.
type Case = (&'static str, &'static [(usize, u32)], usize, Option<u32>);

/// A moment of 2017.
fn day(day: u32) -> String {
    format!("2017-01-{day:02}T00:00:00.000Z")
}

pub async fn is_one_state_at_any_time(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    let second = format!("/v1/pipelines/{pipeline}/stages/{}", stages[1]);
    admin.patch(&second, json!({"probability": 35, "forecast_category": "best_case"})).await.ok(200);
    let cases: &[Case] = &[
        ("open, of its history", &[(0, 2), (1, 4)], 1, None),
        ("open, beyond its history", &[(0, 2), (1, 4)], 2, None),
        ("won after its history", &[(0, 2), (1, 4)], 4, Some(9)),
        ("won by its history", &[(0, 2), (1, 4), (4, 9)], 4, Some(9)),
        ("there and back", &[(0, 2), (1, 3), (0, 6)], 5, Some(9)),
        ("all on one day", &[(0, 5), (1, 5), (2, 5)], 4, Some(5)),
        ("without a history", &[], 4, Some(9)),
        ("open without a history", &[], 1, None),
    ];
    let made_at = now();
    for (name, history, present, closed) in cases {
        let told: Vec<Value> =
            history.iter().map(|(stage, on)| json!({"stage_id": stages[*stage], "entered_at": day(*on)})).collect();
        let mut body =
            json!({"name": name, "stage_id": stages[*present], "amount": yuan(100), "opened_at": day(1), "stage_history": told});
        if let Some(closed) = closed {
            body["closed_at"] = json!(day(*closed));
            body["close_reason"] = json!("price");
        }
        let id = admin.create("opportunities", body).await;
        // What was so from when on, by the rules of the documentation.
        let mut steps: Vec<(String, usize)> = history.iter().map(|(stage, on)| (day(*on), *stage)).collect();
        if history.last().is_none_or(|(last, _)| last != present) {
            let from = closed.map_or_else(|| if history.is_empty() { day(1) } else { made_at.clone() }, day);
            steps.push((from, *present));
        }
        let filter = format!("&id={id}&total=true");
        for hour in 0..12 * 4 {
            let time = format!("2017-01-{:02}T{:02}:00:01.000Z", 1 + hour / 4, hour % 4 * 6);
            let list = admin.get(&format!("/v1/opportunities?as_of={time}{filter}")).await.ok(200);
            let due = steps.iter().rev().find(|(from, _)| *from < time).map(|(_, stage)| stages[*stage].clone());
            let found: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|one| &one["stage_id"]).collect();
            assert_eq!(found, due.iter().collect::<Vec<_>>(), "{name} at {time}");
            assert_eq!(list["page"]["total"], found.len(), "{name} at {time}");
        }
        let now = admin.get(&format!("/v1/opportunities?{}", &filter[1..])).await.ok(200);
        assert_eq!((&now["page"]["total"], &now["data"][0]["stage_id"]), (&json!(1), &json!(stages[*present])), "{name}");
        let ledger = admin.get(&format!("/v1/opportunities/{id}/ledger")).await.ok(200);
        let times: Vec<&str> = ledger["data"].as_array().unwrap().iter().map(|entry| entry["at"].as_str().unwrap()).collect();
        assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "{name}: {times:?}");
    }
    // Steps of the past have what their stages say of them, or what is told.
    // The ledger keeps no names: the record is found as it is now, and asked for as it was.
    let won = admin.list("/v1/opportunities?name=won%20after%20its%20history", "id").await.remove(0);
    let list = admin.get(&format!("/v1/opportunities?as_of={}&id={won}", day(5))).await.ok(200);
    let then = &list["data"][0];
    assert_eq!((&then["probability"], &then["forecast_category"]), (&json!(35), &json!("best_case")));
    let told = json!([{"stage_id": stages[1], "entered_at": day(2), "probability": 70, "forecast_category": "commit"}]);
    let body = json!({"name": "told", "stage_id": stages[4], "opened_at": day(1), "closed_at": day(9), "close_reason": "x", "stage_history": told});
    let told = admin.create("opportunities", body).await;
    let list = admin.get(&format!("/v1/opportunities?as_of={}&id={told}", day(5))).await.ok(200);
    let then = &list["data"][0];
    assert_eq!((&then["probability"], &then["forecast_category"]), (&json!(70), &json!("commit")));
}

fn now() -> String {
    farley::http::clock::now().to_string()
}

pub async fn lies_between_beginning_and_end(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (_, stages) = pipeline(&admin).await;
    let sale = |more: Value| {
        let mut body = json!({"name": "x", "stage_id": stages[4], "close_reason": "price"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        admin.post("/v1/opportunities", body)
    };
    let at = |stage: usize, on: u32| json!({"stage_id": stages[stage], "entered_at": day(on)});
    for (body, fault) in [
        (
            json!({"opened_at": day(3), "closed_at": day(9), "stage_history": [at(0, 2)]}),
            ("/stage_history/0/entered_at", "too_early"),
        ),
        (
            json!({"opened_at": day(3), "closed_at": day(9), "stage_history": [at(0, 4), at(1, 10)]}),
            ("/stage_history/1/entered_at", "too_late"),
        ),
        (json!({"closed_at": day(9), "stage_history": [at(0, 4), at(4, 8)]}), ("/stage_history/1/entered_at", "too_early")),
        (json!({"closed_at": day(9), "stage_history": [at(0, 4), at(4, 10)]}), ("/stage_history/1/entered_at", "too_late")),
        (
            json!({"closed_at": day(9), "stage_history": [at(4, 4), at(1, 5)]}),
            ("/stage_history/0/stage_id", "stage_of_other_pipeline"),
        ),
        (
            json!({"closed_at": day(9), "stage_history": [{"stage_id": stages[0], "entered_at": day(4), "forecast_category": "closed"}]}),
            ("/stage_history/0/forecast_category", "open_is_not_closed"),
        ),
    ] {
        assert_eq!(sale(body.clone()).await.faults(422), [(fault.0.to_owned(), fault.1.to_owned())], "{body}");
    }
    let refused = sale(json!({"stage_history": [{"stage_id": stages[0], "entered_at": day(4), "probability": 101}]})).await;
    assert_eq!(refused.faults(400)[0].1, "too_large");
    // Won by the last of its history; won now, where nobody says when.
    let won = sale(json!({"opened_at": day(1), "stage_history": [at(0, 1), at(4, 7)]})).await.ok(201);
    assert_eq!((&won["closed_at"], &won["stage_entered_at"]), (&json!(day(7)), &json!(day(7))));
    let won = sale(json!({"opened_at": day(1)})).await.ok(201);
    assert_eq!((&won["closed_at"], &won["opened_at"]), (&won["stage_entered_at"], &json!(day(1))));
    assert!(won["closed_at"].as_str().unwrap() > "2020");
    let id = won["id"].as_str().unwrap();
    let list = admin.get(&format!("/v1/opportunities?as_of={}&id={id}&status=won", day(20))).await.ok(200);
    assert_eq!(list["data"], json!([]));
}
