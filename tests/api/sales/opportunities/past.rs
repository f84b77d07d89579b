//! Lists as of a time, and the ledger.

use serde_json::{Value, json};

use crate::{
    sales::{pipeline, yuan},
    server::Server,
    support::TestDb,
};

pub async fn is_read_from_the_ledger(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (_, stages) = pipeline(&admin).await;
    // A sale of another system, with its stages and their times.
    let body = json!({
        "name": "Old sale", "stage_id": stages[4], "amount": yuan(500), "opened_at": "2017-01-01T00:00:00Z",
        "closed_at": "2017-03-01T00:00:00Z", "close_reason": "price",
        "stage_history": [
            {"stage_id": stages[0], "entered_at": "2017-01-01T00:00:00Z"},
            {"stage_id": stages[2], "entered_at": "2017-02-01T00:00:00Z"},
        ],
    });
    let old = admin.post("/v1/opportunities", body.clone()).await.ok(201);
    assert_eq!((&old["status"], &old["stage_entered_at"]), (&json!("won"), &json!("2017-03-01T00:00:00.000Z")));
    let new = admin.create("opportunities", json!({"name": "New sale", "amount": yuan(100)})).await;
    let ledger = admin.get(&format!("/v1/opportunities/{}/ledger", old["id"].as_str().unwrap())).await.ok(200);
    let times: Vec<&str> = ledger["data"].as_array().unwrap().iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert_eq!(times, ["2017-03-01T00:00:00.000Z", "2017-02-01T00:00:00.000Z", "2017-01-01T00:00:00.000Z"]);
    assert_eq!(ledger["data"][0]["seconds_in_former_step"], 28 * 86_400);
    let as_of = async |time: &str, filter: &str| {
        let list = admin.get(&format!("/v1/opportunities?as_of={time}&total=true{filter}")).await.ok(200);
        (list["page"]["total"].as_i64().unwrap(), list["data"].clone())
    };
    assert_eq!(as_of("2016-12-31T00:00:00Z", "").await.0, 0);
    let (count, then) = as_of("2017-01-15T00:00:00Z", "").await;
    assert_eq!((count, &then[0]["stage_id"], &then[0]["status"]), (1, &json!(stages[0]), &json!("open")));
    assert_eq!(as_of("2017-02-15T00:00:00Z", &format!("&stage_id={}", stages[2])).await.0, 1);
    assert_eq!(as_of("2017-02-15T00:00:00Z", "&status=won").await.0, 0);
    assert_eq!(as_of("2017-03-01T00:00:00Z", "&status=won").await.0, 1);
    // What changes now leaves the past as it was.
    let before = admin.get(&format!("/v1/opportunities/{new}")).await.ok(200)["updated_at"].as_str().unwrap().to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    admin
        .patch(&format!("/v1/opportunities/{new}"), json!({"amount": yuan(900), "expected_close_on": "2027-01-01"}))
        .await
        .ok(200);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    admin.delete(&format!("/v1/opportunities/{new}")).await.ok(204);
    let (_, then) = as_of(&before, &format!("&id={new}")).await;
    assert_eq!((&then[0]["amount"], &then[0]["expected_close_on"]), (&yuan(100), &Value::Null));
    assert!(then[0]["archived_at"].is_null(), "not yet archived then");
    let search = json!({"filter": {"field": "status", "op": "eq", "value": "open"}, "as_of": "2017-01-15T00:00:00Z"});
    assert_eq!(admin.post("/v1/opportunities/search", search).await.each("id"), [old["id"].as_str().unwrap()]);
    let faults = admin.get("/v1/opportunities?as_of=once").await.faults(400);
    assert_eq!(faults[0].0, "as_of");
    assert_eq!(admin.get("/v1/customers?as_of=-1d").await.faults(400)[0].1, "unknown_parameter");
    // A history must be one: in order, past, and of this pipeline.
    for (history, code) in [
        (
            json!([{"stage_id": stages[0], "entered_at": "2017-02-01T00:00:00Z"}, {"stage_id": stages[1], "entered_at": "2017-01-01T00:00:00Z"}]),
            "too_early",
        ),
        (json!([{"stage_id": stages[0], "entered_at": "2999-02-01T00:00:00Z"}]), "too_late"),
        (json!([{"stage_id": stages[5], "entered_at": "2017-02-01T00:00:00Z"}]), "stage_of_other_pipeline"),
    ] {
        let mut bad = body.clone();
        bad["stage_history"] = history;
        let answer = admin.post("/v1/opportunities", bad).await;
        assert!(answer.text.contains(code), "{code}: {}", answer.text);
    }
}

