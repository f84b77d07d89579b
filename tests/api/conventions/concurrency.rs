//! Edits that meet: versions, preconditions, and many writers of one record.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{app::start::eventually, client::Request, server::Server, support::TestDb};

pub async fn preconditions_are_strict(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let other = server.user(&admin, "Wang Fang", "administrator", json!({})).await;
    let path = format!("/v1/customers/{}", admin.create("customers", json!({"name": "Acme"})).await);
    other.patch(&path, json!({"industry": "Retail"})).header("If-Match", "\"v1\"").await.ok(200);
    let problem = admin.patch(&path, json!({"name": "x"})).header("If-Match", "\"v1\"").await.refused(412, "version_mismatch");
    assert_eq!((&problem["base_version"], &problem["current_version"]), (&json!(1), &json!(2)));
    let changed = problem["changed"].as_array().unwrap();
    let industry = changed.iter().find(|change| change["field"] == "industry").expect("what changed");
    assert_eq!((&industry["by"], &industry["version"]), (&json!(other.id), &json!(2)));
    assert!(industry["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&industry["from"], &industry["to"], &industry["by_name"]), (&json!(null), &json!("Retail"), &json!("Wang Fang")));
    let sentence = "The record is at version 2, which is none that If-Match names. Since version 1: Wang Fang changed Industry from nothing \
                    to “Retail”.";
    assert_eq!(problem["detail"], sentence);
    let stale = admin.patch(&path, json!({"name": "x"})).header("If-Match", "\"v1\"").header("Accept-Language", "zh").await;
    let problem = stale.refused(412, "version_mismatch");
    assert_eq!(
        problem["detail"],
        "记录当前版本为 2，与 If-Match 指定的版本不一致。自版本 1 以来：Wang Fang将“行业”从空改为“Retail”。"
    );
    for tag in ["\"v99\"", "\"other\"", "v2", "", "\"v0\""] {
        let refused = admin.patch(&path, json!({"name": "x"})).header("If-Match", tag).await.refused(412, "version_mismatch");
        assert_eq!(refused["detail"], "The record is at version 2, which is none that If-Match names.");
    }
    admin.delete(&path).header("If-Match", "\"v1\"").await.refused(412, "version_mismatch");
    admin.patch(&path, json!({"size": 1})).header("If-Match", "\"v1\"").await.refused(412, "version_mismatch");
    // Any of several, and any at all.
    admin.patch(&path, json!({"name": "Acme 3"})).header("If-Match", "\"v1\", \"v2\"").await.ok(200);
    admin.patch(&path, json!({"name": "Acme 4"})).header("If-Match", "*").await.ok(200);
    // Who names no version writes the fields they name.
    assert_eq!(admin.patch(&path, json!({"name": "Acme 5"})).await.ok(200)["industry"], "Retail");
    admin.delete(&path).header("If-Match", "\"v5\"").await.ok(204);
    admin.post(&format!("{path}/restore"), json!({})).header("If-Match", "\"v5\"").await.refused(412, "version_mismatch");
    admin.post(&format!("{path}/restore"), json!({})).header("If-Match", "\"v6\"").await.ok(200);
}

/// Who changed what is told by names, as far as the caller may know of them.
pub async fn conflicts_are_told_as_people_talk(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let wang = server.user(&admin, "Wang Fang", "administrator", json!({})).await;
    let path = format!("/v1/customers/{}", admin.create("customers", json!({"name": "Acme"})).await);
    let body = json!({"status": "inactive", "owner_id": wang.id, "annual_revenue": {"amount": 1_234_500, "currency": "CNY"}});
    wang.patch(&path, body).await.ok(200);
    let stale = async |client: &crate::client::Client| {
        client.patch(&path, json!({"name": "x"})).header("If-Match", "\"v1\"").await.refused(412, "version_mismatch")
    };
    let detail = stale(&admin).await["detail"].as_str().unwrap().to_owned();
    for told in ["Status from “Active” to “Inactive”", "from “Administrator” to “Wang Fang”", "to CNY 12345.00"] {
        assert!(detail.contains(told), "{detail}");
    }
    // Who may know nothing of users hears of no names.
    let grants = json!([
        {"object": "customer", "action": "read", "scope": "all"}, {"object": "customer", "action": "update", "scope": "all"}
    ]);
    let role = admin.create("roles", json!({"name": "Hermit", "permissions": grants})).await;
    let hermit = server.user_with(&admin, "Hermit", json!([role]), json!({})).await;
    let problem = stale(&hermit).await;
    assert!(!problem.to_string().contains("Wang Fang"), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("Somebody changed Status"), "{problem}");
}

pub async fn fields_apart_do_not_conflict(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("tier", "text", json!({})).await;
    admin.custom_field("rank", "integer", json!({})).await;
    let path = format!("/v1/customers/{}", admin.create("customers", json!({"name": "Acme", "custom": {"tier": "a"}})).await);
    admin.patch(&path, json!({"industry": "Retail", "custom": {"tier": "b"}})).await.ok(200);
    let relaxed = format!("{path}?on_conflict=fields");
    let patch = |body: Value| admin.patch(&relaxed, body).header("If-Match", "\"v1\"");
    let record = patch(json!({"name": "Acme 2", "custom": {"rank": 1}})).await.ok(200);
    assert_eq!((&record["name"], &record["industry"]), (&json!("Acme 2"), &json!("Retail")));
    assert_eq!(record["custom"], json!({"tier": "b", "rank": 1}));
    patch(json!({"industry": "Oil"})).await.refused(412, "version_mismatch");
    patch(json!({"custom": {"tier": "c"}})).await.refused(412, "version_mismatch");
    patch(json!({"custom": null})).await.refused(412, "version_mismatch");
    // A version that never was is no base.
    admin.patch(&relaxed, json!({"description": "x"})).header("If-Match", "\"v77\"").await.refused(412, "version_mismatch");
    admin.patch(&relaxed, json!({"description": "x"})).await.refused(428, "precondition_required");
    let faults = admin.patch(&format!("{path}?on_conflict=mine"), json!({})).header("If-Match", "\"v1\"").await.faults(400);
    assert_eq!(faults[0].1, "unknown_choice");
}

pub async fn unchanged_records_are_not_sent_again(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let path = format!("/v1/customers/{}", admin.create("customers", json!({"name": "Acme"})).await);
    for tag in ["\"v1\"", "W/\"v1\"", "\"v7\", \"v1\"", "*"] {
        let answer = admin.get(&path).header("If-None-Match", tag).await;
        assert_eq!((answer.status, answer.header("etag"), answer.text.as_str()), (304, "\"v1\"", ""), "{tag}");
    }
    admin.get(&path).header("If-None-Match", "\"v2\"").await.ok(200);
    // Whatever is shown of it, a record has its version.
    let sparse = admin.get(&format!("{path}?fields=name")).await;
    assert_eq!((sparse.header("etag"), sparse.body.get("version")), ("\"v1\"", None));
    admin.get(&format!("{path}?fields=name")).header("If-None-Match", "\"v1\"").await.ok(304);
    admin.patch(&path, json!({"name": "Acme 2"})).await.ok(200);
    admin.get(&path).header("If-None-Match", "\"v1\"").await.ok(200);
}

/// Of many who build on the same version, one succeeds; of many who do not, each does.
pub async fn many_writers_of_one_record(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let path = format!("/v1/customers/{}", admin.create("customers", json!({"name": "Acme"})).await);
    let writes = (0..12).map(|number| {
        let request = admin.patch(&path, json!({"name": format!("Acme {number}")}));
        tokio::spawn(async move { request.header("If-Match", "\"v1\"").await.status })
    });
    let mut statuses = Vec::new();
    for write in writes.collect::<Vec<_>>() {
        statuses.push(write.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");

    let writes = (0..12).map(|number| {
        let request = admin.patch(&path, json!({"employee_count": number + 1}));
        tokio::spawn(async move { request.await.ok(200)["version"].as_i64().unwrap() })
    });
    let mut versions = HashSet::new();
    for write in writes.collect::<Vec<_>>() {
        versions.insert(write.await.unwrap());
    }
    assert_eq!(versions, (3..15).collect());
    let history = admin.list(&format!("{path}/history"), "version").await;
    assert_eq!(history, (1..15).rev().map(|version: i64| version.to_string()).collect::<Vec<_>>());
}

/// Rules that look at other records hold also where those are written in the same moment.
pub async fn rules_over_other_records_hold(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let at_once = async |requests: Vec<Request>| {
        let sent: Vec<_> = requests.into_iter().map(|request| tokio::spawn(async move { request.await.status })).collect();
        let mut statuses = Vec::new();
        for answer in sent {
            statuses.push(answer.await.unwrap());
        }
        statuses
    };
    let count = |statuses: &[u16], wanted: u16| statuses.iter().filter(|status| **status == wanted).count();

    let quota = json!({"period": "2044", "amount": {"amount": 1, "currency": "CNY"}});
    let statuses = at_once((0..8).map(|_| admin.post("/v1/quotas", quota.clone())).collect()).await;
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 7), "{statuses:?}");

    let mut pipelines = Vec::new();
    for number in 0..4 {
        pipelines.push(admin.create("pipelines", json!({"name": format!("P{number}")})).await);
    }
    let default = json!({"is_default": true});
    at_once(pipelines.iter().map(|id| admin.patch(&format!("/v1/pipelines/{id}"), default.clone())).collect()).await;
    assert_eq!(admin.get("/v1/pipelines?is_default=true").await.ok(200)["data"].as_array().unwrap().len(), 1);
    let body = |number: usize| json!({"name": format!("D{number}"), "object": "lead", "is_default": true});
    at_once((0..4).map(|number| admin.post("/v1/pools", body(number))).collect()).await;
    assert_eq!(admin.get("/v1/pools?object=lead&is_default=true").await.ok(200)["data"].as_array().unwrap().len(), 1);

    // Nothing is left in a stage that is gone.
    for (number, pipeline) in pipelines.iter().enumerate() {
        let stage = admin.create(&format!("pipelines/{pipeline}/stages"), json!({"name": "New", "kind": "open"})).await;
        let opportunity = json!({"name": "x", "pipeline_id": pipeline, "stage_id": stage});
        let gone = if number % 2 == 0 {
            format!("/v1/pipelines/{pipeline}/stages/{stage}")
        } else {
            format!("/v1/pipelines/{pipeline}")
        };
        let statuses = at_once(vec![admin.delete(&gone), admin.post("/v1/opportunities", opportunity)]).await;
        assert!(matches!(statuses[..], [204, 400..=499] | [409, 201]), "{statuses:?}");
    }
    // A pipeline without stages has a funnel without any.
    let bare = admin.create("pipelines", json!({"name": "Bare"})).await;
    admin.get(&format!("/v1/reports/sales-funnel?pipeline_id={bare}")).await.ok(200);
}

/// Many who put a record under the same key at once make one of it, and change it.
pub async fn puts_under_one_key_make_one_record(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for key in 0..12 {
        let path = format!("/v1/customers/ext:erp:{key}");
        let puts = (0..8).map(|number| {
            let request = admin.put(&path, json!({"name": format!("Acme {key}"), "employee_count": number + 1}));
            tokio::spawn(async move { request.await.status })
        });
        let mut statuses = Vec::new();
        for put in puts.collect::<Vec<_>>() {
            statuses.push(put.await.unwrap());
        }
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 201)), "{statuses:?}");
        assert_eq!(admin.get(&path).await.ok(200)["version"], 8);
    }
    assert_eq!(admin.list("/v1/customers", "id").await.len(), 12);
}

