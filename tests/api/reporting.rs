//! Summaries, forecasts and the funnel: each figure is what its own list counts.

use farley_domain::{
    entity::Entity, field::FieldType, id::Id, object::Shape, predicate::Predicate, registry, sales::opportunity::Opportunity,
    time::Timestamp,
};
use farley_persistence::{Change, Origin, StoreError, TenantKey};
use serde_json::{Value, json};

use crate::{client::Client, server::Server, support::TestDb};

fn yuan(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

/// Sales of another system: name, month of 2017 in which it began, the stages it was in (0 to 3 open, 4 won, 5 lost), amount.
const SALES: &[(&str, u32, &[usize], i64)] = &[
    ("A", 1, &[0, 1, 2, 4], 100),
    ("B", 1, &[0, 1, 5], 200),
    ("C", 2, &[0, 2, 3, 4], 400),
    ("D", 2, &[0], 800),
    ("E", 3, &[1, 0, 1], 1_600),
    ("F", 3, &[0, 1, 2, 5], 3_200),
];

/// The default pipeline with these sales in it; each stage lasts ten days.
async fn sales(client: &Client) -> (String, Vec<String>) {
    let pipelines = client.get("/v1/pipelines?is_default=true").await.ok(200);
    let pipeline = pipelines["data"][0]["id"].as_str().expect("a pipeline").to_owned();
    let stages = client.list(&format!("/v1/pipelines/{pipeline}/stages?sort=sort_order"), "id").await;
    for (name, month, path, amount) in SALES {
        let time = |place: usize| format!("2017-{:02}-{:02}T04:00:00Z", *month as usize + place / 3, 1 + 10 * (place % 3));
        let history = path.iter().enumerate().filter(|(_, stage)| **stage < 4);
        let history: Vec<Value> =
            history.map(|(place, stage)| json!({"stage_id": stages[*stage], "entered_at": time(place)})).collect();
        let last = path[path.len() - 1];
        let mut body = json!({
            "name": name, "stage_id": stages[last], "amount": yuan(*amount), "opened_at": time(0),
            "stage_history": history, "source": if *amount > 300 { "web" } else { "fair" },
        });
        if last >= 4 {
            body["closed_at"] = json!(time(path.len() - 1));
            body["close_reason"] = json!("price");
        }
        client.create("opportunities", body).await;
    }
    (pipeline, stages)
}

/// The records that a figure's filter lists are as many as the figure says, and worth as much.
async fn is_listed(client: &Client, figure: &Value) {
    let list =
        client.post("/v1/opportunities/search", json!({"filter": figure["filter"], "total": true, "limit": 200})).await.ok(200);
    assert_eq!(list["page"]["total"], figure["count"], "{figure}");
    let sum: i64 = list["data"].as_array().unwrap().iter().filter_map(|one| one["amount"]["amount"].as_i64()).sum();
    assert_eq!(
        figure["amounts"].as_array().unwrap().iter().filter_map(|one| one["amount"].as_i64()).sum::<i64>(),
        sum,
        "{figure}"
    );
}

pub async fn the_funnel_counts_a_cohort(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = sales(&admin).await;
    let funnel = admin.get("/v1/reports/sales-funnel").await.ok(200);
    assert_eq!((&funnel["pipeline_id"], &funnel["basis"]), (&json!(pipeline), &json!("cohort")));
    let all = &funnel["slices"][0];
    assert_eq!((&all["all"]["count"], &all["won"]["count"], &all["lost"]["count"]), (&json!(6), &json!(2), &json!(2)));
    assert_eq!((&all["win_rate"], &all["won"]["amounts"]), (&json!(0.5), &json!([yuan(500)])));
    // A took a month and C took a month of 28 days.
    let cycle = f64::from(31 + 28) / 2.0 * 86_400.0;
    assert_eq!(all["mean_cycle_seconds"], json!(cycle));
    let velocity = (6.0 * 0.5 * 250.0 / (cycle / 86_400.0)).round();
    assert_eq!(all["velocity"][0]["amount"].as_f64(), Some(velocity));
    let columns =
        |name: &str| -> Vec<Value> { all["stages"].as_array().unwrap().iter().map(|stage| stage[name].clone()).collect() };
    let counts = |name: &str| -> Vec<i64> { columns(name).iter().map(|figure| figure["count"].as_i64().unwrap()).collect() };
    assert_eq!(columns("id"), stages.iter().map(|stage| json!(stage)).collect::<Vec<_>>());
    assert_eq!(counts("entered"), [6, 4, 3, 1, 2, 2]);
    assert_eq!(counts("reached_next"), [5, 2, 2, 1, 0, 0]);
    assert_eq!(counts("won"), [2, 1, 2, 1, 2, 0]);
    assert_eq!(counts("current"), [1, 1, 0, 0, 2, 2]);
    assert_eq!(columns("conversion_to_next")[1], json!(0.5));
    assert_eq!(columns("conversion_to_won")[0], json!(2.0 / 6.0));
    assert_eq!(columns("conversion_to_next")[4], Value::Null);
    // From the second stage: A and F went on, B was lost, E went back once.
    let left: Vec<(Value, i64)> = all["stages"][1]["left_to"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["stage_id"].clone(), one["count"].as_i64().unwrap()))
        .collect();
    assert_eq!(left, [(json!(stages[0]), 1), (json!(stages[2]), 2), (json!(stages[5]), 1)]);
    let ten_days = 864_000.0;
    assert_eq!(columns("median_seconds")[1], json!(ten_days));
    assert!(columns("mean_seconds")[4].is_null());
    for stage in all["stages"].as_array().unwrap() {
        for figure in ["current", "entered", "reached_next", "won"] {
            is_listed(&admin, &stage[figure]).await;
        }
    }
    for figure in ["all", "won", "lost"] {
        is_listed(&admin, &all[figure]).await;
    }
    // A cohort of two months, sliced, and filtered; days are those of the tenant's zone.
    let funnel = admin.get("/v1/reports/sales-funnel?from=2017-01-01&to=2017-03-01&slice=source&amount_lt=800").await.ok(200);
    let slices: Vec<(Value, Value)> = funnel["slices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slice| (slice["value"].clone(), slice["all"]["count"].clone()))
        .collect();
    assert_eq!(slices, [(json!("fair"), json!(2)), (json!("web"), json!(1))]);
    for slice in funnel["slices"].as_array().unwrap() {
        is_listed(&admin, &slice["all"]).await;
        is_listed(&admin, &slice["stages"][2]["entered"]).await;
    }
    let related = admin.get("/v1/reports/sales-funnel?slice=owner.name&from=2017-02-01&to=2017-02-28").await.ok(200);
    assert_eq!((&related["slices"][0]["value"], &related["slices"][0]["all"]["count"]), (&json!("Administrator"), &json!(2)));
    // Nothing is zero, not an error.
    let nothing = admin.get("/v1/reports/sales-funnel?from=2016-01-01&to=2016-02-01").await.ok(200);
    assert_eq!((&nothing["slices"][0]["all"]["count"], &nothing["slices"][0]["win_rate"]), (&json!(0), &Value::Null));
    let faults = admin.get("/v1/reports/sales-funnel?basis=x&from=then&slice=amount&pipeline_id=1&sort=name").await.faults(400);
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.0.as_str()).collect();
    assert_eq!(pointers, ["basis", "from", "pipeline_id", "slice", "sort"]);
}