/// The past tells what the ledger knows, to who may read the record now: nothing of today to who had it once.
pub async fn is_read_by_who_may_read_now(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = pipeline(&admin).await;
    let may = &["lead * own", "opportunity * own", "pipeline read all", "user read all", "customer read all", "lead create all"];
    let former = server.user_who_may(&admin, "former", may, json!([]), json!({})).await;
    let phone = |number: &str| json!([{"value": number}]);
    let lead = former.create("leads", json!({"name": "Lead", "phones": phone("13912345678"), "source": "fair"})).await;
    let kept = former.create("leads", json!({"name": "Kept", "phones": phone("13912345670")})).await;
    let sale = former.create("opportunities", json!({"name": "Sale", "amount": yuan(100), "description": "then"})).await;
    let then = admin.get(&format!("/v1/opportunities/{sale}")).await.ok(200)["updated_at"].as_str().unwrap().to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let taken = json!({"owner_id": admin.id, "phones": phone("13987654321"), "source": "web"});
    admin.patch(&format!("/v1/leads/{lead}"), taken).await.ok(200);
    admin.patch(&format!("/v1/leads/{kept}"), json!({"phones": phone("13987654320")})).await.ok(200);
    let taken = json!({"owner_id": admin.id, "amount": yuan(900), "description": "now"});
    admin.patch(&format!("/v1/opportunities/{sale}"), taken).await.ok(200);
    // Whose it was and is not: nothing, whichever way it is asked.
    for path in ["/v1/leads", "/v1/opportunities"] {
        let list = former.get(&format!("{path}?as_of={then}&total=true")).await.ok(200);
        let own: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|record| &record["id"]).collect();
        let left = if path == "/v1/leads" { vec![kept.as_str()] } else { Vec::new() };
        assert_eq!(
            (own, &list["page"]["total"]),
            (left.iter().map(|id| json!(id)).collect::<Vec<_>>().iter().collect(), &json!(left.len()))
        );
        let summary = former.get(&format!("{path}/summary?as_of={then}&group_by=status")).await.ok(200);
        assert_eq!(summary["data"].as_array().unwrap().len(), left.len(), "{summary}");
        let search = former.post(&format!("{path}/search"), json!({"as_of": then})).await.each("id");
        assert_eq!(search, left);
    }
    former.get(&format!("/v1/opportunities/{sale}/ledger")).await.refused(404, "not_found");
    let forecast = former.get(&format!("/v1/forecasts?period=2026-Q4&as_of={then}")).await.ok(200);
    assert_eq!(forecast["data"][0]["computed"]["pipeline"], 0);
    let funnel = former.get(&format!("/v1/reports/sales-funnel?basis=snapshot&as_of={then}")).await.ok(200);
    assert_eq!(funnel["slices"][0]["all"]["count"], 0);
    let board = former.get(&format!("/v1/pipelines/{pipeline}/board?as_of={then}")).await.ok(200);
    assert!(board["stages"].as_array().unwrap().iter().all(|stage| stage["count"] == 0), "{board}");
    // What the ledger does not keep is not there, shown, asked for, ordered by or counted.
    let answer = former.get(&format!("/v1/leads?as_of={then}")).await;
    for absent in ["phones", "source", "1398765432", "updated_at", "version", "custom", "tag_ids", "first_responded_at"] {
        assert!(!answer.text.contains(absent), "{absent}: {}", answer.text);
    }
    let list = answer.ok(200);
    assert_eq!((&list["data"][0]["owner_id"], &list["data"][0]["status"]), (&json!(former.id), &json!("new")));
    assert!(list["data"][0]["created_at"].is_string());
    for query in [
        "phones_any=13987654320",
        "source=web",
        "custom.x=1",
        "sort=source",
        "fields=phones",
        "customer.name=x",
        "tasks_null=true",
        "expand=activities",
        "q=Kept",
        "updated_at_gt=2026-01-01T00:00:00Z",
    ] {
        let faults = former.get(&format!("/v1/leads?as_of={then}&{query}")).await.faults(400);
        assert_eq!(faults.len(), 1, "{query}: {faults:?}");
    }
    for query in ["group_by=source", "group_by=status&source=web", "group_by=customer.name"] {
        former.get(&format!("/v1/leads/summary?as_of={then}&{query}")).await.faults(400);
    }
    former.get(&format!("/v1/leads?as_of={then}&owner.name=former&expand=owner&sort=status")).await.ok(200);
    // Who may read it now reads its past as it was.
    let list = admin.get(&format!("/v1/opportunities?as_of={then}&owner_id={}", former.id)).await;
    assert!(!list.text.contains("now\""), "{}", list.text);
    let list = list.ok(200);
    assert_eq!((&list["data"][0]["amount"], &list["data"][0]["stage_id"]), (&yuan(100), &json!(stages[0])));
    let board = admin.get(&format!("/v1/pipelines/{pipeline}/board?as_of={then}")).await.ok(200);
    assert_eq!((&board["stages"][0]["count"], &board["stages"][0]["totals"][0]["amount"]), (&json!(1), &json!(100)));
    assert!(board["stages"][0]["opportunities"][0].get("description").is_none());
}