/// The times of a record rise with its versions, in whatever order requests arrive.
pub async fn times_of_a_record_rise(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pipeline = admin.create("pipelines", json!({"name": "P"})).await;
    let mut stages = Vec::new();
    for name in ["A", "B", "C"] {
        stages.push(admin.create(&format!("pipelines/{pipeline}/stages"), json!({"name": name, "kind": "open"})).await);
    }
    let sale = json!({"name": "x", "pipeline_id": pipeline, "stage_id": stages[0]});
    let path = format!("/v1/opportunities/{}", admin.create("opportunities", sale).await);
    let lines = (0..16).map(|number| {
        let line = json!({"name": "y", "quantity": 1, "unit_price": {"amount": number, "currency": "CNY"}});
        let (line, moved) = (
            admin.post(&format!("{path}/line-items"), line),
            admin.patch(&path, json!({"stage_id": stages[number % 3], "probability": number})),
        );
        tokio::spawn(async move {
            line.await.ok(201);
            moved.await.ok(200);
        })
    });
    for line in lines.collect::<Vec<_>>() {
        line.await.unwrap();
    }
    let mut times = Vec::new();
    for (member, minimum) in [("history", 20), ("ledger", 2)] {
        let times_of = admin.list(&format!("{path}/{member}?limit=200"), "at").await;
        assert!(times_of.len() > minimum, "{member}: {times_of:?}");
        assert!(times_of.is_sorted_by(|later, earlier| later > earlier), "{member}: {times_of:?}");
        times = if times.is_empty() { times_of } else { times };
    }
    assert_eq!(admin.get(&path).await.ok(200)["updated_at"], times[0]);
}

/// Rows of an import that others create meanwhile are changed, not lost.
pub async fn an_import_meets_others_under_its_keys(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let rows: String = (0..150).map(|number| format!("{number},Acme {number}\n")).collect();
    let mapping = json!({"columns": [{"column": "key", "field": "external_ids.erp"}]});
    let body = json!({"object": "customers", "content": format!("key,name\n{rows}"), "mapping": mapping, "match_by": "ext:erp"});
    let path = format!("/v1/imports/{}", admin.create("imports", body).await);
    for number in 0..150 {
        let name = json!({"name": format!("Acme {number}"), "employee_count": 1});
        let status = admin.put(&format!("/v1/customers/ext:erp:{number}"), name).await.status;
        assert!(matches!(status, 200 | 201), "{status}");
    }
    let ended = async || admin.get(&path).await.ok(200)["status"] == "done";
    eventually(ended).await;
    let import = admin.get(&path).await.ok(200);
    assert_eq!((&import["rows_done"], &import["failed_count"]), (&json!(150), &json!(0)), "{import}");
    assert_eq!(admin.get("/v1/customers?total=true&limit=1").await.ok(200)["page"]["total"], 150);
}