pub async fn the_funnel_shows_a_snapshot(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    sales(&admin).await;
    let counts = |funnel: &Value| -> Vec<i64> {
        funnel["slices"][0]["stages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stage| stage["current"]["count"].as_i64().unwrap())
            .collect()
    };
    let now = admin.get("/v1/reports/sales-funnel?basis=snapshot").await.ok(200);
    assert_eq!(counts(&now), [1, 1, 0, 0, 2, 2]);
    assert_eq!(now["slices"][0]["stages"][0]["entered"], Value::Null);
    let then = admin.get("/v1/reports/sales-funnel?basis=snapshot&as_of=2017-02-15T00:00:00Z").await.ok(200);
    // A is won, B lost; C has been in the third stage since the 11th; D has just begun.
    assert_eq!(counts(&then), [1, 0, 1, 0, 1, 1]);
    let third = &then["slices"][0]["stages"][2]["current"];
    let listed = json!({"filter": third["filter"], "as_of": "2017-02-15T00:00:00Z"});
    assert_eq!(admin.post("/v1/opportunities/search", listed).await.each("name"), ["C"]);
    assert_eq!(admin.get("/v1/reports/sales-funnel?as_of=-1d").await.faults(400)[0].0, "as_of");
    // Who sees no opportunity counts none; who sees the team's counts those.
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    let own = seller.get("/v1/reports/sales-funnel?basis=snapshot").await.ok(200);
    assert_eq!(own["slices"][0]["all"]["count"], 0);
}

pub async fn forecasts_stand_beside_quotas(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = admin.create("teams", json!({"name": "East"})).await;
    let shanghai = admin.create("teams", json!({"name": "Shanghai", "parent_id": east})).await;
    let li = server.user(&admin, "Li Wei", "sales_representative", json!({"team_id": shanghai})).await;
    let boss = server.user(&admin, "Zhang Min", "sales_manager", json!({"team_id": east})).await;
    let stages = admin.get("/v1/pipelines?expand=stages").await.ok(200)["data"][0]["stages"].clone();
    let stage = |kind: &str| stages.as_array().unwrap().iter().find(|stage| stage["kind"] == kind).unwrap()["id"].clone();
    let open = json!({"expected_close_on": "2026-11-30", "probability": 50});
    let sale = |more: Value, amount: i64| {
        let mut body = json!({"name": "x", "owner_id": li.id, "team_id": shanghai, "amount": yuan(amount)});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (category, amount) in [("pipeline", 1_000), ("best_case", 200), ("commit", 30), ("omitted", 77_000)] {
        let mut body = sale(open.clone(), amount);
        body["forecast_category"] = json!(category);
        admin.create("opportunities", body).await;
    }
    let closed = |kind: &str, at: &str| json!({"stage_id": stage(kind), "closed_at": at, "opened_at": "2026-01-01T00:00:00Z", "close_reason": "x", "expected_close_on": "2026-11-30"});
    // In Shanghai it is October already, then still December.
    admin.create("opportunities", sale(closed("won", "2026-09-30T17:00:00Z"), 4)).await;
    admin.create("opportunities", sale(closed("won", "2026-09-30T15:00:00Z"), 50_000)).await;
    admin.create("opportunities", sale(closed("lost", "2026-10-30T17:00:00Z"), 60_000)).await;
    let own = json!({"name": "y", "owner_id": boss.id, "team_id": east, "amount": {"amount": 9, "currency": "USD"}, "expected_close_on": "2026-10-01"});
    admin.create("opportunities", own).await;
    let quota = json!({"user_id": li.id, "period": "2026-Q4", "amount": yuan(8)});
    let made = boss.post("/v1/quotas", quota.clone()).await.ok(201);
    assert_eq!(
        (&made["team_id"], &made["starts_on"], &made["ends_on"]),
        (&json!(shanghai), &json!("2026-10-01"), &json!("2026-12-31"))
    );
    boss.post("/v1/quotas", quota.clone()).await.refused(409, "duplicate");
    let faults = boss.post("/v1/quotas", json!({"user_id": li.id, "period": "2027-Q1", "amount": yuan(-5)})).await.faults(422);
    assert_eq!(faults, [("/amount/amount".to_owned(), "too_small".to_owned())]);
    li.post("/v1/quotas", quota).await.refused(403, "forbidden");
    assert_eq!(
        admin.post("/v1/quotas", json!({"period": "2026-W03", "amount": yuan(1)})).await.faults(422)[0].1,
        "invalid_period"
    );
    boss.post("/v1/quotas", json!({"period": "2026-Q4", "amount": yuan(1)})).await.refused(403, "forbidden");
    boss.create("quotas", json!({"team_id": shanghai, "period": "2026-Q4", "amount": yuan(10)})).await;
    for amount in [25, 28] {
        boss.create(
            "forecast-overrides",
            json!({"user_id": li.id, "period": "2026-Q4", "category": "commit", "amount": yuan(amount), "comment": "two slip"}),
        )
        .await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let forecast = boss.get(&format!("/v1/forecasts?period=2026-Q4&team_id={east}")).await.ok(200);
    let rows = forecast["data"].as_array().unwrap();
    let told: Vec<(&str, &str, &str)> = rows
        .iter()
        .map(|row| (row["kind"].as_str().unwrap(), row["name"].as_str().unwrap_or_default(), row["currency"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("team", "East", "CNY"), ("team", "East", "USD"), ("team", "Shanghai", "CNY"), ("user", "Zhang Min", "USD")]
    );
    let figures = json!({"pipeline": 1_000, "best_case": 200, "commit": 30, "closed": 4, "weighted": 619});
    assert_eq!((&rows[0]["computed"], &rows[2]["computed"]), (&figures, &figures));
    assert_eq!((&rows[2]["quota"], &rows[2]["attainment"], &rows[0]["quota"]), (&json!(10), &json!(0.4), &Value::Null));
    let mine = li.get(&format!("/v1/forecasts?period=2026-Q4&user_id={}", li.id)).await.ok(200);
    let row = &mine["data"][0];
    assert_eq!((&row["computed"], &row["quota"], &row["attainment"]), (&figures, &json!(8), &json!(0.5)));
    assert_eq!((&row["overrides"]["commit"]["amount"], &row["overrides"]["commit"]["by"]), (&json!(28), &json!(boss.id)));
    assert!(row["overrides"]["closed"].is_null());
    for part in ["pipeline", "best_case", "commit", "closed"] {
        let list = li.get(row["lists"][part].as_str().unwrap()).await.ok(200);
        let sum: i64 = list["data"].as_array().unwrap().iter().map(|one| one["amount"]["amount"].as_i64().unwrap()).sum();
        assert_eq!(json!(sum), row["computed"][part], "{part}");
    }
    // What was thought before the last changes.
    let then = admin.get("/v1/opportunities?sort=-updated_at&limit=1").await.ok(200)["data"][0]["updated_at"]
        .as_str()
        .unwrap()
        .to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let commit = admin.list("/v1/opportunities?forecast_category=commit", "id").await;
    admin.patch(&format!("/v1/opportunities/{}", commit[0]), json!({"amount": yuan(5_000)})).await.ok(200);
    let now = li.get(&format!("/v1/forecasts?period=2026-Q4&user_id={}", li.id)).await.ok(200);
    assert_eq!(now["data"][0]["computed"]["commit"], 5_000);
    let past = li.get(&format!("/v1/forecasts?period=2026-Q4&user_id={}&as_of={then}", li.id)).await.ok(200);
    assert_eq!((&past["data"][0]["computed"]["commit"], &past["data"][0]["computed"]["closed"]), (&json!(30), &json!(4)));
    assert!(past["data"][0]["overrides"]["commit"].is_null(), "made later");
    let faults = admin.get("/v1/forecasts?period=2026-W4&as_of=x&user_id=1").await.faults(400);
    assert_eq!(faults.len(), 3, "{faults:?}");
    let month = admin.get("/v1/forecasts?period=2026-11").await.ok(200);
    assert_eq!((&month["data"][0]["kind"], &month["data"][0]["computed"]["commit"]), (&json!("all"), &json!(5_000)));
}

pub async fn summaries_count_and_add_up(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    sales(&admin).await;
    admin.create("opportunities", json!({"name": "G", "amount": {"amount": 7, "currency": "USD"}})).await;
    let path = "/v1/opportunities/summary?group_by=status&sum=amount,probability";
    let summary = admin.get(path).await.ok(200);
    let groups = summary["data"].as_array().unwrap();
    let told: Vec<(&Value, &Value, &Value)> =
        groups.iter().map(|group| (&group["group"]["status"], &group["count"], &group["sums"]["amount"])).collect();
    assert_eq!(told[0], (&json!("lost"), &json!(2), &json!([yuan(3_400)])));
    assert_eq!(told[1], (&json!("open"), &json!(3), &json!([yuan(2_400), {"amount": 7, "currency": "USD"}])));
    assert_eq!(groups[2]["sums"]["probability"], 200);
    admin.create("opportunities", json!({"name": "H"})).await;
    for path in [
        path,
        "/v1/opportunities/summary?group_by=amount.currency",
        "/v1/opportunities/summary?group_by=closed_at.quarter,owner.name",
        "/v1/opportunities/summary?group_by=opened_at.month&opened_at_gte=2017-01-15T00:00:00Z&opened_at_lt=2017-03-11T00:00:00Z",
        "/v1/opportunities/summary?group_by=source&q=A",
        "/v1/opportunities/summary?group_by=amount.currency,stage.name",
        "/v1/opportunities/summary?as_of=2017-02-15T00:00:00Z&group_by=stage_id",
        "/v1/customers/summary",
    ] {
        let summary = admin.get(path).await.ok(200);
        assert!(!summary["data"].as_array().unwrap().is_empty(), "{path}");
        for group in summary["data"].as_array().unwrap() {
            let list = group["list"].as_str().unwrap();
            let list = format!("{list}{}total=true", if list.contains('?') { "&" } else { "?" });
            assert_eq!(admin.get(&list).await.ok(200)["page"]["total"], group["count"], "{path}: {list}");
        }
    }
    // Whatever an object is grouped by, each group tells where its records are.
    let customer = admin.create("customers", json!({"name": "A & B, C=D", "annual_revenue": yuan(5), "region": "华东"})).await;
    admin.create("customers", json!({"name": "Plain"})).await;
    admin.create("contacts", json!({"name": "李伟", "customer_id": customer})).await;
    admin.create("leads", json!({"name": "L", "budget_min": yuan(1)})).await;
    admin.create("products", json!({"name": "P", "list_price": yuan(3)})).await;
    admin.create("products", json!({"name": "Q"})).await;
    admin.create("campaigns", json!({"name": "K", "budget": yuan(4)})).await;
    admin.create("activities", json!({"kind": "call", "subject": "s", "customer_id": customer})).await;
    let mut followed = 0;
    for object in registry::objects().into_iter().filter(|object| object.parent.is_none()) {
        for field in object.fields.iter().filter(|field| field.filterable && field.kind.is_scalar()) {
            let name = match field.kind {
                FieldType::Date | FieldType::DateTime => format!("{}.month", field.name),
                FieldType::Money => format!("{}.currency", field.name),
                _ => field.name.to_string(),
            };
            let path = format!("/v1/{}/summary?group_by={name}", object.collection);
            let answer = admin.get(&path).await;
            if [400, 404].contains(&answer.status) {
                continue;
            }
            for group in answer.ok(200)["data"].as_array().unwrap() {
                let list = format!("{}&total=true", group["list"].as_str().unwrap());
                assert_eq!(admin.get(&list).await.ok(200)["page"]["total"], group["count"], "{path}: {list}");
                followed += 1;
            }
        }
    }
    assert!(followed > 200, "{followed}");
    let quarters = admin.get("/v1/opportunities/summary?group_by=closed_at.quarter").await.ok(200);
    let names: Vec<&Value> =
        quarters["data"].as_array().unwrap().iter().map(|group| &group["group"]["closed_at.quarter"]).collect();
    assert_eq!(names, [&json!("2017-Q1"), &json!("2017-Q2"), &Value::Null]);
    let faults = admin
        .get("/v1/opportunities/summary?group_by=created_at,stat,line_items.name,name.month&sum=name&limit=3")
        .await
        .faults(400);
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.0.as_str()).collect();
    assert_eq!(pointers, ["group_by", "group_by", "group_by", "group_by", "sum", "limit"]);
    // Only what one may see is counted, and hidden fields are no way to it.
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    assert_eq!(seller.get("/v1/opportunities/summary").await.ok(200)["data"][0]["count"], 0);
}

/// However large the amounts are, they are added up or it is said that they cannot be; also those from before there was a limit.
pub async fn sums_are_never_too_large(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = sales(&admin).await;
    let most = 999_999_999_999_999_i64;
    let mut ids = Vec::new();
    for name in ["X", "Y"] {
        let body = json!({"name": name, "amount": yuan(most), "probability": 50, "expected_close_on": "2026-11-30", "stage_id": stages[1]});
        ids.push(admin.create("opportunities", body).await);
    }
    admin.create("opportunities", json!({"name": "Z", "stage_id": stages[1]})).await;
    let paths = [
        "/v1/opportunities/summary?sum=amount&amount.currency=CNY&name_in=X,Y".to_owned(),
        "/v1/forecasts?period=2026-Q4".to_owned(),
        "/v1/reports/sales-funnel?name_in=X,Y".to_owned(),
        "/v1/reports/sales-funnel?basis=snapshot&name_in=X,Y".to_owned(),
        format!("/v1/pipelines/{pipeline}/board?name_in=X,Y,Z"),
    ];
    let sums = [
        "/data/0/sums/amount/0/amount",
        "/data/0/computed/pipeline",
        "/slices/0/all/amounts/0/amount",
        "/slices/0/all/amounts/0/amount",
        "/stages/1/totals/0/amount",
    ];
    for (path, sum) in paths.iter().zip(sums) {
        assert_eq!(admin.get(path).await.ok(200).pointer(sum), Some(&json!(2 * most)), "{path}");
    }
    assert_eq!(admin.get(&paths[1]).await.ok(200)["data"][0]["computed"]["weighted"], most);
    let board = admin.get(&paths[4]).await.ok(200);
    let currencies: Vec<&Value> =
        board["stages"][1]["totals"].as_array().unwrap().iter().map(|total| &total["currency"]).collect();
    assert_eq!(currencies, [&json!("CNY"), &Value::Null]);
    assert_eq!(board["stages"][1]["totals"][0]["weighted"], most);

    let before_the_limit = 9_000_000_000_000_000_001_i64;
    let nobody = TenantKey { id: Id::NIL, number: 0 };
    let reading = server.app.store.read::<_, StoreError>(nobody, |reader| reader.tenants()).await.expect("tenants");
    let tenant = TenantKey { id: reading[0].id, number: reading[0].number };
    let enlarge = async |id: &str| {
        let id: Id = id.parse().expect("an id");
        let origin = Origin::system(Timestamp::parse("2030-01-01T00:00:00Z").expect("a time"));
        let written = server.app.store.write::<_, StoreError>(tenant, origin, move |work| {
            let shape = Shape { object: Opportunity::object(), custom: [].into() };
            let loaded =
                work.load(&shape, &farley::access::unrestricted::Unrestricted, id, &Predicate::all())?.expect("it is there");
            let mut record = loaded.record.clone();
            record.set("amount", yuan(before_the_limit));
            work.update(&shape, &loaded, &mut record, &Change::new("updated")).map(drop)
        });
        written.await.expect("it is written");
    };
    enlarge(&ids[0]).await;
    let board = admin.get(&format!("/v1/pipelines/{pipeline}/board?name=X")).await.ok(200);
    let total = &board["stages"][1]["totals"][0];
    assert_eq!((&total["amount"], &total["weighted"]), (&json!(before_the_limit), &json!(before_the_limit / 2 + 1)));
    enlarge(&ids[1]).await;
    for path in &paths {
        admin.get(path).await.refused(422, "sum_too_large");
    }
}

/// What a role hides is told by no sum, and what cannot be listed by parameters has no list.
pub async fn sums_keep_what_is_hidden(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, _) = sales(&admin).await;
    let rules = json!([{"object": "opportunity", "field": "amount", "rule": "hidden"}]);
    let clerk = server.user_who_may(&admin, "clerk", &["opportunity read all", "pipeline read all"], rules, json!({})).await;
    let board = clerk.get(&format!("/v1/pipelines/{pipeline}/board")).await.ok(200);
    assert_eq!((&board["stages"][0]["count"], &board["stages"][0]["totals"]), (&json!(1), &json!([])));
    let funnel = clerk.get("/v1/reports/sales-funnel").await.ok(200);
    assert_eq!((&funnel["slices"][0]["won"]["count"], &funnel["slices"][0]["won"]["amounts"]), (&json!(2), &json!([])));
    clerk.get("/v1/forecasts?period=2017-Q1").await.refused(403, "forbidden");
    assert_eq!(clerk.get("/v1/opportunities/summary?sum=amount").await.faults(400)[0].1, "unknown_choice");
    for parameter in ["sort=name", "cursor=x", "fields=id", "expand=owner"] {
        let faults = admin.get(&format!("/v1/pipelines/{pipeline}/board?{parameter}")).await.faults(400);
        assert_eq!(faults[0].1, "unknown_parameter", "{parameter}");
    }
    // Without a customer there is no industry, nor a parameter that says so; a filter can.
    let summary = admin.get("/v1/opportunities/summary?group_by=customer.industry").await.ok(200);
    assert_eq!((&summary["data"][0]["count"], &summary["data"][0]["list"]), (&json!(6), &Value::Null));
    let funnel = admin.get("/v1/reports/sales-funnel?slice=customer.industry").await.ok(200);
    is_listed(&admin, &funnel["slices"][0]["all"]).await;
}
